/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * System calls of three processes over the simulated machine, every register chosen by the input. Nothing panics, the
 * invariants hold after each call, and when all processes have ended, all is back. [MEM-ACCOUNT-6] [ABI-FAIL-1]
 *
 * A step is a byte that says what, one that says who and how, and arguments: a mask of the registers that are not 0,
 * and for each a byte that says how to make the value, and its bytes.
 */
#include "fuzz.h"

#include <cavern/memory.h>

#include "core/budget.h"
#include "core/run_queue.h"
#include "object/account.h"
#include "object/interrupt.h"
#include "object/machine.h"
#include "object/memory.h"
#include "object/queue.h"
#include "peer.h"

enum { PEERS = 3, STEPS = 400, RAM = 64 << 20, RESULTS = 8 };
enum { PASS_TIME = CAVERN_CALL_COUNT, RAISE_LINE, TAKE_MESSAGES, CORRUPT_CONTROL, WRITE_MEMORY, WRITE_RECORD, KINDS };
enum { SMALL, HANDLE, OWN_MEMORY, RESULT, PAGES, TIME, WORD, INFO, ONES, RANGE, REQUEST_ID, VALUES };

static struct peer peers[PEERS];
static struct interrupt *lines;
static uint64_t results[RESULTS]; /* what the last calls answered */
static unsigned result_count;

/* --- values --- */

static cavern_handle handle_number(const struct process *process, uint64_t n)
{
    uint32_t cursor = 0;
    cavern_handle handle = 0, chosen = n;
    for (uint64_t i = CAVERN_SELF_THREAD; i < n && handle_next_used(&process->handles, &cursor, &handle);)
        if (handle) {
            chosen = handle;
            i++;
        }
    return chosen;
}

static uint64_t pending_request(struct process *process, cavern_handle handle, uint64_t slot)
{
    void *found;
    if (process_lookup(process, handle, CAVERN_TYPE_QUEUE, 0, &found))
        return slot;
    const struct request_table *requests = &((struct queue *)found)->requests;
    return slot < requests->slots ? request_id(requests, (uint32_t)slot) : 0;
}

static uint64_t value(struct input *input, const struct peer *peer)
{
    uint64_t kind = input_number(input, 1), low;
    switch (kind % VALUES) {
    case SMALL:
        return input_number(input, 1);
    case HANDLE:
        return handle_number(peer->process, input_number(input, 1));
    case OWN_MEMORY:
        return peer->memory + input_number(input, 2);
    case RESULT:
        return results[input_number(input, 1) % RESULTS];
    case PAGES:
        return input_number(input, 2) * 4096;
    case TIME:
        return arch_now() + input_number(input, 2) * 1000;
    case WORD:
        return input_number(input, 8);
    case INFO:
        low = input_number(input, 2);
        return low | input_number(input, 1) << 24;
    case ONES:
        return UINT64_MAX << (kind / VALUES);
    case RANGE:
        low = input_number(input, 2);
        return low | input_number(input, 2) << 32;
    default:
        return pending_request(peer->process, peer->queue, input_number(input, 1));
    }
}

/* --- what is not a call --- */

static void begin(struct peer *peer)
{
    peer_start(peer, "fuzz", (uint8_t)(8 + (peer - peers)), 64, 8);
    model_give(peer->process, &lines->object, CAVERN_RIGHTS_ALL);
    model_give(peer->process, &machine->object, CAVERN_RIGHT_LOG | CAVERN_RIGHT_COPY | CAVERN_RIGHT_INSPECT);
    for (unsigned i = 0; i < PEERS; i++) {
        struct peer *other = &peers[i];
        if (!other->process || !process_alive(other->process) || other == peer)
            continue;
        model_give(peer->process, &other->process->object, CAVERN_RIGHTS_ALL);
        model_give(other->process, &peer->process->object, CAVERN_RIGHTS_ALL);
    }
}

static void write_memory(struct input *input, const struct peer *peer, uint64_t size)
{
    uint64_t offset = input_number(input, 2) % (PEER_MEMORY - 256);
    size_t length = size;
    void *bytes = input_bytes(input, &length);
    void *to = model_at(peer->process, peer->memory + offset);
    if (to && length <= 4096 - offset % 4096)
        memcpy(to, bytes, length);
    free(bytes);
}

/* A lease or a grant, where a message may have it. */
static void write_record(struct input *input, const struct peer *peer)
{
    uint64_t offset = input_number(input, 1) * 16;
    uint64_t record[2] = {value(input, peer)};
    record[1] = value(input, peer);
    record[1] |= input_number(input, 1) << 56;
    void *to = model_at(peer->process, peer->memory + offset);
    if (to)
        memcpy(to, record, sizeof record);
}

