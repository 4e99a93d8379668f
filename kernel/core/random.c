/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/random.h"

static uint64_t rotate_left(uint64_t value, int bits)
{
    return value << bits | value >> (64 - bits);
}

/* SplitMix64: spreads any seed, 0 too, over all bits. */
static uint64_t splitmix(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

void random_seed(struct random *random, uint64_t seed)
{
    for (int i = 0; i < 4; i++)
        random->state[i] = splitmix(&seed);
}

void random_stir(struct random *random, uint64_t value)
{
    random_seed(random, random_next(random) ^ value);
}

uint64_t random_next(struct random *random)
{
    uint64_t *s = random->state;
    uint64_t result = rotate_left(s[1] * 5, 7) * 9;
    uint64_t shifted = s[1] << 17;

    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= shifted;
    s[3] = rotate_left(s[3], 45);
    return result;
}

/* Lemire's method: the product's high half is the result; the few low halves that would favour some are refused. */
uint64_t random_below(struct random *random, uint64_t n)
{
    unsigned __int128 product = (unsigned __int128)random_next(random) * n;

    if ((uint64_t)product < n) {
        uint64_t unfair = -n % n;

        while ((uint64_t)product < unfair)
            product = (unsigned __int128)random_next(random) * n;
    }
    return (uint64_t)(product >> 64);
}

bool random_invariants(const struct random *random)
{
    return random->state[0] | random->state[1] | random->state[2] | random->state[3];
}
