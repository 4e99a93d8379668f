/* SPDX-License-Identifier: BSD-2-Clause */
/* Threads of libcavern: their life, their own data, and what they leave behind. */
#include "test.h"

#include <errno.h>
#include <stdlib.h>

#include <cavern/fault.h>
#include <cavern/thread.h>

static struct cavern_thread *start_at(uint64_t (*function)(void *), void *argument, int priority)
{
    struct cavern_thread *thread;
    CHECK_OK(cavern_thread_start(function, argument,
                                 &(struct cavern_thread_setup){.priority = priority, .cpus = TEST_CPUS}, &thread));
    return thread;
}

/* Priorities order threads of one CPU. */
static const struct cavern_thread_setup beside = {.priority = CAVERN_THREAD_SAME_PRIORITY, .cpus = TEST_CPUS};

static void join(struct cavern_thread *thread, uint64_t reason, uint64_t code)
{
    uint64_t words[5];
    CHECK_OK(cavern_thread_join(thread, cavern_after(5 * CAVERN_SECOND), words));
    CHECK_EQUAL(words[CAVERN_EXIT_REASON], reason);
    CHECK_EQUAL(words[CAVERN_EXIT_CODE], code);
}

static unsigned ran;

static uint64_t add(void *argument)
{
    ran++;
    return (uintptr_t)argument + 1;
}

static void function_runs_with_its_argument(void)
{
    struct cavern_thread *high = start_at(add, (void *)41, TEST_PRIORITY_HIGH);
    CHECK_EQUAL(ran, 1);
    struct cavern_thread *low = start_at(add, (void *)51, TEST_PRIORITY_LOW), *same;
    CHECK_OK(cavern_thread_start(add, (void *)61, &beside, &same));
    CHECK_EQUAL(ran, 1);
    cavern_thread_yield();
    CHECK_EQUAL(ran, 2);
    join(low, CAVERN_REASON_EXITED, 52);
    join(high, CAVERN_REASON_EXITED, 42);
    join(same, CAVERN_REASON_EXITED, 62);
}

static uint64_t lower_itself(void *argument)
{
    (void)argument;
    CHECK_OK(cavern_sys_thread_control(cavern_thread_handle(cavern_thread_self()), 0, CAVERN_THREAD_SET,
                                       TEST_PRIORITY_LOW, TEST_CPUS));
    ran++;
    return 0;
}

/* It runs before who starts it has its handle. */
static void thread_knows_its_handle_from_the_first(void)
{
    struct cavern_thread *thread = start_at(lower_itself, NULL, TEST_PRIORITY_HIGH);
    CHECK_EQUAL(ran, 0);
    CHECK(cavern_thread_handle(thread) != CAVERN_SELF_THREAD);
    join(thread, CAVERN_REASON_EXITED, 0);
    CHECK_EQUAL(ran, 1);
}

/* A thread starts one like itself. */
static uint64_t start_same(void *argument)
{
    struct cavern_thread *thread;
    CHECK_OK(cavern_thread_start(add, argument, &beside, &thread));
    unsigned before = ran;
    cavern_thread_yield();
    CHECK_EQUAL(ran, before + 1);
    join(thread, CAVERN_REASON_EXITED, 8);
    return 7;
}

static void priority_is_that_of_who_starts(void)
{
    join(start_at(start_same, (void *)7, TEST_PRIORITY_HIGH), CAVERN_REASON_EXITED, 7);
}

enum { LARGE = 300 * 1024 };

static uint64_t fill_stack(void *argument)
{
    volatile uint8_t bytes[LARGE];
    (void)argument;
    for (size_t i = 0; i < LARGE; i += CAVERN_PAGE_SIZE)
        bytes[i] = 1;
    return bytes[CAVERN_PAGE_SIZE];
}

static void stack_has_the_size_asked_for(void)
{
    struct cavern_thread *thread;
    struct cavern_thread_setup setup = {
        .priority = CAVERN_THREAD_SAME_PRIORITY, .stack = LARGE + 1024, .cpus = TEST_CPUS};
    CHECK_OK(cavern_thread_start(fill_stack, NULL, &setup, &thread));
    join(thread, CAVERN_REASON_EXITED, 1);
}

static uint64_t overrun(void *argument)
{
    volatile uint8_t bytes[16 * 1024];
    bytes[0] = (uint8_t)(uintptr_t)argument;
    return bytes[0] ? 0 : overrun((void *)(uintptr_t)bytes[0]) + bytes[0];
}

static void overrun_peer(void)
{
    start_at(overrun, NULL, TEST_PRIORITY_TOP);
}

