/* SPDX-License-Identifier: BSD-2-Clause */
/* What runs next, slices, deadlines, jobs. spec/scheduling.md. */
#include "unit.h"

#include <time.h>

#include "core/run_queue.h"
#include "model.h"
#include "object/scheduler.h"

#define MS 1000000ull

static struct process *process;
static uint64_t start_time;

static int start(void **state)
{
    (void)state;
    model_start(16 << 20);
    struct thread *first = model_process(model_root(), "p", 1);
    process = first->process;
    assert_ptr_equal(scheduler_next(), first);
    start_time = arch_now();
    return 0;
}

static void check_queues(void)
{
    struct cpu *cpu = arch_cpu();
    assert_true(run_queue_invariants(&scheduler.ready));
    assert_true(run_queue_invariants(&scheduler.jobs));
    assert_true(tree_invariants(&cpu->deadlines));
    assert_true(!cpu->current || !run_queue_queued(&cpu->current->runnable));
}

static void runs(const struct thread *thread)
{
    assert_ptr_equal(scheduler_next(), thread);
    assert_ptr_equal(arch_cpu()->current, thread);
    check_queues();
}

static void after(uint64_t ns)
{
    model_set_time(start_time + ns);
}

/* Sleeps as a receiver does, without a queue. */
static void sleeps(struct thread *thread, uint64_t deadline)
{
    assert_ptr_equal(arch_cpu()->current, thread);
    scheduler_wait(thread, CAVERN_THREAD_SUSPENDED, deadline);
}

/* [SCHED-1] [SCHED-2] */
static void test_scheduler_higher_priority_preempts_at_once(void **state)
{
    (void)state;
    struct thread *low = model_thread(process, 5), *high = model_thread(process, 9);
    runs(high);
    struct thread *middle = model_thread(process, 7);
    runs(high);
    sleeps(high, CAVERN_FOREVER);
    runs(middle);
    sleeps(middle, CAVERN_FOREVER);
    runs(low);
    scheduler_wake(high);
    runs(high);
}

/* [SCHED-2] */
static void test_scheduler_equal_priority_waits_its_turn(void **state)
{
    (void)state;
    struct thread *a = model_thread(process, 5), *b = model_thread(process, 5), *c = model_thread(process, 5);
    runs(a);
    sleeps(a, CAVERN_FOREVER);
    runs(b);
    scheduler_wake(a);
    runs(b);
    sleeps(b, CAVERN_FOREVER);
    runs(c);
    sleeps(c, CAVERN_FOREVER);
    runs(a);
}

/* [SCHED-3] */
static void test_scheduler_slice_ends_behind_equals(void **state)
{
    (void)state;
    struct thread *a = model_thread(process, 5), *b = model_thread(process, 5);
    runs(a);
    assert_int_equal(model_timer(), start_time + SCHEDULER_SLICE);
    after(SCHEDULER_SLICE - 1);
    runs(a);
    after(SCHEDULER_SLICE);
    runs(b);
    after(2 * SCHEDULER_SLICE);
    runs(a);
}

/* [SCHED-3] A thread that was alone has its whole slice when another comes. */
static void test_scheduler_slice_starts_with_the_contest(void **state)
{
    (void)state;
    struct thread *a = model_thread(process, 5);
    runs(a);
    assert_int_equal(model_timer(), CAVERN_FOREVER);
    after(5 * SCHEDULER_SLICE);
    struct thread *b = model_thread(process, 5);
    runs(a);
    after(6 * SCHEDULER_SLICE - 1);
    runs(a);
    after(6 * SCHEDULER_SLICE);
    runs(b);
}

/* [SCHED-4] */
static void test_scheduler_preempted_stays_first_with_rest_of_slice(void **state)
{
    (void)state;
    struct thread *a = model_thread(process, 5), *b = model_thread(process, 5);
    runs(a);
    after(4 * MS);
    struct thread *high = model_thread(process, 9);
    runs(high);
    after(50 * MS);
    runs(high);
    sleeps(high, CAVERN_FOREVER);
    runs(a);
    after(56 * MS - 1);
    runs(a);
    after(56 * MS);
    runs(b);
}

/* [SCHED-5] */
static void test_scheduler_yield_lets_equals_run(void **state)
{
    (void)state;
    struct thread *a = model_thread(process, 5);
    runs(a);
    scheduler_yield();
    runs(a);
    struct thread *b = model_thread(process, 5), *c = model_thread(process, 5);
    runs(a);
    scheduler_yield();
    runs(b);
    scheduler_yield();
    runs(c);
    scheduler_yield();
    runs(a);
}

