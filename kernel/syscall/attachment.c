/* SPDX-License-Identifier: BSD-2-Clause */
/* Using what came with a message: leases and grants. spec/messages.md. */
#include "object/attachment.h"

#include <cavern/message.h>

#include "arch/arch.h"
#include "core/range.h"
#include "object/buffer.h"
#include "object/job.h"
#include "object/process.h"
#include "object/queue.h"
#include "object/request.h"
#include "object/thread.h"
#include "syscall/find.h"
#include "syscall/user.h"
#include "syscall_table.h"

#define WRITE_FLAG 0x100

static enum cavern_status find_lease(const struct queue *queue, const struct lease_copy_args *args,
                                     struct lease **lease)
{
    struct pending *pending = args->id >> 32 ? NULL : request_lookup(queue, (uint32_t)args->id);
    if (!pending)
        return CAVERN_CANCELLED;
    uint64_t index = args->lease & ~(uint64_t)WRITE_FLAG;
    if (!pending->leases || index >= pending->leases->count)
        return CAVERN_BAD_ARGUMENT;
    *lease = &pending->leases->lease[index];
    if (!((*lease)->rights & (args->lease & WRITE_FLAG ? CAVERN_LEASE_WRITE : CAVERN_LEASE_READ)))
        return CAVERN_DENIED;
    return range_within(args->offset, args->length, 0, (*lease)->length) ? CAVERN_OK : CAVERN_BAD_ARGUMENT;
}

/* Copies up to the end of one page of the lent buffer, and steps on. */
static sys_outcome copy_piece(struct thread *caller, const struct lease *lease, struct lease_copy_args *args)
{
    uint64_t length;
    void *lent = buffer_window(lease->holding->buffer, lease->offset + args->offset, &length);
    if (length > CAVERN_PAGE_SIZE)
        length = CAVERN_PAGE_SIZE; /* a bounded step */
    if (length > args->length)
        length = args->length;
    sys_outcome outcome = args->lease & WRITE_FLAG ? user_read(caller, lent, args->address, length)
                                                   : user_write(caller, args->address, lent, length);
    if (outcome)
        return outcome;
    args->offset += length;
    args->address += length;
    args->length -= length;
    return SYS_OK;
}

sys_outcome sys_lease_copy(struct thread *caller, struct lease_copy_args *args)
{
    struct queue *queue;
    struct lease *lease;
    enum cavern_status status = find_own_queue(caller, args->queue, &queue);
    if (!status)
        status = find_lease(queue, args, &lease);
    if (!status && !range_within(args->address, args->length, 0, CAVERN_USER_END))
        status = CAVERN_BAD_ADDRESS;
    if (status)
        return status;
    while (args->length) {
        sys_outcome outcome = copy_piece(caller, lease, args);
        if (outcome)
            return outcome;
        if (args->length && arch_interrupt_pending())
            return SYS_RESTART;
    }
    return SYS_OK;
}

/* The record of the message at `position`; NULL when none starts there, or its owner has freed it. */
static struct queue_entry *find_entry(struct queue *queue, uint64_t position)
{
    if (position < queue->ring.seen_head || position >= queue->ring.tail)
        return NULL;
    struct queue_entry *entry = queue_entry(queue, position);
    return entry->blocks ? entry : NULL;
}

sys_outcome sys_grant_accept(struct thread *caller, struct grant_accept_args *args)
{
    struct queue *queue;
    enum cavern_status status = find_own_queue(caller, args->queue, &queue);
    if (status)
        return status;
    if (!queue_retire(queue, 0)) /* only looks what has been freed */
        return SYS_ENDED;
    struct queue_entry *entry = find_entry(queue, args->position);
    if (!entry)
        return CAVERN_GONE;
    if (!entry->grants || args->index >= entry->grants->count)
        return CAVERN_BAD_ARGUMENT;
    uint8_t type;
    uint16_t rights;
    status = grants_accept(entry->grants, (unsigned)args->index, caller->process, &args->handle, &type, &rights);
    if (!status)
        args->type = type | (uint64_t)rights << 16;
    return status;
}
