/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A queue whose owner is killed again and again under load, with a successor that takes over its handle table each
 * time. Letters come in the order of writing and none twice; a death loses one at most, which its owner had just taken.
 * Every request has one ending, and a signal is seen by somebody after it was raised.
 */
#include "letters.h"

enum { WRITERS = 12, SIGNAL_LABEL = 1000 };

/* What outlives the owners. */
struct shared {
    uint32_t expected[WRITERS]; /* number of the next letter */
    uint64_t lost, letters;
    uint64_t raised, seen; /* turns of the signal */
};

static struct shared *shared;

/* --- the owner --- */

static void take_letter(struct cavern_queue *queue, const struct cavern_message *message)
{
    const struct letter *letter = letter_check(message);
    uint64_t label = message->header.label;
    CHECK(label < WRITERS);
    CHECK(letter->number >= shared->expected[label]);
    shared->lost += letter->number - shared->expected[label];
    shared->expected[label] = letter->number + 1;
    shared->letters++;
    if (message->header.kind != CAVERN_KIND_REQUEST)
        return;
    struct answer answer;
    struct cavern_outgoing out = answer_write(&answer, letter, label);
    enum cavern_status status = cavern_reply(queue, message->header.request, &out);
    CHECK(status == CAVERN_OK || status == CAVERN_CANCELLED);
}

static void own(void)
{
    struct cavern_queue queue;
    cavern_handle signal = test_handle("signal");
    shared = stress_shared();
    CHECK_OK(cavern_queue_open(CAVERN_STARTUP_QUEUE, &queue));
    for (;;) {
        struct cavern_message message;
        CHECK_OK(cavern_queue_receive(&queue, CAVERN_FOREVER, &message));
        if (message.header.kind == CAVERN_KIND_SIGNAL) {
            CHECK_EQUAL(message.header.label, SIGNAL_LABEL);
            PUBLISH(shared->seen, OBSERVE(shared->raised)); /* before it is acknowledged: else it could be lost here */
            CHECK_OK(cavern_sys_acknowledge(signal));
        } else {
            take_letter(&queue, &message);
        }
        cavern_queue_release(&queue, &message);
    }
}

/* --- who writes and raises --- */

static cavern_handle sender, signal;
static unsigned finished;

static void write_letters(struct stress_worker *worker)
{
    struct asker asker;
    cavern_handle to;
    asker_init(&asker, worker->index, worker->random);
    CHECK_OK(cavern_sender_mint(sender, worker->index, 8, 5, 0, &to));
    for (uint32_t number = 0; !stress_over();) {
        bool accepted = stress_below(&asker.random, 2)   ? asker_request(&asker, to, number)
                        : stress_below(&asker.random, 2) ? asker_call(&asker, to, number)
                                                         : asker_send(&asker, to, number, false);
        number += accepted;
        if (!accepted && !stress_below(&asker.random, 4))
            asker_await_space(&asker, to);
        if (!stress_below(&asker.random, 8))
            asker_cancel(&asker);
        asker_collect(&asker);
        worker->done = number;
    }
    asker_finish(&asker);
    __atomic_fetch_add(&finished, 1, __ATOMIC_SEQ_CST);
}

static void raise_signal(struct stress_worker *worker)
{
    for (; !stress_over(); worker->done++) {
        uint64_t turn = shared->raised + 1;
        PUBLISH(shared->raised, turn);
        CHECK_OK(cavern_sys_signal_raise(signal));
        while (OBSERVE(shared->seen) < turn) {
            CHECK(cavern_now() < test_load.end + STRESS_PATIENCE);
            cavern_sleep_until(cavern_after(100 * CAVERN_MICROSECOND));
        }
    }
    __atomic_fetch_add(&finished, 1, __ATOMIC_SEQ_CST);
}

/* --- the killer --- */

static void take_exit(struct stress_peer *owner, struct cavern_queue *exits)
{
    struct cavern_message message;
    CHECK_OK(cavern_queue_receive(exits, cavern_after(STRESS_PATIENCE), &message));
    CHECK_EQUAL(message.header.kind, CAVERN_KIND_EXIT);
    CHECK_EQUAL(test_word(&message, CAVERN_EXIT_REASON), CAVERN_REASON_ENDED);
    CHECK_EQUAL(message.header.label, owner->label);
    cavern_queue_release(exits, &message);
}

static uint64_t replace_owners(struct stress_peer *owner, struct cavern_queue *exits, uint64_t random)
{
    uint64_t deaths = 0;
    for (; OBSERVE(finished) < WRITERS + 1; deaths++) {
        cavern_sleep_until(cavern_after(stress_below(&random, 30) * CAVERN_MILLISECOND));
        CHECK_OK(cavern_sys_process_end(owner->process, 0));
        take_exit(owner, exits);
        owner->predecessor = owner->process;
        stress_spawn(owner);
        cavern_handle_close(owner->predecessor);
    }
    return deaths;
}

/* Letters that nobody has read, or not yet. */
static uint64_t missing(const struct stress_worker *writers)
{
    uint64_t missing = OBSERVE(shared->lost);
    for (unsigned i = 0; i < WRITERS; i++)
        missing += writers[i].done - OBSERVE(shared->expected[i]);
    return missing;
}

static void owners_follow_each_other(void)
{
    static struct stress_worker writers[WRITERS], raiser;
    struct cavern_queue exits;
    struct stress_peer owner = {.function = "own", .keep = true, .count = 1};
    test_queue(&exits, 64, 0);
    owner.exits = exits.handle;
    shared = stress_share(sizeof *shared);
    CHECK_OK(cavern_sys_queue_create(CAVERN_SELF_ACCOUNT, 128, 32, 0, &owner.queue));
    CHECK_OK(cavern_sender_mint(owner.queue, 0, 1000, 1000, 0, &sender));
    CHECK_OK(cavern_sys_signal_create(CAVERN_SELF_ACCOUNT, &signal));
    CHECK_OK(cavern_sys_notify(signal, SIGNAL_LABEL, owner.queue, 0));
    owner.rows[0] = test_give("signal", signal, RIGHTS_SIGNAL);
    stress_spawn(&owner);
    for (unsigned i = 0; i < WRITERS; i++)
        stress_start(&writers[i], i, write_letters, 0);
    stress_start(&raiser, 0, raise_signal, 0);
    uint64_t deaths = replace_owners(&owner, &exits, test_load.seed), signals = stress_join(&raiser, 1);
    uint64_t written = stress_join(writers, WRITERS);
    while (missing(writers) > deaths) {
        CHECK(cavern_now() < test_load.end + STRESS_PATIENCE);
        cavern_sleep_until(cavern_after(CAVERN_MILLISECOND));
    }
    CHECK_OK(cavern_sys_process_end(owner.process, 0));
    take_exit(&owner, &exits);
    cavern_handle_close(owner.process);
    CHECK(shared->letters <= written);
    stress_note("%lu letters, %lu of %lu deaths lost one, %lu signals", (unsigned long)shared->letters,
                (unsigned long)shared->lost, (unsigned long)deaths, (unsigned long)signals);
}

const struct test_case test_cases[] = {
    {"owners follow each other", owners_follow_each_other,
     "[TEST-STRESS-1] [MSG-BIND-2] [MSG-BIND-3] [MSG-BIND-6] [MSG-NOTICE-6] [PROC-SUCCESSION-1] [MSG-REQUEST-1]"},
    {0},
};

const struct test_peer_function test_peers[] = {{"own", own}, {0}};
