/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Notices: what a source (process, thread, interrupt, signal, sender, machine) tells the one queue that asked.
 * The source holds the storage, so telling can't fail; one-shot, counted, armed again by acknowledgement.
 *
 *   IDLE --notice_fire--> WAITING (on queue->waiting) --room in the ring, or a waiting thread--> DELIVERED (on queue->delivered)
 *     ^                      |  ^--------------- the queue is unbound: back, in order ---------------/      |
 *     \------ notice_clear --/  \------------------------------- notice_acknowledge -> IDLE (or WAITING if fired since)
 *
 * Firing while not IDLE only counts. Without a queue, firing is remembered (count) and told when one is set.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "core/list.h"

struct queue;
struct object;

enum notice_state { NOTICE_IDLE, NOTICE_WAITING, NOTICE_DELIVERED };

struct notice {
    struct list link;
    struct queue *queue;  /* counted; NULL: nobody asked */
    struct object *owner; /* not counted: the source that this stands in */
    uint64_t label;
    uint64_t count;       /* firings not yet told */
    uint64_t words[5];    /* payload; the source writes them before firing */
    uint8_t kind;         /* enum cavern_kind */
    uint8_t state;        /* enum notice_state */
    uint8_t count_word;   /* words[count_word - 1] becomes the count when told; 0: none */
    bool final;           /* freeing the message is its acknowledgement (closed, space); always through the ring */
};

void notice_init(struct notice *notice, uint8_t kind, struct object *owner);
/* Sets the destination (replacing any), NULL takes it away. Told at once if it has fired before. */
void notice_set(struct notice *notice, struct queue *queue, uint64_t label);
void notice_fire(struct notice *notice);
void notice_acknowledge(struct notice *notice);
/* The source goes: takes it off every list. */
void notice_clear(struct notice *notice);
