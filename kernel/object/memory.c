/* SPDX-License-Identifier: BSD-2-Clause */
#include "object/memory.h"

#include "arch/arch.h"
#include "core/page_allocator.h"
#include "core/range.h"
#include "object/machine.h"

enum { EXCLUDED_MAX = 8 };

static struct {
    struct page_allocator pages;
    struct memory_region ram[PAGE_REGIONS_MAX]; /* as listed, whole pages or not */
    size_t ram_count;
    struct memory_region excluded[EXCLUDED_MAX];
    size_t excluded_count;
    uint64_t total;
} memory;

static bool overlaps_any(uint64_t base, uint64_t size, const struct memory_region *regions, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (range_overlaps(base, size, regions[i].base, regions[i].size))
            return true;
    return false;
}

static bool fits(uint64_t base, uint64_t size, const struct memory_region *region, const struct memory_region *used,
                 size_t used_count)
{
    return range_valid(base, size) && range_within(base, size, region->base, region->size) &&
           !overlaps_any(base, size, used, used_count);
}

/* RAM for the allocator's own records: at the start of a region, or behind something used. */
static bool storage_find(size_t size, const struct memory_region *used, size_t used_count, uint64_t *base)
{
    for (size_t i = 0; i < memory.ram_count; i++) {
        *base = align_up(memory.ram[i].base, PAGE_BYTES);
        if (fits(*base, size, &memory.ram[i], used, used_count))
            return true;
        for (size_t j = 0; j < used_count; j++) {
            *base = align_up(used[j].base + used[j].size, PAGE_BYTES);
            if (fits(*base, size, &memory.ram[i], used, used_count))
                return true;
        }
    }
    return false;
}

static bool ram_add(const struct memory_region *ram, size_t count)
{
    struct page_range ranges[PAGE_REGIONS_MAX];
    if (count > PAGE_REGIONS_MAX)
        return false;
    memory.ram_count = count;
    memory.total = 0;
    for (size_t i = 0; i < count; i++) {
        if (!range_valid(ram[i].base, ram[i].size))
            return false;
        memory.ram[i] = ram[i];
        memory.total += ram[i].size;
        ranges[i] = (struct page_range){ram[i].base, ram[i].size};
    }
    return page_allocator_init(&memory.pages, ranges, count);
}

bool memory_init(const struct memory_region *ram, size_t ram_count, const struct memory_region *used, size_t used_count)
{
    uint64_t storage;
    memory.excluded_count = 0;
    if (!ram_add(ram, ram_count))
        return false;
    size_t bytes = page_allocator_storage_bytes(&memory.pages);
    if (!storage_find(bytes, used, used_count, &storage))
        return false;
    page_allocator_set_storage(&memory.pages, arch_direct(storage));
    for (size_t i = 0; i < used_count; i++)
        if (!page_allocator_reserve(&memory.pages, used[i].base, used[i].size))
            return false;
    return page_allocator_reserve(&memory.pages, storage, bytes) && memory_free();
}

bool memory_exclude(uint64_t base, uint64_t size)
{
    if (memory.excluded_count == EXCLUDED_MAX || !range_valid(base, size))
        return false;
    memory.excluded[memory.excluded_count++] = (struct memory_region){base, size};
    return true;
}

bool memory_take_page(uint64_t *physical)
{
    if (!pages_alloc(&memory.pages, physical))
        return false;
    arch_zero_page(arch_direct(*physical));
    return true;
}

bool memory_take_block(uint64_t *physical)
{
    return pages_alloc_block(&memory.pages, physical);
}

bool memory_take_run(uint64_t pages, uint64_t *physical)
{
    return pages <= CHUNK_PAGES && pages_alloc_run(&memory.pages, (uint32_t)pages, physical);
}

void memory_give(uint64_t physical, uint64_t pages)
{
    if (!pages_free(&memory.pages, physical, pages))
        panic("memory: %lu pages at %lx are given back twice", (unsigned long)pages, (unsigned long)physical);
}

uint64_t memory_total(void)
{
    return memory.total;
}

uint64_t memory_free(void)
{
    return pages_free_count(&memory.pages) << PAGE_SHIFT;
}

bool memory_is_device(uint64_t base, uint64_t size)
{
    return !overlaps_any(base, size, memory.ram, memory.ram_count) &&
           !overlaps_any(base, size, memory.excluded, memory.excluded_count);
}
