/* SPDX-License-Identifier: BSD-2-Clause */
#include "object/scheduler.h"

#include "arch/arch.h"
#include "object/deadline.h"
#include "object/hand_over.h"
#include "object/message.h"
#include "object/placement.h"
#include "object/process.h"
#include "object/thread.h"

#define NEVER CAVERN_FOREVER
#define TIMEOUTS_AT_ONCE 16

struct scheduler scheduler;

void scheduler_prepare_cpu(struct cpu *cpu)
{
    *cpu =
        (struct cpu){.number = (uint8_t)scheduler.cpu_count, .slice_end = NEVER, .timer = NEVER, .since = arch_ticks()};
    run_queue_init(&cpu->bound);
}

void scheduler_add_cpu(struct cpu *cpu)
{
    scheduler.cpus[scheduler.cpu_count++] = cpu;
    scheduler.online |= cpu_bit(cpu);
    scheduler.idle |= cpu_bit(cpu);
}

void scheduler_init(struct cpu *cpu)
{
    scheduler = (struct scheduler){0};
    run_queue_init(&scheduler.ready);
    run_queue_init(&scheduler.jobs);
    job_init(&scheduler.reaper, job_destroy_dying, NULL);
    scheduler_prepare_cpu(cpu);
    scheduler_add_cpu(cpu);
    arch_timer_set(NEVER);
}

/* --- threads come and go --- */

/* True: READY now, and to be queued. */
static bool make_ready(struct thread *thread)
{
    deadline_leave(thread);
    if (thread->suspended) {
        thread->state = CAVERN_THREAD_SUSPENDED;
        return false;
    }
    thread->state = CAVERN_THREAD_READY;
    return true;
}

void scheduler_wake(struct thread *thread)
{
    if (!make_ready(thread))
        return;
    thread->slice_used = 0;
    placement_enqueue(thread, false);
    placement_announce(thread);
}

void scheduler_hand_over(struct thread *thread)
{
    if (!make_ready(thread))
        return;
    placement_enqueue(thread, true);
    if (thread->place)
        placement_announce(thread);
    arch_cpu()->handed = thread;
    arch_cpu()->reschedule = true;
}

/* Who was to wait may have gone on; then the other was woken like any thread. Or it waits, but a job comes first here.
 */
static void settle_hand_over(struct cpu *cpu)
{
    struct thread *thread = cpu->handed;

    cpu->handed = NULL;
    if (!thread || !run_queue_queued(&thread->runnable))
        return;
    if (placement_goes_on(cpu->current)) {
        placement_dequeue(thread);
        thread->slice_used = 0;
        placement_enqueue(thread, false);
        placement_announce(thread);
    } else if (scheduler.jobs.ready) {
        placement_announce(thread);
    }
}

/* Else two that call each other would begin a slice with each call, and nobody else of their priority would run. */
SELDOM void scheduler_keep_slice(const struct cpu *cpu)
{
    if (cpu->slice_end == NEVER)
        return;
    uint64_t now = arch_now();
    cpu->current->slice_used = SCHEDULER_SLICE - (cpu->slice_end > now ? cpu->slice_end - now : 1);
}

void scheduler_wait(struct thread *thread, uint8_t state, uint64_t deadline)
{
    struct cpu *cpu = arch_cpu();

    scheduler_keep_slice(cpu);
    thread->state = state;
    if (deadline != NEVER)
        deadline_enter(thread, cpu, deadline);
    cpu->reschedule = true;
}

/* Who is left alone has its whole slice when the next comes. */
static void end_contest(uint8_t priority)
{
    for (unsigned i = 0; i < scheduler.cpu_count; i++) {
        struct cpu *cpu = scheduler.cpus[i];
        if (cpu->current && cpu->current->runnable.priority == priority && !(cpu_ready(cpu, true) >> priority & 1))
            cpu->slice_end = NEVER;
    }
}

void scheduler_remove(struct thread *thread)
{
    struct cpu *cpu = arch_cpu();

    if (run_queue_queued(&thread->runnable)) {
        placement_dequeue(thread);
        end_contest(thread->runnable.priority);
    }
    deadline_leave(thread);
    if (thread == cpu->current)
        cpu->reschedule = true;
}

void scheduler_yield(void)
{
    struct cpu *cpu = arch_cpu();

    cpu->reschedule = true;
    if (!placement_goes_on(cpu->current))
        return;
    cpu->current->slice_used = 0;
    cpu->slice_end = NEVER;
    placement_enqueue(cpu->current, false);
    if (cpu->current->place || cpu->bound.ready)
        placement_announce(
            cpu->current); /* for another CPU, which may sleep: by its place, or since a bound one is next */
}

static struct cpu *cpu_of(const struct thread *thread)
{
    for (unsigned i = 0; i < scheduler.cpu_count; i++)
        if (scheduler.cpus[i]->current == thread)
            return scheduler.cpus[i];
    return NULL;
}

