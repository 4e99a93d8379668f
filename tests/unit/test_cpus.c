/* SPDX-License-Identifier: BSD-2-Clause */
/* Several CPUs: who runs where, who is told, and threads that another CPU has to let go of. spec/scheduling.md. */
#include "unit.h"

#include <time.h>

#include "model.h"
#include "object/buffer.h"
#include "object/scheduler.h"
#include "peer.h"

enum { CPUS = 3 };

static struct process *process;

static int start(void **state)
{
    (void)state;
    model_start(16 << 20);
    model_add_cpus(CPUS - 1);
    struct thread *first = model_process(model_root(), "p", 1);
    process = first->process;
    assert_ptr_equal(scheduler_next(), first);
    for (unsigned cpu = 0; cpu < CPUS; cpu++)
        model_kicked(cpu);
    return 0;
}

static struct cpu *cpu_at(unsigned number)
{
    return scheduler.cpus[number];
}

/* The CPU enters the kernel, and leaves it with this thread. */
static void runs(unsigned cpu, const struct thread *thread)
{
    model_run_on(cpu);
    assert_ptr_equal(scheduler_next(), thread);
    assert_ptr_equal(arch_cpu()->current, thread);
    assert_true(run_queue_invariants(&scheduler.ready));
    assert_true(run_queue_invariants(&arch_cpu()->bound));
    model_run_on(0);
}

static void waits(unsigned cpu)
{
    model_run_on(cpu);
    scheduler_wait(arch_cpu()->current, CAVERN_THREAD_SUSPENDED, CAVERN_FOREVER);
    model_run_on(0);
}

static bool told(unsigned cpu)
{
    bool kicked = model_kicked(cpu);
    assert_int_equal(kicked, cpu && cpu_at(cpu)->reschedule);
    return cpu_at(cpu)->reschedule;
}

/* One thread of each of these priorities on each CPU. */
static void occupy(const uint8_t priorities[CPUS], struct thread *threads[CPUS])
{
    waits(0);
    runs(0, NULL);
    for (unsigned cpu = 0; cpu < CPUS; cpu++) {
        threads[cpu] = model_thread(process, priorities[cpu]);
        runs(cpu, threads[cpu]);
        model_kicked(cpu);
    }
    for (unsigned cpu = 0; cpu < CPUS; cpu++)
        assert_false(cpu_at(cpu)->reschedule);
}

/* [SCHED-13] */
static void test_cpus_idle_one_takes_who_becomes_ready(void **state)
{
    (void)state;
    struct thread *low = model_thread(process, 2);
    assert_true(told(1));
    assert_false(told(2));
    struct thread *lower = model_thread(process, 2);
    assert_true(told(2)); /* the first has been told already */
    runs(1, low);
    runs(2, lower);
    struct thread *third = model_thread(process, 0);
    assert_false(told(1));
    assert_false(told(2));
    waits(2);
    runs(2, third);
}

/* [SCHED-13] Where it ran last, and here if this one is idle. */
static void test_cpus_idle_one_is_chosen_by_rule(void **state)
{
    (void)state;
    struct thread *threads[CPUS];
    occupy((uint8_t[]){5, 5, 5}, threads);
    waits(1);
    runs(1, NULL);
    waits(2);
    runs(2, NULL);
    scheduler_wake(threads[2]);
    assert_true(told(2));
    assert_false(told(1));
    runs(2, threads[2]);
    model_run_on(1); /* an interrupt comes to the idle one and wakes somebody */
    scheduler_wake(threads[1]);
    runs(1, threads[1]);
    assert_false(model_kicked(0) || model_kicked(1) || model_kicked(2));
}

/* [SCHED-13] */
static void test_cpus_lowest_priority_gives_way(void **state)
{
    (void)state;
    struct thread *threads[CPUS];
    occupy((uint8_t[]){9, 7, 5}, threads);
    struct thread *six = model_thread(process, 6);
    assert_false(told(1));
    assert_true(told(2));
    runs(2, six);
    struct thread *eight = model_thread(process, 8);
    assert_true(told(2));
    assert_false(told(1));
    runs(2, eight);
    struct thread *also_eight = model_thread(process, 8);
    assert_true(told(1));
    runs(1, also_eight);
    waits(0);
    runs(0, threads[1]); /* the highest of those that were preempted */
    waits(0);
    runs(0, six);
}

/* [SCHED-13] Who is preempted goes on where less is to do. */
static void test_cpus_preempted_is_pushed(void **state)
{
    (void)state;
    struct thread *threads[CPUS];
    occupy((uint8_t[]){5, 9, 3}, threads);
    assert_int_equal(thread_set(threads[0], 5, 5), CAVERN_OK); /* CPUs 0 and 2 */
    struct thread *only_here = model_thread(process, 7);
    runs(2, only_here); /* a thread without a mask goes to the lowest */
    waits(2);
    runs(2, threads[2]);
    assert_int_equal(thread_set(only_here, 7, 1), CAVERN_OK);
    scheduler_wake(only_here);
    runs(0, only_here);
    assert_true(told(2));
    runs(2, threads[0]);
}

