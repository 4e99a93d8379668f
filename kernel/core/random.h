/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * xoshiro256**, seeded through SplitMix64 (Blackman and Vigna, "Scrambled linear pseudorandom number generators",
 * 2021). Deterministic, small and fast; good for addresses that should not be guessed by accident and for tests, not
 * for keys.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct random {
    uint64_t state[4]; /* never all zero */
};

void random_seed(struct random *random, uint64_t seed);

/* Stirs more of the unforeseeable in. */
void random_stir(struct random *random, uint64_t value);

uint64_t random_next(struct random *random);

/* Uniform in [0, n); 0 for n = 0. */
uint64_t random_below(struct random *random, uint64_t n);

bool random_invariants(const struct random *random);
