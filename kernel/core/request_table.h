/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The pending requests of one server queue: a fixed number of slots, spread over pages of 256 that the caller
 * supplies, zeroed. An id is 32 bits: generation << 16 | slot + 1; 0 is never valid. Free slots are reused first-in
 * first-out, so an id comes back as late as possible. The generation starts at 1, steps at each release and skips 0.
 * Slots from `fresh` on were never used; they stand before all released ones in the order of reuse.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    REQUEST_SLOTS_PER_PAGE = 256,
    REQUEST_SLOTS_MAX = 32768,
    REQUEST_NONE = -1,
};

struct request_slot {
    void *request; /* the caller's; NULL after request_take */
    uint16_t generation;
    uint16_t next; /* slot + 1 of the next free slot; 0 for none */
    bool used;
};

struct request_table {
    struct request_slot **pages;
    uint32_t slots;
    uint32_t fresh;
    uint32_t used;
    uint16_t first_free; /* slot + 1, 0 for none */
    uint16_t last_free;
};

static inline uint32_t request_table_pages(uint32_t slots)
{
    return (slots + REQUEST_SLOTS_PER_PAGE - 1) / REQUEST_SLOTS_PER_PAGE;
}

/*
 * `pages` points to request_table_pages(slots) pages and stays the caller's. False for too many slots; with none, no
 * request is ever taken.
 */
bool request_table_init(struct request_table *table, struct request_slot **pages, uint32_t slots)
    __attribute__((warn_unused_result));

static inline uint32_t request_table_free(const struct request_table *table)
{
    return table->slots - table->used;
}

/* `number` < slots. */
static inline struct request_slot *request_slot(const struct request_table *table, uint32_t number)
{
    return &table->pages[number / REQUEST_SLOTS_PER_PAGE][number % REQUEST_SLOTS_PER_PAGE];
}

/* Occupies the slot whose turn it is; false when all are occupied. */
bool request_take(struct request_table *table, uint32_t *id) __attribute__((warn_unused_result));

/* The slot of a pending request, or REQUEST_NONE. */
int32_t request_find(const struct request_table *table, uint32_t id);

/* False, with nothing changed, when there is no such pending request. */
bool request_release(struct request_table *table, uint32_t id);

/* The id of the pending request in the slot of this number, which is < slots; 0 for none. */
uint32_t request_id(const struct request_table *table, uint32_t number);

bool request_table_invariants(const struct request_table *table);
