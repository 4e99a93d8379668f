/* SPDX-License-Identifier: BSD-2-Clause */
/* More than one step's worth of everything: what ends, waits or is freed in great number goes as it would in small. */
#include "unit.h"

#include <cavern/process.h>

#include "object/account.h"
#include "object/memory.h"
#include "object/queue.h"
#include "object/request.h"
#include "peer.h"

enum { MANY = 3 * JOB_STEP_ITEMS + 5 };

static struct peer server, client;
static struct taken got;
static cavern_handle sender; /* the client's */

static int start(void **state)
{
    (void)state;
    model_start(64 << 20);
    peer_start(&server, "server", 20, 1024, 512);
    peer_start(&client, "client", 10, 1024, 0);
    sender = peer_sender(&client, &server, 5, 2000, 1000, 0);
    return 0;
}

static uint64_t send(cavern_handle to)
{
    return peer_call(&client, SEND, to, [1] = CAVERN_INFO(8, 0, 0, 0, 0));
}

static void take_all(struct peer *peer, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        assert_true(peer_take(peer, &got));
    assert_false(peer_take(peer, &got));
}

static cavern_handle signal_of(struct peer *peer)
{
    assert_int_equal(peer_call(peer, SIGNAL_CREATE, CAVERN_SELF_ACCOUNT), CAVERN_OK);
    return peer->x[1];
}

/* --- ends --- */

/* [MSG-GRANT-3] [PROC-END-3] */
static void test_end_with_many_grants_on_their_way(void **state)
{
    (void)state;
    struct cavern_grant grant = {.handle = signal_of(&client)};
    peer_write(&client, 0, &grant, sizeof grant);
    for (unsigned i = 0; i < MANY; i++)
        assert_int_equal(peer_call(&client, SEND, sender, [1] = CAVERN_INFO(0, 0, 0, 1, 0), [3] = client.memory),
                         CAVERN_OK);
    peer_end(&client);
    for (unsigned i = 0; i < MANY; i++) {
        assert_true(peer_take(&server, &got));
        assert_int_equal(peer_call(&server, GRANT_ACCEPT, server.queue, [2] = got.position), CAVERN_GONE);
    }
}

/* [PROC-END-3] A handle table of many pages: all come back. */
static void test_end_with_many_handles(void **state)
{
    (void)state;
    uint64_t used = client.process->account->budget.used, objects = model_root()->object.handles;
    for (unsigned i = 0; i < (JOB_STEP_ITEMS + 3) * HANDLE_LEAF_ENTRIES; i++)
        model_give(client.process, &model_root()->object, CAVERN_RIGHT_INSPECT);
    assert_in_range(client.process->account->budget.used - used, (JOB_STEP_ITEMS + 2) * 4096, 1 << 20);
    struct account *account = client.process->account;
    object_get(&account->object);
    peer_end(&client);
    assert_int_equal(model_root()->object.handles, objects);
    assert_in_range(account->budget.used, 0, 16 * 4096);
    object_put(&account->object);
}

/* [MSG-QUEUE-3] [MSG-QUEUE-4] [MEM-ACCOUNT-6] */
static void test_end_of_a_large_queue_with_many_senders(void **state)
{
    (void)state;
    assert_int_equal(peer_call(&server, QUEUE_CREATE, CAVERN_SELF_ACCOUNT, [3] = 16384, [4] = 4096), CAVERN_OK);
    cavern_handle queue = server.x[1], senders[MANY];
    uint64_t used = server.process->account->budget.used;
    for (unsigned i = 0; i < MANY; i++) {
        assert_int_equal(peer_call(&server, SENDER_MINT, queue, [3] = 9, [4] = CAVERN_SELF_ACCOUNT), CAVERN_OK);
        senders[i] = server.x[1];
    }
    assert_int_equal(peer_call(&server, HANDLE_CLOSE, queue), CAVERN_OK);
    assert_true(used - server.process->account->budget.used > 1 << 20);
    for (unsigned i = 0; i < MANY; i++) {
        assert_int_equal(peer_call(&server, SEND, senders[i]), CAVERN_GONE);
        assert_int_equal(peer_call(&server, CANCEL, senders[i], [2] = 0x10001), CAVERN_TOO_LATE);
        assert_int_equal(peer_call(&server, HANDLE_CLOSE, senders[i]), CAVERN_OK);
    }
}

/* [MSG-BIND-5] */
static void test_unbind_with_many_requests_under_way(void **state)
{
    (void)state;
    for (unsigned i = 0; i < MANY; i++)
        assert_int_equal(peer_call(&client, REQUEST, sender, [9] = client.queue, [10] = 2), CAVERN_OK);
    assert_int_equal(peer_queue(&client)->ring.reserved, 2 * MANY);
    assert_int_equal(peer_call(&client, QUEUE_BIND, client.queue), CAVERN_OK);
    assert_int_equal(peer_queue(&client)->ring.reserved, 0);
    assert_int_equal(request_table_free(&peer_queue(&server)->requests), 512);
    assert_true(peer_take(&server, &got)); /* [MSG-CANCEL-3] */
    assert_int_equal(peer_call(&server, REPLY, server.queue, [2] = got.header.request), CAVERN_CANCELLED);
}

