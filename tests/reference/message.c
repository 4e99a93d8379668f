/* SPDX-License-Identifier: BSD-2-Clause */
/* The calls that carry messages, and receiving. spec/messages.md. */
#include <string.h>

#include "reference.h"

/* --- what is sent --- */

static void gather_lease(const struct ref_thread *thread, struct ref_message *message, unsigned i, const uint64_t r[2])
{
    struct ref_lease *lease = &message->lease[i];
    lease->length = r[1] & (((uint64_t)1 << 56) - 1);
    lease->rights = (unsigned)(r[1] >> 56);
    message->lease_word[i] = r[1];
    ref_wrong(!lease->length || !lease->rights || lease->rights > 3, CAVERN_BAD_ARGUMENT); /* [MSG-LEASE-7] */
    unsigned protection = (lease->rights & CAVERN_LEASE_READ ? CAVERN_PROT_READ : 0u) |
                          (lease->rights & CAVERN_LEASE_WRITE ? CAVERN_PROT_WRITE : 0u);
    if (lease->length)
        ref_wrong(!ref_memory(thread->process, r[0], lease->length, protection, &lease->buffer, &lease->offset),
                  CAVERN_BAD_ADDRESS); /* [MSG-LEASE-3] */
}

static void gather_grant(const struct ref_thread *thread, struct ref_message *message, unsigned i, const uint64_t r[2])
{
    uint16_t rights = 0;
    struct ref_object *object = ref_find(thread, r[0], &rights);
    ref_wrong(!object, CAVERN_BAD_HANDLE);
    if (!object)
        return;
    bool never = object->type == CAVERN_TYPE_PROCESS || object->type == CAVERN_TYPE_THREAD ||
                 object->type == CAVERN_TYPE_QUEUE; /* [MSG-GRANT-4] */
    ref_wrong(never || !(rights & CAVERN_RIGHT_COPY) || (r[1] & ~(uint64_t)rights), CAVERN_DENIED);
    message->grant[i] = (struct ref_grant){object, (uint16_t)r[1], thread->process, true};
}

/* [ABI-MSG-1] [ABI-MSG-2] Notes what is wrong. */
static struct ref_message *gather(const struct ref_thread *thread, const uint64_t x[16], enum cavern_kind kind)
{
    struct ref_message *message = ref_new(sizeof *message);
    unsigned size = x[1] & 0xffff, leases = x[1] >> 24 & 15, grants = x[1] >> 28 & 15;
    ref_wrong(size > CAVERN_PAYLOAD_MAX, CAVERN_TOO_LARGE); /* [MSG-SEND-4] */
    ref_wrong(leases > CAVERN_ATTACHMENTS_MAX || grants > CAVERN_ATTACHMENTS_MAX ||
                  (leases && kind != CAVERN_KIND_REQUEST),
              CAVERN_BAD_ARGUMENT); /* [MSG-SEND-8] */
    message->header = (struct cavern_header){.size = (uint16_t)size,
                                             .kind = (uint8_t)kind,
                                             .attached = (uint8_t)(leases | grants << 4),
                                             .sender = thread->process->id,
                                             .trace = (uint32_t)(x[1] >> 32)}; /* [ABI-HEADER-1] */
    message->number = ref.messages++;
    message->leases = leases;
    message->grants = grants;
    message->payload = ref_new((size + 7) / 8 * 8 + 8 * CAVERN_WORDS);
    if (size <= 8 * CAVERN_WORDS && !leases && !grants) {
        memcpy(message->payload, x + 3, size);
        return message;
    }
    uint64_t padded = (size + 7) / 8 * 8;
    bool readable =
        !(x[3] & 7) && ref_accessible(thread->process, x[3], padded + 16 * (leases + grants), CAVERN_PROT_READ);
    ref_wrong(!readable, CAVERN_BAD_ADDRESS); /* [ABI-ADDR-1] [ABI-ADDR-2] */
    if ((x[3] & 7) || leases > CAVERN_ATTACHMENTS_MAX || grants > CAVERN_ATTACHMENTS_MAX)
        return message;
    ref_read(thread->process, x[3], message->payload, padded);
    for (unsigned i = 0; i < leases + grants; i++) {
        uint64_t record[2];
        if (!ref_read(thread->process, x[3] + padded + 16 * i, record, sizeof record))
            continue;
        if (i < leases)
            gather_lease(thread, message, i, record);
        else
            gather_grant(thread, message, i - leases, record);
    }
    return message;
}

static void hold_grants(struct ref_message *message)
{
    for (unsigned i = 0; i < message->grants; i++)
        message->grant[i].object->handles++;
}

/* Messages of the sender that the owner has not freed. */
static uint64_t unfreed(const struct ref_sender *sender)
{
    uint64_t count = sender->messages;
    const struct ref_list *messages = &sender->queue->messages;
    for (unsigned i = 0; i < messages->count && ref_freed(sender->queue, messages->items[i]); i++)
        count -= ((struct ref_message *)messages->items[i])->sender == sender;
    return count;
}

