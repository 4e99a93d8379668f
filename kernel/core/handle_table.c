/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/handle_table.h"

#define LINK_PREVIOUS (UINT64_C(1) << 32)

_Static_assert(sizeof(struct handle_entry) * HANDLE_LEAF_ENTRIES == 4096, "a leaf is a page");
_Static_assert(sizeof(struct handle_entry *) * HANDLE_LEAVES_MAX == 4096, "the directory is a page");

/* Index behind the last entry that there is a page for. */
/*@
  requires \valid_read(table) && table->leaves <= HANDLE_LEAVES_MAX;
  assigns \nothing;
  ensures \result == capacity(table);
*/
static uint32_t capacity_of(const struct handle_table *table)
{
    return table->leaves * HANDLE_LEAF_ENTRIES;
}

/*@ requires \valid_read(entry); assigns \nothing; ensures \result <==> entry->word == 0; */
static bool never_used(const struct handle_entry *entry)
{
    return entry->word == 0;
}

/*@ requires \valid_read(entry); assigns \nothing; ensures \result <==> free_in(entry->word); */
static bool is_free(const struct handle_entry *entry)
{
    return entry->word > HANDLE_RETIRED && !handle_entry_used(entry);
}

/* The generation that the next handle of an unused entry gets. */
/*@
  requires \valid_read(entry);
  assigns \nothing;
  ensures \result == (entry->word ? generation_in(entry->word) : 1);
*/
static uint64_t next_generation(const struct handle_entry *entry)
{
    return never_used(entry) ? 1 : handle_generation(entry->word);
}

/* The neighbours of a free entry. */
/*@ requires \valid_read(entry); assigns \nothing; ensures \result == entry->value / 4294967296; */
static uint32_t previous_free(const struct handle_entry *entry)
{
    return entry->value / LINK_PREVIOUS;
}

/*@ requires \valid_read(entry); assigns \nothing; ensures \result == entry->value % 4294967296; */
static uint32_t next_free(const struct handle_entry *entry)
{
    return entry->value % LINK_PREVIOUS;
}

/*@
  requires handles_writable(table) && index < capacity(table);
  assigns *entry_at(table, index);
  ensures word_at(table, index) == word && value_at(table, index) == value;
  ensures \forall integer i; 0 <= i < capacity(table) && i != index ==> word_at(table, i) == \old(word_at(table, i));
  ensures \forall integer i; 0 <= i < capacity(table) && i != index ==> value_at(table, i) == \old(value_at(table, i));
*/
static void entry_set(struct handle_table *table, uint32_t index, uint64_t word, uint64_t value)
{
    *handle_table_entry(table, index) = (struct handle_entry){word, value};
}

/*@
  requires handles_writable(table) && index < capacity(table);
  assigns entry_at(table, index)->value;
  ensures previous_of(table, index) == previous && next_of(table, index) == next;
  ensures \forall integer i; 0 <= i < capacity(table) ==> word_at(table, i) == \old(word_at(table, i));
  ensures \forall integer i; 0 <= i < capacity(table) && i != index ==> value_at(table, i) == \old(value_at(table, i));
*/
static void entry_link(struct handle_table *table, uint32_t index, uint32_t previous, uint32_t next)
{
    handle_table_entry(table, index)->value = previous * LINK_PREVIOUS + next;
}

/*@
  requires generation <= HANDLE_GENERATION_LAST && type <= HANDLE_TYPE_MAX;
  assigns \nothing;
  ensures \result == word_of(generation, type, rights);
  ensures used_in(\result) && generation_in(\result) == generation;
*/
static uint64_t used_word(uint64_t generation, uint8_t type, uint16_t rights)
{
    return generation * HANDLE_GENERATION_ONE + HANDLE_IN_USE + type * HANDLE_TYPE_ONE + rights;
}

enum handle_check handle_lookup_failure(const struct handle_table *table, uint64_t handle, uint8_t type)
{
    const struct handle_entry *entry = handle_table_entry(table, handle_index(handle));

