/* SPDX-License-Identifier: BSD-2-Clause */
/* What call and receive refuse, and how they fail. */
#include "refusal.h"

static struct {
    struct cavern_queue queue;
    cavern_handle sender;
    uint64_t body; /* a page */
    unsigned done;
} t;

#define GOOD_CALL t.sender, SIZE(64), [2] = 7, [3] = t.body, [9] = CAVERN_FOREVER, [10] = t.body, [11] = 64
#define GOOD_RECEIVE t.queue.handle, [9] = CAVERN_POLL

static void set_up(void)
{
    test_queue(&t.queue, 64, 2);
    t.sender = test_sender(&t.queue, 7);
    t.body = test_page();
}

static void call_handles(void)
{
    set_up();
    REFUSES_EACH(CALL, BAD_HANDLE, NOT(SENDER), 0, GOOD_CALL);
    REFUSES(CALL, DENIED, GOOD_CALL, [0] = test_without(t.sender, RIGHTS_SENDER, CAVERN_RIGHT_REQUEST));
    REFUSES(CALL, GONE, GOOD_CALL, [0] = test_orphan());
    test_nothing(&t.queue);
}

static void call_bodies(void)
{
    set_up();
    REFUSES_EACH(CALL, BAD_ADDRESS, test_unreadable(64), 3, GOOD_CALL);
    REFUSES_EACH(CALL, BAD_ADDRESS, test_misaligned(t.body), 3, GOOD_CALL);
    REFUSES(CALL, TOO_LARGE, GOOD_CALL, SIZE(64 * 64 - 24 + 1));
    REFUSES(CALL, TOO_LARGE, GOOD_CALL, SIZE(16385));
    REFUSES(CALL, BAD_ARGUMENT, GOOD_CALL, ATTACHED(0, 5, 0));
    REFUSES(CALL, BAD_ARGUMENT, GOOD_CALL, ATTACHED(0, 0, 5));
    test_nothing(&t.queue);
}

static void call_attachments(void)
{
    set_up();
    struct test_values bad = NO_HANDLE;
    struct cavern_grant *grant = (void *)t.body;
    for (unsigned i = 0; i < bad.count; i++) {
        *grant = (struct cavern_grant){bad.value[i], CAVERN_RIGHT_SEND};
        REFUSES(CALL, BAD_HANDLE, GOOD_CALL, ATTACHED(0, 0, 1));
    }
    *grant = (struct cavern_grant){t.queue.handle, CAVERN_RIGHT_MINT};
    REFUSES(CALL, DENIED, GOOD_CALL, ATTACHED(0, 0, 1));
    *(struct cavern_lease *)t.body = (struct cavern_lease){.address = 0, .length = 1, .rights = CAVERN_LEASE_READ};
    REFUSES(CALL, BAD_ADDRESS, GOOD_CALL, ATTACHED(0, 1, 0));
    *(struct cavern_lease *)t.body = (struct cavern_lease){.address = t.body, .length = 0, .rights = CAVERN_LEASE_READ};
    REFUSES(CALL, BAD_ARGUMENT, GOOD_CALL, ATTACHED(0, 1, 0));
    test_nothing(&t.queue);
}

static void answer_memory(void)
{
    set_up();
    REFUSES_EACH(CALL, BAD_ADDRESS, test_unwritable(64), 10, GOOD_CALL);
    REFUSES_EACH(CALL, BAD_ADDRESS, test_misaligned(t.body), 10, GOOD_CALL);
    REFUSES(CALL, BAD_ADDRESS, GOOD_CALL, [11] = 4097);
    REFUSES(CALL, BAD_ADDRESS, GOOD_CALL, [11] = 0xffffffff);
    REFUSES(CALL, BAD_ADDRESS, GOOD_CALL, [10] = t.body + 8, [11] = 4096 - 7);
    test_nothing(&t.queue);
}

static void places_for_grants(void)
{
    set_up();
    for (uint64_t places = 5; places <= 0xffffffff; places = places * 2 + 1)
        REFUSES(CALL, BAD_ARGUMENT, GOOD_CALL, [11] = 64 | places << 32);
    test_nothing(&t.queue);
    FAILS(CALL, TIMEOUT, GOOD_CALL, [9] = CAVERN_POLL, [11] = 64 | UINT64_C(4) << 32);
}

static void call_without_room(void)
{
    cavern_handle narrow;
    set_up();
    CHECK_OK(cavern_sender_mint(t.queue.handle, 0, 9, 1, 0, &narrow));
    for (unsigned i = 0; i < 2; i++)
        CHECK_OK(test_request_word(i ? narrow : t.sender, 0, 0, &t.queue, NULL));
    REFUSES(CALL, QUEUE_FULL, GOOD_CALL, [0] = narrow); /* at its limit */
    REFUSES(CALL, QUEUE_FULL, GOOD_CALL);               /* without a slot */
}

static void call_costs_memory(void)
{
    set_up();
    *(struct cavern_lease *)t.body = (struct cavern_lease){.address = t.body, .length = 1, .rights = 1};
    test_exhaust();
    REFUSES(CALL, NO_MEMORY, GOOD_CALL, ATTACHED(0, 1, 0));
    REFUSES(CALL, NO_MEMORY, GOOD_CALL, [11] = 64 | UINT64_C(1) << 32); /* a place in the handle table */
    test_nothing(&t.queue);
    FAILS(CALL, TIMEOUT, GOOD_CALL, [9] = CAVERN_POLL);
}

