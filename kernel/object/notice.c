/* SPDX-License-Identifier: BSD-2-Clause */
#include "object/notice.h"

#include <cavern/message.h>

#include "object/message.h"
#include "object/object.h"
#include "object/queue.h"
#include "object/scheduler.h"
#include "object/thread.h"

/* Words of payload, by kind. */
static const uint8_t word_counts[] = {
    [CAVERN_KIND_EXIT] = 5,   [CAVERN_KIND_FAULT] = 5, [CAVERN_KIND_INTERRUPT] = 2,
    [CAVERN_KIND_SIGNAL] = 1, [CAVERN_KIND_SPACE] = 0, [CAVERN_KIND_CLOSED] = 0,
};

void notice_init(struct notice *notice, uint8_t kind, struct object *owner)
{
    *notice = (struct notice){.kind = kind, .owner = owner, .position = NOTICE_TAKEN};
    list_init(&notice->link);
    list_init(&notice->of_small);
    list_init(&notice->of_queue);
}

static struct cavern_header header_of(const struct notice *notice)
{
    return (struct cavern_header){
        .size = (uint16_t)(word_counts[notice->kind] * sizeof(uint64_t)),
        .kind = notice->kind,
        .label = notice->label,
    };
}

/*
 * Last of those that wait, or first. It holds its source meanwhile: what has happened is told even if nobody else wants
 * the source any more.
 */
static void to_waiting(struct notice *notice, void (*push)(struct list *list, struct list *node))
{
    struct queue *queue = notice->queue;
    object_get(notice->owner);
    notice->state = NOTICE_WAITING;
    push(&queue->waiting, &notice->link);
    if (!notice->finished)
        push(&queue->small, &notice->of_small);
}

static void leave_waiting(struct notice *notice)
{
    if (notice->state != NOTICE_WAITING)
        return;
    if (list_linked(&notice->of_small))
        list_remove(&notice->of_small);
    object_put(notice->owner); /* to_waiting */
}

static void told(struct notice *notice, uint64_t position)
{
    leave_waiting(notice);
    if (list_linked(&notice->link))
        list_remove(&notice->link);
    notice_sent(notice, position);
}

static void set_count(struct notice *notice)
{
    if (notice->count_word)
        notice->words[notice->count_word - 1] = notice->count;
}

bool notice_deliver(struct notice *notice)
{
    struct queue *queue = notice->queue;
    struct cavern_header header = header_of(notice);
    uint32_t blocks = ring_blocks(header.size, 0, 0);
    if (!ring_room(&queue->ring, blocks))
        return false;
    set_count(notice);
    uint64_t position = queue->ring.tail;
    queue_write(queue, position, sizeof header, notice->words, header.size);
    queue_publish(queue, &header, blocks, 0, false)->notice = notice;
    told(notice, position);
    return true;
}

void notice_deliver_registers(struct notice *notice, struct thread *thread)
{
    struct cavern_header header = header_of(notice);
    set_count(notice);
    message_to_registers(thread, CAVERN_OK, &header, notice->words);
    told(notice, NOTICE_TAKEN);
}

static void tell(struct notice *notice)
{
    struct queue *queue = notice->queue;
    if (queue->receiver && !notice->finished) {
        struct cavern_header header = header_of(notice);
        set_count(notice);
        message_to_receiver(queue, &header, notice->words, false);
        told(notice, NOTICE_TAKEN);
        return;
    }
    to_waiting(notice, list_push_back);
    queue_tell_waiting(queue);
    if (notice->state == NOTICE_WAITING)
        queue_serve_later(queue); /* its owner may have freed some, and not have been asked to say so */
}

/* The source has been let go, and is about to be destroyed. */
static bool is_dying(const struct notice *notice)
{
    return !notice->owner->references;
}

void notice_fire(struct notice *notice)
{
    notice->count++;
    if (notice->queue && notice->state == NOTICE_IDLE && !is_dying(notice))
        tell(notice);
}

void notice_return(struct notice *notice)
{
    list_remove(&notice->link);
    notice->state = NOTICE_IDLE;
    bool by_handle = notice->kind == CAVERN_KIND_EXIT || notice->kind == CAVERN_KIND_SIGNAL;
    if (is_dying(notice) || (by_handle && !notice->owner->handles))
        return;                                                                      /* nobody could acknowledge it */
    notice->count += notice->count_word ? notice->words[notice->count_word - 1] : 1; /* told in vain */
    to_waiting(notice, list_push_front);
}

/* Its message, if it still stands in the ring, tells of nothing any more. */
static void forget_message(struct notice *notice)
{
    if (notice->state == NOTICE_DELIVERED && notice->position != NOTICE_TAKEN)
        queue_entry(notice->queue, notice->position)->notice = NULL;
    notice->position = NOTICE_TAKEN;
}

static void to_idle(struct notice *notice)
{
    if (list_linked(&notice->link))
        list_remove(&notice->link);
    leave_waiting(notice);
    notice->position = NOTICE_TAKEN;
    bool finish = notice->state != NOTICE_IDLE && notice->finished;
    notice->state = NOTICE_IDLE;
    if (finish)
        notice->finished(notice);
}

void notice_acknowledge(struct notice *notice)
{
    if (notice->state != NOTICE_DELIVERED)
        return;
    forget_message(notice);
    to_idle(notice);
    if (notice->count)
        tell(notice);
}

void notice_message_freed(struct notice *notice, bool lost)
{
    notice->position = NOTICE_TAKEN;
    /* A `closed` that nobody dealt with is told again; room is no longer wanted by who is gone. */
    if (notice->finished && !(lost && notice->kind == CAVERN_KIND_CLOSED))
        to_idle(notice);
}

void notice_clear(struct notice *notice)
{
    if (!notice->queue)
        return;
    struct queue *queue = notice->queue;
    bool waited = notice->state == NOTICE_WAITING;
    forget_message(notice);
    list_remove(&notice->of_queue);
    notice->queue = NULL;
    to_idle(notice);
    if (waited)
        queue_update_waiters(queue);
}

void notice_set(struct notice *notice, struct queue *queue, uint64_t label)
{
    notice_clear(notice);
    if (!queue)
        return;
    notice_join(notice, queue, label);
    if (notice->count)
        tell(notice);
}
