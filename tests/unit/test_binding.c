/* SPDX-License-Identifier: BSD-2-Clause */
/* Queues that change their owner, and owners that leave their handles behind. spec/messages.md, Binding. */
#include "unit.h"

#include "object/queue.h"
#include "peer.h"

static struct peer keeper, first, second, client;
static struct taken got;
static cavern_handle sender; /* of the client, to the queue that `first` owns and `second` inherits */
static cavern_handle kept;   /* that queue, as the keeper knows it throughout */

static int start(void **state)
{
    (void)state;
    model_start(256 << 20);
    peer_start(&keeper, "keeper", 25, 64, 0);
    peer_start(&first, "first", 20, 64, 8);
    peer_start(&second, "second", 20, 0, 0);
    peer_start(&client, "client", 10, 64, 8);
    sender = peer_sender(&client, &first, 5, 100, 100, 0);
    kept = model_give(keeper.process, &peer_queue(&first)->object, CAVERN_RIGHTS_ALL);
    return 0;
}

static uint64_t send(uint64_t value)
{
    return peer_call(&client, SEND, sender, [1] = CAVERN_INFO(8, 0, 0, 0, 0), [3] = value);
}

static uint32_t request(uint64_t token)
{
    assert_int_equal(
        peer_call(&client, REQUEST,
                  sender, [1] = CAVERN_INFO(8, 0, 0, 0, 6), [2] = token, [3] = token, [9] = client.queue, [10] = 2),
        CAVERN_OK);
    return (uint32_t)client.x[1];
}

static uint64_t take(struct peer *peer)
{
    uint64_t value;
    assert_true(peer_take(peer, &got));
    memcpy(&value, got.body, sizeof value);
    return value;
}

/* The keeper takes the queue from one process and binds it to `second`, through a handle to that. */
static void hand_on(void)
{
    cavern_handle process = model_give(keeper.process, &second.process->object, CAVERN_RIGHT_MANAGE);
    assert_int_equal(peer_call(&keeper, QUEUE_BIND, kept), CAVERN_OK);
    assert_int_equal(peer_call(&keeper, QUEUE_BIND, kept, [2] = process), CAVERN_OK);
    second.ring = keeper.x[1];
    second.control = keeper.x[2];
    second.x[3] = keeper.x[3];
    void *queue;
    assert_int_equal(process_lookup(keeper.process, kept, CAVERN_TYPE_QUEUE, 0, &queue), CAVERN_OK);
    second.queue = model_give(second.process, queue, CAVERN_RIGHTS_ALL);
}

static void assert_ending(enum cavern_kind kind, uint64_t token)
{
    assert_true(peer_take(&client, &got));
    assert_int_equal(got.header.kind, kind);
    assert_int_equal(got.header.label, token);
}

/* [MSG-BIND-1] */
static void test_bind_a_bound_queue_is_busy(void **state)
{
    (void)state;
    cavern_handle process = model_give(keeper.process, &second.process->object, CAVERN_RIGHT_MANAGE);
    cavern_handle owner = model_give(keeper.process, &first.process->object, CAVERN_RIGHT_MANAGE);
    assert_int_equal(peer_call(&keeper, QUEUE_BIND, kept, [2] = process), CAVERN_BUSY);
    assert_int_equal(peer_call(&keeper, QUEUE_BIND, kept, [2] = owner), CAVERN_BUSY);
    assert_int_equal(peer_call(&first, QUEUE_BIND, first.queue, [2] = CAVERN_SELF_PROCESS), CAVERN_BUSY);
    assert_int_equal(peer_call(&keeper, QUEUE_BIND, kept), CAVERN_OK);
    assert_int_equal(peer_call(&keeper, QUEUE_BIND, kept), CAVERN_OK);
    assert_int_equal(peer_call(&keeper, QUEUE_BIND, kept, [2] = process), CAVERN_OK);
}

