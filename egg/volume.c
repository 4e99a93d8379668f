/* SPDX-License-Identifier: BSD-2-Clause */
#include "volume.h"

#include <string.h>

#include "formats/ustar.h"

#define READ_MAX UINT32_MAX /* a reply tells the bytes read in 32 bits */

static int child_find(const struct volume *volume, uint32_t folder, const char *name, size_t length)
{
    for (int node = volume_next(volume, folder, 1); node >= 0; node = volume_next(volume, folder, (uint32_t)node + 1)) {
        const char *found = volume->nodes[node].name;
        if (strlen(found) == length && memcmp(found, name, length) == 0)
            return node;
    }
    return -1;
}

int volume_next(const struct volume *volume, uint32_t folder, uint32_t node)
{
    for (node = node ? node : 1; node < volume->count; node++) /* the root is in no folder */
        if (volume->nodes[node].parent == folder)
            return (int)node;
    return -1;
}

int volume_find(const struct volume *volume, const char *path)
{
    int node = 0;
    while (*path) {
        size_t length = strcspn(path, "/");
        if (length && (node = child_find(volume, (uint32_t)node, path, length)) < 0)
            return -1;
        path += length;
        path += *path == '/';
    }
    return node;
}

static struct volume_node *node_add(struct volume *volume, uint32_t parent, const char *name, size_t length,
                                    enum file_kind kind)
{
    if (volume->count == VOLUME_NODES_MAX || length >= sizeof(volume->nodes[0].name))
        return NULL;
    struct volume_node *node = &volume->nodes[volume->count++];
    memset(node, 0, sizeof(*node));
    memcpy(node->name, name, length);
    node->parent = parent;
    node->kind = (uint32_t)kind;
    return node;
}

/* The node at `path`, made with all folders above it where it is missing; NULL: no room, a file is in the way, or a
 * part has no name. */
static struct volume_node *path_add(struct volume *volume, const char *path, enum file_kind kind)
{
    uint32_t at = 0;
    while (*path) {
        size_t length = strcspn(path, "/");
        bool last = path[length] == 0;
        enum file_kind wanted = last ? kind : FILE_KIND_FOLDER;
        int found = child_find(volume, at, path, length);
        if (!length)
            return NULL;
        struct volume_node *node = found >= 0 ? &volume->nodes[found] : node_add(volume, at, path, length, wanted);
        if (!node || node->kind != (uint32_t)wanted)
            return NULL;
        at = (uint32_t)(node - volume->nodes);
        path += length + !last;
    }
    return &volume->nodes[at];
}

static bool entry_add(struct volume *volume, const struct ustar_entry *entry)
{
    if (entry->type == USTAR_DIRECTORY)
        return strcmp(entry->name, ".") == 0 || path_add(volume, entry->name, FILE_KIND_FOLDER);
    if (entry->type != USTAR_FILE || volume_find(volume, entry->name) >= 0) /* of two the first counts */
        return false;
    struct volume_node *node = path_add(volume, entry->name, FILE_KIND_FILE);
    if (node) {
        node->offset = entry->offset;
        node->size = entry->size;
    }
    return node != NULL;
}

void volume_open(struct volume *volume, const void *archive, size_t size, struct problems *problems)
{
    struct ustar reader;
    struct ustar_entry entry;
    enum ustar_error error;
    memset(volume, 0, sizeof(*volume));
    node_add(volume, 0, "", 0, FILE_KIND_FOLDER);
    ustar_open(&reader, archive, size);
    while ((error = ustar_next(&reader, &entry)) == USTAR_OK)
        if (!entry_add(volume, &entry))
            problem_add(problems, CAVERN_LOG_WARNING, "RAM disk: %.100s is left out", entry.name);
    if (error != USTAR_END)
        problem_add(problems, CAVERN_LOG_ERROR, "RAM disk: %s", ustar_error_text(error));
}

/* The protocol. */

static enum cavern_status answer_info(const struct volume *volume, int node, struct volume_answer *answer)
{
    if (node < 0 || (uint32_t)node >= volume->count)
        return CAVERN_NOT_FOUND;
    answer->size = sizeof(answer->info);
    answer->info.reply.value = (uint32_t)node;
    answer->info.size = volume->nodes[node].size;
    answer->info.kind = volume->nodes[node].kind;
    return CAVERN_OK;
}

static enum cavern_status request_open(const struct volume *volume, const void *payload, struct volume_answer *answer)
{
    const struct file_path *request = payload;
    if (!memchr(request->path, 0, sizeof(request->path)))
        return CAVERN_BAD_ARGUMENT;
    return answer_info(volume, volume_find(volume, request->path), answer);
}

