/* SPDX-License-Identifier: BSD-2-Clause */
/* Requests and their endings, calls, over the simulated machine. spec/messages.md. */
#include "unit.h"

#include "object/queue.h"
#include "peer_memory.h"

static struct peer server, client;
static struct taken got;
static cavern_handle sender;

static int start(void **state)
{
    (void)state;
    model_start(64 << 20);
    peer_start(&server, "server", 20, 64, 4);
    peer_start(&client, "client", 10, 64, 4);
    sender = peer_sender(&client, &server, 5, 100, 100, 0);
    return 0;
}

static uint64_t request(uint64_t token, uint64_t blocks)
{
    return peer_call(
        &client, REQUEST,
        sender, [1] = CAVERN_INFO(8, 0, 0, 0, 3), [2] = token, [3] = token, [9] = client.queue, [10] = blocks);
}

static uint64_t reply(uint64_t id, unsigned size)
{
    return peer_call(
        &server, REPLY,
        server.queue, [1] = CAVERN_INFO(size, 0, 0, 0, 0), [2] = id, [3] = size > 40 ? server.memory : 0xaa);
}

static uint64_t call(uint64_t deadline, uint64_t bytes, uint64_t places)
{
    return peer_call(&client, CALL, sender, [1] = CAVERN_INFO(8, 0, 0, 0, 0), [2] = 0x70, [3] = 0xbb, [9] = deadline,
                     [10] = client.memory, [11] = bytes | places << 32);
}

static uint32_t take_request(void)
{
    assert_true(peer_take(&server, &got));
    assert_int_equal(got.header.kind, CAVERN_KIND_REQUEST);
    peer_free(&server);
    return got.header.request;
}

static void assert_ending(enum cavern_kind kind, uint64_t token)
{
    assert_true(peer_take(&client, &got));
    assert_int_equal(got.header.kind, kind);
    assert_int_equal(got.header.label, token);
    assert_int_equal(got.header.request, 0);
    peer_free(&client);
}

/* [MSG-REQUEST-1] [MSG-REQUEST-3] */
static void test_request_reply_comes_once_with_token(void **state)
{
    (void)state;
    assert_int_equal(request(0x1234, 1), CAVERN_OK);
    uint64_t id = client.x[1];
    assert_int_equal(take_request(), id);
    assert_int_equal(reply(id, 16), CAVERN_OK);
    assert_int_equal(reply(id, 16), CAVERN_CANCELLED);
    assert_int_equal(peer_call(&server, DROP, server.queue, [2] = id), CAVERN_CANCELLED);
    assert_int_equal(peer_call(&client, CANCEL, sender, [2] = id), CAVERN_TOO_LATE);
    assert_ending(CAVERN_KIND_REPLY, 0x1234);
    assert_int_equal(got.header.sender, server.process->id);
    assert_int_equal(*(uint64_t *)got.body, 0xaa);
    assert_false(peer_take(&client, &got));
}

/* [MSG-REQUEST-1] The client waits, so the ending comes in registers. */
static void test_request_reply_to_waiting_thread(void **state)
{
    (void)state;
    assert_int_equal(request(9, 3), CAVERN_OK);
    uint32_t id = take_request();
    assert_int_equal(peer_call(&client, RECEIVE, client.queue, [9] = CAVERN_FOREVER), MODEL_WAITS);
    assert_int_equal(reply(id, 8), CAVERN_OK);
    assert_int_equal(peer_woken(&client), CAVERN_OK);
    assert_int_equal(client.x[3], 9);
    assert_int_equal(client.x[4], 0xaa);
    assert_int_equal(peer_queue(&client)->ring.reserved, 0);
}

/* [MSG-REQUEST-2] */
static void test_request_room_for_ending_is_reserved(void **state)
{
    (void)state;
    assert_int_equal(request(1, 65), CAVERN_TOO_LARGE);
    assert_int_equal(request(1, 40), CAVERN_OK);
    assert_int_equal(request(2, 30), CAVERN_QUEUE_FULL);
    assert_int_equal(request(2, 24), CAVERN_OK);
    /* Nothing else fits into what is promised. */
    cavern_handle own = peer_sender(&client, &client, 1, 10, 1, 0);
    assert_int_equal(peer_call(&client, SEND, own), CAVERN_QUEUE_FULL);
    assert_int_equal(reply(take_request(), 1000), CAVERN_OK);
    assert_int_equal(reply(take_request(), 8), CAVERN_OK);
    assert_ending(CAVERN_KIND_REPLY, 1);
    assert_ending(CAVERN_KIND_REPLY, 2);
}

