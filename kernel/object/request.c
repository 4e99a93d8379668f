/* SPDX-License-Identifier: BSD-2-Clause */
#include "object/request.h"

#include "object/attachment.h"
#include "object/message.h"
#include "object/sender.h"

/* Pending records stand beside the slots, one each. */
static struct pending *pending_of(const struct queue *server, uint32_t id)
{
    uint32_t slot = (id & 0xffff) - 1;
    return paged_at(&server->pending, slot * sizeof(struct pending));
}

struct pending *request_lookup(const struct queue *server, uint32_t id)
{
    return request_find(&server->requests, id) == REQUEST_NONE ? NULL : pending_of(server, id);
}

struct pending *request_open(struct queue *server)
{
    uint32_t id;
    if (!request_take(&server->requests, &id))
        __builtin_unreachable(); /* the caller has looked */
    struct pending *pending = pending_of(server, id);
    *pending = (struct pending){.server = server, .id = id};
    list_init(&pending->of_reply);
    return pending;
}

void request_close(struct pending *pending)
{
    struct queue *server = pending->server;
    list_remove(&pending->of_reply);
    if (pending->leases)
        leases_free(pending->leases);
    sender_request_ended(pending->sender);
    if (!request_release(&server->requests, pending->id))
        __builtin_unreachable(); /* it is pending */
    queue_refill(server);        /* a slot is free */
}

void request_abandon(struct pending *pending)
{
    if (pending->caller) {
        struct thread *caller = pending->caller;
        request_close(pending);
        message_wake(caller, CAVERN_ABANDONED);
        return;
    }
    struct cavern_header header = {.kind = CAVERN_KIND_ABANDONED, .trace = pending->trace, .label = pending->token};
    request_ended(pending, &header, (uint64_t[CAVERN_WORDS]){0});
}

void request_ended(struct pending *pending, const struct cavern_header *header, const uint64_t words[CAVERN_WORDS])
{
    struct queue *reply = pending->reply;
    if (reply->receiver) {
        ring_unreserve(&reply->ring, pending->blocks);
        message_to_receiver(reply, header, words, false);
    } else {
        queue_write(reply, reply->ring.tail, sizeof *header, words, header->size);
        queue_publish(reply, header, ring_blocks(header->size, 0, 0), pending->blocks);
    }
    request_close(pending);
    queue_refill(reply); /* what the ending did not use */
}

void request_cancel(struct pending *pending)
{
    struct queue *reply = pending->reply;
    if (reply)
        ring_unreserve(&reply->ring, pending->blocks);
    request_close(pending);
    if (reply)
        queue_refill(reply);
}
