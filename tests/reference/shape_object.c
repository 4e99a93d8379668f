/* SPDX-License-Identifier: BSD-2-Clause */
/* Arguments of the calls on objects. */
#include "draw.h"

enum { LARGE = CAVERN_BLOCK_2M }; /* more than a step of any call does */

/* --- objects --- */

void shape_queue_create(struct operation *o)
{
    o->x[0] = handle(o->actor, CAVERN_TYPE_ACCOUNT);
    o->x[3] = constant(one_in(20) ? below(200) : 64u << below(2));
    o->x[4] = constant(one_in(10) ? 0 : below(12));
    if (one_in(30)) { /* a long call, and binding it is another */
        o->x[3] = constant(64u << below(11));
        o->x[4] = constant(below(CAVERN_QUEUE_SLOTS_MAX + 2));
    }
    o->out[0] = fresh_variable(o->actor);
}

/* Where a queue of the smallest kind would be mapped next in the process, if nothing were in its way. */
static uint64_t next_place(const struct ref_process *process)
{
    struct ref_random draws = ref.draws;
    uint64_t place = ref_draw_place(process, 3 * CAVERN_PAGE_SIZE);
    ref.draws = draws;
    return place;
}

void shape_queue_bind(struct operation *o)
{
    o->x[0] = handle(o->actor, CAVERN_TYPE_QUEUE);
    o->x[2] = one_in(3) ? constant(0) : handle(o->actor, CAVERN_TYPE_PROCESS);
    const struct ref_object *to = object_of(o->actor, &o->x[2]);
    if (!to || to->type != CAVERN_TYPE_PROCESS || below(4))
        return;
    struct operation map = {.action = ACTION_CALL, .call = CAVERN_CALL_MAP, .actor = o->actor, .thread = o->thread};
    map.target = ACTORS;
    map.x[0] = o->x[2];
    map.x[2] = handle(o->actor, CAVERN_TYPE_BUFFER);
    map.x[4] = constant(CAVERN_PAGE_SIZE);
    map.x[5] = constant(next_place((const struct ref_process *)to) + (below(5) - UINT64_C(1)) * CAVERN_PAGE_SIZE);
    map.x[6] = constant(CAVERN_PROT_READ);
    prepare(&map);
}

void shape_mint(struct operation *o)
{
    o->x[0] = handle(o->actor, one_in(3) ? CAVERN_TYPE_SENDER : CAVERN_TYPE_QUEUE);
    o->x[2] = constant(0x1ab0000 + below(1000));
    o->x[3] = constant((one_in(30) ? 0 : 1 + below(10)) | (uint64_t)below(6) << 32);
    o->x[4] = handle(o->actor, CAVERN_TYPE_ACCOUNT);
    o->x[5] = constant(below(2));
    o->out[0] = fresh_variable(o->actor);
}

void shape_give(struct operation *o)
{
    o->x[0] = handle(o->actor, CAVERN_TYPE_PROCESS);
    unsigned index = some_entry(o->actor, one_in(2) ? CAVERN_TYPE_SENDER : CAVERN_TYPE_NONE);
    const struct ref_entry *entry = &actors[o->actor].process->table->entries[index];
    o->x[2] = index ? known(o->actor, entry->generation << CAVERN_HANDLE_INDEX_BITS | index)
                    : constant(CAVERN_SELF_PROCESS + below(3));
    o->x[3] = constant(one_in(3) ? entry->rights & below(0x10000) : entry->rights);
    const struct ref_object *to = object_of(o->actor, &o->x[0]);
    unsigned target = to && to->type == CAVERN_TYPE_PROCESS ? actor_of((const struct ref_process *)to) : ACTORS;
    o->out[0] = target < ACTORS ? fresh_variable(target) : 0;
    if (one_in(10))
        o->x[4] = constant((uint64_t)(1 + below(4)) << CAVERN_HANDLE_INDEX_BITS | below(one_in(4) ? 600 : 40));
}

void shape_close(struct operation *o)
{
    o->x[0] = handle(o->actor, one_in(2) ? CAVERN_TYPE_NONE : CAVERN_TYPE_SENDER);
}