/* [MSG-REQUEST-4] */
static void test_request_without_slot_is_full(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(request(i, 1), CAVERN_OK);
    assert_int_equal(request(4, 1), CAVERN_QUEUE_FULL);
    assert_int_equal(peer_queue(&client)->ring.reserved, 4);
    assert_int_equal(reply(take_request(), 0), CAVERN_OK);
    assert_int_equal(request(4, 1), CAVERN_OK);
}

/* [MSG-QUEUE-1] */
static void test_request_to_queue_without_slots_is_full(void **state)
{
    (void)state;
    struct peer mute;
    peer_start(&mute, "mute", 20, 64, 0);
    cavern_handle to = peer_sender(&client, &mute, 1, 10, 10, 0);
    assert_int_equal(peer_call(&client, REQUEST, to, [9] = client.queue, [10] = 1), CAVERN_QUEUE_FULL);
    assert_int_equal(peer_call(&client, CALL, to, [9] = CAVERN_FOREVER), CAVERN_QUEUE_FULL);
    assert_int_equal(peer_call(&mute, REPLY, mute.queue, [2] = 0x10001), CAVERN_CANCELLED);
}

/* [MSG-REQUEST-5] */
static void test_request_ids_in_order(void **state)
{
    (void)state;
    static const uint32_t ids[] = {0x10001, 0x10002, 0x10003, 0x10004, 0x20001, 0x20002};
    for (unsigned i = 0; i < COUNT_OF(ids); i++) {
        assert_int_equal(request(i, 1), CAVERN_OK);
        assert_int_equal(client.x[1], ids[i]);
        assert_int_equal(reply(take_request(), 0), CAVERN_OK);
        assert_ending(CAVERN_KIND_REPLY, i);
    }
}

/* [MSG-REQUEST-6] */
static void test_request_bad_blocks_refused(void **state)
{
    (void)state;
    assert_int_equal(request(1, 0), CAVERN_BAD_ARGUMENT);
    assert_int_equal(request(1, 260), CAVERN_BAD_ARGUMENT);
    assert_int_equal(request(1, (uint64_t)1 << 32 | 1), CAVERN_BAD_ARGUMENT);
}

/* [MSG-REPLY-1] */
static void test_reply_to_unknown_id_is_cancelled(void **state)
{
    (void)state;
    assert_int_equal(request(1, 1), CAVERN_OK);
    static const uint64_t ids[] = {0, 1, 0x10002, 0x20001, 0xffffffff, 0x100010001, UINT64_MAX};
    for (unsigned i = 0; i < COUNT_OF(ids); i++) {
        assert_int_equal(reply(ids[i], 0), CAVERN_CANCELLED);
        assert_int_equal(peer_call(&server, DROP, server.queue, [2] = ids[i]), CAVERN_CANCELLED);
        assert_int_equal(peer_call(&client, CANCEL, sender, [2] = ids[i]), CAVERN_TOO_LATE);
    }
}

/* [MSG-REPLY-2] [MSG-REPLY-3] */
static void test_reply_too_large_leaves_request_pending(void **state)
{
    (void)state;
    assert_int_equal(request(1, 2), CAVERN_OK);
    uint32_t id = take_request();
    assert_int_equal(reply(id, 105), CAVERN_TOO_LARGE);
    assert_int_equal(peer_call(&server, REPLY, server.queue, [1] = CAVERN_INFO(48, 0, 0, 0, 0), [2] = id, [3] = 8),
                     CAVERN_BAD_ADDRESS);
    assert_int_equal(
        peer_call(&server, REPLY, server.queue, [1] = CAVERN_INFO(48, 0, 1, 0, 0), [2] = id, [3] = server.memory),
        CAVERN_BAD_ARGUMENT);
    assert_int_equal(reply(id, 8), CAVERN_OK);
    assert_int_equal(peer_queue(&client)->ring.reserved, 0);
    assert_int_equal(ring_used(&peer_queue(&client)->ring), 1);
}

