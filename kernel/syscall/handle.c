/* SPDX-License-Identifier: BSD-2-Clause */
#include "object/account.h"
#include "object/buffer.h"
#include "object/process.h"
#include "object/thread.h"
#include "syscall_table.h"

/* What a handle in `target` points to: a buffer's holding is its account's own. Makes a handle reference. */
static enum cavern_status take_reference(struct process *target, struct object *object, struct object **taken)
{
    if (object->type != CAVERN_TYPE_BUFFER) {
        object_get_handle(object);
        *taken = object;
        return CAVERN_OK;
    }
    struct holding *own;
    enum cavern_status status = holding_for(container_of(object, struct holding, object), target->account, &own);
    if (status)
        return status;
    own->object.handles++; /* the reference becomes the handle's */
    *taken = &own->object;
    return CAVERN_OK;
}

sys_outcome sys_handle_give(struct thread *caller, struct handle_give_args *args)
{
    void *found;
    struct object *object;
    uint16_t rights;
    enum cavern_status status =
        process_lookup(caller->process, args->process, CAVERN_TYPE_PROCESS, CAVERN_RIGHT_MANAGE, &found);
    if (!status)
        status = process_lookup_any(caller->process, args->handle, &object, &rights);
    if (status)
        return status;
    struct process *target = found;
    if (!(rights & CAVERN_RIGHT_COPY) || (args->rights & ~(uint64_t)rights))
        return CAVERN_DENIED;
    if (!process_alive(target))
        return CAVERN_GONE;
    status = take_reference(target, object, &object);
    if (status)
        return status;
    status = process_insert(target, object, (uint16_t)args->rights, args->wanted, &args->given);
    if (status)
        object_put_handle(object);
    return status;
}

sys_outcome sys_handle_close(struct thread *caller, struct handle_close_args *args)
{
    return process_close(caller->process, args->handle);
}
