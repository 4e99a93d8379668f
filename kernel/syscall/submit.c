/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Many calls in one entry. An operation is served like a call, and its results are there before the next one is looked
 * at; x5 counts those that are over. An operation that is long keeps its progress in its own words, and the whole call
 * is made again. Some are served where they lie, through the direct map; others are copied in and out. spec/abi.md,
 * Many at once.
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

/* The operation in the first word of the header, read once. */
static unsigned call_of(const uint64_t *x)
{
    return syscall_operation(__atomic_load_n(&x[1], __ATOMIC_RELAXED));
}

/* May be served here: an operation whose caller goes on running after it. */
static bool allowed(struct thread *caller, unsigned call, const uint64_t *x)
{
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
        return true;
    }
}

/* Serves the operation in x[0] to x[15], and leaves its results, or for a restart its progress, there. */
static sys_outcome serve(struct thread *caller, unsigned call, uint64_t *x)
{
    if (call == CAVERN_CALL_SEND && fast_send(caller, x))
        return SYS_OK;
    sys_outcome outcome = sys_table[call](caller, x);
    if (outcome < SYS_RESTART)
        x[0] = (uint64_t)outcome;
    return outcome;
}

/* The memory of operations that lie in one page which the caller may write. */
struct window {
    uint64_t address; /* the caller's */
    uint64_t starts;  /* so many bytes from there on may be the first of an operation */
    uint8_t *here;
};

/* What is served in place: calls that are allowed, unmap nothing, and keep no progress. */
#define IN_PLACE(call) (UINT64_C(1) << CAVERN_CALL_##call)
static const uint64_t in_place = IN_PLACE(NOP) | IN_PLACE(SEND) | IN_PLACE(REQUEST) | IN_PLACE(REPLY) | IN_PLACE(DROP) |
                                 IN_PLACE(CANCEL) | IN_PLACE(QUEUE_FREED) | IN_PLACE(GRANT_ACCEPT) |
                                 IN_PLACE(ACKNOWLEDGE) | IN_PLACE(SIGNAL_RAISE) | IN_PLACE(DEVICE_IO);

/* From this address on; without one if the caller may not write an operation there, or it lies across two pages. */
__attribute__((noinline)) static void window_open(struct window *window, struct thread *caller, uint64_t address)
{
    uint64_t physical, length = sizeof(struct cavern_operation);
    *window = (struct window){.address = address};
    if (!arch_translate(&caller->process->space.arch, address, ARCH_ACCESS_WRITE, &physical, &length) ||
        length < sizeof(struct cavern_operation))
        return;
    window->starts = length - sizeof(struct cavern_operation) + 1;
    window->here = arch_direct(physical);
}

/* Where the operation lies; NULL: it can't be served there. */
static struct cavern_operation *find(struct thread *caller, uint64_t address, struct window *window)
{
    if (address - window->address >= window->starts)
        window_open(window, caller, address);
    return window->starts ? (void *)(window->here + (address - window->address)) : NULL;
}

/* One operation read from memory and written back to it. */
static sys_outcome perform_copy(struct thread *caller, uint64_t address)
{
    struct cavern_operation operation;
    const size_t results = CAVERN_OPERATION_RESULTS * sizeof(uint64_t);
    /* What can't be written is not done: it is written before, as it stands. */
    sys_outcome outcome = user_read(caller, &operation, address, sizeof operation);
    if (!outcome)
        outcome = user_write(caller, address, &operation, sizeof operation);
    if (outcome)
        return outcome;
    unsigned call = call_of(operation.x);
    if (allowed(caller, call, operation.x))
        outcome = serve(caller, call, operation.x);
    else
        outcome = (sys_outcome)(operation.x[0] = CAVERN_BAD_OPERATION);
    if (outcome == SYS_ENDED)
        return outcome;
    bool again = outcome == SYS_RESTART || outcome == SYS_FAULT;
    /* It has been made, so a fault can't have it made again. */
    return user_write(caller, address, &operation, again ? sizeof operation : results) ? CAVERN_BAD_ADDRESS : outcome;
}

static sys_outcome perform(struct thread *caller, uint64_t address, struct window *window)
{
    struct cavern_operation *operation = find(caller, address, window);
    if (operation) {
        unsigned call = call_of(operation->x);
        if (call < 64 && in_place >> call & 1)
            return serve(caller, call, operation->x);
    }
    window->starts = 0;
    return perform_copy(caller, address);
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
    struct window window = {0};
    while (args->done < args->count) {
        uint64_t address = args->operations + args->done * sizeof(struct cavern_operation);
        sys_outcome outcome = perform(caller, address, &window);
        if (outcome)
            return outcome;
        args->first = ++args->done;
        if (args->done == args->count)
            break;
        if (must_let_go())
            return SYS_RESTART;
    }
    return SYS_OK;
}
