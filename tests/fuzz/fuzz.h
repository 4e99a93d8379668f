/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What every fuzz target includes: the input as a stream of numbers, and DEMAND, which says what did not hold and ends
 * the process, so that libFuzzer keeps the input. A target keeps no state from one input to the next.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEMAND(condition)                                                                                              \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #condition);                             \
            abort();                                                                                                   \
        }                                                                                                              \
    } while (0)

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

struct input {
    const uint8_t *at;
    size_t left;
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A number of `bytes` bytes, little-endian; what is missing at the end counts as 0. */
static inline uint64_t input_number(struct input *input, unsigned bytes)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < bytes && input->left; i++, input->left--)
        value |= (uint64_t)*input->at++ << 8 * i;
    return value;
}

/* A copy of the next `size` bytes, fewer at the end, in memory of just that size: free it. */
static inline void *input_bytes(struct input *input, size_t *size)
{
    if (*size > input->left)
        *size = input->left;
    void *copy = malloc(*size ? *size : 1);
    DEMAND(copy);
    if (*size)
        memcpy(copy, input->at, *size);
    input->at += *size;
    input->left -= *size;
    return copy;
}

static inline void *input_rest(struct input *input, size_t *size)
{
    *size = input->left;
    return input_bytes(input, size);
}

/* A copy of the next `size` bytes as a string. */
static inline char *input_string(struct input *input, size_t size)
{
    void *bytes = input_bytes(input, &size);
    char *text = realloc(bytes, size + 1);
    DEMAND(text);
    text[size] = 0;
    return text;
}
