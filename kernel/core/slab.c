/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/slab.h"

#include <string.h>

_Static_assert(sizeof(struct slab) % SLAB_ALIGNMENT == 0, "objects follow the header");
_Static_assert((SLAB_PAGE_BYTES - sizeof(struct slab)) / SLAB_ALIGNMENT <= 64 * SLAB_BITMAP_WORDS, "one bit each");
_Static_assert((SLAB_PAGE_BYTES - sizeof(struct slab)) / SLAB_OBJECT_MAX == 2, "two of the largest fit");

static uint8_t *slab_object(const struct slab *slab, uint32_t index)
{
    return (uint8_t *)(uintptr_t)slab + sizeof(*slab) + (size_t)index * slab->object_size;
}

static uint64_t bit_of(uint32_t index)
{
    return UINT64_C(1) << index % 64;
}

uint32_t slab_capacity(size_t object_size)
{
    size_t rounded = (object_size + SLAB_ALIGNMENT - 1) & ~(size_t)(SLAB_ALIGNMENT - 1);

    if (object_size == 0 || object_size > SLAB_OBJECT_MAX)
        return 0;
    return (uint32_t)((SLAB_PAGE_BYTES - sizeof(struct slab)) / rounded);
}

struct slab *slab_init(void *page, size_t object_size, uint16_t kind, void *owner)
{
    struct slab *slab = page;
    uint32_t capacity = slab_capacity(object_size);

    if (!capacity)
        return NULL;
    *slab = (struct slab){
        .owner = owner,
        .object_size = (uint16_t)((object_size + SLAB_ALIGNMENT - 1) & ~(size_t)(SLAB_ALIGNMENT - 1)),
        .capacity = (uint16_t)capacity,
        .kind = kind,
    };
    list_init(&slab->link);
    return slab;
}

void *slab_alloc(struct slab *slab)
{
    uint32_t word = 0;

    if (slab_full(slab))
        return NULL;
    while (slab->in_use[word] == UINT64_MAX)
        word++;

    uint32_t index = word * 64 + (uint32_t)__builtin_ctzll(~slab->in_use[word]);
    slab->in_use[word] |= bit_of(index);
    slab->used++;
    return memset(slab_object(slab, index), 0, slab->object_size);
}

bool slab_free(void *object)
{
    struct slab *slab = slab_of(object);
    size_t offset = (size_t)((uint8_t *)object - (uint8_t *)slab);

    if (offset < sizeof(*slab) || (offset - sizeof(*slab)) % slab->object_size)
        return false;

    uint32_t index = (uint32_t)((offset - sizeof(*slab)) / slab->object_size);
    if (index >= slab->capacity || !(slab->in_use[index / 64] & bit_of(index)))
        return false;
    slab->in_use[index / 64] &= ~bit_of(index);
    slab->used--;
    return true;
}

void *slab_next(const struct slab *slab, uint32_t *cursor)
{
    for (uint32_t index = *cursor; index < slab->capacity; index++) {
        if (slab->in_use[index / 64] & bit_of(index)) {
            *cursor = index + 1;
            return slab_object(slab, index);
        }
    }
    *cursor = slab->capacity;
    return NULL;
}

bool slab_invariants(const struct slab *slab)
{
    uint32_t used = 0;
    uint32_t cursor = 0;

    for (int word = 0; word < SLAB_BITMAP_WORDS; word++)
        used += (uint32_t)__builtin_popcountll(slab->in_use[word]);
    if (used != slab->used || used > slab->capacity || slab->capacity != slab_capacity(slab->object_size))
        return false;
    while (slab_next(slab, &cursor))
        used--;
    return used == 0;
}
