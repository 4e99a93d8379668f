/* SPDX-License-Identifier: BSD-2-Clause */
/* libcavern's service loop and its clients, face to face. */
#include "test.h"

#include <stdlib.h>

#include <cavern/rpc.h>
#include <cavern/service.h>

enum { COUNT = 1, FAIL, DROP_TWICE, DROP_ALWAYS, LARGE, TWO_LATER, GIVE };

struct count_reply {
    struct rpc_reply reply;
    uint64_t seen; /* requests of this kind so far */
    uint64_t attempt;
};

/* --- the server, a peer --- */

static unsigned seen[8];
static uint32_t waiting; /* a request that is answered by the timer */

static void on_request(struct cavern_service *service, const struct cavern_message *message)
{
    static const uint8_t large[2000];
    const struct rpc_request *request = message->payload;
    uint32_t id = message->header.request;
    struct count_reply reply = {{CAVERN_OK, request->operation}, ++seen[request->operation & 7], request->attempt};
    switch (request->operation) {
    case COUNT:
        cavern_reply_bytes(service, id, &reply, sizeof reply);
        break;
    case FAIL:
        cavern_reply_status(service, id, CAVERN_NOT_FOUND, 5);
        break;
    case DROP_TWICE:
        if (request->attempt < 2)
            cavern_drop(&service->queue, id);
        else
            cavern_reply_bytes(service, id, &reply, sizeof reply);
        break;
    case DROP_ALWAYS:
        cavern_drop(&service->queue, id);
        break;
    case LARGE:
        cavern_reply_bytes(service, id, large, sizeof large);
        break;
    case TWO_LATER:
        waiting = id;
        cavern_timer_set(service, 1, cavern_after(2 * CAVERN_MILLISECOND));
        break;
    case GIVE:
        cavern_reply_grant(service, id, 7, test_handle(TEST_REPORT), CAVERN_RIGHT_SEND);
        break;
    default:
        cavern_reply_status(service, id, CAVERN_UNSUPPORTED, 0);
    }
}

static void on_message(struct cavern_service *service, const struct cavern_message *message)
{
    cavern_service_stop(service, (int)test_word(message, 0));
}

static void on_timer(struct cavern_service *service, uint64_t id)
{
    CHECK_EQUAL(id, 1);
    cavern_reply_status(service, waiting, CAVERN_OK, 2);
}

static void serve(void)
{
    static struct cavern_service service = {.on_request = on_request, .on_message = on_message, .on_timer = on_timer};
    CHECK_OK(cavern_service_open(&service));
    exit(cavern_service_run(&service));
}

static void serve_nothing(void)
{
    static struct cavern_service service = {.on_message = on_message};
    CHECK_OK(cavern_service_open(&service));
    exit(cavern_service_run(&service));
}

/* --- the client --- */

static struct test_peer server;

static cavern_handle start(const char *function)
{
    struct cavern_spawn setup = test_peer_setup(function);
    struct cavern_spawn_handle report = test_give(TEST_REPORT, test_handle(TEST_REPORT), RIGHTS_SENDER);
    cavern_handle sender;
    CHECK_OK(cavern_sys_queue_create(test_account(), 64, 8, 0, &setup.queue));
    CHECK_OK(cavern_sender_mint(setup.queue, 1, 64, 64, 0, &sender));
    setup.handles = &report;
    setup.handle_count = 1;
    test_peer_start(&setup, &server);
    return sender;
}

static void stop(cavern_handle sender)
{
    CHECK_OK(test_send_word(sender, TEST_PASSED));
    test_peer_done(&server);
}

static enum cavern_status ask(cavern_handle sender, unsigned operation, struct count_reply *reply)
{
    struct rpc_request request = {.operation = (uint16_t)operation, .version = RPC_VERSION};
    return cavern_rpc_call(sender, &request, sizeof request, reply, sizeof *reply, NULL, CAVERN_FOREVER);
}

static void loop_answers_what_nobody_else_does(void)
{
    struct count_reply reply;
    cavern_handle sender = start("serve_nothing");
    CHECK_STATUS(ask(sender, RPC_PING, &reply), CAVERN_OK);
    CHECK_STATUS(ask(sender, COUNT, &reply), CAVERN_UNSUPPORTED);
    CHECK_STATUS(cavern_rpc_call(sender, "short", 5, &reply, sizeof reply, NULL, CAVERN_FOREVER), CAVERN_BAD_ARGUMENT);
    stop(sender);
}

