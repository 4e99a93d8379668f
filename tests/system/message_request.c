/* SPDX-License-Identifier: BSD-2-Clause */
/* Requests and their one ending: reply, abandoned, or a successful cancel. */
#include "test.h"

#define TOKEN 0xabcdef0123456789

static struct {
    struct cavern_queue server, client;
    cavern_handle sender;
} t;

static void set_up(unsigned slots)
{
    test_queue(&t.server, 64, slots);
    test_queue(&t.client, 64, 0);
    t.sender = test_sender(&t.server, 7);
}

/* Takes the next request and frees it; returns its id. */
static uint32_t take_request(void)
{
    struct cavern_message message;
    test_receive(&t.server, CAVERN_KIND_REQUEST, &message);
    CHECK_EQUAL(message.header.label, 7);
    cavern_queue_release(&t.server, &message);
    return message.header.request;
}

static void expect_ending(enum cavern_kind kind, uint64_t token)
{
    struct cavern_message message;
    test_receive(&t.client, kind, &message);
    CHECK_EQUAL(message.header.label, token);
    CHECK_EQUAL(message.header.request, 0);
    cavern_queue_release(&t.client, &message);
}

static void reply_comes_with_the_token(void)
{
    struct cavern_message message;
    uint32_t id;
    set_up(4);
    CHECK_OK(test_request_word(t.sender, TOKEN, 5, &t.client, &id));
    CHECK_EQUAL(take_request(), id);
    CHECK_OK(test_reply_word(&t.server, id, 6));
    test_receive(&t.client, CAVERN_KIND_REPLY, &message);
    CHECK_EQUAL(message.header.label, TOKEN);
    CHECK_EQUAL(message.header.request, 0);
    CHECK_EQUAL(test_word(&message, 0), 6);
    cavern_queue_release(&t.client, &message);
    CHECK_STATUS(test_reply_word(&t.server, id, 6), CAVERN_CANCELLED);
    CHECK_STATUS(cavern_sys_drop(t.server.handle, id), CAVERN_CANCELLED);
    CHECK_STATUS(test_reply_word(&t.server, 0, 6), CAVERN_CANCELLED);
    CHECK_STATUS(test_reply_word(&t.server, 0xffffffff, 6), CAVERN_CANCELLED);
    test_nothing(&t.client);
}

static void ids_follow_slots_and_generations(void)
{
    static const uint32_t expected[] = {0x10001, 0x10002, 0x10003, 0x20002, 0x20001};
    uint32_t id[5];
    set_up(3);
    for (unsigned i = 0; i < 3; i++)
        CHECK_OK(test_request_word(t.sender, i, 0, &t.client, &id[i]));
    CHECK_OK(test_reply_word(&t.server, id[1], 0));
    CHECK_OK(test_reply_word(&t.server, id[0], 0));
    for (unsigned i = 3; i < 5; i++)
        CHECK_OK(test_request_word(t.sender, i, 0, &t.client, &id[i]));
    for (unsigned i = 0; i < 5; i++)
        CHECK_EQUAL(id[i], expected[i]);
    CHECK_STATUS(test_request_word(t.sender, 9, 0, &t.client, NULL), CAVERN_QUEUE_FULL);
}

static void slots_and_limits_refuse(void)
{
    struct cavern_queue none;
    cavern_handle limited;
    set_up(8);
    CHECK_OK(cavern_sender_mint(t.server.handle, 0, 10, 2, 0, &limited));
    for (unsigned i = 0; i < 2; i++)
        CHECK_OK(test_request_word(limited, i, 0, &t.client, NULL));
    CHECK_STATUS(test_request_word(limited, 0, 0, &t.client, NULL), CAVERN_QUEUE_FULL);
    CHECK_OK(test_request_word(t.sender, 0, 0, &t.client, NULL));
    test_queue(&none, 64, 0);
    CHECK_STATUS(test_request_word(test_sender(&none, 0), 0, 0, &t.client, NULL), CAVERN_QUEUE_FULL);
    CHECK_OK(cavern_sender_mint(t.server.handle, 0, 10, 0, 0, &limited));
    CHECK_STATUS(test_request_word(limited, 0, 0, &t.client, NULL), CAVERN_QUEUE_FULL);
}

