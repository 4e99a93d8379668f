/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Long calls, and a thread of higher priority that in the middle of them takes away what they work on. A call then goes
 * on with what is there, or answers an error.
 */
#include <stddef.h>
#include <string.h>

#include <cavern/batch.h>
#include <cavern/buffer.h>
#include <cavern/handles.h>
#include <cavern/queue.h>
#include <cavern/send.h>
#include <cavern/stubs.h>
#include <cavern/time.h>

#include "attempt.h"

#define BYTES (1 << 20)
#define FROM UINT64_C(0x20000000)
#define TO UINT64_C(0x30000000)
#define READ_WRITE (CAVERN_PROT_READ | CAVERN_PROT_WRITE)
#define PAUSE (20 * CAVERN_MICROSECOND) /* far less than the calls take */
#define ROUNDS 60

static cavern_handle from, to; /* buffers, mapped at FROM and TO */
static void (*disturb)(void);
static struct cavern_queue pause; /* on which the disturber sleeps */
static unsigned rounds;
static volatile unsigned disturbed;
static bool over;
static uint8_t disturber_stack[8192] __attribute__((aligned(16)));
static uint8_t worker_stack[8192] __attribute__((aligned(16)));

static void disturber(void)
{
    struct cavern_received received;
    GRANTED(cavern_queue_create(CAVERN_QUEUE_BLOCKS_MIN, 0, &pause));
    while (!__atomic_load_n(&over, __ATOMIC_ACQUIRE)) {
        (void)!cavern_sys_receive(pause.handle, cavern_after(PAUSE), &received);
        disturb();
        disturbed++;
    }
    (void)!cavern_sys_thread_control(CAVERN_SELF_THREAD, 0, CAVERN_THREAD_END, 0, 0);
    __builtin_trap();
}

static void start_disturbing(void (*how)(void))
{
    cavern_handle thread;
    disturb = how;
    GRANTED(cavern_sys_thread_create(CAVERN_SELF_PROCESS, ATTEMPT_PRIORITY_HIGH, (uintptr_t)disturber,
                                     (uintptr_t)disturber_stack + sizeof(disturber_stack), 0, 0, 0, 0, &thread));
}

/*
 * So many at least, and until it has got in between of something, not only before and after: with several CPUs it may
 * go slowly while calls that it has broken fail fast.
 */
static bool next_round(unsigned disturbances)
{
    if (rounds >= ROUNDS && disturbed >= disturbances)
        return false;
    rounds++;
    return true;
}

static void stop_disturbing(unsigned failed)
{
    __atomic_store_n(&over, true, __ATOMIC_RELEASE);
    attempt_tell("%u calls, disturbed %u times, %u of them failed", rounds, disturbed, failed);
}

static void map_both(void)
{
    GRANTED(cavern_buffer_create(CAVERN_SELF_ACCOUNT, BYTES, 0, &from));
    GRANTED(cavern_buffer_create(CAVERN_SELF_ACCOUNT, BYTES, 0, &to));
    GRANTED(cavern_buffer_map_at(CAVERN_SELF_PROCESS, from, 0, BYTES, FROM, READ_WRITE));
    GRANTED(cavern_buffer_map_at(CAVERN_SELF_PROCESS, to, 0, BYTES, TO, READ_WRITE));
}

/* Some pages of one of them; mapped again by the next turn. */
static void remap(void)
{
    static uint64_t gone;
    if (gone) {
        (void)!cavern_buffer_map_at(CAVERN_SELF_PROCESS, gone < TO ? from : to, gone & (BYTES - 1),
                                    8 * CAVERN_PAGE_SIZE, gone, READ_WRITE);
        gone = 0;
        return;
    }
    gone = (attempt_random() & 1 ? FROM : TO) + (attempt_random() % (BYTES / CAVERN_PAGE_SIZE - 8)) * CAVERN_PAGE_SIZE;
    (void)!cavern_sys_unmap(CAVERN_SELF_PROCESS, gone, 8 * CAVERN_PAGE_SIZE);
}

