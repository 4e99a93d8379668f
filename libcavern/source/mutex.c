/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Mutexes, conditions, once. Pure but for sleeping and waking (park.h), so that the host's threads can run it.
 *
 * mutex->word is 0 (free, and then nobody waits), or HELD with a stack of newcomers. Newcomers push themselves with
 * compare-and-swap; only the holder takes them, so none can come off and on again under a push. mutex->waiting and
 * mutex->holder, the conditions' lists and the links of all waiters in them are the holder's; they change hands with
 * the mutex: by the word, or by the state of the waiter that is granted it.
 */
#include <cavern/mutex.h>

#include <stdlib.h>

#include <cavern/message.h>

#include "park.h"

#define HELD ((uintptr_t)1)

/* --- lists --- */

static void push_back(struct cavern_waiters *list, struct cavern_waiter *waiter)
{
    waiter->next = NULL;
    if (list->last)
        list->last->next = waiter;
    else
        list->first = waiter;
    list->last = waiter;
}

static struct cavern_waiter *pop_front(struct cavern_waiters *list)
{
    struct cavern_waiter *waiter = list->first;
    if (waiter)
        list->first = waiter->next;
    if (!list->first)
        list->last = NULL;
    return waiter;
}

/* False: it is not in the list. */
static bool take_out(struct cavern_waiters *list, const struct cavern_waiter *waiter)
{
    struct cavern_waiters kept = {NULL, NULL};
    bool found = false;
    for (struct cavern_waiter *at; (at = pop_front(list));) {
        if (at == waiter)
            found = true;
        else
            push_back(&kept, at);
    }
    *list = kept;
    return found;
}

/* --- waiters --- */

static void set_state(struct cavern_waiter *waiter, enum waiter_state state)
{
    __atomic_store_n(&waiter->state, state, __ATOMIC_RELEASE);
}

static enum waiter_state state_of(const struct cavern_waiter *waiter)
{
    return (enum waiter_state)__atomic_load_n(&waiter->state, __ATOMIC_ACQUIRE);
}

static bool change_state(struct cavern_waiter *waiter, uint32_t from, enum waiter_state to)
{
    return __atomic_compare_exchange_n(&waiter->state, &from, to, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE);
}

void parker_init(struct parker *parker, struct wake wake)
{
    *parker = (struct parker){.wake = wake, .references = 1};
    parker->locking.parker = parker;
    parker->signalled.parker = parker;
}

void parker_put(struct parker *parker)
{
    if (__atomic_fetch_sub(&parker->references, 1, __ATOMIC_ACQ_REL) == 1)
        parker_free(parker);
}

/* --- mutexes --- */

static void set_holder(struct cavern_mutex *mutex, const struct parker *parker)
{
    __atomic_store_n(&mutex->holder, parker, __ATOMIC_RELAXED);
}

static bool held_by(const struct cavern_mutex *mutex, const struct parker *parker)
{
    return __atomic_load_n(&mutex->holder, __ATOMIC_RELAXED) == parker;
}

bool cavern_mutex_held(const struct cavern_mutex *mutex)
{
    return held_by(mutex, parker_self());
}

