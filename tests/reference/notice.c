/* SPDX-License-Identifier: BSD-2-Clause */
/* Notices, and grants on their way. spec/messages.md. */
#include <string.h>

#include "reference.h"

void ref_notice_init(struct ref_notice *notice, enum cavern_kind kind, struct ref_object *source)
{
    notice->kind = kind;
    notice->source = source;
    ref_push(&ref.notices, notice);
}

void ref_notice_end(struct ref_notice *notice)
{
    *notice = (struct ref_notice){.kind = notice->kind, .source = notice->source};
}

/* --- telling --- */

static unsigned words_of(struct ref_notice *notice)
{
    switch (notice->kind) {
    case CAVERN_KIND_EXIT:
    case CAVERN_KIND_FAULT:
        return 5;
    case CAVERN_KIND_INTERRUPT: /* [DEV-IRQ-4] */
        notice->words[1] = notice->count;
        return 2;
    case CAVERN_KIND_SIGNAL:
        notice->words[0] = notice->count;
        return 1;
    default:
        return 0;
    }
}

/* The message that tells it; from now on it counts as told. */
struct ref_message *ref_notice_message(struct ref_notice *notice)
{
    struct ref_message *message = ref_new(sizeof *message);
    unsigned words = words_of(notice);
    message->header.kind = (uint8_t)notice->kind;
    message->header.size = (uint16_t)(8 * words);
    message->header.label = notice->label; /* [MSG-NOTICE-2] */
    message->payload = ref_new(8 * CAVERN_WORDS);
    memcpy(message->payload, notice->words, 8 * words);
    message->notice = notice;
    notice->state = REF_DELIVERED;
    notice->told = notice->count;
    notice->at = notice->queue;
    if (notice->kind != CAVERN_KIND_SPACE)
        ref_push(&notice->at->delivered, notice);
    return message;
}

static bool in_registers(const struct ref_notice *notice)
{
    return notice->queue->receiver && notice->kind != CAVERN_KIND_SPACE && notice->kind != CAVERN_KIND_CLOSED;
}

void ref_tell(struct ref_notice *notice)
{
    struct ref_queue *queue = notice->queue;
    if (in_registers(notice) || (!queue->waiting.count && ref_fits(queue, 1))) {
        ref_deliver(queue, ref_notice_message(notice));
        return;
    }
    notice->state = REF_WAITING;
    notice->at = queue;
    ref_push(&queue->waiting, notice);
}

void ref_fire(struct ref_notice *notice)
{
    notice->count++;
    if (notice->state == REF_IDLE && notice->queue) /* [MSG-NOTICE-3] [MSG-NOTICE-5] */
        ref_tell(notice);
}

/* What has been told is done with. */
static void forget_told(struct ref_notice *notice)
{
    if (notice->message)
        notice->message->notice = NULL;
    notice->message = NULL;
    ref_remove(&notice->at->delivered, notice);
    notice->count -= notice->told;
    notice->told = 0;
}

/* [MSG-NOTICE-4] [MSG-NOTICE-9] */
void ref_direct(struct ref_notice *notice, struct ref_queue *queue, uint64_t label)
{
    if (notice->state == REF_WAITING)
        ref_remove(&notice->at->waiting, notice);
    if (notice->state == REF_DELIVERED)
        forget_told(notice);
    notice->state = REF_IDLE;
    notice->at = NULL;
    notice->queue = queue;
    notice->label = label;
    if (notice->count && queue)
        ref_tell(notice);
}

void ref_acknowledge(struct ref_notice *notice)
{
    if (notice->state != REF_DELIVERED)
        return; /* [MSG-NOTICE-8] */
    forget_told(notice);
    notice->state = REF_IDLE;
    notice->at = NULL;
    if (notice->count && notice->queue)
        ref_tell(notice);
}

/* --- senders and grants --- */

/* [MSG-CLOSED-1] */
void ref_sender_gone(struct ref_sender *sender)
{
    if (sender->tells_closed && !sender->queue->object.gone)
        ref_fire(&sender->closed);
}

void ref_drop_grants(struct ref_message *message)
{
    for (unsigned i = 0; i < message->grants; i++) {
        if (message->grant[i].waits) {
            message->grant[i].waits = false;
            ref_put(message->grant[i].object);
        }
    }
}

/* --- calls --- */

