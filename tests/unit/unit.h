/* SPDX-License-Identifier: BSD-2-Clause */
/* What every unit test includes first: cmocka, with the headers that it needs before its own. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* CMOCKA_TEST_FILTER=PATTERN runs only the tests whose name fits. */
__attribute__((constructor)) static void unit_filter(void)
{
    const char *pattern = getenv("CMOCKA_TEST_FILTER");
    if (pattern)
        cmocka_set_test_filter(pattern);
}

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))
