/* SPDX-License-Identifier: BSD-2-Clause */
#include "object/request.h"

#include "object/message.h"

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
        queue_publish(reply, header, ring_blocks(header->size, 0, 0), pending->blocks, false);
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
