/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/budget.h"

bool budget_charge(struct budget *budget, uint64_t bytes)
{
    if (bytes > budget_room(budget))
        return false;
    budget->used += bytes;
    return true;
}

void budget_release(struct budget *budget, uint64_t bytes)
{
    budget->used -= bytes;
}

static bool budget_grow(struct budget *parent, struct budget *child, uint64_t bytes)
{
    if (bytes > UINT64_MAX - child->limit || !budget_charge(parent, bytes))
        return false;
    parent->lent += bytes;
    child->limit += bytes;
    return true;
}

static bool budget_shrink(struct budget *parent, struct budget *child, uint64_t bytes)
{
    if (bytes > budget_room(child))
        return false;
    child->limit -= bytes;
    parent->lent -= bytes;
    budget_release(parent, bytes);
    return true;
}

bool budget_split(struct budget *parent, struct budget *child, int64_t delta)
{
    return delta >= 0 ? budget_grow(parent, child, (uint64_t)delta) : budget_shrink(parent, child, -(uint64_t)delta);
}

bool budget_close(struct budget *parent, struct budget *child)
{
    return !child->used && budget_shrink(parent, child, child->limit);
}

bool budget_invariants(const struct budget *budget)
{
    return budget->lent <= budget->used && budget->used <= budget->limit;
}
