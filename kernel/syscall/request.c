/* SPDX-License-Identifier: BSD-2-Clause */
/* Asking and answering. spec/messages.md. */
#include "object/request.h"

#include <cavern/message.h>

#include "arch/arch.h"
#include "object/attachment.h"
#include "object/buffer.h"
#include "object/job.h"
#include "object/message.h"
#include "object/process.h"
#include "object/queue.h"
#include "object/scheduler.h"
#include "object/sender.h"
#include "object/thread.h"
#include "syscall/delivery.h"
#include "syscall/find.h"
#include "syscall/user.h"
#include "syscall_table.h"

#define ENDING_BLOCKS_MAX 259

/* Blocks for the ending, in one's own queue: retires as long as that helps. */
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

/* Opens the request that has been prepared, and delivers it. */
static struct pending *open_request(struct thread *caller, struct sender *sender, const struct payload *payload,
                                    const struct attachments *attachments, uint64_t token, bool straight)
{
    struct pending *pending = request_open(sender->queue);
    object_get(&sender->object); /* until the request ends */
    sender->requests++;
    if (sender->waits)
        queue_serve_later(sender->queue); /* at its limits now, it holds up nobody behind it */
    pending->sender = sender;
    pending->leases = attachments->leases;
    pending->token = token;
    pending->client = caller->process->id;
    pending->trace = payload->trace;
    struct cavern_header header = delivery_header(caller, payload, CAVERN_KIND_REQUEST, pending->id, sender->label);
    pending->position = delivery_commit(sender, &header, payload, attachments->grants, straight);
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
    outcome = delivery_prepare(caller, sender, &payload, 1, &attachments);
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
static sys_outcome prepare_answer(struct thread *caller, const struct call_args *args, struct wait *wait)
{
    uint64_t bytes = args->places & 0xffffffff, places = args->places >> 32;
    *wait = (struct wait){.places = (uint8_t)places, .answer_bytes = bytes};
    if (places > CAVERN_ATTACHMENTS_MAX)
        return CAVERN_BAD_ARGUMENT;
    if (bytes) {
        if (args->answer % 8)
            return CAVERN_BAD_ADDRESS;
        sys_outcome outcome =
            user_resolve(caller, args->answer, bytes, CAVERN_PROT_WRITE, &wait->answer, &wait->answer_offset);
        if (outcome)
            return outcome;
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
    if (status)
        return status;
    sys_outcome outcome = prepare_answer(caller, args, &wait);
    if (!outcome)
        outcome = delivery_prepare(caller, sender, &payload, 1, &attachments);
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
    struct cavern_header header = delivery_header(caller, payload, CAVERN_KIND_REPLY, 0, pending->token);
    if (payload->blocks > pending->blocks)
        return CAVERN_TOO_LARGE;
    if (payload->in_registers) {
        request_ended(pending, &header, payload->words);
        return SYS_OK;
    }
    struct attachments attachments;
    sys_outcome outcome = payload_attach(caller, payload, &attachments);
    if (outcome)
        return outcome;
    outcome = payload_copy(caller, payload, &attachments, &(struct sink){.queue = reply});
    if (outcome) {
        payload_detach(&attachments);
        return outcome;
    }
    queue_publish(reply, &header, payload->blocks, pending->blocks, false)->grants = attachments.grants;
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
    struct cavern_header header = delivery_header(caller, payload, CAVERN_KIND_REPLY, 0, pending->token);
    if (payload->in_registers) {
        request_close(pending);
        message_to_caller(client, &header, payload->words, straight);
        return SYS_OK;
    }
    struct wait *wait = &client->wait;
    if (payload_bytes(payload) > wait->answer_bytes || payload->grants > wait->places)
        return CAVERN_TOO_LARGE;
    struct attachments attachments;
    sys_outcome outcome = payload_attach(caller, payload, &attachments);
    if (outcome)
        return outcome;
    struct sink sink = {.buffer = wait->answer->buffer, .offset = wait->answer_offset};
    outcome = payload_copy(caller, payload, &attachments, &sink);
    if (outcome) {
        payload_detach(&attachments);
        return outcome;
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
    return message_receive(caller, queue, args->deadline);
}
