/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Draws operations: mostly such as make sense where the reference stands now, some that do not. A call with a body is
 * preceded by the stores that make it.
 */
#include <string.h>

#include "core/random.h"
#include "model.h"
#include "operation.h"

/* Of the variables of an actor the first few have a fixed use. */
enum { OWN_MEMORY, OWN_QUEUE, OWN_RING, OWN_CONTROL, OWN_PROCESS, PEER_PROCESS, OWN_FREE = PEER_PROCESS + ACTORS };
enum { MEMORY = 8 * CAVERN_PAGE_SIZE, BODY = 6 * CAVERN_PAGE_SIZE, PREPARED = 64 };

static struct random dice;
static struct operation prepared[PREPARED];
static unsigned prepared_first, prepared_count;
static unsigned next_variable;

void generate_seed(uint64_t seed)
{
    random_seed(&dice, seed);
    prepared_first = prepared_count = next_variable = 0;
}

static unsigned below(unsigned n)
{
    return (unsigned)random_below(&dice, n);
}

static bool one_in(unsigned n)
{
    return !below(n);
}

static struct term constant(uint64_t value)
{
    return (struct term){VARIABLE_NONE, value};
}

static uint16_t variable(unsigned actor, unsigned which)
{
    return (uint16_t)(VARIABLE_FIRST + actor * VARIABLES + which);
}

static struct term held(uint16_t which, uint64_t plus)
{
    return (struct term){which, plus};
}

/* A value that an actor knows, by the variable that holds it, where there is one. */
static struct term known(unsigned actor, uint64_t value)
{
    for (unsigned i = 0; i < VARIABLES; i++) {
        if (variables[variable(actor, i)] == value)
            return held(variable(actor, i), 0);
    }
    return constant(value);
}

/* A variable of the actor for something new: in turn, but none that holds a handle in use, if it can be avoided. */
static uint16_t fresh_variable(unsigned actor)
{
    for (unsigned tries = 0; tries < VARIABLES; tries++) {
        uint16_t new = variable(actor, OWN_FREE + next_variable++ % (VARIABLES - OWN_FREE));
        const struct ref_process *process = actors[actor].process;
        uint64_t index = variables[new] & 0xffffff;
        bool used = process && index < REF_HANDLES && process->table->entries[index].object &&
                    process->table->entries[index].generation == variables[new] >> CAVERN_HANDLE_INDEX_BITS;
        if (!used)
            return new;
    }
    return variable(actor, VARIABLES - 1);
}

static void prepare(const struct operation *operation)
{
    if (prepared_count < PREPARED)
        prepared[(prepared_first + prepared_count++) % PREPARED] = *operation;
}

/* --- handles --- */

static unsigned actor_of(const struct ref_process *process)
{
    unsigned actor = 0;
    while (actor < ACTORS && actors[actor].process != process)
        actor++;
    return actor;
}

/* Index of one of the actor's handles, of a type (NONE: any); 0: it has none. */
static unsigned some_entry(unsigned actor, enum cavern_type type)
{
    const struct ref_table *table = actors[actor].process->table;
    unsigned found = 0, seen = 0;
    for (unsigned i = 4; i < REF_HANDLES; i++) {
        const struct ref_entry *entry = &table->entries[i];
        if (entry->object && (type == CAVERN_TYPE_NONE || entry->object->type == type) && one_in(++seen))
            found = i;
        if (!entry->used_before && i > 300)
            break;
    }
    return found;
}

static struct term handle(unsigned actor, enum cavern_type type)
{
    if (one_in(50))
        return one_in(2) ? constant(below(8)) : handle(actor, CAVERN_TYPE_NONE);
    if (type == CAVERN_TYPE_ACCOUNT && below(actor ? 8 : 3))
        return actor ? constant(CAVERN_SELF_ACCOUNT) : held(variable(0, 0), 0);
    if (type == CAVERN_TYPE_PROCESS && one_in(2))
        return constant(CAVERN_SELF_PROCESS);
    unsigned index = some_entry(actor, type);
    if (!index)
        return constant(CAVERN_SELF_PROCESS + below(3));
    const struct ref_entry *entry = &actors[actor].process->table->entries[index];
    return known(actor, entry->generation << CAVERN_HANDLE_INDEX_BITS | index);
}