/* [SCHED-6] */
static void test_scheduler_hand_over_is_next_of_its_priority(void **state)
{
    (void)state;
    struct thread *a = model_thread(process, 5), *b = model_thread(process, 5), *server = model_thread(process, 5);
    runs(a);
    scheduler_remove(server);
    server->state = CAVERN_THREAD_SUSPENDED;
    scheduler_hand_over(server);
    sleeps(a, CAVERN_FOREVER);
    runs(server);
    sleeps(server, CAVERN_FOREVER);
    runs(b);
}

/* [SCHED-19] Each of the two has its slice, however often they wait for each other; then the third runs. */
static void test_scheduler_hand_over_begins_no_slice(void **state)
{
    (void)state;
    struct thread *pair[] = {model_thread(process, 5), model_thread(process, 5)}, *third = model_thread(process, 5);
    runs(pair[0]);
    scheduler_remove(pair[1]);
    pair[1]->state = CAVERN_THREAD_SUSPENDED;
    unsigned changes = 0;
    for (struct thread *next = pair[0]; next != third; changes++) {
        assert_in_range(changes, 0, 2 * SCHEDULER_SLICE / MS);
        after((changes + 1) * MS);
        if (arch_cpu()->current == next && scheduler_next() == next) {
            next = pair[next == pair[0]];
            scheduler_hand_over(next);
            sleeps(arch_cpu()->current, CAVERN_FOREVER);
        }
        next = scheduler_next();
    }
    assert_in_range(changes, SCHEDULER_SLICE / MS, 2 * SCHEDULER_SLICE / MS);
}

static void test_scheduler_idle_runs_nothing_and_sets_the_timer(void **state)
{
    (void)state;
    struct thread *only = arch_cpu()->current;
    assert_true(thread_suspend(only));
    assert_null(model_settle());
    assert_int_equal(model_timer(), CAVERN_FOREVER);
    thread_resume(only);
    runs(only);
}

/* [PROC-CONTROL-3] */
static void test_scheduler_priority_changes_at_once(void **state)
{
    (void)state;
    struct thread *a = model_thread(process, 5), *b = model_thread(process, 6), *c = model_thread(process, 6);
    runs(b);
    assert_int_equal(thread_set(a, 8, 0), CAVERN_OK);
    runs(a);
    assert_int_equal(thread_set(a, 6, 0), CAVERN_OK);
    runs(a);
    assert_int_equal(thread_set(a, 5, 0), CAVERN_OK);
    runs(b);
    assert_int_equal(thread_set(b, 4, 0), CAVERN_OK);
    runs(c);
}

static struct thread *receiver(uint8_t priority, uint64_t deadline)
{
    struct thread *thread = model_thread(process, priority);
    runs(thread);
    sleeps(thread, deadline);
    assert_ptr_not_equal(model_settle(), thread);
    return thread;
}

/* [SCHED-8] [SCHED-9] */
static void test_scheduler_deadlines_pass_in_order(void **state)
{
    (void)state;
    struct thread *late = receiver(5, start_time + 30 * MS), *first = receiver(5, start_time + 20 * MS),
                  *second = receiver(5, start_time + 20 * MS);
    struct thread *just_after = receiver(5, start_time + 20 * MS + 1);
    assert_int_equal(model_timer(), start_time + 20 * MS);
    after(20 * MS - 1);
    assert_int_equal(first->state, CAVERN_THREAD_SUSPENDED);
    after(20 * MS);
    runs(first);
    assert_int_equal(first->context.x[0], CAVERN_TIMEOUT);
    sleeps(first, CAVERN_FOREVER);
    runs(second);
    assert_int_equal(just_after->state, CAVERN_THREAD_SUSPENDED);
    after(20 * MS + 1);
    assert_int_equal(just_after->state, CAVERN_THREAD_READY);
    assert_int_equal(late->state, CAVERN_THREAD_SUSPENDED);
    assert_int_equal(model_timer(), start_time + 30 * MS);
    after(30 * MS);
    assert_int_equal(late->state, CAVERN_THREAD_READY);
}

