/* SPDX-License-Identifier: BSD-2-Clause */
/* Draws operations: mostly such as make sense where the reference stands now, some that do not. */
#include <string.h>

#include "draw.h"

static void shape_submit(struct operation *operation);

static const struct choice {
    uint8_t weight, call;
    void (*shape)(struct operation *operation);
} choices[] = {
    {14, CAVERN_CALL_SEND, shape_send},
    {12, CAVERN_CALL_REQUEST, shape_request},
    {9, CAVERN_CALL_CALL, shape_call},
    {6, CAVERN_CALL_RECEIVE, shape_receive},
    {12, CAVERN_CALL_REPLY, shape_reply},
    {6, CAVERN_CALL_REPLY_RECEIVE, shape_reply},
    {3, CAVERN_CALL_DROP, shape_queue},
    {4, CAVERN_CALL_CANCEL, shape_cancel},
    {5, CAVERN_CALL_SPACE, shape_space},
    {3, CAVERN_CALL_QUEUE_FREED, shape_queue},
    {6, CAVERN_CALL_LEASE_COPY, shape_lease_copy},
    {8, CAVERN_CALL_GRANT_ACCEPT, shape_grant_accept},
    {1, CAVERN_CALL_QUEUE_CREATE, shape_queue_create},
    {2, CAVERN_CALL_QUEUE_BIND, shape_queue_bind},
    {4, CAVERN_CALL_SENDER_MINT, shape_mint},
    {8, CAVERN_CALL_HANDLE_GIVE, shape_give},
    {5, CAVERN_CALL_HANDLE_CLOSE, shape_close},
    {5, CAVERN_CALL_NOTIFY, shape_notify},
    {5, CAVERN_CALL_ACKNOWLEDGE, shape_notify},
    {1, CAVERN_CALL_SIGNAL_CREATE, shape_signal},
    {5, CAVERN_CALL_SIGNAL_RAISE, shape_signal},
    {2, CAVERN_CALL_DERIVE, shape_derive},
    {2, CAVERN_CALL_BUFFER_CREATE, shape_buffer},
    {1, CAVERN_CALL_BUFFER_SEAL, shape_buffer},
    {3, CAVERN_CALL_MAP, shape_map},
    {2, CAVERN_CALL_UNMAP, shape_map},
    {3, CAVERN_CALL_PROCESS_COPY, shape_copy},
    {2, CAVERN_CALL_THREAD_CREATE, shape_thread_create},
    {3, CAVERN_CALL_THREAD_CONTROL, shape_thread_control},
    {1, CAVERN_CALL_PROCESS_END, shape_end},
    {1, CAVERN_CALL_ACCOUNT_SPLIT, shape_split},
    {1, CAVERN_CALL_ACCOUNT_END, shape_account_end},
    {3, CAVERN_CALL_THREAD_REGISTERS, shape_registers},
    {3, CAVERN_CALL_MACHINE, shape_machine},
    {2, CAVERN_CALL_DEVICE_IO, shape_device_io},
    {2, CAVERN_CALL_DERIVE, shape_derive_device},
    {1, CAVERN_CALL_DERIVE, shape_derive_dma},
    {2, CAVERN_CALL_DMA_MAP, shape_dma_map},
    {1, CAVERN_CALL_DMA_UNMAP, shape_dma_unmap},
    {4, CAVERN_CALL_SUBMIT, shape_submit},
    {2, CAVERN_CALL_INSPECT, shape_inspect},
};

enum { CHOICES = sizeof choices / sizeof choices[0] };

/* Each round prefers some calls and does without others; some owners hardly ever free: so more comes about than on
 * average. */
static unsigned weights[CHOICES], control_rate, free_rate;

void generate_mood(void)
{
    static const uint8_t factors[] = {0, 1, 2, 2, 2, 2, 4, 8};
    for (unsigned i = 0; i < CHOICES; i++)
        weights[i] = choices[i].weight * factors[below(sizeof factors)];
    weights[0] += 1;
    control_rate = 2 + below(8);
    free_rate = 2 + below(5);
}

/*
 * What a submit is made of here: nothing whose results others need, that may write where results stand, or whose effect
 * may be over before anybody can look.
 */
static bool is_submitted(enum cavern_call call)
{
    static const uint8_t left_out[] = {
        CAVERN_CALL_PROCESS_CREATE, CAVERN_CALL_THREAD_CREATE, CAVERN_CALL_QUEUE_CREATE,    CAVERN_CALL_SENDER_MINT,
        CAVERN_CALL_LEASE_COPY,     CAVERN_CALL_SPACE,         CAVERN_CALL_PROCESS_COPY,    CAVERN_CALL_INSPECT,
        CAVERN_CALL_SUBMIT,         CAVERN_CALL_MACHINE,       CAVERN_CALL_THREAD_REGISTERS};
    for (unsigned i = 0; i < sizeof left_out; i++) {
        if (call == left_out[i])
            return false;
    }
    return true;
}