/* --- waiting --- */

/* [MSG-NOTICE-1] All that wait come, in their order, when all the room comes at once. */
static void test_many_notices_wait(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 1024; i++)
        assert_int_equal(send(sender), CAVERN_OK);
    for (unsigned i = 0; i < MANY; i++) {
        cavern_handle signal = signal_of(&server);
        assert_int_equal(peer_call(&server, NOTIFY, signal, [2] = i, [3] = server.queue), CAVERN_OK);
        assert_int_equal(peer_call(&server, SIGNAL_RAISE, signal), CAVERN_OK);
    }
    take_all(&server, 1024);
    peer_free(&server);
    assert_int_equal(peer_call(&server, QUEUE_FREED, server.queue), CAVERN_OK);
    for (unsigned i = 0; i < MANY; i++) {
        assert_true(peer_take(&server, &got));
        assert_int_equal(got.header.label, i);
    }
    assert_int_equal(peer_control(&server)->waiters, 0);
}

/* [MSG-SEND-7] Room that is left over while notices wait is theirs. */
static void test_many_notices_go_before_messages(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(peer_call(&client, SEND, sender, [1] = CAVERN_INFO(16000, 0, 0, 0, 0), [3] = client.memory),
                         CAVERN_OK);
    while (send(sender) == CAVERN_OK)
        continue;
    for (unsigned i = 0; i < MANY; i++) {
        cavern_handle signal = signal_of(&server);
        assert_int_equal(peer_call(&server, NOTIFY, signal, [2] = i, [3] = server.queue), CAVERN_OK);
        assert_int_equal(peer_call(&server, SIGNAL_RAISE, signal), CAVERN_OK);
    }
    assert_true(peer_take(&server, &got));
    assert_int_equal(got.header.size, 16000);
    peer_free(&server); /* 251 blocks, of which the first steps use 128 */
    assert_int_equal(send(sender), CAVERN_QUEUE_FULL);
    assert_true(list_empty(&peer_queue(&server)->waiting)); /* the job has told the rest */
    assert_int_equal(send(sender), CAVERN_OK);
}

/* [MSG-SPACE-2] [MSG-FREE-2] */
static void test_many_wait_for_room(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 1024; i++)
        assert_int_equal(send(sender), CAVERN_OK);
    for (unsigned i = 0; i < MANY; i++)
        assert_int_equal(
            peer_call(&client, SPACE, peer_sender(&client, &server, 1, 1, 1, 0), [2] = i, [3] = 1, [9] = client.queue),
            CAVERN_OK);
    take_all(&server, 1024);
    peer_free(&server);
    assert_int_equal(peer_call(&server, QUEUE_FREED, server.queue), CAVERN_OK);
    for (unsigned i = 0; i < MANY; i++) {
        assert_true(peer_take(&client, &got));
        assert_int_equal(got.header.kind, CAVERN_KIND_SPACE);
        assert_int_equal(got.header.label, i);
    }
    assert_int_equal(peer_control(&server)->waiters, 0);
}

/* [MSG-SPACE-2] Who is served first, and then comes to its own limits, makes way for those behind it. */
static void test_wait_for_room_at_its_limits_by_a_request(void **state)
{
    (void)state;
    cavern_handle large = peer_sender(&client, &server, 1, 1, 1, 0), small = peer_sender(&client, &server, 2, 9, 9, 0);
    for (unsigned i = 0; i < 1000; i++)
        assert_int_equal(send(sender), CAVERN_OK);
    assert_int_equal(peer_call(&client, SPACE, large, [2] = 71, [3] = 500, [9] = client.queue), CAVERN_OK);
    assert_int_equal(peer_call(&client, SPACE, small, [2] = 72, [3] = 10, [9] = client.queue), CAVERN_OK);
    assert_false(peer_take(&client, &got)); /* there is room for the second, but it is behind the first */
    assert_int_equal(peer_call(&client, REQUEST, large, [9] = client.queue, [10] = 1), CAVERN_OK);
    assert_true(peer_take(&client, &got));
    assert_int_equal(got.header.label, 72);
    assert_false(peer_take(&client, &got));
}

/* --- freed --- */

/* Many messages of the server's ring are freed, and the kernel has not looked. */
static void free_many(unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        assert_int_equal(send(sender), CAVERN_OK);
    take_all(&server, count);
    peer_free(&server);
}

