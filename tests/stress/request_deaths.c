/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Requests to queues whose servers are killed, or end themselves with requests in hand, by threads that stay and by
 * processes that are killed too. Whatever dies, each request has exactly one ending, and an answer is the right one.
 */
#include "letters.h"

enum { SERVERS = 2, CLIENTS = 8, GUESTS = 2, GUEST_THREADS = 4, HELD = 4, PEERS = SERVERS + GUESTS };

/* --- who serves --- */

struct held {
    uint32_t id;
    uint64_t label;
    struct letter letter;
};

static void answer(struct cavern_queue *queue, struct held *held)
{
    struct answer answer;
    struct cavern_outgoing out = answer_write(&answer, &held->letter, held->label);
    enum cavern_status status = cavern_reply(queue, held->id, &out);
    CHECK(status == CAVERN_OK || status == CAVERN_CANCELLED);
    held->id = 0;
}

static void end_at_random(uint64_t *random)
{
    unsigned chance = stress_below(random, 200);
    if (chance == 0)
        cavern_thread_exit(TEST_PASSED); /* the last one */
    if (chance == 1)
        (void)!cavern_sys_process_end(CAVERN_SELF_PROCESS, TEST_PASSED);
}

/* False: nothing comes. */
static bool take(struct cavern_queue *queue, struct held *held)
{
    struct cavern_message message;
    enum cavern_status status = cavern_queue_receive(queue, cavern_after(5 * CAVERN_MILLISECOND), &message);
    if (status == CAVERN_TIMEOUT)
        return false;
    CHECK_OK(status);
    CHECK_EQUAL(message.header.kind, CAVERN_KIND_REQUEST);
    held->id = message.header.request;
    held->label = message.header.label;
    memcpy(&held->letter, letter_check(&message), 8);
    cavern_queue_release(queue, &message);
    return true;
}

/* Some are kept in hand for a while, some dropped. */
static void serve(void)
{
    struct cavern_queue queue;
    struct held held[HELD] = {{0}};
    uint64_t random = stress_mix(test_load.seed, stress_index(), cavern_now());
    CHECK_OK(cavern_queue_open(CAVERN_STARTUP_QUEUE, &queue));
    for (unsigned i = 0;; i = (i + 1) % HELD) {
        if (held[i].id && stress_below(&random, 16))
            answer(&queue, &held[i]);
        else if (held[i].id)
            cavern_drop(&queue, held[i].id);
        held[i].id = 0;
        if (!take(&queue, &held[i]))
            continue;
        end_at_random(&random);
        if (stress_below(&random, 2))
            answer(&queue, &held[i]);
    }
}

/* --- who asks --- */

static cavern_handle servers[SERVERS];
static unsigned finished;

static void ask(struct stress_worker *worker)
{
    struct asker asker;
    asker_init(&asker, stress_draw(&worker->random), worker->random);
    cavern_handle to[SERVERS];
    for (unsigned i = 0; i < SERVERS; i++)
        CHECK_OK(cavern_sender_mint(servers[i], asker.label, 8, 5, 0, &to[i]));
    for (uint32_t number = 0; !stress_over(); number++) {
        cavern_handle server = to[stress_below(&asker.random, SERVERS)];
        if (stress_below(&asker.random, 3))
            (void)asker_request(&asker, server, number);
        else
            (void)asker_call(&asker, server, number);
        if (!stress_below(&asker.random, 8))
            asker_cancel(&asker);
        asker_collect(&asker);
    }
    asker_finish(&asker);
    __atomic_fetch_add(&finished, 1, __ATOMIC_SEQ_CST);
    worker->done = asker.answered + asker.abandoned + asker.cancelled + asker.timeouts;
}

static void guest(void)
{
    static struct stress_worker workers[GUEST_THREADS];
    servers[0] = test_handle("a");
    servers[1] = test_handle("b");
    for (unsigned i = 0; i < GUEST_THREADS; i++)
        stress_start(&workers[i], i, ask, 0);
    (void)stress_join(workers, GUEST_THREADS);
    cavern_sleep_until(CAVERN_FOREVER);
}

/* --- the killer --- */

static struct stress_peer peers[PEERS];
static struct cavern_queue exits;
static unsigned deaths;

/* Who has died is replaced, until all clients have their endings. */
static void kill_at_random(uint64_t random)
{
    while (OBSERVE(finished) < CLIENTS) {
        struct cavern_message message;
        uint64_t deadline = cavern_after(stress_below(&random, 20) * CAVERN_MILLISECOND);
        if (cavern_queue_receive(&exits, deadline, &message) == CAVERN_OK) {
            struct stress_peer *peer = &peers[message.header.label];
            stress_exited(peer, &message);
            cavern_queue_release(&exits, &message);
            stress_spawn(peer);
            deaths++;
        } else if (!stress_over()) {
            CHECK_OK(cavern_sys_process_end(peers[stress_below(&random, PEERS)].process, TEST_PASSED));
        }
    }
}

static void requests_with_deaths(void)
{
    struct stress_worker clients[CLIENTS];
    test_queue(&exits, 64, 0);
    for (unsigned i = 0; i < PEERS; i++)
        peers[i] = (struct stress_peer){
            .function = i < SERVERS ? "serve" : "guest", .index = i, .label = i, .exits = exits.handle};
    for (unsigned i = 0; i < SERVERS; i++) {
        CHECK_OK(cavern_sys_queue_create(CAVERN_SELF_ACCOUNT, 64u << i, 16, 0, &peers[i].queue));
        CHECK_OK(cavern_sender_mint(peers[i].queue, 0, 1000, 1000, 0, &servers[i]));
        for (unsigned j = SERVERS; j < PEERS; j++)
            peers[j].rows[peers[j].count++] = test_give(i ? "b" : "a", servers[i], RIGHTS_SENDER);
    }
    for (unsigned i = 0; i < PEERS; i++)
        stress_spawn(&peers[i]);
    for (unsigned i = 0; i < CLIENTS; i++)
        stress_start(&clients[i], i, ask, 0);
    kill_at_random(test_load.seed);
    for (unsigned i = 0; i < PEERS; i++)
        CHECK_OK(cavern_sys_process_end(peers[i].process, TEST_PASSED));
    stress_peers_done(peers, PEERS, &exits);
    uint64_t done = stress_join(clients, CLIENTS);
    stress_note("%lu requests, %u deaths", (unsigned long)done, deaths);
}

const struct test_case test_cases[] = {
    {"requests with deaths on both sides", requests_with_deaths, "[TEST-STRESS-1] [MSG-REQUEST-1] [MSG-BIND-2]"},
    {0},
};

const struct test_peer_function test_peers[] = {{"serve", serve}, {"guest", guest}, {0}};
