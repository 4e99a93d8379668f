/* SPDX-License-Identifier: BSD-2-Clause */
/* Faults of threads and who handles them; registers of the dead. spec/processes.md, Handlers. */
#include "unit.h"

#include "object/account.h"
#include "object/queue.h"
#include "peer.h"

enum { LABEL = 77, PC = 0x401234, ADDRESS = 0x18, SYNDROME = 0x92000006 };

static struct peer handler, child;
static cavern_handle process; /* the child's, in the handler's table */
static struct taken got;

static int start(void **state)
{
    (void)state;
    model_start(64 << 20);
    peer_start(&handler, "handler", 20, 64, 8);
    peer_start(&child, "child", 10, 0, 0);
    process = model_give(handler.process, &child.process->object, CAVERN_RIGHTS_ALL);
    return 0;
}

static uint64_t notify(cavern_handle queue)
{
    return peer_call(&handler, NOTIFY, process, [2] = LABEL, [3] = queue, [4] = CAVERN_NOTIFY_FAULT);
}

static uint64_t control(uint64_t id, uint64_t operation)
{
    return peer_call(&handler, THREAD_CONTROL, process, [2] = id, [3] = operation);
}

static void fault(struct thread *thread)
{
    thread->context.pc = PC + thread->id;
    model_fault(thread, CAVERN_FAULT_DATA_UNMAPPED, ADDRESS, SYNDROME);
}

static void check_words(const uint64_t words[5], const struct thread *thread)
{
    assert_int_equal(words[CAVERN_FAULT_KIND], CAVERN_FAULT_DATA_UNMAPPED);
    assert_int_equal(words[CAVERN_FAULT_PC], PC + thread->id);
    assert_int_equal(words[CAVERN_FAULT_ADDRESS], ADDRESS);
    assert_int_equal(words[CAVERN_FAULT_SYNDROME], SYNDROME);
    assert_int_equal(words[CAVERN_FAULT_THREAD], thread->id);
}

/* The next message that `owner` finds is the fault of `thread`. */
static void expect_fault(struct peer *owner, const struct thread *thread)
{
    assert_true(peer_take(owner, &got));
    assert_int_equal(got.header.kind, CAVERN_KIND_FAULT);
    assert_int_equal(got.header.size, 5 * sizeof(uint64_t));
    assert_int_equal(got.header.label, LABEL);
    uint64_t words[5];
    memcpy(words, got.body, sizeof words);
    check_words(words, thread);
    peer_free(owner);
}

static void expect_nothing(struct peer *owner)
{
    assert_false(peer_take(owner, &got));
}

static void expect_end_of(const struct thread *thread)
{
    const uint64_t *words = child.process->exit.words;
    assert_int_equal(child.process->state, CAVERN_PROCESS_ZOMBIE);
    assert_int_equal(words[CAVERN_EXIT_REASON], CAVERN_REASON_FAULT);
    assert_int_equal(words[CAVERN_EXIT_FAULT], CAVERN_FAULT_DATA_UNMAPPED);
    assert_int_equal(words[CAVERN_EXIT_PC], PC + thread->id);
    assert_int_equal(words[CAVERN_EXIT_ADDRESS], ADDRESS);
}

/* --- telling --- */

/* [PROC-HANDLER-1] */
static void test_fault_is_told_and_stops_its_thread_alone(void **state)
{
    (void)state;
    struct thread *second = model_thread(child.process, 10);
    assert_int_equal(notify(handler.queue), CAVERN_OK);
    expect_nothing(&handler);
    fault(child.thread);
    expect_fault(&handler, child.thread);
    expect_nothing(&handler);
    assert_int_equal(child.thread->state, CAVERN_THREAD_FAULTED);
    assert_int_equal(second->state, CAVERN_THREAD_READY);
    assert_true(process_alive(child.process));
    assert_null(strstr(model_output(), "child")); /* nothing to log: that is the handler's affair */
}

/* [MSG-NOTICE-7] [PROC-HANDLER-1] */
static void test_fault_comes_in_registers_to_who_waits(void **state)
{
    (void)state;
    assert_int_equal(notify(handler.queue), CAVERN_OK);
    assert_int_equal(peer_call(&handler, RECEIVE, handler.queue, [9] = CAVERN_FOREVER), MODEL_WAITS);
    fault(child.thread);
    assert_int_equal(peer_woken(&handler), CAVERN_OK);
    assert_int_equal(handler.x[1], 40 | CAVERN_KIND_FAULT << 16);
    assert_int_equal(handler.x[3], LABEL);
    check_words(&handler.x[4], child.thread);
}

