/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A buffer's record fills a page: the structure, then the slots of its *index*, which says where each page stands.
 * A range (device, adopted or contiguous memory) needs none. An index has as many levels of tables below the record
 * as its size asks for; a slot `level` tables above the pages spans 512^level of them and is
 *
 *   0               nothing there yet
 *   level 0         the physical address of a page
 *   level 1, BLOCK  that of a 2 MiB block
 *   else            that of a table of 512 slots, a page of records like the first
 *
 * Filling goes from the first page to the last, giving back from the last to the first; both in steps. Only the last
 * holding gives pages back, and only when nothing refers to it any more.
 */
#include "object/buffer.h"

#include <string.h>

#include "core/page_allocator.h"
#include "core/random.h"
#include "core/range.h"
#include "object/job.h"
#include "object/memory.h"

enum {
    TABLE_SHIFT = 9,
    TABLE_SLOTS = 1 << TABLE_SHIFT,
    LEVELS_MAX = 2,
    DRAWS_MAX = 64,
};

#define BLOCK UINT64_C(1)
#define DEVICES_END (UINT64_C(1) << 48) /* physical addresses that a device buffer can reach */

struct buffer {
    uint64_t size;        /* bytes */
    uint64_t pages;       /* of RAM that it owns; 0 for devices */
    uint64_t filled;      /* of these, from the first on: zeroed */
    uint64_t reach;       /* of these, from the first on: the index may know something of them */
    uint64_t records;     /* pages of records, this one included */
    uint64_t base;        /* of a range: physical */
    uint64_t writers;     /* see holding_writer_get */
    struct list holdings; /* holding.link */
    struct tree_node own; /* key: its own address; not for devices */
    bool range;           /* no index */
    bool device;
    bool sealed;
    uint8_t levels; /* of tables below the record */
    uint64_t slots[];
};

enum { RECORD_SLOTS = (PAGE_BYTES - sizeof(struct buffer)) / sizeof(uint64_t) };

_Static_assert((int)RECORD_SLOTS < (int)TABLE_SLOTS, "what may hold a block has a level of tables for it");

static struct random draws;
static struct tree own_addresses; /* buffer.own: apart from each other */

void buffer_seed(uint64_t seed)
{
    random_seed(&draws, seed);
    tree_init(&own_addresses);
}

uint64_t buffer_draw(uint64_t from, uint64_t to, uint64_t length)
{
    uint64_t alignment = length >= CHUNK_BYTES ? CHUNK_BYTES : PAGE_BYTES;
    if (length > to - from)
        return 0;
    return from + random_below(&draws, (to - from - length) / alignment + 1) * alignment;
}

/* Behind `before`, which starts no higher than the range ends. */
static bool own_address_free(const struct tree_node *before, uint64_t address)
{
    return !before || before->key + container_of(before, const struct buffer, own)->pages * PAGE_BYTES <= address;
}

static bool own_address_assign(struct buffer *buffer)
{
    uint64_t length = buffer->pages * PAGE_BYTES;
    for (int i = 0; i < DRAWS_MAX; i++) {
        uint64_t address = buffer_draw(CAVERN_OWN_START, CAVERN_OWN_END, length);
        struct tree_node *before = address ? tree_floor(&own_addresses, address + length - 1) : NULL;
        if (address && own_address_free(before, address)) {
            struct tree_node *after = before ? tree_next(before) : tree_first(&own_addresses);
            tree_insert_between(&own_addresses, before, after, &buffer->own, address);
            return true;
        }
    }
    return false;
}

/* --- the index --- */

static uint64_t span(unsigned level)
{
    return UINT64_C(1) << (TABLE_SHIFT * level);
}

/* The slot for `page` at `*level`, or the one above it at which the walk ends. */
static uint64_t *slot_find(struct buffer *buffer, uint64_t page, unsigned *level)
{
    unsigned at = buffer->levels;
    uint64_t *slot = &buffer->slots[page >> (TABLE_SHIFT * at)];
    while (at > *level && *slot && !(*slot & BLOCK)) {
        at--;
        slot = (uint64_t *)arch_direct(*slot) + (page >> (TABLE_SHIFT * at)) % TABLE_SLOTS;
    }
    *level = at;
    return slot;
}

