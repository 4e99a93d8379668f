/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Arithmetic of a message ring in blocks of 64 bytes. Positions count blocks since the ring was made and never wrap
 * (64 bits); a position's place in the ring is its remainder by the capacity. The messages themselves, and where each
 * one ends, are kept by the caller.
 *
 *   used_from  end of the last retired message
 *   seen_head  what the owner has freed, as far as the kernel has looked
 *   seen_taken what the owner has taken
 *   tail       end of the last message
 *
 * Invariants: used_from <= seen_head <= seen_taken <= tail, and used + reserved <= capacity, used = tail - used_from.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <cavern/message.h>

enum {
    RING_HEADER_BYTES = sizeof(struct cavern_header),
    RING_ATTACHMENT_BYTES = sizeof(struct cavern_grant),
    RING_MESSAGE_BLOCKS_MAX = 259, /* the largest message */
};

struct ring {
    uint64_t capacity; /* blocks, a power of two */
    uint64_t tail;
    uint64_t used_from;
    uint64_t seen_head;
    uint64_t seen_taken;
    uint64_t reserved; /* blocks promised to endings */
};

/* Blocks that a message takes; 0 when it is not a possible message. */
uint32_t ring_blocks(uint64_t payload_bytes, uint32_t leases, uint32_t grants);

/* Offset of the first attachment record from the start of its message; payload_bytes is valid. */
uint32_t ring_attachment_offset(uint32_t payload_bytes);

/* False when the capacity is not a power of two from CAVERN_QUEUE_BLOCKS_MIN to CAVERN_QUEUE_BLOCKS_MAX. */
bool ring_init(struct ring *ring, uint64_t capacity) __attribute__((warn_unused_result));

static inline uint64_t ring_used(const struct ring *ring)
{
    return ring->tail - ring->used_from;
}

static inline uint64_t ring_free(const struct ring *ring)
{
    return ring->capacity - ring->reserved - ring_used(ring);
}

/* Is there room for so many blocks more? */
static inline bool ring_room(const struct ring *ring, uint64_t blocks)
{
    return blocks <= ring_free(ring);
}

/* Could so many blocks ever fit? */
static inline bool ring_fits(const struct ring *ring, uint64_t blocks)
{
    return blocks <= ring->capacity;
}

/* Byte offset of a position from the start of the ring's data pages. */
static inline uint64_t ring_offset(const struct ring *ring, uint64_t position)
{
    return (position & (ring->capacity - 1)) * CAVERN_BLOCK_SIZE;
}

/* Appends a message, for which there is room, and answers its position. */
uint64_t ring_push(struct ring *ring, uint32_t blocks);

/* Promises blocks to an ending; false when there is no room. */
bool ring_reserve(struct ring *ring, uint32_t blocks) __attribute__((warn_unused_result));
void ring_unreserve(struct ring *ring, uint32_t blocks);

/* Appends a message of `blocks` in place of a reservation of at least as many, all of which it uses up. */
uint64_t ring_push_reserved(struct ring *ring, uint32_t reserved, uint32_t blocks);

/*
 * Takes note of the control page as the owner wrote it. False, with nothing changed, unless
 * seen_head <= head <= taken <= tail and seen_taken <= taken.
 */
bool ring_accept_control(struct ring *ring, uint64_t head, uint64_t taken) __attribute__((warn_unused_result));

/* May the oldest message, which ends at `end`, be retired? That is, has the owner freed all of it? */
static inline bool ring_retirable(const struct ring *ring, uint64_t end)
{
    return end <= ring->seen_head;
}

/* Retires the oldest message, which ends at `end` and is retirable. */
void ring_retire(struct ring *ring, uint64_t end);

/*
 * The owner is gone: all up to `end`, the first end of a message at or after seen_taken, counts as taken, freed and
 * retired; what follows waits for the next owner.
 */
void ring_unbind(struct ring *ring, uint64_t end);

bool ring_invariants(const struct ring *ring);
