/* SPDX-License-Identifier: BSD-2-Clause */
/* Grants: handles that travel in messages. */
#include "test.h"

#define BYTES (64 * CAVERN_PAGE_SIZE)

static struct {
    struct cavern_queue queue;
    cavern_handle sender;
} t;

static void set_up(void)
{
    test_queue(&t.queue, 64, 4);
    t.sender = test_sender(&t.queue, 3);
}

static enum cavern_status grant(cavern_handle handle, uint64_t rights)
{
    struct cavern_grant record = {handle, rights};
    return cavern_send(t.sender, &(struct cavern_outgoing){.grants = &record, .grant_count = 1});
}

static void accepted_handle_has_the_rights_given(void)
{
    struct cavern_message message;
    cavern_handle accepted;
    uint64_t type;
    set_up();
    CHECK_OK(grant(t.sender, CAVERN_RIGHT_SEND | CAVERN_RIGHT_COPY));
    test_receive(&t.queue, CAVERN_KIND_MESSAGE, &message);
    CHECK_EQUAL(message.grant_count, 1);
    CHECK_EQUAL(message.grants[0].handle, CAVERN_TYPE_SENDER);
    CHECK_EQUAL(message.grants[0].rights, CAVERN_RIGHT_SEND | CAVERN_RIGHT_COPY);
    CHECK_STATUS(cavern_sys_grant_accept(t.queue.handle, message.position, 1, &accepted, &type), CAVERN_BAD_ARGUMENT);
    CHECK_OK(cavern_sys_grant_accept(t.queue.handle, message.position, 0, &accepted, &type));
    CHECK_EQUAL(type, CAVERN_TYPE_SENDER | (uint64_t)(CAVERN_RIGHT_SEND | CAVERN_RIGHT_COPY) << 16);
    CHECK(accepted != t.sender);
    CHECK_OK(test_send_word(accepted, 0));
    CHECK_STATUS(cavern_sender_mint(accepted, 0, 1, 1, 0, &accepted), CAVERN_DENIED);
    CHECK_STATUS(cavern_grant_accept(&t.queue, &message, 0, &accepted), CAVERN_GONE);
}

static void grant_that_was_freed_is_gone(void)
{
    struct cavern_message message;
    cavern_handle accepted;
    set_up();
    CHECK_OK(grant(t.sender, CAVERN_RIGHT_SEND));
    test_receive(&t.queue, CAVERN_KIND_MESSAGE, &message);
    cavern_queue_release(&t.queue, &message);
    CHECK_OK(test_send_word(t.sender, 0));
    CHECK_STATUS(cavern_grant_accept(&t.queue, &message, 0, &accepted), CAVERN_GONE);
}

static void rights_only_shrink(void)
{
    struct cavern_message message;
    cavern_handle weak, accepted;
    set_up();
    CHECK_OK(cavern_handle_duplicate(t.sender, CAVERN_RIGHT_SEND, &weak));
    CHECK_STATUS(grant(weak, CAVERN_RIGHT_SEND), CAVERN_DENIED); /* without COPY */
    CHECK_OK(cavern_handle_duplicate(t.sender, CAVERN_RIGHT_SEND | CAVERN_RIGHT_COPY, &weak));
    CHECK_STATUS(grant(weak, CAVERN_RIGHT_REQUEST), CAVERN_DENIED);
    CHECK_STATUS(grant(0x1234, CAVERN_RIGHT_SEND), CAVERN_BAD_HANDLE);
    CHECK_OK(grant(weak, CAVERN_RIGHT_SEND));
    test_receive(&t.queue, CAVERN_KIND_MESSAGE, &message);
    CHECK_OK(cavern_grant_accept(&t.queue, &message, 0, &accepted));
    CHECK_OK(test_send_word(accepted, 0));
}

static void some_types_never_travel(void)
{
    set_up();
    CHECK_STATUS(grant(CAVERN_SELF_PROCESS, CAVERN_RIGHT_INSPECT), CAVERN_DENIED);
    CHECK_STATUS(grant(CAVERN_SELF_THREAD, CAVERN_RIGHT_INSPECT), CAVERN_DENIED);
    CHECK_STATUS(grant(t.queue.handle, CAVERN_RIGHT_MINT), CAVERN_DENIED);
    test_nothing(&t.queue);
}

static void four_grants_at_once(void)
{
    struct cavern_message message;
    struct cavern_grant grants[4];
    cavern_handle accepted[4];
    set_up();
    for (unsigned i = 0; i < 4; i++)
        grants[i] = (struct cavern_grant){test_sender(&t.queue, 100 + i), CAVERN_RIGHT_SEND};
    CHECK_OK(cavern_send(
        t.sender, &(struct cavern_outgoing){.payload = "odd size", .size = 9, .grants = grants, .grant_count = 4}));
    test_receive(&t.queue, CAVERN_KIND_MESSAGE, &message);
    for (unsigned i = 0; i < 4; i++)
        CHECK_OK(cavern_grant_accept(&t.queue, &message, 3 - i, &accepted[3 - i]));
    cavern_queue_release(&t.queue, &message);
    for (unsigned i = 0; i < 4; i++) {
        CHECK_OK(test_send_word(accepted[i], 0));
        test_receive(&t.queue, CAVERN_KIND_MESSAGE, &message);
        CHECK_EQUAL(message.header.label, 100 + i);
        cavern_queue_release(&t.queue, &message);
    }
}

