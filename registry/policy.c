/* SPDX-License-Identifier: BSD-2-Clause */
/* Names, clients, waiting look-ups and watches: see policy.h. Pure. */
#include "policy.h"

#include <string.h>

#define REGISTRY_MAGIC UINT64_C(0x3152545349474552)
#define TAG_SHIFT 48
#define LABELS_END (UINT64_C(1) << TAG_SHIFT)
#define LABEL_TIME 1000 /* ns: a label takes longer than this to be given out */

static const struct registry_client administrator = {.permitted = "/*"};

/* Effects. */

static struct registry_effect *effect_add(struct registry_effects *effects, enum registry_effect_kind kind)
{
    struct registry_effect *effect = &effects->list[effects->count++];
    memset(effect, 0, sizeof(*effect));
    effect->kind = kind;
    return effect;
}

static void reply_add(struct registry_effects *effects, uint32_t request, enum cavern_status status)
{
    struct registry_effect *effect = effect_add(effects, REGISTRY_EFFECT_REPLY);
    effect->request = request;
    effect->status = status;
}

static void close_add(struct registry_effects *effects, uint64_t handle)
{
    effect_add(effects, REGISTRY_EFFECT_CLOSE)->handle = handle;
}

static void sender_add(struct registry *registry, struct registry_effects *effects, const struct registry_entry *entry,
                       uint32_t request)
{
    struct registry_effect *effect = effect_add(effects, REGISTRY_EFFECT_SENDER);
    effect->request = request;
    effect->handle = entry->sender;
    effect->label = entry->tag << TAG_SHIFT | registry->next_label++;
}

/* Names. */

