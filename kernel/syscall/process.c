/* SPDX-License-Identifier: BSD-2-Clause */
#include "object/process.h"

#include <string.h>

#include "object/thread.h"
#include "syscall/find.h"
#include "syscall_table.h"

sys_outcome sys_process_create(struct thread *caller, struct process_create_args *args)
{
    struct process *self = caller->process, *made;
    struct account *account;
    void *predecessor = NULL;
    char name[CAVERN_NAME_SIZE];
    enum cavern_status status = find_account(caller, args->account, &account);
    if (!status && args->predecessor)
        status = process_lookup(self, args->predecessor, CAVERN_TYPE_PROCESS, CAVERN_RIGHT_MANAGE, &predecessor);
    if (!status && args->flags & ~(uint64_t)CAVERN_PROCESS_KEEP)
        status = CAVERN_BAD_ARGUMENT;
    if (!status)
        status = process_reserve(self, 1);
    if (status)
        return status;
    memcpy(name, &args->name0, 8);
    memcpy(name + 8, &args->name1, 8);
    status = process_create(account, predecessor, (unsigned)args->flags, name, &made);
    if (status == CAVERN_BUSY)
        process_hasten(predecessor, caller->runnable.priority);
    if (!status)
        args->process = process_publish(self, &made->object);
    return status;
}

sys_outcome sys_process_end(struct thread *caller, struct process_end_args *args)
{
    void *found;
    enum cavern_status status =
        process_lookup(caller->process, args->process, CAVERN_TYPE_PROCESS, CAVERN_RIGHT_MANAGE, &found);
    if (status)
        return status;
    struct process *process = found;
    bool self = process == caller->process;
    process_end(process, (const uint64_t[5]){self ? CAVERN_REASON_EXITED : CAVERN_REASON_ENDED, args->code});
    process_hasten(process, caller->runnable.priority);
    return self ? SYS_ENDED : SYS_OK;
}
