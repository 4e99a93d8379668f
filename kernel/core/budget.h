/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What an account may use and uses, in bytes. A parent pays for the whole limit of each child when it grants it, so
 * that what a child may use is always there: `lent` is that part of `used`.
 * Invariant: lent <= used <= limit.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct budget {
    uint64_t limit;
    uint64_t used;
    uint64_t lent;
};

static inline void budget_init(struct budget *budget, uint64_t limit)
{
    *budget = (struct budget){.limit = limit};
}

static inline uint64_t budget_room(const struct budget *budget)
{
    return budget->limit - budget->used;
}

/* False, with nothing charged, when it would go over the limit. */
bool budget_charge(struct budget *budget, uint64_t bytes) __attribute__((warn_unused_result));

/* `bytes` have been charged before. */
void budget_release(struct budget *budget, uint64_t bytes);

/*
 * Moves `delta` bytes of limit from the parent to the child, or back when negative. False, with nothing changed, when
 * the parent has no room for it, or the child uses what is to be taken away.
 */
bool budget_split(struct budget *parent, struct budget *child, int64_t delta) __attribute__((warn_unused_result));

/* Returns the child's whole limit. False, with nothing changed, while the child uses anything. */
bool budget_close(struct budget *parent, struct budget *child) __attribute__((warn_unused_result));

bool budget_invariants(const struct budget *budget);
