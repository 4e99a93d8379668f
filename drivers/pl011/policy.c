/* SPDX-License-Identifier: BSD-2-Clause */
#include "policy.h"

#include <stddef.h>
#include <string.h>

static void answer(struct uart_effect *effect, uint32_t request, enum cavern_status status, uint32_t value)
{
    effect->kind = UART_EFFECT_REPLY;
    effect->request = request;
    effect->status = status;
    effect->value = value;
}

/* --- output --- */

static void wait(struct uart *uart, uint32_t request, bool flush)
{
    uart->waiters[uart->waiter_count++] = (struct uart_waiter){request, flush, uart->written};
}

static void write(struct uart *uart, uint32_t request, const struct stream_data *data, unsigned size,
                  struct uart_effect *effect)
{
    uint32_t count = data->request.value;
    if (count > STREAM_BYTES_MAX || size < offsetof(struct stream_data, bytes) + count) {
        answer(effect, request, CAVERN_BAD_ARGUMENT, 0);
        return;
    }
    if (count > UART_OUTPUT - (uart->written - uart->sent) || uart->waiter_count == UART_WAITERS) {
        answer(effect, request, CAVERN_BUSY, 0);
        return;
    }
    for (uint32_t i = 0; i < count; i++)
        uart->output[uart->written++ % UART_OUTPUT] = data->bytes[i];
    wait(uart, request, false);
}

bool uart_take_output(struct uart *uart, uint8_t *byte)
{
    if (!uart_has_output(uart))
        return false;
    *byte = uart->output[uart->sent++ % UART_OUTPUT];
    return true;
}

static bool due(const struct uart *uart, const struct uart_waiter *waiter, bool idle)
{
    if (waiter->flush)
        return idle && uart->sent >= waiter->end;
    return waiter->end <= uart->sent + UART_AHEAD;
}

bool uart_awaits_idle(const struct uart *uart)
{
    return uart->waiter_count && uart->waiters[0].flush && !uart_has_output(uart);
}

/* --- input --- */

static void read(struct uart *uart, uint32_t request, uint32_t most, struct uart_effect *effect)
{
    if (!most) {
        answer(effect, request, CAVERN_BAD_ARGUMENT, 0);
        return;
    }
    if (uart->reader)
        answer(effect, uart->reader, CAVERN_BUSY, 0);
    uart->reader = request;
    uart->reader_most = most < STREAM_BYTES_MAX ? most : STREAM_BYTES_MAX;
}

void uart_put_input(struct uart *uart, uint8_t byte, bool overrun)
{
    uart->overruns += overrun;
    uart->input[uart->received++ % UART_INPUT] = byte;
}

static void give_input(struct uart *uart, struct uart_effect *effect)
{
    uint32_t count = 0;
    while (count < uart->reader_most && uart->read < uart->received)
        effect->data.bytes[count++] = uart->input[uart->read++ % UART_INPUT];
    effect->data.reply = (struct rpc_reply){.status = CAVERN_OK, .value = count};
    effect->kind = UART_EFFECT_DATA;
    effect->request = uart->reader;
    uart->reader = 0;
}

void uart_return_input(struct uart *uart, uint32_t count)
{
    uart->read -= count;
}

/* --- both --- */

void uart_request(struct uart *uart, uint32_t request, const void *payload, unsigned size, struct uart_effect *effect)
{
    const struct rpc_request *rpc = payload;
    effect->kind = UART_EFFECT_NONE;
    if (rpc->version != RPC_VERSION) {
        answer(effect, request, CAVERN_UNSUPPORTED, 0);
        return;
    }
    switch (rpc->operation) {
    case STREAM_WRITE:
        write(uart, request, payload, size, effect);
        break;
    case STREAM_READ:
        read(uart, request, rpc->value, effect);
        break;
    case STREAM_FLUSH:
        if (uart->waiter_count == UART_WAITERS)
            answer(effect, request, CAVERN_BUSY, 0);
        else
            wait(uart, request, true);
        break;
    default:
        answer(effect, request, CAVERN_UNSUPPORTED, 0);
    }
}

void uart_next_effect(struct uart *uart, bool idle, struct uart_effect *effect)
{
    effect->kind = UART_EFFECT_NONE;
    if (uart->reader && uart->read < uart->received) {
        give_input(uart, effect);
    } else if (uart->waiter_count && due(uart, &uart->waiters[0], idle)) {
        answer(effect, uart->waiters[0].request, CAVERN_OK, 0);
        uart->waiter_count--;
        memmove(&uart->waiters[0], &uart->waiters[1], uart->waiter_count * sizeof uart->waiters[0]);
    }
}

bool uart_invariants(const struct uart *uart)
{
    if (uart->sent > uart->written || uart->written - uart->sent > UART_OUTPUT || uart->read > uart->received ||
        uart->received - uart->read > UART_INPUT || uart->waiter_count > UART_WAITERS)
        return false;
    for (unsigned i = 0; i < uart->waiter_count; i++) {
        if (uart->waiters[i].end > uart->written || (i && uart->waiters[i].end < uart->waiters[i - 1].end))
            return false;
    }
    return true;
}
