/* SPDX-License-Identifier: BSD-2-Clause */
/* The AVL tree. A change is made at the bottom; tree_rebalance then walks up for as long as heights change. */
#include "core/tree.h"

enum {
    LEFT,
    RIGHT,
};

static uint32_t height_of(const struct tree_node *node)
{
    return node ? node->height : 0;
}

static uint32_t height_over_children(const struct tree_node *node)
{
    uint32_t left = height_of(node->child[LEFT]);
    uint32_t right = height_of(node->child[RIGHT]);

    return (left > right ? left : right) + 1;
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

/* Moves `node` down to `side`; its child on the other side, which exists, takes its place and is answered. */
static struct tree_node *rotate(struct tree *tree, struct tree_node *node, int side)
{
    struct tree_node *up = node->child[!side];
    struct tree_node *middle = up->child[side];

    replace_child(tree, node->parent, node, up);
    node->child[!side] = middle;
    if (middle)
        middle->parent = node;
    up->child[side] = node;
    node->parent = up;
    node->height = height_over_children(node);
    up->height = height_over_children(up);
    return up;
}

/* `node` leans by two towards `side`: answers the new top of the balanced subtree. */
static struct tree_node *straighten(struct tree *tree, struct tree_node *node, int side)
{
    struct tree_node *child = node->child[side];

    if (height_of(child->child[!side]) > height_of(child->child[side]))
        rotate(tree, child, side);
    return rotate(tree, node, !side);
}

static void tree_rebalance(struct tree *tree, struct tree_node *node)
{
    while (node) {
        uint32_t before = node->height;
        uint32_t left = height_of(node->child[LEFT]);
        uint32_t right = height_of(node->child[RIGHT]);

        if (left > right + 1)
            node = straighten(tree, node, LEFT);
        else if (right > left + 1)
            node = straighten(tree, node, RIGHT);
        else
            node->height = height_over_children(node);
        if (node->height == before)
            return;
        node = node->parent;
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
    *node = (struct tree_node){.parent = parent, .key = key, .height = 1};
    *link = node;
    if (!tree->first || key < tree->first->key)
        tree->first = node;
    tree_rebalance(tree, parent);
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
    struct tree_node *lowest = successor->parent; /* the lowest node whose height may have changed */

    if (lowest == node)
        lowest = successor;
    else {
        replace_child(tree, successor->parent, successor, successor->child[RIGHT]);
        successor->child[RIGHT] = node->child[RIGHT];
        successor->child[RIGHT]->parent = successor;
    }
    successor->child[LEFT] = node->child[LEFT];
    successor->child[LEFT]->parent = successor;
    successor->height = node->height;
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
    tree_rebalance(tree, lowest);
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
    uint32_t left = height_of(node->child[LEFT]);
    uint32_t right = height_of(node->child[RIGHT]);

    if (node->height != height_over_children(node) || left > right + 1 || right > left + 1)
        return false;
    for (int side = LEFT; side <= RIGHT; side++)
        if (node->child[side] && node->child[side]->parent != node)
            return false;
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