/* [ABI-HANDLE-4] [PROC-CREATE-3] */
static void test_bind_checks_what_it_is_given(void **state)
{
    (void)state;
    assert_int_equal(peer_call(&keeper, QUEUE_BIND, kept), CAVERN_OK);
    cavern_handle weak = model_give(keeper.process, &second.process->object, CAVERN_RIGHT_INSPECT);
    assert_int_equal(peer_call(&keeper, QUEUE_BIND, kept, [2] = weak), CAVERN_DENIED);
    assert_int_equal(peer_call(&keeper, QUEUE_BIND, kept, [2] = kept), CAVERN_BAD_HANDLE);
    assert_int_equal(peer_call(&keeper, HANDLE_GIVE, CAVERN_SELF_PROCESS, [2] = kept, [3] = CAVERN_RIGHT_RECEIVE),
                     CAVERN_OK);
    weak = keeper.x[1];
    assert_int_equal(peer_call(&keeper, QUEUE_BIND, weak, [2] = CAVERN_SELF_PROCESS), CAVERN_DENIED);
    assert_int_equal(peer_call(&keeper, QUEUE_BIND, weak), CAVERN_DENIED);
    cavern_handle ended = model_give(keeper.process, &second.process->object, CAVERN_RIGHT_MANAGE);
    peer_end(&second);
    assert_int_equal(peer_call(&keeper, QUEUE_BIND, kept, [2] = ended), CAVERN_GONE);
}

/* The former owner sees neither ring nor control page, and may not use the queue. [MSG-QUEUE-2] */
static void test_unbind_takes_the_pages_away(void **state)
{
    (void)state;
    assert_non_null(model_at(first.process, first.ring));
    hand_on();
    assert_null(model_at(first.process, first.ring));
    assert_null(model_at(first.process, first.ring + 4096));
    assert_null(model_at(first.process, first.control));
    assert_int_equal(peer_call(&first, RECEIVE, first.queue), CAVERN_DENIED);
    assert_int_equal(send(1), CAVERN_OK);
    assert_int_equal(take(&second), 1);
}

/* [MSG-BIND-2] [MSG-BIND-3] */
static void test_unbind_abandons_what_was_taken(void **state)
{
    (void)state;
    for (uint64_t token = 1; token <= 4; token++)
        request(token);
    take(&first);
    take(&first);
    peer_free(&first); /* of one it freed the message, too: no matter */
    assert_int_equal(take(&first), 3);
    hand_on();
    for (uint64_t token = 1; token <= 3; token++) {
        assert_ending(CAVERN_KIND_ABANDONED, token);
        assert_int_equal(got.header.size, 0);
        assert_int_equal(got.header.trace, 6);
    }
    assert_false(peer_take(&client, &got));
    assert_int_equal(take(&second), 4);
    assert_int_equal(peer_call(&second, REPLY, second.queue, [2] = got.header.request), CAVERN_OK);
    assert_ending(CAVERN_KIND_REPLY, 4);
}

/* [MSG-BIND-2] */
static void test_unbind_abandons_what_was_taken_in_registers(void **state)
{
    (void)state;
    assert_int_equal(peer_call(&first, RECEIVE, first.queue, [9] = CAVERN_FOREVER), MODEL_WAITS);
    uint32_t taken = request(1);
    request(2);
    assert_int_equal(peer_woken(&first), CAVERN_OK);
    assert_int_equal(first.x[2] & UINT32_MAX, taken);
    peer_end(&first);
    assert_ending(CAVERN_KIND_ABANDONED, 1);
    assert_false(peer_take(&client, &got));
    hand_on();
    assert_int_equal(take(&second), 2);
    assert_false(peer_take(&second, &got));
}

/* [MSG-BIND-2] [MSG-CALL-7] */
static void test_unbind_abandons_calls_that_were_taken(void **state)
{
    (void)state;
    struct peer sleeper = client;
    sleeper.thread = model_thread(client.process, 10);
    assert_int_equal(peer_call(&client, CALL, sender, [9] = CAVERN_FOREVER), MODEL_WAITS);
    assert_true(peer_take(&first, &got));
    assert_int_equal(peer_call(&sleeper, CALL, sender, [9] = CAVERN_FOREVER), MODEL_WAITS);
    hand_on();
    assert_int_equal(peer_woken(&client), CAVERN_ABANDONED);
    assert_true(peer_waits(&sleeper));
    assert_true(peer_take(&second, &got));
    assert_int_equal(peer_call(&second, REPLY, second.queue, [2] = got.header.request), CAVERN_OK);
    assert_int_equal(peer_woken(&sleeper), CAVERN_OK);
}

