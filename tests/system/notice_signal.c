/* SPDX-License-Identifier: BSD-2-Clause */
/* Notices: one-shot, counted, never lost. Signals are the plainest source. */
#include "test.h"

static struct cavern_queue queue;

static cavern_handle make_signal(uint64_t label)
{
    cavern_handle signal;
    CHECK_OK(cavern_sys_signal_create(CAVERN_SELF_ACCOUNT, &signal));
    CHECK_OK(cavern_sys_notify(signal, label, queue.handle, 0));
    return signal;
}

static void expect_signal(uint64_t label, uint64_t count)
{
    struct cavern_message message;
    test_receive(&queue, CAVERN_KIND_SIGNAL, &message);
    CHECK_EQUAL(message.header.label, label);
    CHECK_EQUAL(message.header.sender, 0);
    CHECK_EQUAL(test_word(&message, 0), count);
    cavern_queue_release(&queue, &message);
}

static void firings_are_counted_until_acknowledged(void)
{
    test_queue(&queue, 64, 0);
    cavern_handle signal = make_signal(4);
    CHECK_OK(cavern_sys_acknowledge(signal)); /* of nothing */
    CHECK_OK(cavern_sys_signal_raise(signal));
    expect_signal(4, 1);
    for (unsigned i = 0; i < 3; i++)
        CHECK_OK(cavern_sys_signal_raise(signal));
    test_nothing(&queue);
    CHECK_OK(cavern_sys_acknowledge(signal));
    expect_signal(4, 3);
    CHECK_OK(cavern_sys_acknowledge(signal));
    test_nothing(&queue);
}

static void source_has_one_destination(void)
{
    struct cavern_message message;
    struct cavern_queue other;
    cavern_handle signal;
    test_queue(&queue, 64, 0);
    test_queue(&other, 64, 0);
    CHECK_OK(cavern_sys_signal_create(CAVERN_SELF_ACCOUNT, &signal));
    CHECK_OK(cavern_sys_signal_raise(signal)); /* before there is anybody to tell */
    CHECK_OK(cavern_sys_notify(signal, 1, queue.handle, 0));
    expect_signal(1, 1);
    CHECK_OK(cavern_sys_acknowledge(signal));
    CHECK_OK(cavern_sys_notify(signal, 2, other.handle, 0));
    CHECK_OK(cavern_sys_signal_raise(signal));
    test_nothing(&queue);
    test_receive(&other, CAVERN_KIND_SIGNAL, &message);
    CHECK_EQUAL(message.header.label, 2);
    CHECK_OK(cavern_sys_acknowledge(signal));
    CHECK_OK(cavern_sys_notify(signal, 0, 0, 0));
    CHECK_OK(cavern_sys_signal_raise(signal));
    test_nothing(&other);
    CHECK_OK(cavern_sys_notify(signal, 3, queue.handle, 0));
    expect_signal(3, 1);
}

static void notices_wait_for_room_before_later_messages(void)
{
    struct cavern_message message;
    cavern_handle signals[3];
    test_queue(&queue, 64, 4);
    cavern_handle sender = test_sender(&queue, 9);
    for (unsigned i = 0; i < 3; i++)
        signals[i] = make_signal(10 + i);
    for (unsigned i = 0; i < 64; i++)
        CHECK_OK(test_send_word(sender, i));
    for (unsigned i = 0; i < 3; i++)
        CHECK_OK(cavern_sys_signal_raise(signals[2 - i]));
    CHECK(OBSERVE(queue.control->waiters) != 0);
    test_receive(&queue, CAVERN_KIND_MESSAGE, &message);
    /* Room for one without telling the kernel: a notice takes it, not the message. */
    PUBLISH(queue.control->head, message.end);
    CHECK_STATUS(test_send_word(sender, 99), CAVERN_QUEUE_FULL);
    CHECK_STATUS(test_call_word(sender, 0, CAVERN_FOREVER, &(uint64_t){0}), CAVERN_QUEUE_FULL);
    for (unsigned i = 1; i < 64; i++) {
        test_receive(&queue, CAVERN_KIND_MESSAGE, &message);
        CHECK_EQUAL(test_word(&message, 0), i);
        cavern_queue_release(&queue, &message);
    }
    for (unsigned i = 0; i < 3; i++)
        expect_signal(12 - i, 1);
    CHECK_EQUAL(OBSERVE(queue.control->waiters), 0);
    CHECK_OK(test_send_word(sender, 99));
}