/* OK, or one of two errors. */
static unsigned count_failure(enum cavern_status status, enum cavern_status first, enum cavern_status second)
{
    if (status && status != first && status != second)
        attempt_failed("status %d", status);
    return status != CAVERN_OK;
}

static void unmap_under_process_copy(unsigned variant)
{
    unsigned failed = 0;
    map_both();
    start_disturbing(remap);
    while (next_round(ROUNDS / 2))
        failed += count_failure(cavern_sys_process_copy(CAVERN_SELF_PROCESS, FROM, TO, BYTES,
                                                        variant ? CAVERN_COPY_WRITE : CAVERN_COPY_READ),
                                CAVERN_BAD_ADDRESS, CAVERN_OK);
    stop_disturbing(failed);
}

/* --- leases --- */

static struct cavern_queue queue;
static cavern_handle sender;
static uint32_t pending;

/* False: it is not all mapped just now. */
static bool lend(void)
{
    struct cavern_lease lease = {FROM, BYTES, CAVERN_LEASE_READ | CAVERN_LEASE_WRITE};
    struct cavern_outgoing out = {.leases = &lease, .lease_count = 1};
    struct cavern_message message;
    if (count_failure(cavern_request(sender, 0, &out, &queue, 1, NULL), CAVERN_BAD_ADDRESS, CAVERN_OK))
        return false;
    while (cavern_queue_take(&queue, &message)) {
        if (message.header.kind == CAVERN_KIND_REQUEST)
            pending = message.header.request;
        cavern_queue_release(&queue, &message);
    }
    return true;
}

/* The copied memory goes, in part, or the request with it. */
static void remap_or_drop(void)
{
    if (attempt_random() & 3)
        remap();
    else
        (void)!cavern_sys_drop(queue.handle, pending);
}

static void unmap_under_lease_copy(unsigned variant)
{
    unsigned failed = 0;
    map_both();
    GRANTED(cavern_queue_create(CAVERN_QUEUE_BLOCKS_MIN, 8, &queue));
    GRANTED(cavern_sender_mint(queue.handle, 0, 8, 8, 0, &sender));
    while (next_round(ROUNDS / 2)) {
        GRANTED(cavern_sys_unmap(CAVERN_SELF_PROCESS, FROM, BYTES));
        (void)!cavern_buffer_map_at(CAVERN_SELF_PROCESS, from, 0, BYTES, FROM, READ_WRITE);
        if (!lend())
            continue;
        if (disturb != remap_or_drop)
            start_disturbing(remap_or_drop);
        failed += count_failure(cavern_sys_lease_copy(queue.handle, pending, variant ? 0x100 : 0, 0, TO, BYTES),
                                CAVERN_BAD_ADDRESS, CAVERN_CANCELLED);
        (void)!cavern_sys_drop(queue.handle, pending);
    }
    stop_disturbing(failed);
}

/* --- buffers and mappings --- */

/* Handles that the call may have made by now, and others. */
static void close_some(void)
{
    for (cavern_handle index = 4; index < 24; index++)
        for (uint64_t generation = 1; generation < 8; generation++)
            if (attempt_random() & 1 && (generation << 24 | index) != pause.handle)
                (void)!cavern_sys_handle_close(generation << 24 | index);
}

static void close_what_is_filled(unsigned variant)
{
    unsigned failed = 0;
    (void)variant;
    start_disturbing(close_some);
    while (next_round(ROUNDS / 8)) {
        cavern_handle buffer = 0;
        enum cavern_status status = cavern_buffer_create(CAVERN_SELF_ACCOUNT, BYTES, 0, &buffer);
        if (status != CAVERN_NO_MEMORY) /* another CPU is still giving back what was closed */
            failed += count_failure(status, CAVERN_BAD_HANDLE, CAVERN_DENIED);
        cavern_handle_close(buffer);
    }
    stop_disturbing(failed);
}

