/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The handle table of a process. A handle is 64 bits: index in 0..23, generation in 24..63; 0 is never valid.
 *
 * An entry's word packs generation (24..63), in use (23), type (16..22) and rights (0..15), so that a look-up checks
 * all of them with two compares. An entry is one of
 *   never used  word 0
 *   used        word with the in-use bit; value: the object's address
 *   free        word with nothing but the generation that comes next; value: its neighbours among the free entries,
 *               previous << 32 | next, where previous is towards the most recently freed, and 0 stands for none
 *   retired     HANDLE_RETIRED, its generations are used up
 *
 * Order of allocation: the most recently freed index, else the lowest that was never used. Indices 1, 2 and 3 are
 * fixed entries of generation 1, ordinary ones start at 4. A generation starts at 1 and steps when the handle is freed.
 *
 * Two levels: a directory page of 512 pointers, and leaf pages of 256 entries. The caller supplies the pages, zeroed:
 * the first becomes the directory.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    HANDLE_INDEX_BITS = 24,
    HANDLE_LEAF_SHIFT = 8,
    HANDLE_LEAF_ENTRIES = 1 << HANDLE_LEAF_SHIFT,
    HANDLE_LEAVES_MAX = 512,
    HANDLE_FIRST_ORDINARY = 4,
    HANDLE_REACH = 256,  /* how far above the lowest never-used index a wanted one may lie */
    HANDLE_TYPE_ANY = 0, /* types are 1..127 */
    HANDLE_TYPE_MAX = 127,
    HANDLE_RETIRED = 1,
};

/* The parts of a word as factors: what stands above each one is a multiple of it. */
#define HANDLE_GENERATION_ONE (UINT64_C(1) << HANDLE_INDEX_BITS)
#define HANDLE_IN_USE (UINT64_C(1) << 23)
#define HANDLE_TYPE_ONE (UINT64_C(1) << 16)
#define HANDLE_GENERATION_LAST (UINT64_MAX / HANDLE_GENERATION_ONE)

/* The values of the fixed entries. */
#define HANDLE_FIXED(index) (HANDLE_GENERATION_ONE | (index))

struct handle_entry {
    uint64_t word;
    uint64_t value;
};

struct handle_table {
    struct handle_entry **directory;
    uint32_t leaves;
    uint32_t fresh;      /* every index from 4 up to here has been used; this one has not */
    uint32_t first_free; /* most recently freed index; 0 for none */
    uint32_t used;       /* ordinary entries in use */
    uint32_t room;       /* ordinary entries that are free or were never used */
};

enum handle_check {
    HANDLE_OK,
    HANDLE_BAD,    /* no such handle: never issued, stale, or of another type */
    HANDLE_DENIED, /* the handle is good but lacks a right */
};

/* May a new handle take exactly the wanted value? */
enum handle_place {
    HANDLE_PLACE_OK,
    HANDLE_PLACE_NEEDS_PAGE,   /* perhaps, once a page has been added: ask again */
    HANDLE_PLACE_EXISTS,       /* the index is in use, or its generation is past the wanted one */
    HANDLE_PLACE_OUT_OF_REACH, /* no ordinary handle value, or too far above the others */
};

