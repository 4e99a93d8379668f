/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/handle_table.h"

#define HANDLE_GENERATION_LAST (HANDLE_GENERATION_MASK >> HANDLE_INDEX_BITS)

_Static_assert(sizeof(struct handle_entry) * HANDLE_LEAF_ENTRIES == 4096, "a leaf is a page");
_Static_assert(sizeof(struct handle_entry *) * HANDLE_LEAVES_MAX == 4096, "the directory is a page");

static uint64_t generation_of(uint64_t handle)
{
    return handle >> HANDLE_INDEX_BITS;
}

static uint32_t index_of(uint64_t handle)
{
    return (uint32_t)(handle & HANDLE_INDEX_MASK);
}

/* Index behind the last entry that there is a page for. */
static uint32_t capacity_of(const struct handle_table *table)
{
    return table->leaves * HANDLE_LEAF_ENTRIES;
}

static bool never_used(const struct handle_entry *entry)
{
    return entry->word == 0;
}

static bool is_free(const struct handle_entry *entry)
{
    return !never_used(entry) && !(entry->word & HANDLE_IN_USE) && entry->word != HANDLE_RETIRED;
}

/* The generation that the next handle of an unused entry gets. */
static uint64_t next_generation(const struct handle_entry *entry)
{
    return never_used(entry) ? 1 : generation_of(entry->word);
}

static void entry_set(struct handle_entry *entry, uint64_t generation, uint8_t type, uint16_t rights, void *object)
{
    entry->word = generation << HANDLE_INDEX_BITS | HANDLE_IN_USE | (uint64_t)type << HANDLE_TYPE_SHIFT | rights;
    entry->object = object;
}

enum handle_check handle_lookup_failure(const struct handle_table *table, uint64_t handle, uint8_t type)
{
    const struct handle_entry *entry = handle_table_entry(table, index_of(handle));

    if (!entry || !(entry->word & HANDLE_IN_USE) || generation_of(entry->word) != generation_of(handle))
        return HANDLE_BAD;
    return type == HANDLE_TYPE_ANY || type == handle_entry_type(entry) ? HANDLE_DENIED : HANDLE_BAD;
}

void handle_table_init(struct handle_table *table)
{
    *table = (struct handle_table){.fresh = HANDLE_FIRST_ORDINARY};
}

bool handle_table_add_page(struct handle_table *table, void *page)
{
    if (handle_table_complete(table))
        return false;
    if (!table->directory) {
        table->directory = page;
        return true;
    }
    table->room += table->leaves ? HANDLE_LEAF_ENTRIES : HANDLE_LEAF_ENTRIES - HANDLE_FIRST_ORDINARY;
    table->directory[table->leaves++] = page;
    return true;
}

void *handle_table_remove_page(struct handle_table *table)
{
    void *page = table->directory;

    if (table->leaves)
        return table->directory[--table->leaves];
    handle_table_init(table);
    return page;
}

void handle_table_set_fixed(struct handle_table *table, uint32_t index, uint8_t type, uint16_t rights, void *object)
{
    struct handle_entry *entry = handle_table_entry(table, index);

    if (object)
        entry_set(entry, 1, type, rights, object);
    else
        *entry = (struct handle_entry){0};
}

static void free_push(struct handle_table *table, struct handle_entry *entry, uint32_t index)
{
    entry->previous = 0;
    entry->next = table->first_free;
    if (entry->next)
        handle_table_entry(table, entry->next)->previous = index;
    table->first_free = index;
}

static void free_unlink(struct handle_table *table, const struct handle_entry *entry)
{
    if (entry->previous)
        handle_table_entry(table, entry->previous)->next = entry->next;
    else
        table->first_free = entry->next;
    if (entry->next)
        handle_table_entry(table, entry->next)->previous = entry->previous;
}

/* Moves `fresh` over entries that were taken out of turn: no more than HANDLE_REACH. */
static void fresh_settle(struct handle_table *table)
{
    while (table->fresh < capacity_of(table) && !never_used(handle_table_entry(table, table->fresh)))
        table->fresh++;
}

/* Takes an entry that is free or was never used. */
static uint64_t entry_take(struct handle_table *table, uint32_t index, uint64_t generation, uint8_t type,
                           uint16_t rights, void *object)
{
    struct handle_entry *entry = handle_table_entry(table, index);

    if (is_free(entry))
        free_unlink(table, entry);
    entry_set(entry, generation, type, rights, object);
    fresh_settle(table);
    table->used++;
    table->room--;
    return generation << HANDLE_INDEX_BITS | index;
}

