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

#include "core/range.h"

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

/*@
  predicate ring_capacity(integer blocks) =
    power_of_two(blocks) && CAVERN_QUEUE_BLOCKS_MIN <= blocks <= CAVERN_QUEUE_BLOCKS_MAX;
  // MSG-ROOM-1, MSG-CONTROL-2.
  predicate ring_sound(struct ring *r) = ring_capacity(r->capacity) &&
    r->used_from <= r->seen_head <= r->seen_taken <= r->tail && r->tail - r->used_from + r->reserved <= r->capacity;
  logic integer ring_room_of(struct ring *r) = r->capacity - r->reserved - (r->tail - r->used_from);
  // MSG-SEND-2, MSG-SEND-4.
  predicate message_possible(integer payload, integer leases, integer grants) =
    payload <= CAVERN_PAYLOAD_MAX && leases <= CAVERN_ATTACHMENTS_MAX && grants <= CAVERN_ATTACHMENTS_MAX;
  logic integer padded_size(integer payload) = (payload + 7) / 8 * 8;
  logic integer message_blocks(integer payload, integer attachments) =
    (24 + padded_size(payload) + 16 * attachments + 63) / 64;
*/

/* Blocks that a message takes; 0 when it is not a possible message. */
/*@
  assigns \nothing;
  ensures message_possible(payload_bytes, leases, grants) ==> \result == message_blocks(payload_bytes, leases + grants);
  ensures !message_possible(payload_bytes, leases, grants) ==> \result == 0;
  ensures \result <= RING_MESSAGE_BLOCKS_MAX;
*/
uint32_t ring_blocks(uint64_t payload_bytes, uint32_t leases, uint32_t grants);

/* Offset of the first attachment record from the start of its message; payload_bytes is valid. */
/*@
  requires payload_bytes <= CAVERN_PAYLOAD_MAX;
  assigns \nothing;
  ensures \result == 24 + padded_size(payload_bytes);
*/
uint32_t ring_attachment_offset(uint32_t payload_bytes);

/* False when the capacity is not a power of two from CAVERN_QUEUE_BLOCKS_MIN to CAVERN_QUEUE_BLOCKS_MAX. */
/*@
  requires \valid(ring);
  assigns *ring;
  ensures ring->capacity == capacity && ring->tail == 0 && ring->reserved == 0;
  ensures \result <==> ring_capacity(capacity);
  ensures \result ==> ring_sound(ring);
*/
bool ring_init(struct ring *ring, uint64_t capacity) __attribute__((warn_unused_result));

/*@
  requires \valid_read(ring) && ring->used_from <= ring->tail;
  assigns \nothing;
  ensures \result == ring->tail - ring->used_from;
*/
static inline uint64_t ring_used(const struct ring *ring)
{
    return ring->tail - ring->used_from;
}

/*@
  requires \valid_read(ring) && ring_sound(ring);
  assigns \nothing;
  ensures \result == ring_room_of(ring);
*/
static inline uint64_t ring_free(const struct ring *ring)
{
    return ring->capacity - ring->reserved - ring_used(ring);
}

/* Is there room for so many blocks more? */
/*@
  requires \valid_read(ring) && ring_sound(ring);
  assigns \nothing;
  ensures \result <==> blocks <= ring_room_of(ring);
*/
static inline bool ring_room(const struct ring *ring, uint64_t blocks)
{
    return blocks <= ring_free(ring);
}

/* Could so many blocks ever fit? */
/*@
  requires \valid_read(ring);
  assigns \nothing;
  ensures \result <==> blocks <= ring->capacity;
*/
static inline bool ring_fits(const struct ring *ring, uint64_t blocks)
{
    return blocks <= ring->capacity;
}

/* Byte offset of a position from the start of the ring's data pages. */
/*@
  requires \valid_read(ring) && ring_sound(ring);
  assigns \nothing;
  ensures \result == position % ring->capacity * CAVERN_BLOCK_SIZE;
  ensures \result + CAVERN_BLOCK_SIZE <= ring->capacity * CAVERN_BLOCK_SIZE;
*/
static inline uint64_t ring_offset(const struct ring *ring, uint64_t position)
{
    return (position & (ring->capacity - 1)) * CAVERN_BLOCK_SIZE;
}

