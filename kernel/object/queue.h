/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Queues: a ring of messages that its owner reads, the kernel's record of each message beside it, a table of pending
 * requests, and the notices that wait. Bound to one process at a time. spec/messages.md.
 *
 *   sends, endings, notices -> ring (or the registers of a thread that waits) -> taken -> freed by the owner -> retired
 * here
 *
 * Only handles keep a queue alive: senders, notices, bindings and waiting threads know it and are told when it goes.
 * The ring's pages and the control page may be written by nobody but the kernel, and by the owner, who may lie:
 * only queue_look reads the control page, and nothing is ever read back from the ring.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <cavern/message.h>
#include <cavern/status.h>

#include "core/list.h"
#include "core/request_table.h"
#include "core/ring.h"
#include "core/tree.h"
#include "object/job.h"
#include "object/object.h"
#include "object/paged.h"

struct grants;
struct notice;
struct process;
struct sender;
struct thread;

/* The kernel's record of a message, at the place of its first block. `blocks` is 0 where no message starts. */
struct queue_entry {
    struct sender *sender; /* counted: to be credited when the message is freed; NULL: an ending or a notice */
    struct notice *notice; /* that this message tells; NULL: none, or its source is gone */
    struct grants *grants; /* owned */
    uint32_t blocks;
    uint32_t pad;
};

enum queue_unbinding { UNBIND_IDLE, UNBIND_TAKEN, UNBIND_REQUESTS, UNBIND_MESSAGES, UNBIND_NOTICES, UNBIND_AWAITING };

struct queue {
    struct object object;
    struct ring ring;
    struct cavern_control *control;
    struct paged data;    /* blocks */
    struct paged entries; /* struct queue_entry, one a block */
    struct paged slots;   /* struct request_slot */
    struct paged pending; /* struct pending, one a slot */
    struct request_table requests;
    struct process *process; /* bound to it; NULL: to none */
    struct list of_process;
    uint64_t address;        /* in that process: control page, then the ring twice */
    struct thread *receiver; /* sleeps in receive; then no message waits in the ring */
    struct list senders;     /* sender.of_queue */
    struct list notices;     /* notice.of_queue: all that have this destination, but for those of room */
    struct list asked;       /* notice.of_queue: of room elsewhere, which the owner asked for */
    struct list waiting;     /* notice.link: no room yet */
    struct list small;       /* notice.of_small: of these, the ones that may come in registers */
    struct list delivered;   /* notice.link: told, not acknowledged */
    struct list returning;   /* notice.link: of these, the ones that unbinding has yet to look at */
    struct tree spaces;      /* sender.of_spaces, by ticket: who waits for room, but for those at their own limits */
    uint64_t tickets;        /* given to who asked for room */
    uint32_t asking;         /* that wait for room, those at their own limits too */
    struct list awaiting;    /* pending.of_reply: requests whose endings come here */
    uint8_t unbinding;       /* enum queue_unbinding */
    bool gone;               /* no handle is left */
    bool waited_for;         /* `waiting` is not empty, or `asking` not 0: what the word `waiters` says */
    bool claimed;            /* by a short cut */
    bool unserved;           /* there may be room for more of them than one step could serve */
    struct job serving;      /* looks for room, and serves them */
    uint32_t cursor;         /* of unbinding */
    uint32_t mapped;         /* of the pages of the ring, and the ring again, in the process that it is bound to */
    uint64_t cut;            /* unbinding: what stands before it had been taken */
    uint64_t freed;          /* unbinding: and before this, freed */
};

/* With a first part of its memory, or all. */
enum cavern_status queue_create(struct account *account, uint64_t blocks, uint64_t slots,
                                struct queue **queue) CAVERN_MUST_CHECK;
/* It has all its memory: before that nobody uses it. */
bool queue_is_complete(const struct queue *queue);
/* Takes some more. NO_MEMORY: what it has is the caller's to give back, by letting the queue go. */
enum cavern_status queue_fill(struct queue *queue) CAVERN_MUST_CHECK;
bool queue_destroy(struct object *object);
void queue_handles_gone(struct object *object);