/* [MSG-FREE-1] [SCHED-7] A message that needs all the room gets it, interrupts between the steps or not. */
static void test_send_retires_until_it_fits(void **state)
{
    (void)state;
    model_interrupt_pending(true);
    free_many(1024);
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(peer_call(&client, SEND, sender, [1] = CAVERN_INFO(16000, 0, 0, 0, 0), [3] = client.memory),
                         CAVERN_OK);
    assert_in_range(peer_queue(&server)->ring.used_from, 3 * 251, 3 * 251 + JOB_STEP_ITEMS);
}

/* [MSG-FREE-1] [MSG-REQUEST-2] [SCHED-7] So does the ending of a request. */
static void test_request_retires_until_its_ending_fits(void **state)
{
    (void)state;
    model_interrupt_pending(true);
    free_many(1024);
    cavern_handle own = peer_sender(&server, &client, 1, 10, 10, 0);
    assert_int_equal(peer_queue(&client)->requests.slots, 0);
    for (unsigned i = 0; i < 2; i++) /* it has no slot, and gives the room back */
        assert_int_equal(peer_call(&server, REQUEST, own, [9] = server.queue, [10] = 259), CAVERN_QUEUE_FULL);
    assert_int_equal(peer_queue(&server)->ring.reserved, 0);
    assert_true(peer_queue(&server)->ring.used_from >= 259);
}

/* [MSG-FREE-1] [MSG-FREE-3] [SCHED-7] The owner's own calls retire all that is freed. */
static void test_owner_retires_all(void **state)
{
    (void)state;
    model_interrupt_pending(true);
    free_many(1000);
    assert_int_equal(peer_call(&server, RECEIVE, server.queue), CAVERN_TIMEOUT);
    assert_int_equal(peer_queue(&server)->ring.used_from, 1000);
    free_many(1000);
    assert_int_equal(peer_call(&server, QUEUE_FREED, server.queue), CAVERN_OK);
    assert_int_equal(peer_queue(&server)->ring.used_from, 2000);
}

/* [MSG-SPACE-3] [SCHED-7] The notice of the subscription before is found to be freed, however many stand before it. */
static void test_space_again_behind_many_freed(void **state)
{
    (void)state;
    cavern_handle back = peer_sender(&server, &client, 1, 2000, 1, 0);
    for (unsigned i = 0; i < MANY; i++)
        assert_int_equal(peer_call(&server, SEND, back), CAVERN_OK);
    assert_int_equal(peer_call(&client, SPACE, sender, [2] = 71, [3] = 1, [9] = client.queue), CAVERN_OK);
    assert_int_equal(peer_call(&client, SPACE, sender, [2] = 72, [3] = 1, [9] = client.queue), CAVERN_BUSY);
    take_all(&client, MANY + 1);
    peer_free(&client);
    model_interrupt_pending(true);
    assert_int_equal(peer_call(&client, SPACE, sender, [2] = 72, [3] = 1, [9] = client.queue), CAVERN_OK);
    take_all(&client, 1);
    assert_int_equal(got.header.label, 72);
}

/* [MSG-FREE-1] A head inside a message frees what lies before that message, and no part of it. */
static void test_head_inside_a_message_frees_no_part_of_it(void **state)
{
    (void)state;
    assert_int_equal(send(sender), CAVERN_OK);
    assert_int_equal(peer_call(&client, SEND, sender, [1] = CAVERN_INFO(200, 0, 0, 0, 0), [3] = client.memory),
                     CAVERN_OK);
    take_all(&server, 2);
    peer_control(&server)->head = 3;
    assert_int_equal(peer_call(&server, QUEUE_FREED, server.queue), CAVERN_OK);
    assert_int_equal(peer_queue(&server)->ring.used_from, 1);
    peer_free(&server);
    assert_int_equal(peer_call(&server, QUEUE_FREED, server.queue), CAVERN_OK);
    assert_int_equal(peer_queue(&server)->ring.used_from, 5);
}

/* [MSG-BIND-3] [MSG-FREE-1] While a queue is unbound step by step its senders go on, and find the room that was freed.
 */
static void test_send_while_unbinding(void **state)
{
    (void)state;
    struct queue *queue = peer_queue(&server);
    free_many(1024);
    assert_false(queue_unbind_step(queue));
    assert_int_equal(queue->cut, JOB_STEP_ITEMS);
    for (unsigned i = 0; i < 2; i++)
        assert_int_equal(peer_call(&client, SEND, sender, [1] = CAVERN_INFO(10000, 0, 0, 0, 0), [3] = client.memory),
                         CAVERN_OK);
    assert_true(queue->ring.used_from > queue->cut);
    while (!queue_unbind_step(queue))
        continue;
    struct peer next;
    peer_start(&next, "next", 20, 0, 0);
    peer_adopt(&next, &server);
    assert_int_equal(peer_control(&next)->head, 1024);
    take_all(&next, 2);
    assert_int_equal(got.header.size, 10000);
}

