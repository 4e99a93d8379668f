/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Physical memory in 4 KiB pages and 2 MiB chunks.
 *
 * RAM is numbered in chunks, ascending over all regions; a chunk has a descriptor with a bitmap of its free pages.
 * Chunks below `touched` have a valid descriptor; those above were never used, and their descriptors are neither
 * read nor written, so nothing here grows with the amount of RAM but the address space of the storage. What a chunk
 * holds at first (all of it, less the ends of the regions and the reserved ranges) is computed when it is touched.
 *
 * A touched chunk is on the list of wholly free chunks, on the list of partial ones, or, when full, on none.
 * Pages are taken from partial chunks first, then from wholly free ones, then from a chunk touched for the purpose.
 * Page contents are the caller's affair.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    PAGE_SHIFT = 12,
    PAGE_BYTES = 1 << PAGE_SHIFT,
    CHUNK_SHIFT = 21,
    CHUNK_BYTES = 1 << CHUNK_SHIFT,
    CHUNK_PAGES = CHUNK_BYTES / PAGE_BYTES,
    PAGE_REGIONS_MAX = 16,
    PAGE_RESERVED_MAX = 32,
};

/* Both multiples of the page size. */
struct page_range {
    uint64_t base;
    uint64_t size;
};

struct page_chunk; /* a chunk's descriptor */

struct page_allocator {
    struct page_range regions[PAGE_REGIONS_MAX];   /* ascending, apart from each other */
    uint32_t first_chunk[PAGE_REGIONS_MAX];        /* number of the chunk in which the region starts */
    struct page_range reserved[PAGE_RESERVED_MAX]; /* apart from each other, in no order */
    uint32_t region_count;
    uint32_t reserved_count;
    struct page_chunk *chunks;
    uint32_t chunk_count;
    uint32_t touched;
    uint32_t whole;   /* first wholly free chunk */
    uint32_t partial; /* first partial chunk */
    uint64_t free_pages;
    uint64_t total_pages; /* all of the RAM */
};

/*
 * Takes over the RAM: regions in any order, not overlapping; their ends are rounded inwards to whole pages. False
 * when there are too many, two overlap, or one lies beyond 52 bits. Before the first allocation give storage to it, as
 * much as page_allocator_storage_bytes says: 16-byte aligned, its contents of no matter. What of it lies in the RAM
 * must be reserved too.
 */
bool page_allocator_init(struct page_allocator *pa, const struct page_range *regions, size_t count)
    __attribute__((warn_unused_result));
size_t page_allocator_storage_bytes(const struct page_allocator *pa);
void page_allocator_set_storage(struct page_allocator *pa, void *storage);

/*
 * Keeps a range, rounded outwards to pages, out of the free memory. It may lie partly or wholly outside the RAM, and
 * overlap others. Only before the first allocation; false then, or when there are too many. A reserved page counts
 * as allocated: pages_free gives it back.
 */
bool page_allocator_reserve(struct page_allocator *pa, uint64_t base, uint64_t size)
    __attribute__((warn_unused_result));

/* One page; fails only when there is none. */
bool pages_alloc(struct page_allocator *pa, uint64_t *phys) __attribute__((warn_unused_result));

/* 2 MiB, aligned; fails when no chunk is wholly free. */
bool pages_alloc_block(struct page_allocator *pa, uint64_t *phys) __attribute__((warn_unused_result));

/* `count` (1 to 512) contiguous pages inside one chunk; fails when no chunk has them. */
bool pages_alloc_run(struct page_allocator *pa, uint32_t count, uint64_t *phys) __attribute__((warn_unused_result));

/*
 * Gives `count` contiguous pages back, in any cut: part of a run, or several chunks at once. Unaligned, outside the
 * RAM or free already, even in part: refused, with nothing changed.
 */
bool pages_free(struct page_allocator *pa, uint64_t phys, uint64_t count);

/*@ requires \valid_read(pa); assigns \nothing; ensures \result == pa->free_pages; */
static inline uint64_t pages_free_count(const struct page_allocator *pa)
{
    return pa->free_pages;
}

/* Recounts everything; walks all touched chunks. */
bool page_allocator_invariants(const struct page_allocator *pa);
