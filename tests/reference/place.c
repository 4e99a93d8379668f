/* SPDX-License-Identifier: BSD-2-Clause */
/* Addresses that nobody has chosen: spec/memory.md, Drawn addresses. Who draws here is all who does. [MEM-DRAW-5] */
#include "reference.h"

enum { DRAWS = 64 };

/* --- the generator, as Blackman and Vigna have published it --- */

static uint64_t rotated(uint64_t word, unsigned left)
{
    return word << left | word >> (64 - left);
}

/* The next output of SplitMix64. */
static uint64_t split_mix(uint64_t *state)
{
    *state += 0x9e3779b97f4a7c15u;
    uint64_t z = *state;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

void ref_random_seed(struct ref_random *random, uint64_t seed)
{
    for (unsigned i = 0; i < 4; i++)
        random->s[i] = split_mix(&seed);
}

/* xoshiro256** */
uint64_t ref_random_next(struct ref_random *random)
{
    uint64_t *s = random->s, result = rotated(s[1] * 5, 7) * 9, t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotated(s[3], 45);
    return result;
}

/* [MEM-DRAW-1] */
uint64_t ref_random_below(struct ref_random *random, uint64_t n)
{
    uint64_t unfair = (UINT64_MAX % n + 1) % n;
    for (;;) {
        unsigned __int128 product = (unsigned __int128)ref_random_next(random) * n;
        if ((uint64_t)product >= unfair)
            return (uint64_t)(product >> 64);
    }
}

/* --- places --- */

/* [MEM-DRAW-2] 0: none. */
static uint64_t draw(uint64_t from, uint64_t to, uint64_t length, bool (*suits)(const void *, uint64_t, uint64_t),
                     const void *subject)
{
    uint64_t step = length >= CAVERN_BLOCK_2M ? CAVERN_BLOCK_2M : CAVERN_PAGE_SIZE;
    for (unsigned draws = 0; draws < DRAWS && length <= to - from; draws++) {
        uint64_t address = from + step * ref_random_below(&ref.draws, (to - from - length) / step + 1);
        if (suits(subject, address, length))
            return address;
    }
    return 0;
}

static bool meets(uint64_t a, uint64_t a_length, uint64_t b, uint64_t b_length)
{
    return a < b + b_length && b < a + a_length;
}

static bool is_apart(const void *subject, uint64_t address, uint64_t length)
{
    for (unsigned i = 0; i < ref.buffers.count; i++) {
        const struct ref_buffer *other = ref.buffers.items[i];
        if (other != subject && other->own && meets(address, length, other->own, other->size) &&
            ref_buffer_exists(other))
            return false;
    }
    return true;
}

/* [MEM-DRAW-3] */
uint64_t ref_draw_own(const struct ref_buffer *buffer)
{
    return draw(CAVERN_OWN_START, CAVERN_OWN_END, buffer->size, is_apart, buffer);
}

static bool is_free(const void *subject, uint64_t address, uint64_t length)
{
    const struct ref_process *process = subject;
    for (unsigned i = 0; i < process->mappings.count; i++) {
        const struct ref_mapping *mapping = process->mappings.items[i];
        if (meets(address - CAVERN_PAGE_SIZE, length + 2 * CAVERN_PAGE_SIZE, mapping->address, mapping->length))
            return false;
    }
    return true;
}

/* [MEM-DRAW-4] */
uint64_t ref_draw_place(const struct ref_process *process, uint64_t length)
{
    return draw(CAVERN_OWN_END + CAVERN_BLOCK_2M, CAVERN_USER_END - CAVERN_PAGE_SIZE, length, is_free, process);
}
