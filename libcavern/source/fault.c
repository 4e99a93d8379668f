/* SPDX-License-Identifier: BSD-2-Clause */
#include <cavern/fault.h>

#include <cavern/stubs.h>

enum cavern_status cavern_fault_notify(cavern_handle process, cavern_handle queue, uint64_t label)
{
    return cavern_sys_notify(process, label, queue, CAVERN_NOTIFY_FAULT);
}

struct cavern_fault_notice cavern_fault_read(const struct cavern_message *message)
{
    const uint64_t *words = message->payload;

    return (struct cavern_fault_notice){
        .kind = (enum cavern_fault)words[CAVERN_FAULT_KIND],
        .pc = words[CAVERN_FAULT_PC],
        .address = words[CAVERN_FAULT_ADDRESS],
        .syndrome = words[CAVERN_FAULT_SYNDROME],
        .thread = words[CAVERN_FAULT_THREAD],
    };
}

enum cavern_status cavern_thread_resume(cavern_handle process, uint64_t thread)
{
    return cavern_sys_thread_control(process, thread, CAVERN_THREAD_RESUME, 0, 0);
}

static enum cavern_status read(cavern_handle process, uint64_t thread, uint64_t set, void *to, uint64_t bytes)
{
    return cavern_sys_thread_registers(process, thread, set, (uintptr_t)to, bytes);
}

static enum cavern_status write(cavern_handle process, uint64_t thread, uint64_t set, const void *from, uint64_t bytes)
{
    return cavern_sys_thread_registers(process, thread, set | CAVERN_REGISTERS_WRITE, (uintptr_t)from, bytes);
}

enum cavern_status cavern_registers_read(cavern_handle process, uint64_t thread, struct cavern_registers *registers)
{
    return read(process, thread, CAVERN_REGISTERS_GENERAL, registers, sizeof *registers);
}

enum cavern_status cavern_registers_write(cavern_handle process, uint64_t thread,
                                          const struct cavern_registers *registers)
{
    return write(process, thread, CAVERN_REGISTERS_GENERAL, registers, sizeof *registers);
}

enum cavern_status cavern_vector_read(cavern_handle process, uint64_t thread, struct cavern_vector_registers *registers)
{
    return read(process, thread, CAVERN_REGISTERS_VECTOR, registers, sizeof *registers);
}

enum cavern_status cavern_vector_write(cavern_handle process, uint64_t thread,
                                       const struct cavern_vector_registers *registers)
{
    return write(process, thread, CAVERN_REGISTERS_VECTOR, registers, sizeof *registers);
}

enum cavern_status cavern_tls_read(cavern_handle process, uint64_t thread, uint64_t *tls)
{
    return read(process, thread, CAVERN_REGISTERS_TLS, tls, sizeof *tls);
}

enum cavern_status cavern_tls_write(cavern_handle process, uint64_t thread, uint64_t tls)
{
    return write(process, thread, CAVERN_REGISTERS_TLS, &tls, sizeof tls);
}

enum cavern_status cavern_foreign_return(cavern_handle process, uint64_t thread, struct cavern_registers *registers)
{
    registers->pc += CAVERN_FOREIGN_CALL_BYTES;
    enum cavern_status status = cavern_registers_write(process, thread, registers);
    return status ? status : cavern_thread_resume(process, thread);
}
