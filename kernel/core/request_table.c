/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/request_table.h"

_Static_assert(sizeof(struct request_slot) * REQUEST_SLOTS_PER_PAGE == 4096, "256 slots fill a page");

static uint32_t id_of(const struct request_slot *slot, uint32_t number)
{
    return (uint32_t)slot->generation << 16 | (number + 1);
}

bool request_table_init(struct request_table *table, struct request_slot **pages, uint32_t slots)
{
    *table = (struct request_table){.pages = pages, .slots = slots};
    return slots <= REQUEST_SLOTS_MAX;
}

/* Never-used slots first, in order; then the one that was released first. */
static uint32_t slot_dequeue(struct request_table *table)
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

static void slot_enqueue(struct request_table *table, uint32_t number)
{
    uint16_t link = (uint16_t)(number + 1);

    request_slot(table, number)->next = 0;
    if (table->last_free)
        request_slot(table, table->last_free - 1u)->next = link;
    else
        table->first_free = link;
    table->last_free = link;
}

bool request_take(struct request_table *table, uint32_t *id)
{
    if (table->used == table->slots)
        return false;

    uint32_t number = slot_dequeue(table);
    struct request_slot *slot = request_slot(table, number);
    slot->used = true;
    slot->request = NULL;
    slot->next = 0;
    table->used++;
    *id = id_of(slot, number);
    return true;
}

int32_t request_find(const struct request_table *table, uint32_t id)
{
    uint32_t number = (id & 0xffff) - 1;

    if (number >= table->fresh || request_id(table, number) != id)
        return REQUEST_NONE;
    return (int32_t)number;
}

bool request_release(struct request_table *table, uint32_t id)
{
    int32_t number = request_find(table, id);

    if (number == REQUEST_NONE)
        return false;

    struct request_slot *slot = request_slot(table, (uint32_t)number);
    slot->used = false;
    slot->request = NULL;
    if (++slot->generation == 0)
        slot->generation = 1;
    table->used--;
    slot_enqueue(table, (uint32_t)number);
    return true;
}

uint32_t request_id(const struct request_table *table, uint32_t number)
{
    const struct request_slot *slot = request_slot(table, number);

    return slot->used ? id_of(slot, number) : 0;
}

static uint32_t free_list_length(const struct request_table *table)
{
    uint32_t length = 0;
    uint16_t last = 0;

    for (uint16_t link = table->first_free; link; link = request_slot(table, link - 1u)->next) {
        if (link > table->fresh || length == table->slots || request_slot(table, link - 1u)->used)
            return UINT32_MAX;
        last = link;
        length++;
    }
    return last == table->last_free ? length : UINT32_MAX;
}

bool request_table_invariants(const struct request_table *table)
{
    uint32_t used = 0;

    for (uint32_t number = 0; number < table->fresh; number++) {
        if (request_slot(table, number)->generation == 0)
            return false;
        used += request_slot(table, number)->used ? 1 : 0;
    }
    return table->fresh <= table->slots && used == table->used && free_list_length(table) == table->fresh - used;
}
