/* SPDX-License-Identifier: BSD-2-Clause */
/* One-way messages: through registers and the ring, and when there is no room. */
#include "test.h"

#define LABEL 0x1122334455667788

/* What a receiving thread of higher priority saw. */
static struct {
    struct cavern_queue queue;
    struct cavern_received received;
    enum cavern_status status;
    unsigned done;
} receiver;

static void receive_once(void *argument)
{
    receiver.status = cavern_sys_receive(receiver.queue.handle, argument ? *(uint64_t *)argument : CAVERN_FOREVER,
                                         &receiver.received);
    PUBLISH(receiver.done, 1);
}

static void waiting_thread_gets_registers(void)
{
    uint64_t words[5] = {1, 2, 3, 4, 5};
    struct cavern_header header;
    test_queue(&receiver.queue, 64, 0);
    cavern_handle sender = test_sender(&receiver.queue, LABEL);
    test_thread(receive_once, NULL, TEST_PRIORITY_HIGH);
    CHECK_EQUAL(receiver.done, 0);
    CHECK_OK(cavern_send(sender, &(struct cavern_outgoing){.payload = words, .size = 39, .trace = 77}));
    CHECK_EQUAL(OBSERVE(receiver.done), 1);
    CHECK_EQUAL(receiver.status, CAVERN_OK);
    memcpy(&header, receiver.received.header, sizeof header);
    CHECK_EQUAL(header.size, 39);
    CHECK_EQUAL(header.kind, CAVERN_KIND_MESSAGE);
    CHECK_EQUAL(header.attached, 0);
    CHECK_EQUAL(header.request, 0);
    CHECK_EQUAL(header.trace, 77);
    CHECK_EQUAL(header.label, LABEL);
    CHECK(header.sender != 0);
    CHECK(memcmp(receiver.received.words, words, 39) == 0);
    CHECK_EQUAL(receiver.queue.control->tail, 0); /* no block was used */
}

static void waiting_thread_is_told_of_larger_ones(void)
{
    uint8_t bytes[41] = {9};
    struct cavern_message message;
    test_queue(&receiver.queue, 64, 0);
    cavern_handle sender = test_sender(&receiver.queue, 0);
    test_thread(receive_once, NULL, TEST_PRIORITY_HIGH);
    CHECK_OK(cavern_send(sender, &(struct cavern_outgoing){.payload = bytes, .size = sizeof bytes}));
    CHECK_EQUAL(OBSERVE(receiver.done), 1);
    CHECK_EQUAL(receiver.status, CAVERN_IN_RING);
    CHECK(cavern_queue_take(&receiver.queue, &message));
    CHECK_EQUAL(message.header.size, sizeof bytes);
    CHECK(memcmp(message.payload, bytes, sizeof bytes) == 0);
}

static void waiting_messages_come_through_the_ring_in_order(void)
{
    static uint8_t bytes[2][3000];
    struct cavern_queue queue;
    struct cavern_message message;
    struct cavern_received received;
    test_queue(&queue, 1024, 0);
    cavern_handle first = test_sender(&queue, 1), second = test_sender(&queue, 2);
    for (unsigned i = 0; i < 1000; i++) {
        unsigned size = i * 7 % sizeof bytes[0];
        memset(bytes, (int)i, sizeof bytes);
        CHECK_OK(cavern_send(first, &(struct cavern_outgoing){.payload = bytes[0], .size = size}));
        CHECK_OK(cavern_send(second, &(struct cavern_outgoing){.payload = bytes[1] + 1, .size = size / 2}));
        CHECK_STATUS(cavern_sys_receive(queue.handle, CAVERN_POLL, &received), CAVERN_IN_RING);
        for (unsigned label = 1; label <= 2; label++) {
            test_receive(&queue, CAVERN_KIND_MESSAGE, &message);
            CHECK_EQUAL(message.header.label, label);
            CHECK_EQUAL(message.header.size, size / label);
            CHECK(memcmp(message.payload, bytes, message.header.size) == 0);
            cavern_queue_release(&queue, &message);
        }
    }
    test_nothing(&queue);
}