static void touch_control(struct input *input, const struct peer *peer, bool honest)
{
    struct cavern_control *control = model_at(peer->process, peer->control);
    uint64_t head = honest ? 0 : value(input, peer), taken = honest ? 0 : value(input, peer);
    if (!control)
        return;
    control->taken = honest ? control->tail : taken;
    control->head = honest ? control->taken : head;
}

/* --- steps --- */

static void check_queue(struct process *process, cavern_handle handle)
{
    void *found;
    if (process_lookup(process, handle, CAVERN_TYPE_QUEUE, 0, &found))
        return;
    const struct queue *queue = found;
    DEMAND(ring_invariants(&queue->ring));
    DEMAND(request_table_invariants(&queue->requests));
    DEMAND(tree_invariants(&queue->spaces));
}

static void check_process(struct process *process)
{
    uint32_t cursor = 0;
    cavern_handle handle;
    DEMAND(handle_table_invariants(&process->handles));
    DEMAND(tree_invariants(&process->threads));
    DEMAND(budget_invariants(&process->account->budget));
    while (handle_next_used(&process->handles, &cursor, &handle))
        check_queue(process, handle);
}

static void check(void)
{
    struct cpu *cpu = arch_cpu();
    DEMAND(run_queue_invariants(&scheduler.ready) && run_queue_invariants(&scheduler.jobs));
    DEMAND(tree_invariants(&cpu->deadlines) && tree_invariants(&machine->processes));
    DEMAND(budget_invariants(&model_root()->budget));
    for (unsigned i = 0; i < PEERS; i++)
        if (peers[i].process)
            check_process(peers[i].process);
}

static void forget(struct peer *peer)
{
    object_put(&peer->thread->object);
    object_put(&peer->process->object);
    peer->process = NULL;
    model_settle();
}

static struct thread *thread_number(const struct peer *peer, uint64_t number)
{
    struct thread *thread = thread_next(peer->process, number);
    thread = thread ? thread : thread_next(peer->process, 0);
    return thread && thread->state == CAVERN_THREAD_READY ? thread : NULL;
}

/* how: bits 2-3 the thread, 4 an interrupt is pending, 5-7 the allocation that fails. */
static void call(struct input *input, const struct peer *peer, enum cavern_call number, uint64_t how)
{
    struct thread *thread = thread_number(peer, how >> 2 & 3);
    uint64_t mask = input_number(input, 2), x[16] = {0};
    for (unsigned i = 0; i < COUNT_OF(x); i++)
        x[i] = mask >> i & 1 ? value(input, peer) : 0;
    x[1] &= 0xffffffffff00ffff; /* model_call puts the operation in */
    if (!thread)
        return;
    model_interrupt_pending(how >> 4 & 1);
    model_fail_allocation(how >> 5 & 7);
    if (model_call(thread, number, x) == CAVERN_OK)
        for (unsigned i = 1; i <= 3; i++)
            results[result_count++ % RESULTS] = x[i];
    model_interrupt_pending(false);
    model_fail_allocation(0);
    model_settle();
}

static void step(struct input *input)
{
    unsigned what = (unsigned)input_number(input, 1) % KINDS;
    uint64_t how = input_number(input, 1);
    struct peer *peer = &peers[how % 4 % PEERS];
    if (!peer->process)
        begin(peer);
    switch (what) {
    case PASS_TIME:
        model_set_time(arch_now() + input_number(input, 2) * 1000);
        break;
    case RAISE_LINE:
        model_raise(32 + (unsigned)input_number(input, 1) % 16);
        break;
    case TAKE_MESSAGES:
    case CORRUPT_CONTROL:
        touch_control(input, peer, what == TAKE_MESSAGES);
        break;
    case WRITE_MEMORY:
        write_memory(input, peer, how >> 2);
        break;
    case WRITE_RECORD:
        write_record(input, peer);
        break;
    default:
        call(input, peer, what, how);
        break;
    }
    for (unsigned i = 0; i < PEERS; i++)
        if (peers[i].process && !process_alive(peers[i].process))
            forget(&peers[i]);
    check();
}

/* --- the end --- */

static void end_all(void)
{
    model_end_processes();
    for (unsigned i = 0; i < PEERS; i++)
        if (peers[i].process)
            forget(&peers[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input input = {data, size};
    memset(peers, 0, sizeof peers);
    memset(results, 0, sizeof results);
    result_count = 0;
    model_start(RAM);
    lines = interrupt_range_create(model_root());
    uint64_t used = model_root()->budget.used, objects = model_root()->objects, free = memory_free();
    for (unsigned i = 0; i < PEERS; i++)
        begin(&peers[i]);
    model_short_cuts(input_number(&input, 1) & 1);
    for (unsigned i = 0; i < STEPS && input.left; i++)
        step(&input);
    end_all();
    check();
    DEMAND(!process_next(0));
    DEMAND(model_root()->objects == objects && model_root()->budget.used == used);
    DEMAND(memory_free() == free);
    return 0;
}
