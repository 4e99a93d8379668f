/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdlib.h>

#include <limits.h>
#include <stdbool.h>

static unsigned digit_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if ((c | 32) >= 'a' && (c | 32) <= 'z')
        return (c | 32) - 'a' + 10;
    return UINT_MAX;
}

/* Of ISO C's: no white space, no sign; too much gives ULONG_MAX, without errno. */
unsigned long strtoul(const char *text, char **end, int base)
{
    unsigned radix = base ? (unsigned)base : 10;
    if ((base == 0 || base == 16) && text[0] == '0' && (text[1] | 32) == 'x' && digit_value(text[2]) < 16) {
        text += 2;
        radix = 16;
    } else if (base == 0 && text[0] == '0') {
        radix = 8;
    }
    unsigned long value = 0;
    bool over = false;
    for (; digit_value(*text) < radix; text++) {
        over |= __builtin_mul_overflow(value, (unsigned long)radix, &value);
        over |= __builtin_add_overflow(value, (unsigned long)digit_value(*text), &value);
    }
    if (end)
        *end = (char *)(unsigned long)text;
    return over ? ULONG_MAX : value;
}
