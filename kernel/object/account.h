/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Accounts: budgets of memory and a top priority. Everything is charged to one: slab pages whole, other pages singly.
 * An account lives as long as handles, sub-accounts, or anything charged to it: each object charged holds a reference.
 */
#pragma once

#include "arch/arch.h"
#include "core/budget.h"
#include "core/list.h"
#include "core/tree.h"
#include "object/object.h"

struct account {
    struct object object;
    struct account *parent; /* that this object is charged to, and so kept alive; NULL for the root */
    struct budget budget;   /* bytes */
    uint8_t top_priority;
    uint8_t depth;                  /* of the tree: the root's is 0 */
    uint32_t accounts;              /* sub-accounts */
    uint64_t objects;               /* slab objects charged to it */
    struct list slabs[CLASS_COUNT]; /* pages with room, by class */
    struct tree holdings;           /* holding.by_buffer, by address of the buffer */
    struct page_source pages;       /* for page tables and the like */
};

#define ACCOUNT_DEPTH_MAX 32 /* who walks up gets to the root in no more steps */

/* The first account: all free memory. Never ends: the reference that this returns is kept by whoever boots. */
struct account *account_root_create(void);
/* Not below ACCOUNT_DEPTH_MAX. NULL: no memory, or more than the parent has left. */
struct account *account_create(struct account *parent, uint64_t bytes, uint8_t top_priority);
/* Moves bytes of limit from the parent, or back when negative. False: the parent (the account) has not that much left.
 */
bool account_resize(struct account *account, int64_t bytes);
/* `account` is `ancestor` or below it. */
bool account_within(const struct account *account, const struct account *ancestor);
/* Of class CLASS_ACCOUNT. */
bool account_destroy(struct object *object);

/* Whole pages, zeroed, charged. */
bool account_take_page(struct account *account, uint64_t *physical);
void account_give_page(struct account *account, uint64_t physical);
/* Bytes that are not pages of this account's own: a buffer's, which each holder pays for. False: over the limit. */
bool account_charge(struct account *account, uint64_t bytes);
void account_release(struct account *account, uint64_t bytes);

/* For object.c: a zeroed object of a class, NULL when there is no memory; and back, to the account that it came from.
 */
void *account_slab_take(struct account *account, enum object_class_id class);
void account_slab_give(void *object);
