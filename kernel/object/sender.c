/* SPDX-License-Identifier: BSD-2-Clause */
#include "object/sender.h"

#include <cavern/message.h>

#include "object/account.h"
#include "object/queue.h"

static void closed_finished(struct notice *notice)
{
    object_put(&container_of(notice, struct sender, closed)->object); /* taken when it was told */
}

static void space_finished(struct notice *notice)
{
    struct sender *sender = container_of(notice, struct sender, space);
    sender->asking = false;
    if (sender->queue && sender->queue->waited_for)
        queue_serve_later(sender->queue); /* those who did not fit together with it */
    object_put(&sender->object);          /* taken when it was asked */
}

enum cavern_status sender_create(struct queue *queue, uint64_t label, uint32_t messages, uint32_t requests, bool closed,
                                 struct account *account, struct sender **result)
{
    struct sender *sender = object_create(account, CLASS_SENDER);
    if (!sender)
        return CAVERN_NO_MEMORY;
    sender->queue = queue;
    sender->label = label;
    sender->message_limit = messages;
    sender->request_limit = requests;
    sender->tell_closed = closed;
    notice_init(&sender->closed, CAVERN_KIND_CLOSED, &sender->object);
    notice_init(&sender->space, CAVERN_KIND_SPACE, &sender->object);
    sender->closed.finished = closed_finished;
    sender->space.finished = space_finished;
    list_push_back(&queue->senders, &sender->of_queue);
    *result = sender;
    return CAVERN_OK;
}

bool sender_destroy(struct object *object)
{
    struct sender *sender = container_of(object, struct sender, object);
    notice_clear(&sender->closed);
    notice_clear(&sender->space);
    if (sender->queue)
        list_remove(&sender->of_queue);
    object_free(sender);
    return true;
}

/* No message of it can come after this one. */
void sender_handles_gone(struct object *object)
{
    struct sender *sender = container_of(object, struct sender, object);
    if (!sender->tell_closed || sender_is_gone(sender))
        return;
    object_get(&sender->object); /* until the notice is finished */
    notice_set(&sender->closed, sender->queue, sender->label);
    notice_fire(&sender->closed);
}

void sender_message_freed(struct sender *sender)
{
    sender->messages--;
    sender_credited(sender);
    object_put(&sender->object); /* the entry's */
}

SELDOM void sender_join(struct sender *sender)
{
    if (!tree_linked(&sender->of_spaces))
        tree_insert(&sender->queue->spaces, &sender->of_spaces, sender->ticket);
}

static void stop_waiting(struct sender *sender)
{
    struct queue *queue = sender->queue;
    if (tree_linked(&sender->of_spaces))
        tree_remove(&queue->spaces, &sender->of_spaces);
    sender->waits = false;
    queue->asking--;
}

void sender_tell_space(struct sender *sender)
{
    stop_waiting(sender);
    notice_fire(&sender->space);
}

void sender_detach(struct sender *sender)
{
    if (sender->waits)
        sender_tell_space(sender); /* it tries, and learns that the queue is gone */
    list_remove(&sender->of_queue);
    sender->queue = NULL;
}

bool sender_is_at_limits(const struct sender *sender, uint64_t blocks, uint32_t requests)
{
    return (blocks && sender->messages >= sender->message_limit) ||
           (requests && (sender->request_limit < requests || sender->requests > sender->request_limit - requests));
}

bool sender_would_accept(const struct sender *sender, uint64_t blocks, uint32_t requests)
{
    const struct queue *queue = sender->queue;
    return !sender_is_at_limits(sender, blocks, requests) && (!blocks || ring_room(&queue->ring, blocks)) &&
           (!requests || request_table_free(&queue->requests) >= requests);
}

void sender_ask_space(struct sender *sender, uint32_t blocks, uint32_t requests, struct queue *to, uint64_t label)
{
    object_get(&sender->object); /* until the notice is finished or forgotten */
    sender->asking = sender->waits = true;
    sender->ticket = sender->queue->tickets++;
    sender->queue->asking++;
    sender->space_blocks = blocks;
    sender->space_requests = requests;
    sender->space.count = 0;
    notice_set(&sender->space, to, label);
    sender_credited(sender);
}

void sender_forget_space(struct sender *sender)
{
    if (sender->waits) {
        stop_waiting(sender);
        queue_update_waiters(sender->queue);
    }
    notice_clear(&sender->space); /* finishes it if it was told */
    if (sender->asking)
        space_finished(&sender->space);
}