/* Whether the queue behind `sender` takes a message like this now. [MSG-SEND-3] [MSG-SEND-7] */
static void check_room(struct ref_sender *sender, uint64_t size, unsigned attached, uint64_t own_reservation)
{
    struct ref_queue *queue = sender->queue;
    ref_wrong(queue->object.gone, CAVERN_GONE);
    uint64_t blocks = ref_blocks(size, attached);
    ref_wrong(blocks > queue->blocks, CAVERN_TOO_LARGE);
    if (queue->object.gone || ref_can_take_in_registers(queue, size, attached))
        return;
    bool honest = ref_look(queue);
    ref_wrong(!honest || queue->waiting.count || !ref_could_fit(queue, blocks + own_reservation) ||
                  unfreed(sender) >= sender->message_limit,
              CAVERN_QUEUE_FULL);
}

void ref_send(struct ref_thread *thread, const uint64_t x[16])
{
    struct ref_sender *sender = ref_need(thread, x[0], CAVERN_TYPE_SENDER, CAVERN_RIGHT_SEND);
    struct ref_message *message = gather(thread, x, CAVERN_KIND_MESSAGE);
    if (sender)
        check_room(sender, x[1] & 0xffff, message->grants, 0);
    if (ref_failed() || !sender)
        return;
    message->header.label = sender->label; /* [MSG-SENDER-1] */
    message->sender = sender;
    hold_grants(message);
    ref_deliver(sender->queue, message);
}

/* What a request and a call have in common; NULL: it fails. */
static struct ref_request *request_common(struct ref_thread *thread, const uint64_t x[16], struct ref_queue *replies)
{
    struct ref_sender *sender = ref_need(thread, x[0], CAVERN_TYPE_SENDER, CAVERN_RIGHT_REQUEST);
    struct ref_message *message = gather(thread, x, CAVERN_KIND_REQUEST);
    if (replies) {
        bool honest = ref_look(replies);
        ref_wrong(x[10] > replies->blocks, CAVERN_TOO_LARGE);
        ref_wrong(!honest || !ref_could_fit(replies, x[10]), CAVERN_QUEUE_FULL); /* [MSG-REQUEST-2] */
    }
    if (sender) {
        check_room(sender, x[1] & 0xffff, message->leases + message->grants,
                   replies && replies == sender->queue ? x[10] : 0);
        ref_wrong(!ref_slot_free(sender->queue, 1) || sender->requests >= sender->request_limit,
                  CAVERN_QUEUE_FULL); /* [MSG-REQUEST-4] */
    }
    if (ref_failed() || !sender)
        return NULL;
    struct ref_request *request = ref_request_new(sender, thread, message);
    request->token = x[2];
    if (replies) {
        request->reply_queue = replies;
        request->reserved = x[10];
        replies->reserved += x[10];
    } else {
        request->caller = thread;
    }
    message->header.label = sender->label;
    message->header.request = request->id;
    message->sender = sender;
    message->request = request;
    hold_grants(message);
    ref_deliver(sender->queue, message);
    return request;
}

void ref_request(struct ref_thread *thread, const uint64_t x[16])
{
    struct ref_queue *replies = ref_own_queue(thread, x[9]);
    ref_wrong(!x[10] || x[10] > 259, CAVERN_BAD_ARGUMENT); /* [MSG-REQUEST-6] */
    struct ref_request *request = request_common(thread, x, replies);
    if (request)
        ref_out(thread, 1, request->id);
    else
        ref_wrong(!replies && !ref.errors && !ref.no_memory, CAVERN_BAD_HANDLE);
}

void ref_call(struct ref_thread *thread, const uint64_t x[16])
{
    uint64_t bytes = x[11] & 0xffffffff, places = x[11] >> 32, offset = 0;
    struct ref_buffer *buffer = NULL;
    ref_wrong(places > CAVERN_ATTACHMENTS_MAX, CAVERN_BAD_ARGUMENT);
    if (bytes) { /* [MSG-CALL-5] */
        ref_wrong((x[10] & 7) || !ref_memory(thread->process, x[10], bytes, CAVERN_PROT_WRITE, &buffer, &offset),
                  CAVERN_BAD_ADDRESS);
    }
    struct ref_request *request = request_common(thread, x, NULL);
    if (!request)
        return;
    thread->state = CAVERN_THREAD_CALLING;
    thread->calling = request;
    thread->places = places;
    thread->answer_bytes = bytes;
    thread->answer_buffer = buffer;
    thread->answer_offset = offset;
    thread->deadline = x[9];
    if (x[9] <= ref.now) {
        ref_refill(request->server); /* it is at its limits for a moment, and holds up nobody then */
        ref_cancel(request, CAVERN_TIMEOUT);
    }
}