    if (!entry || !handle_entry_used(entry) || handle_generation(entry->word) != handle_generation(handle))
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
    entry_set(table, index, object ? used_word(1, type, rights) : 0, (uintptr_t)object);
    //@ assert \forall integer i; linked(table, i, 0) <==> \at(linked(table, i, 0), Pre);
    //@ assert \forall integer i; linked(table, i, 0) ==> value_at(table, i) == \at(value_at(table, i), Pre);
    //@ assert words_sound(table);
}

/*@
  requires handles_writable(table) && words_sound(table) && fresh_sound(table) && links_sound(table, index);
  requires HANDLE_FIRST_ORDINARY <= index < capacity(table) && free_in(word_at(table, index));
  assigns table->first_free, entry_at(table, index)->value, entry_at(table, table->first_free)->value;
  ensures others_kept{Pre, Here}(table, index) && word_at(table, index) == \old(word_at(table, index));
  ensures handles_sound(table) && table->first_free == index && next_of(table, index) == \old(table->first_free);
*/
static void free_push(struct handle_table *table, uint32_t index)
{
    uint32_t next = table->first_free;

    entry_link(table, index, 0, next);
    if (next)
        entry_link(table, next, index, next_free(handle_table_entry(table, next)));
    table->first_free = index;
    //@ assert \forall integer i; linked(table, i, 0) <==> i == index || \at(linked(table, i, index), Pre);
    //@ assert \forall integer i; linked(table, i, index) ==> next_of(table, i) == \at(next_of(table, i), Pre);
    /*@ assert \forall integer i; linked(table, i, index) && i != next ==>
          previous_of(table, i) == \at(previous_of(table, i), Pre); */
    //@ assert words_sound(table);
    //@ assert fresh_sound(table);
    //@ assert first_sound(table, 0);
    //@ assert previous_sound(table, 0);
    //@ assert next_sound(table, 0);
}

/*@
  requires handles_writable(table) && links_sound(table, 0);
  requires HANDLE_FIRST_ORDINARY <= index < capacity(table) && free_in(word_at(table, index));
  assigns table->first_free, { *entry_at(table, i) | integer i; 0 <= i < capacity(table) };
  ensures links_sound(table, index) && word_at(table, index) == \old(word_at(table, index));
  ensures others_kept{Pre, Here}(table, index);
  ensures \old(table->first_free) == index ==> table->first_free == \old(next_of(table, index));
*/
static void free_unlink(struct handle_table *table, uint32_t index)
{
    const struct handle_entry *entry = handle_table_entry(table, index);
    uint32_t previous = previous_free(entry);
    uint32_t next = next_free(entry);

    if (previous)
        entry_link(table, previous, previous_free(handle_table_entry(table, previous)), next);
    else
        table->first_free = next;
    if (next)
        entry_link(table, next, previous, next_free(handle_table_entry(table, next)));
    //@ assert \forall integer i; linked(table, i, index) <==> i != index && \at(linked(table, i, 0), Pre);
    /*@ assert \forall integer i; linked(table, i, index) && i != previous ==>
          next_of(table, i) == \at(next_of(table, i), Pre); */
    /*@ assert \forall integer i; linked(table, i, index) && i != next ==>
          previous_of(table, i) == \at(previous_of(table, i), Pre); */
    //@ assert first_sound(table, index);
    //@ assert previous_sound(table, index);
    //@ assert next_sound(table, index);
}

/* Moves `fresh` over entries that were taken out of turn: no more than HANDLE_REACH. */
/*@
  requires handles_writable(table) && HANDLE_FIRST_ORDINARY <= table->fresh <= HANDLE_LEAVES_MAX * HANDLE_LEAF_ENTRIES;
  requires \forall integer i; HANDLE_FIRST_ORDINARY <= i < table->fresh && i < capacity(table) ==>
    word_at(table, i) != 0;
  requires words_sound(table) && links_sound(table, 0);
  assigns table->fresh;
  ensures handles_sound(table);
*/
static void fresh_settle(struct handle_table *table)
{
    /*@
      loop invariant HANDLE_FIRST_ORDINARY <= table->fresh <= HANDLE_LEAVES_MAX * HANDLE_LEAF_ENTRIES;
      loop invariant \forall integer i; HANDLE_FIRST_ORDINARY <= i < table->fresh && i < capacity(table) ==>
        word_at(table, i) != 0;
      loop assigns table->fresh;
      loop variant capacity(table) - table->fresh;
    */
    while (table->fresh < capacity_of(table) && !never_used(handle_table_entry(table, table->fresh)))
        table->fresh++;
    //@ assert \forall integer i; linked(table, i, 0) <==> \at(linked(table, i, 0), Pre);
    //@ assert words_sound(table);
}

