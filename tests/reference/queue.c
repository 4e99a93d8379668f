/* SPDX-License-Identifier: BSD-2-Clause */
/* Queues: the ring, room in it, those who wait for room, binding. spec/messages.md. */
#include "reference.h"

struct ref_queue *ref_queue_new(uint64_t blocks, uint64_t slots)
{
    struct ref_queue *queue = ref_new(sizeof *queue);
    queue->object.type = CAVERN_TYPE_QUEUE;
    queue->blocks = blocks;
    queue->slots = slots;
    queue->slot = ref_new(slots * sizeof *queue->slot);
    queue->freed = ref_new(slots * sizeof *queue->freed);
    ref_push(&ref.queues, queue);
    return queue;
}

uint64_t ref_blocks(uint64_t size, unsigned attached)
{
    return (sizeof(struct cavern_header) + (size + 7) / 8 * 8 + 16 * attached + 63) / 64; /* [MSG-SEND-2] */
}

/* [MSG-ROOM-1] */
bool ref_fits(const struct ref_queue *queue, uint64_t blocks)
{
    return queue->tail - queue->retired + queue->reserved + blocks <= queue->blocks;
}

/* [MSG-FREE-1] */
bool ref_could_fit(const struct ref_queue *queue, uint64_t blocks)
{
    uint64_t retired = queue->retired;
    for (unsigned i = 0; i < queue->messages.count && ref_freed(queue, queue->messages.items[i]); i++)
        retired = ((struct ref_message *)queue->messages.items[i])->end;
    return queue->tail - retired + queue->reserved + blocks <= queue->blocks;
}

/* --- freeing --- */

/* What a liar says counts for nothing. */
bool ref_freed(const struct ref_queue *queue, const struct ref_message *message)
{
    return !ref_lies(queue) && message->end <= queue->head;
}

/* `lost`: taken by a process that is gone, and not freed. */
static void retire(struct ref_message *message, bool lost)
{
    if (message->sender)
        message->sender->messages--;
    ref_drop_grants(message);
    struct ref_notice *notice = message->notice;
    if (!notice)
        return;
    notice->message = NULL;
    bool finished = notice->kind == CAVERN_KIND_SPACE || (notice->kind == CAVERN_KIND_CLOSED && !lost);
    if (finished) {
        ref_remove(&notice->at->delivered, notice);
        notice->state = REF_IDLE;
    }
}

static void retire_until(struct ref_queue *queue, uint64_t head, bool lost)
{
    while (queue->messages.count) {
        struct ref_message *message = queue->messages.items[0];
        if (message->end > head)
            break;
        ref_remove(&queue->messages, message);
        queue->retired = message->end;
        retire(message, lost);
    }
}

bool ref_lies(const struct ref_queue *queue)
{
    return queue->owner && (queue->head < queue->seen_head || queue->head > queue->taken ||
                            queue->taken < queue->seen_taken || queue->taken > queue->tail);
}

static bool is_closed_by(const struct ref_sender *sender, const struct ref_message *message)
{
    unsigned handles = 0;
    for (unsigned i = 0; i < message->grants; i++)
        handles += message->grant[i].waits && message->grant[i].object == &sender->object;
    return sender->tells_closed && handles && handles == sender->object.handles;
}

/* Retiring it now would tell a `closed` before what comes first in the ring. */
static bool is_for_later(const struct ref_message *message)
{
    for (unsigned i = 0; i < message->grants && !ref.hurried; i++) {
        const struct ref_sender *sender = (const struct ref_sender *)message->grant[i].object;
        if (sender->object.type != CAVERN_TYPE_SENDER || !is_closed_by(sender, message) || sender->queue->object.gone)
            continue;
        return !sender->queue->waiting.count && ref_fits(sender->queue, 1) && !ref.comes_next(&sender->closed);
    }
    return false;
}

/* [MSG-CONTROL-2] [MSG-CONTROL-3] */
bool ref_look(struct ref_queue *queue)
{
    if (!queue->owner) {
        ref_refill(queue);
        return true;
    }
    if (ref_lies(queue)) {
        if (ref.ends(queue->owner))
            ref_process_end(queue->owner, CAVERN_REASON_CONTROL_PAGE, 0);
        return false;
    }
    uint64_t retired = ref.retired(queue);
    retired = retired < queue->head ? retired : queue->head;
    ref_refill(queue);
    while (queue->retired < retired && queue->messages.count) {
        if (is_for_later(queue->messages.items[0])) {
            ref.postponed = true;
            return true;
        }
        retire_until(queue, ((struct ref_message *)queue->messages.items[0])->end, false);
        ref_refill(queue);
    }
    return true;
}

/* --- delivering --- */

bool ref_can_take_in_registers(const struct ref_queue *queue, uint64_t size, unsigned attached)
{
    return queue->receiver && size <= 8 * CAVERN_WORDS && !attached; /* [MSG-RECEIVE-1] */
}

static bool always_in_ring(const struct cavern_header *header)
{
    return header->kind == CAVERN_KIND_SPACE || header->kind == CAVERN_KIND_CLOSED; /* [MSG-NOTICE-7] */
}

