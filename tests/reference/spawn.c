/* SPDX-License-Identifier: BSD-2-Clause */
/* A new process: what its parent does for it. */
#include "draw.h"

static struct operation parent_call(enum cavern_call call)
{
    struct operation o = {.action = ACTION_CALL, .call = (uint8_t)call, .target = ACTORS};
    return o;
}

static void prepare_memory(unsigned actor, struct term process)
{
    struct operation o = parent_call(CAVERN_CALL_BUFFER_CREATE);
    uint16_t buffer = fresh_variable(0);
    o.x[0] = held(variable(0, 0), 0);
    o.x[3] = constant(MEMORY);
    o.out[0] = buffer;
    prepare(&o);
    o = parent_call(CAVERN_CALL_MAP);
    o.x[0] = process;
    o.x[2] = held(buffer, 0);
    o.x[4] = constant(MEMORY);
    o.x[6] = constant(CAVERN_PROT_READ | CAVERN_PROT_WRITE);
    o.out[0] = variable(actor, OWN_MEMORY);
    prepare(&o);
    o = parent_call(CAVERN_CALL_HANDLE_GIVE);
    o.x[0] = process;
    o.x[2] = held(buffer, 0);
    o.x[3] = constant(ref_rights[CAVERN_TYPE_BUFFER]);
    o.out[0] = fresh_variable(actor);
    if (actor)
        prepare(&o);
}

void prepare_queue(unsigned actor, struct term process)
{
    uint16_t queue = fresh_variable(0);
    struct operation o = parent_call(CAVERN_CALL_QUEUE_CREATE);
    o.x[0] = held(variable(0, 0), 0);
    o.x[3] = constant(64);
    o.x[4] = constant(4 + below(6));
    o.out[0] = queue;
    prepare(&o);
    o = parent_call(CAVERN_CALL_QUEUE_BIND);
    o.x[0] = held(queue, 0);
    o.x[2] = process;
    o.out[0] = variable(actor, OWN_RING);
    o.out[1] = variable(actor, OWN_CONTROL);
    prepare(&o);
    o = parent_call(CAVERN_CALL_HANDLE_GIVE);
    o.x[0] = process;
    o.x[2] = held(queue, 0);
    o.x[3] = constant(ref_rights[CAVERN_TYPE_QUEUE]);
    o.out[0] = variable(actor, OWN_QUEUE);
    prepare(&o);
}

/* Handles to what others need of it: its process, and senders to its queue. */
static void prepare_friends(unsigned actor, struct term process)
{
    for (unsigned other = 1; other < ACTORS; other++) {
        const struct ref_process *peer = actors[other].process;
        if (other == actor || !peer || peer->state != CAVERN_PROCESS_RUNNING || one_in(3))
            continue;
        struct operation o = parent_call(CAVERN_CALL_HANDLE_GIVE);
        o.x[0] = held(variable(other, OWN_PROCESS), 0);
        o.x[2] = process;
        o.x[3] = constant(ref_rights[CAVERN_TYPE_PROCESS]);
        o.out[0] = variable(other, PEER_PROCESS + actor);
        prepare(&o);
        o = parent_call(CAVERN_CALL_SENDER_MINT);
        o.actor = (uint8_t)other;
        o.x[0] = held(variable(other, OWN_QUEUE), 0);
        o.x[2] = constant(0x1ab0000 + below(1000));
        o.x[3] = constant((1 + below(10)) | (uint64_t)below(6) << 32);
        o.x[4] = constant(CAVERN_SELF_ACCOUNT);
        o.x[5] = constant(below(2));
        uint16_t sender = o.out[0] = fresh_variable(other);
        prepare(&o);
        o = parent_call(CAVERN_CALL_HANDLE_GIVE);
        o.actor = (uint8_t)other;
        o.x[0] = held(variable(other, PEER_PROCESS + actor), 0);
        o.x[2] = held(sender, 0);
        o.x[3] = constant(ref_rights[CAVERN_TYPE_SENDER]);
        o.out[0] = fresh_variable(actor);
        prepare(&o);
    }
}

/* Mostly the parent's own. */
static struct term some_account(void)
{
    if (!one_in(4))
        return held(variable(0, 0), 0);
    struct operation o = parent_call(CAVERN_CALL_ACCOUNT_SPLIT);
    o.x[0] = held(variable(0, 0), 0);
    o.x[3] = constant(4 << 20);
    o.x[4] = constant(CAVERN_PRIORITIES - 1);
    o.out[0] = fresh_variable(0);
    prepare(&o);
    return held(o.out[0], 0);
}

/* Something of the machine's. */
static void prepare_machine(unsigned actor, struct term process)
{
    static const uint8_t types[] = {CAVERN_TYPE_BUFFER, CAVERN_TYPE_DMA, CAVERN_TYPE_MACHINE};
    for (unsigned i = 0; i < sizeof types; i++) {
        struct operation o = parent_call(CAVERN_CALL_HANDLE_GIVE);
        o.x[0] = process;
        o.x[2] = handle(0, (enum cavern_type)types[i]);
        const struct ref_object *object = object_of(0, &o.x[2]);
        o.x[3] = constant(object ? ref_rights[object->type] : 0);
        o.out[0] = fresh_variable(actor);
        if (object && object->type == types[i] && one_in(2))
            prepare(&o);
    }
}

/* So many that the table soon needs another page. */
static void prepare_many_handles(struct term process)
{
    for (unsigned i = below(20); i < 250; i++) {
        struct operation o = parent_call(CAVERN_CALL_HANDLE_GIVE);
        o.x[0] = process;
        o.x[2] = held(variable(0, 0), 0);
        prepare(&o);
    }
}

void prepare_process(unsigned actor)
{
    struct term process = held(variable(actor, OWN_PROCESS), 0), account = some_account();
    struct operation o = parent_call(CAVERN_CALL_PROCESS_CREATE);
    o.x[0] = account;
    if (one_in(3) && actors[actor].process)
        o.x[2] = process;
    o.x[3] = constant(below(2));
    o.x[4] = constant(any_word());
    o.x[5] = constant(any_word());
    o.target = (uint8_t)actor;
    o.out[0] = variable(actor, OWN_PROCESS);
    prepare(&o);
    prepare_memory(actor, process);
    o = parent_call(CAVERN_CALL_THREAD_CREATE);
    o.x[0] = process;
    o.x[2] = constant(below(32));
    o.target = (uint8_t)actor;
    o.out[0] = fresh_variable(0);
    prepare(&o);
    prepare_queue(actor, process);
    prepare_friends(actor, process);
    o = parent_call(CAVERN_CALL_HANDLE_GIVE); /* so that it can make others */
    o.x[0] = process;
    o.x[2] = held(variable(0, 0), 0);
    o.x[3] = constant(ref_rights[CAVERN_TYPE_ACCOUNT]);
    o.out[0] = fresh_variable(actor);
    if (one_in(2))
        prepare(&o);
    prepare_machine(actor, process);
    if (one_in(40))
        prepare_many_handles(process);
}
