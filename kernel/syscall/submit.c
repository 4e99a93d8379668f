/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Many calls in one entry. An operation is read into the caller's own registers, served like a call, and its results
 * are written back, before the next one is looked at; x5 counts those that are over. An operation that is long keeps
 * its progress in its own words: they are written back, and the whole call is made again. spec/abi.md, Many at once.
 */
#include <cavern/submit.h>

#include <string.h>

#include "arch/arch.h"
#include "core/range.h"
#include "object/process.h"
#include "object/thread.h"
#include "syscall/user.h"
#include "syscall_table.h"

/* x0 names the caller's process, or x0 (and x2) the caller itself: its end, or its sleep. */
static bool names_caller(struct thread *caller, unsigned call, const uint64_t *x)
{
    struct object *object;
    uint16_t rights;
    if (process_lookup_any(caller->process, x[0], &object, &rights))
        return false;
    bool process = object == &caller->process->object;
    return object == &caller->object || (process && (call == CAVERN_CALL_PROCESS_END || x[2] == caller->id));
}

/* May be served here: an operation whose caller goes on running after it. */
static bool allowed(struct thread *caller, const uint64_t *x)
{
    unsigned call = x[1] >> 16 & 0xff;
    switch (call) {
    case CAVERN_CALL_SUBMIT:
    case CAVERN_CALL_CALL:
    case CAVERN_CALL_RECEIVE:
    case CAVERN_CALL_REPLY_RECEIVE:
        return false;
    case CAVERN_CALL_PROCESS_END:
    case CAVERN_CALL_THREAD_CONTROL:
        return !names_caller(caller, call, x);
    default:
        return call < CAVERN_CALL_COUNT && sys_table[call];
    }
}

/* Serves the operation in x0-x15, and leaves its results, or for a restart its progress, there. */
static sys_outcome serve(struct thread *caller)
{
    uint64_t *x = caller->context.x;
    sys_outcome outcome = allowed(caller, x) ? sys_table[x[1] >> 16 & 0xff](caller) : CAVERN_BAD_OPERATION;
    if (outcome < SYS_RESTART)
        x[0] = (uint64_t)outcome;
    return outcome;
}

/* One operation from memory and back to it; the caller's own registers are as before. */
static sys_outcome perform(struct thread *caller, uint64_t address)
{
    uint64_t *x = caller->context.x;
    struct cavern_operation own, operation;
    const size_t results = CAVERN_OPERATION_RESULTS * sizeof(uint64_t);
    /* What can't be written is not done: it is written before, as it stands. */
    sys_outcome outcome = user_read(caller, &operation, address, sizeof operation);
    if (!outcome)
        outcome = user_write(caller, address, &operation, sizeof operation);
    if (outcome)
        return outcome;
    memcpy(&own, x, sizeof own);
    memcpy(x, &operation, sizeof operation);
    outcome = serve(caller);
    memcpy(&operation, x, sizeof operation);
    memcpy(x, &own, sizeof own);
    if (outcome == SYS_ENDED)
        return outcome;
    bool again = outcome == SYS_RESTART || outcome == SYS_FAULT;
    /* It has been made, so a fault can't have it made again. */
    return user_write(caller, address, &operation, again ? sizeof operation : results) ? CAVERN_BAD_ADDRESS : outcome;
}

/* Somebody else is to run, or an interrupt to be served, before the next operation. */
static bool must_let_go(void)
{
    return arch_cpu()->reschedule || arch_interrupt_pending();
}

sys_outcome sys_submit(struct thread *caller, struct submit_args *args)
{
    args->done = args->first;
    if (args->first > args->count)
        return CAVERN_BAD_ARGUMENT;
    if (!is_aligned(args->operations, sizeof(uint64_t)) || args->count > CAVERN_USER_END ||
        !range_within(args->operations, args->count * sizeof(struct cavern_operation), 0, CAVERN_USER_END))
        return CAVERN_BAD_ADDRESS;
    while (args->done < args->count) {
        sys_outcome outcome = perform(caller, args->operations + args->done * sizeof(struct cavern_operation));
        if (outcome)
            return outcome;
        args->first = ++args->done;
        if (args->done < args->count && must_let_go())
            return SYS_RESTART;
    }
    return SYS_OK;
}