/* Freeing and telling of room go on meanwhile, so that notices of it may come before this message. */
static void let_others_first(const struct ref_queue *queue, const struct ref_message *message)
{
    struct cavern_header next;
    bool other = !ref.looking && ref.next(queue, &next) && always_in_ring(&next) &&
                 (next.kind != message->header.kind || next.label != message->header.label);
    ref.looking |= other;
    for (unsigned i = 0; other && i < ref.queues.count; i++) {
        if (!((struct ref_queue *)ref.queues.items[i])->object.gone)
            ref_look(ref.queues.items[i]);
    }
    ref.looking &= !other;
}

void ref_deliver(struct ref_queue *queue, struct ref_message *message)
{
    let_others_first(queue, message);
    struct ref_thread *receiver = queue->receiver;
    if (!always_in_ring(&message->header) &&
        ref_can_take_in_registers(queue, message->header.size, message->leases + message->grants)) {
        message->sender = NULL; /* no credit is spent */
        if (message->request)
            message->request->in_registers = true;
        ref_wake_with(receiver, message);
        return;
    }
    message->position = queue->tail;
    queue->tail += ref_blocks(message->header.size, message->leases + message->grants);
    message->end = queue->tail;
    if (message->sender)
        message->sender->messages++;
    if (message->request)
        message->request->position = message->position;
    if (message->notice)
        message->notice->message = message;
    ref_push(&queue->messages, message);
    if (receiver)
        ref_wake(receiver, CAVERN_IN_RING); /* [MSG-RECEIVE-2] */
}

/* --- those who wait for room --- */

/* A limit of its own keeps it, which holds up nobody else. [MSG-SPACE-2] */
static bool at_its_limits(const struct ref_sender *sender)
{
    return (sender->asks_blocks && sender->messages >= sender->message_limit) ||
           sender->requests + sender->asks_requests > sender->request_limit;
}

/* Who is first in line, if there is room for it; else NULL. */
struct ref_sender *ref_first_in_line(const struct ref_queue *queue)
{
    for (unsigned i = 0; i < queue->spaces.count && !queue->waiting.count; i++) {
        struct ref_sender *sender = queue->spaces.items[i];
        if (at_its_limits(sender))
            continue;
        bool room = ref_fits(queue, sender->asks_blocks) && ref_slot_free(queue, sender->asks_requests);
        return room ? sender : NULL;
    }
    return NULL;
}

/* Somebody has been told, and has not freed the notice: only those who fit together with it must be told now. */
bool ref_told_of_room(const struct ref_queue *queue)
{
    for (unsigned i = 0; i < ref.senders.count; i++) {
        const struct ref_sender *sender = ref.senders.items[i];
        if (sender->queue == queue && sender->space.state != REF_IDLE)
            return true;
    }
    return false;
}

/* The first in line must be told, if nobody is about to use the room; how many more is left open. [MSG-SPACE-1] */
static void serve_spaces(struct ref_queue *queue)
{
    for (;;) {
        struct ref_sender *sender = ref_first_in_line(queue);
        if (!sender || !ref.told(sender))
            return;
        ref_remove(&queue->spaces, sender);
        sender->asks = false;
        ref_tell(&sender->space);
        ref.progress = true;
    }
}

void ref_refill(struct ref_queue *queue)
{
    while (queue->waiting.count && ref_fits(queue, 1)) { /* [MSG-NOTICE-1] */
        struct ref_notice *notice = queue->waiting.items[0];
        ref_remove(&queue->waiting, notice);
        ref_deliver(queue, ref_notice_message(notice));
    }
    serve_spaces(queue);
}

/* --- binding --- */

void ref_bind(struct ref_queue *queue, struct ref_process *process, uint64_t place)
{
    queue->owner = process;
    ref_push(&process->queues, queue);
    queue->control = place;
    queue->ring = place + CAVERN_PAGE_SIZE;
    queue->bound = queue->tail; /* [MSG-BIND-6] */
    for (unsigned i = 0; i < 2; i++) {
        struct ref_mapping *mapping = ref_new(sizeof *mapping);
        mapping->address = i ? queue->ring : queue->control;
        mapping->length = i ? queue->blocks * CAVERN_BLOCK_SIZE * 2 : CAVERN_PAGE_SIZE;
        ref_push(&process->mappings, mapping);
    }
}

static void unmap_ring(struct ref_queue *queue)
{
    struct ref_list *mappings = &queue->owner->mappings;
    for (unsigned i = mappings->count; i--;) {
        struct ref_mapping *mapping = mappings->items[i];
        if (!mapping->buffer && (mapping->address == queue->ring || mapping->address == queue->control))
            ref_remove(mappings, mapping);
    }
}

/* Where the last message that was taken ends. [MSG-BIND-4] [MSG-BIND-6] */
static uint64_t cut(const struct ref_queue *queue)
{
    uint64_t taken = ref_lies(queue) ? queue->seen_taken : queue->taken;
    for (unsigned i = 0; i < queue->messages.count; i++) {
        const struct ref_message *message = queue->messages.items[i];
        if (message->position < taken && message->end > taken)
            return message->end;
    }
    return taken;
}