/* [MSG-BIND-2] What came with a message that was taken goes back; what waits stays acceptable. */
static void test_unbind_drops_grants_of_what_was_taken(void **state)
{
    (void)state;
    uint64_t before = client.process->account->budget.used;
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(peer_call(&client, BUFFER_CREATE, CAVERN_SELF_ACCOUNT, [3] = 1 << 20), CAVERN_OK);
        cavern_handle buffer = client.x[1];
        peer_write(&client, 0, &(struct cavern_grant){buffer, CAVERN_RIGHT_READ}, sizeof(struct cavern_grant));
        assert_int_equal(peer_call(&client, SEND, sender, [1] = CAVERN_INFO(0, 0, 0, 1, 0), [3] = client.memory),
                         CAVERN_OK);
        assert_int_equal(peer_call(&client, HANDLE_CLOSE, buffer), CAVERN_OK);
    }
    assert_true(client.process->account->budget.used >= before + (2 << 20));
    assert_true(peer_take(&first, &got));
    uint64_t position = got.position;
    hand_on();
    assert_in_range(client.process->account->budget.used, before + (1 << 20), before + (1 << 20) + 4 * 4096);
    assert_int_equal(peer_call(&second, GRANT_ACCEPT, second.queue, [2] = position), CAVERN_GONE);
    assert_true(peer_take(&second, &got));
    assert_int_equal(peer_call(&second, GRANT_ACCEPT, second.queue, [2] = got.position), CAVERN_OK);
}

/* [MSG-BIND-4] The message at whose inside `taken` points counts as taken whole. */
static void test_unbind_rounds_taken_up(void **state)
{
    (void)state;
    for (unsigned inside = 1; inside <= 3; inside++) {
        start(NULL);
        assert_int_equal(
            peer_call(
                &client, REQUEST,
                sender, [1] = CAVERN_INFO(150, 0, 0, 0, 0), [2] = 1, [3] = client.memory, [9] = client.queue, [10] = 2),
            CAVERN_OK);
        assert_int_equal(send(7), CAVERN_OK);
        peer_control(&first)->taken = inside;
        hand_on();
        assert_ending(CAVERN_KIND_ABANDONED, 1);
        assert_int_equal(peer_control(&second)->head, 3);
        assert_int_equal(take(&second), 7);
        assert_int_equal(got.position, 3);
    }
}

/* [MSG-BIND-5] */
static void test_unbind_cancels_what_was_asked(void **state)
{
    (void)state;
    cavern_handle to = peer_sender(&first, &client, 9, 10, 10, 0);
    for (uint64_t i = 0; i < 3; i++)
        assert_int_equal(peer_call(&first, REQUEST, to, [2] = i, [9] = first.queue, [10] = 16), CAVERN_OK);
    uint64_t last = first.x[1];
    assert_int_equal(peer_queue(&first)->ring.reserved, 48);
    assert_true(peer_take(&client, &got));
    peer_free(&client);
    assert_int_equal(peer_call(&client, REPLY, client.queue, [2] = got.header.request), CAVERN_OK);
    hand_on();
    assert_int_equal(peer_queue(&second)->ring.reserved, 0);
    assert_int_equal(peer_call(&client, REPLY, client.queue, [2] = last), CAVERN_CANCELLED);
    assert_int_equal(request_table_free(&peer_queue(&client)->requests), 8);
    assert_true(peer_take(&second, &got)); /* the ending that had come is the predecessor's */
    assert_int_equal(got.header.kind, CAVERN_KIND_REPLY);
    assert_true(got.position < peer_control(&second)->bound);
    assert_false(peer_take(&second, &got));
    assert_int_equal(peer_call(&first, CANCEL, to, [2] = last), CAVERN_TOO_LATE);
}