/* [SCHED-9] [SCHED-21] */
static void test_scheduler_many_deadlines_at_once_pass_in_steps(void **state)
{
    (void)state;
    struct thread *threads[150];
    for (unsigned i = 0; i < COUNT_OF(threads); i++)
        threads[i] = receiver(5, start_time + 20 * MS);
    uint64_t before = arch_cpu()->interrupts;
    after(20 * MS);
    assert_int_equal(arch_cpu()->interrupts - before,
                     10); /* a bounded number each time; the timer stands at once again */
    for (unsigned i = 0; i < COUNT_OF(threads); i++)
        assert_int_equal(threads[i]->state, CAVERN_THREAD_READY);
    assert_true(tree_empty(&arch_cpu()->deadlines));
    assert_int_not_equal(model_timer(), start_time + 20 * MS);
}

static void test_scheduler_earlier_deadline_moves_the_timer(void **state)
{
    (void)state;
    receiver(5, start_time + 30 * MS);
    assert_int_equal(model_timer(), start_time + 30 * MS);
    receiver(5, start_time + 10 * MS);
    assert_int_equal(model_timer(), start_time + 10 * MS);
    receiver(5, start_time + 20 * MS);
    assert_int_equal(model_timer(), start_time + 10 * MS);
}

/* [SCHED-10] */
static void test_scheduler_cpu_time_goes_to_who_ran(void **state)
{
    (void)state;
    struct thread *first = arch_cpu()->current, *a = model_thread(process, 5);
    after(3 * MS);
    runs(a);
    after(10 * MS);
    sleeps(a, CAVERN_FOREVER);
    runs(first);
    after(11 * MS);
    scheduler_charge();
    assert_int_equal(a->cpu_time, 7 * MS);
    assert_int_equal(first->cpu_time, 4 * MS);
    assert_int_equal(process->cpu_time, 11 * MS);
    assert_true(thread_suspend(first));
    assert_null(model_settle());
    after(20 * MS);
    scheduler_wake(a);
    runs(a);
    assert_int_equal(process->cpu_time, 11 * MS);
}

/* [PROC-CONTROL-2] */
static void test_scheduler_suspended_thread_does_not_wake(void **state)
{
    (void)state;
    struct thread *a = receiver(5, start_time + 10 * MS);
    assert_true(thread_suspend(a));
    after(10 * MS);
    assert_int_equal(a->state, CAVERN_THREAD_SUSPENDED);
    assert_int_equal(a->context.x[0], CAVERN_TIMEOUT);
    assert_ptr_not_equal(model_settle(), a);
    thread_resume(a);
    runs(a);
}

/* --- jobs --- */

static unsigned steps_left, steps_done;

static bool count_step(struct job *job)
{
    (void)job;
    assert_null(arch_cpu()->current);
    steps_done++;
    return --steps_left == 0;
}

static void test_scheduler_job_runs_before_threads_of_its_priority(void **state)
{
    (void)state;
    static struct job job;
    struct thread *a = model_thread(process, 5), *b = model_thread(process, 6);
    runs(b);
    job_init(&job, count_step, NULL);
    steps_left = 3;
    steps_done = 0;
    job_start(&job, 5);
    runs(b);
    assert_int_equal(steps_done, 0);
    job_start(&job, 6);
    runs(b);
    assert_int_equal(steps_done, 3);
    steps_left = 2;
    job_start(&job, 5);
    sleeps(b, CAVERN_FOREVER);
    runs(a);
    assert_int_equal(steps_done, 5);
}

static void test_scheduler_job_lets_interrupts_in(void **state)
{
    (void)state;
    static struct job job;
    struct thread *a = model_thread(process, 5);
    runs(a);
    job_init(&job, count_step, NULL);
    steps_left = 3;
    steps_done = 0;
    job_start(&job, 5);
    model_interrupt_pending(true);
    assert_null(scheduler_next());
    assert_int_equal(steps_done, 1);
    assert_null(arch_cpu()->current);
    struct thread *high = model_thread(process, 9); /* what the interrupt woke */
    runs(high);
    assert_int_equal(steps_done, 1);
    sleeps(high, CAVERN_FOREVER);
    assert_null(scheduler_next());
    model_interrupt_pending(false);
    runs(a);
    assert_int_equal(steps_done, 3);
}

/* The interrupt that held it up may be gone when the processor looks: it does not sleep over a job. */
static void test_scheduler_job_held_up_is_not_idle(void **state)
{
    (void)state;
    static struct job job;
    job_init(&job, count_step, NULL);
    steps_left = 2;
    steps_done = 0;
    job_start(&job, 5);
    model_interrupt_pending(true);
    assert_null(scheduler_next());
    assert_false(scheduler_idle(arch_cpu()));
    model_interrupt_pending(false);
    assert_non_null(scheduler_next());
    assert_int_equal(steps_done, 2);
    assert_true(thread_suspend(arch_cpu()->current));
    assert_null(scheduler_next());
    assert_true(scheduler_idle(arch_cpu()));
}

