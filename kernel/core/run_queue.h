/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What waits for a processor: one first-in first-out list for each of 32 priorities, 31 the highest. All operations
 * take constant time. A runnable's priority must not change while it is queued.
 * Invariant: bit p of `ready` is set if and only if list p is not empty.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "core/list.h"

enum {
    RUN_QUEUE_PRIORITIES = 32,
    RUN_QUEUE_NONE = -1,
};

struct runnable {
    struct list link;
    uint8_t priority;
    uint8_t kind; /* the caller's: a thread or a job */
};

struct run_queue {
    uint32_t ready;
    struct list level[RUN_QUEUE_PRIORITIES];
};

void run_queue_init(struct run_queue *queue);

/* At the end of its priority, or at the front for what was preempted. */
void run_queue_push_back(struct run_queue *queue, struct runnable *runnable);
void run_queue_push_front(struct run_queue *queue, struct runnable *runnable);

void run_queue_remove(struct run_queue *queue, struct runnable *runnable);

/* The first of the highest priority, or NULL; pop takes it off. */
struct runnable *run_queue_first(const struct run_queue *queue);
struct runnable *run_queue_pop(struct run_queue *queue);

/* Moves the first of this priority to its end. */
void run_queue_rotate(struct run_queue *queue, uint8_t priority);

static inline bool run_queue_queued(const struct runnable *runnable)
{
    return list_linked(&runnable->link);
}

static inline int run_queue_highest(const struct run_queue *queue)
{
    return queue->ready ? 31 - __builtin_clz(queue->ready) : RUN_QUEUE_NONE;
}

bool run_queue_invariants(const struct run_queue *queue);
