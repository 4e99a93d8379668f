/* SPDX-License-Identifier: BSD-2-Clause */
#include "jail.h"

#include <string.h>

#include <cavern/buffer.h>
#include <cavern/fault.h>
#include <cavern/handles.h>
#include <cavern/queue.h>
#include <cavern/stubs.h>
#include <cavern/time.h>

#include "attempt.h"

static struct cavern_queue events; /* ends and faults */

void jail_make(struct jail *jail, const uint32_t *code, size_t instructions)
{
    void *memory;
    jail->bytes = cavern_pages(instructions * sizeof(*code));
    GRANTED(cavern_buffer_create(CAVERN_SELF_ACCOUNT, jail->bytes, 0, &jail->code));
    GRANTED(cavern_buffer_map_local(jail->code, 0, jail->bytes, CAVERN_PROT_READ | CAVERN_PROT_WRITE, &memory));
    memcpy(memory, code, instructions * sizeof(*code));
    cavern_buffer_unmap(memory, jail->bytes);
    GRANTED(cavern_buffer_seal(jail->code));
    GRANTED(cavern_buffer_create(CAVERN_SELF_ACCOUNT, JAIL_DATA_BYTES, 0, &jail->data));
}

void jail_close(struct jail *jail)
{
    cavern_handle_close(jail->code);
    cavern_handle_close(jail->data);
}

/* A process with the jail's memory, whose end is told. */
static cavern_handle prepare(const struct jail *jail)
{
    cavern_handle process;
    if (!events.handle)
        GRANTED(cavern_queue_create(CAVERN_QUEUE_BLOCKS_MIN, 0, &events));
    GRANTED(cavern_sys_process_create(CAVERN_SELF_ACCOUNT, 0, 0, 0x6c69616a, 0, &process));
    GRANTED(
        cavern_buffer_map_at(process, jail->code, 0, jail->bytes, JAIL_CODE, CAVERN_PROT_READ | CAVERN_PROT_EXECUTE));
    GRANTED(
        cavern_buffer_map_at(process, jail->data, 0, JAIL_DATA_BYTES, JAIL_DATA, CAVERN_PROT_READ | CAVERN_PROT_WRITE));
    GRANTED(cavern_sys_notify(process, 0, events.handle, CAVERN_NOTIFY_EXIT));
    return process;
}

static cavern_handle start(cavern_handle process, size_t from, uint64_t x0, uint64_t x1)
{
    cavern_handle thread;
    GRANTED(cavern_sys_thread_create(process, ATTEMPT_PRIORITY, JAIL_CODE + from * sizeof(uint32_t),
                                     JAIL_DATA + JAIL_DATA_BYTES, 0, x0, x1, 0, &thread));
    return thread;
}

void jail_run(const struct jail *jail, size_t from, uint64_t x0, uint64_t x1, uint64_t patience, uint64_t words[5])
{
    cavern_handle process = prepare(jail);
    struct cavern_message message;
    cavern_handle_close(start(process, from, x0, x1));
    enum cavern_status status = cavern_queue_receive(&events, cavern_after(patience), &message);
    if (status == CAVERN_TIMEOUT) {
        GRANTED(cavern_sys_process_end(process, 0));
        status = cavern_queue_receive(&events, CAVERN_FOREVER, &message);
    }
    GRANTED(status);
    memcpy(words, message.payload, 5 * sizeof(*words));
    cavern_queue_release(&events, &message);
    cavern_handle_close(process);
}

void jail_step(const struct jail *jail, uint64_t x0, void (*faulted)(size_t at, unsigned kind))
{
    cavern_handle process = prepare(jail), thread;
    struct cavern_registers registers = {.x = {x0}, .sp = JAIL_DATA + JAIL_DATA_BYTES};
    GRANTED(cavern_fault_notify(process, events.handle, 0));
    thread = start(process, 0, x0, 0);
    for (;;) {
        struct cavern_message message;
        GRANTED(cavern_queue_receive(&events, cavern_after(CAVERN_SECOND), &message));
        bool ended = message.header.kind == CAVERN_KIND_EXIT;
        struct cavern_fault_notice notice = cavern_fault_read(&message);
        cavern_queue_release(&events, &message);
        if (ended)
            break;
        faulted((notice.pc - JAIL_CODE) / sizeof(uint32_t), notice.kind);
        registers.pc = notice.pc + sizeof(uint32_t);
        GRANTED(cavern_sys_thread_registers(thread, 0, CAVERN_REGISTERS_GENERAL | CAVERN_REGISTERS_WRITE,
                                            (uintptr_t)&registers, sizeof(registers)));
        GRANTED(cavern_sys_acknowledge(thread));
    }
    cavern_handle_close(thread);
    cavern_handle_close(process);
}

unsigned jail_fault(uint32_t instruction, uint64_t x0, uint64_t words[5])
{
    struct jail jail;
    const uint32_t code[] = {instruction, JAIL_EXIT};
    jail_make(&jail, code, sizeof(code) / sizeof(*code));
    jail_run(&jail, 0, x0, 0, CAVERN_SECOND, words);
    jail_close(&jail);
    return words[CAVERN_EXIT_REASON] == CAVERN_REASON_FAULT ? (unsigned)words[CAVERN_EXIT_FAULT] : CAVERN_FAULT_NONE;
}
