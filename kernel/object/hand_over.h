/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The straight ways from one thread to another, each in one go: who waits hands over to whom it has woken
 * (scheduler_hand_over and scheduler_wait), who is woken preempts or succeeds (scheduler_wake), who waits or yields
 * lets the next go on (scheduler_wait, scheduler_yield). None chooses: each is for when it is plain what the
 * scheduler's choice would be.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "arch/arch.h"
#include "object/deadline.h"
#include "object/process.h"
#include "object/scheduler.h"
#include "object/thread.h"

#define STRAIGHT static inline __attribute__((always_inline))

/* CPU time up to now, to who has had it. `shared`: other CPUs may do the same for threads of this process. */
STRAIGHT void cpu_charge(struct cpu *cpu, struct thread *current, uint64_t now, bool shared)
{
    uint64_t spent = now - cpu->since;
    current->cpu_time += spent;
    if (shared)
        __atomic_fetch_add(&current->process->cpu_time, spent, __ATOMIC_RELAXED);
    else
        current->process->cpu_time += spent;
    cpu->since = now;
}

/* `to` is on the CPU in place of the current thread. `shared`: there are other CPUs. */
STRAIGHT void cpu_pass(struct cpu *cpu, struct thread *from, struct thread *to, bool shared)
{
    arch_switch(from, to);
    cpu->current = to;
    if (shared)
        to->last_cpu = cpu->number;
    cpu->switches++;
}

/* The current thread leaves, and keeps what it has of its slice. */
STRAIGHT void cpu_end_slice(struct cpu *cpu)
{
    if (cpu->slice_end == CAVERN_FOREVER)
        return;
    scheduler_keep_slice(cpu);
    cpu->slice_end = CAVERN_FOREVER;
}

/* Somebody waits for the end of what it has left of its slice. */
STRAIGHT void cpu_begin_slice(struct cpu *cpu, const struct thread *current)
{
    cpu->slice_end = arch_now() + SCHEDULER_SLICE - current->slice_used;
}

/* Priorities of which threads are ready for this CPU. None is bound to the only one. */
STRAIGHT uint32_t cpu_ready(const struct cpu *cpu, bool shared)
{
    return scheduler.ready.ready | (shared ? cpu->bound.ready : 0);
}

/* Nothing but who runs next is to be decided here; nobody but other CPUs asks for more before a call has begun. */
STRAIGHT bool cpu_is_settled(const struct cpu *cpu, bool shared)
{
    return !scheduler.jobs.ready && !(shared && cpu->reschedule);
}

/*
 * Would `to`, if it were woken, follow the current thread, which is about to wait? `shared`: other CPUs may do the same
 * with other threads at the same time, so that nothing may be touched that is not this CPU's or those two threads'.
 */
STRAIGHT bool hand_over_possible(const struct cpu *cpu, const struct thread *to, bool shared)
{
    if (shared && (to->cpu_mask || (to->timer_cpu && to->timer_cpu != cpu) || !arch_switch_is_own(to)))
        return false;
    bool higher_ready = cpu_ready(cpu, shared) >> to->runnable.priority > 1;
    return cpu_is_settled(cpu, shared) && !to->suspended && !higher_ready;
}

/* `from`, the current thread, waits; `to`, which was waiting, is on the CPU. hand_over_possible has just been true. */
STRAIGHT void hand_over(struct cpu *cpu, struct thread *from, uint8_t state, uint64_t deadline, struct thread *to,
                        bool shared)
{
    cpu_charge(cpu, from, arch_ticks(), shared);
    cpu_end_slice(cpu);
    from->state = state;
    if (deadline != CAVERN_FOREVER)
        deadline_enter(from, cpu, deadline);
    deadline_leave(to);
    to->state = CAVERN_THREAD_READY;
    cpu_pass(cpu, from, to, shared);
    if (cpu_ready(cpu, shared) || deadline != CAVERN_FOREVER)
        scheduler_switch_timed(cpu); /* else the timer may stand too early */
}

/* Would `to`, if it were woken, run before all that are ready? For the only CPU. */
static inline bool succeed_possible(const struct cpu *cpu, const struct thread *to)
{
    return cpu_is_settled(cpu, false) && !(cpu_ready(cpu, false) >> to->runnable.priority) && !to->suspended;
}

/* `to`, which was waiting, is on the CPU; `from` has been put where it belongs. succeed_possible was just true. */
STRAIGHT void succeed(struct cpu *cpu, struct thread *from, struct thread *to)
{
    cpu_charge(cpu, from, arch_ticks(), false);
    cpu->slice_end = CAVERN_FOREVER;
    deadline_leave(to);
    to->state = CAVERN_THREAD_READY;
    to->slice_used = 0;
    cpu_pass(cpu, from, to, false);
}

/* Would `to`, if it were woken, preempt the current thread? For the only CPU. */
static inline bool preempt_possible(const struct cpu *cpu, const struct thread *from, const struct thread *to)
{
    return to->runnable.priority > from->runnable.priority && succeed_possible(cpu, to);
}

/* `to`, which was waiting, is on the CPU; `from` comes next of its priority. preempt_possible has just been true. */
STRAIGHT void preempt(struct cpu *cpu, struct thread *from, struct thread *to)
{
    cpu_end_slice(cpu);
    from->place = NULL;
    run_queue_push_front(&scheduler.ready, &from->runnable);
    succeed(cpu, from, to);
}

/* Is somebody ready to follow the current thread, which is about to wait? For the only CPU. */
static inline bool next_possible(const struct cpu *cpu)
{
    return cpu_is_settled(cpu, false) && cpu_ready(cpu, false);
}

/* `from`, the current thread, waits; the first that is ready is on the CPU. next_possible has just been true. */
STRAIGHT void wait_for_next(struct cpu *cpu, struct thread *from, uint8_t state)
{
    struct thread *to = container_of(run_queue_pop(&scheduler.ready), struct thread, runnable);
    cpu_charge(cpu, from, arch_ticks(), false);
    cpu_end_slice(cpu);
    from->state = state;
    cpu_pass(cpu, from, to, false);
    if (cpu_ready(cpu, false))
        scheduler_switch_timed(cpu);
}

/* Would nobody but one of its own priority follow the current thread, which yields? For the only CPU. */
static inline bool yield_possible(const struct cpu *cpu, const struct thread *from)
{
    return cpu_is_settled(cpu, false) && cpu_ready(cpu, false) >> from->runnable.priority <= 1;
}

/* The next of its priority, if there is one, begins a slice of its own. yield_possible has just been true. */
STRAIGHT void yield_to_next(struct cpu *cpu, struct thread *from)
{
    struct list *level = &scheduler.ready.level[from->runnable.priority];
    from->slice_used = 0;
    cpu->slice_end = CAVERN_FOREVER;
    if (list_empty(level))
        return;
    struct thread *to = container_of(level->next, struct thread, runnable.link);
    list_remove(&to->runnable.link);
    list_push_back(level, &from->runnable.link);
    from->place = NULL;
    cpu_charge(cpu, from, arch_ticks(), false);
    cpu_pass(cpu, from, to, false);
    cpu_begin_slice(cpu, to);
    if (cpu->slice_end < cpu->timer)
        scheduler_switch_timed(cpu);
}