void shape_notify(struct operation *o)
{
    static const uint8_t sources[] = {CAVERN_TYPE_PROCESS, CAVERN_TYPE_THREAD, CAVERN_TYPE_SIGNAL,
                                      CAVERN_TYPE_INTERRUPT, CAVERN_TYPE_MACHINE};
    o->x[0] = handle(o->actor, (enum cavern_type)sources[below(sizeof sources)]);
    if (o->call == CAVERN_CALL_ACKNOWLEDGE)
        return;
    o->x[2] = constant(0x20000 + below(1000));
    o->x[3] = one_in(8) ? constant(0) : handle(o->actor, CAVERN_TYPE_QUEUE);
    o->x[4] = constant(one_in(30) ? 2 : one_in(3));
}

void shape_signal(struct operation *o)
{
    bool create = o->call == CAVERN_CALL_SIGNAL_CREATE;
    o->x[0] = handle(o->actor, create ? CAVERN_TYPE_ACCOUNT : CAVERN_TYPE_SIGNAL);
    o->out[0] = create ? fresh_variable(o->actor) : 0;
}

void shape_derive(struct operation *o)
{
    o->x[0] = handle(o->actor, CAVERN_TYPE_INTERRUPT);
    o->x[3] = constant(one_in(30) ? below(300) : 32 + below(6));
    o->x[4] = constant(one_in(30) ? below(3) : 1);
    o->x[5] = constant(below(2));
    o->x[6] = handle(o->actor, CAVERN_TYPE_ACCOUNT);
    o->out[0] = fresh_variable(o->actor);
}

void shape_buffer(struct operation *o)
{
    bool create = o->call == CAVERN_CALL_BUFFER_CREATE;
    o->x[0] = handle(o->actor, create ? CAVERN_TYPE_ACCOUNT : CAVERN_TYPE_BUFFER);
    if (!create)
        return;
    o->x[3] = constant(one_in(30) ? 0 : 1 + below(5 * CAVERN_PAGE_SIZE));
    if (one_in(30))
        o->x[3] = constant(LARGE - below(2) * below(100000));
    o->x[4] = constant(one_in(30) ? 2 : below(2));
    o->out[0] = fresh_variable(o->actor);
}

void shape_map(struct operation *o)
{
    static const uint8_t protections[] = {1, 1, 3, 3, 3, 5, 5, 7, 2, 0, 9};
    o->x[0] = handle(o->actor, CAVERN_TYPE_PROCESS);
    if (o->call == CAVERN_CALL_MAP) {
        o->x[2] = handle(o->actor, CAVERN_TYPE_BUFFER);
        o->x[3] = constant(below(3) * CAVERN_PAGE_SIZE);
        o->x[4] = constant((1 + below(3)) * CAVERN_PAGE_SIZE);
        const struct ref_object *of = object_of(o->actor, &o->x[2]);
        if (of && of->type == CAVERN_TYPE_BUFFER && ((const struct ref_buffer *)of)->size >= LARGE && one_in(2))
            o->x[4] = constant((1 + below(LARGE / CAVERN_PAGE_SIZE)) * CAVERN_PAGE_SIZE);
        o->x[5] = constant(one_in(2) ? 0 : CAVERN_USER_START + below(24) * CAVERN_PAGE_SIZE);
        o->x[6] = constant(protections[below(sizeof protections)]);
        o->out[0] = fresh_variable(o->actor);
        if (one_in(60)) { /* all that can be drawn: for devices only, and there is no place */
            o->x[3] = constant(UINT64_C(1) << 40);
            o->x[4] = constant(CAVERN_OWN_END);
            o->x[5] = constant(0);
        }
        return;
    }
    bool large = one_in(4); /* but never all of what holds the results of a submit */
    o->x[3] = !large && one_in(3) ? held(variable(o->actor, below(VARIABLES)), 0)
                                  : constant(CAVERN_USER_START + below(24) * CAVERN_PAGE_SIZE);
    o->x[4] = constant((1 + below(large ? LARGE / CAVERN_PAGE_SIZE : 6)) * CAVERN_PAGE_SIZE);
}

/* --- processes and threads --- */

void shape_end(struct operation *o)
{
    o->x[0] = o->actor && one_in(8) ? constant(CAVERN_SELF_PROCESS) : handle(o->actor, CAVERN_TYPE_PROCESS);
    if (!o->actor && o->x[0].plus == CAVERN_SELF_PROCESS)
        o->call = CAVERN_CALL_NOP; /* somebody must be left */
    o->x[3] = constant(below(100));
}

