/* SPDX-License-Identifier: BSD-2-Clause */
#include "problems.h"

#include <stdio.h>

void problem_add(struct problems *problems, enum cavern_log_level level, const char *format, ...)
{
    if (problems->count == PROBLEMS_MAX) {
        problems->lost++;
        return;
    }
    struct problem *problem = &problems->list[problems->count++];
    problem->level = level;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(problem->text, sizeof(problem->text), format, arguments);
    va_end(arguments);
}
