/* SPDX-License-Identifier: BSD-2-Clause */
/* Who waits for room, and what the control page says and does not say. */
#include "test.h"

static struct {
    struct cavern_queue full, own;
    cavern_handle first, second;
} t;

/* A queue without room, and two senders to it. */
static void set_up(void)
{
    test_queue(&t.full, 64, 2);
    test_queue(&t.own, 64, 0);
    t.first = test_sender(&t.full, 1);
    t.second = test_sender(&t.full, 2);
    for (unsigned i = 0; i < 64; i++)
        CHECK_OK(test_send_word(t.first, i));
}

/* The owner takes and frees this many messages, and tells the kernel. */
static void free_messages(unsigned count)
{
    struct cavern_message message;
    for (unsigned i = 0; i < count; i++) {
        test_receive(&t.full, CAVERN_KIND_MESSAGE, &message);
        cavern_queue_release(&t.full, &message);
    }
    CHECK_OK(cavern_sys_queue_freed(t.full.handle));
}

static void expect_space(uint64_t label)
{
    struct cavern_message message;
    test_receive(&t.own, CAVERN_KIND_SPACE, &message);
    CHECK_EQUAL(message.header.label, label);
    CHECK_EQUAL(message.header.size, 0);
    cavern_queue_release(&t.own, &message);
}

static void those_who_wait_are_told_in_order(void)
{
    set_up();
    CHECK_OK(cavern_space(t.first, 11, 3, 0, &t.own));
    CHECK_OK(cavern_space(t.second, 22, 1, 0, &t.own));
    free_messages(2);
    test_nothing(&t.own); /* there is room for the second, which is behind the first */
    free_messages(2);
    expect_space(11);
    expect_space(22);
    CHECK_EQUAL(OBSERVE(t.full.control->waiters), 0);
}

/* At its own limit, which the queue's room does not lift. */
static void sender_at_its_limit_holds_up_nobody(void)
{
    struct cavern_message message;
    cavern_handle narrow;
    test_queue(&t.full, 64, 2);
    test_queue(&t.own, 64, 0);
    CHECK_OK(cavern_sender_mint(t.full.handle, 1, 1, 1, 0, &narrow));
    t.second = test_sender(&t.full, 2);
    CHECK_OK(test_send_word(narrow, 0));
    CHECK_OK(cavern_space(narrow, 11, 1, 0, &t.own));
    CHECK_OK(cavern_space(t.second, 22, 1, 0, &t.own));
    expect_space(22);
    test_receive(&t.full, CAVERN_KIND_MESSAGE, &message);
    cavern_queue_release(&t.full, &message);
    CHECK_OK(cavern_sys_queue_freed(t.full.handle));
    expect_space(11);
}

static void slots_are_room_too(void)
{
    uint32_t id[2];
    test_queue(&t.full, 64, 2);
    test_queue(&t.own, 64, 0);
    t.first = test_sender(&t.full, 1);
    for (unsigned i = 0; i < 2; i++)
        CHECK_OK(test_request_word(t.first, 0, 0, &t.own, &id[i]));
    CHECK_OK(cavern_space(t.first, 11, 1, 1, &t.own));
    test_nothing(&t.own);
    CHECK_OK(cavern_cancel(t.first, id[1]));
    expect_space(11);
    CHECK_OK(test_request_word(t.first, 0, 0, &t.own, &id[1]));
}

static void asking_ends_with_the_asker(void)
{
    set_up();
    CHECK_OK(cavern_space(t.first, 11, 1, 0, &t.own));
    test_rebind(&t.own);
    CHECK_EQUAL(OBSERVE(t.full.control->waiters), 0);
    free_messages(64);
    test_nothing(&t.own);
    CHECK_OK(cavern_space(t.first, 12, 1, 0, &t.own));
    expect_space(12);
}

static void queue_that_goes_tells_who_waits(void)
{
    uint64_t a, b, c;
    set_up();
    CHECK_OK(cavern_space(t.first, 11, 1, 0, &t.own));
    CHECK_OK(cavern_sys_queue_bind(t.full.handle, 0, 0, &a, &b, &c));
    test_nothing(&t.own);
    CHECK_OK(cavern_sys_handle_close(t.full.handle));
    expect_space(11);
    CHECK_STATUS(test_send_word(t.first, 0), CAVERN_GONE);
}

/* --- the control page --- */

