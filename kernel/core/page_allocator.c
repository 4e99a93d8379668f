/* SPDX-License-Identifier: BSD-2-Clause */
/* Chunks are named by number; NONE ends a list. Every change of a bitmap is followed by chunk_recount. */
#include "core/page_allocator.h"

#include <string.h>

#include "core/range.h"

enum {
    BITMAP_WORDS = CHUNK_PAGES / 64,
    RUN_SCAN_MAX = 16, /* partial chunks that pages_alloc_run looks at first */
};

#define NONE UINT32_MAX
#define PHYSICAL_END (UINT64_C(1) << 52) /* Arm ARM, D8.1.6: the largest output address size */

enum chunk_state {
    CHUNK_FULL,
    CHUNK_PARTIAL,
    CHUNK_WHOLE,
};

struct page_chunk {
    uint64_t free[BITMAP_WORDS];
    uint32_t next; /* on the list of its state, if that has one */
    uint32_t previous;
    uint16_t free_count;
    uint8_t state;
};

/* Part of a chunk: `count` pages from page `first` on. */
struct chunk_part {
    uint32_t chunk;
    uint32_t first;
    uint32_t count;
};

/*@
  predicate ranges_readable(struct page_allocator *pa) =
    \valid_read(pa) && pa->region_count <= PAGE_REGIONS_MAX && pa->reserved_count <= PAGE_RESERVED_MAX;
  predicate ranges_writable(struct page_allocator *pa) = \valid(pa) && ranges_readable(pa);

  // The descriptors of touched chunks are there, and name each other.
  predicate is_link(struct page_allocator *pa, integer number) = number == NONE || 0 <= number < pa->touched;
  predicate links_fit(struct page_allocator *pa, integer number) =
    is_link(pa, pa->chunks[number].next) && is_link(pa, pa->chunks[number].previous);
  predicate chunks_there(struct page_allocator *pa) = \valid(pa) && pa->touched <= pa->chunk_count < NONE &&
    \valid(pa->chunks + (0 .. pa->chunk_count - 1)) && \separated(pa, pa->chunks + (0 .. pa->chunk_count - 1));
  predicate chunks_sound(struct page_allocator *pa) = chunks_there(pa) && is_link(pa, pa->whole) &&
    is_link(pa, pa->partial) && \forall integer n; 0 <= n < pa->touched ==> links_fit(pa, n);
*/

/*@ requires \valid_read(range); assigns \nothing; */
static uint64_t pages_in(uint64_t base, uint64_t size, const struct page_range *range)
{
    uint64_t from = base > range->base ? base : range->base;
    uint64_t to = base + size < range->base + range->size ? base + size : range->base + range->size;

    return from < to ? (to - from) >> PAGE_SHIFT : 0;
}

/* How much of a range is RAM. */
/*@ requires ranges_readable(pa); assigns \nothing; */
static uint64_t pages_of_ram_in(const struct page_allocator *pa, uint64_t base, uint64_t size)
{
    uint64_t pages = 0;

    /*@ loop invariant 0 <= i <= pa->region_count; loop assigns i, pages; loop variant pa->region_count - i; */
    for (uint32_t i = 0; i < pa->region_count; i++)
        pages += pages_in(base, size, &pa->regions[i]);
    return pages;
}

/*@ requires \valid_read(range); assigns \nothing; */
static uint64_t chunks_spanned(const struct page_range *range)
{
    return ((range->base + range->size - 1) >> CHUNK_SHIFT) - (range->base >> CHUNK_SHIFT) + 1;
}

/* Inserts a region in order; false when there is no place for it. */
/*@
  requires ranges_writable(pa);
  assigns pa->regions[0 .. PAGE_REGIONS_MAX - 1], pa->region_count;
  ensures ranges_writable(pa);
*/
static bool region_add(struct page_allocator *pa, uint64_t base, uint64_t size)
{
    uint32_t at = pa->region_count;

    if (at == PAGE_REGIONS_MAX || pages_of_ram_in(pa, base, size))
        return false;
    /*@
      loop invariant 0 <= at <= pa->region_count;
      loop assigns at, pa->regions[0 .. PAGE_REGIONS_MAX - 1];
      loop variant at;
    */
    for (; at > 0 && pa->regions[at - 1].base > base; at--)
        pa->regions[at] = pa->regions[at - 1];
    pa->regions[at] = (struct page_range){base, size};
    pa->region_count++;
    return true;
}

