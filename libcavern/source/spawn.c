/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Each piece of the child's memory is a buffer on the child's account, mapped here while it is filled. What the child
 * will not write is sealed before it gets it. The mappings keep the buffers; no handle to them is left.
 */
#include <cavern/spawn.h>

#include <string.h>

#include <cavern/buffer.h>
#include <cavern/handles.h>
#include <cavern/start.h>
#include <cavern/startup_record.h>
#include <cavern/stubs.h>

#include "internal.h"
#include "spawn_plan.h"

#define READ_WRITE (CAVERN_PROT_READ | CAVERN_PROT_WRITE)
#define QUEUE_RIGHTS (CAVERN_RIGHT_RECEIVE | CAVERN_RIGHT_MINT | CAVERN_RIGHT_COPY)
#define UNDONE ((uint64_t)-1) /* exit code of a process that was never finished */

struct cavern_process_name cavern_process_name(const char *name)
{
    struct cavern_process_name packed = {{0, 0}};
    memcpy(packed.words, name, strnlen(name, CAVERN_NAME_SIZE - 1));
    return packed;
}

void cavern_spawn_undo(cavern_handle process)
{
    (void)!cavern_sys_process_end(process, UNDONE);
    cavern_handle_close(process);
}

/* Memory of the child's that is filled here first: a buffer on its account. */
struct piece {
    cavern_handle buffer;
    void *here;
    uint64_t bytes;
};

static enum cavern_status piece_open(struct piece *piece, cavern_handle account, uint64_t bytes)
{
    piece->bytes = bytes;
    enum cavern_status status = cavern_buffer_create(account, bytes, 0, &piece->buffer);
    if (status)
        return status;
    status = cavern_buffer_map_local(piece->buffer, 0, bytes, READ_WRITE, &piece->here);
    if (status)
        cavern_handle_close(piece->buffer);
    return status;
}

/* Out of the parent and into the child, at `address` or at its own (0). The piece is closed, whatever happens. */
static enum cavern_status piece_hand_over(struct piece *piece, cavern_handle process, uint64_t address,
                                          unsigned protection, uint64_t *mapped)
{
    cavern_buffer_unmap(piece->here, piece->bytes);
    enum cavern_status status = protection & CAVERN_PROT_WRITE ? CAVERN_OK : cavern_buffer_seal(piece->buffer);
    if (status == CAVERN_OK)
        status = cavern_sys_map(process, piece->buffer, 0, piece->bytes, address, protection, mapped);
    cavern_handle_close(piece->buffer);
    return status;
}

static enum cavern_status load_segment(cavern_handle process, cavern_handle account,
                                       const struct spawn_segment *segment)
{
    struct piece piece;
    enum cavern_status status = piece_open(&piece, account, segment->bytes);
    if (status)
        return status;
    memcpy((uint8_t *)piece.here + segment->lead, segment->contents, segment->filled);
    uint64_t mapped;
    return piece_hand_over(&piece, process, segment->address, segment->protection, &mapped);
}

enum cavern_status cavern_spawn_load(cavern_handle process, cavern_handle account, const void *image, size_t image_size,
                                     uint64_t *entry)
{
    struct spawn_plan plan;
    enum cavern_status status = spawn_plan_make(image, image_size, &plan);
    for (unsigned i = 0; status == CAVERN_OK && i < plan.count; i++)
        status = load_segment(process, account, &plan.segments[i]);
    *entry = plan.entry;
    return status;
}

enum cavern_status cavern_spawn_stack(cavern_handle process, cavern_handle account, uint32_t bytes, uint64_t *top)
{
    cavern_handle buffer;
    uint64_t size = cavern_pages(bytes);
    enum cavern_status status = cavern_buffer_create(account, size, 0, &buffer);
    if (status)
        return status;
    *top = CAVERN_STACK_TOP;
    status = cavern_buffer_map_at(process, buffer, 0, size, CAVERN_STACK_TOP - size, READ_WRITE);
    cavern_handle_close(buffer);
    return status;
}