static struct ref_object *object_of(unsigned actor, const struct term *term)
{
    uint16_t rights;
    const struct ref_thread *thread = NULL;
    for (unsigned i = 0; i < THREADS && !thread; i++)
        thread = actors[actor].threads[i];
    return ref_find(thread, term_value(term), &rights);
}

/* --- messages --- */

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
            o->x[3 + i] = constant(random_next(&dice));
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

static void shape_send(struct operation *o)
{
    o->x[0] = handle(o->actor, CAVERN_TYPE_SENDER);
    shape_message(o, false);
}

static void shape_request(struct operation *o)
{
    o->x[0] = handle(o->actor, CAVERN_TYPE_SENDER);
    shape_message(o, true);
    o->x[2] = constant(0x70000 + below(1000));
    o->x[9] = one_in(10) ? handle(o->actor, CAVERN_TYPE_QUEUE) : held(variable(o->actor, OWN_QUEUE), 0);
    o->x[10] = constant(one_in(30) ? below(300) : 1 + below(6));
    o->out[0] = fresh_variable(o->actor);
}

static void shape_call(struct operation *o)
{
    shape_request(o);
    o->x[9] = some_deadline();
    o->x[10] = held(variable(o->actor, OWN_MEMORY), below(MEMORY) / (one_in(20) ? 1 : 8) * 8);
    o->x[11] = constant((one_in(3) ? 0 : below(2000)) | (uint64_t)below(one_in(20) ? 6 : 5) << 32);
}

static void shape_receive(struct operation *o)
{
    o->x[0] = one_in(4) ? handle(o->actor, CAVERN_TYPE_QUEUE) : held(variable(o->actor, OWN_QUEUE), 0);
    o->x[9] = some_deadline();
    o->out[0] = fresh_variable(o->actor);
    o->out[1] = fresh_variable(o->actor);
}

static void shape_reply(struct operation *o)
{
    shape_receive(o);
    shape_message(o, false);
    o->x[2] = some_request(o, false);
    if (o->call == CAVERN_CALL_REPLY)
        memset(o->out, 0, sizeof o->out);
}

static void shape_queue(struct operation *o)
{
    o->x[0] = one_in(4) ? handle(o->actor, CAVERN_TYPE_QUEUE) : held(variable(o->actor, OWN_QUEUE), 0);
    o->x[2] = some_request(o, false);
}

static void shape_cancel(struct operation *o)
{
    o->x[2] = some_request(o, true);
    o->x[0] = handle(o->actor, CAVERN_TYPE_SENDER);
}

static void shape_space(struct operation *o)
{
    o->x[0] = handle(o->actor, CAVERN_TYPE_SENDER);
    o->x[2] = constant(0x50000 + below(1000));
    o->x[3] = constant((one_in(30) ? below(300) : 1 + below(60)) | (uint64_t)below(3) << 32);
    o->x[9] = one_in(10) ? handle(o->actor, CAVERN_TYPE_QUEUE) : held(variable(o->actor, OWN_QUEUE), 0);
}

static void shape_lease_copy(struct operation *o)
{
    shape_queue(o);
    o->x[3] = constant(below(one_in(20) ? 5 : 2) | (uint64_t)below(2) << 8);
    o->x[4] = constant(one_in(3) ? below(600) : 0);
    o->x[5] = held(variable(o->actor, OWN_MEMORY), below(MEMORY));
    o->x[6] = constant(one_in(3) ? below(9000) : below(200));
}

static void shape_grant_accept(struct operation *o)
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

/* --- objects --- */

static void shape_queue_create(struct operation *o)
{
    o->x[0] = handle(o->actor, CAVERN_TYPE_ACCOUNT);
    o->x[3] = constant(one_in(20) ? below(200) : 64u << below(2));
    o->x[4] = constant(one_in(10) ? 0 : below(12));
    o->out[0] = fresh_variable(o->actor);
}

