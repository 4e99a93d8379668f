/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The kernel's own half of the address space; layout.h shows it. head.S has mapped the image, text, constants and data
 * each with their rights, and with the same tables the image's place in the direct map. Everything here only adds
 * entries. Until the page allocator works, tables come from a small pool.
 */
#include "arch/aarch64/mmu.h"

#include <string.h>

#include "arch/aarch64/layout.h"
#include "arch/aarch64/page_table.h"
#include "arch/arch.h"
#include "object/machine.h"
#include "object/memory.h"

#define PAGE 4096
#define POOL_PAGES 16

extern char image_start[], image_end[];
/* head.S and kernel.ld. */
extern uint64_t kernel_root_table[TABLE_ENTRIES], identity_root_table[TABLE_ENTRIES], direct_1_table[TABLE_ENTRIES];

_Static_assert(DIRECT_BASE == LAYOUT_DIRECT, "direct map");

static char pool[POOL_PAGES][PAGE] __attribute__((aligned(PAGE)));
static unsigned pool_used;
static bool allocator_ready;

uint64_t kernel_image_physical(const void *p)
{
    uint64_t physical;
    __asm__("at s1e1r, %1\n\tisb\n\tmrs %0, par_el1" : "=r"(physical) : "r"(p));
    return (physical & PTE_ADDRESS) + ((uint64_t)p & (PAGE - 1));
}

static bool table_take(struct page_source *source, uint64_t *physical)
{
    (void)source;
    if (allocator_ready)
        return memory_take_page(physical);
    if (pool_used == POOL_PAGES)
        return false;
    *physical = kernel_image_physical(pool[pool_used++]);
    return true;
}

static struct page_source tables = {.take = table_take};

static void forget_identity(void)
{
    memset(identity_root_table, 0, sizeof identity_root_table);
    barrier_tables();
    __asm__ volatile("tlbi vmalle1is" ::: "memory");
    barrier_maintenance();
    barrier_instruction();
}

void kernel_map_init(void)
{
    forget_identity();
    address_spaces_init(kernel_image_physical(identity_root_table));
}

void kernel_map_identity(bool on)
{
    if (!on) {
        forget_identity();
        return;
    }
    uint64_t image = kernel_image_physical(image_start);
    identity_root_table[table_index(image, 0)] = kernel_image_physical(direct_1_table) | PTE_TABLE | PTE_VALID;
    barrier_tables();
}

void kernel_map_use_allocator(void)
{
    allocator_ready = true;
}

void kernel_image_range(uint64_t *physical, uint64_t *size)
{
    *physical = kernel_image_physical(image_start);
    *size = (uint64_t)(image_end - image_start);
}

static void map(uint64_t address, uint64_t physical, uint64_t size, uint64_t attributes, unsigned top_level)
{
    if (physical + size > UINT64_C(1) << LAYOUT_PHYSICAL_BITS || physical + size < physical)
        panic("memory map: %lx lies beyond what the kernel can reach", (unsigned long)physical);
    if (!page_table_map(kernel_root_table, &tables, address, physical, size, attributes, top_level))
        panic("memory map: too many pieces");
}

void kernel_map_ram(uint64_t physical, uint64_t size)
{
    uint64_t image, image_size;
    kernel_image_range(&image, &image_size);
    uint64_t end = physical + size;
    uint64_t image_stop = image + image_size;
    if (physical < image && end > physical) {
        uint64_t before = (end < image ? end : image) - physical;
        map(DIRECT_BASE + physical, physical, before, PTE_KERNEL_DATA, 1);
    }
    if (end > image_stop) {
        uint64_t start = physical > image_stop ? physical : image_stop;
        map(DIRECT_BASE + start, start, end - start, PTE_KERNEL_DATA, 1);
    }
}

volatile void *kernel_map_device(uint64_t physical, uint64_t size)
{
    uint64_t start = physical & ~(uint64_t)(PAGE - 1);
    uint64_t end = (physical + size + PAGE - 1) & ~(uint64_t)(PAGE - 1);
    map(LAYOUT_DEVICE + start, start, end - start, PTE_KERNEL_DEVICE, TABLE_LAST_LEVEL);
    return (volatile void *)(LAYOUT_DEVICE + physical);
}

void kernel_map_memory(uint64_t address, uint64_t physical)
{
    map(address, physical, PAGE, PTE_KERNEL_DATA, TABLE_LAST_LEVEL);
}

uint64_t *kernel_map_window(uint64_t address)
{
    unsigned level;
    map(address, 0, PAGE, PTE_KERNEL_DEVICE, TABLE_LAST_LEVEL);
    return page_table_find(kernel_root_table, address, &level);
}
