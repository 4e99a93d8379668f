/* SPDX-License-Identifier: BSD-2-Clause */
/* Arithmetic on ranges [base, base + size) of 64-bit addresses that no input can make overflow. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/*@
  // The values that lie in [base, base + size), as mathematics has it.
  predicate in_range(integer base, integer size, integer value) = base <= value < base + size;
  // Every one of the inner range lies in the outer; an empty one must lie between its bounds.
  predicate range_inside(integer base, integer size, integer outer, integer outer_size) =
    outer <= base && base + size <= outer + outer_size;
*/

/* The end, base + size, is representable. */
/*@ assigns \nothing; ensures \result <==> base + size <= UINT64_MAX; */
static inline bool range_valid(uint64_t base, uint64_t size)
{
    return size <= UINT64_MAX - base;
}

/*@ assigns \nothing; ensures \result <==> range_inside(base, size, outer_base, outer_size); */
static inline bool range_within(uint64_t base, uint64_t size, uint64_t outer_base, uint64_t outer_size)
{
    return base >= outer_base && size <= outer_size && base - outer_base <= outer_size - size;
}

/*@ assigns \nothing; ensures \result <==> in_range(base, size, address); */
static inline bool range_contains(uint64_t base, uint64_t size, uint64_t address)
{
    return address >= base && address - base < size;
}

/* An empty range overlaps nothing. */
/*@
  assigns \nothing;
  ensures \result <==> \exists integer v; in_range(base, size, v) && in_range(other_base, other_size, v);
*/
static inline bool range_overlaps(uint64_t base, uint64_t size, uint64_t other_base, uint64_t other_size)
{
    if (!size || !other_size)
        return false;
    return base < other_base ? other_base - base < size : base - other_base < other_size;
}

/*@ assigns \nothing; ensures \result ==> value >= 1; */
static inline bool is_power_of_two(uint64_t value)
{
    return value && !(value & (value - 1));
}

/* `alignment` is a power of two in all that follows. */
static inline bool is_aligned(uint64_t value, uint64_t alignment)
{
    return !(value & (alignment - 1));
}

static inline uint64_t align_down(uint64_t value, uint64_t alignment)
{
    return value & ~(alignment - 1);
}

/* Wraps to 0 when there is no such value: use align_up_fits first on what a user gave. */
static inline uint64_t align_up(uint64_t value, uint64_t alignment)
{
    return align_down(value + (alignment - 1), alignment);
}

/*@ requires alignment >= 1; assigns \nothing; ensures \result <==> value + (alignment - 1) <= UINT64_MAX; */
static inline bool align_up_fits(uint64_t value, uint64_t alignment)
{
    return value <= UINT64_MAX - (alignment - 1);
}
