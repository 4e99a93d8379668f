/* SPDX-License-Identifier: BSD-2-Clause */
/* The short cuts do what the general path does: random traffic runs over both, and everything that shows is compared.
 */
#include "unit.h"

#include <stdio.h>

#include "core/random.h"
#include "object/process.h"
#include "object/queue.h"
#include "object/sender.h"
#include "peer.h"
#include "syscall/fast.h"

enum { CLIENTS = 5, STEPS = 400, SEEDS = 200 };

/* Of a peer's memory: what it sends, and from there on what it gets. */
enum { ANSWERS = PEER_MEMORY / 2, ANSWER_MAX = 1024 };

static struct peer server, clients[CLIENTS];
static cavern_handle senders[CLIENTS], signals[CLIENTS], own_signal; /* one signal, which tells the server */
static cavern_handle processes[CLIENTS]; /* in the server's table: it handles their faults */

/* How calls are served. */
enum { GENERAL, SHORT, SHARED, WAYS };

static uint64_t traces[WAYS][STEPS];
static uint64_t blocks = 64; /* of the server's ring */
static unsigned short_cuts_taken;
static uint32_t last; /* id of the request that the server took last */
static uint64_t seen; /* of all messages that it found in the ring */

/* The server's signal, and a handle to it for each client. */
static void make_signal(void)
{
    void *signal;
    assert_int_equal(peer_call(&server, SIGNAL_CREATE, CAVERN_SELF_ACCOUNT), CAVERN_OK);
    own_signal = server.x[1];
    assert_int_equal(peer_call(&server, NOTIFY, own_signal, [2] = 77, [3] = server.queue), CAVERN_OK);
    assert_int_equal(process_lookup(server.process, own_signal, CAVERN_TYPE_SIGNAL, 0, &signal), CAVERN_OK);
    for (unsigned i = 0; i < CLIENTS; i++) {
        assert_int_equal(process_reserve(clients[i].process, 1), CAVERN_OK);
        object_get(signal);
        signals[i] = process_publish(clients[i].process, signal);
    }
}

static void handle_faults(unsigned i)
{
    processes[i] = model_give(server.process, &clients[i].process->object, CAVERN_RIGHTS_ALL);
    assert_int_equal(
        peer_call(&server, NOTIFY, processes[i], [2] = 200 + i, [3] = server.queue, [4] = CAVERN_NOTIFY_FAULT),
        CAVERN_OK);
}

static void fill(struct peer *peer, uint64_t seed)
{
    struct random random;
    uint64_t words[ANSWERS / 4 / sizeof(uint64_t)];
    random_seed(&random, seed);
    for (size_t i = 0; i < COUNT_OF(words); i++)
        words[i] = random_next(&random);
    peer_write(peer, 0, words, sizeof words);
}

static void start(unsigned way)
{
    model_start(128 << 20);
    model_short_cuts(way == SHORT);
    if (way == SHARED)
        model_share_short_cuts();
    last = 0;
    seen = 0;
    peer_start(&server, "server", 20, blocks, 3);
    fill(&server, 9);
    for (unsigned i = 0; i < CLIENTS; i++) {
        peer_start(&clients[i], "client", (uint8_t)(i < 3 ? 15 + 5 * i : 15), 64, 1);
        fill(&clients[i], i);
        senders[i] = peer_sender(&clients[i], &server, 100 + i, i == 1 ? 2 : 8, 2, i == 2 ? CAVERN_MINT_CLOSED : 0);
        handle_faults(i);
    }
    make_signal();
}

static uint64_t mix(uint64_t hash, uint64_t value)
{
    return (hash ^ value) * UINT64_C(0x9e3779b97f4a7c15) ^ hash >> 29;
}

static uint64_t mix_peer(uint64_t hash, const struct peer *peer)
{
    const struct thread *thread = peer->thread;
    hash = mix(hash, thread->state);
    hash = mix(hash, arch_cpu()->current == thread);
    hash = mix(hash, thread->cpu_time);
    hash = mix(hash, thread->slice_used);
    for (unsigned i = 0; i < 9; i++)
        hash = mix(hash, thread->context.x[i]);
    return hash;
}

static struct sender *sender_of(const struct peer *peer, cavern_handle handle)
{
    void *object;
    assert_int_equal(process_lookup(peer->process, handle, CAVERN_TYPE_SENDER, 0, &object), CAVERN_OK);
    return object;
}

