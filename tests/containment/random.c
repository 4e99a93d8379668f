/* SPDX-License-Identifier: BSD-2-Clause */
/* Random registers in all calls, by several threads and in batches. Not all at random: else most ended in their first
 * check. */
#include <stddef.h>

#include <cavern/batch.h>
#include <cavern/buffer.h>
#include <cavern/handles.h>
#include <cavern/queue.h>
#include <cavern/stubs.h>
#include <cavern/time.h>

#include "attempt.h"
#include "raw.h"

#define RANDOM_CALLS 3000 /* for each thread */
#define RANDOM_THREADS 4
#define RANDOM_LASTS (20 * CAVERN_MILLISECOND)

static uint8_t scratch[64 * 1024] __attribute__((aligned(4096)));
static struct {
    cavern_handle handle;
    enum cavern_type type;
} pool[48];
static unsigned pooled, running;
static unsigned made, granted; /* random calls, and those of them that were OK */

static void pool_add(cavern_handle handle, enum cavern_type type)
{
    MUST(pooled < sizeof(pool) / sizeof(*pool));
    pool[pooled].handle = handle;
    pool[pooled++].type = type;
}

/* Of one type, or of any. */
static cavern_handle pool_draw(enum cavern_type type)
{
    unsigned at = (unsigned)(attempt_random() % pooled);
    while (type && pool[at].type != type)
        at = (at + 1) % pooled;
    return pool[at].handle;
}

/* One of everything, and of what this process was given but for what prints. */
static void pool_fill(void)
{
    static const struct {
        const char *name;
        enum cavern_type type;
    } given[] = {
        {ATTEMPT_ACCOUNT, CAVERN_TYPE_ACCOUNT},  {ATTEMPT_WATCHER, CAVERN_TYPE_PROCESS},
        {ATTEMPT_IMAGE, CAVERN_TYPE_BUFFER},     {"log", CAVERN_TYPE_SENDER},
        {"supervisor", CAVERN_TYPE_SENDER},      {"devices", CAVERN_TYPE_SENDER},
        {ATTEMPT_REGISTERS, CAVERN_TYPE_BUFFER}, {ATTEMPT_LINE, CAVERN_TYPE_INTERRUPT},
        {ATTEMPT_DMA, CAVERN_TYPE_DMA},          {ATTEMPT_MACHINE, CAVERN_TYPE_MACHINE},
    };
    static struct cavern_queue queue;
    cavern_handle handle;
    pool_add(CAVERN_SELF_PROCESS, CAVERN_TYPE_PROCESS);
    pool_add(CAVERN_SELF_ACCOUNT, CAVERN_TYPE_ACCOUNT);
    pool_add(CAVERN_SELF_THREAD, CAVERN_TYPE_THREAD);
    for (unsigned i = 0; i < sizeof(given) / sizeof(*given); i++)
        pool_add(attempt_handle(given[i].name), given[i].type);
    GRANTED(cavern_queue_create(256, 16, &queue));
    pool_add(queue.handle, CAVERN_TYPE_QUEUE);
    for (unsigned i = 0; i < 4; i++) {
        GRANTED(cavern_sender_mint(queue.handle, i, 4 + i, 2, i & CAVERN_MINT_CLOSED, &handle));
        pool_add(handle, CAVERN_TYPE_SENDER);
        GRANTED(cavern_buffer_create(CAVERN_SELF_ACCOUNT, (uint64_t)CAVERN_PAGE_SIZE << 3 * i, 0, &handle));
        pool_add(handle, CAVERN_TYPE_BUFFER);
        GRANTED(cavern_sys_signal_create(CAVERN_SELF_ACCOUNT, &handle));
        pool_add(handle, CAVERN_TYPE_SIGNAL);
        GRANTED(cavern_sys_queue_create(CAVERN_SELF_ACCOUNT, 64, 4, 0, &handle));
        pool_add(handle, CAVERN_TYPE_QUEUE);
        GRANTED(cavern_sys_process_create(CAVERN_SELF_ACCOUNT, 0, i & CAVERN_PROCESS_KEEP, 0, 0, &handle));
        pool_add(handle, CAVERN_TYPE_PROCESS);
    }
}