/* [MSG-BIND-6] [MSG-BIND-7] */
static void test_bind_positions_go_on(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < 100; i++) { /* once round the ring */
        assert_int_equal(send(i), CAVERN_OK);
        if (i < 90) {
            take(&first);
            peer_free(&first);
        }
    }
    take(&first);
    hand_on();
    struct cavern_control *control = peer_control(&second);
    assert_int_equal(second.x[3], 100);
    assert_int_equal(control->bound, 100);
    assert_int_equal(control->tail, 100);
    assert_int_equal(control->head, 91);
    assert_int_equal(control->taken, 91);
    assert_int_equal(control->blocks, 64);
    assert_int_equal(send(100), CAVERN_OK);
    for (uint64_t i = 91; i <= 100; i++)
        assert_int_equal(take(&second), i);
    assert_int_equal(got.position, 100);
}

/* [MSG-BIND-6] The last words of an owner who lies are not believed. */
static void test_unbind_ignores_lies(void **state)
{
    (void)state;
    assert_int_equal(send(1), CAVERN_OK);
    assert_int_equal(send(2), CAVERN_OK);
    take(&first);
    assert_int_equal(peer_call(&first, QUEUE_FREED, first.queue), CAVERN_OK);
    object_get(&first.process->object);
    peer_control(&first)->taken = 1000;
    hand_on();
    assert_int_equal(first.process->exit.words[CAVERN_EXIT_REASON], CAVERN_REASON_CONTROL_PAGE);
    assert_int_equal(take(&second), 2);
}

/* Unbinding in steps, each of which is interrupted: 300 requests abandoned, 300 messages and credits given back. */
static void test_unbind_goes_on_after_restarts(void **state)
{
    (void)state;
    struct peer big, asker;
    peer_start(&big, "big", 20, 1024, 512);
    peer_start(&asker, "asker", 10, 1024, 0);
    cavern_handle to = peer_sender(&asker, &big, 1, 1000, 1000, 0);
    for (unsigned i = 0; i < 300; i++)
        assert_int_equal(peer_call(&asker, REQUEST, to, [2] = i, [9] = asker.queue, [10] = 1), CAVERN_OK);
    for (unsigned i = 0; i < 300; i++)
        assert_true(peer_take(&big, &got));
    model_interrupt_pending(true);
    assert_int_equal(peer_call(&big, QUEUE_BIND, big.queue), CAVERN_OK);
    model_interrupt_pending(false);
    for (unsigned i = 0; i < 300; i++) {
        assert_true(peer_take(&asker, &got));
        assert_int_equal(got.header.kind, CAVERN_KIND_ABANDONED);
        assert_int_equal(got.header.label, i);
    }
    assert_int_equal(ring_used(&peer_queue(&big)->ring), 0);
    assert_int_equal(request_table_free(&peer_queue(&big)->requests), 512);
}

/* [ABI-FAIL-1] Whichever page is lacking, the queue stays free, and nothing is charged. */
static void test_bind_without_memory_changes_nothing(void **state)
{
    (void)state;
    assert_int_equal(peer_call(&keeper, QUEUE_BIND, kept), CAVERN_OK);
    cavern_handle process = model_give(keeper.process, &second.process->object, CAVERN_RIGHT_MANAGE);
    unsigned failures = 0;
    for (unsigned n = 1;; n++) {
        uint64_t before = second.process->account->budget.used;
        model_fail_allocation(n);
        uint64_t status = peer_call(&keeper, QUEUE_BIND, kept, [2] = process);
        model_fail_allocation(0);
        if (status == CAVERN_OK)
            break;
        failures++;
        assert_int_equal(status, CAVERN_NO_MEMORY);
        /* Page tables stay for the next try; records do not. */
        assert_in_range(second.process->account->budget.used, before, before + n * 4096);
    }
    assert_true(failures);
    assert_int_equal(send(3), CAVERN_OK);
}

/*
 * [PROC-SUCCESSION-1] [MSG-BIND-3] [MSG-BIND-7] A service dies and comes back: its handle table, its queue and what
 * waited there are the successor's, under the values that the state of the service names.
 */
