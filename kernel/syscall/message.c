/* SPDX-License-Identifier: BSD-2-Clause */
/* Sending, asking, answering, receiving. spec/messages.md. */
#include <cavern/message.h>

#include "arch/arch.h"
#include "object/attachment.h"
#include "object/buffer.h"
#include "object/job.h"
#include "object/message.h"
#include "object/process.h"
#include "object/queue.h"
#include "object/request.h"
#include "object/scheduler.h"
#include "object/sender.h"
#include "object/thread.h"
#include "syscall/find.h"
#include "syscall/payload.h"
#include "syscall_table.h"

#define RETIRE_FIRST 4 /* messages that each entry on a queue retires in any case */
#define ENDING_BLOCKS_MAX 259

/* --- finding and making room --- */

static enum cavern_status find_sender(struct thread *caller, uint64_t handle, uint16_t right, struct sender **sender)
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

/* The same for blocks of one's own queue; reserves them. */
static sys_outcome reserve(struct queue *queue, uint32_t blocks)
{
    if (!ring_fits(&queue->ring, blocks))
        return CAVERN_TOO_LARGE;
    for (unsigned most = RETIRE_FIRST;; most = JOB_STEP_ITEMS) {
        uint64_t before = queue->ring.used_from;
        if (!queue_retire(queue, most))
            return CAVERN_QUEUE_FULL;
        if (ring_reserve(&queue->ring, blocks))
            return SYS_OK;
        if (most == JOB_STEP_ITEMS && queue->ring.used_from == before)
            return CAVERN_QUEUE_FULL;
        if (most == JOB_STEP_ITEMS && arch_interrupt_pending())
            return SYS_RESTART;
    }
}

static struct cavern_header make_header(const struct thread *caller, const struct payload *payload, uint8_t kind,
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

/* --- one-way messages and requests --- */

/* Room, attachments and the copy: everything that can fail. In registers nothing of it is needed. */
static sys_outcome prepare(struct thread *caller, struct sender *sender, const struct payload *payload,
                           uint32_t requests, struct attachments *attachments)
{
    *attachments = (struct attachments){0};
    struct queue *queue = sender->queue;
    if (queue->receiver && payload->in_registers)
        return sender_would_accept(sender, 0, requests) ? SYS_OK : CAVERN_QUEUE_FULL;
    sys_outcome outcome = make_room(sender, payload->blocks, requests);
    if (outcome)
        return outcome;
    enum cavern_status status = payload_attach(caller, payload, attachments);
    if (status)
        return status;
    status = payload_copy(caller, payload, attachments, &(struct sink){.queue = queue});
    if (status)
        payload_detach(attachments);
    return status;
}

/* What has been prepared becomes known; returns the message's position. `straight`: the caller is about to wait. */
static uint64_t deliver(struct sender *sender, const struct cavern_header *header, const struct payload *payload,
                        struct grants *grants, bool straight)
{
    struct queue *queue = sender->queue;
    if (queue->receiver && payload->in_registers) {
        message_to_receiver(queue, header, payload->words, straight);
        return PENDING_IN_REGISTERS;
    }
    uint64_t position = queue->ring.tail;
    struct queue_entry *entry = queue_publish(queue, header, payload->blocks, 0);
    object_get(&sender->object); /* until the message is freed */
    sender->messages++;
    entry->sender = sender;
    entry->grants = grants;
    return position;
}

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
    sys_outcome outcome = prepare(caller, sender, &payload, 0, &attachments);
    if (outcome)
        return outcome;
    struct cavern_header header = make_header(caller, &payload, CAVERN_KIND_MESSAGE, 0, sender->label);
    deliver(sender, &header, &payload, attachments.grants, false);
    return SYS_OK;
}

