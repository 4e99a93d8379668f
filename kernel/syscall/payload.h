/* SPDX-License-Identifier: BSD-2-Clause */
/* The message of a call: decoding, and copying it from the caller's memory to where it goes. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <cavern/message.h>
#include <cavern/status.h>

#include "syscall/dispatch.h"

struct buffer;
struct grants;
struct leases;
struct queue;
struct thread;

struct payload {
    uint16_t size;
    uint8_t leases;
    uint8_t grants;
    uint32_t trace;
    bool in_registers; /* at most five words, nothing attached: `words`, those beyond `size` 0 */
    uint64_t words[CAVERN_WORDS];
    uint64_t address; /* else: in the caller's memory */
    uint32_t blocks;  /* that it takes in a ring */
};

/* The kernel's side of what is attached. */
struct attachments {
    struct leases *leases;
    struct grants *grants;
};

/* Where a message is copied to. */
struct sink {
    struct queue *queue;         /* unpublished, behind the header of the message at the ring's tail */
    const struct buffer *buffer; /* or, when queue is NULL: from here on */
    uint64_t offset;
};

enum cavern_status payload_decode(struct payload *payload, uint64_t info, const uint64_t words[CAVERN_WORDS],
                                  bool may_lease) CAVERN_MUST_CHECK;
/* Bytes of payload, padding and attachment records. */
uint64_t payload_bytes(const struct payload *payload);
/* Looks up what is attached and makes the kernel's side of it, charged to the caller. All or nothing. */
sys_outcome payload_attach(struct thread *caller, const struct payload *payload,
                           struct attachments *attachments) CAVERN_MUST_CHECK;
void payload_detach(struct attachments *attachments);
/* Copies bytes of the caller's memory. */
sys_outcome payload_move(struct thread *caller, uint64_t address, uint64_t size,
                         const struct sink *sink) CAVERN_MUST_CHECK;
/* Copies payload and attachment records (as the receiver is to see them). */
sys_outcome payload_copy(struct thread *caller, const struct payload *payload, const struct attachments *attachments,
                         const struct sink *sink) CAVERN_MUST_CHECK;
/* Writes the record of one grant again. */
void payload_write_record(const struct payload *payload, unsigned grant, const struct cavern_grant *record,
                          const struct sink *sink);
