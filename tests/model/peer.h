/* SPDX-License-Identifier: BSD-2-Clause */
/* Processes that exchange messages, for tests: one thread, one queue, some memory each; calls by register. */
#pragma once

#include "model.h"

struct peer {
    struct thread *thread;
    struct process *process;
    cavern_handle queue;
    uint64_t ring;    /* address */
    uint64_t control; /* address */
    uint64_t memory;  /* address of PEER_MEMORY bytes */
    uint64_t x[16];   /* registers after the last call */
};

#define PEER_MEMORY 0x10000

struct taken {
    struct cavern_header header;
    uint64_t position;
    uint8_t body[CAVERN_PAYLOAD_MAX + 8 * 16]; /* payload, padding, attachment records */
};

/* A process charged to a sub-account of its own, with a queue bound to it (blocks 0: none). */
void peer_start(struct peer *peer, const char *name, uint8_t priority, uint64_t blocks, uint64_t slots);
/* Binds `queue` of another peer, which must be bound to none, to this one. */
void peer_adopt(struct peer *peer, const struct peer *predecessor);

/* peer_call(&p, SEND, [0] = sender, [1] = CAVERN_INFO(8, 0, 0, 0, 0), [3] = 1): x0, or MODEL_WAITS. */
#define peer_call(peer, call, ...) peer_call_registers(peer, CAVERN_CALL_##call, (uint64_t[16]){__VA_ARGS__})
uint64_t peer_call_registers(struct peer *peer, enum cavern_call call, const uint64_t x[16]);
/* Registers of a peer that waited: x0. */
uint64_t peer_woken(struct peer *peer);
bool peer_waits(const struct peer *peer);

/* A sender to `to`'s queue in `from`'s table, with all rights. */
cavern_handle peer_sender(struct peer *from, struct peer *to, uint64_t label, uint32_t messages, uint32_t requests,
                          uint64_t flags);

struct cavern_control *peer_control(const struct peer *peer);
/* Takes the next message of the ring; false: none. Frees nothing. */
bool peer_take(struct peer *peer, struct taken *taken);
/* Frees all that was taken. */
void peer_free(struct peer *peer);

/* The kernel's objects behind handles. */
struct queue *peer_queue(const struct peer *peer);
void peer_write(struct peer *peer, uint64_t offset, const void *from, size_t size);
void peer_read(const struct peer *peer, uint64_t offset, void *to, size_t size);
/* Ends the process and lets the job run. */
void peer_end(struct peer *peer);
