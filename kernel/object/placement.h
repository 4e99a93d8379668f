/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which CPU: where a thread that is ready stands, and which CPU has to look again because of it. For the scheduler
 * alone. spec/scheduling.md, "Several CPUs".
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "core/run_queue.h"
#include "object/scheduler.h"
#include "object/thread.h"

static inline uint64_t cpu_bit(const struct cpu *cpu)
{
    return UINT64_C(1) << cpu->number;
}

/* Is there a thread that is on a CPU, and may stay there? */
static inline bool placement_goes_on(const struct thread *thread)
{
    return thread && thread->state == CAVERN_THREAD_READY && !run_queue_queued(&thread->runnable);
}

/* All CPUs that it may use. */
static inline uint64_t placement_allowed(const struct thread *thread)
{
    uint64_t mask = thread->cpu_mask & scheduler.online;

    return mask ? mask : scheduler.online;
}

/* Of what the CPU runs, job or thread; RUN_QUEUE_NONE: nothing. */
int placement_priority(const struct cpu *cpu);
/* The CPU looks again: it is kicked, unless it is this one. */
void placement_tell(struct cpu *cpu);
/* Where a thread that may use `mask` is best off: a CPU that is idle, this one or its last first; else the one that
 * runs the lowest priority, of those that have not been told to look again anyway. */
struct cpu *placement_find_cpu(uint64_t mask, unsigned last);

/* The queue of a thread whose `place` has been chosen. */
static inline struct run_queue *placement_queue(const struct thread *thread)
{
    return thread->place ? &thread->place->bound : &scheduler.ready;
}

/* The thread is ready: in a queue, at one of its ends. */
static inline void placement_enqueue(struct thread *thread, bool front)
{
    thread->place = NULL;
    if (thread->cpu_mask && placement_allowed(thread) != scheduler.online)
        thread->place = placement_find_cpu(placement_allowed(thread), thread->last_cpu);
    if (front)
        run_queue_push_front(placement_queue(thread), &thread->runnable);
    else
        run_queue_push_back(placement_queue(thread), &thread->runnable);
}

static inline void placement_dequeue(struct thread *thread)
{
    run_queue_remove(placement_queue(thread), &thread->runnable);
}

/* Tells whoever has to look again because of a thread that has been queued. */
void placement_announce(const struct thread *thread);
