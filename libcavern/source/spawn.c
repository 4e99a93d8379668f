/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The child's memory is two buffers on its account, mapped here while they are filled: what it can't write, sealed
 * before it gets it; and its stack, what it can write of its image, and the start-up record. The mappings keep the
 * buffers; no handle to them is left, so who has a page for reading alone never gets more. Few buffers, and the record
 * beside the stack, keep a process small: each has a page of its own, and each place another table.
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

/* Ends a process that is only half made. */
static void undo(cavern_handle process)
{
    (void)!cavern_sys_process_end(process, UNDONE);
    cavern_handle_close(process);
}

/* A buffer of the child's; a part of it is mapped here. */
struct piece {
    cavern_handle buffer;
    void *here;
    uint64_t offset; /* of that part */
    uint64_t bytes;
};

/* It has `offset` bytes before the part of `bytes`. */
static enum cavern_status piece_open(struct piece *piece, cavern_handle account, uint64_t offset, uint64_t bytes)
{
    piece->offset = offset;
    piece->bytes = bytes;
    enum cavern_status status = cavern_buffer_create(account, offset + bytes, 0, &piece->buffer);
    if (status)
        return status;
    status = cavern_buffer_map_local(piece->buffer, offset, bytes, READ_WRITE, &piece->here);
    if (status)
        cavern_handle_close(piece->buffer);
    return status;
}

/* --- the image --- */

static bool is_among(const struct spawn_segment *segment, bool writable)
{
    return writable == !!(segment->protection & CAVERN_PROT_WRITE);
}

/* Of those that the child can write, or of the others; they stand in their buffer one after another. */
static uint64_t segments_bytes(const struct spawn_plan *plan, bool writable)
{
    uint64_t bytes = 0;
    for (unsigned i = 0; i < plan->count; i++)
        bytes += is_among(&plan->segments[i], writable) ? plan->segments[i].bytes : 0;
    return bytes;
}

static void segments_fill(const struct spawn_plan *plan, bool writable, uint8_t *at)
{
    for (const struct spawn_segment *segment = plan->segments; segment < plan->segments + plan->count; segment++) {
        if (!is_among(segment, writable))
            continue;
        memcpy(at + segment->lead, segment->contents, segment->filled);
        at += segment->bytes;
    }
}

static enum cavern_status segments_map(const struct spawn_plan *plan, bool writable, cavern_handle process,
                                       const struct piece *piece)
{
    enum cavern_status status = CAVERN_OK;
    uint64_t offset = piece->offset;
    for (unsigned i = 0; status == CAVERN_OK && i < plan->count; i++) {
        const struct spawn_segment *segment = &plan->segments[i];
        if (!is_among(segment, writable))
            continue;
        status =
            cavern_buffer_map_at(process, piece->buffer, offset, segment->bytes, segment->address, segment->protection);
        offset += segment->bytes;
    }
    return status;
}

static enum cavern_status load_sealed(const struct cavern_spawn *spawn, cavern_handle process,
                                      const struct spawn_plan *plan)
{
    struct piece piece;
    uint64_t bytes = segments_bytes(plan, false);
    enum cavern_status status = bytes ? piece_open(&piece, spawn->account, 0, bytes) : CAVERN_OK;
    if (status || !bytes)
        return status;
    segments_fill(plan, false, piece.here);
    cavern_buffer_unmap(piece.here, bytes);
    status = cavern_buffer_seal(piece.buffer);
    if (status == CAVERN_OK)
        status = segments_map(plan, false, process, &piece);
    cavern_handle_close(piece.buffer);
    return status;
}

/* --- what it is told --- */

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

/* --- the rest of its memory --- */

struct start {
    uint64_t stack; /* its lowest address */
    uint64_t top;
    uint64_t record;
    uint64_t record_bytes;
};

/* The record stands at the end of the region, the stack below, for blocks if it is large enough. */
static struct start start_of(const struct cavern_spawn *spawn)
{
    uint64_t stack = cavern_pages(spawn->stack ? spawn->stack : CAVERN_SPAWN_STACK_DEFAULT);
    uint64_t bytes = cavern_startup_size(spawn->handle_count + (spawn->queue != 0), spawn->argument_bytes);
    uint64_t record = CAVERN_STACK_TOP - cavern_pages(bytes);
    uint64_t top = stack < CAVERN_BLOCK_2M ? record : record & ~(CAVERN_BLOCK_2M - 1);
    return (struct start){.stack = top - stack, .top = top, .record = record, .record_bytes = bytes};
}

static enum cavern_status map_writable(cavern_handle process, const struct spawn_plan *plan, const struct start *start,
                                       const struct piece *piece)
{
    enum cavern_status status =
        cavern_buffer_map_at(process, piece->buffer, 0, start->top - start->stack, start->stack, READ_WRITE);
    if (status == CAVERN_OK)
        status = segments_map(plan, true, process, piece);
    if (status)
        return status;
    uint64_t bytes = cavern_pages(start->record_bytes), offset = piece->offset + piece->bytes - bytes;
    return cavern_buffer_map_at(process, piece->buffer, offset, bytes, start->record, CAVERN_PROT_READ);
}

/* Gives the handles and tells of them. */
static enum cavern_status load_writable(struct cavern_spawn *spawn, cavern_handle process,
                                        const struct spawn_plan *plan, const struct start *start)
{
    struct piece piece;
    uint64_t data = segments_bytes(plan, true);
    enum cavern_status status =
        piece_open(&piece, spawn->account, start->top - start->stack, data + cavern_pages(start->record_bytes));
    if (status)
        return status;
    segments_fill(plan, true, piece.here);
    status = give_handles(spawn, process,
                          cavern_startup_write((uint8_t *)piece.here + data, spawn->handle_count + (spawn->queue != 0),
                                               spawn->arguments, spawn->argument_bytes, spawn->heap));
    cavern_buffer_unmap(piece.here, piece.bytes);
    if (status == CAVERN_OK)
        status = map_writable(process, plan, start, &piece);
    cavern_handle_close(piece.buffer);
    return status;
}

static enum cavern_status fill_process(struct cavern_spawn *spawn, cavern_handle process)
{
    struct spawn_plan plan;
    struct start start = start_of(spawn);
    enum cavern_status status = spawn_plan_make(spawn->image, spawn->image_size, &plan);
    if (status == CAVERN_OK)
        status = load_sealed(spawn, process, &plan);
    if (status == CAVERN_OK)
        status = load_writable(spawn, process, &plan, &start);
    if (status == CAVERN_OK && spawn->exit_queue)
        status = cavern_sys_notify(process, spawn->exit_label, spawn->exit_queue, CAVERN_NOTIFY_EXIT);
    if (status)
        return status;
    cavern_handle thread;
    status = cavern_sys_thread_create(process, spawn->priority, plan.entry, start.top, 0, start.record,
                                      start.record_bytes, spawn->cpus, &thread);
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
        undo(*process);
    return status;
}