static void room_for_the_ending_is_reserved(void)
{
    struct cavern_outgoing out = {0};
    struct cavern_message message;
    uint32_t id;
    set_up(8);
    CHECK_OK(cavern_request(t.sender, 1, &out, &t.client, 60, &id));
    CHECK_STATUS(cavern_request(t.sender, 2, &out, &t.client, 5, NULL), CAVERN_QUEUE_FULL);
    CHECK_STATUS(cavern_request(t.sender, 2, &out, &t.client, 65, NULL), CAVERN_TOO_LARGE);
    CHECK_STATUS(cavern_request(t.sender, 2, &out, &t.client, 0, NULL), CAVERN_BAD_ARGUMENT);
    CHECK_STATUS(cavern_request(t.sender, 2, &out, &t.client, 260, NULL), CAVERN_BAD_ARGUMENT);
    cavern_handle to_client = test_sender(&t.client, 0);
    for (unsigned i = 0; i < 4; i++)
        CHECK_OK(test_send_word(to_client, i));
    CHECK_STATUS(test_send_word(to_client, 9), CAVERN_QUEUE_FULL);
    CHECK_OK(test_reply_word(&t.server, id, 0)); /* one block; the other 59 are room again */
    for (unsigned i = 0; i < 59; i++)
        CHECK_OK(test_send_word(to_client, i));
    CHECK_STATUS(test_send_word(to_client, 9), CAVERN_QUEUE_FULL);
    for (unsigned i = 0; i < 4 + 1 + 59; i++) {
        CHECK(cavern_queue_take(&t.client, &message));
        CHECK_EQUAL(message.header.kind, i == 4 ? CAVERN_KIND_REPLY : CAVERN_KIND_MESSAGE);
    }
}

static void large_reply_leaves_the_request_pending(void)
{
    uint8_t bytes[41] = {0};
    uint32_t id;
    set_up(1);
    CHECK_OK(test_request_word(t.sender, TOKEN, 0, &t.client, &id));
    CHECK_STATUS(cavern_reply(&t.server, id, &(struct cavern_outgoing){.payload = bytes, .size = 41}),
                 CAVERN_TOO_LARGE);
    test_nothing(&t.client);
    CHECK_OK(cavern_reply(&t.server, id, &(struct cavern_outgoing){.payload = bytes, .size = 40}));
    expect_ending(CAVERN_KIND_REPLY, TOKEN);
}

static void drop_abandons(void)
{
    uint32_t id;
    set_up(1);
    CHECK_OK(test_request_word(t.sender, TOKEN, 0, &t.client, &id));
    CHECK_OK(cavern_sys_drop(t.server.handle, id));
    expect_ending(CAVERN_KIND_ABANDONED, TOKEN);
    test_nothing(&t.client);
}

static void cancel_takes_the_ending_away(void)
{
    struct cavern_message message;
    uint32_t id, next;
    set_up(1);
    CHECK_OK(test_request_word(t.sender, TOKEN, 0, &t.client, &id));
    CHECK_OK(cavern_cancel(t.sender, id));
    CHECK_STATUS(cavern_cancel(t.sender, id), CAVERN_TOO_LATE);
    test_receive(&t.server, CAVERN_KIND_REQUEST, &message); /* the server has it still */
    CHECK_EQUAL(message.header.request, id);
    CHECK_STATUS(test_reply_word(&t.server, id, 0), CAVERN_CANCELLED);
    CHECK_STATUS(cavern_sys_drop(t.server.handle, id), CAVERN_CANCELLED);
    cavern_queue_release(&t.server, &message);
    test_nothing(&t.client);
    CHECK_OK(test_request_word(t.sender, TOKEN, 0, &t.client, &next));
    CHECK(next != id);
    CHECK_OK(test_reply_word(&t.server, next, 0));
    CHECK_STATUS(cavern_cancel(t.sender, next), CAVERN_TOO_LATE);
    expect_ending(CAVERN_KIND_REPLY, TOKEN);
}

