/* SPDX-License-Identifier: BSD-2-Clause */
/* The machine, and the call that does nothing. */
#include "object/machine.h"

#include <cavern/machine.h>

#include "object/process.h"
#include "object/thread.h"
#include "platform/platform.h"
#include "syscall/user.h"
#include "syscall_table.h"

#define LOG_STEP_BYTES 1024 /* copied at once: at least one record of any length */
#define LOG_STEPS 16

_Static_assert((int)LOG_STEP_BYTES >= (int)LOG_RECORD_MAX, "a step makes progress");

sys_outcome sys_nop(struct thread *caller, struct nop_args *args)
{
    (void)caller;
    (void)args;
    return SYS_OK;
}

static sys_outcome log_read(struct thread *caller, struct machine_args *args)
{
    uint8_t records[LOG_STEP_BYTES];
    uint64_t cursor = args->cursor, lost, written = 0;

    if (args->address % 8)
        return CAVERN_BAD_ADDRESS;
    if (args->bytes < LOG_RECORD_MAX)
        return CAVERN_BAD_ARGUMENT;
    for (unsigned step = 0; step < LOG_STEPS; step++) {
        uint64_t room = args->bytes - written;
        size_t size =
            log_ring_read(&machine->log, &cursor, records, room < sizeof records ? room : sizeof records, &lost);
        if (!size)
            break;
        sys_outcome outcome = user_write(caller, args->address + written, records, size);
        if (outcome)
            return outcome;
        written += size;
    }
    args->next = cursor;
    args->written = written;
    return SYS_OK;
}

static sys_outcome log_text(struct thread *caller, const struct machine_args *args)
{
    char text[CAVERN_LOG_TEXT_MAX + 1];

    if (args->cursor < CAVERN_LOG_ERROR || args->cursor > CAVERN_LOG_DEBUG)
        return CAVERN_BAD_ARGUMENT;
    if (args->bytes > CAVERN_LOG_TEXT_MAX)
        return CAVERN_TOO_LARGE;
    sys_outcome outcome = user_read(caller, text, args->address, args->bytes);
    if (outcome)
        return outcome;
    text[args->bytes] = 0;
    log_write((unsigned)args->cursor, "%s", text);
    return SYS_OK;
}

sys_outcome sys_machine(struct thread *caller, struct machine_args *args)
{
    bool power = args->operation == CAVERN_MACHINE_POWER_OFF || args->operation == CAVERN_MACHINE_RESTART;
    void *found;
    enum cavern_status status = process_lookup(caller->process, args->machine, CAVERN_TYPE_MACHINE,
                                               power ? CAVERN_RIGHT_POWER : CAVERN_RIGHT_LOG, &found);
    if (status)
        return status;
    switch (args->operation) {
    case CAVERN_MACHINE_POWER_OFF:
        platform_power_off();
        return CAVERN_DEVICE_ERROR;
    case CAVERN_MACHINE_RESTART:
        platform_restart();
        return CAVERN_DEVICE_ERROR;
    case CAVERN_MACHINE_LOG_READ:
        return log_read(caller, args);
    case CAVERN_MACHINE_LOG_WRITE:
        return log_text(caller, args);
    default:
        return CAVERN_BAD_ARGUMENT;
    }
}
