/* SPDX-License-Identifier: BSD-2-Clause */
/* Making, cutting and sealing buffers. */
#include "object/buffer.h"

#include "arch/arch.h"
#include "object/dma.h"
#include "object/interrupt.h"
#include "object/process.h"
#include "object/thread.h"
#include "syscall/find.h"
#include "syscall_table.h"

enum { STEP_PAGES = 32 };

/* The handle goes into the table before the first page is taken: whatever ends the caller gives back what it has so
 * far. */
static enum cavern_status create(struct thread *caller, struct buffer_create_args *args)
{
    struct account *account;
    enum cavern_status status = find_account(caller, args->account, &account);
    if (status)
        return status;
    if (args->flags > UINT32_MAX)
        return CAVERN_BAD_ARGUMENT;
    struct holding *holding = buffer_create(account, args->bytes, (unsigned)args->flags, &status);
    if (!holding)
        return status;
    return hand_out(caller, &holding->object, buffer_rights(holding->buffer), &args->filling);
}

sys_outcome sys_buffer_create(struct thread *caller, struct buffer_create_args *args)
{
    struct process *process = caller->process;
    enum cavern_status status = args->filling ? CAVERN_OK : create(caller, args);
    if (status)
        return status;
    void *holding;
    status = process_lookup(process, args->filling, CAVERN_TYPE_BUFFER, CAVERN_RIGHT_WRITE, &holding);
    if (status)
        return status;
    bool complete = buffer_is_complete(((struct holding *)holding)->buffer);
    if (complete)
        return CAVERN_BAD_ARGUMENT; /* no restart: that has something left to do */
    while (!complete) {
        status = buffer_fill(holding, STEP_PAGES, &complete);
        if (status)
            return process_close(process, args->filling) ? CAVERN_BAD_HANDLE : status;
        args->progress += STEP_PAGES;
        if (!complete && arch_interrupt_pending())
            return SYS_RESTART;
    }
    args->buffer = args->filling;
    return CAVERN_OK;
}

static sys_outcome derive_buffer(struct thread *caller, struct holding *source, uint16_t rights,
                                 struct account *account, struct derive_args *args)
{
    struct holding *holding;
    enum cavern_status status = buffer_derive(source, args->first, args->count, account, &holding);
    return status ? status : hand_out(caller, &holding->object, rights, &args->derived);
}

static sys_outcome derive_interrupt(struct thread *caller, struct interrupt *range, uint16_t rights,
                                    struct account *account, struct derive_args *args)
{
    struct interrupt *interrupt;
    if (args->count != 1 || args->first > UINT32_MAX || args->trigger > CAVERN_TRIGGER_EDGE)
        return CAVERN_BAD_ARGUMENT;
    enum cavern_status status =
        interrupt_derive(range, (unsigned)args->first, (unsigned)args->trigger, account, &interrupt);
    return status ? status : hand_out(caller, &interrupt->object, rights, &args->derived);
}

static sys_outcome derive_dma(struct thread *caller, uint16_t rights, struct account *account, struct derive_args *args)
{
    if (args->first || args->count || args->trigger)
        return CAVERN_BAD_ARGUMENT;
    struct dma *dma = dma_create(account);
    return dma ? hand_out(caller, &dma->object, rights, &args->derived) : CAVERN_NO_MEMORY;
}

sys_outcome sys_derive(struct thread *caller, struct derive_args *args)
{
    struct object *source;
    uint16_t rights;
    struct account *account;
    enum cavern_status status = process_lookup_any(caller->process, args->source, &source, &rights);
    if (status)
        return status;
    bool buffer = source->type == CAVERN_TYPE_BUFFER;
    if (!buffer && source->type != CAVERN_TYPE_INTERRUPT && source->type != CAVERN_TYPE_DMA)
        return CAVERN_BAD_HANDLE;
    if (buffer && !buffer_is_device(((struct holding *)source)->buffer))
        return CAVERN_BAD_ARGUMENT;
    if (!(rights & CAVERN_RIGHT_DERIVE))
        return CAVERN_DENIED;
    status = find_account(caller, args->account, &account);
    if (status)
        return status;
    if (buffer)
        return derive_buffer(caller, (struct holding *)source, rights, account, args);
    return source->type == CAVERN_TYPE_DMA
               ? derive_dma(caller, rights, account, args)
               : derive_interrupt(caller, (struct interrupt *)source, rights, account, args);
}

/* The rights of a handle shrink; that it was a writer is the caller's to take back. */
static void drop_write(struct process *process, cavern_handle handle)
{
    enum handle_check why;
    struct handle_entry *entry =
        handle_lookup_entry(&process->handles, handle, CAVERN_TYPE_BUFFER, CAVERN_RIGHT_WRITE, &why);
    entry->word &= ~(uint64_t)CAVERN_RIGHT_WRITE;
}

sys_outcome sys_buffer_seal(struct thread *caller, struct buffer_seal_args *args)
{
    void *found;
    enum cavern_status status =
        process_lookup(caller->process, args->buffer, CAVERN_TYPE_BUFFER, CAVERN_RIGHT_WRITE, &found);
    if (status)
        return status;
    struct holding *holding = found;
    status = buffer_seal(holding);
    if (status)
        return status;
    drop_write(caller->process, args->buffer);
    holding_writer_put(holding);
    return CAVERN_OK;
}
