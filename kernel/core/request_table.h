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
    uint16_t used;
    uint16_t spare; /* a slot has 8 bytes */
};

struct request_table {
    struct request_slot **pages;
    uint32_t slots;
    uint32_t fresh;
    uint32_t used;
    uint32_t first_free; /* slot + 1, 0 for none */
    uint32_t last_free;  /* as long as there is a first */
};

/*@
  logic integer pages_for(integer slots) = (slots + REQUEST_SLOTS_PER_PAGE - 1) / REQUEST_SLOTS_PER_PAGE;
  logic struct request_slot *slot_at(struct request_table *t, integer number) =
    t->pages[number / REQUEST_SLOTS_PER_PAGE] + number % REQUEST_SLOTS_PER_PAGE;
  // The memory is there.
  predicate table_readable(struct request_table *t) = \valid_read(t) && t->slots <= REQUEST_SLOTS_MAX &&
    \forall integer n; 0 <= n < t->slots ==>
      \valid_read(t->pages + n / REQUEST_SLOTS_PER_PAGE) && \valid_read(slot_at(t, n));
  // And no two slots share any of it.
  predicate slots_writable(struct request_table *t) = table_readable(t) && \valid(t) && t->fresh <= t->slots &&
    (\forall integer n; 0 <= n < t->slots ==> \valid(slot_at(t, n))) &&
    \forall integer m, n; 0 <= m < t->slots && 0 <= n < t->slots && m != n ==>
      \separated(slot_at(t, m), slot_at(t, n));
  logic integer used_of(struct request_table *t, integer number) = slot_at(t, number)->used;
  logic integer generation_of(struct request_table *t, integer number) = slot_at(t, number)->generation;
  logic integer next_of(struct request_table *t, integer number) = slot_at(t, number)->next;

  // MSG-REQUEST-5.
  logic integer id_of(integer generation, integer number) = generation * 65536 + number + 1;
  logic integer generation_after(integer generation) = generation == UINT16_MAX ? 1 : generation + 1;
  predicate is_occupied(struct request_table *t, integer number) = 0 <= number < t->fresh && used_of(t, number) != 0;
  predicate is_pending(struct request_table *t, integer number, integer id) =
    is_occupied(t, number) && id == id_of(generation_of(t, number), number);
  predicate is_free(struct request_table *t, integer number) = 0 <= number < t->fresh && used_of(t, number) == 0;

  // The free slots but `x` (-1: all) are linked, each from one at most, none to the first, the last alone to none.
  // Where the table's head stands in is given in whole numbers: the provers do not look through stores into it.
  predicate linked(struct request_table *t, integer fresh, integer n, integer x) =
    0 <= n < fresh && used_of(t, n) == 0 && n != x;
  predicate ends_sound(struct request_table *t, integer fresh, integer first, integer last, integer x) = first == 0 ||
    (linked(t, fresh, first - 1, x) && linked(t, fresh, last - 1, x) && next_of(t, last - 1) == 0);
  predicate last_sound(struct request_table *t, integer fresh, integer first, integer last, integer x) =
    \forall integer n; linked(t, fresh, n, x) && next_of(t, n) == 0 ==> first != 0 && n + 1 == last;
  predicate next_sound(struct request_table *t, integer fresh, integer first, integer x) =
    \forall integer n; linked(t, fresh, n, x) && next_of(t, n) != 0 ==>
      linked(t, fresh, next_of(t, n) - 1, x) && next_of(t, n) != first;
  predicate apart(struct request_table *t, integer fresh, integer x) = \forall integer m, n;
    linked(t, fresh, m, x) && linked(t, fresh, n, x) && next_of(t, m) == next_of(t, n) ==> m == n;
  predicate links_sound(struct request_table *t, integer fresh, integer first, integer last, integer x) =
    ends_sound(t, fresh, first, last, x) && last_sound(t, fresh, first, last, x) &&
    next_sound(t, fresh, first, x) && apart(t, fresh, x);
  predicate generations_sound(struct request_table *t, integer fresh) =
    \forall integer n; 0 <= n < fresh ==> generation_of(t, n) >= 1;
  predicate requests_sound(struct request_table *t) = slots_writable(t) &&
    generations_sound(t, t->fresh) && links_sound(t, t->fresh, t->first_free, t->last_free, -1);

  predicate others_kept{A, B}(struct request_table *t, integer x) =
    (\forall integer n; 0 <= n < \at(t->slots, A) && n != x ==> used_of{B}(t, n) == used_of{A}(t, n)) &&
    \forall integer n; 0 <= n < \at(t->slots, A) && n != x ==> generation_of{B}(t, n) == generation_of{A}(t, n);
  predicate other_links_kept{A, B}(struct request_table *t, integer x) =
    \forall integer n; 0 <= n < \at(t->slots, A) && n != x ==> next_of{B}(t, n) == next_of{A}(t, n);
  // The slot, which was not pending, is now, with an id that was not; no other slot has changed.
  predicate taken{A, B}(struct request_table *t, integer number, integer id) =
    is_pending{B}(t, number, id) && !is_occupied{A}(t, number) && (\forall integer n; !is_pending{A}(t, n, id)) &&
    others_kept{A, B}(t, number) && other_links_kept{A, B}(t, number);
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
  ensures slots_writable(table) ==> requests_sound(table);
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

/*@
  requires slots_writable(table) && number < table->fresh;
  assigns *slot_at(table, number);
  ensures generation_of(table, number) == generation && used_of(table, number) == used && next_of(table, number) == 0;
  ensures others_kept{Pre, Here}(table, number) && other_links_kept{Pre, Here}(table, number);
  ensures \forall integer n; linked(table, table->fresh, n, number) <==> \old(linked(table, table->fresh, n, number));
*/
static inline void request_slot_set(struct request_table *table, uint32_t number, uint16_t generation, bool used)
{
    struct request_slot *slot = request_slot(table, number);

    //@ assert \forall integer n; 0 <= n < table->slots && n != number ==> \separated(slot_at(table, n), slot);
    slot->generation = generation;
    slot->next = 0;
    slot->used = used;
}