/* [SCHED-14] */
static void test_cpus_mask_is_kept(void **state)
{
    (void)state;
    struct thread *threads[CPUS];
    occupy((uint8_t[]){5, 5, 5}, threads);
    struct thread *high = model_thread(process, 9);
    assert_int_equal(thread_set(high, 9, 1u << 2), CAVERN_OK);
    runs(0, threads[0]);
    runs(1, threads[1]);
    runs(2, high);
    assert_int_equal(thread_set(high, 9, 1u << 1), CAVERN_OK);
    assert_true(told(2));
    runs(2, threads[2]);
    assert_true(told(1));
    runs(1, high);
    struct thread *low = model_thread(process, 2);
    assert_int_equal(thread_set(low, 2, 1u << 1), CAVERN_OK);
    waits(0);
    runs(0, threads[1]);
    waits(0);
    runs(0, NULL);
    waits(1);
    runs(1, low);
}

/* [SCHED-5] [SCHED-14] One that is bound to some CPUs, and gives way, goes on where nothing else is to do. */
static void test_cpus_bound_thread_that_yields_goes_on(void **state)
{
    (void)state;
    struct thread *threads[CPUS];
    occupy((uint8_t[]){5, 5, 5}, threads);
    waits(1);
    runs(1, NULL);
    assert_int_equal(thread_set(threads[0], 5, 3), CAVERN_OK);
    scheduler_yield();
    if (threads[0]->place == cpu_at(1)) {
        assert_true(told(1));
        runs(1, threads[0]);
    } else {
        runs(0, threads[0]);
    }
}

/* [SCHED-13] One that may run anywhere, and gives way to one that is bound, goes on elsewhere. */
static void test_cpus_thread_that_yields_to_a_bound_one_goes_on(void **state)
{
    (void)state;
    struct thread *threads[CPUS], *bound;
    occupy((uint8_t[]){5, 5, 5}, threads);
    waits(1);
    runs(1, NULL);
    assert_int_equal(thread_create(process, 5, 0, 0, 0, (uint64_t[2]){0}, 1 << 0, &bound), CAVERN_OK);
    thread_start(bound);
    cpu_at(0)->turn = true; /* the bound one is next of the two */
    scheduler_yield();
    assert_true(told(1));
    runs(0, bound);
    runs(1, threads[0]);
}

/* [SCHED-15] */
static void test_cpus_equals_take_turns_on_all(void **state)
{
    (void)state;
    struct thread *threads[CPUS];
    uint64_t now = arch_now();
    occupy((uint8_t[]){5, 5, 5}, threads);
    struct thread *more = model_thread(process, 5);
    for (unsigned cpu = 0; cpu < CPUS; cpu++) {
        assert_true(told(cpu) || cpu == 0);
        runs(cpu, threads[cpu]);
        assert_int_equal(cpu_at(cpu)->slice_end, now + SCHEDULER_SLICE);
    }
    for (unsigned cpu = 0; cpu < CPUS; cpu++) {
        model_run_on(cpu);
        model_set_time(now + SCHEDULER_SLICE);
        runs(cpu, cpu ? threads[cpu - 1] : more);
    }
}

/* [SCHED-16] */
static void test_cpus_suspended_thread_has_stopped(void **state)
{
    (void)state;
    struct thread *threads[CPUS];
    occupy((uint8_t[]){5, 5, 5}, threads);
    assert_false(thread_suspend(threads[1]));
    assert_true(told(1));
    assert_false(thread_suspend(threads[1]));
    runs(1, NULL);
    assert_int_equal(threads[1]->state, CAVERN_THREAD_SUSPENDED);
    assert_true(thread_suspend(threads[1]));
    thread_resume(threads[1]);
    runs(1, threads[1]);
}

/* [SCHED-16] */
static void test_cpus_ended_thread_is_ended_where_it_runs(void **state)
{
    (void)state;
    struct thread *threads[CPUS];
    occupy((uint8_t[]){5, 5, 5}, threads);
    assert_false(thread_end(threads[1], CAVERN_REASON_ENDED, 7));
    assert_int_equal(threads[1]->state, CAVERN_THREAD_READY);
    assert_true(told(1));
    object_get(&threads[1]->object);
    runs(1, NULL);
    assert_int_equal(threads[1]->state, CAVERN_THREAD_ENDED);
    assert_int_equal(threads[1]->exit.words[CAVERN_EXIT_REASON], CAVERN_REASON_ENDED);
    assert_int_equal(threads[1]->exit.words[CAVERN_EXIT_CODE], 7);
    assert_true(thread_end(threads[1], CAVERN_REASON_EXITED, 8)); /* once is enough */
    assert_int_equal(threads[1]->exit.words[CAVERN_EXIT_CODE], 7);
    object_put(&threads[1]->object);
}

