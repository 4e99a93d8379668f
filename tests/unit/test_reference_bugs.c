/* SPDX-License-Identifier: BSD-2-Clause */
/* Where kernel and reference (tests/reference) have disagreed, each as the sequence of calls. spec/kernel-bugs.md. */
#include "unit.h"

#include "object/machine.h"
#include "peer.h"

static struct peer server, client;
static struct taken got;
static cavern_handle filler; /* the client's, to the server, without limits that matter */

static int start(void **state)
{
    (void)state;
    model_start(64 << 20);
    peer_start(&server, "server", 20, 64, 4);
    peer_start(&client, "client", 10, 64, 4);
    filler = peer_sender(&client, &server, 5, 100, 100, 0);
    return 0;
}

static void send_words(struct peer *from, cavern_handle to, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        assert_int_equal(peer_call(from, SEND, to, [1] = CAVERN_INFO(8, 0, 0, 0, 0)), CAVERN_OK);
}

/* One notice to the asker's own queue, labelled with the blocks that it asks for. */
static uint64_t ask(struct peer *peer, cavern_handle to, uint64_t blocks)
{
    return peer_call(peer, SPACE, to, [2] = blocks, [3] = blocks, [9] = peer->queue);
}

static void take_and_free(struct peer *peer)
{
    while (peer_take(peer, &got))
        continue;
    peer_free(peer);
    assert_int_equal(peer_call(peer, QUEUE_FREED, peer->queue), CAVERN_OK);
}

static void expect_space(uint64_t label)
{
    assert_true(peer_take(&client, &got));
    assert_int_equal(got.header.kind, CAVERN_KIND_SPACE);
    assert_int_equal(got.header.label, label);
}

/* --- room --- */

/* [MSG-SPACE-3] A notice that has been freed is out of the way, however many messages were freed before it. */
static void test_space_again_after_freeing_much(void **state)
{
    (void)state;
    send_words(&server, peer_sender(&server, &client, 1, 100, 0, 0), 8);
    assert_int_equal(ask(&client, filler, 1), CAVERN_OK);
    assert_int_equal(ask(&client, filler, 1), CAVERN_BUSY);
    while (peer_take(&client, &got))
        continue;
    peer_free(&client);
    assert_int_equal(ask(&client, filler, 2), CAVERN_OK);
    expect_space(2);
}

/* [MSG-SPACE-2] Who did not fit together with another is told when that one lets its room be. */
static void test_space_that_another_does_not_use(void **state)
{
    (void)state;
    cavern_handle second = peer_sender(&client, &server, 6, 100, 100, 0);
    for (unsigned i = 0; i < 16; i++) /* as many as are retired at once, 4 blocks each */
        assert_int_equal(peer_call(&client, SEND, filler, [1] = CAVERN_INFO(200, 0, 0, 0, 0), [3] = client.memory),
                         CAVERN_OK);
    assert_int_equal(ask(&client, filler, 40), CAVERN_OK);
    assert_int_equal(ask(&client, second, 41), CAVERN_OK);
    take_and_free(&server);
    expect_space(40);
    assert_false(peer_take(&client, &got));
    take_and_free(&client);
    expect_space(41);
}

/* [MSG-SPACE-2] One at its own limits holds up nobody, though the queue lacks room for it too. */
static void test_space_behind_one_at_its_limits_without_room(void **state)
{
    (void)state;
    cavern_handle limited = peer_sender(&client, &server, 6, 1, 0, 0);
    send_words(&client, limited, 1);
    send_words(&client, filler, 60);
    assert_int_equal(ask(&client, limited, 40), CAVERN_OK);
    assert_int_equal(ask(&client, filler, 2), CAVERN_OK);
    expect_space(2);
}

/* [MSG-SPACE-2] The same when it reaches them while it waits. */
static void test_space_behind_one_that_reaches_its_limits(void **state)
{
    (void)state;
    cavern_handle limited = peer_sender(&client, &server, 6, 1, 0, 0);
    send_words(&client, filler, 60);
    assert_int_equal(ask(&client, limited, 40), CAVERN_OK);
    assert_int_equal(ask(&client, filler, 2), CAVERN_OK);
    assert_false(peer_take(&client, &got));
    send_words(&client, limited, 1);
    expect_space(2);
}

/* [MSG-SPACE-5] Unbinding tells the next owner of no room that the one before has asked for. */
static void test_space_asked_by_who_is_unbound_is_not_told(void **state)
{
    (void)state;
    cavern_handle own = peer_sender(&server, &server, 6, 10, 1, 0);
    assert_int_equal(peer_call(&server, REQUEST, own, [1] = CAVERN_INFO(8, 0, 0, 0, 0), [9] = server.queue, [10] = 1),
                     CAVERN_OK);
    assert_true(peer_take(&server, &got));
    assert_int_equal(peer_call(&server, SPACE, own, [2] = 7, [3] = 1 | (uint64_t)1 << 32, [9] = server.queue),
                     CAVERN_OK);
    assert_int_equal(peer_call(&server, QUEUE_BIND, server.queue), CAVERN_OK);
    peer_adopt(&client, &server);
    assert_true(peer_take(&client, &got));
    assert_int_equal(got.header.kind, CAVERN_KIND_ABANDONED);
    assert_false(peer_take(&client, &got));
}