static void stacks_end_in_nothing(void)
{
    struct test_peer peer;
    uint64_t words[5];
    test_peer("overrun", NULL, 0, &peer);
    test_peer_exit(&peer, words, true);
    CHECK_EQUAL(words[CAVERN_EXIT_REASON], CAVERN_REASON_FAULT);
    CHECK_EQUAL(words[CAVERN_EXIT_FAULT], CAVERN_FAULT_DATA_UNMAPPED);
}

static void start_that_fails_leaves_nothing(void)
{
    struct cavern_thread *thread;
    join(start_at(add, NULL, TEST_PRIORITY), CAVERN_REASON_EXITED, 1);
    uint64_t used = test_used();
    struct cavern_thread_setup setup = {.priority = CAVERN_THREAD_SAME_PRIORITY, .stack = 64 << 20};
    CHECK_STATUS(cavern_thread_start(add, NULL, &setup, &thread), CAVERN_NO_MEMORY);
    setup = (struct cavern_thread_setup){.priority = TEST_PRIORITY_TOP + 1};
    CHECK_STATUS(cavern_thread_start(add, NULL, &setup, &thread), CAVERN_DENIED);
    setup.priority = CAVERN_PRIORITIES;
    CHECK_STATUS(cavern_thread_start(add, NULL, &setup, &thread), CAVERN_BAD_ARGUMENT);
    CHECK_EQUAL(test_used(), used);
    CHECK_EQUAL(ran, 1);
}

/* --- thread-local data --- */

static _Thread_local uint64_t with_value = 0x1234;
static _Thread_local uint8_t zeros[1000];
static _Thread_local uint8_t aligned[64] __attribute__((aligned(64))) = {7};

static void check_fresh_and_write(uint8_t mark)
{
    CHECK_EQUAL(with_value, 0x1234);
    CHECK_EQUAL(errno, 0);
    CHECK_EQUAL((uintptr_t)aligned % 64, 0);
    CHECK_EQUAL(aligned[0], 7);
    CHECK_EQUAL(aligned[63], 0);
    for (size_t i = 0; i < sizeof(zeros); i++)
        CHECK_EQUAL(zeros[i], 0);
    with_value = errno = mark;
    memset(zeros, mark, sizeof(zeros));
    memset(aligned, mark, sizeof(aligned));
}

static void check_own(uint8_t mark)
{
    CHECK_EQUAL(with_value, mark);
    CHECK_EQUAL(errno, mark);
    CHECK_EQUAL(zeros[0], mark);
    CHECK_EQUAL(zeros[sizeof(zeros) - 1], mark);
    CHECK_EQUAL(aligned[63], mark);
}

static uint64_t keep_own(void *argument)
{
    uint8_t mark = (uint8_t)(uintptr_t)argument;
    check_fresh_and_write(mark);
    for (unsigned i = 0; i < 20; i++) {
        cavern_thread_yield();
        check_own(mark);
    }
    return 0;
}

static void each_has_its_own_data(void)
{
    struct cavern_thread *threads[5];
    check_fresh_and_write(99);
    for (unsigned round = 0; round < 2; round++) { /* the second one's memory has been used before */
        for (unsigned i = 0; i < 5; i++)
            threads[i] = start_at(keep_own, (void *)(uintptr_t)(i + 1), TEST_PRIORITY);
        for (unsigned i = 0; i < 5; i++)
            join(threads[i], CAVERN_REASON_EXITED, 0);
        check_own(99);
    }
}

/* --- ends --- */

static uint64_t sleep_for_ever(void *argument)
{
    cavern_sleep_until(CAVERN_FOREVER);
    return (uintptr_t)argument;
}

static uint64_t sleep_a_little(void *argument)
{
    cavern_sleep_until(cavern_after(20 * CAVERN_MILLISECOND));
    cavern_thread_exit((uintptr_t)argument);
}

static uint64_t spin(void *argument)
{
    for (;;)
        PUBLISH(*(unsigned *)argument, 1);
}

static void join_takes_every_end(void)
{
    unsigned started = 0;
    join(start_at(add, NULL, TEST_PRIORITY_HIGH), CAVERN_REASON_EXITED, 1); /* ended before */
    join(start_at(sleep_a_little, (void *)3, TEST_PRIORITY_HIGH), CAVERN_REASON_EXITED, 3);
    struct cavern_thread *thread = start_at(sleep_for_ever, NULL, TEST_PRIORITY_HIGH);
    cavern_thread_end(thread, 5);
    join(thread, CAVERN_REASON_EXITED, 5);
    thread = start_at(spin, &started, TEST_PRIORITY_LOW); /* never asleep */
    while (!OBSERVE(started))
        cavern_sleep_until(cavern_after(CAVERN_MILLISECOND));
    cavern_thread_end(thread, 6);
    cavern_thread_end(thread, 7);
    join(thread, CAVERN_REASON_EXITED, 6);
    thread = start_at(add, NULL, TEST_PRIORITY_LOW); /* before its first instruction */
    unsigned before = ran;
    CHECK_OK(cavern_sys_thread_control(cavern_thread_handle(thread), 0, CAVERN_THREAD_END, 8, 0));
    join(thread, CAVERN_REASON_EXITED, 8);
    CHECK_EQUAL(ran, before);
}

