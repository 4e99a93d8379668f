/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Page tables follow the ranges exactly. What they may hold as a 2 MiB block: whole, aligned 2 MiB of one range that
 * stand aligned and in one piece in RAM (`block_possible`; whether it is one depends on how it was mapped). A block
 * never reaches out of its range: whoever cuts a range in the middle of one makes pages of it first.
 */
#include "object/space.h"

#include "core/range.h"
#include "object/job.h"
#include "object/machine.h"

static uint64_t smaller(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static struct mapping *mapping_of(struct tree_node *node)
{
    return node ? container_of(node, struct mapping, node) : NULL;
}

static uint64_t mapping_end(const struct mapping *mapping)
{
    return mapping->node.key + mapping->length;
}

static struct mapping *mapping_next(const struct space *space, const struct mapping *mapping)
{
    return mapping_of(mapping ? tree_next(&mapping->node) : tree_first(&space->mappings));
}

/* The last that starts at `address` or below, and the first above; NULL where there is none. */
struct sides {
    struct mapping *before;
    struct mapping *after;
};

static bool has(const struct mapping *mapping, uint64_t address)
{
    return mapping && mapping->node.key <= address && mapping_end(mapping) > address;
}

/* Mostly it is where it was the last time: then nothing is searched. */
static struct sides sides_of(struct space *space, uint64_t address)
{
    struct sides sides = {space->near, mapping_next(space, space->near)};
    if ((sides.before && sides.before->node.key > address) || (sides.after && sides.after->node.key <= address)) {
        sides.before = mapping_of(tree_floor(&space->mappings, address));
        sides.after = mapping_next(space, sides.before);
        space->near = sides.before;
    }
    return sides;
}

static bool is_free(const struct sides *sides, uint64_t address, uint64_t length)
{
    return (!sides->before || mapping_end(sides->before) <= address) &&
           (!sides->after || sides->after->node.key - address >= length);
}

/* The first that has an address in the range, or NULL. */
static struct mapping *first_in(struct space *space, uint64_t address, uint64_t length)
{
    if (has(space->near, address))
        return space->near;
    struct sides sides = sides_of(space, address);
    if (is_free(&sides, address, length))
        return NULL;
    return has(sides.before, address) ? sides.before : sides.after;
}

/* The last ring that has an address in the range, or NULL. */
static struct mapping *ring_in(const struct space *space, uint64_t address, uint64_t length)
{
    const struct tree_node *first = tree_first(&space->rings);
    if (!first || first->key >= address + length)
        return NULL;
    struct mapping *last = mapping_of(tree_floor(&space->rings, address + length - 1));
    return mapping_end(last) > address ? last : NULL;
}

enum cavern_status space_init(struct space *space, struct account *account)
{
    *space = (struct space){.account = account};
    return arch_space_init(&space->arch, &account->pages) ? CAVERN_OK : CAVERN_NO_MEMORY;
}

bool space_has_ring(const struct space *space, uint64_t address, uint64_t length)
{
    return ring_in(space, address, length);
}

bool space_is_free(struct space *space, uint64_t address, uint64_t length)
{
    struct sides sides = sides_of(space, address);
    return is_free(&sides, address, length) && !space_has_ring(space, address, length);
}

/* Above all own addresses, so never in the way of one. A page on either side stays free, if nobody chooses it. */
uint64_t space_find(struct space *space, uint64_t length)
{
    for (int draws = 0; draws < 64; draws++) {
        uint64_t address = buffer_draw(CAVERN_OWN_END + CAVERN_BLOCK_2M, CAVERN_USER_END - CAVERN_PAGE_SIZE, length);
        if (address && space_is_free(space, address - CAVERN_PAGE_SIZE, length + 2 * CAVERN_PAGE_SIZE))
            return address;
    }
    return 0;
}

/* --- records --- */

/*
 * A record without length, which goes into a tree next; it holds a reference, and is a writer if it allows writing.
 * NULL: no memory.
 */
static struct mapping *mapping_create(struct space *space, struct holding *holding, uint64_t offset,
                                      unsigned protection)
{
    struct mapping *mapping = object_create(space->account, CLASS_MAPPING);
    if (!mapping)
        return NULL;
    mapping->holding = holding;
    mapping->offset = offset;
    mapping->protection = (uint8_t)protection;
    if (holding)
        holding_get(holding, protection & CAVERN_PROT_WRITE); /* until mapping_free */
    return mapping;
}

static void mapping_insert(struct space *space, struct mapping *before, struct mapping *after, struct mapping *mapping,
                           uint64_t address)
{
    tree_insert_between(&space->mappings, before ? &before->node : NULL, after ? &after->node : NULL, &mapping->node,
                        address);
    space->near = mapping;
}

static void set_growing(struct space *space, struct mapping *mapping, bool growing)
{
    if (mapping->growing == growing)
        return;
    mapping->growing = growing;
    space->growing += growing ? 1 : -1;
}

static void mapping_free(struct space *space, struct mapping *mapping)
{
    struct holding *holding = mapping->holding;
    set_growing(space, mapping, false);
    if (space->near == mapping)
        space->near = mapping_of(tree_prev(&mapping->node));
    tree_remove(holding ? &space->mappings : &space->rings, &mapping->node);
    if (holding)
        holding_put(holding, mapping->protection & CAVERN_PROT_WRITE);
    object_free(mapping);
}

static bool continues(const struct mapping *mapping, const struct holding *holding, uint64_t offset, uint64_t address)
{
    return mapping_end(mapping) == address && mapping->holding == holding &&
           mapping->offset + mapping->length == offset;
}

/* Makes one of two neighbours, if they continue each other. */
static void join(struct space *space, struct mapping *before, struct mapping *after)
{
    if (!before || !after || !continues(before, after->holding, after->offset, after->node.key) ||
        before->protection != after->protection || before->growing || after->growing)
        return;
    before->length += after->length;
    mapping_free(space, after);
}

/* --- blocks --- */

static enum arch_memory memory_kind(const struct mapping *mapping)
{
    return buffer_is_device(mapping->holding->buffer) ? ARCH_MEMORY_DEVICE : ARCH_MEMORY_NORMAL;
}

static bool map_piece(struct space *space, const struct mapping *mapping, uint64_t address, uint64_t physical,
                      uint64_t size)
{
    return arch_space_map(&space->arch, &space->account->pages, address, physical, size, mapping->protection,
                          memory_kind(mapping));
}

/* Where the 2 MiB in which `address` lies end, or `end` if that comes first. */
static uint64_t chunk_end(uint64_t address, uint64_t end)
{
    return smaller(end, align_down(address, CAVERN_BLOCK_2M) + CAVERN_BLOCK_2M);
}

/* Could [address, address + 2 MiB), within [address, end), be mapped as a block? */
static bool block_possible(const struct mapping *mapping, uint64_t address, uint64_t end)
{
    uint64_t length, physical;
    if (!is_aligned(address, CAVERN_BLOCK_2M) || address < mapping->node.key || end < address ||
        end - address < CAVERN_BLOCK_2M)
        return false;
    physical = buffer_physical(mapping->holding->buffer, mapping->offset + (address - mapping->node.key), &length);
    return is_aligned(physical, CAVERN_BLOCK_2M) && length >= CAVERN_BLOCK_2M;
}

/*
 * Maps the 2 MiB around `address` by pages, if they may be a block. While it is at it nothing is mapped there. False,
 * with nothing changed: no memory for the table.
 */
static bool block_break(struct space *space, const struct mapping *mapping, uint64_t address)
{
    uint64_t start = align_down(address, CAVERN_BLOCK_2M), half = CAVERN_BLOCK_2M / 2, length;
    if (start == address || !block_possible(mapping, start, mapping_end(mapping)))
        return true;
    uint64_t offset = mapping->offset + (start - mapping->node.key);
    uint64_t physical = buffer_physical(mapping->holding->buffer, offset, &length);
    arch_space_unmap(&space->arch, start, CAVERN_BLOCK_2M);
    bool broken = map_piece(space, mapping, start, physical, half) &&
                  map_piece(space, mapping, start + half, physical + half, half);
    if (!broken) { /* it was a block, so there is no table in the way, and none is needed, to make it one again */
        bool restored = map_piece(space, mapping, start, physical, CAVERN_BLOCK_2M);
        (void)restored;
    }
    return broken;
}

/* --- mapping --- */

/* A part at this offset and address would continue what is being mapped there. */
static bool grows_to(const struct mapping *before, const struct holding *holding, uint64_t offset, uint64_t address)
{
    return before && before->growing && continues(before, holding, offset, address);
}

uint64_t space_growing_start(struct space *space, const struct holding *holding, uint64_t offset, uint64_t address)
{
    if (!space->growing)
        return address;
    struct mapping *before = sides_of(space, address - 1).before;
    return grows_to(before, holding, offset, address) ? before->node.key : address;
}

/* Maps one piece from `at` on: a block, or what is contiguous, at most `pages`, and in the same 2 MiB. 0: no memory. */
static uint64_t map_next(struct space *space, const struct mapping *mapping, uint64_t at, uint64_t end, unsigned pages)
{
    uint64_t contiguous, offset = mapping->offset + (at - mapping->node.key);
    uint64_t physical = buffer_physical(mapping->holding->buffer, offset, &contiguous);
    bool executable = mapping->protection & CAVERN_PROT_EXECUTE; /* by pages: to sync 2 MiB takes too long for a step */
    bool block = !executable && block_possible(mapping, at, end);
    uint64_t most = block ? CAVERN_BLOCK_2M : pages * (uint64_t)CAVERN_PAGE_SIZE;
    uint64_t size = smaller(smaller(contiguous, most), chunk_end(at, end) - at);
    if (executable)
        arch_sync_code(arch_direct(physical), size);
    return map_piece(space, mapping, at, physical, size) ? size : 0;
}

enum cavern_status space_map_step(struct space *space, struct holding *holding, uint64_t offset, uint64_t length,
                                  uint64_t address, unsigned protection, unsigned pages, uint64_t *done)
{
    struct sides sides = sides_of(space, address);
    if (!is_free(&sides, address, length) || space_has_ring(space, address, length))
        return CAVERN_EXISTS;
    struct mapping *mapping = sides.before;
    if (!grows_to(mapping, holding, offset, address) || mapping->protection != protection) {
        mapping = mapping_create(space, holding, offset, protection);
        if (!mapping)
            return CAVERN_NO_MEMORY;
        mapping_insert(space, sides.before, sides.after, mapping, address);
    }
    uint64_t at = address, end = address + length;
    while (pages && at < end) {
        uint64_t size = map_next(space, mapping, at, end, pages);
        if (!size)
            goto out_undo;
        pages -= size < CAVERN_BLOCK_2M ? (unsigned)(size / CAVERN_PAGE_SIZE) : 1;
        at += size;
    }
    *done = at - address;
    mapping->length += *done;
    space->mapped += *done;
    set_growing(space, mapping, at < end);
    if (at < end)
        return CAVERN_OK;
    join(space, mapping, sides.after);
    join(space, mapping == sides.before ? mapping_of(tree_prev(&mapping->node)) : sides.before, mapping);
    return CAVERN_OK;

out_undo:
    arch_space_unmap(&space->arch, address, chunk_end(at, end) - address); /* the last piece may be there in part */
    if (!mapping->length)
        mapping_free(space, mapping);
    return CAVERN_NO_MEMORY;
}

/* --- unmapping --- */

/* Makes an edge in `left`, across which no block lies; answers what is to the right of it. NULL: no memory. */
static struct mapping *cut(struct space *space, struct mapping *left, uint64_t address)
{
    uint64_t size = address - left->node.key;
    struct mapping *right = mapping_create(space, left->holding, left->offset + size, left->protection);
    if (!right)
        return NULL;
    mapping_insert(space, left, mapping_next(space, left), right, address);
    if (!block_break(space, left, address)) {
        mapping_free(space, right);
        return NULL;
    }
    right->length = left->length - size;
    right->growing = left->growing; /* the end that goes on */
    left->growing = false;
    left->length = size;
    return right;
}

static bool lies_across(const struct mapping *mapping, uint64_t address)
{
    return mapping->node.key < address && mapping_end(mapping) > address;
}

/* The end of a piece from the start of a range that can be unmapped without cutting a block. */
static uint64_t piece_end(const struct mapping *mapping, unsigned pages)
{
    uint64_t start = mapping->node.key, end = mapping_end(mapping);
    if (!block_possible(mapping, start, end))
        end = smaller(end, start + pages * (uint64_t)CAVERN_PAGE_SIZE);
    return chunk_end(start, end);
}

/* Takes bytes off the front of a range. */
static void mapping_shorten(struct space *space, struct mapping *mapping, uint64_t size)
{
    uint64_t address = mapping->node.key;
    arch_space_unmap(&space->arch, address, size);
    space->mapped -= size;
    if (size == mapping->length) {
        mapping_free(space, mapping);
        return;
    }
    mapping->node.key += size; /* which leaves it where it is in the tree */
    mapping->offset += size;
    mapping->length -= size;
}

enum cavern_status space_unmap_step(struct space *space, uint64_t address, uint64_t length, unsigned pages,
                                    uint64_t *done)
{
    struct mapping *mapping = first_in(space, address, length), *left = mapping;
    if (!mapping) {
        *done = length;
        return CAVERN_OK;
    }
    if (mapping->node.key < address)
        mapping = cut(space, mapping, address);
    if (!mapping)
        return CAVERN_NO_MEMORY;
    struct mapping *last = mapping_end(mapping) < address + length ? first_in(space, address + length, 1) : mapping;
    if (last && lies_across(last, address + length) && !cut(space, last, address + length)) {
        join(space, left, mapping);
        return CAVERN_NO_MEMORY;
    }
    uint64_t end = piece_end(mapping, pages);
    mapping_shorten(space, mapping, end - mapping->node.key);
    *done = end - address;
    return CAVERN_OK;
}

/* --- rings --- */

/* It comes with a table of its own. */
static bool is_first_of_table(const struct space_pages *range, uint64_t i)
{
    return !i || is_aligned(range->address + i * CAVERN_PAGE_SIZE, CAVERN_BLOCK_2M);
}

static bool map_page(struct space *space, const struct space_pages *range, uint64_t i)
{
    return arch_space_map(&space->arch, &space->account->pages, range->address + i * CAVERN_PAGE_SIZE,
                          range->page(range->context, i), CAVERN_PAGE_SIZE, range->protection, ARCH_MEMORY_NORMAL);
}

enum cavern_status space_take_pages(struct space *space, const struct space_pages *range)
{
    struct mapping *mapping = mapping_create(space, NULL, 0, range->protection);
    if (!mapping)
        return CAVERN_NO_MEMORY;
    tree_insert(&space->rings, &mapping->node, range->address);
    mapping->length = range->pages * CAVERN_PAGE_SIZE;
    for (uint64_t i = 0; i < range->pages; i++) {
        if (!is_first_of_table(range, i) || map_page(space, range, i))
            continue;
        arch_space_unmap(&space->arch, range->address, i * CAVERN_PAGE_SIZE);
        mapping_free(space, mapping);
        return CAVERN_NO_MEMORY;
    }
    return CAVERN_OK;
}

void space_map_pages(struct space *space, const struct space_pages *range, uint64_t first, uint64_t end)
{
    for (uint64_t i = first; i < end; i++)
        if (!is_first_of_table(range, i) && !map_page(space, range, i))
            panic("a ring at %lx: no table", (unsigned long)range->address);
}

void space_unmap_pages(struct space *space, uint64_t address, uint64_t pages)
{
    struct mapping *ring;
    arch_space_unmap(&space->arch, address, pages * CAVERN_PAGE_SIZE);
    while ((ring = ring_in(space, address, pages * CAVERN_PAGE_SIZE)))
        mapping_free(space, ring);
}

/* --- the rest --- */

/* A part of RAM that user mode may access so. */
static bool allows(const struct mapping *mapping, unsigned protection)
{
    return (mapping->protection & protection) == protection && memory_kind(mapping) == ARCH_MEMORY_NORMAL;
}

enum cavern_status space_resolve(struct space *space, uint64_t address, uint64_t length, unsigned protection,
                                 struct holding **holding, uint64_t *offset)
{
    struct mapping *mapping = first_in(space, address, 1);
    if (!mapping || !allows(mapping, protection) || !range_within(address, length, mapping->node.key, mapping->length))
        return CAVERN_BAD_ADDRESS;
    *holding = mapping->holding;
    *offset = mapping->offset + (address - mapping->node.key);
    return CAVERN_OK;
}

enum cavern_fault space_lack(struct space *space, uint64_t address, uint64_t length, unsigned protection, uint64_t *at)
{
    if (!range_within(address, length, 0, CAVERN_USER_END))
        return CAVERN_FAULT_NONE;
    struct mapping *mapping = first_in(space, address, 1);
    *at = mapping && allows(mapping, protection) ? mapping_end(mapping) : address;
    if (*at - address >= length || space_has_ring(space, *at, 1))
        return CAVERN_FAULT_NONE;
    mapping = first_in(space, *at, 1);
    if (!mapping)
        return CAVERN_FAULT_DATA_UNMAPPED;
    bool denied = memory_kind(mapping) == ARCH_MEMORY_NORMAL && !allows(mapping, protection);
    return denied ? CAVERN_FAULT_DATA_DENIED : CAVERN_FAULT_NONE;
}

bool space_destroy_step(struct space *space)
{
    struct tree_node *node;
    int left = JOB_STEP_ITEMS;
    while ((node = tree_first(&space->mappings)) || (node = tree_first(&space->rings))) {
        if (!left--)
            return false;
        arch_space_discard(&space->arch, &space->account->pages, node->key);
        mapping_free(space, mapping_of(node));
    }
    space->mapped = 0;
    return arch_space_destroy(&space->arch, &space->account->pages, JOB_STEP_TABLES);
}
