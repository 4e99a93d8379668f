/* SPDX-License-Identifier: BSD-2-Clause */
/* Pending requests and their endings. spec/messages.md, Requests and endings. */
#include <string.h>

#include "reference.h"

enum { SLOT_BITS = 16 };

struct ref_request *ref_pending(const struct ref_queue *queue, uint64_t id)
{
    uint64_t slot = (id & 0xffff) - 1;
    if (id >> 32 || slot >= queue->slots)
        return NULL;
    struct ref_request *request = queue->slot[slot].request;
    return request && request->id == id ? request : NULL;
}

bool ref_slot_free(const struct ref_queue *queue, uint64_t slots)
{
    return queue->slots - queue->slots_used + queue->freed_count >= slots;
}

/* [MSG-REQUEST-5] */
static uint64_t take_slot(struct ref_queue *queue)
{
    if (queue->slots_used < queue->slots) {
        queue->slot[queue->slots_used].generation = 1;
        return queue->slots_used++;
    }
    uint64_t slot = queue->freed[queue->freed_first];
    queue->freed_first = (queue->freed_first + 1) % queue->slots;
    queue->freed_count--;
    return slot;
}

struct ref_request *ref_request_new(struct ref_sender *sender, struct ref_thread *thread, const struct ref_message *m)
{
    struct ref_queue *server = sender->queue;
    struct ref_request *request = ref_new(sizeof *request);
    uint64_t slot = take_slot(server);
    request->pending = true;
    request->id = (uint32_t)(slot + 1) | (uint32_t)server->slot[slot].generation << SLOT_BITS;
    request->server = server;
    request->sender = sender;
    request->client = thread->process;
    request->trace = m->header.trace;
    request->leases = m->leases;
    memcpy(request->lease, m->lease, sizeof request->lease);
    server->slot[slot].request = request;
    sender->requests++; /* [MSG-SENDER-3] */
    ref_push(&ref.requests, request);
    return request;
}

/* [MSG-REQUEST-1] [MSG-REPLY-3] */
void ref_end_request(struct ref_request *request)
{
    struct ref_queue *server = request->server;
    uint64_t slot = (request->id & 0xffff) - 1;
    request->pending = false;
    ref_remove(&ref.requests, request);
    server->slot[slot].request = NULL;
    server->slot[slot].generation++;
    server->freed[(server->freed_first + server->freed_count++) % server->slots] = slot;
    request->sender->requests--;
    if (request->reply_queue)
        request->reply_queue->reserved -= request->reserved;
}

/* After an ending: its slot and what it did not use of its room are there for others. */
static void refill_after(const struct ref_request *request)
{
    bool before = ref.progress;
    do {
        ref.progress = false;
        if (request->reply_queue)
            ref_refill(request->reply_queue);
        ref_refill(request->server);
        before |= ref.progress;
    } while (ref.progress);
    ref.progress = before;
}

/* [MSG-REQUEST-3] [MSG-CALL-7] */
void ref_abandon(struct ref_request *request)
{
    ref_end_request(request);
    if (request->caller) {
        ref_wake(request->caller, CAVERN_ABANDONED);
    } else {
        struct ref_message *message = ref_new(sizeof *message);
        message->header.kind = CAVERN_KIND_ABANDONED;
        message->header.trace = request->trace;
        message->header.label = request->token;
        ref_deliver(request->reply_queue, message);
    }
    refill_after(request);
}

void ref_cancel(struct ref_request *request, enum cavern_status status)
{
    ref_end_request(request);
    if (request->caller)
        ref_wake(request->caller, status);
    refill_after(request);
}

/* --- calls --- */

struct ref_queue *ref_own_queue(const struct ref_thread *thread, uint64_t handle)
{
    struct ref_queue *queue = ref_need(thread, handle, CAVERN_TYPE_QUEUE, CAVERN_RIGHT_RECEIVE);
    if (!queue)
        return NULL;
    if (queue->owner == thread->process)
        ref_look(queue);
    ref_wrong(queue->owner != thread->process, CAVERN_DENIED); /* [MSG-QUEUE-2] */
    return queue;
}