/* Makes one of regions that touch, so that what can be allocated in one piece can be freed in one. */
/*@
  requires ranges_writable(pa);
  assigns pa->regions[0 .. PAGE_REGIONS_MAX - 1], pa->region_count;
  ensures ranges_writable(pa);
*/
static void regions_join(struct page_allocator *pa)
{
    uint32_t kept = 0;

    /*@
      loop invariant 1 <= i && kept < i && (i <= pa->region_count || kept == 0);
      loop assigns i, kept, pa->regions[0 .. PAGE_REGIONS_MAX - 1];
      loop variant pa->region_count - i;
    */
    for (uint32_t i = 1; i < pa->region_count; i++) {
        struct page_range *last = &pa->regions[kept];

        if (last->base + last->size == pa->regions[i].base)
            last->size += pa->regions[i].size;
        else
            pa->regions[++kept] = pa->regions[i];
    }
    if (pa->region_count)
        pa->region_count = kept + 1;
}

/* Numbers the chunks. Two regions may meet inside a chunk, which then has one number. */
/*@
  requires ranges_writable(pa);
  assigns *pa;
  ensures ranges_writable(pa) && (\result ==> pa->chunk_count < NONE);
*/
static bool regions_number(struct page_allocator *pa)
{
    uint64_t chunks = 0;
    uint64_t last = UINT64_MAX; /* the last region's last chunk, by address */

    /*@
      loop invariant 0 <= i <= pa->region_count && ranges_writable(pa) && chunks < NONE;
      loop assigns i, chunks, last, pa->first_chunk[0 .. PAGE_REGIONS_MAX - 1], pa->total_pages;
      loop variant pa->region_count - i;
    */
    for (uint32_t i = 0; i < pa->region_count; i++) {
        const struct page_range *region = &pa->regions[i];

        if (region->base >> CHUNK_SHIFT == last)
            chunks--;
        pa->first_chunk[i] = (uint32_t)chunks;
        chunks += chunks_spanned(region);
        last = (region->base + region->size - 1) >> CHUNK_SHIFT;
        if (chunks >= NONE)
            return false;
        pa->total_pages += region->size >> PAGE_SHIFT;
    }
    pa->chunk_count = (uint32_t)chunks;
    pa->free_pages = pa->total_pages;
    return true;
}

bool page_allocator_init(struct page_allocator *pa, const struct page_range *regions, size_t count)
{
    *pa = (struct page_allocator){.whole = NONE, .partial = NONE};
    for (size_t i = 0; i < count; i++) {
        if (!range_within(regions[i].base, regions[i].size, 0, PHYSICAL_END))
            return false;

        uint64_t base = align_up(regions[i].base, PAGE_BYTES);
        uint64_t end = align_down(regions[i].base + regions[i].size, PAGE_BYTES);
        if (base < end && !region_add(pa, base, end - base))
            return false;
    }
    regions_join(pa);
    return regions_number(pa);
}

/*@ requires \valid_read(pa); assigns \nothing; */
size_t page_allocator_storage_bytes(const struct page_allocator *pa)
{
    return sizeof(struct page_chunk) * pa->chunk_count;
}

void page_allocator_set_storage(struct page_allocator *pa, void *storage)
{
    pa->chunks = storage;
}

/*@ requires ranges_readable(pa); assigns \nothing; */
static uint64_t pages_reserved(const struct page_allocator *pa)
{
    uint64_t pages = 0;

    /*@ loop invariant 0 <= i <= pa->reserved_count; loop assigns i, pages; loop variant pa->reserved_count - i; */
    for (uint32_t i = 0; i < pa->reserved_count; i++)
        pages += pages_of_ram_in(pa, pa->reserved[i].base, pa->reserved[i].size);
    return pages;
}