/* --- replying and receiving --- */

void ref_reply(struct ref_thread *thread, const uint64_t x[16])
{
    struct ref_queue *queue = ref_own_queue(thread, x[0]);
    struct ref_request *request = queue ? ref_pending(queue, x[2]) : NULL;
    struct ref_message *reply = gather(thread, x, CAVERN_KIND_REPLY);
    ref_wrong(queue && !request, CAVERN_CANCELLED); /* [MSG-REPLY-1] */
    if (request)
        ref_wrong(!ref_reply_fits(request, reply), CAVERN_TOO_LARGE);
    if (ref_failed())
        return;
    hold_grants(reply);
    ref_end_with_reply(request, reply);
}

static struct ref_notice *for_registers(const struct ref_queue *queue)
{
    for (unsigned i = 0; i < queue->waiting.count; i++) {
        struct ref_notice *notice = queue->waiting.items[i];
        if (notice->kind != CAVERN_KIND_SPACE && notice->kind != CAVERN_KIND_CLOSED)
            return notice;
    }
    return NULL;
}

/* [MSG-RECEIVE-3] [MSG-RECEIVE-4] [MSG-RECEIVE-5] [MSG-NOTICE-7] */
static void receive(struct ref_thread *thread, struct ref_queue *queue, uint64_t deadline)
{
    thread->state = CAVERN_THREAD_RECEIVING;
    thread->receiving = queue;
    queue->receiver = thread;
    ref.swept = queue;
    thread->deadline = deadline;
    struct ref_notice *notice = for_registers(queue);
    if (queue->taken < queue->tail) {
        ref_wake(thread, CAVERN_IN_RING);
    } else if (notice) {
        ref_remove(&queue->waiting, notice);
        ref_deliver(queue, ref_notice_message(notice));
    } else if (deadline <= ref.now) {
        ref_wake(thread, CAVERN_TIMEOUT);
    }
}

static void poll(struct ref_thread *thread, const uint64_t x[16])
{
    struct ref_queue *queue = ref_own_queue(thread, x[0]);
    ref_wrong(queue && queue->receiver, CAVERN_BUSY);
    if (!ref_failed() && queue && ref_look(queue))
        receive(thread, queue, x[9]);
}

void ref_receive(struct ref_thread *thread, const uint64_t x[16])
{
    ref.polling = true;
    poll(thread, x);
    ref.polling = false;
}

/* [MSG-REPLYRECEIVE-1] */
static void reply_and_poll(struct ref_thread *thread, const uint64_t x[16])
{
    struct ref_queue *queue = ref_own_queue(thread, x[0]);
    ref_reply(thread, x);
    bool reported = ref.drawn[0] < 32 && (ref.errors >> ref.drawn[0] & 1);
    if ((ref.errors >> CAVERN_CANCELLED & 1) && !reported)
        ref.errors = 0; /* of several things wrong it saw this first, and ignores it */
    if (ref_failed() || !queue)
        return;
    ref_wrong(queue->receiver, CAVERN_BUSY);
    if (!ref_failed() && ref_look(queue))
        receive(thread, queue, x[9]);
}

void ref_reply_receive(struct ref_thread *thread, const uint64_t x[16])
{
    ref.polling = true;
    reply_and_poll(thread, x);
    ref.polling = false;
}

/* --- room --- */

void ref_space(struct ref_thread *thread, const uint64_t x[16])
{
    struct ref_sender *sender = ref_need(thread, x[0], CAVERN_TYPE_SENDER, CAVERN_RIGHT_SEND);
    struct ref_queue *to = ref_own_queue(thread, x[9]);
    uint64_t blocks = x[3] & 0xffffffff, requests = x[3] >> 32;
    bool lied = to && !ref_look(to);
    if (!sender || (lied && thread->process->state == CAVERN_PROCESS_ENDING))
        return;
    ref_wrong(sender->queue->object.gone, CAVERN_GONE);
    ref_wrong(blocks > sender->queue->blocks || requests > sender->queue->slots || requests > sender->request_limit,
              CAVERN_TOO_LARGE); /* [MSG-SPACE-4] */
    const struct ref_notice *told = &sender->space;
    if (told->message)
        ref_look(told->at);
    bool freed = told->message && ref_freed(told->at, told->message);
    ref_wrong(sender->asks || (told->state != REF_IDLE && !freed), CAVERN_BUSY); /* [MSG-SPACE-3] */
    if (ref_failed() || !to)
        return;
    ref_notice_end(&sender->space);
    sender->space.queue = to;
    sender->space.label = x[2];
    sender->asks = true;
    sender->asks_blocks = blocks;
    sender->asks_requests = requests;
    ref_push(&sender->queue->spaces, sender);
    ref_look(sender->queue);
    ref_refill(sender->queue);
}