static void full_queue_refuses_until_freed(void)
{
    struct cavern_queue queue;
    struct cavern_message message;
    unsigned sent = 0;
    test_queue(&queue, 64, 0);
    cavern_handle sender = test_sender(&queue, 0);
    while (test_send_word(sender, sent) == CAVERN_OK)
        sent++;
    CHECK_EQUAL(sent, 64);
    CHECK_STATUS(test_send_word(sender, 99), CAVERN_QUEUE_FULL);
    test_receive(&queue, CAVERN_KIND_MESSAGE, &message);
    CHECK_STATUS(test_send_word(sender, 99), CAVERN_QUEUE_FULL); /* taken, not freed */
    cavern_queue_release(&queue, &message);
    CHECK_OK(test_send_word(sender, 64));
    CHECK_STATUS(test_send_word(sender, 99), CAVERN_QUEUE_FULL);
    for (uint64_t word = 1; word <= 64; word++) {
        test_receive(&queue, CAVERN_KIND_MESSAGE, &message);
        CHECK_EQUAL(test_word(&message, 0), word);
        cavern_queue_release(&queue, &message);
    }
    test_nothing(&queue);
}

static void sender_limit_holds_up_nobody_else(void)
{
    struct cavern_queue queue;
    struct cavern_message message;
    cavern_handle limited;
    test_queue(&queue, 64, 0);
    cavern_handle other = test_sender(&queue, 2);
    CHECK_OK(cavern_sender_mint(queue.handle, 1, 2, 0, 0, &limited));
    CHECK_OK(test_send_word(limited, 0));
    CHECK_OK(test_send_word(limited, 0));
    CHECK_STATUS(test_send_word(limited, 0), CAVERN_QUEUE_FULL);
    CHECK_OK(test_send_word(other, 0));
    test_receive(&queue, CAVERN_KIND_MESSAGE, &message);
    cavern_queue_release(&queue, &message);
    CHECK_OK(test_send_word(limited, 0));
    CHECK_STATUS(cavern_sender_mint(queue.handle, 1, 0, 0, 0, &limited), CAVERN_BAD_ARGUMENT);
}

static void impossible_sizes_are_too_large(void)
{
    struct cavern_queue queue, large;
    test_queue(&queue, 64, 0);
    test_queue(&large, 512, 0);
    void *bytes = test_memory(20000);
    uint64_t words[5] = {(uintptr_t)bytes};
    struct cavern_outgoing out = {.payload = bytes, .size = 64 * 64 - 24 + 1};
    CHECK_STATUS(cavern_send(test_sender(&queue, 0), &out), CAVERN_TOO_LARGE);
    out.size--;
    CHECK_OK(cavern_send(test_sender(&queue, 0), &out));
    cavern_handle sender = test_sender(&large, 0);
    CHECK_STATUS(cavern_sys_send(sender, CAVERN_INFO(16385, 0, 0, 0, 0), words), CAVERN_TOO_LARGE);
    CHECK_OK(cavern_sys_send(sender, CAVERN_INFO(16384, 0, 0, 0, 0), words));
}