/* Takes out the reserved ranges that meet [*base, *end), which grows to cover them. */
/*@
  requires ranges_writable(pa) && \valid(base) && \valid(end) && \separated(pa, base, end);
  assigns *base, *end, pa->reserved[0 .. PAGE_RESERVED_MAX - 1], pa->reserved_count;
  ensures ranges_writable(pa);
*/
static void reserved_absorb(struct page_allocator *pa, uint64_t *base, uint64_t *end)
{
    /*@
      loop invariant 0 <= i <= pa->reserved_count && ranges_writable(pa);
      loop assigns i, *base, *end, pa->reserved[0 .. PAGE_RESERVED_MAX - 1], pa->reserved_count;
    */
    for (uint32_t i = 0; i < pa->reserved_count;) {
        struct page_range range = pa->reserved[i];

        if (range.base > *end || range.base + range.size < *base) {
            i++;
            continue;
        }
        *base = range.base < *base ? range.base : *base;
        *end = range.base + range.size > *end ? range.base + range.size : *end;
        pa->reserved[i] = pa->reserved[--pa->reserved_count];
        i = 0;
    }
}

/*@
  requires ranges_writable(pa);
  assigns pa->reserved[0 .. PAGE_RESERVED_MAX - 1], pa->reserved_count, pa->free_pages;
  ensures ranges_writable(pa);
*/
bool page_allocator_reserve(struct page_allocator *pa, uint64_t base, uint64_t size)
{
    if (pa->touched || !range_valid(base, size) || !align_up_fits(base + size, PAGE_BYTES))
        return false;

    uint64_t end = align_up(base + size, PAGE_BYTES);
    base = align_down(base, PAGE_BYTES);
    if (!pages_of_ram_in(pa, base, end - base))
        return true;
    reserved_absorb(pa, &base, &end);
    if (pa->reserved_count == PAGE_RESERVED_MAX)
        return false;
    pa->reserved[pa->reserved_count++] = (struct page_range){base, end - base};
    pa->free_pages = pa->total_pages - pages_reserved(pa);
    return true;
}

/* Physical address of a chunk; it may lie before the RAM that the chunk holds. */
/*@
  requires ranges_readable(pa) && pa->region_count >= 1 && pa->first_chunk[0] == 0;
  assigns \nothing;
*/
static uint64_t chunk_base(const struct page_allocator *pa, uint32_t number)
{
    uint32_t i = pa->region_count - 1;

    /*@ loop invariant 0 <= i < pa->region_count; loop assigns i; loop variant i; */
    while (pa->first_chunk[i] > number)
        i--;
    return align_down(pa->regions[i].base, CHUNK_BYTES) + ((uint64_t)(number - pa->first_chunk[i]) << CHUNK_SHIFT);
}

/* Marks pages free or in use in the bitmap alone. */
/*@
  requires \valid(chunk) && first + count <= CHUNK_PAGES;
  assigns chunk->free[0 .. BITMAP_WORDS - 1];
*/
static void bitmap_mark(struct page_chunk *chunk, uint32_t first, uint32_t count, bool free)
{
    /*@
      loop invariant end <= CHUNK_PAGES;
      loop assigns first, chunk->free[0 .. BITMAP_WORDS - 1];
      loop variant end - first;
    */
    for (uint32_t end = first + count; first < end;) {
        uint32_t bits = 64 - first % 64 < end - first ? 64 - first % 64 : end - first;
        uint64_t mask = UINT64_MAX >> (64 - bits) << first % 64;

        if (free)
            chunk->free[first / 64] |= mask;
        else
            chunk->free[first / 64] &= ~mask;
        first += bits;
    }
}

/* Marks what a range and the chunk at `base` have in common. */
static void bitmap_mark_range(struct page_chunk *chunk, uint64_t base, const struct page_range *range, bool free)
{
    uint64_t from = range->base > base ? range->base - base : 0;
    uint64_t count = pages_in(base, CHUNK_BYTES, range);

    if (count)
        bitmap_mark(chunk, (uint32_t)(from >> PAGE_SHIFT), (uint32_t)count, free);
}

/* What a chunk holds before it is first used. */
static void chunk_begin(const struct page_allocator *pa, uint32_t number, struct page_chunk *chunk)
{
    uint64_t base = chunk_base(pa, number);

    memset(chunk, 0, sizeof(*chunk));
    for (uint32_t i = 0; i < pa->region_count; i++)
        bitmap_mark_range(chunk, base, &pa->regions[i], true);
    for (uint32_t i = 0; i < pa->reserved_count; i++)
        bitmap_mark_range(chunk, base, &pa->reserved[i], false);
    for (int word = 0; word < BITMAP_WORDS; word++)
        chunk->free_count += (uint16_t)__builtin_popcountll(chunk->free[word]);
}

