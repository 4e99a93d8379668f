/* SPDX-License-Identifier: BSD-2-Clause */
/* Calls whose caller, and whoever it wakes, may go on on different CPUs. spec/scheduling.md. */
#include "unit.h"

#include "machine_state.h"
#include "peer.h"
#include "syscall/dispatch.h"

static struct peer server, a, b;
static cavern_handle to_server_of_a, to_server_of_b;

static int start(void **state)
{
    (void)state;
    model_start(64 << 20);
    peer_start(&server, "server", 10, 64, 8);
    peer_start(&a, "a", 5, 64, 4);
    peer_start(&b, "b", 5, 64, 4);
    to_server_of_a = peer_sender(&a, &server, 1, 8, 2, 0);
    to_server_of_b = peer_sender(&b, &server, 2, 8, 2, 0);
    return 0;
}

/* `peer` calls with 8 bytes, and waits. */
static void call(struct peer *peer, cavern_handle sender)
{
    assert_int_equal(peer_call(peer, CALL, sender, [1] = CAVERN_INFO(8, 0, 0, 0, 0), [3] = 1, [9] = CAVERN_FOREVER),
                     MODEL_WAITS);
}

/* The server answers `request`, and would wait for the next message. */
static uint64_t answer(uint64_t request)
{
    return peer_call(&server, REPLY_RECEIVE,
                     server.queue, [1] = CAVERN_INFO(8, 0, 0, 0, 0), [2] = request, [3] = 7, [9] = CAVERN_FOREVER);
}

/* The server has taken a's call; b's stands in its ring. The request of a. */
static uint64_t call_twice(void)
{
    assert_int_equal(peer_call(&server, RECEIVE, server.queue, [9] = CAVERN_FOREVER), MODEL_WAITS);
    call(&a, to_server_of_a);
    uint64_t request = server.thread->context.x[2] & 0xffffffff;
    call(&b, to_server_of_b);
    return request;
}

/* Another CPU, with nothing to do. */
static void add_idle_cpu(void)
{
    model_add_cpus(1);
    arch_cpu()->reschedule = true;
    scheduler_next();
    model_run_on(1);
    assert_null(scheduler_next());
    model_run_on(0);
    model_kicked(1);
}

/* [SCHED-13] */
static void test_cpus_answered_client_runs_elsewhere_when_the_server_goes_on(void **state)
{
    (void)state;
    uint64_t request = call_twice();
    add_idle_cpu();
    assert_int_equal(answer(request), CAVERN_IN_RING);
    assert_ptr_equal(scheduler_next(), server.thread);
    assert_true(model_kicked(1));
    model_run_on(1);
    assert_ptr_equal(scheduler_next(), a.thread);
}

/* [SCHED-2] */
static void test_answered_client_stands_behind_others_when_the_server_goes_on(void **state)
{
    (void)state;
    uint64_t request = call_twice();
    struct thread *ready = model_thread(b.process, 5);
    assert_int_equal(answer(request), CAVERN_IN_RING);
    assert_ptr_equal(scheduler_next(), server.thread);
    assert_ptr_equal(run_queue_first(&scheduler.ready), &ready->runnable);
}

/* [SCHED-6] */
static void test_called_server_is_next_whatever_the_size(void **state)
{
    (void)state;
    assert_int_equal(thread_set(server.thread, 5, 0), CAVERN_OK);
    assert_int_equal(peer_call(&server, RECEIVE, server.queue, [9] = CAVERN_FOREVER), MODEL_WAITS);
    assert_int_equal(
        peer_call(&a, CALL, to_server_of_a, [1] = CAVERN_INFO(100, 0, 0, 0, 0), [3] = a.memory, [9] = CAVERN_FOREVER),
        MODEL_WAITS);
    assert_int_equal(b.thread->state, CAVERN_THREAD_READY); /* since before */
    assert_ptr_equal(scheduler_next(), server.thread);
}

