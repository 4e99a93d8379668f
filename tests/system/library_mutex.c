/* SPDX-License-Identifier: BSD-2-Clause */
/* Mutexes, conditions and once of libcavern, on the kernel's messages. */
#include "test.h"

#include <cavern/mutex.h>
#include <cavern/thread.h>

#define THREADS 5

static struct cavern_mutex mutex;
static struct cavern_condition filled, emptied;

static struct cavern_thread *start_on(uint64_t cpus, uint64_t (*function)(void *), uintptr_t argument, int priority)
{
    struct cavern_thread *thread;
    struct cavern_thread_setup setup = {.priority = priority, .cpus = cpus};
    CHECK_OK(cavern_thread_start(function, (void *)argument, &setup, &thread));
    return thread;
}

/* Beside this thread, so that priorities order them. */
static struct cavern_thread *start_at(uint64_t (*function)(void *), uintptr_t argument, int priority)
{
    return start_on(TEST_CPUS, function, argument, priority);
}

static struct cavern_thread *start_anywhere(uint64_t (*function)(void *), uintptr_t argument, int priority)
{
    return start_on(0, function, argument, priority);
}

/* Its code. */
static uint64_t join(struct cavern_thread *thread)
{
    uint64_t words[5];
    CHECK_OK(cavern_thread_join(thread, cavern_after(10 * CAVERN_SECOND), words));
    return words[CAVERN_EXIT_CODE];
}

static void check_free(void)
{
    CHECK(cavern_mutex_try_lock(&mutex));
    cavern_mutex_unlock(&mutex);
    CHECK_EQUAL(mutex.word, 0);
}

/* --- mutexes --- */

static volatile uint64_t counter; /* two accesses at each step: a second holder would be seen */

static uint64_t count_up(void *argument)
{
    for (unsigned i = 0; i < 3000; i++) {
        cavern_mutex_lock(&mutex);
        uint64_t before = counter;
        for (volatile unsigned pause = 0; pause < i % 64; pause++)
            ;
        counter = before + 1;
        if (i % 100 == (uintptr_t)argument)
            cavern_thread_yield(); /* while it is held */
        cavern_mutex_unlock(&mutex);
        if (i % 50 == 0)
            cavern_sleep_until(cavern_after(10 * CAVERN_MICROSECOND));
    }
    return 0;
}

static void one_at_a_time(void)
{
    struct cavern_thread *threads[THREADS];
    for (unsigned i = 0; i < THREADS; i++)
        threads[i] = start_anywhere(count_up, i, i < 2 ? TEST_PRIORITY_HIGH : TEST_PRIORITY);
    for (unsigned i = 0; i < THREADS; i++)
        join(threads[i]);
    CHECK_EQUAL(counter, THREADS * 3000);
    check_free();
}

static uint64_t system_calls(void)
{
    struct cavern_machine_info info;
    uint64_t next, written;
    CHECK_OK(cavern_sys_inspect(test_handle(CAVERN_STARTUP_MACHINE), CAVERN_INSPECT_MACHINE, 0, (uintptr_t)&info,
                                sizeof(info), &next, &written));
    return info.system_calls;
}

static void free_mutex_needs_no_call(void)
{
    cavern_sleep_until(cavern_after(10 * CAVERN_MILLISECOND)); /* who started this may still be at it, on another CPU */
    uint64_t between = system_calls();
    between = system_calls() - between; /* that of asking itself */
    uint64_t start = system_calls();
    for (unsigned i = 0; i < 1000; i++) {
        cavern_mutex_lock(&mutex);
        CHECK(!cavern_mutex_try_lock(&mutex));
        cavern_mutex_unlock(&mutex);
        CHECK(cavern_mutex_try_lock(&mutex));
        cavern_condition_signal(&filled);
        cavern_mutex_unlock(&mutex);
    }
    CHECK_EQUAL(system_calls() - start, between);
}

static unsigned turn;

static uint64_t take_turn(void *argument)
{
    (void)argument;
    cavern_mutex_lock(&mutex);
    uint64_t mine = turn++;
    cavern_mutex_unlock(&mutex);
    return mine;
}

static void waiters_come_in_order(void)
{
    struct cavern_thread *threads[THREADS];
    cavern_mutex_lock(&mutex);
    for (unsigned i = 0; i < THREADS; i++) /* each runs until it waits; higher priority does not help the later */
        threads[i] = start_at(take_turn, i, TEST_PRIORITY_HIGH + (int)i);
    CHECK(!cavern_mutex_try_lock(&mutex));
    cavern_mutex_unlock(&mutex);
    for (unsigned i = 0; i < THREADS; i++)
        CHECK_EQUAL(join(threads[i]), i);
}