static enum cavern_status request_read(const struct volume *volume, const void *payload, uint64_t lease,
                                       struct volume_answer *answer)
{
    const struct file_read *request = payload;
    if (request->request.value >= volume->count)
        return CAVERN_NOT_FOUND;
    const struct volume_node *node = &volume->nodes[request->request.value];
    if (node->kind != FILE_KIND_FILE || request->length > lease)
        return CAVERN_BAD_ARGUMENT;
    uint64_t left = request->offset < node->size ? node->size - request->offset : 0;
    uint64_t length = request->length < left ? request->length : left;
    answer->length = length < READ_MAX ? length : READ_MAX;
    answer->offset = answer->length ? node->offset + request->offset : 0;
    answer->done.value = (uint32_t)answer->length;
    return CAVERN_OK;
}

static enum cavern_status request_list(const struct volume *volume, const void *payload, struct volume_answer *answer)
{
    const struct file_node *request = payload;
    if (request->request.value >= volume->count)
        return CAVERN_NOT_FOUND;
    if (volume->nodes[request->request.value].kind != FILE_KIND_FOLDER)
        return CAVERN_BAD_ARGUMENT;
    struct file_entries *entries = &answer->entries;
    uint32_t folder = request->request.value;
    int node = request->offset < volume->count ? volume_next(volume, folder, (uint32_t)request->offset) : -1;
    for (; node >= 0 && entries->reply.value < FILE_ENTRIES_MAX;
         node = volume_next(volume, folder, (uint32_t)node + 1)) {
        struct file_entry *entry = &entries->entries[entries->reply.value++];
        memcpy(entry->name, volume->nodes[node].name, sizeof(entry->name));
        entry->size = volume->nodes[node].size;
        entry->node = (uint32_t)node;
        entry->kind = volume->nodes[node].kind;
        entries->next = (uint64_t)node + 1;
    }
    answer->size = sizeof(*entries);
    return entries->reply.value ? CAVERN_OK : CAVERN_END;
}

static enum cavern_status request_serve(const struct volume *volume, const void *payload, size_t size, uint64_t lease,
                                        struct volume_answer *answer)
{
    static const size_t sizes[] = {
        [FILE_OPEN] = sizeof(struct file_path),
        [FILE_READ] = sizeof(struct file_read),
        [FILE_STAT] = sizeof(struct file_node),
        [FILE_LIST] = sizeof(struct file_node),
    };
    const struct rpc_request *request = payload;
    if (size < sizeof(*request))
        return CAVERN_BAD_ARGUMENT;
    if (request->version != RPC_VERSION || request->operation < FILE_OPEN || request->operation > FILE_LIST)
        return CAVERN_UNSUPPORTED;
    if (size < sizes[request->operation])
        return CAVERN_BAD_ARGUMENT;
    switch (request->operation) {
    case FILE_OPEN:
        return request_open(volume, payload, answer);
    case FILE_READ:
        return request_read(volume, payload, lease, answer);
    case FILE_STAT:
        return answer_info(volume, request->value < volume->count ? (int)request->value : -1, answer);
    default:
        return request_list(volume, payload, answer);
    }
}

void volume_request(const struct volume *volume, const void *payload, size_t size, uint64_t lease,
                    struct volume_answer *answer)
{
    memset(answer, 0, sizeof(*answer));
    answer->size = sizeof(answer->done);
    enum cavern_status status = request_serve(volume, payload, size, lease, answer);
    if (status) {
        memset(answer, 0, sizeof(*answer));
        answer->size = sizeof(answer->done);
        answer->done.status = (uint32_t)status;
    }
}

bool volume_invariants(const struct volume *volume, size_t archive_size)
{
    if (volume->count == 0 || volume->count > VOLUME_NODES_MAX || volume->nodes[0].kind != FILE_KIND_FOLDER)
        return false;
    for (uint32_t i = 1; i < volume->count; i++) {
        const struct volume_node *node = &volume->nodes[i];
        if (node->parent >= i || volume->nodes[node->parent].kind != FILE_KIND_FOLDER || !node->name[0] ||
            !memchr(node->name, 0, sizeof(node->name)) || strchr(node->name, '/') || node->offset > archive_size ||
            node->size > archive_size - node->offset ||
            child_find(volume, node->parent, node->name, strlen(node->name)) != (int)i)
            return false;
    }
    return true;
}