/* --- processes to which no handle is left, but one to a thread --- */

static cavern_handle child, thread;

static void make_child(uint64_t flags)
{
    assert_int_equal(peer_call(&server, PROCESS_CREATE, CAVERN_SELF_ACCOUNT, [3] = flags), CAVERN_OK);
    child = server.x[1];
    assert_int_equal(peer_call(&server, THREAD_CREATE, child, [2] = 1), CAVERN_OK);
    thread = server.x[1];
}

static void end_child(void)
{
    assert_int_equal(peer_call(&server, HANDLE_CLOSE, child), CAVERN_OK);
    assert_int_equal(peer_call(&server, THREAD_CONTROL, thread, [3] = CAVERN_THREAD_END), CAVERN_OK);
}

/* [PROC-SUCCESSION-3] A table that nobody can ask for is closed, though a handle to a thread is left. */
static void test_kept_table_of_who_has_no_name_is_closed(void **state)
{
    (void)state;
    make_child(CAVERN_PROCESS_KEEP);
    assert_int_equal(peer_call(&server, QUEUE_CREATE, CAVERN_SELF_ACCOUNT, [3] = 64), CAVERN_OK);
    cavern_handle queue = server.x[1];
    assert_int_equal(peer_call(&server, SENDER_MINT, queue, [3] = 1, [4] = CAVERN_SELF_ACCOUNT), CAVERN_OK);
    cavern_handle sender = server.x[1];
    assert_int_equal(peer_call(&server, HANDLE_GIVE, child, [2] = queue, [3] = CAVERN_RIGHT_COPY), CAVERN_OK);
    assert_int_equal(peer_call(&server, HANDLE_CLOSE, queue), CAVERN_OK);
    end_child();
    assert_int_equal(peer_call(&server, SEND, sender), CAVERN_GONE);
}

/* [MSG-NOTICE-10] What nobody can acknowledge does not come again. */
static void test_exit_of_who_has_no_name_comes_once(void **state)
{
    (void)state;
    make_child(0);
    assert_int_equal(peer_call(&server, NOTIFY, child, [2] = 9, [3] = server.queue), CAVERN_OK);
    end_child();
    assert_true(peer_take(&server, &got));
    assert_int_equal(got.header.kind, CAVERN_KIND_EXIT);
    assert_int_equal(peer_call(&server, QUEUE_BIND, server.queue), CAVERN_OK);
    peer_adopt(&client, &server);
    assert_false(peer_take(&client, &got));
}

/* [MSG-CALL-10] A reply read from the very answer memory, in part, and over the end of a page. */
static void test_answer_onto_itself(void **state)
{
    (void)state;
    enum { BYTES = 200, ANSWER = 4000, FROM = ANSWER - 96, AROUND = 4400 };
    uint8_t before[AROUND], after[AROUND];
    struct peer other = server;
    other.thread = model_thread(server.process, 20);
    for (unsigned i = 0; i < AROUND; i++)
        before[i] = (uint8_t)(i * 7 + i / 256);
    peer_write(&server, 0, before, sizeof before);
    cavern_handle own = peer_sender(&server, &server, 6, 10, 1, 0);
    assert_int_equal(peer_call(&server, CALL, own, [9] = CAVERN_FOREVER, [10] = server.memory + ANSWER, [11] = BYTES),
                     MODEL_WAITS);
    assert_true(peer_take(&other, &got));
    assert_int_equal(
        peer_call(
            &other, REPLY,
            other.queue, [1] = CAVERN_INFO(BYTES, 0, 0, 0, 0), [2] = got.header.request, [3] = server.memory + FROM),
        CAVERN_OK);
    assert_int_equal(peer_woken(&server), CAVERN_OK);
    peer_read(&server, 0, after, sizeof after);
    assert_memory_equal(before, after, ANSWER);
    assert_memory_equal(before + ANSWER + BYTES, after + ANSWER + BYTES, AROUND - ANSWER - BYTES);
}

/* --- what comes first when processes end --- */

static void expect_next(enum cavern_kind kind, uint64_t label)
{
    assert_true(peer_take(&server, &got));
    assert_int_equal(got.header.kind, kind);
    assert_int_equal(got.header.label, label);
}

