/* SPDX-License-Identifier: BSD-2-Clause */
/* What reply, reply_receive, drop and cancel refuse. The request that is replied to is pending until the end. */
#include "refusal.h"

static struct {
    struct cavern_queue queue, client;
    cavern_handle sender;
    uint64_t body; /* a page */
    uint32_t request;
} t;

#define GOOD_REPLY t.queue.handle, SIZE(64), [2] = t.request, [3] = t.body
#define GOOD_BOTH GOOD_REPLY, [9] = CAVERN_POLL
#define GOOD_DROP t.queue.handle, [2] = t.request
#define GOOD_CANCEL t.sender, [2] = t.request

/* Room for an ending of 4 blocks. */
static void set_up(void)
{
    struct cavern_message message;
    test_queue(&t.queue, 64, 4);
    test_queue(&t.client, 64, 0);
    t.sender = test_sender(&t.queue, 7);
    t.body = test_page();
    CHECK_OK(cavern_request(t.sender, 99, &(struct cavern_outgoing){0}, &t.client, 4, &t.request));
    test_receive(&t.queue, CAVERN_KIND_REQUEST, &message);
    cavern_queue_release(&t.queue, &message);
}

static void check_pending(void)
{
    struct cavern_message message;
    test_nothing(&t.client);
    ACCEPTS(REPLY, GOOD_REPLY);
    test_receive(&t.client, CAVERN_KIND_REPLY, &message);
    CHECK_EQUAL(message.header.label, 99);
}

static void handles_of_queues(void)
{
    cavern_handle unbound, deaf;
    set_up();
    CHECK_OK(cavern_sys_queue_create(CAVERN_SELF_ACCOUNT, 64, 1, 0, &unbound));
    deaf = test_without(t.queue.handle, RIGHTS_QUEUE, CAVERN_RIGHT_RECEIVE);
    REFUSES_EACH(REPLY, BAD_HANDLE, NOT(QUEUE), 0, GOOD_REPLY);
    REFUSES(REPLY, DENIED, GOOD_REPLY, [0] = unbound);
    REFUSES(REPLY, DENIED, GOOD_REPLY, [0] = deaf);
    REFUSES_EACH(REPLY_RECEIVE, BAD_HANDLE, NOT(QUEUE), 0, GOOD_BOTH);
    REFUSES(REPLY_RECEIVE, DENIED, GOOD_BOTH, [0] = unbound);
    REFUSES(REPLY_RECEIVE, DENIED, GOOD_BOTH, [0] = deaf);
    REFUSES_EACH(DROP, BAD_HANDLE, NOT(QUEUE), 0, GOOD_DROP);
    REFUSES(DROP, DENIED, GOOD_DROP, [0] = unbound);
    REFUSES(DROP, DENIED, GOOD_DROP, [0] = deaf);
    check_pending();
}

static void handles_of_senders(void)
{
    set_up();
    REFUSES(CANCEL, TOO_LATE, GOOD_CANCEL, [0] = test_orphan()); /* all its requests have ended */
    REFUSES_EACH(CANCEL, BAD_HANDLE, NOT(SENDER), 0, GOOD_CANCEL);
    REFUSES(CANCEL, DENIED, GOOD_CANCEL, [0] = test_without(t.sender, RIGHTS_SENDER, CAVERN_RIGHT_REQUEST));
    check_pending();
}

static void ids_that_are_not_pending(void)
{
    set_up();
    CHECK_EQUAL(t.request, 0x10001);
    const struct test_values ids = VALUES(0, 1, 0x10000, 0x10002, 0x10004, 0x10005, 0x1ffff, 0x20001, 0xffff0001,
                                          0xffffffff, 0x100010001, 0x8000000000010001, ~UINT64_C(0));
    REFUSES_EACH(REPLY, CANCELLED, ids, 2, GOOD_REPLY);
    REFUSES_EACH(DROP, CANCELLED, ids, 2, GOOD_DROP);
    REFUSES_EACH(CANCEL, TOO_LATE, ids, 2, GOOD_CANCEL);
    REFUSES_EACH(REPLY_RECEIVE, TIMEOUT, ids, 2, GOOD_BOTH); /* nobody to reply to is no error, and nothing waits */
    check_pending();
}

static void ids_of_what_has_ended(void)
{
    set_up();
    ACCEPTS(DROP, GOOD_DROP);
    REFUSES(REPLY, CANCELLED, GOOD_REPLY);
    REFUSES(DROP, CANCELLED, GOOD_DROP);
    REFUSES(CANCEL, TOO_LATE, GOOD_CANCEL);
}

static void reply_bodies(void)
{
    set_up();
    REFUSES_EACH(REPLY, BAD_ADDRESS, test_unreadable(64), 3, GOOD_REPLY);
    REFUSES_EACH(REPLY, BAD_ADDRESS, test_misaligned(t.body), 3, GOOD_REPLY);
    REFUSES_EACH(REPLY_RECEIVE, BAD_ADDRESS, test_unreadable(64), 3, GOOD_BOTH);
    REFUSES_EACH(REPLY_RECEIVE, BAD_ADDRESS, test_misaligned(t.body), 3, GOOD_BOTH);
    check_pending();
}

static void reply_sizes(void)
{
    set_up();
    const unsigned sizes[] = {4 * 64 - 24 + 1, 4072, 4073, 16384, 16385, 65535};
    for (unsigned i = 0; i < 6; i++) {
        REFUSES(REPLY, TOO_LARGE, GOOD_REPLY, SIZE(sizes[i]));
        REFUSES(REPLY_RECEIVE, TOO_LARGE, GOOD_BOTH, SIZE(sizes[i]));
    }
    test_nothing(&t.client);
    ACCEPTS(REPLY, GOOD_REPLY, SIZE(4 * 64 - 24));
}