static void shape_queue_bind(struct operation *o)
{
    o->x[0] = handle(o->actor, CAVERN_TYPE_QUEUE);
    o->x[2] = one_in(3) ? constant(0) : handle(o->actor, CAVERN_TYPE_PROCESS);
}

static void shape_mint(struct operation *o)
{
    o->x[0] = handle(o->actor, one_in(3) ? CAVERN_TYPE_SENDER : CAVERN_TYPE_QUEUE);
    o->x[2] = constant(0x1ab0000 + below(1000));
    o->x[3] = constant((one_in(30) ? 0 : 1 + below(10)) | (uint64_t)below(6) << 32);
    o->x[4] = handle(o->actor, CAVERN_TYPE_ACCOUNT);
    o->x[5] = constant(below(2));
    o->out[0] = fresh_variable(o->actor);
}

static void shape_give(struct operation *o)
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
        o->x[4] = constant((uint64_t)(1 + below(4)) << CAVERN_HANDLE_INDEX_BITS | below(40));
}

static void shape_close(struct operation *o)
{
    o->x[0] = handle(o->actor, one_in(2) ? CAVERN_TYPE_NONE : CAVERN_TYPE_SENDER);
}

static void shape_notify(struct operation *o)
{
    static const uint8_t sources[] = {CAVERN_TYPE_PROCESS, CAVERN_TYPE_THREAD, CAVERN_TYPE_SIGNAL,
                                      CAVERN_TYPE_INTERRUPT};
    o->x[0] = handle(o->actor, (enum cavern_type)sources[below(4)]);
    if (o->call == CAVERN_CALL_ACKNOWLEDGE)
        return;
    o->x[2] = constant(0x20000 + below(1000));
    o->x[3] = one_in(8) ? constant(0) : handle(o->actor, CAVERN_TYPE_QUEUE);
    o->x[4] = constant(one_in(30) ? 2 : 0);
}

static void shape_signal(struct operation *o)
{
    bool create = o->call == CAVERN_CALL_SIGNAL_CREATE;
    o->x[0] = handle(o->actor, create ? CAVERN_TYPE_ACCOUNT : CAVERN_TYPE_SIGNAL);
    o->out[0] = create ? fresh_variable(o->actor) : 0;
}

static void shape_derive(struct operation *o)
{
    o->x[0] = handle(o->actor, CAVERN_TYPE_INTERRUPT);
    o->x[3] = constant(one_in(30) ? below(300) : 32 + below(6));
    o->x[4] = constant(one_in(30) ? below(3) : 1);
    o->x[5] = constant(below(2));
    o->x[6] = handle(o->actor, CAVERN_TYPE_ACCOUNT);
    o->out[0] = fresh_variable(o->actor);
}

static void shape_buffer(struct operation *o)
{
    bool create = o->call == CAVERN_CALL_BUFFER_CREATE;
    o->x[0] = handle(o->actor, create ? CAVERN_TYPE_ACCOUNT : CAVERN_TYPE_BUFFER);
    if (!create)
        return;
    o->x[3] = constant(one_in(30) ? 0 : 1 + below(5 * CAVERN_PAGE_SIZE));
    o->x[4] = constant(one_in(30) ? 2 : below(2));
    o->out[0] = fresh_variable(o->actor);
}

static void shape_map(struct operation *o)
{
    static const uint8_t protections[] = {1, 1, 3, 3, 3, 5, 5, 7, 2, 0, 9};
    o->x[0] = handle(o->actor, CAVERN_TYPE_PROCESS);
    if (o->call == CAVERN_CALL_MAP) {
        o->x[2] = handle(o->actor, CAVERN_TYPE_BUFFER);
        o->x[3] = constant(below(3) * CAVERN_PAGE_SIZE);
        o->x[4] = constant((1 + below(3)) * CAVERN_PAGE_SIZE);
        o->x[5] = constant(one_in(2) ? 0 : CAVERN_USER_START + below(24) * CAVERN_PAGE_SIZE);
        o->x[6] = constant(protections[below(sizeof protections)]);
        o->out[0] = fresh_variable(o->actor);
        return;
    }
    o->x[3] = one_in(3) ? held(variable(o->actor, below(VARIABLES)), 0)
                        : constant(CAVERN_USER_START + below(24) * CAVERN_PAGE_SIZE);
    o->x[4] = constant((1 + below(6)) * CAVERN_PAGE_SIZE);
}