/* Occupies a slot that is linked no more and answers its id. */
/*@
  requires slots_writable(table) && number < table->fresh && generation >= 1;
  requires links_sound(table, table->fresh, table->first_free, table->last_free, number);
  requires \forall integer n; 0 <= n < table->fresh && n != number ==> generation_of(table, n) >= 1;
  assigns table->used, *slot_at(table, number);
  ensures requests_sound(table) && is_pending(table, number, \result) && \result == id_of(generation, number);
  ensures others_kept{Pre, Here}(table, number) && other_links_kept{Pre, Here}(table, number);
*/
static inline uint32_t request_slot_occupy(struct request_table *table, uint32_t number, uint16_t generation)
{
    table->used++;
    request_slot_set(table, number, generation, true);
    /*@ assert \forall integer n; linked(table, table->fresh, n, -1) <==>
          \at(linked(table, table->fresh, n, number), Pre); */
    /*@ assert \forall integer n; linked(table, table->fresh, n, -1) ==>
          next_of(table, n) == \at(next_of(table, n), Pre); */
    //@ assert ends_sound(table, table->fresh, table->first_free, table->last_free, -1);
    //@ assert last_sound(table, table->fresh, table->first_free, table->last_free, -1);
    //@ assert next_sound(table, table->fresh, table->first_free, -1);
    //@ assert apart(table, table->fresh, -1);
    //@ assert generations_sound(table, table->fresh);
    return request_id_of(request_slot(table, number), number);
}

/*
 * Occupies the slot whose turn it is, never-used ones first, in order, then the one that was released first, and
 * answers the id; 0 when all are occupied.
 */
