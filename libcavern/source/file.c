/* SPDX-License-Identifier: BSD-2-Clause */
#include <cavern/file.h>

#include <string.h>

#include <cavern/buffer.h>
#include <cavern/message.h>
#include <cavern/registry.h>

#define VOLUMES "/volume/"

/* "/volume/NAME/rest" into "/volume/NAME" and "rest". */
static bool split_path(const char *path, char volume[RPC_NAME_MAX], char rest[FILE_PATH_MAX])
{
    if (strncmp(path, VOLUMES, strlen(VOLUMES)))
        return false;
    const char *name = path + strlen(VOLUMES);
    size_t length = (size_t)(name - path) + strcspn(name, "/");
    const char *tail = path + length + strspn(path + length, "/");
    size_t tail_length = strlen(tail);
    while (tail_length && tail[tail_length - 1] == '/')
        tail_length--;
    if (length >= RPC_NAME_MAX || tail_length >= FILE_PATH_MAX)
        return false;
    memcpy(volume, path, length);
    volume[length] = 0;
    memcpy(rest, tail, tail_length);
    rest[tail_length] = 0;
    return true;
}

enum cavern_status cavern_file_open(const char *path, uint64_t deadline, struct cavern_file *file)
{
    char volume[RPC_NAME_MAX];
    struct file_path request = {.request = {.operation = FILE_OPEN, .version = RPC_VERSION}};
    struct file_info info;
    if (!split_path(path, volume, request.path))
        return CAVERN_NOT_FOUND;
    cavern_handle sender;
    enum cavern_status status = cavern_registry_lookup(volume, CAVERN_POLL, &sender);
    if (status)
        return status;
    cavern_session_open(&file->volume, sender, volume);
    status = cavern_session_call(&file->volume, &request, sizeof(request), &info, sizeof(info), NULL, deadline);
    if (status) {
        cavern_session_close(&file->volume);
        return status;
    }
    file->node = info.reply.value;
    file->kind = info.kind;
    file->size = info.size;
    return CAVERN_OK;
}

void cavern_file_close(struct cavern_file *file)
{
    cavern_session_close(&file->volume);
}

static enum cavern_status read_some(struct cavern_file *file, uint64_t offset, void *to, uint64_t length,
                                    uint64_t deadline, uint64_t *done)
{
    struct file_read request = {
        .request = {.operation = FILE_READ, .version = RPC_VERSION, .value = file->node},
        .offset = offset,
        .length = length,
    };
    struct cavern_lease lease = {.address = (uintptr_t)to, .length = length, .rights = CAVERN_LEASE_WRITE};
    struct rpc_reply reply;
    struct cavern_outgoing out = {.payload = &request, .size = sizeof(request), .leases = &lease, .lease_count = 1};
    struct cavern_answer answer = {.buffer = &reply, .capacity = sizeof(reply)};
    enum cavern_status status = cavern_session_exchange(&file->volume, &out, deadline, &answer);
    *done = status ? 0 : reply.value;
    return *done > length ? CAVERN_CORRUPT : status;
}

enum cavern_status cavern_file_read(struct cavern_file *file, uint64_t offset, void *to, uint64_t length,
                                    uint64_t deadline, uint64_t *done)
{
    *done = 0;
    while (*done < length) {
        uint64_t part;
        enum cavern_status status =
            read_some(file, offset + *done, (uint8_t *)to + *done, length - *done, deadline, &part);
        if (status)
            return status;
        if (!part)
            break;
        *done += part;
    }
    return CAVERN_OK;
}

enum cavern_status cavern_file_list(struct cavern_file *folder, uint64_t *cursor, uint64_t deadline,
                                    struct file_entries *entries)
{
    struct file_node request = {.request = {.operation = FILE_LIST, .version = RPC_VERSION, .value = folder->node},
                                .offset = *cursor};
    enum cavern_status status =
        cavern_session_call(&folder->volume, &request, sizeof(request), entries, sizeof(*entries), NULL, deadline);
    if (status == CAVERN_OK && entries->reply.value > FILE_ENTRIES_MAX)
        return CAVERN_CORRUPT;
    if (status == CAVERN_OK)
        *cursor = entries->next;
    return status;
}

static enum cavern_status load(struct cavern_file *file, uint64_t deadline, void **data, size_t *size)
{
    uint64_t done;
    *data = NULL;
    *size = file->size;
    if (!file->size)
        return CAVERN_OK;
    enum cavern_status status = cavern_memory_take(file->size, data);
    if (status)
        return status;
    status = cavern_file_read(file, 0, *data, file->size, deadline, &done);
    if (status == CAVERN_OK && done != file->size)
        status = CAVERN_CORRUPT;
    if (status)
        cavern_file_unload(*data, file->size);
    return status;
}

enum cavern_status cavern_file_load(const char *path, uint64_t deadline, void **data, size_t *size)
{
    struct cavern_file file;
    enum cavern_status status = cavern_file_open(path, deadline, &file);
    if (status)
        return status;
    status = load(&file, deadline, data, size);
    cavern_file_close(&file);
    return status;
}

void cavern_file_unload(void *data, size_t size)
{
    if (data)
        cavern_buffer_unmap(data, size);
}
