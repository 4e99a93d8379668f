/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Intrusive circular doubly linked list. A list head and a node are the same structure: the head is a node that
 * belongs to no object. A node is linked, or points to itself (list_init), or is all zero (fresh from a slab).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct list {
    struct list *next;
    struct list *prev;
};

#define container_of(pointer, type, member) ((type *)((char *)(pointer)-offsetof(type, member)))

/* Visits every node of the list; the node being visited may be removed, others may not. */
#define list_for_each_safe(node, head)                                                                                 \
    for (struct list *node = (head)->next, *node##_next = node->next; node != (head);                                  \
         node = node##_next, node##_next = node->next)

static inline void list_init(struct list *list)
{
    list->next = list;
    list->prev = list;
}

/* For a head that list_init has prepared. */
static inline bool list_empty(const struct list *head)
{
    return head->next == head;
}

/* For a node: is it on some list? False for a zeroed one too. */
static inline bool list_linked(const struct list *node)
{
    return node->next && node->next != node;
}

/* `node` must not be linked. `before` is a node or the head, which stands for the end. */
static inline void list_insert_before(struct list *before, struct list *node)
{
    node->next = before;
    node->prev = before->prev;
    before->prev->next = node;
    before->prev = node;
}

static inline void list_push_back(struct list *head, struct list *node)
{
    list_insert_before(head, node);
}

static inline void list_push_front(struct list *head, struct list *node)
{
    list_insert_before(head->next, node);
}

/* Harmless on a node that list_init has prepared and that is on no list. */
static inline void list_remove(struct list *node)
{
    node->prev->next = node->next;
    node->next->prev = node->prev;
    list_init(node);
}

static inline struct list *list_first(const struct list *head)
{
    return list_empty(head) ? NULL : head->next;
}

static inline struct list *list_last(const struct list *head)
{
    return list_empty(head) ? NULL : head->prev;
}

/* The node after `node`, or NULL at the end. */
static inline struct list *list_next(const struct list *head, const struct list *node)
{
    return node->next == head ? NULL : node->next;
}

static inline struct list *list_pop_front(struct list *head)
{
    struct list *node = list_first(head);

    if (node)
        list_remove(node);
    return node;
}

/* Moves all nodes of `from` to the end of `to`, in constant time. */
static inline void list_splice_back(struct list *to, struct list *from)
{
    if (list_empty(from))
        return;
    from->next->prev = to->prev;
    from->prev->next = to;
    to->prev->next = from->next;
    to->prev = from->prev;
    list_init(from);
}

static inline bool list_invariants(const struct list *head)
{
    const struct list *node = head;

    do {
        if (!node->next || node->next->prev != node)
            return false;
        node = node->next;
    } while (node != head);
    return true;
}