static void reply_attachments(void)
{
    set_up();
    struct cavern_grant *grants = (void *)t.body;
    for (unsigned count = 1; count < 16; count++) {
        REFUSES(REPLY, BAD_ARGUMENT, GOOD_REPLY, ATTACHED(0, count, 0));
        REFUSES(REPLY_RECEIVE, BAD_ARGUMENT, GOOD_BOTH, ATTACHED(0, count, 0));
    }
    REFUSES(REPLY, BAD_ARGUMENT, GOOD_REPLY, ATTACHED(0, 0, 5));
    REFUSES(REPLY_RECEIVE, BAD_ARGUMENT, GOOD_BOTH, ATTACHED(0, 0, 5));
    grants[0] = (struct cavern_grant){t.sender, CAVERN_RIGHT_SEND};
    grants[1] = (struct cavern_grant){0x1234, CAVERN_RIGHT_SEND};
    REFUSES(REPLY, BAD_HANDLE, GOOD_REPLY, ATTACHED(0, 0, 2));
    REFUSES(REPLY_RECEIVE, BAD_HANDLE, GOOD_BOTH, ATTACHED(0, 0, 2));
    grants[1] = (struct cavern_grant){t.queue.handle, CAVERN_RIGHT_MINT};
    REFUSES(REPLY, DENIED, GOOD_REPLY, ATTACHED(0, 0, 2));
    REFUSES(REPLY_RECEIVE, DENIED, GOOD_BOTH, ATTACHED(0, 0, 2));
    REFUSES(REPLY, BAD_ADDRESS, GOOD_REPLY, ATTACHED(0, 0, 2), [3] = t.body + 4096 - 24);
    check_pending();
}

static void reply_costs_memory(void)
{
    set_up();
    *(struct cavern_grant *)t.body = (struct cavern_grant){t.sender, CAVERN_RIGHT_SEND};
    test_exhaust();
    REFUSES(REPLY, NO_MEMORY, GOOD_REPLY, ATTACHED(0, 0, 1));
    REFUSES(REPLY_RECEIVE, NO_MEMORY, GOOD_BOTH, ATTACHED(0, 0, 1));
    check_pending();
}

static void reply_receive_when_nothing_comes(void)
{
    struct cavern_message message;
    set_up();
    FAILS(REPLY_RECEIVE, TIMEOUT, GOOD_BOTH); /* the reply part is done */
    test_receive(&t.client, CAVERN_KIND_REPLY, &message);
    FAILS(REPLY_RECEIVE, TIMEOUT, GOOD_BOTH, [9] = cavern_after(CAVERN_MILLISECOND));
    CHECK_OK(test_send_word(t.sender, 1));
    REFUSES(REPLY_RECEIVE, IN_RING, GOOD_BOTH, [9] = CAVERN_FOREVER);
}

static unsigned woken;

static void wait_in_reply_receive(void *argument)
{
    (void)argument;
    FAILS(REPLY_RECEIVE, GONE, t.queue.handle, [9] = CAVERN_FOREVER);
    PUBLISH(woken, 1);
}

static void reply_receive_while_another_does(void)
{
    uint64_t a, b, c;
    set_up();
    test_thread(wait_in_reply_receive, NULL, TEST_PRIORITY_HIGH);
    REFUSES(REPLY_RECEIVE, BUSY, t.queue.handle, [9] = CAVERN_FOREVER);
    CHECK_OK(cavern_sys_queue_bind(t.queue.handle, 0, 0, &a, &b, &c));
    CHECK_EQUAL(OBSERVE(woken), 1);
}

const struct test_case test_cases[] = {
    {"reply, reply_receive, drop: handles", handles_of_queues, "[ABI-HANDLE-4] [MSG-QUEUE-2]"},
    {"cancel: handles", handles_of_senders, "[ABI-HANDLE-4] [MSG-CANCEL-2] [MSG-QUEUE-3]"},
    {"ids that are not pending", ids_that_are_not_pending,
     "[MSG-REPLY-1] [MSG-CANCEL-2] [MSG-REQUEST-5] [MSG-REPLYRECEIVE-1]"},
    {"ids of what has ended", ids_of_what_has_ended, "[MSG-REPLY-1] [MSG-REPLY-4] [MSG-CANCEL-2]"},
    {"reply, reply_receive: bodies", reply_bodies, "[ABI-ADDR-1] [ABI-ADDR-2] [MSG-REPLYRECEIVE-1]"},
    {"reply, reply_receive: sizes", reply_sizes, "[MSG-REPLY-2] [MSG-SEND-4]"},
    {"reply, reply_receive: attachments", reply_attachments, "[MSG-SEND-8] [MSG-GRANT-4] [ABI-ERROR-2]"},
    {"reply, reply_receive: attachments cost memory", reply_costs_memory, "[ABI-ERROR-2] [MSG-REQUEST-1]"},
    {"reply_receive: when nothing comes", reply_receive_when_nothing_comes, "[MSG-REPLYRECEIVE-1] [ABI-FAIL-1]"},
    {"reply_receive: while another thread does", reply_receive_while_another_does, "[MSG-RECEIVE-5] [MSG-RECEIVE-6]"},
    {0},
};

const struct test_peer_function test_peers[] = {{0}};
