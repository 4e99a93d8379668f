/* SPDX-License-Identifier: BSD-2-Clause */
/* Memory for devices to reach. spec/devices.md, DMA. */
#include "object/dma.h"

#include "arch/arch.h"
#include "core/range.h"
#include "object/buffer.h"
#include "object/process.h"
#include "object/thread.h"
#include "syscall_table.h"

static enum cavern_status find_dma(struct thread *caller, cavern_handle handle, struct dma **dma)
{
    void *found;
    enum cavern_status status = process_lookup(caller->process, handle, CAVERN_TYPE_DMA, CAVERN_RIGHT_MANAGE, &found);
    if (!status)
        *dma = found;
    return status;
}

static enum cavern_status check_part(const struct buffer *buffer, uint64_t offset, uint64_t length)
{
    if (buffer_is_device(buffer) || !is_aligned(offset | length, CAVERN_PAGE_SIZE) || !length ||
        !range_within(offset, length, 0, buffer_size(buffer)))
        return CAVERN_BAD_ARGUMENT;
    return buffer_is_complete(buffer) ? CAVERN_OK : CAVERN_BUSY;
}

sys_outcome sys_dma_map(struct thread *caller, struct dma_map_args *args)
{
    struct dma *dma;
    void *found;
    bool writes = args->protection & CAVERN_PROT_WRITE;
    enum cavern_status status = find_dma(caller, args->dma, &dma);
    if (status)
        return status;
    if (args->protection != (writes ? CAVERN_PROT_READ | CAVERN_PROT_WRITE : CAVERN_PROT_READ))
        return CAVERN_BAD_ARGUMENT;
    status = process_lookup(caller->process, args->buffer, CAVERN_TYPE_BUFFER,
                            writes ? CAVERN_RIGHT_READ | CAVERN_RIGHT_WRITE : CAVERN_RIGHT_READ, &found);
    if (status)
        return status;
    struct holding *holding = found;
    status = check_part(holding->buffer, args->offset, args->length);
    if (status)
        return status;
    return dma_map(dma, caller->process->account, holding, args->offset, args->length, writes, &args->address);
}

sys_outcome sys_dma_unmap(struct thread *caller, struct dma_unmap_args *args)
{
    struct dma *dma;
    enum cavern_status status = find_dma(caller, args->dma, &dma);
    if (status)
        return status;
    if (args->address || args->length)
        return dma_unmap(dma, args->address, args->length);
    while (!dma_clear(dma))
        if (arch_interrupt_pending())
            return SYS_RESTART;
    return SYS_OK;
}