static uint64_t try_only(void *argument)
{
    (void)argument;
    return cavern_mutex_try_lock(&mutex);
}

static void try_never_waits(void)
{
    cavern_mutex_lock(&mutex);
    CHECK_EQUAL(join(start_at(try_only, 0, TEST_PRIORITY)), false);
    cavern_mutex_unlock(&mutex);
    CHECK_EQUAL(join(start_at(try_only, 0, TEST_PRIORITY)), true);
}

static void lock_twice(void)
{
    cavern_mutex_lock(&mutex);
    cavern_mutex_lock(&mutex);
}

static void unlock_free(void)
{
    cavern_mutex_unlock(&mutex);
}

static void unlock_of_another(void)
{
    join(start_at(try_only, 0, TEST_PRIORITY));
    cavern_mutex_unlock(&mutex);
}

static void wait_without(void)
{
    (void)!cavern_condition_wait(&filled, &mutex, CAVERN_FOREVER);
}

static uint64_t wait_filled(void *argument)
{
    cavern_mutex_lock(&mutex);
    enum cavern_status status =
        cavern_condition_wait(&filled, &mutex, argument ? *(uint64_t *)argument : CAVERN_FOREVER);
    CHECK(cavern_mutex_held(&mutex));
    turn++;
    cavern_mutex_unlock(&mutex);
    return status;
}

static void signal_without(void)
{
    start_at(wait_filled, 0, TEST_PRIORITY_TOP);
    cavern_condition_signal(&filled);
}

static void misuse_aborts(void)
{
    static const char *const peers[] = {"lock twice", "unlock free", "unlock another's", "wait without",
                                        "signal without"};
    for (size_t i = 0; i < sizeof(peers) / sizeof(*peers); i++) {
        struct test_peer peer;
        uint64_t words[5];
        test_peer(peers[i], NULL, 0, &peer);
        test_peer_exit(&peer, words, true);
        CHECK_EQUAL(words[CAVERN_EXIT_REASON], CAVERN_REASON_FAULT);
        CHECK_EQUAL(words[CAVERN_EXIT_FAULT], CAVERN_FAULT_BREAKPOINT);
    }
}

/* --- conditions --- */

static unsigned items;
static uint64_t sum;

static uint64_t produce(void *argument)
{
    for (unsigned i = 0; i < 1000; i++) {
        cavern_mutex_lock(&mutex);
        while (items == 3)
            CHECK_OK(cavern_condition_wait(&emptied, &mutex, CAVERN_FOREVER));
        items++;
        sum += (uintptr_t)argument;
        cavern_condition_signal(&filled);
        cavern_mutex_unlock(&mutex);
    }
    return 0;
}

static uint64_t consume(void *argument)
{
    (void)argument;
    for (unsigned i = 0; i < 1000; i++) {
        cavern_mutex_lock(&mutex);
        while (!items)
            CHECK_OK(cavern_condition_wait(&filled, &mutex, CAVERN_FOREVER));
        items--;
        cavern_condition_signal(&emptied);
        cavern_mutex_unlock(&mutex);
    }
    return 0;
}

static void producers_and_consumers_meet(void)
{
    struct cavern_thread *threads[6];
    for (unsigned i = 0; i < 3; i++) {
        threads[i] = start_anywhere(produce, i + 1, TEST_PRIORITY_HIGH + (int)i);
        threads[3 + i] = start_anywhere(consume, 0, TEST_PRIORITY_HIGH + (int)(i % 2));
    }
    for (unsigned i = 0; i < 6; i++)
        join(threads[i]);
    CHECK_EQUAL(items, 0);
    CHECK_EQUAL(sum, 6000);
    check_free();
}

static void signals_wake_one_broadcasts_all(void)
{
    struct cavern_thread *threads[THREADS];
    cavern_mutex_lock(&mutex); /* nobody waits: forgotten */
    cavern_condition_signal(&filled);
    cavern_condition_broadcast(&filled);
    cavern_mutex_unlock(&mutex);
    for (unsigned i = 0; i < THREADS; i++)
        threads[i] = start_at(wait_filled, 0, TEST_PRIORITY_HIGH);
    CHECK_EQUAL(turn, 0);
    cavern_mutex_lock(&mutex);
    cavern_condition_signal(&filled);
    cavern_mutex_unlock(&mutex);
    CHECK_EQUAL(turn, 1);
    CHECK_EQUAL(join(threads[0]), CAVERN_OK);
    cavern_mutex_lock(&mutex);
    cavern_condition_broadcast(&filled);
    CHECK_EQUAL(turn, 1); /* the mutex is held still */
    cavern_mutex_unlock(&mutex);
    CHECK_EQUAL(turn, THREADS);
    for (unsigned i = 1; i < THREADS; i++)
        CHECK_EQUAL(join(threads[i]), CAVERN_OK);
}

