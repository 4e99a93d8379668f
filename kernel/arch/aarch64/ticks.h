/* SPDX-License-Identifier: BSD-2-Clause */
/* Ticks of the generic timer and nanoseconds. Exact, without overflow for frequencies up to 18 GHz. Pure. */
#pragma once

#include <stdint.h>

#define NANOSECONDS 1000000000ull

/* Rounded down, as far as 64 bits reach: 584 years. */
static inline uint64_t ticks_to_ns(uint64_t ticks, uint64_t frequency)
{
    return ticks / frequency * NANOSECONDS + ticks % frequency * NANOSECONDS / frequency;
}

/* The first tick at which ticks_to_ns is `ns` or more; the greatest there is when that lies beyond. */
static inline uint64_t ns_to_ticks(uint64_t ns, uint64_t frequency)
{
    uint64_t seconds, ticks;
    uint64_t part = (ns % NANOSECONDS * frequency + NANOSECONDS - 1) / NANOSECONDS;
    if (__builtin_mul_overflow(ns / NANOSECONDS, frequency, &seconds) || __builtin_add_overflow(seconds, part, &ticks))
        return UINT64_MAX;
    return ticks;
}