/* Opens the request that has been prepared, and delivers it. */
static struct pending *open_request(struct thread *caller, struct sender *sender, const struct payload *payload,
                                    const struct attachments *attachments, uint64_t token, bool straight)
{
    struct pending *pending = request_open(sender->queue);
    object_get(&sender->object); /* until the request ends */
    sender->requests++;
    pending->sender = sender;
    pending->leases = attachments->leases;
    pending->token = token;
    pending->client = caller->process->id;
    pending->trace = payload->trace;
    struct cavern_header header = make_header(caller, payload, CAVERN_KIND_REQUEST, pending->id, sender->label);
    pending->position = deliver(sender, &header, payload, attachments->grants, straight);
    return pending;
}

sys_outcome sys_request(struct thread *caller, struct request_args *args)
{
    struct sender *sender;
    struct queue *reply;
    struct payload payload;
    struct attachments attachments;
    enum cavern_status status = find_sender(caller, args->sender, CAVERN_RIGHT_REQUEST, &sender);
    if (!status)
        status = find_own_queue(caller, args->reply_queue, &reply);
    if (!status)
        status = payload_decode(&payload, args->info, args->words, true);
    if (!status && (args->blocks < 1 || args->blocks > ENDING_BLOCKS_MAX))
        status = CAVERN_BAD_ARGUMENT;
    if (status)
        return status;
    uint32_t blocks = (uint32_t)args->blocks;
    sys_outcome outcome = reserve(reply, blocks);
    if (outcome)
        return outcome;
    outcome = prepare(caller, sender, &payload, 1, &attachments);
    if (outcome) {
        ring_unreserve(&reply->ring, blocks);
        queue_refill(reply); /* nobody else was told of that room */
        return outcome;
    }
    struct pending *pending = open_request(caller, sender, &payload, &attachments, args->token, false);
    pending->reply = reply;
    pending->blocks = blocks;
    list_push_back(&reply->awaiting, &pending->of_reply);
    args->id = pending->id;
    return SYS_OK;
}

/* Where the answer to a call may go: memory, as for a write lease, and places for grants. */
static enum cavern_status prepare_answer(struct thread *caller, const struct call_args *args, struct wait *wait)
{
    uint64_t bytes = args->places & 0xffffffff, places = args->places >> 32;
    *wait = (struct wait){.places = (uint8_t)places, .answer_bytes = bytes};
    if (places > CAVERN_ATTACHMENTS_MAX)
        return CAVERN_BAD_ARGUMENT;
    if (bytes) {
        if (args->answer % 8)
            return CAVERN_BAD_ADDRESS;
        enum cavern_status status = space_resolve(&caller->process->space, args->answer, bytes, CAVERN_PROT_WRITE,
                                                  &wait->answer, &wait->answer_offset);
        if (status)
            return status;
    }
    return places ? process_reserve(caller->process, (unsigned)places) : CAVERN_OK;
}

sys_outcome sys_call(struct thread *caller, struct call_args *args)
{
    struct sender *sender;
    struct payload payload;
    struct attachments attachments;
    struct wait wait;
    enum cavern_status status = find_sender(caller, args->sender, CAVERN_RIGHT_REQUEST, &sender);
    if (!status)
        status = payload_decode(&payload, args->info, args->words, true);
    if (!status)
        status = prepare_answer(caller, args, &wait);
    if (status)
        return status;
    sys_outcome outcome = prepare(caller, sender, &payload, 1, &attachments);
    if (outcome)
        return outcome;
    struct pending *pending = open_request(caller, sender, &payload, &attachments, args->token, true);
    pending->caller = caller;
    wait.queue = sender->queue;
    wait.request = pending->id;
    if (wait.answer)
        holding_get(wait.answer, true); /* until the sleep ends */
    caller->wait = wait;
    scheduler_wait(caller, CAVERN_THREAD_CALLING, args->deadline);
    return SYS_WAIT;
}

/* --- answering --- */

