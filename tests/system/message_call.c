/* SPDX-License-Identifier: BSD-2-Clause */
/* call and reply_receive. The server is a thread of higher priority, so it waits when the call comes. */
#include "test.h"

static struct {
    struct cavern_queue queue;
    cavern_handle sender;
    uint32_t request; /* kept for later */
    enum cavern_status status;
    unsigned done;
} t;

enum { ECHO, REPLY_LARGE, REPLY_TOO_LARGE, REPLY_GRANTS, REPLY_OVERLAP, DROP, KEEP };

enum { AROUND = 2 * CAVERN_PAGE_SIZE, ANSWER = CAVERN_PAGE_SIZE - 96, BYTES = 200 };

static uint8_t large[200];
static const uint8_t too_large[300];
static uint8_t *around; /* where the answer goes, at ANSWER, and comes from, at ANSWER - 96 */

static void reply_large(uint32_t request)
{
    CHECK_OK(cavern_reply(&t.queue, request, &(struct cavern_outgoing){.payload = large, .size = sizeof large}));
}

/* Two grants: a sender, and a buffer. */
static void reply_grants(uint32_t request)
{
    cavern_handle buffer;
    CHECK_OK(cavern_buffer_create(CAVERN_SELF_ACCOUNT, 4096, 0, &buffer));
    struct cavern_grant grants[] = {{t.sender, CAVERN_RIGHT_SEND}, {buffer, CAVERN_RIGHT_READ}};
    struct cavern_outgoing out = {.payload = "abc", .size = 3, .grants = grants, .grant_count = 2};
    t.status = cavern_reply(&t.queue, request, &out);
    if (t.status)
        CHECK_OK(cavern_sys_drop(t.queue.handle, request));
}

static void serve(void *argument)
{
    struct cavern_message message;
    (void)argument;
    while (cavern_queue_receive(&t.queue, CAVERN_FOREVER, &message) == CAVERN_OK) {
        uint32_t request = message.header.request;
        uint64_t word = test_word(&message, 0);
        cavern_queue_release(&t.queue, &message);
        if (word == REPLY_LARGE) {
            reply_large(request);
        } else if (word == REPLY_TOO_LARGE) {
            t.status = cavern_reply(&t.queue, request,
                                    &(struct cavern_outgoing){.payload = too_large, .size = sizeof too_large});
            CHECK_OK(test_reply_word(&t.queue, request, 1));
        } else if (word == REPLY_GRANTS) {
            reply_grants(request);
        } else if (word == REPLY_OVERLAP) {
            struct cavern_outgoing out = {.payload = around + ANSWER - 96, .size = BYTES};
            CHECK_OK(cavern_reply(&t.queue, request, &out));
        } else if (word == DROP) {
            CHECK_OK(cavern_sys_drop(t.queue.handle, request));
        } else if (word == KEEP) {
            PUBLISH(t.request, request);
        } else {
            CHECK_OK(test_reply_word(&t.queue, request, word + 1));
        }
    }
}

static void set_up(void)
{
    test_queue(&t.queue, 64, 4);
    t.sender = test_sender(&t.queue, 1);
    test_thread(serve, NULL, TEST_PRIORITY_HIGH);
}

/* Calls with `word` and memory for the answer. */
static enum cavern_status call(uint64_t word, struct cavern_answer *answer)
{
    return cavern_call(t.sender, &(struct cavern_outgoing){.payload = &word, .size = 8}, CAVERN_FOREVER, answer);
}

static void small_answer_is_in_registers(void)
{
    uint64_t memory[4] = {77, 77, 77, 77};
    struct cavern_received received;
    set_up();
    CHECK_OK(cavern_sys_call(t.sender, 0x1234, CAVERN_FOREVER, (uintptr_t)memory, sizeof memory,
                             CAVERN_INFO(8, 0, 0, 0, 5), (const uint64_t[5]){100}, &received));
    CHECK_EQUAL(received.header[0] & 0xffffff, 8 | CAVERN_KIND_REPLY << 16);
    CHECK_EQUAL(received.header[2], 0x1234);
    CHECK_EQUAL(received.words[0], 101);
    CHECK_EQUAL(received.words[1], 0);
    CHECK_EQUAL(memory[0], 77);
}

static void large_answer_is_in_memory(void)
{
    uint64_t memory[25];
    struct cavern_received received;
    struct cavern_answer answer = {.buffer = memory, .capacity = sizeof memory};
    set_up();
    memset(large, 0x5a, sizeof large);
    CHECK_OK(call(REPLY_LARGE, &answer));
    CHECK_EQUAL(answer.header.size, sizeof large);
    CHECK(memcmp(memory, large, sizeof large) == 0);
    CHECK_OK(cavern_sys_call(t.sender, 0, CAVERN_FOREVER, (uintptr_t)memory, sizeof memory, CAVERN_INFO(8, 0, 0, 0, 0),
                             (const uint64_t[5]){REPLY_LARGE}, &received));
    for (unsigned i = 0; i < 5; i++)
        CHECK_EQUAL(received.words[i], 0);
}