/* All that user code could see, and what the queue's books say. */
static uint64_t look(void)
{
    const struct queue *queue = peer_queue(&server);
    scheduler_charge();
    uint64_t hash = mix_peer(0, &server);
    hash = mix(hash, arch_cpu()->slice_end);
    hash = mix(hash, arch_cpu()->timer);
    hash = mix(hash, scheduler.ready.ready);
    for (unsigned i = 0; i < CLIENTS; i++) {
        const struct sender *sender = sender_of(&clients[i], senders[i]);
        hash = mix_peer(hash, &clients[i]);
        hash = mix(hash, sender->messages);
        hash = mix(hash, sender->requests);
        hash = mix(hash, sender->object.references);
        hash = mix(hash, clients[i].thread->wait.answer != NULL);
    }
    hash = mix(hash, ring_used(&queue->ring));
    hash = mix(hash, request_table_free(&queue->requests));
    hash = mix(hash, peer_control(&server)->tail);
    hash = mix(hash, queue->receiver != NULL);
    hash = mix(hash, seen);
    assert_true(request_table_invariants(&queue->requests));
    return hash;
}

static void mix_taken(const struct taken *taken)
{
    uint64_t raw[sizeof taken->header / sizeof(uint64_t)];
    memcpy(raw, &taken->header, sizeof raw);
    for (size_t i = 0; i < COUNT_OF(raw); i++)
        seen = mix(seen, raw[i]);
    for (unsigned i = 0; i < taken->header.size; i++)
        seen = mix(seen, taken->body[i]);
}

/* Of its answer, whatever the message said. */
static void mix_answer(const struct peer *peer)
{
    uint64_t words[2 * ANSWER_MAX / sizeof(uint64_t)];
    peer_read(peer, ANSWERS, words, sizeof words);
    for (size_t i = 0; i < COUNT_OF(words); i++)
        seen = mix(seen, words[i]);
}

static uint64_t any_size(struct random *random)
{
    static const uint16_t some[] = {60, 64, 65, 792, 800, ANSWER_MAX, ANSWER_MAX + 1};
    uint64_t kind = random_below(random, 8);
    return kind < 4 ? 40 : kind < 6 ? random_below(random, 50) : some[random_below(random, COUNT_OF(some))];
}

/* What a peer sends: seldom badly aligned, or running out of its memory. */
static uint64_t any_payload(struct random *random, const struct peer *peer)
{
    uint64_t kind = random_below(random, 32), at = 8 * random_below(random, 640);
    return peer->memory + (kind == 0 ? at + 4 : kind == 1 ? PEER_MEMORY - 256 : at);
}

static void client_step(struct random *random, unsigned i)
{
    uint64_t size = any_size(random), info = CAVERN_INFO(size, 0, 0, 0, i);
    uint64_t deadline = random_below(random, 4) ? CAVERN_FOREVER : arch_now() + random_below(random, 50);
    uint64_t bytes = random_below(random, 2) ? 0 : any_size(random);
    uint64_t answer = clients[i].memory + ANSWERS + random_below(random, 32) * 31;
    uint64_t payload = any_payload(random, &clients[i]);
    if (peer_waits(&clients[i]))
        return;
    mix_answer(&clients[i]);
    unsigned what = (unsigned)random_below(random, 9);
    if (what == 8)
        model_fault(clients[i].thread, CAVERN_FAULT_DATA_UNMAPPED, random_next(random), random_next(random));
    else if (what == 0)
        (void)peer_call(&clients[i], SIGNAL_RAISE, signals[i]);
    else if (what == 1)
        (void)peer_call(&clients[i], THREAD_CONTROL, CAVERN_SELF_THREAD, [3] = CAVERN_THREAD_YIELD);
    else if (what < 4)
        (void)peer_call(&clients[i], SEND, senders[i], [1] = info, [3] = payload, [4] = random_next(random));
    else
        (void)peer_call(&clients[i], CALL, senders[i], [1] = info, [2] = random_next(random),
                        [3] = size > 40 ? payload : random_next(random), [4] = 2, [5] = 3, [6] = 4, [7] = 5,
                        [9] = deadline, [10] = random_below(random, 16) ? answer & ~UINT64_C(7) : answer, [11] = bytes);
}