static uint64_t random_number(void)
{
    uint64_t random = attempt_random();
    switch (random & 7) {
    case 0:
        return random >> 8;
    case 1:
        return random >> 8 & 0xffff;
    case 2:
        return (random >> 8 & 0xff) << 12;
    case 3:
        return UINT64_C(1) << (random >> 8 & 63);
    case 4:
        return ~(UINT64_C(0)) << (random >> 8 & 63);
    default:
        return random >> 8 & 7;
    }
}

static uint64_t random_address(void)
{
    uint64_t random = attempt_random();
    switch (random & 7) {
    case 0:
        return 0xffff000000000000 | (random >> 16);
    case 1:
        return random >> 8 & 0x7ffffffff000;
    default:
        return (uintptr_t)scratch + (random >> 8 & (sizeof(scratch) - 1)) / 8 * 8;
    }
}

static uint64_t random_register(void)
{
    uint64_t random = attempt_random();
    switch (random & 3) {
    case 0:
        return pool_draw(CAVERN_TYPE_NONE);
    case 1:
        return random_address();
    default:
        return random_number();
    }
}

/* Of x0; any where it does not matter. */
static const uint8_t first_types[CAVERN_CALL_COUNT] = {
    [CAVERN_CALL_CALL] = CAVERN_TYPE_SENDER,
    [CAVERN_CALL_SEND] = CAVERN_TYPE_SENDER,
    [CAVERN_CALL_REQUEST] = CAVERN_TYPE_SENDER,
    [CAVERN_CALL_CANCEL] = CAVERN_TYPE_SENDER,
    [CAVERN_CALL_SPACE] = CAVERN_TYPE_SENDER,
    [CAVERN_CALL_RECEIVE] = CAVERN_TYPE_QUEUE,
    [CAVERN_CALL_REPLY_RECEIVE] = CAVERN_TYPE_QUEUE,
    [CAVERN_CALL_REPLY] = CAVERN_TYPE_QUEUE,
    [CAVERN_CALL_DROP] = CAVERN_TYPE_QUEUE,
    [CAVERN_CALL_QUEUE_FREED] = CAVERN_TYPE_QUEUE,
    [CAVERN_CALL_LEASE_COPY] = CAVERN_TYPE_QUEUE,
    [CAVERN_CALL_GRANT_ACCEPT] = CAVERN_TYPE_QUEUE,
    [CAVERN_CALL_QUEUE_BIND] = CAVERN_TYPE_QUEUE,
    [CAVERN_CALL_SENDER_MINT] = CAVERN_TYPE_QUEUE,
    [CAVERN_CALL_QUEUE_CREATE] = CAVERN_TYPE_ACCOUNT,
    [CAVERN_CALL_ACCOUNT_SPLIT] = CAVERN_TYPE_ACCOUNT,
    [CAVERN_CALL_BUFFER_CREATE] = CAVERN_TYPE_ACCOUNT,
    [CAVERN_CALL_PROCESS_CREATE] = CAVERN_TYPE_ACCOUNT,
    [CAVERN_CALL_SIGNAL_CREATE] = CAVERN_TYPE_ACCOUNT,
    [CAVERN_CALL_BUFFER_SEAL] = CAVERN_TYPE_BUFFER,
    [CAVERN_CALL_HANDLE_GIVE] = CAVERN_TYPE_PROCESS,
    [CAVERN_CALL_MAP] = CAVERN_TYPE_PROCESS,
    [CAVERN_CALL_UNMAP] = CAVERN_TYPE_PROCESS,
    [CAVERN_CALL_PROCESS_COPY] = CAVERN_TYPE_PROCESS,
    [CAVERN_CALL_THREAD_CREATE] = CAVERN_TYPE_PROCESS,
    [CAVERN_CALL_THREAD_REGISTERS] = CAVERN_TYPE_THREAD,
    [CAVERN_CALL_NOTIFY] = CAVERN_TYPE_SIGNAL,
    [CAVERN_CALL_ACKNOWLEDGE] = CAVERN_TYPE_INTERRUPT,
    [CAVERN_CALL_SIGNAL_RAISE] = CAVERN_TYPE_SIGNAL,
    [CAVERN_CALL_DERIVE] = CAVERN_TYPE_DMA,
    [CAVERN_CALL_DMA_MAP] = CAVERN_TYPE_DMA,
    [CAVERN_CALL_DMA_UNMAP] = CAVERN_TYPE_DMA,
    [CAVERN_CALL_DEVICE_IO] = CAVERN_TYPE_BUFFER,
    [CAVERN_CALL_MACHINE] = CAVERN_TYPE_MACHINE,
};

