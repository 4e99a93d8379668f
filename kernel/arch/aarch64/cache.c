/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "arch/arch.h"

#define PAGE 4096
#define DCZID_PROHIBITED 16

void arch_zero_page(void *page)
{
    uint64_t dczid = system_register_read(dczid_el0);
    if (dczid & DCZID_PROHIBITED) {
        memset(page, 0, PAGE);
        return;
    }
    uint64_t block = UINT64_C(4) << (dczid & 15); /* at most 2 KiB */
    for (char *p = page, *end = p + PAGE; p != end; p += 2 * block)
        __asm__ volatile("dc zva, %0\n\tdc zva, %1" ::"r"(p), "r"(p + block) : "memory");
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
