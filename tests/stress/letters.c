/* SPDX-License-Identifier: BSD-2-Clause */
#include "letters.h"

#define SPACE_TOKEN UINT64_C(0x5bace)

uint32_t letter_write(struct letter *letter, uint64_t label, uint32_t number, uint64_t *random)
{
    static const unsigned lengths[] = {5, 5, 5, 40, LETTER_WORDS};
    unsigned words = 1 + stress_below(random, lengths[stress_below(random, 5)]);
    letter->number = number;
    letter->answer = (uint16_t)(1 + stress_below(random, stress_below(random, 4) ? 5 : ANSWER_WORDS));
    letter->last = 0;
    for (unsigned i = 0; i < words - 1; i++)
        letter->fill[i] = stress_mix(label, number, i);
    return words * 8;
}

const struct letter *letter_check(const struct cavern_message *message)
{
    const struct letter *letter = message->payload;
    CHECK(message->header.size >= 8 && message->header.size <= sizeof *letter);
    for (unsigned i = 0; i < message->header.size / 8u - 1; i++)
        CHECK_EQUAL(letter->fill[i], stress_mix(message->header.label, letter->number, i));
    return letter;
}

struct cavern_outgoing answer_write(struct answer *answer, const struct letter *letter, uint64_t label)
{
    for (unsigned i = 0; i < letter->answer; i++)
        answer->words[i] = stress_mix(~label, letter->number, i);
    return (struct cavern_outgoing){.payload = answer->words, .size = letter->answer * 8u};
}

void answer_check(const void *payload, uint32_t size, unsigned words, uint64_t label, uint32_t number)
{
    const uint64_t *found = payload;
    CHECK_EQUAL(size, words * 8);
    for (unsigned i = 0; i < words; i++)
        CHECK_EQUAL(found[i], stress_mix(~label, number, i));
}

/* --- who asks --- */

void asker_init(struct asker *asker, uint64_t label, uint64_t random)
{
    memset(asker, 0, sizeof *asker);
    asker->label = label;
    asker->random = random;
    test_queue(&asker->queue, 64, 0);
}

/* Full queues are part of the load, and nothing else is. */
static bool accepted(struct asker *asker, enum cavern_status status)
{
    if (status == CAVERN_QUEUE_FULL)
        asker->full++;
    else
        CHECK_OK(status);
    return status == CAVERN_OK;
}

bool asker_send(struct asker *asker, cavern_handle sender, uint32_t number, bool last)
{
    struct letter letter;
    uint32_t size = letter_write(&letter, asker->label, number, &asker->random);
    letter.last = last;
    return accepted(asker, cavern_send(sender, &(struct cavern_outgoing){.payload = &letter, .size = size}));
}

static struct question *find(struct asker *asker, uint64_t token)
{
    for (unsigned i = 0; i < ASKER_PENDING; i++)
        if (asker->pending[i].token == token)
            return &asker->pending[i];
    return NULL;
}

bool asker_request(struct asker *asker, cavern_handle sender, uint32_t number)
{
    struct letter letter;
    struct question *question = find(asker, 0);
    uint32_t size = letter_write(&letter, asker->label, number, &asker->random), id;
    struct cavern_outgoing out = {.payload = &letter, .size = size};
    uint64_t token = ++asker->tokens << 32 | number;
    if (!question ||
        !accepted(asker, cavern_request(sender, token, &out, &asker->queue, cavern_blocks(letter.answer * 8u, 0), &id)))
        return false;
    *question = (struct question){token, sender, id, number, letter.answer};
    return true;
}

bool asker_call(struct asker *asker, cavern_handle sender, uint32_t number)
{
    struct letter letter;
    uint64_t words[ANSWER_WORDS], deadline = CAVERN_FOREVER;
    uint32_t size = letter_write(&letter, asker->label, number, &asker->random);
    struct cavern_outgoing out = {.payload = &letter, .size = size};
    struct cavern_answer answer = {.buffer = words, .capacity = sizeof words};
    if (stress_below(&asker->random, 2))
        deadline = cavern_after(stress_below(&asker->random, 5000) * CAVERN_MICROSECOND);
    enum cavern_status status = cavern_call(sender, &out, deadline, &answer);
    if (status == CAVERN_TIMEOUT) {
        CHECK(cavern_now() >= deadline);
        asker->timeouts++;
    } else if (status == CAVERN_ABANDONED) {
        asker->abandoned++;
    } else if (accepted(asker, status)) {
        answer_check(words, answer.header.size, letter.answer, asker->label, number);
        asker->answered++;
    } else {
        return false;
    }
    return true;
}

void asker_cancel(struct asker *asker)
{
    struct question *question = &asker->pending[stress_below(&asker->random, ASKER_PENDING)];
    if (!question->token)
        return;
    enum cavern_status status = cavern_cancel(question->sender, question->id);
    if (status == CAVERN_TOO_LATE)
        return; /* its ending is in the queue */
    CHECK_OK(status);
    question->token = 0;
    asker->cancelled++;
}

/* [MSG-REQUEST-1]: an ending belongs to a request that has had none. */
static void take_ending(struct asker *asker, const struct cavern_message *message)
{
    struct question *question = find(asker, message->header.label);
    CHECK(question && question->token);
    if (message->header.kind == CAVERN_KIND_REPLY) {
        answer_check(message->payload, message->header.size, question->answer, asker->label, question->number);
        asker->answered++;
    } else {
        CHECK_EQUAL(message->header.kind, CAVERN_KIND_ABANDONED);
        asker->abandoned++;
    }
    question->token = 0;
}

static void take(struct asker *asker, uint64_t deadline)
{
    struct cavern_message message;
    enum cavern_status status = cavern_queue_receive(&asker->queue, deadline, &message);
    if (status == CAVERN_TIMEOUT && deadline == CAVERN_POLL)
        return;
    CHECK_OK(status);
    if (message.header.kind == CAVERN_KIND_SPACE) {
        CHECK_EQUAL(message.header.label, SPACE_TOKEN);
        CHECK(asker->awaits_space);
        asker->awaits_space = false;
    } else {
        take_ending(asker, &message);
    }
    cavern_queue_release(&asker->queue, &message);
}

void asker_collect(struct asker *asker)
{
    for (unsigned i = 0; i <= ASKER_PENDING; i++)
        take(asker, CAVERN_POLL);
}

void asker_await_space(struct asker *asker, cavern_handle sender)
{
    unsigned blocks = cavern_blocks(sizeof(struct letter), 0);
    asker->awaits_space = true;
    CHECK_OK(cavern_space(sender, SPACE_TOKEN, blocks, 0, &asker->queue));
    while (asker->awaits_space)
        take(asker, test_load.end + STRESS_PATIENCE);
}

void asker_finish(struct asker *asker)
{
    for (unsigned i = 0; i < ASKER_PENDING; i++)
        while (asker->pending[i].token)
            take(asker, test_load.end + STRESS_PATIENCE);
    CHECK(!cavern_queue_take(&asker->queue, &(struct cavern_message){0}));
}
