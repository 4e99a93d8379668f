/* SPDX-License-Identifier: BSD-2-Clause */
/* The log: what processes tell it, and the kernel's own log, which it takes over from the debug output. */
#include "policy.h"

#include <stdlib.h>

#include <cavern/log.h>
#include <cavern/service.h>
#include <cavern/start.h>
#include <cavern/stubs.h>

static struct log events;
static cavern_handle machine;
static uint64_t kernel_cursor;

/* All that the kernel has logged and we have not. */
static void read_kernel_log(void)
{
    static uint64_t records[512];
    uint64_t written;
    do {
        uint64_t next;
        if (cavern_sys_machine(machine, CAVERN_MACHINE_LOG_READ, kernel_cursor, (uintptr_t)records, sizeof records,
                               &next, &written))
            return;
        kernel_cursor = next;
        log_append_kernel(&events, records, written);
    } while (written);
}

static void reply_records(struct cavern_service *service, const struct cavern_message *message)
{
    static union {
        struct log_records records;
        uint8_t bytes[sizeof(struct log_records) + LOG_RECORDS_BYTES];
    } reply;
    unsigned size;
    enum cavern_status status = log_read(&events, message->payload, message->header.size, &reply.records, &size);
    if (status)
        cavern_reply_status(service, message->header.request, status, 0);
    else
        cavern_reply_bytes(service, message->header.request, &reply, size);
}

static void on_request(struct cavern_service *service, const struct cavern_message *message)
{
    const struct rpc_request *request = message->payload;
    if (request->version != RPC_VERSION || request->operation < LOG_WRITE || request->operation > LOG_READ)
        cavern_reply_status(service, message->header.request, CAVERN_UNSUPPORTED, 0);
    else if (request->operation == LOG_READ)
        reply_records(service, message);
    else
        cavern_reply_status(service, message->header.request,
                            log_write(&events, message->header.sender, message->payload, message->header.size), 0);
}

static void on_message(struct cavern_service *service, const struct cavern_message *message)
{
    const struct rpc_request *request = CAVERN_PAYLOAD(message, struct rpc_request);
    (void)service;
    if (request && request->version == RPC_VERSION && request->operation == LOG_WRITE)
        (void)log_write(&events, message->header.sender, message->payload, message->header.size);
}

static void on_notice(struct cavern_service *service, const struct cavern_message *message)
{
    (void)service;
    if (message->header.kind != CAVERN_KIND_SIGNAL)
        return;
    read_kernel_log();
    (void)!cavern_sys_acknowledge(machine);
}

int main(void)
{
    static struct cavern_service service = {.on_request = on_request, .on_message = on_message, .on_notice = on_notice};
    machine = cavern_startup_get("machine");
    enum cavern_status status = cavern_service_open(&service);
    if (!status)
        status = cavern_service_publish(&service, "/service/log", 0);
    if (cavern_log_failure(status, "start"))
        return EXIT_FAILURE;
    read_kernel_log();
    if (cavern_log_failure(cavern_sys_notify(machine, 0, service.queue.handle, 0), "take the kernel's log over"))
        return EXIT_FAILURE;
    return cavern_service_run(&service);
}