static void bad_bodies_are_refused(void)
{
    struct cavern_queue queue;
    test_queue(&queue, 64, 4);
    cavern_handle sender = test_sender(&queue, 0);
    uint8_t *page = test_memory(4096);
    static const uint64_t nowhere[] = {0, 8, 0x10000, 0x7ffffffff000, ~UINT64_C(7), 0xffff000000080000};
    for (unsigned i = 0; i < sizeof nowhere / sizeof *nowhere; i++)
        CHECK_STATUS(cavern_sys_send(sender, CAVERN_INFO(64, 0, 0, 0, 0), (const uint64_t[5]){nowhere[i]}),
                     CAVERN_BAD_ADDRESS);
    uint64_t words[5] = {(uintptr_t)page + 4}; /* not a multiple of 8 */
    CHECK_STATUS(cavern_sys_send(sender, CAVERN_INFO(64, 0, 0, 0, 0), words), CAVERN_BAD_ADDRESS);
    words[0] = (uintptr_t)page + 4096 - 32; /* runs out of the mapping */
    CHECK_STATUS(cavern_sys_send(sender, CAVERN_INFO(64, 0, 0, 0, 0), words), CAVERN_BAD_ADDRESS);
    words[0] = (uintptr_t)page;
    CHECK_STATUS(cavern_sys_send(sender, CAVERN_INFO(8, 0, 1, 0, 0), words), CAVERN_BAD_ARGUMENT);
    CHECK_STATUS(cavern_sys_send(sender, CAVERN_INFO(8, 0, 0, 5, 0), words), CAVERN_BAD_ARGUMENT);
    test_nothing(&queue);
}

static void space_notice_comes_with_room(void)
{
    struct cavern_queue full, own;
    struct cavern_message message;
    test_queue(&full, 64, 0);
    test_queue(&own, 64, 0);
    cavern_handle sender = test_sender(&full, 0);
    while (test_send_word(sender, 0) == CAVERN_OK)
        ;
    CHECK_OK(cavern_space(sender, 42, 2, 0, &own));
    CHECK_STATUS(cavern_space(sender, 43, 1, 0, &own), CAVERN_BUSY);
    CHECK(OBSERVE(full.control->waiters) != 0);
    test_receive(&full, CAVERN_KIND_MESSAGE, &message);
    cavern_queue_release(&full, &message);
    test_nothing(&own); /* two blocks were asked for */
    test_receive(&full, CAVERN_KIND_MESSAGE, &message);
    cavern_queue_release(&full, &message);
    test_receive(&own, CAVERN_KIND_SPACE, &message);
    CHECK_EQUAL(message.header.label, 42);
    CHECK_EQUAL(OBSERVE(full.control->waiters), 0);
    CHECK_OK(test_send_word(sender, 0));
    CHECK_STATUS(cavern_space(sender, 44, 1, 0, &own), CAVERN_BUSY);
    cavern_queue_release(&own, &message);
    CHECK_OK(cavern_space(sender, 45, 1, 0, &own)); /* there is room for one */
    test_receive(&own, CAVERN_KIND_SPACE, &message);
    CHECK_EQUAL(message.header.label, 45);
    cavern_queue_release(&own, &message);
    CHECK_STATUS(cavern_space(sender, 46, 65, 0, &own), CAVERN_TOO_LARGE);
}

static void unbound_queue_keeps_messages(void)
{
    uint64_t handle, ring, control, bound;
    struct cavern_queue queue;
    struct cavern_message message;
    cavern_handle sender;
    CHECK_OK(cavern_sys_queue_create(CAVERN_SELF_ACCOUNT, 64, 0, 0, &handle));
    CHECK_OK(cavern_sender_mint(handle, 5, 10, 0, 0, &sender));
    CHECK_OK(test_send_word(sender, 1));
    CHECK_OK(test_send_word(sender, 2));
    CHECK_OK(cavern_sys_queue_bind(handle, CAVERN_SELF_PROCESS, 0, &ring, &control, &bound));
    CHECK_EQUAL(bound, 2);
    cavern_queue_attach(&queue, handle, ring, control, bound);
    for (uint64_t word = 1; word <= 2; word++) {
        test_receive(&queue, CAVERN_KIND_MESSAGE, &message);
        CHECK_EQUAL(test_word(&message, 0), word);
        cavern_queue_release(&queue, &message);
    }
}

