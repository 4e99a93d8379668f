/* SPDX-License-Identifier: BSD-2-Clause */
/* Arguments of the calls that carry messages. A call with a body is preceded by the stores that make it. */
#include <string.h>

#include "draw.h"

static unsigned some_size(void)
{
    switch (below(12)) {
    case 0:
        return below(3000);
    case 1:
        return one_in(20) ? 16384 + below(3) : below(900);
    case 2:
    case 3:
        return 40 + below(160);
    default:
        return below(41);
    }
}

/* Stores `count` records at `address`: leases, or grants. */
static void prepare_records(const struct operation *o, struct term address, unsigned count, bool leases)
{
    struct operation store = {.action = ACTION_STORE, .actor = o->actor, .thread = o->thread};
    store.x[0] = address;
    store.x[1] = constant(2 * count);
    for (unsigned i = 0; i < count && i < 4; i++) {
        if (leases) {
            unsigned from = below(MEMORY), length = 1 + below(one_in(4) ? 9000 : 600);
            store.x[2 + 2 * i] = held(variable(o->actor, OWN_MEMORY), from);
            store.x[3 + 2 * i] =
                constant((one_in(30) ? 0 : length) | (uint64_t)(one_in(40) ? below(9) : 1 + below(3)) << 56);
            continue;
        }
        unsigned index = some_entry(o->actor, one_in(3)  ? CAVERN_TYPE_NONE
                                              : below(2) ? CAVERN_TYPE_SENDER
                                                         : CAVERN_TYPE_BUFFER);
        const struct ref_entry *entry = &actors[o->actor].process->table->entries[index];
        uint64_t rights = one_in(3) ? entry->rights : entry->rights & below(0x10000);
        store.x[2 + 2 * i] = index ? known(o->actor, entry->generation << CAVERN_HANDLE_INDEX_BITS | index)
                                   : constant(CAVERN_SELF_PROCESS + below(3));
        store.x[3 + 2 * i] = constant(one_in(60) ? below(0x20000) : rights);
    }
    prepare(&store);
}

static void shape_message(struct operation *o, bool request)
{
    unsigned size = some_size(), leases = 0, grants = 0;
    if (request ? one_in(3) : one_in(200))
        leases = 1 + below(one_in(20) ? 5 : 3);
    if (one_in(4))
        grants = 1 + below(one_in(20) ? 5 : 3);
    o->x[1] = constant(CAVERN_INFO(size, 0, leases, grants, one_in(2) ? 0 : below(1000)));
    if (size <= 40 && !leases && !grants) {
        for (unsigned i = 0; i < CAVERN_WORDS; i++)
            o->x[3 + i] = constant(any_word());
        return;
    }
    unsigned padded = (size + 7) / 8 * 8, place = below(BODY - 16 * 10) / 8 * 8;
    if (place + padded + 160 > MEMORY)
        place = 0;
    struct term base = held(variable(o->actor, OWN_MEMORY), place);
    if (padded) {
        struct operation fill = {.action = ACTION_FILL, .actor = o->actor, .thread = o->thread};
        fill.x[0] = base;
        fill.x[1] = constant(padded);
        fill.x[2] = constant(below(256));
        prepare(&fill);
    }
    if (leases)
        prepare_records(o, held(base.variable, place + padded), leases, true);
    if (grants)
        prepare_records(o, held(base.variable, place + padded + 16 * leases), grants, false);
    o->x[3] = one_in(60) ? held(base.variable, below(2 * MEMORY)) : base;
}

static struct term some_deadline(void)
{
    switch (below(8)) {
    case 0:
        return constant(CAVERN_POLL);
    case 1:
        return constant(CAVERN_FOREVER);
    default:
        return held(VARIABLE_NOW, below(400000));
    }
}

