/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The supervisor's loop: requests, exits and deadlines go to the policy; its effects to the kernel, then children that
 * are to be started are. The state lies in the buffer "state", which outlives this process as its handles do.
 */
#include "policy.h"

#include <stdio.h>
#include <stdlib.h>

#include <cavern/handles.h>
#include <cavern/log.h>
#include <cavern/service.h>
#include <cavern/stubs.h>
#include <cavern/text.h>
#include <cavern/time.h>

#include "spawn.h"

enum {
    LABEL_PUBLIC = SUPERVISOR_ADMINISTRATORS + 1, /* of the sender that the registry mints from */
    TIMER_RESTART = 1,
    KILLED = 137, /* exit code of a child that was ended from here */
};

static struct supervisor *state;
static struct supervisor_effects effects;

static uint64_t exit_label(uint32_t child, uint32_t incarnation)
{
    return (uint64_t)incarnation << 32 | child;
}

static void report(const struct supervisor_effect *effect)
{
    const struct supervisor_child_status *child = &effect->child;
    char ended[120], again[16] = "at once";
    if (effect->delay)
        snprintf(again, sizeof(again), "in %u ms", (unsigned)(effect->delay / CAVERN_MILLISECOND));
    cavern_exit_text(child->exit_words, ended, sizeof(ended));
    switch (effect->event) {
    case SUPERVISOR_EVENT_ENDED:
        cavern_log(CAVERN_LOG_WARNING, "%s (process %u): %s", child->name, child->process, ended);
        break;
    case SUPERVISOR_EVENT_AGAIN:
        cavern_log(CAVERN_LOG_WARNING, "%s (process %u): %s; starts again %s", child->name, child->process, ended,
                   again);
        break;
    case SUPERVISOR_EVENT_GIVEN_UP:
        cavern_log(CAVERN_LOG_ERROR, "%s (process %u): %s; ended too often, given up", child->name, child->process,
                   ended);
        break;
    case SUPERVISOR_EVENT_NOT_STARTED:
        if (effect->delay == ~UINT64_C(0)) {
            cavern_log(CAVERN_LOG_ERROR, "%s can't be started: %s; given up", child->name,
                       cavern_status_text(effect->status));
        } else {
            cavern_log(CAVERN_LOG_WARNING, "%s can't be started: %s; again %s", child->name,
                       cavern_status_text(effect->status), again);
        }
        break;
    }
}

/* An end of which somebody was told may have effects in turn: handles to close, nothing else. */
static void tell_end(struct cavern_service *service, const struct supervisor_effect *effect)
{
    static struct supervisor_effects further;
    struct supervisor_status status = {.child = effect->child};
    if (!cavern_reply_bytes(service, effect->request, &status, sizeof(status)))
        return;
    supervisor_told(state, effect->child.child, &further);
    for (unsigned i = 0; i < further.count; i++)
        cavern_handle_close(further.list[i].handle);
}

static void carry_out(struct cavern_service *service)
{
    for (unsigned i = 0; i < effects.count; i++) {
        const struct supervisor_effect *effect = &effects.list[i];
        struct supervisor_status status = {.child = effect->child};
        switch (effect->kind) {
        case SUPERVISOR_EFFECT_REPLY:
            cavern_reply_status(service, effect->request, effect->status, effect->value);
            break;
        case SUPERVISOR_EFFECT_STATUS:
            cavern_reply_bytes(service, effect->request, &status, sizeof(status));
            break;
        case SUPERVISOR_EFFECT_STATUSES:
            cavern_reply_bytes(service, effect->request, &effects.statuses, sizeof(effects.statuses));
            break;
        case SUPERVISOR_EFFECT_ENDED:
            tell_end(service, effect);
            break;
        case SUPERVISOR_EFFECT_END:
            (void)!cavern_sys_process_end(effect->handle, KILLED);
            break;
        case SUPERVISOR_EFFECT_END_ALL:
            (void)!cavern_sys_account_end(effect->handle, KILLED, 0);
            break;
        case SUPERVISOR_EFFECT_CLOSE:
            cavern_handle_close(effect->handle);
            break;
        case SUPERVISOR_EFFECT_REPORT:
            report(effect);
            break;
        }
    }
}

/* After every event: its effects, then the starts that it brought about, then when to look again. */
static void settle(struct cavern_service *service)
{
    carry_out(service);
    const struct supervisor_record *child;
    while ((child = supervisor_to_start(state))) {
        struct supervisor_held held = child->held;
        uint32_t number = child->number, id;
        enum cavern_status status =
            child_spawn(child, &service->queue, exit_label(number, child->incarnation + 1), &held, &id);
        supervisor_spawned(state, number, status, id, &held, cavern_now(), &effects);
        carry_out(service);
    }
    uint64_t deadline = supervisor_deadline(state);
    if (deadline == ~UINT64_C(0))
        cavern_timer_cancel(service, TIMER_RESTART);
    else
        cavern_timer_set(service, TIMER_RESTART, deadline);
}

/* Cancelling tells the server nothing; so this is looked for when the places are all taken. */
static void drop_cancelled(struct cavern_service *service)
{
    for (uint32_t i = state->waiter_count; i-- > 0;)
        if (!cavern_request_waits(&service->queue, state->waiters[i].request))
            supervisor_cancelled(state, state->waiters[i].request);
}

static void on_request(struct cavern_service *service, const struct cavern_message *message)
{
    struct supervisor_input input = {
        .label = message->header.label,
        .now = cavern_now(),
        .request = message->header.request,
        .size = message->header.size,
        .payload = message->payload,
    };
    if (state->waiter_count == SUPERVISOR_WAITERS_MAX)
        drop_cancelled(service);
    if (supervisor_wants_grants(input.payload, input.size)) {
        for (; input.grant_count < message->grant_count; input.grant_count++) {
            cavern_handle handle;
            enum cavern_status status = cavern_grant_accept(&service->queue, message, input.grant_count, &handle);
            input.grants[input.grant_count].handle = status ? CAVERN_NO_HANDLE : handle;
            input.grants[input.grant_count].rights = message->grants[input.grant_count].rights;
        }
    }
    supervisor_request(state, &input, &effects);
    settle(service);
}

static void on_notice(struct cavern_service *service, const struct cavern_message *message)
{
    if (message->header.kind != CAVERN_KIND_EXIT || message->header.size < 5 * sizeof(uint64_t))
        return;
    uint64_t label = message->header.label;
    supervisor_exited(state, (uint32_t)label, (uint32_t)(label >> 32), message->payload, cavern_now(), &effects);
    settle(service);
}

static void on_timer(struct cavern_service *service, uint64_t id)
{
    (void)id;
    effects.count = 0;
    supervisor_tick(state, cavern_now());
    settle(service);
}

int main(void)
{
    static struct cavern_service service = {.on_request = on_request, .on_notice = on_notice, .on_timer = on_timer};
    void *memory = NULL;
    enum cavern_status status = cavern_service_open(&service);
    if (!status)
        status = cavern_service_state(sizeof(*state), &memory);
    if (!status)
        status = cavern_service_publish(&service, "/service/supervisor", LABEL_PUBLIC);
    if (cavern_log_failure(status, "start"))
        return EXIT_FAILURE;
    state = memory;
    if (supervisor_start(state, cavern_now()))
        cavern_log(CAVERN_LOG_WARNING, "goes on for a predecessor");
    settle(&service);
    return cavern_service_run(&service);
}
