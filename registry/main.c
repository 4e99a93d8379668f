/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The registry's loop: requests and `closed` notices go to the policy, its effects to the kernel. The state lies in the
 * buffer "state", which outlives this process as its handles do; a successor goes on with both.
 */
#include "policy.h"

#include <stdlib.h>

#include <cavern/handles.h>
#include <cavern/log.h>
#include <cavern/service.h>
#include <cavern/time.h>

enum {
    LOOKUP_MESSAGES = 64, /* limits of the senders that are given out */
    LOOKUP_REQUESTS = 32,
    CLIENT_MESSAGES = 32,
    CLIENT_REQUESTS = 16,
};

static struct registry *state;
static struct registry_effects effects;

static enum cavern_status send_event(const struct registry_effect *effect)
{
    struct registry_event event = {
        .request = {.operation = REGISTRY_WATCH, .version = RPC_VERSION, .value = effect->change},
    };
    __builtin_memcpy(event.name, effect->name, sizeof(event.name));
    return cavern_send(effect->handle, &(struct cavern_outgoing){.payload = &event, .size = sizeof(event)});
}

/* Carries out one effect; what fails is the policy's to know, and may have effects in turn. */
static void carry_out_one(struct cavern_service *service, const struct registry_effect *effect)
{
    static struct registry_effects further;
    further.count = 0;
    switch (effect->kind) {
    case REGISTRY_EFFECT_REPLY:
        cavern_reply_status(service, effect->request, effect->status, 0);
        break;
    case REGISTRY_EFFECT_NAMES:
        cavern_reply_bytes(service, effect->request, &effects.names, sizeof(effects.names));
        break;
    case REGISTRY_EFFECT_SENDER:
        cavern_reply_sender(service, effect->request, effect->handle, effect->label, LOOKUP_MESSAGES, LOOKUP_REQUESTS);
        break;
    case REGISTRY_EFFECT_CLIENT:
        if (cavern_reply_sender(service, effect->request, service->queue.handle, effect->label, CLIENT_MESSAGES,
                                CLIENT_REQUESTS))
            (void)registry_closed(state, effect->label, &further);
        break;
    case REGISTRY_EFFECT_DROP:
        cavern_drop(&service->queue, effect->request);
        break;
    case REGISTRY_EFFECT_CLOSE:
        cavern_handle_close(effect->handle);
        break;
    case REGISTRY_EFFECT_EVENT:
        if (send_event(effect))
            registry_watch_lost(state, effect->handle, &further);
        break;
    }
    for (unsigned i = 0; i < further.count; i++) /* handles to close, nothing else */
        cavern_handle_close(further.list[i].handle);
}

static void carry_out(struct cavern_service *service)
{
    for (unsigned i = 0; i < effects.count; i++)
        carry_out_one(service, &effects.list[i]);
}

static void on_request(struct cavern_service *service, const struct cavern_message *message)
{
    struct registry_input input = {
        .label = message->header.label,
        .request = message->header.request,
        .size = message->header.size,
        .payload = message->payload,
    };
    if (message->grant_count == 1 && message->grants[0].handle == CAVERN_TYPE_SENDER &&
        registry_wants_grant(input.payload, input.size) &&
        cavern_grant_accept(&service->queue, message, 0, &input.grant))
        input.grant = CAVERN_NO_HANDLE;
    registry_request(state, &input, &effects);
    carry_out(service);
}

static void on_notice(struct cavern_service *service, const struct cavern_message *message)
{
    if (message->header.kind != CAVERN_KIND_CLOSED)
        return;
    bool more;
    do {
        more = registry_closed(state, message->header.label, &effects);
        carry_out(service);
    } while (more);
}

int main(void)
{
    static struct cavern_service service = {.on_request = on_request, .on_notice = on_notice};
    void *memory = NULL;
    enum cavern_status status = cavern_service_open(&service);
    if (!status)
        status = cavern_service_state(sizeof(*state), &memory);
    if (cavern_log_failure(status, "start"))
        return EXIT_FAILURE;
    state = memory;
    if (registry_start(state, cavern_now()))
        cavern_log(CAVERN_LOG_WARNING, "goes on for a predecessor with %u names", state->entry_count);
    return cavern_service_run(&service);
}