/*@
  // Handles and words as numbers.
  logic integer index_in(integer handle) = handle % HANDLE_GENERATION_ONE;
  logic integer generation_in(integer word) = word / HANDLE_GENERATION_ONE;
  predicate used_in(integer word) = word / HANDLE_IN_USE % 2 == 1;
  logic integer type_in(integer word) = word / HANDLE_TYPE_ONE % 128;
  logic integer rights_in(integer word) = word % HANDLE_TYPE_ONE;
  logic integer word_of(integer generation, integer type, integer rights) =
    generation * HANDLE_GENERATION_ONE + HANDLE_IN_USE + type * HANDLE_TYPE_ONE + rights;

  // The memory is there.
  logic integer capacity(struct handle_table *t) = t->leaves * HANDLE_LEAF_ENTRIES;
  logic struct handle_entry *entry_at(struct handle_table *t, integer index) =
    t->directory[index / HANDLE_LEAF_ENTRIES] + index % HANDLE_LEAF_ENTRIES;
  predicate handles_readable(struct handle_table *t) = \valid_read(t) && t->leaves <= HANDLE_LEAVES_MAX &&
    \valid_read(t->directory + (0 .. t->leaves - 1)) &&
    \forall integer i; 0 <= i < capacity(t) ==> \valid_read(entry_at(t, i));
  // And no two entries share any of it.
  predicate handles_writable(struct handle_table *t) = handles_readable(t) && \valid(t) &&
    (\forall integer i; 0 <= i < capacity(t) ==> \valid(entry_at(t, i))) &&
    \forall integer i, j; 0 <= i < capacity(t) && 0 <= j < capacity(t) && i != j ==>
      \separated(entry_at(t, i), entry_at(t, j));
  logic integer word_at(struct handle_table *t, integer index) = entry_at(t, index)->word;
  logic integer value_at(struct handle_table *t, integer index) = entry_at(t, index)->value;

  // Every entry is of one of the four kinds; a generation is at least 1.
  predicate free_in(integer word) = word > HANDLE_RETIRED && !used_in(word);
  predicate word_sound(integer word) =
    used_in(word) ? generation_in(word) >= 1 : word <= HANDLE_RETIRED || word % HANDLE_GENERATION_ONE == 0;
  predicate words_sound(struct handle_table *t) =
    (\forall integer i; 0 <= i < capacity(t) ==> word_sound(word_at(t, i))) &&
    (\forall integer i; 0 <= i < HANDLE_FIRST_ORDINARY && i < capacity(t) ==> !free_in(word_at(t, i)));
  // ABI-HANDLE-2: `fresh` is the lowest index that was never used.
  predicate fresh_sound(struct handle_table *t) =
    HANDLE_FIRST_ORDINARY <= t->fresh <= HANDLE_LEAVES_MAX * HANDLE_LEAF_ENTRIES &&
    (\forall integer i; HANDLE_FIRST_ORDINARY <= i < t->fresh && i < capacity(t) ==> word_at(t, i) != 0) &&
    (t->fresh < capacity(t) ==> word_at(t, t->fresh) == 0);
  // The free entries are linked both ways, all but `x` (0: all).
  logic integer previous_of(struct handle_table *t, integer i) = value_at(t, i) / 4294967296;
  logic integer next_of(struct handle_table *t, integer i) = value_at(t, i) % 4294967296;
  predicate linked(struct handle_table *t, integer i, integer x) =
    i != x && HANDLE_FIRST_ORDINARY <= i < capacity(t) && free_in(word_at(t, i));
  predicate first_sound(struct handle_table *t, integer x) =
    t->first_free == 0 || (linked(t, t->first_free, x) && previous_of(t, t->first_free) == 0);
  predicate previous_sound(struct handle_table *t, integer x) = \forall integer i; linked(t, i, x) ==>
    (previous_of(t, i) == 0 ? t->first_free == i
                            : linked(t, previous_of(t, i), x) && next_of(t, previous_of(t, i)) == i);
  predicate next_sound(struct handle_table *t, integer x) = \forall integer i; linked(t, i, x) ==>
    next_of(t, i) == 0 || (linked(t, next_of(t, i), x) && previous_of(t, next_of(t, i)) == i);
  predicate links_sound(struct handle_table *t, integer x) =
    first_sound(t, x) && previous_sound(t, x) && next_sound(t, x);
  predicate handles_sound(struct handle_table *t) =
    handles_writable(t) && words_sound(t) && fresh_sound(t) && links_sound(t, 0);

  // ABI-HANDLE-2: what the next new handle will be.
  logic integer next_index(struct handle_table *t) = t->first_free != 0 ? t->first_free : t->fresh;
  logic integer generation_due(integer word) = word == 0 ? 1 : generation_in(word);
  logic integer handle_of(integer generation, integer index) = generation * HANDLE_GENERATION_ONE + index;
  // Where a handle of the caller's choice may go.
  predicate insertable(struct handle_table *t, integer handle) = generation_in(handle) >= 1 &&
    HANDLE_FIRST_ORDINARY <= index_in(handle) <= t->fresh + HANDLE_REACH &&
    index_in(handle) < HANDLE_LEAVES_MAX * HANDLE_LEAF_ENTRIES;
  predicate open_to(integer handle, integer word) =
    (word == 0 || free_in(word)) && generation_in(handle) >= generation_due(word);
  predicate none_used(struct handle_table *t, integer from, integer end) =
    \forall integer i; from <= i < end ==> !used_in(word_at(t, i));
  logic integer visit_from(integer cursor) = cursor < HANDLE_FIRST_ORDINARY ? HANDLE_FIRST_ORDINARY : cursor;

  // What a change of entry `x` leaves alone: all other words, and the values of those that are in use.
  predicate others_kept{A, B}(struct handle_table *t, integer x) = \forall integer i; 0 <= i < capacity{A}(t) && i != x
  ==> word_at{B}(t, i) == word_at{A}(t, i) && (used_in(word_at{A}(t, i)) ==> value_at{B}(t, i) == value_at{A}(t, i));

  // ABI-HANDLE-3 and 4: the handle's index is in use with its generation; the type is right; no right is lacking.
  predicate names(integer handle, integer word) = used_in(word) && generation_in(word) == generation_in(handle);
  predicate has_type(integer word, integer type) = type == HANDLE_TYPE_ANY || type_in(word) == type;
  predicate has_rights(integer word, integer rights) = (rights_in(word) & rights) == rights;
  predicate is_handle(struct handle_table *t, integer handle, integer type) = index_in(handle) < capacity(t) &&
    names(handle, word_at(t, index_in(handle))) && has_type(word_at(t, index_in(handle)), type);
*/

