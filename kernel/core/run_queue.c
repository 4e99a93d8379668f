/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/run_queue.h"

/*@
  lemma bit_of_union: \forall integer a, b, n; 0 <= n ==> (bit_set(a | b, n) <==> bit_set(a, n) || bit_set(b, n));
  lemma bit_of_meet: \forall integer a, b, n; 0 <= n ==> (bit_set(a & b, n) <==> bit_set(a, n) && bit_set(b, n));
  lemma bit_of_rest: \forall integer a, n; 0 <= n < 32 ==> (bit_set((uint32_t)~a, n) <==> !bit_set(a, n));
*/

/*@
  requires priority < RUN_QUEUE_PRIORITIES;
  assigns \nothing;
  ensures \forall integer p; 0 <= p < RUN_QUEUE_PRIORITIES ==> (bit_set(\result, p) <==> p == priority);
*/
static uint32_t bit_of(uint8_t priority)
{
    return UINT32_C(1) << priority;
}

/*@
  requires priority < RUN_QUEUE_PRIORITIES;
  assigns \nothing;
  ensures \forall integer p; 0 <= p < RUN_QUEUE_PRIORITIES ==> (bit_set(\result, p) <==> p != priority);
*/
static uint32_t bits_but(uint8_t priority)
{
    return ~bit_of(priority);
}

void run_queue_init(struct run_queue *queue)
{
    queue->ready = 0;
    /*@
      loop invariant 0 <= priority <= RUN_QUEUE_PRIORITIES;
      loop invariant \forall integer p; 0 <= p < priority ==>
        queue->level[p].next == &queue->level[p] && queue->level[p].prev == &queue->level[p];
      loop assigns priority, queue->level[0 .. RUN_QUEUE_PRIORITIES - 1];
      loop variant RUN_QUEUE_PRIORITIES - priority;
    */
    for (int priority = 0; priority < RUN_QUEUE_PRIORITIES; priority++)
        list_init(&queue->level[priority]);
}

void run_queue_push_back(struct run_queue *queue, struct runnable *runnable)
{
    list_push_back(&queue->level[runnable->priority], &runnable->link);
    queue->ready |= bit_of(runnable->priority);
    /*@ assert \forall integer p; 0 <= p < RUN_QUEUE_PRIORITIES ==>
          (bit_set(queue->ready, p) <==> p == runnable->priority || \at(bit_set(queue->ready, p), Pre)); */
    /*@ assert \forall integer p; 0 <= p < RUN_QUEUE_PRIORITIES && p != runnable->priority ==>
          (level_filled(queue, p) <==> \at(level_filled(queue, p), Pre)); */
    //@ assert level_filled(queue, runnable->priority);
}

void run_queue_push_front(struct run_queue *queue, struct runnable *runnable)
{
    list_push_front(&queue->level[runnable->priority], &runnable->link);
    queue->ready |= bit_of(runnable->priority);
    /*@ assert \forall integer p; 0 <= p < RUN_QUEUE_PRIORITIES ==>
          (bit_set(queue->ready, p) <==> p == runnable->priority || \at(bit_set(queue->ready, p), Pre)); */
    /*@ assert \forall integer p; 0 <= p < RUN_QUEUE_PRIORITIES && p != runnable->priority ==>
          (level_filled(queue, p) <==> \at(level_filled(queue, p), Pre)); */
    //@ assert level_filled(queue, runnable->priority);
}

/*@
  requires run_queue_sound(queue) && priority < RUN_QUEUE_PRIORITIES && link_queued(queue, priority, link);
  assigns queue->ready, *link, link->prev->next, link->next->prev;
  ensures ready_sound(queue) && link->next == link;
*/
static void take(struct run_queue *queue, uint8_t priority, struct list *link)
{
    list_remove(link);
    if (list_empty(&queue->level[priority]))
        queue->ready &= bits_but(priority);
    /*@ assert \forall integer p; 0 <= p < RUN_QUEUE_PRIORITIES && p != priority ==>
          (bit_set(queue->ready, p) <==> \at(bit_set(queue->ready, p), Pre)); */
    /*@ assert \forall integer p; 0 <= p < RUN_QUEUE_PRIORITIES && p != priority ==>
          (level_filled(queue, p) <==> \at(level_filled(queue, p), Pre)); */
    //@ assert bit_set(queue->ready, priority) <==> level_filled(queue, priority);
}

void run_queue_remove(struct run_queue *queue, struct runnable *runnable)
{
    take(queue, runnable->priority, &runnable->link);
}

struct runnable *run_queue_first(const struct run_queue *queue)
{
    int priority = run_queue_highest(queue);

    if (priority == RUN_QUEUE_NONE)
        return NULL;
    return container_of(list_first(&queue->level[priority]), struct runnable, link);
}

struct runnable *run_queue_pop(struct run_queue *queue)
{
    int priority = run_queue_highest(queue);

    if (priority == RUN_QUEUE_NONE)
        return NULL;
    struct list *first = queue->level[priority].next;
    take(queue, (uint8_t)priority, first);
    return container_of(first, struct runnable, link);
}

void run_queue_rotate(struct run_queue *queue, uint8_t priority)
{
    struct list *first = list_pop_front(&queue->level[priority]);

    /*@ assert \forall integer p; 0 <= p < RUN_QUEUE_PRIORITIES && p != priority ==>
          (level_filled(queue, p) <==> \at(level_filled(queue, p), Pre)); */
    if (first)
        list_push_back(&queue->level[priority], first);
    /*@ assert \forall integer p; 0 <= p < RUN_QUEUE_PRIORITIES && p != priority ==>
          (level_filled(queue, p) <==> \at(level_filled(queue, p), Pre)); */
}

bool run_queue_invariants(const struct run_queue *queue)
{
    for (int priority = 0; priority < RUN_QUEUE_PRIORITIES; priority++) {
        const struct list *level = &queue->level[priority];

        if (!list_invariants(level) || list_empty(level) == (bool)(queue->ready >> priority & 1))
            return false;
        for (const struct list *node = list_first(level); node; node = list_next(level, node))
            if (container_of(node, struct runnable, link)->priority != priority)
                return false;
    }
    return true;
}