/* The id of a request that waits in a queue of the actor's. */
static struct term some_request(const struct operation *o, bool sent)
{
    const struct ref_process *process = actors[o->actor].process;
    unsigned seen = 0;
    const struct ref_request *found = NULL;
    for (unsigned i = 0; i < ref.requests.count; i++) {
        const struct ref_request *request = ref.requests.items[i];
        bool fits = sent ? request->client == process : request->server == (void *)object_of(o->actor, &o->x[0]);
        if (fits && one_in(++seen))
            found = request;
    }
    if (!found || one_in(20))
        return one_in(2) ? constant(1 + below(8) + (1 + below(3)) * 0x10000)
                         : held(variable(o->actor, below(VARIABLES)), 0);
    return known(o->actor, found->id);
}

void shape_send(struct operation *o)
{
    o->x[0] = handle(o->actor, CAVERN_TYPE_SENDER);
    shape_message(o, false);
}

void shape_request(struct operation *o)
{
    o->x[0] = handle(o->actor, CAVERN_TYPE_SENDER);
    shape_message(o, true);
    o->x[2] = constant(0x70000 + below(1000));
    o->x[9] = one_in(10) ? handle(o->actor, CAVERN_TYPE_QUEUE) : held(variable(o->actor, OWN_QUEUE), 0);
    o->x[10] = constant(one_in(30) ? below(300) : 1 + below(6));
    o->out[0] = fresh_variable(o->actor);
}

void shape_call(struct operation *o)
{
    shape_request(o);
    o->x[9] = some_deadline();
    o->x[10] = held(variable(o->actor, OWN_MEMORY), below(MEMORY) / (one_in(20) ? 1 : 8) * 8);
    o->x[11] = constant((one_in(3) ? 0 : below(2000)) | (uint64_t)below(one_in(20) ? 6 : 5) << 32);
}

void shape_receive(struct operation *o)
{
    o->x[0] = one_in(4) ? handle(o->actor, CAVERN_TYPE_QUEUE) : held(variable(o->actor, OWN_QUEUE), 0);
    o->x[9] = some_deadline();
    o->out[0] = fresh_variable(o->actor);
    o->out[1] = fresh_variable(o->actor);
}

void shape_reply(struct operation *o)
{
    shape_receive(o);
    shape_message(o, false);
    o->x[2] = some_request(o, false);
    if (o->call == CAVERN_CALL_REPLY)
        memset(o->out, 0, sizeof o->out);
}

void shape_queue(struct operation *o)
{
    o->x[0] = one_in(4) ? handle(o->actor, CAVERN_TYPE_QUEUE) : held(variable(o->actor, OWN_QUEUE), 0);
    o->x[2] = some_request(o, false);
}

void shape_cancel(struct operation *o)
{
    o->x[2] = some_request(o, true);
    o->x[0] = handle(o->actor, CAVERN_TYPE_SENDER);
}

void shape_space(struct operation *o)
{
    o->x[0] = handle(o->actor, CAVERN_TYPE_SENDER);
    o->x[2] = constant(0x50000 + below(1000));
    o->x[3] = constant((one_in(30) ? below(300) : 1 + below(60)) | (uint64_t)below(3) << 32);
    o->x[9] = one_in(10) ? handle(o->actor, CAVERN_TYPE_QUEUE) : held(variable(o->actor, OWN_QUEUE), 0);
}

void shape_lease_copy(struct operation *o)
{
    shape_queue(o);
    o->x[3] = constant(below(one_in(20) ? 5 : 2) | (uint64_t)below(2) << 8);
    o->x[4] = constant(one_in(3) ? below(600) : 0);
    o->x[5] = held(variable(o->actor, OWN_MEMORY), below(MEMORY));
    o->x[6] = constant(one_in(3) ? below(9000) : below(200));
}

void shape_grant_accept(struct operation *o)
{
    shape_queue(o);
    const struct ref_object *object = object_of(o->actor, &o->x[0]);
    const struct ref_queue *queue = object && object->type == CAVERN_TYPE_QUEUE ? (struct ref_queue *)object : NULL;
    unsigned seen = 0;
    o->x[2] = constant(below(100));
    for (unsigned i = 0; queue && i < queue->messages.count; i++) {
        const struct ref_message *message = queue->messages.items[i];
        if (message->grants && one_in(++seen))
            o->x[2] = known(o->actor, message->position);
    }
    o->x[3] = constant(below(one_in(10) ? 5 : 2));
    o->out[0] = fresh_variable(o->actor);
}