static sys_outcome reply_to_queue(struct thread *caller, struct pending *pending, const struct payload *payload)
{
    struct queue *reply = pending->reply;
    struct cavern_header header = make_header(caller, payload, CAVERN_KIND_REPLY, 0, pending->token);
    if (payload->blocks > pending->blocks)
        return CAVERN_TOO_LARGE;
    if (payload->in_registers) {
        request_ended(pending, &header, payload->words);
        return SYS_OK;
    }
    struct attachments attachments;
    enum cavern_status status = payload_attach(caller, payload, &attachments);
    if (status)
        return status;
    status = payload_copy(caller, payload, &attachments, &(struct sink){.queue = reply});
    if (status) {
        payload_detach(&attachments);
        return status;
    }
    queue_publish(reply, &header, payload->blocks, pending->blocks)->grants = attachments.grants;
    request_close(pending);
    queue_refill(reply); /* what the ending did not use */
    return SYS_OK;
}

/* The caller's memory has payload and records; the grants become handles of its process at once. */
static void accept_in_answer(struct thread *client, const struct payload *payload, struct grants *grants)
{
    struct sink sink = {.buffer = client->wait.answer->buffer, .offset = client->wait.answer_offset};
    for (unsigned i = 0; i < payload->grants; i++) {
        uint8_t type;
        uint16_t rights;
        struct cavern_grant record = {0}; /* handle 0: the account can't pay for it */
        if (grants_accept(grants, i, client->process, &record.handle, &type, &rights) == CAVERN_OK)
            record.rights = rights;
        payload_write_record(payload, i, &record, &sink);
    }
}

static sys_outcome reply_to_caller(struct thread *caller, struct pending *pending, const struct payload *payload,
                                   bool straight)
{
    struct thread *client = pending->caller;
    struct cavern_header header = make_header(caller, payload, CAVERN_KIND_REPLY, 0, pending->token);
    if (payload->in_registers) {
        request_close(pending);
        message_to_caller(client, &header, payload->words, straight);
        return SYS_OK;
    }
    struct wait *wait = &client->wait;
    if (payload_bytes(payload) > wait->answer_bytes || payload->grants > wait->places)
        return CAVERN_TOO_LARGE;
    struct attachments attachments;
    enum cavern_status status = payload_attach(caller, payload, &attachments);
    if (status)
        return status;
    struct sink sink = {.buffer = wait->answer->buffer, .offset = wait->answer_offset};
    status = payload_copy(caller, payload, &attachments, &sink);
    if (status) {
        payload_detach(&attachments);
        return status;
    }
    if (attachments.grants)
        accept_in_answer(client, payload, attachments.grants);
    payload_detach(&attachments);
    request_close(pending);
    message_to_caller(client, &header, (uint64_t[CAVERN_WORDS]){0}, straight);
    return SYS_OK;
}

static sys_outcome reply(struct thread *caller, struct queue *queue, uint64_t id, uint64_t info,
                         const uint64_t words[CAVERN_WORDS], bool straight)
{
    struct payload payload;
    queue_retire(queue, RETIRE_FIRST);
    struct pending *pending = id >> 32 ? NULL : request_lookup(queue, (uint32_t)id);
    if (!pending)
        return CAVERN_CANCELLED;
    enum cavern_status status = payload_decode(&payload, info, words, false);
    if (status)
        return status;
    return pending->caller ? reply_to_caller(caller, pending, &payload, straight)
                           : reply_to_queue(caller, pending, &payload);
}

sys_outcome sys_reply(struct thread *caller, struct reply_args *args)
{
    struct queue *queue;
    enum cavern_status status = find_own_queue(caller, args->queue, &queue);
    if (status)
        return status;
    return reply(caller, queue, args->id, args->info, args->words, false);
}

sys_outcome sys_drop(struct thread *caller, struct drop_args *args)
{
    struct queue *queue;
    enum cavern_status status = find_own_queue(caller, args->queue, &queue);
    if (status)
        return status;
    queue_retire(queue, RETIRE_FIRST);
    struct pending *pending = args->id >> 32 ? NULL : request_lookup(queue, (uint32_t)args->id);
    if (!pending)
        return CAVERN_CANCELLED;
    request_abandon(pending);
    return SYS_OK;
}