/*@
  requires requests_sound(table);
  assigns *table, { *slot_at(table, n) | integer n; 0 <= n < table->slots };
  ensures requests_sound(table);
  behavior fresh:
    assumes table->fresh < table->slots;
    ensures \result == id_of(1, \old(table->fresh)) && taken{Pre, Here}(table, \old(table->fresh), \result);
    ensures table->fresh == \old(table->fresh) + 1 && table->first_free == \old(table->first_free);
  behavior freed:
    assumes table->fresh == table->slots && table->first_free != 0;
    ensures \result == id_of(\old(generation_of(table, table->first_free - 1)), \old(table->first_free - 1));
    ensures taken{Pre, Here}(table, \old(table->first_free - 1), \result);
    ensures table->first_free == \old(next_of(table, table->first_free - 1));
  behavior full:
    assumes table->fresh == table->slots && table->first_free == 0;
    assigns \nothing;
    ensures \result == 0;
  complete behaviors;
  disjoint behaviors;
*/
__attribute__((warn_unused_result)) static inline uint32_t request_take(struct request_table *table)
{
    if (table->fresh < table->slots) {
        table->fresh++;
        /*@ assert \forall integer n; linked(table, table->fresh, n, table->fresh - 1) <==>
              \at(linked(table, table->fresh, n, -1), Pre); */
        //@ assert links_sound(table, table->fresh, table->first_free, table->last_free, table->fresh - 1);
        return request_slot_occupy(table, table->fresh - 1, 1);
    }
    if (!table->first_free)
        return 0;

    uint32_t number = table->first_free - 1;
    const struct request_slot *slot = request_slot(table, number);
    table->first_free = slot->next;
    /*@ assert \forall integer n; linked(table, table->fresh, n, number) <==>
          n != number && \at(linked(table, table->fresh, n, -1), Pre); */
    /*@ assert \forall integer n; linked(table, table->fresh, n, number) ==>
          next_of(table, n) == \at(next_of(table, n), Pre); */
    //@ assert table->first_free != 0 ==> linked(table, table->fresh, table->first_free - 1, number);
    //@ assert table->first_free != 0 ==> linked(table, table->fresh, table->last_free - 1, number);
    //@ assert ends_sound(table, table->fresh, table->first_free, table->last_free, number);
    //@ assert last_sound(table, table->fresh, table->first_free, table->last_free, number);
    //@ assert next_sound(table, table->fresh, table->first_free, number);
    //@ assert apart(table, table->fresh, number);
    return request_slot_occupy(table, number, slot->generation);
}

/*@ assigns \nothing; ensures \result == generation_after(generation); */
static inline uint16_t request_generation_after(uint16_t generation)
{
    return generation == UINT16_MAX ? 1 : generation + 1;
}

/*@
  requires slots_writable(table) && number < table->fresh;
  assigns slot_at(table, number)->next;
  ensures others_kept{Pre, Here}(table, -1) && other_links_kept{Pre, Here}(table, number);
  ensures next_of(table, number) == next;
*/
static inline void request_slot_link(struct request_table *table, uint32_t number, uint16_t next)
{
    struct request_slot *slot = request_slot(table, number);

    //@ assert \forall integer n; 0 <= n < table->slots && n != number ==> \separated(slot_at(table, n), slot);
    slot->next = next;
}