/* The other arguments of some calls, so that these get further than to their first check. */
static void make_sensible(unsigned operation, uint64_t x[RAW_REGISTERS])
{
    uint64_t random = attempt_random(), pages = (random & 7) * CAVERN_PAGE_SIZE;
    x[0] = pool_draw((enum cavern_type)first_types[operation]);
    switch (operation) {
    case CAVERN_CALL_MAP:
        x[2] = pool_draw(CAVERN_TYPE_BUFFER);
        x[3] = 0;
        x[6] = random >> 8 & 3;
        /* fall through */
    case CAVERN_CALL_UNMAP:
        x[4] = pages + CAVERN_PAGE_SIZE;
        x[operation == CAVERN_CALL_MAP ? 5 : 3] = UINT64_C(0x50000000) + (random >> 16 & 63) * CAVERN_PAGE_SIZE;
        break;
    case CAVERN_CALL_BUFFER_CREATE:
        x[2] = x[4] = 0;
        x[3] = pages + 1;
        break;
    case CAVERN_CALL_SENDER_MINT:
        x[3] = UINT64_C(0x400000004);
        x[4] = CAVERN_SELF_ACCOUNT;
        x[5] &= CAVERN_MINT_CLOSED;
        break;
    case CAVERN_CALL_HANDLE_GIVE:
        x[2] = pool_draw(CAVERN_TYPE_NONE);
        x[3] = random & 3;
        x[4] = 0;
        break;
    case CAVERN_CALL_DMA_MAP:
        x[2] = pool_draw(CAVERN_TYPE_BUFFER);
        x[3] = 0;
        x[5] = random >> 8 & 3;
        /* fall through */
    case CAVERN_CALL_DMA_UNMAP:
        x[4] = CAVERN_PAGE_SIZE;
        break;
    case CAVERN_CALL_DEVICE_IO:
        x[0] = attempt_handle(ATTEMPT_REGISTERS);
        x[3] = random >> 8 & 0xfff & ~UINT64_C(3);
        x[4] = 4 | (random & CAVERN_DEVICE_WRITE);
        break;
    case CAVERN_CALL_NOTIFY:
        if (random & 1)
            x[0] = pool_draw(CAVERN_TYPE_INTERRUPT);
        x[4] = random >> 8 & 1;
        /* fall through */
    case CAVERN_CALL_SPACE:
        x[operation == CAVERN_CALL_NOTIFY ? 3 : 9] = pool_draw(CAVERN_TYPE_QUEUE);
        break;
    case CAVERN_CALL_REQUEST:
        x[9] = pool_draw(CAVERN_TYPE_QUEUE);
        x[10] = random & 3;
        break;
    }
}

