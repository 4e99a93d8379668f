/* SPDX-License-Identifier: BSD-2-Clause */
/* Requests to the UART driver, and what its device does meanwhile. Each request has one ending. */
#include "fuzz.h"

#include "../../drivers/pl011/policy.h"

enum { REQUEST, TAKE, RECEIVE, ADVANCE, LOSE, KINDS, REQUESTS = 1 << 16 };

static struct uart uart;
static bool pending[REQUESTS];
static uint32_t last_request;
static uint32_t last_data; /* bytes of the last DATA, if no byte has come since */

static void settle(const struct uart_effect *effect)
{
    if (effect->kind == UART_EFFECT_NONE)
        return;
    DEMAND(effect->request && effect->request <= last_request && pending[effect->request]);
    pending[effect->request] = false;
    if (effect->kind == UART_EFFECT_DATA) {
        DEMAND(effect->data.reply.value && effect->data.reply.value <= STREAM_BYTES_MAX);
        last_data = effect->data.reply.value;
    }
}

static void advance(bool idle)
{
    static struct uart_effect effect;
    idle &= !uart_has_output(&uart);
    for (uart_next_effect(&uart, idle, &effect); effect.kind; uart_next_effect(&uart, idle, &effect)) {
        settle(&effect);
        DEMAND(uart_invariants(&uart));
    }
}

static void request(struct input *input)
{
    static struct uart_effect effect;
    size_t size = input_number(input, 2) % (sizeof(struct stream_data) + 64);
    void *payload = input_bytes(input, &size);
    if (size >= sizeof(struct rpc_request) && last_request + 1 < REQUESTS) { /* others never get so far */
        pending[++last_request] = true;
        uart_request(&uart, last_request, payload, (unsigned)size, &effect);
        settle(&effect);
    }
    free(payload);
}

static void step(struct input *input)
{
    uint64_t kind = input_number(input, 1), count;
    uint8_t byte;
    switch (kind % KINDS) {
    case REQUEST:
        request(input);
        break;
    case TAKE:
        for (count = 1 + input_number(input, 2); count && uart_take_output(&uart, &byte); count--)
            continue;
        break;
    case RECEIVE:
        last_data = 0;
        for (count = 1 + input_number(input, 2); count && uart_has_room(&uart); count--)
            uart_put_input(&uart, (uint8_t)count, kind & 0x80);
        break;
    case ADVANCE:
        advance(kind & 0x80);
        break;
    case LOSE:
        if (last_data)
            uart_return_input(&uart, last_data);
        last_data = 0;
        break;
    default:
        break;
    }
    DEMAND(uart_invariants(&uart));
}

/* Once the device has sent all and there is input, nobody waits. */
static void finish(void)
{
    uint8_t byte;
    while (uart_take_output(&uart, &byte))
        continue;
    if (uart_has_room(&uart))
        uart_put_input(&uart, 'x', false);
    advance(true);
    for (uint32_t i = 1; i <= last_request; i++)
        DEMAND(!pending[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input input = {data, size};
    memset(&uart, 0, sizeof uart);
    memset(pending, 0, sizeof pending);
    last_request = last_data = 0;
    while (input.left)
        step(&input);
    finish();
    return 0;
}