static bool never_done(struct job *job)
{
    (void)job;
    return false;
}

/* [SCHED-6] [SCHED-13] */
static void test_cpus_called_server_runs_elsewhere_when_a_job_comes_first_here(void **state)
{
    (void)state;
    static struct job job;
    assert_int_equal(peer_call(&server, RECEIVE, server.queue, [9] = CAVERN_FOREVER), MODEL_WAITS);
    add_idle_cpu();
    uint64_t *x = a.thread->context.x;
    memcpy(
        x,
        (uint64_t[16]){to_server_of_a, CAVERN_INFO(100, CAVERN_CALL_CALL, 0, 0, 0), 0, a.memory, [9] = CAVERN_FOREVER},
        16 * sizeof *x);
    arch_cpu()->current = a.thread;
    syscall_dispatch(a.thread);
    assert_ptr_equal(arch_cpu()->handed, server.thread);
    job_init(&job, never_done, NULL);
    job_start(&job, 31);
    assert_false(model_kicked(1));
    model_interrupt_pending(true);
    assert_null(scheduler_next());
    model_interrupt_pending(false);
    assert_true(model_kicked(1));
    model_run_on(1);
    assert_ptr_equal(scheduler_next(), server.thread);
    job_abandon(&job);
}

/* [SCHED-13] Who wakes later finds it where it ran last. */
static void test_cpus_called_server_ran_last_where_it_was_called(void **state)
{
    (void)state;
    assert_int_equal(peer_call(&server, RECEIVE, server.queue, [9] = CAVERN_FOREVER), MODEL_WAITS);
    add_idle_cpu();
    scheduler_wait(arch_cpu()->current, CAVERN_THREAD_SUSPENDED, CAVERN_FOREVER);
    scheduler_next();
    model_run_on(1);
    call(&a, to_server_of_a);
    assert_ptr_equal(arch_cpu()->current, server.thread);
    assert_int_equal(server.thread->last_cpu, 1);
}

/* [MEM-END-1] Its process runs on one CPU, and the caller goes on on another. */
static void test_cpus_account_end_returns_after_the_ends(void **state)
{
    (void)state;
    struct account *account = account_create(model_root(), 8 << 20, 20);
    cavern_handle handle = model_give(a.process, &account->object, CAVERN_RIGHTS_ALL);
    struct thread *victim = model_process(account, "victim", 20);
    struct process *process = victim->process;
    object_get(&process->object);
    model_memory(process, 4 << 20);
    model_add_cpus(1);
    model_run_on(1);
    arch_cpu()->reschedule = true;
    assert_ptr_equal(scheduler_next(), victim);
    model_run_on(0);
    arch_cpu()->current = a.thread;
    uint64_t *x = a.thread->context.x;
    memcpy(x, (uint64_t[16]){handle, (uint64_t)CAVERN_CALL_ACCOUNT_END << 16, 0, 9}, 16 * sizeof *x);
    do {
        model.restart = false;
        syscall_dispatch(a.thread);
        assert_int_equal(model.restart, process->state == CAVERN_PROCESS_ENDING);
        model_run_on(1);
        scheduler_next();
        model_run_on(0);
    } while (model.restart);
    assert_int_equal(x[0], CAVERN_OK);
    assert_int_equal(process->state, CAVERN_PROCESS_ZOMBIE);
    object_put(&process->object);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_cpus_answered_client_runs_elsewhere_when_the_server_goes_on, start),
        cmocka_unit_test_setup(test_answered_client_stands_behind_others_when_the_server_goes_on, start),
        cmocka_unit_test_setup(test_called_server_is_next_whatever_the_size, start),
        cmocka_unit_test_setup(test_cpus_called_server_runs_elsewhere_when_a_job_comes_first_here, start),
        cmocka_unit_test_setup(test_cpus_called_server_ran_last_where_it_was_called, start),
        cmocka_unit_test_setup(test_cpus_account_end_returns_after_the_ends, start),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
