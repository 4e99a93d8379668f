/* SPDX-License-Identifier: BSD-2-Clause */
/* thread_create and thread_control. spec/processes.md. */
#include "unit.h"

#include "object/account.h"
#include "object/queue.h"
#include "peer.h"

static struct peer self, server;

static int start(void **state)
{
    (void)state;
    model_start(64 << 20);
    peer_start(&self, "self", 20, 64, 8);
    peer_start(&server, "server", 20, 64, 8);
    return 0;
}

static struct thread *find(cavern_handle handle)
{
    void *thread;
    assert_int_equal(process_lookup(self.process, handle, CAVERN_TYPE_THREAD, 0, &thread), CAVERN_OK);
    return thread;
}

static cavern_handle create(uint64_t priority)
{
    assert_int_equal(peer_call(&self, THREAD_CREATE, CAVERN_SELF_PROCESS, [2] = priority), CAVERN_OK);
    return self.x[1];
}

static uint64_t control(cavern_handle thread, uint64_t operation, uint64_t value)
{
    return peer_call(&self, THREAD_CONTROL, thread, [3] = operation, [4] = value);
}

/* [PROC-THREAD-1] [ABI-HANDLE-7] */
static void test_thread_create_starts_with_its_registers(void **state)
{
    (void)state;
    assert_int_equal(
        peer_call(
            &self, THREAD_CREATE,
            CAVERN_SELF_PROCESS, [2] = 7, [3] = 0x400000, [4] = 0x7ff0, [5] = 0x1230, [6] = 11, [7] = 12, [9] = 1),
        CAVERN_OK);
    struct thread *thread = find(self.x[1]);
    const struct arch_context *context = &thread->context;
    assert_int_equal(thread->state, CAVERN_THREAD_READY);
    assert_int_equal(thread->runnable.priority, 7);
    assert_int_equal(context->pc, 0x400000);
    assert_int_equal(context->sp, 0x7ff0);
    assert_int_equal(context->tls, 0x1230);
    assert_int_equal(context->x[0], 11);
    assert_int_equal(context->x[1], 12);
    for (unsigned i = 2; i < 31; i++)
        assert_int_equal(context->x[i], 0);
}

/* [PROC-THREAD-4] */
static void test_thread_ids_are_not_used_twice(void **state)
{
    (void)state;
    for (unsigned id = 2; id < 20; id++) {
        cavern_handle thread = create(1);
        assert_int_equal(find(thread)->id, id);
        assert_int_equal(control(thread, CAVERN_THREAD_END, 0), CAVERN_OK);
    }
    self.process->last_thread = UINT32_MAX - 1;
    assert_int_equal(find(create(1))->id, UINT32_MAX);
    assert_int_equal(peer_call(&self, THREAD_CREATE, CAVERN_SELF_PROCESS, [2] = 1), CAVERN_NO_MEMORY);
}

/* [PROC-THREAD-2] [PROC-THREAD-3] [PROC-CONTROL-3] */
static void test_thread_priority_and_mask_are_checked(void **state)
{
    (void)state;
    static const struct {
        uint64_t priority, mask;
        enum cavern_status status;
    } cases[] = {
        {15, 0, CAVERN_OK},
        {0, 1, CAVERN_OK},
        {15, 0xff, CAVERN_OK},
        {16, 0, CAVERN_DENIED},
        {31, 0, CAVERN_DENIED},
        {32, 0, CAVERN_BAD_ARGUMENT},
        {256, 0, CAVERN_BAD_ARGUMENT},
        {UINT64_MAX, 0, CAVERN_BAD_ARGUMENT},
        {15, 2, CAVERN_BAD_ARGUMENT},
        {15, 1ull << 63, CAVERN_BAD_ARGUMENT},
    };
    self.process->account->top_priority = 15;
    cavern_handle other = create(1);
    for (unsigned i = 0; i < COUNT_OF(cases); i++) {
        assert_int_equal(
            peer_call(&self, THREAD_CREATE, CAVERN_SELF_PROCESS, [2] = cases[i].priority, [9] = cases[i].mask),
            cases[i].status);
        assert_int_equal(peer_call(&self, THREAD_CONTROL,
                                   other, [3] = CAVERN_THREAD_SET, [4] = cases[i].priority, [5] = cases[i].mask),
                         cases[i].status);
    }
    assert_int_equal(find(other)->runnable.priority, 15);
    assert_int_equal(find(other)->cpu_mask, 0); /* it leaves out none that is there */
}