void scheduler_set_priority(struct thread *thread, uint8_t priority)
{
    struct cpu *cpu = cpu_of(thread);

    if (priority == thread->runnable.priority)
        return;
    if (!run_queue_queued(&thread->runnable)) {
        thread->runnable.priority = priority;
        if (cpu)
            placement_tell(cpu);
        return;
    }
    uint8_t before = thread->runnable.priority;
    placement_dequeue(thread);
    thread->runnable.priority = priority;
    placement_enqueue(thread, false);
    end_contest(before);
    placement_announce(thread);
}

void scheduler_set_mask(struct thread *thread, uint64_t mask)
{
    struct cpu *cpu = cpu_of(thread);

    thread->cpu_mask = mask;
    if (run_queue_queued(&thread->runnable)) {
        placement_dequeue(thread);
        placement_enqueue(thread, false);
        end_contest(thread->runnable.priority);
        placement_announce(thread);
    } else if (cpu && !(placement_allowed(thread) & cpu_bit(cpu))) {
        placement_tell(cpu);
    }
}

/* --- threads of other CPUs --- */

bool scheduler_runs_elsewhere(const struct thread *thread)
{
    struct cpu *cpu = cpu_of(thread);

    if (!cpu || cpu == arch_cpu())
        return false;
    placement_tell(cpu);
    arch_cpu()->awaits_cpu = true;
    return true;
}

void scheduler_stop_process(const struct process *process)
{
    for (unsigned i = 0; i < scheduler.cpu_count; i++) {
        struct cpu *cpu = scheduler.cpus[i];
        if (cpu->current && cpu->current->process == process)
            placement_tell(cpu);
    }
}

bool scheduler_must_let_go(const struct thread *thread)
{
    return thread->suspended || thread->doomed || !process_alive(thread->process);
}

/* What other CPUs have decided about the current thread while it ran. */
static void let_go(struct cpu *cpu)
{
    struct thread *thread = cpu->current;

    if (!placement_goes_on(thread))
        return;
    if (thread->doomed) {
        (void)!thread_end(thread, thread->doomed, thread->doom_code); /* it runs here */
    } else if (scheduler_must_let_go(thread)) {
        thread->state = CAVERN_THREAD_SUSPENDED;
    } else if (!(placement_allowed(thread) & cpu_bit(cpu))) {
        placement_enqueue(thread, false);
        placement_announce(thread);
    }
}

/* --- time --- */

SELDOM void deadline_enter(struct thread *thread, struct cpu *cpu, uint64_t deadline)
{
    thread->timer_cpu = cpu;
    tree_insert(&cpu->deadlines, &thread->deadline, deadline);
}

SELDOM void deadline_remove(struct thread *thread)
{
    tree_remove(&thread->timer_cpu->deadlines, &thread->deadline);
    thread->timer_cpu = NULL;
}

static void charge(struct cpu *cpu, uint64_t now)
{
    if (cpu->current) {
        cpu_charge(cpu, cpu->current, now, false);
    } else {
        cpu->idle_time += now - cpu->since;
        cpu->since = now;
    }
}

void scheduler_charge(void)
{
    uint64_t now = arch_ticks();

    for (unsigned i = 0; i < scheduler.cpu_count; i++)
        charge(scheduler.cpus[i], now);
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
    bool contested = thread && cpu_ready(cpu, true) >> thread->runnable.priority & 1;

    if (!contested)
        cpu->slice_end = NEVER;
    else if (cpu->slice_end == NEVER)
        cpu_begin_slice(cpu, thread);
}

void scheduler_timer(void)
{
    struct cpu *cpu = arch_cpu();
    uint64_t now = arch_now();
    struct tree_node *first;

    for (unsigned i = 0; i < TIMEOUTS_AT_ONCE && (first = tree_first(&cpu->deadlines)) && first->key <= now; i++) {
        struct thread *thread = container_of(first, struct thread, deadline);
        deadline_leave(thread);
        message_timeout(thread);
    }
    if (cpu->slice_end <= now)
        scheduler_yield();
    timer_set(cpu, timer_wanted(cpu));
}

/* --- what runs next --- */

/* A CPU that runs less than this thread, which must leave its own; NULL: none. */
static struct cpu *find_other(const struct cpu *cpu, const struct thread *thread)
{
    uint64_t others = placement_allowed(thread) & ~cpu_bit(cpu);
    struct cpu *other = others ? placement_find_cpu(others, cpu->number) : NULL;

    return other && placement_priority(other) < thread->runnable.priority ? other : NULL;
}

/* First in its queue with the rest of its slice, unless another CPU has less to do. */
static void put_back(struct cpu *cpu)
{
    struct thread *thread = cpu->current;
    struct cpu *other = scheduler.cpu_count > 1 ? find_other(cpu, thread) : NULL;
    scheduler_keep_slice(cpu);
    if (placement_allowed(thread) == scheduler.online)
        thread->place = NULL;
    else
        thread->place = other ? other : cpu;
    run_queue_push_front(placement_queue(thread), &thread->runnable);
    if (other)
        placement_tell(other);
}