/* The buffer, its mapping, and the place where it is to come. */
static void close_or_unmap(void)
{
    if (attempt_random() & 1)
        (void)!cavern_sys_unmap(CAVERN_SELF_PROCESS, TO + (attempt_random() % 256) * CAVERN_PAGE_SIZE,
                                CAVERN_PAGE_SIZE);
    else
        cavern_handle_close(to);
}

static void unmap_what_is_mapped(unsigned variant)
{
    unsigned failed = 0;
    (void)variant;
    GRANTED(cavern_buffer_create(CAVERN_SELF_ACCOUNT, BYTES, 0, &from));
    start_disturbing(close_or_unmap);
    while (next_round(0)) {
        if (cavern_handle_duplicate(from, CAVERN_RIGHT_READ | CAVERN_RIGHT_WRITE, &to))
            continue;
        failed += count_failure(cavern_buffer_map_at(CAVERN_SELF_PROCESS, to, 0, BYTES, TO, READ_WRITE),
                                CAVERN_BAD_HANDLE, CAVERN_EXISTS);
        GRANTED(cavern_sys_unmap(CAVERN_SELF_PROCESS, TO, BYTES));
        cavern_handle_close(to);
    }
    stop_disturbing(failed);
}

/* --- batches that are changed while they are made --- */

static struct cavern_operation operations[256];

static void rewrite(void)
{
    for (unsigned i = 0; i < 32; i++) {
        operations[attempt_random() % 256].x[attempt_random() % 9] = attempt_random() & 7;
        operations[attempt_random() % 256].x[1] = (attempt_random() % 64) << 16;
    }
}

static void rewrite_a_batch(unsigned variant)
{
    unsigned failed = 0;
    (void)variant;
    start_disturbing(rewrite);
    while (next_round(ROUNDS / 8)) {
        size_t done = 0;
        for (unsigned j = 0; j < 256; j++)
            operations[j] = (struct cavern_operation){{0, CAVERN_OPERATION(NOP)}};
        failed += cavern_submit(operations, 256, &done) != CAVERN_OK;
    }
    stop_disturbing(failed);
}

/* --- threads --- */

static void work(void)
{
    for (;;) {
        cavern_handle buffer;
        if (cavern_buffer_create(CAVERN_SELF_ACCOUNT, BYTES, 0, &buffer) == CAVERN_OK)
            cavern_handle_close(buffer);
        (void)!cavern_sys_process_copy(CAVERN_SELF_PROCESS, FROM, TO, BYTES, CAVERN_COPY_READ);
        (void)!cavern_buffer_map_at(CAVERN_SELF_PROCESS, from, 0, BYTES, TO + BYTES, READ_WRITE);
        (void)!cavern_sys_unmap(CAVERN_SELF_PROCESS, TO + BYTES, BYTES);
    }
}

/* In the middle of its calls: 0 ended, 1 its registers, and so its progress, replaced by others. */
static void end_in_the_middle(unsigned variant)
{
    map_both();
    for (unsigned i = 0; i < ROUNDS; i++) {
        cavern_handle thread;
        struct cavern_registers registers;
        GRANTED(cavern_sys_thread_create(CAVERN_SELF_PROCESS, ATTEMPT_PRIORITY - 1, (uintptr_t)work,
                                         (uintptr_t)worker_stack + sizeof(worker_stack), 0, 0, 0, 0, &thread));
        cavern_sleep_until(cavern_after(PAUSE + (attempt_random() & 0x3ffff)));
        for (unsigned turn = 0; variant && turn < 4; turn++) {
            GRANTED(cavern_sys_thread_control(thread, 0, CAVERN_THREAD_SUSPEND, 0, 0));
            GRANTED(cavern_sys_thread_registers(thread, 0, CAVERN_REGISTERS_GENERAL, (uintptr_t)&registers,
                                                sizeof(registers)));
            uint64_t *x = &registers.x[2 + attempt_random() % 5];
            *x = attempt_random() & 1 ? attempt_random() >> (attempt_random() & 63) : *x ^ CAVERN_PAGE_SIZE;
            GRANTED(cavern_sys_thread_registers(thread, 0, CAVERN_REGISTERS_GENERAL | CAVERN_REGISTERS_WRITE,
                                                (uintptr_t)&registers, sizeof(registers)));
            GRANTED(cavern_sys_thread_control(thread, 0, CAVERN_THREAD_RESUME, 0, 0));
            cavern_sleep_until(cavern_after(PAUSE));
        }
        GRANTED(cavern_sys_thread_control(thread, 0, CAVERN_THREAD_END, 0, 0));
        cavern_handle_close(thread);
        (void)!cavern_sys_unmap(CAVERN_SELF_PROCESS, TO + BYTES, BYTES);
    }
}

