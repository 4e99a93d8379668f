/* SPDX-License-Identifier: BSD-2-Clause */
/* Senders: the right to send to one queue, with a label and limits; and the two notices that a sender is the source of.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <cavern/status.h>

#include "core/list.h"
#include "core/tree.h"
#include "object/notice.h"
#include "object/object.h"
#include "object/queue.h"

struct sender {
    struct object object;
    struct queue *queue; /* not counted; NULL: gone */
    struct list of_queue;
    uint64_t label;
    uint32_t message_limit; /* messages not yet freed */
    uint32_t request_limit; /* requests pending */
    uint32_t messages;
    uint32_t requests;
    bool tell_closed;
    struct notice closed;       /* to the sender's own queue; holds a reference while told */
    struct notice space;        /* to a queue of who sends; holds a reference while asked or told */
    bool asking;                /* until the notice is finished or forgotten */
    bool waits;                 /* for room: not yet told */
    struct tree_node of_spaces; /* in queue->spaces while it waits, unless it is at its own limits */
    uint64_t ticket;            /* its place in the order of asking */
    uint32_t space_blocks;
    uint32_t space_requests;
};

enum cavern_status sender_create(struct queue *queue, uint64_t label, uint32_t messages, uint32_t requests, bool closed,
                                 struct account *account, struct sender **sender) CAVERN_MUST_CHECK;
bool sender_destroy(struct object *object);
void sender_handles_gone(struct object *object);

static inline bool sender_is_gone(const struct sender *sender)
{
    return !sender->queue || sender->queue->gone;
}

/* It waits for room in line, if it does not already. */
SELDOM void sender_join(struct sender *sender);
/* A message was freed: its credit and its reference come back. */
void sender_message_freed(struct sender *sender);
/* One of its limits is not reached any more: if it waits for room, it is in line again. */
static inline void sender_credited(struct sender *sender)
{
    if (sender->waits)
        sender_join(sender);
}

/* A pending request of this sender has ended: its credit and its reference come back. */
static inline void sender_request_ended(struct sender *sender)
{
    sender->requests--;
    sender_credited(sender);
    object_put(&sender->object);
}

/* The queue goes away. */
void sender_detach(struct sender *sender);

/* Do its own limits keep a message of `blocks` (0: none) and so many `requests`? */
bool sender_is_at_limits(const struct sender *sender, uint64_t blocks, uint32_t requests);
/* Would a message of `blocks` (0: none) and so many `requests` be accepted now? Notices that wait are the caller's
 * affair. */
bool sender_would_accept(const struct sender *sender, uint64_t blocks, uint32_t requests);
/* Asks for one space notice to `to`, which may come at once. One at a time for a sender. */
void sender_ask_space(struct sender *sender, uint32_t blocks, uint32_t requests, struct queue *to, uint64_t label);
/* What it waits for is there. */
void sender_tell_space(struct sender *sender);
/* Nobody wants it any more (the asker's queue is unbound). */
void sender_forget_space(struct sender *sender);
