/* SPDX-License-Identifier: BSD-2-Clause */
#include "syscall/find.h"

#include "object/process.h"
#include "object/queue.h"
#include "object/thread.h"

enum cavern_status find_own_queue(struct thread *caller, uint64_t handle, struct queue **queue)
{
    void *object;
    enum cavern_status status =
        process_lookup(caller->process, handle, CAVERN_TYPE_QUEUE, CAVERN_RIGHT_RECEIVE, &object);
    if (status)
        return status;
    *queue = object;
    return (*queue)->process == caller->process ? CAVERN_OK : CAVERN_DENIED;
}

enum cavern_status find_account(struct thread *caller, uint64_t handle, struct account **account)
{
    void *object;
    enum cavern_status status =
        process_lookup(caller->process, handle, CAVERN_TYPE_ACCOUNT, CAVERN_RIGHT_CHARGE, &object);
    if (!status)
        *account = object;
    return status;
}

enum cavern_status hand_out(struct thread *caller, struct object *object, uint16_t rights, uint64_t *handle)
{
    /* First the room: an object that loses its only handle would tell so, but the caller never had it. */
    enum cavern_status status = process_reserve(caller->process, 1);
    if (!status) {
        object_get_handle(object); /* the handle's */
        status = process_insert(caller->process, object, rights, CAVERN_NO_HANDLE, handle);
    }
    object_put(object); /* the maker's */
    return status;
}
