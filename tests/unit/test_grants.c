/* SPDX-License-Identifier: BSD-2-Clause */
/* Grants. spec/messages.md. */
#include "unit.h"

#include "peer_memory.h"

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

static uint64_t used(const struct peer *peer)
{
    return peer->process->account->budget.used;
}

static uint64_t send_grants(const struct cavern_grant *grants, unsigned count)
{
    peer_write(&client, 0, grants, count * sizeof *grants);
    return peer_call(&client, SEND, sender, [1] = CAVERN_INFO(0, 0, 0, count, 0), [3] = client.memory);
}

static uint64_t send_grant(cavern_handle handle, uint64_t rights)
{
    return send_grants(&(struct cavern_grant){handle, rights}, 1);
}

static uint64_t accept(uint64_t position, uint64_t index)
{
    return peer_call(&server, GRANT_ACCEPT, server.queue, [2] = position, [3] = index);
}

static cavern_handle make_signal(void)
{
    assert_int_equal(peer_call(&client, SIGNAL_CREATE, CAVERN_SELF_ACCOUNT), CAVERN_OK);
    return client.x[1];
}

static uint64_t seal(cavern_handle buffer)
{
    return peer_call(&client, BUFFER_SEAL, buffer);
}

/* [MSG-GRANT-1] [ABI-HANDLE-8] */
static void test_grant_accept_gives_the_object_with_the_rights(void **state)
{
    (void)state;
    cavern_handle signal = make_signal();
    assert_int_equal(send_grant(signal, CAVERN_RIGHT_RAISE | CAVERN_RIGHT_INSPECT), CAVERN_OK);
    assert_true(peer_take(&server, &got));
    struct cavern_grant record;
    memcpy(&record, got.body, sizeof record);
    assert_int_equal(got.header.attached, 1 << 4);
    assert_int_equal(record.handle, CAVERN_TYPE_SIGNAL); /* no value of the sender's */
    assert_int_equal(record.rights, CAVERN_RIGHT_RAISE | CAVERN_RIGHT_INSPECT);
    assert_int_equal(accept(got.position, 0), CAVERN_OK);
    cavern_handle accepted = server.x[1];
    assert_int_equal(server.x[2], CAVERN_TYPE_SIGNAL | (CAVERN_RIGHT_RAISE | CAVERN_RIGHT_INSPECT) << 16);
    assert_int_equal(peer_call(&client, NOTIFY, signal, [2] = 3, [3] = client.queue), CAVERN_OK);
    assert_int_equal(peer_call(&server, SIGNAL_RAISE, accepted), CAVERN_OK);
    assert_true(peer_take(&client, &got));
    assert_int_equal(got.header.kind, CAVERN_KIND_SIGNAL);
    assert_int_equal(peer_call(&server, NOTIFY, accepted), CAVERN_DENIED);
    assert_int_equal(send_grant(signal, 0), CAVERN_OK); /* the sender keeps its own */
}

/* [MSG-GRANT-1] Four at once, accepted in any order, from a message that runs over the ring's end. */
static void test_grant_accept_any_order_over_the_rings_end(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 63; i++) {
        assert_int_equal(peer_call(&client, SEND, sender), CAVERN_OK);
        assert_true(peer_take(&server, &got));
        peer_free(&server);
    }
    struct cavern_grant grants[4];
    for (unsigned i = 0; i < 4; i++)
        grants[i] = (struct cavern_grant){peer_sender(&client, &client, 10 + i, 1, 1, 0), CAVERN_RIGHT_SEND};
    assert_int_equal(send_grants(grants, 4), CAVERN_OK);
    assert_true(peer_take(&server, &got));
    assert_int_equal(got.position, 63);
    for (unsigned i = 4; i-- > 0;) {
        assert_int_equal(accept(got.position, i), CAVERN_OK);
        assert_int_equal(peer_call(&server, SEND, server.x[1]), CAVERN_OK);
    }
    for (unsigned i = 4; i-- > 0;) {
        assert_true(peer_take(&client, &got));
        assert_int_equal(got.header.label, 10 + i);
    }
}

