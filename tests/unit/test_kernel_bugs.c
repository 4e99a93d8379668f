/* SPDX-License-Identifier: BSD-2-Clause */
/* What a hostile reading of the kernel found, each as the sequence of calls that showed it. spec/kernel-bugs.md. */
#include "unit.h"

#include "object/queue.h"
#include "object/machine.h"
#include "peer.h"

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

static uint64_t send_by(struct peer *from, cavern_handle to)
{
    return peer_call(from, SEND, to, [1] = CAVERN_INFO(8, 0, 0, 0, 0));
}

static uint64_t receive(struct peer *peer, uint64_t deadline)
{
    return peer_call(peer, RECEIVE, peer->queue, [9] = deadline);
}

/* A signal of the server that tells `queue` of its process. */
static cavern_handle signal_to(cavern_handle queue, uint64_t label)
{
    assert_int_equal(peer_call(&server, SIGNAL_CREATE, CAVERN_SELF_ACCOUNT), CAVERN_OK);
    cavern_handle signal = server.x[1];
    assert_int_equal(peer_call(&server, NOTIFY, signal, [2] = label, [3] = queue), CAVERN_OK);
    return signal;
}

static void *object_of(struct peer *peer, cavern_handle handle, uint8_t type)
{
    void *object;
    assert_int_equal(process_lookup(peer->process, handle, type, 0, &object), CAVERN_OK);
    return object;
}

/* --- waiting notices --- */

/* [MSG-NOTICE-1] Room that was freed, but not looked at, is found for a notice while the owner sleeps. */
static void test_notice_finds_room_freed_before(void **state)
{
    (void)state;
    cavern_handle open = peer_sender(&server, &client, 1, 100, 10, 0);
    cavern_handle closing = peer_sender(&server, &client, 2, 10, 10, CAVERN_MINT_CLOSED);
    for (unsigned i = 0; i < 64; i++)
        assert_int_equal(send_by(&server, open), CAVERN_OK);
    while (peer_take(&client, &got))
        continue;
    assert_int_equal(receive(&client, CAVERN_FOREVER), MODEL_WAITS);
    peer_free(&client); /* by another thread */
    assert_int_equal(peer_control(&client)->waiters, 0);
    assert_int_equal(peer_call(&server, HANDLE_CLOSE, closing), CAVERN_OK);
    assert_int_equal(peer_woken(&client), CAVERN_IN_RING);
    assert_true(peer_take(&client, &got));
    assert_int_equal(got.header.kind, CAVERN_KIND_CLOSED);
}

/* [MSG-FREE-2] [MSG-NOTICE-1] A request that fails gives back the room that it kept for its ending to who waits. */
static void test_request_failed_tells_who_waits(void **state)
{
    (void)state;
    cavern_handle open = peer_sender(&server, &client, 1, 100, 10, 0);
    cavern_handle own = peer_sender(&client, &client, 3, 100, 10, 0);
    for (unsigned i = 0; i < 64; i++)
        assert_int_equal(send_by(&server, open), CAVERN_OK);
    assert_int_equal(peer_call(&server, SPACE, open, [2] = 9, [3] = 6, [9] = server.queue), CAVERN_OK);
    for (unsigned i = 0; i < 6; i++)
        assert_true(peer_take(&client, &got));
    peer_free(&client);
    /* Four blocks are found, and kept, for the ending; two more while there is no room for the message. */
    assert_int_equal(
        peer_call(&client, REQUEST,
                  own, [1] = CAVERN_INFO(1000, 0, 0, 0, 0), [3] = client.memory, [9] = client.queue, [10] = 4),
        CAVERN_QUEUE_FULL);
    assert_true(peer_take(&server, &got));
    assert_int_equal(got.header.kind, CAVERN_KIND_SPACE);
    assert_int_equal(got.header.label, 9);
}

/* [MSG-SPACE-2] However many are at their own limits, the one behind them is served. */
static void test_space_behind_many_at_their_limits(void **state)
{
    (void)state;
    struct peer wide;
    peer_start(&wide, "wide", 20, 1024, 0);
    cavern_handle last = peer_sender(&client, &wide, 1, 2000, 1, 0);
    for (unsigned i = 0; i < 200; i++) {
        cavern_handle limited = peer_sender(&client, &wide, 2, 1, 1, 0);
        assert_int_equal(send_by(&client, limited), CAVERN_OK);
        assert_int_equal(peer_call(&client, SPACE, limited, [2] = 1000 + i, [3] = 1, [9] = client.queue), CAVERN_OK);
    }
    assert_false(peer_take(&client, &got));
    while (send_by(&client, last) == CAVERN_OK)
        continue;
    assert_int_equal(peer_call(&client, SPACE, last, [2] = 9, [3] = 1, [9] = client.queue), CAVERN_OK);
    assert_int_not_equal(peer_control(&wide)->waiters, 0);
    for (unsigned i = 0; i < 201; i++)
        assert_true(peer_take(&wide, &got));
    peer_control(&wide)->head = 1; /* of the first one, which is not at its limit any more, and asked before the last */
    assert_int_equal(peer_call(&wide, QUEUE_FREED, wide.queue), CAVERN_OK);
    assert_true(peer_take(&client, &got));
    assert_int_equal(got.header.label, 1000);
    assert_false(peer_take(&client, &got)); /* one block was freed */
    peer_free(&client);
    assert_int_equal(peer_call(&client, QUEUE_FREED, client.queue), CAVERN_OK);
    assert_true(peer_take(&client, &got));
    assert_int_equal(got.header.label, 9);
    assert_false(peer_take(&client, &got));
    peer_end(&client);
    assert_int_equal(peer_control(&wide)->waiters, 0);
}

