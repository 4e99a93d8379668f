/* SPDX-License-Identifier: BSD-2-Clause */
/* Queues and senders: making, binding, minting. spec/messages.md. */
#include "object/queue.h"

#include <cavern/message.h>

#include "arch/arch.h"
#include "object/process.h"
#include "object/sender.h"
#include "object/thread.h"
#include "syscall/find.h"
#include "syscall_table.h"

static const uint16_t all_rights =
    CAVERN_RIGHT_COPY | CAVERN_RIGHT_INSPECT | CAVERN_RIGHT_MANAGE | CAVERN_RIGHT_RECEIVE | CAVERN_RIGHT_MINT;

/* While it lacks memory its handle has no rights: nobody uses it, and whatever ends the caller gives it back. */
static enum cavern_status create(struct thread *caller, struct queue_create_args *args)
{
    struct account *account;
    struct queue *queue;
    enum cavern_status status = find_account(caller, args->account, &account);
    if (status)
        return status;
    if (args->blocks < CAVERN_QUEUE_BLOCKS_MIN || args->blocks > CAVERN_QUEUE_BLOCKS_MAX ||
        (args->blocks & (args->blocks - 1)) || args->slots > CAVERN_QUEUE_SLOTS_MAX)
        return CAVERN_BAD_ARGUMENT;
    status = queue_create(account, args->blocks, args->slots, &queue);
    if (status)
        return status;
    return hand_out(caller, &queue->object, queue_is_complete(queue) ? all_rights : 0, &args->queue);
}

/* One that a call has begun: gets the rest of its memory, then its rights. */
static sys_outcome finish(struct process *process, struct queue_create_args *args)
{
    enum handle_check why;
    struct handle_entry *entry = handle_lookup_entry(&process->handles, args->filling, CAVERN_TYPE_QUEUE, 0, &why);
    if (!entry)
        return CAVERN_BAD_HANDLE;
    struct queue *queue = handle_entry_object(entry);
    if (queue_is_complete(queue))
        return CAVERN_BAD_ARGUMENT; /* no restart: that has something left to do */
    while (!queue_is_complete(queue)) {
        enum cavern_status status = queue_fill(queue);
        if (status)
            return process_close(process, args->filling) ? CAVERN_BAD_HANDLE : status;
        if (!queue_is_complete(queue) && arch_interrupt_pending())
            return SYS_RESTART;
    }
    entry->word |= all_rights;
    args->queue = args->filling;
    return SYS_OK;
}

sys_outcome sys_queue_create(struct thread *caller, struct queue_create_args *args)
{
    if (args->filling)
        return finish(caller->process, args);
    enum cavern_status status = create(caller, args);
    if (status)
        return status;
    enum handle_check why;
    if (handle_lookup(&caller->process->handles, args->queue, CAVERN_TYPE_QUEUE, all_rights, &why))
        return SYS_OK;
    args->filling = args->queue;
    args->queue = 0; /* until it is whole */
    return finish(caller->process, args);
}

static sys_outcome unbind(struct queue *queue)
{
    while (!queue_unbind_step(queue))
        if (arch_interrupt_pending())
            return SYS_RESTART;
    return SYS_OK;
}

/* The rest of the ring, which can't fail. */
static sys_outcome map_ring(struct queue *queue, struct queue_bind_args *args)
{
    args->progress = 1;
    while (!queue_map_step(queue))
        if (arch_interrupt_pending())
            return SYS_RESTART;
    args->ring = queue->address + CAVERN_PAGE_SIZE;
    args->control = queue->address;
    args->bound = queue->ring.tail;
    return SYS_OK;
}

sys_outcome sys_queue_bind(struct thread *caller, struct queue_bind_args *args)
{
    void *object, *process;
    enum cavern_status status =
        process_lookup(caller->process, args->queue, CAVERN_TYPE_QUEUE, CAVERN_RIGHT_MANAGE, &object);
    if (status)
        return status;
    struct queue *queue = object;
    if (!args->process)
        return unbind(queue);
    status = process_lookup(caller->process, args->process, CAVERN_TYPE_PROCESS, CAVERN_RIGHT_MANAGE, &process);
    if (status)
        return status;
    if (args->progress && queue->process == process && !queue_is_mapped(queue))
        return map_ring(queue, args);
    if (queue->process || queue->unbinding)
        return CAVERN_BUSY;
    if (!process_alive(process))
        return CAVERN_GONE;
    status = queue_bind(queue, process);
    return status ? (sys_outcome)status : map_ring(queue, args);
}

/* The queue that new senders are for: given itself, or known by a sender. *may: of SEND and REQUEST, what they get. */
static enum cavern_status find_source(struct thread *caller, uint64_t handle, struct queue **queue, uint16_t *may)
{
    struct object *object;
    uint16_t rights;
    enum cavern_status status = process_lookup_any(caller->process, handle, &object, &rights);
    if (status)
        return status;
    if (object->type != CAVERN_TYPE_QUEUE && object->type != CAVERN_TYPE_SENDER)
        return CAVERN_BAD_HANDLE;
    if (!(rights & CAVERN_RIGHT_MINT))
        return CAVERN_DENIED;
    *may =
        (object->type == CAVERN_TYPE_QUEUE ? CAVERN_RIGHTS_ALL : rights) & (CAVERN_RIGHT_SEND | CAVERN_RIGHT_REQUEST);
    *queue = object->type == CAVERN_TYPE_QUEUE ? container_of(object, struct queue, object)
                                               : container_of(object, struct sender, object)->queue;
    return *queue && !(*queue)->gone ? CAVERN_OK : CAVERN_GONE;
}

sys_outcome sys_sender_mint(struct thread *caller, struct sender_mint_args *args)
{
    struct queue *queue;
    struct account *account;
    struct sender *sender;
    uint16_t may;
    uint32_t messages = (uint32_t)args->limits, requests = (uint32_t)(args->limits >> 32);
    enum cavern_status status = find_source(caller, args->source, &queue, &may);
    if (!status)
        status = find_account(caller, args->account, &account);
    if (status)
        return status;
    if (!messages || (args->flags & ~(uint64_t)CAVERN_MINT_CLOSED))
        return CAVERN_BAD_ARGUMENT;
    status = sender_create(queue, args->label, messages, requests, args->flags & CAVERN_MINT_CLOSED, account, &sender);
    if (status)
        return status;
    uint16_t rights = CAVERN_RIGHT_COPY | CAVERN_RIGHT_INSPECT | CAVERN_RIGHT_MINT | may;
    return hand_out(caller, &sender->object, rights, &args->sender);
}
