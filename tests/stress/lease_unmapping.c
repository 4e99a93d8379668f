/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Servers copy from and to lent memory while the lenders unmap and free it, cancel, and die. What is copied out of a
 * lease is what was lent; after a cancel nothing is written any more; and memory that somebody gets anew is empty.
 */
#include "stress.h"

enum { SERVERS = 2, LENDERS = 6, BYTES = 64 * 1024, WORDS = BYTES / 8, READ = 1, WRITE = 2 };

/* What a lender asks for. Each memory has a mark of its own in all its words. */
struct wish {
    uint64_t what; /* READ or WRITE */
    uint64_t mark; /* that stands there, or is to */
};

/* --- who copies --- */

static void fill(uint64_t *words, unsigned count, uint64_t mark)
{
    for (unsigned i = 0; i < count; i++)
        words[i] = mark;
}

static void check(const uint64_t *words, unsigned count, uint64_t mark)
{
    for (unsigned i = 0; i < count; i++)
        CHECK_EQUAL(words[i], mark);
}

/* Parts in a random order for reading; the whole for writing. */
static enum cavern_status copy(struct cavern_queue *queue, uint32_t request, const struct wish *wish, uint64_t *memory,
                               uint64_t *random)
{
    if (wish->what == WRITE) {
        fill(memory, WORDS, wish->mark);
        return cavern_lease_write(queue, request, 0, 0, memory, BYTES);
    }
    enum cavern_status status = CAVERN_OK;
    for (unsigned i = 0; i < 4 && status == CAVERN_OK; i++) {
        unsigned at = stress_below(random, WORDS), count = 1 + stress_below(random, WORDS - at);
        status = cavern_lease_read(queue, request, 0, at * 8, memory, count * 8);
        if (status == CAVERN_OK)
            check(memory, count, wish->mark);
    }
    return status;
}

static void serve(void)
{
    struct cavern_queue queue;
    uint64_t random = stress_mix(test_load.seed, stress_index(), 3), *memory = test_memory(BYTES);
    CHECK_OK(cavern_queue_open(CAVERN_STARTUP_QUEUE, &queue));
    for (;;) {
        struct cavern_message message;
        CHECK_OK(cavern_queue_receive(&queue, CAVERN_FOREVER, &message));
        struct wish wish = {test_word(&message, 0), test_word(&message, 1)};
        uint32_t request = message.header.request;
        cavern_queue_release(&queue, &message);
        enum cavern_status status = copy(&queue, request, &wish, memory, &random);
        CHECK(status == CAVERN_OK || status == CAVERN_CANCELLED);
        status = test_reply_word(&queue, request, wish.mark);
        CHECK(status == CAVERN_OK || status == CAVERN_CANCELLED);
    }
}

/* --- who lends --- */

static cavern_handle servers[SERVERS];

struct lender {
    struct cavern_queue queue;
    uint64_t random, *memory;
    struct wish wish;
    uint32_t id;
    cavern_handle server;
};

/* A new one each time: empty, whatever has been there before. */
static void take_memory(struct lender *lender)
{
    lender->memory = test_memory(BYTES);
    check(lender->memory, WORDS, 0);
    lender->wish = (struct wish){1 + stress_below(&lender->random, 2), stress_draw(&lender->random)};
    if (lender->wish.what == READ)
        fill(lender->memory, WORDS, lender->wish.mark);
}

static bool lend(struct lender *lender)
{
    struct cavern_lease lease = {.address = (uintptr_t)lender->memory,
                                 .length = BYTES,
                                 .rights = lender->wish.what == READ ? CAVERN_LEASE_READ : CAVERN_LEASE_WRITE};
    struct cavern_outgoing out = {
        .payload = &lender->wish, .size = sizeof lender->wish, .leases = &lease, .lease_count = 1};
    lender->server = servers[stress_below(&lender->random, SERVERS)];
    enum cavern_status status = cavern_request(lender->server, lender->wish.mark, &out, &lender->queue, 1, &lender->id);
    CHECK(status == CAVERN_OK || status == CAVERN_QUEUE_FULL);
    return status == CAVERN_OK;
}

static void await_ending(struct lender *lender)
{
    struct cavern_message message;
    CHECK_OK(cavern_queue_receive(&lender->queue, test_load.end + STRESS_PATIENCE, &message));
    CHECK_EQUAL(message.header.kind, CAVERN_KIND_REPLY);
    CHECK_EQUAL(message.header.label, lender->wish.mark);
    cavern_queue_release(&lender->queue, &message);
}