/* --- failures that leave traces --- */

/* [ABI-FAIL-1] [MSG-CLOSED-1] A sender that could not be handed out was never there. */
static void test_mint_failed_tells_nothing(void **state)
{
    (void)state;
    cavern_handle signal = signal_to(server.queue, 1);
    while (handle_table_room(&server.process->handles, 1))
        assert_int_equal(peer_call(&server, HANDLE_GIVE, CAVERN_SELF_PROCESS, [2] = signal, [3] = CAVERN_RIGHT_COPY),
                         CAVERN_OK);
    model_fail_allocation(1);
    assert_int_equal(
        peer_call(&server, SENDER_MINT, server.queue, [3] = 1, [4] = CAVERN_SELF_ACCOUNT, [5] = CAVERN_MINT_CLOSED),
        CAVERN_NO_MEMORY);
    model_fail_allocation(0);
    assert_false(peer_take(&server, &got));
}

/* [MSG-GRANT-2] The owner has freed it, whether or not the kernel has looked. */
static void test_grant_of_freed_message_is_gone(void **state)
{
    (void)state;
    cavern_handle own = peer_sender(&client, &client, 1, 1, 1, 0);
    struct cavern_grant grant = {own, CAVERN_RIGHT_SEND};
    peer_write(&client, 0, &grant, sizeof grant);
    assert_int_equal(peer_call(&client, SEND, sender, [1] = CAVERN_INFO(0, 0, 0, 1, 0), [3] = client.memory),
                     CAVERN_OK);
    assert_true(peer_take(&server, &got));
    peer_free(&server);
    assert_int_equal(peer_call(&server, GRANT_ACCEPT, server.queue, [2] = got.position), CAVERN_GONE);
}

/* --- succession --- */

/* [MSG-CONTROL-1] [MSG-BIND-6] What one owner scribbled is not what the next one finds. */
static void test_control_page_is_made_anew_for_the_next_owner(void **state)
{
    (void)state;
    struct cavern_control *control = peer_control(&server);
    control->blocks = 1 << 20;
    control->waiters = 77;
    control->bound = 99;
    control->pad1[0] = 0x5ec;
    memset((char *)control + 2048, 0xee, 2048);
    assert_int_equal(peer_call(&server, QUEUE_BIND, server.queue), CAVERN_OK);
    peer_adopt(&client, &server);
    control = peer_control(&client);
    assert_int_equal(control->blocks, 64);
    assert_int_equal(control->waiters, 0);
    assert_int_equal(control->bound, 0);
    assert_int_equal(control->pad1[0], 0);
    assert_int_equal(((char *)control)[4095], 0);
}

static cavern_handle spawn(struct peer *child)
{
    *child = (struct peer){0};
    assert_int_equal(peer_call(&server, PROCESS_CREATE, CAVERN_SELF_ACCOUNT, [3] = CAVERN_PROCESS_KEEP), CAVERN_OK);
    cavern_handle handle = server.x[1];
    child->process = object_of(&server, handle, CAVERN_TYPE_PROCESS);
    assert_int_equal(peer_call(&server, THREAD_CREATE, handle, [2] = 5), CAVERN_OK);
    child->thread = object_of(&server, server.x[1], CAVERN_TYPE_THREAD);
    cavern_handle thread = server.x[1];
    assert_int_equal(peer_call(&server, HANDLE_CLOSE, thread), CAVERN_OK);
    return handle;
}

/* [PROC-SUCCESSION-3] [MEM-ACCOUNT-6] A kept table that names its own process and threads does not keep them. */
static void test_kept_table_with_handles_to_itself_ends(void **state)
{
    (void)state;
    struct peer child;
    cavern_handle handle = spawn(&child);
    uint32_t id = child.process->id;
    assert_int_equal(
        peer_call(&child, HANDLE_GIVE, CAVERN_SELF_PROCESS, [2] = CAVERN_SELF_PROCESS, [3] = CAVERN_RIGHT_COPY),
        CAVERN_OK);
    assert_int_equal(peer_call(&child, THREAD_CREATE, CAVERN_SELF_PROCESS, [2] = 5), CAVERN_OK);
    assert_int_equal(peer_call(&child, SIGNAL_CREATE, CAVERN_SELF_ACCOUNT), CAVERN_OK);
    cavern_handle signal = child.x[1];
    assert_int_equal(peer_call(&server, PROCESS_END, handle), CAVERN_OK);
    assert_true(child.process->table_kept);
    assert_non_null(object_of(&child, signal, CAVERN_TYPE_SIGNAL)); /* all else is kept */
    assert_int_equal(peer_call(&server, HANDLE_CLOSE, handle), CAVERN_OK);
    assert_null(tree_find(&machine->processes, id));
}

