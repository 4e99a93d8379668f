/* SPDX-License-Identifier: BSD-2-Clause */
/* Out-of-line atomics that the C library was compiled to call (Procedure Call Standard for the Arm 64-bit Architecture, names
 * as in the compiler's runtime). They keep all registers but x0 and x15-x17. */

/* In: w0 new value, x1 address of 16 bits. Out: w0 the value before. */
    .section .text.swp2, "ax"
    .global __aarch64_swp2_relax
    .type __aarch64_swp2_relax, %function
__aarch64_swp2_relax:
    mov w16, w0
1:  ldxrh w0, [x1]
    stxrh w17, w16, [x1]
    cbnz w17, 1b
    ret
    .size __aarch64_swp2_relax, . - __aarch64_swp2_relax

/* In: w0 expected value, w1 new value, x2 address of 16 bits. Out: w0 the value before. */
    .section .text.cas2, "ax"
    .global __aarch64_cas2_acq_rel
    .type __aarch64_cas2_acq_rel, %function
__aarch64_cas2_acq_rel:
    uxth w16, w0
1:  ldaxrh w0, [x2]
    cmp w0, w16
    b.ne 2f
    stlxrh w17, w1, [x2]
    cbnz w17, 1b
2:  ret
    .size __aarch64_cas2_acq_rel, . - __aarch64_cas2_acq_rel
