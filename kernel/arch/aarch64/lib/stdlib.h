/* SPDX-License-Identifier: BSD-2-Clause */
/* The part of ISO C's <stdlib.h> that libfdt uses. */
#pragma once

unsigned long strtoul(const char *text, char **end, int base);