static void grants_of_the_answer_are_accepted(void)
{
    char text[8];
    void *address;
    struct cavern_message message;
    struct cavern_answer answer = {.buffer = text, .capacity = sizeof text, .places = 2};
    (void)message;
    set_up();
    CHECK_OK(call(REPLY_GRANTS, &answer));
    CHECK_OK(t.status);
    CHECK_EQUAL(answer.header.size, 3);
    CHECK(memcmp(text, "abc", 3) == 0);
    CHECK_EQUAL(answer.places, 2);
    CHECK_EQUAL(answer.grants[0].rights, CAVERN_RIGHT_SEND);
    CHECK_OK(cavern_send(answer.grants[0].handle, &(struct cavern_outgoing){.payload = &(uint64_t){KEEP}, .size = 8}));
    CHECK_STATUS(test_call_word(answer.grants[0].handle, 0, CAVERN_FOREVER, &(uint64_t){0}), CAVERN_DENIED);
    CHECK_OK(cavern_buffer_map(answer.grants[1].handle, 0, 4096, CAVERN_PROT_READ, &address));
    CHECK_STATUS(cavern_buffer_map(answer.grants[1].handle, 0, 4096, CAVERN_PROT_READ | CAVERN_PROT_WRITE, &address),
                 CAVERN_DENIED);
}

static void answer_that_does_not_fit_is_the_servers_error(void)
{
    uint64_t memory[32];
    struct cavern_answer answer = {.buffer = memory, .capacity = sizeof memory};
    set_up();
    CHECK_OK(call(REPLY_TOO_LARGE, &answer));
    CHECK_STATUS(t.status, CAVERN_TOO_LARGE);
    CHECK_EQUAL(memory[0], 1);
    answer = (struct cavern_answer){.buffer = memory, .capacity = sizeof memory, .places = 1};
    CHECK_STATUS(call(REPLY_GRANTS, &answer), CAVERN_ABANDONED);
    CHECK_STATUS(t.status, CAVERN_TOO_LARGE);
}

static void answer_memory_must_be_writable_ram(void)
{
    struct cavern_received received;
    static const uint64_t words[5] = {ECHO};
    uint64_t info = CAVERN_INFO(8, 0, 0, 0, 0);
    set_up();
    uint8_t *page = test_memory(4096);
    const uint64_t bad[] = {8, (uintptr_t)page + 4, (uintptr_t)page + 4096 - 32, (uintptr_t)test_cases, ~UINT64_C(63)};
    for (unsigned i = 0; i < sizeof bad / sizeof *bad; i++)
        CHECK_STATUS(cavern_sys_call(t.sender, 0, CAVERN_FOREVER, bad[i], 64, info, words, &received),
                     CAVERN_BAD_ADDRESS);
    CHECK_OK(cavern_sys_call(t.sender, 0, CAVERN_FOREVER, (uintptr_t)page, 4096, info, words, &received));
}

static void answer_onto_itself_stays_in_its_memory(void)
{
    struct cavern_answer answer;
    set_up();
    around = test_memory(AROUND);
    for (unsigned i = 0; i < AROUND; i++)
        around[i] = (uint8_t)(i * 7 + i / 251);
    answer = (struct cavern_answer){.buffer = around + ANSWER, .capacity = BYTES};
    CHECK_OK(call(REPLY_OVERLAP, &answer));
    CHECK_EQUAL(answer.header.size, BYTES);
    for (unsigned i = 0; i < AROUND; i++)
        if (i < ANSWER || i >= ANSWER + BYTES)
            CHECK_EQUAL(around[i], (uint8_t)(i * 7 + i / 251));
}

static void deadline_cancels(void)
{
    set_up();
    uint64_t answer, deadline = cavern_after(CAVERN_MILLISECOND);
    CHECK_STATUS(test_call_word(t.sender, KEEP, deadline, &answer), CAVERN_TIMEOUT);
    CHECK(cavern_now() >= deadline);
    CHECK_STATUS(test_reply_word(&t.queue, OBSERVE(t.request), 0), CAVERN_CANCELLED);
    CHECK_OK(test_call_word(t.sender, 50, CAVERN_FOREVER, &answer));
    CHECK_EQUAL(answer, 51);
}

static void dropped_call_is_abandoned(void)
{
    uint64_t answer;
    set_up();
    CHECK_STATUS(test_call_word(t.sender, DROP, CAVERN_FOREVER, &answer), CAVERN_ABANDONED);
}

static void call_and_stay(void *argument)
{
    (void)argument;
    t.status = test_call_word(t.sender, KEEP, CAVERN_FOREVER, &(uint64_t){0});
    PUBLISH(t.done, 1);
}

