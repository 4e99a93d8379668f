/* SPDX-License-Identifier: BSD-2-Clause */
#include "syscall/user.h"

#include <string.h>

#include "arch/arch.h"
#include "core/range.h"
#include "object/process.h"
#include "object/thread.h"

/* The range is not, from its start on, one mapping that allows `protection`. */
static sys_outcome refuse(struct thread *caller, uint64_t address, uint64_t length, unsigned protection)
{
    uint64_t at;
    if (!thread_fault_destination(caller))
        return CAVERN_BAD_ADDRESS;
    enum cavern_fault kind = space_lack(&caller->process->space, address, length, protection, &at);
    if (!kind)
        return CAVERN_BAD_ADDRESS;
    caller->fault.words[CAVERN_FAULT_KIND] = kind;
    caller->fault.words[CAVERN_FAULT_ADDRESS] = at;
    return SYS_FAULT;
}

/* The bytes at `address`, of which *length are wanted, and so many lie in a row; NULL: it may not go there. */
static void *window(struct thread *caller, uint64_t address, enum arch_access access, uint64_t *length)
{
    uint64_t physical;
    void *here = user_window(caller, address, *length, access == ARCH_ACCESS_WRITE);
    if (here)
        return here;
    bool allowed = arch_translate(&caller->process->space.arch, address, access, &physical, length);
    return allowed ? arch_direct(physical) : NULL;
}

static sys_outcome copy(struct thread *caller, uint8_t *kernel, uint64_t address, size_t size, enum arch_access access)
{
    while (size) {
        uint64_t length = size;
        void *user = window(caller, address, access, &length);
        if (!user)
            return range_within(address, size, 0, CAVERN_USER_END) ? refuse(caller, address, 1, access)
                                                                   : (sys_outcome)CAVERN_BAD_ADDRESS;
        size_t step = length < size ? (size_t)length : size;
        if (access == ARCH_ACCESS_READ)
            memmove(kernel, user, step); /* both may be of one buffer */
        else
            memmove(user, kernel, step);
        kernel += step;
        address += step;
        size -= step;
    }
    return SYS_OK;
}

sys_outcome user_read(struct thread *caller, void *to, uint64_t address, size_t size)
{
    return copy(caller, to, address, size, ARCH_ACCESS_READ);
}

sys_outcome user_write(struct thread *caller, uint64_t address, const void *from, size_t size)
{
    return copy(caller, (uint8_t *)(uintptr_t)from, address, size, ARCH_ACCESS_WRITE);
}

sys_outcome user_resolve(struct thread *caller, uint64_t address, uint64_t length, unsigned protection,
                         struct holding **holding, uint64_t *offset)
{
    enum cavern_status status = space_resolve(&caller->process->space, address, length, protection, holding, offset);
    return status ? refuse(caller, address, length, protection) : SYS_OK;
}