static void cancel_another(void)
{
    cavern_handle sender = test_handle("to");
    CHECK_STATUS(cavern_cancel(sender, 0x10001), CAVERN_TOO_LATE);
}

static void cancel_is_for_the_sending_process(void)
{
    struct test_peer peer;
    uint32_t id;
    set_up(1);
    CHECK_OK(test_request_word(t.sender, TOKEN, 0, &t.client, &id));
    CHECK_EQUAL(id, 0x10001);
    struct cavern_spawn_handle handles[] = {test_give("to", t.sender, RIGHTS_SENDER)};
    test_peer("cancel_another", handles, 1, &peer);
    test_peer_done(&peer);
    CHECK_OK(test_reply_word(&t.server, id, 0));
    expect_ending(CAVERN_KIND_REPLY, TOKEN);
}

static void many_requests_each_end_once(void)
{
    enum { COUNT = 500 };
    static uint8_t ended[COUNT];
    struct cavern_message message;
    unsigned sent = 0, endings = 0;
    set_up(16);
    for (unsigned turn = 0; endings < COUNT; turn++) {
        while (sent < COUNT && test_request_word(t.sender, sent, sent, &t.client, NULL) == CAVERN_OK)
            sent++;
        while (cavern_queue_take(&t.server, &message)) {
            if ((turn + message.header.request) % 3)
                CHECK_OK(test_reply_word(&t.server, message.header.request, 0));
            else
                CHECK_OK(cavern_sys_drop(t.server.handle, message.header.request));
            cavern_queue_release(&t.server, &message);
        }
        while (cavern_queue_take(&t.client, &message)) {
            CHECK(message.header.label < COUNT && !ended[message.header.label]);
            ended[message.header.label] = 1;
            endings++;
            cavern_queue_release(&t.client, &message);
        }
    }
}

static uint8_t pattern(unsigned i)
{
    return (uint8_t)(i * 7 + i / 256);
}

static void check_pattern(const uint8_t *bytes)
{
    for (unsigned i = 0; i < CAVERN_PAYLOAD_MAX; i++)
        CHECK(bytes[i] == pattern(i));
}

/* 16 KiB, four leases and four grants there, 16 KiB and four grants back. */
static void largest_messages_go_through_whole(void)
{
    struct cavern_message message;
    struct cavern_lease leases[4];
    struct cavern_grant grants[4];
    uint8_t *bytes = test_memory(CAVERN_PAYLOAD_MAX);
    uint32_t id;
    test_queue(&t.server, 512, 1);
    test_queue(&t.client, 512, 0);
    t.sender = test_sender(&t.server, 7);
    for (unsigned i = 0; i < CAVERN_PAYLOAD_MAX; i++)
        bytes[i] = pattern(i);
    for (unsigned i = 0; i < 4; i++) {
        leases[i] =
            (struct cavern_lease){.address = (uintptr_t)bytes + i, .length = i + 1, .rights = CAVERN_LEASE_READ};
        grants[i] = (struct cavern_grant){test_sender(&t.client, i), CAVERN_RIGHT_SEND};
    }
    struct cavern_outgoing out = {bytes, CAVERN_PAYLOAD_MAX, 5, leases, grants, 4, 4};
    for (unsigned turn = 0; turn < 5; turn++) { /* the ring's end lies somewhere in one of them */
        CHECK_OK(cavern_request(t.sender, TOKEN, &out, &t.client, 259, &id));
        CHECK_EQUAL(t.server.control->tail, (turn + 1) * 259);
        test_receive(&t.server, CAVERN_KIND_REQUEST, &message);
        CHECK_EQUAL(message.header.size, CAVERN_PAYLOAD_MAX);
        check_pattern(message.payload);
        for (unsigned i = 0; i < 4; i++) {
            CHECK_EQUAL(message.leases[i].length, i + 1);
            CHECK_EQUAL(message.leases[i].rights, CAVERN_LEASE_READ);
            CHECK_EQUAL(message.grants[i].handle, CAVERN_TYPE_SENDER);
        }
        struct cavern_outgoing back = {
            .payload = bytes, .size = CAVERN_PAYLOAD_MAX, .grants = grants, .grant_count = 4};
        CHECK_OK(cavern_reply(&t.server, id, &back));
        cavern_queue_release(&t.server, &message);
        test_receive(&t.client, CAVERN_KIND_REPLY, &message);
        CHECK_EQUAL(message.grant_count, 4);
        check_pattern(message.payload);
        cavern_queue_release(&t.client, &message);
    }
}