static uint64_t fault(void *argument)
{
    *(volatile uint64_t *)argument = 1;
    return 0;
}

static void join_one_that_faults(void)
{
    cavern_sleep_until(cavern_after(20 * CAVERN_MILLISECOND)); /* until there is a handler */
    join(start_at(fault, (void *)0x10000, TEST_PRIORITY_HIGH), CAVERN_REASON_ENDED, 9);
}

/* The handler is the case; it ends the thread alone. */
static void thread_that_faulted_is_joined(void)
{
    struct cavern_queue faults;
    struct cavern_message message;
    struct test_peer peer;
    test_queue(&faults, 64, 0);
    test_peer("join one that faults", NULL, 0, &peer);
    CHECK_OK(cavern_fault_notify(peer.process, faults.handle, 0));
    test_receive(&faults, CAVERN_KIND_FAULT, &message);
    struct cavern_fault_notice notice = cavern_fault_read(&message);
    CHECK_EQUAL(notice.address, 0x10000);
    CHECK_OK(cavern_sys_thread_control(peer.process, notice.thread, CAVERN_THREAD_END, 9, 0));
    test_peer_done(&peer);
}

static void join_waits_until_its_deadline(void)
{
    struct cavern_thread *thread = start_at(sleep_for_ever, NULL, TEST_PRIORITY_HIGH);
    uint64_t deadline = cavern_after(10 * CAVERN_MILLISECOND);
    CHECK_STATUS(cavern_thread_join(thread, CAVERN_POLL, NULL), CAVERN_TIMEOUT);
    CHECK_STATUS(cavern_thread_join(thread, deadline, NULL), CAVERN_TIMEOUT);
    CHECK(cavern_now() >= deadline);
    cavern_thread_end(thread, 1);
    CHECK_OK(cavern_thread_join(thread, CAVERN_POLL, NULL));
}

static uint64_t join_other(void *argument)
{
    join(argument, CAVERN_REASON_EXITED, 3);
    return 4;
}

static void any_thread_joins_any(void)
{
    struct cavern_thread *one = start_at(sleep_a_little, (void *)3, TEST_PRIORITY);
    join(start_at(join_other, one, TEST_PRIORITY), CAVERN_REASON_EXITED, 4);
}

static void a_thousand_starts_cost_what_one_costs(void)
{
    join(start_at(add, NULL, TEST_PRIORITY), CAVERN_REASON_EXITED, 1);
    uint64_t used = test_used();
    for (unsigned i = 0; i < 1000; i++) {
        struct cavern_thread *thread = start_at(i % 3 ? add : sleep_for_ever, NULL, TEST_PRIORITY_HIGH);
        if (i % 3 == 0)
            cavern_thread_end(thread, 1);
        join(thread, CAVERN_REASON_EXITED, 1);
    }
    CHECK_EQUAL(test_used(), used);
}

static void detached_ones_leave_nothing(void)
{
    uint64_t used = 0;
    for (unsigned i = 0; i < 300; i++) {
        struct cavern_thread *thread = start_at(i % 2 ? add : sleep_a_little, NULL, TEST_PRIORITY_HIGH);
        CHECK_OK(cavern_thread_detach(thread));
        if (i % 10 < 8)
            continue;
        cavern_sleep_until(cavern_after(25 * CAVERN_MILLISECOND));
        join(start_at(add, NULL, TEST_PRIORITY_HIGH), CAVERN_REASON_EXITED, 1);
        used = used ? used : test_used();
        CHECK_EQUAL(test_used(), used);
    }
}

static void killed_while_detached_leaves_nothing(void)
{
    uint64_t used = 0;
    for (unsigned i = 0; i < 10; i++) {
        struct cavern_thread *thread = start_at(sleep_for_ever, NULL, TEST_PRIORITY_HIGH);
        cavern_thread_end(thread, 0);
        CHECK_OK(cavern_thread_detach(thread));
        join(start_at(add, NULL, TEST_PRIORITY_HIGH), CAVERN_REASON_EXITED, 1);
        used = used ? used : test_used();
        CHECK_EQUAL(test_used(), used);
    }
}

/* --- what several may use at once --- */

static uint64_t sleep_for(void *argument)
{
    uint64_t deadline = cavern_after((uintptr_t)argument * CAVERN_MILLISECOND);
    cavern_sleep_until(deadline);
    CHECK(cavern_now() >= deadline);
    return ran++;
}