static bool block_fits(const struct buffer *buffer, uint64_t page)
{
    return page % CHUNK_PAGES == 0 && buffer->pages - page >= CHUNK_PAGES;
}

/* Takes memory for `page`, all before which are there. *zeroed: as it came. */
static bool index_add(struct buffer *buffer, struct account *account, uint64_t page, bool *zeroed)
{
    buffer->reach = page + 1;
    *zeroed = false;
    for (;;) {
        unsigned level = 0;
        uint64_t *slot = slot_find(buffer, page, &level);
        if (*slot)
            return true; /* in a block */
        if (level == 0)
            return *zeroed = memory_take_page(slot);
        if (level == 1 && block_fits(buffer, page) && memory_take_block(slot)) {
            *slot |= BLOCK;
            return true;
        }
        if (!account_take_page(account, slot))
            return false;
        buffer->records++;
    }
}

/* Gives back the last page that the index reaches, or its block, and the tables that began with it. */
static void index_drop_last(struct buffer *buffer, struct account *account)
{
    unsigned level = 0;
    uint64_t page = buffer->reach - 1;
    uint64_t *slot = slot_find(buffer, page, &level);
    if (*slot)
        memory_give(*slot & ~BLOCK, span(level));
    *slot = 0;
    page = align_down(page, span(level));
    for (unsigned above = level + 1; above <= buffer->levels && is_aligned(page, span(above)); above++) {
        unsigned at = above;
        slot = slot_find(buffer, page, &at); /* a table: the walk went through it */
        account_give_page(account, *slot);
        *slot = 0;
        buffer->records--;
    }
    buffer->reach = page;
}

static uint8_t levels_for(uint64_t pages)
{
    uint8_t level = 0;
    while (level < LEVELS_MAX && pages > RECORD_SLOTS * span(level))
        level++;
    return level;
}

/* --- making one --- */

static uint64_t cost(const struct buffer *buffer)
{
    return (buffer->pages + buffer->records) * PAGE_BYTES;
}

/* `account` has been charged for it. NULL: no memory. */
static struct holding *holding_create(struct account *account, struct buffer *buffer)
{
    struct holding *holding = object_create(account, CLASS_HOLDING);
    if (!holding)
        return NULL;
    holding->buffer = buffer;
    list_push_back(&buffer->holdings, &holding->link);
    tree_insert(&account->holdings, &holding->by_buffer, (uintptr_t)buffer);
    return holding;
}

/* Gives back all but the pages of the index. */
static void buffer_free(struct buffer *buffer, struct account *account)
{
    if (tree_linked(&buffer->own))
        tree_remove(&own_addresses, &buffer->own);
    account_release(account, buffer->pages * PAGE_BYTES);
    account_give_page(account, arch_physical(buffer));
}

/* A buffer like `pattern`, its pages charged; it has an own address if it is complete. NULL: no memory. */
static struct holding *buffer_make(struct account *account, const struct buffer *pattern)
{
    uint64_t record;
    if (!account_charge(account, pattern->pages * PAGE_BYTES))
        return NULL;
    if (!account_take_page(account, &record)) {
        account_release(account, pattern->pages * PAGE_BYTES);
        return NULL;
    }
    struct buffer *buffer = arch_direct(record);
    memcpy(buffer, pattern, sizeof *buffer);
    buffer->records = 1;
    list_init(&buffer->holdings);
    bool placed = buffer->device || !buffer_is_complete(buffer) || own_address_assign(buffer);
    struct holding *holding = placed ? holding_create(account, buffer) : NULL;
    if (!holding)
        buffer_free(buffer, account);
    return holding;
}

