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

sys_outcome sys_queue_create(struct thread *caller, struct queue_create_args *args)
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
    uint16_t rights =
        CAVERN_RIGHT_COPY | CAVERN_RIGHT_INSPECT | CAVERN_RIGHT_MANAGE | CAVERN_RIGHT_RECEIVE | CAVERN_RIGHT_MINT;
    return hand_out(caller, &queue->object, rights, &args->queue);
}

sys_outcome sys_queue_bind(struct thread *caller, struct queue_bind_args *args)
{
    void *object, *process;
    enum cavern_status status =
        process_lookup(caller->process, args->queue, CAVERN_TYPE_QUEUE, CAVERN_RIGHT_MANAGE, &object);
    if (status)
        return status;
    struct queue *queue = object;
    if (!args->process) {
        while (!queue_unbind_step(queue)) {
            if (arch_interrupt_pending())
                return SYS_RESTART;
        }
        return SYS_OK;
    }
    status = process_lookup(caller->process, args->process, CAVERN_TYPE_PROCESS, CAVERN_RIGHT_MANAGE, &process);
    if (status)
        return status;
    if (queue->process || queue->unbinding)
        return CAVERN_BUSY;
    if (!process_alive(process))
        return CAVERN_GONE;
    status = queue_bind(queue, process);
    if (status)
        return status;
    args->ring = queue->address + CAVERN_PAGE_SIZE;
    args->control = queue->address;
    args->bound = queue->ring.tail;
    return SYS_OK;
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
