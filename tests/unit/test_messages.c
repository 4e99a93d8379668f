/* SPDX-License-Identifier: BSD-2-Clause */
/* Queues, senders, sending and receiving over the simulated machine. spec/messages.md. */
#include "unit.h"

#include "object/queue.h"
#include "peer.h"

static struct peer server, client;
static struct taken got;

static int start(void **state)
{
    (void)state;
    model_start(64 << 20);
    peer_start(&server, "server", 20, 64, 8);
    peer_start(&client, "client", 10, 64, 8);
    return 0;
}

static uint64_t send_words(cavern_handle sender, unsigned size, uint64_t first)
{
    return peer_call(&client, SEND,
                     sender, [1] = CAVERN_INFO(size, 0, 0, 0, 7), [3] = first, [4] = 2, [5] = 3, [6] = 4, [7] = 5);
}

/* A message that needs `blocks` blocks, from memory. */
static uint64_t send_blocks(cavern_handle sender, unsigned blocks)
{
    return peer_call(&client, SEND, sender, [1] = CAVERN_INFO(blocks * 64 - 24, 0, 0, 0, 0), [3] = client.memory);
}

/* [MSG-QUEUE-1] */
static void test_queue_create_bad_sizes_refused(void **state)
{
    (void)state;
    static const uint64_t blocks[] = {0, 1, 32, 63, 65, 96, 32769, 65536, UINT64_MAX};
    for (unsigned i = 0; i < COUNT_OF(blocks); i++)
        assert_int_equal(peer_call(&server, QUEUE_CREATE, CAVERN_SELF_ACCOUNT, [3] = blocks[i]), CAVERN_BAD_ARGUMENT);
    assert_int_equal(peer_call(&server, QUEUE_CREATE, CAVERN_SELF_ACCOUNT, [3] = 64, [4] = 16385), CAVERN_BAD_ARGUMENT);
    assert_int_equal(peer_call(&server, QUEUE_CREATE, CAVERN_SELF_ACCOUNT, [3] = 4096, [4] = 1000), CAVERN_OK);
    assert_int_equal(peer_call(&server, QUEUE_CREATE, CAVERN_SELF_PROCESS, [3] = 64), CAVERN_BAD_HANDLE);
}

/* [MSG-QUEUE-2] */
static void test_queue_not_bound_to_caller_is_denied(void **state)
{
    (void)state;
    cavern_handle foreign = model_give(client.process, &peer_queue(&server)->object, CAVERN_RIGHTS_ALL);
    cavern_handle sender = peer_sender(&client, &server, 1, 4, 4, 0);
    assert_int_equal(peer_call(&client, RECEIVE, foreign), CAVERN_DENIED);
    assert_int_equal(peer_call(&client, REPLY, foreign, [2] = 1), CAVERN_DENIED);
    assert_int_equal(peer_call(&client, REPLY_RECEIVE, foreign, [2] = 1), CAVERN_DENIED);
    assert_int_equal(peer_call(&client, DROP, foreign, [2] = 1), CAVERN_DENIED);
    assert_int_equal(peer_call(&client, QUEUE_FREED, foreign), CAVERN_DENIED);
    assert_int_equal(peer_call(&client, LEASE_COPY, foreign), CAVERN_DENIED);
    assert_int_equal(peer_call(&client, GRANT_ACCEPT, foreign), CAVERN_DENIED);
    assert_int_equal(peer_call(&client, REQUEST, sender, [9] = foreign, [10] = 1), CAVERN_DENIED);
    assert_int_equal(peer_call(&client, SPACE, sender, [3] = 1, [9] = foreign), CAVERN_DENIED);
}

/* [MSG-QUEUE-3] [MSG-QUEUE-4] */
static void test_queue_last_handle_closed_ends_it(void **state)
{
    (void)state;
    cavern_handle sender = peer_sender(&client, &server, 1, 4, 4, 0);
    uint64_t before = client.process->account->budget.used;
    assert_int_equal(send_words(sender, 8, 1), CAVERN_OK);
    assert_int_equal(peer_call(&client, REQUEST, sender, [2] = 77, [9] = client.queue, [10] = 1), CAVERN_OK);
    assert_int_equal(peer_call(&server, HANDLE_CLOSE, server.queue), CAVERN_OK);
    assert_true(peer_take(&client, &got));
    assert_int_equal(got.header.kind, CAVERN_KIND_ABANDONED);
    assert_int_equal(got.header.label, 77);
    assert_int_equal(send_words(sender, 8, 1), CAVERN_GONE);
    assert_int_equal(peer_call(&client, REQUEST, sender, [9] = client.queue, [10] = 1), CAVERN_GONE);
    assert_int_equal(client.process->account->budget.used, before);
}

