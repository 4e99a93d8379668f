/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "arch/arch.h"

#define PAGE 4096
#define DCZID_PROHIBITED 16
#define DCZID_64_BYTES 4

static inline __attribute__((always_inline)) void zero_by(uint64_t block, char *page)
{
#pragma clang loop unroll_count(16)
    for (uint64_t at = 0; at < PAGE; at += block)
        __asm__ volatile("dc zva, %0" ::"r"(page + at) : "memory");
}

void arch_zero_page(void *page)
{
    uint64_t dczid = system_register_read(dczid_el0);
    if (dczid & DCZID_PROHIBITED)
        memset(page, 0, PAGE);
    else if (dczid == DCZID_64_BYTES) /* most CPUs: worth the loop of its own */
        zero_by(64, page);
    else
        zero_by(UINT64_C(4) << (dczid & 15), page);
}

/* Smallest data and instruction cache lines. DDI 0487, B2.4.4: clean, wait, invalidate, wait. */
void arch_sync_code(void *p, size_t size)
{
    uint64_t ctr = system_register_read(ctr_el0);
    uint64_t data = UINT64_C(4) << (ctr >> 16 & 15);
    uint64_t code = UINT64_C(4) << (ctr & 15);
    uint64_t start = (uint64_t)p;
    uint64_t end = start + size;
    for (uint64_t line = start & ~(data - 1); line < end; line += data)
        __asm__ volatile("dc cvau, %0" ::"r"(line) : "memory");
    barrier_maintenance();
    for (uint64_t line = start & ~(code - 1); line < end; line += code)
        __asm__ volatile("ic ivau, %0" ::"r"(line) : "memory");
    barrier_maintenance();
    barrier_instruction();
}
