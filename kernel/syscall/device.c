/* SPDX-License-Identifier: BSD-2-Clause */
/* Single registers of a device, for buffers that can't be mapped. spec/devices.md. */
#include "arch/arch.h"
#include "core/range.h"
#include "object/buffer.h"
#include "object/memory.h"
#include "object/process.h"
#include "object/thread.h"
#include "syscall_table.h"

enum { WIDTH_MAX = 8 };

static enum cavern_status find_register(const struct buffer *buffer, uint64_t offset, unsigned width,
                                        uint64_t *physical)
{
    if (!buffer_is_device(buffer) || !range_within(offset, width, 0, buffer_size(buffer)))
        return CAVERN_BAD_ARGUMENT;
    *physical = buffer_base(buffer) + offset;
    if (!is_aligned(*physical, width))
        return CAVERN_BAD_ARGUMENT;
    return memory_is_device(*physical, width) ? CAVERN_OK : CAVERN_DENIED;
}

sys_outcome sys_device_io(struct thread *caller, struct device_io_args *args)
{
    void *found;
    uint64_t physical, width = args->access & ~(uint64_t)CAVERN_DEVICE_WRITE;
    bool write = args->access & CAVERN_DEVICE_WRITE;
    enum cavern_status status = process_lookup(caller->process, args->buffer, CAVERN_TYPE_BUFFER,
                                               write ? CAVERN_RIGHT_WRITE : CAVERN_RIGHT_READ, &found);
    if (status)
        return status;
    if (!is_power_of_two(width) || width > WIDTH_MAX)
        return CAVERN_BAD_ARGUMENT;
    status = find_register(((struct holding *)found)->buffer, args->offset, (unsigned)width, &physical);
    if (status)
        return status;
    bool done = write ? arch_device_write(physical, (unsigned)width, args->value)
                      : arch_device_read(physical, (unsigned)width, &args->read);
    return done ? SYS_OK : CAVERN_DEVICE_ERROR;
}