/* [MSG-GRANT-2] */
static void test_grant_accept_twice_or_freed_is_gone(void **state)
{
    (void)state;
    cavern_handle signal = make_signal();
    assert_int_equal(send_grant(signal, CAVERN_RIGHT_RAISE), CAVERN_OK);
    assert_int_equal(send_grant(signal, CAVERN_RIGHT_RAISE), CAVERN_OK);
    assert_true(peer_take(&server, &got));
    assert_int_equal(accept(got.position, 0), CAVERN_OK);
    assert_int_equal(accept(got.position, 0), CAVERN_GONE);
    assert_true(peer_take(&server, &got));
    peer_free(&server);
    assert_int_equal(peer_call(&server, QUEUE_FREED, server.queue), CAVERN_OK);
    assert_int_equal(accept(got.position, 0), CAVERN_GONE);
    static const uint64_t nowhere[] = {2, 64, 65, UINT64_MAX};
    for (unsigned i = 0; i < COUNT_OF(nowhere); i++)
        assert_int_equal(accept(nowhere[i], 0), CAVERN_GONE);
}

/* [MSG-GRANT-2] A position inside a message is none of a message. */
static void test_grant_accept_inside_a_message_is_gone(void **state)
{
    (void)state;
    peer_write(&client, 200, &(struct cavern_grant){make_signal(), CAVERN_RIGHT_RAISE}, sizeof(struct cavern_grant));
    assert_int_equal(peer_call(&client, SEND, sender, [1] = CAVERN_INFO(200, 0, 0, 1, 0), [3] = client.memory),
                     CAVERN_OK);
    assert_true(peer_take(&server, &got));
    for (uint64_t i = 1; i < 5; i++)
        assert_int_equal(accept(got.position + i, 0), CAVERN_GONE);
    assert_int_equal(accept(got.position, 0), CAVERN_OK);
}

/* [MSG-GRANT-3] */
static void test_grant_of_an_ended_process_is_gone(void **state)
{
    (void)state;
    struct cavern_grant grants[2] = {{make_signal(), CAVERN_RIGHT_RAISE}, {peer_buffer(&client, 4096), 0x3 << 9}};
    assert_int_equal(send_grants(grants, 2), CAVERN_OK);
    assert_true(peer_take(&server, &got));
    assert_int_equal(accept(got.position, 0), CAVERN_OK);
    cavern_handle accepted = server.x[1];
    peer_end(&client);
    assert_int_equal(accept(got.position, 1), CAVERN_GONE);
    assert_int_equal(accept(got.position, 2), CAVERN_BAD_ARGUMENT);
    assert_int_equal(peer_call(&server, SIGNAL_RAISE, accepted), CAVERN_OK); /* what was accepted stays */
    peer_free(&server);
    assert_int_equal(peer_call(&server, QUEUE_FREED, server.queue), CAVERN_OK);
}

/* [MSG-GRANT-4] */
static void test_grant_of_process_thread_or_queue_is_denied(void **state)
{
    (void)state;
    cavern_handle process = model_give(client.process, &client.process->object, CAVERN_RIGHTS_ALL);
    cavern_handle thread = model_give(client.process, &client.thread->object, CAVERN_RIGHTS_ALL);
    cavern_handle refused[] = {CAVERN_SELF_PROCESS, CAVERN_SELF_THREAD, process, thread, client.queue};
    for (unsigned i = 0; i < COUNT_OF(refused); i++) {
        assert_int_equal(send_grant(refused[i], CAVERN_RIGHT_INSPECT), CAVERN_DENIED);
        assert_int_equal(send_grant(refused[i], 0), CAVERN_DENIED);
    }
    assert_false(peer_take(&server, &got));
    cavern_handle account = model_give(client.process, &client.process->account->object, CAVERN_RIGHTS_ALL);
    assert_int_equal(send_grant(account, CAVERN_RIGHT_CHARGE), CAVERN_OK);
}

/* [ABI-HANDLE-8] [ABI-FAIL-1] One wrong grant among good ones, and nothing has happened. */
static void test_grant_without_copy_or_of_more_rights_is_denied(void **state)
{
    (void)state;
    cavern_handle signal = make_signal();
    assert_int_equal(peer_call(&client, HANDLE_GIVE,
                               CAVERN_SELF_PROCESS, [2] = signal, [3] = CAVERN_RIGHT_COPY | CAVERN_RIGHT_RAISE),
                     CAVERN_OK);
    cavern_handle lesser = client.x[1];
    assert_int_equal(peer_call(&client, HANDLE_GIVE, CAVERN_SELF_PROCESS, [2] = signal, [3] = CAVERN_RIGHT_RAISE),
                     CAVERN_OK);
    cavern_handle fixed = client.x[1];
    assert_int_equal(send_grant(fixed, CAVERN_RIGHT_RAISE), CAVERN_DENIED);
    assert_int_equal(send_grant(lesser, CAVERN_RIGHT_RAISE | CAVERN_RIGHT_MANAGE), CAVERN_DENIED);
    assert_int_equal(send_grant(lesser, (uint64_t)1 << 16 | CAVERN_RIGHT_RAISE), CAVERN_DENIED);
    assert_int_equal(send_grant(CAVERN_NO_HANDLE, 0), CAVERN_BAD_HANDLE);
    uint64_t before = used(&client), objects = client.process->account->objects;
    struct cavern_grant grants[4] = {{signal, 0}, {lesser, 0}, {signal, 0}, {fixed, 0}};
    assert_int_equal(send_grants(grants, 4), CAVERN_DENIED);
    assert_int_equal(used(&client), before);
    assert_int_equal(client.process->account->objects, objects);
    assert_false(peer_take(&server, &got));
    assert_int_equal(send_grant(lesser, CAVERN_RIGHT_RAISE), CAVERN_OK);
}

