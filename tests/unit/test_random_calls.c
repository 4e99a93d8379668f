/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Processes that make random calls with random arguments, some of them plausible, with memory running out and
 * interrupts coming at random. Nothing panics, the invariants hold, and when all have ended, all is back.
 * [MEM-ACCOUNT-6] [ABI-FAIL-1]
 */
#include "unit.h"

#include <time.h>

#include <cavern/submit.h>
#include <cavern/memory.h>

#include "core/budget.h"
#include "core/run_queue.h"
#include "object/account.h"
#include "object/dma.h"
#include "object/interrupt.h"
#include "object/machine.h"
#include "object/memory.h"
#include "object/queue.h"
#include "peer.h"

enum { PEERS = 4, ROUNDS = 12, CALLS = 4000, LIMIT = 1 << 24 };

static struct peer peers[PEERS];
static struct interrupt *lines;
static struct dma *dma;

static unsigned below(unsigned n)
{
    return (unsigned)rand() % n;
}

/* --- arguments --- */

static cavern_handle some_handle(const struct process *process)
{
    uint32_t cursor = 0;
    cavern_handle handle = 0, chosen = CAVERN_SELF_PROCESS + below(3);
    for (unsigned skip = below(process->handles.used + 3);
         skip && handle_next_used(&process->handles, &cursor, &handle);)
        if (handle) {
            chosen = handle;
            skip--;
        }
    return chosen;
}

/* One of this type, if a few tries find one. */
static cavern_handle some_handle_of(const struct process *process, uint8_t type)
{
    if (type == CAVERN_TYPE_ACCOUNT && below(4))
        return CAVERN_SELF_ACCOUNT;
    if (type == CAVERN_TYPE_PROCESS && below(2))
        return CAVERN_SELF_PROCESS;
    cavern_handle handle = 0;
    for (unsigned tries = 0; tries < 40; tries++) {
        handle = some_handle(process);
        const struct handle_entry *entry = handle_table_entry(&process->handles, (uint32_t)handle & 0xffffff);
        if (handle_entry_type(entry) == type)
            break;
    }
    return handle;
}

