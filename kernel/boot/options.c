/* SPDX-License-Identifier: BSD-2-Clause */
#include "boot/options.h"

#include <stddef.h>
#include <string.h>

/* The first word that begins with `name` and ends there or goes on with `end`: what stands behind `name`. */
static const char *find(const char *bootargs, const char *name, char end)
{
    size_t length = strlen(name);
    for (const char *word = bootargs; *word; word++) {
        bool start = word == bootargs || word[-1] == ' ';
        if (start && !strncmp(word, name, length) && (word[length] == end || (end == ' ' && !word[length])))
            return word + length;
    }
    return NULL;
}

bool option_given(const char *bootargs, const char *name)
{
    return find(bootargs, name, ' ');
}

bool option_number(const char *bootargs, const char *name, uint64_t *value)
{
    const char *digit = find(bootargs, name, '=');
    uint64_t number = 0;
    if (!digit || digit[1] == ' ' || !digit[1])
        return false;
    while (*++digit && *digit != ' ') {
        if (*digit < '0' || *digit > '9' || __builtin_mul_overflow(number, 10, &number) ||
            __builtin_add_overflow(number, (uint64_t)(*digit - '0'), &number))
            return false;
    }
    *value = number;
    return true;
}