/* [MSG-REPLY-4] */
static void test_drop_abandons(void **state)
{
    (void)state;
    assert_int_equal(request(7, 2), CAVERN_OK);
    assert_int_equal(peer_call(&server, DROP, server.queue, [2] = take_request()), CAVERN_OK);
    assert_ending(CAVERN_KIND_ABANDONED, 7);
    assert_int_equal(got.header.size, 0);
}

/* [MSG-REQUEST-1] [MSG-CANCEL-1] [MSG-CANCEL-3] */
static void test_cancel_no_ending_comes(void **state)
{
    (void)state;
    assert_int_equal(request(7, 2), CAVERN_OK);
    uint64_t id = client.x[1];
    assert_int_equal(peer_call(&client, CANCEL, sender, [2] = id), CAVERN_OK);
    assert_int_equal(peer_call(&client, CANCEL, sender, [2] = id), CAVERN_TOO_LATE);
    assert_int_equal(take_request(), id);
    assert_int_equal(reply(id, 0), CAVERN_CANCELLED);
    assert_int_equal(peer_call(&server, DROP, server.queue, [2] = id), CAVERN_CANCELLED);
    assert_int_equal(peer_call(&server, LEASE_COPY, server.queue, [2] = id), CAVERN_CANCELLED);
    assert_false(peer_take(&client, &got));
    assert_int_equal(peer_queue(&client)->ring.reserved, 0);
}

/* [MSG-CANCEL-2] */
static void test_cancel_by_another_process_is_too_late(void **state)
{
    (void)state;
    struct peer other;
    peer_start(&other, "other", 10, 64, 1);
    cavern_handle same = peer_sender(&other, &server, 1, 1, 1, 0);
    assert_int_equal(request(7, 2), CAVERN_OK);
    assert_int_equal(peer_call(&other, CANCEL, same, [2] = client.x[1]), CAVERN_TOO_LATE);
    assert_int_equal(reply(take_request(), 0), CAVERN_OK);
}

/* [MSG-CALL-1] [MSG-CALL-9] */
static void test_call_small_answer_in_registers(void **state)
{
    (void)state;
    assert_int_equal(peer_call(&server, RECEIVE, server.queue, [9] = CAVERN_FOREVER), MODEL_WAITS);
    uint64_t mark = 0x5555;
    peer_write(&client, 0, &mark, 8);
    assert_int_equal(call(CAVERN_FOREVER, 100, 0), MODEL_WAITS);
    assert_int_equal(peer_woken(&server), CAVERN_OK);
    assert_int_equal(server.x[4], 0xbb);
    uint64_t id = server.x[2] & 0xffffffff;
    assert_int_equal(reply(id, 40), CAVERN_OK);
    assert_int_equal(peer_woken(&client), CAVERN_OK);
    assert_int_equal(client.x[3], 0x70);
    assert_int_equal(client.x[4], 0xaa);
    peer_read(&client, 0, &mark, 8);
    assert_int_equal(mark, 0x5555);
}

