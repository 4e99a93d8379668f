/* SPDX-License-Identifier: BSD-2-Clause */
/* The straight way from one thread to another: scheduler_hand_over(to) and scheduler_wait(from) in one, without the run
 * queue in between. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "arch/arch.h"
#include "object/deadline.h"
#include "object/process.h"
#include "object/scheduler.h"
#include "object/thread.h"

/*
 * Would `to`, if it were woken, follow the current thread, which is about to wait? `shared`: other CPUs may do the same
 * with other threads at the same time, so that nothing may be touched that is not this CPU's or those two threads'.
 */
static inline bool hand_over_possible(const struct cpu *cpu, const struct thread *to, bool shared)
{
    if (shared && ((to->timer_cpu && to->timer_cpu != cpu) || !arch_switch_is_own(to)))
        return false;
    uint32_t ready = scheduler.ready.ready | cpu->bound.ready;
    bool higher_ready = ready >> to->runnable.priority > 1;
    return !scheduler.jobs.ready && !cpu->reschedule && !to->suspended && !to->cpu_mask && !higher_ready;
}

/* `from`, the current thread, waits; `to`, which was waiting, is on the CPU. hand_over_possible has just been true. */
static inline __attribute__((always_inline)) void hand_over(struct cpu *cpu, struct thread *from, uint8_t state,
                                                            uint64_t deadline, struct thread *to, bool shared)
{
    uint64_t now = arch_ticks(), spent = now - cpu->since;
    from->cpu_time += spent;
    if (shared)
        __atomic_fetch_add(&from->process->cpu_time, spent, __ATOMIC_RELAXED); /* it may have threads elsewhere */
    else
        from->process->cpu_time += spent;
    cpu->since = now;
    if (cpu->slice_end != CAVERN_FOREVER) {
        scheduler_keep_slice(cpu);
        cpu->slice_end = CAVERN_FOREVER;
    }
    from->state = state;
    if (deadline != CAVERN_FOREVER)
        deadline_enter(from, cpu, deadline);
    deadline_leave(to);
    to->state = CAVERN_THREAD_READY;
    arch_switch(from, to);
    cpu->current = to;
    to->last_cpu = cpu->number;
    cpu->switches++;
    if (scheduler.ready.ready || cpu->bound.ready || deadline != CAVERN_FOREVER)
        scheduler_switch_timed(cpu); /* else the timer may stand too early */
}
