/* SPDX-License-Identifier: BSD-2-Clause */
#include "places.h"

#include <string.h>

#include <cavern/memory.h>

static uint64_t round_up(uint64_t address, uint64_t alignment)
{
    return (address + alignment - 1) & ~(alignment - 1);
}

uint64_t places_take(struct places *places, uint64_t length)
{
    uint64_t alignment = length >= CAVERN_BLOCK_2M ? CAVERN_BLOCK_2M : CAVERN_PAGE_SIZE;
    uint64_t address = round_up(places->start, alignment);
    unsigned i = 0;
    if (places->count == PLACES_MAX || !length || length > places->end - places->start)
        return 0;
    for (; i < places->count && address + length + CAVERN_PAGE_SIZE > places->taken[i].address; i++)
        address = round_up(places->taken[i].address + places->taken[i].length + CAVERN_PAGE_SIZE, alignment);
    if (address > places->end - length)
        return 0;
    memmove(&places->taken[i + 1], &places->taken[i], (places->count - i) * sizeof(*places->taken));
    places->taken[i] = (struct place){address, length};
    places->count++;
    return address;
}

bool places_give(struct places *places, uint64_t address, uint64_t length)
{
    for (unsigned i = 0; i < places->count; i++) {
        if (places->taken[i].address != address || places->taken[i].length != length)
            continue;
        places->count--;
        memmove(&places->taken[i], &places->taken[i + 1], (places->count - i) * sizeof(*places->taken));
        return true;
    }
    return false;
}
