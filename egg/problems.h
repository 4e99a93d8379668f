/* SPDX-License-Identifier: BSD-2-Clause */
/* What is wrong with what was read, in words for the log. Pure: the reader collects, the caller tells. */
#pragma once

#include <stdarg.h>

#include <cavern/machine.h>

enum {
    PROBLEMS_MAX = 32,
    PROBLEM_BYTES = 160,
};

struct problem {
    enum cavern_log_level level;
    char text[PROBLEM_BYTES];
};

struct problems {
    unsigned count;
    unsigned lost; /* for which there was no room */
    struct problem list[PROBLEMS_MAX];
};

void problem_add(struct problems *problems, enum cavern_log_level level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
