/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Two hundred threads of three processes write to the queues of four. Every letter comes once, and in the order of
 * writing; every request has one ending; who waits for space is told. Each writer's last letter has the number that the
 * reader expects next, so nothing is missing.
 */
#include "letters.h"

enum { READERS = 4, WRITERS = 64, PROCESSES = 3, HELD = 6, MESSAGES = 6, REQUESTS = 3 };

/* --- who writes --- */

static void write_one(struct asker *asker, cavern_handle to, uint32_t *number)
{
    bool accepted;
    switch (stress_below(&asker->random, 4)) {
    case 0:
        accepted = asker_send(asker, to, *number, false);
        break;
    case 1:
        accepted = asker_call(asker, to, *number);
        break;
    default:
        accepted = asker_request(asker, to, *number);
        break;
    }
    *number += accepted;
    if (!accepted && !stress_below(&asker->random, 2))
        asker_await_space(asker, to);
    if (!stress_below(&asker->random, 8))
        asker_cancel(asker);
    if (!stress_below(&asker->random, 3))
        asker_collect(asker);
}

static void write_letters(struct stress_worker *worker)
{
    struct asker asker;
    cavern_handle to[READERS];
    uint32_t numbers[READERS] = {0};
    uint64_t label = stress_index() * WRITERS + worker->index;
    asker_init(&asker, label, worker->random);
    for (unsigned i = 0; i < READERS; i++)
        CHECK_OK(cavern_sender_mint(test_handle((char[2]){(char)('a' + i)}), label, MESSAGES, REQUESTS, 0, &to[i]));
    while (!stress_over()) {
        unsigned reader = stress_below(&asker.random, READERS);
        write_one(&asker, to[reader], &numbers[reader]);
    }
    asker_finish(&asker);
    for (unsigned i = 0; i < READERS; i++) {
        while (!asker_send(&asker, to[i], numbers[i], true))
            asker_await_space(&asker, to[i]);
        cavern_handle_close(to[i]);
    }
    worker->done = asker.full;
}

static void writers(void)
{
    static struct stress_worker workers[WRITERS];
    for (unsigned i = 0; i < WRITERS; i++)
        stress_start(&workers[i], i, write_letters, 0);
    (void)stress_join(workers, WRITERS);
}

/* --- who reads --- */

struct reader {
    struct cavern_queue queue;
    uint32_t expected[PROCESSES * WRITERS];
    unsigned finished, held_count;
    struct held {
        uint32_t id;
        uint64_t label;
        struct letter letter;
    } held[HELD];
    uint64_t letters;
};

static struct reader *readers;

static void expect_answered(enum cavern_status status)
{
    CHECK(status == CAVERN_OK || status == CAVERN_CANCELLED);
}

static void answer(struct reader *reader, uint32_t id, const struct letter *letter, uint64_t label)
{
    struct answer answer;
    struct cavern_outgoing out = answer_write(&answer, letter, label);
    expect_answered(cavern_reply(&reader->queue, id, &out));
}

static void answer_held(struct reader *reader, unsigned which)
{
    struct held *held = &reader->held[which];
    answer(reader, held->id, &held->letter, held->label);
    *held = reader->held[--reader->held_count];
}

static void hold(struct reader *reader, const struct cavern_message *message, const struct letter *letter)
{
    struct held *held = &reader->held[reader->held_count++];
    held->id = message->header.request;
    held->label = message->header.label;
    memcpy(&held->letter, letter, 8);
}

/* [MSG-SEND-5] */
static void take_letter(struct reader *reader, const struct cavern_message *message, uint64_t *random)
{
    const struct letter *letter = letter_check(message);
    uint64_t label = message->header.label;
    CHECK(label < PROCESSES * WRITERS);
    CHECK_EQUAL(letter->number, reader->expected[label]);
    reader->expected[label]++;
    reader->letters++;
    reader->finished += letter->last;
    if (message->header.kind == CAVERN_KIND_MESSAGE)
        return;
    CHECK_EQUAL(message->header.kind, CAVERN_KIND_REQUEST);
    unsigned chance = stress_below(random, 16);
    if (chance == 0)
        cavern_drop(&reader->queue, message->header.request);
    else if (chance < 4 && reader->held_count < HELD)
        hold(reader, message, letter);
    else
        answer(reader, message->header.request, letter, label);
}

/* The next, while one that was held is answered in the same entry, now and then. */
static enum cavern_status next(struct reader *reader, struct cavern_message *message, uint64_t *random)
{
    uint64_t deadline = reader->held_count ? cavern_after(2 * CAVERN_MILLISECOND) : test_load.end + STRESS_PATIENCE;
    if (!reader->held_count || stress_below(random, 2))
        return cavern_queue_receive(&reader->queue, deadline, message);
    struct held held = reader->held[--reader->held_count];
    struct answer answer;
    struct cavern_outgoing out = answer_write(&answer, &held.letter, held.label);
    return cavern_reply_receive(&reader->queue, held.id, &out, deadline, message);
}

static void read_letters(struct stress_worker *worker)
{
    struct reader *reader = &readers[worker->index];
    while (reader->finished < PROCESSES * WRITERS) {
        struct cavern_message message;
        bool held = reader->held_count;
        enum cavern_status status = next(reader, &message, &worker->random);
        if (held && status == CAVERN_TIMEOUT) {
            while (reader->held_count)
                answer_held(reader, 0);
            continue;
        }
        CHECK_OK(status);
        take_letter(reader, &message, &worker->random);
        cavern_queue_release(&reader->queue, &message);
    }
    worker->done = reader->letters;
}

static void storm(void)
{
    struct stress_worker workers[READERS];
    struct stress_peer peers[PROCESSES] = {{0}};
    struct cavern_queue exits;
    test_queue(&exits, 64, 0);
    readers = test_memory(READERS * sizeof *readers);
    for (unsigned i = 0; i < PROCESSES; i++)
        peers[i] = (struct stress_peer){
            .function = "writers", .index = i, .label = i, .exits = exits.handle, .count = READERS};
    for (unsigned i = 0; i < READERS; i++) {
        test_queue(&readers[i].queue, 64u << i, 8);
        cavern_handle sender = test_sender(&readers[i].queue, 0);
        for (unsigned j = 0; j < PROCESSES; j++)
            peers[j].rows[i] = test_give((char[2]){(char)('a' + i)}, sender, RIGHTS_SENDER);
        stress_start(&workers[i], i, read_letters, 0);
    }
    for (unsigned i = 0; i < PROCESSES; i++)
        stress_spawn(&peers[i]);
    stress_peers_done(peers, PROCESSES, &exits);
    stress_note("%lu letters", (unsigned long)stress_join(workers, READERS));
}

const struct test_case test_cases[] = {
    {"a storm of messages", storm, "[TEST-STRESS-1] [MSG-SEND-5] [MSG-REQUEST-1] [MSG-SPACE-1] [MSG-CALL-6]"},
    {0},
};

const struct test_peer_function test_peers[] = {{"writers", writers}, {0}};