static void queue_that_is_gone_answers_gone(void)
{
    struct cavern_queue queue;
    test_queue(&queue, 64, 1);
    cavern_handle sender = test_sender(&queue, 0);
    CHECK_OK(cavern_sys_queue_bind(queue.handle, 0, 0, &(uint64_t){0}, &(uint64_t){0}, &(uint64_t){0}));
    CHECK_OK(cavern_sys_handle_close(queue.handle));
    CHECK_STATUS(test_send_word(sender, 0), CAVERN_GONE);
    CHECK_STATUS(test_call_word(sender, 0, CAVERN_FOREVER, &(uint64_t){0}), CAVERN_GONE);
    CHECK_STATUS(cavern_sender_mint(sender, 0, 1, 1, 0, &sender), CAVERN_GONE);
}

static void second_receiver_is_busy(void)
{
    test_queue(&receiver.queue, 64, 0);
    struct cavern_received received;
    test_thread(receive_once, NULL, TEST_PRIORITY_HIGH);
    CHECK_STATUS(cavern_sys_receive(receiver.queue.handle, CAVERN_FOREVER, &received), CAVERN_BUSY);
}

static void deadline_is_kept(void)
{
    struct cavern_received received;
    test_queue(&receiver.queue, 64, 0);
    CHECK_STATUS(cavern_sys_receive(receiver.queue.handle, CAVERN_POLL, &received), CAVERN_TIMEOUT);
    for (unsigned i = 0; i < 20; i++) {
        uint64_t deadline = cavern_now() + i * 100 * CAVERN_MICROSECOND;
        CHECK_STATUS(cavern_sys_receive(receiver.queue.handle, deadline, &received), CAVERN_TIMEOUT);
        CHECK(cavern_now() >= deadline);
        CHECK(cavern_now() < deadline + CAVERN_SECOND / 2);
    }
}

static void foreign_queue_is_denied(void)
{
    uint64_t handle;
    struct cavern_received received;
    CHECK_OK(cavern_sys_queue_create(CAVERN_SELF_ACCOUNT, 64, 1, 0, &handle));
    CHECK_STATUS(cavern_sys_receive(handle, CAVERN_POLL, &received), CAVERN_DENIED);
    CHECK_STATUS(cavern_sys_queue_freed(handle), CAVERN_DENIED);
    CHECK_STATUS(cavern_sys_drop(handle, 0x10001), CAVERN_DENIED);
}

static void closed_notice_comes_after_the_last_message(void)
{
    struct cavern_queue queue;
    struct cavern_message message;
    cavern_handle sender, second;
    test_queue(&queue, 64, 0);
    CHECK_OK(cavern_sender_mint(queue.handle, LABEL, 10, 0, CAVERN_MINT_CLOSED, &sender));
    CHECK_OK(cavern_handle_duplicate(sender, CAVERN_RIGHT_SEND, &second));
    CHECK_OK(test_send_word(second, 1));
    cavern_handle_close(sender);
    test_receive(&queue, CAVERN_KIND_MESSAGE, &message);
    cavern_queue_release(&queue, &message);
    test_nothing(&queue);
    CHECK_OK(test_send_word(second, 2));
    cavern_handle_close(second);
    test_receive(&queue, CAVERN_KIND_MESSAGE, &message);
    CHECK_EQUAL(test_word(&message, 0), 2);
    cavern_queue_release(&queue, &message);
    test_receive(&queue, CAVERN_KIND_CLOSED, &message);
    CHECK_EQUAL(message.header.label, LABEL);
    cavern_queue_release(&queue, &message);
    test_nothing(&queue);
}

static void send_anything(void)
{
    cavern_handle sender = test_handle("to");
    for (uint64_t i = 1; i <= 3; i++)
        CHECK_OK(test_send_word(sender, i));
}