static void server_step(struct random *random)
{
    static struct taken taken;
    if (peer_waits(&server))
        return;
    if ((server.thread->context.x[1] >> 16 & 0xff) == CAVERN_KIND_REQUEST)
        last = (uint32_t)server.thread->context.x[2];
    if (peer_take(&server, &taken)) {
        mix_taken(&taken);
        last = taken.header.request ? taken.header.request : last;
        if (random_below(random, 3) == 0)
            peer_free(&server);
    }
    if (random_below(random, 3) == 0)
        (void)peer_call(&server, ACKNOWLEDGE, own_signal);
    if (random_below(random, 2))
        (void)peer_call(&server, THREAD_CONTROL, processes[random_below(random, CLIENTS)], [2] = 1,
                        [3] = random_below(random, 8) ? CAVERN_THREAD_RESUME : CAVERN_THREAD_SUSPEND);
    if (random_below(random, 3) == 0) {
        (void)peer_call(&server, RECEIVE,
                        server.queue, [9] = random_below(random, 6) ? CAVERN_FOREVER : arch_now() + 30);
        return;
    }
    uint64_t size = any_size(random), payload = any_payload(random, &server);
    (void)peer_call(
        &server, REPLY_RECEIVE, server.queue, [1] = CAVERN_INFO(size, 0, 0, 0, 9),
        [2] = random_below(random, 16) ? last : random_next(random), [3] = size > 40 ? payload : random_next(random),
        [4] = 7, [7] = 8, [9] = random_below(random, 6) ? CAVERN_FOREVER : arch_now() + 30);
}

static void step(struct random *random)
{
    unsigned who = (unsigned)random_below(random, 2 * CLIENTS + 1);
    if (who < CLIENTS)
        client_step(random, who);
    else if (who < 2 * CLIENTS)
        server_step(random);
    else
        model_set_time(arch_now() + random_below(random, 40));
}

/* [SCHED-6] [SCHED-8] [SCHED-18] [MSG-RECEIVE-1] [MSG-CALL-1] [MSG-CALL-2] [MSG-CALL-4] [MSG-CALL-5] */
static void test_fast_path_agrees_with_the_general_path(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        for (unsigned way = 0; way < WAYS; way++) {
            struct random random;
            random_seed(&random, seed);
            blocks = 64 << seed % 2;
            start(way);
            for (unsigned i = 0; i < STEPS; i++) {
                step(&random);
                traces[way][i] = look();
            }
        }
        for (unsigned i = 0; i < STEPS; i++) {
            if (traces[SHORT][i] != traces[GENERAL][i] || traces[SHARED][i] != traces[GENERAL][i])
                print_message("# seed %lu, step %u\n", (unsigned long)seed, i);
            assert_int_equal(traces[SHORT][i], traces[GENERAL][i]);
            assert_int_equal(traces[SHARED][i], traces[GENERAL][i]);
        }
    }
}

/* The comparison is worth something: the short cuts do serve such traffic. */
static void calls_between_waiting_threads(unsigned way, uint64_t size)
{
    struct peer *client = &clients[2];
    struct taken taken;
    uint64_t id = 0, info = CAVERN_INFO(size, 0, 0, 0, 0);
    bool large = size > 40;
    start(way);
    short_cuts_taken = 0;
    for (unsigned i = 0; i < 10; i++) {
        uint64_t before = arch_cpu()->switches;
        assert_int_equal(
            peer_call(
                &server, REPLY_RECEIVE,
                server.queue, [1] = info, [2] = id, [3] = large ? server.memory + 8 * i : i, [9] = CAVERN_FOREVER),
            MODEL_WAITS);
        short_cuts_taken += i && arch_cpu()->current == client->thread && arch_cpu()->switches > before;
        if (i)
            assert_int_equal(peer_woken(client), CAVERN_OK);
        before = arch_cpu()->switches;
        assert_int_equal(peer_call(client, CALL, senders[2], [1] = info, [3] = large ? client->memory + 8 * i : i,
                                   [9] = CAVERN_FOREVER, [10] = client->memory + ANSWERS, [11] = large ? size : 0),
                         MODEL_WAITS);
        short_cuts_taken += arch_cpu()->current == server.thread && arch_cpu()->switches > before;
        assert_int_equal(peer_woken(&server), large ? CAVERN_IN_RING : CAVERN_OK);
        id = (uint32_t)server.x[2];
        if (peer_take(&server, &taken)) {
            id = taken.header.request;
            assert_int_equal(taken.header.size, size);
            peer_free(&server);
        } else {
            assert_int_equal(server.x[4], i);
        }
    }
    assert_int_equal(short_cuts_taken, 19);
}