/* [ABI-FAIL-1] */
static void test_thread_create_without_memory_changes_nothing(void **state)
{
    (void)state;
    uint64_t used = self.process->account->budget.used;
    uint32_t threads = self.process->thread_count, handles = self.process->handles.used;
    unsigned failures = 0;
    for (unsigned n = 0; n < 10; n++) {
        model_fail_allocation(1);
        uint64_t status = peer_call(&self, THREAD_CREATE, CAVERN_SELF_PROCESS, [2] = 1);
        model_fail_allocation(0);
        if (status == CAVERN_OK) {
            used = self.process->account->budget.used;
            threads++;
            handles++;
            continue;
        }
        assert_int_equal(status, CAVERN_NO_MEMORY);
        assert_int_equal(self.process->account->budget.used, used);
        assert_int_equal(self.process->thread_count, threads);
        assert_int_equal(self.process->handles.used, handles);
        failures++;
    }
    assert_true(failures > 0);
}

/* [PROC-CONTROL-1] [MSG-CALL-8] */
static void test_thread_end_takes_it_out_of_its_wait(void **state)
{
    (void)state;
    uint64_t before = self.process->account->budget.used;
    cavern_handle receiving = create(20), calling = create(20), sleeping = create(3);
    struct peer receiver = {.thread = find(receiving), .process = self.process};
    struct peer caller = {.thread = find(calling), .process = self.process};
    cavern_handle sender = peer_sender(&self, &server, 1, 4, 4, 0);
    assert_int_equal(peer_call(&receiver, RECEIVE, self.queue, [9] = arch_now() + 1000000), MODEL_WAITS);
    assert_int_equal(peer_call(&caller, CALL, sender, [9] = CAVERN_FOREVER), MODEL_WAITS);
    assert_int_equal(control(receiving, CAVERN_THREAD_END, 1), CAVERN_OK);
    assert_int_equal(control(calling, CAVERN_THREAD_END, 1), CAVERN_OK);
    assert_int_equal(control(sleeping, CAVERN_THREAD_END, 1), CAVERN_OK);
    assert_null(peer_queue(&self)->receiver);
    assert_int_equal(self.process->thread_count, 1);
    model_set_time(arch_now() + 2000000);
    assert_int_equal(peer_call(&server, RECEIVE, server.queue, [9] = CAVERN_POLL), CAVERN_IN_RING);
    assert_int_equal(peer_call(&self, HANDLE_CLOSE, receiving), CAVERN_OK);
    assert_int_equal(peer_call(&self, HANDLE_CLOSE, calling), CAVERN_OK);
    assert_int_equal(peer_call(&self, HANDLE_CLOSE, sleeping), CAVERN_OK);
    assert_int_equal(self.process->account->budget.used, before);
}

/* [PROC-CONTROL-5] */
static void test_thread_ended_is_gone(void **state)
{
    (void)state;
    cavern_handle thread = create(3);
    assert_int_equal(control(thread, CAVERN_THREAD_END, 1), CAVERN_OK);
    assert_int_equal(control(thread, CAVERN_THREAD_END, 1), CAVERN_GONE);
    assert_int_equal(control(thread, CAVERN_THREAD_RESUME, 0), CAVERN_GONE);
    assert_int_equal(control(thread, CAVERN_THREAD_SET, 2), CAVERN_GONE);
}