/* [PROC-HANDLER-2] [ABI-CALL-3] */
static void test_faults_are_not_told_to_the_process_itself(void **state)
{
    (void)state;
    struct peer self;
    peer_start(&self, "self", 10, 64, 0);
    assert_int_equal(peer_call(&self, NOTIFY, CAVERN_SELF_PROCESS, [3] = self.queue, [4] = CAVERN_NOTIFY_FAULT),
                     CAVERN_BAD_ARGUMENT);
    assert_int_equal(peer_call(&self, NOTIFY, CAVERN_SELF_PROCESS, [4] = CAVERN_NOTIFY_FAULT), CAVERN_OK);
    assert_int_equal(peer_call(&self, NOTIFY, CAVERN_SELF_PROCESS, [3] = self.queue, [4] = 2), CAVERN_BAD_ARGUMENT);
    assert_int_equal(peer_call(&self, NOTIFY, CAVERN_SELF_THREAD, [3] = self.queue, [4] = CAVERN_NOTIFY_FAULT),
                     CAVERN_BAD_ARGUMENT);
    /* Bound to it later. */
    assert_int_equal(peer_call(&handler, QUEUE_BIND, handler.queue), CAVERN_OK);
    assert_int_equal(notify(handler.queue), CAVERN_OK);
    peer_adopt(&child, &handler);
    fault(child.thread);
    expect_end_of(child.thread);
}

/* [PROC-FAULT-1] */
static void test_fault_without_destination_ends_the_process(void **state)
{
    (void)state;
    assert_int_equal(notify(handler.queue), CAVERN_OK);
    assert_int_equal(notify(CAVERN_NO_HANDLE), CAVERN_OK);
    fault(child.thread);
    expect_end_of(child.thread);
    expect_nothing(&handler);
}

/* --- going on --- */

/* [PROC-HANDLER-3] */
static void test_faulted_thread_goes_on_and_faults_again(void **state)
{
    (void)state;
    assert_int_equal(notify(handler.queue), CAVERN_OK);
    for (unsigned i = 0; i < 5; i++) {
        fault(child.thread);
        expect_fault(&handler, child.thread);
        assert_int_equal(control(child.thread->id, CAVERN_THREAD_RESUME), CAVERN_OK);
        assert_int_equal(child.thread->state, CAVERN_THREAD_READY);
    }
    /* One that was resumed before its notice was read is told of again. */
    fault(child.thread);
    assert_int_equal(control(child.thread->id, CAVERN_THREAD_RESUME), CAVERN_OK);
    fault(child.thread);
    expect_fault(&handler, child.thread);
    expect_fault(&handler, child.thread);
    expect_nothing(&handler);
}

/* [PROC-HANDLER-3] [PROC-REGISTERS-1] */
static void test_faulted_thread_goes_on_with_changed_registers(void **state)
{
    (void)state;
    struct cavern_registers registers;
    assert_int_equal(notify(handler.queue), CAVERN_OK);
    child.thread->context.x[7] = 70;
    fault(child.thread);
    assert_int_equal(
        peer_call(&handler, THREAD_REGISTERS, process, [2] = 1, [4] = handler.memory, [5] = sizeof registers),
        CAVERN_OK);
    peer_read(&handler, 0, &registers, sizeof registers);
    assert_int_equal(registers.x[7], 70);
    assert_int_equal(registers.pc, PC + 1);
    registers.pc += 4;
    registers.x[0] = 99;
    peer_write(&handler, 0, &registers, sizeof registers);
    assert_int_equal(
        peer_call(&handler, THREAD_REGISTERS,
                  process, [2] = 1, [3] = CAVERN_REGISTERS_WRITE, [4] = handler.memory, [5] = sizeof registers),
        CAVERN_OK);
    assert_int_equal(control(1, CAVERN_THREAD_RESUME), CAVERN_OK);
    assert_int_equal(child.thread->context.pc, PC + 5);
    assert_int_equal(child.thread->context.x[0], 99);
}