static void test_succession_with_a_kept_table(void **state)
{
    (void)state;
    cavern_handle account = model_give(keeper.process, &first.process->account->object, CAVERN_RIGHTS_ALL);
    assert_int_equal(peer_call(&keeper, PROCESS_CREATE, account, [3] = CAVERN_PROCESS_KEEP), CAVERN_OK);
    cavern_handle old = keeper.x[1];
    void *process;
    assert_int_equal(process_lookup(keeper.process, old, CAVERN_TYPE_PROCESS, 0, &process), CAVERN_OK);
    struct peer service = {.process = process};
    service.thread = model_thread(process, 20);
    assert_int_equal(peer_call(&service, QUEUE_CREATE, CAVERN_SELF_ACCOUNT, [3] = 64, [4] = 4), CAVERN_OK);
    service.queue = service.x[1];
    assert_int_equal(peer_call(&service, QUEUE_BIND, service.queue, [2] = CAVERN_SELF_PROCESS), CAVERN_OK);
    service.ring = service.x[1], service.control = service.x[2];
    assert_int_equal(peer_call(&service, SIGNAL_CREATE, CAVERN_SELF_ACCOUNT), CAVERN_OK);
    cavern_handle signal = service.x[1];
    assert_int_equal(peer_call(&service, NOTIFY, signal, [2] = 33, [3] = service.queue), CAVERN_OK);
    cavern_handle to = peer_sender(&client, &service, 1, 10, 10, 0);
    for (uint64_t token = 1; token <= 2; token++)
        assert_int_equal(peer_call(&client, REQUEST, to, [2] = token, [9] = client.queue, [10] = 1), CAVERN_OK);
    assert_true(peer_take(&service, &got));

    assert_int_equal(peer_call(&keeper, PROCESS_END, old), CAVERN_OK);
    assert_ending(CAVERN_KIND_ABANDONED, 1);
    assert_int_equal(peer_call(&client, REQUEST, to, [2] = 3, [9] = client.queue, [10] = 1), CAVERN_OK);
    assert_int_equal(peer_call(&keeper, PROCESS_CREATE, account, [2] = old, [3] = CAVERN_PROCESS_KEEP), CAVERN_OK);
    assert_int_equal(process_lookup(keeper.process, keeper.x[1], CAVERN_TYPE_PROCESS, 0, &process), CAVERN_OK);
    struct peer next = {.process = process, .queue = service.queue};
    next.thread = model_thread(process, 20);
    assert_int_equal(peer_call(&next, QUEUE_BIND, next.queue, [2] = CAVERN_SELF_PROCESS), CAVERN_OK);
    next.ring = next.x[1], next.control = next.x[2];
    assert_int_equal(next.x[3], 2 + 1);
    for (uint64_t token = 2; token <= 3; token++) {
        assert_true(peer_take(&next, &got));
        assert_int_equal(peer_call(&next, REPLY, next.queue, [2] = got.header.request), CAVERN_OK);
        assert_ending(CAVERN_KIND_REPLY, token);
    }
    assert_int_equal(peer_call(&next, SIGNAL_RAISE, signal), CAVERN_OK);
    assert_true(peer_take(&next, &got));
    assert_int_equal(got.header.label, 33);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, start)
    const struct CMUnitTest tests[] = {
        TEST(test_bind_a_bound_queue_is_busy),
        TEST(test_bind_checks_what_it_is_given),
        TEST(test_unbind_takes_the_pages_away),
        TEST(test_unbind_abandons_what_was_taken),
        TEST(test_unbind_abandons_what_was_taken_in_registers),
        TEST(test_unbind_abandons_calls_that_were_taken),
        TEST(test_unbind_drops_grants_of_what_was_taken),
        TEST(test_unbind_rounds_taken_up),
        TEST(test_unbind_cancels_what_was_asked),
        TEST(test_bind_positions_go_on),
        TEST(test_unbind_ignores_lies),
        TEST(test_unbind_goes_on_after_restarts),
        TEST(test_bind_without_memory_changes_nothing),
        TEST(test_succession_with_a_kept_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