static void ended_caller_cancels_its_call(void)
{
    set_up();
    cavern_handle caller = test_thread(call_and_stay, NULL, TEST_PRIORITY_HIGH);
    uint32_t request = OBSERVE(t.request);
    CHECK(request != 0);
    CHECK_OK(cavern_sys_thread_control(caller, 0, CAVERN_THREAD_END, 0, 0));
    CHECK_STATUS(test_reply_word(&t.queue, request, 0), CAVERN_CANCELLED);
    CHECK_EQUAL(OBSERVE(t.done), 0);
}

/* --- reply_receive --- */

static void serve_by_reply_receive(void *argument)
{
    struct cavern_message message;
    (void)argument;
    enum cavern_status status = cavern_queue_receive(&t.queue, CAVERN_FOREVER, &message);
    while (status == CAVERN_OK) {
        uint64_t sum = 0;
        for (unsigned i = 0; i < message.header.size / 8; i++)
            sum += test_word(&message, i);
        uint32_t request = message.header.request;
        cavern_queue_release(&t.queue, &message);
        struct cavern_outgoing out = {.payload = &sum, .size = 8};
        status = cavern_reply_receive(&t.queue, request, &out, CAVERN_FOREVER, &message);
    }
}

static void reply_receive_serves(void)
{
    uint64_t words[20], sum;
    test_queue(&t.queue, 64, 4);
    t.sender = test_sender(&t.queue, 1);
    test_thread(serve_by_reply_receive, NULL, TEST_PRIORITY_HIGH);
    for (unsigned i = 0; i < 20; i++)
        words[i] = i;
    for (unsigned n = 0; n <= 20; n++) {
        struct cavern_answer answer = {.buffer = &sum, .capacity = sizeof sum};
        CHECK_OK(
            cavern_call(t.sender, &(struct cavern_outgoing){.payload = words, .size = n * 8}, CAVERN_FOREVER, &answer));
        CHECK_EQUAL(sum, n * (n - 1) / 2 * (n > 0));
    }
}

static void reply_receive_reports_a_failed_reply(void)
{
    struct cavern_queue client;
    struct cavern_received received;
    uint32_t id;
    static const uint64_t bytes[20];
    test_queue(&t.queue, 64, 4);
    test_queue(&client, 64, 0);
    CHECK_OK(test_request_word(test_sender(&t.queue, 0), 1, 0, &client, &id));
    CHECK_STATUS(cavern_sys_reply_receive(t.queue.handle, id, CAVERN_FOREVER, CAVERN_INFO(160, 0, 0, 0, 0),
                                          (const uint64_t[5]){(uintptr_t)bytes}, &received),
                 CAVERN_TOO_LARGE);
    /* The request that waits is not taken yet, so the receive part says IN_RING; of CANCELLED it says nothing. */
    CHECK_STATUS(cavern_sys_reply_receive(t.queue.handle, 0x70007, CAVERN_POLL, 0, (const uint64_t[5]){0}, &received),
                 CAVERN_IN_RING);
    CHECK_STATUS(cavern_sys_reply_receive(t.queue.handle, id, CAVERN_POLL, 0, (const uint64_t[5]){0}, &received),
                 CAVERN_IN_RING);
}

const struct test_case test_cases[] = {
    {"a small answer is in registers", small_answer_is_in_registers, "[MSG-CALL-1] [MSG-CALL-9] [SCHED-6]"},
    {"a large answer is in memory", large_answer_is_in_memory, "[MSG-CALL-2]"},
    {"grants of the answer are accepted", grants_of_the_answer_are_accepted, "[MSG-CALL-3] [ABI-HANDLE-8]"},
    {"an answer that does not fit is the server's error", answer_that_does_not_fit_is_the_servers_error,
     "[MSG-CALL-4]"},
    {"answer memory must be writable RAM", answer_memory_must_be_writable_ram, "[MSG-CALL-5] [ABI-ADDR-1]"},
    {"an answer onto itself stays in its memory", answer_onto_itself_stays_in_its_memory, "[MSG-CALL-10]"},
    {"a deadline cancels", deadline_cancels, "[MSG-CALL-6] [SCHED-8]"},
    {"a call that is dropped is abandoned", dropped_call_is_abandoned, "[MSG-CALL-7]"},
    {"a caller that is ended cancels its call", ended_caller_cancels_its_call, "[MSG-CALL-8] [PROC-CONTROL-1]"},
    {"reply_receive serves", reply_receive_serves, "[MSG-REPLYRECEIVE-1] [SCHED-6]"},
    {"reply_receive reports a reply that failed", reply_receive_reports_a_failed_reply, "[MSG-REPLYRECEIVE-1]"},
    {0},
};

const struct test_peer_function test_peers[] = {{0}};