static void shape_submit(struct operation *o)
{
    unsigned count = below(5);
    uint16_t memory = variable(o->actor, OWN_MEMORY);
    o->x[3] = held(memory, OPERATIONS);
    o->x[4] = constant(count);
    o->x[5] = constant(one_in(10) ? below(6) : 0);
    for (unsigned i = 0; i < count; i++) {
        struct operation part = {.actor = o->actor, .thread = o->thread};
        const struct choice *choice = &choices[below(CHOICES)];
        if (!is_submitted(choice->call))
            continue;
        part.call = choice->call;
        choice->shape(&part);
        part.x[1].plus |= (uint64_t)part.call << 16;
        for (unsigned half = 0; half < 2; half++) {
            struct operation store = {.action = ACTION_STORE, .actor = o->actor, .thread = o->thread};
            store.x[0] = held(memory, OPERATIONS + 128 * i + 64 * half);
            store.x[1] = constant(8);
            memcpy(&store.x[2], &part.x[8 * half], 8 * sizeof part.x[0]);
            prepare(&store);
        }
    }
}

static void draw_call(struct operation *o)
{
    unsigned sum = 0;
    for (unsigned i = 0; i < CHOICES; i++)
        sum += weights[i];
    unsigned drawn = below(sum), chosen = 0;
    while (drawn >= weights[chosen])
        drawn -= weights[chosen++];
    const struct choice *choice = &choices[chosen];
    o->action = ACTION_CALL;
    o->call = choice->call;
    o->target = ACTORS;
    o->interrupted = one_in(4);
    o->fail = one_in(12) ? FAIL_EVERYWHERE : one_in(20) ? (uint8_t)(1 + below(5)) : FAIL_NEVER;
    choice->shape(o);
}

static void draw_control(struct operation *o)
{
    o->x[0] = one_in(6) ? handle(o->actor, CAVERN_TYPE_QUEUE) : held(variable(o->actor, OWN_QUEUE), 0);
    if (o->actor && one_in(200)) {
        o->action = ACTION_LIE;
        o->x[1] = constant((uint64_t)below(5) - 2);
        o->x[2] = constant((uint64_t)below(5) - 2);
        return;
    }
    if (one_in(free_rate)) {
        o->action = ACTION_FREE;
        o->x[1] = constant(1 + below(8));
        return;
    }
    o->action = ACTION_TAKE;
    o->out[0] = fresh_variable(o->actor);
    o->out[1] = fresh_variable(o->actor);
}

static bool draw_actor(struct operation *o)
{
    for (unsigned tries = 0; tries < 20; tries++) {
        o->actor = (uint8_t)below(ACTORS);
        o->thread = (uint8_t)below(THREADS);
        const struct ref_thread *thread = actors[o->actor].threads[o->thread];
        if (thread && thread->state == CAVERN_THREAD_READY)
            return true;
    }
    return false;
}

static bool wants_process(unsigned actor)
{
    const struct ref_process *process = actors[actor].process;
    bool first = actors[0].threads[0] && actors[0].threads[0]->state == CAVERN_THREAD_READY;
    return actor && first && (!process || process->state == CAVERN_PROCESS_ZOMBIE);
}

void generate(struct operation *operation)
{
    unsigned actor = below(ACTORS);
    if (!prepared_operations() && wants_process(actor) && one_in(8))
        prepare_process(actor);
    if (!prepared_operations() && !variables[variable(0, OWN_CONTROL)])
        prepare_queue(0, constant(CAVERN_SELF_PROCESS));
    if (!prepared_operations()) {
        struct operation o = {0};
        if (one_in(25) || !draw_actor(&o)) {
            o.action = ACTION_LATER;
            o.x[0] = constant(below(300000));
        } else if (one_in(30)) {
            o.action = ACTION_LINE;
            o.x[0] = constant(32 + below(6));
        } else if (one_in(60)) {
            o.action = ACTION_FAULT;
            o.x[0] = constant(1 + below(8));
            o.x[1] = constant(below(1000));
            if (!o.actor)
                o.action = ACTION_FREE;
        } else if (one_in(control_rate)) {
            draw_control(&o);
        } else {
            draw_call(&o);
        }
        prepare(&o);
    }
    take_prepared(operation);
}
