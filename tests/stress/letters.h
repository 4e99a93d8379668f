/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Messages that can be checked: a letter says which of its writer's it is (its *number*) and how long an answer it
 * wants; all else in it follows from the writer's label and that number. And those who ask: threads with requests under
 * way, each of which must have exactly one ending.
 */
#pragma once

#include "stress.h"

enum { LETTER_WORDS = 200, ANSWER_WORDS = 30, ASKER_PENDING = 4 };

struct letter {
    uint32_t number;
    uint16_t answer; /* words */
    uint16_t last;   /* nothing comes after it */
    uint64_t fill[LETTER_WORDS - 1];
};

/* Bytes; of a random length. */
uint32_t letter_write(struct letter *letter, uint64_t label, uint32_t number, uint64_t *random);
/* As the writer of `label` has written it. Returns the letter. */
const struct letter *letter_check(const struct cavern_message *message);

/* To a request that has been read. */
struct answer {
    uint64_t words[ANSWER_WORDS];
    uint32_t size;
};

struct cavern_outgoing answer_write(struct answer *answer, const struct letter *letter, uint64_t label);
void answer_check(const void *payload, uint32_t size, unsigned words, uint64_t label, uint32_t number);

/* One thread's: to one label. */
struct asker {
    struct cavern_queue queue; /* endings, and notices of space */
    uint64_t random, label, tokens;
    bool awaits_space;
    uint64_t answered, abandoned, cancelled, timeouts, full;
    struct question {
        uint64_t token; /* 0: free */
        cavern_handle sender;
        uint32_t id, number;
        unsigned answer; /* words */
    } pending[ASKER_PENDING];
};

void asker_init(struct asker *asker, uint64_t label, uint64_t random);
/* All without waiting, but for the last; true: letter `number` has been accepted. */
bool asker_send(struct asker *asker, cavern_handle sender, uint32_t number, bool last);
bool asker_request(struct asker *asker, cavern_handle sender, uint32_t number);
bool asker_call(struct asker *asker, cavern_handle sender, uint32_t number);
/* Cancels one. */
void asker_cancel(struct asker *asker);
/* Takes what is there. */
void asker_collect(struct asker *asker);
/* Waits until a letter would be accepted. */
void asker_await_space(struct asker *asker, cavern_handle sender);
/* Waits for all endings. */
void asker_finish(struct asker *asker);