static bool starts_with(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

/* A path of one or more parts, each printable, neither empty nor "." or "..". */
static bool name_valid(const char *name)
{
    if (*name != '/')
        return false;
    while (*name == '/') {
        const char *part = ++name;
        for (; *name && *name != '/'; name++)
            if (*name <= ' ' || *name > '~' || *name == '*')
                return false;
        size_t length = (size_t)(name - part);
        if (length == 0 || (length <= 2 && strspn(part, ".") == length))
            return false;
    }
    return true;
}

/* What a client says as `said`, in full. Nothing is the same as "/": it is before, and the prefix of, every name. */
static bool name_complete(const struct registry_client *client, const char said[RPC_NAME_MAX], char name[RPC_NAME_MAX])
{
    const char *rest = said[0] ? said : "/";
    if (!memchr(said, 0, RPC_NAME_MAX) || rest[0] != '/' || strlen(client->scope) + strlen(rest) >= RPC_NAME_MAX)
        return false;
    memset(name, 0, RPC_NAME_MAX);
    strcpy(name, client->scope);
    strcat(name, rest);
    return true;
}

static bool pattern_matches(const char *pattern, size_t length, const char *name)
{
    if (length && pattern[length - 1] == '*')
        return strncmp(name, pattern, length - 1) == 0;
    return strlen(name) == length && memcmp(name, pattern, length) == 0;
}

static bool may_register(const struct registry_client *client, const char *name)
{
    const char *pattern = client->permitted;
    while (*pattern) {
        size_t length = strcspn(pattern, " ");
        if (pattern_matches(pattern, length, name))
            return true;
        pattern += length;
        pattern += strspn(pattern, " ");
    }
    return false;
}

/* The tables. */

static const struct registry_client *client_find(const struct registry *registry, uint64_t label)
{
    if (label >= 1 && label <= REGISTRY_ADMINISTRATORS)
        return &administrator;
    for (uint32_t i = 0; i < registry->client_count; i++)
        if (registry->clients[i].label == label)
            return &registry->clients[i];
    return NULL;
}

/* Index of the first entry whose name is not before `name`. */
static uint32_t entry_place(const struct registry *registry, const char *name)
{
    uint32_t low = 0;
    uint32_t high = registry->entry_count;
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        if (strcmp(registry->entries[middle].name, name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static struct registry_entry *entry_find(struct registry *registry, const char *name)
{
    uint32_t place = entry_place(registry, name);
    bool found = place < registry->entry_count && strcmp(registry->entries[place].name, name) == 0;
    return found ? &registry->entries[place] : NULL;
}

static struct registry_entry *entry_insert(struct registry *registry, const char *name)
{
    struct registry_entry *place = &registry->entries[entry_place(registry, name)];
    struct registry_entry *end = &registry->entries[registry->entry_count++];
    memmove(place + 1, place, (size_t)(end - place) * sizeof(*place));
    memcpy(place->name, name, RPC_NAME_MAX);
    return place;
}

static void tell_watchers(const struct registry *registry, struct registry_effects *effects, const char *name,
                          enum registry_change change)
{
    for (uint32_t i = 0; i < registry->watch_count; i++) {
        const struct registry_watch *watch = &registry->watches[i];
        const struct registry_client *client = client_find(registry, watch->client);
        if (!starts_with(name, watch->prefix) || !client)
            continue;
        struct registry_effect *effect = effect_add(effects, REGISTRY_EFFECT_EVENT);
        effect->handle = watch->sender;
        effect->change = change;
        strcpy(effect->name, name + strlen(client->scope));
    }
}

static void entry_remove(struct registry *registry, struct registry_entry *entry, struct registry_effects *effects)
{
    struct registry_entry removed = *entry;
    struct registry_entry *end = &registry->entries[--registry->entry_count];
    memmove(entry, entry + 1, (size_t)(end - entry) * sizeof(*entry));
    close_add(effects, removed.sender);
    tell_watchers(registry, effects, removed.name, REGISTRY_REMOVED);
}

static void wait_remove(struct registry *registry, uint32_t index)
{
    registry->wait_count--;
    memmove(&registry->waits[index], &registry->waits[index + 1],
            (registry->wait_count - index) * sizeof(registry->waits[0]));
}

static void watch_remove(struct registry *registry, uint32_t index, struct registry_effects *effects)
{
    close_add(effects, registry->watches[index].sender);
    registry->watches[index] = registry->watches[--registry->watch_count];
}

/* Requests. Each answers exactly once, now or, for a look-up that waits, later. */

struct context {
    struct registry *registry;
    const struct registry_input *input;
    const struct registry_client *client;
    struct registry_effects *effects;
    char name[RPC_NAME_MAX]; /* in full */
};

static enum cavern_status request_register(struct context *context)
{
    struct registry *registry = context->registry;
    const struct rpc_request *request = context->input->payload;
    if (!name_valid(context->name) || !context->input->grant || request->value > REGISTRY_TAG_MAX)
        return CAVERN_BAD_ARGUMENT;
    if (!may_register(context->client, context->name))
        return CAVERN_NOT_PERMITTED;
    struct registry_entry *entry = entry_find(registry, context->name);
    if (entry && entry->client != context->input->label)
        return CAVERN_EXISTS;
    if (entry)
        close_add(context->effects, entry->sender);
    else if (registry->entry_count < REGISTRY_ENTRIES_MAX)
        entry = entry_insert(registry, context->name);
    else
        return CAVERN_NO_MEMORY;
    entry->client = context->input->label;
    entry->sender = context->input->grant;
    entry->tag = request->value;
    reply_add(context->effects, context->input->request, CAVERN_OK);
    for (uint32_t i = 0; i < registry->wait_count;) {
        if (strcmp(registry->waits[i].name, context->name) == 0) {
            sender_add(registry, context->effects, entry, (uint32_t)registry->waits[i].request);
            wait_remove(registry, i);
        } else {
            i++;
        }
    }
    tell_watchers(registry, context->effects, context->name, REGISTRY_ADDED);
    return CAVERN_OK;
}

static enum cavern_status request_unregister(struct context *context)
{
    struct registry_entry *entry = entry_find(context->registry, context->name);
    if (!entry)
        return CAVERN_NOT_FOUND;
    if (entry->client != context->input->label)
        return CAVERN_NOT_PERMITTED;
    reply_add(context->effects, context->input->request, CAVERN_OK);
    entry_remove(context->registry, entry, context->effects);
    return CAVERN_OK;
}

/* Room for one more waiting look-up: a client's oldest makes way, since it may belong to an earlier incarnation. */
static bool wait_room(struct registry *registry, uint64_t client, struct registry_effects *effects)
{
    uint32_t own = 0;
    uint32_t oldest = 0;
    for (uint32_t i = registry->wait_count; i-- > 0;) {
        if (registry->waits[i].client == client) {
            own++;
            oldest = i;
        }
    }
    if (own == REGISTRY_WAITS_PER_CLIENT) {
        effect_add(effects, REGISTRY_EFFECT_DROP)->request = (uint32_t)registry->waits[oldest].request;
        wait_remove(registry, oldest);
    }
    return registry->wait_count < REGISTRY_WAITS_MAX;
}

static enum cavern_status request_lookup(struct context *context)
{
    struct registry *registry = context->registry;
    const struct rpc_request *request = context->input->payload;
    if (!name_valid(context->name) || (request->value & ~(uint32_t)REGISTRY_WAIT))
        return CAVERN_BAD_ARGUMENT;
    struct registry_entry *entry = entry_find(registry, context->name);
    if (entry) {
        sender_add(registry, context->effects, entry, context->input->request);
        return CAVERN_OK;
    }
    if (!request->value)
        return CAVERN_NOT_FOUND;
    if (!wait_room(registry, context->input->label, context->effects))
        return CAVERN_NO_MEMORY;
    struct registry_wait *wait = &registry->waits[registry->wait_count++];
    memcpy(wait->name, context->name, RPC_NAME_MAX);
    wait->client = context->input->label;
    wait->request = context->input->request;
    return CAVERN_OK;
}

/* context->name: the prefix in full. */
static enum cavern_status request_list(struct context *context)
{
    struct registry *registry = context->registry;
    const struct registry_list *list = context->input->payload;
    char after[RPC_NAME_MAX];
    if (!name_complete(context->client, list->after, after))
        return CAVERN_BAD_ARGUMENT;
    struct registry_names *names = &context->effects->names;
    memset(names, 0, sizeof(*names));
    size_t skip = strlen(context->client->scope);
    for (uint32_t i = entry_place(registry, context->name); i < registry->entry_count; i++) {
        const char *name = registry->entries[i].name;
        if (!starts_with(name, context->name) || names->reply.value == REGISTRY_NAMES_MAX)
            break;
        if (strcmp(name, after) > 0)
            strcpy(names->names[names->reply.value++], name + skip);
    }
    if (!names->reply.value)
        return CAVERN_END;
    effect_add(context->effects, REGISTRY_EFFECT_NAMES)->request = context->input->request;
    return CAVERN_OK;
}

static enum cavern_status request_watch(struct context *context)
{
    struct registry *registry = context->registry;
    if (!context->input->grant)
        return CAVERN_BAD_ARGUMENT;
    uint32_t own = 0;
    for (uint32_t i = 0; i < registry->watch_count; i++) {
        struct registry_watch *watch = &registry->watches[i];
        if (watch->client != context->input->label)
            continue;
        if (strcmp(watch->prefix, context->name) == 0) { /* an earlier incarnation's */
            close_add(context->effects, watch->sender);
            watch->sender = context->input->grant;
            reply_add(context->effects, context->input->request, CAVERN_OK);
            return CAVERN_OK;
        }
        own++;
    }
    if (own == REGISTRY_WATCHES_PER_CLIENT || registry->watch_count == REGISTRY_WATCHES_MAX)
        return CAVERN_NO_MEMORY;
    struct registry_watch *watch = &registry->watches[registry->watch_count++];
    memcpy(watch->prefix, context->name, RPC_NAME_MAX);
    watch->client = context->input->label;
    watch->sender = context->input->grant;
    reply_add(context->effects, context->input->request, CAVERN_OK);
    return CAVERN_OK;
}

static enum cavern_status request_open(struct context *context)
{
    struct registry *registry = context->registry;
    const struct registry_open *open = context->input->payload;
    if (context->client != &administrator)
        return CAVERN_NOT_PERMITTED;
    if (!memchr(open->scope, 0, sizeof(open->scope)) || !memchr(open->permitted, 0, sizeof(open->permitted)) ||
        (open->scope[0] && !name_valid(open->scope)))
        return CAVERN_BAD_ARGUMENT;
    if (registry->client_count == REGISTRY_CLIENTS_MAX)
        return CAVERN_NO_MEMORY;
    struct registry_client *client = &registry->clients[registry->client_count++];
    memset(client, 0, sizeof(*client));
    client->label = registry->next_label++;
    strcpy(client->scope, open->scope);
    strcpy(client->permitted, open->permitted);
    struct registry_effect *effect = effect_add(context->effects, REGISTRY_EFFECT_CLIENT);
    effect->request = context->input->request;
    effect->label = client->label;
    return CAVERN_OK;
}

struct operation {
    enum cavern_status (*serve)(struct context *context);
    uint32_t size;
    bool named; /* the payload is a registry_name, or begins like one */
};

static const struct operation operations[] = {
    [REGISTRY_REGISTER] = {request_register, sizeof(struct registry_name), true},
    [REGISTRY_UNREGISTER] = {request_unregister, sizeof(struct registry_name), true},
    [REGISTRY_LOOKUP] = {request_lookup, sizeof(struct registry_name), true},
    [REGISTRY_LIST] = {request_list, sizeof(struct registry_list), true},
    [REGISTRY_WATCH] = {request_watch, sizeof(struct registry_name), true},
    [REGISTRY_OPEN] = {request_open, sizeof(struct registry_open), false},
};

static enum cavern_status request_serve(struct context *context)
{
    const struct rpc_request *request = context->input->payload;
    if (context->input->size < sizeof(*request))
        return CAVERN_BAD_ARGUMENT;
    if (request->version != RPC_VERSION || request->operation == RPC_PING ||
        request->operation >= sizeof(operations) / sizeof(operations[0]))
        return CAVERN_UNSUPPORTED;
    const struct operation *operation = &operations[request->operation];
    if (context->input->size < operation->size)
        return CAVERN_BAD_ARGUMENT;
    if (!context->client)
        return CAVERN_NOT_PERMITTED;
    const struct registry_name *named = context->input->payload;
    if (operation->named && !name_complete(context->client, named->name, context->name))
        return CAVERN_BAD_ARGUMENT;
    return context->registry->next_label < LABELS_END - REGISTRY_EFFECTS_MAX ? operation->serve(context)
                                                                             : CAVERN_NO_MEMORY;
}

bool registry_wants_grant(const void *payload, uint32_t size)
{
    const struct rpc_request *request = payload;
    return size >= sizeof(struct registry_name) && request->version == RPC_VERSION &&
           (request->operation == REGISTRY_REGISTER || request->operation == REGISTRY_WATCH);
}

void registry_request(struct registry *registry, const struct registry_input *input, struct registry_effects *effects)
{
    effects->count = 0;
    struct context context = {
        .registry = registry,
        .input = input,
        .client = client_find(registry, input->label),
        .effects = effects,
    };
    enum cavern_status status = request_serve(&context);
    if (status != CAVERN_OK) {
        reply_add(effects, input->request, status);
        if (input->grant)
            close_add(effects, input->grant);
    }
}

/* Takes one thing of the client's away; false: it had none. */
static bool client_strip(struct registry *registry, uint64_t label, struct registry_effects *effects)
{
    for (uint32_t i = 0; i < registry->wait_count; i++) {
        if (registry->waits[i].client == label) {
            effect_add(effects, REGISTRY_EFFECT_DROP)->request = (uint32_t)registry->waits[i].request;
            wait_remove(registry, i);
            return true;
        }
    }
    for (uint32_t i = 0; i < registry->watch_count; i++) {
        if (registry->watches[i].client == label) {
            watch_remove(registry, i, effects);
            return true;
        }
    }
    for (uint32_t i = 0; i < registry->entry_count; i++) {
        if (registry->entries[i].client == label) {
            entry_remove(registry, &registry->entries[i], effects);
            return true;
        }
    }
    return false;
}

bool registry_closed(struct registry *registry, uint64_t label, struct registry_effects *effects)
{
    effects->count = 0;
    while (effects->count + 1 + registry->watch_count <= REGISTRY_EFFECTS_MAX) {
        if (!client_strip(registry, label, effects)) {
            for (uint32_t i = 0; i < registry->client_count; i++) {
                if (registry->clients[i].label == label) {
                    registry->clients[i] = registry->clients[--registry->client_count];
                    break;
                }
            }
            return false;
        }
    }
    return true;
}

void registry_watch_lost(struct registry *registry, uint64_t sender, struct registry_effects *effects)
{
    effects->count = 0;
    for (uint32_t i = 0; i < registry->watch_count; i++) {
        if (registry->watches[i].sender == sender) {
            watch_remove(registry, i, effects);
            return;
        }
    }
}

bool registry_start(struct registry *registry, uint64_t now)
{
    if (registry->magic == REGISTRY_MAGIC && registry_invariants(registry)) {
        registry->wait_count = 0;
        return true;
    }
    memset(registry, 0, sizeof(*registry));
    registry->magic = REGISTRY_MAGIC;
    registry->next_label = REGISTRY_ADMINISTRATORS + 1 + now / LABEL_TIME;
    return false;
}

/* Invariants. */

static bool clients_good(const struct registry *registry)
{
    for (uint32_t i = 0; i < registry->client_count; i++) {
        const struct registry_client *client = &registry->clients[i];
        if (client->label <= REGISTRY_ADMINISTRATORS || client->label >= registry->next_label ||
            client_find(registry, client->label) != client || !memchr(client->scope, 0, sizeof(client->scope)) ||
            !memchr(client->permitted, 0, sizeof(client->permitted)))
            return false;
    }
    return true;
}

static bool entries_good(const struct registry *registry)
{
    for (uint32_t i = 0; i < registry->entry_count; i++) {
        const struct registry_entry *entry = &registry->entries[i];
        if (!memchr(entry->name, 0, sizeof(entry->name)) || !name_valid(entry->name) ||
            !client_find(registry, entry->client) || !entry->sender || entry->tag > REGISTRY_TAG_MAX ||
            (i && strcmp(entry[-1].name, entry->name) >= 0))
            return false;
    }
    return true;
}

static bool waits_good(const struct registry *registry)
{
    for (uint32_t i = 0; i < registry->wait_count; i++) {
        const struct registry_wait *wait = &registry->waits[i];
        if (!memchr(wait->name, 0, sizeof(wait->name)) || !client_find(registry, wait->client))
            return false;
        uint32_t place = entry_place(registry, wait->name);
        if (place < registry->entry_count && strcmp(registry->entries[place].name, wait->name) == 0)
            return false;
    }
    return true;
}

static bool watches_good(const struct registry *registry)
{
    for (uint32_t i = 0; i < registry->watch_count; i++) {
        const struct registry_watch *watch = &registry->watches[i];
        const struct registry_client *client = client_find(registry, watch->client);
        if (!memchr(watch->prefix, 0, sizeof(watch->prefix)) || !client || !watch->sender ||
            !starts_with(watch->prefix, client->scope))
            return false;
    }
    return true;
}

bool registry_invariants(const struct registry *registry)
{
    return registry->client_count <= REGISTRY_CLIENTS_MAX && registry->entry_count <= REGISTRY_ENTRIES_MAX &&
           registry->wait_count <= REGISTRY_WAITS_MAX && registry->watch_count <= REGISTRY_WATCHES_MAX &&
           registry->next_label > REGISTRY_ADMINISTRATORS && registry->next_label <= LABELS_END &&
           clients_good(registry) && entries_good(registry) && waits_good(registry) && watches_good(registry);
}