static void messages_from_another_process(void)
{
    struct cavern_queue queue;
    struct cavern_message message;
    struct test_peer peer;
    struct cavern_process_info info;
    uint64_t next, written;
    test_queue(&queue, 64, 0);
    test_peer("send_anything", (struct cavern_spawn_handle[]){test_give("to", test_sender(&queue, 3), RIGHTS_SENDER)},
              1, &peer);
    CHECK_OK(
        cavern_sys_inspect(peer.process, CAVERN_INSPECT_PROCESS, 0, (uintptr_t)&info, sizeof info, &next, &written));
    for (uint64_t i = 1; i <= 3; i++) {
        test_receive(&queue, CAVERN_KIND_MESSAGE, &message);
        CHECK_EQUAL(test_word(&message, 0), i);
        CHECK_EQUAL(message.header.sender, info.id);
        cavern_queue_release(&queue, &message);
    }
    test_peer_done(&peer);
}

static void misused_control_page_ends_the_owner(void)
{
    struct cavern_queue queue;
    test_queue(&queue, 64, 0);
    queue.control->head = 5;
    (void)!test_send_word(test_sender(&queue, 0), 0);
    cavern_sleep_until(cavern_after(CAVERN_SECOND));
}

static void control_page_misuse_ends_its_owner_alone(void)
{
    struct test_peer peer;
    uint64_t words[5];
    test_peer("misused_control_page", NULL, 0, &peer);
    test_peer_exit(&peer, words, true);
    CHECK_EQUAL(words[CAVERN_EXIT_REASON], CAVERN_REASON_CONTROL_PAGE);
}

const struct test_case test_cases[] = {
    {"a waiting thread gets five words in registers", waiting_thread_gets_registers,
     "[MSG-RECEIVE-1] [MSG-SENDER-1] [ABI-MSG-1] [ABI-HEADER-1] [SCHED-2]"},
    {"a waiting thread is told of larger ones", waiting_thread_is_told_of_larger_ones, "[MSG-RECEIVE-2] [ABI-MSG-2]"},
    {"waiting messages come through the ring in order", waiting_messages_come_through_the_ring_in_order,
     "[MSG-RECEIVE-3] [MSG-SEND-5]"},
    {"a full queue refuses until blocks are freed", full_queue_refuses_until_freed,
     "[MSG-SEND-1] [MSG-SEND-3] [MSG-FREE-1] [ABI-FAIL-1]"},
    {"a sender at its limit holds up nobody else", sender_limit_holds_up_nobody_else, "[MSG-SENDER-2] [MSG-SENDER-4]"},
    {"what can never fit is too large", impossible_sizes_are_too_large, "[MSG-SEND-2] [MSG-SEND-4]"},
    {"bad bodies are refused", bad_bodies_are_refused, "[ABI-ADDR-1] [ABI-ADDR-2] [MSG-SEND-8]"},
    {"a space notice comes with the room", space_notice_comes_with_room,
     "[MSG-SPACE-1] [MSG-SPACE-3] [MSG-SPACE-4] [MSG-FREE-2]"},
    {"a queue that is bound to nobody keeps messages", unbound_queue_keeps_messages, "[MSG-SEND-6]"},
    {"a queue that is gone answers so", queue_that_is_gone_answers_gone, "[MSG-QUEUE-3] [MSG-QUEUE-4]"},
    {"a second receiver is busy", second_receiver_is_busy, "[MSG-RECEIVE-5]"},
    {"a deadline is kept", deadline_is_kept, "[MSG-RECEIVE-4] [ABI-CALL-2] [SCHED-8]"},
    {"a queue that is not bound here is denied", foreign_queue_is_denied, "[MSG-QUEUE-2]"},
    {"closed comes after the last message", closed_notice_comes_after_the_last_message,
     "[MSG-CLOSED-1] [MSG-CLOSED-2]"},
    {"messages from another process", messages_from_another_process, "[MSG-SEND-5] [ABI-HEADER-1]"},
    {"misuse of the control page ends its owner", control_page_misuse_ends_its_owner_alone,
     "[MSG-CONTROL-2] [MSG-CONTROL-3]"},
    {0},
};

const struct test_peer_function test_peers[] = {
    {"send_anything", send_anything},
    {"misused_control_page", misused_control_page_ends_the_owner},
    {0},
};
