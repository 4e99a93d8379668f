/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * libcavern's mutexes and conditions, run by threads of this machine: park.h over POSIX semaphores. Built twice, with
 * AddressSanitizer and with ThreadSanitizer. [THREAD-MUTEX-1] [THREAD-CONDITION-1] [THREAD-CONDITION-2]
 */
#include "unit.h"

#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <time.h>

#include <cavern/message.h>
#include <cavern/mutex.h>

#include "../../libcavern/source/park.h"

#define THREADS 6

struct sleeper {
    struct parker parker;
    sem_t semaphore;
    unsigned freed;
};

static _Thread_local struct sleeper *current;

struct parker *parker_self(void)
{
    return &current->parker;
}

enum cavern_status parker_sleep(struct parker *parker, uint64_t deadline)
{
    struct timespec time = {(time_t)(deadline / 1000000000), (long)(deadline % 1000000000)};
    assert_ptr_equal(parker, &current->parker);
    if (deadline == CAVERN_FOREVER)
        return sem_wait(&current->semaphore) ? CAVERN_BAD_ARGUMENT : CAVERN_OK;
    return sem_timedwait(&current->semaphore, &time) ? CAVERN_TIMEOUT : CAVERN_OK;
}

void parker_wake(struct wake wake)
{
    sem_post((sem_t *)wake.sender);
}

void parker_free(struct parker *parker)
{
    ((struct sleeper *)parker)->freed++;
}

static uint64_t now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_REALTIME, &time);
    return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

static void sleeper_init(struct sleeper *sleeper)
{
    sleeper->freed = 0;
    sem_init(&sleeper->semaphore, 0, 0);
    parker_init(&sleeper->parker, (struct wake){(uintptr_t)&sleeper->semaphore, 0});
}

/* Each thread of a test: a sleeper, and what it runs. */
struct helper {
    struct sleeper sleeper;
    pthread_t thread;
    void (*run)(unsigned number);
    unsigned number;
};

static void *run_helper(void *argument)
{
    struct helper *helper = argument;
    current = &helper->sleeper;
    helper->run(helper->number);
    return NULL;
}

/* Runs the function in all of them. Each wake-up has been used when they are done. */
static void together(void (*run)(unsigned number))
{
    struct helper helpers[THREADS];
    for (unsigned i = 0; i < THREADS; i++) {
        helpers[i].run = run;
        helpers[i].number = i;
        sleeper_init(&helpers[i].sleeper);
        assert_int_equal(pthread_create(&helpers[i].thread, NULL, run_helper, &helpers[i]), 0);
    }
    for (unsigned i = 0; i < THREADS; i++) {
        int wakes;
        pthread_join(helpers[i].thread, NULL);
        sem_getvalue(&helpers[i].sleeper.semaphore, &wakes);
        assert_int_equal(wakes, 0);
        assert_int_equal(helpers[i].sleeper.parker.references, 1);
    }
}

static struct cavern_mutex mutex;
static struct cavern_condition filled, emptied;
static uint64_t counter, items, spent, missed;

static void check_free(void)
{
    assert_int_equal(mutex.word, 0);
    assert_null(mutex.waiting.first);
    assert_null(mutex.holder);
    assert_null(filled.waiting.first);
    assert_null(emptied.waiting.first);
}

static void count_up(unsigned number)
{
    for (unsigned i = 0; i < 20000; i++) {
        if (i % 7 == number && cavern_mutex_try_lock(&mutex)) {
            counter++;
            missed++;
            cavern_mutex_unlock(&mutex);
        }
        cavern_mutex_lock(&mutex);
        counter++;
        cavern_mutex_unlock(&mutex);
    }
}

static void test_mutex_contended_counts_each(void **state)
{
    (void)state;
    counter = missed = 0;
    together(count_up);
    assert_int_equal(counter, THREADS * 20000 + missed);
    check_free();
}

#define ITEMS 5000

/* Even threads put items in, odd ones take them out, with room for two. */
static void produce_or_consume(unsigned number)
{
    for (unsigned i = 0; i < ITEMS; i++) {
        cavern_mutex_lock(&mutex);
        if (number % 2) {
            while (!items)
                assert_int_equal(cavern_condition_wait(&filled, &mutex, CAVERN_FOREVER), CAVERN_OK);
            items--;
            cavern_condition_signal(&emptied);
        } else {
            while (items == 2)
                assert_int_equal(cavern_condition_wait(&emptied, &mutex, CAVERN_FOREVER), CAVERN_OK);
            items++;
            cavern_condition_signal(&filled);
        }
        cavern_mutex_unlock(&mutex);
    }
}