/* [PROC-HANDLER-4] [MSG-NOTICE-8] */
static void test_faulted_and_suspended_runs_when_both_are_over(void **state)
{
    (void)state;
    cavern_handle thread = model_give(handler.process, &child.thread->object, CAVERN_RIGHTS_ALL);
    assert_int_equal(notify(handler.queue), CAVERN_OK);
    fault(child.thread);
    assert_int_equal(control(1, CAVERN_THREAD_SUSPEND), CAVERN_OK);
    assert_int_equal(child.thread->state, CAVERN_THREAD_FAULTED);
    assert_int_equal(peer_call(&handler, ACKNOWLEDGE, thread), CAVERN_OK);
    assert_int_equal(child.thread->state, CAVERN_THREAD_SUSPENDED);
    assert_int_equal(peer_call(&handler, ACKNOWLEDGE, thread), CAVERN_OK);
    assert_int_equal(child.thread->state, CAVERN_THREAD_SUSPENDED);
    assert_int_equal(control(1, CAVERN_THREAD_RESUME), CAVERN_OK);
    assert_int_equal(child.thread->state, CAVERN_THREAD_READY);

    fault(child.thread);
    assert_int_equal(peer_call(&handler, ACKNOWLEDGE, thread), CAVERN_OK);
    assert_int_equal(child.thread->state, CAVERN_THREAD_READY);
    fault(child.thread);
    assert_int_equal(control(1, CAVERN_THREAD_SUSPEND), CAVERN_OK);
    assert_int_equal(control(1, CAVERN_THREAD_RESUME), CAVERN_OK);
    assert_int_equal(child.thread->state, CAVERN_THREAD_READY);
}

/* --- many --- */

enum { MANY = 300 };

/* [PROC-HANDLER-5] [PROC-HANDLER-8] [MSG-NOTICE-1] */
static void test_faults_of_many_come_in_order(void **state)
{
    (void)state;
    static struct thread *threads[MANY];
    assert_int_equal(notify(handler.queue), CAVERN_OK);
    for (unsigned i = 0; i < MANY; i++)
        threads[i] = model_thread(child.process, 5);
    for (unsigned i = 0; i < MANY; i++)
        fault(threads[i * 7 % MANY]);
    for (unsigned i = 0; i < MANY; i++) {
        expect_fault(&handler, threads[i * 7 % MANY]);
        assert_int_equal(peer_call(&handler, QUEUE_FREED, handler.queue), CAVERN_OK);
    }
    expect_nothing(&handler);
    for (unsigned i = 0; i < MANY / 2; i++)
        assert_int_equal(control(threads[i]->id, CAVERN_THREAD_RESUME), CAVERN_OK);
    /* Half of them wait for room when they end. */
    for (unsigned i = 0; i < MANY / 2; i++)
        fault(threads[i]);
    assert_false(list_empty(&peer_queue(&handler)->waiting));
    assert_int_equal(control(threads[0]->id, CAVERN_THREAD_END), CAVERN_OK);
    assert_int_equal(peer_call(&handler, PROCESS_END, process), CAVERN_OK);
    assert_int_equal(child.process->state, CAVERN_PROCESS_ZOMBIE);
    assert_true(list_empty(&peer_queue(&handler)->waiting));
    assert_true(list_empty(&peer_queue(&handler)->delivered));
    assert_int_equal(control(threads[1]->id, CAVERN_THREAD_RESUME), CAVERN_BAD_ARGUMENT);
}

/* [PROC-HANDLER-5] [MSG-NOTICE-6] */
static void test_faults_come_again_to_a_successor(void **state)
{
    (void)state;
    struct thread *threads[4] = {child.thread};
    struct peer next;
    peer_start(&next, "next", 20, 0, 0);
    assert_int_equal(notify(handler.queue), CAVERN_OK);
    for (unsigned i = 1; i < 4; i++)
        threads[i] = model_thread(child.process, 5);
    for (unsigned i = 0; i < 4; i++)
        fault(threads[i]);
    for (unsigned i = 0; i < 3; i++) /* the last was never looked at, the second has been dealt with */
        expect_fault(&handler, threads[i]);
    assert_int_equal(control(threads[1]->id, CAVERN_THREAD_RESUME), CAVERN_OK);
    struct peer dead = handler;
    cavern_handle kept = model_give(next.process, &peer_queue(&handler)->object, CAVERN_RIGHTS_ALL);
    process = model_give(next.process, &child.process->object, CAVERN_RIGHTS_ALL);
    peer_end(&dead);
    assert_true(process_alive(child.process));
    next.queue = kept;
    assert_int_equal(peer_call(&next, QUEUE_BIND, kept, [2] = CAVERN_SELF_PROCESS), CAVERN_OK);
    next.ring = next.x[1];
    next.control = next.x[2];
    bool seen[4] = {0};
    for (unsigned i = 0; i < 3; i++) {
        assert_true(peer_take(&next, &got));
        uint64_t words[5];
        memcpy(words, got.body, sizeof words);
        assert_int_equal(got.header.kind, CAVERN_KIND_FAULT);
        for (unsigned t = 0; t < 4; t++)
            seen[t] |= words[CAVERN_FAULT_THREAD] == threads[t]->id;
    }
    assert_true(seen[0] && !seen[1] && seen[2] && seen[3]);
    expect_nothing(&next);
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(peer_call(&next, THREAD_CONTROL, process, [2] = i + 1, [3] = CAVERN_THREAD_RESUME), CAVERN_OK);
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(threads[i]->state, CAVERN_THREAD_READY);
}

