/* SPDX-License-Identifier: BSD-2-Clause */
#include "wards.h"

#include <string.h>

#include <cavern/buffer.h>
#include <cavern/handles.h>
#include <cavern/stubs.h>

#define STATE_RIGHTS (CAVERN_RIGHT_READ | CAVERN_RIGHT_WRITE)

void ward_give(struct ward *ward, const char *name, cavern_handle handle, uint64_t rights, uint64_t value)
{
    struct cavern_spawn_handle *entry = &ward->handles[ward->handle_count++];
    memset(entry, 0, sizeof(*entry));
    strcpy(entry->name, name);
    entry->handle = handle;
    entry->rights = rights;
    entry->values[0] = value;
}

enum cavern_status ward_open(struct ward *ward, cavern_handle root, uint64_t memory)
{
    const struct configuration_program *program = ward->program;
    uint64_t size = cavern_pages(program->state);
    cavern_handle state;
    enum cavern_status status =
        cavern_sys_account_split(root, CAVERN_NO_HANDLE, memory, program->priority, &ward->account);
    if (!status)
        status = cavern_sys_queue_create(ward->account, program->blocks, program->slots, 0, &ward->queue);
    if (!status)
        status = cavern_buffer_create(ward->account, size, 0, &state);
    if (!status)
        ward_give(ward, "state", state, STATE_RIGHTS, size);
    return status;
}

enum cavern_status ward_start(struct ward *ward, const struct cavern_queue *exits, uint64_t label)
{
    const char *name = ward->program->name;
    cavern_handle predecessor = ward->process;
    struct cavern_spawn spawn = {
        .name = name,
        .image = ward->image,
        .image_size = ward->image_size,
        .account = ward->account,
        .predecessor = predecessor,
        .flags = CAVERN_PROCESS_KEEP,
        .priority = ward->program->priority,
        .stack = ward->program->stack,
        .arguments = name,
        .argument_bytes = strlen(name) + 1,
        .handles = ward->handles,
        .handle_count = ward->handle_count,
        .queue = ward->queue,
        .queue_value = ward->queue_value,
        .exit_queue = exits->handle,
        .exit_label = label,
    };
    enum cavern_status status = cavern_spawn(&spawn, &ward->process);
    if (status)
        return status;
    ward->queue_value = spawn.queue_value;
    for (unsigned i = 0; i < ward->handle_count; i++) { /* from now on they stand in the table that is handed on */
        cavern_handle_close(ward->handles[i].handle);
        ward->handles[i].handle = CAVERN_NO_HANDLE;
    }
    cavern_handle_close(predecessor);
    return CAVERN_OK;
}
