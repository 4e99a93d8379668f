/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sending: messages, requests, replies, calls. Up to 40 bytes without attachments go in registers; of the rest the
 * kernel reads one contiguous body, which is put together on the stack where the caller's payload is not that already
 * (aligned to 8, nothing attached). spec/messages.md.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <cavern/message.h>
#include <cavern/queue.h>
#include <cavern/status.h>

struct cavern_outgoing {
    const void *payload;
    uint32_t size; /* bytes, at most CAVERN_PAYLOAD_MAX */
    uint32_t trace;
    const struct cavern_lease *leases; /* requests and calls only */
    const struct cavern_grant *grants;
    uint8_t lease_count;
    uint8_t grant_count;
};

/* One-way; never blocks. QUEUE_FULL, TOO_LARGE, GONE. */
enum cavern_status cavern_send(cavern_handle sender, const struct cavern_outgoing *out) CAVERN_MUST_CHECK;

/*
 * A request whose one ending comes to `queue` as a message with label `token`; it may take `blocks` there
 * (cavern_blocks of the longest reply). *id is for cavern_cancel; it may be NULL.
 */
enum cavern_status cavern_request(cavern_handle sender, uint64_t token, const struct cavern_outgoing *out,
                                  const struct cavern_queue *queue, unsigned blocks, uint32_t *id) CAVERN_MUST_CHECK;

/* OK: no ending will come. TOO_LATE: it is in the queue already. */
enum cavern_status cavern_cancel(cavern_handle sender, uint32_t id) CAVERN_MUST_CHECK;

/* CANCELLED: nobody waits for it any more. TOO_LARGE: it is pending still. */
enum cavern_status cavern_reply(const struct cavern_queue *queue, uint32_t request,
                                const struct cavern_outgoing *out) CAVERN_MUST_CHECK;

/* Replies, and waits for the next message in the same entry. A reply that is CANCELLED is no error. */
enum cavern_status cavern_reply_receive(struct cavern_queue *queue, uint32_t request, const struct cavern_outgoing *out,
                                        uint64_t deadline, struct cavern_message *message) CAVERN_MUST_CHECK;

/* Ends a request without a reply. Harmless when it has ended already. */
void cavern_drop(const struct cavern_queue *queue, uint32_t request);

/* False: the request has had its ending, or was cancelled. */
bool cavern_request_waits(const struct cavern_queue *queue, uint32_t request);

/* Asks for one `space` notice with `label`: a message of so many blocks, and so many requests, would be accepted. */
enum cavern_status cavern_space(cavern_handle sender, uint64_t label, unsigned blocks, unsigned requests,
                                const struct cavern_queue *queue) CAVERN_MUST_CHECK;

struct cavern_answer {
    void *buffer;      /* gets the payload */
    uint32_t capacity; /* bytes of it */
    uint8_t places;    /* in: grants that are welcome; out: in `grants` */
    struct cavern_header header;
    /* Accepted: handles of this process, 0 for one that its account can't pay. */
    struct cavern_grant grants[CAVERN_ATTACHMENTS_MAX];
};

/*
 * A request and the wait for its answer. header.size tells how long the answer is; of one in registers (up to 40 bytes)
 * that is longer than the buffer the rest is lost. TIMEOUT (then cancelled), ABANDONED, QUEUE_FULL, TOO_LARGE, GONE.
 */
enum cavern_status cavern_call(cavern_handle sender, const struct cavern_outgoing *out, uint64_t deadline,
                               struct cavern_answer *answer) CAVERN_MUST_CHECK;