static bool try_lock(struct cavern_mutex *mutex, const struct parker *self)
{
    uintptr_t free = 0;
    if (!__atomic_compare_exchange_n(&mutex->word, &free, HELD, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
        return false;
    set_holder(mutex, self);
    return true;
}

bool cavern_mutex_try_lock(struct cavern_mutex *mutex)
{
    return try_lock(mutex, parker_self());
}

/* True: it was free, and is the caller's now. False: `waiter` waits for it. */
static bool lock_or_join(struct cavern_mutex *mutex, struct cavern_waiter *waiter)
{
    waiter->mutex = mutex;
    set_state(waiter, WAITER_WAITING);
    uintptr_t word = __atomic_load_n(&mutex->word, __ATOMIC_RELAXED);
    for (;;) {
        if (word & HELD) {
            waiter->next = (struct cavern_waiter *)(word & ~HELD);
            if (__atomic_compare_exchange_n(&mutex->word, &word, (uintptr_t)waiter | HELD, false, __ATOMIC_RELEASE,
                                            __ATOMIC_RELAXED))
                return false;
        } else if (try_lock(mutex, waiter->parker)) {
            set_state(waiter, WAITER_IDLE);
            return true;
        } else {
            word = __atomic_load_n(&mutex->word, __ATOMIC_RELAXED);
        }
    }
}

void cavern_mutex_lock(struct cavern_mutex *mutex)
{
    struct parker *self = parker_self();
    if (try_lock(mutex, self))
        return;
    if (held_by(mutex, self))
        abort();
    if (lock_or_join(mutex, &self->locking))
        return;
    if (parker_sleep(self, CAVERN_FOREVER))
        abort();
    set_state(&self->locking, WAITER_IDLE);
}

/* Those who have come since, behind those who wait already, in their order. */
static void take_newcomers(struct cavern_mutex *mutex)
{
    uintptr_t word = __atomic_exchange_n(&mutex->word, HELD, __ATOMIC_ACQUIRE);
    struct cavern_waiter *newest = (struct cavern_waiter *)(word & ~HELD), *ordered = NULL;
    while (newest) {
        struct cavern_waiter *next = newest->next;
        newest->next = ordered;
        ordered = newest;
        newest = next;
    }
    while (ordered) {
        struct cavern_waiter *next = ordered->next;
        push_back(&mutex->waiting, ordered);
        ordered = next;
    }
}

/* False: its thread has ended. */
static bool grant(struct cavern_mutex *mutex, struct cavern_waiter *waiter)
{
    struct parker *parker = waiter->parker;
    struct wake wake = parker->wake;
    set_holder(mutex, parker);
    if (change_state(waiter, WAITER_WAITING, WAITER_GRANTED)) {
        parker_wake(wake);
        return true;
    }
    parker_put(parker);
    return false;
}

/* By the holder, or for one that has ended before it could run. */
static void hand_over(struct cavern_mutex *mutex)
{
    for (;;) {
        struct cavern_waiter *waiter = pop_front(&mutex->waiting);
        if (waiter) {
            if (grant(mutex, waiter))
                return;
            continue;
        }
        uintptr_t held = HELD;
        set_holder(mutex, NULL);
        if (__atomic_compare_exchange_n(&mutex->word, &held, 0, false, __ATOMIC_RELEASE, __ATOMIC_RELAXED))
            return;
        take_newcomers(mutex);
    }
}

void cavern_mutex_unlock(struct cavern_mutex *mutex)
{
    if (!cavern_mutex_held(mutex))
        abort();
    hand_over(mutex);
}

static void waiter_ended(struct cavern_waiter *waiter)
{
    struct parker *parker = waiter->parker;
    __atomic_fetch_add(&parker->references, 1, __ATOMIC_RELAXED); /* the list's, if it is in one */
    uint32_t before = __atomic_exchange_n(&waiter->state, WAITER_DEAD, __ATOMIC_ACQ_REL);
    if (before == WAITER_GRANTED)
        hand_over(waiter->mutex);
    if (before != WAITER_WAITING)
        parker_put(parker);
}

void parker_ended(struct parker *parker)
{
    waiter_ended(&parker->locking);
    waiter_ended(&parker->signalled);
}

/* --- conditions --- */

static void check_holder(const struct cavern_mutex *mutex)
{
    if (!cavern_mutex_held(mutex))
        abort();
}

/*
 * The deadline has passed: takes the mutex like anybody. If the waiter was signalled meanwhile it stands in the mutex's
 * list too, and whichever of the two places is granted the mutex, the other one goes. False: it was signalled.
 */
static bool wait_no_longer(struct cavern_condition *condition, struct cavern_mutex *mutex, struct parker *self)
{
    bool granted = !lock_or_join(mutex, &self->locking);
    if (granted && parker_sleep(self, CAVERN_FOREVER))
        abort();
    take_newcomers(mutex);
    if (state_of(&self->signalled) == WAITER_GRANTED)
        take_out(&mutex->waiting, &self->locking);
    bool waited = take_out(&condition->waiting, &self->signalled);
    if (!waited)
        take_out(&mutex->waiting, &self->signalled);
    set_state(&self->signalled, WAITER_IDLE);
    set_state(&self->locking, WAITER_IDLE);
    return waited;
}

enum cavern_status cavern_condition_wait(struct cavern_condition *condition, struct cavern_mutex *mutex,
                                         uint64_t deadline)
{
    struct parker *self = parker_self();
    check_holder(mutex);
    self->signalled.mutex = mutex;
    set_state(&self->signalled, WAITER_WAITING);
    push_back(&condition->waiting, &self->signalled);
    hand_over(mutex);
    enum cavern_status status = parker_sleep(self, deadline);
    if (status)
        return wait_no_longer(condition, mutex, self) ? status : CAVERN_OK;
    set_state(&self->signalled, WAITER_IDLE);
    return CAVERN_OK;
}

/* Moves the first that lives to the mutex's list; false: none. */
static bool signal_first(struct cavern_condition *condition)
{
    for (struct cavern_waiter *waiter; (waiter = pop_front(&condition->waiting));) {
        if (state_of(waiter) == WAITER_WAITING) {
            push_back(&waiter->mutex->waiting, waiter);
            return true;
        }
        parker_put(waiter->parker);
    }
    return false;
}

static void prepare_signal(struct cavern_condition *condition)
{
    if (!condition->waiting.first)
        return;
    struct cavern_mutex *mutex = condition->waiting.first->mutex;
    check_holder(mutex);
    take_newcomers(mutex); /* they came first */
}

void cavern_condition_signal(struct cavern_condition *condition)
{
    prepare_signal(condition);
    signal_first(condition);
}

void cavern_condition_broadcast(struct cavern_condition *condition)
{
    prepare_signal(condition);
    while (signal_first(condition))
        ;
}

/* --- once --- */

void cavern_once(struct cavern_once *once, void (*function)(void))
{
    if (__atomic_load_n(&once->done, __ATOMIC_ACQUIRE))
        return;
    cavern_mutex_lock(&once->mutex);
    if (!once->done) {
        function();
        __atomic_store_n(&once->done, true, __ATOMIC_RELEASE);
    }
    cavern_mutex_unlock(&once->mutex);
}
