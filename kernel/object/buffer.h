/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Buffers and holdings. A buffer is RAM pages or a range of physical addresses outside RAM (kind device). A handle to a
 * buffer points to a *holding*: {account, buffer}, one for each account that has the buffer, and each pays for all of it.
 * The buffer ends with its last holding. A buffer's own records stand in pages that its holders pay for too.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <cavern/memory.h>
#include <cavern/status.h>

#include "core/list.h"
#include "core/tree.h"
#include "object/account.h"
#include "object/object.h"

struct buffer; /* opaque: buffer.c */

struct holding {
    struct object object; /* references: handles, grants, mappings, leases, answers of calls */
    struct buffer *buffer;
    struct list link;           /* in the buffer's holdings */
    struct tree_node by_buffer; /* in the account's holdings */
};

/*
 * A RAM buffer of `bytes` (rounded up to pages), zeroed in steps: `*filled` counts pages done; call again until
 * it covers all. NULL: no memory or over the limit.
 */
struct holding *buffer_create(struct account *account, uint64_t bytes, unsigned flags, enum cavern_status *why);
/* Takes and zeroes up to `pages` more pages. */
enum cavern_status buffer_fill(struct holding *holding, unsigned pages, bool *complete) CAVERN_MUST_CHECK;
/* RAM that stands somewhere already (RAM disk, device tree): pages are given to the buffer. Sealed. Boot only. */
struct holding *buffer_adopt(struct account *account, uint64_t physical, uint64_t bytes);
/* All physical addresses outside RAM. Boot only. */
struct holding *buffer_devices(struct account *account);
/* A range of a device buffer: [first, first+count) bytes from its start. */
enum cavern_status buffer_derive(struct holding *source, uint64_t first, uint64_t count, struct account *account,
                                 struct holding **derived) CAVERN_MUST_CHECK;
/* No writable mapping or handle right anywhere: sealed for ever. BUSY otherwise. */
enum cavern_status buffer_seal(struct holding *holding) CAVERN_MUST_CHECK;

/* The holding of the same buffer by `account`: the present one with a reference more, or a new one, fully charged. */
enum cavern_status holding_for(struct holding *holding, struct account *account, struct holding **own) CAVERN_MUST_CHECK;

/* Writers: handles and grants with WRITE, and writable mappings; a buffer with none can be sealed. */
void holding_writer_get(struct holding *holding);
void holding_writer_put(struct holding *holding);

uint64_t buffer_size(const struct buffer *buffer);
uint64_t buffer_own_address(const struct buffer *buffer); /* 0 for device buffers */
uint64_t buffer_base(const struct buffer *buffer);        /* device: physical base, else 0 */
bool buffer_is_device(const struct buffer *buffer);
bool buffer_is_sealed(const struct buffer *buffer);
bool buffer_is_complete(const struct buffer *buffer); /* filled */

/* RAM buffers: the byte at `offset`, and how many follow it contiguously. */
void *buffer_window(const struct buffer *buffer, uint64_t offset, uint64_t *length);