static void drop_next(void *argument)
{
    struct cavern_message message;
    (void)argument;
    test_receive(&t.queue, CAVERN_KIND_REQUEST, &message);
    CHECK_OK(cavern_sys_drop(t.queue.handle, message.header.request));
}

static void cancel_next(void *argument)
{
    struct cavern_message message;
    (void)argument;
    test_receive(&t.queue, CAVERN_KIND_REQUEST, &message);
    CHECK_OK(cavern_cancel(t.sender, message.header.request));
}

static void call_that_nobody_answers(void)
{
    set_up();
    FAILS(CALL, TIMEOUT, GOOD_CALL, [9] = 1); /* long past */
    FAILS(CALL, TIMEOUT, GOOD_CALL, [9] = cavern_after(CAVERN_MILLISECOND));
}

static void call_that_is_dropped(void)
{
    set_up();
    test_thread(drop_next, NULL, TEST_PRIORITY_LOW);
    FAILS(CALL, ABANDONED, GOOD_CALL);
}

static void call_that_is_cancelled(void)
{
    set_up();
    test_thread(cancel_next, NULL, TEST_PRIORITY_LOW);
    FAILS(CALL, CANCELLED, GOOD_CALL);
}

/* --- receive --- */

static void receive_handles(void)
{
    cavern_handle unbound;
    set_up();
    CHECK_OK(cavern_sys_queue_create(CAVERN_SELF_ACCOUNT, 64, 1, 0, &unbound));
    REFUSES_EACH(RECEIVE, BAD_HANDLE, NOT(QUEUE), 0, GOOD_RECEIVE);
    REFUSES(RECEIVE, DENIED, GOOD_RECEIVE, [0] = test_without(t.queue.handle, RIGHTS_QUEUE, CAVERN_RIGHT_RECEIVE));
    REFUSES(RECEIVE, DENIED, GOOD_RECEIVE, [0] = unbound);
}

static void receive_deadlines(void)
{
    set_up();
    REFUSES(RECEIVE, TIMEOUT, GOOD_RECEIVE);
    REFUSES(RECEIVE, TIMEOUT, GOOD_RECEIVE, [9] = 1);
    REFUSES(RECEIVE, TIMEOUT, GOOD_RECEIVE, [9] = cavern_now());
    FAILS(RECEIVE, TIMEOUT, GOOD_RECEIVE, [9] = cavern_after(CAVERN_MILLISECOND));
    CHECK_OK(test_send_word(t.sender, 1));
    REFUSES(RECEIVE, IN_RING, GOOD_RECEIVE);
    REFUSES(RECEIVE, IN_RING, GOOD_RECEIVE, [9] = CAVERN_FOREVER);
}

static void wait_in_receive(void *argument)
{
    (void)argument;
    FAILS(RECEIVE, GONE, t.queue.handle, [9] = CAVERN_FOREVER);
    PUBLISH(t.done, 1);
}

static void receive_while_another_does(void)
{
    uint64_t a, b, c;
    set_up();
    test_thread(wait_in_receive, NULL, TEST_PRIORITY_HIGH);
    REFUSES(RECEIVE, BUSY, GOOD_RECEIVE);
    REFUSES(RECEIVE, BUSY, GOOD_RECEIVE, [9] = CAVERN_FOREVER);
    CHECK_OK(cavern_sys_queue_bind(t.queue.handle, 0, 0, &a, &b, &c));
    CHECK_EQUAL(OBSERVE(t.done), 1);
}

const struct test_case test_cases[] = {
    {"call: handles", call_handles, "[ABI-HANDLE-4] [ABI-ERROR-2] [MSG-QUEUE-3]"},
    {"call: bodies", call_bodies, "[ABI-ADDR-1] [ABI-ADDR-2] [MSG-SEND-4] [MSG-SEND-8]"},
    {"call: attachments", call_attachments, "[MSG-LEASE-3] [MSG-LEASE-7] [MSG-GRANT-4] [ABI-ERROR-2]"},
    {"call: memory for the answer", answer_memory, "[MSG-CALL-5] [ABI-ADDR-1]"},
    {"call: places for grants", places_for_grants, "[ABI-CALL-3]"},
    {"call: without a slot", call_without_room, "[MSG-REQUEST-4]"},
    {"call: attachments and places cost memory", call_costs_memory, "[ABI-ERROR-2]"},
    {"call: nobody answers", call_that_nobody_answers, "[MSG-CALL-6] [ABI-CALL-2]"},
    {"call: dropped", call_that_is_dropped, "[MSG-CALL-7]"},
    {"call: cancelled by another thread", call_that_is_cancelled, "[MSG-CANCEL-4]"},
    {"receive: handles", receive_handles, "[ABI-HANDLE-4] [MSG-QUEUE-2]"},
    {"receive: deadlines", receive_deadlines, "[MSG-RECEIVE-3] [MSG-RECEIVE-4] [ABI-CALL-2] [ABI-FAIL-1]"},
    {"receive: while another thread does", receive_while_another_does, "[MSG-RECEIVE-5] [MSG-RECEIVE-6]"},
    {0},
};

const struct test_peer_function test_peers[] = {{0}};
