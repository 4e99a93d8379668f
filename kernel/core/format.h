/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Text for the kernel log. Conversions: %s, %c, %d, %u, %x, %ld, %lu, %lx, %%; a number may have a
 * width, filled with spaces or zeros: %4u, %04x. Any other conversion is copied as it stands.
 */
#pragma once

#include <stdarg.h>
#include <stddef.h>

/* Writes at most size - 1 characters and a 0 behind them; answers how many. size is not 0. */
size_t format_text(char *out, size_t size, const char *format, va_list arguments) __attribute__((format(printf, 3, 0)));
size_t format_line(char *out, size_t size, const char *format, ...) __attribute__((format(printf, 3, 4)));
