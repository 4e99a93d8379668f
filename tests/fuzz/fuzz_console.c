/* SPDX-License-Identifier: BSD-2-Clause */
/* Requests of several clients, clients that go, and a device that answers anything, or not at all. */
#include "ledger.h"

#include "../../services/console/policy.h"

enum { REQUEST, CLOSED, DEVICE, PAUSE, KINDS };

static struct console console;
static uint64_t fate;                        /* bits: what becomes of what is asked of others */
static bool under_way[CONSOLE_EFFECT_KINDS]; /* of the device */

static bool fails(void)
{
    fate = fate >> 1 | fate << 63;
    return fate >> 63;
}

static bool fails_often(unsigned times)
{
    while (times && fails())
        times--;
    return !times;
}

static void give_line(const struct console_effect *effect)
{
    bool lost = fails_often(2);
    DEMAND(effect->line.reply.value <= CONSOLE_TEXT_MAX);
    ledger_end(effect->request);
    console_given(&console, !lost);
}

static void ask(const struct console_effect *effect)
{
    DEMAND(!under_way[effect->kind]);
    if (effect->kind == CONSOLE_EFFECT_WRITE || effect->kind == CONSOLE_EFFECT_READ)
        DEMAND(effect->data.request.value && effect->data.request.value <= STREAM_BYTES_MAX);
    if (fails_often(3))
        console_device_ended(&console, effect->kind, CAVERN_QUEUE_FULL, NULL, 0);
    else
        under_way[effect->kind] = true;
}

static void advance(void)
{
    static struct console_effect effect;
    DEMAND(console_invariants(&console));
    unsigned rounds = 0;
    for (console_next_effect(&console, &effect); effect.kind; console_next_effect(&console, &effect)) {
        DEMAND(rounds++ < 10000);
        if (effect.kind == CONSOLE_EFFECT_REPLY || effect.kind == CONSOLE_EFFECT_OPEN)
            ledger_end(effect.request);
        else if (effect.kind == CONSOLE_EFFECT_LINE)
            give_line(&effect);
        else
            ask(&effect);
        DEMAND(console_invariants(&console));
    }
}

static void request(struct input *input)
{
    uint64_t label = input_number(input, 1) % 48;
    size_t size = input_number(input, 2) % (sizeof(struct console_text) + 64);
    void *payload = input_bytes(input, &size);
    if (size >= sizeof(struct rpc_request)) /* others are refused before */
        console_request(&console, label, ledger_request(), payload, (unsigned)size);
    free(payload);
}

/* One of the requests to the device that are under way ends: badly, or with a reply that may be anything. */
static void device(struct input *input)
{
    unsigned kind = CONSOLE_EFFECT_FIND + (unsigned)input_number(input, 1) % 4;
    size_t size = input_number(input, 2) % 2048;
    void *reply = input_bytes(input, &size);
    if (under_way[kind]) {
        under_way[kind] = false;
        console_device_ended(&console, kind, size ? CAVERN_OK : CAVERN_ABANDONED, size ? reply : NULL, (unsigned)size);
    }
    free(reply);
}

static void step(struct input *input)
{
    uint64_t kind = input_number(input, 1);
    fate ^= kind;
    switch (kind % KINDS) {
    case REQUEST:
        request(input);
        break;
    case CLOSED:
        console_closed(&console, input_number(input, 1) % 48);
        break;
    case DEVICE:
        device(input);
        break;
    case PAUSE:
        if (console_paused(&console))
            console_pause_ended(&console);
        break;
    default:
        break;
    }
    advance();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input input = {data, size};
    memset(&console, 0, sizeof console);
    memset(&ledger, 0, sizeof ledger);
    memset(under_way, 0, sizeof under_way);
    fate = input_number(&input, 4);
    advance();
    while (input.left && !ledger_full())
        step(&input);
    return 0;
}