/* Puts into use what is linked no more. */
/*@
  requires handles_writable(table) && words_sound(table) && links_sound(table, index);
  requires HANDLE_FIRST_ORDINARY <= index < capacity(table) && used_in(word) && generation_in(word) >= 1;
  assigns *entry_at(table, index);
  ensures words_sound(table) && links_sound(table, 0) && others_kept{Pre, Here}(table, index);
  ensures word_at(table, index) == word && (void *)value_at(table, index) == object;
*/
static void entry_use(struct handle_table *table, uint32_t index, uint64_t word, void *object)
{
    entry_set(table, index, word, (uintptr_t)object);
    //@ assert \forall integer i; linked(table, i, 0) <==> \at(linked(table, i, index), Pre);
    //@ assert \forall integer i; linked(table, i, 0) ==> value_at(table, i) == \at(value_at(table, i), Pre);
    //@ assert first_sound(table, 0);
    //@ assert previous_sound(table, 0);
    //@ assert next_sound(table, 0);
}

/* Takes out of use what is to be retired, or linked. */
/*@
  requires handles_sound(table);
  requires HANDLE_FIRST_ORDINARY <= index < capacity(table) && used_in(word_at(table, index));
  requires word == HANDLE_RETIRED || (word > HANDLE_RETIRED && word % HANDLE_GENERATION_ONE == 0);
  assigns *entry_at(table, index);
  ensures words_sound(table) && links_sound(table, index) && others_kept{Pre, Here}(table, index);
  ensures word_at(table, index) == word && fresh_sound(table);
  ensures word == HANDLE_RETIRED ==> links_sound(table, 0);
*/
static void entry_vacate(struct handle_table *table, uint32_t index, uint64_t word)
{
    entry_set(table, index, word, 0);
    //@ assert \forall integer i; linked(table, i, index) <==> \at(linked(table, i, 0), Pre);
    //@ assert word == HANDLE_RETIRED ==> \forall integer i; linked(table, i, 0) <==> \at(linked(table, i, 0), Pre);
    //@ assert \forall integer i; linked(table, i, index) ==> value_at(table, i) == \at(value_at(table, i), Pre);
}

/* Takes an entry that is free or was never used. */
/*@
  requires handles_sound(table) && HANDLE_FIRST_ORDINARY <= index < capacity(table);
  requires word_at(table, index) == 0 || free_in(word_at(table, index));
  requires 1 <= generation <= HANDLE_GENERATION_LAST && type <= HANDLE_TYPE_MAX;
  assigns *table, { *entry_at(table, i) | integer i; 0 <= i < capacity(table) };
  ensures handles_sound(table);
  ensures \result == generation * HANDLE_GENERATION_ONE + index;
  ensures word_at(table, index) == word_of(generation, type, rights) && (void *)value_at(table, index) == object;
  ensures others_kept{Pre, Here}(table, index);
*/
static uint64_t entry_take(struct handle_table *table, uint32_t index, uint64_t generation, uint8_t type,
                           uint16_t rights, void *object)
{
    table->used++;
    table->room--;
    //@ assert \forall integer i; linked(table, i, 0) <==> \at(linked(table, i, 0), Pre);
    //@ assert handles_sound(table);
    if (is_free(handle_table_entry(table, index)))
        free_unlink(table, index);
    //@ assert links_sound(table, index) && others_kept{Pre, Here}(table, index);
    entry_use(table, index, used_word(generation, type, rights), object);
    //@ assert others_kept{Pre, Here}(table, index);
    fresh_settle(table);
    return generation * HANDLE_GENERATION_ONE + index;
}

uint64_t handle_insert(struct handle_table *table, uint8_t type, uint16_t rights, void *object)
{
    uint32_t index = table->first_free ? table->first_free : table->fresh;
    const struct handle_entry *entry = handle_table_entry(table, index);

    return entry ? entry_take(table, index, next_generation(entry), type, rights, object) : 0;
}

