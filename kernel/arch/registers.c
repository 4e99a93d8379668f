/* SPDX-License-Identifier: BSD-2-Clause */
/* Registers of a thread as user space sees them, for every processor alike. */
#include <string.h>

#include "arch/arch.h"

#define PSTATE_FLAGS (UINT64_C(15) << 28) /* N, Z, C, V */

void arch_context_read(const struct arch_context *context, struct cavern_registers *registers)
{
    memcpy(registers->x, context->x, sizeof registers->x);
    registers->sp = context->sp;
    registers->pc = context->pc;
    registers->flags = context->pstate & PSTATE_FLAGS;
}

void arch_context_write(struct arch_context *context, const struct cavern_registers *registers)
{
    memcpy(context->x, registers->x, sizeof context->x);
    context->sp = registers->sp;
    context->pc = registers->pc;
    context->pstate = (context->pstate & ~PSTATE_FLAGS) | (registers->flags & PSTATE_FLAGS);
}

void arch_context_read_vector(const struct arch_context *context, struct cavern_vector_registers *registers)
{
    memcpy(registers->v, context->vector, sizeof registers->v);
    registers->fpsr = context->fpsr;
    registers->fpcr = context->fpcr;
}

void arch_context_write_vector(struct arch_context *context, const struct cavern_vector_registers *registers)
{
    memcpy(context->vector, registers->v, sizeof context->vector);
    context->fpsr = registers->fpsr;
    context->fpcr = registers->fpcr;
}