void ref_queue_freed(struct ref_thread *thread, const uint64_t x[16])
{
    struct ref_queue *queue = ref_own_queue(thread, x[0]);
    if (!ref_failed() && queue && ref_look(queue))
        ref.swept = queue;
}

/* --- leases and grants --- */

static uint64_t step(uint64_t address)
{
    return CAVERN_PAGE_SIZE - address % CAVERN_PAGE_SIZE;
}

/* Whether a lease_copy may be from memory onto itself: then what is copied is not specified. [MSG-LEASE-9] */
bool ref_lease_overlaps(const struct ref_thread *thread, const uint64_t x[16])
{
    uint16_t rights;
    struct ref_object *object = ref_find(thread, x[0], &rights);
    const struct ref_request *request =
        object && object->type == CAVERN_TYPE_QUEUE ? ref_pending((struct ref_queue *)object, x[2]) : NULL;
    if (!request || (x[3] & 0xff) >= request->leases)
        return false;
    const struct ref_lease *lease = &request->lease[x[3] & 0xff];
    uint64_t lent = lease->offset + x[4], offset;
    struct ref_buffer *buffer;
    for (uint64_t at = 0; at < x[6]; at += step(x[5] + at)) {
        if (!ref_memory(thread->process, x[5] + at, 1, 0, &buffer, &offset))
            return false;
        uint64_t end = offset + step(x[5] + at);
        if (buffer == lease->buffer && offset < lent + x[6] && lent < end)
            return true;
    }
    return false;
}

void ref_lease_copy(struct ref_thread *thread, const uint64_t x[16])
{
    struct ref_queue *queue = ref_own_queue(thread, x[0]);
    struct ref_request *request = queue ? ref_pending(queue, x[2]) : NULL;
    unsigned index = x[3] & 0xff, write = x[3] >> 8 & 1;
    ref_wrong(x[3] >> 9, CAVERN_BAD_ARGUMENT);
    ref_wrong(queue && !request, CAVERN_CANCELLED);
    ref_wrong(!ref_accessible(thread->process, x[5], x[6], write ? CAVERN_PROT_READ : CAVERN_PROT_WRITE),
              CAVERN_BAD_ADDRESS);
    if (!request)
        return;
    ref_wrong(index >= request->leases, CAVERN_BAD_ARGUMENT); /* [MSG-LEASE-5] */
    if (index >= request->leases)
        return;
    const struct ref_lease *lease = &request->lease[index];
    ref_wrong(!(lease->rights & (write ? CAVERN_LEASE_WRITE : CAVERN_LEASE_READ)), CAVERN_DENIED); /* [MSG-LEASE-4] */
    ref_wrong(x[4] > lease->length || x[6] > lease->length - x[4], CAVERN_BAD_ARGUMENT);
    bool ends_early = ref.errors == 1u << CAVERN_BAD_ADDRESS && x[5] + x[6] > x[5] && x[5] + x[6] <= CAVERN_USER_END;
    if (ref_failed() && !ends_early)
        return;
    uint8_t *lent = lease->buffer->bytes + lease->offset + x[4];
    if (write) /* as far as there is memory [MSG-LEASE-8] */
        ref_read(thread->process, x[5], lent, x[6]);
    else
        ref_write(thread->process, x[5], lent, x[6]);
}

/* [MSG-GRANT-1] [MSG-GRANT-2] [MSG-GRANT-6] */
void ref_grant_accept(struct ref_thread *thread, const uint64_t x[16])
{
    struct ref_queue *queue = ref_own_queue(thread, x[0]);
    if (!queue)
        return;
    if (queue->owner == thread->process && !ref_look(queue))
        return;
    struct ref_message *message = NULL;
    for (unsigned i = 0; i < queue->messages.count; i++) {
        struct ref_message *other = queue->messages.items[i];
        if (other->position == x[2])
            message = other;
    }
    if (message && message->position < queue->head)
        message = NULL; /* in part is enough [MSG-GRANT-2] */
    ref_wrong(!message, CAVERN_GONE);
    ref_wrong(message && x[3] >= message->grants, CAVERN_BAD_ARGUMENT);
    ref_wrong(x[3] >= CAVERN_ATTACHMENTS_MAX, CAVERN_BAD_ARGUMENT);
    if (!message || x[3] >= message->grants)
        return;
    struct ref_grant *grant = &message->grant[x[3]];
    ref_wrong(!grant->waits, CAVERN_GONE);
    if (ref_failed())
        return;
    uint64_t rights = grant->rights & ref_rights[grant->object->type];
    ref_out(thread, 1, ref_insert(thread->process, grant->object, grant->rights));
    ref_out(thread, 2, grant->object->type | rights << 16);
    grant->waits = false;
    ref_put(grant->object);
}
