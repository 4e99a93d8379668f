/* SPDX-License-Identifier: BSD-2-Clause */
/* The records of children and waiters, and the effects that follow from changing them: see policy.h. Pure. */
#include "table.h"

#include <stdlib.h>
#include <string.h>

bool name_valid(const char *name, size_t size)
{
    if (!*name || !memchr(name, 0, size))
        return false;
    for (; *name; name++)
        if (*name <= ' ' || *name > '~')
            return false;
    return true;
}

/* Effects. */

struct supervisor_effect *effect_add(struct supervisor_effects *effects, enum supervisor_effect_kind kind)
{
    struct supervisor_effect *effect = &effects->list[effects->count++];
    memset(effect, 0, sizeof(*effect));
    effect->kind = kind;
    return effect;
}

void reply_add(struct supervisor_effects *effects, uint32_t request, enum cavern_status status, uint32_t value)
{
    struct supervisor_effect *effect = effect_add(effects, SUPERVISOR_EFFECT_REPLY);
    effect->request = request;
    effect->status = status;
    effect->value = value;
}

void close_add(struct supervisor_effects *effects, uint64_t *handle)
{
    if (*handle) {
        effect_add(effects, SUPERVISOR_EFFECT_CLOSE)->handle = *handle;
        *handle = 0;
    }
}

struct supervisor_child_status child_status(const struct supervisor_record *child)
{
    struct supervisor_child_status status = {
        .child = child->number,
        .process = child->process,
        .state = child->state,
        .restart = child->restart,
        .class = child->class,
        .restarts = child->restarts,
        .since = child->since,
    };
    memcpy(status.name, child->name, sizeof(status.name));
    memcpy(status.exit_words, child->exit_words, sizeof(status.exit_words));
    return status;
}

void status_add(struct supervisor_effects *effects, enum supervisor_effect_kind kind, uint32_t request,
                const struct supervisor_record *child)
{
    struct supervisor_effect *effect = effect_add(effects, kind);
    effect->request = request;
    effect->child = child_status(child);
}

void report_add(struct supervisor_effects *effects, const struct supervisor_record *child, enum supervisor_event event,
                enum cavern_status status, uint64_t delay)
{
    struct supervisor_effect *effect = effect_add(effects, SUPERVISOR_EFFECT_REPORT);
    effect->event = event;
    effect->status = status;
    effect->delay = delay;
    effect->child = child_status(child);
}

/* The table. */

bool is_over(const struct supervisor_record *child)
{
    return child->state == SUPERVISOR_STATE_STOPPED || child->state == SUPERVISOR_STATE_FAILED;
}

bool has_process(const struct supervisor_record *child)
{
    return child->state == SUPERVISOR_STATE_RUNNING || child->state == SUPERVISOR_STATE_STOPPING;
}

struct supervisor_record *child_find(struct supervisor *supervisor, uint32_t number)
{
    for (unsigned i = 0; number && i < SUPERVISOR_CHILDREN_MAX; i++)
        if (supervisor->children[i].number == number)
            return &supervisor->children[i];
    return NULL;
}

struct supervisor_record *child_named(struct supervisor *supervisor, const char *name)
{
    for (unsigned i = 0; i < SUPERVISOR_CHILDREN_MAX; i++)
        if (supervisor->children[i].number && strcmp(supervisor->children[i].name, name) == 0)
            return &supervisor->children[i];
    return NULL;
}

struct supervisor_record *child_with_process(struct supervisor *supervisor, const char *decimal)
{
    char *end;
    unsigned long id = strtoul(decimal, &end, 10);
    if (*decimal < '0' || *decimal > '9' || *end)
        return NULL;
    for (unsigned i = 0; i < SUPERVISOR_CHILDREN_MAX; i++)
        if (has_process(&supervisor->children[i]) && supervisor->children[i].process == id)
            return &supervisor->children[i];
    return NULL;
}

struct supervisor_record *child_abbreviated(struct supervisor *supervisor, const char *name)
{
    struct supervisor_record *found = NULL;
    size_t length = strlen(name);
    for (unsigned i = 0; i < SUPERVISOR_CHILDREN_MAX; i++) {
        struct supervisor_record *child = &supervisor->children[i];
        if (child->number && strncmp(child->name, name, length) == 0 && child->name[length] == '@') {
            if (found)
                return NULL;
            found = child;
        }
    }
    return found;
}

const struct supervisor_record *child_from(const struct supervisor *supervisor, uint32_t number)
{
    const struct supervisor_record *found = NULL;
    for (unsigned i = 0; i < SUPERVISOR_CHILDREN_MAX; i++) {
        const struct supervisor_record *child = &supervisor->children[i];
        if (child->number && child->number >= number && (!found || child->number < found->number))
            found = child;
    }
    return found;
}

void state_set(struct supervisor_record *child, enum supervisor_state state, uint64_t now)
{
    child->state = (uint8_t)state;
    child->since = now;
}

static void handles_close(struct supervisor_record *child, struct supervisor_effects *effects)
{
    for (unsigned i = 0; i < child->handle_count; i++)
        close_add(effects, &child->handles[i].handle);
    child->handle_count = 0;
}

/* Its queue and its registry's sender with it: clients get GONE, its names leave. */
static void held_close(struct supervisor_record *child, struct supervisor_effects *effects)
{
    close_add(effects, &child->held.process);
    close_add(effects, &child->held.registry);
    close_add(effects, &child->held.queue);
    close_add(effects, &child->held.account);
    child->process = 0;
}

void forget(struct supervisor_record *child, struct supervisor_effects *effects)
{
    held_close(child, effects);
    handles_close(child, effects);
    memset(child, 0, sizeof(*child));
}

