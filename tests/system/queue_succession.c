/* SPDX-License-Identifier: BSD-2-Clause */
/* A queue and a handle table go from one incarnation of a server to the next. */
#include "test.h"

static struct {
    cavern_handle account, queue, sender;
    cavern_handle value; /* of the queue in the server */
    struct cavern_queue client;
} t;

static void set_up(void)
{
    test_queue(&t.client, 64, 0);
    CHECK_OK(cavern_sys_queue_create(test_account(), 64, 8, 0, &t.queue));
    CHECK_OK(cavern_sender_mint(t.queue, 5, 64, 64, 0, &t.sender));
}

static enum cavern_status start(const char *function, cavern_handle predecessor, struct test_peer *peer)
{
    struct cavern_spawn setup = test_peer_setup(function);
    struct cavern_spawn_handle report = test_give(TEST_REPORT, test_handle(TEST_REPORT), RIGHTS_SENDER);
    static cavern_handle report_value;
    if (predecessor) {
        report.handle = CAVERN_NO_HANDLE; /* it is in the table already */
        report.value = report_value;
    }
    setup.flags = CAVERN_PROCESS_KEEP;
    setup.predecessor = predecessor;
    setup.queue = t.queue;
    setup.queue_value = t.value;
    setup.handles = &report;
    setup.handle_count = 1;
    test_peer_start(&setup, peer);
    t.value = setup.queue_value;
    report_value = report.value;
    return CAVERN_OK;
}

/* Takes two requests, answers neither, and dies of a fault with one of them in hand. */
static void first_incarnation(void)
{
    struct cavern_queue queue;
    struct cavern_message message;
    CHECK_OK(cavern_queue_open(CAVERN_STARTUP_QUEUE, &queue));
    CHECK_EQUAL(queue.bound, 4);
    test_receive(&queue, CAVERN_KIND_REQUEST, &message);
    cavern_queue_release(&queue, &message);
    test_receive(&queue, CAVERN_KIND_REQUEST, &message);
    *(volatile int *)(uintptr_t)64 = 0;
}

/* Goes on with the third, under the same handle. */
static void second_incarnation(void)
{
    struct cavern_queue queue;
    struct cavern_message message;
    CHECK_OK(cavern_queue_open(CAVERN_STARTUP_QUEUE, &queue));
    CHECK_EQUAL(queue.control->head, 2);
    CHECK_EQUAL(queue.control->taken, 2);
    CHECK_EQUAL(queue.bound, 4);
    for (uint64_t word = 3; word <= 4; word++) {
        test_receive(&queue, CAVERN_KIND_REQUEST, &message);
        CHECK_EQUAL(test_word(&message, 0), word);
        CHECK_EQUAL(message.header.label, 5);
        CHECK_OK(test_reply_word(&queue, message.header.request, word * 10));
        cavern_queue_release(&queue, &message);
    }
}

static void successor_goes_on_where_the_server_died(void)
{
    struct test_peer first, second;
    struct cavern_message message;
    uint64_t words[5];
    set_up();
    for (uint64_t word = 1; word <= 4; word++)
        CHECK_OK(test_request_word(t.sender, word, word, &t.client, NULL));
    CHECK_OK(start("first_incarnation", 0, &first));
    cavern_handle value = t.value;
    test_peer_exit(&first, words, false);
    CHECK_EQUAL(words[CAVERN_EXIT_FAULT], CAVERN_FAULT_DATA_UNMAPPED);
    for (uint64_t token = 1; token <= 2; token++) {
        test_receive(&t.client, CAVERN_KIND_ABANDONED, &message);
        CHECK_EQUAL(message.header.label, token);
        cavern_queue_release(&t.client, &message);
    }
    test_nothing(&t.client);
    CHECK_OK(start("second_incarnation", first.process, &second));
    CHECK_EQUAL(t.value, value);
    cavern_handle_close(first.process);
    test_peer_done(&second);
    for (uint64_t token = 3; token <= 4; token++) {
        test_receive(&t.client, CAVERN_KIND_REPLY, &message);
        CHECK_EQUAL(message.header.label, token);
        CHECK_EQUAL(test_word(&message, 0), token * 10);
        cavern_queue_release(&t.client, &message);
    }
}

static void stay(void)
{
    cavern_sleep_until(CAVERN_FOREVER);
}

static void only_a_zombie_with_a_table_can_be_succeeded(void)
{
    struct test_peer peer;
    cavern_handle process;
    uint64_t words[5];
    set_up();
    CHECK_OK(start("stay", 0, &peer));
    CHECK_STATUS(cavern_sys_process_create(test_account(), peer.process, 0, 0, 0, &process), CAVERN_BUSY);
    CHECK_STATUS(cavern_sys_queue_bind(t.queue, CAVERN_SELF_PROCESS, 0, words, words, words), CAVERN_BUSY);
    CHECK_OK(cavern_sys_process_end(peer.process, 3));
    test_peer_exit(&peer, words, false);
    CHECK_EQUAL(words[CAVERN_EXIT_REASON], CAVERN_REASON_ENDED);
    CHECK_EQUAL(words[CAVERN_EXIT_CODE], 3);
    CHECK_OK(cavern_sys_process_create(test_account(), peer.process, 0, 0, 0, &process));
    CHECK_STATUS(cavern_sys_process_create(test_account(), peer.process, 0, 0, 0, &process), CAVERN_BUSY);
    test_peer("stay", NULL, 0, &peer);
    CHECK_OK(cavern_sys_process_end(peer.process, 0));
    test_peer_exit(&peer, words, false);
    CHECK_STATUS(cavern_sys_process_create(test_account(), peer.process, 0, 0, 0, &process), CAVERN_BUSY);
}

