/* SPDX-License-Identifier: BSD-2-Clause */
/* The one way in. */
#include "syscall/dispatch.h"

#include <cavern/syscalls.h>

#include "object/thread.h"

/* As if the `svc` itself had touched the memory. */
static void fault(struct thread *caller)
{
    const uint64_t *words = caller->fault.words;

    arch_context_restart(&caller->context);
    thread_fault(caller, (enum cavern_fault)words[CAVERN_FAULT_KIND], words[CAVERN_FAULT_ADDRESS], 0);
}

bool syscall_dispatch(struct thread *caller)
{
    uint64_t *x = caller->context.x;
    sys_outcome outcome = sys_table[syscall_operation(x[1])](caller, x);
    if (outcome < SYS_RESTART) {
        x[0] = (uint64_t)outcome;
        return true;
    }
    if (outcome == SYS_RESTART)
        arch_context_restart(&caller->context);
    else if (outcome == SYS_FAULT)
        fault(caller);
    return false;
}