/* [PROC-CONTROL-2] */
static void test_thread_suspended_gets_messages_but_does_not_run(void **state)
{
    (void)state;
    cavern_handle handle = create(20);
    struct peer other = {.thread = find(handle), .process = self.process};
    assert_int_equal(peer_call(&other, RECEIVE, self.queue, [9] = CAVERN_FOREVER), MODEL_WAITS);
    assert_int_equal(control(handle, CAVERN_THREAD_SUSPEND, 0), CAVERN_OK);
    cavern_handle sender = peer_sender(&server, &self, 9, 4, 4, 0);
    assert_int_equal(peer_call(&server, SEND, sender, [1] = CAVERN_INFO(8, 0, 0, 0, 0), [3] = 77), CAVERN_OK);
    assert_int_equal(other.thread->state, CAVERN_THREAD_SUSPENDED);
    assert_int_equal(control(handle, CAVERN_THREAD_RESUME, 0), CAVERN_OK);
    assert_int_equal(peer_woken(&other), CAVERN_OK);
    assert_int_equal(other.x[4], 77);
    /* Nor does it run when it is called, and would be handed the CPU. */
    assert_int_equal(peer_call(&other, RECEIVE, self.queue, [9] = CAVERN_FOREVER), MODEL_WAITS);
    assert_int_equal(control(handle, CAVERN_THREAD_SUSPEND, 0), CAVERN_OK);
    assert_int_equal(peer_call(&server, CALL, sender, [1] = CAVERN_INFO(8, 0, 0, 0, 0), [3] = 78, [9] = CAVERN_FOREVER),
                     MODEL_WAITS);
    assert_int_equal(other.thread->state, CAVERN_THREAD_SUSPENDED);
    assert_int_equal(control(handle, CAVERN_THREAD_RESUME, 0), CAVERN_OK);
    assert_int_equal(peer_woken(&other), CAVERN_OK);
    assert_int_equal(other.x[4], 78);
}

static void test_thread_suspend_ready_and_itself(void **state)
{
    (void)state;
    cavern_handle handle = create(25);
    assert_ptr_equal(model_settle(), find(handle));
    assert_int_equal(control(handle, CAVERN_THREAD_SUSPEND, 0), CAVERN_OK);
    assert_int_equal(control(handle, CAVERN_THREAD_SUSPEND, 0), CAVERN_OK);
    assert_ptr_not_equal(model_settle(), find(handle));
    assert_int_equal(control(handle, CAVERN_THREAD_RESUME, 0), CAVERN_OK);
    assert_ptr_equal(model_settle(), find(handle));
    struct peer other = {.thread = find(handle), .process = self.process};
    assert_int_equal(peer_call(&other, THREAD_CONTROL, CAVERN_SELF_THREAD, [3] = CAVERN_THREAD_SUSPEND), CAVERN_OK);
    assert_int_equal(other.thread->state, CAVERN_THREAD_SUSPENDED);
    assert_int_equal(control(handle, CAVERN_THREAD_RESUME, 0), CAVERN_OK);
    assert_int_equal(other.thread->state, CAVERN_THREAD_READY);
}

/* [PROC-CONTROL-4] [SCHED-5] */
static void test_thread_yield_is_for_the_caller(void **state)
{
    (void)state;
    cavern_handle handle = create(20);
    for (unsigned short_cuts = 0; short_cuts < 2; short_cuts++) {
        model_short_cuts(short_cuts);
        assert_int_equal(control(handle, CAVERN_THREAD_YIELD, 0), CAVERN_BAD_ARGUMENT);
        assert_int_equal(control(CAVERN_SELF_THREAD, CAVERN_THREAD_YIELD, 0), CAVERN_OK);
        assert_ptr_not_equal(arch_cpu()->current, self.thread);
    }
}

/* [PROC-CONTROL-5] */
static void test_thread_by_process_and_id(void **state)
{
    (void)state;
    struct thread *thread = find(create(3));
    assert_int_equal(
        peer_call(&self, THREAD_CONTROL, CAVERN_SELF_PROCESS, [2] = thread->id, [3] = CAVERN_THREAD_SET, [4] = 9),
        CAVERN_OK);
    assert_int_equal(thread->runnable.priority, 9);
    static const uint64_t none[] = {0, 3, 1ull << 32 | 1, UINT64_MAX};
    for (unsigned i = 0; i < COUNT_OF(none); i++)
        assert_int_equal(peer_call(&self, THREAD_CONTROL, CAVERN_SELF_PROCESS, [2] = none[i], [3] = CAVERN_THREAD_END),
                         CAVERN_BAD_ARGUMENT);
    assert_int_equal(self.process->thread_count, 2);
}