/* Scribbles over all that is the kernel's in the page. */
static void scribble(struct cavern_queue *queue)
{
    volatile uint64_t *words = (volatile uint64_t *)queue->control;
    for (unsigned i = 2; i < CAVERN_PAGE_SIZE / 8; i++)
        words[i] = i % 2 ? ~UINT64_C(0) : 0x1234;
}

static void kernels_words_mislead_nobody(void)
{
    struct cavern_message message;
    test_queue(&t.full, 64, 0);
    t.first = test_sender(&t.full, 1);
    for (uint64_t i = 0; i < 200; i++) {
        scribble(&t.full);
        CHECK_OK(test_send_word(t.first, i));
        CHECK_EQUAL(t.full.control->tail, i + 1); /* as the kernel knows it */
        test_receive(&t.full, CAVERN_KIND_MESSAGE, &message);
        CHECK_EQUAL(test_word(&message, 0), i);
        cavern_queue_release(&t.full, &message);
    }
    scribble(&t.full);
    test_rebind(&t.full);
    CHECK_EQUAL(t.full.control->tail, 200);
    CHECK_EQUAL(t.full.control->bound, 200);
    CHECK_EQUAL(t.full.control->blocks, 64);
    CHECK_EQUAL(t.full.control->waiters, 0);
}

/* Owners that have taken two of four messages and freed one, and then lie. */
static void lie(int64_t head, int64_t taken)
{
    struct cavern_queue queue;
    struct cavern_message messages[2];
    CHECK_OK(cavern_queue_open(CAVERN_STARTUP_QUEUE, &queue));
    for (unsigned i = 0; i < 2; i++)
        test_receive(&queue, CAVERN_KIND_MESSAGE, &messages[i]);
    cavern_queue_release(&queue, &messages[0]);
    CHECK_OK(cavern_sys_queue_freed(queue.handle)); /* the kernel has seen the truth */
    PUBLISH(queue.control->taken, 2 + (uint64_t)taken);
    PUBLISH(queue.control->head, 1 + (uint64_t)head);
    cavern_sleep_until(CAVERN_FOREVER);
}

static void head_beyond_taken(void)
{
    lie(2, 0);
}

static void taken_beyond_tail(void)
{
    lie(0, 3);
}

static void head_goes_back(void)
{
    lie(-1, 0);
}

static void taken_goes_back(void)
{
    lie(0, -1);
}

static void both_far_beyond(void)
{
    lie(INT64_MAX, INT64_MAX);
}

static void check_liar(const char *name)
{
    struct cavern_spawn setup = test_peer_setup(name);
    struct cavern_spawn_handle report = test_give(TEST_REPORT, test_handle(TEST_REPORT), RIGHTS_SENDER);
    struct test_peer peer;
    uint64_t words[5];
    cavern_handle sender;
    CHECK_OK(cavern_sys_queue_create(CAVERN_SELF_ACCOUNT, 64, 8, 0, &setup.queue));
    CHECK_OK(cavern_sender_mint(setup.queue, 0, 8, 8, 0, &sender));
    for (unsigned i = 0; i < 4; i++)
        CHECK_OK(test_send_word(sender, i));
    setup.handles = &report;
    setup.handle_count = 1;
    test_peer_start(&setup, &peer);
    CHECK_STATUS(test_send_word(sender, 9), CAVERN_QUEUE_FULL);
    test_peer_exit(&peer, words, true);
    CHECK_EQUAL(words[CAVERN_EXIT_REASON], CAVERN_REASON_CONTROL_PAGE);
    CHECK_OK(test_send_word(sender, 9)); /* it waits for the next owner */
    CHECK_OK(cavern_sys_handle_close(setup.queue));
}

static void owner_that_lies_ends_alone(void)
{
    static const char *const liars[] = {"head_beyond_taken", "taken_beyond_tail", "head_goes_back", "taken_goes_back",
                                        "both_far_beyond"};
    for (unsigned i = 0; i < 5; i++)
        check_liar(liars[i]);
}

static void taken_inside_a_message_is_rounded_up(void)
{
    static const uint8_t bytes[150]; /* three blocks */
    struct cavern_message message;
    test_queue(&t.full, 64, 0);
    t.first = test_sender(&t.full, 1);
    for (unsigned i = 0; i < 3; i++)
        CHECK_OK(cavern_send(t.first, &(struct cavern_outgoing){.payload = bytes, .size = sizeof bytes, .trace = i}));
    PUBLISH(t.full.control->taken, 4); /* in the second */
    test_rebind(&t.full);
    CHECK_EQUAL(t.full.control->head, 6);
    CHECK_EQUAL(t.full.control->taken, 6);
    CHECK_EQUAL(t.full.bound, 9);
    test_receive(&t.full, CAVERN_KIND_MESSAGE, &message);
    CHECK_EQUAL(message.header.trace, 2);
    CHECK_EQUAL(message.position, 6);
}