/* [ABI-MSG-2] The records follow the payload, padded to 8 bytes, here and there. */
static void test_grant_behind_a_payload_that_is_padded(void **state)
{
    (void)state;
    struct cavern_grant grant = {make_signal(), CAVERN_RIGHT_RAISE}, record;
    peer_write(&client, 0, "abc\xff\xff\xff\xff\xff", 8);
    peer_write(&client, 8, &grant, sizeof grant);
    assert_int_equal(peer_call(&client, SEND, sender, [1] = CAVERN_INFO(3, 0, 0, 1, 0), [3] = client.memory),
                     CAVERN_OK);
    assert_true(peer_take(&server, &got));
    assert_int_equal(got.header.size, 3);
    assert_memory_equal(got.body, "abc", 3);
    memcpy(&record, got.body + 8, sizeof record);
    assert_int_equal(record.handle, CAVERN_TYPE_SIGNAL);
    assert_int_equal(record.rights, CAVERN_RIGHT_RAISE);
    assert_int_equal(accept(got.position, 0), CAVERN_OK);
}

/* [MSG-GRANT-5] [MEM-ACCOUNT-7] */
static void test_grant_of_a_buffer_charges_who_accepts(void **state)
{
    (void)state;
    enum { BYTES = 1 << 20 };
    assert_int_equal(send_grant(peer_buffer(&client, BYTES), CAVERN_RIGHT_READ), CAVERN_OK);
    assert_true(peer_take(&server, &got));
    struct budget *budget = &server.process->account->budget;
    uint64_t limit = budget->limit, before = budget->used;
    budget->limit = before + BYTES - 1;
    assert_int_equal(accept(got.position, 0), CAVERN_NO_MEMORY);
    assert_int_equal(budget->used, before);
    budget->limit = limit;
    assert_int_equal(accept(got.position, 0), CAVERN_OK); /* it has stayed */
    cavern_handle buffer = server.x[1];
    assert_true(budget->used >= before + BYTES);
    peer_end(&client); /* and it is the accepter's own now */
    assert_int_equal(peer_map(&server, buffer, 0, BYTES, 0, CAVERN_PROT_READ), CAVERN_OK);
    uint64_t address = server.x[1];
    assert_int_equal(peer_call(&server, HANDLE_CLOSE, buffer), CAVERN_OK);
    assert_int_equal(peer_call(&server, UNMAP, CAVERN_SELF_PROCESS, [3] = address, [4] = BYTES), CAVERN_OK);
    assert_in_range(budget->used, 0, before + 3 * 4096); /* but for page tables */
}

/* [MSG-GRANT-5] The second holding of one buffer is free. */
static void test_grant_of_a_buffer_is_charged_once(void **state)
{
    (void)state;
    cavern_handle buffer = peer_buffer(&client, 1 << 20);
    for (unsigned i = 0; i < 2; i++)
        assert_int_equal(send_grant(buffer, CAVERN_RIGHT_READ), CAVERN_OK);
    assert_true(peer_take(&server, &got));
    assert_int_equal(accept(got.position, 0), CAVERN_OK);
    uint64_t before = used(&server);
    assert_true(peer_take(&server, &got));
    assert_int_equal(accept(got.position, 0), CAVERN_OK);
    assert_int_equal(used(&server), before);
}