/* --- lies --- */

/* [MSG-CONTROL-2] Whichever call looks at the control page, a lie there ends the process that wrote it. */
static void test_lie_is_seen_by_every_call(void **state)
{
    static const enum cavern_call calls[] = {
        CAVERN_CALL_RECEIVE, CAVERN_CALL_REPLY_RECEIVE, CAVERN_CALL_REPLY,        CAVERN_CALL_DROP,
        CAVERN_CALL_SPACE,   CAVERN_CALL_QUEUE_FREED,   CAVERN_CALL_GRANT_ACCEPT, CAVERN_CALL_REQUEST,
    };
    for (unsigned i = 0; i < COUNT_OF(calls); i++) {
        start(state);
        cavern_handle own = peer_sender(&server, &client, 1, 10, 10, 0);
        object_get(&server.process->object);
        model_give(client.process, &peer_queue(&server)->object, CAVERN_RIGHT_INSPECT);
        peer_control(&server)->taken = 1; /* there is no message */
        bool by_sender = calls[i] == CAVERN_CALL_SPACE || calls[i] == CAVERN_CALL_REQUEST;
        uint64_t x[16] = {by_sender ? own : server.queue, [3] = 1, [9] = server.queue, [10] = 1};
        peer_call_registers(&server, calls[i], x);
        assert_int_equal(server.process->state, CAVERN_PROCESS_ZOMBIE);
        assert_int_equal(server.process->exit.words[CAVERN_EXIT_REASON], CAVERN_REASON_CONTROL_PAGE);
        assert_int_equal(send(sender), CAVERN_OK); /* the queue lives on */
    }
}

/* [MSG-CONTROL-2] So does a notice that looks for room when nobody makes a call. */
static void test_lie_is_seen_by_who_waits_for_room(void **state)
{
    (void)state;
    cavern_handle signal = signal_of(&client), queue;
    queue = model_give(client.process, &peer_queue(&server)->object, CAVERN_RIGHT_RECEIVE);
    assert_int_equal(peer_call(&client, NOTIFY, signal, [2] = 7, [3] = queue), CAVERN_OK);
    for (unsigned i = 0; i < 1024; i++)
        assert_int_equal(send(sender), CAVERN_OK);
    object_get(&server.process->object);
    peer_control(&server)->taken = 2000;
    assert_int_equal(peer_call(&client, SIGNAL_RAISE, signal), CAVERN_OK);
    assert_int_equal(server.process->state, CAVERN_PROCESS_ZOMBIE);
    assert_int_equal(server.process->exit.words[CAVERN_EXIT_REASON], CAVERN_REASON_CONTROL_PAGE);
}

/* [MSG-CONTROL-2] [ABI-SUBMIT-2] In the midst of `submit`, too: what follows is not made. */
static void test_lie_seen_by_submit(void **state)
{
    (void)state;
    uint64_t operations[2][16] = {
        {server.queue, [1] = (uint64_t)CAVERN_CALL_QUEUE_FREED << 16},
        {CAVERN_SELF_ACCOUNT, [1] = (uint64_t)CAVERN_CALL_SIGNAL_CREATE << 16},
    };
    peer_write(&server, 0, operations, sizeof operations);
    object_get(&server.process->object);
    peer_control(&server)->taken = 1;
    uint64_t used = server.process->handles.used;
    assert_true(used);
    peer_call(&server, SUBMIT, 0, [3] = server.memory, [4] = 2);
    assert_int_equal(server.process->state, CAVERN_PROCESS_ZOMBIE);
    assert_int_equal(server.process->exit.words[CAVERN_EXIT_REASON], CAVERN_REASON_CONTROL_PAGE);
    assert_int_equal(server.process->handles.used, 0);
}

#define TEST(name) cmocka_unit_test_setup(name, start)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_end_with_many_grants_on_their_way),
        TEST(test_end_with_many_handles),
        TEST(test_end_of_a_large_queue_with_many_senders),
        TEST(test_unbind_with_many_requests_under_way),
        TEST(test_many_notices_wait),
        TEST(test_many_notices_go_before_messages),
        TEST(test_many_wait_for_room),
        TEST(test_wait_for_room_at_its_limits_by_a_request),
        TEST(test_space_again_behind_many_freed),
        TEST(test_lie_is_seen_by_who_waits_for_room),
        TEST(test_send_retires_until_it_fits),
        TEST(test_request_retires_until_its_ending_fits),
        TEST(test_owner_retires_all),
        TEST(test_head_inside_a_message_frees_no_part_of_it),
        TEST(test_send_while_unbinding),
        TEST(test_lie_is_seen_by_every_call),
        TEST(test_lie_seen_by_submit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
