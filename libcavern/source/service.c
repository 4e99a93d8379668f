/* SPDX-License-Identifier: BSD-2-Clause */
#include <cavern/service.h>

#include <stdlib.h>

#include <cavern/buffer.h>
#include <cavern/handles.h>
#include <cavern/log.h>
#include <cavern/registry.h>
#include <cavern/start.h>
#include <cavern/time.h>

/* Where the start-up record brings no queue; and what one client may have under way. */
#define OWN_BLOCKS 256
#define OWN_SLOTS 64
#define CLIENT_MESSAGES 16
#define CLIENT_REQUESTS 16

enum cavern_status cavern_service_open(struct cavern_service *service)
{
    enum cavern_status status = cavern_queue_open(CAVERN_STARTUP_QUEUE, &service->queue);
    return status == CAVERN_NOT_FOUND ? cavern_queue_create(OWN_BLOCKS, OWN_SLOTS, &service->queue) : status;
}

enum cavern_status cavern_service_publish(struct cavern_service *service, const char *name, uint64_t label)
{
    cavern_handle sender;
    enum cavern_status status =
        cavern_sender_mint(service->queue.handle, label, CLIENT_MESSAGES, CLIENT_REQUESTS, 0, &sender);
    if (status)
        return status;
    status = cavern_registry_register(name, sender);
    cavern_handle_close(sender); /* the registry has its own */
    return status;
}

enum cavern_status cavern_service_state(size_t size, void **memory)
{
    const struct cavern_startup_handle *entry = cavern_startup_find("state");
    if (!entry || entry->values[0] < size)
        return CAVERN_NOT_FOUND;
    return cavern_buffer_map(entry->handle, 0, cavern_pages(size), CAVERN_PROT_READ | CAVERN_PROT_WRITE, memory);
}

void cavern_timer_set(struct cavern_service *service, uint64_t id, uint64_t deadline)
{
    if (cavern_timers_set(&service->timers, id, deadline))
        return;
    cavern_log(CAVERN_LOG_ERROR, "more than %d timers", CAVERN_TIMERS_MAX);
    abort();
}

void cavern_timer_cancel(struct cavern_service *service, uint64_t id)
{
    cavern_timers_cancel(&service->timers, id);
}

static bool reply(struct cavern_service *service, uint32_t request, const struct cavern_outgoing *out)
{
    enum cavern_status status = cavern_reply(&service->queue, request, out);
    if (status == CAVERN_OK || status == CAVERN_CANCELLED)
        return status == CAVERN_OK;
    struct rpc_reply failure = {.status = (uint32_t)status};
    if (cavern_reply(&service->queue, request, &(struct cavern_outgoing){&failure, sizeof(failure), .trace = 0}))
        cavern_drop(&service->queue, request);
    return false;
}

bool cavern_reply_bytes(struct cavern_service *service, uint32_t request, const void *bytes, size_t size)
{
    return reply(service, request, &(struct cavern_outgoing){.payload = bytes, .size = (uint32_t)size});
}

void cavern_reply_status(struct cavern_service *service, uint32_t request, enum cavern_status status, uint32_t value)
{
    struct rpc_reply answer = {(uint32_t)status, value};
    cavern_reply_bytes(service, request, &answer, sizeof(answer));
}

void cavern_reply_grant(struct cavern_service *service, uint32_t request, uint32_t value, cavern_handle handle,
                        uint64_t rights)
{
    struct rpc_reply answer = {CAVERN_OK, value};
    struct cavern_grant grant = {handle, rights};
    reply(service, request,
          &(struct cavern_outgoing){.payload = &answer, .size = sizeof(answer), .grants = &grant, .grant_count = 1});
}

enum cavern_status cavern_reply_sender(struct cavern_service *service, uint32_t request, cavern_handle source,
                                       uint64_t label, unsigned messages, unsigned requests)
{
    cavern_handle sender;
    enum cavern_status status = cavern_sender_mint(source, label, messages, requests, CAVERN_MINT_CLOSED, &sender);
    if (status) {
        cavern_reply_status(service, request, status, 0);
        return status;
    }
    cavern_reply_grant(service, request, 0, sender, CAVERN_RIGHT_COPY | CAVERN_RIGHT_SEND | CAVERN_RIGHT_REQUEST);
    cavern_handle_close(sender);
    return CAVERN_OK;
}

static void handle_request(struct cavern_service *service, const struct cavern_message *message)
{
    const struct rpc_request *request = CAVERN_PAYLOAD(message, struct rpc_request);
    if (!request)
        cavern_reply_status(service, message->header.request, CAVERN_BAD_ARGUMENT, 0);
    else if (request->operation == RPC_PING)
        cavern_reply_status(service, message->header.request, CAVERN_OK, 0);
    else if (service->on_request)
        service->on_request(service, message);
    else
        cavern_reply_status(service, message->header.request, CAVERN_UNSUPPORTED, 0);
}

typedef void (*event_function)(struct cavern_service *service, const struct cavern_message *message);

static event_function function_for(const struct cavern_service *service, uint8_t kind)
{
    switch (kind) {
    case CAVERN_KIND_REQUEST:
        return handle_request;
    case CAVERN_KIND_MESSAGE:
        return service->on_message;
    case CAVERN_KIND_REPLY:
    case CAVERN_KIND_ABANDONED:
        return service->on_ending;
    default:
        return service->on_notice;
    }
}

static void handle_timers(struct cavern_service *service)
{
    uint64_t id, now = cavern_now();
    while (!service->stopped && cavern_timers_take(&service->timers, now, &id))
        if (service->on_timer)
            service->on_timer(service, id);
}

void cavern_service_step(struct cavern_service *service, uint64_t deadline)
{
    uint64_t timer = cavern_timers_next(&service->timers);
    struct cavern_message message;
    enum cavern_status status = cavern_queue_receive(&service->queue, timer < deadline ? timer : deadline, &message);
    if (status == CAVERN_OK) {
        event_function function = function_for(service, message.header.kind);
        if (function)
            function(service, &message);
        cavern_queue_release(&service->queue, &message);
    } else if (status != CAVERN_TIMEOUT) {
        cavern_log_failure(status, "receive");
        cavern_service_stop(service, EXIT_FAILURE);
    }
    handle_timers(service);
}

int cavern_service_run(struct cavern_service *service)
{
    while (!service->stopped)
        cavern_service_step(service, CAVERN_FOREVER);
    return service->code;
}

void cavern_service_stop(struct cavern_service *service, int code)
{
    service->stopped = true;
    service->code = code;
}
