/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Requests of some clients, clients that go, watchers that can't be told, successors, and damage to the state that they
 * find. Each request has one ending, or waits; each handle is closed once, or held.
 */
#include "ledger.h"

#include "../../registry/policy.h"

enum { REQUEST, CLOSED, LOST, SUCCEED, DAMAGE, KINDS };

static struct registry registry;
static struct registry_effects effects;

static void carry_out(uint64_t failing)
{
    DEMAND(effects.count <= REGISTRY_EFFECTS_MAX && registry_invariants(&registry));
    static struct registry_effects now, further;
    now = effects;
    for (unsigned i = 0; i < now.count; i++) {
        const struct registry_effect *effect = &now.list[i];
        further.count = 0;
        switch (effect->kind) {
        case REGISTRY_EFFECT_EVENT:
            ledger_used(effect->handle);
            if (failing & 1)
                registry_watch_lost(&registry, effect->handle, &further);
            break;
        case REGISTRY_EFFECT_CLOSE:
            ledger_close(effect->handle);
            break;
        case REGISTRY_EFFECT_CLIENT:
            ledger_end(effect->request);
            if (failing & 2)
                DEMAND(!registry_closed(&registry, effect->label, &further));
            break;
        case REGISTRY_EFFECT_SENDER:
            ledger_used(effect->handle);
            ledger_end(effect->request);
            break;
        default:
            ledger_end(effect->request);
            break;
        }
        for (unsigned j = 0; j < further.count; j++) { /* as the service's loop takes for granted */
            DEMAND(further.list[j].kind == REGISTRY_EFFECT_CLOSE);
            ledger_close(further.list[j].handle);
        }
        DEMAND(registry_invariants(&registry));
    }
}

static void check_held(void)
{
    unsigned waiting, held;
    ledger_count(&waiting, &held);
    DEMAND(ledger.doubtful || (waiting == registry.wait_count && held == registry.entry_count + registry.watch_count));
}

static uint64_t label(struct input *input)
{
    uint64_t small = input_number(input, 1);
    return small & 0x80 ? small << 57 : small & 31;
}

static void request(struct input *input, uint64_t flags)
{
    struct registry_input asked = {.label = label(input)};
    size_t size = input_number(input, 1);
    size = size ? size : sizeof(struct registry_open);
    void *payload = input_bytes(input, &size);
    asked.payload = payload;
    asked.size = (uint32_t)size;
    if (size >= sizeof(struct rpc_request)) { /* others are refused before */
        asked.request = ledger_request();
        if ((flags & 4) && registry_wants_grant(payload, asked.size))
            asked.grant = ledger_handle();
        registry_request(&registry, &asked, &effects);
        carry_out(flags);
    }
    free(payload);
}

static void damage(struct input *input)
{
    size_t at = (input_number(input, 3)) % sizeof registry, size = input_number(input, 1);
    void *bytes = input_bytes(input, &size);
    memcpy((uint8_t *)&registry + at, bytes, size < sizeof registry - at ? size : sizeof registry - at);
    free(bytes);
    ledger.doubtful = true;
}

static void step(struct input *input)
{
    uint64_t kind = input_number(input, 1), flags = kind / 8, client;
    switch (kind % 8 % KINDS) {
    case REQUEST:
        request(input, flags);
        break;
    case CLOSED:
        client = label(input);
        for (bool more = true; more;) {
            more = registry_closed(&registry, client, &effects);
            carry_out(flags);
        }
        break;
    case LOST:
        registry_watch_lost(&registry, input_number(input, 1), &effects);
        carry_out(0);
        break;
    case DAMAGE:
        damage(input);
        __attribute__((fallthrough));
    case SUCCEED:
        if (!registry_start(&registry, 0)) {
            DEMAND(ledger.doubtful);
            memset(&ledger, 0, sizeof ledger);
        }
        ledger_abandon();
        break;
    default:
        break;
    }
    DEMAND(registry_invariants(&registry));
    check_held();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input input = {data, size};
    memset(&registry, 0, sizeof registry);
    memset(&ledger, 0, sizeof ledger);
    DEMAND(!registry_start(&registry, 0));
    while (input.left && !ledger_full())
        step(&input);
    return 0;
}
