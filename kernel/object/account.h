/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Accounts: budgets of memory and a top priority. Everything is charged to one: slab pages whole, other pages singly.
 * An account lives as long as handles, sub-accounts, or anything charged to it.
 */
#pragma once

#include "arch/arch.h"
#include "core/budget.h"
#include "core/list.h"
#include "core/tree.h"
#include "object/object.h"

struct account {
    struct object object;
    struct account *parent; /* counted; NULL for the root */
    struct budget budget;   /* bytes */
    uint8_t top_priority;
    uint32_t accounts;      /* sub-accounts */
    uint64_t objects;       /* slab objects charged to it */
    struct list slabs[CLASS_COUNT]; /* pages with room, by class */
    struct tree holdings;   /* of buffers, by buffer id */
    struct page_source pages; /* for page tables and the like */
};

/* The first account: all of the page allocator's memory. */
struct account *account_root_create(void);
/* NULL: no memory, or more than the parent has left. */
struct account *account_create(struct account *parent, uint64_t bytes, uint8_t top_priority);
bool account_resize(struct account *account, int64_t bytes);
/* `account` is `ancestor` or below it. */
bool account_within(const struct account *account, const struct account *ancestor);

/* Whole pages, zeroed, charged. */
bool account_take_page(struct account *account, uint64_t *physical);
void account_give_page(struct account *account, uint64_t physical);
/* Bytes that are not pages of this account's own: a buffer's, which each holder pays for. False: over the limit. */
bool account_charge(struct account *account, uint64_t bytes);
void account_release(struct account *account, uint64_t bytes);