/* What x0 and x2 name, by call; 0: no handle, or any. */
static const uint8_t types[CAVERN_CALL_COUNT][2] = {
    [CAVERN_CALL_CALL] = {CAVERN_TYPE_SENDER},
    [CAVERN_CALL_RECEIVE] = {CAVERN_TYPE_QUEUE},
    [CAVERN_CALL_REPLY_RECEIVE] = {CAVERN_TYPE_QUEUE},
    [CAVERN_CALL_SEND] = {CAVERN_TYPE_SENDER},
    [CAVERN_CALL_REQUEST] = {CAVERN_TYPE_SENDER},
    [CAVERN_CALL_REPLY] = {CAVERN_TYPE_QUEUE},
    [CAVERN_CALL_DROP] = {CAVERN_TYPE_QUEUE},
    [CAVERN_CALL_CANCEL] = {CAVERN_TYPE_SENDER},
    [CAVERN_CALL_SPACE] = {CAVERN_TYPE_SENDER},
    [CAVERN_CALL_QUEUE_FREED] = {CAVERN_TYPE_QUEUE},
    [CAVERN_CALL_LEASE_COPY] = {CAVERN_TYPE_QUEUE},
    [CAVERN_CALL_GRANT_ACCEPT] = {CAVERN_TYPE_QUEUE},
    [CAVERN_CALL_QUEUE_CREATE] = {CAVERN_TYPE_ACCOUNT},
    [CAVERN_CALL_QUEUE_BIND] = {CAVERN_TYPE_QUEUE, CAVERN_TYPE_PROCESS},
    [CAVERN_CALL_SENDER_MINT] = {CAVERN_TYPE_QUEUE},
    [CAVERN_CALL_HANDLE_GIVE] = {CAVERN_TYPE_PROCESS},
    [CAVERN_CALL_ACCOUNT_SPLIT] = {CAVERN_TYPE_ACCOUNT},
    [CAVERN_CALL_BUFFER_CREATE] = {CAVERN_TYPE_ACCOUNT},
    [CAVERN_CALL_DERIVE] = {CAVERN_TYPE_INTERRUPT},
    [CAVERN_CALL_BUFFER_SEAL] = {CAVERN_TYPE_BUFFER},
    [CAVERN_CALL_MAP] = {CAVERN_TYPE_PROCESS, CAVERN_TYPE_BUFFER},
    [CAVERN_CALL_UNMAP] = {CAVERN_TYPE_PROCESS},
    [CAVERN_CALL_PROCESS_CREATE] = {CAVERN_TYPE_ACCOUNT, CAVERN_TYPE_PROCESS},
    [CAVERN_CALL_PROCESS_END] = {CAVERN_TYPE_PROCESS},
    [CAVERN_CALL_PROCESS_COPY] = {CAVERN_TYPE_PROCESS},
    [CAVERN_CALL_THREAD_CREATE] = {CAVERN_TYPE_PROCESS},
    [CAVERN_CALL_THREAD_CONTROL] = {CAVERN_TYPE_THREAD},
    [CAVERN_CALL_SIGNAL_CREATE] = {CAVERN_TYPE_ACCOUNT},
    [CAVERN_CALL_SIGNAL_RAISE] = {CAVERN_TYPE_SIGNAL},
    [CAVERN_CALL_DMA_MAP] = {CAVERN_TYPE_DMA, CAVERN_TYPE_BUFFER},
    [CAVERN_CALL_DMA_UNMAP] = {CAVERN_TYPE_DMA},
    [CAVERN_CALL_DEVICE_IO] = {CAVERN_TYPE_BUFFER},
    [CAVERN_CALL_MACHINE] = {CAVERN_TYPE_MACHINE},
};

static uint64_t some_value(const struct peer *peer)
{
    switch (below(9)) {
    case 0:
        return 0;
    case 1:
        return below(8);
    case 2:
        return (uint64_t)below(64) * 4096;
    case 3:
        return peer->memory + below(PEER_MEMORY) / 8 * 8;
    case 4:
        return UINT64_MAX << below(64);
    case 5:
        return (uint64_t)rand() << 32 ^ (uint64_t)rand();
    case 6:
        return below(512) | (uint64_t)below(4) << 32;
    case 7:
        return arch_now() + below(2000000);
    default:
        return some_handle(peer->process);
    }
}

/* A pending request of some queue, as its owner could know. */
static uint64_t some_request(struct process *process, cavern_handle handle)
{
    void *found;
    if (process_lookup(process, handle, CAVERN_TYPE_QUEUE, 0, &found))
        return below(100);
    const struct queue *queue = found;
    return queue->requests.slots ? request_id(&queue->requests, below(queue->requests.slots)) : 0;
}

/* What calls usually are given: else most would end in their first check. */
static void shape_memory(const struct peer *peer, enum cavern_call call, uint64_t x[16])
{
    switch (call) {
    case CAVERN_CALL_BUFFER_CREATE:
        x[2] = 0, x[3] = below(300) * 4096u, x[4] = below(2), x[5] = 0;
        break;
    case CAVERN_CALL_MAP:
        x[3] = below(3) * 4096u, x[4] = (1 + below(30)) * 4096u, x[6] = 1 + 2 * below(3);
        x[5] = below(2) ? 0 : CAVERN_USER_START + below(1000) * 4096u;
        break;
    case CAVERN_CALL_UNMAP:
        x[3] = below(2) ? x[3] & ~4095ull : CAVERN_USER_START + below(1000) * 4096u, x[4] = (1 + below(100)) * 4096u;
        break;
    case CAVERN_CALL_ACCOUNT_SPLIT:
        x[2] = below(2) ? 0 : x[2], x[3] = below(100) * 4096u, x[4] = below(32);
        break;
    case CAVERN_CALL_DERIVE:
        x[3] = 32 + below(8), x[4] = 1, x[5] = below(2), x[6] = CAVERN_SELF_ACCOUNT;
        if (below(2))
            x[0] = some_handle_of(peer->process, CAVERN_TYPE_DMA), x[3] = x[4] = x[5] = 0;
        break;
    case CAVERN_CALL_DMA_MAP:
        x[3] = below(4) * 4096ull, x[4] = (1 + below(3)) * 4096ull, x[5] = below(2) ? 1 : 3;
        break;
    case CAVERN_CALL_DMA_UNMAP:
        x[3] = below(2) ? 0 : peer->x[1], x[4] = x[3] ? (1 + below(3)) * 4096ull : 0; /* x1: of the call before */
        break;
    default:
        break;
    }
}

