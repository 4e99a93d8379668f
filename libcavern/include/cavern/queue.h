/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Receiving. A queue belongs to the process that it is bound to, and to one thread in it. Taking a message that waits
 * and freeing it are plain loads and stores; the kernel is entered only to sleep, or when somebody waits for room.
 *
 * A message is a view: what it points to is good until cavern_queue_release, and it must not be copied (a small one
 * lies in the structure itself). Messages are released in the order in which they were received. spec/messages.md.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <cavern/message.h>
#include <cavern/startup.h>
#include <cavern/status.h>

struct cavern_queue {
    cavern_handle handle;
    const uint8_t *ring;            /* mapped twice in a row */
    struct cavern_control *control; /* shared with the kernel */
    uint64_t blocks;                /* capacity, a power of two */
    uint64_t taken;                 /* as in the control page, which nobody else writes */
    uint64_t bound;                 /* endings before it are for a predecessor */
};

struct cavern_message {
    struct cavern_header header;
    const void *payload; /* header.size bytes, at a multiple of 8 */
    const struct cavern_lease *leases;
    const struct cavern_grant *grants; /* handle: type of the object */
    uint8_t lease_count;
    uint8_t grant_count;
    bool in_ring;      /* takes blocks until it is released */
    uint64_t position; /* in_ring: of its first block, and of the block after its last */
    uint64_t end;
    uint64_t words[CAVERN_WORDS]; /* payload of one that came in registers */
};

/* The queue of the start-up record ("queue", or another name). NOT_FOUND. */
enum cavern_status cavern_queue_open(const char *name, struct cavern_queue *queue) CAVERN_MUST_CHECK;

/* A queue of one's own, charged to the own account and bound to the own process. */
enum cavern_status cavern_queue_create(unsigned blocks, unsigned slots, struct cavern_queue *queue) CAVERN_MUST_CHECK;

/* Makes the structure from what queue_bind returned or the start-up record says. */
void cavern_queue_attach(struct cavern_queue *queue, cavern_handle handle, uint64_t ring, uint64_t control,
                         uint64_t bound);

/*
 * The next message, waiting for it until `deadline` (ns as cavern_now; CAVERN_POLL, CAVERN_FOREVER). TIMEOUT, BUSY.
 * Endings that belong to a predecessor are released unseen.
 */
enum cavern_status cavern_queue_receive(struct cavern_queue *queue, uint64_t deadline,
                                        struct cavern_message *message) CAVERN_MUST_CHECK;

/* The next message that is in the ring already; false: none. Never enters the kernel. */
bool cavern_queue_take(struct cavern_queue *queue, struct cavern_message *message);

/* Gives its blocks back; grants that were not accepted are dropped, leases stay with the request. */
void cavern_queue_release(struct cavern_queue *queue, const struct cavern_message *message);

/* The object of grant `index`. GONE, NO_MEMORY. */
enum cavern_status cavern_grant_accept(struct cavern_queue *queue, const struct cavern_message *message, unsigned index,
                                       cavern_handle *handle) CAVERN_MUST_CHECK;

/* Copies out of, or into, lease `index` of a pending request, from byte `offset` of it on. CANCELLED, DENIED. */
enum cavern_status cavern_lease_read(struct cavern_queue *queue, uint32_t request, unsigned index, uint64_t offset,
                                     void *to, uint64_t length) CAVERN_MUST_CHECK;
enum cavern_status cavern_lease_write(struct cavern_queue *queue, uint32_t request, unsigned index, uint64_t offset,
                                      const void *from, uint64_t length) CAVERN_MUST_CHECK;

/* Blocks that a message takes in a ring. */
static inline unsigned cavern_blocks(unsigned size, unsigned attachments)
{
    return (unsigned)((sizeof(struct cavern_header) + ((size + 7u) & ~7u) + attachments * 16u + CAVERN_BLOCK_SIZE - 1) /
                      CAVERN_BLOCK_SIZE);
}