/* [ABI-CALL-3] [ABI-HANDLE-4] */
static void test_thread_control_bad_arguments_refused(void **state)
{
    (void)state;
    cavern_handle handle = create(3);
    assert_int_equal(control(handle, 0, 0), CAVERN_BAD_ARGUMENT);
    assert_int_equal(control(handle, 6, 0), CAVERN_BAD_ARGUMENT);
    assert_int_equal(control(handle, 1ull << 32 | CAVERN_THREAD_END, 0), CAVERN_BAD_ARGUMENT);
    assert_int_equal(control(self.queue, CAVERN_THREAD_END, 0), CAVERN_BAD_HANDLE);
    cavern_handle weak = model_give(self.process, &find(handle)->object, CAVERN_RIGHT_INSPECT);
    assert_int_equal(control(weak, CAVERN_THREAD_END, 0), CAVERN_DENIED);
    assert_int_equal(find(handle)->state, CAVERN_THREAD_READY);
}

static uint64_t registers(cavern_handle thread, uint64_t set, uint64_t address, uint64_t bytes)
{
    return peer_call(&self, THREAD_REGISTERS, thread, [3] = set, [4] = address, [5] = bytes);
}

/* [PROC-REGISTERS-1] [PROC-REGISTERS-3] */
static void test_registers_of_suspended_read_and_written(void **state)
{
    (void)state;
    cavern_handle handle = create(3);
    struct arch_context *context = &find(handle)->context;
    struct cavern_registers general;
    struct cavern_vector_registers vector;
    uint64_t tls;
    context->x[7] = 77;
    context->pstate = 0x240 | 9ull << 28;
    context->vector[31][1] = 31;
    context->tls = 0x1230;
    assert_int_equal(control(handle, CAVERN_THREAD_SUSPEND, 0), CAVERN_OK);
    assert_int_equal(registers(handle, CAVERN_REGISTERS_GENERAL, self.memory, sizeof general), CAVERN_OK);
    peer_read(&self, 0, &general, sizeof general);
    assert_int_equal(general.x[7], 77);
    assert_int_equal(general.flags, 9ull << 28);
    assert_int_equal(registers(handle, CAVERN_REGISTERS_VECTOR, self.memory + 512, sizeof vector), CAVERN_OK);
    peer_read(&self, 512, &vector, sizeof vector);
    assert_int_equal(vector.v[31][1], 31);
    assert_int_equal(registers(handle, CAVERN_REGISTERS_TLS, self.memory + 2048, sizeof tls), CAVERN_OK);
    peer_read(&self, 2048, &tls, sizeof tls);
    assert_int_equal(tls, 0x1230);

    general = (struct cavern_registers){.x = {[30] = 30}, .sp = 1, .pc = 2, .flags = UINT64_MAX};
    vector = (struct cavern_vector_registers){.v = {{5, 6}}, .fpsr = 3, .fpcr = 4};
    tls = 9;
    peer_write(&self, 0, &general, sizeof general);
    peer_write(&self, 512, &vector, sizeof vector);
    peer_write(&self, 2048, &tls, sizeof tls);
    static const uint64_t sets[][2] = {{0, 272}, {512, 528}, {2048, 8}};
    for (unsigned i = 0; i < COUNT_OF(sets); i++)
        assert_int_equal(registers(handle, i | CAVERN_REGISTERS_WRITE, self.memory + sets[i][0], sets[i][1]),
                         CAVERN_OK);
    assert_int_equal(context->x[30], 30);
    assert_int_equal(context->x[7], 0);
    assert_int_equal(context->sp, 1);
    assert_int_equal(context->pc, 2);
    assert_int_equal(context->pstate, 0x240 | 15ull << 28);
    assert_int_equal(context->vector[0][1], 6);
    assert_int_equal(context->fpsr, 3);
    assert_int_equal(context->fpcr, 4);
    assert_int_equal(context->tls, 9);
}