static void many_signals_are_all_told(void)
{
    enum { COUNT = 200 };
    static cavern_handle signals[COUNT];
    struct cavern_message message;
    test_queue(&queue, 64, 0);
    for (unsigned i = 0; i < COUNT; i++)
        signals[i] = make_signal(i);
    for (unsigned i = 0; i < COUNT; i++)
        CHECK_OK(cavern_sys_signal_raise(signals[i]));
    for (unsigned i = 0; i < COUNT; i++) {
        test_receive(&queue, CAVERN_KIND_SIGNAL, &message);
        CHECK_EQUAL(message.header.label, i);
        cavern_queue_release(&queue, &message);
    }
    test_nothing(&queue);
    for (unsigned i = 0; i < COUNT; i++)
        CHECK_OK(cavern_sys_handle_close(signals[i]));
}

static void fill(cavern_handle sender)
{
    while (test_send_word(sender, 0) == CAVERN_OK)
        ;
}

static void notify_again_takes_along_what_waits(void)
{
    struct cavern_queue full;
    test_queue(&queue, 64, 0);
    test_queue(&full, 64, 0);
    fill(test_sender(&full, 0));
    cavern_handle signal = make_signal(1);
    CHECK_OK(cavern_sys_notify(signal, 2, full.handle, 0));
    CHECK_OK(cavern_sys_signal_raise(signal));
    CHECK_OK(cavern_sys_signal_raise(signal));
    CHECK(OBSERVE(full.control->waiters) != 0);
    CHECK_OK(cavern_sys_notify(signal, 3, queue.handle, 0));
    CHECK_EQUAL(OBSERVE(full.control->waiters), 0);
    expect_signal(3, 2);
    /* As if it had been acknowledged. */
    CHECK_OK(cavern_sys_notify(signal, 4, queue.handle, 0));
    test_nothing(&queue);
    CHECK_OK(cavern_sys_signal_raise(signal));
    expect_signal(4, 1);
    CHECK_OK(cavern_sys_signal_raise(signal));
    test_nothing(&queue);
    CHECK_OK(cavern_sys_notify(signal, 5, queue.handle, 0));
    expect_signal(5, 1);
}

static void what_nobody_can_acknowledge_comes_once(void)
{
    struct cavern_message message;
    test_queue(&queue, 64, 0);
    fill(test_sender(&queue, 0));
    cavern_handle signal = make_signal(6);
    CHECK_OK(cavern_sys_signal_raise(signal));
    CHECK_OK(cavern_sys_handle_close(signal)); /* it waits for room */
    for (unsigned i = 0; i < 64; i++) {
        test_receive(&queue, CAVERN_KIND_MESSAGE, &message);
        cavern_queue_release(&queue, &message);
    }
    expect_signal(6, 1);
    test_rebind(&queue);
    test_nothing(&queue);
}

/* A handle to its thread is left, which does not acknowledge the end of the process. */
static void end_of_whom_nobody_names_comes_once(void)
{
    struct cavern_message message;
    cavern_handle process, thread;
    test_queue(&queue, 64, 0);
    CHECK_OK(cavern_sys_process_create(test_account(), 0, 0, 0, 0, &process));
    CHECK_OK(cavern_sys_thread_create(process, TEST_PRIORITY_LOW, 0x400000, 0, 0, 0, 0, TEST_CPUS, &thread));
    CHECK_OK(cavern_sys_notify(process, 7, queue.handle, CAVERN_NOTIFY_EXIT));
    CHECK_OK(cavern_sys_handle_close(process));
    CHECK_OK(cavern_sys_thread_control(thread, 0, CAVERN_THREAD_END, 0, 0));
    test_receive(&queue, CAVERN_KIND_EXIT, &message);
    CHECK_EQUAL(message.header.label, 7);
    cavern_queue_release(&queue, &message);
    test_rebind(&queue);
    test_nothing(&queue);
}