static void shape_process(const struct peer *peer, enum cavern_call call, uint64_t x[16])
{
    switch (call) {
    case CAVERN_CALL_HANDLE_CLOSE:
        x[0] = below(2) ? 0 : x[0];
        break;
    case CAVERN_CALL_PROCESS_END:
        x[0] = below(6) ? 0 : x[0];
        break;
    case CAVERN_CALL_NOTIFY:
        x[3] = below(6) ? peer->queue : 0, x[4] = below(2);
        if (x[4] == CAVERN_NOTIFY_FAULT)
            x[0] = some_handle_of(peer->process, CAVERN_TYPE_PROCESS);
        break;
    case CAVERN_CALL_THREAD_CREATE:
        x[2] = below(32), x[9] = 0;
        break;
    case CAVERN_CALL_THREAD_CONTROL:
        x[3] = 1 + below(5), x[4] = below(32), x[5] = 0;
        break;
    case CAVERN_CALL_PROCESS_CREATE:
        x[2] = below(3) ? 0 : x[2], x[3] = below(2);
        break;
    case CAVERN_CALL_HANDLE_GIVE:
        x[2] = some_handle(peer->process), x[3] = below(3) ? CAVERN_RIGHT_COPY : (uint64_t)rand() & 0xffff;
        x[4] = below(4) ? 0 : x[4];
        break;
    case CAVERN_CALL_INSPECT:
        x[2] = 1 + below(7), x[4] = peer->memory, x[5] = below(3000);
        break;
    case CAVERN_CALL_MACHINE:
        x[2] = 3 + below(2), x[4] = peer->memory, x[5] = below(600);
        break;
    default:
        break;
    }
}

static void shape_message(const struct peer *peer, enum cavern_call call, uint64_t x[16])
{
    unsigned leases = below(6) ? 0 : 1 + below(2), grants = below(4) ? 0 : 1 + below(3);
    x[1] = CAVERN_INFO(below(3) ? below(41) : below(3000), 0, leases, grants, 1);
    if ((leases || grants || (x[1] & 0xffff) > 40) && below(8))
        x[3] = below(8) ? peer->memory + below(2048) * 8 : CAVERN_USER_START + below(1000) * 4096u;
    switch (call) {
    case CAVERN_CALL_QUEUE_CREATE:
        x[3] = 64u << below(4), x[4] = below(20);
        break;
    case CAVERN_CALL_SENDER_MINT:
        x[3] = (1 + below(8)) | (uint64_t)below(8) << 32, x[4] = CAVERN_SELF_ACCOUNT, x[5] = below(2);
        break;
    case CAVERN_CALL_CALL:
    case CAVERN_CALL_RECEIVE:
        x[9] = arch_now() + below(1000000), x[10] = peer->memory, x[11] = below(4096) | (uint64_t)below(5) << 32;
        break;
    case CAVERN_CALL_REPLY_RECEIVE:
    case CAVERN_CALL_REPLY:
    case CAVERN_CALL_DROP:
    case CAVERN_CALL_LEASE_COPY:
        x[2] = some_request(peer->process, x[0]), x[9] = arch_now() + below(1000000);
        if (call != CAVERN_CALL_LEASE_COPY)
            break;
        x[3] = below(2) | below(2) << 8, x[4] = below(64), x[5] = peer->memory, x[6] = below(512);
        break;
    case CAVERN_CALL_REQUEST:
        x[9] = peer->queue, x[10] = 1 + below(4);
        break;
    case CAVERN_CALL_SPACE:
        x[3] = 1 + below(4), x[9] = peer->queue;
        break;
    case CAVERN_CALL_GRANT_ACCEPT:
        x[2] = below(64), x[3] = below(3);
        break;
    default:
        break;
    }
}