static void status_is_that_of_the_call_then_of_the_reply(void)
{
    struct count_reply reply;
    cavern_handle sender = start("serve");
    CHECK_OK(ask(sender, COUNT, &reply));
    CHECK_EQUAL(reply.reply.value, COUNT);
    CHECK_EQUAL(reply.seen, 1);
    memset(&reply, 0xff, sizeof reply);
    CHECK_STATUS(ask(sender, FAIL, &reply), CAVERN_NOT_FOUND);
    CHECK_EQUAL(reply.reply.value, 5);
    CHECK_EQUAL(reply.attempt, 0); /* what did not come is zero */
    CHECK_STATUS(ask(sender, 77, &reply), CAVERN_UNSUPPORTED);
    CHECK_STATUS(ask(sender, LARGE, &reply), CAVERN_TOO_LARGE);
    CHECK_STATUS(ask(sender, TWO_LATER, &reply), CAVERN_OK);
    CHECK_EQUAL(reply.reply.value, 2);
    CHECK_STATUS(ask(sender, DROP_ALWAYS, &reply), CAVERN_ABANDONED);
    CHECK_STATUS(ask(0x99, COUNT, &reply), CAVERN_BAD_HANDLE);
    stop(sender);
    CHECK_STATUS(test_call_word(sender, 0, cavern_after(CAVERN_MILLISECOND), &reply.seen), CAVERN_TIMEOUT);
}

static void grants_come_with_replies(void)
{
    struct rpc_request request = {.operation = GIVE, .version = RPC_VERSION};
    struct rpc_reply reply;
    cavern_handle sender = start("serve");
    struct cavern_outgoing out = {.payload = &request, .size = sizeof request};
    struct cavern_answer answer = {.buffer = &reply, .capacity = sizeof reply, .places = 1};
    CHECK_OK(cavern_rpc_exchange(sender, &out, CAVERN_FOREVER, &answer));
    CHECK_EQUAL(reply.value, 7);
    CHECK_EQUAL(answer.places, 1);
    CHECK_EQUAL(answer.grants[0].rights, CAVERN_RIGHT_SEND);
    CHECK_OK(cavern_sys_handle_close(answer.grants[0].handle));
    answer = (struct cavern_answer){.buffer = &reply, .capacity = sizeof reply};
    CHECK_STATUS(cavern_rpc_exchange(sender, &out, CAVERN_FOREVER, &answer), CAVERN_TOO_LARGE); /* no place for it */
    stop(sender);
}

static void sessions_repeat_what_was_abandoned(void)
{
    struct cavern_session session;
    struct rpc_request request = {.operation = DROP_TWICE, .version = RPC_VERSION};
    struct count_reply reply;
    cavern_handle sender = start("serve");
    cavern_session_open(&session, sender, NULL);
    CHECK_OK(cavern_session_call(&session, &request, sizeof request, &reply, sizeof reply, NULL, CAVERN_FOREVER));
    CHECK_EQUAL(reply.attempt, 2);
    CHECK_EQUAL(reply.seen, 3);
    CHECK_STATUS(ask(sender, DROP_TWICE, &reply), CAVERN_ABANDONED); /* not in a session: once */
    request = (struct rpc_request){.operation = DROP_ALWAYS, .version = RPC_VERSION};
    CHECK_STATUS(cavern_session_call(&session, &request, sizeof request, &reply, sizeof reply, NULL, CAVERN_FOREVER),
                 CAVERN_ABANDONED);
    request = (struct rpc_request){.operation = DROP_ALWAYS, .version = RPC_VERSION};
    uint64_t deadline = cavern_after(2 * CAVERN_MILLISECOND);
    CHECK_STATUS(cavern_session_call(&session, &request, sizeof request, &reply, sizeof reply, NULL, deadline),
                 CAVERN_ABANDONED);
    CHECK(cavern_now() < deadline + CAVERN_MILLISECOND);
    stop(sender);
}

const struct test_case test_cases[] = {
    {"the loop answers what nobody else does", loop_answers_what_nobody_else_does, "[RPC-1] [RPC-2] [RPC-3]"},
    {"the status is that of the call, then of the reply", status_is_that_of_the_call_then_of_the_reply, "[RPC-4]"},
    {"grants come with replies", grants_come_with_replies, "[MSG-CALL-3] [MSG-CALL-4]"},
    {"sessions repeat what was abandoned", sessions_repeat_what_was_abandoned, "[RPC-6]"},
    {0},
};

const struct test_peer_function test_peers[] = {
    {"serve", serve},
    {"serve_nothing", serve_nothing},
    {0},
};