static void queue_that_goes_leaves_its_sources(void)
{
    struct cavern_queue gone;
    struct cavern_message message;
    uint64_t a, b, c;
    test_queue(&queue, 64, 0);
    test_queue(&gone, 64, 0);
    cavern_handle signal = make_signal(7);
    CHECK_OK(cavern_sys_notify(signal, 8, gone.handle, 0));
    CHECK_OK(cavern_sys_signal_raise(signal));
    test_receive(&gone, CAVERN_KIND_SIGNAL, &message);
    CHECK_OK(cavern_sys_signal_raise(signal));
    CHECK_OK(cavern_sys_queue_bind(gone.handle, 0, 0, &a, &b, &c));
    CHECK_OK(cavern_sys_handle_close(gone.handle));
    CHECK_OK(cavern_sys_signal_raise(signal)); /* to nobody */
    test_nothing(&queue);
    CHECK_OK(cavern_sys_notify(signal, 9, queue.handle, 0));
    expect_signal(9, 3);
}

static void rights_are_needed(void)
{
    cavern_handle raiser, manager;
    test_queue(&queue, 64, 0);
    cavern_handle signal = make_signal(0);
    CHECK_OK(cavern_handle_duplicate(signal, CAVERN_RIGHT_RAISE, &raiser));
    CHECK_OK(cavern_handle_duplicate(signal, CAVERN_RIGHT_MANAGE, &manager));
    CHECK_STATUS(cavern_sys_signal_raise(manager), CAVERN_DENIED);
    CHECK_STATUS(cavern_sys_acknowledge(raiser), CAVERN_DENIED);
    CHECK_STATUS(cavern_sys_notify(raiser, 0, queue.handle, 0), CAVERN_DENIED);
    CHECK_OK(cavern_sys_signal_raise(raiser));
    expect_signal(0, 1);
    CHECK_OK(cavern_sys_acknowledge(manager));
}

static void space_of_a_queue_that_goes(void)
{
    struct cavern_queue gone;
    struct cavern_message message;
    uint64_t a, b, c;
    test_queue(&queue, 64, 0);
    test_queue(&gone, 64, 0);
    cavern_handle sender = test_sender(&gone, 0);
    fill(sender);
    CHECK_OK(cavern_space(sender, 6, 1, 0, &queue));
    CHECK_OK(cavern_sys_queue_bind(gone.handle, 0, 0, &a, &b, &c));
    cavern_handle_close(gone.handle);
    test_receive(&queue, CAVERN_KIND_SPACE, &message);
    CHECK_EQUAL(message.header.label, 6);
    CHECK_STATUS(test_send_word(sender, 0), CAVERN_GONE);
}

const struct test_case test_cases[] = {
    {"firings are counted until acknowledged", firings_are_counted_until_acknowledged,
     "[MSG-NOTICE-2] [MSG-NOTICE-3] [MSG-NOTICE-8]"},
    {"a source has one destination", source_has_one_destination, "[MSG-NOTICE-4] [MSG-NOTICE-5]"},
    {"notices wait for room, before later messages", notices_wait_for_room_before_later_messages,
     "[MSG-NOTICE-1] [MSG-SEND-7] [MSG-FREE-2]"},
    {"many signals are all told", many_signals_are_all_told, "[MSG-NOTICE-1]"},
    {"notify again takes along what waits", notify_again_takes_along_what_waits, "[MSG-NOTICE-9] [MSG-NOTICE-4]"},
    {"what nobody can acknowledge comes once", what_nobody_can_acknowledge_comes_once, "[MSG-NOTICE-10]"},
    {"the end of whom nobody names comes once", end_of_whom_nobody_names_comes_once, "[MSG-NOTICE-10]"},
    {"a queue that goes leaves its sources", queue_that_goes_leaves_its_sources, "[MSG-QUEUE-5]"},
    {"rights are needed", rights_are_needed, "[ABI-HANDLE-4]"},
    {"those who wait for room in a queue that goes", space_of_a_queue_that_goes, "[MSG-SPACE-6]"},
    {0},
};

const struct test_peer_function test_peers[] = {{0}};