/* [SCHED-10] The time that passes goes to who ran, over both ways of a hand-over, a fault and a wait. */
static void test_hand_over_charges_who_ran(void **state)
{
    (void)state;
    struct peer *client = &clients[0];
    model_start(64 << 20);
    peer_start(&server, "server", 20, 64, 3);
    peer_start(client, "client", 15, 0, 0);
    senders[0] = peer_sender(client, &server, 1, 1, 1, 0);
    handle_faults(0);
    assert_int_equal(peer_call(&server, RECEIVE, server.queue, [9] = CAVERN_FOREVER), MODEL_WAITS);
    assert_int_equal(peer_call(client, NOP, 0), CAVERN_OK); /* on the CPU */
    uint64_t ran = client->thread->cpu_time, served = server.thread->cpu_time;
    model_set_time(arch_now() + 1000);
    assert_int_equal(peer_call(client, CALL, senders[0], [9] = CAVERN_FOREVER), MODEL_WAITS);
    assert_ptr_equal(arch_cpu()->current, server.thread);
    model_set_time(arch_now() + 500);
    uint64_t id = peer_woken(&server) == CAVERN_OK ? (uint32_t)server.x[2] : 0;
    assert_int_equal(peer_call(&server, REPLY_RECEIVE, server.queue, [2] = id, [9] = CAVERN_FOREVER), MODEL_WAITS);
    assert_ptr_equal(arch_cpu()->current, client->thread);
    assert_int_equal(client->thread->cpu_time, ran + 1000);
    assert_int_equal(server.thread->cpu_time, served + 500);
    assert_int_equal(server.process->cpu_time, served + 500);
    model_set_time(arch_now() + 250);
    model_fault(client->thread, CAVERN_FAULT_BREAKPOINT, 0, 0);
    assert_ptr_equal(arch_cpu()->current, server.thread);
    assert_int_equal(client->thread->cpu_time, ran + 1250);
    assert_int_equal(peer_call(&server, THREAD_CONTROL, processes[0], [2] = 1, [3] = CAVERN_THREAD_RESUME), CAVERN_OK);
    model_set_time(arch_now() + 125);
    assert_int_equal(peer_call(&server, RECEIVE, server.queue, [9] = CAVERN_FOREVER), MODEL_WAITS);
    assert_ptr_equal(arch_cpu()->current, client->thread);
    assert_int_equal(server.thread->cpu_time, served + 625);
}

/* Two of one priority, the first of which is on the CPU. */
static void start_equals(unsigned way, uint8_t priority, struct peer *first, struct peer *second)
{
    model_start(64 << 20);
    model_short_cuts(way == SHORT);
    peer_start(first, "first", priority, 0, 0);
    peer_start(second, "second", priority, 0, 0);
    assert_int_equal(peer_call(first, NOP, 0), CAVERN_OK);
    assert_ptr_equal(arch_cpu()->current, first->thread);
}

/* [SCHED-3] [SCHED-18] Who was left alone has its whole slice when the other comes back, whether it yielded or not. */
static void test_slice_begins_anew_when_another_comes_back(void **state)
{
    (void)state;
    struct peer *one = &clients[0], *other = &clients[1];
    for (unsigned way = GENERAL; way < SHARED; way++)
        for (unsigned yields = 0; yields < 2; yields++) {
            start_equals(way, 15, one, other);
            assert_int_equal(thread_set(other->thread, 14, 0), CAVERN_OK);
            model_set_time(arch_now() + SCHEDULER_SLICE / 2);
            if (yields)
                assert_int_equal(peer_call(one, THREAD_CONTROL, CAVERN_SELF_THREAD, [3] = CAVERN_THREAD_YIELD),
                                 CAVERN_OK);
            assert_int_equal(thread_set(other->thread, 15, 0), CAVERN_OK);
            assert_int_equal(peer_call(one, NOP, 0), CAVERN_OK);
            assert_int_equal(arch_cpu()->slice_end, arch_now() + SCHEDULER_SLICE);
        }
}

/* [SCHED-3] Who was preempted in its slice gets the rest of it when another lets it go on, and the timer ends it. */
static void test_rest_of_a_slice_ends_after_a_yield(void **state)
{
    enum { LEFT = SCHEDULER_SLICE / 10 };
    (void)state;
    struct peer *yields = &clients[0], *preempted = &clients[1], *other = &clients[2];
    for (unsigned way = GENERAL; way < SHARED; way++) {
        start_equals(way, 14, preempted, other);
        model_set_time(arch_now() + SCHEDULER_SLICE - LEFT);
        peer_start(yields, "yields", 15, 0, 0);
        assert_ptr_equal(model_settle(), yields->thread);
        assert_int_equal(thread_set(preempted->thread, 15, 0), CAVERN_OK);
        assert_int_equal(peer_call(yields, NOP, 0), CAVERN_OK);
        uint64_t end = arch_now() + SCHEDULER_SLICE;
        model_set_time(arch_now() + 2 * LEFT); /* over the timer that stood */
        assert_int_equal(arch_cpu()->timer, end);
        assert_int_equal(peer_call(yields, THREAD_CONTROL, CAVERN_SELF_THREAD, [3] = CAVERN_THREAD_YIELD), CAVERN_OK);
        assert_ptr_equal(arch_cpu()->current, preempted->thread);
        assert_int_equal(arch_cpu()->slice_end, arch_now() + LEFT);
        assert_int_equal(arch_cpu()->timer, arch_cpu()->slice_end);
    }
}