/* The head of a state's list; NULL for full chunks, which are on none. */
/*@
  requires \valid(pa);
  assigns \result \from pa;
  ensures \result == \null || \result == &pa->whole || \result == &pa->partial;
*/
static uint32_t *list_of(struct page_allocator *pa, uint8_t state)
{
    switch (state) {
    case CHUNK_WHOLE:
        return &pa->whole;
    case CHUNK_PARTIAL:
        return &pa->partial;
    default:
        return NULL;
    }
}

/*@
  requires chunks_sound(pa) && number < pa->touched;
  assigns pa->whole, pa->partial, pa->chunks[0 .. pa->chunk_count - 1];
  ensures chunks_sound(pa);
*/
static void chunk_unlink(struct page_allocator *pa, uint32_t number)
{
    struct page_chunk *chunk = &pa->chunks[number];
    uint32_t *head = list_of(pa, chunk->state);

    if (!head)
        return;
    if (chunk->previous == NONE)
        *head = chunk->next;
    else
        pa->chunks[chunk->previous].next = chunk->next;
    if (chunk->next != NONE)
        pa->chunks[chunk->next].previous = chunk->previous;
}

/*@
  requires chunks_sound(pa) && number < pa->touched;
  assigns pa->whole, pa->partial, pa->chunks[0 .. pa->chunk_count - 1];
  ensures chunks_sound(pa);
*/
static void chunk_link(struct page_allocator *pa, uint32_t number)
{
    struct page_chunk *chunk = &pa->chunks[number];
    uint32_t *head = list_of(pa, chunk->state);

    if (!head)
        return;
    chunk->previous = NONE;
    chunk->next = *head;
    if (*head != NONE)
        pa->chunks[*head].previous = number;
    *head = number;
}

/*@ assigns \nothing; ensures \result <= CHUNK_WHOLE; */
static uint8_t state_for(uint32_t free_count)
{
    if (free_count == 0)
        return CHUNK_FULL;
    return free_count == CHUNK_PAGES ? CHUNK_WHOLE : CHUNK_PARTIAL;
}

/* So many pages of the chunk have become free, or been taken (< 0): puts it on the list where it belongs now. */
/*@
  requires chunks_sound(pa) && number < pa->touched && -CHUNK_PAGES <= pages <= CHUNK_PAGES;
  assigns pa->whole, pa->partial, pa->free_pages, pa->chunks[0 .. pa->chunk_count - 1];
  ensures chunks_sound(pa);
*/
static void chunk_recount(struct page_allocator *pa, uint32_t number, int32_t pages)
{
    struct page_chunk *chunk = &pa->chunks[number];

    chunk->free_count = (uint16_t)(chunk->free_count + pages);
    pa->free_pages += (uint64_t)(int64_t)pages;
    if (chunk->state == state_for(chunk->free_count))
        return;
    chunk_unlink(pa, number);
    chunk->state = state_for(chunk->free_count);
    chunk_link(pa, number);
}

/*@ assigns \nothing; */
static uint64_t page_bit(uint32_t page)
{
    return UINT64_C(1) << page % 64;
}

/* Takes the part's pages, or gives them back. */
/*@
  requires chunks_sound(pa) && part.chunk < pa->touched && part.first + part.count <= CHUNK_PAGES;
  assigns pa->whole, pa->partial, pa->free_pages, pa->chunks[0 .. pa->chunk_count - 1];
  ensures chunks_sound(pa);
*/
static void chunk_mark(struct page_allocator *pa, struct chunk_part part, bool free)
{
    bitmap_mark(&pa->chunks[part.chunk], part.first, part.count, free);
    chunk_recount(pa, part.chunk, free ? (int32_t)part.count : -(int32_t)part.count);
}

/* Makes the next descriptor valid; false when all are. */
static bool chunk_touch(struct page_allocator *pa)
{
    if (pa->touched == pa->chunk_count)
        return false;

    uint32_t number = pa->touched++;
    struct page_chunk *chunk = &pa->chunks[number];
    chunk_begin(pa, number, chunk);
    chunk->state = state_for(chunk->free_count);
    chunk_link(pa, number);
    return true;
}