/* [ABI-MSG-1] [MSG-RECEIVE-1] All five words, in registers and through the ring. */
static void test_message_of_40_bytes_arrives_whole(void **state)
{
    (void)state;
    static const uint64_t words[] = {11, 22, 33, 44, 55};
    cavern_handle sender = peer_sender(&client, &server, 1, 9, 1, 0);
    for (unsigned i = 0; i < 2; i++) {
        if (i)
            assert_int_equal(peer_call(&server, RECEIVE, server.queue, [9] = CAVERN_FOREVER), MODEL_WAITS);
        assert_int_equal(peer_call(&client, SEND, sender, [1] = CAVERN_INFO(40, 0, 0, 0, 0), [3] = words[0], words[1],
                                   words[2], words[3], words[4]),
                         CAVERN_OK);
        if (i) {
            assert_int_equal(peer_woken(&server), CAVERN_OK);
            assert_memory_equal(&server.x[4], words, sizeof words);
        } else {
            assert_true(peer_take(&server, &got));
            assert_memory_equal(got.body, words, sizeof words);
        }
    }
}

/* [MSG-RECEIVE-1] [MSG-SENDER-1] */
static void test_receive_waiting_gets_registers(void **state)
{
    (void)state;
    cavern_handle sender = peer_sender(&client, &server, 0xabc, 1, 1, 0);
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(peer_call(&server, RECEIVE, server.queue, [9] = CAVERN_FOREVER), MODEL_WAITS);
        assert_int_equal(send_words(sender, 12, 0x1111111111111111), CAVERN_OK);
        assert_int_equal(peer_woken(&server), CAVERN_OK);
        struct cavern_header header;
        memcpy(&header, &server.x[1], sizeof header);
        assert_int_equal(header.size, 12);
        assert_int_equal(header.kind, CAVERN_KIND_MESSAGE);
        assert_int_equal(header.sender, client.process->id);
        assert_int_equal(header.label, 0xabc);
        assert_int_equal(header.trace, 7);
        assert_int_equal(server.x[4], 0x1111111111111111);
        assert_int_equal(server.x[5], 2);
        assert_int_equal(server.x[6], 0); /* nothing of the sender's beyond the payload */
        assert_int_equal(ring_used(&peer_queue(&server)->ring), 0);
    }
}