/*@ assigns \nothing; ensures \result == index_in(handle); */
static inline uint32_t handle_index(uint64_t handle)
{
    return handle % HANDLE_GENERATION_ONE;
}

/* Of a handle, or of a word. */
/*@ assigns \nothing; ensures \result == generation_in(handle); */
static inline uint64_t handle_generation(uint64_t handle)
{
    return handle / HANDLE_GENERATION_ONE;
}

/*@ requires \valid_read(entry); assigns \nothing; ensures \result <==> used_in(entry->word); */
static inline bool handle_entry_used(const struct handle_entry *entry)
{
    return entry->word / HANDLE_IN_USE % 2;
}

/*@ requires \valid_read(entry); assigns \nothing; ensures \result == type_in(entry->word); */
static inline uint8_t handle_entry_type(const struct handle_entry *entry)
{
    return entry->word / HANDLE_TYPE_ONE % (HANDLE_TYPE_MAX + 1);
}

/*@ requires \valid_read(entry); assigns \nothing; ensures \result == rights_in(entry->word); */
static inline uint16_t handle_entry_rights(const struct handle_entry *entry)
{
    return entry->word % HANDLE_TYPE_ONE;
}

/* Of one in use. */
/*@ requires \valid_read(entry); assigns \nothing; ensures \result == (void *)entry->value; */
static inline void *handle_entry_object(const struct handle_entry *entry)
{
    return (void *)(uintptr_t)entry->value;
}

/*@
  requires handles_readable(table);
  assigns \nothing;
  ensures index < capacity(table) ==> \result == entry_at(table, index);
  ensures index >= capacity(table) ==> \result == \null;
*/
static inline struct handle_entry *handle_table_entry(const struct handle_table *table, uint32_t index)
{
    uint32_t leaf = index / HANDLE_LEAF_ENTRIES;

    return leaf < table->leaves ? &table->directory[leaf][index % HANDLE_LEAF_ENTRIES] : NULL;
}

/* Is the word of an entry in use, with this handle's generation, of the type, with all of the rights? */
/*@
  requires type <= HANDLE_TYPE_MAX;
  assigns \nothing;
  ensures \result <==> names(handle, word) && has_type(word, type) && has_rights(word, rights);
*/
static inline bool handle_fits(uint64_t handle, uint8_t type, uint16_t rights, uint64_t word)
{
    uint64_t least = handle_generation(handle) * HANDLE_GENERATION_ONE + HANDLE_IN_USE + type * HANDLE_TYPE_ONE;
    uint64_t unit = type ? HANDLE_TYPE_ONE : HANDLE_IN_USE;

    return word / unit * unit == least && (word % HANDLE_TYPE_ONE & rights) == rights;
}

/* Why a look-up has failed: the slow half of handle_lookup. */
/*@
  requires handles_readable(table);
  assigns \nothing;
  ensures is_handle(table, handle, type) ==> \result == HANDLE_DENIED;
  ensures !is_handle(table, handle, type) ==> \result == HANDLE_BAD;
*/
enum handle_check handle_lookup_failure(const struct handle_table *table, uint64_t handle, uint8_t type);

/*
 * The entry of a handle of this type (HANDLE_TYPE_ANY: of any) with all of these rights; else NULL, and *why says
 * why. *why is left alone on success.
 */