static inline struct queue_entry *queue_entry(const struct queue *queue, uint64_t position)
{
    return paged_at(&queue->entries, (position & (queue->ring.capacity - 1)) * sizeof(struct queue_entry));
}

/* The block at a position. */
static inline uint64_t *queue_block(const struct queue *queue, uint64_t position)
{
    return paged_at(&queue->data, ring_offset(&queue->ring, position));
}

/* The message of `blocks` at `position`, the last one of the ring, is complete: its owner, perhaps on another CPU, may
 * see it. Its entry, with nothing in it. */
static inline struct queue_entry *queue_make_known(struct queue *queue, uint64_t position, uint32_t blocks)
{
    struct queue_entry *entry = queue_entry(queue, position);
    struct cavern_control *control = queue->control;
    uint64_t tail = queue->ring.tail;
    *entry = (struct queue_entry){.blocks = blocks};
    __atomic_store_n(&control->tail, tail, __ATOMIC_RELEASE);
    return entry;
}

/* Where byte `offset` of the message at `position` goes, and how many bytes follow contiguously. */
void *queue_window(const struct queue *queue, uint64_t position, uint64_t offset, uint64_t *length);
/* Copies into a message that is not yet published. */
void queue_write(struct queue *queue, uint64_t position, uint64_t offset, const void *from, uint64_t size);

/*
 * Looks at the control page, retires up to `most` messages that the owner has freed, and gives their room to those who
 * wait for it. False: the page lies; the bound process is on its way out, and the queue counts as full.
 */
bool queue_retire(struct queue *queue, unsigned most);
/* Messages that the owner could still take, as far as the kernel has looked. */
static inline bool queue_has_untaken(const struct queue *queue)
{
    return queue->ring.seen_taken < queue->ring.tail;
}
/* All was taken and freed, as the control page says, and nobody waits for room. */
static inline bool queue_is_freed(const struct queue *queue)
{
    uint64_t tail = queue->ring.tail;
    return __atomic_load_n(&queue->control->head, __ATOMIC_RELAXED) == tail &&
           __atomic_load_n(&queue->control->taken, __ATOMIC_RELAXED) == tail && !queue->waited_for;
}
/* Nor is there anything to retire. */
static inline bool queue_is_quiet(const struct queue *queue)
{
    return queue->ring.used_from == queue->ring.tail && queue_is_freed(queue);
}
/* Nothing was taken or freed since the kernel has looked, and nobody waits for room: looking again would be in vain. */
static inline bool queue_is_unchanged(const struct queue *queue)
{
    return !queue->waited_for && __atomic_load_n(&queue->control->head, __ATOMIC_RELAXED) == queue->ring.seen_head &&
           __atomic_load_n(&queue->control->taken, __ATOMIC_RELAXED) == queue->ring.seen_taken;
}
/* Room has come: for the notices that wait, then for those who asked for space. Bounded; calls nothing that retires. */
void queue_refill_waiting(struct queue *queue);
static inline void queue_refill(struct queue *queue)
{
    if (queue->waited_for)
        queue_refill_waiting(queue);
}
/* The notices alone. */
void queue_tell_waiting(struct queue *queue);
/* Somebody waits, perhaps for room that is there already: a job will see. */
void queue_serve_later(struct queue *queue);
/* Sets the `waiters` word as the lists say. */
void queue_update_waiters(struct queue *queue);

/* Makes the message at the ring's tail known: header, entry, tail; wakes the receiver. Returns its entry. */
struct queue_entry *queue_publish(struct queue *queue, const struct cavern_header *header, uint32_t blocks,
                                  uint32_t reserved, bool straight);

/* It is the process's from then on; of the ring no more than the first page is mapped. */
enum cavern_status queue_bind(struct queue *queue, struct process *process) CAVERN_MUST_CHECK;
static inline bool queue_is_mapped(const struct queue *queue)
{
    return queue->mapped == 2 * queue->data.pages;
}
/* Maps some more of it; true when all is. */
bool queue_map_step(struct queue *queue);
/* One bounded step; true when it is bound to none. */
bool queue_unbind_step(struct queue *queue);