/* The first page from `from` on that is free, or not free; CHUNK_PAGES when there is none. */
/*@
  requires \valid_read(chunk);
  assigns \nothing;
*/
static uint32_t next_page(const struct page_chunk *chunk, uint32_t from, bool free)
{
    /*@ loop invariant \true; loop assigns from; */
    while (from < CHUNK_PAGES) {
        uint64_t word = (free ? chunk->free[from / 64] : ~chunk->free[from / 64]) >> from % 64;

        if (word)
            return from + (uint32_t)__builtin_ctzll(word);
        from = (from | 63) + 1;
    }
    return CHUNK_PAGES;
}

/*@
  requires chunks_sound(pa) && part.chunk < pa->touched && part.first + part.count <= CHUNK_PAGES;
  requires ranges_readable(pa) && pa->region_count >= 1 && pa->first_chunk[0] == 0;
  assigns pa->whole, pa->partial, pa->free_pages, pa->chunks[0 .. pa->chunk_count - 1];
  ensures chunks_sound(pa);
*/
static uint64_t take(struct page_allocator *pa, struct chunk_part part)
{
    chunk_mark(pa, part, false);
    return chunk_base(pa, part.chunk) + ((uint64_t)part.first << PAGE_SHIFT);
}

bool pages_alloc(struct page_allocator *pa, uint64_t *phys)
{
    while (pa->partial == NONE && pa->whole == NONE)
        if (!chunk_touch(pa))
            return false;

    uint32_t number = pa->partial != NONE ? pa->partial : pa->whole;
    uint32_t page = next_page(&pa->chunks[number], 0, true);
    pa->chunks[number].free[page / 64] &= ~page_bit(page);
    chunk_recount(pa, number, -1);
    *phys = chunk_base(pa, number) + ((uint64_t)page << PAGE_SHIFT);
    return true;
}

/* The first free run that is long enough; false when the chunk has none. */
/*@ requires \valid_read(chunk) && \valid(first); assigns *first; */
static bool chunk_find_run(const struct page_chunk *chunk, uint32_t count, uint32_t *first)
{
    /*@ loop invariant \true; loop assigns start, *first; */
    for (uint32_t start = next_page(chunk, 0, true); start < CHUNK_PAGES;) {
        uint32_t end = next_page(chunk, start, false);

        if (end - start >= count) {
            *first = start;
            return true;
        }
        start = next_page(chunk, end, true);
    }
    return false;
}

static bool run_from_partial(struct page_allocator *pa, uint32_t count, uint32_t scan_max, uint64_t *phys)
{
    uint32_t first = 0;

    for (uint32_t number = pa->partial; number != NONE && scan_max; number = pa->chunks[number].next, scan_max--) {
        if (chunk_find_run(&pa->chunks[number], count, &first)) {
            *phys = take(pa, (struct chunk_part){number, first, count});
            return true;
        }
    }
    return false;
}

static bool run_from_whole(struct page_allocator *pa, uint32_t count, uint64_t *phys)
{
    while (pa->whole == NONE)
        if (!chunk_touch(pa))
            return false;
    *phys = take(pa, (struct chunk_part){pa->whole, 0, count});
    return true;
}

bool pages_alloc_block(struct page_allocator *pa, uint64_t *phys)
{
    return run_from_whole(pa, CHUNK_PAGES, phys);
}

/* Looks a little for a gap before it breaks a whole chunk, and everywhere when there is none. */
bool pages_alloc_run(struct page_allocator *pa, uint32_t count, uint64_t *phys)
{
    if (count == 0 || count > CHUNK_PAGES)
        return false;
    return run_from_partial(pa, count, RUN_SCAN_MAX, phys) || run_from_whole(pa, count, phys) ||
           run_from_partial(pa, count, UINT32_MAX, phys);
}

