/* SPDX-License-Identifier: BSD-2-Clause */
#include "look.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cavern/handles.h>
#include <cavern/inspect.h>
#include <cavern/protocol/device.h>
#include <cavern/protocol/log.h>
#include <cavern/protocol/supervisor.h>
#include <cavern/registry.h>
#include <cavern/rpc.h>
#include <cavern/start.h>
#include <cavern/stubs.h>
#include <cavern/text.h>
#include <cavern/time.h>

#include "attempt.h"
#include "protocol.h"

#define ANSWER_SECONDS 5
#define PROCESSES_MAX 48

enum { LOG, CONSOLE, UART, SUPERVISOR, DEVICES, REGISTRY };

struct look_service look_services[LOOK_SERVICES] = {
    [LOG] = {"log", "/service/log", 0, 0},
    [CONSOLE] = {"console", "/service/console", 0, 0},
    [UART] = {"uart", "/device/pl011@9000000", 0, 0},
    [SUPERVISOR] = {"supervisor", "/service/supervisor", 0, 0},
    [DEVICES] = {"devices", "/service/devices", 0, 0},
    [REGISTRY] = {"registry", NULL, 0, 0}, /* of the start-up record, and not to be handed on */
};

struct snapshot {
    unsigned process_count, child_count;
    struct cavern_process_info processes[PROCESSES_MAX];
    struct cavern_account_info root, own;
    uint64_t free; /* bytes of RAM */
    struct registry_names names;
    struct supervisor_child_status children[SUPERVISOR_STATUSES_MAX];
    struct device_list devices;
};

static struct snapshot before;
static char text[200];

static const char *say(const char *format, ...) __attribute__((format(printf, 1, 2)));

static const char *say(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    return text;
}

enum cavern_status look_open(void)
{
    enum cavern_status status = CAVERN_OK;
    for (unsigned i = 0; status == CAVERN_OK && i < LOOK_SERVICES; i++) {
        struct look_service *service = &look_services[i];
        if (!service->path) {
            service->own = cavern_startup_get(service->name);
            continue;
        }
        status = cavern_registry_lookup(service->path, CAVERN_FOREVER, &service->own);
        if (status == CAVERN_OK)
            status = cavern_registry_lookup(service->path, CAVERN_FOREVER, &service->lent);
    }
    return status;
}

/* --- what the kernel says --- */

static bool comes_and_goes(const char *name)
{
    return !strncmp(name, PROGRAM_NAME, strlen(PROGRAM_NAME)) || !strcmp(name, ATTEMPT_NAME);
}

static enum cavern_status inspect(const char *handle, enum cavern_topic topic, uint64_t *cursor, void *to, size_t size,
                                  uint64_t *written)
{
    cavern_handle object = handle ? cavern_startup_get(handle) : CAVERN_SELF_ACCOUNT;
    return cavern_sys_inspect(object, topic, *cursor, (uintptr_t)to, size, cursor, written);
}

static enum cavern_status take_processes(struct snapshot *now)
{
    uint64_t cursor = 0, written;
    now->process_count = 0;
    do {
        struct cavern_process_info info;
        enum cavern_status status =
            inspect(CAVERN_STARTUP_ROOT, CAVERN_INSPECT_PROCESSES, &cursor, &info, sizeof(info), &written);
        if (status)
            return status;
        if (!written || comes_and_goes(info.name))
            continue;
        if (now->process_count == PROCESSES_MAX)
            return CAVERN_TOO_LARGE;
        now->processes[now->process_count++] = info;
    } while (cursor);
    return CAVERN_OK;
}

static enum cavern_status take_accounts(struct snapshot *now)
{
    struct cavern_machine_info machine;
    uint64_t cursor = 0, written;
    enum cavern_status status =
        inspect(CAVERN_STARTUP_ROOT, CAVERN_INSPECT_ACCOUNT, &cursor, &now->root, sizeof(now->root), &written);
    if (!status)
        status = inspect(NULL, CAVERN_INSPECT_ACCOUNT, &cursor, &now->own, sizeof(now->own), &written);
    if (!status)
        status = inspect(CAVERN_STARTUP_MACHINE, CAVERN_INSPECT_MACHINE, &cursor, &machine, sizeof(machine), &written);
    now->free = machine.memory_free;
    return status;
}

/* --- what the services say --- */

static enum cavern_status ask(unsigned service, uint16_t operation, uint32_t value, void *reply, size_t size)
{
    struct log_read request = {{operation, RPC_VERSION, 0, value}, 0}; /* the longest of them */
    return cavern_rpc_call(look_services[service].own, &request, sizeof(request), reply, size, NULL,
                           cavern_after(ANSWER_SECONDS * CAVERN_SECOND));
}

