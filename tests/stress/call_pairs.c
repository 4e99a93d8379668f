/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pairs of a caller and a server, two for each CPU: the short cuts of call and reply_receive run side by side. Others
 * close the callers' senders, end servers, and suspend and resume both. A call that is answered is answered rightly,
 * and any other returns with a reason.
 */
#include "stress.h"

enum { PAIRS_MAX = 16, DISTURBERS = 2 };

struct pair {
    struct stress_worker caller, server;
    struct cavern_queue queue;
    cavern_handle sender; /* the disturbers close it */
    bool pinned;
    bool lasting; /* nobody ends its server */
    uint64_t answered, failed;
};

static struct pair *pairs;
static unsigned pair_count, finished;

/* On the pair's own CPU, if it is pinned. */
static uint64_t cpu_of(unsigned index)
{
    return pairs[index].pinned ? 1ull << (index / 2) : 0;
}

static void serve(struct stress_worker *worker)
{
    struct pair *pair = &pairs[worker->index];
    struct cavern_queue *queue = &pair->queue;
    struct cavern_message message;
    /* One that was ended while it took a message has left it so. */
    cavern_queue_attach(queue, queue->handle, (uintptr_t)queue->ring, (uintptr_t)queue->control, queue->bound);
    enum cavern_status status = cavern_queue_receive(queue, CAVERN_FOREVER, &message);
    for (;; worker->done++) {
        CHECK_OK(status);
        CHECK_EQUAL(message.header.kind, CAVERN_KIND_REQUEST);
        uint64_t number = test_word(&message, 0), words[2] = {number, stress_mix(worker->index, number, 2)};
        uint32_t request = message.header.request;
        CHECK_EQUAL(test_word(&message, 1), stress_mix(worker->index, number, 1));
        cavern_queue_release(queue, &message);
        status = cavern_reply_receive(queue, request, &(struct cavern_outgoing){.payload = words, .size = sizeof words},
                                      CAVERN_FOREVER, &message);
    }
}

static void new_sender(struct pair *pair, unsigned index)
{
    cavern_handle sender;
    CHECK_OK(cavern_sender_mint(pair->queue.handle, index, 16, 16, 0, &sender));
    PUBLISH(pair->sender, sender);
}

/* With a deadline, where the server may have been ended with the call in hand. */
static void call(struct stress_worker *worker)
{
    struct pair *pair = &pairs[worker->index];
    for (; !stress_over(); worker->done++) {
        uint64_t words[2] = {worker->done, stress_mix(worker->index, worker->done, 1)}, answer[2];
        struct cavern_answer place = {.buffer = answer, .capacity = sizeof answer};
        enum cavern_status status =
            cavern_call(OBSERVE(pair->sender), &(struct cavern_outgoing){.payload = words, .size = sizeof words},
                        pair->lasting ? CAVERN_FOREVER : cavern_after(CAVERN_SECOND / 20), &place);
        if (status == CAVERN_OK) {
            CHECK_EQUAL(answer[0], worker->done);
            CHECK_EQUAL(answer[1], stress_mix(worker->index, worker->done, 2));
            pair->answered++;
        } else if (status == CAVERN_BAD_HANDLE) {
            new_sender(pair, worker->index);
            pair->failed++;
        } else {
            CHECK(status == CAVERN_TIMEOUT || status == CAVERN_ABANDONED || status == CAVERN_QUEUE_FULL);
            pair->failed++;
        }
    }
    __atomic_fetch_add(&finished, 1, __ATOMIC_SEQ_CST);
}

/* Ends it, wherever it is, and starts another. */
static void replace_server(unsigned index)
{
    struct pair *pair = &pairs[index];
    cavern_thread_end(pair->server.thread, 0);
    stress_bury(&pair->server);
    stress_start(&pair->server, index, serve, cpu_of(index));
}

/* Its caller may have come to its end. */
static void expect(enum cavern_status status)
{
    CHECK(status == CAVERN_OK || (status == CAVERN_GONE && stress_over()));
}

static void disturb(struct stress_worker *worker)
{
    for (; OBSERVE(finished) < pair_count; worker->done++) {
        unsigned index = worker->index + DISTURBERS * stress_below(&worker->random, pair_count / DISTURBERS);
        struct pair *pair = &pairs[index];
        struct stress_worker *victim = stress_below(&worker->random, 2) ? &pair->caller : &pair->server;
        cavern_handle thread = cavern_thread_handle(victim->thread);
        cavern_sleep_until(cavern_after(stress_below(&worker->random, 3000) * CAVERN_MICROSECOND));
        switch (stress_below(&worker->random, 4)) {
        case 0:
            cavern_handle_close(OBSERVE(pair->sender));
            break;
        case 1:
            if (!pair->lasting)
                replace_server(index);
            break;
        default:
            expect(cavern_sys_thread_control(thread, 0, CAVERN_THREAD_SUSPEND, 0, 0));
            expect(cavern_sys_thread_control(thread, 0, CAVERN_THREAD_RESUME, 0, 0));
            break;
        }
    }
}

static void pairs_run_side_by_side(void)
{
    struct stress_worker disturbers[DISTURBERS];
    uint64_t answered = 0, failed = 0;
    pair_count = 2 * test_cpus();
    pair_count = pair_count < PAIRS_MAX ? pair_count : PAIRS_MAX;
    pairs = test_memory(pair_count * sizeof *pairs);
    for (unsigned i = 0; i < pair_count; i++) {
        pairs[i].pinned = i % 2;
        pairs[i].lasting = i % 4 < 2;
        test_queue(&pairs[i].queue, 64, 4);
        new_sender(&pairs[i], i);
        stress_start(&pairs[i].server, i, serve, cpu_of(i));
        stress_start(&pairs[i].caller, i, call, cpu_of(i));
    }
    for (unsigned i = 0; i < DISTURBERS; i++)
        stress_start(&disturbers[i], i, disturb, 0);
    uint64_t disturbed = stress_join(disturbers, DISTURBERS);
    for (unsigned i = 0; i < pair_count; i++) {
        stress_bury(&pairs[i].caller);
        answered += pairs[i].answered;
        failed += pairs[i].failed;
    }
    CHECK(answered);
    stress_note("%lu calls, %lu that were not answered, %lu disturbances", (unsigned long)answered,
                (unsigned long)failed, (unsigned long)disturbed);
}

const struct test_case test_cases[] = {
    {"pairs run side by side", pairs_run_side_by_side, "[TEST-STRESS-1] [SCHED-18] [SCHED-6] [MSG-CALL-6]"},
    {0},
};

const struct test_peer_function test_peers[] = {{0}};
