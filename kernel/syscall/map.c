/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * map and unmap. Both go from the start of the range to its end, a step at a time, and move their arguments on: at a
 * restart x3-x5 say what is left. What `map` has done so far is a growing mapping (object/space.h) that ends where x5
 * points; its start is the result. When a later step fails, that mapping is undone, which may take restarts as well: x4
 * is then the status that is to be returned, below the page size and so no length.
 */
#include "arch/arch.h"
#include "core/range.h"
#include "object/buffer.h"
#include "object/memory.h"
#include "object/process.h"
#include "object/space.h"
#include "object/thread.h"
#include "syscall_table.h"

enum { STEP_PAGES = 32 };

static bool user_range(uint64_t address, uint64_t length)
{
    return is_aligned(address | length, CAVERN_PAGE_SIZE) && length &&
           range_within(address, length, CAVERN_USER_START, CAVERN_USER_END - CAVERN_USER_START);
}

static enum cavern_status find_space(struct thread *caller, cavern_handle handle, struct space **space)
{
    struct process *process = caller->process;
    if (handle != CAVERN_SELF_PROCESS) { /* which it always has, with all rights */
        void *found;
        enum cavern_status status = process_lookup(process, handle, CAVERN_TYPE_PROCESS, CAVERN_RIGHT_MANAGE, &found);
        if (status)
            return status;
        process = found;
    }
    *space = &process->space;
    return process_alive(process) ? CAVERN_OK : CAVERN_GONE;
}

static uint16_t rights_for(uint64_t protection)
{
    return (uint16_t)((protection & CAVERN_PROT_READ ? CAVERN_RIGHT_READ : 0) |
                      (protection & CAVERN_PROT_WRITE ? CAVERN_RIGHT_WRITE : 0) |
                      (protection & CAVERN_PROT_EXECUTE ? CAVERN_RIGHT_EXECUTE : 0));
}

static bool protection_valid(uint64_t protection)
{
    return protection == CAVERN_PROT_READ || protection == (CAVERN_PROT_READ | CAVERN_PROT_WRITE) ||
           protection == (CAVERN_PROT_READ | CAVERN_PROT_EXECUTE);
}

static enum cavern_status check_device(const struct buffer *buffer, const struct map_args *args)
{
    if (args->protection & CAVERN_PROT_EXECUTE)
        return CAVERN_DENIED;
    if (!is_aligned(buffer_base(buffer) | buffer_size(buffer), CAVERN_PAGE_SIZE))
        return CAVERN_BAD_ARGUMENT;
    return memory_is_device(buffer_base(buffer) + args->offset, args->length) ? CAVERN_OK : CAVERN_DENIED;
}

/* The arguments make sense, but for the address. */
static enum cavern_status check_part(const struct buffer *buffer, const struct map_args *args)
{
    if (!buffer_is_complete(buffer))
        return CAVERN_BUSY;
    if (!is_aligned(args->offset | args->length, CAVERN_PAGE_SIZE) || !args->length ||
        !range_within(args->offset, args->length, 0, buffer_size(buffer)))
        return CAVERN_BAD_ARGUMENT;
    if (buffer_is_device(buffer))
        return check_device(buffer, args);
    return args->protection & CAVERN_PROT_EXECUTE && !buffer_is_sealed(buffer) ? CAVERN_DENIED : CAVERN_OK;
}

/* Replaces an address of 0; from then on, restarted or not, it is a chosen one. */
static enum cavern_status choose_address(struct space *space, const struct buffer *buffer, struct map_args *args)
{
    if (!args->address && buffer_is_device(buffer))
        args->address = space_find(space, args->length);
    else if (!args->address)
        args->address = buffer_own_address(buffer) + args->offset;
    if (!args->address)
        return CAVERN_NO_MEMORY;
    if (!user_range(args->address, args->length))
        return CAVERN_BAD_ARGUMENT;
    return CAVERN_OK;
}

/* Takes back what was mapped up to args->address; args->length is the status to return then. */
static sys_outcome undo(struct space *space, const struct holding *holding, struct map_args *args)
{
    for (;;) {
        uint64_t done, start = space_growing_start(space, holding, args->offset, args->address);
        uint64_t left = args->address - start;
        if (!left || space_unmap_step(space, start, left, STEP_PAGES, &done) != CAVERN_OK || done == left)
            return (sys_outcome)args->length; /* not as a restart, to which nothing would say that it is one */
        if (arch_interrupt_pending())
            return SYS_RESTART;
    }
}

/* A restart in the middle of `undo`: else there is nothing to take back, and so short a length is a bad argument. */
static bool is_undo(struct space *space, const struct holding *holding, const struct map_args *args)
{
    return (args->length == CAVERN_NO_MEMORY || args->length == CAVERN_EXISTS) &&
           space_growing_start(space, holding, args->offset, args->address) != args->address;
}

static sys_outcome map_rest(struct space *space, struct holding *holding, struct map_args *args)
{
    args->mapped = space_growing_start(space, holding, args->offset, args->address);
    while (args->length) {
        uint64_t done;
        enum cavern_status status = space_map_step(space, holding, args->offset, args->length, args->address,
                                                   (unsigned)args->protection, STEP_PAGES, &done);
        if (status) {
            args->length = status;
            args->mapped = 0;
            return undo(space, holding, args);
        }
        args->offset += done;
        args->address += done;
        args->length -= done;
        if (args->length && arch_interrupt_pending())
            return SYS_RESTART;
    }
    return CAVERN_OK;
}

sys_outcome sys_map(struct thread *caller, struct map_args *args)
{
    struct space *space;
    void *found;
    enum cavern_status status = find_space(caller, args->process, &space);
    if (status)
        return status;
    if (!protection_valid(args->protection))
        return CAVERN_BAD_ARGUMENT;
    status = process_lookup(caller->process, args->buffer, CAVERN_TYPE_BUFFER, rights_for(args->protection), &found);
    if (status)
        return status;
    struct holding *holding = found;
    if (is_undo(space, holding, args))
        return undo(space, holding, args);
    status = check_part(holding->buffer, args);
    if (!status)
        status = choose_address(space, holding->buffer, args);
    if (status)
        return status;
    return map_rest(space, holding, args);
}

sys_outcome sys_unmap(struct thread *caller, struct unmap_args *args)
{
    struct space *space;
    enum cavern_status status = find_space(caller, args->process, &space);
    if (status)
        return status;
    if (!user_range(args->address, args->length))
        return CAVERN_BAD_ARGUMENT;
    if (space_has_ring(space, args->address, args->length))
        return CAVERN_DENIED;
    while (args->length) {
        uint64_t done;
        status = space_unmap_step(space, args->address, args->length, STEP_PAGES, &done);
        if (status)
            return status;
        args->address += done;
        args->length -= done;
        if (args->length && arch_interrupt_pending())
            return SYS_RESTART;
    }
    return CAVERN_OK;
}