/* [SCHED-16] */
static void test_cpus_process_ends_after_all_have_let_go(void **state)
{
    (void)state;
    struct thread *threads[CPUS];
    occupy((uint8_t[]){5, 5, 5}, threads);
    object_get(&process->object);
    process_end(process, (uint64_t[5]){CAVERN_REASON_ENDED});
    assert_true(told(1));
    assert_true(told(2));
    model_interrupt_pending(true); /* a step at a time */
    model_run_on(0);
    assert_null(scheduler_next());
    assert_int_equal(process->state, CAVERN_PROCESS_ENDING);
    assert_int_equal(process->thread_count, 2); /* those that other CPUs run */
    model_interrupt_pending(false);
    assert_ptr_equal(cpu_at(1)->current, threads[1]);
    for (unsigned tries = 0; process->state == CAVERN_PROCESS_ENDING; tries++) {
        assert_true(tries < 100);
        model_interrupt_pending(true);
        model_run_on(tries % CPUS);
        scheduler_next();
        model_run_on(0);
    }
    model_interrupt_pending(false);
    assert_int_equal(process->state, CAVERN_PROCESS_ZOMBIE);
    for (unsigned cpu = 0; cpu < CPUS; cpu++)
        assert_null(cpu_at(cpu)->current);
    object_put(&process->object);
}

static unsigned steps_left;

static bool count_step(struct job *job)
{
    (void)job;
    return !--steps_left;
}

/* A job comes before threads of its priority wherever they would run. */
static void test_cpus_job_is_done_before_who_waits_for_it(void **state)
{
    (void)state;
    static struct job job;
    struct thread *threads[CPUS];
    occupy((uint8_t[]){5, 6, 6}, threads);
    job_init(&job, count_step, NULL);
    steps_left = 3;
    job_start(&job, 5);
    model_interrupt_pending(true);
    assert_null(scheduler_next());
    struct thread *higher = model_thread(process, 9); /* pushes a thread about */
    model_interrupt_pending(false);
    assert_ptr_equal(scheduler_next(), higher);
    waits(1);
    runs(1, threads[0]);
    assert_int_equal(steps_left, 0);
}

static bool only_step(struct job *job)
{
    (void)job;
    return true;
}

/* While one CPU goes from step to step, the others run the threads that stand behind the job. */
static void test_cpus_one_works(void **state)
{
    (void)state;
    static struct job job, more;
    struct thread *threads[CPUS];
    occupy((uint8_t[]){5, 5, 5}, threads);
    job_init(&job, count_step, NULL);
    steps_left = 3;
    job_start(&job, 5);
    model_interrupt_pending(true);
    assert_null(scheduler_next());
    waits(1);
    runs(1, threads[0]);
    assert_int_equal(steps_left, 2);
    job_init(&more, only_step, NULL);
    model_run_on(1);
    job_start(&more, 5); /* who works comes to it */
    assert_false(arch_cpu()->reschedule);
    model_run_on(0);
    model_interrupt_pending(false);
    waits(2);
    runs(2, NULL);
    assert_int_equal(steps_left, 2);
    runs(0, NULL);
    assert_int_equal(steps_left, 0);
    assert_false(run_queue_queued(&more.runnable));
    waits(1);
    job_init(&job, count_step, NULL); /* the next one may be somebody else's */
    steps_left = 1;
    model_run_on(1);
    job_start(&job, 5);
    runs(1, NULL);
    assert_int_equal(steps_left, 0);
}

/* A CPU that has better things to do finds another for a job. */
static void test_cpus_job_goes_to_who_has_least_to_do(void **state)
{
    (void)state;
    static struct job job;
    struct thread *threads[CPUS];
    occupy((uint8_t[]){9, 7, 3}, threads);
    job_init(&job, count_step, NULL);
    steps_left = 1;
    job_start(&job, 4);
    assert_false(told(1));
    assert_true(told(2));
    runs(2, threads[2]);
    assert_int_equal(steps_left, 0);
}