static void queue_binds_to_one_process(void)
{
    struct cavern_queue queue;
    uint64_t a, b, c;
    test_queue(&queue, 64, 0);
    CHECK_STATUS(cavern_sys_queue_bind(queue.handle, CAVERN_SELF_PROCESS, 0, &a, &b, &c), CAVERN_BUSY);
    CHECK_OK(cavern_sys_queue_bind(queue.handle, 0, 0, &a, &b, &c));
    struct cavern_received received;
    CHECK_STATUS(cavern_sys_receive(queue.handle, CAVERN_POLL, &received), CAVERN_DENIED);
    CHECK_OK(cavern_sys_queue_bind(queue.handle, CAVERN_SELF_PROCESS, 0, &a, &b, &c));
    CHECK_STATUS(cavern_sys_receive(queue.handle, CAVERN_POLL, &received), CAVERN_TIMEOUT);
}

static struct cavern_queue waited_on;
static unsigned woken;

static void wait_there(void *argument)
{
    struct cavern_received received;
    (void)argument;
    PUBLISH(woken, 100 + cavern_sys_receive(waited_on.handle, CAVERN_FOREVER, &received));
}

static void receiver_learns_that_its_queue_is_unbound(void)
{
    uint64_t a, b, c;
    test_queue(&waited_on, 64, 0);
    test_thread(wait_there, NULL, TEST_PRIORITY_HIGH);
    CHECK_EQUAL(OBSERVE(woken), 0);
    CHECK_OK(cavern_sys_queue_bind(waited_on.handle, 0, 0, &a, &b, &c));
    CHECK_EQUAL(OBSERVE(woken), 100 + CAVERN_GONE);
}

static void requests_of_an_unbound_queue_are_cancelled(void)
{
    struct cavern_message message;
    uint64_t a, b, c;
    uint32_t id;
    struct cavern_queue server;
    test_queue(&server, 64, 4);
    test_queue(&t.client, 64, 0);
    CHECK_OK(test_request_word(test_sender(&server, 0), 1, 0, &t.client, &id));
    CHECK_OK(cavern_sys_queue_bind(t.client.handle, 0, 0, &a, &b, &c));
    CHECK_STATUS(test_reply_word(&server, id, 0), CAVERN_CANCELLED);
    CHECK_OK(cavern_sys_queue_bind(t.client.handle, CAVERN_SELF_PROCESS, 0, &a, &b, &c));
    cavern_queue_attach(&t.client, t.client.handle, a, b, c);
    cavern_handle to_client = test_sender(&t.client, 0);
    for (unsigned i = 0; i < 64; i++) /* nothing is reserved any more */
        CHECK_OK(test_send_word(to_client, i));
    CHECK(cavern_queue_take(&t.client, &message));
}

static void notice_comes_again_to_the_successor(void)
{
    struct cavern_queue queue;
    struct cavern_message message;
    cavern_handle signal;
    test_queue(&queue, 64, 0);
    CHECK_OK(cavern_sys_signal_create(CAVERN_SELF_ACCOUNT, &signal));
    CHECK_OK(cavern_sys_notify(signal, 8, queue.handle, 0));
    CHECK_OK(cavern_sys_signal_raise(signal));
    test_receive(&queue, CAVERN_KIND_SIGNAL, &message);
    cavern_queue_release(&queue, &message);
    for (unsigned turn = 0; turn < 2; turn++) {
        test_rebind(&queue);
        if (turn)
            break;
        test_receive(&queue, CAVERN_KIND_SIGNAL, &message);
        CHECK_EQUAL(message.header.label, 8);
        cavern_queue_release(&queue, &message);
        CHECK_OK(cavern_sys_acknowledge(signal));
    }
    test_nothing(&queue);
}

const struct test_case test_cases[] = {
    {"a successor goes on where the server died", successor_goes_on_where_the_server_died,
     "[MSG-BIND-2] [MSG-BIND-3] [MSG-BIND-6] [MSG-BIND-7] [PROC-SUCCESSION-1] [MSG-REQUEST-1]"},
    {"only a zombie with a table can be succeeded", only_a_zombie_with_a_table_can_be_succeeded,
     "[PROC-SUCCESSION-2] [PROC-SUCCESSION-3] [PROC-END-1]"},
    {"a queue binds to one process", queue_binds_to_one_process, "[MSG-BIND-1] [MSG-QUEUE-2]"},
    {"a receiver learns that its queue is unbound", receiver_learns_that_its_queue_is_unbound, "[MSG-RECEIVE-6]"},
    {"requests of an unbound queue are cancelled", requests_of_an_unbound_queue_are_cancelled, "[MSG-BIND-5]"},
    {"a notice comes again to the successor", notice_comes_again_to_the_successor, "[MSG-NOTICE-6]"},
    {0},
};

const struct test_peer_function test_peers[] = {
    {"first_incarnation", first_incarnation},
    {"second_incarnation", second_incarnation},
    {"stay", stay},
    {0},
};