/* --- the destination goes --- */

static cavern_handle second_queue(void)
{
    assert_int_equal(peer_call(&handler, QUEUE_CREATE, CAVERN_SELF_ACCOUNT, [3] = 64), CAVERN_OK);
    return handler.x[1];
}

/* [PROC-HANDLER-6] [PROC-HANDLER-7] */
static void test_fault_stays_with_the_queue_it_was_told_to(void **state)
{
    (void)state;
    struct thread *second = model_thread(child.process, 5);
    cavern_handle queue = second_queue();
    assert_int_equal(notify(queue), CAVERN_OK);
    fault(child.thread);
    assert_int_equal(notify(handler.queue), CAVERN_OK);
    expect_nothing(&handler);
    fault(second);
    expect_fault(&handler, second);
    /* Whoever takes over resumes it, and it faults again. */
    assert_int_equal(control(child.thread->id, CAVERN_THREAD_RESUME), CAVERN_OK);
    fault(child.thread);
    expect_fault(&handler, child.thread);
    assert_int_equal(peer_call(&handler, HANDLE_CLOSE, queue), CAVERN_OK);
    assert_true(process_alive(child.process));

    queue = second_queue();
    assert_int_equal(control(child.thread->id, CAVERN_THREAD_RESUME), CAVERN_OK);
    assert_int_equal(notify(queue), CAVERN_OK);
    fault(child.thread);
    assert_int_equal(notify(CAVERN_NO_HANDLE), CAVERN_OK);
    assert_int_equal(child.thread->state, CAVERN_THREAD_FAULTED);
    assert_int_equal(peer_call(&handler, HANDLE_CLOSE, queue), CAVERN_OK);
    expect_end_of(child.thread);
}

/* [PROC-HANDLER-7] [PROC-FAULT-1] */
static void test_queue_that_goes_ends_whose_fault_it_had(void **state)
{
    (void)state;
    struct thread *second = model_thread(child.process, 5);
    cavern_handle queue = second_queue();
    assert_int_equal(notify(queue), CAVERN_OK);
    assert_int_equal(peer_call(&handler, HANDLE_CLOSE, queue), CAVERN_OK);
    assert_true(process_alive(child.process)); /* nothing had been told */
    queue = second_queue();
    assert_int_equal(notify(queue), CAVERN_OK);
    fault(second);
    fault(child.thread);
    assert_int_equal(peer_call(&handler, HANDLE_CLOSE, queue), CAVERN_OK);
    expect_end_of(second); /* the first of them */
    const char *logged = strstr(model_output(), "child");
    assert_non_null(logged);
    assert_null(strstr(logged + 1, "child"));
}

/* --- registers of the dead --- */

static uint64_t read_dead(uint64_t id, uint64_t set, uint64_t bytes)
{
    return peer_call(&handler, THREAD_REGISTERS, process, [2] = id, [3] = set, [4] = handler.memory, [5] = bytes);
}

/* [PROC-REGISTERS-4] */
static void test_zombie_keeps_the_registers_of_its_fault(void **state)
{
    (void)state;
    struct cavern_registers registers;
    struct cavern_vector_registers vector;
    uint64_t tls;
    assert_int_equal(read_dead(0, 0, sizeof registers), CAVERN_BAD_ARGUMENT);
    struct arch_context *context = &child.thread->context;
    for (unsigned i = 0; i < 31; i++)
        context->x[i] = 1000 + i;
    context->vector[31][1] = 31;
    context->tls = 0x7115;
    thread_fault(child.thread, CAVERN_FAULT_DATA_UNMAPPED, ADDRESS, SYNDROME);
    assert_int_equal(child.process->state, CAVERN_PROCESS_ENDING);
    model_settle();
    assert_int_equal(read_dead(0, CAVERN_REGISTERS_GENERAL, sizeof registers), CAVERN_OK);
    peer_read(&handler, 0, &registers, sizeof registers);
    for (unsigned i = 0; i < 31; i++)
        assert_int_equal(registers.x[i], 1000 + i);
    assert_int_equal(registers.pc, 0x400000);
    assert_int_equal(read_dead(0, CAVERN_REGISTERS_VECTOR, sizeof vector), CAVERN_OK);
    peer_read(&handler, 0, &vector, sizeof vector);
    assert_int_equal(vector.v[31][1], 31);
    assert_int_equal(read_dead(0, CAVERN_REGISTERS_TLS, sizeof tls), CAVERN_OK);
    peer_read(&handler, 0, &tls, sizeof tls);
    assert_int_equal(tls, 0x7115);
    assert_int_equal(read_dead(0, CAVERN_REGISTERS_WRITE, sizeof registers), CAVERN_GONE);
    assert_int_equal(read_dead(1, 0, sizeof registers), CAVERN_BAD_ARGUMENT);
    assert_int_equal(control(0, CAVERN_THREAD_RESUME), CAVERN_GONE);
    assert_int_equal(read_dead(0, 3, sizeof registers), CAVERN_BAD_ARGUMENT);
    cavern_handle weak = model_give(handler.process, &child.process->object, CAVERN_RIGHT_INSPECT);
    assert_int_equal(peer_call(&handler, THREAD_REGISTERS, weak, [4] = handler.memory, [5] = sizeof registers),
                     CAVERN_DENIED);
}

