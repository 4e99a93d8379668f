/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is large, or there in numbers, made and taken apart: the calls and the jobs that could keep the kernel longest.
 * That it works is checked elsewhere; here it is counted, by holds.c.
 */
#include "../system/test.h"

#include <stdlib.h>

#include <cavern/batch.h>
#include <cavern/thread.h>

#define MANY 120 /* a process has no more stacks */
#define GIB (UINT64_C(1) << 30)

static void largest_queue(void)
{
    uint64_t ring, control, bound, queue;
    CHECK_OK(cavern_sys_queue_create(CAVERN_SELF_ACCOUNT, CAVERN_QUEUE_BLOCKS_MAX, CAVERN_QUEUE_SLOTS_MAX, 0, &queue));
    for (unsigned i = 0; i < 2; i++) {
        CHECK_OK(cavern_sys_queue_bind(queue, CAVERN_SELF_PROCESS, 0, &ring, &control, &bound));
        CHECK_OK(cavern_sys_queue_bind(queue, 0, 0, &ring, &control, &bound));
    }
    CHECK_OK(cavern_sys_queue_bind(queue, CAVERN_SELF_PROCESS, 0, &ring, &control, &bound));
    CHECK_OK(cavern_sys_handle_close(queue));
}

static void largest_buffers(void)
{
    void *address;
    cavern_handle buffer;
    for (unsigned flags = 0; flags < 2; flags++) {
        CHECK_OK(cavern_buffer_create(CAVERN_SELF_ACCOUNT, CAVERN_BLOCK_2M, flags, &buffer));
        CHECK_OK(cavern_buffer_map(buffer, 0, CAVERN_BLOCK_2M, CAVERN_PROT_READ | CAVERN_PROT_WRITE, &address));
        memset(address, 1, CAVERN_BLOCK_2M);
        cavern_buffer_unmap((char *)address + CAVERN_PAGE_SIZE, CAVERN_PAGE_SIZE); /* out of the middle of a block */
        cavern_buffer_unmap(address, CAVERN_BLOCK_2M);
        CHECK_OK(cavern_buffer_seal(buffer));
        CHECK_OK(cavern_buffer_map(buffer, 0, CAVERN_BLOCK_2M, CAVERN_PROT_READ | CAVERN_PROT_EXECUTE, &address));
        cavern_buffer_unmap(address, CAVERN_BLOCK_2M);
        cavern_handle_close(buffer);
    }
}

/* --- ends of processes --- */

/* A page here and there: a table of each level for each of them. */
static void many_tables(void)
{
    cavern_handle buffer;
    CHECK_OK(cavern_buffer_create(CAVERN_SELF_ACCOUNT, CAVERN_PAGE_SIZE, 0, &buffer));
    for (uint64_t i = 1; i <= MANY; i++)
        CHECK_OK(cavern_buffer_map_at(CAVERN_SELF_PROCESS, buffer, 0, CAVERN_PAGE_SIZE, i * GIB, CAVERN_PROT_READ));
}

/* Few that are used, and far apart. */
static void many_handles(void)
{
    enum { HANDLES = 30000 };
    cavern_handle *handles = test_memory(HANDLES * sizeof *handles);
    for (unsigned i = 0; i < HANDLES; i++)
        CHECK_OK(cavern_handle_duplicate(CAVERN_SELF_PROCESS, CAVERN_RIGHT_INSPECT, &handles[i]));
    for (unsigned i = 0; i < HANDLES; i++)
        if (i % 5000)
            cavern_handle_close(handles[i]);
}

static void many_objects(void)
{
    cavern_handle handle;
    for (unsigned i = 0; i < MANY; i++) {
        struct cavern_queue queue;
        CHECK_OK(cavern_queue_create(CAVERN_QUEUE_BLOCKS_MIN, 16, &queue));
        CHECK_OK(cavern_sender_mint(queue.handle, i, 10, 10, CAVERN_MINT_CLOSED, &handle));
        CHECK_OK(cavern_buffer_create(CAVERN_SELF_ACCOUNT, 16 * CAVERN_PAGE_SIZE, 0, &handle));
        CHECK_OK(cavern_sys_signal_create(CAVERN_SELF_ACCOUNT, &handle));
    }
}

static void largest_ring(void)
{
    struct cavern_queue queue;
    CHECK_OK(cavern_queue_create(CAVERN_QUEUE_BLOCKS_MAX, CAVERN_QUEUE_SLOTS_MAX, &queue));
    cavern_handle sender = test_sender(&queue, 0);
    while (test_send_word(sender, 1) == CAVERN_OK)
        ;
}

static void end_of(const char *function)
{
    struct test_peer peer;
    struct cavern_spawn_handle account = test_give(TEST_ACCOUNT, test_account(), RIGHTS_ACCOUNT);
    test_peer(function, &account, 1, &peer);
    test_peer_done(&peer);
}

