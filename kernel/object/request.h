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
#include "object/queue.h"

struct leases;
struct sender;
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
    uint32_t id;
    uint32_t client; /* process id */
    uint32_t trace;
    uint32_t blocks; /* reserved in `reply` */
    uint64_t pad[5];
};

_Static_assert(sizeof(struct pending) == 128, "slots divide a page evenly");

/* NULL: no such id. */
struct pending *request_lookup(const struct queue *server, uint32_t id);
/* Takes the slot whose turn it is (there is one); fields but server and id are the caller's to fill. */
struct pending *request_open(struct queue *server);
/* The ending: nothing more will come of it. The slot is free again; leases end; the sender gets its credit. */
void request_close(struct pending *pending);
void request_abandon(struct pending *pending);
/* An ending of at most five words, without attachments, for the reply queue; closes. */
void request_ended(struct pending *pending, const struct cavern_header *header, const uint64_t words[CAVERN_WORDS]);
/* The side that asked wants no ending. A sleeping caller is not woken. */
void request_cancel(struct pending *pending);