static void deadlines_pass_and_lose_nothing(void)
{
    uint64_t deadline = cavern_after(10 * CAVERN_MILLISECOND);
    cavern_mutex_lock(&mutex);
    CHECK_STATUS(cavern_condition_wait(&filled, &mutex, deadline), CAVERN_TIMEOUT);
    CHECK(cavern_now() >= deadline);
    CHECK_STATUS(cavern_condition_wait(&filled, &mutex, 0), CAVERN_TIMEOUT);
    cavern_mutex_unlock(&mutex);
    check_free();

    /* Both deadlines pass while the mutex is held here: only the one that was signalled before it got the mutex is OK.
     */
    deadline = cavern_after(20 * CAVERN_MILLISECOND);
    struct cavern_thread *signalled = start_at(wait_filled, (uintptr_t)&deadline, TEST_PRIORITY_HIGH);
    struct cavern_thread *late = start_at(wait_filled, (uintptr_t)&deadline, TEST_PRIORITY_HIGH);
    cavern_mutex_lock(&mutex);
    while (cavern_now() < deadline + CAVERN_MILLISECOND)
        ;
    cavern_condition_signal(&filled);
    cavern_mutex_unlock(&mutex);
    CHECK_EQUAL(join(signalled), CAVERN_OK);
    CHECK_EQUAL(join(late), CAVERN_TIMEOUT);
    check_free();
    CHECK(!filled.waiting.first);
}

static volatile bool over;

static uint64_t spend_signals(void *argument)
{
    uint64_t spent = 0, number = (uintptr_t)argument;
    while (!over) {
        uint64_t deadline = cavern_after((1 + number++ % 4) * 100 * CAVERN_MICROSECOND);
        cavern_mutex_lock(&mutex);
        spent += cavern_condition_wait(&filled, &mutex, deadline) == CAVERN_OK;
        cavern_mutex_unlock(&mutex);
    }
    return spent;
}

static void signals_at_deadlines_are_spent_once(void)
{
    struct cavern_thread *threads[THREADS];
    uint64_t signals = 0, spent = 0;
    for (unsigned i = 0; i < THREADS; i++)
        threads[i] = start_anywhere(spend_signals, i, TEST_PRIORITY_HIGH);
    for (unsigned i = 0; i < 2000; i++) {
        cavern_mutex_lock(&mutex);
        signals += filled.waiting.first != NULL;
        cavern_condition_signal(&filled);
        cavern_mutex_unlock(&mutex);
        if (i % 16 == 0)
            cavern_sleep_until(cavern_after(20 * CAVERN_MICROSECOND));
    }
    over = true;
    for (unsigned i = 0; i < THREADS; i++)
        spent += join(threads[i]);
    CHECK(signals);
    CHECK_EQUAL(spent, signals);
    check_free();
}

/* --- threads that are ended while they wait --- */

static uint64_t hold_briefly(void *argument)
{
    (void)argument;
    cavern_mutex_lock(&mutex);
    turn++;
    cavern_mutex_unlock(&mutex);
    return 0;
}

static void ended_waiters_are_passed_over(void)
{
    cavern_mutex_lock(&mutex);
    struct cavern_thread *dead = start_at(hold_briefly, 0, TEST_PRIORITY_HIGH);
    struct cavern_thread *alive = start_at(hold_briefly, 0, TEST_PRIORITY_HIGH);
    struct cavern_thread *last = start_at(hold_briefly, 0, TEST_PRIORITY_HIGH);
    cavern_thread_end(dead, 0);
    cavern_thread_end(last, 0);
    join(dead); /* the list knows it still */
    cavern_mutex_unlock(&mutex);
    join(alive);
    join(last);
    CHECK_EQUAL(turn, 1);
    check_free();
}

