/* SPDX-License-Identifier: BSD-2-Clause */
#include "boot/options.h"

#include <stddef.h>
#include <string.h>

bool option_given(const char *bootargs, const char *name)
{
    size_t length = strlen(name);
    for (const char *word = bootargs; *word; word++) {
        bool start = word == bootargs || word[-1] == ' ';
        if (start && !strncmp(word, name, length) && (word[length] == ' ' || !word[length]))
            return true;
    }
    return false;
}
