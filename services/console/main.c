/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The console's loop: requests, `closed` notices and what the device answered go to the policy; its effects to clients,
 * registry and device. Arguments: the device's name in the registry.
 */
#include "policy.h"

#include <stdlib.h>
#include <string.h>

#include <cavern/handles.h>
#include <cavern/log.h>
#include <cavern/protocol/registry.h>
#include <cavern/service.h>
#include <cavern/start.h>
#include <cavern/time.h>

#define NAME "/service/console"
#define PAUSE (10 * CAVERN_MILLISECOND)

enum {
    TIMER_PAUSE = 1,
    CLIENT_MESSAGES = 16, /* limits of the senders that are given out */
    CLIENT_REQUESTS = 16,
};

static struct console console;
static const char *device_name;
static cavern_handle device;

/* The registry counts its labels from 1; these start at 2^63, and go on where the time has gone since a predecessor. */
static uint64_t new_label(void)
{
    static uint64_t last;
    uint64_t now = cavern_now();
    last = now > last ? now : last + 1;
    return last | UINT64_C(1) << 63;
}

static void give_line(struct cavern_service *service, const struct console_effect *effect)
{
    struct cavern_outgoing out = {
        .payload = &effect->line,
        .size = (uint32_t)offsetof(struct console_text, text) + effect->line.reply.value,
    };
    enum cavern_status status = cavern_reply(&service->queue, effect->request, &out);
    if (status == CAVERN_TOO_LARGE) /* a reader without room for a line */
        cavern_reply_status(service, effect->request, status, 0);
    console_given(&console, status == CAVERN_OK);
}

/* The device's answers come back with the kind of the effect as their token. */
static enum cavern_status ask(struct cavern_service *service, const struct console_effect *effect)
{
    struct registry_name find = {
        .request = {.operation = REGISTRY_LOOKUP, .version = RPC_VERSION, .value = REGISTRY_WAIT},
    };
    struct cavern_outgoing out = {.payload = &effect->data, .size = sizeof(struct rpc_request)};
    cavern_handle sender = device;
    unsigned blocks = cavern_blocks(sizeof(struct rpc_reply), 1);
    if (effect->kind == CONSOLE_EFFECT_FIND) {
        strcpy(find.name, device_name);
        out = (struct cavern_outgoing){.payload = &find, .size = sizeof find};
        sender = cavern_startup_get(CAVERN_STARTUP_REGISTRY);
    } else if (effect->kind == CONSOLE_EFFECT_WRITE) {
        out.size = (uint32_t)offsetof(struct stream_data, bytes) + effect->data.request.value;
    } else if (effect->kind == CONSOLE_EFFECT_READ) {
        blocks = cavern_blocks(sizeof(struct stream_data), 0);
    }
    return cavern_request(sender, effect->kind, &out, &service->queue, blocks, NULL);
}

/* Until nothing is left to be done now. */
static void advance(struct cavern_service *service)
{
    static struct console_effect effect;
    for (console_next_effect(&console, &effect); effect.kind; console_next_effect(&console, &effect)) {
        enum cavern_status status = CAVERN_OK;
        if (effect.kind == CONSOLE_EFFECT_REPLY) {
            cavern_reply_status(service, effect.request, effect.status, 0);
        } else if (effect.kind == CONSOLE_EFFECT_OPEN) {
            cavern_reply_sender(service, effect.request, service->queue.handle, new_label(), CLIENT_MESSAGES,
                                CLIENT_REQUESTS);
        } else if (effect.kind == CONSOLE_EFFECT_LINE) {
            give_line(service, &effect);
        } else {
            status = ask(service, &effect);
        }
        if (status)
            console_device_ended(&console, effect.kind, status, NULL, 0);
    }
    if (console_paused(&console))
        cavern_timer_set(service, TIMER_PAUSE, cavern_after(PAUSE));
}

static void on_request(struct cavern_service *service, const struct cavern_message *message)
{
    console_request(&console, message->header.label, message->header.request, message->payload, message->header.size);
    advance(service);
}

static void on_notice(struct cavern_service *service, const struct cavern_message *message)
{
    if (message->header.kind == CAVERN_KIND_CLOSED)
        console_closed(&console, message->header.label);
    advance(service);
}

static enum cavern_status accept_device(struct cavern_service *service, const struct cavern_message *message)
{
    if (!message->grant_count)
        return CAVERN_OK; /* the status word says why */
    cavern_handle_close(device);
    device = CAVERN_NO_HANDLE;
    return cavern_grant_accept(&service->queue, message, 0, &device);
}

static void on_ending(struct cavern_service *service, const struct cavern_message *message)
{
    enum console_effect_kind what = (enum console_effect_kind)message->header.label;
    enum cavern_status status = message->header.kind == CAVERN_KIND_ABANDONED ? CAVERN_ABANDONED : CAVERN_OK;
    if (!status && what == CONSOLE_EFFECT_FIND)
        status = accept_device(service, message);
    console_device_ended(&console, what, status, message->payload, message->header.size);
    advance(service);
}

static void on_timer(struct cavern_service *service, uint64_t id)
{
    (void)id;
    console_pause_ended(&console);
    advance(service);
}

int main(int argc, char **argv)
{
    static struct cavern_service service = {
        .on_request = on_request,
        .on_notice = on_notice,
        .on_ending = on_ending,
        .on_timer = on_timer,
    };
    bool named = argc > 1 && strlen(argv[1]) < RPC_NAME_MAX;
    enum cavern_status status = named ? cavern_service_open(&service) : CAVERN_BAD_ARGUMENT;
    if (!status) {
        device_name = argv[1];
        status = cavern_service_publish(&service, NAME, 0);
    }
    if (cavern_log_failure(status, "start"))
        return EXIT_FAILURE;
    advance(&service);
    return cavern_service_run(&service);
}