/*@
  requires handles_readable(table) && \valid(why) && type <= HANDLE_TYPE_MAX;
  assigns *why;
  behavior found:
    assumes is_handle(table, handle, type) && has_rights(word_at(table, index_in(handle)), rights);
    ensures \result == entry_at(table, index_in(handle)) && *why == \old(*why);
  behavior denied:
    assumes is_handle(table, handle, type) && !has_rights(word_at(table, index_in(handle)), rights);
    ensures \result == \null && *why == HANDLE_DENIED;
  behavior bad:
    assumes !is_handle(table, handle, type);
    ensures \result == \null && *why == HANDLE_BAD;
  complete behaviors;
  disjoint behaviors;
*/
static inline struct handle_entry *handle_lookup_entry(const struct handle_table *table, uint64_t handle, uint8_t type,
                                                       uint16_t rights, enum handle_check *why)
{
    struct handle_entry *entry = handle_table_entry(table, handle_index(handle));

    if (entry && handle_fits(handle, type, rights, entry->word))
        return entry;
    *why = handle_lookup_failure(table, handle, type);
    return NULL;
}

/*@
  requires handles_readable(table) && \valid(why) && type <= HANDLE_TYPE_MAX;
  assigns *why;
  behavior found:
    assumes is_handle(table, handle, type) && has_rights(word_at(table, index_in(handle)), rights);
    ensures \result == (void *)value_at(table, index_in(handle)) && *why == \old(*why);
  behavior denied:
    assumes is_handle(table, handle, type) && !has_rights(word_at(table, index_in(handle)), rights);
    ensures \result == \null && *why == HANDLE_DENIED;
  behavior bad:
    assumes !is_handle(table, handle, type);
    ensures \result == \null && *why == HANDLE_BAD;
*/
static inline void *handle_lookup(const struct handle_table *table, uint64_t handle, uint8_t type, uint16_t rights,
                                  enum handle_check *why)
{
    struct handle_entry *entry = handle_lookup_entry(table, handle, type, rights, why);

    return entry ? handle_entry_object(entry) : NULL;
}

/* Owns no page yet. */
void handle_table_init(struct handle_table *table);

/* Can n handles be inserted without a further page? */
/*@ requires \valid_read(table); assigns \nothing; ensures \result <==> table->room >= n; */
static inline bool handle_table_room(const struct handle_table *table, uint32_t n)
{
    return table->room >= n;
}

/* Must a page be added before one more handle can be inserted? (For a new table twice.) */
/*@ requires \valid_read(table); assigns \nothing; ensures \result <==> table->room == 0; */
static inline bool handle_table_needs_page(const struct handle_table *table)
{
    return !table->room;
}

/* The table has all the pages that it can have. */
/*@ requires \valid_read(table); assigns \nothing; ensures \result <==> table->leaves == HANDLE_LEAVES_MAX; */
static inline bool handle_table_complete(const struct handle_table *table)
{
    return table->leaves == HANDLE_LEAVES_MAX;
}

/* Takes a zeroed page over. False when the table is complete. */
bool handle_table_add_page(struct handle_table *table, void *page) __attribute__((warn_unused_result));

/* For the end of a table without used entries: hands the pages back one by one, the directory last, then NULL. */
void *handle_table_remove_page(struct handle_table *table);

/* Sets index 1, 2 or 3, again if need be; the pages must be there. A NULL object empties it. */
/*@
  requires handles_sound(table) && 1 <= index < HANDLE_FIRST_ORDINARY <= capacity(table) && type <= HANDLE_TYPE_MAX;
  assigns *entry_at(table, index);
  ensures handles_sound(table) && others_kept{Pre, Here}(table, index);
  ensures word_at(table, index) == (object == \null ? 0 : word_of(1, type, rights));
  ensures (void *)value_at(table, index) == object;
*/
void handle_table_set_fixed(struct handle_table *table, uint32_t index, uint8_t type, uint16_t rights, void *object);

/* The new handle; 0, with nothing changed, when a page is needed first. */
/*@
  requires handles_sound(table) && type <= HANDLE_TYPE_MAX;
  assigns *table, { *entry_at(table, i) | integer i; 0 <= i < capacity(table) };
  ensures handles_sound(table);
  behavior complete:
    assumes next_index(table) >= capacity(table);
    assigns \nothing;
    ensures \result == 0;
  behavior room:
    assumes next_index(table) < capacity(table);
    ensures \result == handle_of(\old(generation_due(word_at(table, next_index(table)))), \old(next_index(table)));
    ensures word_at(table, index_in(\result)) == word_of(generation_in(\result), type, rights);
    ensures (void *)value_at(table, index_in(\result)) == object;
    ensures others_kept{Pre, Here}(table, index_in(\result));
*/
uint64_t handle_insert(struct handle_table *table, uint8_t type, uint16_t rights, void *object);