/* The whole process, in the middle of its own. */
static void end_all_in_the_middle(unsigned variant)
{
    cavern_handle thread;
    map_both();
    GRANTED(cavern_sys_thread_create(CAVERN_SELF_PROCESS, ATTEMPT_PRIORITY - 1, (uintptr_t)work,
                                     (uintptr_t)worker_stack + sizeof(worker_stack), 0, 0, 0, 0, &thread));
    cavern_sleep_until(cavern_after(variant * 7 * CAVERN_MICROSECOND));
    (void)!cavern_sys_process_end(CAVERN_SELF_PROCESS, 5);
}

/* A queue that goes while threads sleep on it, or wait for an answer from it. */
static void sleep_on(void)
{
    struct cavern_received received;
    uint64_t words[5] = {0};
    (void)!cavern_sys_call(sender, 0, CAVERN_FOREVER, 0, 0, 0, words, &received);
    (void)!cavern_sys_receive(queue.handle, CAVERN_FOREVER, &received);
    (void)!cavern_sys_thread_control(CAVERN_SELF_THREAD, 0, CAVERN_THREAD_END, 0, 0);
    __builtin_trap();
}

static void close_under_sleepers(unsigned variant)
{
    static uint8_t stacks[8][4096] __attribute__((aligned(16)));
    cavern_handle thread;
    uint64_t out;
    GRANTED(cavern_queue_create(CAVERN_QUEUE_BLOCKS_MIN, 8, &queue));
    GRANTED(cavern_sender_mint(queue.handle, 0, 8, 8, 0, &sender));
    for (unsigned i = 0; i < 8; i++)
        GRANTED(cavern_sys_thread_create(CAVERN_SELF_PROCESS, ATTEMPT_PRIORITY_HIGH, (uintptr_t)sleep_on,
                                         (uintptr_t)stacks[i] + sizeof(stacks[i]), 0, 0, 0, 0, &thread));
    if (variant & 1)
        GRANTED(cavern_sys_queue_bind(queue.handle, 0, 0, &out, &out, &out));
    if (variant & 2)
        cavern_handle_close(sender);
    cavern_handle_close(queue.handle);
    cavern_sleep_until(cavern_after(CAVERN_MILLISECOND));
}

const struct attempt race_attempts[] = {
    {"unmapping under process_copy", unmap_under_process_copy, 2, ENDS_WELL},
    {"unmapping under lease_copy", unmap_under_lease_copy, 2, ENDS_WELL},
    {"closing what is being filled", close_what_is_filled, 0, ENDS_WELL},
    {"unmapping what is being mapped", unmap_what_is_mapped, 0, ENDS_WELL},
    {"rewriting a batch that runs", rewrite_a_batch, 0, ENDS_WELL},
    {"ending threads in their calls", end_in_the_middle, 2, ENDS_WELL | ENDS_ANY_FAULT},
    {"ending itself in the middle", end_all_in_the_middle, 20, ENDS_BY_ITSELF},
    {"closing a queue under sleepers", close_under_sleepers, 4, ENDS_WELL},
    {0},
};