/* More than any other entry on the queue does: what was granted with each message goes, and that is told. */
static void owners_calls_give_all_back(void)
{
    enum { COUNT = 40 };
    for (unsigned receives = 0; receives < 2; receives++) {
        struct cavern_message message;
        set_up();
        free_messages(64);
        for (unsigned i = 0; i < COUNT; i++) {
            struct cavern_grant grant = {.rights = CAVERN_RIGHT_SEND};
            CHECK_OK(cavern_sender_mint(t.own.handle, i, 1, 0, CAVERN_MINT_CLOSED, &grant.handle));
            CHECK_OK(cavern_send(t.first, &(struct cavern_outgoing){.grants = &grant, .grant_count = 1}));
            cavern_handle_close(grant.handle);
        }
        for (unsigned i = 0; i < COUNT; i++) {
            CHECK(cavern_queue_take(&t.full, &message));
            PUBLISH(t.full.control->head, message.end);
        }
        CHECK(!cavern_queue_take(&t.own, &message));
        if (receives)
            test_nothing(&t.full);
        else
            CHECK_OK(cavern_sys_queue_freed(t.full.handle));
        for (unsigned i = 0; i < COUNT; i++)
            CHECK(cavern_queue_take(&t.own, &message));
    }
}

/* --- registers --- */

static struct cavern_received received;
static unsigned done;

static void receive_one(void *argument)
{
    (void)argument;
    CHECK_OK(cavern_sys_receive(t.own.handle, CAVERN_FOREVER, &received));
    PUBLISH(done, done + 1);
}

static void bytes_past_the_payload_are_zero(void)
{
    static const uint64_t dirty[5] = {~UINT64_C(0), ~UINT64_C(0), ~UINT64_C(0), ~UINT64_C(0), ~UINT64_C(0)};
    test_queue(&t.own, 64, 0);
    t.first = test_sender(&t.own, 1);
    for (unsigned size = 0; size <= 40; size++) {
        test_thread(receive_one, NULL, TEST_PRIORITY_HIGH);
        CHECK_OK(cavern_sys_send(t.first, CAVERN_INFO(size, 0, 0, 0, 0), dirty));
        CHECK_EQUAL(OBSERVE(done), size + 1);
        for (unsigned i = 0; i < 40; i++)
            CHECK_EQUAL(((const uint8_t *)received.words)[i], i < size ? 0xff : 0);
    }
}

const struct test_case test_cases[] = {
    {"those who wait are told in order", those_who_wait_are_told_in_order, "[MSG-SPACE-1] [MSG-SPACE-2] [MSG-FREE-2]"},
    {"a sender at its limit holds up nobody who waits", sender_at_its_limit_holds_up_nobody,
     "[MSG-SPACE-1] [MSG-SPACE-2]"},
    {"slots are room too", slots_are_room_too, "[MSG-SPACE-1]"},
    {"asking ends with the asker", asking_ends_with_the_asker, "[MSG-SPACE-5] [MSG-FREE-2]"},
    {"a queue that goes tells who waits", queue_that_goes_tells_who_waits, "[MSG-SPACE-6]"},
    {"the kernel's words mislead nobody", kernels_words_mislead_nobody, "[MSG-CONTROL-1] [MSG-BIND-6]"},
    {"an owner that lies ends alone", owner_that_lies_ends_alone, "[MSG-CONTROL-2] [MSG-CONTROL-3] [MSG-SEND-6]"},
    {"taken inside a message is rounded up", taken_inside_a_message_is_rounded_up, "[MSG-BIND-4] [MSG-BIND-6]"},
    {"the owner's calls give all back", owners_calls_give_all_back, "[MSG-FREE-3]"},
    {"bytes past the payload are 0", bytes_past_the_payload_are_zero, "[ABI-MSG-3]"},
    {0},
};

const struct test_peer_function test_peers[] = {
    {"head_beyond_taken", head_beyond_taken}, {"taken_beyond_tail", taken_beyond_tail},
    {"head_goes_back", head_goes_back},       {"taken_goes_back", taken_goes_back},
    {"both_far_beyond", both_far_beyond},     {0},
};
