/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A UART's two byte queues, and who waits for them. Pure.
 *
 *   write -> output queue -> device     a write is answered once no more than UART_AHEAD bytes are queued up to its end
 *   device -> input queue -> the reader the last one to ask, answered with what is there as soon as something is
 *
 * Full queues push back: a write that finds no room is BUSY, and the device is not read while the input queue is full.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <cavern/protocol/stream.h>
#include <cavern/status.h>

enum {
    UART_OUTPUT = 16384, /* bytes; a power of two */
    UART_INPUT = 4096,   /* bytes; a power of two */
    UART_AHEAD = 1024,   /* bytes that may wait for the device when a write is answered */
    UART_WAITERS = 32,   /* writes and flushes that are not answered */
};

struct uart_waiter {
    uint32_t request;
    bool flush;   /* wants all of it out */
    uint64_t end; /* of the output, when it came */
};

/* Zeroed: as after a reset. Positions count bytes. */
struct uart {
    uint8_t output[UART_OUTPUT];
    uint64_t written;
    uint64_t sent;
    uint8_t input[UART_INPUT];
    uint64_t received;
    uint64_t read;
    struct uart_waiter waiters[UART_WAITERS]; /* in order of `end` */
    unsigned waiter_count;
    uint32_t reader; /* request id; 0: none */
    uint32_t reader_most;
    uint64_t overruns; /* characters that the device lost */
};

enum uart_effect_kind {
    UART_EFFECT_NONE,
    UART_EFFECT_REPLY, /* status and value to request */
    UART_EFFECT_DATA,  /* data to request: reply.value bytes */
};

struct uart_effect {
    enum uart_effect_kind kind;
    uint32_t request;
    enum cavern_status status;
    uint32_t value;
    struct stream_data data;
};

/* A request; at most one effect. payload: `size` bytes. */
void uart_request(struct uart *uart, uint32_t request, const void *payload, unsigned size, struct uart_effect *effect);

/* The next byte for the device; false: none. */
bool uart_take_output(struct uart *uart, uint8_t *byte);
/* A byte from the device; there is room. `overrun`: the device lost at least one before it. */
void uart_put_input(struct uart *uart, uint8_t byte, bool overrun);

/* The `count` bytes of the last DATA, since when no byte came from the device, reached nobody: they wait again. */
void uart_return_input(struct uart *uart, uint32_t count);

static inline bool uart_has_output(const struct uart *uart)
{
    return uart->sent < uart->written;
}

static inline bool uart_has_room(const struct uart *uart)
{
    return uart->received - uart->read < UART_INPUT;
}

/* Somebody waits until the device itself is done: it must be asked again. */
bool uart_awaits_idle(const struct uart *uart);

/* After bytes went in or out: the next answer that is due; kind NONE: no more. `idle`: the device sends nothing. */
void uart_next_effect(struct uart *uart, bool idle, struct uart_effect *effect);

bool uart_invariants(const struct uart *uart);
