/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How throughput grows with CPUs. In each round one pair of caller and server has a turn alone, and two side by side;
 * then the same callers compute without the kernel, which shows what the host gives. It says `scaling CALLED_ALONE
 * CALLED COMPUTED_ALONE COMPUTED` for each. Turns are of the clock, and short, so that what else the host does falls on
 * all of a round, or is seen: this runs without -icount. No masks: a thread with one is left to the general path.
 */
#include <cavern/handles.h>
#include <cavern/memory.h>
#include <cavern/start.h>
#include <cavern/time.h>

#include "bench.h"

#define SERVER "server"
#define PRIORITY_PAIRS (PRIORITY - 1) /* who gives the turns preempts them */
#define PAIRS 2
#define ROUNDS 100
#define TURN (20 * CAVERN_MILLISECOND)
#define AT_A_TIME 64 /* between two looks at the clock */

/* What a caller is told, in the words of a message; it leaves in *done how often it has done it, never 0. */
struct turn {
    uint64_t call; /* its server, or just compute */
    uint64_t end;
    volatile uint64_t *done;
};

struct pair {
    struct peer server, caller;
    volatile uint64_t *done;
};

static void compute(void)
{
    for (unsigned i = 0; i < 1000; i++)
        __asm__ volatile("");
}

static uint64_t take_turn(const struct turn *turn, struct peer *server)
{
    uint64_t done = 0;
    do {
        for (unsigned i = 0; i < AT_A_TIME; i++)
            if (turn->call)
                request_reply(server);
            else
                compute();
        done += AT_A_TIME;
    } while (cavern_now() < turn->end);
    return done;
}

void call_in_turns(void)
{
    struct cavern_queue queue;
    struct cavern_message message;
    struct peer server = {.sender = cavern_startup_get(SERVER)};
    own_queue(&queue);
    for (;;) {
        must(cavern_queue_receive(&queue, CAVERN_FOREVER, &message), "turn");
        struct turn turn = *(const struct turn *)message.payload;
        cavern_queue_release(&queue, &message);
        *turn.done = take_turn(&turn, &server);
    }
}

static void pair_start(struct pair *pair)
{
    peer_start("server", PRIORITY_PAIRS, NULL, 0, &pair->server);
    const struct cavern_spawn_handle server = {
        .name = SERVER, .handle = pair->server.sender, .rights = CAVERN_RIGHT_REQUEST};
    peer_start("caller", PRIORITY_PAIRS, &server, 1, &pair->caller);
    pair->done = peer_share(&pair->caller, CAVERN_PAGE_SIZE);
}

/* What so many pairs get done together in one turn. */
static uint64_t give_turn(const struct pair *pairs, unsigned count, bool call)
{
    uint64_t all = 0, end = cavern_after(TURN);
    for (unsigned i = 0; i < count; i++) {
        const uint64_t words[CAVERN_WORDS] = {call, end, (uintptr_t)pairs[i].done};
        *pairs[i].done = 0;
        must(cavern_sys_send(pairs[i].caller.sender, CAVERN_INFO(sizeof(struct turn), 0, 0, 0, 0), words), "turn");
    }
    cavern_sleep_until(end);
    for (unsigned i = 0; i < count; i++) {
        while (!*pairs[i].done)
            cavern_sleep_until(cavern_after(CAVERN_MILLISECOND));
        all += *pairs[i].done;
    }
    return all;
}

_Noreturn void measure_scaling(void)
{
    static struct pair pairs[PAIRS];
    for (unsigned i = 0; i < PAIRS; i++)
        pair_start(&pairs[i]);
    (void)give_turn(pairs, PAIRS, true); /* all find their places */
    for (unsigned i = 0; i < ROUNDS; i++) {
        uint64_t called_alone = give_turn(pairs, 1, true), called = give_turn(pairs, PAIRS, true);
        uint64_t computed_alone = give_turn(pairs, 1, false), computed = give_turn(pairs, PAIRS, false);
        say("scaling %lu %lu %lu %lu", (unsigned long)called_alone, (unsigned long)called,
            (unsigned long)computed_alone, (unsigned long)computed);
    }
    power_off();
}
