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
    /*@ assert in_range(base, size, base) && in_range(other_base, other_size, other_base); */
    return base < other_base ? other_base - base < size : base - other_base < other_size;
}

/*@
  predicate multiple_of(integer value, integer factor) = \exists integer n; value == n * factor;
  predicate power_of_two(integer value) = value > 0 && \exists integer n; 0 <= n < 64 && value == 1 << n;
  lemma mask_is_remainder:
    \forall integer a, mask; 0 <= a && power_of_two(mask + 1) ==> (a & mask) == a % (mask + 1);
  lemma sum_wraps:
    \forall integer a; UINT64_MAX < a <= 2 * UINT64_MAX ==> (uint64_t)a == a - UINT64_MAX - 1;
  // What is 1 after n shifts has bit n set; two such values have it in common.
  lemma top_bit_is_set: \forall integer a, n; 0 <= n && (a >> n) == 1 ==> ((a >> n) & 1) != 0;
  lemma top_bit_is_common:
    \forall integer a, b, n; 0 <= n && (a >> n) == 1 && (b >> n) == 1 ==> (a & b & (1 << n)) != 0;
  lemma common_top_bit_remains:
    \forall integer a, b, n; 0 <= n && (a >> n) == 1 && (b >> n) == 1 ==> (a & b) != 0;
  predicate is_quotient(integer quotient, integer value, integer divisor) =
    divisor * quotient <= value < divisor * quotient + divisor;
*/

/*
 * Why no other value passes the test: the highest bit of value and that of value - 1 are the same one, and stay in
 * value & (value - 1), unless value is that bit alone. Shifting both right until value is 1 shows the bit.
 */
/*@ ghost
  /@
    requires is_quotient(quotient, value, divisor);
    assigns \nothing;
    ensures is_quotient(quotient / 2, value, divisor * 2) && (quotient > 1 ==> divisor * 2 <= value);
  @/
  void halve_quotient(uint64_t quotient, uint64_t value, uint64_t divisor)
  {
    /@ assert quotient > 1 ==> divisor * 2 <= divisor * quotient; @/
    /@ assert quotient == quotient / 2 * 2 || quotient == quotient / 2 * 2 + 1; @/
    /@ assert divisor * quotient == divisor * (quotient / 2 * 2) ||
              divisor * quotient == divisor * (quotient / 2 * 2 + 1); @/
  }

  /@ requires value > 0 && (value & (value - 1)) == 0; assigns \nothing; ensures power_of_two(value); @/
  void show_one_bit(uint64_t value)
  {
    uint64_t n = 0, power = 1, bit = value, bit_below = value - 1;

    /@
      loop invariant 0 <= n < 64 && power == 1 << n && power > 0;
      loop invariant bit == value >> n && bit_below == (value - 1) >> n && bit > 0;
      loop invariant is_quotient(bit, value, power) && is_quotient(bit_below, value - 1, power);
      loop assigns n, power, bit, bit_below;
      loop variant bit;
    @/
    while (bit > 1) {
      halve_quotient(bit, value, power);
      halve_quotient(bit_below, value - 1, power);
      /@ assert 1 << (n + 1) == (1 << n) << 1; @/
      /@ assert value >> (n + 1) == (value >> n) >> 1 && (value - 1) >> (n + 1) == ((value - 1) >> n) >> 1; @/
      n++;
      power *= 2;
      bit /= 2;
      bit_below /= 2;
    }
    /@ assert bit == 1; @/
    /@ assert bit_below == 0 || bit_below == 1; @/
    /@ assert bit_below == 1 ==> (value & (value - 1)) != 0; @/
  }
*/

/*@ assigns \nothing; ensures \result <==> power_of_two(value); */
static inline bool is_power_of_two(uint64_t value)
{
    /*@ ghost if (value && !(value & (value - 1))) show_one_bit(value); */
    return value && !(value & (value - 1));
}

/* `alignment` is at least 1. Where the compiler sees a power of two it makes a mask of the remainder. */
/*@ requires alignment >= 1; assigns \nothing; ensures \result <==> value % alignment == 0; */
static inline bool is_aligned(uint64_t value, uint64_t alignment)
{
    return value % alignment == 0;
}

/*@
  requires alignment >= 1;
  assigns \nothing;
  ensures \result <= value < \result + alignment && multiple_of(\result, alignment);
  ensures value < alignment ==> \result == 0;
*/
static inline uint64_t align_down(uint64_t value, uint64_t alignment)
{
    /*@ assert value == value / alignment * alignment + value % alignment; */
    return value - value % alignment;
}

/*@ requires alignment >= 1; assigns \nothing; ensures \result <==> value + (alignment - 1) <= UINT64_MAX; */
static inline bool align_up_fits(uint64_t value, uint64_t alignment)
{
    return value <= UINT64_MAX - (alignment - 1);
}

/* 0 when there is no such value: use align_up_fits first on what a user gave. */
/*@
  requires alignment >= 1;
  assigns \nothing;
  ensures value + (alignment - 1) <= UINT64_MAX ==>
    value <= \result < value + alignment && multiple_of(\result, alignment);
  ensures value + (alignment - 1) > UINT64_MAX ==> \result == 0;
*/
static inline uint64_t align_up(uint64_t value, uint64_t alignment)
{
    return align_down(value + (alignment - 1), alignment);
}
