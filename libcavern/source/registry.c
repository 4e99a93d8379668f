/* SPDX-License-Identifier: BSD-2-Clause */
#include <cavern/registry.h>

#include <string.h>

#include <cavern/message.h>
#include <cavern/rpc.h>
#include <cavern/start.h>

static bool copy_name(char to[RPC_NAME_MAX], const char *name)
{
    size_t length = strlen(name);
    if (length >= RPC_NAME_MAX)
        return false;
    memcpy(to, name, length + 1);
    return true;
}

/* A request that is a name, with a grant either way. */
static enum cavern_status exchange_name(unsigned operation, uint32_t value, const char *name,
                                        const struct cavern_grant *grant, uint64_t deadline, cavern_handle *granted)
{
    struct registry_name request = {
        .request = {.operation = (uint16_t)operation, .version = RPC_VERSION, .value = value}};
    struct rpc_reply reply;
    if (!copy_name(request.name, name))
        return CAVERN_BAD_ARGUMENT;
    struct cavern_session session = {.sender = cavern_startup_get(CAVERN_STARTUP_REGISTRY)};
    if (!session.sender)
        return CAVERN_NOT_FOUND;
    struct cavern_outgoing out = {
        .payload = &request, .size = sizeof(request), .grants = grant, .grant_count = grant != NULL};
    struct cavern_answer answer = {.buffer = &reply, .capacity = sizeof(reply), .places = granted != NULL};
    enum cavern_status status = cavern_session_exchange(&session, &out, deadline, &answer);
    if (status || !granted)
        return status;
    if (!answer.places)
        return CAVERN_CORRUPT;
    *granted = answer.grants[0].handle;
    return *granted ? CAVERN_OK : CAVERN_NO_MEMORY;
}

enum cavern_status cavern_registry_lookup(const char *name, uint64_t deadline, cavern_handle *sender)
{
    bool wait = deadline != CAVERN_POLL;
    return exchange_name(REGISTRY_LOOKUP, wait ? REGISTRY_WAIT : 0, name, NULL, wait ? deadline : CAVERN_FOREVER,
                         sender);
}

enum cavern_status cavern_registry_register(const char *name, cavern_handle sender)
{
    struct cavern_grant grant = {sender, CAVERN_RIGHT_SEND | CAVERN_RIGHT_REQUEST | CAVERN_RIGHT_MINT};
    return exchange_name(REGISTRY_REGISTER, 0, name, &grant, CAVERN_FOREVER, NULL);
}

enum cavern_status cavern_registry_unregister(const char *name)
{
    return exchange_name(REGISTRY_UNREGISTER, 0, name, NULL, CAVERN_FOREVER, NULL);
}

enum cavern_status cavern_registry_list(const char *prefix, const char *after, struct registry_names *names)
{
    struct registry_list request = {.request = {.operation = REGISTRY_LIST, .version = RPC_VERSION}};
    if (!copy_name(request.prefix, prefix) || !copy_name(request.after, after))
        return CAVERN_BAD_ARGUMENT;
    struct cavern_session session = {.sender = cavern_startup_get(CAVERN_STARTUP_REGISTRY)};
    if (!session.sender)
        return CAVERN_NOT_FOUND;
    return cavern_session_call(&session, &request, sizeof(request), names, sizeof(*names), NULL, CAVERN_FOREVER);
}

enum cavern_status cavern_registry_watch(const char *prefix, cavern_handle sender)
{
    struct cavern_grant grant = {sender, CAVERN_RIGHT_SEND};
    return exchange_name(REGISTRY_WATCH, 0, prefix, &grant, CAVERN_FOREVER, NULL);
}
