/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The owner's side of a ring: taking what waits and freeing it, with loads and stores alone. What the kernel wrote into
 * the ring is trusted. Pure, but for the memory that is shared with the kernel.
 *
 *   head <= taken <= tail      head: freed up to here, taken: seen up to here, both written here alone; tail: the
 * kernel
 *
 * Order. The load of tail is an acquire: the blocks before it are read as the kernel wrote them. The store of head is a
 * release: what was read from the blocks, and the store of taken, come before it, so the kernel neither writes into a
 * block that is still being read nor sees head pass taken. Between the store of head and the load of waiters stands a
 * full barrier; the kernel has the other half (it stores waiters, then loads head), so one of the two sees the other.
 */
#include <cavern/queue.h>

#include <string.h>

#include "ring.h"

void cavern_queue_attach(struct cavern_queue *queue, cavern_handle handle, uint64_t ring, uint64_t control,
                         uint64_t bound)
{
    struct cavern_control *page = (struct cavern_control *)(uintptr_t)control;
    *queue = (struct cavern_queue){
        .handle = handle,
        .ring = (const uint8_t *)(uintptr_t)ring,
        .control = page,
        .blocks = page->blocks,
        .taken = page->taken,
        .bound = bound,
    };
}

/* The message at `position`. */
static void message_view(const struct cavern_queue *queue, uint64_t position, struct cavern_message *message)
{
    const uint8_t *at = queue->ring + (position & (queue->blocks - 1)) * CAVERN_BLOCK_SIZE;
    memcpy(&message->header, at, sizeof(message->header));
    message->payload = at + sizeof(message->header);
    message->lease_count = message->header.attached & 15;
    message->grant_count = message->header.attached >> 4;
    const uint8_t *records = (const uint8_t *)message->payload + ((message->header.size + 7u) & ~7u);
    message->leases = (const void *)records;
    message->grants = (const void *)(message->leases + message->lease_count);
    message->in_ring = true;
    message->position = position;
    message->end =
        position + cavern_blocks(message->header.size, (unsigned)message->lease_count + message->grant_count);
}

/* An ending of a request that a predecessor sent: nobody waits for it. */
static bool is_inherited_ending(const struct cavern_queue *queue, const struct cavern_message *message)
{
    bool ending = message->header.kind == CAVERN_KIND_REPLY || message->header.kind == CAVERN_KIND_ABANDONED;
    return ending && message->position < queue->bound;
}

bool cavern_queue_take(struct cavern_queue *queue, struct cavern_message *message)
{
    while (queue->taken != __atomic_load_n(&queue->control->tail, __ATOMIC_ACQUIRE)) {
        message_view(queue, queue->taken, message);
        queue->taken = message->end;
        __atomic_store_n(&queue->control->taken, message->end, __ATOMIC_RELAXED);
        if (!is_inherited_ending(queue, message))
            return true;
        /* With older messages still held its blocks are freed together with those of the next one. */
        if (queue->control->head == message->position)
            (void)cavern_ring_free(queue, message->end);
    }
    return false;
}

bool cavern_ring_free(struct cavern_queue *queue, uint64_t end)
{
    __atomic_store_n(&queue->control->head, end, __ATOMIC_RELEASE);
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    return __atomic_load_n(&queue->control->waiters, __ATOMIC_RELAXED) != 0;
}