static void ends(void)
{
    end_of("many_tables");
    end_of("many_handles");
    end_of("many_objects");
    end_of("largest_ring");
}

/* --- many at once --- */

static uint64_t sleep_until_then(void *argument)
{
    cavern_sleep_until(*(const uint64_t *)argument);
    return 0;
}

static void many_deadlines(void)
{
    static struct cavern_thread *threads[MANY];
    struct cavern_thread_setup setup = {.priority = CAVERN_THREAD_SAME_PRIORITY, .stack = 16384};
    uint64_t then = cavern_after(CAVERN_SECOND / 2);
    for (unsigned i = 0; i < MANY; i++)
        CHECK_OK(cavern_thread_start(sleep_until_then, &then, &setup, &threads[i]));
    for (unsigned i = 0; i < MANY; i++)
        CHECK_OK(cavern_thread_join(threads[i], CAVERN_FOREVER, NULL));
}

/* Room for all who wait for it comes at once, and notices that have waited go into the ring. */
static void many_waiters(void)
{
    static cavern_handle senders[MANY], signals[MANY];
    struct cavern_queue queue, told;
    struct cavern_message message;
    test_queue(&queue, CAVERN_QUEUE_BLOCKS_MIN, 0);
    test_queue(&told, 4096, 0);
    for (unsigned i = 0; i < MANY; i++) {
        CHECK_OK(cavern_sender_mint(queue.handle, i, 100, 0, 0, &senders[i]));
        while (test_send_word(senders[i], i) == CAVERN_OK)
            ;
        CHECK_OK(cavern_sys_space(senders[i], i, 1, told.handle));
        CHECK_OK(cavern_sys_signal_create(CAVERN_SELF_ACCOUNT, &signals[i]));
        CHECK_OK(cavern_sys_notify(signals[i], i, queue.handle, 0));
        CHECK_OK(cavern_sys_signal_raise(signals[i]));
    }
    while (cavern_queue_receive(&queue, 0, &message) == CAVERN_OK)
        cavern_queue_release(&queue, &message);
    for (unsigned i = 0; i < MANY; i++)
        cavern_handle_close(senders[i]);
}

static void largest_message(void)
{
    _Alignas(8) static uint8_t payload[CAVERN_PAYLOAD_MAX];
    struct cavern_queue queue;
    struct cavern_message message;
    struct cavern_lease leases[CAVERN_ATTACHMENTS_MAX];
    struct cavern_grant grants[CAVERN_ATTACHMENTS_MAX];
    test_queue(&queue, 4096, 16);
    for (unsigned i = 0; i < CAVERN_ATTACHMENTS_MAX; i++) {
        leases[i] = (struct cavern_lease){(uintptr_t)payload, sizeof payload, CAVERN_LEASE_READ};
        CHECK_OK(cavern_sys_signal_create(CAVERN_SELF_ACCOUNT, &grants[i].handle));
        grants[i].rights = CAVERN_RIGHT_RAISE;
    }
    struct cavern_outgoing all = {.payload = payload,
                                  .size = sizeof payload,
                                  .leases = leases,
                                  .lease_count = CAVERN_ATTACHMENTS_MAX,
                                  .grants = grants,
                                  .grant_count = CAVERN_ATTACHMENTS_MAX};
    CHECK_OK(cavern_request(test_sender(&queue, 0), 0, &all, &queue, 257, NULL));
    CHECK_OK(cavern_queue_receive(&queue, 0, &message));
    struct cavern_outgoing answer = {.payload = payload, .size = sizeof payload};
    CHECK_OK(cavern_reply(&queue, message.header.request, &answer));
}

static void longest_batch(void)
{
    static struct cavern_operation operations[1000];
    size_t done = 0;
    for (unsigned i = 0; i < 1000; i++)
        operations[i] = (struct cavern_operation){{0, CAVERN_OPERATION(NOP)}};
    CHECK_OK(cavern_submit(operations, 1000, &done));
}

const struct test_case test_cases[] = {
    {"the largest queue", largest_queue, "[SCHED-20]"},     {"the largest buffers", largest_buffers, "[SCHED-20]"},
    {"ends of large processes", ends, "[SCHED-20]"},        {"many deadlines", many_deadlines, "[SCHED-20]"},
    {"many who wait for room", many_waiters, "[SCHED-20]"}, {"the largest message", largest_message, "[SCHED-20]"},
    {"the longest batch", longest_batch, "[SCHED-20]"},     {0},
};

const struct test_peer_function test_peers[] = {
    {"many_tables", many_tables},
    {"many_handles", many_handles},
    {"many_objects", many_objects},
    {"largest_ring", largest_ring},
    {0},
};
