/* SPDX-License-Identifier: BSD-2-Clause */
#include "object/dma.h"

#include <cavern/memory.h>

#include "core/range.h"
#include "object/buffer.h"
#include "object/job.h"

_Static_assert(CAVERN_DMA_MAX / CAVERN_PAGE_SIZE < CAVERN_PAGE_SIZE, "a key holds the pages below the address");

struct dma *dma_create(struct account *account)
{
    return object_create(account, CLASS_DMA); /* zeroed: no mappings */
}

static uint64_t key_of(uint64_t address, uint64_t length)
{
    return address | length / CAVERN_PAGE_SIZE;
}

static uint64_t bytes_of(const struct dma_mapping *mapping)
{
    return mapping->of_dma.key % CAVERN_PAGE_SIZE * CAVERN_PAGE_SIZE;
}

static bool in_one_piece(const struct buffer *buffer, uint64_t offset, uint64_t length, uint64_t *physical)
{
    uint64_t run;
    *physical = buffer_physical(buffer, offset, &run);
    for (uint64_t at = run; at < length; at += run)
        if (buffer_physical(buffer, offset + at, &run) != *physical + at)
            return false;
    return true;
}

enum cavern_status dma_map(struct dma *dma, struct account *account, struct holding *holding, uint64_t offset,
                           uint64_t length, bool writes, uint64_t *address)
{
    uint64_t physical;
    if (length > CAVERN_DMA_MAX || !in_one_piece(holding->buffer, offset, length, &physical))
        return CAVERN_TOO_LARGE;
    struct dma_mapping *mapping = object_create(account, CLASS_DMA_MAPPING);
    if (!mapping)
        return CAVERN_NO_MEMORY;
    mapping->holding = holding;
    mapping->writes = writes;
    holding_get(holding, writes); /* mapping->holding */
    tree_insert(&dma->mappings, &mapping->of_dma, key_of(physical, length));
    dma->count++;
    dma->bytes += length;
    *address = physical;
    return CAVERN_OK;
}

static void remove(struct dma *dma, struct tree_node *node)
{
    struct dma_mapping *mapping = container_of(node, struct dma_mapping, of_dma);
    dma->count--;
    dma->bytes -= bytes_of(mapping);
    tree_remove(&dma->mappings, node);
    holding_put(mapping->holding, mapping->writes);
    object_free(mapping);
}

enum cavern_status dma_unmap(struct dma *dma, uint64_t address, uint64_t length)
{
    if (!is_aligned(address | length, CAVERN_PAGE_SIZE) || !length || length > CAVERN_DMA_MAX)
        return CAVERN_BAD_ARGUMENT;
    struct tree_node *node = tree_find(&dma->mappings, key_of(address, length));
    if (!node)
        return CAVERN_BAD_ARGUMENT;
    remove(dma, node);
    return CAVERN_OK;
}

bool dma_clear(struct dma *dma)
{
    struct tree_node *node;
    for (unsigned i = 0; i < JOB_STEP_ITEMS && (node = tree_first(&dma->mappings)); i++)
        remove(dma, node);
    return tree_empty(&dma->mappings);
}

bool dma_destroy(struct object *object)
{
    struct dma *dma = container_of(object, struct dma, object);
    if (!dma_clear(dma))
        return false;
    object_free(dma);
    return true;
}