static void test_scheduler_job_gets_only_higher(void **state)
{
    (void)state;
    static struct job job;
    job_init(&job, count_step, NULL);
    steps_left = 1;
    job_start(&job, 7);
    job_start(&job, 3);
    assert_int_equal(job.runnable.priority, 7);
    job_start(&job, 12);
    assert_int_equal(job.runnable.priority, 12);
    check_queues();
    model_settle();
    assert_false(run_queue_queued(&job.runnable));
}

/* Any order of waking, waiting, yielding, suspending and time keeps the invariants, and the highest runs. */
static void test_scheduler_random_operations_keep_invariants(void **state)
{
    (void)state;
    struct thread *threads[12];
    unsigned seed = (unsigned)time(NULL);
    print_message("# seed %u\n", seed);
    srand(seed);
    for (unsigned i = 0; i < COUNT_OF(threads); i++)
        threads[i] = model_thread(process, (uint8_t)(1 + rand() % 4));
    for (unsigned n = 0; n < 20000; n++) {
        struct thread *thread = threads[rand() % COUNT_OF(threads)], *current = arch_cpu()->current;
        switch (rand() % 7) {
        case 0:
            if (current)
                scheduler_wait(current, CAVERN_THREAD_SUSPENDED, arch_now() + (uint64_t)(rand() % 5) * MS + 1);
            break;
        case 1:
            assert_true(thread_suspend(thread));
            break;
        case 2:
            thread_resume(thread);
            break;
        case 3:
            scheduler_yield();
            break;
        case 4:
            assert_int_equal(thread_set(thread, (uint64_t)(1 + rand() % 4), 0), CAVERN_OK);
            break;
        default:
            model_set_time(arch_now() + (uint64_t)(rand() % 3) * MS);
        }
        struct thread *next = model_settle();
        check_queues();
        assert_true(!next || next->state == CAVERN_THREAD_READY);
        for (unsigned i = 0; i < COUNT_OF(threads); i++) {
            bool ready = threads[i]->state == CAVERN_THREAD_READY;
            assert_true(!ready || next->runnable.priority >= threads[i]->runnable.priority);
            assert_int_equal(run_queue_queued(&threads[i]->runnable), ready && threads[i] != next);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_scheduler_higher_priority_preempts_at_once, start),
        cmocka_unit_test_setup(test_scheduler_equal_priority_waits_its_turn, start),
        cmocka_unit_test_setup(test_scheduler_slice_ends_behind_equals, start),
        cmocka_unit_test_setup(test_scheduler_slice_starts_with_the_contest, start),
        cmocka_unit_test_setup(test_scheduler_preempted_stays_first_with_rest_of_slice, start),
        cmocka_unit_test_setup(test_scheduler_yield_lets_equals_run, start),
        cmocka_unit_test_setup(test_scheduler_hand_over_is_next_of_its_priority, start),
        cmocka_unit_test_setup(test_scheduler_hand_over_begins_no_slice, start),
        cmocka_unit_test_setup(test_scheduler_idle_runs_nothing_and_sets_the_timer, start),
        cmocka_unit_test_setup(test_scheduler_priority_changes_at_once, start),
        cmocka_unit_test_setup(test_scheduler_deadlines_pass_in_order, start),
        cmocka_unit_test_setup(test_scheduler_many_deadlines_at_once_pass_in_steps, start),
        cmocka_unit_test_setup(test_scheduler_earlier_deadline_moves_the_timer, start),
        cmocka_unit_test_setup(test_scheduler_cpu_time_goes_to_who_ran, start),
        cmocka_unit_test_setup(test_scheduler_suspended_thread_does_not_wake, start),
        cmocka_unit_test_setup(test_scheduler_job_runs_before_threads_of_its_priority, start),
        cmocka_unit_test_setup(test_scheduler_job_lets_interrupts_in, start),
        cmocka_unit_test_setup(test_scheduler_job_held_up_is_not_idle, start),
        cmocka_unit_test_setup(test_scheduler_job_gets_only_higher, start),
        cmocka_unit_test_setup(test_scheduler_random_operations_keep_invariants, start),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