/* [MSG-RECEIVE-2] [MSG-RECEIVE-3] [MSG-SEND-2] */
static void test_receive_waiting_is_told_of_large_message(void **state)
{
    (void)state;
    cavern_handle sender = peer_sender(&client, &server, 5, 8, 1, 0);
    uint8_t bytes[5000];
    for (unsigned i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(i * 7);
    peer_write(&client, 40, bytes, sizeof bytes);
    assert_int_equal(peer_call(&server, RECEIVE, server.queue, [9] = CAVERN_FOREVER), MODEL_WAITS);
    static const unsigned sizes[] = {41, 63, 64, 1000, 3000};
    assert_int_equal(peer_call(&client, SEND, sender, [1] = CAVERN_INFO(41, 0, 0, 0, 0), [3] = client.memory + 40),
                     CAVERN_OK);
    assert_int_equal(peer_woken(&server), CAVERN_IN_RING);
    assert_int_equal(peer_call(&server, RECEIVE, server.queue, [9] = CAVERN_FOREVER), CAVERN_IN_RING);
    assert_true(peer_take(&server, &got));
    peer_free(&server);
    /* Round and round, so that messages run over the ring's end. */
    for (unsigned i = 0; i < 50; i++) {
        unsigned size = sizes[i % COUNT_OF(sizes)];
        uint64_t used = ring_used(&peer_queue(&server)->ring);
        (void)used;
        assert_int_equal(
            peer_call(&client, SEND, sender, [1] = CAVERN_INFO(size, 0, 0, 0, 0), [3] = client.memory + 40), CAVERN_OK);
        assert_int_equal(peer_control(&server)->tail - peer_control(&server)->taken,
                         (24 + (size + 7) / 8 * 8 + 63) / 64);
        assert_true(peer_take(&server, &got));
        assert_int_equal(got.header.size, size);
        assert_memory_equal(got.body, bytes, size);
        peer_free(&server);
    }
}

/* [MSG-RECEIVE-4] */
static void test_receive_deadline_passes_timeout(void **state)
{
    (void)state;
    assert_int_equal(peer_call(&server, RECEIVE, server.queue, [9] = CAVERN_POLL), CAVERN_TIMEOUT);
    assert_int_equal(peer_call(&server, RECEIVE, server.queue, [9] = arch_now() + 500), MODEL_WAITS);
    model_set_time(arch_now() + 499);
    assert_true(peer_waits(&server));
    model_set_time(arch_now() + 1);
    assert_int_equal(peer_woken(&server), CAVERN_TIMEOUT);
    assert_int_equal(peer_call(&server, RECEIVE, server.queue, [9] = CAVERN_FOREVER), MODEL_WAITS);
}

/* [ABI-CALL-2] */
static void test_receive_without_deadline_waits_for_ever(void **state)
{
    (void)state;
    model_short_cuts(false);
    assert_int_equal(peer_call(&server, RECEIVE, server.queue, [9] = 0), CAVERN_TIMEOUT);
    assert_int_equal(peer_call(&server, RECEIVE, server.queue, [9] = CAVERN_FOREVER), MODEL_WAITS);
    model_set_time(UINT64_MAX - 1);
    assert_true(peer_waits(&server));
}

/* [MSG-RECEIVE-5] */
static void test_receive_second_thread_is_busy(void **state)
{
    (void)state;
    struct peer second = server;
    second.thread = model_thread(server.process, 20);
    assert_int_equal(peer_call(&server, RECEIVE, server.queue, [9] = CAVERN_FOREVER), MODEL_WAITS);
    assert_int_equal(peer_call(&second, RECEIVE, server.queue, [9] = CAVERN_FOREVER), CAVERN_BUSY);
}

/* [MSG-SEND-1] [MSG-SEND-3] [MSG-FREE-1] */
static void test_send_ring_full_refused_until_freed(void **state)
{
    (void)state;
    cavern_handle sender = peer_sender(&client, &server, 1, 1000, 1, 0);
    for (unsigned i = 0; i < 64; i++)
        assert_int_equal(send_words(sender, 40, i), CAVERN_OK);
    assert_int_equal(send_words(sender, 40, 64), CAVERN_QUEUE_FULL);
    assert_int_equal(peer_control(&server)->tail, 64);
    for (unsigned i = 0; i < 64; i++) {
        assert_true(peer_take(&server, &got)); /* [MSG-SEND-5] */
        assert_int_equal(*(uint64_t *)got.body, i);
    }
    assert_int_equal(send_words(sender, 40, 64), CAVERN_QUEUE_FULL); /* taken is not freed */
    peer_free(&server);
    for (unsigned i = 0; i < 64; i++)
        assert_int_equal(send_words(sender, 40, i), CAVERN_OK);
}

/* [MSG-SEND-3] [MSG-SENDER-2] [MSG-FREE-1] */
static void test_send_over_limit_refused_others_go_on(void **state)
{
    (void)state;
    cavern_handle two = peer_sender(&client, &server, 1, 2, 0, 0), other = peer_sender(&client, &server, 2, 9, 9, 0);
    assert_int_equal(send_words(two, 8, 1), CAVERN_OK);
    assert_int_equal(send_words(two, 8, 2), CAVERN_OK);
    assert_int_equal(send_words(two, 8, 3), CAVERN_QUEUE_FULL);
    assert_int_equal(send_words(other, 8, 4), CAVERN_OK);
    assert_true(peer_take(&server, &got));
    peer_free(&server);
    assert_int_equal(send_words(two, 8, 5), CAVERN_OK);
    assert_int_equal(send_words(two, 8, 6), CAVERN_QUEUE_FULL);
}

/* [MSG-SENDER-3] [MSG-SENDER-4] [MSG-REQUEST-4] */
static void test_sender_limits_count_requests(void **state)
{
    (void)state;
    assert_int_equal(peer_call(&server, SENDER_MINT, server.queue, [3] = (uint64_t)1 << 32, [4] = CAVERN_SELF_ACCOUNT),
                     CAVERN_BAD_ARGUMENT);
    cavern_handle none = peer_sender(&client, &server, 1, 2, 0, 0), one = peer_sender(&client, &server, 1, 2, 1, 0);
    assert_int_equal(peer_call(&client, REQUEST, none, [9] = client.queue, [10] = 1), CAVERN_QUEUE_FULL);
    assert_int_equal(peer_call(&client, REQUEST, one, [9] = client.queue, [10] = 1), CAVERN_OK);
    assert_int_equal(peer_call(&client, REQUEST, one, [9] = client.queue, [10] = 1), CAVERN_QUEUE_FULL);
    assert_int_equal(send_words(one, 8, 1), CAVERN_OK);
    assert_int_equal(send_words(one, 8, 2), CAVERN_QUEUE_FULL); /* the request's message is not freed */
    assert_true(peer_take(&server, &got));
    assert_int_equal(peer_call(&server, REPLY, server.queue, [2] = got.header.request), CAVERN_OK);
    assert_int_equal(send_words(one, 8, 2), CAVERN_QUEUE_FULL);
    peer_free(&server);
    assert_int_equal(peer_call(&client, REQUEST, one, [9] = client.queue, [10] = 1), CAVERN_OK);
}

/* [ABI-HANDLE-7] */
static void test_sender_mint_from_sender_adds_no_rights(void **state)
{
    (void)state;
    cavern_handle sender = peer_sender(&client, &server, 1, 4, 1, 0);
    uint64_t rights = CAVERN_RIGHT_REQUEST | CAVERN_RIGHT_MINT;
    assert_int_equal(peer_call(&client, HANDLE_GIVE, CAVERN_SELF_PROCESS, [2] = sender, [3] = rights), CAVERN_OK);
    assert_int_equal(
        peer_call(&client, SENDER_MINT, client.x[1], [3] = (uint64_t)1 << 32 | 4, [4] = CAVERN_SELF_ACCOUNT),
        CAVERN_OK);
    cavern_handle minted = client.x[1];
    assert_int_equal(send_words(minted, 8, 1), CAVERN_DENIED);
    assert_int_equal(peer_call(&client, REQUEST, minted, [9] = client.queue, [10] = 1), CAVERN_OK);
}

/* [MSG-SEND-1] [MSG-SEND-4] [MSG-SEND-8] [ABI-ADDR-1] [ABI-ADDR-2] */
static void test_send_bad_messages_refused(void **state)
{
    (void)state;
    cavern_handle sender = peer_sender(&client, &server, 1, 100, 1, 0);
    assert_int_equal(send_blocks(sender, 64), CAVERN_OK);
    assert_true(peer_take(&server, &got));
    peer_free(&server);
    assert_int_equal(send_blocks(sender, 65), CAVERN_TOO_LARGE);
    assert_int_equal(peer_call(&client, SEND, sender, [1] = CAVERN_INFO(16385, 0, 0, 0, 0), [3] = client.memory),
                     CAVERN_TOO_LARGE);
    struct cavern_lease lease = {client.memory, 64, CAVERN_LEASE_READ};
    peer_write(&client, 8, &lease, sizeof lease);
    assert_int_equal(peer_call(&client, SEND, sender, [1] = CAVERN_INFO(8, 0, 1, 0, 0), [3] = client.memory),
                     CAVERN_BAD_ARGUMENT);
    assert_int_equal(peer_call(&client, SEND, sender, [1] = CAVERN_INFO(8, 0, 0, 5, 0), [3] = client.memory),
                     CAVERN_BAD_ARGUMENT);
    assert_int_equal(peer_call(&client, SEND, sender, [1] = CAVERN_INFO(48, 0, 0, 0, 0), [3] = client.memory + 4),
                     CAVERN_BAD_ADDRESS);
    static const uint64_t addresses[] = {0, 8, 0x7ffffffff000, 0xffff000000000000, 0xfffffffffffffff8};
    for (unsigned i = 0; i < COUNT_OF(addresses); i++)
        assert_int_equal(peer_call(&client, SEND, sender, [1] = CAVERN_INFO(48, 0, 0, 0, 0), [3] = addresses[i]),
                         CAVERN_BAD_ADDRESS);
    assert_int_equal(
        peer_call(&client, SEND, sender, [1] = CAVERN_INFO(48, 0, 0, 0, 0), [3] = client.memory + PEER_MEMORY - 8),
        CAVERN_BAD_ADDRESS);
    assert_false(peer_take(&server, &got));
}

/* [MSG-SEND-6] [MSG-BIND-3] [MSG-BIND-7] */
static void test_send_to_unbound_queue_waits_for_the_next_owner(void **state)
{
    (void)state;
    struct peer second;
    peer_start(&second, "second", 20, 0, 0);
    cavern_handle sender = peer_sender(&client, &server, 1, 100, 1, 0);
    assert_int_equal(send_words(sender, 8, 1), CAVERN_OK);
    assert_int_equal(peer_call(&server, QUEUE_BIND, server.queue), CAVERN_OK);
    assert_int_equal(send_words(sender, 8, 2), CAVERN_OK);
    peer_adopt(&second, &server);
    assert_int_equal(send_words(sender, 8, 3), CAVERN_OK);
    for (uint64_t i = 1; i <= 3; i++) {
        assert_true(peer_take(&second, &got));
        assert_int_equal(*(uint64_t *)got.body, i);
    }
}

/* [MSG-CONTROL-1] */
static void test_control_kernel_words_are_never_read(void **state)
{
    (void)state;
    cavern_handle sender = peer_sender(&client, &server, 1, 100, 1, 0);
    assert_int_equal(send_words(sender, 8, 1), CAVERN_OK);
    struct cavern_control *control = peer_control(&server);
    control->tail = control->bound = control->blocks = control->waiters = 0x123456789;
    assert_int_equal(send_words(sender, 8, 2), CAVERN_OK);
    assert_int_equal(control->tail, 2);
}

/* [MSG-CONTROL-2] [MSG-CONTROL-3] */
static void test_control_lies_end_the_owner(void **state)
{
    (void)state;
    static const uint64_t lies[][2] = {{1, 0}, {0, 4}, {3, 4}, {UINT64_MAX, UINT64_MAX}, {4, 3}};
    for (unsigned i = 0; i < COUNT_OF(lies); i++) {
        start(NULL);
        cavern_handle sender = peer_sender(&client, &server, 1, 100, 1, 0);
        for (unsigned n = 0; n < 3; n++)
            assert_int_equal(send_words(sender, 8, n), CAVERN_OK);
        peer_control(&server)->head = lies[i][0];
        peer_control(&server)->taken = lies[i][1];
        object_get(&server.process->object);
        struct peer watcher = client;
        assert_int_equal(send_words(sender, 8, 9), CAVERN_QUEUE_FULL);
        (void)watcher;
        assert_int_equal(server.process->state, CAVERN_PROCESS_ZOMBIE);
        assert_int_equal(server.process->exit.words[CAVERN_EXIT_REASON], CAVERN_REASON_CONTROL_PAGE);
    }
}

/* [MSG-CONTROL-2] */
static void test_control_going_back_ends_the_owner(void **state)
{
    (void)state;
    cavern_handle sender = peer_sender(&client, &server, 1, 100, 1, 0);
    for (unsigned n = 0; n < 3; n++)
        assert_int_equal(send_words(sender, 8, n), CAVERN_OK);
    peer_control(&server)->taken = 2;
    assert_int_equal(send_words(sender, 8, 3), CAVERN_OK);
    peer_control(&server)->taken = 1;
    object_get(&server.process->object);
    assert_int_equal(send_words(sender, 8, 4), CAVERN_QUEUE_FULL);
    assert_int_equal(server.process->state, CAVERN_PROCESS_ZOMBIE);
}

/* [MSG-ROOM-1] */
static void test_room_invariant_holds_under_random_traffic(void **state)
{
    (void)state;
    cavern_handle sender = peer_sender(&client, &server, 1, 20, 6, 0);
    uint64_t seed = 42;
    for (unsigned i = 0; i < 20000; i++) {
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        unsigned choice = seed >> 33 & 7, size = seed >> 40 & 255;
        struct peer *from = &client;
        if (choice < 2)
            (void)peer_call(from, SEND, sender, [1] = CAVERN_INFO(size, 0, 0, 0, 0), [3] = from->memory);
        else if (choice < 4)
            (void)peer_call(from, REQUEST, sender, [1] = CAVERN_INFO(size, 0, 0, 0, 0), [3] = from->memory,
                            [9] = from->queue, [10] = 1 + (seed >> 50 & 15));
        else if (choice == 4 && peer_take(&server, &got) && got.header.request)
            (void)peer_call(
                &server, REPLY,
                server.queue, [2] = got.header.request, [1] = CAVERN_INFO(size, 0, 0, 0, 0), [3] = server.memory);
        else if (choice == 5)
            peer_free(&server);
        else if (choice == 6)
            (void)peer_take(&client, &got);
        else if (choice == 7)
            peer_free(&client);
        assert_true(ring_invariants(&peer_queue(&server)->ring));
        assert_true(ring_invariants(&peer_queue(&client)->ring));
        assert_true(request_table_invariants(&peer_queue(&server)->requests));
    }
}

/* [MSG-SPACE-1] [MSG-SPACE-2] [MSG-SPACE-3] [MSG-FREE-2] */
static void test_space_waiters_are_told_in_order(void **state)
{
    (void)state;
    cavern_handle first = peer_sender(&client, &server, 1, 100, 1, 0),
                  second = peer_sender(&client, &server, 2, 9, 1, 0);
    for (unsigned i = 0; i < 64; i++)
        assert_int_equal(send_words(first, 8, i), CAVERN_OK);
    assert_int_equal(peer_call(&client, SPACE, first, [2] = 11, [3] = 2, [9] = client.queue), CAVERN_OK);
    assert_int_equal(peer_call(&client, SPACE, first, [2] = 11, [3] = 2, [9] = client.queue), CAVERN_BUSY);
    assert_int_equal(peer_call(&client, SPACE, second, [2] = 22, [3] = 1, [9] = client.queue), CAVERN_OK);
    assert_int_not_equal(peer_control(&server)->waiters, 0);
    assert_true(peer_take(&server, &got));
    peer_free(&server);
    assert_int_equal(peer_call(&server, QUEUE_FREED, server.queue), CAVERN_OK);
    assert_false(peer_take(&client, &got)); /* one block: the first in line wants two */
    assert_true(peer_take(&server, &got));
    assert_true(peer_take(&server, &got));
    peer_free(&server);
    assert_int_equal(peer_call(&server, QUEUE_FREED, server.queue), CAVERN_OK);
    for (unsigned label = 11; label <= 22; label += 11) {
        assert_true(peer_take(&client, &got));
        assert_int_equal(got.header.kind, CAVERN_KIND_SPACE);
        assert_int_equal(got.header.label, label);
    }
    assert_int_equal(peer_control(&server)->waiters, 0);
    assert_int_equal(peer_call(&client, SPACE, first, [3] = 1, [9] = client.queue), CAVERN_BUSY); /* not freed yet */
    peer_free(&client);
    assert_int_equal(peer_call(&client, RECEIVE, client.queue, [9] = CAVERN_POLL), CAVERN_TIMEOUT);
    assert_int_equal(peer_call(&client, SPACE, first, [2] = 33, [3] = 1, [9] = client.queue), CAVERN_OK);
    assert_true(peer_take(&client, &got)); /* there is room: at once */
    assert_int_equal(got.header.label, 33);
}

/* [MSG-SPACE-4] */
static void test_space_that_never_fits_too_large(void **state)
{
    (void)state;
    cavern_handle sender = peer_sender(&client, &server, 1, 100, 4, 0);
    assert_int_equal(peer_call(&client, SPACE, sender, [3] = 65, [9] = client.queue), CAVERN_TOO_LARGE);
    assert_int_equal(peer_call(&client, SPACE, sender, [3] = (uint64_t)5 << 32 | 1, [9] = client.queue),
                     CAVERN_TOO_LARGE);
}

/* [MSG-SPACE-5] */
static void test_space_ends_with_the_askers_binding(void **state)
{
    (void)state;
    cavern_handle sender = peer_sender(&client, &server, 1, 100, 1, 0);
    for (unsigned i = 0; i < 64; i++)
        assert_int_equal(send_words(sender, 8, i), CAVERN_OK);
    assert_int_equal(peer_call(&client, SPACE, sender, [2] = 11, [3] = 1, [9] = client.queue), CAVERN_OK);
    assert_int_equal(peer_call(&client, QUEUE_BIND, client.queue), CAVERN_OK);
    assert_int_equal(peer_control(&server)->waiters, 0);
    while (peer_take(&server, &got))
        ;
    peer_free(&server);
    assert_int_equal(peer_call(&server, QUEUE_FREED, server.queue), CAVERN_OK);
    assert_int_equal(peer_call(&client, QUEUE_BIND, client.queue, [2] = CAVERN_SELF_PROCESS), CAVERN_OK);
    client.ring = client.x[1], client.control = client.x[2];
    assert_false(peer_take(&client, &got));
    assert_int_equal(peer_call(&client, SPACE, sender, [2] = 12, [3] = 1, [9] = client.queue), CAVERN_OK);
    assert_true(peer_take(&client, &got));
    assert_int_equal(got.header.label, 12);
}

/* [MSG-CLOSED-1] [MSG-CLOSED-2] [MSG-NOTICE-7] */
static void test_closed_comes_after_the_last_message(void **state)
{
    (void)state;
    cavern_handle sender = peer_sender(&client, &server, 99, 100, 1, CAVERN_MINT_CLOSED);
    assert_int_equal(send_words(sender, 8, 1), CAVERN_OK);
    assert_int_equal(peer_call(&client, HANDLE_GIVE, CAVERN_SELF_PROCESS, [2] = sender, [3] = CAVERN_RIGHT_SEND),
                     CAVERN_OK);
    cavern_handle copy = client.x[1];
    assert_int_equal(peer_call(&client, HANDLE_CLOSE, sender), CAVERN_OK);
    assert_int_equal(send_words(copy, 8, 2), CAVERN_OK);
    assert_true(peer_take(&server, &got));
    assert_true(peer_take(&server, &got));
    assert_false(peer_take(&server, &got));
    peer_free(&server);
    assert_int_equal(peer_call(&server, RECEIVE, server.queue, [9] = CAVERN_FOREVER), MODEL_WAITS);
    assert_int_equal(peer_call(&client, HANDLE_CLOSE, copy), CAVERN_OK);
    assert_int_equal(peer_woken(&server), CAVERN_IN_RING);
    assert_true(peer_take(&server, &got));
    assert_int_equal(got.header.kind, CAVERN_KIND_CLOSED);
    assert_int_equal(got.header.label, 99);
    assert_false(peer_take(&server, &got));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, start)
    const struct CMUnitTest tests[] = {
        TEST(test_queue_create_bad_sizes_refused),
        TEST(test_queue_not_bound_to_caller_is_denied),
        TEST(test_queue_last_handle_closed_ends_it),
        TEST(test_message_of_40_bytes_arrives_whole),
        TEST(test_receive_waiting_gets_registers),
        TEST(test_receive_waiting_is_told_of_large_message),
        TEST(test_receive_deadline_passes_timeout),
        TEST(test_receive_without_deadline_waits_for_ever),
        TEST(test_receive_second_thread_is_busy),
        TEST(test_send_ring_full_refused_until_freed),
        TEST(test_send_over_limit_refused_others_go_on),
        TEST(test_sender_limits_count_requests),
        TEST(test_sender_mint_from_sender_adds_no_rights),
        TEST(test_send_bad_messages_refused),
        TEST(test_send_to_unbound_queue_waits_for_the_next_owner),
        TEST(test_control_kernel_words_are_never_read),
        TEST(test_control_lies_end_the_owner),
        TEST(test_control_going_back_ends_the_owner),
        TEST(test_room_invariant_holds_under_random_traffic),
        TEST(test_space_waiters_are_told_in_order),
        TEST(test_space_that_never_fits_too_large),
        TEST(test_space_ends_with_the_askers_binding),
        TEST(test_closed_comes_after_the_last_message),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