/* Links a free slot behind the last one. */
/*@
  requires slots_writable(table) && links_sound(table, table->fresh, table->first_free, table->last_free, number);
  requires linked(table, table->fresh, number, -1) && next_of(table, number) == 0;
  assigns table->first_free, table->last_free, { slot_at(table, n)->next | integer n; 0 <= n < table->slots };
  ensures links_sound(table, table->fresh, table->first_free, table->last_free, -1);
  ensures others_kept{Pre, Here}(table, -1) && table->last_free == number + 1;
  ensures \old(table->first_free) == 0 ==> table->first_free == number + 1;
  ensures \old(table->first_free) != 0 ==> table->first_free == \old(table->first_free) &&
    next_of(table, \old(table->last_free) - 1) == number + 1;
  ensures \forall integer n; 0 <= n < table->slots && n + 1 != \old(table->last_free) ==>
    next_of(table, n) == \old(next_of(table, n));
*/
static inline void request_slot_append(struct request_table *table, uint32_t number)
{
    if (table->first_free)
        request_slot_link(table, table->last_free - 1, (uint16_t)(number + 1));
    else
        table->first_free = number + 1;
    table->last_free = number + 1;
    //@ assert others_kept{Pre, Here}(table, -1);
    /*@ assert \forall integer n; linked(table, table->fresh, n, -1) <==>
          n == number || \at(linked(table, table->fresh, n, number), Pre); */
    /*@ assert \forall integer n; linked(table, table->fresh, n, number) &&
          (n + 1 != \at(table->last_free, Pre) || \at(table->first_free, Pre) == 0) ==>
            next_of(table, n) == \at(next_of(table, n), Pre); */
    //@ assert next_of(table, number) == 0 && linked(table, table->fresh, number, -1);
    /*@ assert \at(table->first_free, Pre) != 0 ==>
          next_of(table, \at(table->last_free, Pre) - 1) == number + 1 && table->first_free != number + 1; */
    //@ assert ends_sound(table, table->fresh, table->first_free, table->last_free, -1);
    //@ assert last_sound(table, table->fresh, table->first_free, table->last_free, -1);
    //@ assert next_sound(table, table->fresh, table->first_free, -1);
    //@ assert apart(table, table->fresh, -1);
}

/* Frees an occupied slot: the last to be taken again. */
/*@
  requires requests_sound(table) && is_occupied(table, number);
  assigns *table, { *slot_at(table, n) | integer n; 0 <= n < table->slots };
  ensures requests_sound(table) && is_free(table, number) && others_kept{Pre, Here}(table, number);
  ensures generation_of(table, number) == generation_after(\old(generation_of(table, number)));
  ensures table->last_free == number + 1 && table->fresh == \old(table->fresh);
  ensures \old(table->first_free) == 0 ==> table->first_free == number + 1;
  ensures \old(table->first_free) != 0 ==> table->first_free == \old(table->first_free) &&
    next_of(table, \old(table->last_free) - 1) == number + 1;
  ensures \forall integer n; 0 <= n < table->slots && n != number && n + 1 != \old(table->last_free) ==>
    next_of(table, n) == \old(next_of(table, n));
*/
static inline void request_release_slot(struct request_table *table, uint32_t number)
{
    table->used--;
    /*@ assert \forall integer n; linked(table, table->fresh, n, number) <==>
          \at(linked(table, table->fresh, n, -1), Pre); */
    request_slot_set(table, number, request_generation_after(request_slot(table, number)->generation), false);
    /*@ assert \forall integer n; linked(table, table->fresh, n, number) <==>
          \at(linked(table, table->fresh, n, -1), Pre); */
    /*@ assert \forall integer n; linked(table, table->fresh, n, number) ==>
          next_of(table, n) == \at(next_of(table, n), Pre); */
    //@ assert ends_sound(table, table->fresh, table->first_free, table->last_free, number);
    //@ assert last_sound(table, table->fresh, table->first_free, table->last_free, number);
    //@ assert next_sound(table, table->fresh, table->first_free, number);
    //@ assert apart(table, table->fresh, number);
    //@ assert generations_sound(table, table->fresh);
    request_slot_append(table, number);
}

/* False, with nothing changed, when there is no such pending request. */
/*@
  requires requests_sound(table);
  assigns *table, { *slot_at(table, n) | integer n; 0 <= n < table->slots };
  ensures requests_sound(table);
  ensures \result <==> \exists integer n; is_pending{Pre}(table, n, id);
  behavior pending:
    assumes \exists integer n; is_pending(table, n, id);
    ensures \forall integer n; is_pending{Pre}(table, n, id) ==>
      is_free(table, n) && others_kept{Pre, Here}(table, n) && table->last_free == n + 1 &&
      generation_of(table, n) == generation_after(generation_of{Pre}(table, n));
    ensures \forall integer n; !is_pending(table, n, id);
  behavior none:
    assumes \forall integer n; !is_pending(table, n, id);
    assigns \nothing;
*/
bool request_release(struct request_table *table, uint32_t id);

bool request_table_invariants(const struct request_table *table);