void ref_drop(struct ref_thread *thread, const uint64_t x[16])
{
    struct ref_queue *queue = ref_own_queue(thread, x[0]);
    struct ref_request *request = queue ? ref_pending(queue, x[2]) : NULL;
    ref_wrong(queue && !request, CAVERN_CANCELLED);
    if (ref_failed() || !request)
        return;
    ref_abandon(request); /* [MSG-REPLY-4] */
}

/* [MSG-CANCEL-1] [MSG-CANCEL-2] [MSG-CANCEL-4] */
void ref_cancel_call(struct ref_thread *thread, const uint64_t x[16])
{
    struct ref_sender *sender = ref_need(thread, x[0], CAVERN_TYPE_SENDER, CAVERN_RIGHT_REQUEST);
    struct ref_request *request = sender ? ref_pending(sender->queue, x[2]) : NULL;
    ref_wrong(sender && (!request || request->client != thread->process), CAVERN_TOO_LATE);
    if (ref_failed() || !request)
        return;
    ref_cancel(request, CAVERN_CANCELLED);
}

/* --- replies --- */

/* Whether the answer to a call can take it. [MSG-CALL-1] [MSG-CALL-4] */
static bool answerable(const struct ref_thread *caller, const struct ref_message *reply)
{
    if (reply->header.size <= 8 * CAVERN_WORDS && !reply->grants)
        return true;
    return ((uint64_t)reply->header.size + 7) / 8 * 8 + 16 * reply->grants <= caller->answer_bytes &&
           reply->grants <= caller->places;
}

/* Whether the answer goes where it comes from: then what it is is not specified. [MSG-CALL-10] */
bool ref_answer_overlaps(const struct ref_thread *thread, const uint64_t x[16])
{
    uint16_t rights;
    const struct ref_object *object = ref_find(thread, x[0], &rights);
    const struct ref_request *request =
        object && object->type == CAVERN_TYPE_QUEUE ? ref_pending((const struct ref_queue *)object, x[2]) : NULL;
    const struct ref_thread *caller = request ? request->caller : NULL;
    uint64_t size = (x[1] & 0xffff) + 7 + 16 * CAVERN_ATTACHMENTS_MAX;
    for (uint64_t at = 0; caller && caller->answer_buffer && at < size; at++) {
        struct ref_buffer *buffer;
        uint64_t offset;
        if (ref_memory(thread->process, x[3] + at, 1, 0, &buffer, &offset) && buffer == caller->answer_buffer &&
            offset - caller->answer_offset < size)
            return true;
    }
    return false;
}

bool ref_reply_fits(const struct ref_request *request, const struct ref_message *reply)
{
    return request->caller ? answerable(request->caller, reply)
                           : ref_blocks(reply->header.size, reply->grants) <= request->reserved; /* [MSG-REPLY-2] */
}

/* [MSG-CALL-2] [MSG-CALL-3] */
static void answer(struct ref_thread *caller, struct ref_message *reply)
{
    if (reply->header.size <= 8 * CAVERN_WORDS && !reply->grants) {
        ref_wake_with(caller, reply);
        return;
    }
    uint8_t *to = caller->answer_buffer->bytes + caller->answer_offset;
    memcpy(to, reply->payload, reply->header.size);
    to += (reply->header.size + 7u) / 8 * 8;
    for (unsigned i = 0; i < reply->grants; i++, to += 16) {
        struct ref_grant *grant = &reply->grant[i];
        uint64_t record[2] = {0};
        if (ref.pays(caller, reply, i)) {
            record[0] = ref_insert(caller->process, grant->object, grant->rights);
            record[1] = grant->rights;
        }
        memcpy(to, record, sizeof record);
        grant->waits = false;
        ref_put(grant->object);
    }
    reply->payload = NULL;
    ref_wake_with(caller, reply);
}

void ref_end_with_reply(struct ref_request *request, struct ref_message *reply)
{
    ref_end_request(request);
    reply->header.label = request->token;
    if (request->caller)
        answer(request->caller, reply);
    else
        ref_deliver(request->reply_queue, reply);
    refill_after(request);
}