/* Of a call that does not sleep for long. */
static void random_call(uint64_t x[RAW_REGISTERS])
{
    unsigned operation = (unsigned)(attempt_random() % CAVERN_CALL_COUNT);
    uint64_t size = attempt_random() & 3 ? attempt_random() & 31 : attempt_random() & 0x7fff;
    uint64_t attached = attempt_random() & 7 ? 0 : attempt_random() & 0xff;
    bool ends = operation == CAVERN_CALL_PROCESS_END || operation == CAVERN_CALL_THREAD_CONTROL;
    for (unsigned i = 0; i < RAW_REGISTERS; i++)
        x[i] = random_register();
    if (ends && attempt_random() & 15)
        operation = CAVERN_CALL_REQUEST;
    if (attempt_random() & 3)
        make_sensible(operation, x);
    x[1] = CAVERN_INFO(size, operation, attached & 15, attached >> 4, attempt_random() & 0xffffffff);
    if (operation == CAVERN_CALL_RECEIVE || operation == CAVERN_CALL_REPLY_RECEIVE || operation == CAVERN_CALL_CALL)
        x[9] = attempt_random() & 3 ? CAVERN_POLL : cavern_after(attempt_random() & 0xffff);
}

/* The scratch memory is full of leases, grants and operations that are not bad at first sight. */
static void scratch_fill(void)
{
    uint64_t *words = (uint64_t *)(uintptr_t)scratch;
    for (size_t i = 0; i < sizeof(scratch) / sizeof(*words); i++)
        words[i] = random_register();
}

static void random_thread(void)
{
    for (unsigned i = 0; i < RANDOM_CALLS; i++) {
        uint64_t x[RAW_REGISTERS];
        random_call(x);
        raw_call(x);
        made++;
        granted += x[0] == CAVERN_OK;
    }
    __atomic_fetch_sub(&running, 1, __ATOMIC_RELAXED);
    (void)!cavern_sys_thread_control(CAVERN_SELF_THREAD, 0, CAVERN_THREAD_END, 0, 0);
    __builtin_trap();
}

static uint8_t stacks[RANDOM_THREADS][16384] __attribute__((aligned(16)));

/* Several threads, so that each finds the others' changes in the middle of its calls. */
static void random_calls(unsigned variant)
{
    struct cavern_queue queue;
    struct cavern_message message;
    (void)variant;
    GRANTED(cavern_queue_create(64, 0, &queue));
    pool_fill();
    scratch_fill();
    running = RANDOM_THREADS;
    for (unsigned i = 0; i < RANDOM_THREADS; i++) {
        uint64_t thread;
        GRANTED(cavern_sys_thread_create(CAVERN_SELF_PROCESS, ATTEMPT_PRIORITY - 1, (uintptr_t)random_thread,
                                         (uintptr_t)stacks[i] + sizeof(stacks[i]), 0, 0, 0, 0, &thread));
        pool_add(thread, CAVERN_TYPE_THREAD);
    }
    uint64_t end = cavern_after(RANDOM_LASTS);
    while (__atomic_load_n(&running, __ATOMIC_RELAXED) && cavern_now() < end)
        if (cavern_queue_receive(&queue, cavern_after(CAVERN_MILLISECOND), &message) != CAVERN_TIMEOUT)
            break; /* it was this queue's turn */
    attempt_tell("%u calls, %u of them done", made, granted);
}

/* The same in batches. */
static void random_batches(unsigned variant)
{
    static struct cavern_operation operations[64];
    (void)variant;
    pool_fill();
    scratch_fill();
    for (unsigned i = 0; i < 200; i++) {
        size_t done;
        for (unsigned j = 0; j < 64; j++)
            random_call(operations[j].x);
        for (size_t from = 0; from < 64; from = done + 1) {
            done = from;
            if (cavern_submit(operations, 64, &done) == CAVERN_OK || done < from)
                break;
            granted += (unsigned)(done - from);
        }
        made += 64;
    }
    attempt_tell("%u calls, %u of them done", made, granted);
}

const struct attempt random_attempts[] = {
    {"random registers in all calls", random_calls, 24,
     ENDS_WELL | ENDS_ANY_FAULT | ENDS_BY_ITSELF | ENDS_CONTROL_PAGE | ENDS_LATE},
    {"random batches", random_batches, 12, ENDS_WELL | ENDS_ANY_FAULT | ENDS_BY_ITSELF | ENDS_CONTROL_PAGE | ENDS_LATE},
    {0},
};