static void each_sleeps_by_itself(void)
{
    struct cavern_thread *threads[] = {
        start_at(sleep_for, (void *)60, TEST_PRIORITY_HIGH),
        start_at(sleep_for, (void *)20, TEST_PRIORITY_HIGH),
        start_at(sleep_for, (void *)40, TEST_PRIORITY_HIGH),
    };
    join(threads[0], CAVERN_REASON_EXITED, 2);
    join(threads[1], CAVERN_REASON_EXITED, 0);
    join(threads[2], CAVERN_REASON_EXITED, 1);
}

static uint64_t use_heap(void *argument)
{
    enum { BLOCKS = 40 };
    uint8_t *blocks[BLOCKS] = {0}, mark = (uint8_t)(uintptr_t)argument;
    unsigned seed = mark;
    for (unsigned i = 0; i < 15000; i++) {
        seed = seed * 1103515245 + 12345;
        uint8_t **block = &blocks[seed / 65536 % BLOCKS];
        if (*block)
            CHECK_EQUAL((*block)[(*block)[0]], mark);
        free(*block);
        uint8_t size = (uint8_t)(seed / 1024 % 200 + 2);
        *block = malloc(size);
        CHECK(*block);
        memset(*block, mark, size);
        (*block)[0] = (uint8_t)(size - 1);
        if (mark % 2 && i % 8 == 0) /* the next interrupts somebody, wherever it stands */
            cavern_sleep_until(cavern_after(seed / 128 % 16 * CAVERN_MICROSECOND));
    }
    for (unsigned i = 0; i < BLOCKS; i++)
        free(blocks[i]);
    return 0;
}

static void heap_serves_all(void)
{
    struct cavern_thread *threads[4];
    for (unsigned i = 0; i < 4; i++)
        threads[i] = start_at(use_heap, (void *)(uintptr_t)(i + 1), TEST_PRIORITY + (int)(i + 1) % 2);
    for (unsigned i = 0; i < 4; i++)
        join(threads[i], CAVERN_REASON_EXITED, 0);
}

static void process_outlives_its_first_thread(void)
{
    struct test_peer peer;
    uint64_t words[5];
    test_peer("first thread goes", NULL, 0, &peer);
    test_peer_exit(&peer, words, true);
    CHECK_EQUAL(words[CAVERN_EXIT_REASON], CAVERN_REASON_THREADS);
    CHECK_EQUAL(words[CAVERN_EXIT_CODE], 77);
}

static void first_thread_goes(void)
{
    start_at(sleep_a_little, (void *)77, TEST_PRIORITY);
    cavern_thread_exit(1);
}

const struct test_case test_cases[] = {
    {"a function runs with its argument", function_runs_with_its_argument, "[THREAD-START-1] [THREAD-JOIN-2]"},
    {"a thread knows its handle from the first", thread_knows_its_handle_from_the_first, "[THREAD-START-1]"},
    {"the priority is that of who starts", priority_is_that_of_who_starts, "[THREAD-START-1]"},
    {"a stack has the size asked for", stack_has_the_size_asked_for, "[THREAD-START-1]"},
    {"stacks end in nothing", stacks_end_in_nothing, "[MEM-GUARD-1]"},
    {"a start that fails leaves nothing", start_that_fails_leaves_nothing, "[THREAD-START-2]"},
    {"each has its own data", each_has_its_own_data, "[THREAD-LOCAL-1]"},
    {"join takes every end", join_takes_every_end, "[THREAD-JOIN-1] [THREAD-JOIN-2] [THREAD-END-1]"},
    {"a thread that faulted is joined", thread_that_faulted_is_joined, "[THREAD-JOIN-2]"},
    {"join waits until its deadline", join_waits_until_its_deadline, "[THREAD-JOIN-1]"},
    {"any thread joins any", any_thread_joins_any, "[THREAD-JOIN-1]"},
    {"a thousand starts cost what one costs", a_thousand_starts_cost_what_one_costs, "[THREAD-JOIN-3]"},
    {"detached ones leave nothing", detached_ones_leave_nothing, "[THREAD-DETACH-1]"},
    {"one that was ended and detached leaves nothing", killed_while_detached_leaves_nothing, "[THREAD-DETACH-1]"},
    {"each sleeps by itself", each_sleeps_by_itself, "[THREAD-SLEEP-1]"},
    {"the heap serves all", heap_serves_all, "[THREAD-HEAP-1]"},
    {"a process outlives its first thread", process_outlives_its_first_thread, "[THREAD-JOIN-1]"},
    {0},
};

const struct test_peer_function test_peers[] = {
    {"overrun", overrun_peer},
    {"first thread goes", first_thread_goes},
    {"join one that faults", join_one_that_faults},
    {0},
};
