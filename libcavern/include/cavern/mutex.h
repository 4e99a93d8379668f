/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Mutual exclusion among the threads of a process. All of these are ready when they are zero: `static struct
 * cavern_mutex mutex;`. spec/threads.md.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <cavern/status.h>

struct cavern_waiter;

/* Threads that wait, the first in front. */
struct cavern_waiters {
    struct cavern_waiter *first, *last;
};

struct cavern_mutex {
    uintptr_t word;                /* bit 0: held; above: who has come since the holder last looked, newest first */
    struct cavern_waiters waiting; /* the holder's */
    const void *holder;
};

/* By the holder already: abort. */
void cavern_mutex_lock(struct cavern_mutex *mutex);
bool cavern_mutex_try_lock(struct cavern_mutex *mutex) __attribute__((warn_unused_result));
/* By another than the holder: abort. */
void cavern_mutex_unlock(struct cavern_mutex *mutex);
/* By the calling thread. */
bool cavern_mutex_held(const struct cavern_mutex *mutex);

/* Belongs to one mutex; every function below but cavern_once is called by that one's holder, or aborts. */
struct cavern_condition {
    struct cavern_waiters waiting;
};

/* TIMEOUT: not signalled until `deadline` (ns as cavern_now). The mutex is held afterwards in any case. NO_MEMORY:
 * there is no other thread, and no memory for this one to sleep on. */
enum cavern_status cavern_condition_wait(struct cavern_condition *condition, struct cavern_mutex *mutex,
                                         uint64_t deadline) CAVERN_MUST_CHECK;
void cavern_condition_signal(struct cavern_condition *condition);
void cavern_condition_broadcast(struct cavern_condition *condition);

struct cavern_once {
    bool done;
    struct cavern_mutex mutex;
};

/* The function must not come here again with the same `once`. */
void cavern_once(struct cavern_once *once, void (*function)(void));
