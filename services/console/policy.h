/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One byte stream between a person and several clients. Pure.
 *
 *   writes ─ "\n" as "\r\n" ─┐
 *                            ├─> output ──> STREAM_WRITE          a write is answered when the device has taken it
 *   echo <── line <── STREAM_READ
 *             │
 *             └─> finished lines ──> the read that was asked last
 *
 * Events come in by the functions below; after each, console_next_effect says what is to be done, until nothing is.
 * Of each request to the device one is under way. One that ended badly is made again: at once when it was abandoned,
 * else after a pause; when the device is gone it is found anew. spec/services/console.md.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <cavern/protocol/console.h>
#include <cavern/protocol/stream.h>
#include <cavern/status.h>

#include "line.h"

enum {
    CONSOLE_OUTPUT = 32768, /* bytes; a power of two */
    CONSOLE_ECHO = 4096,    /* bytes of them that writes leave to the echo */
    CONSOLE_INPUT = 4096,   /* bytes of finished lines; a power of two */
    CONSOLE_WAITERS = 64,   /* writes and flushes that are not answered */
    CONSOLE_ASKERS = 32,    /* clients that read, and clients that watch */
    CONSOLE_ANSWERS = 2 * CONSOLE_ASKERS + 2,
};

enum console_effect_kind {
    CONSOLE_EFFECT_NONE,
    CONSOLE_EFFECT_REPLY, /* status to request */
    CONSOLE_EFFECT_OPEN,  /* a sender for one more client to request */
    CONSOLE_EFFECT_LINE,  /* line to request: line.reply.value bytes of text; then console_given */
    CONSOLE_EFFECT_FIND,  /* ask the registry for the device; from here on: then console_device_ended */
    CONSOLE_EFFECT_WRITE, /* STREAM_WRITE data: data.request.value bytes */
    CONSOLE_EFFECT_READ,  /* STREAM_READ data.request: data.request.value bytes at most */
    CONSOLE_EFFECT_FLUSH, /* STREAM_FLUSH */
    CONSOLE_EFFECT_KINDS,
};

struct console_effect {
    enum console_effect_kind kind;
    uint32_t request;
    enum cavern_status status;
    union {
        struct console_text line;
        struct stream_data data;
    };
};

struct console_answer {
    enum console_effect_kind kind; /* REPLY or OPEN */
    uint32_t request;
    enum cavern_status status;
};

struct console_waiter {
    uint32_t request;
    bool flush;   /* wants it out of the device too */
    uint64_t end; /* of the output, when it came */
};

struct console_asker {
    uint64_t label;
    uint32_t request;
};

struct console_askers {
    struct console_asker list[CONSOLE_ASKERS]; /* one a client, in the order of asking */
    unsigned count;
};

enum console_asked { CONSOLE_IDLE, CONSOLE_UNDER_WAY, CONSOLE_PAUSED };

/* Zeroed: as it starts. Positions count bytes. */
struct console {
    struct line line;

    uint8_t output[CONSOLE_OUTPUT];
    uint64_t written;
    uint64_t sent;      /* the device has answered for what is before */
    uint32_t in_flight; /* bytes from `sent` on in the write that is under way */
    uint64_t flushing;  /* end of what the flush under way is about */
    uint64_t flushed;   /* what is before has left the device */

    char input[CONSOLE_INPUT]; /* line by line, each with its ending */
    uint64_t typed;
    uint64_t read;

    struct console_waiter waiters[CONSOLE_WAITERS]; /* in order of `end` */
    unsigned waiter_count;
    struct console_askers readers;
    struct console_askers watchers;
    struct console_answer answers[CONSOLE_ANSWERS]; /* that are due */
    unsigned answer_count;

    bool found;                                     /* the device */
    enum console_asked asked[CONSOLE_EFFECT_KINDS]; /* FIND to FLUSH */
};

/* A request of the client with this label. payload: `size` bytes, at least a struct rpc_request. */
void console_request(struct console *console, uint64_t label, uint32_t request, const void *payload, unsigned size);
/* No client has this label any more. */
void console_closed(struct console *console, uint64_t label);

/* The line of the last effect was taken; false: nobody waited for it, so it goes to the next one who asks. */
void console_given(struct console *console, bool taken);

/* FIND to FLUSH has ended: `status` is ABANDONED, or why it could not be asked, or OK; then `reply` has `size` bytes.
 */
void console_device_ended(struct console *console, enum console_effect_kind what, enum cavern_status status,
                          const void *reply, unsigned size);

/* Something is to be tried again after a pause: then console_pause_ended. */
bool console_paused(const struct console *console);
void console_pause_ended(struct console *console);

void console_next_effect(struct console *console, struct console_effect *effect);

bool console_invariants(const struct console *console);
