/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Intrusive ordered map from 64-bit keys to nodes: a weak AVL tree with parent links, so every operation is O(log n)
 * in the worst case and nothing recurses; who puts in again what has just been taken out changes little but that node.
 * Equal keys are permitted and keep the order in which they were inserted. The first node is cached. A zeroed node is
 * not linked, a zeroed tree is empty.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tree_node {
    struct tree_node *child[2]; /* smaller, then greater or equal */
    struct tree_node *parent;
    uint64_t key;
    uint32_t rank; /* 1 for a leaf, 0 when the node is in no tree */
};

struct tree {
    struct tree_node *root;
    struct tree_node *first;
};

static inline void tree_init(struct tree *tree)
{
    tree->root = NULL;
    tree->first = NULL;
}

static inline bool tree_empty(const struct tree *tree)
{
    return !tree->root;
}

static inline bool tree_linked(const struct tree_node *node)
{
    return node->rank != 0;
}

static inline struct tree_node *tree_first(const struct tree *tree)
{
    return tree->first;
}

/* The node must not be linked. It goes behind the nodes with an equal key. */
void tree_insert(struct tree *tree, struct tree_node *node, uint64_t key);

/*
 * The same for who knows its neighbours, `before` and `after` or NULL at either end: without a search. The key is in
 * order between theirs.
 */
void tree_insert_between(struct tree *tree, struct tree_node *before, struct tree_node *after, struct tree_node *node,
                         uint64_t key);

/* The node must be in this tree. */
void tree_remove(struct tree *tree, struct tree_node *node);

struct tree_node *tree_last(const struct tree *tree);

/* The neighbour in key order, or NULL. */
struct tree_node *tree_next(const struct tree_node *node);
struct tree_node *tree_prev(const struct tree_node *node);

/* The last node with the greatest key <= `key`, or NULL. */
struct tree_node *tree_floor(const struct tree *tree, uint64_t key);

/* The first node with the least key >= `key`, or NULL. */
struct tree_node *tree_ceiling(const struct tree *tree, uint64_t key);

/* The first node with exactly this key, or NULL. */
struct tree_node *tree_find(const struct tree *tree, uint64_t key);

/* Order, ranks, parent links and the cached first node; walks the whole tree. */
bool tree_invariants(const struct tree *tree);
