/* SPDX-License-Identifier: BSD-2-Clause */
/* Another process's memory, for who holds MEMORY on it. spec/memory.md. */
#include "arch/arch.h"
#include "core/range.h"
#include "object/process.h"
#include "object/thread.h"
#include "syscall/user.h"
#include "syscall_table.h"

#define STEP (8 * CAVERN_PAGE_SIZE) /* bytes between two looks at interrupts: some 5,000 instructions */

/* Copies what lies in a row in the other process, at most STEP, and goes on behind it. */
static sys_outcome copy_piece(struct thread *caller, const struct process *other, struct process_copy_args *args)
{
    enum arch_access access = args->write ? ARCH_ACCESS_WRITE : ARCH_ACCESS_READ;
    const uint64_t most = args->length < STEP ? args->length : STEP;
    uint64_t physical, length = most;
    if (!arch_translate(&other->space.arch, args->address, access, &physical, &length))
        return CAVERN_BAD_ADDRESS;
    if (length > most)
        length = most;
    void *there = arch_direct(physical);
    sys_outcome outcome =
        args->write ? user_read(caller, there, args->own, length) : user_write(caller, args->own, there, length);
    if (outcome)
        return outcome;
    args->address += length;
    args->own += length;
    args->length -= length;
    return SYS_OK;
}

static bool user_range(uint64_t address, uint64_t length)
{
    return range_within(address, length, 0, CAVERN_USER_END);
}

sys_outcome sys_process_copy(struct thread *caller, struct process_copy_args *args)
{
    void *found;
    enum cavern_status status =
        process_lookup(caller->process, args->process, CAVERN_TYPE_PROCESS, CAVERN_RIGHT_MEMORY, &found);
    if (status)
        return status;
    struct process *other = found;
    if (args->write > CAVERN_COPY_WRITE)
        return CAVERN_BAD_ARGUMENT;
    if (!process_alive(other))
        return CAVERN_GONE;
    if (!user_range(args->address, args->length) || !user_range(args->own, args->length))
        return CAVERN_BAD_ADDRESS;
    while (args->length) {
        sys_outcome outcome = copy_piece(caller, other, args);
        if (outcome)
            return outcome;
        if (args->length && arch_interrupt_pending())
            return SYS_RESTART;
    }
    return SYS_OK;
}