static void test_condition_producers_and_consumers_meet(void **state)
{
    (void)state;
    items = 0;
    together(produce_or_consume);
    assert_int_equal(items, 0);
    check_free();
}

/* Thread 0 gives out signals, the others wait with short deadlines: each signal is spent once, or had no waiter. */
static void signal_or_time_out(unsigned number)
{
    for (unsigned i = 0; i < 3000; i++) {
        cavern_mutex_lock(&mutex);
        if (!number) {
            counter += filled.waiting.first != NULL;
            cavern_condition_signal(&filled);
        } else {
            uint64_t deadline = now() + (i % 5) * 20000;
            enum cavern_status status = cavern_condition_wait(&filled, &mutex, deadline);
            spent += status == CAVERN_OK;
            missed += status == CAVERN_TIMEOUT && now() < deadline;
        }
        cavern_mutex_unlock(&mutex);
        if (!number)
            sched_yield();
    }
}

/* [THREAD-CONDITION-3] */
static void test_condition_deadlines_lose_no_signal(void **state)
{
    (void)state;
    counter = spent = missed = 0;
    together(signal_or_time_out);
    assert_int_equal(spent, counter);
    assert_int_equal(missed, 0);
    check_free();
}

static struct cavern_once once;

static void count_once(void)
{
    counter++;
}

static void pass_once(unsigned number)
{
    (void)number;
    cavern_once(&once, count_once);
    assert_int_equal(counter, 1);
}

/* [THREAD-ONCE-1] */
static void test_once_runs_once_before_any_goes_on(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 200; i++) {
        once = (struct cavern_once){0};
        counter = 0;
        together(pass_once);
    }
}

/* --- one step at a time: this thread plays all of them --- */

static struct sleeper players[4];

static void as(unsigned player)
{
    current = &players[player];
}

static unsigned wakes(unsigned player)
{
    int value;
    sem_getvalue(&players[player].semaphore, &value);
    return (unsigned)value;
}

static int start_players(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(players); i++)
        sleeper_init(&players[i]);
    mutex = (struct cavern_mutex){0};
    filled = (struct cavern_condition){0};
    return 0;
}

static void *lock_as(void *argument)
{
    current = argument;
    cavern_mutex_lock(&mutex);
    return NULL;
}

static void *wait_as(void *argument)
{
    current = argument;
    cavern_mutex_lock(&mutex);
    (void)!cavern_condition_wait(&filled, &mutex, CAVERN_FOREVER);
    return NULL;
}

/* A thread that comes to stand in a list, and is ended there: the machine's own thread is left behind, asleep. */
static void *player_until(void *(*run)(void *), unsigned player, struct cavern_waiter *waiter)
{
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, run, &players[player]), 0);
    while (__atomic_load_n(&waiter->state, __ATOMIC_ACQUIRE) != WAITER_WAITING)
        sched_yield();
    while (run == lock_as && (__atomic_load_n(&mutex.word, __ATOMIC_ACQUIRE) & ~(uintptr_t)1) != (uintptr_t)waiter)
        sched_yield();
    return (void *)thread;
}

static void end_player(void *thread, unsigned player)
{
    pthread_cancel((pthread_t)thread); /* sem_wait is a cancellation point */
    pthread_join((pthread_t)thread, NULL);
    parker_ended(&players[player].parker);
    parker_put(&players[player].parker);
}

/* [THREAD-MUTEX-3] */
static void test_mutex_waiters_get_it_in_the_order_of_coming(void **state)
{
    (void)state;
    void *threads[COUNT_OF(players)];
    as(0);
    cavern_mutex_lock(&mutex);
    for (unsigned i = 1; i < COUNT_OF(players); i++)
        threads[i] = player_until(lock_as, i, &players[i].parker.locking);
    for (unsigned i = 1; i < COUNT_OF(players); i++) {
        cavern_mutex_unlock(&mutex);
        pthread_join((pthread_t)threads[i], NULL);
        as(i);
        assert_true(cavern_mutex_held(&mutex));
    }
    cavern_mutex_unlock(&mutex);
    assert_int_equal(mutex.word, 0);
}