static void take_and_die(void)
{
    struct cavern_queue queue;
    struct cavern_message message;
    CHECK_OK(cavern_queue_open(CAVERN_STARTUP_QUEUE, &queue));
    for (unsigned i = 0; i < 2; i++)
        test_receive(&queue, CAVERN_KIND_REQUEST, &message);
}

static void death_of_the_server_abandons_what_it_took(void)
{
    struct cavern_spawn setup = test_peer_setup("take_and_die");
    struct cavern_spawn_handle report = test_give(TEST_REPORT, test_handle(TEST_REPORT), RIGHTS_SENDER);
    struct test_peer peer;
    CHECK_OK(cavern_sys_queue_create(CAVERN_SELF_ACCOUNT, 64, 8, 0, &setup.queue));
    test_queue(&t.client, 64, 0);
    CHECK_OK(cavern_sender_mint(setup.queue, 0, 8, 8, 0, &t.sender));
    for (uint64_t token = 1; token <= 3; token++)
        CHECK_OK(test_request_word(t.sender, token, 0, &t.client, NULL));
    setup.handles = &report;
    setup.handle_count = 1;
    test_peer_start(&setup, &peer);
    test_peer_done(&peer);
    expect_ending(CAVERN_KIND_ABANDONED, 1);
    expect_ending(CAVERN_KIND_ABANDONED, 2);
    test_nothing(&t.client);
    cavern_handle_close(setup.queue);
    expect_ending(CAVERN_KIND_ABANDONED, 3);
}

const struct test_case test_cases[] = {
    {"a reply comes with the token", reply_comes_with_the_token, "[MSG-REQUEST-1] [MSG-REQUEST-3] [MSG-REPLY-1]"},
    {"ids follow slots and generations", ids_follow_slots_and_generations, "[MSG-REQUEST-5]"},
    {"slots and limits refuse", slots_and_limits_refuse, "[MSG-REQUEST-4] [MSG-SENDER-4] [MSG-QUEUE-1]"},
    {"room for the ending is reserved", room_for_the_ending_is_reserved,
     "[MSG-REQUEST-2] [MSG-REQUEST-6] [MSG-REPLY-3] [MSG-ROOM-1]"},
    {"a reply that is too large leaves the request pending", large_reply_leaves_the_request_pending, "[MSG-REPLY-2]"},
    {"drop abandons", drop_abandons, "[MSG-REPLY-4]"},
    {"cancel takes the ending away", cancel_takes_the_ending_away, "[MSG-CANCEL-1] [MSG-CANCEL-2] [MSG-CANCEL-3]"},
    {"cancel is for the process that sent it", cancel_is_for_the_sending_process, "[MSG-CANCEL-2]"},
    {"many requests end once each", many_requests_each_end_once, "[MSG-REQUEST-1]"},
    {"the largest messages go through whole", largest_messages_go_through_whole,
     "[MSG-SEND-2] [MSG-SEND-4] [ABI-MSG-2] [MSG-REPLY-3] [MSG-ROOM-1]"},
    {"the death of the server abandons what it took", death_of_the_server_abandons_what_it_took,
     "[MSG-BIND-2] [MSG-BIND-3] [MSG-QUEUE-3]"},
    {0},
};

const struct test_peer_function test_peers[] = {
    {"cancel_another", cancel_another},
    {"take_and_die", take_and_die},
    {0},
};
