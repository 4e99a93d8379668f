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

/* `x`: x0-x8 and x9-x11 of the call, and of its results; others may be able to write there. */
typedef sys_outcome (*sys_entry)(struct thread *caller, uint64_t *x);

/* By operation; one that says BAD_OPERATION where there is no such call. Generated from syscalls.def. */
extern const sys_entry sys_table[256];
extern const char *const sys_names[];

/* The general path: any call, by its row in the table. True: the call is over, and has changed no more of the caller's
 * context than its results. */
bool syscall_dispatch(struct thread *caller);

/* The operation in x1. */
static inline unsigned syscall_operation(uint64_t info)
{
    return info >> 16 & 0xff;
}
