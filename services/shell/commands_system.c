/* SPDX-License-Identifier: BSD-2-Clause */
/* What the system tells of itself: devices, log. */
#include <stdio.h>
#include <string.h>

#include <cavern/handles.h>
#include <cavern/protocol/device.h>
#include <cavern/protocol/log.h>
#include <cavern/registry.h>
#include <cavern/text.h>

#include "children.h"
#include "command.h"
#include "watch.h"

/* Of a device whose driver was handed to the supervisor that is the child's state. */
static const char *device_state_text(const struct device_info *device, const struct children *children)
{
    const struct supervisor_child_status *child;
    switch (device->state) {
    case DEVICE_NO_DRIVER:
        return "no driver";
    case DEVICE_DISABLED:
        return "disabled";
    case DEVICE_KERNEL:
        return "kernel";
    case DEVICE_STARTED:
        child = children_named(children, device->node);
        return child ? child_state_text(child) : "not started";
    case DEVICE_FAILED:
        return cavern_status_text((enum cavern_status)device->status);
    default:
        return "?";
    }
}

static const char *or_dash(const char *text)
{
    return *text ? text : "-";
}

static void print_device(const struct device_info *device, const struct children *children)
{
    printf("%-20.47s  %-24.47s  %-10.31s  %s\n", device->node, or_dash(device->compatible), or_dash(device->driver),
           device_state_text(device, children));
}

int command_devices(struct shell *shell, const struct shell_words *words)
{
    static struct children children;
    static struct device_list list;
    struct rpc_request request = {.operation = DEVICE_LIST, .version = RPC_VERSION};
    cavern_handle sender = CAVERN_NO_HANDLE;
    enum cavern_status status = children_list(shell, &children);
    if (status)
        return command_failed(words, "supervisor", status);
    status = cavern_registry_lookup("/service/devices", CAVERN_POLL, &sender);
    printf("NODE                  COMPATIBLE                DRIVER      STATE\n");
    while (!status && !(status = watch_call(sender, &request, sizeof request, &list, sizeof list, NULL))) {
        for (unsigned i = 0; i < list.reply.value && i < DEVICE_INFOS_MAX; i++)
            print_device(&list.devices[i], &children);
        request.value = list.next;
    }
    cavern_handle_close(sender);
    return status == CAVERN_END ? SHELL_OK : command_failed(words, "/service/devices", status);
}

static const char *const levels[] = {
    [CAVERN_LOG_ERROR] = "error",
    [CAVERN_LOG_WARNING] = "warning",
    [CAVERN_LOG_INFO] = "info",
    [CAVERN_LOG_DEBUG] = "debug",
};

enum { LEVELS = sizeof levels / sizeof levels[0] };

/* 0: not a level. */
static uint32_t level_named(const char *name)
{
    for (uint32_t level = CAVERN_LOG_ERROR; level < LEVELS; level++)
        if (!strcmp(levels[level], name))
            return level;
    return 0;
}

static void print_record(const struct log_record *record, const char *text)
{
    char time[32], source[LOG_SOURCE_MAX + 16];
    const char *level = record->level && record->level < LEVELS ? levels[record->level] : "?";
    shell_time(record->time, time);
    snprintf(source, sizeof source, record->process ? "%.*s[%u]" : "%.*s", LOG_SOURCE_MAX, record->source,
             (unsigned)record->process);
    printf("%s  %-7s  %-18s  %.*s\n", time, level, source, (int)record->length, text);
}

static void print_records(const struct log_records *records, size_t size)
{
    size_t at = offsetof(struct log_records, bytes);
    if (records->lost)
        printf("(%u records were lost)\n", (unsigned)records->lost);
    for (uint32_t i = 0; i < records->reply.value; i++) {
        struct log_record record;
        if (size - at < sizeof record)
            return;
        memcpy(&record, (const uint8_t *)records + at, sizeof record);
        at += sizeof record;
        if (record.length > size - at)
            return;
        print_record(&record, (const char *)records + at);
        at += (record.length + 7u) & ~(size_t)7;
        at = at < size ? at : size;
    }
}

int command_log(struct shell *shell, const struct shell_words *words)
{
    static union {
        struct log_records records;
        uint8_t bytes[sizeof(struct log_records) + LOG_RECORDS_BYTES];
    } reply;
    struct log_read request = {.request = {.operation = LOG_READ, .version = RPC_VERSION}};
    cavern_handle sender = CAVERN_NO_HANDLE;
    size_t size;
    (void)shell;
    if (words->count > 1 && !(request.request.value = level_named(words->word[1])))
        return command_misused(words, "LEVEL is error, warning, info or debug");
    enum cavern_status status = cavern_registry_lookup("/service/log", CAVERN_POLL, &sender);
    while (!status && !(status = watch_call(sender, &request, sizeof request, &reply, sizeof reply, &size))) {
        print_records(&reply.records, size < sizeof reply ? size : sizeof reply);
        request.cursor = reply.records.next;
        if (watch_interrupted()) {
            status = CAVERN_INTERRUPTED;
            break;
        }
    }
    cavern_handle_close(sender);
    return status == CAVERN_END ? SHELL_OK : command_failed(words, "/service/log", status);
}
