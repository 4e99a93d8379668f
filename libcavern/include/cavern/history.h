/* SPDX-License-Identifier: BSD-2-Clause */
/* How often something has happened of late: whether to start again what ends. Pure. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* Notes `now` among `*count` times, oldest first, once those are out that lie `period` or longer back. False: `limit`
 * are left, and `now` is not noted. */
static inline bool cavern_history_add(uint64_t *times, unsigned *count, unsigned limit, uint64_t now, uint64_t period)
{
    unsigned old = 0;
    while (old < *count && now - times[old] >= period)
        old++;
    *count -= old;
    memmove(times, times + old, *count * sizeof(*times));
    if (*count == limit)
        return false;
    times[(*count)++] = now;
    return true;
}
