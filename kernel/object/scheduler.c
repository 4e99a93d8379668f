/* SPDX-License-Identifier: BSD-2-Clause */
#include "object/scheduler.h"

#include "arch/arch.h"
#include "object/message.h"
#include "object/process.h"
#include "object/thread.h"

#define NEVER CAVERN_FOREVER
#define TIMEOUTS_AT_ONCE 64

void scheduler_init(struct cpu *cpu)
{
    *cpu = (struct cpu){.slice_end = NEVER, .timer = NEVER, .since = arch_ticks()};
    run_queue_init(&cpu->ready);
    run_queue_init(&cpu->jobs);
    job_init(&cpu->reaper, job_destroy_dying, NULL);
    arch_timer_set(NEVER);
}

uint64_t scheduler_cpu_mask(void)
{
    return 1;
}

/* --- threads come and go --- */

/* Is it on the CPU, and may it stay there? */
static bool goes_on(const struct thread *thread)
{
    return thread && thread->state == CAVERN_THREAD_READY && !run_queue_queued(&thread->runnable);
}

/* True: READY now, and to be queued. */
static bool make_ready(struct cpu *cpu, struct thread *thread)
{
    if (tree_linked(&thread->deadline))
        tree_remove(&cpu->deadlines, &thread->deadline);
    if (thread->suspended) {
        thread->state = CAVERN_THREAD_SUSPENDED;
        return false;
    }
    thread->state = CAVERN_THREAD_READY;
    thread->slice_used = 0;
    /* An equal one makes no difference but to the slice. */
    if (!cpu->current || thread->runnable.priority >= cpu->current->runnable.priority)
        cpu->reschedule = true;
    return true;
}

void scheduler_wake(struct thread *thread)
{
    struct cpu *cpu = arch_cpu();

    if (make_ready(cpu, thread))
        run_queue_push_back(&cpu->ready, &thread->runnable);
}

void scheduler_hand_over(struct thread *thread)
{
    struct cpu *cpu = arch_cpu();

    if (make_ready(cpu, thread))
        run_queue_push_front(&cpu->ready, &thread->runnable);
}

void scheduler_wait(struct thread *thread, uint8_t state, uint64_t deadline)
{
    struct cpu *cpu = arch_cpu();

    thread->state = state;
    if (deadline != NEVER)
        tree_insert(&cpu->deadlines, &thread->deadline, deadline);
    cpu->reschedule = true;
}

void scheduler_remove(struct thread *thread)
{
    struct cpu *cpu = arch_cpu();

    if (run_queue_queued(&thread->runnable))
        run_queue_remove(&cpu->ready, &thread->runnable);
    if (tree_linked(&thread->deadline))
        tree_remove(&cpu->deadlines, &thread->deadline);
    if (thread == cpu->current)
        cpu->reschedule = true;
}

void scheduler_yield(void)
{
    struct cpu *cpu = arch_cpu();

    cpu->reschedule = true;
    if (!goes_on(cpu->current))
        return;
    cpu->current->slice_used = 0;
    cpu->slice_end = NEVER;
    run_queue_push_back(&cpu->ready, &cpu->current->runnable);
}

void scheduler_set_priority(struct thread *thread, uint8_t priority)
{
    struct cpu *cpu = arch_cpu();
    bool queued = run_queue_queued(&thread->runnable);

    if (priority == thread->runnable.priority)
        return;
    if (queued)
        run_queue_remove(&cpu->ready, &thread->runnable);
    thread->runnable.priority = priority;
    if (queued)
        run_queue_push_back(&cpu->ready, &thread->runnable);
    cpu->reschedule = true;
}

/* --- time --- */

static void charge(struct cpu *cpu)
{
    uint64_t now = arch_ticks(), spent = now - cpu->since;

    if (cpu->current) {
        cpu->current->cpu_time += spent;
        cpu->current->process->cpu_time += spent;
    }
    cpu->since = now;
}

void scheduler_charge(void)
{
    charge(arch_cpu());
}

static uint64_t timer_wanted(const struct cpu *cpu)
{
    const struct tree_node *first = tree_first(&cpu->deadlines);

    return first && first->key < cpu->slice_end ? first->key : cpu->slice_end;
}