/* Cuts off the part of [phys, phys + *count pages) that lies in the first chunk, and moves on. */
/*@
  requires ranges_readable(pa) && region < pa->region_count;
  requires \valid(phys) && \valid(count) && \separated(pa, phys, count);
  assigns *phys, *count;
  ensures \result.first + \result.count <= CHUNK_PAGES;
*/
static struct chunk_part next_part(const struct page_allocator *pa, uint32_t region, uint64_t *phys, uint64_t *count)
{
    uint32_t first = (uint32_t)(*phys >> PAGE_SHIFT) % CHUNK_PAGES;
    uint64_t from = (*phys >> CHUNK_SHIFT) - (pa->regions[region].base >> CHUNK_SHIFT);
    uint32_t pages = *count < CHUNK_PAGES - first ? (uint32_t)*count : CHUNK_PAGES - first;

    *phys += (uint64_t)pages << PAGE_SHIFT;
    *count -= pages;
    return (struct chunk_part){pa->first_chunk[region] + (uint32_t)from, first, pages};
}

/* Are all these pages of a region in use? */
static bool pages_in_use(struct page_allocator *pa, uint32_t region, uint64_t phys, uint64_t count)
{
    while (count) {
        struct chunk_part part = next_part(pa, region, &phys, &count);

        while (part.chunk >= pa->touched) /* reserved pages above all that was used so far */
            chunk_touch(pa);
        if (next_page(&pa->chunks[part.chunk], part.first, true) < part.first + part.count)
            return false;
    }
    return true;
}

/* One page, of a chunk that has been used. */
/*@
  requires chunks_sound(pa) && number < pa->touched && page < CHUNK_PAGES;
  assigns pa->whole, pa->partial, pa->free_pages, pa->chunks[0 .. pa->chunk_count - 1];
  ensures chunks_sound(pa);
*/
static bool page_free(struct page_allocator *pa, uint32_t number, uint32_t page)
{
    uint64_t *word = &pa->chunks[number].free[page / 64];

    if (*word & page_bit(page))
        return false;
    *word |= page_bit(page);
    chunk_recount(pa, number, 1);
    return true;
}

bool pages_free(struct page_allocator *pa, uint64_t phys, uint64_t count)
{
    uint32_t region = 0;

    if (!is_aligned(phys, PAGE_BYTES) || count == 0 || count > pa->total_pages)
        return false;
    while (region < pa->region_count &&
           !range_within(phys, count << PAGE_SHIFT, pa->regions[region].base, pa->regions[region].size))
        region++;
    if (region == pa->region_count)
        return false;

    struct chunk_part first = next_part(pa, region, &(uint64_t){phys}, &(uint64_t){count});
    if (count == 1 && first.chunk < pa->touched)
        return page_free(pa, first.chunk, first.first);
    if (!pages_in_use(pa, region, phys, count))
        return false;
    while (count)
        chunk_mark(pa, next_part(pa, region, &phys, &count), true);
    return true;
}

/* Length of a list whose links and states are good; NONE else. */
static uint32_t list_length(const struct page_allocator *pa, uint32_t head, uint8_t state)
{
    uint32_t length = 0;
    uint32_t previous = NONE;

    for (uint32_t number = head; number != NONE; number = pa->chunks[number].next) {
        const struct page_chunk *chunk = &pa->chunks[number];

        if (number >= pa->touched || chunk->state != state || chunk->previous != previous || length > pa->touched)
            return NONE;
        previous = number;
        length++;
    }
    return length;
}

bool page_allocator_invariants(const struct page_allocator *pa)
{
    uint64_t free_pages = 0;
    uint32_t states[3] = {0};

    for (uint32_t number = 0; number < pa->chunk_count; number++) {
        struct page_chunk untouched;
        const struct page_chunk *chunk = &pa->chunks[number];
        uint32_t bits = 0;

        if (number >= pa->touched) {
            chunk_begin(pa, number, &untouched);
            free_pages += untouched.free_count;
            continue;
        }
        for (int word = 0; word < BITMAP_WORDS; word++)
            bits += (uint32_t)__builtin_popcountll(chunk->free[word]);
        if (bits != chunk->free_count || chunk->state != state_for(bits))
            return false;
        free_pages += bits;
        states[chunk->state]++;
    }
    return free_pages == pa->free_pages && pa->free_pages <= pa->total_pages &&
           list_length(pa, pa->whole, CHUNK_WHOLE) == states[CHUNK_WHOLE] &&
           list_length(pa, pa->partial, CHUNK_PARTIAL) == states[CHUNK_PARTIAL];
}
