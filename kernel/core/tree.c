/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A weak AVL tree (Haeupler, Sen, Tarjan: Rank-balanced trees): each node has a rank, 1 to 2 below its parent's; what
 * is missing has 0, a leaf 1. Without removals these are the heights of an AVL tree. A change is made at the bottom,
 * and walks up only as far as ranks must change; with one rotation, single or double, it ends.
 */
#include "core/tree.h"

enum {
    LEFT,
    RIGHT,
};

static uint32_t rank_of(const struct tree_node *node)
{
    return node ? node->rank : 0;
}

static uint32_t rank_below(const struct tree_node *node, int side)
{
    return node->rank - rank_of(node->child[side]);
}

/* Puts `new` (or nothing) where `old` hangs below `parent`, or at the root. */
static void replace_child(struct tree *tree, struct tree_node *parent, struct tree_node *old, struct tree_node *new)
{
    if (!parent)
        tree->root = new;
    else
        parent->child[parent->child[RIGHT] == old] = new;
    if (new)
        new->parent = parent;
}

/* Moves `node` down to `side`; its child on the other side, which exists, takes its place. */
static void rotate(struct tree *tree, struct tree_node *node, int side)
{
    struct tree_node *up = node->child[!side];
    struct tree_node *middle = up->child[side];

    replace_child(tree, node->parent, node, up);
    node->child[!side] = middle;
    if (middle)
        middle->parent = node;
    up->child[side] = node;
    node->parent = up;
}

/* Raises the child of `node` on this side above it; or that one's inner child above both, if it is the higher one.
 * True: the inner one. */
static bool raise(struct tree *tree, struct tree_node *node, int side)
{
    struct tree_node *child = node->child[side];
    bool inner = rank_of(child->child[!side]) > rank_of(child->child[side]);

    if (inner)
        rotate(tree, child, side);
    rotate(tree, node, !side);
    return inner;
}

/* The rank of a child of `node` has risen, perhaps to its own. */
static void risen(struct tree *tree, struct tree_node *node, struct tree_node *child)
{
    for (; node && node->rank == child->rank; child = node, node = node->parent) {
        int side = node->child[RIGHT] == child;

        if (rank_below(node, !side) == 2) {
            if (raise(tree, node, side)) {
                child->rank--;
                child->parent->rank++;
            }
            node->rank--;
            return;
        }
        node->rank++;
    }
}

/* The other child of `node` is 3 below it, this one 1, with a child 1 below itself. */
static void level(struct tree *tree, struct tree_node *node, int side)
{
    struct tree_node *child = node->child[side];

    if (raise(tree, node, side)) {
        child->parent->rank += 2;
        child->rank--;
        node->rank -= 2;
    } else {
        child->rank++;
        node->rank = node->child[side] ? node->rank - 1 : 1;
    }
}

/* The rank of a child of `node` has sunk, perhaps to 3 below it, or that of its last one to 0. */
static void sunk(struct tree *tree, struct tree_node *node)
{
    for (; node; node = node->parent) {
        int side = rank_below(node, LEFT) > rank_below(node, RIGHT); /* of the higher child */
        struct tree_node *child = node->child[side];

        if (child ? rank_below(node, !side) < 3 : node->rank == 1)
            return;
        if (child && rank_below(node, side) == 1) {
            if (rank_below(child, LEFT) == 1 || rank_below(child, RIGHT) == 1) {
                level(tree, node, side);
                return;
            }
            child->rank--;
        }
        node->rank--;
    }
}

/* The outermost node of the subtree on one side. */
static struct tree_node *outermost(struct tree_node *node, int side)
{
    while (node && node->child[side])
        node = node->child[side];
    return node;
}

static struct tree_node *neighbour(const struct tree_node *node, int side)
{
    if (node->child[side])
        return outermost(node->child[side], !side);
    while (node->parent && node->parent->child[side] == node)
        node = node->parent;
    return node->parent;
}

/* `link`, which is empty, leads down from `parent`. */
static void attach(struct tree *tree, struct tree_node *parent, struct tree_node **link, struct tree_node *node,
                   uint64_t key)
{
    *node = (struct tree_node){.parent = parent, .key = key, .rank = 1};
    *link = node;
    if (!tree->first || key < tree->first->key)
        tree->first = node;
    risen(tree, parent, node);
}

