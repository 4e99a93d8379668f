/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Requests, exits, spawns that fail, time that passes, successors, and damage to the state that they find. Each request
 * has one ending, or waits; each handle is closed once, or held.
 */
#include "ledger.h"

#include "../../supervisor/policy.h"

enum { REQUEST, EXITED, PASS, SUCCEED, DAMAGE, KINDS };

static struct supervisor supervisor;
static struct supervisor_effects effects;
static uint64_t now;
static uint64_t fate; /* bits: what becomes of spawns */

/* The answer may have come to nobody. */
static void tell_end(uint32_t number)
{
    static struct supervisor_effects further;
    if (fate & 4)
        return;
    supervisor_told(&supervisor, number, &further);
    for (unsigned i = 0; i < further.count; i++) {
        DEMAND(further.list[i].kind == SUPERVISOR_EFFECT_CLOSE);
        ledger_close(further.list[i].handle);
    }
}

static void carry_out(void)
{
    DEMAND(effects.count <= SUPERVISOR_EFFECTS_MAX);
    for (unsigned i = 0; i < effects.count; i++) {
        const struct supervisor_effect *effect = &effects.list[i];
        switch (effect->kind) {
        case SUPERVISOR_EFFECT_END:
        case SUPERVISOR_EFFECT_END_ALL:
            ledger_used(effect->handle);
            break;
        case SUPERVISOR_EFFECT_CLOSE:
            ledger_close(effect->handle);
            break;
        case SUPERVISOR_EFFECT_REPORT:
            DEMAND(memchr(effect->child.name, 0, sizeof effect->child.name));
            break;
        case SUPERVISOR_EFFECT_ENDED:
            ledger_end(effect->request);
            tell_end(effect->child.child);
            break;
        default:
            ledger_end(effect->request);
            break;
        }
    }
    effects.count = 0;
    DEMAND(supervisor_invariants(&supervisor));
}

static void hold(uint64_t *handle)
{
    if (!*handle)
        *handle = ledger_handle();
}

/* As child_spawn does: what there is of the child stays, and what it lacks is made as far as that goes. */
static void spawn(const struct supervisor_record *child)
{
    struct supervisor_held held = child->held;
    uint32_t number = child->number;
    bool fails = fate & 1;
    DEMAND(ledger.doubtful || !held.process);
    if (!fails || (fate & 2)) {
        hold(&held.account);
        if (child->blocks)
            hold(&held.queue);
        hold(&held.registry);
    }
    held.process = fails ? 0 : ledger_handle();
    fate = fate >> 1 | fate << 63;
    supervisor_spawned(&supervisor, number, fails ? CAVERN_NO_MEMORY : CAVERN_OK, 100 + number, &held, now, &effects);
    carry_out();
}

static void settle(void)
{
    const struct supervisor_record *child;
    carry_out();
    for (unsigned rounds = 0; (child = supervisor_to_start(&supervisor)) && !ledger_full(); rounds++) {
        DEMAND(rounds < SUPERVISOR_CHILDREN_MAX * 4);
        spawn(child);
    }
    DEMAND(supervisor_deadline(&supervisor) >= now || ledger.doubtful);
}

static void request(struct input *input, uint64_t flags)
{
    struct supervisor_input asked = {.label = input_number(input, 1) & 31, .now = now};
    size_t size = input_number(input, 2) % 2048;
    uint64_t rights = input_number(input, 1);
    void *payload = input_bytes(input, &size);
    asked.payload = payload;
    asked.size = (uint32_t)size;
    if (size >= sizeof(struct rpc_request)) { /* others are refused before */
        asked.request = ledger_request();
        if (supervisor_wants_grants(payload, asked.size))
            for (; asked.grant_count < flags % 5; asked.grant_count++) {
                asked.grants[asked.grant_count].handle = rights & 0x80 && asked.grant_count == 2 ? 0 : ledger_handle();
                asked.grants[asked.grant_count].rights = rights;
            }
        supervisor_request(&supervisor, &asked, &effects);
        settle();
    }
    free(payload);
}

static void exited(struct input *input)
{
    uint64_t words[5], which = input_number(input, 1);
    const struct supervisor_record *child = &supervisor.children[which % SUPERVISOR_CHILDREN_MAX];
    for (unsigned i = 0; i < COUNT_OF(words); i++)
        words[i] = input_number(input, 1);
    effects.count = 0;
    if (child->held.process) /* others have no process that could */
        supervisor_exited(&supervisor, child->number, child->incarnation + (which >= 0xc0), words, now, &effects);
    settle();
}

static void damage(struct input *input)
{
    size_t at = input_number(input, 3) % sizeof supervisor, size = input_number(input, 1);
    void *bytes = input_bytes(input, &size);
    memcpy((uint8_t *)&supervisor + at, bytes, size < sizeof supervisor - at ? size : sizeof supervisor - at);
    free(bytes);
    ledger.doubtful = true;
}

static void succeed(void)
{
    if (!supervisor_start(&supervisor, now)) {
        DEMAND(ledger.doubtful);
        memset(&ledger, 0, sizeof ledger);
    }
    ledger_abandon();
    effects.count = 0;
    settle();
}

static void check_held(void)
{
    unsigned waiting, held, expected = 0;
    ledger_count(&waiting, &held);
    for (unsigned i = 0; i < SUPERVISOR_CHILDREN_MAX; i++) {
        const struct supervisor_record *child = &supervisor.children[i];
        expected += child->handle_count + !!child->held.process + !!child->held.account + !!child->held.queue +
                    !!child->held.registry;
    }
    DEMAND(ledger.doubtful || (waiting == supervisor.waiter_count && held == expected));
}

static void step(struct input *input)
{
    uint64_t kind = input_number(input, 1);
    fate ^= kind;
    switch (kind % 8 % KINDS) {
    case REQUEST:
        request(input, kind / 8);
        break;
    case EXITED:
        exited(input);
        break;
    case PASS:
        now += input_number(input, 1) * 20000000;
        effects.count = 0;
        supervisor_tick(&supervisor, now);
        settle();
        break;
    case DAMAGE:
        damage(input);
        __attribute__((fallthrough));
    case SUCCEED:
        succeed();
        break;
    default:
        break;
    }
    check_held();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input input = {data, size};
    memset(&supervisor, 0, sizeof supervisor);
    memset(&ledger, 0, sizeof ledger);
    now = 1000000;
    DEMAND(!supervisor_start(&supervisor, now));
    fate = input_number(&input, 2);
    while (input.left && !ledger_full())
        step(&input);
    return 0;
}