/* [PROC-REGISTERS-2] */
static void test_registers_of_others_busy(void **state)
{
    (void)state;
    cavern_handle handle = create(20);
    struct peer other = {.thread = find(handle), .process = self.process};
    assert_int_equal(registers(handle, 0, self.memory, 272), CAVERN_BUSY);
    assert_int_equal(registers(CAVERN_SELF_THREAD, 0, self.memory, 272), CAVERN_BUSY);
    assert_int_equal(peer_call(&other, RECEIVE, self.queue, [9] = CAVERN_FOREVER), MODEL_WAITS);
    assert_int_equal(control(handle, CAVERN_THREAD_SUSPEND, 0), CAVERN_OK);
    assert_int_equal(registers(handle, 0, self.memory, 272), CAVERN_BUSY);
    assert_int_equal(registers(handle, CAVERN_REGISTERS_WRITE, self.memory, 272), CAVERN_BUSY);
    assert_int_equal(control(handle, CAVERN_THREAD_END, 0), CAVERN_OK);
    assert_int_equal(registers(handle, 0, self.memory, 272), CAVERN_GONE);
}

/* [ABI-REGISTERS-1] [ABI-CALL-3] [ABI-HANDLE-4] [ABI-ADDR-1] [ABI-ADDR-2] [ABI-FAIL-1] */
static void test_registers_bad_arguments_refused(void **state)
{
    (void)state;
    cavern_handle handle = create(3);
    static const struct {
        uint64_t set, offset, bytes;
        enum cavern_status status;
    } cases[] = {
        {0, 0, 0, CAVERN_BAD_ARGUMENT},
        {0, 0, 271, CAVERN_BAD_ARGUMENT},
        {0, 0, 273, CAVERN_BAD_ARGUMENT},
        {0, 0, UINT64_MAX, CAVERN_BAD_ARGUMENT},
        {1, 0, 272, CAVERN_BAD_ARGUMENT},
        {2, 0, 16, CAVERN_BAD_ARGUMENT},
        {3, 0, 0, CAVERN_BAD_ARGUMENT},
        {0x200, 0, 272, CAVERN_BAD_ARGUMENT},
        {1ull << 32, 0, 272, CAVERN_BAD_ARGUMENT},
        {UINT64_MAX, 0, 0, CAVERN_BAD_ARGUMENT},
        {0, 4, 272, CAVERN_BAD_ADDRESS},
        {0, PEER_MEMORY - 264, 272, CAVERN_BAD_ADDRESS},
        {0x100, PEER_MEMORY - 264, 272, CAVERN_BAD_ADDRESS},
        {0x100, PEER_MEMORY - 272, 272, CAVERN_OK},
        {0, 0 - 0x10000000000, 272, CAVERN_BAD_ADDRESS},
    };
    assert_int_equal(control(handle, CAVERN_THREAD_SUSPEND, 0), CAVERN_OK);
    for (unsigned i = 0; i < COUNT_OF(cases); i++)
        assert_int_equal(registers(handle, cases[i].set, self.memory + cases[i].offset, cases[i].bytes),
                         cases[i].status);
    assert_int_equal(registers(self.queue, 0, self.memory, 272), CAVERN_BAD_HANDLE);
    cavern_handle weak = model_give(self.process, &find(handle)->object, CAVERN_RIGHT_INSPECT);
    assert_int_equal(registers(weak, 0, self.memory, 272), CAVERN_DENIED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_thread_create_starts_with_its_registers, start),
        cmocka_unit_test_setup(test_thread_ids_are_not_used_twice, start),
        cmocka_unit_test_setup(test_thread_priority_and_mask_are_checked, start),
        cmocka_unit_test_setup(test_thread_create_without_memory_changes_nothing, start),
        cmocka_unit_test_setup(test_thread_end_takes_it_out_of_its_wait, start),
        cmocka_unit_test_setup(test_thread_ended_is_gone, start),
        cmocka_unit_test_setup(test_thread_suspended_gets_messages_but_does_not_run, start),
        cmocka_unit_test_setup(test_thread_suspend_ready_and_itself, start),
        cmocka_unit_test_setup(test_thread_yield_is_for_the_caller, start),
        cmocka_unit_test_setup(test_thread_by_process_and_id, start),
        cmocka_unit_test_setup(test_thread_control_bad_arguments_refused, start),
        cmocka_unit_test_setup(test_registers_of_suspended_read_and_written, start),
        cmocka_unit_test_setup(test_registers_of_others_busy, start),
        cmocka_unit_test_setup(test_registers_bad_arguments_refused, start),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
