/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One load or store that may abort. While it is on its way VBAR_EL1 points at vectors that have nothing but the
 * synchronous exception (all others are masked in the kernel): it goes on behind the access, with 0 in w4. Where and how
 * user mode goes on stays in ELR_EL1 and SPSR_EL1.
 */

/* Changes x16; x17 keeps the vectors, x5 and x6 what an exception changes. */
    .macro guard_begin
    mrs     x5, elr_el1
    mrs     x6, spsr_el1
    mrs     x17, vbar_el1
    adrp    x16, device_vectors
    add     x16, x16, :lo12:device_vectors
    mov     w4, #1
    msr     vbar_el1, x16
    isb
    .endm

/* An abort of the access is over when the barrier is. */
    .macro guard_end
    dsb     sy
    msr     vbar_el1, x17
    isb
    msr     elr_el1, x5
    msr     spsr_el1, x6
    .endm

/* `byte`, `half` or `whole` is the instruction on `narrow` or `wide` for the width in w1. */
    .macro access byte, half, whole, narrow, wide
    guard_begin
    tbnz    w1, #0, 1f
    tbnz    w1, #1, 2f
    tbnz    w1, #2, 4f
    \whole  \wide, [x0]
    b       8f
1:  \byte   \narrow, [x0]
    b       8f
2:  \half   \narrow, [x0]
    b       8f
4:  \whole  \narrow, [x0]
8:  guard_end
    .endm

    .text
/* In: x0 address, w1 width, x2 where the value goes. Out: w0 0 for an abort, else 1. Changes x3-x6, x16, x17. */
    .globl  device_load
device_load:
    mov     x3, #0
    access  ldrb, ldrh, ldr, w3, x3
    str     x3, [x2]
    mov     w0, w4
    ret

/* In: x0 address, w1 width, x2 value. Out and changed: as above. */
    .globl  device_store
device_store:
    access  strb, strh, str, w2, x2
    mov     w0, w4
    ret

    .balign 2048
device_vectors:
    .space  0x200                   /* from the kernel, its own stack pointer, synchronous: DDI 0487, D1.3.1 */
    mov     w4, #0
    mrs     x16, elr_el1
    add     x16, x16, #4            /* behind the access: to the barrier */
    msr     elr_el1, x16
    eret