void shape_copy(struct operation *o)
{
    o->x[0] = handle(o->actor, CAVERN_TYPE_PROCESS);
    const struct ref_object *of = object_of(o->actor, &o->x[0]);
    unsigned target = of && of->type == CAVERN_TYPE_PROCESS ? actor_of((const struct ref_process *)of) : ACTORS;
    o->x[3] = held(variable(target < ACTORS ? target : o->actor, OWN_MEMORY), below(MEMORY));
    o->x[4] = held(variable(o->actor, OWN_MEMORY), below(MEMORY));
    o->x[5] = constant(one_in(3) ? below(9000) : below(200));
    o->x[6] = constant(one_in(30) ? 2 : below(2));
}

void shape_thread_create(struct operation *o)
{
    o->x[0] = handle(o->actor, CAVERN_TYPE_PROCESS);
    o->x[2] = constant(below(one_in(20) ? 34 : 32));
    o->x[6] = constant(below(100));
    o->x[9] = constant(one_in(20) ? 2 : below(2));
    const struct ref_object *to = object_of(o->actor, &o->x[0]);
    o->target = (uint8_t)(to && to->type == CAVERN_TYPE_PROCESS ? actor_of((const struct ref_process *)to) : ACTORS);
    o->slot = (uint8_t)below(THREADS);
    if (o->target < ACTORS && actors[o->target].threads[o->slot] &&
        actors[o->target].threads[o->slot]->state != CAVERN_THREAD_ENDED)
        o->target = ACTORS;
    if (o->target == ACTORS)
        o->call = CAVERN_CALL_NOP; /* nobody would make its calls */
    o->out[0] = fresh_variable(o->actor);
}

void shape_thread_control(struct operation *o)
{
    o->x[0] = handle(o->actor, one_in(2) ? CAVERN_TYPE_PROCESS : CAVERN_TYPE_THREAD);
    o->x[2] = constant(1 + below(3));
    o->x[3] = constant(one_in(30) ? below(8) : 2 + below(4));
    if (o->actor && one_in(6))
        o->x[3] = constant(CAVERN_THREAD_END | (uint64_t)one_in(3) << 40);
    o->x[4] = constant(below(32));
    o->x[5] = constant(one_in(20) ? 2 : 0);
}

void shape_inspect(struct operation *o)
{
    static const struct {
        uint8_t type, topic;
    } topics[] = {
        {CAVERN_TYPE_ACCOUNT, CAVERN_INSPECT_ACCOUNT}, {CAVERN_TYPE_ACCOUNT, CAVERN_INSPECT_PROCESSES},
        {CAVERN_TYPE_ACCOUNT, CAVERN_INSPECT_THREADS}, {CAVERN_TYPE_PROCESS, CAVERN_INSPECT_PROCESS},
        {CAVERN_TYPE_BUFFER, CAVERN_INSPECT_BUFFER},   {CAVERN_TYPE_DMA, CAVERN_INSPECT_DMA},
        {CAVERN_TYPE_MACHINE, CAVERN_INSPECT_CPUS},    {CAVERN_TYPE_MACHINE, CAVERN_INSPECT_INTERRUPTS},
    };
    unsigned which = below(sizeof topics / sizeof topics[0]);
    o->x[0] = handle(o->actor, (enum cavern_type)topics[which].type);
    o->x[2] = constant(one_in(30) ? below(11) : topics[which].topic);
    o->x[4] = held(variable(o->actor, OWN_MEMORY), below(BODY) / (one_in(30) ? 1 : 8) * 8);
    o->x[5] = constant(one_in(6) ? below(200) : 4096);
}

void shape_split(struct operation *o)
{
    o->x[0] = handle(o->actor, CAVERN_TYPE_ACCOUNT);
    o->x[2] = one_in(2) ? constant(0) : handle(o->actor, CAVERN_TYPE_ACCOUNT);
    o->x[3] = constant(one_in(5) ? -(uint64_t)below(20) * CAVERN_PAGE_SIZE : below(100) * CAVERN_PAGE_SIZE);
    o->x[4] = constant(one_in(10) ? below(34) : 31);
    o->out[0] = fresh_variable(o->actor);
}

void shape_account_end(struct operation *o)
{
    unsigned index = some_entry(o->actor, CAVERN_TYPE_ACCOUNT); /* its own is mostly refused */
    const struct ref_entry *entry = &actors[o->actor].process->table->entries[index];
    o->x[0] = index && below(8) ? known(o->actor, entry->generation << CAVERN_HANDLE_INDEX_BITS | index)
                                : handle(o->actor, CAVERN_TYPE_ACCOUNT);
    o->x[3] = constant(below(100));
}
