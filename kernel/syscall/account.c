/* SPDX-License-Identifier: BSD-2-Clause */
#include "object/account.h"

#include "arch/arch.h"
#include "core/run_queue.h"
#include "object/process.h"
#include "object/scheduler.h"
#include "object/thread.h"
#include "syscall/find.h"
#include "syscall_table.h"

static enum cavern_status find_managed(struct thread *caller, cavern_handle handle, struct account **account)
{
    void *found;
    enum cavern_status status =
        process_lookup(caller->process, handle, CAVERN_TYPE_ACCOUNT, CAVERN_RIGHT_MANAGE, &found);
    if (!status)
        *account = found;
    return status;
}

static sys_outcome resize(struct thread *caller, const struct account *parent, struct account_split_args *args)
{
    struct account *account;
    int64_t bytes = (int64_t)args->bytes;
    enum cavern_status status = find_managed(caller, args->existing, &account);
    if (status)
        return status;
    if (account->parent != parent)
        return CAVERN_BAD_ARGUMENT;
    if (!account_resize(account, bytes))
        return bytes < 0 ? CAVERN_BUSY : CAVERN_NO_MEMORY;
    account->top_priority = (uint8_t)args->priority;
    args->account_out = args->existing;
    return CAVERN_OK;
}

sys_outcome sys_account_split(struct thread *caller, struct account_split_args *args)
{
    struct account *parent;
    enum cavern_status status = find_managed(caller, args->account, &parent);
    if (status)
        return status;
    if (args->priority >= RUN_QUEUE_PRIORITIES)
        return CAVERN_BAD_ARGUMENT;
    if (args->priority > parent->top_priority)
        return CAVERN_DENIED;
    if (args->existing)
        return resize(caller, parent, args);
    if ((int64_t)args->bytes < 0 || parent->depth == ACCOUNT_DEPTH_MAX)
        return CAVERN_BAD_ARGUMENT;
    struct account *account = account_create(parent, args->bytes, (uint8_t)args->priority);
    if (!account)
        return CAVERN_NO_MEMORY;
    return hand_out(caller, &account->object, object_rights[CAVERN_TYPE_ACCOUNT], &args->account_out);
}

/* The cursor is the id of the process that was looked at last. Those that run on and make others give them higher ids.
 * When all have been told to end it begins again, with this added, and each end is waited for. */
#define TOLD (UINT64_C(1) << 63)

/* With one CPU their ends, at the caller's priority, come before it goes on. */
static sys_outcome await_ends(struct thread *caller, const struct account *account, uint64_t *cursor)
{
    for (struct process *process; (process = process_next(*cursor & ~TOLD)); *cursor = process->id | TOLD) {
        bool ending = process->state == CAVERN_PROCESS_ENDING && account_within(process->account, account);
        if (ending) {
            process_hasten(process, caller->runnable.priority);
            arch_cpu()->awaits_cpu = true;
        }
        if (ending || arch_interrupt_pending())
            return SYS_RESTART;
    }
    return SYS_OK;
}

sys_outcome sys_account_end(struct thread *caller, struct account_end_args *args)
{
    struct account *account;
    enum cavern_status status = find_managed(caller, args->account, &account);
    if (status)
        return status;
    if (account_within(caller->process->account, account))
        return CAVERN_BAD_ARGUMENT;
    for (struct process *process; (process = process_next(args->cursor));) {
        args->cursor = process->id;
        if (process->object.references && account_within(process->account, account)) {
            process_end(process, (const uint64_t[5]){CAVERN_REASON_ENDED, args->code});
            process_forsake(process, caller->runnable.priority);
        }
        if (arch_interrupt_pending())
            return SYS_RESTART;
    }
    if (!(args->cursor & TOLD))
        args->cursor = TOLD;
    return scheduler.cpu_count == 1 ? SYS_OK : await_ends(caller, account, &args->cursor);
}