uint64_t handle_insert(struct handle_table *table, uint8_t type, uint16_t rights, void *object)
{
    uint32_t index = table->first_free ? table->first_free : table->fresh;

    if (!table->room)
        return 0;
    return entry_take(table, index, next_generation(handle_table_entry(table, index)), type, rights, object);
}

enum handle_place handle_place(const struct handle_table *table, uint64_t wanted)
{
    uint32_t index = index_of(wanted);
    const struct handle_entry *entry = handle_table_entry(table, index);

    if (index < HANDLE_FIRST_ORDINARY || generation_of(wanted) == 0 || index > table->fresh + HANDLE_REACH ||
        index >= HANDLE_LEAVES_MAX * HANDLE_LEAF_ENTRIES)
        return HANDLE_PLACE_OUT_OF_REACH;
    if (!entry)
        return HANDLE_PLACE_NEEDS_PAGE;
    if (!never_used(entry) && !is_free(entry))
        return HANDLE_PLACE_EXISTS;
    return generation_of(wanted) >= next_generation(entry) ? HANDLE_PLACE_OK : HANDLE_PLACE_EXISTS;
}

void handle_insert_at(struct handle_table *table, uint64_t wanted, uint8_t type, uint16_t rights, void *object)
{
    entry_take(table, index_of(wanted), generation_of(wanted), type, rights, object);
}

void *handle_remove(struct handle_table *table, uint64_t handle)
{
    uint32_t index = index_of(handle);
    struct handle_entry *entry = handle_table_entry(table, index);

    if (index < HANDLE_FIRST_ORDINARY || !entry || !(entry->word & HANDLE_IN_USE) ||
        generation_of(entry->word) != generation_of(handle))
        return NULL;

    void *object = entry->object;
    table->used--;
    if (generation_of(handle) == HANDLE_GENERATION_LAST) {
        *entry = (struct handle_entry){.word = HANDLE_RETIRED};
        return object;
    }
    entry->word = (handle & HANDLE_GENERATION_MASK) + HANDLE_GENERATION_ONE;
    free_push(table, entry, index);
    table->room++;
    return object;
}

bool handle_next_used(const struct handle_table *table, uint32_t *cursor, uint64_t *handle)
{
    uint32_t index = *cursor < HANDLE_FIRST_ORDINARY ? HANDLE_FIRST_ORDINARY : *cursor;
    uint32_t end = (index / HANDLE_LEAF_ENTRIES + 1) * HANDLE_LEAF_ENTRIES;

    *handle = 0;
    if (index >= capacity_of(table))
        return false;
    for (; index < end && !*handle; index++) {
        uint64_t word = handle_table_entry(table, index)->word;

        if (word & HANDLE_IN_USE)
            *handle = (word & HANDLE_GENERATION_MASK) | index;
    }
    *cursor = index;
    return true;
}

/* Length of the free list; UINT32_MAX when it is damaged. */
static uint32_t free_list_length(const struct handle_table *table)
{
    uint32_t length = 0;
    uint32_t previous = 0;

    for (uint32_t index = table->first_free; index; length++) {
        const struct handle_entry *entry = handle_table_entry(table, index);

        if (!entry || !is_free(entry) || entry->previous != previous || length > table->room)
            return UINT32_MAX;
        previous = index;
        index = entry->next;
    }
    return length;
}

bool handle_table_invariants(const struct handle_table *table)
{
    uint32_t used = 0;
    uint32_t free = 0;
    uint32_t unused = 0;

    for (uint32_t index = HANDLE_FIRST_ORDINARY; index < capacity_of(table); index++) {
        const struct handle_entry *entry = handle_table_entry(table, index);

        if (never_used(entry) && index < table->fresh)
            return false;
        used += entry->word & HANDLE_IN_USE ? 1 : 0;
        free += is_free(entry) ? 1 : 0;
        unused += never_used(entry) ? 1 : 0;
    }
    if (table->fresh < capacity_of(table) && !never_used(handle_table_entry(table, table->fresh)))
        return false;
    return used == table->used && free + unused == table->room && free_list_length(table) == free;
}
