/* SPDX-License-Identifier: BSD-2-Clause */
/* A zeroed array spread over pages of one account, found through a directory page when it needs more than one. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <cavern/memory.h>

struct account;

#define PAGED_PAGES_MAX (CAVERN_PAGE_SIZE / sizeof(void *))

struct paged {
    void **directory; /* a page of its own, or &single */
    void *single;
    uint32_t pages;
    uint32_t wanted;
};

/* For at most PAGED_PAGES_MAX pages' worth of bytes, of which none is there yet. False: no memory, and nothing is held.
 * Must not be moved afterwards. */
bool paged_create(struct paged *paged, struct account *account, uint64_t bytes);
/* Takes what is missing, at most *budget pages, and counts them off. False: no memory. */
bool paged_fill(struct paged *paged, struct account *account, unsigned *budget);
/* Gives at most `budget` pages back; true when none is left. Harmless on a zeroed one. */
bool paged_destroy(struct paged *paged, struct account *account, unsigned budget);

static inline bool paged_is_full(const struct paged *paged)
{
    return paged->pages == paged->wanted;
}

/* The byte at `offset`; what follows it in its page is contiguous. */
static inline void *paged_at(const struct paged *paged, uint64_t offset)
{
    return (char *)paged->directory[offset / CAVERN_PAGE_SIZE] + offset % CAVERN_PAGE_SIZE;
}