/* --- processes and threads --- */

static void shape_end(struct operation *o)
{
    o->x[0] = o->actor && one_in(8) ? constant(CAVERN_SELF_PROCESS) : handle(o->actor, CAVERN_TYPE_PROCESS);
    if (!o->actor && o->x[0].plus == CAVERN_SELF_PROCESS)
        o->call = CAVERN_CALL_NOP; /* somebody must be left */
    o->x[3] = constant(below(100));
}

static void shape_thread_create(struct operation *o)
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

static void shape_thread_control(struct operation *o)
{
    o->x[0] = handle(o->actor, CAVERN_TYPE_THREAD);
    o->x[2] = constant(1 + below(3));
    o->x[3] = constant(one_in(30) ? below(8) : 2 + below(4));
    if (o->actor && one_in(6))
        o->x[3] = constant(CAVERN_THREAD_END);
    o->x[4] = constant(below(32));
    o->x[5] = constant(one_in(20) ? 2 : 0);
}

static void shape_split(struct operation *o)
{
    o->x[0] = handle(o->actor, CAVERN_TYPE_ACCOUNT);
    o->x[2] = one_in(2) ? constant(0) : handle(o->actor, CAVERN_TYPE_ACCOUNT);
    o->x[3] = constant(one_in(5) ? -(uint64_t)below(20) * CAVERN_PAGE_SIZE : below(100) * CAVERN_PAGE_SIZE);
    o->x[4] = constant(one_in(10) ? below(34) : 31);
    o->out[0] = fresh_variable(o->actor);
}

/* --- a new process: what its parent does for it --- */

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

static void prepare_queue(unsigned actor, struct term process)
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

static void prepare_process(unsigned actor)
{
    struct term process = held(variable(actor, OWN_PROCESS), 0);
    struct operation o = parent_call(CAVERN_CALL_PROCESS_CREATE);
    o.x[0] = held(variable(0, 0), 0);
    if (one_in(3) && actors[actor].process)
        o.x[2] = process;
    o.x[3] = constant(below(2));
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
}

/* --- drawing --- */

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
    {2, CAVERN_CALL_THREAD_CREATE, shape_thread_create},
    {3, CAVERN_CALL_THREAD_CONTROL, shape_thread_control},
    {1, CAVERN_CALL_PROCESS_END, shape_end},
    {1, CAVERN_CALL_ACCOUNT_SPLIT, shape_split},
};

static void draw_call(struct operation *o)
{
    unsigned sum = 0, drawn;
    for (unsigned i = 0; i < sizeof choices / sizeof choices[0]; i++)
        sum += choices[i].weight;
    drawn = below(sum);
    const struct choice *choice = choices;
    while (drawn >= choice->weight)
        drawn -= choice++->weight;
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
    if (one_in(2)) {
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
    memset(operation, 0, sizeof *operation);
    unsigned actor = below(ACTORS);
    if (!prepared_count && wants_process(actor) && one_in(8))
        prepare_process(actor);
    if (!prepared_count && !variables[variable(0, OWN_CONTROL)])
        prepare_queue(0, constant(CAVERN_SELF_PROCESS));
    if (!prepared_count) {
        struct operation o = {0};
        if (one_in(25) || !draw_actor(&o)) {
            o.action = ACTION_LATER;
            o.x[0] = constant(below(300000));
        } else if (one_in(30)) {
            o.action = ACTION_LINE;
            o.x[0] = constant(32 + below(6));
        } else if (one_in(4)) {
            draw_control(&o);
        } else {
            draw_call(&o);
        }
        prepare(&o);
    }
    *operation = prepared[prepared_first];
    prepared_first = (prepared_first + 1) % PREPARED;
    prepared_count--;
}