/* The queue is bound first: its addresses are part of its entry. */
static enum cavern_status give_queue(struct cavern_spawn *spawn, cavern_handle process,
                                     struct cavern_startup_handle *entry)
{
    uint64_t values[3];
    enum cavern_status status = cavern_sys_queue_bind(spawn->queue, process, 0, &values[0], &values[1], &values[2]);
    if (status)
        return status;
    bool kept = spawn->predecessor && spawn->queue_value;
    uint64_t rights = spawn->queue_rights ? spawn->queue_rights : QUEUE_RIGHTS;
    if (!kept)
        status = cavern_sys_handle_give(process, spawn->queue, rights, spawn->queue_value, &spawn->queue_value);
    cavern_startup_handle_write(entry, CAVERN_STARTUP_QUEUE, spawn->queue_value, values);
    return status;
}

static enum cavern_status give_handles(struct cavern_spawn *spawn, cavern_handle process,
                                       struct cavern_startup_handle *entries)
{
    enum cavern_status status = spawn->queue ? give_queue(spawn, process, entries++) : CAVERN_OK;
    for (size_t i = 0; status == CAVERN_OK && i < spawn->handle_count; i++) {
        struct cavern_spawn_handle *handle = &spawn->handles[i];
        if (handle->handle)
            status = cavern_sys_handle_give(process, handle->handle, handle->rights, handle->value, &handle->value);
        cavern_startup_handle_write(&entries[i], handle->name, handle->value, handle->values);
    }
    return status;
}

/* Gives the handles and tells of them. */
static enum cavern_status make_record(struct cavern_spawn *spawn, cavern_handle process, uint64_t *address,
                                      uint64_t *size)
{
    size_t count = spawn->handle_count + (spawn->queue != 0);
    struct piece piece;
    *size = cavern_startup_size(count, spawn->argument_bytes);
    enum cavern_status status = piece_open(&piece, spawn->account, cavern_pages(*size));
    if (status)
        return status;
    status = give_handles(
        spawn, process, cavern_startup_write(piece.here, count, spawn->arguments, spawn->argument_bytes, spawn->heap));
    enum cavern_status handed = piece_hand_over(&piece, process, 0, CAVERN_PROT_READ, address);
    return status ? status : handed;
}

static enum cavern_status fill_process(struct cavern_spawn *spawn, cavern_handle process)
{
    uint64_t entry, top, record, size;
    uint32_t stack = spawn->stack ? spawn->stack : CAVERN_SPAWN_STACK_DEFAULT;
    enum cavern_status status = cavern_spawn_load(process, spawn->account, spawn->image, spawn->image_size, &entry);
    if (status == CAVERN_OK)
        status = cavern_spawn_stack(process, spawn->account, stack, &top);
    if (status == CAVERN_OK)
        status = make_record(spawn, process, &record, &size);
    if (status == CAVERN_OK && spawn->exit_queue)
        status = cavern_sys_notify(process, spawn->exit_label, spawn->exit_queue, CAVERN_NOTIFY_EXIT);
    if (status)
        return status;
    cavern_handle thread;
    status = cavern_sys_thread_create(process, spawn->priority, entry, top, 0, record, size, spawn->cpus, &thread);
    if (status == CAVERN_OK)
        cavern_handle_close(thread);
    return status;
}

enum cavern_status cavern_spawn(struct cavern_spawn *spawn, cavern_handle *process)
{
    struct cavern_process_name name = cavern_process_name(spawn->name);
    enum cavern_status status = cavern_sys_process_create(spawn->account, spawn->predecessor, spawn->flags,
                                                          name.words[0], name.words[1], process);
    if (status)
        return status;
    status = fill_process(spawn, *process);
    if (status)
        cavern_spawn_undo(*process);
    return status;
}
