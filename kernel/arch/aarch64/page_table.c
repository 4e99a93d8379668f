/* SPDX-License-Identifier: BSD-2-Clause */
#include "arch/aarch64/page_table.h"

#include "arch/arch.h"
#include "object/machine.h"

/* The entry at which a leaf for the start of this range is to stand: as high up as alignment, size and top_level allow.
 */
static uint64_t *leaf_entry(uint64_t *table, struct page_source *source, uint64_t address, uint64_t physical,
                            uint64_t size, unsigned top_level, unsigned *at)
{
    uint64_t *above = NULL; /* the entry that leads to `table` */
    for (unsigned level = 0;; level++) {
        uint64_t *entry = &table[table_index(address, level)];
        uint64_t span = table_span(level);
        bool fits = level >= top_level && !((address | physical) & (span - 1)) && size >= span;
        if (level == TABLE_LAST_LEVEL || (fits && !pte_is_table(*entry, level))) {
            *at = level;
            return entry;
        }
        if (!(*entry & PTE_VALID)) {
            uint64_t page;
            if (!source->take(source, &page))
                return NULL;
            barrier_tables(); /* zeros before the entry that leads to them */
            *entry = page | PTE_TABLE | PTE_VALID;
            if (above)
                *above += PTE_CHILD;
        } else if (!pte_is_table(*entry, level)) {
            panic("page tables: a block is in the way of %lx", (unsigned long)address);
        }
        above = entry;
        table = table_at(*entry);
    }
}

static void leaf_set(uint64_t *entry, uint64_t leaf, uint64_t address)
{
    if (*entry & PTE_VALID && *entry != leaf)
        panic("page tables: %lx is mapped already", (unsigned long)address);
    *entry = leaf;
}

__attribute__((noinline)) static bool map_range(uint64_t *root, struct page_source *source, uint64_t address,
                                                uint64_t physical, uint64_t size, uint64_t attributes,
                                                unsigned top_level)
{
    bool complete = true;
    while (size) {
        unsigned level;
        uint64_t *entry = leaf_entry(root, source, address, physical, size, top_level, &level);
        if (!entry) {
            complete = false;
            break;
        }
        uint64_t span = table_span(level);
        uint64_t type = level == TABLE_LAST_LEVEL ? PTE_TABLE : 0;
        unsigned left = TABLE_ENTRIES - table_index(address, level);
        do {
            if (pte_is_table(*entry, level))
                break; /* pages stand here: go on below */
            leaf_set(entry++, physical | attributes | type, address);
            address += span;
            physical += span;
            size -= span;
        } while (--left && size >= span);
    }
    barrier_tables();
    return complete;
}

bool page_table_map(uint64_t *root, struct page_source *source, uint64_t address, uint64_t physical, uint64_t size,
                    uint64_t attributes, unsigned top_level)
{
    unsigned level;
    uint64_t *entry = page_table_find(root, address, &level);
    if (level != TABLE_LAST_LEVEL || size != CAVERN_PAGE_SIZE)
        return map_range(root, source, address, physical, size, attributes, top_level);
    leaf_set(entry, physical | attributes | PTE_TABLE, address);
    barrier_tables();
    return true;
}

uint64_t *page_table_find(uint64_t *root, uint64_t address, unsigned *level)
{
    uint64_t *table = root;
    unsigned at = 0;
    for (; at < TABLE_LAST_LEVEL; at++) {
        uint64_t entry = table[table_index(address, at)];
        if (!pte_is_table(entry, at))
            break;
        table = table_at(entry);
    }
    *level = at;
    return &table[table_index(address, at)];
}
