/* SPDX-License-Identifier: BSD-2-Clause */
#include "object/signal.h"

#include "object/process.h"
#include "object/thread.h"
#include "syscall/find.h"
#include "syscall_table.h"

sys_outcome sys_signal_create(struct thread *caller, struct signal_create_args *args)
{
    struct account *account;
    enum cavern_status status = find_account(caller, args->account, &account);
    if (!status)
        status = process_reserve(caller->process, 1);
    if (status)
        return status;
    struct signal *signal = signal_create(account);
    if (!signal)
        return CAVERN_NO_MEMORY;
    args->signal = process_publish(caller->process, &signal->object);
    return SYS_OK;
}

sys_outcome sys_signal_raise(struct thread *caller, struct signal_raise_args *args)
{
    void *found;
    enum cavern_status status =
        process_lookup(caller->process, args->signal, CAVERN_TYPE_SIGNAL, CAVERN_RIGHT_RAISE, &found);
    if (status)
        return status;
    struct signal *signal = found;
    notice_fire(&signal->notice);
    return SYS_OK;
}