/* The first of them: there are few. */
static enum cavern_status take_children(struct snapshot *now)
{
    static struct supervisor_statuses list;
    enum cavern_status status = ask(SUPERVISOR, SUPERVISOR_LIST, 0, &list, sizeof(list));
    now->child_count = 0;
    for (unsigned i = 0; !status && i < list.reply.value; i++)
        if (!comes_and_goes(list.children[i].name))
            now->children[now->child_count++] = list.children[i];
    return status;
}

const char *look_ask(void)
{
    static uint8_t records[sizeof(struct log_records) + LOG_RECORDS_BYTES];
    cavern_handle sender;
    for (unsigned i = 0; i < LOOK_SERVICES; i++) {
        struct rpc_reply reply;
        enum cavern_status status = ask(i, RPC_PING, 0, &reply, sizeof(reply));
        if (status)
            return say("%s does not answer: %s", look_services[i].name, cavern_status_text(status));
    }
    enum cavern_status status = ask(LOG, LOG_READ, 0, records, sizeof(records));
    if (status)
        return say("the log can't be read: %s", cavern_status_text(status));
    status = cavern_registry_lookup(look_services[LOG].path, CAVERN_POLL, &sender);
    if (status)
        return say("look-up: %s", cavern_status_text(status));
    cavern_handle_close(sender);
    status = cavern_registry_lookup("/service/none", CAVERN_POLL, &sender);
    return status == CAVERN_NOT_FOUND ? NULL : say("look-up of nothing: %s", cavern_status_text(status));
}

/* --- comparing --- */

static const char *look(struct snapshot *now)
{
    enum cavern_status status = take_processes(now);
    if (!status)
        status = take_accounts(now);
    if (status)
        return say("inspect: %s", cavern_status_text(status));
    status = cavern_registry_list("", "", &now->names);
    if (!status)
        status = take_children(now);
    if (!status)
        status = ask(DEVICES, DEVICE_LIST, 0, &now->devices, sizeof(now->devices));
    return status ? say("a list of names, children or devices: %s", cavern_status_text(status)) : NULL;
}

const char *look_remember(void)
{
    return look(&before);
}

/* All but its time, and the log's memory. */
static const char *compare_process(const struct cavern_process_info *a, const struct cavern_process_info *b)
{
    bool memory = a->memory == b->memory || !strcmp(a->name, "log");
    if (a->id == b->id && a->state == b->state && a->threads == b->threads && a->handles == b->handles && memory &&
        a->mapped == b->mapped && !memcmp(a->name, b->name, sizeof(a->name)))
        return NULL;
    return say("%.15s was state %u, %u threads, %u handles, %" PRIu64 " + %" PRIu64 " bytes; is %u, %u, %u, %" PRIu64
               " + %" PRIu64,
               b->name, a->state, a->threads, a->handles, a->memory, a->mapped, b->state, b->threads, b->handles,
               b->memory, b->mapped);
}

static const char *compare_account(const char *name, const struct cavern_account_info *a,
                                   const struct cavern_account_info *b)
{
    if (!memcmp(a, b, sizeof(*a)))
        return NULL;
    return say("%s was charged %" PRIu64 " - %" PRIu64 " of %" PRIu64 ", %" PRIu64 " objects, %u accounts; is %" PRIu64
               " - %" PRIu64 " of %" PRIu64 ", %" PRIu64 ", %u",
               name, a->used, a->lent, a->limit, a->objects, a->accounts, b->used, b->lent, b->limit, b->objects,
               b->accounts);
}

const char *look_compare(void)
{
    static struct snapshot now;
    const char *wrong = look(&now);
    if (!wrong && now.process_count != before.process_count)
        wrong = say("%u processes instead of %u", now.process_count, before.process_count);
    for (unsigned i = 0; !wrong && i < now.process_count; i++)
        wrong = compare_process(&before.processes[i], &now.processes[i]);
    if (!wrong)
        wrong = compare_account("root", &before.root, &now.root);
    if (!wrong)
        wrong = compare_account("the watcher", &before.own, &now.own);
    if (!wrong && now.free != before.free)
        wrong = say("%" PRId64 " bytes of RAM less are free", (int64_t)(before.free - now.free));
    if (!wrong && memcmp(&now.names, &before.names, sizeof(now.names)))
        wrong = say("other names in the registry");
    if (!wrong && (now.child_count != before.child_count ||
                   memcmp(now.children, before.children, now.child_count * sizeof(now.children[0]))))
        wrong = say("other children of the supervisor");
    if (!wrong && memcmp(&now.devices, &before.devices, sizeof(now.devices)))
        wrong = say("other devices");
    return wrong;
}
