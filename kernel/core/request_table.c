/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/request_table.h"

_Static_assert(sizeof(struct request_slot) * REQUEST_SLOTS_PER_PAGE == 4096, "512 slots fill a page");

bool request_table_init(struct request_table *table, struct request_slot **pages, uint32_t slots)
{
    table->pages = pages;
    table->slots = slots;
    table->fresh = 0;
    table->used = 0;
    table->first_free = 0;
    table->last_free = 0;
    return slots <= REQUEST_SLOTS_MAX;
}

bool request_release(struct request_table *table, uint32_t id)
{
    int32_t number = request_find(table, id);

    if (number == REQUEST_NONE)
        return false;
    request_release_slot(table, (uint32_t)number);
    return true;
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
    return !last || last == table->last_free ? length : UINT32_MAX;
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
