/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Address spaces: which buffer is mapped where. Ranges (CLASS_MAPPING) in trees by start address, over the page tables
 * of arch.h; each range of a buffer holds one reference to its holding, and counts as a writer if it is writable. The
 * rings of queues are mapped here too, without a holding, in a tree of their own.
 *
 * Two ranges that continue each other are joined to one. A range that is still being mapped, step by step, is
 * *growing*: it is not joined before its last step, so that it can be found, and undone, alone.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <cavern/process.h>
#include <cavern/status.h>

#include "arch/arch.h"
#include "core/tree.h"
#include "object/buffer.h"

struct mapping {
    struct object object;
    struct tree_node node;   /* key: start address */
    uint64_t length;         /* bytes */
    struct holding *holding; /* counted; NULL: the ring of a queue, which unmaps it */
    uint64_t offset;         /* in the buffer */
    uint8_t protection;      /* CAVERN_PROT_* */
    bool growing;
};

struct space {
    struct arch_space arch;
    struct tree mappings;    /* of buffers */
    struct tree rings;       /* of queues */
    struct mapping *near;    /* of a buffer: the last one found or made, or before one that went; NULL: at the start */
    struct account *account; /* of the process, not counted: pays for tables and mappings */
    uint64_t growing;        /* how many mappings are */
    uint64_t mapped;         /* bytes, of buffers */
};

enum cavern_status space_init(struct space *space, struct account *account) CAVERN_MUST_CHECK;
bool space_is_free(struct space *space, uint64_t address, uint64_t length);
/* Draws a free range for something without an address of its own (rings, device buffers); 0: none. */
uint64_t space_find(struct space *space, uint64_t length);
/* The ring of a queue lies, at least in part, in the range. */
bool space_has_ring(const struct space *space, uint64_t address, uint64_t length);

/*
 * Maps a first part of the range, `pages` entries of the page tables or fewer, and answers how far it got; done ==
 * length ends the growth. The range is aligned and lies in the buffer and in user space; the buffer is complete, and
 * sealed if it is to be executable. EXISTS: not free. NO_MEMORY: this step has changed nothing.
 */
enum cavern_status space_map_step(struct space *space, struct holding *holding, uint64_t offset, uint64_t length,
                                  uint64_t address, unsigned protection, unsigned pages,
                                  uint64_t *done) CAVERN_MUST_CHECK;
/* Where the growing mapping starts that the next step for this offset and address would go on with; `address` if none.
 */
uint64_t space_growing_start(struct space *space, const struct holding *holding, uint64_t offset, uint64_t address);
/*
 * Unmaps a first part of the range, at most `pages` entries or what a 2 MiB block has, or passes over a hole; *done:
 * bytes. NO_MEMORY, with nothing changed, when an edge of the range cuts a mapping in two and there is none for it; so
 * only the first step can fail.
 */
enum cavern_status space_unmap_step(struct space *space, uint64_t address, uint64_t length, unsigned pages,
                                    uint64_t *done) CAVERN_MUST_CHECK;

/* Kernel pages of a queue, one after another from `address` on. */
struct space_pages {
    uint64_t address;
    uint64_t pages;
    unsigned protection;
    uint64_t (*page)(void *context, uint64_t i); /* physical address */
    void *context;
};

/* Takes the range, and all that mapping it needs; the first page is mapped then. All or nothing. */
enum cavern_status space_take_pages(struct space *space, const struct space_pages *range) CAVERN_MUST_CHECK;
/* Maps pages [first, end) of a range that has been taken. */
void space_map_pages(struct space *space, const struct space_pages *range, uint64_t first, uint64_t end);
/* Whole ranges that have been taken, however much of them has been mapped. */
void space_unmap_pages(struct space *space, uint64_t address, uint64_t pages);

/*
 * What [address, address+length) is: a part of one mapping of a RAM buffer, with at least `protection`; BAD_ADDRESS if
 * it is not. The holding is not counted.
 */
enum cavern_status space_resolve(struct space *space, uint64_t address, uint64_t length, unsigned protection,
                                 struct holding **holding, uint64_t *offset) CAVERN_MUST_CHECK;

/*
 * What keeps [address, address + length), not empty, from being a part of one mapping with `protection`, if a mapping
 * could mend that: DATA_UNMAPPED or DATA_DENIED, and the first address where it is so. Else FAULT_NONE.
 */
enum cavern_fault space_lack(struct space *space, uint64_t address, uint64_t length, unsigned protection,
                             uint64_t *at) CAVERN_MUST_CHECK;

/* Takes everything apart, a step at a time; true when done. No thread runs in it any more. */
bool space_destroy_step(struct space *space);
