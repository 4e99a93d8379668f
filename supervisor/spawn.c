/* SPDX-License-Identifier: BSD-2-Clause */
/* From a child's record to its process: account, queue, registry's sender, log's sender, program, handles. */
#include "spawn.h"

#include <string.h>

#include <cavern/file.h>
#include <cavern/handles.h>
#include <cavern/inspect.h>
#include <cavern/registry.h>
#include <cavern/rpc.h>
#include <cavern/spawn.h>
#include <cavern/start.h>
#include <cavern/stubs.h>
#include <cavern/time.h>

#define ASK (CAVERN_RIGHT_SEND | CAVERN_RIGHT_REQUEST)
#define OWN_ACCOUNT (CAVERN_RIGHT_INSPECT | CAVERN_RIGHT_MANAGE | CAVERN_RIGHT_CHARGE)
#define LOG_NAME "/service/log"
#define PATIENCE (2 * CAVERN_SECOND) /* with a volume, which may wait for this process to restart it */

/* A client of the registry's for the child: what it registers leaves when the supervisor closes this. */
static enum cavern_status registry_open(const struct supervisor_record *child, cavern_handle *sender)
{
    struct registry_open request = {.request = {.operation = REGISTRY_OPEN, .version = RPC_VERSION}};
    struct rpc_reply reply;
    struct cavern_outgoing out = {.payload = &request, .size = sizeof(request)};
    struct cavern_answer answer = {.buffer = &reply, .capacity = sizeof(reply), .places = 1};
    struct cavern_session session;
    strcpy(request.permitted, child->permitted);
    cavern_session_open(&session, cavern_startup_get(CAVERN_STARTUP_REGISTRY), NULL);
    enum cavern_status status = cavern_session_exchange(&session, &out, CAVERN_FOREVER, &answer);
    *sender = !status && answer.places ? answer.grants[0].handle : CAVERN_NO_HANDLE;
    return !status && !*sender ? CAVERN_NO_MEMORY : status;
}

static enum cavern_status complete(const struct supervisor_record *child, struct supervisor_held *held)
{
    enum cavern_status status = CAVERN_OK;
    if (!held->account) {
        status = cavern_sys_account_split(cavern_startup_get("account"), CAVERN_NO_HANDLE, child->memory,
                                          child->priority, &held->account);
    }
    if (!status && !held->queue && child->blocks)
        status = cavern_sys_queue_create(held->account, child->blocks, child->slots, 0, &held->queue);
    if (!status && !held->registry)
        status = registry_open(child, &held->registry);
    return status;
}

static void handle_put(struct cavern_spawn *spawn, const char *name, cavern_handle handle, uint64_t rights,
                       const uint64_t values[3])
{
    struct cavern_spawn_handle *entry = &spawn->handles[spawn->handle_count++];
    memset(entry, 0, sizeof(*entry));
    strcpy(entry->name, name);
    entry->handle = handle;
    entry->rights = rights;
    memcpy(entry->values, values, sizeof(entry->values));
}

/* `log` is 0 as long as the log does not run. */
static enum cavern_status start(const struct supervisor_record *child, struct cavern_spawn *spawn, cavern_handle log,
                                struct supervisor_held *held)
{
    static const uint64_t no_values[3];
    struct cavern_spawn_handle handles[SUPERVISOR_HANDLES_MAX + 3];
    char arguments[sizeof(child->name) + SUPERVISOR_ARGUMENTS_MAX];
    size_t name_bytes = strlen(child->name) + 1;
    memcpy(arguments, child->name, name_bytes);
    memcpy(arguments + name_bytes, child->argument_bytes, child->length);
    spawn->arguments = arguments;
    spawn->argument_bytes = name_bytes + child->length;
    spawn->handles = handles;
    handle_put(spawn, CAVERN_STARTUP_REGISTRY, held->registry, ASK, no_values);
    handle_put(spawn, "account", held->account, OWN_ACCOUNT, no_values);
    if (log)
        handle_put(spawn, CAVERN_STARTUP_LOG, log, ASK, no_values);
    for (unsigned i = 0; i < child->handle_count; i++) {
        const struct supervisor_handle *added = &child->handles[i];
        handle_put(spawn, added->name, added->handle, added->rights, added->values);
    }
    return cavern_spawn(spawn, &held->process);
}

static enum cavern_status process_id(cavern_handle process, uint32_t *id)
{
    struct cavern_process_info info;
    uint64_t next, written;
    enum cavern_status status =
        cavern_sys_inspect(process, CAVERN_INSPECT_PROCESS, 0, (uintptr_t)&info, sizeof(info), &next, &written);
    *id = status ? 0 : info.id;
    return status;
}

static enum cavern_status load_and_start(const struct supervisor_record *child, struct cavern_spawn *spawn,
                                         struct supervisor_held *held)
{
    void *image;
    cavern_handle log;
    enum cavern_status status = cavern_file_load(child->program, cavern_after(PATIENCE), &image, &spawn->image_size);
    if (status)
        return status;
    if (cavern_registry_lookup(LOG_NAME, CAVERN_POLL, &log))
        log = CAVERN_NO_HANDLE;
    spawn->image = image;
    status = start(child, spawn, log, held);
    cavern_handle_close(log);
    cavern_file_unload(image, spawn->image_size);
    return status;
}

enum cavern_status child_spawn(const struct supervisor_record *child, const struct cavern_queue *exits, uint64_t label,
                               struct supervisor_held *held, uint32_t *id)
{
    *id = 0;
    enum cavern_status status = complete(child, held);
    if (status)
        return status;
    struct cavern_spawn spawn = {
        .name = child->name,
        .account = held->account,
        .priority = child->priority,
        .stack = child->stack,
        .queue = held->queue,
        .exit_queue = exits->handle,
        .exit_label = label,
    };
    status = load_and_start(child, &spawn, held);
    if (status) {
        held->process = CAVERN_NO_HANDLE;
        return status;
    }
    return process_id(held->process, id);
}