/* Attachments that make sense, where a message would have them. */
static void fill_memory(const struct peer *peer)
{
    for (uint64_t at = 0; at < PEER_MEMORY; at += 16) {
        bool lease = below(2);
        uint64_t record[2] = {lease ? peer->memory + below(1024) : some_handle(peer->process),
                              lease ? below(512) | (uint64_t)(1 + below(3)) << 56 : CAVERN_RIGHT_COPY};
        void *to = model_at(peer->process, peer->memory + at);
        if (to)
            memcpy(to, record, sizeof record);
    }
}

/* The owner takes and frees; now and then it lies. */
static void touch_control(const struct peer *peer)
{
    struct cavern_control *control = peer->queue ? model_at(peer->process, peer->control) : NULL;
    if (!control)
        return;
    control->taken = control->tail;
    control->head = below(3) ? control->taken : control->head;
    if (!below(300))
        control->head = (uint64_t)rand() << below(40);
}

/* --- processes --- */

static void begin(struct peer *peer)
{
    peer_start(peer, "random", (uint8_t)(1 + below(31)), 64, 8);
    model_give(peer->process, &lines->object, CAVERN_RIGHTS_ALL);
    model_give(peer->process, &dma->object, CAVERN_RIGHTS_ALL);
    model_give(peer->process, &machine->object, CAVERN_RIGHT_LOG | CAVERN_RIGHT_COPY);
    for (unsigned i = 0; i < PEERS; i++) {
        struct process *other = peers[i].process;
        if (!other || other == peer->process || !process_alive(other))
            continue;
        model_give(peer->process, &other->object, CAVERN_RIGHTS_ALL);
        model_give(peer->process, &peer_queue(peer)->object, CAVERN_RIGHTS_ALL);
        if (below(2))
            notice_set(&other->faults, peer_queue(peer), i); /* and this one handles its faults */
    }
}

/* The references that the model kept. */
static void forget(struct peer *peer)
{
    object_put(&peer->thread->object);
    object_put(&peer->process->object);
    peer->process = NULL;
    model_settle();
}

/* A thread of the peer that can make a call; NULL: all wait. */
static struct thread *some_thread(const struct peer *peer)
{
    struct thread *thread = thread_next(peer->process, below(peer->process->last_thread + 1));
    if (!thread)
        thread = thread_next(peer->process, 0);
    return thread && thread->state == CAVERN_THREAD_READY ? thread : NULL;
}

/* A call with arguments that have a chance; x1 without the operation. */
static enum cavern_call choose_call(const struct peer *peer, uint64_t x[16])
{
    enum cavern_call call = below(CAVERN_CALL_COUNT);
    if (call == CAVERN_CALL_RECEIVE && peer->process->thread_count < 2)
        call = CAVERN_CALL_THREAD_CREATE;
    for (unsigned i = 0; i < 16; i++)
        x[i] = some_value(peer);
    if (below(10))
        x[0] = types[call][0] ? some_handle_of(peer->process, types[call][0]) : some_handle(peer->process);
    if (types[call][1])
        x[2] = some_handle_of(peer->process, types[call][1]);
    if (below(10)) {
        shape_memory(peer, call, x);
        shape_process(peer, call, x);
        shape_message(peer, call, x);
    }
    return call;
}

