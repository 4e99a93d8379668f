/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pending requests: slots of the server queue's table. Each has exactly one ending.
 *
 *   request_open -> request_replied | request_abandon | request_cancel -> slot free, generation stepped
 *
 * The ending goes to a reply queue, where its blocks are reserved, or to a thread that sleeps in `call`.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <cavern/message.h>
#include <cavern/status.h>

#include "core/list.h"
#include "object/attachment.h"
#include "object/queue.h"
#include "object/sender.h"

struct thread;

#define PENDING_IN_REGISTERS (~(uint64_t)0)

struct pending {
    struct list of_reply;  /* reply->awaiting */
    struct queue *server;  /* whose table this stands in */
    struct queue *reply;   /* where the ending goes; NULL: to `caller` */
    struct thread *caller; /* sleeps in call */
    struct sender *sender; /* counted */
    struct leases *leases; /* owned; NULL: none */
    uint64_t token;
    uint64_t position; /* of its message in the server's ring, or PENDING_IN_REGISTERS */
    uint32_t id;       /* 0: free */
    uint32_t client;   /* process id */
    uint32_t trace;
    uint32_t blocks; /* reserved in `reply` */
    uint64_t pad[5];
};

_Static_assert(sizeof(struct pending) == 128, "slots divide a page evenly");

static inline uint32_t pending_slot(uint32_t id)
{
    return (id & 0xffff) - 1;
}

/* Pending records stand beside the slots, one each. */
static inline struct pending *pending_at(const struct queue *server, uint32_t slot)
{
    return paged_at(&server->pending, slot * sizeof(struct pending));
}

/* NULL: no such id. */
static inline struct pending *request_lookup(const struct queue *server, uint32_t id)
{
    uint32_t slot = pending_slot(id);
    if (slot >= server->requests.slots)
        return NULL;
    struct pending *pending = pending_at(server, slot);
    return pending->id == id ? pending : NULL; /* 0 while the slot is free */
}

/* Takes the slot whose turn it is (there is one). Without reply queue, caller and leases; the rest is to be filled in.
 */
static inline struct pending *request_open(struct queue *server)
{
    uint32_t id = request_take(&server->requests);
    if (!id)
        __builtin_unreachable(); /* the caller has looked */
    struct pending *pending = pending_at(server, pending_slot(id));
    pending->server = server;
    pending->id = id;
    pending->reply = NULL;
    pending->caller = NULL;
    pending->leases = NULL;
    return pending;
}

/* The slot is free again; the sender gets its credit. */
__attribute__((always_inline)) static inline void request_free(struct pending *pending)
{
    sender_request_ended(pending->sender);
    request_release_slot(&pending->server->requests, pending_slot(pending->id));
    pending->id = 0;
}

/* The ending: nothing more will come of it. Leases end. */
static inline void request_close(struct pending *pending)
{
    if (pending->reply)
        list_remove(&pending->of_reply);
    if (pending->leases)
        leases_free(pending->leases);
    request_free(pending);
    queue_refill(pending->server); /* a slot is free */
}

/* Closing it reaches no further than the server's queue. */
static inline bool request_closes_alone(const struct pending *pending)
{
    return !pending->sender->waits && pending->sender->object.references > 1;
}

void request_abandon(struct pending *pending);
/* An ending of at most five words, without attachments, for the reply queue; closes. */
void request_ended(struct pending *pending, const struct cavern_header *header, const uint64_t words[CAVERN_WORDS]);
/* The side that asked wants no ending. A sleeping caller is not woken. */
void request_cancel(struct pending *pending);
