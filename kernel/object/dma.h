/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A device's view of memory: which parts of which buffers it may be told of, and where it finds them. Without an IOMMU
 * a device address is a physical one, and a view restricts nobody; what it does is to keep the memory. A mapping is
 * charged to who made it, and holds its buffer until it is unmapped or the view goes.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <cavern/status.h>

#include "core/tree.h"
#include "object/object.h"

struct account;
struct holding;

struct dma {
    struct object object;
    struct tree mappings; /* by address and size; of equal ones the oldest first */
    uint64_t count;       /* of them */
    uint64_t bytes;       /* in all of them */
};

struct dma_mapping {
    struct object object;
    struct tree_node of_dma;
    struct holding *holding; /* holding_get */
    bool writes;
};

struct dma *dma_create(struct account *account); /* NULL: no memory */

/* The range, whole pages, lies in the buffer, which is complete RAM. TOO_LARGE: not in one piece. */
enum cavern_status dma_map(struct dma *dma, struct account *account, struct holding *holding, uint64_t offset,
                           uint64_t length, bool writes, uint64_t *address) CAVERN_MUST_CHECK;
/* BAD_ARGUMENT: no such mapping. */
enum cavern_status dma_unmap(struct dma *dma, uint64_t address, uint64_t length) CAVERN_MUST_CHECK;
/* A step of unmapping all; true when none is left. */
bool dma_clear(struct dma *dma);
bool dma_destroy(struct object *object);
