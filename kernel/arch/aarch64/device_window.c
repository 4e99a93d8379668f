/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Device registers that the kernel reaches for a program: a page of the kernel's address space, LAYOUT_WINDOW, is
 * mapped on them for the one access and on nothing otherwise. No table is made for it after boot.
 */
#include "arch/aarch64/layout.h"
#include "arch/aarch64/mmu.h"
#include "arch/aarch64/page_table.h"
#include "arch/aarch64/system_registers.h"
#include "arch/arch.h"

/* device_access.S. False: it has aborted. */
bool device_load(uint64_t address, unsigned width, uint64_t *value);
bool device_store(uint64_t address, unsigned width, uint64_t value);

static uint64_t *window; /* the entry that maps it */

static void window_close(void)
{
    *window = 0;
    barrier_tables();
    __asm__ volatile("tlbi vaae1is, %0" ::"r"(LAYOUT_WINDOW >> 12 & ((UINT64_C(1) << 44) - 1)) : "memory");
    barrier_maintenance();
}

void device_window_init(void)
{
    window = kernel_map_window(LAYOUT_WINDOW);
    window_close();
}

/* Where the register can be reached until window_close. */
static uint64_t window_open(uint64_t physical)
{
    *window = (physical & PTE_ADDRESS) | PTE_KERNEL_DEVICE | PTE_TABLE;
    barrier_tables();
    return LAYOUT_WINDOW + (physical & 0xfff);
}

bool arch_device_read(uint64_t physical, unsigned width, uint64_t *value)
{
    bool done = device_load(window_open(physical), width, value);
    window_close();
    return done;
}

bool arch_device_write(uint64_t physical, unsigned width, uint64_t value)
{
    bool done = device_store(window_open(physical), width, value);
    window_close();
    return done;
}
