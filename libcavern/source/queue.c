/* SPDX-License-Identifier: BSD-2-Clause */
#include <cavern/queue.h>

#include <string.h>

#include <cavern/handles.h>
#include <cavern/start.h>
#include <cavern/stubs.h>

#include "internal.h"
#include "ring.h"

enum cavern_status cavern_queue_open(const char *name, struct cavern_queue *queue)
{
    const struct cavern_startup_handle *entry = cavern_startup_find(name);
    if (!entry || !entry->values[1])
        return CAVERN_NOT_FOUND;
    cavern_queue_attach(queue, entry->handle, entry->values[0], entry->values[1], entry->values[2]);
    return CAVERN_OK;
}

enum cavern_status cavern_queue_create(unsigned blocks, unsigned slots, struct cavern_queue *queue)
{
    uint64_t handle, ring, control, bound;
    enum cavern_status status = cavern_sys_queue_create(CAVERN_SELF_ACCOUNT, blocks, slots, 0, &handle);
    if (status)
        return status;
    status = cavern_sys_queue_bind(handle, CAVERN_SELF_PROCESS, 0, &ring, &control, &bound);
    if (status) {
        cavern_handle_close(handle);
        return status;
    }
    cavern_queue_attach(queue, handle, ring, control, bound);
    return CAVERN_OK;
}

void cavern_message_from_registers(const struct cavern_received *received, struct cavern_message *message)
{
    memcpy(&message->header, received->header, sizeof(message->header));
    memcpy(message->words, received->words, sizeof(message->words));
    message->payload = message->words;
    message->leases = NULL;
    message->grants = NULL;
    message->lease_count = 0;
    message->grant_count = 0;
    message->in_ring = false;
}

enum cavern_status cavern_queue_receive(struct cavern_queue *queue, uint64_t deadline, struct cavern_message *message)
{
    while (!cavern_queue_take(queue, message)) {
        /* Waiters may be notices that had no room: they come in registers. */
        if (deadline == CAVERN_POLL && !__atomic_load_n(&queue->control->waiters, __ATOMIC_RELAXED))
            return CAVERN_TIMEOUT;
        struct cavern_received received;
        enum cavern_status status = cavern_sys_receive(queue->handle, deadline, &received);
        if (status == CAVERN_OK)
            cavern_message_from_registers(&received, message);
        if (status != CAVERN_IN_RING)
            return status;
    }
    return CAVERN_OK;
}

void cavern_queue_release(struct cavern_queue *queue, const struct cavern_message *message)
{
    if (message->in_ring && cavern_ring_free(queue, message->end))
        (void)!cavern_sys_queue_freed(queue->handle);
}

enum cavern_status cavern_grant_accept(struct cavern_queue *queue, const struct cavern_message *message, unsigned index,
                                       cavern_handle *handle)
{
    uint64_t type;
    if (index >= message->grant_count)
        return CAVERN_BAD_ARGUMENT;
    return cavern_sys_grant_accept(queue->handle, message->position, index, handle, &type);
}

enum cavern_status cavern_lease_read(struct cavern_queue *queue, uint32_t request, unsigned index, uint64_t offset,
                                     void *to, uint64_t length)
{
    return cavern_sys_lease_copy(queue->handle, request, index, offset, (uintptr_t)to, length);
}

enum cavern_status cavern_lease_write(struct cavern_queue *queue, uint32_t request, unsigned index, uint64_t offset,
                                      const void *from, uint64_t length)
{
    return cavern_sys_lease_copy(queue->handle, request, index | 1u << 8, offset, (uintptr_t)from, length);
}
