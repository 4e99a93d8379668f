/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Address spaces: which buffer is mapped where. Ranges (CLASS_MAPPING) in a tree by start address, over the page tables of
 * arch.h; each range holds one reference to its holding. Queues map their rings here too, without a holding.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <cavern/status.h>

#include "arch/arch.h"
#include "core/tree.h"
#include "object/buffer.h"

struct queue;

struct mapping {
    struct object object;
    struct tree_node node;   /* key: start address */
    uint64_t length;         /* bytes */
    struct holding *holding; /* counted; NULL: the ring of a queue, which unmaps it */
    uint64_t offset;         /* in the buffer */
    uint8_t protection;      /* CAVERN_PROT_* */
};

struct space {
    struct arch_space arch;
    struct tree mappings;
    struct account *account; /* of the process, not counted: pays for tables and mappings */
    uint64_t mapped;         /* bytes */
};

enum cavern_status space_init(struct space *space, struct account *account) CAVERN_MUST_CHECK;
/* Where [address, address+length) is free; with address 0 a range is drawn. GONE… never; EXISTS: taken. */
bool space_is_free(const struct space *space, uint64_t address, uint64_t length);
/* Draws a free range for something without an address of its own (rings); 0: none. */
uint64_t space_find(const struct space *space, uint64_t length);

/* Maps at most `pages` pages of the range; *done: bytes mapped. Makes or extends the mapping's record. */
enum cavern_status space_map_step(struct space *space, struct holding *holding, uint64_t offset, uint64_t length,
                                  uint64_t address, unsigned protection, unsigned pages,
                                  uint64_t *done) CAVERN_MUST_CHECK;
/* Unmaps at most `pages` pages from `address` on; *done: bytes passed over. Splits records. NO_MEMORY when it can't. */
enum cavern_status space_unmap_step(struct space *space, uint64_t address, uint64_t length, unsigned pages,
                                    uint64_t *done) CAVERN_MUST_CHECK;

/* Kernel pages of a queue, mapped one after another from `address`; `pages` physical addresses. All or nothing. */
enum cavern_status space_map_pages(struct space *space, uint64_t address, uint64_t (*page)(void *context, uint64_t i),
                                   void *context, uint64_t pages, unsigned protection) CAVERN_MUST_CHECK;
void space_unmap_pages(struct space *space, uint64_t address, uint64_t pages);

/* What [address, address+length) is: one RAM buffer mapped with at least `protection`, as for a lease. Not counted. */
enum cavern_status space_resolve(const struct space *space, uint64_t address, uint64_t length, unsigned protection,
                                 struct holding **holding, uint64_t *offset) CAVERN_MUST_CHECK;

/* Takes everything apart, a step at a time; true when done. */
bool space_destroy_step(struct space *space);
