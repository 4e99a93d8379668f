/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The handle table of a process. A handle is 64 bits: index in 0..23, generation in 24..63; 0 is never valid.
 *
 * An entry's word packs generation (24..63), in use (23), type (16..22) and rights (0..15), so that a look-up checks
 * all of them with one masked compare. An entry is one of
 *   never used  word 0
 *   used        word with the in-use bit, object
 *   free        word with nothing but the generation that comes next; linked by index
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

#define HANDLE_INDEX_MASK ((UINT64_C(1) << HANDLE_INDEX_BITS) - 1)
#define HANDLE_GENERATION_MASK (~HANDLE_INDEX_MASK)
#define HANDLE_GENERATION_ONE (UINT64_C(1) << HANDLE_INDEX_BITS)
#define HANDLE_IN_USE (UINT64_C(1) << 23)
#define HANDLE_TYPE_SHIFT 16
#define HANDLE_TYPE_MASK (UINT64_C(127) << HANDLE_TYPE_SHIFT)
#define HANDLE_RIGHTS_MASK UINT64_C(0xffff)

/* The values of the fixed entries. */
#define HANDLE_FIXED(index) (HANDLE_GENERATION_ONE | (index))

struct handle_entry {
    uint64_t word;
    union {
        void *object;
        struct {
            uint32_t previous; /* towards the most recently freed; 0 for none */
            uint32_t next;
        };
    };
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

static inline uint8_t handle_entry_type(const struct handle_entry *entry)
{
    return (uint8_t)((entry->word & HANDLE_TYPE_MASK) >> HANDLE_TYPE_SHIFT);
}

static inline uint16_t handle_entry_rights(const struct handle_entry *entry)
{
    return (uint16_t)(entry->word & HANDLE_RIGHTS_MASK);
}

static inline struct handle_entry *handle_table_entry(const struct handle_table *table, uint32_t index)
{
    uint32_t leaf = index >> HANDLE_LEAF_SHIFT;

    return leaf < table->leaves ? &table->directory[leaf][index & (HANDLE_LEAF_ENTRIES - 1)] : NULL;
}

/* Why a look-up has failed: the slow half of handle_lookup. */
enum handle_check handle_lookup_failure(const struct handle_table *table, uint64_t handle, uint8_t type);

/*
 * The entry of a handle of this type (HANDLE_TYPE_ANY: of any) with all of these rights; else NULL, and *why says
 * why. *why is left alone on success.
 */
static inline struct handle_entry *handle_lookup_entry(const struct handle_table *table, uint64_t handle, uint8_t type,
                                                       uint16_t rights, enum handle_check *why)
{
    struct handle_entry *entry = handle_table_entry(table, (uint32_t)(handle & HANDLE_INDEX_MASK));
    uint64_t want = (handle & HANDLE_GENERATION_MASK) | HANDLE_IN_USE | (uint64_t)type << HANDLE_TYPE_SHIFT | rights;
    uint64_t mask = HANDLE_GENERATION_MASK | HANDLE_IN_USE | (type ? HANDLE_TYPE_MASK : 0) | rights;

    if (entry && (entry->word & mask) == want)
        return entry;
    *why = handle_lookup_failure(table, handle, type);
    return NULL;
}

static inline void *handle_lookup(const struct handle_table *table, uint64_t handle, uint8_t type, uint16_t rights,
                                  enum handle_check *why)
{
    struct handle_entry *entry = handle_lookup_entry(table, handle, type, rights, why);

    return entry ? entry->object : NULL;
}

/* Owns no page yet. */
void handle_table_init(struct handle_table *table);

/* Can n handles be inserted without a further page? */
static inline bool handle_table_room(const struct handle_table *table, uint32_t n)
{
    return table->room >= n;
}

/* Must a page be added before one more handle can be inserted? (For a new table twice.) */
static inline bool handle_table_needs_page(const struct handle_table *table)
{
    return !table->room;
}

/* The table has all the pages that it can have. */
static inline bool handle_table_complete(const struct handle_table *table)
{
    return table->leaves == HANDLE_LEAVES_MAX;
}

/* Takes a zeroed page over. False when the table is complete. */
bool handle_table_add_page(struct handle_table *table, void *page) __attribute__((warn_unused_result));

/* For the end of a table without used entries: hands the pages back one by one, the directory last, then NULL. */
void *handle_table_remove_page(struct handle_table *table);

/* Sets index 1, 2 or 3, again if need be; the pages must be there. A NULL object empties it. */
void handle_table_set_fixed(struct handle_table *table, uint32_t index, uint8_t type, uint16_t rights, void *object);

/* The new handle; 0, with nothing changed, when a page is needed first. */
uint64_t handle_insert(struct handle_table *table, uint8_t type, uint16_t rights, void *object);

enum handle_place handle_place(const struct handle_table *table, uint64_t wanted);

/* Inserts exactly this handle. handle_place has just said HANDLE_PLACE_OK. */
void handle_insert_at(struct handle_table *table, uint64_t wanted, uint8_t type, uint16_t rights, void *object);

/* Frees an ordinary handle and answers its object; NULL, with nothing changed, when it is stale or fixed. */
void *handle_remove(struct handle_table *table, uint64_t handle);

/*
 * Visits the ordinary used entries in steps of bounded length, *cursor starting with 0. False at the end. Else *handle
 * is the next used one, or 0 when this step, 256 entries at most, came upon none. Visited handles may be removed.
 */
bool handle_next_used(const struct handle_table *table, uint32_t *cursor, uint64_t *handle);

/* Recounts everything; walks all entries. */
bool handle_table_invariants(const struct handle_table *table);
