/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The pending requests of one server queue: a fixed number of slots, spread over pages of 512 that the caller
 * supplies, zeroed. An id is 32 bits: generation << 16 | slot + 1; 0 is never valid. Free slots are reused first-in
 * first-out, so an id comes back as late as possible. The generation starts at 1, steps at each release and skips 0.
 * Slots from `fresh` on were never used; they stand before all released ones in the order of reuse.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    REQUEST_SLOTS_PER_PAGE = 512,
    REQUEST_SLOTS_MAX = 32768,
    REQUEST_NONE = -1,
};

struct request_slot {
    uint16_t generation;
    uint16_t next; /* slot + 1 of the next free slot; 0 for none */
    uint32_t used;
};

struct request_table {
    struct request_slot **pages;
    uint32_t slots;
    uint32_t fresh;
    uint32_t used;
    uint16_t first_free; /* slot + 1, 0 for none */
    uint16_t last_free;
};

/*@
  logic integer pages_for(integer slots) = (slots + REQUEST_SLOTS_PER_PAGE - 1) / REQUEST_SLOTS_PER_PAGE;
  logic struct request_slot *slot_at(struct request_table *t, integer number) =
    t->pages[number / REQUEST_SLOTS_PER_PAGE] + number % REQUEST_SLOTS_PER_PAGE;
  // The memory is there.
  predicate table_readable(struct request_table *t) = \valid_read(t) && t->slots <= REQUEST_SLOTS_MAX &&
    \forall integer n; 0 <= n < t->slots ==>
      \valid_read(t->pages + n / REQUEST_SLOTS_PER_PAGE) && \valid_read(slot_at(t, n));
  // MSG-REQUEST-5.
  logic integer id_of(integer generation, integer number) = generation * 65536 + number + 1;
  predicate is_pending(struct request_table *t, integer number, integer id) = 0 <= number < t->fresh &&
    slot_at(t, number)->used != 0 && id == id_of(slot_at(t, number)->generation, number);
*/

/*@ requires slots <= REQUEST_SLOTS_MAX; assigns \nothing; ensures \result == pages_for(slots); */
static inline uint32_t request_table_pages(uint32_t slots)
{
    return (slots + REQUEST_SLOTS_PER_PAGE - 1) / REQUEST_SLOTS_PER_PAGE;
}

/*
 * `pages` points to request_table_pages(slots) pages and stays the caller's. False for too many slots; with none, no
 * request is ever taken.
 */
/*@
  requires \valid(table);
  assigns *table;
  ensures \result <==> slots <= REQUEST_SLOTS_MAX;
  ensures table->pages == pages && table->slots == slots && table->used == 0 && table->fresh == 0;
*/
bool request_table_init(struct request_table *table, struct request_slot **pages, uint32_t slots)
    __attribute__((warn_unused_result));

/*@
  requires \valid_read(table) && table->used <= table->slots;
  assigns \nothing;
  ensures \result == table->slots - table->used;
*/
static inline uint32_t request_table_free(const struct request_table *table)
{
    return table->slots - table->used;
}

/* `number` < slots. */
/*@
  requires table_readable(table) && number < table->slots;
  assigns \nothing;
  ensures \result == slot_at(table, number);
*/
static inline struct request_slot *request_slot(const struct request_table *table, uint32_t number)
{
    return &table->pages[number / REQUEST_SLOTS_PER_PAGE][number % REQUEST_SLOTS_PER_PAGE];
}

/*@
  requires \valid_read(slot) && number < REQUEST_SLOTS_MAX;
  assigns \nothing;
  ensures \result == id_of(slot->generation, number);
*/
static inline uint32_t request_id_of(const struct request_slot *slot, uint32_t number)
{
    return (uint32_t)slot->generation * 65536 + number + 1;
}

/* The id of the pending request in a slot, or 0. Slot number < slots. */
/*@
  requires table_readable(table) && number < table->slots;
  assigns \nothing;
  ensures \result == (slot_at(table, number)->used ? id_of(slot_at(table, number)->generation, number) : 0);
*/
static inline uint32_t request_id(const struct request_table *table, uint32_t number)
{
    const struct request_slot *slot = request_slot(table, number);

    return slot->used ? request_id_of(slot, number) : 0;
}

/* The slot of a pending request, or REQUEST_NONE. */
/*@
  requires table_readable(table) && table->fresh <= table->slots;
  assigns \nothing;
  ensures \result == REQUEST_NONE || is_pending(table, \result, id);
  ensures \result == REQUEST_NONE ==> \forall integer n; !is_pending(table, n, id);
*/
static inline int32_t request_find(const struct request_table *table, uint32_t id)
{
    uint32_t number = id % 65536 - 1;

    if (number >= table->fresh || request_id(table, number) != id)
        return REQUEST_NONE;
    return (int32_t)number;
}

/* Never-used slots first, in order; then the one that was released first. There is one. */
static inline uint32_t request_slot_dequeue(struct request_table *table)
{
    if (table->fresh < table->slots) {
        request_slot(table, table->fresh)->generation = 1;
        return table->fresh++;
    }

    uint32_t number = table->first_free - 1u;
    table->first_free = request_slot(table, number)->next;
    if (!table->first_free)
        table->last_free = 0;
    return number;
}

/* Occupies the slot whose turn it is; false when all are occupied. */
__attribute__((warn_unused_result)) static inline bool request_take(struct request_table *table, uint32_t *id)
{
    if (table->used == table->slots)
        return false;

    uint32_t number = request_slot_dequeue(table);
    struct request_slot *slot = request_slot(table, number);
    slot->used = 1;
    slot->next = 0;
    table->used++;
    *id = request_id_of(slot, number);
    return true;
}

/* Frees an occupied slot: the last to be taken again. */
static inline void request_release_slot(struct request_table *table, uint32_t number)
{
    struct request_slot *slot = request_slot(table, number);
    uint16_t link = (uint16_t)(number + 1);

    slot->used = 0;
    slot->next = 0;
    if (++slot->generation == 0)
        slot->generation = 1;
    table->used--;
    if (table->last_free)
        request_slot(table, table->last_free - 1u)->next = link;
    else
        table->first_free = link;
    table->last_free = link;
}

/* False, with nothing changed, when there is no such pending request. */
bool request_release(struct request_table *table, uint32_t id);

bool request_table_invariants(const struct request_table *table);