sys_outcome sys_cancel(struct thread *caller, struct cancel_args *args)
{
    struct sender *sender;
    enum cavern_status status = find_sender(caller, args->sender, CAVERN_RIGHT_REQUEST, &sender);
    if (status == CAVERN_GONE)
        return CAVERN_TOO_LATE; /* all its requests have ended */
    if (status)
        return status;
    struct pending *pending = args->id >> 32 ? NULL : request_lookup(sender->queue, (uint32_t)args->id);
    if (!pending || pending->client != caller->process->id)
        return CAVERN_TOO_LATE;
    struct thread *other = pending->caller; /* another thread of the process sleeps in it */
    request_cancel(pending);
    if (other)
        message_wake(other, CAVERN_CANCELLED);
    return SYS_OK;
}

/* --- receiving --- */

/* The oldest that lacks room and need not go through the ring, if not too many that must stand before it; or NULL. */
static struct notice *waiting_notice(const struct queue *queue)
{
    unsigned most = JOB_STEP_ITEMS;
    list_for_each_safe(node, &queue->waiting)
    {
        struct notice *notice = container_of(node, struct notice, link);
        if (!notice->finished)
            return notice;
        if (!--most)
            return NULL;
    }
    return NULL;
}

/* Retires all, then: a message waits (IN_RING), a notice comes in registers (SYS_DONE), or the caller sleeps. */
static sys_outcome receive(struct thread *caller, struct queue *queue, uint64_t deadline)
{
    if (queue->receiver)
        return CAVERN_BUSY;
    for (uint64_t before = ~UINT64_C(0); before != queue->ring.used_from;) {
        before = queue->ring.used_from;
        if (!queue_retire(queue, JOB_STEP_ITEMS))
            return SYS_ENDED;
        if (before != queue->ring.used_from && arch_interrupt_pending())
            return SYS_RESTART;
    }
    if (queue_has_untaken(queue))
        return CAVERN_IN_RING;
    struct notice *notice = waiting_notice(queue);
    if (notice) {
        notice_deliver_registers(notice, caller);
        queue_refill(queue);
        queue_update_waiters(queue);
        return SYS_DONE;
    }
    if (deadline <= arch_now())
        return CAVERN_TIMEOUT;
    caller->wait = (struct wait){.queue = queue};
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
    return receive(caller, queue, args->deadline);
}

sys_outcome sys_reply_receive(struct thread *caller, struct reply_receive_args *args)
{
    struct queue *queue;
    enum cavern_status status = find_own_queue(caller, args->queue, &queue);
    if (status)
        return status;
    sys_outcome outcome = reply(caller, queue, args->id, args->info, args->words, true);
    /* Made again after a restart, the reply is found to be done. */
    if (outcome != SYS_OK && outcome != CAVERN_CANCELLED)
        return outcome;
    return receive(caller, queue, args->deadline);
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
    if (!queue_retire(queue, RETIRE_FIRST)) /* the notice of the one before may be free by now */
        return SYS_ENDED;
    if (sender->asking)
        return CAVERN_BUSY;
    sender_ask_space(sender, blocks, requests, queue, args->label);
    queue_update_waiters(sender->queue);
    /* The owner stores head, then loads waiters; this is the other half of the pair. */
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    queue_retire(sender->queue, JOB_STEP_ITEMS);
    queue_refill(sender->queue);
    return SYS_OK;
}

sys_outcome sys_queue_freed(struct thread *caller, struct queue_freed_args *args)
{
    struct queue *queue;
    enum cavern_status status = find_own_queue(caller, args->queue, &queue);
    if (status)
        return status;
    for (uint64_t before = ~UINT64_C(0); before != queue->ring.used_from;) {
        before = queue->ring.used_from;
        if (!queue_retire(queue, JOB_STEP_ITEMS))
            return SYS_ENDED;
        if (before != queue->ring.used_from && arch_interrupt_pending())
            return SYS_RESTART;
    }
    queue_refill(queue);
    return SYS_OK;
}
