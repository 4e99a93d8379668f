/* SPDX-License-Identifier: BSD-2-Clause */
#include "object/placement.h"

#include "arch/arch.h"
#include "platform/platform.h"

int placement_priority(const struct cpu *cpu)
{
    if (cpu == scheduler.worker)
        return run_queue_highest(&scheduler.jobs);
    return placement_goes_on(cpu->current) ? cpu->current->runnable.priority : RUN_QUEUE_NONE;
}

void placement_tell(struct cpu *cpu)
{
    scheduler.idle &= ~cpu_bit(cpu);
    if (cpu->reschedule)
        return;
    cpu->reschedule = true;
    if (cpu != arch_cpu())
        platform_cpu_kick(cpu->number);
}

struct cpu *placement_find_cpu(uint64_t mask, unsigned last)
{
    struct cpu *own = arch_cpu(), *lowest = NULL;
    uint64_t idle = mask & scheduler.idle;

    if (idle & cpu_bit(own))
        return own;
    if (idle)
        return scheduler.cpus[idle >> last & 1 ? last : (unsigned)__builtin_ctzll(idle)];
    for (uint64_t left = mask; left; left &= left - 1) {
        struct cpu *cpu = scheduler.cpus[__builtin_ctzll(left)];
        if (!cpu->reschedule && (!lowest || placement_priority(cpu) < placement_priority(lowest)))
            lowest = cpu;
    }
    return lowest ? lowest : scheduler.cpus[__builtin_ctzll(mask)];
}

/* Those that run this priority and have not been waited for, now are. */
static void contest(struct cpu *cpu, int priority)
{
    if (placement_priority(cpu) == priority && cpu->slice_end == CAVERN_FOREVER)
        placement_tell(cpu);
}

/* One that has been queued may be for another CPU. Apart, so that with one CPU no registers are saved for it. */
__attribute__((noinline)) static void announce_elsewhere(const struct thread *thread)
{
    int priority = thread->runnable.priority;
    struct cpu *cpu = thread->place ? thread->place : placement_find_cpu(scheduler.online, thread->last_cpu);

    if (priority > placement_priority(cpu))
        placement_tell(cpu);
    else if (thread->place)
        contest(cpu, priority);
    else
        for (unsigned i = 0; i < scheduler.cpu_count; i++)
            contest(scheduler.cpus[i], priority);
}

void placement_announce(const struct thread *thread)
{
    struct cpu *cpu = arch_cpu();

    if (scheduler.cpu_count > 1)
        announce_elsewhere(thread);
    else if (!cpu->current || thread->runnable.priority >= cpu->current->runnable.priority)
        cpu->reschedule = true; /* an equal one makes no difference but to the slice */
}