static void timer_set(struct cpu *cpu, uint64_t when)
{
    cpu->timer = when;
    arch_timer_set(when);
}

/* A timer that stands too early costs less than setting it at each wait, but for a CPU that has nothing to do. */
static void timer_update(struct cpu *cpu)
{
    uint64_t when = timer_wanted(cpu);

    if (when < cpu->timer || (when > cpu->timer && !cpu->current))
        timer_set(cpu, when);
}

/* A slice runs as long as somebody waits for its end. */
static void slice_update(struct cpu *cpu)
{
    const struct thread *thread = cpu->current;
    bool contested = thread && cpu->ready.ready >> thread->runnable.priority & 1;

    if (!contested)
        cpu->slice_end = NEVER;
    else if (cpu->slice_end == NEVER)
        cpu->slice_end = arch_now() + SCHEDULER_SLICE - thread->slice_used;
}

void scheduler_timer(void)
{
    struct cpu *cpu = arch_cpu();
    uint64_t now = arch_now();
    struct tree_node *first;

    for (unsigned i = 0; i < TIMEOUTS_AT_ONCE && (first = tree_first(&cpu->deadlines)) && first->key <= now; i++) {
        tree_remove(&cpu->deadlines, first);
        message_timeout(container_of(first, struct thread, deadline));
    }
    if (cpu->slice_end <= now)
        scheduler_yield();
    timer_set(cpu, timer_wanted(cpu));
}

/* --- what runs next --- */

/* First in its queue with the rest of its slice. */
static void preempt(struct cpu *cpu)
{
    struct thread *thread = cpu->current;

    if (cpu->slice_end != NEVER) {
        uint64_t now = arch_now();
        thread->slice_used = SCHEDULER_SLICE - (cpu->slice_end > now ? cpu->slice_end - now : 1);
    }
    run_queue_push_front(&cpu->ready, &thread->runnable);
}

/* Nobody's registers are on the CPU any more, so jobs may take apart whoever was. */
static void vacate(struct cpu *cpu)
{
    if (!cpu->current)
        return;
    if (goes_on(cpu->current))
        preempt(cpu);
    cpu->slice_end = NEVER;
    arch_switch(cpu->current, NULL);
    cpu->current = NULL;
}

static bool job_is_first(const struct cpu *cpu)
{
    int thread = run_queue_highest(&cpu->ready);

    if (goes_on(cpu->current) && cpu->current->runnable.priority > thread)
        thread = cpu->current->runnable.priority;
    return cpu->jobs.ready && run_queue_highest(&cpu->jobs) >= thread;
}

/* False: an interrupt comes first. */
static bool run_jobs(struct cpu *cpu)
{
    while (job_is_first(cpu)) {
        job_run(container_of(run_queue_first(&cpu->jobs), struct job, runnable));
        if (arch_interrupt_pending())
            return !job_is_first(cpu);
    }
    return true;
}

static struct thread *choose(struct cpu *cpu)
{
    bool stays = goes_on(cpu->current);

    if (stays && run_queue_highest(&cpu->ready) <= cpu->current->runnable.priority)
        return cpu->current;
    if (stays)
        preempt(cpu);
    cpu->slice_end = NEVER;
    struct runnable *first = run_queue_pop(&cpu->ready);
    return first ? container_of(first, struct thread, runnable) : NULL;
}

static void switch_to(struct cpu *cpu, struct thread *next)
{
    if (next == cpu->current)
        return;
    arch_switch(cpu->current, next);
    cpu->current = next;
    cpu->switches++;
}

void scheduler_switch_timed(struct cpu *cpu)
{
    slice_update(cpu);
    timer_update(cpu);
}

struct thread *scheduler_reschedule(struct cpu *cpu)
{
    charge(cpu);
    if (cpu->jobs.ready && job_is_first(cpu)) {
        vacate(cpu);
        if (!run_jobs(cpu)) {
            timer_update(cpu);
            return NULL;
        }
        charge(cpu);
    }
    switch_to(cpu, choose(cpu));
    slice_update(cpu);
    timer_update(cpu);
    cpu->reschedule = false;
    return cpu->current;
}
