/* SPDX-License-Identifier: BSD-2-Clause */
/* Handle tables, and what follows when the last handle to an object goes. [ABI-HANDLE-1] to [ABI-HANDLE-8] */
#include <stdlib.h>
#include <string.h>

#include "reference.h"

struct ref_world ref;

/* --- memory and lists --- */

enum { CHUNK = 1 << 22 };

static struct chunk {
    struct chunk *next;
    size_t used;
    _Alignas(16) uint8_t bytes[CHUNK];
} * chunks;

void *ref_new(size_t size)
{
    size = (size + 15) & ~(size_t)15;
    if (!chunks || chunks->used + size > CHUNK) {
        if (size > CHUNK)
            abort();
        struct chunk *chunk = malloc(sizeof *chunk);
        chunk->next = chunks;
        chunk->used = 0;
        chunks = chunk;
    }
    void *new = chunks->bytes + chunks->used;
    chunks->used += size;
    return memset(new, 0, size);
}

void ref_start(void)
{
    while (chunks) {
        struct chunk *next = chunks->next;
        free(chunks);
        chunks = next;
    }
    ref = (struct ref_world){0};
}

void ref_push(struct ref_list *list, void *item)
{
    if (list->count == list->room) {
        void **items = ref_new((list->room * 2 + 4) * sizeof *items);
        if (list->count)
            memcpy(items, list->items, list->count * sizeof *items);
        list->items = items;
        list->room = list->room * 2 + 4;
    }
    list->items[list->count++] = item;
}

bool ref_remove(struct ref_list *list, const void *item)
{
    for (unsigned i = 0; i < list->count; i++) {
        if (list->items[i] == item) {
            list->count--;
            memmove(list->items + i, list->items + i + 1, (list->count - i) * sizeof *list->items);
            return true;
        }
    }
    return false;
}

/* --- tables --- */

enum { FIXED = 4, INDEX = (1 << CAVERN_HANDLE_INDEX_BITS) - 1 };

#define ALL (CAVERN_RIGHT_COPY | CAVERN_RIGHT_INSPECT)

const uint16_t ref_rights[CAVERN_TYPE_COUNT] = {
    [CAVERN_TYPE_ACCOUNT] = ALL | CAVERN_RIGHT_MANAGE | CAVERN_RIGHT_CHARGE,
    [CAVERN_TYPE_PROCESS] = ALL | CAVERN_RIGHT_MANAGE | CAVERN_RIGHT_MEMORY,
    [CAVERN_TYPE_THREAD] = ALL | CAVERN_RIGHT_MANAGE,
    [CAVERN_TYPE_QUEUE] = ALL | CAVERN_RIGHT_MANAGE | CAVERN_RIGHT_RECEIVE | CAVERN_RIGHT_MINT,
    [CAVERN_TYPE_SENDER] = ALL | CAVERN_RIGHT_SEND | CAVERN_RIGHT_REQUEST | CAVERN_RIGHT_MINT,
    [CAVERN_TYPE_BUFFER] = ALL | CAVERN_RIGHT_DERIVE | CAVERN_RIGHT_READ | CAVERN_RIGHT_WRITE | CAVERN_RIGHT_EXECUTE,
    [CAVERN_TYPE_INTERRUPT] = ALL | CAVERN_RIGHT_MANAGE | CAVERN_RIGHT_DERIVE,
    [CAVERN_TYPE_SIGNAL] = ALL | CAVERN_RIGHT_MANAGE | CAVERN_RIGHT_RAISE,
    [CAVERN_TYPE_DMA] = ALL | CAVERN_RIGHT_MANAGE | CAVERN_RIGHT_DERIVE,
    [CAVERN_TYPE_MACHINE] = ALL | CAVERN_RIGHT_POWER | CAVERN_RIGHT_LOG,
};

static uint16_t rights_of(const struct ref_object *object)
{
    if (object->type != CAVERN_TYPE_BUFFER)
        return ref_rights[object->type];
    uint16_t other = ((const struct ref_buffer *)object)->device ? CAVERN_RIGHT_EXECUTE : CAVERN_RIGHT_DERIVE;
    return ref_rights[CAVERN_TYPE_BUFFER] & (uint16_t)~other;
}

struct ref_table *ref_table_new(void)
{
    struct ref_table *table = ref_new(sizeof *table);
    for (unsigned i = 0; i < REF_HANDLES; i++)
        table->entries[i].generation = 1;
    return table;
}

struct ref_object *ref_find(const struct ref_thread *thread, uint64_t handle, uint16_t *rights)
{
    struct ref_process *process = thread->process;
    if (handle == CAVERN_SELF_PROCESS || handle == CAVERN_SELF_THREAD) {
        struct ref_object *self =
            handle == CAVERN_SELF_PROCESS ? &process->object : (struct ref_object *)&thread->object;
        *rights = ref_rights[self->type];
        return self;
    }
    if (handle == CAVERN_SELF_ACCOUNT) { /* [ABI-HANDLE-5] */
        *rights = CAVERN_RIGHT_CHARGE | CAVERN_RIGHT_INSPECT;
        return &process->account->object;
    }
    uint64_t index = handle & INDEX;
    if (index < FIXED || index >= REF_HANDLES)
        return NULL;
    const struct ref_entry *entry = &process->table->entries[index];
    if (!entry->object || entry->generation != handle >> CAVERN_HANDLE_INDEX_BITS)
        return NULL;
    *rights = entry->rights;
    return entry->object;
}

