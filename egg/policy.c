/* SPDX-License-Identifier: BSD-2-Clause */
#include "policy.h"

#include <string.h>

#include <cavern/history.h>

static struct egg_effect *effect_add(struct egg_effects *effects, enum egg_effect_kind kind, const struct egg *egg)
{
    struct egg_effect *effect = &effects->list[effects->count++];
    *effect = (struct egg_effect){
        .kind = kind,
        .index = egg->index,
        .attempt = egg->attempt,
        .number = egg->number,
    };
    return effect;
}

/* The effect that the present step consists of. */
static void step_do(struct egg *egg, struct egg_effects *effects)
{
    static const enum egg_effect_kind kinds[] = {
        [EGG_STEP_REGISTER] = EGG_REGISTER, [EGG_STEP_PREPARE] = EGG_PREPARE, [EGG_STEP_BEGIN] = EGG_BEGIN,
        [EGG_STEP_ADD] = EGG_ADD,           [EGG_STEP_START] = EGG_START,     [EGG_STEP_READY] = EGG_READY,
    };
    struct egg_effect *effect = effect_add(effects, kinds[egg->step], egg);
    if (egg->step == EGG_STEP_ADD) {
        unsigned left = egg->handles - egg->added;
        effect->first = egg->added;
        effect->count = left < EGG_ADD_MAX ? left : EGG_ADD_MAX;
    }
}

static void step_go(struct egg *egg, enum egg_step step, struct egg_effects *effects)
{
    egg->step = step;
    step_do(egg, effects);
}

/* To name or child number `index`. */
static void index_go(struct egg *egg, enum egg_step step, unsigned index, unsigned end, struct egg_effects *effects)
{
    egg->index = index;
    egg->attempt = 0;
    egg->number = 0;
    egg->handles = 0;
    egg->added = 0;
    if (index < end)
        step_go(egg, step, effects);
    else if (step == EGG_STEP_REGISTER)
        index_go(egg, EGG_STEP_PREPARE, 0, egg->children, effects);
    else
        step_go(egg, EGG_STEP_READY, effects);
}

static void name_done(struct egg *egg, enum cavern_status status, struct egg_effects *effects)
{
    effect_add(effects, EGG_NAME_DONE, egg)->status = status;
    index_go(egg, EGG_STEP_REGISTER, egg->index + 1, egg->names, effects);
}

static void child_done(struct egg *egg, enum cavern_status status, struct egg_effects *effects)
{
    effect_add(effects, EGG_CHILD_DONE, egg)->status = status;
    index_go(egg, EGG_STEP_PREPARE, egg->index + 1, egg->children, effects);
}

void egg_begin(struct egg *egg, unsigned names, unsigned children, struct egg_effects *effects)
{
    memset(egg, 0, sizeof(*egg));
    egg->names = names;
    egg->children = children;
    effects->count = 0;
    index_go(egg, EGG_STEP_REGISTER, 0, names, effects);
}

void egg_prepared(struct egg *egg, enum cavern_status status, unsigned handles, struct egg_effects *effects)
{
    effects->count = 0;
    if (egg->step != EGG_STEP_PREPARE)
        return;
    egg->handles = handles;
    if (status)
        child_done(egg, status, effects);
    else
        step_go(egg, EGG_STEP_BEGIN, effects);
}

static bool is_passing(enum cavern_status status)
{
    return status == CAVERN_ABANDONED || status == CAVERN_QUEUE_FULL;
}

static void succeeded(struct egg *egg, uint32_t value, struct egg_effects *effects)
{
    switch (egg->step) {
    case EGG_STEP_REGISTER:
        name_done(egg, CAVERN_OK, effects);
        break;
    case EGG_STEP_BEGIN:
        egg->number = value;
        egg->added = 0;
        step_go(egg, egg->handles ? EGG_STEP_ADD : EGG_STEP_START, effects);
        break;
    case EGG_STEP_ADD:
        egg->added += egg->handles - egg->added < EGG_ADD_MAX ? egg->handles - egg->added : EGG_ADD_MAX;
        step_go(egg, egg->added < egg->handles ? EGG_STEP_ADD : EGG_STEP_START, effects);
        break;
    default:
        child_done(egg, CAVERN_OK, effects);
        break;
    }
}

static void failed(struct egg *egg, enum cavern_status status, struct egg_effects *effects)
{
    if (is_passing(status) && egg->attempt + 1 < EGG_ATTEMPTS) {
        egg->attempt++;
        egg->pausing = true;
        effect_add(effects, EGG_AGAIN, egg);
    } else if (egg->step == EGG_STEP_REGISTER) {
        name_done(egg, status, effects);
    } else if (egg->step == EGG_STEP_BEGIN && status == CAVERN_EXISTS && egg->attempt) {
        child_done(egg, CAVERN_OK, effects); /* an earlier START had come through, but not its answer */
    } else {
        child_done(egg, status, effects);
    }
}

void egg_ended(struct egg *egg, enum cavern_status status, uint32_t value, struct egg_effects *effects)
{
    effects->count = 0;
    if (egg->pausing || egg->step == EGG_STEP_PREPARE || egg->step == EGG_STEP_READY)
        return;
    if (status)
        failed(egg, status, effects);
    else
        succeeded(egg, value, effects);
}

void egg_again(struct egg *egg, struct egg_effects *effects)
{
    effects->count = 0;
    if (!egg->pausing)
        return;
    egg->pausing = false;
    step_go(egg, egg->step == EGG_STEP_REGISTER ? EGG_STEP_REGISTER : EGG_STEP_BEGIN, effects);
}

bool egg_ward_ended(struct egg *egg, enum egg_ward ward, uint64_t now)
{
    return cavern_history_add(egg->history[ward], &egg->history_count[ward], EGG_INTENSITY, now, EGG_PERIOD);
}

bool egg_invariants(const struct egg *egg)
{
    for (unsigned ward = 0; ward < EGG_WARDS; ward++)
        if (egg->history_count[ward] > EGG_INTENSITY)
            return false;
    unsigned end = egg->step == EGG_STEP_REGISTER ? egg->names : egg->children;
    bool done = egg->step == EGG_STEP_READY;
    return egg->attempt < EGG_ATTEMPTS && (done ? egg->index == end : egg->index < end) && egg->added <= egg->handles &&
           (egg->step != EGG_STEP_ADD || egg->added < egg->handles) && !(done && egg->pausing);
}