/* [MSG-CANCEL-3] [MSG-LEASE-6] */
static bool take_back(struct lender *lender)
{
    enum cavern_status status = cavern_cancel(lender->server, lender->id);
    CHECK(status == CAVERN_OK || status == CAVERN_TOO_LATE);
    if (status == CAVERN_TOO_LATE)
        return false;
    fill(lender->memory, WORDS, ~lender->wish.mark);
    cavern_sleep_until(cavern_after(stress_below(&lender->random, 500) * CAVERN_MICROSECOND));
    check(lender->memory, WORDS, ~lender->wish.mark);
    return true;
}

static void lend_once(struct lender *lender)
{
    take_memory(lender);
    bool mapped = true, waits = lend(lender);
    if (waits && !stress_below(&lender->random, 2))
        cavern_sleep_until(cavern_after(stress_below(&lender->random, 1000) * CAVERN_MICROSECOND));
    switch (waits ? stress_below(&lender->random, 3) : 3) {
    case 0:
        waits = !take_back(lender);
        break;
    case 1:
        cavern_buffer_unmap(lender->memory, BYTES);
        mapped = false;
        break;
    default:
        break;
    }
    if (waits)
        await_ending(lender);
    if (waits && mapped)
        check(lender->memory, WORDS, lender->wish.mark);
    if (mapped)
        cavern_buffer_unmap(lender->memory, BYTES);
}

static void lend_memory(struct stress_worker *worker)
{
    struct lender lender = {.random = worker->random};
    test_queue(&lender.queue, 64, 0);
    for (; !stress_over(); worker->done++)
        lend_once(&lender);
}

/* A process that is killed. */
static void guest(void)
{
    static struct stress_worker workers[LENDERS / 2];
    servers[0] = test_handle("a");
    servers[1] = test_handle("b");
    for (unsigned i = 0; i < LENDERS / 2; i++)
        stress_start(&workers[i], i, lend_memory, 0);
    (void)stress_join(workers, LENDERS / 2);
    cavern_sleep_until(CAVERN_FOREVER);
}

static unsigned kill_guests(struct stress_peer *peer, struct cavern_queue *exits, uint64_t random)
{
    unsigned deaths = 0;
    for (; !stress_over(); deaths++) {
        peer->label = SERVERS;
        stress_spawn(peer);
        cavern_sleep_until(cavern_after((5 + stress_below(&random, 30)) * CAVERN_MILLISECOND));
        CHECK_OK(cavern_sys_process_end(peer->process, TEST_PASSED));
        struct cavern_message message;
        CHECK_OK(cavern_queue_receive(exits, test_load.end + STRESS_PATIENCE, &message));
        stress_exited(peer, &message);
        cavern_queue_release(exits, &message);
    }
    return deaths;
}

static void lent_memory_goes(void)
{
    struct stress_worker lenders[LENDERS];
    struct stress_peer peers[SERVERS + 1] = {{0}}, *killed = &peers[SERVERS];
    struct cavern_queue exits;
    test_queue(&exits, 64, 0);
    *killed = (struct stress_peer){.function = "guest", .index = SERVERS, .exits = exits.handle, .count = SERVERS};
    for (unsigned i = 0; i < SERVERS; i++) {
        peers[i] = (struct stress_peer){.function = "serve", .index = i, .label = i, .exits = exits.handle};
        CHECK_OK(cavern_sys_queue_create(CAVERN_SELF_ACCOUNT, 64, 8, 0, &peers[i].queue));
        CHECK_OK(cavern_sender_mint(peers[i].queue, 0, 1000, 1000, 0, &servers[i]));
        killed->rows[i] = test_give(i ? "b" : "a", servers[i], RIGHTS_SENDER);
        stress_spawn(&peers[i]);
    }
    for (unsigned i = 0; i < LENDERS; i++)
        stress_start(&lenders[i], i, lend_memory, 0);
    unsigned deaths = kill_guests(killed, &exits, test_load.seed);
    uint64_t lent = stress_join(lenders, LENDERS);
    for (unsigned i = 0; i < SERVERS; i++)
        CHECK_OK(cavern_sys_process_end(peers[i].process, TEST_PASSED));
    stress_peers_done(peers, SERVERS, &exits);
    stress_note("%lu leases, %u deaths", (unsigned long)lent, deaths);
}

const struct test_case test_cases[] = {
    {"lent memory goes", lent_memory_goes,
     "[TEST-STRESS-1] [MSG-LEASE-1] [MSG-LEASE-2] [MSG-LEASE-6] [MSG-CANCEL-3] [MEM-BUFFER-1]"},
    {0},
};

const struct test_peer_function test_peers[] = {{"serve", serve}, {"guest", guest}, {0}};
