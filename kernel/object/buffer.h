/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Buffers and holdings. A buffer is RAM pages or a range of physical addresses outside RAM (kind device). A handle to a
 * buffer points to a *holding*: {account, buffer}, one for each account that has the buffer, and each pays for all of
 * it. The buffer ends with its last holding. A buffer's own records stand in pages that its holders pay for too.
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

/* Where own addresses, and addresses for what has none, are drawn from. Once, at boot, before any buffer. */
void buffer_seed(uint64_t seed);
/* A random address in [from, to), room for `length` behind it: 2 MiB aligned for 2 MiB and up, else by the page. 0:
 * none. */
uint64_t buffer_draw(uint64_t from, uint64_t to, uint64_t length);

/*
 * A RAM buffer of `bytes`, rounded up to pages, with one reference. It is of no use until buffer_fill has completed it.
 * NULL: *why.
 */
struct holding *buffer_create(struct account *account, uint64_t bytes, unsigned flags, enum cavern_status *why);
/* Zeroes up to `pages` pages more, and takes them if need be; at last draws the own address. NO_MEMORY: as far as it
 * got. */
enum cavern_status buffer_fill(struct holding *holding, unsigned pages, bool *complete) CAVERN_MUST_CHECK;
/*
 * RAM that stands somewhere already (RAM disk, device tree), page aligned, and as such not free: the account, the root,
 * gets the pages on top of its limit and the buffer pays with them. Sealed. Boot only. NULL: no memory.
 */
struct holding *buffer_adopt(struct account *account, uint64_t physical, uint64_t bytes);
/* All physical addresses outside RAM: an offset in it is one. Boot only. */
struct holding *buffer_devices(struct account *account);
/* A part of a device buffer: [first, first+count) bytes from its start. */
enum cavern_status buffer_derive(struct holding *source, uint64_t first, uint64_t count, struct account *account,
                                 struct holding **derived) CAVERN_MUST_CHECK;
/* No writer but one, the handle of who asks, which the caller takes WRITE from: sealed for ever. BUSY otherwise. */
enum cavern_status buffer_seal(struct holding *holding) CAVERN_MUST_CHECK;

/* The holding of the same buffer by `account`: the present one with a reference more, or a new one, fully charged. */
enum cavern_status holding_for(struct holding *holding, struct account *account,
                               struct holding **own) CAVERN_MUST_CHECK;
/* Of class CLASS_HOLDING. */
bool holding_destroy(struct object *object);

/* A buffer with a writer can't be sealed. Writers are handles and grants with WRITE, and what holding_get says. */
void holding_writer_get(struct holding *holding);
void holding_writer_put(struct holding *holding);
/* The reference of a mapping, a lease, or memory for an answer: a writer too, if memory can be written through it. */
void holding_get(struct holding *holding, bool writes);
void holding_put(struct holding *holding, bool writes);

uint64_t buffer_size(const struct buffer *buffer);
uint64_t buffer_own_address(const struct buffer *buffer); /* 0 for device buffers, and until it is complete */
uint64_t buffer_base(const struct buffer *buffer);        /* device: physical base, else 0 */
bool buffer_is_device(const struct buffer *buffer);
bool buffer_is_sealed(const struct buffer *buffer);
bool buffer_is_complete(const struct buffer *buffer); /* filled; until then nothing but to fill it is allowed */
uint16_t buffer_rights(const struct buffer *buffer);  /* of the first handle to it: all that make sense for its kind */

/* Where the byte at `offset` stands, and how many bytes of the buffer follow contiguously; the buffer is complete. */
uint64_t buffer_physical(const struct buffer *buffer, uint64_t offset, uint64_t *length);
/* The same in the direct map: RAM buffers only. */
void *buffer_window(const struct buffer *buffer, uint64_t offset, uint64_t *length);