/* Nobody's registers are on the CPU any more, so jobs may take apart whoever was. */
static void vacate(struct cpu *cpu)
{
    if (!cpu->current)
        return;
    if (placement_goes_on(cpu->current))
        put_back(cpu);
    cpu->slice_end = NEVER;
    arch_switch(cpu->current, NULL);
    cpu->current = NULL;
}

static int highest_ready(const struct cpu *cpu)
{
    uint32_t ready = cpu_ready(cpu, true);

    return ready ? 31 - __builtin_clz(ready) : RUN_QUEUE_NONE;
}

static bool job_is_first(const struct cpu *cpu)
{
    int job = run_queue_highest(&scheduler.jobs);

    return scheduler.jobs.ready && job >= highest_ready(cpu) && job >= placement_priority(cpu);
}

/* Two would do no more than one, for each step takes the kernel lock. */
static bool another_works(const struct cpu *cpu)
{
    return scheduler.worker && scheduler.worker != cpu;
}

static void find_worker(void)
{
    struct cpu *cpu = placement_find_cpu(scheduler.online, arch_cpu()->number);

    if (placement_priority(cpu) <= run_queue_highest(&scheduler.jobs))
        placement_tell(cpu);
}

void scheduler_jobs_queued(void)
{
    struct cpu *own = arch_cpu();

    if (another_works(own))
        return;
    if (placement_priority(own) <= run_queue_highest(&scheduler.jobs) || scheduler.cpu_count == 1)
        own->reschedule = true;
    else
        find_worker();
}

/* A step at a time. False: an interrupt, or another CPU, comes first. */
static bool run_jobs(struct cpu *cpu)
{
    scheduler.worker = cpu;
    scheduler.idle &= ~cpu_bit(cpu);
    while (job_is_first(cpu)) {
        job_run(container_of(run_queue_first(&scheduler.jobs), struct job, runnable));
        if ((cpu->awaits_cpu || arch_interrupt_pending()) && job_is_first(cpu))
            return false;
    }
    return true;
}

/* Where the highest stands; of equals in both, from each in turn. */
static struct run_queue *queue_to_take(struct cpu *cpu)
{
    int any = run_queue_highest(&scheduler.ready), bound = run_queue_highest(&cpu->bound);
    bool own = bound > any || (bound == any && cpu->turn);

    cpu->turn = !own;
    return own ? &cpu->bound : &scheduler.ready;
}

static struct thread *take_first(struct cpu *cpu)
{
    for (;;) {
        struct runnable *first = run_queue_pop(cpu->bound.ready ? queue_to_take(cpu) : &scheduler.ready);
        if (!first)
            return NULL;
        struct thread *thread = container_of(first, struct thread, runnable);
        if (process_alive(thread->process))
            return thread;
        thread->state = CAVERN_THREAD_SUSPENDED; /* the end of its process goes on elsewhere */
    }
}

static struct thread *choose(struct cpu *cpu)
{
    bool stays = placement_goes_on(cpu->current);

    if (stays && highest_ready(cpu) <= cpu->current->runnable.priority)
        return cpu->current;
    if (stays)
        put_back(cpu);
    cpu->slice_end = NEVER;
    return take_first(cpu);
}

static void switch_to(struct cpu *cpu, struct thread *next)
{
    if (next == cpu->current)
        return;
    if (next) {
        cpu_pass(cpu, cpu->current, next, true);
    } else {
        arch_switch(cpu->current, NULL);
        cpu->current = NULL;
        cpu->switches++;
    }
}

SELDOM void scheduler_switch_timed(struct cpu *cpu)
{
    slice_update(cpu);
    timer_update(cpu);
}

/* Whether there is something to do here; and what another has to do because there is. */
static void tell_others(struct cpu *cpu)
{
    if (cpu->current)
        scheduler.idle &= ~cpu_bit(cpu);
    else
        scheduler.idle |= cpu_bit(cpu);
    if (scheduler.jobs.ready && !scheduler.worker)
        find_worker();
}

/* Whatever jobs come first. False: an interrupt, or another CPU, comes before them. Apart, so that a switch without
 * them saves no registers for it. */
__attribute__((noinline)) static bool do_jobs(struct cpu *cpu)
{
    if (another_works(cpu) || !job_is_first(cpu))
        return true;
    vacate(cpu);
    bool done = run_jobs(cpu);
    if (done)
        charge(cpu, arch_ticks());
    else
        timer_update(cpu);
    return done;
}

struct thread *scheduler_reschedule(struct cpu *cpu)
{
    charge(cpu, arch_ticks());
    if (cpu->handed)
        settle_hand_over(cpu);
    if (scheduler.cpu_count > 1)
        let_go(cpu);
    if (scheduler.jobs.ready && !do_jobs(cpu))
        return NULL;
    if (scheduler.worker == cpu)
        scheduler.worker = NULL;
    switch_to(cpu, choose(cpu));
    slice_update(cpu);
    timer_update(cpu);
    cpu->reschedule = false;
    if (scheduler.cpu_count > 1)
        tell_others(cpu);
    return cpu->current;
}
