/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Notices: what a source (process, thread, interrupt, signal, sender, machine) tells the one queue that asked.
 * The source holds the storage, so telling can't fail; one-shot, counted, armed again by acknowledgement.
 *
 *   IDLE       notice_fire: WAITING, on queue->waiting
 *   WAITING    room in the ring, or a waiting thread: DELIVERED, on queue->delivered; notice_clear: IDLE
 *   DELIVERED  notice_acknowledge: IDLE, or WAITING if it fired since; the queue is unbound: WAITING, in order
 *
 * Firing while not IDLE only counts. Without a queue, firing is remembered (count) and told when one is set.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "core/list.h"
#include "object/queue.h"

struct object;
struct thread;

enum notice_state { NOTICE_IDLE, NOTICE_WAITING, NOTICE_DELIVERED };

#define NOTICE_TAKEN (~(uint64_t)0) /* position of a message that is in no ring any more */

struct notice {
    struct list link;     /* queue->waiting or queue->delivered */
    struct list of_small; /* queue->small */
    struct list of_queue; /* queue->notices */
    struct queue *queue;  /* not counted: it tells us when it goes; NULL: nobody asked */
    struct object *owner; /* the source that this stands in; counted while WAITING */
    uint64_t label;
    uint64_t count;     /* firings not yet told */
    uint64_t position;  /* of its message, while DELIVERED */
    uint64_t words[5];  /* payload; the source writes them before firing */
    uint8_t kind;       /* enum cavern_kind */
    uint8_t state;      /* enum notice_state */
    uint8_t count_word; /* words[count_word - 1] becomes the count when told; 0: none */
    /* Freeing the message is its acknowledgement (closed, space): always through the ring, then `finished` is called.
     */
    void (*finished)(struct notice *notice);
};

void notice_init(struct notice *notice, uint8_t kind, struct object *owner);
/* Sets the destination (replacing any), NULL takes it away. Told at once if it has fired before. */
void notice_set(struct notice *notice, struct queue *queue, uint64_t label);
void notice_fire(struct notice *notice);
void notice_acknowledge(struct notice *notice);
/* The source goes: takes it off every list. */
void notice_clear(struct notice *notice);

/* It has had no destination. */
static inline void notice_join(struct notice *notice, struct queue *queue, uint64_t label)
{
    notice->queue = queue;
    notice->label = label;
    list_push_back(notice->kind == CAVERN_KIND_SPACE ? &queue->asked : &queue->notices, &notice->of_queue);
}

/* It is on its way with this content: firings from now on are new. It stands on no list. */
static inline void notice_sent(struct notice *notice, uint64_t position)
{
    notice->state = NOTICE_DELIVERED;
    notice->position = position;
    notice->count = 0;
    list_push_back(&notice->queue->delivered, &notice->link);
}

/* It has been told, and stands in no ring. */
static inline bool notice_is_taken(const struct notice *notice)
{
    return notice->state == NOTICE_DELIVERED && notice->position == NOTICE_TAKEN;
}

/* Such a one is over, and has no destination any more. */
static inline void notice_leave(struct notice *notice)
{
    notice->state = NOTICE_IDLE;
    notice->queue = NULL;
    list_remove(&notice->link);
    list_remove(&notice->of_queue);
}

/* --- for object/queue.c --- */

/* Puts a waiting notice into the ring; false: no room. */
bool notice_deliver(struct notice *notice);
/* Gives a waiting notice, that need not go through the ring, to a thread. */
void notice_deliver_registers(struct notice *notice, struct thread *thread);
/* A delivered notice that is in no ring, whose taker is gone without acknowledging: waits again, before all others. */
void notice_return(struct notice *notice);
/* Its message has been freed, or was taken by a process that is gone (`lost`). */
void notice_message_freed(struct notice *notice, bool lost);