/*@
  requires handles_sound(table);
  assigns \nothing;
  ensures \result == HANDLE_PLACE_OK <==> insertable(table, wanted) && index_in(wanted) < capacity(table) &&
    open_to(wanted, word_at(table, index_in(wanted)));
  ensures \result == HANDLE_PLACE_NEEDS_PAGE <==> insertable(table, wanted) && index_in(wanted) >= capacity(table);
  ensures \result == HANDLE_PLACE_OUT_OF_REACH <==> !insertable(table, wanted);
*/
enum handle_place handle_place(const struct handle_table *table, uint64_t wanted);

/* Inserts exactly this handle. handle_place has just said HANDLE_PLACE_OK. */
/*@
  requires handles_sound(table) && type <= HANDLE_TYPE_MAX && insertable(table, wanted) &&
    index_in(wanted) < capacity(table) && open_to(wanted, word_at(table, index_in(wanted)));
  assigns *table, { *entry_at(table, i) | integer i; 0 <= i < capacity(table) };
  ensures handles_sound(table) && others_kept{Pre, Here}(table, index_in(wanted));
  ensures word_at(table, index_in(wanted)) == word_of(generation_in(wanted), type, rights);
  ensures (void *)value_at(table, index_in(wanted)) == object;
*/
void handle_insert_at(struct handle_table *table, uint64_t wanted, uint8_t type, uint16_t rights, void *object);

/* Frees an ordinary handle and answers its object; NULL, with nothing changed, when it is stale or fixed. */
/*@
  requires handles_sound(table);
  assigns *table, { *entry_at(table, i) | integer i; 0 <= i < capacity(table) };
  ensures handles_sound(table);
  behavior good:
    assumes index_in(handle) >= HANDLE_FIRST_ORDINARY && is_handle(table, handle, HANDLE_TYPE_ANY);
    ensures \result == (void *)\old(value_at(table, index_in(handle)));
    ensures !used_in(word_at(table, index_in(handle))) && others_kept{Pre, Here}(table, index_in(handle));
    ensures generation_in(handle) < HANDLE_GENERATION_LAST ==> table->first_free == index_in(handle) &&
      word_at(table, index_in(handle)) == (generation_in(handle) + 1) * HANDLE_GENERATION_ONE;
    ensures generation_in(handle) == HANDLE_GENERATION_LAST ==> word_at(table, index_in(handle)) == HANDLE_RETIRED;
  behavior bad:
    assumes index_in(handle) < HANDLE_FIRST_ORDINARY || !is_handle(table, handle, HANDLE_TYPE_ANY);
    assigns \nothing;
    ensures \result == \null;
*/
void *handle_remove(struct handle_table *table, uint64_t handle);

/*
 * Visits the ordinary used entries in steps of bounded length, *cursor starting with 0. False at the end. Else *handle
 * is the next used one, or 0 when this step, 256 entries at most, came upon none. Visited handles may be removed.
 */
/*@
  requires handles_sound(table) && \valid(cursor) && \valid(handle) && \separated(cursor, table);
  requires \forall integer i; 0 <= i < capacity(table) ==> \separated(handle, entry_at(table, i));
  assigns *cursor, *handle;
  ensures \result <==> visit_from(\old(*cursor)) < capacity(table);
  ensures \result ==> visit_from(\old(*cursor)) < *cursor <= visit_from(\old(*cursor)) + HANDLE_LEAF_ENTRIES;
  ensures \result && *handle == 0 ==> none_used(table, visit_from(\old(*cursor)), *cursor);
  ensures *handle != 0 ==> \result && none_used(table, visit_from(\old(*cursor)), *cursor - 1) &&
    used_in(word_at(table, *cursor - 1)) &&
    *handle == handle_of(generation_in(word_at(table, *cursor - 1)), *cursor - 1);
*/
bool handle_next_used(const struct handle_table *table, uint32_t *cursor, uint64_t *handle);

/* Recounts everything; walks all entries. */
bool handle_table_invariants(const struct handle_table *table);
