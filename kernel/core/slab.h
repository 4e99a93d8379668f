/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One 4 KiB page of equal objects. The header stands at the start of the page, so an object's slab, and through it
 * the owner that pays for it, are found by masking the object's address. A bitmap tells which objects are in use:
 * freed memory is not written to, a bad free is noticed, and the live objects can be enumerated.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/list.h"

enum {
    SLAB_PAGE_BYTES = 4096,
    SLAB_ALIGNMENT = 16,
    SLAB_OBJECT_MAX = 2016, /* two to a page */
    SLAB_BITMAP_WORDS = 4,
};

struct slab {
    void *owner;
    struct list link; /* the owner's: not linked after slab_init */
    uint16_t object_size;
    uint16_t capacity;
    uint16_t used;
    uint16_t kind; /* the owner's */
    uint64_t in_use[SLAB_BITMAP_WORDS];
};

/* How many objects of this size one page holds; 0 for a size that is 0 or too large. */
uint32_t slab_capacity(size_t object_size);

/* `page` is page-aligned; its contents do not matter. NULL for a size that is 0 or too large. */
struct slab *slab_init(void *page, size_t object_size, uint16_t kind, void *owner);

/* A zeroed object, 16-byte aligned, the lowest that is free; NULL when the slab is full. */
void *slab_alloc(struct slab *slab);

/* False, with nothing changed, when `object` is not a live object of its page. */
bool slab_free(void *object);

static inline struct slab *slab_of(const void *object)
{
    return (struct slab *)((uintptr_t)object & ~(uintptr_t)(SLAB_PAGE_BYTES - 1));
}

static inline bool slab_empty(const struct slab *slab)
{
    return !slab->used;
}

static inline bool slab_full(const struct slab *slab)
{
    return slab->used == slab->capacity;
}

/* The first live object with an index >= *cursor, or NULL; *cursor becomes its index + 1. Start with 0. */
void *slab_next(const struct slab *slab, uint32_t *cursor);

bool slab_invariants(const struct slab *slab);
