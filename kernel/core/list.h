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

/*@
  predicate list_same_or_apart(struct list *a, struct list *b) = a == b || \separated(a, b);
  // Both neighbours point back: what an insertion next to a node or head, or its removal, touches.
  predicate list_joined(struct list *l) =
    \valid(l) && \valid(l->next) && \valid(l->prev) && l->next->prev == l && l->prev->next == l &&
    list_same_or_apart(l, l->next) && list_same_or_apart(l, l->prev) && list_same_or_apart(l->next, l->prev);
  predicate list_apart(struct list *node, struct list *l) =
    \separated(node, l) && \separated(node, l->next) && \separated(node, l->prev);
*/

#define container_of(pointer, type, member) ((type *)((char *)(pointer)-offsetof(type, member)))

/* Visits every node of the list; the node being visited may be removed, others may not. */
#define list_for_each_safe(node, head)                                                                                 \
    for (struct list *node = (head)->next, *node##_next = node->next; node != (head);                                  \
         node = node##_next, node##_next = node->next)

/*@ requires \valid(list); assigns *list; ensures list->next == list && list->prev == list && list_joined(list); */
static inline void list_init(struct list *list)
{
    list->next = list;
    list->prev = list;
}

/* For a head that list_init has prepared. */
/*@ requires \valid_read(head); assigns \nothing; ensures \result <==> head->next == head; */
static inline bool list_empty(const struct list *head)
{
    const struct list *first = head->next;

    return first == head;
}

/* For a node: is it on some list? False for a zeroed one too. */
/*@
  requires \valid_read(node);
  assigns \nothing;
  ensures \result <==> node->next != \null && node->next != node;
*/
static inline bool list_linked(const struct list *node)
{
    const struct list *next = node->next;

    return next && next != node;
}

/* `node` must not be linked. `before` is a node or the head, which stands for the end. */
/*@
  requires list_joined(before) && \valid(node) && list_apart(node, before);
  assigns *node, before->prev, before->prev->next;
  ensures node->next == before && before->prev == node;
  ensures node->prev == \old(before->prev) && \old(before->prev)->next == node;
*/
static inline void list_insert_before(struct list *before, struct list *node)
{
    node->next = before;
    node->prev = before->prev;
    before->prev->next = node;
    before->prev = node;
}

/*@
  requires list_joined(head) && \valid(node) && list_apart(node, head);
  assigns *node, head->prev, head->prev->next;
  ensures node->next == head && head->prev == node;
  ensures node->prev == \old(head->prev) && \old(head->prev)->next == node;
*/
static inline void list_push_back(struct list *head, struct list *node)
{
    list_insert_before(head, node);
}

/*@
  requires list_joined(head) && list_joined(head->next) && \valid(node) && list_apart(node, head);
  requires \separated(node, head->next->next);
  assigns *node, head->next, head->next->prev;
  ensures node->prev == head && head->next == node;
  ensures node->next == \old(head->next) && \old(head->next)->prev == node;
*/
static inline void list_push_front(struct list *head, struct list *node)
{
    list_insert_before(head->next, node);
}

/* Harmless on a node that list_init has prepared and that is on no list. */
/*@
  requires list_joined(node);
  assigns *node, node->prev->next, node->next->prev;
  ensures node->next == node && node->prev == node;
  ensures \old(node->prev)->next == \old(node->next) && \old(node->next)->prev == \old(node->prev);
*/
static inline void list_remove(struct list *node)
{
    node->prev->next = node->next;
    node->next->prev = node->prev;
    list_init(node);
}

/*@
  requires \valid_read(head);
  assigns \nothing;
  ensures head->next == head ? \result == \null : \result == head->next;
*/
static inline struct list *list_first(const struct list *head)
{
    return list_empty(head) ? NULL : head->next;
}

/*@
  requires \valid_read(head);
  assigns \nothing;
  ensures head->next == head ? \result == \null : \result == head->prev;
*/
static inline struct list *list_last(const struct list *head)
{
    return list_empty(head) ? NULL : head->prev;
}

/* The node after `node`, or NULL at the end. */
static inline struct list *list_next(const struct list *head, const struct list *node)
{
    return node->next == head ? NULL : node->next;
}

/*@
  requires list_joined(head) && list_joined(head->next) && list_same_or_apart(head->prev, head->next->next);
  assigns *head, *head->next, head->next->next->prev;
  ensures \old(head->next) == head ==> \result == \null && head->next == head && head->prev == head;
  ensures \old(head->next) != head ==> \result == \old(head->next) && head->next == \old(head->next->next);
  ensures head->prev == (head->next == head ? head : \old(head->prev));
  ensures \old(head->next) != head ==> \valid(\result) && list_joined(head) && list_apart(\result, head);
*/
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