static void test_fast_path_serves_calls_between_waiting_threads(void **state)
{
    (void)state;
    calls_between_waiting_threads(SHORT, 40);
    calls_between_waiting_threads(SHORT, 800);
    calls_between_waiting_threads(SHARED, 40);
}

static unsigned server_senders(void)
{
    unsigned count = 0;
    list_for_each_safe(node, &peer_queue(&server)->senders) count++;
    return count;
}

/* [MSG-FREE-1] A sender that only a message has kept goes with it, over both ways. */
static void test_last_message_of_a_sender_lets_it_go(void **state)
{
    (void)state;
    for (unsigned way = GENERAL; way < SHARED; way++) {
        struct taken taken;
        start(way);
        assert_int_equal(peer_call(&server, RECEIVE, server.queue, [9] = CAVERN_FOREVER), MODEL_WAITS);
        assert_int_equal(peer_call(&clients[2], CALL, senders[2], [9] = CAVERN_FOREVER), MODEL_WAITS);
        assert_int_equal(peer_call(&clients[1], SEND, senders[1], 0), CAVERN_OK);
        assert_true(peer_take(&server, &taken));
        peer_free(&server);
        unsigned before = server_senders();
        assert_int_equal(peer_call(&clients[1], HANDLE_CLOSE, senders[1]), CAVERN_OK);
        assert_int_equal(peer_call(&server, REPLY_RECEIVE,
                                   server.queue, [2] = (uint32_t)server.thread->context.x[2], [9] = CAVERN_FOREVER),
                         MODEL_WAITS);
        model_settle();
        assert_int_equal(server_senders(), before - 1);
    }
}

static bool fault_is_cut_short(void)
{
    return fast_fault(clients[0].thread, CAVERN_FAULT_BREAKPOINT, 1, 2);
}

/* [PROC-HANDLER-1] [SCHED-2] [SCHED-18] A handler that waits, and would be next. */
static void test_short_cut_of_a_fault_needs_its_handler_waiting_and_next(void **state)
{
    (void)state;
    start(SHORT);
    for (unsigned i = 1; i < CLIENTS; i++)
        assert_int_equal(thread_set(clients[i].thread, 1, 0), CAVERN_OK);
    assert_int_equal(peer_call(&clients[0], NOP, 0), CAVERN_OK); /* on the CPU */
    assert_false(fault_is_cut_short());
    assert_int_equal(peer_call(&server, RECEIVE, server.queue, [9] = arch_now() + 100), MODEL_WAITS);
    assert_int_equal(peer_call(&clients[0], NOP, 0), CAVERN_OK);
    assert_int_equal(thread_set(clients[1].thread, server.thread->runnable.priority, 0), CAVERN_OK);
    assert_false(fault_is_cut_short());
    assert_int_equal(thread_set(clients[1].thread, 1, 0), CAVERN_OK);
    server.thread->suspended = true;
    assert_false(fault_is_cut_short());
    server.thread->suspended = false;
    assert_int_equal(clients[0].thread->state, CAVERN_THREAD_READY);
    assert_true(fault_is_cut_short());
    assert_int_equal(clients[0].thread->state, CAVERN_THREAD_FAULTED);
    assert_ptr_equal(arch_cpu()->current, server.thread);
    model_set_time(arch_now() + 200); /* its deadline is gone */
    assert_int_equal(peer_woken(&server), CAVERN_OK);
    assert_int_equal(server.x[3], 200);
    assert_int_equal(server.x[4 + CAVERN_FAULT_SYNDROME], 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fast_path_agrees_with_the_general_path),
        cmocka_unit_test(test_last_message_of_a_sender_lets_it_go),
        cmocka_unit_test(test_hand_over_charges_who_ran),
        cmocka_unit_test(test_slice_begins_anew_when_another_comes_back),
        cmocka_unit_test(test_rest_of_a_slice_ends_after_a_yield),
        cmocka_unit_test(test_fast_path_serves_calls_between_waiting_threads),
        cmocka_unit_test(test_short_cut_of_a_fault_needs_its_handler_waiting_and_next),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