/* Some operations at the start of the peer's memory. */
static void shape_submit(const struct peer *peer, uint64_t x[16])
{
    uint64_t count = below(6);
    struct cavern_operation *operations = model_at(peer->process, peer->memory);
    for (unsigned i = 0; operations && i < count; i++) {
        enum cavern_call call = choose_call(peer, operations[i].x);
        operations[i].x[1] |= (uint64_t)call << 16;
    }
    x[3] = peer->memory, x[4] = count, x[5] = below(4) ? 0 : below(3);
}

/* A handler lets a thread go on, to make the call again in which it may have faulted. */
static void heal(struct thread *thread)
{
    uint64_t x[16];
    thread_resume(thread);
    if (thread->state == CAVERN_THREAD_READY)
        model_again(thread, x);
}

static void step(void)
{
    struct peer *peer = &peers[below(PEERS)];
    if (!peer->process)
        begin(peer);
    struct thread *faulted = thread_next(peer->process, 0);
    if (faulted && faulted->state == CAVERN_THREAD_FAULTED && !below(4)) {
        heal(faulted);
        if (!process_alive(peer->process)) {
            forget(peer);
            return;
        }
    }
    struct thread *thread = some_thread(peer);
    if (!below(50))
        fill_memory(peer);
    if (!below(8))
        touch_control(peer);
    if (!thread || !below(10))
        model_set_time(arch_now() + below(300000));
    if (!below(20))
        model_raise(32 + below(8));
    if (!thread || thread->state != CAVERN_THREAD_READY)
        return;
    uint64_t x[16];
    enum cavern_call call = choose_call(peer, x);
    if (call == CAVERN_CALL_SUBMIT && below(10))
        shape_submit(peer, x);
    model_fail_allocation(below(4) ? 0 : 1 + below(6));
    model_interrupt_pending(!below(3));
    model_call(thread, call, x);
    model_interrupt_pending(false);
    model_fail_allocation(0);
    model_settle();
    if (!process_alive(peer->process))
        forget(peer);
}

static void check(void)
{
    struct cpu *cpu = arch_cpu();
    assert_true(run_queue_invariants(&scheduler.ready));
    assert_true(run_queue_invariants(&scheduler.jobs));
    assert_true(tree_invariants(&cpu->deadlines));
    assert_true(tree_invariants(&machine->processes));
    assert_true(budget_invariants(&model_root()->budget));
    for (unsigned i = 0; i < PEERS; i++) {
        const struct process *process = peers[i].process;
        if (!process)
            continue;
        assert_true(handle_table_invariants(&process->handles));
        assert_true(tree_invariants(&process->threads));
        assert_true(budget_invariants(&process->account->budget));
    }
}

static void end_all(void)
{
    model_end_processes();
    for (unsigned i = 0; i < PEERS; i++)
        if (peers[i].process)
            forget(&peers[i]);
}

static void test_random_calls_leave_nothing_behind(void **state)
{
    (void)state;
    const char *wanted = getenv("SEED");
    unsigned seed = wanted ? (unsigned)atoi(wanted) : (unsigned)time(NULL);
    print_message("# seed %u\n", seed);
    srand(seed);
    model_start(256 << 20);
    lines = interrupt_range_create(model_root());
    dma = dma_create(model_root());
    uint64_t used = model_root()->budget.used, objects = model_root()->objects, free = memory_free();
    for (unsigned round = 0; round < ROUNDS; round++) {
        memset(peers, 0, sizeof peers);
        for (unsigned i = 0; i < CALLS; i++) {
            step();
            if (i % 64 == 0)
                check();
        }
        end_all();
        while (!dma_clear(dma)) /* which nobody's end empties */
            ;
        model_settle();
        check();
        assert_null(process_next(0));
        assert_int_equal(model_root()->objects, objects);
        assert_int_equal(model_root()->budget.used, used);
        assert_int_equal(memory_free(), free);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_calls_leave_nothing_behind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
