/* SPDX-License-Identifier: BSD-2-Clause */
/* Boot options: words of `bootargs`, separated by spaces. Pure. */
#pragma once

#include <stdbool.h>

/* `name` is one of the words. */
bool option_given(const char *bootargs, const char *name);