void *ref_need(const struct ref_thread *thread, uint64_t handle, enum cavern_type type, uint16_t rights)
{
    uint16_t has;
    struct ref_object *object = ref_find(thread, handle, &has);
    if (!object || object->type != type) {
        ref_wrong(true, CAVERN_BAD_HANDLE);
        return NULL;
    }
    ref_wrong((has & rights) != rights, CAVERN_DENIED);
    return object;
}

static uint64_t fill(struct ref_process *process, unsigned index, struct ref_object *object, uint16_t rights)
{
    struct ref_entry *entry = &process->table->entries[index];
    entry->object = object;
    entry->rights = rights & rights_of(object);
    entry->used_before = true;
    object->handles++;
    return entry->generation << CAVERN_HANDLE_INDEX_BITS | index;
}

static unsigned lowest_unused(const struct ref_table *table)
{
    unsigned index = FIXED;
    while (index < REF_HANDLES && table->entries[index].used_before)
        index++;
    if (index == REF_HANDLES)
        abort(); /* the rounds are too long */
    return index;
}

struct ref_entry *ref_next_entry(const struct ref_process *process)
{
    struct ref_table *table = process->table;
    return &table->entries[table->freed_count ? table->freed[table->freed_count - 1] : lowest_unused(table)];
}

uint64_t ref_insert(struct ref_process *process, struct ref_object *object, uint16_t rights)
{
    struct ref_table *table = process->table;
    unsigned index = table->freed_count ? table->freed[--table->freed_count] : lowest_unused(table);
    return fill(process, index, object, rights); /* [ABI-HANDLE-2] */
}

/* [ABI-GIVE-1] Notes what is wrong. */
uint64_t ref_insert_at(struct ref_process *process, struct ref_object *object, uint16_t rights, uint64_t wanted)
{
    struct ref_table *table = process->table;
    uint64_t index = wanted & INDEX, generation = wanted >> CAVERN_HANDLE_INDEX_BITS;
    if (index < FIXED || index > lowest_unused(table) + 256 || index >= REF_HANDLES) {
        ref_wrong(true, CAVERN_BAD_ARGUMENT);
        return 0;
    }
    struct ref_entry *entry = &table->entries[index];
    ref_wrong(entry->object, CAVERN_EXISTS);
    ref_wrong(generation < entry->generation, CAVERN_BAD_ARGUMENT);
    if (ref_failed())
        return 0;
    for (unsigned i = 0; i < table->freed_count; i++) {
        if (table->freed[i] == index) {
            table->freed_count--;
            memmove(table->freed + i, table->freed + i + 1, (table->freed_count - i) * sizeof *table->freed);
            break;
        }
    }
    entry->generation = generation;
    return fill(process, (unsigned)index, object, rights);
}

void ref_close(struct ref_process *process, unsigned index)
{
    struct ref_entry *entry = &process->table->entries[index];
    struct ref_object *object = entry->object;
    entry->object = NULL;
    entry->generation++; /* [ABI-HANDLE-3] */
    process->table->freed[process->table->freed_count++] = index;
    ref_put(object);
}

void ref_close_all(struct ref_process *process)
{
    for (unsigned index = FIXED; index < REF_HANDLES; index++) {
        if (process->table->entries[index].object)
            ref_close(process, index);
    }
}

void ref_put(struct ref_object *object)
{
    if (--object->handles)
        return;
    switch (object->type) {
    case CAVERN_TYPE_QUEUE:
        object->gone = true;
        ref_die(object);
        break;
    case CAVERN_TYPE_SENDER:
        object->gone = true;
        ref_sender_gone((struct ref_sender *)object);
        break;
    case CAVERN_TYPE_PROCESS:
    case CAVERN_TYPE_DMA:
        ref_die(object);
        break;
    case CAVERN_TYPE_INTERRUPT: /* [DEV-IRQ-2] [DEV-IRQ-7] */
        object->gone = true;
        ((struct ref_interrupt *)object)->masked = true;
        break;
    default: /* nobody can tell, but by what memory is left */
        break;
    }
}

void ref_die(struct ref_object *object)
{
    if (!ref.dying.count) {
        ref.dying_urgency = ref.caller->priority;
        ref.dying_since = ref.endings++;
    }
    ref_push(&ref.dying, object);
}

void ref_bury(void)
{
    while (ref.dying.count) {
        struct ref_object *object = ref.dying.items[0];
        ref_remove(&ref.dying, object);
        if (object->type == CAVERN_TYPE_QUEUE)
            ref_queue_gone((struct ref_queue *)object);
        else if (object->type == CAVERN_TYPE_DMA) /* [DEV-DMA-5] */
            ((struct ref_dma *)object)->mappings.count = 0;
        else
            ref_process_unnamed((struct ref_process *)object);
    }
}
