/* SPDX-License-Identifier: BSD-2-Clause */
#include "children.h"

#include <string.h>

#include <cavern/rpc.h>

#include "watch.h"

enum cavern_status children_list(const struct shell *shell, struct children *children)
{
    static struct supervisor_statuses page;
    struct rpc_request request = {.operation = SUPERVISOR_LIST, .version = RPC_VERSION};
    children->count = 0;
    for (;;) {
        enum cavern_status status = watch_call(shell->supervisor, &request, sizeof request, &page, sizeof page, NULL);
        if (status)
            return status == CAVERN_END ? CAVERN_OK : status;
        for (unsigned i = 0; i < page.reply.value && i < SUPERVISOR_STATUSES_MAX; i++)
            if (children->count < CHILDREN_MAX)
                children->list[children->count++] = page.children[i];
        request.value = page.next;
    }
}

const struct supervisor_child_status *children_with_process(const struct children *children, uint32_t process)
{
    for (unsigned i = 0; i < children->count; i++)
        if (children->list[i].process == process)
            return &children->list[i];
    return NULL;
}

const struct supervisor_child_status *children_named(const struct children *children, const char *name)
{
    size_t size = sizeof children->list[0].name;
    for (unsigned i = 0; i < children->count; i++)
        if (!strncmp(children->list[i].name, name, size - 1))
            return &children->list[i];
    return NULL;
}

static const char *text_of(const char *const *texts, unsigned count, unsigned value)
{
    return value < count && texts[value] ? texts[value] : "?";
}

#define TEXT_OF(texts, value) text_of(texts, sizeof texts / sizeof texts[0], value)

const char *child_state_text(const struct supervisor_child_status *child)
{
    static const char *const texts[] = {
        [SUPERVISOR_STATE_NEW] = "new",         [SUPERVISOR_STATE_STARTING] = "starting",
        [SUPERVISOR_STATE_RUNNING] = "running", [SUPERVISOR_STATE_STOPPING] = "stopping",
        [SUPERVISOR_STATE_WAITING] = "waiting", [SUPERVISOR_STATE_STOPPED] = "stopped",
        [SUPERVISOR_STATE_FAILED] = "failed",
    };
    return TEXT_OF(texts, child->state);
}

const char *child_class_text(const struct supervisor_child_status *child)
{
    static const char *const texts[] = {
        [SUPERVISOR_DRIVER] = "driver",
        [SUPERVISOR_SERVICE] = "service",
        [SUPERVISOR_PROGRAM] = "program",
    };
    return TEXT_OF(texts, child->class);
}

const char *child_restart_text(const struct supervisor_child_status *child)
{
    static const char *const texts[] = {
        [SUPERVISOR_PERMANENT] = "permanent",
        [SUPERVISOR_TRANSIENT] = "transient",
        [SUPERVISOR_TEMPORARY] = "temporary",
    };
    return TEXT_OF(texts, child->restart);
}

enum cavern_status child_ask(const struct shell *shell, enum supervisor_operation operation, const char *name,
                             struct supervisor_status *reply)
{
    struct supervisor_name request = {.request = {.operation = (uint16_t)operation, .version = RPC_VERSION}};
    if (strlen(name) >= sizeof request.name)
        return CAVERN_NOT_FOUND;
    strcpy(request.name, name);
    return watch_call(shell->supervisor, &request, sizeof request, reply, sizeof *reply, NULL);
}
