/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/ring.h"

_Static_assert(sizeof(struct cavern_lease) == RING_ATTACHMENT_BYTES, "leases and grants alike");

/*@ requires payload_bytes <= CAVERN_PAYLOAD_MAX; assigns \nothing; ensures \result == padded_size(payload_bytes); */
static uint32_t padded(uint32_t payload_bytes)
{
    return (payload_bytes + 7) / 8 * 8;
}

uint32_t ring_blocks(uint64_t payload_bytes, uint32_t leases, uint32_t grants)
{
    if (payload_bytes > CAVERN_PAYLOAD_MAX || leases > CAVERN_ATTACHMENTS_MAX || grants > CAVERN_ATTACHMENTS_MAX)
        return 0;

    uint32_t bytes = ring_attachment_offset((uint32_t)payload_bytes) + (leases + grants) * RING_ATTACHMENT_BYTES;
    return (bytes + CAVERN_BLOCK_SIZE - 1) / CAVERN_BLOCK_SIZE;
}

uint32_t ring_attachment_offset(uint32_t payload_bytes)
{
    return RING_HEADER_BYTES + padded(payload_bytes);
}

/*@ assigns \nothing; ensures \result <==> ring_capacity(blocks); */
static bool possible_capacity(uint64_t blocks)
{
    return is_power_of_two(blocks) && blocks >= CAVERN_QUEUE_BLOCKS_MIN && blocks <= CAVERN_QUEUE_BLOCKS_MAX;
}

bool ring_init(struct ring *ring, uint64_t capacity)
{
    *ring = (struct ring){.capacity = capacity};
    return possible_capacity(capacity);
}

uint64_t ring_push(struct ring *ring, uint32_t blocks)
{
    uint64_t position = ring->tail;

    ring->tail += blocks;
    return position;
}

bool ring_reserve(struct ring *ring, uint32_t blocks)
{
    if (!ring_room(ring, blocks))
        return false;
    ring->reserved += blocks;
    return true;
}

void ring_unreserve(struct ring *ring, uint32_t blocks)
{
    ring->reserved -= blocks;
}

uint64_t ring_push_reserved(struct ring *ring, uint32_t reserved, uint32_t blocks)
{
    ring_unreserve(ring, reserved);
    return ring_push(ring, blocks);
}

bool ring_accept_control(struct ring *ring, uint64_t head, uint64_t taken)
{
    if (head < ring->seen_head || head > taken || taken < ring->seen_taken || taken > ring->tail)
        return false;
    ring->seen_head = head;
    ring->seen_taken = taken;
    return true;
}

void ring_retire(struct ring *ring, uint64_t end)
{
    ring->used_from = end;
}

void ring_unbind(struct ring *ring, uint64_t end)
{
    ring->used_from = end;
    ring->seen_head = end;
    ring->seen_taken = end;
}

bool ring_invariants(const struct ring *ring)
{
    return possible_capacity(ring->capacity) && ring->used_from <= ring->seen_head &&
           ring->seen_head <= ring->seen_taken && ring->seen_taken <= ring->tail && ring_used(ring) <= ring->capacity &&
           ring->reserved <= ring->capacity - ring_used(ring);
}