/* [MSG-GRANT-6] */
static void test_grant_accept_bad_index_refused(void **state)
{
    (void)state;
    assert_int_equal(peer_call(&client, SEND, sender), CAVERN_OK);
    assert_int_equal(send_grant(make_signal(), CAVERN_RIGHT_RAISE), CAVERN_OK);
    assert_true(peer_take(&server, &got));
    assert_int_equal(accept(got.position, 0), CAVERN_BAD_ARGUMENT);
    assert_true(peer_take(&server, &got));
    static const uint64_t indices[] = {1, 2, 3, 4, 256, (uint64_t)1 << 32, UINT64_MAX};
    for (unsigned i = 0; i < COUNT_OF(indices); i++)
        assert_int_equal(accept(got.position, indices[i]), CAVERN_BAD_ARGUMENT);
    assert_int_equal(accept(got.position, 0), CAVERN_OK);
}

/* [MSG-GRANT-2] [MSG-FREE-1] What nobody accepted is dropped with its message. */
static void test_grant_not_accepted_goes_back(void **state)
{
    (void)state;
    uint64_t before = used(&client);
    cavern_handle buffer = peer_buffer(&client, 1 << 20);
    assert_int_equal(send_grant(buffer, CAVERN_RIGHT_READ), CAVERN_OK);
    assert_int_equal(peer_call(&client, HANDLE_CLOSE, buffer), CAVERN_OK);
    assert_true(used(&client) >= before + (1 << 20)); /* on its way it is the sender's */
    assert_true(peer_take(&server, &got));
    peer_free(&server);
    assert_int_equal(peer_call(&server, QUEUE_FREED, server.queue), CAVERN_OK);
    assert_int_equal(used(&client), before);
}

/* [MEM-SEAL-1] [MEM-SEAL-2] */
static void test_grant_with_write_keeps_from_sealing(void **state)
{
    (void)state;
    cavern_handle buffer = peer_buffer(&client, 4096);
    assert_int_equal(send_grant(buffer, CAVERN_RIGHT_READ | CAVERN_RIGHT_WRITE), CAVERN_OK);
    assert_int_equal(send_grant(buffer, CAVERN_RIGHT_READ), CAVERN_OK);
    assert_int_equal(seal(buffer), CAVERN_BUSY);
    assert_true(peer_take(&server, &got));
    peer_free(&server);
    assert_int_equal(peer_call(&server, QUEUE_FREED, server.queue), CAVERN_OK);
    assert_int_equal(seal(buffer), CAVERN_OK);
    assert_int_equal(send_grant(buffer, CAVERN_RIGHT_WRITE), CAVERN_DENIED);
    assert_true(peer_take(&server, &got));
    assert_int_equal(accept(got.position, 0), CAVERN_OK);
    assert_int_equal(peer_map(&server, server.x[1], 0, 4096, 0, CAVERN_PROT_READ | CAVERN_PROT_WRITE), CAVERN_DENIED);
}

/* [MSG-CLOSED-1] A queued grant of a sender is as good as a handle to it. */
static void test_grant_queued_keeps_a_sender_open(void **state)
{
    (void)state;
    cavern_handle own = peer_sender(&client, &client, 77, 4, 1, CAVERN_MINT_CLOSED);
    assert_int_equal(send_grant(own, CAVERN_RIGHT_SEND), CAVERN_OK);
    assert_int_equal(peer_call(&client, HANDLE_CLOSE, own), CAVERN_OK);
    assert_false(peer_take(&client, &got));
    assert_true(peer_take(&server, &got));
    peer_free(&server);
    assert_int_equal(peer_call(&server, QUEUE_FREED, server.queue), CAVERN_OK);
    assert_true(peer_take(&client, &got));
    assert_int_equal(got.header.kind, CAVERN_KIND_CLOSED);
    assert_int_equal(got.header.label, 77);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, start)
    const struct CMUnitTest tests[] = {
        TEST(test_grant_accept_gives_the_object_with_the_rights),
        TEST(test_grant_accept_any_order_over_the_rings_end),
        TEST(test_grant_accept_twice_or_freed_is_gone),
        TEST(test_grant_accept_inside_a_message_is_gone),
        TEST(test_grant_of_an_ended_process_is_gone),
        TEST(test_grant_of_process_thread_or_queue_is_denied),
        TEST(test_grant_without_copy_or_of_more_rights_is_denied),
        TEST(test_grant_behind_a_payload_that_is_padded),
        TEST(test_grant_of_a_buffer_charges_who_accepts),
        TEST(test_grant_of_a_buffer_is_charged_once),
        TEST(test_grant_accept_bad_index_refused),
        TEST(test_grant_not_accepted_goes_back),
        TEST(test_grant_with_write_keeps_from_sealing),
        TEST(test_grant_queued_keeps_a_sender_open),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