/* [PROC-REGISTERS-4] */
static void test_other_zombies_keep_no_registers(void **state)
{
    (void)state;
    assert_int_equal(peer_call(&handler, PROCESS_END, process), CAVERN_OK);
    assert_int_equal(read_dead(0, 0, sizeof(struct cavern_registers)), CAVERN_BAD_ARGUMENT);
}

/* [PROC-REGISTERS-4] [MEM-ACCOUNT-6] Handles to process and thread go in either order, or stand in a kept table. */
static void test_zombie_with_registers_goes_with_its_last_handle(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 4; i++) {
        struct account *account = account_create(model_root(), 1 << 20, 31);
        struct thread *thread = model_process(account, "dying", 10);
        struct process *dying = thread->process;
        dying->flags = i & 2 ? CAVERN_PROCESS_KEEP : 0;
        cavern_handle own = model_give(handler.process, &dying->object, CAVERN_RIGHTS_ALL);
        cavern_handle its = model_give(handler.process, &thread->object, CAVERN_RIGHTS_ALL);
        model_give(dying, &thread->object, CAVERN_RIGHTS_ALL);
        model_give(dying, &dying->object, CAVERN_RIGHTS_ALL);
        object_put(&thread->object); /* model_process */
        object_put(&dying->object);
        fault(thread);
        assert_int_equal(dying->state, CAVERN_PROCESS_ZOMBIE);
        assert_int_equal(
            peer_call(&handler, THREAD_REGISTERS, its, [4] = handler.memory, [5] = sizeof(struct cavern_registers)),
            CAVERN_OK);
        assert_int_equal(peer_call(&handler, HANDLE_CLOSE, i & 1 ? own : its), CAVERN_OK);
        if (i & 1)
            assert_int_equal(
                peer_call(&handler, THREAD_REGISTERS, its, [4] = handler.memory, [5] = sizeof(struct cavern_registers)),
                CAVERN_GONE);
        assert_true(account->budget.used);
        assert_int_equal(peer_call(&handler, HANDLE_CLOSE, i & 1 ? its : own), CAVERN_OK);
        assert_int_equal(account->budget.used, 0);
        object_put(&account->object);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_fault_is_told_and_stops_its_thread_alone, start),
        cmocka_unit_test_setup(test_fault_comes_in_registers_to_who_waits, start),
        cmocka_unit_test_setup(test_faults_are_not_told_to_the_process_itself, start),
        cmocka_unit_test_setup(test_fault_without_destination_ends_the_process, start),
        cmocka_unit_test_setup(test_faulted_thread_goes_on_and_faults_again, start),
        cmocka_unit_test_setup(test_faulted_thread_goes_on_with_changed_registers, start),
        cmocka_unit_test_setup(test_faulted_and_suspended_runs_when_both_are_over, start),
        cmocka_unit_test_setup(test_faults_of_many_come_in_order, start),
        cmocka_unit_test_setup(test_faults_come_again_to_a_successor, start),
        cmocka_unit_test_setup(test_fault_stays_with_the_queue_it_was_told_to, start),
        cmocka_unit_test_setup(test_queue_that_goes_ends_whose_fault_it_had, start),
        cmocka_unit_test_setup(test_zombie_keeps_the_registers_of_its_fault, start),
        cmocka_unit_test_setup(test_other_zombies_keep_no_registers, start),
        cmocka_unit_test_setup(test_zombie_with_registers_goes_with_its_last_handle, start),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
