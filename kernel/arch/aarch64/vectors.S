/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Entry and exit. In user mode SP_EL1 holds the address of the current thread's context; an entry saves x0-x30, sp, pc
 * and pstate there, takes the CPU's stack from its start, and goes to a C function that ends in context_enter. So the
 * stack is empty between entries, and interrupts are masked in the kernel throughout.
 *
 * A system call may return instead: the same thread goes on where it was, and only the registers that C functions don't
 * preserve are loaded.
 *
 * An exception in the kernel is a bug: it is reported with all registers, on a stack of its own.
 */
#include "arch/aarch64/context_offsets.h"

#define ESR_CAVERN_CALL 0xab /* EC 0x15, 32-bit instruction, svc #1: 0x56000001, turned right by 25 */

#define KERNEL_SYNCHRONOUS 0
#define KERNEL_INTERRUPT 1
#define KERNEL_ERROR 2
#define KERNEL_STATE 3

/* Out: x0 context, sp the CPU's stack. */
    .macro save_context
    stp     x0, x1, [sp, #CONTEXT_X(0)]
    stp     x2, x3, [sp, #CONTEXT_X(2)]
    stp     x4, x5, [sp, #CONTEXT_X(4)]
    stp     x6, x7, [sp, #CONTEXT_X(6)]
    stp     x8, x9, [sp, #CONTEXT_X(8)]
    stp     x10, x11, [sp, #CONTEXT_X(10)]
    stp     x12, x13, [sp, #CONTEXT_X(12)]
    stp     x14, x15, [sp, #CONTEXT_X(14)]
    stp     x16, x17, [sp, #CONTEXT_X(16)]
    stp     x18, x19, [sp, #CONTEXT_X(18)]
    stp     x20, x21, [sp, #CONTEXT_X(20)]
    stp     x22, x23, [sp, #CONTEXT_X(22)]
    stp     x24, x25, [sp, #CONTEXT_X(24)]
    stp     x26, x27, [sp, #CONTEXT_X(26)]
    stp     x28, x29, [sp, #CONTEXT_X(28)]
    mrs     x1, sp_el0
    mrs     x2, elr_el1
    mrs     x3, spsr_el1
    stp     x30, x1, [sp, #CONTEXT_X30]
    stp     x2, x3, [sp, #CONTEXT_PC]
    mov     x0, sp
    mrs     x1, tpidr_el1
    mov     sp, x1
    .endm

    .macro vector
    .balign 128
    .endm

    .macro kernel_vector kind
    vector
    msr     tpidrro_el0, x0
    mov     x0, #\kind
    b       kernel_exception
    .endm

/* `shared`: what the trap_ functions are called where there are other CPUs. */
    .macro vector_table name, shared
    .balign 2048
    .globl  \name
\name:
    /* From the kernel, with SP_EL0: never used. */
    kernel_vector KERNEL_STATE
    kernel_vector KERNEL_STATE
    kernel_vector KERNEL_STATE
    kernel_vector KERNEL_STATE

    /* From the kernel. */
    kernel_vector KERNEL_SYNCHRONOUS
    kernel_vector KERNEL_INTERRUPT
    kernel_vector KERNEL_INTERRUPT
    kernel_vector KERNEL_ERROR

    /* From user mode, AArch64. */
    vector
    save_context
    mrs     x1, esr_el1
    ror     w1, w1, #25
    cmp     w1, #ESR_CAVERN_CALL
    b.ne    trap_exception\shared
    bl      trap_system_call\shared
    b       context_resume

    vector
    save_context
    b       trap_interrupt\shared

    kernel_vector KERNEL_INTERRUPT  /* FIQ: masked in user mode too */

    vector
    save_context
    b       trap_error\shared

    /* From user mode, AArch32: never entered. */
    kernel_vector KERNEL_STATE
    kernel_vector KERNEL_STATE
    kernel_vector KERNEL_STATE
    kernel_vector KERNEL_STATE
    .balign 128
    .endm

    .text
    vector_table vectors
    vector_table vectors_shared, _shared

/* Into user mode, with x0 to x17 of the context at sp; all else is loaded. */
    .macro go_on
    ldp     x16, x17, [sp, #CONTEXT_X(16)]
    ldp     x14, x15, [sp, #CONTEXT_X(14)]
    ldp     x12, x13, [sp, #CONTEXT_X(12)]
    ldp     x10, x11, [sp, #CONTEXT_X(10)]
    ldp     x8, x9, [sp, #CONTEXT_X(8)]
    ldp     x6, x7, [sp, #CONTEXT_X(6)]
    ldp     x4, x5, [sp, #CONTEXT_X(4)]
    ldp     x2, x3, [sp, #CONTEXT_X(2)]
    ldp     x0, x1, [sp, #CONTEXT_X(0)]
    eret
    .endm

/* In: x0 context, and as the entry left them ELR_EL1, SPSR_EL1, SP_EL0 and the registers that C functions preserve. */
context_resume:
    mov     sp, x0
    ldr     x30, [sp, #CONTEXT_X30]
    ldr     x18, [sp, #CONTEXT_X(18)]
    go_on

/* In: x0 context. */
    .globl  context_enter
context_enter:
    mov     sp, x0
    ldp     x1, x2, [sp, #CONTEXT_PC]
    ldp     x30, x3, [sp, #CONTEXT_X30]
    msr     elr_el1, x1
    msr     spsr_el1, x2
    msr     sp_el0, x3
    ldp     x28, x29, [sp, #CONTEXT_X(28)]
    ldp     x26, x27, [sp, #CONTEXT_X(26)]
    ldp     x24, x25, [sp, #CONTEXT_X(24)]
    ldp     x22, x23, [sp, #CONTEXT_X(22)]
    ldp     x20, x21, [sp, #CONTEXT_X(20)]
    ldp     x18, x19, [sp, #CONTEXT_X(18)]
    go_on

/* In: x0 kind, TPIDRRO_EL0 the x0 of the kernel, all other registers as they were; sp may point anywhere. */
kernel_exception:
    msr     tpidr_el0, x1
    adrp    x1, kernel_registers
    add     x1, x1, :lo12:kernel_registers
    stp     x2, x3, [x1, #CONTEXT_X(2)]
    stp     x4, x5, [x1, #CONTEXT_X(4)]
    stp     x6, x7, [x1, #CONTEXT_X(6)]
    stp     x8, x9, [x1, #CONTEXT_X(8)]
    stp     x10, x11, [x1, #CONTEXT_X(10)]
    stp     x12, x13, [x1, #CONTEXT_X(12)]
    stp     x14, x15, [x1, #CONTEXT_X(14)]
    stp     x16, x17, [x1, #CONTEXT_X(16)]
    stp     x18, x19, [x1, #CONTEXT_X(18)]
    stp     x20, x21, [x1, #CONTEXT_X(20)]
    stp     x22, x23, [x1, #CONTEXT_X(22)]
    stp     x24, x25, [x1, #CONTEXT_X(24)]
    stp     x26, x27, [x1, #CONTEXT_X(26)]
    stp     x28, x29, [x1, #CONTEXT_X(28)]
    mov     x2, sp
    stp     x30, x2, [x1, #CONTEXT_X30]
    mrs     x2, tpidrro_el0
    mrs     x3, tpidr_el0
    stp     x2, x3, [x1, #CONTEXT_X(0)]
    mrs     x2, elr_el1
    mrs     x3, spsr_el1
    stp     x2, x3, [x1, #CONTEXT_PC]
    adrp    x2, panic_stack_end
    add     x2, x2, :lo12:panic_stack_end
    mov     sp, x2
    b       kernel_panic

    .bss
    .balign 16
    .space  4096
panic_stack_end:
