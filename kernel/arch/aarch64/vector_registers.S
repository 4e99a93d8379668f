/* SPDX-License-Identifier: BSD-2-Clause */
/* The only kernel code that touches the vector registers. */
#include "arch/aarch64/context_offsets.h"

    .arch_extension fp
    .arch_extension simd
    .text

    .macro vectors op
    \op     q0, q1, [x0, #CONTEXT_VECTOR + 0]
    \op     q2, q3, [x0, #CONTEXT_VECTOR + 32]
    \op     q4, q5, [x0, #CONTEXT_VECTOR + 64]
    \op     q6, q7, [x0, #CONTEXT_VECTOR + 96]
    \op     q8, q9, [x0, #CONTEXT_VECTOR + 128]
    \op     q10, q11, [x0, #CONTEXT_VECTOR + 160]
    \op     q12, q13, [x0, #CONTEXT_VECTOR + 192]
    \op     q14, q15, [x0, #CONTEXT_VECTOR + 224]
    \op     q16, q17, [x0, #CONTEXT_VECTOR + 256]
    \op     q18, q19, [x0, #CONTEXT_VECTOR + 288]
    \op     q20, q21, [x0, #CONTEXT_VECTOR + 320]
    \op     q22, q23, [x0, #CONTEXT_VECTOR + 352]
    \op     q24, q25, [x0, #CONTEXT_VECTOR + 384]
    \op     q26, q27, [x0, #CONTEXT_VECTOR + 416]
    \op     q28, q29, [x0, #CONTEXT_VECTOR + 448]
    \op     q30, q31, [x0, #CONTEXT_VECTOR + 480]
    .endm

/* In: x0 context. Changes x1, x2. */
    .globl vector_registers_save
vector_registers_save:
    mrs     x1, fpsr
    mrs     x2, fpcr
    stp     x1, x2, [x0, #CONTEXT_FPSR]
    vectors stp
    ret

/* In: x0 context. Changes x1, x2 and the vector registers. */
    .globl vector_registers_restore
vector_registers_restore:
    ldp     x1, x2, [x0, #CONTEXT_FPSR]
    msr     fpsr, x1
    msr     fpcr, x2
    vectors ldp
    ret