enum handle_place handle_place(const struct handle_table *table, uint64_t wanted)
{
    uint32_t index = handle_index(wanted);
    const struct handle_entry *entry = handle_table_entry(table, index);

    if (index < HANDLE_FIRST_ORDINARY || handle_generation(wanted) == 0 || index > table->fresh + HANDLE_REACH ||
        index >= HANDLE_LEAVES_MAX * HANDLE_LEAF_ENTRIES)
        return HANDLE_PLACE_OUT_OF_REACH;
    if (!entry)
        return HANDLE_PLACE_NEEDS_PAGE;
    if (!never_used(entry) && !is_free(entry))
        return HANDLE_PLACE_EXISTS;
    return handle_generation(wanted) >= next_generation(entry) ? HANDLE_PLACE_OK : HANDLE_PLACE_EXISTS;
}

void handle_insert_at(struct handle_table *table, uint64_t wanted, uint8_t type, uint16_t rights, void *object)
{
    entry_take(table, handle_index(wanted), handle_generation(wanted), type, rights, object);
}

void *handle_remove(struct handle_table *table, uint64_t handle)
{
    uint32_t index = handle_index(handle);
    struct handle_entry *entry = handle_table_entry(table, index);

    if (index < HANDLE_FIRST_ORDINARY || !entry || !handle_entry_used(entry) ||
        handle_generation(entry->word) != handle_generation(handle))
        return NULL;

    void *object = handle_entry_object(entry);
    uint64_t generation = handle_generation(handle);
    table->used--;
    //@ assert \forall integer i; linked(table, i, 0) <==> \at(linked(table, i, 0), Pre);
    //@ assert handles_sound(table);
    if (generation == HANDLE_GENERATION_LAST) {
        entry_vacate(table, index, HANDLE_RETIRED);
        return object;
    }
    table->room++;
    //@ assert \forall integer i; linked(table, i, 0) <==> \at(linked(table, i, 0), Pre);
    //@ assert handles_sound(table);
    entry_vacate(table, index, (generation + 1) * HANDLE_GENERATION_ONE);
    free_push(table, index);
    return object;
}

bool handle_next_used(const struct handle_table *table, uint32_t *cursor, uint64_t *handle)
{
    uint32_t index = *cursor < HANDLE_FIRST_ORDINARY ? HANDLE_FIRST_ORDINARY : *cursor;
    uint32_t end = (index / HANDLE_LEAF_ENTRIES + 1) * HANDLE_LEAF_ENTRIES;

    *handle = 0;
    if (index >= capacity_of(table))
        return false;
    /*@
      loop invariant visit_from(\at(*cursor, Pre)) <= index <= end;
      loop invariant \forall integer i; 0 <= i < capacity(table) ==> word_at(table, i) == \at(word_at(table, i), Pre);
      loop invariant *handle == 0 ==> none_used(table, visit_from(\at(*cursor, Pre)), index);
      loop invariant *handle != 0 ==> index > visit_from(\at(*cursor, Pre)) &&
        none_used(table, visit_from(\at(*cursor, Pre)), index - 1) && used_in(word_at(table, index - 1)) &&
        *handle == handle_of(generation_in(word_at(table, index - 1)), index - 1);
      loop assigns index, *handle;
      loop variant end - index;
    */
    for (; index < end && !*handle; index++) {
        const struct handle_entry *entry = handle_table_entry(table, index);

        if (handle_entry_used(entry))
            *handle = handle_generation(entry->word) * HANDLE_GENERATION_ONE + index;
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

        if (!entry || !is_free(entry) || previous_free(entry) != previous || length > table->room)
            return UINT32_MAX;
        previous = index;
        index = next_free(entry);
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
        used += handle_entry_used(entry) ? 1 : 0;
        free += is_free(entry) ? 1 : 0;
        unused += never_used(entry) ? 1 : 0;
    }
    if (table->fresh < capacity_of(table) && !never_used(handle_table_entry(table, table->fresh)))
        return false;
    return used == table->used && free + unused == table->room && free_list_length(table) == free;
}