/* [SCHED-12] [SCHED-17] */
static void test_cpus_timers_are_their_own(void **state)
{
    (void)state;
    struct thread *threads[CPUS];
    uint64_t now = arch_now();
    occupy((uint8_t[]){5, 5, 5}, threads);
    model_run_on(1);
    scheduler_wait(threads[1], CAVERN_THREAD_SUSPENDED, now + 100);
    runs(1, NULL);
    waits(2);
    runs(2, NULL);
    model_run_on(1);
    assert_int_equal(model_timer(), now + 100);
    model_run_on(2);
    assert_int_equal(model_timer(), CAVERN_FOREVER);
    model_run_on(0);
    assert_int_equal(model_timer(), CAVERN_FOREVER);
    scheduler_wake(threads[1]); /* by another CPU: out of that one's tree */
    assert_true(tree_empty(&cpu_at(1)->deadlines));
}

static int compare(const void *a, const void *b)
{
    return *(const int *)b - *(const int *)a;
}

/* The priorities of who runs, and of who is ready, highest first. */
static void check_highest_run(struct thread *const *threads, unsigned count)
{
    int ready[64], running[CPUS];
    unsigned n = 0;
    for (unsigned i = 0; i < count; i++)
        if (threads[i]->state == CAVERN_THREAD_READY)
            ready[n++] = threads[i]->runnable.priority;
    for (unsigned cpu = 0; cpu < CPUS; cpu++)
        running[cpu] = cpu_at(cpu)->current ? cpu_at(cpu)->current->runnable.priority : -1;
    qsort(ready, n, sizeof ready[0], compare);
    qsort(running, CPUS, sizeof running[0], compare);
    for (unsigned cpu = 0; cpu < CPUS; cpu++)
        assert_int_equal(running[cpu], cpu < n ? ready[cpu] : -1);
}

static void random_operation(struct thread *thread)
{
    struct thread *current = arch_cpu()->current;
    switch (rand() % 7) {
    case 0:
        if (current)
            scheduler_wait(current, CAVERN_THREAD_SUSPENDED, CAVERN_FOREVER);
        break;
    case 1:
        (void)!thread_suspend(thread);
        break;
    case 2:
        thread_resume(thread);
        break;
    case 3:
        if (current)
            scheduler_yield();
        break;
    case 4:
        assert_int_equal(thread_set(thread, (uint64_t)(1 + rand() % 6), 0), CAVERN_OK);
        break;
    default:
        model_set_time(arch_now() + (uint64_t)(rand() % 3) * 1000000);
    }
}

/* [SCHED-13] After any operation on any CPU: once those that are told have looked, the highest run. */
static void test_cpus_highest_run_after_random_operations(void **state)
{
    (void)state;
    struct thread *threads[10];
    unsigned seed = (unsigned)time(NULL);
    print_message("# seed %u\n", seed);
    srand(seed);
    waits(0);
    runs(0, NULL);
    for (unsigned i = 0; i < COUNT_OF(threads); i++)
        threads[i] = model_thread(process, (uint8_t)(1 + rand() % 6));
    for (unsigned n = 0; n < 20000; n++) {
        unsigned cpu = (unsigned)rand() % CPUS;
        model_run_on(cpu);
        random_operation(threads[rand() % COUNT_OF(threads)]);
        scheduler_next();
        for (unsigned pass = 0, more = 1; more; pass++) { /* in any order, until nobody is told any more */
            assert_true(pass < 10);
            more = 0;
            for (unsigned i = 0; i < CPUS; i++) {
                cpu = (i + n) % CPUS;
                model_run_on(cpu);
                if (arch_cpu()->reschedule) {
                    scheduler_next();
                    more = 1;
                }
            }
        }
        check_highest_run(threads, COUNT_OF(threads));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_cpus_idle_one_takes_who_becomes_ready, start),
        cmocka_unit_test_setup(test_cpus_idle_one_is_chosen_by_rule, start),
        cmocka_unit_test_setup(test_cpus_lowest_priority_gives_way, start),
        cmocka_unit_test_setup(test_cpus_preempted_is_pushed, start),
        cmocka_unit_test_setup(test_cpus_mask_is_kept, start),
        cmocka_unit_test_setup(test_cpus_bound_thread_that_yields_goes_on, start),
        cmocka_unit_test_setup(test_cpus_thread_that_yields_to_a_bound_one_goes_on, start),
        cmocka_unit_test_setup(test_cpus_equals_take_turns_on_all, start),
        cmocka_unit_test_setup(test_cpus_suspended_thread_has_stopped, start),
        cmocka_unit_test_setup(test_cpus_ended_thread_is_ended_where_it_runs, start),
        cmocka_unit_test_setup(test_cpus_process_ends_after_all_have_let_go, start),
        cmocka_unit_test_setup(test_cpus_job_is_done_before_who_waits_for_it, start),
        cmocka_unit_test_setup(test_cpus_one_works, start),
        cmocka_unit_test_setup(test_cpus_job_goes_to_who_has_least_to_do, start),
        cmocka_unit_test_setup(test_cpus_timers_are_their_own, start),
        cmocka_unit_test_setup(test_cpus_highest_run_after_random_operations, start),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
