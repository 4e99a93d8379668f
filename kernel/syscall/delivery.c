/* SPDX-License-Identifier: BSD-2-Clause */
#include "syscall/delivery.h"

#include "arch/arch.h"
#include "object/job.h"
#include "object/message.h"
#include "object/process.h"
#include "object/queue.h"
#include "object/request.h"
#include "object/sender.h"
#include "object/thread.h"

enum cavern_status find_sender(struct thread *caller, uint64_t handle, uint16_t right, struct sender **sender)
{
    void *object;
    enum cavern_status status = process_lookup(caller->process, handle, CAVERN_TYPE_SENDER, right, &object);
    if (status)
        return status;
    *sender = object;
    return sender_is_gone(*sender) ? CAVERN_GONE : CAVERN_OK;
}

/* OK when a message of `blocks` and `requests` requests would be accepted; else retires on as long as that helps. */
static sys_outcome make_room(struct sender *sender, uint32_t blocks, uint32_t requests)
{
    struct queue *queue = sender->queue;
    if (!ring_fits(&queue->ring, blocks))
        return CAVERN_TOO_LARGE;
    for (unsigned most = RETIRE_FIRST;; most = JOB_STEP_ITEMS) {
        uint64_t before = queue->ring.used_from;
        if (!queue_retire(queue, most))
            return CAVERN_QUEUE_FULL;
        if (list_empty(&queue->waiting) && sender_would_accept(sender, blocks, requests))
            return SYS_OK;
        if (most == JOB_STEP_ITEMS && queue->ring.used_from == before)
            return CAVERN_QUEUE_FULL;
        if (most == JOB_STEP_ITEMS && arch_interrupt_pending())
            return SYS_RESTART;
    }
}

struct cavern_header delivery_header(const struct thread *caller, const struct payload *payload, uint8_t kind,
                                     uint32_t request, uint64_t label)
{
    return (struct cavern_header){
        .size = payload->size,
        .kind = kind,
        .attached = (uint8_t)(payload->leases | payload->grants << 4),
        .sender = caller->process->id,
        .request = request,
        .trace = payload->trace,
        .label = label,
    };
}

sys_outcome delivery_prepare(struct thread *caller, struct sender *sender, const struct payload *payload,
                             uint32_t requests, struct attachments *attachments)
{
    *attachments = (struct attachments){0};
    struct queue *queue = sender->queue;
    if (queue->receiver && payload->in_registers)
        return sender_would_accept(sender, 0, requests) ? SYS_OK : CAVERN_QUEUE_FULL;
    bool room = queue_is_unchanged(queue) && sender_would_accept(sender, payload->blocks, requests);
    sys_outcome outcome = room ? SYS_OK : make_room(sender, payload->blocks, requests);
    if (outcome)
        return outcome;
    outcome = payload_attach(caller, payload, attachments);
    if (outcome)
        return outcome;
    outcome = payload_copy(caller, payload, attachments, &(struct sink){.queue = queue});
    if (outcome)
        payload_detach(attachments);
    return outcome;
}

uint64_t delivery_commit(struct sender *sender, const struct cavern_header *header, const struct payload *payload,
                         struct grants *grants, bool straight)
{
    struct queue *queue = sender->queue;
    if (queue->receiver && payload->in_registers) {
        message_to_receiver(queue, header, payload->words, straight);
        return PENDING_IN_REGISTERS;
    }
    uint64_t position = queue->ring.tail;
    struct queue_entry *entry = queue_publish(queue, header, payload->blocks, 0, straight);
    object_get(&sender->object); /* until the message is freed */
    sender->messages++;
    if (sender->waits)
        queue_serve_later(queue); /* at its limits now, it holds up nobody behind it */
    entry->sender = sender;
    entry->grants = grants;
    return position;
}
