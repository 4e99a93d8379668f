/* SPDX-License-Identifier: BSD-2-Clause */
/* One-way messages, receiving, and room. spec/messages.md. */
#include <cavern/message.h>

#include "arch/arch.h"
#include "object/job.h"
#include "object/message.h"
#include "object/process.h"
#include "object/queue.h"
#include "object/scheduler.h"
#include "object/sender.h"
#include "object/thread.h"
#include "syscall/delivery.h"
#include "syscall/find.h"
#include "syscall_table.h"

sys_outcome sys_send(struct thread *caller, struct send_args *args)
{
    struct sender *sender;
    struct payload payload;
    struct attachments attachments;
    enum cavern_status status = find_sender(caller, args->sender, CAVERN_RIGHT_SEND, &sender);
    if (!status)
        status = payload_decode(&payload, args->info, args->words, false);
    if (status)
        return status;
    sys_outcome outcome = delivery_prepare(caller, sender, &payload, 0, &attachments);
    if (outcome)
        return outcome;
    struct cavern_header header = delivery_header(caller, &payload, CAVERN_KIND_MESSAGE, 0, sender->label);
    delivery_commit(sender, &header, &payload, attachments.grants, false);
    return SYS_OK;
}

/* --- receiving --- */

/* All that its owner has freed. */
static sys_outcome retire_all(struct queue *queue)
{
    for (uint64_t before = ~UINT64_C(0); before != queue->ring.used_from;) {
        before = queue->ring.used_from;
        if (!queue_retire(queue, JOB_STEP_ITEMS))
            return SYS_ENDED;
        if (before != queue->ring.used_from && arch_interrupt_pending())
            return SYS_RESTART;
    }
    return SYS_OK;
}

/* OK: there is nothing. */
static sys_outcome receive_at_once(struct thread *caller, struct queue *queue)
{
    sys_outcome outcome = retire_all(queue);
    if (outcome)
        return outcome;
    if (queue_has_untaken(queue))
        return CAVERN_IN_RING;
    struct list *small = list_first(&queue->small); /* that lacks room, and needs none */
    if (!small)
        return SYS_OK;
    notice_deliver_registers(container_of(small, struct notice, of_small), caller);
    queue_refill(queue);
    queue_update_waiters(queue);
    return SYS_DONE;
}

sys_outcome message_receive(struct thread *caller, struct queue *queue, uint64_t deadline)
{
    if (queue->receiver)
        return CAVERN_BUSY;
    sys_outcome outcome = queue_is_quiet(queue) ? SYS_OK : receive_at_once(caller, queue);
    if (outcome)
        return outcome;
    if (deadline != CAVERN_FOREVER && deadline <= arch_now())
        return CAVERN_TIMEOUT;
    caller->wait.queue = queue;
    queue->receiver = caller;
    scheduler_wait(caller, CAVERN_THREAD_RECEIVING, deadline);
    return SYS_WAIT;
}

sys_outcome sys_receive(struct thread *caller, struct receive_args *args)
{
    struct queue *queue;
    enum cavern_status status = find_own_queue(caller, args->queue, &queue);
    if (status)
        return status;
    return message_receive(caller, queue, args->deadline);
}

/* --- room --- */

sys_outcome sys_space(struct thread *caller, struct space_args *args)
{
    struct sender *sender;
    struct queue *queue;
    enum cavern_status status = find_sender(caller, args->sender, CAVERN_RIGHT_SEND, &sender);
    if (!status)
        status = find_own_queue(caller, args->queue, &queue);
    if (status)
        return status;
    uint32_t blocks = (uint32_t)args->room, requests = (uint32_t)(args->room >> 32);
    if (!ring_fits(&sender->queue->ring, blocks) || requests > sender->queue->requests.slots ||
        requests > sender->request_limit)
        return CAVERN_TOO_LARGE;
    if (!queue_retire(queue, RETIRE_FIRST))
        return SYS_ENDED;
    /* The notice of the one before, wherever it was told, may be free by now. */
    if (sender->asking && !sender->waits && retire_all(sender->space.queue) == SYS_RESTART)
        return SYS_RESTART;
    if (sender->asking)
        return CAVERN_BUSY;
    sender_ask_space(sender, blocks, requests, queue, args->label);
    queue_update_waiters(sender->queue);
    queue_retire(sender->queue, JOB_STEP_ITEMS); /* what the owner has freed before it could see that */
    queue_refill(sender->queue);
    return SYS_OK;
}

sys_outcome sys_queue_freed(struct thread *caller, struct queue_freed_args *args)
{
    struct queue *queue;
    enum cavern_status status = find_own_queue(caller, args->queue, &queue);
    if (status)
        return status;
    return retire_all(queue);
}