/* Appends a message, for which there is room, and answers its position. */
/*@
  requires \valid(ring) && ring_sound(ring) && blocks <= ring_room_of(ring);
  requires ring->tail + blocks <= UINT64_MAX;
  assigns ring->tail;
  ensures \result == \old(ring->tail) && ring->tail == \result + blocks;
  ensures ring_sound(ring);
*/
uint64_t ring_push(struct ring *ring, uint32_t blocks);

/* Promises blocks to an ending; false when there is no room. */
/*@
  requires \valid(ring) && ring_sound(ring);
  assigns ring->reserved;
  ensures \result <==> blocks <= \old(ring_room_of(ring));
  ensures ring->reserved == \old(ring->reserved) + (\result ? blocks : 0);
  ensures ring_sound(ring);
*/
bool ring_reserve(struct ring *ring, uint32_t blocks) __attribute__((warn_unused_result));
/*@
  requires \valid(ring) && ring_sound(ring) && blocks <= ring->reserved;
  assigns ring->reserved;
  ensures ring->reserved == \old(ring->reserved) - blocks;
  ensures ring_sound(ring);
*/
void ring_unreserve(struct ring *ring, uint32_t blocks);

/* Appends a message of `blocks` in place of a reservation of at least as many, all of which it uses up. */
/*@
  requires \valid(ring) && ring_sound(ring) && blocks <= reserved <= ring->reserved;
  requires ring->tail + blocks <= UINT64_MAX;
  assigns ring->tail, ring->reserved;
  ensures \result == \old(ring->tail) && ring->tail == \result + blocks;
  ensures ring->reserved == \old(ring->reserved) - reserved;
  ensures ring_sound(ring);
*/
uint64_t ring_push_reserved(struct ring *ring, uint32_t reserved, uint32_t blocks);

/*
 * Takes note of the control page as the owner wrote it. False, with nothing changed, unless
 * seen_head <= head <= taken <= tail and seen_taken <= taken.
 */
/*@
  requires \valid(ring) && ring_sound(ring);
  assigns ring->seen_head, ring->seen_taken;
  ensures \result <==> \old(ring->seen_head) <= head <= taken <= ring->tail && \old(ring->seen_taken) <= taken;
  ensures \result ==> ring->seen_head == head && ring->seen_taken == taken;
  ensures !\result ==> ring->seen_head == \old(ring->seen_head) && ring->seen_taken == \old(ring->seen_taken);
  ensures ring_sound(ring);
*/
bool ring_accept_control(struct ring *ring, uint64_t head, uint64_t taken) __attribute__((warn_unused_result));

/* May the oldest message, which ends at `end`, be retired? That is, has the owner freed all of it? */
/*@
  requires \valid_read(ring);
  assigns \nothing;
  ensures \result <==> end <= ring->seen_head;
*/
static inline bool ring_retirable(const struct ring *ring, uint64_t end)
{
    return end <= ring->seen_head;
}

/* Retires the oldest message, which ends at `end` and is retirable. */
/*@
  requires \valid(ring) && ring_sound(ring) && ring->used_from <= end <= ring->seen_head;
  assigns ring->used_from;
  ensures ring->used_from == end;
  ensures ring_sound(ring) && ring_room_of(ring) >= \old(ring_room_of(ring));
*/
void ring_retire(struct ring *ring, uint64_t end);

/*
 * The owner is gone: all up to `end`, the first end of a message at or after seen_taken, counts as taken, freed and
 * retired; what follows waits for the next owner.
 */
/*@
  requires \valid(ring) && ring_sound(ring) && ring->seen_taken <= end <= ring->tail;
  assigns ring->used_from, ring->seen_head, ring->seen_taken;
  ensures ring->used_from == end && ring->seen_head == end && ring->seen_taken == end;
  ensures ring_sound(ring);
*/
void ring_unbind(struct ring *ring, uint64_t end);

/*@
  requires \valid_read(ring);
  assigns \nothing;
  ensures \result <==> ring_sound(ring);
*/
bool ring_invariants(const struct ring *ring);
