/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Contexts of threads. The vector registers are on the CPU only while CPACR_EL1 lets user mode use them; then they are
 * those of the current thread. Its first use of them traps, and they are saved when it leaves. So none are
 * ever left behind on a CPU, and none can be seen by another thread.
 */
#include <stddef.h>

#include "arch/aarch64/cpu.h"
#include "arch/aarch64/mmu.h"
#include "arch/arch.h"
#include "object/process.h"
#include "object/thread.h"

_Static_assert(offsetof(struct arch_context, x) == CONTEXT_X(0), "x");
_Static_assert(offsetof(struct arch_context, x[30]) == CONTEXT_X30, "x30");
_Static_assert(offsetof(struct arch_context, sp) == CONTEXT_X30 + 8, "sp is stored with x30");
_Static_assert(offsetof(struct arch_context, pc) == CONTEXT_PC, "pc");
_Static_assert(offsetof(struct arch_context, pstate) == CONTEXT_PC + 8, "pstate is stored with pc");
_Static_assert(offsetof(struct arch_context, fpsr) == CONTEXT_FPSR, "fpsr");
_Static_assert(offsetof(struct arch_context, fpcr) == CONTEXT_FPSR + 8, "fpcr");
_Static_assert(offsetof(struct arch_context, vector) == CONTEXT_VECTOR, "vector");
_Static_assert(CONTEXT_VECTOR % 16 == 0 && sizeof(struct arch_context) % 16 == 0, "alignment");
_Static_assert(offsetof(struct thread, context) % 16 == 0, "SP_EL1 points to the context");

/* EL0, AArch64, IRQ and SError open; FIQ and debug exceptions masked. DDI 0487, C5.2.19. */
#define PSTATE_USER 0x240
#define CPACR_FPEN (UINT64_C(3) << 20)
#define INSTRUCTION_BYTES 4

void arch_context_init(struct arch_context *context, uint64_t pc, uint64_t sp, uint64_t tls, uint64_t x0, uint64_t x1)
{
    *context = (struct arch_context){.pc = pc, .sp = sp, .tls = tls, .pstate = PSTATE_USER};
    context->x[0] = x0;
    context->x[1] = x1;
}

void arch_context_restart(struct arch_context *context)
{
    context->pc -= INSTRUCTION_BYTES;
}

void context_enable_vector(void)
{
    system_register_write(cpacr_el1, CPACR_FPEN);
    barrier_instruction();
}

void context_disable_vector(void)
{
    system_register_write(cpacr_el1, 0);
}

void context_take_vector(struct arch_context *context)
{
    context_enable_vector();
    vector_registers_restore(context);
}

static inline void switch_others(struct thread *from, struct thread *to)
{
    if (from)
        from->context.tls = system_register_read(tpidr_el0);
    if (to) {
        system_register_write(tpidr_el0, to->context.tls);
        address_space_load(&to->process->space.arch);
    } else {
        address_space_unload();
    }
}

bool arch_switch_is_own(const struct thread *to)
{
    return address_space_is_current(&to->process->space.arch);
}

SELDOM static void switch_with_vectors(struct thread *from, struct thread *to)
{
    if (from)
        vector_registers_save(&from->context);
    context_disable_vector();
    switch_others(from, to);
}

__attribute__((always_inline)) void arch_switch(struct thread *from, struct thread *to)
{
    if (__builtin_expect(system_register_read(cpacr_el1) & CPACR_FPEN, 0))
        switch_with_vectors(from, to);
    else
        switch_others(from, to);
}