/* [PROC-END-7] All handles are closed before the queue behind the first of them goes. */
static void test_end_closes_all_before_what_follows(void **state)
{
    (void)state;
    cavern_handle asked = peer_sender(&server, &client, 1, 10, 10, 0);
    peer_sender(&client, &server, 2, 10, 10, CAVERN_MINT_CLOSED);
    assert_int_equal(
        peer_call(&server, REQUEST, asked, [1] = CAVERN_INFO(8, 0, 0, 0, 0), [2] = 3, [9] = server.queue, [10] = 1),
        CAVERN_OK);
    peer_end(&client);
    expect_next(CAVERN_KIND_CLOSED, 2);
    expect_next(CAVERN_KIND_ABANDONED, 3);
}

/* [PROC-END-8] */
static void test_ends_go_by_priority(void **state)
{
    (void)state;
    uint64_t operations[4][16] = {{0}};
    for (unsigned i = 0; i < COUNT_OF(operations); i++) {
        make_child(0);
        uint64_t priority = (uint64_t[]){1, 25, 30, 10}[i]; /* the caller's is 20 */
        assert_int_equal(peer_call(&server, THREAD_CONTROL, thread, [3] = CAVERN_THREAD_SET, [4] = priority),
                         CAVERN_OK);
        assert_int_equal(peer_call(&server, NOTIFY, child, [2] = i, [3] = server.queue), CAVERN_OK);
        operations[i][0] = child;
        operations[i][1] = CAVERN_CALL_PROCESS_END << 16;
    }
    peer_write(&server, 0, operations, sizeof operations);
    assert_int_equal(peer_call(&server, SUBMIT, [3] = server.memory, [4] = COUNT_OF(operations)), CAVERN_OK);
    expect_next(CAVERN_KIND_EXIT, 2);
    expect_next(CAVERN_KIND_EXIT, 1);
    expect_next(CAVERN_KIND_EXIT, 0);
    expect_next(CAVERN_KIND_EXIT, 3);
}

/* [MSG-NOTICE-10] The same of the log, once nobody has the machine. */
static void test_doorbell_of_whom_nobody_has_comes_once(void **state)
{
    (void)state;
    cavern_handle whole = model_give(server.process, &machine->object, CAVERN_RIGHTS_ALL);
    assert_int_equal(peer_call(&server, NOTIFY, whole, [2] = 9, [3] = server.queue), CAVERN_OK);
    log_write(CAVERN_LOG_INFO, "one");
    assert_true(peer_take(&server, &got));
    assert_int_equal(peer_call(&server, HANDLE_CLOSE, whole), CAVERN_OK);
    assert_int_equal(peer_call(&server, QUEUE_BIND, server.queue), CAVERN_OK);
    peer_adopt(&client, &server);
    assert_false(peer_take(&client, &got));
}

/* --- errors --- */

/* [ABI-FAIL-2] What could not be written is not counted. */
static void test_inspect_into_nothing_counts_nothing(void **state)
{
    (void)state;
    enum { NOWHERE = 0x100000 };
    for (unsigned topic = CAVERN_INSPECT_ACCOUNT; topic <= CAVERN_INSPECT_PROCESS; topic++) {
        cavern_handle object = topic == CAVERN_INSPECT_PROCESS ? CAVERN_SELF_PROCESS : CAVERN_SELF_ACCOUNT;
        uint64_t status = peer_call(&server, INSPECT, object, [2] = topic, [4] = NOWHERE, [5] = 4096);
        assert_int_equal(status, CAVERN_BAD_ADDRESS);
        assert_true(server.x[2] == 0 || server.x[2] == topic);
    }
}

/* [ABI-INSPECT-4] */
static void test_inspect_up_to_the_end_of_memory(void **state)
{
    (void)state;
    struct cavern_process_info record, before = {0};
    uint64_t offset = PEER_MEMORY - sizeof record;
    cavern_handle root = model_give(server.process, &model_root()->object, CAVERN_RIGHTS_ALL);
    peer_write(&server, offset, &before, sizeof before);
    uint64_t status = peer_call(
        &server, INSPECT, root, [2] = CAVERN_INSPECT_PROCESSES, [4] = server.memory + offset, [5] = 2 * sizeof record);
    assert_int_equal(status, CAVERN_BAD_ADDRESS);
    peer_read(&server, offset, &record, sizeof record);
    assert_int_equal(record.id, server.process->id);
}

#define TEST(name) cmocka_unit_test_setup(name, start)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_space_again_after_freeing_much),
        TEST(test_space_that_another_does_not_use),
        TEST(test_space_behind_one_at_its_limits_without_room),
        TEST(test_space_behind_one_that_reaches_its_limits),
        TEST(test_space_asked_by_who_is_unbound_is_not_told),
        TEST(test_kept_table_of_who_has_no_name_is_closed),
        TEST(test_exit_of_who_has_no_name_comes_once),
        TEST(test_doorbell_of_whom_nobody_has_comes_once),
        TEST(test_answer_onto_itself),
        TEST(test_end_closes_all_before_what_follows),
        TEST(test_ends_go_by_priority),
        TEST(test_inspect_into_nothing_counts_nothing),
        TEST(test_inspect_up_to_the_end_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