void tree_insert(struct tree *tree, struct tree_node *node, uint64_t key)
{
    struct tree_node *parent = NULL;
    struct tree_node **link = &tree->root;

    while (*link) {
        parent = *link;
        link = &parent->child[key >= parent->key ? RIGHT : LEFT];
    }
    attach(tree, parent, link, node, key);
}

/* Of two neighbours one is below the other, and has no child on the other's side. */
void tree_insert_between(struct tree *tree, struct tree_node *before, struct tree_node *after, struct tree_node *node,
                         uint64_t key)
{
    if (before && !before->child[RIGHT])
        attach(tree, before, &before->child[RIGHT], node, key);
    else
        attach(tree, after, after ? &after->child[LEFT] : &tree->root, node, key);
}

/* Takes out a node with two children: its successor, which has no smaller child, takes its place. */
static struct tree_node *replace_by_successor(struct tree *tree, struct tree_node *node)
{
    struct tree_node *successor = outermost(node->child[RIGHT], LEFT);
    struct tree_node *lowest = successor->parent; /* the lowest node below which a rank has sunk */

    if (lowest == node)
        lowest = successor;
    else {
        replace_child(tree, successor->parent, successor, successor->child[RIGHT]);
        successor->child[RIGHT] = node->child[RIGHT];
        successor->child[RIGHT]->parent = successor;
    }
    successor->child[LEFT] = node->child[LEFT];
    successor->child[LEFT]->parent = successor;
    successor->rank = node->rank;
    replace_child(tree, node->parent, node, successor);
    return lowest;
}

void tree_remove(struct tree *tree, struct tree_node *node)
{
    struct tree_node *lowest = node->parent;

    if (tree->first == node)
        tree->first = tree_next(node);
    if (node->child[LEFT] && node->child[RIGHT])
        lowest = replace_by_successor(tree, node);
    else
        replace_child(tree, node->parent, node, node->child[node->child[LEFT] ? LEFT : RIGHT]);
    sunk(tree, lowest);
    *node = (struct tree_node){.key = node->key};
}

struct tree_node *tree_last(const struct tree *tree)
{
    return outermost(tree->root, RIGHT);
}

struct tree_node *tree_next(const struct tree_node *node)
{
    return neighbour(node, RIGHT);
}

struct tree_node *tree_prev(const struct tree_node *node)
{
    return neighbour(node, LEFT);
}

struct tree_node *tree_floor(const struct tree *tree, uint64_t key)
{
    struct tree_node *found = NULL;

    for (struct tree_node *node = tree->root; node;) {
        if (node->key <= key) {
            found = node;
            node = node->child[RIGHT];
        } else {
            node = node->child[LEFT];
        }
    }
    return found;
}

struct tree_node *tree_ceiling(const struct tree *tree, uint64_t key)
{
    struct tree_node *found = NULL;

    for (struct tree_node *node = tree->root; node;) {
        if (node->key >= key) {
            found = node;
            node = node->child[LEFT];
        } else {
            node = node->child[RIGHT];
        }
    }
    return found;
}

struct tree_node *tree_find(const struct tree *tree, uint64_t key)
{
    struct tree_node *node = tree_ceiling(tree, key);

    return node && node->key == key ? node : NULL;
}

static bool node_invariants(const struct tree_node *node)
{
    if (!node->child[LEFT] && !node->child[RIGHT] && node->rank != 1)
        return false;
    for (int side = LEFT; side <= RIGHT; side++) {
        if (rank_below(node, side) < 1 || rank_below(node, side) > 2)
            return false;
        if (node->child[side] && node->child[side]->parent != node)
            return false;
    }
    return true;
}

bool tree_invariants(const struct tree *tree)
{
    const struct tree_node *last = NULL;

    if (tree->first != outermost(tree->root, LEFT) || (tree->root && tree->root->parent))
        return false;
    for (const struct tree_node *node = tree->first; node; node = tree_next(node)) {
        if (!node_invariants(node) || (last && last->key > node->key))
            return false;
        last = node;
    }
    return true;
}
