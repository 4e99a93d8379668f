/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One load or store that may abort. While it is on its way VBAR_EL1 points at vectors that have nothing but the
 * synchronous exception (all others are masked in the kernel): it goes on behind the access, with 0 in w4.
 */

/* Changes x16; x17 keeps the vectors. */
    .macro guard_begin
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
    .endm

    .text
/* In: x0 address, w1 width, x2 where the value goes. Out: w0 0 for an abort, else 1. Changes x3, x4, x16, x17. */
    .globl  device_load
device_load:
    mov     x3, #0
    guard_begin
    tbnz    w1, #0, 3f
    tbnz    w1, #1, 4f
    tbnz    w1, #2, 5f
    ldr     x3, [x0]
    b       device_load_done
3:  ldrb    w3, [x0]
    b       device_load_done
4:  ldrh    w3, [x0]
    b       device_load_done
5:  ldr     w3, [x0]
device_load_done:
    guard_end
    str     x3, [x2]
    mov     w0, w4
    ret

/* In: x0 address, w1 width, x2 value. Out and changed: as above. */
    .globl  device_store
device_store:
    guard_begin
    tbnz    w1, #0, 3f
    tbnz    w1, #1, 4f
    tbnz    w1, #2, 5f
    str     x2, [x0]
    b       device_store_done
3:  strb    w2, [x0]
    b       device_store_done
4:  strh    w2, [x0]
    b       device_store_done
5:  str     w2, [x0]
device_store_done:
    guard_end
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