/* --- bounds --- */

/* [MEM-ACCOUNT-4] Accounts nest only so deep: whoever walks up from one gets to the root in bounded time. */
static void test_accounts_nest_to_a_limit(void **state)
{
    (void)state;
    cavern_handle account = model_give(server.process, &server.process->account->object, CAVERN_RIGHTS_ALL);
    uint64_t bytes = 12 << 20, status = CAVERN_OK;
    unsigned depth = 1; /* the server's own */
    for (; depth < 1000 && !status; depth++) {
        status = peer_call(&server, ACCOUNT_SPLIT, account, [3] = bytes, [4] = 1);
        account = server.x[1];
        bytes -= 16384;
    }
    assert_int_equal(status, CAVERN_BAD_ARGUMENT);
    assert_int_equal(depth, 33);
}

/* [SCHED-7] Unbinding looks at no more than a step's worth of messages and of notices at once. */
static void test_unbinding_goes_in_steps(void **state)
{
    (void)state;
    struct peer wide;
    peer_start(&wide, "wide", 20, 1024, 0);
    cavern_handle to_wide = peer_sender(&client, &wide, 1, 2000, 1, 0);
    cavern_handle queue = model_give(server.process, &peer_queue(&wide)->object, CAVERN_RIGHT_RECEIVE);
    for (unsigned i = 0; i < 500; i++)
        assert_int_equal(send_by(&client, to_wide), CAVERN_OK);
    while (peer_take(&wide, &got))
        continue;
    for (unsigned i = 0; i < 200; i++)
        assert_int_equal(peer_call(&server, SIGNAL_RAISE, signal_to(queue, i)), CAVERN_OK);

    struct queue *object = peer_queue(&wide);
    assert_false(queue_unbind_step(object));
    assert_true(object->cut <= JOB_STEP_ITEMS);
    while (object->unbinding != UNBIND_NOTICES)
        assert_false(queue_unbind_step(object));
    assert_int_equal(object->cut, 500);
    assert_false(queue_unbind_step(object));
    assert_false(list_empty(&object->returning));
    while (!queue_unbind_step(object))
        continue;
    assert_true(list_empty(&object->returning) && list_empty(&object->waiting));
    peer_adopt(&client, &wide);
    for (unsigned i = 0; i < 200; i++) {
        assert_true(peer_take(&client, &got));
        assert_int_equal(got.header.label, i);
    }
    assert_false(peer_take(&client, &got));
}

/* [MSG-NOTICE-7] However many `closed` wait for room before it, a signal comes in registers. */
static void test_registers_behind_many_that_need_room(void **state)
{
    (void)state;
    cavern_handle closing[100], open = peer_sender(&server, &server, 1, 100, 10, 0);
    for (unsigned i = 0; i < COUNT_OF(closing); i++)
        closing[i] = peer_sender(&server, &server, 2, 1, 1, CAVERN_MINT_CLOSED);
    for (unsigned i = 0; i < 64; i++)
        assert_int_equal(send_by(&server, open), CAVERN_OK);
    while (peer_take(&server, &got))
        continue;
    for (unsigned i = 0; i < COUNT_OF(closing); i++)
        assert_int_equal(peer_call(&server, HANDLE_CLOSE, closing[i]), CAVERN_OK);
    for (unsigned i = 0; i < 2; i++)
        assert_int_equal(peer_call(&server, SIGNAL_RAISE, signal_to(server.queue, 70 + i)), CAVERN_OK);
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(receive(&server, 0), CAVERN_OK);
        assert_int_equal(server.x[1] >> 16 & 0xff, CAVERN_KIND_SIGNAL);
        assert_int_equal(server.x[3], 70 + i);
    }
    assert_int_equal(receive(&server, 0), CAVERN_TIMEOUT);
    peer_free(&server);
    assert_int_equal(receive(&server, 0), CAVERN_IN_RING);
    for (unsigned i = 0; i < 64; i++)
        assert_true(peer_take(&server, &got));
    assert_int_equal(got.header.kind, CAVERN_KIND_CLOSED);
}

#define TEST(name) cmocka_unit_test_setup(name, start)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_notice_finds_room_freed_before),
        TEST(test_request_failed_tells_who_waits),
        TEST(test_space_behind_many_at_their_limits),
        TEST(test_mint_failed_tells_nothing),
        TEST(test_grant_of_freed_message_is_gone),
        TEST(test_control_page_is_made_anew_for_the_next_owner),
        TEST(test_kept_table_with_handles_to_itself_ends),
        TEST(test_accounts_nest_to_a_limit),
        TEST(test_unbinding_goes_in_steps),
        TEST(test_registers_behind_many_that_need_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