/* Gives a buffer, and lives until it is told to end. */
static void give_and_wait(void)
{
    struct cavern_queue queue;
    struct cavern_message message;
    cavern_handle buffer;
    void *memory;
    CHECK_OK(cavern_queue_open(CAVERN_STARTUP_QUEUE, &queue));
    CHECK_OK(cavern_buffer_create(CAVERN_SELF_ACCOUNT, BYTES, 0, &buffer));
    CHECK_OK(cavern_buffer_map(buffer, 0, BYTES, CAVERN_PROT_READ | CAVERN_PROT_WRITE, &memory));
    strcpy(memory, "shared");
    struct cavern_grant record = {buffer, CAVERN_RIGHT_READ};
    t.sender = test_handle("to");
    CHECK_OK(cavern_send(
        t.sender, &(struct cavern_outgoing){.payload = &memory, .size = 8, .grants = &record, .grant_count = 1}));
    test_receive(&queue, CAVERN_KIND_MESSAGE, &message);
}

/* The peer has an account of its own, so that what it shares must be paid for here. */
static cavern_handle start_giver(struct test_peer *peer, uint64_t memory)
{
    struct cavern_spawn setup = test_peer_setup("give_and_wait");
    struct cavern_spawn_handle handles[] = {test_give("to", t.sender, RIGHTS_SENDER),
                                            test_give(TEST_REPORT, test_handle(TEST_REPORT), RIGHTS_SENDER)};
    cavern_handle to_peer;
    CHECK_OK(cavern_sys_account_split(test_account(), 0, (int64_t)memory, TEST_PRIORITY_TOP, &setup.account));
    CHECK_OK(cavern_sys_queue_create(setup.account, 64, 0, 0, &setup.queue));
    CHECK_OK(cavern_sender_mint(setup.queue, 0, 1, 1, 0, &to_peer));
    setup.handles = handles;
    setup.handle_count = 2;
    test_peer_start(&setup, peer);
    cavern_handle_close(setup.queue);
    cavern_handle_close(setup.account);
    return to_peer;
}

static void accepted_buffer_outlives_the_giver(void)
{
    struct cavern_message message;
    struct test_peer peer;
    cavern_handle buffer;
    void *memory;
    set_up();
    cavern_handle to_peer = start_giver(&peer, 2 << 20);
    test_receive(&t.queue, CAVERN_KIND_MESSAGE, &message);
    uint64_t before = test_used();
    CHECK_OK(cavern_grant_accept(&t.queue, &message, 0, &buffer));
    CHECK(test_used() >= before + BYTES);
    CHECK_OK(test_send_word(to_peer, 0));
    test_peer_done(&peer);
    CHECK_OK(cavern_buffer_map(buffer, 0, BYTES, CAVERN_PROT_READ, &memory));
    CHECK_EQUAL((uintptr_t)memory, test_word(&message, 0)); /* its own address, the same everywhere */
    CHECK(strcmp(memory, "shared") == 0);
}

static void grant_of_a_dead_sender_is_gone(void)
{
    struct cavern_message message;
    struct test_peer peer;
    cavern_handle buffer;
    set_up();
    cavern_handle to_peer = start_giver(&peer, 2 << 20);
    test_receive(&t.queue, CAVERN_KIND_MESSAGE, &message);
    CHECK_OK(test_send_word(to_peer, 0));
    test_peer_done(&peer);
    CHECK_STATUS(cavern_grant_accept(&t.queue, &message, 0, &buffer), CAVERN_GONE);
}

static void who_cannot_pay_may_try_again(void)
{
    struct cavern_message message;
    struct test_peer peer;
    struct cavern_account_info info;
    cavern_handle buffer, rest;
    uint64_t next, written;
    set_up();
    cavern_handle to_peer = start_giver(&peer, 2 << 20);
    test_receive(&t.queue, CAVERN_KIND_MESSAGE, &message);
    CHECK_OK(cavern_sys_inspect(CAVERN_SELF_ACCOUNT, CAVERN_INSPECT_ACCOUNT, 0, (uintptr_t)&info, sizeof info, &next,
                                &written));
    uint64_t room = info.limit - info.used;
    CHECK_OK(cavern_buffer_create(CAVERN_SELF_ACCOUNT, room - BYTES / 2, 0, &rest));
    CHECK_STATUS(cavern_grant_accept(&t.queue, &message, 0, &buffer), CAVERN_NO_MEMORY);
    cavern_handle_close(rest);
    CHECK_OK(cavern_grant_accept(&t.queue, &message, 0, &buffer));
    CHECK_OK(test_send_word(to_peer, 0));
    test_peer_done(&peer);
}

const struct test_case test_cases[] = {
    {"an accepted handle has the rights given", accepted_handle_has_the_rights_given,
     "[MSG-GRANT-1] [MSG-GRANT-2] [MSG-GRANT-6]"},
    {"a grant whose message was freed is gone", grant_that_was_freed_is_gone, "[MSG-GRANT-2]"},
    {"rights only shrink", rights_only_shrink, "[ABI-HANDLE-8]"},
    {"processes, threads and queues never travel", some_types_never_travel, "[MSG-GRANT-4]"},
    {"four grants at once", four_grants_at_once, "[MSG-GRANT-1]"},
    {"an accepted buffer outlives the giver", accepted_buffer_outlives_the_giver,
     "[MSG-GRANT-5] [MEM-ACCOUNT-7] [MEM-MAP-1] [MEM-BUFFER-4]"},
    {"a grant of a dead sender is gone", grant_of_a_dead_sender_is_gone, "[MSG-GRANT-3]"},
    {"who can't pay may try again", who_cannot_pay_may_try_again, "[MSG-GRANT-5] [MEM-ACCOUNT-1]"},
    {0},
};

const struct test_peer_function test_peers[] = {{"give_and_wait", give_and_wait}, {0}};
