/* SPDX-License-Identifier: BSD-2-Clause */
/* ISO C; memcpy, memmove and memset are in memory.S. Compiled so that no loop here becomes a call to itself. */
#include <string.h>

#include <stdint.h>

int(memcmp)(const void *a, const void *b, size_t size)
{
    const uint8_t *p = a, *q = b;
    for (; size; size--, p++, q++)
        if (*p != *q)
            return *p - *q;
    return 0;
}

void *memchr(const void *p, int byte, size_t size)
{
    for (const uint8_t *q = p; size; size--, q++)
        if (*q == (uint8_t)byte)
            return (void *)(uintptr_t)q;
    return NULL;
}

size_t strlen(const char *text)
{
    return strnlen(text, SIZE_MAX);
}

size_t strnlen(const char *text, size_t limit)
{
    size_t length = 0;
    while (length < limit && text[length])
        length++;
    return length;
}

int strcmp(const char *a, const char *b)
{
    return strncmp(a, b, SIZE_MAX);
}

int strncmp(const char *a, const char *b, size_t limit)
{
    for (; limit; limit--, a++, b++)
        if (*a != *b || !*a)
            return (uint8_t)*a - (uint8_t)*b;
    return 0;
}

char *strchr(const char *text, int c)
{
    for (; *text != (char)c; text++)
        if (!*text)
            return NULL;
    return (char *)(uintptr_t)text;
}

char *strrchr(const char *text, int c)
{
    char *last = NULL;
    do {
        if (*text == (char)c)
            last = (char *)(uintptr_t)text;
    } while (*text++);
    return last;
}