/* [THREAD-END-1] */
static void test_mutex_waiter_that_ended_is_passed_over(void **state)
{
    (void)state;
    as(0);
    cavern_mutex_lock(&mutex);
    void *dead = player_until(lock_as, 1, &players[1].parker.locking);
    void *alive = player_until(lock_as, 2, &players[2].parker.locking);
    end_player(dead, 1);
    assert_int_equal(players[1].freed, 0); /* the list knows it still */
    cavern_mutex_unlock(&mutex);
    assert_int_equal(players[1].freed, 1);
    assert_int_equal(wakes(1), 0);
    pthread_join((pthread_t)alive, NULL);
    as(2);
    cavern_mutex_unlock(&mutex);
    assert_int_equal(mutex.word, 0);
}

/* Nobody else waits: it is free. [THREAD-END-1] */
static void test_mutex_last_waiter_that_ended_leaves_it_free(void **state)
{
    (void)state;
    as(0);
    cavern_mutex_lock(&mutex);
    end_player(player_until(lock_as, 1, &players[1].parker.locking), 1);
    cavern_mutex_unlock(&mutex);
    assert_int_equal(mutex.word, 0);
    assert_int_equal(players[1].freed, 1);
}

/* Granted, woken, and ended before it ran: the next one gets it. [THREAD-END-1] */
static void test_mutex_granted_to_one_that_ended_goes_on(void **state)
{
    (void)state;
    struct parker *dead = &players[1].parker;
    as(0);
    cavern_mutex_lock(&mutex);
    dead->locking.mutex = &mutex; /* as it stands in the list: it sleeps, and will not run again */
    dead->locking.state = WAITER_WAITING;
    mutex.word = (uintptr_t)&dead->locking | 1;
    void *alive = player_until(lock_as, 2, &players[2].parker.locking);
    cavern_mutex_unlock(&mutex);
    assert_int_equal(wakes(1), 1);
    assert_int_equal(wakes(2), 0);
    parker_ended(dead);
    parker_put(dead);
    assert_int_equal(players[1].freed, 1);
    pthread_join((pthread_t)alive, NULL);
    as(2);
    assert_true(cavern_mutex_held(&mutex));
    cavern_mutex_unlock(&mutex);
    parker_ended(&players[2].parker); /* waits for nothing: no effect */
    assert_int_equal(mutex.word, 0);
    assert_int_equal(players[2].parker.references, 1);
}

/* The signal goes to one that lives. [THREAD-END-1] */
static void test_condition_waiter_that_ended_takes_no_signal(void **state)
{
    (void)state;
    void *dead = player_until(wait_as, 1, &players[1].parker.signalled);
    void *alive = player_until(wait_as, 2, &players[2].parker.signalled);
    as(0);
    cavern_mutex_lock(&mutex); /* both have given it up */
    end_player(dead, 1);
    assert_int_equal(players[1].freed, 0);
    cavern_condition_signal(&filled);
    assert_int_equal(players[1].freed, 1);
    cavern_mutex_unlock(&mutex);
    pthread_join((pthread_t)alive, NULL);
    as(2);
    assert_true(cavern_mutex_held(&mutex));
    cavern_mutex_unlock(&mutex);
    assert_int_equal(mutex.word, 0);
}

/* Without waiters neither has an effect. */
static void test_condition_signal_without_waiters_is_forgotten(void **state)
{
    (void)state;
    as(0);
    cavern_mutex_lock(&mutex);
    cavern_condition_signal(&filled);
    cavern_condition_broadcast(&filled);
    assert_int_equal(cavern_condition_wait(&filled, &mutex, now()), CAVERN_TIMEOUT);
    assert_true(cavern_mutex_held(&mutex));
    cavern_mutex_unlock(&mutex);
    check_free();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mutex_contended_counts_each),
        cmocka_unit_test(test_condition_producers_and_consumers_meet),
        cmocka_unit_test(test_condition_deadlines_lose_no_signal),
        cmocka_unit_test(test_once_runs_once_before_any_goes_on),
        cmocka_unit_test_setup(test_mutex_waiters_get_it_in_the_order_of_coming, start_players),
        cmocka_unit_test_setup(test_mutex_waiter_that_ended_is_passed_over, start_players),
        cmocka_unit_test_setup(test_mutex_last_waiter_that_ended_leaves_it_free, start_players),
        cmocka_unit_test_setup(test_mutex_granted_to_one_that_ended_goes_on, start_players),
        cmocka_unit_test_setup(test_condition_waiter_that_ended_takes_no_signal, start_players),
        cmocka_unit_test_setup(test_condition_signal_without_waiters_is_forgotten, start_players),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
