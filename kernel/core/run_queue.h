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

/*@
  predicate bit_set(integer bits, integer n) = (bits & (1 << n)) != 0;
  predicate level_filled(struct run_queue *q, integer p) = q->level[p].next != &q->level[p];
  predicate ready_sound(struct run_queue *q) =
    \forall integer p; 0 <= p < RUN_QUEUE_PRIORITIES ==> (bit_set(q->ready, p) <==> level_filled(q, p));
  // What level p links to: its own head, or what lies outside the queue.
  predicate level_or_outside(struct run_queue *q, integer p, struct list *l) =
    l == &q->level[p] || \separated(l, q);
  predicate level_sound(struct run_queue *q, integer p) =
    list_joined(&q->level[p]) && level_or_outside(q, p, q->level[p].next) && level_or_outside(q, p, q->level[p].prev);
  predicate run_queue_sound(struct run_queue *q) = \valid(q) && ready_sound(q) &&
    \forall integer p; 0 <= p < RUN_QUEUE_PRIORITIES ==> level_sound(q, p);
  // A runnable's link on the list of its priority, among whose nodes there is no other head.
  predicate link_queued(struct run_queue *q, integer p, struct list *l) =
    list_joined(l) && \separated(l, q) && l->next != l && level_filled(q, p) &&
    level_or_outside(q, p, l->next) && level_or_outside(q, p, l->prev) &&
    (l->prev == &q->level[p] <==> q->level[p].next == l);
*/

/*@
  requires \valid(queue);
  assigns *queue;
  ensures run_queue_sound(queue) && queue->ready == 0;
*/
void run_queue_init(struct run_queue *queue);

/* At the end of its priority, or at the front for what was preempted. */
/*@
  requires run_queue_sound(queue) && \valid(runnable) && runnable->priority < RUN_QUEUE_PRIORITIES;
  requires \separated(runnable, queue) && list_apart(&runnable->link, &queue->level[runnable->priority]);
  assigns queue->ready, runnable->link, queue->level[runnable->priority].prev,
    queue->level[runnable->priority].prev->next;
  ensures ready_sound(queue) && queue->level[runnable->priority].prev == &runnable->link;
*/
void run_queue_push_back(struct run_queue *queue, struct runnable *runnable);
/*@
  requires run_queue_sound(queue) && \valid(runnable) && runnable->priority < RUN_QUEUE_PRIORITIES;
  requires \separated(runnable, queue) && list_apart(&runnable->link, &queue->level[runnable->priority]);
  requires list_joined(queue->level[runnable->priority].next) &&
    \separated(&runnable->link, queue->level[runnable->priority].next->next);
  assigns queue->ready, runnable->link, queue->level[runnable->priority].next,
    queue->level[runnable->priority].next->prev;
  ensures ready_sound(queue) && queue->level[runnable->priority].next == &runnable->link;
*/
void run_queue_push_front(struct run_queue *queue, struct runnable *runnable);

/*@
  requires run_queue_sound(queue) && \valid(runnable) && runnable->priority < RUN_QUEUE_PRIORITIES;
  requires \separated(runnable, queue) && link_queued(queue, runnable->priority, &runnable->link);
  assigns queue->ready, runnable->link, runnable->link.prev->next, runnable->link.next->prev;
  ensures ready_sound(queue) && runnable->link.next == &runnable->link;
*/
void run_queue_remove(struct run_queue *queue, struct runnable *runnable);

/* The first of the highest priority, or NULL; pop takes it off. */
/*@ requires \valid_read(queue); assigns \nothing; */
struct runnable *run_queue_first(const struct run_queue *queue);
/*@
  requires run_queue_sound(queue);
  requires \forall integer p; 0 <= p < RUN_QUEUE_PRIORITIES && level_filled(queue, p) ==>
    link_queued(queue, p, queue->level[p].next);
  assigns queue->ready, queue->level[0 .. RUN_QUEUE_PRIORITIES - 1].next,
    *queue->level[0 .. RUN_QUEUE_PRIORITIES - 1].next, queue->level[0 .. RUN_QUEUE_PRIORITIES - 1].next->next->prev;
  ensures ready_sound(queue);
*/
struct runnable *run_queue_pop(struct run_queue *queue);

/* Moves the first of this priority to its end. */
/*@
  requires run_queue_sound(queue) && priority < RUN_QUEUE_PRIORITIES;
  requires level_filled(queue, priority) ==> link_queued(queue, priority, queue->level[priority].next);
  requires list_same_or_apart(queue->level[priority].prev, queue->level[priority].next->next);
  assigns queue->level[priority], *queue->level[priority].next, queue->level[priority].next->next->prev,
    queue->level[priority].prev->next;
  ensures ready_sound(queue);
  ensures \old(level_filled(queue, priority)) ==> queue->level[priority].prev == \old(queue->level[priority].next);
*/
void run_queue_rotate(struct run_queue *queue, uint8_t priority);

/*@ requires \valid_read(runnable); assigns \nothing; */
static inline bool run_queue_queued(const struct runnable *runnable)
{
    return list_linked(&runnable->link);
}

/* The highest priority of which there is something, or RUN_QUEUE_NONE. */
/*@
  requires \valid_read(queue);
  assigns \nothing;
  ensures RUN_QUEUE_NONE <= \result < RUN_QUEUE_PRIORITIES;
  ensures \result != RUN_QUEUE_NONE ==> bit_set(queue->ready, \result);
  ensures \forall integer p; \result < p < RUN_QUEUE_PRIORITIES ==> !bit_set(queue->ready, p);
*/
static inline int run_queue_highest(const struct run_queue *queue)
{
    return queue->ready ? 31 - __builtin_clz(queue->ready) : RUN_QUEUE_NONE;
}

bool run_queue_invariants(const struct run_queue *queue);
