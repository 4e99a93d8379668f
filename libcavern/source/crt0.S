/* SPDX-License-Identifier: BSD-2-Clause */
/* The first instructions of a program. In: x0 start-up record, x1 its size, sp top of the stack. Gives the first thread its
 * thread pointer (user.ld reserves the block) and goes on in cavern_start, with the same x0 and x1. */
    .section .text.start, "ax"
    .global _start
    .type _start, %function
_start:
    adrp x2, cavern_main_tls
    add x2, x2, :lo12:cavern_main_tls
    msr tpidr_el0, x2
    mov x29, xzr
    mov x30, xzr
    b cavern_start
    .size _start, . - _start
