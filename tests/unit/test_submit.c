/* SPDX-License-Identifier: BSD-2-Clause */
/* Many calls in one entry. spec/abi.md, Many at once. */
#include "unit.h"

#include <cavern/submit.h>

#include "arch/arch.h"
#include "peer_memory.h"
#include "syscall/dispatch.h"

static struct peer self, other;
static cavern_handle to_other;

enum { MOST = 8, SIZE = sizeof(struct cavern_operation) };

static int start(void **state)
{
    (void)state;
    model_start(128 << 20);
    peer_start(&self, "self", 10, 64, 4);
    peer_start(&other, "other", 20, 64, 4);
    to_other = peer_sender(&self, &other, 7, 100, 100, 0);
    return 0;
}

#define OPERATION(call, handle, ...)                                                                                   \
    {                                                                                                                  \
        {                                                                                                              \
            handle, CAVERN_INFO(0, CAVERN_CALL_##call, 0, 0, 0), __VA_ARGS__                                           \
        }                                                                                                              \
    }

static struct cavern_operation send_word(uint64_t word)
{
    return (struct cavern_operation){{to_other, CAVERN_INFO(8, CAVERN_CALL_SEND, 0, 0, 0), 0, word}};
}

static uint64_t submit_at(uint64_t address, uint64_t count, uint64_t first)
{
    return peer_call(&self, SUBMIT, [3] = address, [4] = count, [5] = first);
}

/* From the start of the peer's memory; afterwards `operations` have the results. */
static uint64_t submit(struct cavern_operation *operations, unsigned count)
{
    peer_write(&self, 0, operations, count * SIZE);
    uint64_t status = submit_at(self.memory, count, 0);
    peer_read(&self, 0, operations, count * SIZE);
    return status;
}

static void assert_words(unsigned first, unsigned count)
{
    struct taken got;
    for (unsigned i = first; i < first + count; i++) {
        assert_true(peer_take(&other, &got));
        assert_int_equal(*(uint64_t *)got.body, i);
    }
    assert_false(peer_take(&other, &got));
}

/* [ABI-SUBMIT-1] */
static void test_submit_makes_all_in_order(void **state)
{
    (void)state;
    for (unsigned interrupted = 0; interrupted < 2; interrupted++) {
        struct cavern_operation operations[MOST];
        for (unsigned i = 0; i < MOST; i++)
            operations[i] = send_word(100 + i);
        model_interrupt_pending(interrupted);
        assert_int_equal(submit(operations, MOST), CAVERN_OK);
        model_interrupt_pending(false);
        assert_int_equal(self.x[1], MOST);
        for (unsigned i = 0; i < MOST; i++)
            assert_int_equal(operations[i].x[0], CAVERN_OK);
        assert_words(100, MOST);
    }
    assert_int_equal(submit_at(self.memory, 0, 0), CAVERN_OK);
    assert_int_equal(self.x[1], 0);
}

/* What one makes, a later one can use, if it is told where: here by copying the handle with another operation.
 * [ABI-SUBMIT-1] */
static void test_submit_results_stand_before_the_next_is_read(void **state)
{
    (void)state;
    struct cavern_operation operations[] = {
        OPERATION(SIGNAL_CREATE, CAVERN_SELF_ACCOUNT),
        OPERATION(PROCESS_COPY, CAVERN_SELF_PROCESS, 0, self.memory + 8, self.memory + 2 * SIZE, 8, CAVERN_COPY_READ),
        OPERATION(SIGNAL_RAISE, 0),
    };
    assert_int_equal(submit(operations, 3), CAVERN_OK);
    assert_int_equal(self.x[1], 3);
    assert_int_not_equal(operations[0].x[1], 0);
    assert_int_equal(peer_call(&self, SIGNAL_RAISE, operations[0].x[1]), CAVERN_OK);
}

/* [ABI-SUBMIT-2] */
static void test_submit_stops_at_the_first_failure(void **state)
{
    (void)state;
    struct cavern_operation operations[] = {send_word(1), OPERATION(HANDLE_CLOSE, 0), send_word(2)};
    assert_int_equal(submit(operations, 3), CAVERN_BAD_HANDLE);
    assert_int_equal(self.x[1], 1);
    assert_int_equal(operations[0].x[0], CAVERN_OK);
    assert_int_equal(operations[1].x[0], CAVERN_BAD_HANDLE);
    assert_int_equal(operations[2].x[0], to_other);
    assert_words(1, 1);
    assert_int_equal(submit_at(self.memory, 3, 2), CAVERN_OK); /* goes on behind it */
    assert_int_equal(self.x[1], 3);
    assert_words(2, 1);
}

/* [ABI-SUBMIT-3] */
static void test_submit_refuses_what_sleeps_or_ends(void **state)
{
    (void)state;
    uint64_t id = self.thread->id;
    cavern_handle process = model_give(self.process, &self.process->object, CAVERN_RIGHTS_ALL);
    cavern_handle thread = model_give(self.process, &self.thread->object, CAVERN_RIGHTS_ALL);
    struct cavern_operation refused[] = {
        OPERATION(CALL, to_other),
        OPERATION(RECEIVE, self.queue),
        OPERATION(REPLY_RECEIVE, self.queue),
        OPERATION(SUBMIT, 0),
        OPERATION(PROCESS_END, CAVERN_SELF_PROCESS),
        OPERATION(PROCESS_END, process),
        OPERATION(THREAD_CONTROL, CAVERN_SELF_THREAD, 0, CAVERN_THREAD_YIELD),
        OPERATION(THREAD_CONTROL, CAVERN_SELF_THREAD, 0, CAVERN_THREAD_END),
        OPERATION(THREAD_CONTROL, CAVERN_SELF_PROCESS, id, CAVERN_THREAD_SUSPEND),
        OPERATION(THREAD_CONTROL, thread, 0, CAVERN_THREAD_SUSPEND),
        {{0, CAVERN_INFO(0, 255, 0, 0, 0)}},
        {{0, CAVERN_INFO(0, 254, 0, 0, 0)}},
    };
    for (unsigned i = 0; i < COUNT_OF(refused); i++) {
        struct cavern_operation operation = refused[i];
        assert_int_equal(submit(&operation, 1), CAVERN_BAD_OPERATION);
        assert_int_equal(operation.x[0], CAVERN_BAD_OPERATION);
        assert_int_equal(self.x[1], 0);
        assert_int_equal(self.thread->state, CAVERN_THREAD_READY);
    }
    struct thread *second = model_thread(self.process, 5);
    cavern_handle victim = model_give(self.process, &other.process->object, CAVERN_RIGHTS_ALL);
    struct cavern_operation allowed[] = {
        OPERATION(THREAD_CONTROL, CAVERN_SELF_PROCESS, second->id, CAVERN_THREAD_SUSPEND),
        OPERATION(PROCESS_END, victim),
    };
    assert_int_equal(submit(allowed, 2), CAVERN_OK);
    assert_int_equal(second->state, CAVERN_THREAD_SUSPENDED);
    assert_int_equal(other.process->state, CAVERN_PROCESS_ZOMBIE);
}

/* [ABI-SUBMIT-4] */
static void test_submit_stops_where_memory_ends(void **state)
{
    (void)state;
    enum { PLACE = 0x100000 };
    struct cavern_operation word = send_word(1);
    cavern_handle buffer = peer_buffer(&self, 8192);
    assert_int_equal(peer_map(&self, buffer, 0, 4096, PLACE, CAVERN_PROT_READ | CAVERN_PROT_WRITE), CAVERN_OK);
    uint64_t at = PLACE + 4096 - SIZE; /* the second is unmapped */
    memcpy(model_at(self.process, at), &word, SIZE);
    assert_int_equal(submit_at(at, 2, 0), CAVERN_BAD_ADDRESS);
    assert_int_equal(self.x[1], 1);
    assert_words(1, 1);
    at = PLACE + 4096 - 8; /* only the first word is there */
    assert_int_equal(submit_at(at, 1, 0), CAVERN_BAD_ADDRESS);
    assert_int_equal(self.x[1], 0);
    word = send_word(2); /* can be read only */
    memcpy(model_at(self.process, PLACE), &word, SIZE);
    assert_int_equal(peer_map(&self, buffer, 0, 4096, 2 * PLACE, CAVERN_PROT_READ), CAVERN_OK);
    assert_int_equal(submit_at(2 * PLACE, 1, 0), CAVERN_BAD_ADDRESS);
    assert_int_equal(self.x[1], 0);
    assert_words(2, 0);
}

/* [ABI-SUBMIT-4] */
static void test_submit_that_unmaps_its_own_memory(void **state)
{
    (void)state;
    enum { PLACE = 0x100000 };
    cavern_handle buffer = peer_buffer(&self, 4096);
    assert_int_equal(peer_map(&self, buffer, 0, 4096, PLACE, CAVERN_PROT_READ | CAVERN_PROT_WRITE), CAVERN_OK);
    struct cavern_operation operations[] = {send_word(1), OPERATION(UNMAP, CAVERN_SELF_PROCESS, 0, PLACE, 4096),
                                            send_word(2)};
    memcpy(model_at(self.process, PLACE), operations, sizeof operations);
    assert_int_equal(submit_at(PLACE, 3, 0), CAVERN_BAD_ADDRESS);
    assert_int_equal(self.x[1], 1);
    assert_null(model_at(self.process, PLACE));
    assert_words(1, 1);
}

enum { ACROSS = 0x100000 + 4096 - 16 };

/* Writes it to ACROSS, on two pages, of which the second one of the buffer comes first. */
static void write_across(struct cavern_operation operation)
{
    cavern_handle buffer = peer_buffer(&self, 8192);
    for (uint64_t page = 0, place = ACROSS & ~UINT64_C(4095); page < 2; page++)
        assert_int_equal(
            peer_map(&self, buffer, 4096 * (1 - page), 4096, place + 4096 * page, CAVERN_PROT_READ | CAVERN_PROT_WRITE),
            CAVERN_OK);
    memcpy(model_at(self.process, ACROSS), &operation, 16);
    memcpy(model_at(self.process, ACROSS + 16), operation.x + 2, SIZE - 16);
}

/* [ABI-SUBMIT-1] */
static void test_submit_of_an_operation_across_two_pages(void **state)
{
    (void)state;
    write_across(send_word(3));
    assert_int_equal(submit_at(ACROSS, 1, 0), CAVERN_OK);
    assert_int_equal(*(uint64_t *)model_at(self.process, ACROSS), CAVERN_OK);
    assert_words(3, 1);
}

/* The operation looks at the control page, which lies. [MSG-CONTROL-2] */
static void test_submit_whose_operation_ends_the_caller(void **state)
{
    (void)state;
    struct cavern_operation accept = OPERATION(GRANT_ACCEPT, self.queue);
    write_across(accept);
    peer_control(&self)->head = 1;
    object_get(&self.process->object);
    (void)submit_at(ACROSS, 1, 0);
    assert_int_equal(self.process->state, CAVERN_PROCESS_ZOMBIE);
    assert_int_equal(self.process->exit.words[CAVERN_EXIT_REASON], CAVERN_REASON_CONTROL_PAGE);
}

/* It lies in the same block of 2 MiB. [ABI-SUBMIT-4] */
static void test_submit_that_unmaps_what_comes_next(void **state)
{
    (void)state;
    enum { PLACE = 4 * CAVERN_BLOCK_2M, SECOND = PLACE + 4096 };
    assert_int_equal(
        peer_call(&self, BUFFER_CREATE, CAVERN_SELF_ACCOUNT, [3] = CAVERN_BLOCK_2M, [4] = CAVERN_BUFFER_CONTIGUOUS),
        CAVERN_OK);
    assert_int_equal(peer_map(&self, self.x[1], 0, CAVERN_BLOCK_2M, PLACE, CAVERN_PROT_READ | CAVERN_PROT_WRITE),
                     CAVERN_OK);
    struct cavern_operation operations[] = {send_word(1), OPERATION(UNMAP, CAVERN_SELF_PROCESS, 0, SECOND, 4096),
                                            send_word(2)};
    memcpy(model_at(self.process, SECOND - 2 * SIZE), operations, sizeof operations);
    assert_int_equal(submit_at(SECOND - 2 * SIZE, 3, 0), CAVERN_BAD_ADDRESS);
    assert_int_equal(self.x[1], 2);
    assert_words(1, 1);
}

/* [ABI-SUBMIT-6] [ABI-ADDR-1] */
static void test_submit_bad_arguments_refused(void **state)
{
    (void)state;
    struct cavern_operation operations[] = {send_word(1), send_word(2)};
    peer_write(&self, 0, operations, sizeof operations);
    assert_int_equal(submit_at(self.memory, 2, 3), CAVERN_BAD_ARGUMENT);
    assert_int_equal(submit_at(self.memory, 2, UINT64_MAX), CAVERN_BAD_ARGUMENT);
    assert_int_equal(submit_at(self.memory + 4, 2, 0), CAVERN_BAD_ADDRESS);
    static const uint64_t many[] = {UINT64_MAX, UINT64_C(1) << 57, (UINT64_C(1) << 57) + 1, CAVERN_USER_END / SIZE};
    for (unsigned i = 0; i < COUNT_OF(many); i++) {
        assert_int_equal(submit_at(self.memory, many[i], 0), CAVERN_BAD_ADDRESS);
        assert_int_equal(self.x[1], 0);
    }
    static const uint64_t bad[] = {0, CAVERN_USER_END, CAVERN_USER_END - SIZE, ~UINT64_C(7)};
    for (unsigned i = 0; i < COUNT_OF(bad); i++)
        assert_int_equal(submit_at(bad[i], 2, 0), CAVERN_BAD_ADDRESS);
    assert_words(1, 0);
}

static void enter(void)
{
    assert_ptr_equal(arch_cpu()->current, self.thread);
    syscall_dispatch(self.thread);
    model_settle();
}

/* A receiver above the caller runs after each operation that wakes it. [ABI-SUBMIT-5] */
static void test_submit_lets_who_is_woken_run(void **state)
{
    (void)state;
    struct cavern_operation operations[] = {send_word(1), send_word(2), send_word(3)};
    peer_write(&self, 0, operations, sizeof operations);
    assert_int_equal(peer_call(&other, RECEIVE, other.queue, [9] = CAVERN_FOREVER), MODEL_WAITS);
    assert_int_equal(peer_call(&self, NOP, 0), CAVERN_OK); /* on the CPU */
    uint64_t *x = self.thread->context.x;
    memset(x, 0, 16 * sizeof *x);
    x[1] = CAVERN_INFO(0, CAVERN_CALL_SUBMIT, 0, 0, 0), x[3] = self.memory, x[4] = 3;
    for (unsigned i = 1; i <= 2; i++) {
        enter();
        assert_ptr_equal(arch_cpu()->current, other.thread);
        assert_int_equal(x[5], i); /* to be made again from there */
        assert_int_equal(peer_woken(&other), CAVERN_OK);
        assert_int_equal(other.x[4], i);
        assert_int_equal(peer_call(&other, RECEIVE, other.queue, [9] = CAVERN_FOREVER), MODEL_WAITS);
    }
    enter();
    assert_int_equal(x[0], CAVERN_OK);
    assert_int_equal(x[1], 3);
}

/* Operations that are long keep their progress in their own words. [ABI-SUBMIT-5] [SCHED-7] */
static void test_submit_restarts_inside_long_operations(void **state)
{
    (void)state;
    enum { BYTES = 4 << 20, PLACE = 0x40000000, MAP = 1, UNMAP = 2 };
    struct cavern_operation operations[] = {
        OPERATION(BUFFER_CREATE, CAVERN_SELF_ACCOUNT, 0, BYTES),
        OPERATION(MAP, CAVERN_SELF_PROCESS, 0, 4096, BYTES - 4096, PLACE, CAVERN_PROT_READ),
        OPERATION(UNMAP, CAVERN_SELF_PROCESS, 0, PLACE, BYTES - 4096),
    };
    uint64_t used = self.process->account->budget.used;
    model_interrupt_pending(true);
    assert_int_equal(submit(operations, 1), CAVERN_OK);
    operations[MAP].x[2] = operations[0].x[1];
    peer_write(&self, 0, operations, sizeof operations);
    assert_int_equal(submit_at(self.memory, 2, 1), CAVERN_OK);
    assert_non_null(model_at(self.process, PLACE));
    assert_non_null(model_at(self.process, PLACE + BYTES - 8192));
    assert_int_equal(submit_at(self.memory, 3, 2), CAVERN_OK);
    assert_int_equal(self.x[1], 3);
    model_interrupt_pending(false);
    peer_read(&self, 0, operations, sizeof operations);
    assert_int_equal(operations[MAP].x[0], CAVERN_OK);
    assert_int_equal(operations[MAP].x[1], PLACE);
    assert_null(model_at(self.process, PLACE));
    assert_null(model_at(self.process, PLACE + BYTES - 8192));
    assert_int_equal(peer_call(&self, HANDLE_CLOSE, operations[MAP].x[2]), CAVERN_OK);
    assert_in_range(self.process->account->budget.used, used, used + 16 * 4096); /* page tables */
}

/* Failures for want of memory are those of the operation. [ABI-SUBMIT-2] */
static void test_submit_without_memory(void **state)
{
    (void)state;
    struct cavern_operation operations[] = {
        OPERATION(BUFFER_CREATE, CAVERN_SELF_ACCOUNT, 0, 4096),
        OPERATION(BUFFER_CREATE, CAVERN_SELF_ACCOUNT, 0, UINT64_C(1) << 40),
    };
    assert_int_equal(submit(operations, 2), CAVERN_NO_MEMORY);
    assert_int_equal(self.x[1], 1);
    assert_int_equal(operations[1].x[0], CAVERN_NO_MEMORY);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, start)
    const struct CMUnitTest tests[] = {
        TEST(test_submit_makes_all_in_order),
        TEST(test_submit_results_stand_before_the_next_is_read),
        TEST(test_submit_stops_at_the_first_failure),
        TEST(test_submit_refuses_what_sleeps_or_ends),
        TEST(test_submit_stops_where_memory_ends),
        TEST(test_submit_that_unmaps_its_own_memory),
        TEST(test_submit_of_an_operation_across_two_pages),
        TEST(test_submit_whose_operation_ends_the_caller),
        TEST(test_submit_that_unmaps_what_comes_next),
        TEST(test_submit_bad_arguments_refused),
        TEST(test_submit_lets_who_is_woken_run),
        TEST(test_submit_restarts_inside_long_operations),
        TEST(test_submit_without_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
