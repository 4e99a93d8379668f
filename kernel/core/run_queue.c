/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/run_queue.h"

static uint32_t bit_of(uint8_t priority)
{
    return UINT32_C(1) << priority;
}

void run_queue_init(struct run_queue *queue)
{
    queue->ready = 0;
    for (int priority = 0; priority < RUN_QUEUE_PRIORITIES; priority++)
        list_init(&queue->level[priority]);
}

void run_queue_push_back(struct run_queue *queue, struct runnable *runnable)
{
    list_push_back(&queue->level[runnable->priority], &runnable->link);
    queue->ready |= bit_of(runnable->priority);
}

void run_queue_push_front(struct run_queue *queue, struct runnable *runnable)
{
    list_push_front(&queue->level[runnable->priority], &runnable->link);
    queue->ready |= bit_of(runnable->priority);
}

void run_queue_remove(struct run_queue *queue, struct runnable *runnable)
{
    list_remove(&runnable->link);
    if (list_empty(&queue->level[runnable->priority]))
        queue->ready &= ~bit_of(runnable->priority);
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
    struct runnable *runnable = run_queue_first(queue);

    if (runnable)
        run_queue_remove(queue, runnable);
    return runnable;
}

void run_queue_rotate(struct run_queue *queue, uint8_t priority)
{
    struct list *first = list_pop_front(&queue->level[priority]);

    if (first)
        list_push_back(&queue->level[priority], first);
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