static void what_was_handed_to_the_dead_goes_on(void)
{
    cavern_mutex_lock(&mutex);
    struct cavern_thread *dead = start_at(hold_briefly, 0, TEST_PRIORITY_LOW);
    cavern_sleep_until(cavern_after(5 * CAVERN_MILLISECOND)); /* it comes to wait */
    struct cavern_thread *alive = start_at(hold_briefly, 0, TEST_PRIORITY_HIGH);
    cavern_mutex_unlock(&mutex); /* to the low one, which does not run */
    CHECK(!cavern_mutex_try_lock(&mutex));
    CHECK_EQUAL(turn, 0);
    cavern_thread_end(dead, 0);
    CHECK_EQUAL(turn, 1);
    join(alive);
    join(dead);
    check_free();
}

static void ended_waiters_take_no_signal(void)
{
    struct cavern_thread *dead = start_at(wait_filled, 0, TEST_PRIORITY_HIGH);
    struct cavern_thread *alive = start_at(wait_filled, 0, TEST_PRIORITY_HIGH);
    cavern_thread_end(dead, 0);
    cavern_mutex_lock(&mutex);
    cavern_condition_signal(&filled);
    cavern_mutex_unlock(&mutex);
    CHECK_EQUAL(join(alive), CAVERN_OK);
    join(dead);
    check_free();
}

/* Also of those that were killed while somebody else's list knew them. */
static void ended_waiters_give_their_memory_back(void)
{
    uint64_t used = 0;
    for (unsigned i = 0; i < 50; i++) {
        cavern_mutex_lock(&mutex);
        struct cavern_thread *waiting = start_at(wait_filled, 0, TEST_PRIORITY_HIGH);
        struct cavern_thread *locking = start_at(hold_briefly, 0, TEST_PRIORITY_HIGH);
        cavern_mutex_unlock(&mutex);
        cavern_thread_end(waiting, 0);
        cavern_thread_end(locking, 0);
        join(waiting);
        join(locking);
        cavern_mutex_lock(&mutex);
        cavern_condition_broadcast(&filled);
        cavern_mutex_unlock(&mutex);
        join(start_at(try_only, 0, TEST_PRIORITY_HIGH));
        mutex = (struct cavern_mutex){0}; /* try_only has kept it */
        used = used ? used : test_used();
        CHECK_EQUAL(test_used(), used);
    }
}

/* --- once --- */

static struct cavern_once once;
static unsigned times;

static void slowly(void)
{
    cavern_sleep_until(cavern_after(10 * CAVERN_MILLISECOND));
    times++;
}

static uint64_t come_once(void *argument)
{
    (void)argument;
    cavern_once(&once, slowly);
    return times;
}

static void once_is_once(void)
{
    struct cavern_thread *threads[THREADS];
    for (unsigned i = 0; i < THREADS; i++)
        threads[i] = start_at(come_once, 0, TEST_PRIORITY_HIGH);
    for (unsigned i = 0; i < THREADS; i++)
        CHECK_EQUAL(join(threads[i]), 1);
    cavern_once(&once, slowly);
    CHECK_EQUAL(times, 1);
}

const struct test_case test_cases[] = {
    {"one at a time", one_at_a_time, "[THREAD-MUTEX-1]"},
    {"a free mutex needs no call", free_mutex_needs_no_call, "[THREAD-MUTEX-2]"},
    {"waiters come in order", waiters_come_in_order, "[THREAD-MUTEX-3]"},
    {"try never waits", try_never_waits, "[THREAD-MUTEX-5]"},
    {"misuse aborts", misuse_aborts, "[THREAD-MUTEX-4]"},
    {"producers and consumers meet", producers_and_consumers_meet, "[THREAD-CONDITION-1]"},
    {"signals wake one, broadcasts all", signals_wake_one_broadcasts_all, "[THREAD-CONDITION-2]"},
    {"deadlines pass and lose nothing", deadlines_pass_and_lose_nothing, "[THREAD-CONDITION-3]"},
    {"signals at deadlines are spent once", signals_at_deadlines_are_spent_once, "[THREAD-CONDITION-3]"},
    {"ended waiters are passed over", ended_waiters_are_passed_over, "[THREAD-END-1]"},
    {"what was handed to the dead goes on", what_was_handed_to_the_dead_goes_on, "[THREAD-END-1]"},
    {"ended waiters take no signal", ended_waiters_take_no_signal, "[THREAD-END-1]"},
    {"ended waiters give their memory back", ended_waiters_give_their_memory_back, "[THREAD-JOIN-3]"},
    {"once is once", once_is_once, "[THREAD-ONCE-1]"},
    {0},
};

const struct test_peer_function test_peers[] = {
    {"lock twice", lock_twice},     {"unlock free", unlock_free},       {"unlock another's", unlock_of_another},
    {"wait without", wait_without}, {"signal without", signal_without}, {0},
};
