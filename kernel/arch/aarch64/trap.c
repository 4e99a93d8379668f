/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Entries from user mode, and the one way back. vectors.S has saved the registers in the current thread's context and
 * comes to one of the four trap_ functions; none returns. trap_leave asks the scheduler who runs next. Without anybody,
 * the CPU waits here, and takes interrupts by looking rather than by an exception.
 */
#include "arch/aarch64/cpu.h"
#include "arch/aarch64/esr.h"
#include "arch/arch.h"
#include "core/format.h"
#include "core/list.h"
#include "object/interrupt.h"
#include "object/machine.h"
#include "object/thread.h"
#include "platform/platform.h"
#include "syscall/dispatch.h"

/* Called by vectors.S alone. */
_Noreturn void trap_system_call(struct arch_context *context);
_Noreturn void trap_exception(struct arch_context *context);
_Noreturn void trap_interrupt(struct arch_context *context);
_Noreturn void trap_error(struct arch_context *context);
_Noreturn void kernel_panic(unsigned kind, const struct arch_context *registers);

struct arch_context kernel_registers; /* as an exception in the kernel found them */

static struct thread *thread_of(struct arch_context *context)
{
    return container_of(context, struct thread, context);
}

__attribute__((always_inline)) static inline _Noreturn void leave(void)
{
    struct thread *next;
    while (!(next = scheduler_next())) {
        if (scheduler_idle(arch_cpu())) {
            barrier_complete();
            __asm__ volatile("wfi"); /* ends when an interrupt waits, masked or not */
        }
        if (arch_interrupt_pending())
            interrupt_handle();
    }
    context_enter(&next->context);
}

void trap_leave(void)
{
    leave();
}

void trap_system_call(struct arch_context *context)
{
    syscall_serve(thread_of(context));
    leave();
}

void trap_interrupt(struct arch_context *context)
{
    (void)context;
    interrupt_handle();
    leave();
}

static _Noreturn void fault(struct arch_context *context, uint64_t esr)
{
    struct esr_meaning meaning = esr_decode(esr);
    if (meaning.after)
        arch_context_restart(context); /* the exit notice names the instruction itself */
    thread_fault(thread_of(context), meaning.fault, meaning.address ? system_register_read(far_el1) : 0, esr);
    leave();
}

void trap_exception(struct arch_context *context)
{
    uint64_t esr = system_register_read(esr_el1);
    if (esr_is_vector_use(esr)) {
        context_take_vector(context);
        context_enter(context);
    }
    fault(context, esr);
}

void trap_error(struct arch_context *context)
{
    fault(context, system_register_read(esr_el1));
}

/* Straight to the debug output: whatever is broken, this touches no object. */
static void show_registers(const struct arch_context *registers)
{
    char line[80];
    for (unsigned i = 0; i < 30; i += 2) {
        size_t length = format_line(line, sizeof line, "\nx%02u %016lx  x%02u %016lx", i,
                                    (unsigned long)registers->x[i], i + 1, (unsigned long)registers->x[i + 1]);
        platform_write(line, length);
    }
}

void kernel_panic(unsigned kind, const struct arch_context *registers)
{
    static const char *const kinds[] = {"exception", "interrupt", "asynchronous error", "wrong state"};
    static bool again;
    if (again)
        arch_halt();
    again = true;
    show_registers(registers);
    panic("%s in the kernel: pc %lx lr %lx sp %lx pstate %lx esr %lx far %lx", kinds[kind],
          (unsigned long)registers->pc, (unsigned long)registers->x[30], (unsigned long)registers->sp,
          (unsigned long)registers->pstate, (unsigned long)system_register_read(esr_el1),
          (unsigned long)system_register_read(far_el1));
}
