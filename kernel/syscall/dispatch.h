/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From a trap to a handler and back: vector -> trap -> syscall_dispatch -> sys_<name>. A handler checks (decode, look
 * up, reserve: may fail, changes nothing), then commits. It returns what is to become of the caller and never switches.
 */
#pragma once

#include <cavern/status.h>

#include "object/scheduler.h"
#include "syscall/fast.h"

struct thread;

/* A value of enum cavern_status, which the caller finds in x0, or one of these. */
typedef int sys_outcome;

enum {
    SYS_OK = CAVERN_OK,
    SYS_RESTART = 0x100, /* progress is in the argument registers marked `!`; the call is made again */
    SYS_FAULT,           /* the same, once the fault in the caller's `fault.words` has been dealt with */
    SYS_WAIT,            /* the caller sleeps; who wakes it sets its registers */
    SYS_DONE,            /* the handler has set all of the caller's registers itself */
    SYS_ENDED,           /* the caller is no more */
};

typedef sys_outcome (*sys_entry)(struct thread *caller);

/* By number; NULL where there is no such call. Generated from syscalls.def. */
extern const sys_entry sys_table[];
extern const char *const sys_names[];

/* The general path: any call, by its row in the table. */
void syscall_dispatch(struct thread *caller);

/* Serves `svc 1` of the current thread, by a short cut where there is one. Touches only its context and the kernel's
 * objects. */
__attribute__((always_inline)) static inline void syscall_serve(struct thread *caller)
{
    arch_cpu()->system_calls++;
    if (!fast_serve(caller))
        syscall_dispatch(caller);
}
