/* SPDX-License-Identifier: BSD-2-Clause */
/* Many calls in one entry. */
#include <cavern/batch.h>

#include "test.h"

static struct {
    struct cavern_queue queue;
    cavern_handle sender;
} t;

static void set_up(void)
{
    test_queue(&t.queue, 64, 0);
    t.sender = test_sender(&t.queue, 5);
}

static struct cavern_operation send_word(uint64_t word)
{
    return (struct cavern_operation){{t.sender, CAVERN_INFO(8, CAVERN_CALL_SEND, 0, 0, 0), 0, word}};
}

static void expect_word(uint64_t word)
{
    struct cavern_message message;
    test_receive(&t.queue, CAVERN_KIND_MESSAGE, &message);
    CHECK_EQUAL(test_word(&message, 0), word);
    cavern_queue_release(&t.queue, &message);
}

static void operations_are_made_in_order(void)
{
    enum { COUNT = 40 };
    struct cavern_operation operations[COUNT];
    size_t done = 0;
    set_up();
    for (unsigned i = 0; i < COUNT; i++)
        operations[i] = send_word(i);
    CHECK_OK(cavern_submit(operations, COUNT, &done));
    CHECK_EQUAL(done, COUNT);
    for (unsigned i = 0; i < COUNT; i++) {
        CHECK_EQUAL(operations[i].x[0], CAVERN_OK);
        expect_word(i);
    }
    test_nothing(&t.queue);
}

static void first_failure_stops(void)
{
    set_up();
    struct cavern_operation operations[] = {send_word(1), {{0, CAVERN_OPERATION(HANDLE_CLOSE)}}, send_word(2)};
    size_t done = 0;
    CHECK_STATUS(cavern_submit(operations, 3, &done), CAVERN_BAD_HANDLE);
    CHECK_EQUAL(done, 1);
    CHECK_EQUAL(operations[1].x[0], CAVERN_BAD_HANDLE);
    CHECK_EQUAL(operations[2].x[0], t.sender);
    expect_word(1);
    test_nothing(&t.queue);
    done = 2;
    CHECK_OK(cavern_submit(operations, 3, &done));
    CHECK_EQUAL(done, 3);
    expect_word(2);
}

static void what_sleeps_is_refused(void)
{
    set_up();
    const struct cavern_operation refused[] = {
        {{t.sender, CAVERN_OPERATION(CALL)}},
        {{t.queue.handle, CAVERN_OPERATION(RECEIVE)}},
        {{t.queue.handle, CAVERN_OPERATION(REPLY_RECEIVE)}},
        {{0, CAVERN_OPERATION(SUBMIT)}},
        {{CAVERN_SELF_PROCESS, CAVERN_OPERATION(PROCESS_END)}},
        {{CAVERN_SELF_THREAD, CAVERN_OPERATION(THREAD_CONTROL), 0, CAVERN_THREAD_YIELD}},
        {{CAVERN_SELF_THREAD, CAVERN_OPERATION(THREAD_CONTROL), 0, CAVERN_THREAD_END}},
        {{0, CAVERN_INFO(0, 255, 0, 0, 0)}},
    };
    for (unsigned i = 0; i < sizeof refused / sizeof *refused; i++) {
        struct cavern_operation operation = refused[i];
        size_t done = 0;
        CHECK_STATUS(cavern_submit(&operation, 1, &done), CAVERN_BAD_OPERATION);
        CHECK_EQUAL(done, 0);
    }
}

static void memory_that_ends_stops(void)
{
    size_t done = 0;
    set_up();
    uint8_t *memory = test_memory(8192);
    struct cavern_operation *operations = (void *)(memory + 4096 - sizeof *operations);
    cavern_buffer_unmap(memory + 4096, 4096);
    operations[0] = send_word(1);
    CHECK_STATUS(cavern_submit(operations, 2, &done), CAVERN_BAD_ADDRESS);
    CHECK_EQUAL(done, 1);
    expect_word(1);
    done = 0;
    static const struct cavern_operation constant = {{0, CAVERN_OPERATION(NOP)}};
    CHECK_STATUS(cavern_submit((struct cavern_operation *)&constant, 1, &done), CAVERN_BAD_ADDRESS);
    CHECK_STATUS(cavern_submit(NULL, 1, &done), CAVERN_BAD_ADDRESS);
    CHECK_STATUS(cavern_submit((void *)(memory + 4), 1, &done), CAVERN_BAD_ADDRESS);
    done = 2;
    CHECK_STATUS(cavern_submit(operations, 1, &done), CAVERN_BAD_ARGUMENT);
    test_nothing(&t.queue);
}

static struct cavern_operation *watched;
static uint64_t seen;

static void look(void *argument)
{
    struct cavern_message message;
    (void)argument;
    test_receive(&t.queue, CAVERN_KIND_MESSAGE, &message);
    PUBLISH(seen, watched[1].x[0] == t.sender ? 1 : 2); /* not made yet */
}

static void who_is_woken_runs_between_two(void)
{
    set_up();
    struct cavern_operation operations[] = {send_word(1), send_word(2)};
    size_t done = 0;
    watched = operations;
    test_thread(look, NULL, TEST_PRIORITY_HIGH);
    CHECK_OK(cavern_submit(operations, 2, &done));
    CHECK_EQUAL(done, 2);
    CHECK_EQUAL(OBSERVE(seen), 1);
}

/* What a parent does to make a process, and to give it up again. */
static void process_is_made_in_one_entry(void)
{
    cavern_handle buffer;
    CHECK_OK(cavern_buffer_create(test_account(), 4096, 0, &buffer));
    struct cavern_process_name name = cavern_process_name("batch");
    struct cavern_operation make = {
        {test_account(), CAVERN_OPERATION(PROCESS_CREATE), 0, 0, name.words[0], name.words[1]}};
    size_t done = 0;
    CHECK_OK(cavern_submit(&make, 1, &done));
    cavern_handle process = make.x[1];
    struct cavern_operation operations[] = {
        {{process, CAVERN_OPERATION(MAP), buffer, 0, 4096, 0x100000, CAVERN_PROT_READ}},
        {{process, CAVERN_OPERATION(HANDLE_GIVE), buffer, CAVERN_RIGHT_READ, 0}},
        {{process, CAVERN_OPERATION(PROCESS_END), 0, 3}},
        {{process, CAVERN_OPERATION(HANDLE_CLOSE)}},
        {{buffer, CAVERN_OPERATION(HANDLE_CLOSE)}},
    };
    done = 0;
    CHECK_OK(cavern_submit(operations, 5, &done));
    CHECK_EQUAL(done, 5);
    CHECK_EQUAL(operations[0].x[1], 0x100000);
}

const struct test_case test_cases[] = {
    {"operations are made in order", operations_are_made_in_order, "[ABI-SUBMIT-1]"},
    {"the first failure stops", first_failure_stops, "[ABI-SUBMIT-2]"},
    {"what sleeps is refused", what_sleeps_is_refused, "[ABI-SUBMIT-3]"},
    {"memory that ends stops", memory_that_ends_stops, "[ABI-SUBMIT-4] [ABI-SUBMIT-6]"},
    {"who is woken runs between two", who_is_woken_runs_between_two, "[ABI-SUBMIT-5]"},
    {"a process is made in one entry", process_is_made_in_one_entry, "[ABI-SUBMIT-1]"},
    {0},
};

const struct test_peer_function test_peers[] = {{0}};
