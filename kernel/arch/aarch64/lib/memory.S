/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * memcpy, memmove, memset by general registers: 256 bytes a round, then 64, then single bits of the length.
 * Normal memory only: accesses may be unaligned.
 */
    .text

/* In: x0 to, x1 from, x2 size; not overlapping, or x0 below x1. Out: x0 as it was. Changes x1-x11. */
    .globl  memcpy
memcpy:
    mov     x3, x0
copy_up:
    cmp     x2, #256
    b.hs    9f
0:  subs    x2, x2, #64
    b.lo    2f
1:  ldp     x4, x5, [x1]
    ldp     x6, x7, [x1, #16]
    ldp     x8, x9, [x1, #32]
    ldp     x10, x11, [x1, #48]
    add     x1, x1, #64
    stp     x4, x5, [x3]
    stp     x6, x7, [x3, #16]
    stp     x8, x9, [x3, #32]
    stp     x10, x11, [x3, #48]
    add     x3, x3, #64
    subs    x2, x2, #64
    b.hs    1b
2:  tbz     x2, #5, 3f              /* the low six bits are those of what is left */
    ldp     x4, x5, [x1], #16
    ldp     x6, x7, [x1], #16
    stp     x4, x5, [x3], #16
    stp     x6, x7, [x3], #16
3:  tbz     x2, #4, 4f
    ldp     x4, x5, [x1], #16
    stp     x4, x5, [x3], #16
4:  tbz     x2, #3, 5f
    ldr     x4, [x1], #8
    str     x4, [x3], #8
5:  tbz     x2, #2, 6f
    ldr     w4, [x1], #4
    str     w4, [x3], #4
6:  tbz     x2, #1, 7f
    ldrh    w4, [x1], #2
    strh    w4, [x3], #2
7:  tbz     x2, #0, 8f
    ldrb    w4, [x1]
    strb    w4, [x3]
8:  ret

    .macro copy_64 at
    ldp     x4, x5, [x1, #(\at)]
    ldp     x6, x7, [x1, #(\at + 16)]
    ldp     x8, x9, [x1, #(\at + 32)]
    ldp     x10, x11, [x1, #(\at + 48)]
    stp     x4, x5, [x3, #(\at)]
    stp     x6, x7, [x3, #(\at + 16)]
    stp     x8, x9, [x3, #(\at + 32)]
    stp     x10, x11, [x3, #(\at + 48)]
    .endm

9:  sub     x2, x2, #256
1:  copy_64 0
    copy_64 64
    copy_64 128
    copy_64 192
    add     x1, x1, #256
    add     x3, x3, #256
    subs    x2, x2, #256
    b.hs    1b
    adds    x2, x2, #256
    b.ne    0b
    ret

/* In: x0 to, x1 from, x2 size; may overlap. Out: x0 as it was. Changes x1-x11. */
    .globl  memmove
memmove:
    mov     x3, x0
    sub     x4, x0, x1
    cmp     x4, x2
    b.hs    copy_up                 /* `to` does not lie in [from, from + size) */
    add     x1, x1, x2
    add     x3, x3, x2
    subs    x2, x2, #16
    b.lo    2f
1:  ldp     x4, x5, [x1, #-16]!
    stp     x4, x5, [x3, #-16]!
    subs    x2, x2, #16
    b.hs    1b
2:  tbz     x2, #3, 3f
    ldr     x4, [x1, #-8]!
    str     x4, [x3, #-8]!
3:  tbz     x2, #2, 4f
    ldr     w4, [x1, #-4]!
    str     w4, [x3, #-4]!
4:  tbz     x2, #1, 5f
    ldrh    w4, [x1, #-2]!
    strh    w4, [x3, #-2]!
5:  tbz     x2, #0, 6f
    ldrb    w4, [x1, #-1]
    strb    w4, [x3, #-1]
6:  ret

/* In: x0 to, w1 byte, x2 size. Out: x0 as it was. Changes x1-x3. */
    .globl  memset
memset:
    mov     x3, x0
    and     x1, x1, #0xff
    orr     x1, x1, x1, lsl #8
    orr     x1, x1, x1, lsl #16
    orr     x1, x1, x1, lsl #32
    subs    x2, x2, #64
    b.lo    2f
1:  stp     x1, x1, [x3]
    stp     x1, x1, [x3, #16]
    stp     x1, x1, [x3, #32]
    stp     x1, x1, [x3, #48]
    add     x3, x3, #64
    subs    x2, x2, #64
    b.hs    1b
2:  tbz     x2, #5, 3f
    stp     x1, x1, [x3], #16
    stp     x1, x1, [x3], #16
3:  tbz     x2, #4, 4f
    stp     x1, x1, [x3], #16
4:  tbz     x2, #3, 5f
    str     x1, [x3], #8
5:  tbz     x2, #2, 6f
    str     w1, [x3], #4
6:  tbz     x2, #1, 7f
    strh    w1, [x3], #2
7:  tbz     x2, #0, 8f
    strb    w1, [x3]
8:  ret
