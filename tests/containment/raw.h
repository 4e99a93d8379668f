/* SPDX-License-Identifier: BSD-2-Clause */
/* System calls as nothing but registers. */
#pragma once

#include <stdint.h>

enum { RAW_REGISTERS = 16 };

/* x0 to x15 before `svc 1`, and after it. */
static inline void raw_call(uint64_t x[RAW_REGISTERS])
{
    register uint64_t *base __asm__("x19") = x;
    __asm__ volatile("ldp x0, x1, [x19]\n ldp x2, x3, [x19, 16]\n ldp x4, x5, [x19, 32]\n ldp x6, x7, [x19, 48]\n"
                     "ldp x8, x9, [x19, 64]\n ldp x10, x11, [x19, 80]\n ldp x12, x13, [x19, 96]\n"
                     "ldp x14, x15, [x19, 112]\n"
                     "svc 1\n"
                     "stp x0, x1, [x19]\n stp x2, x3, [x19, 16]\n stp x4, x5, [x19, 32]\n stp x6, x7, [x19, 48]\n"
                     "stp x8, x9, [x19, 64]\n stp x10, x11, [x19, 80]\n stp x12, x13, [x19, 96]\n"
                     "stp x14, x15, [x19, 112]\n" ::"r"(base)
                     : "x0", "x1", "x2", "x3", "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12", "x13", "x14",
                       "x15", "x16", "x17", "x18", "x30", "cc", "memory");
}
