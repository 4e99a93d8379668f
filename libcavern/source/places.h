/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which addresses of a region are taken: first fit, with a page of nothing behind each range. Mapping at chosen
 * addresses, again and again the same, rather than at the own addresses of buffers, keeps the page tables few: those
 * stay until the process ends. Pure.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define PLACES_MAX 128

struct place {
    uint64_t address;
    uint64_t length;
};

/* Invariant: ascending, apart by a page at least, all within [start, end). */
struct places {
    uint64_t start, end;
    unsigned count;
    struct place taken[PLACES_MAX];
};

/* A free range of so many whole pages, from 2 MiB on aligned to 2 MiB; 0: none, or PLACES_MAX are taken. */
uint64_t places_take(struct places *places, uint64_t length);

/* False: no such range was taken. */
bool places_give(struct places *places, uint64_t address, uint64_t length);