static struct ref_notice *source(struct ref_thread *thread, uint64_t handle, struct ref_interrupt **line)
{
    uint16_t rights = 0;
    struct ref_object *object = ref_find(thread, handle, &rights);
    uint16_t needed = CAVERN_RIGHT_MANAGE;
    *line = NULL;
    struct ref_notice *notice = NULL;
    if (object && object->type == CAVERN_TYPE_PROCESS)
        notice = &((struct ref_process *)object)->exit;
    else if (object && object->type == CAVERN_TYPE_THREAD)
        notice = &((struct ref_thread *)object)->exit;
    else if (object && object->type == CAVERN_TYPE_SIGNAL)
        notice = &((struct ref_signal *)object)->notice;
    else if (object && object->type == CAVERN_TYPE_MACHINE) {
        notice = &((struct ref_machine *)object)->notice;
        needed = CAVERN_RIGHT_LOG;
    } else if (object && object->type == CAVERN_TYPE_INTERRUPT) {
        *line = (struct ref_interrupt *)object;
        notice = &(*line)->notice;
        ref_wrong((*line)->range, CAVERN_BAD_ARGUMENT); /* [DEV-IRQ-6] */
    }
    ref_wrong(!notice, CAVERN_BAD_HANDLE);
    ref_wrong(notice && !(rights & needed), CAVERN_DENIED);
    return notice;
}

void ref_notify(struct ref_thread *thread, const uint64_t x[16])
{
    struct ref_interrupt *line;
    struct ref_notice *notice = source(thread, x[0], &line);
    struct ref_queue *queue = NULL;
    if (x[3])
        queue = ref_need(thread, x[3], CAVERN_TYPE_QUEUE, CAVERN_RIGHT_RECEIVE);
    ref_wrong(line && x[4], CAVERN_BAD_ARGUMENT); /* [DEV-IRQ-8]: there is one CPU */
    bool faults = notice && notice->source->type == CAVERN_TYPE_PROCESS && x[4] == CAVERN_NOTIFY_FAULT;
    ref_wrong(notice && notice->kind == CAVERN_KIND_EXIT && x[4] && !faults, CAVERN_BAD_ARGUMENT);
    ref_wrong(faults && queue && queue->owner && &queue->owner->object == notice->source,
              CAVERN_BAD_ARGUMENT); /* [PROC-HANDLER-2] */
    bool exit = notice && notice->source->type == CAVERN_TYPE_PROCESS && !faults;
    ref_wrong(exit && notice->queue && notice->queue->owner && notice->queue->owner != thread->process,
              CAVERN_DENIED); /* [PROC-END-6] */
    if (ref_failed() || !notice)
        return;
    if (faults) {
        ((struct ref_process *)notice->source)->fault_queue = queue;
        ((struct ref_process *)notice->source)->fault_label = x[2];
        return;
    }
    ref_direct(notice, queue, x[2]);
    if (line)
        line->masked = !queue || notice->state != REF_IDLE; /* [DEV-IRQ-3] */
}

void ref_acknowledge_call(struct ref_thread *thread, const uint64_t x[16])
{
    struct ref_interrupt *line;
    struct ref_notice *notice = source(thread, x[0], &line);
    if (ref_failed() || !notice)
        return;
    ref_acknowledge(notice);
    if (notice->source->type == CAVERN_TYPE_THREAD)
        ref_fault_done((struct ref_thread *)notice->source); /* [PROC-HANDLER-4] */
    if (line && notice->queue && notice->state == REF_IDLE)
        line->masked = false;
}

void ref_signal_create(struct ref_thread *thread, const uint64_t x[16])
{
    ref_need(thread, x[0], CAVERN_TYPE_ACCOUNT, CAVERN_RIGHT_CHARGE);
    if (ref_failed())
        return;
    struct ref_signal *signal = ref_new(sizeof *signal);
    signal->object.type = CAVERN_TYPE_SIGNAL;
    ref_notice_init(&signal->notice, CAVERN_KIND_SIGNAL, &signal->object);
    ref_out(thread, 1, ref_insert(thread->process, &signal->object, CAVERN_RIGHTS_ALL));
}

void ref_signal_raise(struct ref_thread *thread, const uint64_t x[16])
{
    struct ref_signal *signal = ref_need(thread, x[0], CAVERN_TYPE_SIGNAL, CAVERN_RIGHT_RAISE);
    if (!ref_failed() && signal)
        ref_fire(&signal->notice);
}
