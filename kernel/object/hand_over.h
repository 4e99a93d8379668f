/* SPDX-License-Identifier: BSD-2-Clause */
/* The straight way from one thread to another: scheduler_hand_over(to) and scheduler_wait(from) in one, without the run
 * queue in between. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "arch/arch.h"
#include "object/process.h"
#include "object/scheduler.h"
#include "object/thread.h"

/* Would `to`, if it were woken, follow the current thread, which is about to wait? */
static inline bool hand_over_possible(const struct cpu *cpu, const struct thread *to)
{
    bool higher_ready = cpu->ready.ready >> to->runnable.priority > 1;
    return !cpu->jobs.ready && !cpu->reschedule && !to->suspended && !higher_ready;
}

/* `from`, the current thread, waits; `to`, which was waiting, is on the CPU. hand_over_possible has just been true. */
static inline __attribute__((always_inline)) void hand_over(struct cpu *cpu, struct thread *from, uint8_t state,
                                                            uint64_t deadline, struct thread *to)
{
    uint64_t now = arch_ticks(), spent = now - cpu->since;
    from->cpu_time += spent;
    from->process->cpu_time += spent;
    cpu->since = now;
    from->state = state;
    if (deadline != CAVERN_FOREVER)
        tree_insert(&cpu->deadlines, &from->deadline, deadline);
    if (tree_linked(&to->deadline))
        tree_remove(&cpu->deadlines, &to->deadline);
    to->state = CAVERN_THREAD_READY;
    to->slice_used = 0;
    arch_switch(from, to);
    cpu->current = to;
    cpu->switches++;
    cpu->slice_end = CAVERN_FOREVER;
    if (cpu->ready.ready || deadline != CAVERN_FOREVER)
        scheduler_switch_timed(cpu); /* else the timer may stand too early */
}
