/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Translation tables: four levels, 48-bit addresses, 4 KiB pages (DDI 0487, D8.3). One walker for the kernel's tables
 * and for those of processes.
 */
#pragma once

#ifdef __ASSEMBLER__
#define PTE_BIT(n) (1 << (n))
#else
#define PTE_BIT(n) (1ull << (n))
#endif

#define PTE_VALID PTE_BIT(0)
#define PTE_TABLE PTE_BIT(1) /* levels 0 to 2: a table, not a block; level 3: must be set */
#define PTE_CHILD                                                                                                      \
    PTE_BIT(2)       /* of a table's entry, a count up to bit 11, which the MMU ignores: tables below that table */
#define PTE_NORMAL 0 /* index in MAIR_EL1, bits 2 to 4 */
#define PTE_DEVICE PTE_BIT(2) /* index 1 */
#define PTE_USER PTE_BIT(6)
#define PTE_READ_ONLY PTE_BIT(7)
#define PTE_SHARED (PTE_BIT(8) | PTE_BIT(9)) /* inner shareable */
#define PTE_ACCESSED PTE_BIT(10)
#define PTE_NOT_GLOBAL PTE_BIT(11)
#define PTE_PXN PTE_BIT(53) /* not executable in the kernel */
#define PTE_UXN PTE_BIT(54) /* not executable in user mode */

#define MAIR_VALUE 0x04ff /* 0: normal, write-back; 1: Device-nGnRE */

#define PTE_LEAF (PTE_VALID | PTE_SHARED | PTE_ACCESSED)
#define PTE_KERNEL_TEXT (PTE_LEAF | PTE_NORMAL | PTE_READ_ONLY | PTE_UXN)
#define PTE_KERNEL_CONSTANTS (PTE_LEAF | PTE_NORMAL | PTE_READ_ONLY | PTE_UXN | PTE_PXN)
#define PTE_KERNEL_DATA (PTE_LEAF | PTE_NORMAL | PTE_UXN | PTE_PXN)
#define PTE_KERNEL_DEVICE (PTE_LEAF | PTE_DEVICE | PTE_UXN | PTE_PXN)

#ifndef __ASSEMBLER__

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arch/arch.h"

#define PTE_ADDRESS UINT64_C(0x0000fffffffff000)
#define PTE_CHILDREN (0x3ff * PTE_CHILD)

enum { TABLE_ENTRIES = 512, TABLE_LAST_LEVEL = 3 };

static inline unsigned table_shift(unsigned level)
{
    return 39 - 9 * level;
}

/* Bytes that an entry of this level stands for. */
static inline uint64_t table_span(unsigned level)
{
    return UINT64_C(1) << table_shift(level);
}

static inline unsigned table_index(uint64_t address, unsigned level)
{
    return address >> table_shift(level) & (TABLE_ENTRIES - 1);
}

static inline bool pte_is_table(uint64_t entry, unsigned level)
{
    return level < TABLE_LAST_LEVEL && (entry & (PTE_VALID | PTE_TABLE)) == (PTE_VALID | PTE_TABLE);
}

/* The table that a table entry, or the value of a TTBR, points to. */
static inline uint64_t *table_at(uint64_t entry)
{
    return arch_direct(entry & PTE_ADDRESS);
}

/*
 * Maps a page-aligned range with blocks of at most `top_level` (1: 1 GiB, 2: 2 MiB). What is mapped already in the same
 * way stays. False: no memory for tables, and part of the range may be mapped.
 */
bool page_table_map(uint64_t *root, struct page_source *source, uint64_t address, uint64_t physical, uint64_t size,
                    uint64_t attributes, unsigned top_level) __attribute__((warn_unused_result));

/* The entry that maps `address`, or the invalid one in its place, and the level at which it stands. */
uint64_t *page_table_find(uint64_t *root, uint64_t address, unsigned *level);

#endif