static void abandon_taken(struct ref_queue *queue, uint64_t taken)
{
    for (uint64_t i = 0; i < queue->slots; i++) {
        struct ref_request *request = queue->slot[i].request;
        if (request && (request->in_registers || request->position < taken))
            ref_abandon(request); /* [MSG-BIND-2] */
    }
}

/* Nobody can acknowledge it any more. [MSG-NOTICE-10] */
static bool source_is_gone(const struct ref_notice *notice)
{
    return notice->kind != CAVERN_KIND_CLOSED && notice->kind != CAVERN_KIND_FAULT && !notice->source->handles;
}

/* What was told and not acknowledged, and is in the ring no more, waits ahead of all others. [MSG-NOTICE-6] */
static void put_back_notices(struct ref_queue *queue)
{
    struct ref_list old = queue->delivered, waiting = queue->waiting;
    queue->delivered = queue->waiting = (struct ref_list){0};
    for (unsigned i = 0; i < old.count; i++) {
        struct ref_notice *notice = old.items[i];
        if (notice->message) {
            ref_push(&queue->delivered, notice);
            continue;
        }
        if (source_is_gone(notice))
            notice->count -= notice->told;
        notice->told = 0;
        notice->state = source_is_gone(notice) ? REF_IDLE : REF_WAITING;
        if (notice->state == REF_WAITING)
            ref_push(&queue->waiting, notice);
    }
    for (unsigned i = 0; i < waiting.count; i++)
        ref_push(&queue->waiting, waiting.items[i]);
}

static void end_subscriptions(const struct ref_queue *queue)
{
    for (unsigned i = 0; i < ref.senders.count; i++) { /* [MSG-SPACE-5] */
        struct ref_sender *sender = ref.senders.items[i];
        struct ref_notice *space = &sender->space;
        if (space->queue != queue)
            continue;
        ref_remove(&sender->queue->spaces, sender);
        if (space->at)
            ref_remove(&space->at->waiting, space);
        if (space->message)
            space->message->notice = NULL;
        ref_notice_end(space);
        sender->asks = false;
    }
}

void ref_unbind(struct ref_queue *queue)
{
    if (ref_lies(queue))
        ref_process_end(queue->owner, CAVERN_REASON_CONTROL_PAGE, 0);
    uint64_t taken = cut(queue), head = ref_lies(queue) ? queue->seen_head : queue->head;
    if (queue->receiver)
        ref_wake(queue->receiver, CAVERN_GONE); /* [MSG-RECEIVE-6] */
    unmap_ring(queue);
    ref_remove(&queue->owner->queues, queue);
    queue->owner = NULL;
    end_subscriptions(queue);
    abandon_taken(queue, taken);
    retire_until(queue, head < taken ? head : taken, false);
    retire_until(queue, taken, true);
    queue->retired = queue->head = queue->taken = queue->seen_head = queue->seen_taken = taken;
    put_back_notices(queue);
    for (unsigned i = 0; i < ref.requests.count;) { /* [MSG-BIND-5] */
        struct ref_request *request = ref.requests.items[i];
        if (request->reply_queue == queue)
            ref_cancel(request, CAVERN_OK);
        else
            i++;
    }
    ref_refill(queue);
}

/* The first counts. [PROC-HANDLER-7] */
static void lose_faults(const struct ref_list *notices)
{
    for (unsigned i = 0; i < notices->count; i++) {
        const struct ref_notice *notice = notices->items[i];
        if (notice->faulted)
            ref_fault_lost(notice->faulted);
    }
}

/* [MSG-QUEUE-3] */
void ref_queue_gone(struct ref_queue *queue)
{
    if (queue->owner)
        ref_unbind(queue);
    for (uint64_t i = 0; i < queue->slots; i++) {
        if (queue->slot[i].request)
            ref_abandon(queue->slot[i].request);
    }
    retire_until(queue, queue->tail, false);
    lose_faults(&queue->delivered);
    lose_faults(&queue->waiting);
    queue->waiting.count = queue->delivered.count = 0;
    for (unsigned i = 0; i < ref.notices.count; i++) { /* [MSG-QUEUE-5] */
        struct ref_notice *notice = ref.notices.items[i];
        if (notice->queue != queue)
            continue;
        if (notice->faulted)
            continue; /* its process ends */
        notice->queue = notice->at = NULL;
        notice->told = 0;
        notice->state = REF_IDLE;
        if (notice->line)
            notice->line->masked = true;
    }
    for (unsigned i = 0; i < ref.processes.count; i++) {
        struct ref_process *process = ref.processes.items[i];
        if (process->fault_queue == queue)
            process->fault_queue = NULL;
    }
    queue->spaces.count = 0;
    for (unsigned i = 0; i < ref.senders.count; i++) { /* [MSG-SPACE-6] */
        struct ref_sender *sender = ref.senders.items[i];
        if (sender->queue != queue || !sender->asks)
            continue;
        sender->asks = false;
        ref_tell(&sender->space);
    }
}
