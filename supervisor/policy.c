/* SPDX-License-Identifier: BSD-2-Clause */
/* Starts, ends and restarts: see policy.h. Pure. */
#include "policy.h"

#include <string.h>

#include <cavern/history.h>

#include "table.h"

/* Restarting. */

static uint64_t backoff(unsigned restarts)
{
    uint64_t delay = restarts ? SUPERVISOR_BACKOFF_FIRST : 0;
    for (unsigned i = 1; i < restarts && delay < SUPERVISOR_BACKOFF_LAST; i++)
        delay *= 2;
    return delay < SUPERVISOR_BACKOFF_LAST ? delay : SUPERVISOR_BACKOFF_LAST;
}

/* Plans a restart; false: it was restarted too often. */
static bool restart_plan(struct supervisor_record *child, uint64_t now, uint64_t *delay)
{
    if (!cavern_history_add(child->history, &child->history_count, SUPERVISOR_INTENSITY, now, SUPERVISOR_PERIOD))
        return false;
    *delay = backoff(child->history_count - 1);
    child->deadline = now + *delay;
    child->restarts++;
    state_set(child, *delay ? SUPERVISOR_STATE_WAITING : SUPERVISOR_STATE_STARTING, now);
    return true;
}

static bool ended_well(const uint64_t words[5])
{
    return (words[CAVERN_EXIT_REASON] == CAVERN_REASON_EXITED || words[CAVERN_EXIT_REASON] == CAVERN_REASON_THREADS) &&
           words[CAVERN_EXIT_CODE] == 0;
}

static bool is_restarted(const struct supervisor_record *child)
{
    return child->restart == SUPERVISOR_PERMANENT ||
           (child->restart == SUPERVISOR_TRANSIENT && !ended_well(child->exit_words));
}

void supervisor_exited(struct supervisor *supervisor, uint32_t number, uint32_t incarnation, const uint64_t words[5],
                       uint64_t now, struct supervisor_effects *effects)
{
    effects->count = 0;
    struct supervisor_record *child = child_find(supervisor, number);
    if (!child || !has_process(child) || child->incarnation != incarnation)
        return;
    memcpy(child->exit_words, words, sizeof(child->exit_words));
    effect_add(effects, SUPERVISOR_EFFECT_END_ALL)->handle = child->held.account;
    uint64_t delay = 0;
    if (child->state == SUPERVISOR_STATE_STOPPING) {
        if (child->again) {
            waiters_reply(supervisor, child, SUPERVISOR_STOP, CAVERN_OK, effects);
            child->restarts++;
            starting(child, now);
        } else {
            state_set(child, SUPERVISOR_STATE_STOPPED, now);
        }
    } else if (!is_restarted(child)) {
        state_set(child, SUPERVISOR_STATE_STOPPED, now);
        if (!ended_well(words))
            report_add(effects, child, SUPERVISOR_EVENT_ENDED, CAVERN_OK, 0);
    } else if (restart_plan(child, now, &delay)) {
        report_add(effects, child, SUPERVISOR_EVENT_AGAIN, CAVERN_OK, delay);
    } else {
        state_set(child, SUPERVISOR_STATE_FAILED, now);
        report_add(effects, child, SUPERVISOR_EVENT_GIVEN_UP, CAVERN_OK, 0);
    }
    close_add(effects, &child->held.process);
    child->process = 0;
    if (is_over(child))
        settle(supervisor, child, effects);
}

void supervisor_tick(struct supervisor *supervisor, uint64_t now)
{
    for (unsigned i = 0; i < SUPERVISOR_CHILDREN_MAX; i++) {
        struct supervisor_record *child = &supervisor->children[i];
        if (child->state == SUPERVISOR_STATE_WAITING && child->deadline <= now)
            starting(child, now);
    }
}

uint64_t supervisor_deadline(const struct supervisor *supervisor)
{
    uint64_t deadline = ~UINT64_C(0);
    for (unsigned i = 0; i < SUPERVISOR_CHILDREN_MAX; i++) {
        const struct supervisor_record *child = &supervisor->children[i];
        if (child->state == SUPERVISOR_STATE_WAITING && child->deadline < deadline)
            deadline = child->deadline;
    }
    return deadline;
}

const struct supervisor_record *supervisor_to_start(const struct supervisor *supervisor)
{
    const struct supervisor_record *found = NULL;
    for (unsigned i = 0; i < SUPERVISOR_CHILDREN_MAX; i++) {
        const struct supervisor_record *child = &supervisor->children[i];
        if (child->state == SUPERVISOR_STATE_STARTING && (!found || child->number < found->number))
            found = child;
    }
    return found;
}

/* Nobody asked for this start, so it is tried again like an end that was not wanted. */
static void start_failed_alone(struct supervisor_record *child, enum cavern_status status, uint64_t now,
                               struct supervisor_effects *effects)
{
    uint64_t delay;
    if (restart_plan(child, now, &delay)) {
        child->restarts--;
        report_add(effects, child, SUPERVISOR_EVENT_NOT_STARTED, status, delay);
    } else {
        state_set(child, SUPERVISOR_STATE_FAILED, now);
        report_add(effects, child, SUPERVISOR_EVENT_NOT_STARTED, status, ~UINT64_C(0));
    }
}

static void start_failed(struct supervisor *supervisor, struct supervisor_record *child, enum cavern_status status,
                         uint64_t now, struct supervisor_effects *effects)
{
    memset(child->exit_words, 0, sizeof(child->exit_words));
    child->exit_words[CAVERN_EXIT_CODE] = status;
    bool first = waiters_reply(supervisor, child, SUPERVISOR_START, status, effects);
    bool asked = waiters_reply(supervisor, child, SUPERVISOR_RESTART, status, effects) || first;
    if (asked)
        state_set(child, SUPERVISOR_STATE_FAILED, now);
    else
        start_failed_alone(child, status, now, effects);
    if (is_over(child)) {
        settle(supervisor, child, effects);
        if (first && child->restart == SUPERVISOR_TEMPORARY)
            forget(child, effects);
    }
}

void supervisor_spawned(struct supervisor *supervisor, uint32_t number, enum cavern_status status, uint32_t process,
                        const struct supervisor_held *held, uint64_t now, struct supervisor_effects *effects)
{
    effects->count = 0;
    struct supervisor_record *child = child_find(supervisor, number);
    if (!child || child->state != SUPERVISOR_STATE_STARTING)
        return;
    child->held = *held;
    if (status) {
        start_failed(supervisor, child, status, now, effects);
        return;
    }
    child->process = process;
    child->incarnation++;
    state_set(child, SUPERVISOR_STATE_RUNNING, now);
    waiters_reply(supervisor, child, SUPERVISOR_START, CAVERN_OK, effects);
    waiters_reply(supervisor, child, SUPERVISOR_RESTART, CAVERN_OK, effects);
}

/* Succession. */

bool supervisor_start(struct supervisor *supervisor, uint64_t now)
{
    if (!supervisor_invariants(supervisor)) {
        memset(supervisor, 0, sizeof(*supervisor));
        supervisor->magic = SUPERVISOR_MAGIC;
        supervisor->next_number = 1;
        return false;
    }
    supervisor->waiter_count = 0;
    for (unsigned i = 0; i < SUPERVISOR_CHILDREN_MAX; i++) {
        struct supervisor_record *child = &supervisor->children[i];
        if (child->state == SUPERVISOR_STATE_STARTING) {
            child->deadline = now + SUPERVISOR_BACKOFF_FIRST;
            state_set(child, SUPERVISOR_STATE_WAITING, now);
        }
    }
    return true;
}