/* Who waits. */

bool waiter_add(struct supervisor *supervisor, uint32_t request, uint32_t child, uint32_t operation)
{
    if (supervisor->waiter_count == SUPERVISOR_WAITERS_MAX)
        return false;
    supervisor->waiters[supervisor->waiter_count++] = (struct supervisor_waiter){request, child, operation};
    return true;
}

static void waiter_remove(struct supervisor *supervisor, uint32_t index)
{
    struct supervisor_waiter *waiter = &supervisor->waiters[index];
    memmove(waiter, waiter + 1, (--supervisor->waiter_count - index) * sizeof(*waiter));
}

/* The next that waits for this of the child is taken from the list; 0: none. */
static uint32_t waiter_take(struct supervisor *supervisor, uint32_t child, uint32_t operation)
{
    for (uint32_t i = 0; i < supervisor->waiter_count; i++) {
        struct supervisor_waiter *waiter = &supervisor->waiters[i];
        if (waiter->child == child && waiter->operation == operation) {
            uint32_t request = waiter->request;
            waiter_remove(supervisor, i);
            return request;
        }
    }
    return 0;
}

void supervisor_cancelled(struct supervisor *supervisor, uint32_t request)
{
    for (uint32_t i = 0; i < supervisor->waiter_count; i++) {
        if (supervisor->waiters[i].request == request) {
            waiter_remove(supervisor, i);
            return;
        }
    }
}

bool waiters_reply(struct supervisor *supervisor, const struct supervisor_record *child, uint32_t operation,
                   enum cavern_status status, struct supervisor_effects *effects)
{
    bool any = false;
    uint32_t request;
    while ((request = waiter_take(supervisor, child->number, operation))) {
        reply_add(effects, request, status, status ? 0 : child->process);
        any = true;
    }
    return any;
}

void supervisor_told(struct supervisor *supervisor, uint32_t number, struct supervisor_effects *effects)
{
    struct supervisor_record *child = child_find(supervisor, number);
    effects->count = 0;
    if (child && is_over(child) && child->restart == SUPERVISOR_TEMPORARY)
        forget(child, effects);
}

void settle(struct supervisor *supervisor, struct supervisor_record *child, struct supervisor_effects *effects)
{
    waiters_reply(supervisor, child, SUPERVISOR_STOP, CAVERN_OK, effects);
    waiters_reply(supervisor, child, SUPERVISOR_START, CAVERN_INTERRUPTED, effects);
    waiters_reply(supervisor, child, SUPERVISOR_RESTART, CAVERN_INTERRUPTED, effects);
    uint32_t request;
    while ((request = waiter_take(supervisor, child->number, SUPERVISOR_WAIT)))
        status_add(effects, SUPERVISOR_EFFECT_ENDED, request, child);
    held_close(child, effects);
}

void starting(struct supervisor_record *child, uint64_t now)
{
    child->again = 0;
    state_set(child, SUPERVISOR_STATE_STARTING, now);
}

/* Invariants. */

static bool texts_good(const struct supervisor_record *child)
{
    return name_valid(child->name, sizeof(child->name)) && name_valid(child->program, sizeof(child->program)) &&
           memchr(child->permitted, 0, sizeof(child->permitted)) && child->length <= SUPERVISOR_ARGUMENTS_MAX &&
           (!child->length || child->argument_bytes[child->length - 1] == 0);
}

static bool handles_good(const struct supervisor_record *child)
{
    if (child->handle_count > SUPERVISOR_HANDLES_MAX)
        return false;
    for (unsigned i = 0; i < child->handle_count; i++)
        if (!child->handles[i].handle || !name_valid(child->handles[i].name, sizeof(child->handles[i].name)))
            return false;
    const struct supervisor_held *held = &child->held;
    bool nothing = !held->account && !held->queue && !held->registry && !held->process;
    return is_over(child) || child->state == SUPERVISOR_STATE_NEW ? nothing : has_process(child) == !!held->process;
}

static bool child_good(const struct supervisor_record *child, uint32_t next_number)
{
    return child->number < next_number && child->state <= SUPERVISOR_STATE_FAILED &&
           child->restart >= SUPERVISOR_PERMANENT && child->restart <= SUPERVISOR_TEMPORARY &&
           child->history_count <= SUPERVISOR_INTENSITY &&
           child->again <= (child->state == SUPERVISOR_STATE_STOPPING) && texts_good(child) && handles_good(child);
}

static bool is_unique(const struct supervisor *supervisor, const struct supervisor_record *child)
{
    for (const struct supervisor_record *other = supervisor->children; other < child; other++)
        if (other->number && (other->number == child->number || strcmp(other->name, child->name) == 0))
            return false;
    return true;
}

bool supervisor_invariants(const struct supervisor *supervisor)
{
    if (supervisor->magic != SUPERVISOR_MAGIC || supervisor->waiter_count > SUPERVISOR_WAITERS_MAX)
        return false;
    for (unsigned i = 0; i < SUPERVISOR_CHILDREN_MAX; i++) {
        const struct supervisor_record *child = &supervisor->children[i];
        bool good = child->number ? child_good(child, supervisor->next_number) && is_unique(supervisor, child)
                                  : child->state == SUPERVISOR_STATE_NEW;
        if (!good)
            return false;
    }
    for (uint32_t i = 0; i < supervisor->waiter_count; i++)
        if (!supervisor->waiters[i].request ||
            !child_find((struct supervisor *)supervisor, supervisor->waiters[i].child))
            return false;
    return true;
}