struct holding *buffer_create(struct account *account, uint64_t bytes, unsigned flags, enum cavern_status *why)
{
    bool contiguous = flags & CAVERN_BUFFER_CONTIGUOUS;
    *why = CAVERN_BAD_ARGUMENT;
    if (!bytes || (flags & ~CAVERN_BUFFER_CONTIGUOUS) || (contiguous && bytes > CHUNK_BYTES))
        return NULL;
    *why = CAVERN_NO_MEMORY;
    if (bytes > RECORD_SLOTS * span(LEVELS_MAX) * PAGE_BYTES)
        return NULL;
    uint64_t size = align_up(bytes, PAGE_BYTES);
    struct buffer pattern = {.size = size, .pages = size / PAGE_BYTES, .range = contiguous};
    pattern.levels = levels_for(pattern.pages);
    if (contiguous && !memory_take_run(pattern.pages, &pattern.base))
        return NULL;
    struct holding *holding = buffer_make(account, &pattern);
    if (!holding && contiguous)
        memory_give(pattern.base, pattern.pages);
    return holding;
}

enum cavern_status buffer_fill(struct holding *holding, unsigned pages, bool *complete)
{
    struct buffer *buffer = holding->buffer;
    for (; pages && buffer->filled < buffer->pages; pages--) {
        bool zeroed = false;
        if (!buffer->range && !index_add(buffer, object_account(holding), buffer->filled, &zeroed))
            return CAVERN_NO_MEMORY;
        uint64_t length;
        if (!zeroed)
            arch_zero_page(buffer_window(buffer, buffer->filled * PAGE_BYTES, &length));
        buffer->filled++;
    }
    *complete = buffer_is_complete(buffer);
    return *complete && !own_address_assign(buffer) ? CAVERN_NO_MEMORY : CAVERN_OK;
}

struct holding *buffer_adopt(struct account *account, uint64_t physical, uint64_t bytes)
{
    uint64_t size = align_up(bytes, PAGE_BYTES);
    struct buffer pattern = {.size = size, .pages = size / PAGE_BYTES, .base = physical, .range = true, .sealed = true};
    pattern.filled = pattern.pages;
    if (!bytes || !is_aligned(physical, PAGE_BYTES))
        return NULL;
    account->budget.limit += size;
    struct holding *holding = buffer_make(account, &pattern);
    if (holding)
        memset((uint8_t *)arch_direct(physical) + bytes, 0, size - bytes);
    else
        account->budget.limit -= size;
    return holding;
}

struct holding *buffer_devices(struct account *account)
{
    return buffer_make(account, &(struct buffer){.size = DEVICES_END, .range = true, .device = true});
}

enum cavern_status buffer_derive(struct holding *source, uint64_t first, uint64_t count, struct account *account,
                                 struct holding **derived)
{
    const struct buffer *buffer = source->buffer;
    if (!buffer->device || !count || !range_within(first, count, 0, buffer->size))
        return CAVERN_BAD_ARGUMENT;
    struct buffer part = {.size = count, .base = buffer->base + first, .range = true, .device = true};
    if (!memory_is_device(part.base, part.size))
        return CAVERN_DENIED;
    *derived = buffer_make(account, &part);
    return *derived ? CAVERN_OK : CAVERN_NO_MEMORY;
}

enum cavern_status buffer_seal(struct holding *holding)
{
    struct buffer *buffer = holding->buffer;
    if (buffer->device)
        return CAVERN_BAD_ARGUMENT;
    if (buffer->writers > 1 || !buffer_is_complete(buffer))
        return CAVERN_BUSY;
    buffer->sealed = true;
    return CAVERN_OK;
}

/* --- holdings --- */

/*
 * The account's holding, perhaps one that has lost its last reference and waits to be destroyed: since another holding
 * keeps the buffer, nothing of it has been taken apart yet, and it can be taken off the list of the dying.
 */
static struct holding *holding_find(struct account *account, struct buffer *buffer)
{
    struct tree_node *node = tree_find(&account->holdings, (uintptr_t)buffer);
    if (!node)
        return NULL;
    struct holding *holding = container_of(node, struct holding, by_buffer);
    if (holding->object.references) {
        object_get(&holding->object);
    } else {
        list_remove(&holding->object.dying);
        holding->object.references = 1;
    }
    return holding;
}

