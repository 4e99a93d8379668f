/* SPDX-License-Identifier: BSD-2-Clause */
/* Messages, and the memory of a queue that its owner sees. spec/messages.md. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <cavern/handle.h>

#define CAVERN_BLOCK_SIZE 64
#define CAVERN_PAYLOAD_MAX 16384
#define CAVERN_ATTACHMENTS_MAX 4 /* leases, and grants, each */
#define CAVERN_WORDS 5           /* words of payload that travel in registers */
#define CAVERN_QUEUE_BLOCKS_MIN 64
#define CAVERN_QUEUE_BLOCKS_MAX 32768
#define CAVERN_QUEUE_SLOTS_MAX 16384

enum cavern_kind {
    CAVERN_KIND_MESSAGE = 1,
    CAVERN_KIND_REQUEST,
    CAVERN_KIND_REPLY,
    CAVERN_KIND_ABANDONED,
    CAVERN_KIND_EXIT,
    CAVERN_KIND_FAULT,
    CAVERN_KIND_INTERRUPT,
    CAVERN_KIND_SIGNAL,
    CAVERN_KIND_SPACE,
    CAVERN_KIND_CLOSED,
};

/* At the start of each message in the ring; the first three words that `receive` returns in registers. */
struct cavern_header {
    uint16_t size;    /* bytes of payload */
    uint8_t kind;     /* enum cavern_kind */
    uint8_t attached; /* leases in bits 0-3, grants in bits 4-7 */
    uint32_t sender;  /* process id: for logs, never for authority */
    uint32_t request; /* id of the pending request, 0 for none */
    uint32_t trace;   /* as the sender gave it */
    uint64_t label;   /* of the sender; for endings the token, for notices that of the subscription */
};

/* After the payload, padded to 8: first the leases, then the grants. */
struct cavern_lease {
    uint64_t address;     /* in the lender; reads as 0 in the ring */
    uint64_t length : 56; /* bytes */
    uint64_t rights : 8;  /* CAVERN_LEASE_* */
};

#define CAVERN_LEASE_READ 1  /* the borrower may read */
#define CAVERN_LEASE_WRITE 2 /* the borrower may write */

struct cavern_grant {
    cavern_handle handle; /* of the sender; reads as the object's type in the ring */
    uint64_t rights;
};

/* The first register of a message in a system call. */
#define CAVERN_INFO(size, operation, leases, grants, trace)                                                            \
    ((uint64_t)(size) | (uint64_t)(operation) << 16 | (uint64_t)(leases) << 24 | (uint64_t)(grants) << 28 |            \
     (uint64_t)(trace) << 32)

/* The one page that the owner of a queue can write. Positions count blocks since the queue was made. */
struct cavern_control {
    uint64_t head;  /* owner: blocks before this are free */
    uint64_t taken; /* owner: blocks before this have been taken */
    uint64_t pad0[6];
    uint64_t tail;    /* kernel: blocks before this hold messages */
    uint64_t waiters; /* kernel: not 0 while someone waits for room */
    uint64_t bound;   /* kernel: tail when this process was bound */
    uint64_t blocks;  /* kernel: capacity */
    uint64_t pad1[4];
};

_Static_assert(sizeof(struct cavern_header) == 24, "header");
_Static_assert(offsetof(struct cavern_header, attached) == 3, "header.attached");
_Static_assert(offsetof(struct cavern_header, request) == 8, "header.request");
_Static_assert(offsetof(struct cavern_header, label) == 16, "header.label");
_Static_assert(sizeof(struct cavern_lease) == 16 && sizeof(struct cavern_grant) == 16, "attachments");
_Static_assert(offsetof(struct cavern_control, tail) == 64 && sizeof(struct cavern_control) == 128, "control page");

/* Deadlines: nanoseconds of the generic timer. */
#define CAVERN_POLL ((uint64_t)0)
#define CAVERN_FOREVER (~(uint64_t)0)

/* sender_mint flags. */
#define CAVERN_MINT_CLOSED 1 /* tell the queue when no handle of this sender is left */
