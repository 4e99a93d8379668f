/* SPDX-License-Identifier: BSD-2-Clause */
/* Boot options: words of `bootargs`, separated by spaces. Pure. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* `name` is one of the words. */
bool option_given(const char *bootargs, const char *name);
/* The first word `name`=N: N, decimal. False, with *value as it was: there is none, or N is no number of 64 bits. */
bool option_number(const char *bootargs, const char *name, uint64_t *value);