/* [MSG-CALL-2] */
static void test_call_large_answer_in_memory(void **state)
{
    (void)state;
    uint8_t bytes[9000], back[9000];
    for (unsigned i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(i * 3);
    peer_write(&server, 0, bytes, sizeof bytes);
    assert_int_equal(call(CAVERN_FOREVER, 9000, 0), MODEL_WAITS);
    uint32_t id = take_request();
    assert_int_equal(reply(id, 9000), CAVERN_OK);
    assert_int_equal(peer_woken(&client), CAVERN_OK);
    assert_int_equal(client.x[1] & 0xffff, 9000);
    for (unsigned i = 4; i <= 8; i++)
        assert_int_equal(client.x[i], 0);
    peer_read(&client, 0, back, sizeof back);
    assert_memory_equal(bytes, back, sizeof bytes);
}

/* [MSG-CALL-3] */
static void test_call_grants_are_accepted_at_once(void **state)
{
    (void)state;
    cavern_handle gift = peer_sender(&server, &client, 8, 1, 1, 0);
    assert_int_equal(call(CAVERN_FOREVER, 64, 1), MODEL_WAITS);
    uint32_t id = take_request();
    struct cavern_grant grant = {gift, CAVERN_RIGHT_SEND};
    peer_write(&server, 8, &grant, sizeof grant);
    assert_int_equal(
        peer_call(&server, REPLY, server.queue, [1] = CAVERN_INFO(8, 0, 0, 1, 0), [2] = id, [3] = server.memory),
        CAVERN_OK);
    assert_int_equal(peer_woken(&client), CAVERN_OK);
    peer_read(&client, 8, &grant, sizeof grant);
    assert_int_equal(grant.rights, CAVERN_RIGHT_SEND);
    assert_int_equal(peer_call(&client, SEND, grant.handle), CAVERN_OK);
    assert_int_equal(peer_call(&client, REQUEST, grant.handle, [9] = client.queue, [10] = 1), CAVERN_DENIED);
}

/* [MSG-CALL-3] */
static void test_call_grant_that_cannot_be_paid_is_handle_0(void **state)
{
    (void)state;
    assert_int_equal(peer_call(&server, BUFFER_CREATE, CAVERN_SELF_ACCOUNT, [3] = 1 << 20), CAVERN_OK);
    cavern_handle buffer = server.x[1];
    assert_int_equal(call(CAVERN_FOREVER, 64, 1), MODEL_WAITS);
    struct budget *budget = &client.process->account->budget;
    budget->limit = budget->used + 65536;
    struct cavern_grant grant = {buffer, CAVERN_RIGHT_READ};
    peer_write(&server, 0, &grant, sizeof grant);
    assert_int_equal(
        peer_call(&server, REPLY,
                  server.queue, [1] = CAVERN_INFO(0, 0, 0, 1, 0), [2] = take_request(), [3] = server.memory),
        CAVERN_OK);
    assert_int_equal(peer_woken(&client), CAVERN_OK);
    peer_read(&client, 0, &grant, sizeof grant);
    assert_int_equal(grant.handle, 0);
    assert_int_equal(grant.rights, 0);
}

/* [MSG-CALL-4] */
static void test_call_answer_too_large_stays_pending(void **state)
{
    (void)state;
    assert_int_equal(call(CAVERN_FOREVER, 48, 0), MODEL_WAITS);
    uint32_t id = take_request();
    assert_int_equal(reply(id, 49), CAVERN_TOO_LARGE);
    struct cavern_grant grant = {sender, CAVERN_RIGHT_SEND};
    peer_write(&server, 8, &grant, sizeof grant);
    assert_int_equal(
        peer_call(&server, REPLY, server.queue, [1] = CAVERN_INFO(8, 0, 0, 1, 0), [2] = id, [3] = server.memory),
        CAVERN_TOO_LARGE);
    /* Nor is one that can't be read an answer. */
    assert_int_equal(
        peer_call(&server, REPLY,
                  server.queue, [1] = CAVERN_INFO(48, 0, 0, 0, 0), [2] = id, [3] = server.memory + PEER_MEMORY - 8),
        CAVERN_BAD_ADDRESS);
    assert_true(peer_waits(&client));
    assert_int_equal(reply(id, 48), CAVERN_OK);
    assert_int_equal(peer_woken(&client), CAVERN_OK);
}

/* [MSG-CALL-5] */
static void test_call_answer_memory_is_checked_and_kept(void **state)
{
    (void)state;
    assert_int_equal(peer_call(&client, CALL, sender, [9] = CAVERN_FOREVER, [10] = 0x1000, [11] = 8),
                     CAVERN_BAD_ADDRESS);
    assert_int_equal(
        peer_call(&client, CALL, sender, [9] = CAVERN_FOREVER, [10] = client.memory + PEER_MEMORY - 8, [11] = 16),
        CAVERN_BAD_ADDRESS);
    assert_int_equal(peer_call(&client, CALL, sender, [9] = CAVERN_FOREVER, [10] = client.ring, [11] = 64),
                     CAVERN_BAD_ADDRESS);
    cavern_handle buffer = peer_buffer(&client, 4096);
    assert_int_equal(peer_map(&client, buffer, 0, 4096, 0, CAVERN_PROT_READ), CAVERN_OK);
    assert_int_equal(peer_call(&client, CALL, sender, [9] = CAVERN_FOREVER, [10] = client.x[1], [11] = 64),
                     CAVERN_BAD_ADDRESS);
    assert_int_equal(peer_call(&client, CALL, sender, [9] = CAVERN_FOREVER, [10] = client.memory + 4, [11] = 64),
                     CAVERN_BAD_ADDRESS); /* [ABI-ADDR-1] */
    assert_int_equal(call(CAVERN_FOREVER, 64, CAVERN_ATTACHMENTS_MAX + 1), CAVERN_BAD_ARGUMENT);
    struct peer second = client;
    second.thread = model_thread(client.process, 10);
    assert_int_equal(call(CAVERN_FOREVER, 4096, 0), MODEL_WAITS);
    assert_int_equal(peer_call(&second, UNMAP, CAVERN_SELF_PROCESS, [3] = client.memory, [4] = PEER_MEMORY), CAVERN_OK);
    assert_int_equal(reply(take_request(), 4096), CAVERN_OK);
    assert_int_equal(peer_woken(&client), CAVERN_OK);
}

/* [MSG-CALL-6] */
static void test_call_deadline_cancels(void **state)
{
    (void)state;
    assert_int_equal(call(arch_now() + 1000, 0, 0), MODEL_WAITS);
    uint32_t id = take_request();
    model_set_time(arch_now() + 1000);
    assert_int_equal(peer_woken(&client), CAVERN_TIMEOUT);
    assert_int_equal(reply(id, 0), CAVERN_CANCELLED);
    assert_int_equal(request_table_free(&peer_queue(&server)->requests), 4);
}

/* [MSG-CALL-7] */
static void test_call_dropped_is_abandoned(void **state)
{
    (void)state;
    assert_int_equal(call(CAVERN_FOREVER, 0, 0), MODEL_WAITS);
    assert_int_equal(peer_call(&server, DROP, server.queue, [2] = take_request()), CAVERN_OK);
    assert_int_equal(peer_woken(&client), CAVERN_ABANDONED);
    assert_int_equal(call(CAVERN_FOREVER, 0, 0), MODEL_WAITS);
    assert_int_equal(take_request(), 0x10002);
    peer_end(&server);
    assert_int_equal(peer_woken(&client), CAVERN_ABANDONED);
}

/* [MSG-CALL-8] */
static void test_call_of_an_ended_thread_is_cancelled(void **state)
{
    (void)state;
    model_thread(client.process, 10);
    assert_int_equal(call(CAVERN_FOREVER, 100, 0), MODEL_WAITS);
    uint32_t id = take_request();
    assert_true(thread_end(client.thread, CAVERN_REASON_ENDED, 0));
    model_settle();
    assert_int_equal(reply(id, 0), CAVERN_CANCELLED);
}

/* [MSG-CANCEL-4] */
static void test_cancel_wakes_the_thread_that_calls(void **state)
{
    (void)state;
    struct peer second = client;
    second.thread = model_thread(client.process, 10);
    assert_int_equal(peer_call(&client, CALL, sender, [2] = 9, [9] = CAVERN_FOREVER), MODEL_WAITS);
    assert_true(peer_take(&server, &got));
    assert_int_equal(peer_call(&second, CANCEL, sender, [2] = got.header.request), CAVERN_OK);
    assert_int_equal(peer_woken(&client), CAVERN_CANCELLED);
    for (unsigned i = 1; i <= 8; i++)
        assert_int_equal(client.x[i], 0);
    assert_int_equal(peer_call(&server, REPLY, server.queue, [2] = got.header.request), CAVERN_CANCELLED);
    assert_int_equal(peer_call(&second, CANCEL, sender, [2] = got.header.request), CAVERN_TOO_LATE);
}

/* [ABI-MSG-3] In each way that a short payload gets into registers. */
static void test_registers_beyond_the_payload_are_zero(void **state)
{
    (void)state;
    for (unsigned size = 0; size <= 40; size++) {
        start(NULL);
        uint64_t info = CAVERN_INFO(size, 0, 0, 0, 0), ones = UINT64_MAX;
        assert_int_equal(peer_call(&server, RECEIVE, server.queue, [9] = CAVERN_FOREVER), MODEL_WAITS);
        assert_int_equal(
            peer_call(
                &client, CALL,
                sender, [1] = info, [3] = ones, [4] = ones, [5] = ones, [6] = ones, [7] = ones, [9] = CAVERN_FOREVER),
            MODEL_WAITS);
        assert_int_equal(peer_woken(&server), CAVERN_OK);
        uint8_t expected[40] = {0};
        memset(expected, 0xff, size);
        assert_memory_equal(&server.x[4], expected, sizeof expected);
        uint32_t id = server.x[2] & UINT32_MAX;
        assert_int_equal(
            peer_call(&server, REPLY,
                      server.queue, [1] = info, [2] = id, [3] = ones, [4] = ones, [5] = ones, [6] = ones, [7] = ones),
            CAVERN_OK);
        assert_int_equal(peer_woken(&client), CAVERN_OK);
        assert_memory_equal(&client.x[4], expected, sizeof expected);
    }
}

/* [MSG-REPLYRECEIVE-1] */
static void test_reply_receive_replies_and_sleeps(void **state)
{
    (void)state;
    assert_int_equal(call(CAVERN_FOREVER, 0, 0), MODEL_WAITS);
    uint32_t id = take_request();
    assert_int_equal(
        peer_call(&server, REPLY_RECEIVE,
                  server.queue, [1] = CAVERN_INFO(48, 0, 0, 0, 0), [2] = id, [3] = server.memory, [9] = CAVERN_FOREVER),
        CAVERN_TOO_LARGE);
    assert_int_equal(peer_call(&server, REPLY_RECEIVE,
                               server.queue, [1] = CAVERN_INFO(8, 0, 0, 0, 0), [2] = id, [3] = 1, [9] = CAVERN_FOREVER),
                     MODEL_WAITS);
    assert_int_equal(peer_woken(&client), CAVERN_OK);
    assert_int_equal(call(CAVERN_FOREVER, 0, 0), MODEL_WAITS);
    assert_int_equal(peer_woken(&server), CAVERN_OK);
    assert_int_equal(server.x[4], 0xbb);
    assert_int_equal(peer_call(&server, REPLY_RECEIVE, server.queue, [2] = 0x7777, [9] = CAVERN_POLL), CAVERN_TIMEOUT);
}

/* [MSG-REQUEST-1] Whoever dies when, the books balance. */
static void test_request_random_deaths_leave_nothing(void **state)
{
    (void)state;
    for (unsigned round = 0; round < 200; round++) {
        start(NULL);
        uint64_t free_before = model_root()->budget.used;
        (void)free_before;
        for (unsigned i = 0; i < round % 5; i++)
            (void)request(i, 1 + round % 3);
        if (round & 1)
            (void)peer_take(&server, &got);
        if (round & 2)
            peer_free(&server);
        if (round & 4)
            (void)peer_call(&server, REPLY, server.queue, [2] = got.header.request);
        struct process *first = round & 8 ? client.process : server.process;
        object_get(&first->object);
        process_end(first, (uint64_t[5]){CAVERN_REASON_ENDED});
        model_settle();
        assert_int_equal(first->state, CAVERN_PROCESS_ZOMBIE);
        struct peer *left = round & 8 ? &server : &client;
        if (left == &client) {
            assert_int_equal(peer_queue(&client)->ring.reserved, 0);
        } else {
            assert_int_equal(request_table_free(&peer_queue(&server)->requests), 4);
        }
        assert_true(ring_invariants(&peer_queue(left)->ring));
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, start)
    const struct CMUnitTest tests[] = {
        TEST(test_request_reply_comes_once_with_token),
        TEST(test_request_reply_to_waiting_thread),
        TEST(test_request_room_for_ending_is_reserved),
        TEST(test_request_without_slot_is_full),
        TEST(test_request_to_queue_without_slots_is_full),
        TEST(test_request_ids_in_order),
        TEST(test_request_bad_blocks_refused),
        TEST(test_reply_to_unknown_id_is_cancelled),
        TEST(test_reply_too_large_leaves_request_pending),
        TEST(test_drop_abandons),
        TEST(test_cancel_no_ending_comes),
        TEST(test_cancel_by_another_process_is_too_late),
        TEST(test_call_small_answer_in_registers),
        TEST(test_call_large_answer_in_memory),
        TEST(test_call_grants_are_accepted_at_once),
        TEST(test_call_grant_that_cannot_be_paid_is_handle_0),
        TEST(test_call_answer_too_large_stays_pending),
        TEST(test_call_answer_memory_is_checked_and_kept),
        TEST(test_call_deadline_cancels),
        TEST(test_call_dropped_is_abandoned),
        TEST(test_call_of_an_ended_thread_is_cancelled),
        TEST(test_cancel_wakes_the_thread_that_calls),
        TEST(test_registers_beyond_the_payload_are_zero),
        TEST(test_reply_receive_replies_and_sleeps),
        TEST(test_request_random_deaths_leave_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
