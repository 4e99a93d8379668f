/* SPDX-License-Identifier: BSD-2-Clause */
#include "syscall/user.h"

#include <string.h>

#include "arch/arch.h"
#include "object/process.h"

static enum cavern_status copy(struct process *process, uint8_t *kernel, uint64_t address, size_t size,
                               enum arch_access access)
{
    while (size) {
        uint64_t physical, length;
        if (!arch_translate(&process->space.arch, address, access, &physical, &length))
            return CAVERN_BAD_ADDRESS;
        size_t step = length < size ? (size_t)length : size;
        if (access == ARCH_ACCESS_READ)
            memmove(kernel, arch_direct(physical), step); /* both may be of one buffer */
        else
            memmove(arch_direct(physical), kernel, step);
        kernel += step;
        address += step;
        size -= step;
    }
    return CAVERN_OK;
}

enum cavern_status user_read(struct process *process, void *to, uint64_t address, size_t size)
{
    return copy(process, to, address, size, ARCH_ACCESS_READ);
}

enum cavern_status user_write(struct process *process, uint64_t address, const void *from, size_t size)
{
    return copy(process, (uint8_t *)(uintptr_t)from, address, size, ARCH_ACCESS_WRITE);
}