enum cavern_status holding_for(struct holding *holding, struct account *account, struct holding **own)
{
    struct buffer *buffer = holding->buffer;
    if (!buffer_is_complete(buffer))
        return CAVERN_BUSY;
    *own = holding_find(account, buffer);
    if (*own)
        return CAVERN_OK;
    if (!account_charge(account, cost(buffer)))
        return CAVERN_NO_MEMORY;
    *own = holding_create(account, buffer);
    if (*own)
        return CAVERN_OK;
    account_release(account, cost(buffer));
    return CAVERN_NO_MEMORY;
}

/* A step of giving the pages back; true when all are. */
static bool pages_give(struct buffer *buffer, struct account *account)
{
    if (buffer->range) {
        if (buffer->pages)
            memory_give(buffer->base, buffer->pages);
        return true;
    }
    for (int i = 0; buffer->reach && i < JOB_STEP_ITEMS; i++)
        index_drop_last(buffer, account);
    return !buffer->reach;
}

bool holding_destroy(struct object *object)
{
    struct holding *holding = container_of(object, struct holding, object);
    struct account *account = object_account(holding);
    struct buffer *buffer = holding->buffer;
    bool last = list_first(&buffer->holdings) == list_last(&buffer->holdings);
    if (last && !pages_give(buffer, account))
        return false;
    tree_remove(&account->holdings, &holding->by_buffer);
    list_remove(&holding->link);
    if (last)
        buffer_free(buffer, account);
    else
        account_release(account, cost(buffer));
    object_free(holding);
    return true;
}

void holding_writer_get(struct holding *holding)
{
    holding->buffer->writers++;
}

void holding_writer_put(struct holding *holding)
{
    holding->buffer->writers--;
}

void holding_get(struct holding *holding, bool writes)
{
    object_get(&holding->object);
    if (writes)
        holding_writer_get(holding);
}

void holding_put(struct holding *holding, bool writes)
{
    if (writes)
        holding_writer_put(holding);
    object_put(&holding->object);
}

/* --- what a buffer is --- */

uint64_t buffer_size(const struct buffer *buffer)
{
    return buffer->size;
}

uint64_t buffer_own_address(const struct buffer *buffer)
{
    return buffer->own.key;
}

uint64_t buffer_base(const struct buffer *buffer)
{
    return buffer->device ? buffer->base : 0;
}

bool buffer_is_device(const struct buffer *buffer)
{
    return buffer->device;
}

bool buffer_is_sealed(const struct buffer *buffer)
{
    return buffer->sealed;
}

bool buffer_is_complete(const struct buffer *buffer)
{
    return buffer->filled == buffer->pages;
}

uint16_t buffer_rights(const struct buffer *buffer)
{
    uint16_t rights = CAVERN_RIGHT_COPY | CAVERN_RIGHT_INSPECT | CAVERN_RIGHT_READ;
    rights |= buffer->device ? CAVERN_RIGHT_DERIVE : CAVERN_RIGHT_EXECUTE;
    return buffer->sealed ? rights : rights | CAVERN_RIGHT_WRITE;
}

uint64_t buffer_physical(const struct buffer *buffer, uint64_t offset, uint64_t *length)
{
    if (buffer->range) {
        *length = buffer->size - offset;
        return buffer->base + offset;
    }
    unsigned level = 0;
    uint64_t slot = *slot_find((struct buffer *)(uintptr_t)buffer, offset / PAGE_BYTES, &level);
    uint64_t bytes = span(level) * PAGE_BYTES;
    *length = bytes - offset % bytes;
    return (slot & ~BLOCK) + offset % bytes;
}

void *buffer_window(const struct buffer *buffer, uint64_t offset, uint64_t *length)
{
    return arch_direct(buffer_physical(buffer, offset, length));
}
