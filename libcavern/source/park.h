/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How the threads of a process wait for each other: mutex.c decides who waits for what, park.c lets them sleep and
 * wakes them, thread.c makes and releases them.
 *
 * Each thread has a parker with two waiters, its places in the lists of others: one for the mutex that it locks, one
 * for the condition that it waits for. States of a waiter:
 *
 *   idle ──> waiting ──> granted ──> idle      waiting: in a list; granted: the mutex is its thread's, which has been
 *                │                              woken but has not run yet
 *                └─────> dead                   its thread has ended; who finds it in a list passes over it
 *
 * A parker lives until its thread has been released and no list holds a dead waiter of it any more.
 */
#pragma once

#include <stdint.h>

#include <cavern/handle.h>
#include <cavern/mutex.h>
#include <cavern/queue.h>

enum waiter_state { WAITER_IDLE, WAITER_WAITING, WAITER_GRANTED, WAITER_DEAD };

struct cavern_waiter {
    struct cavern_waiter *next;
    struct parker *parker;
    struct cavern_mutex *mutex; /* what it waits for, or will when it is signalled */
    uint32_t state;             /* enum waiter_state */
};

/* Whom to wake: a copy, because a thread that has been granted what it waits for may be gone the next moment. */
struct wake {
    cavern_handle sender;
    uint64_t ticket; /* of the seat */
};

struct parker {
    struct wake wake;
    struct cavern_waiter locking, signalled;
    uint32_t references; /* the thread's own, and one for each dead waiter in a list */
    struct seat *seat;   /* the rest is park.c's */
    struct parker *next;
};

/* --- mutex.c --- */

void parker_init(struct parker *parker, struct wake wake);

/* Its thread has ended: takes it out of all waiting, and hands on what it was granted in vain. Again: no effect. */
void parker_ended(struct parker *parker);

/* Lets go; the last reference: parker_free. */
void parker_put(struct parker *parker);

/* --- park.c, and tests in its place --- */

struct parker *parker_self(void);

/* Until somebody wakes this very parker: OK; or TIMEOUT. A wake-up that came before counts. NO_MEMORY: there is but one
 * thread, which has nothing to sleep on. */
enum cavern_status parker_sleep(struct parker *parker, uint64_t deadline) CAVERN_MUST_CHECK;

/* Never waits, never fails; one whose thread is gone: no effect. */
void parker_wake(struct wake wake);

/* Nobody knows it any more. Called with mutexes held: must not wait. */
void parker_free(struct parker *parker);

/* --- park.c for thread.c --- */

/*
 * A parking queue with a sender to it. A thread has one from its start to its release, the first thread from the moment
 * in which it needs one. Wake-ups carry the seat's ticket: one that comes late does not wake who sits there next.
 */
struct seat {
    struct seat *next; /* thread.c: free ones */
    struct cavern_queue queue;
    struct wake wake;
};

/* What a thread pointer points to; the thread-local data comes next. */
struct thread_pointer {
    void *unused; /* by static programs */
    struct parker *parker;
};

/* That of the thread which runs main. */
extern struct parker first_parker;

/* Makes queue and sender. */
enum cavern_status seat_furnish(struct seat *seat) CAVERN_MUST_CHECK;

/* Nobody sits there any more: takes what came in vain, and changes the ticket. */
void seat_clear(struct seat *seat);

/* The calling thread's; NULL: no memory for the first thread's. */
struct seat *seat_own(void);

/* All that parker_free has been given since, linked by `next`. */
struct parker *parkers_freed(void);
