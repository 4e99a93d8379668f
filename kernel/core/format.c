/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/format.h"

#include <stdbool.h>
#include <stdint.h>

struct text {
    char *out;
    size_t length;
    size_t room; /* without the final 0 */
};

struct conversion {
    unsigned width;
    char fill;
    bool is_long;
    char kind;
};

static void put(struct text *text, char c)
{
    if (text->length < text->room)
        text->out[text->length++] = c;
}

static void put_string(struct text *text, const char *string)
{
    while (*string)
        put(text, *string++);
}

static void put_number(struct text *text, uint64_t value, unsigned base, const struct conversion *conversion)
{
    char digits[20];
    unsigned count = 0;

    do {
        digits[count++] = "0123456789abcdef"[value % base];
        value /= base;
    } while (value);
    for (unsigned i = count; i < conversion->width; i++)
        put(text, conversion->fill);
    while (count)
        put(text, digits[--count]);
}

static void put_signed(struct text *text, int64_t value, const struct conversion *conversion)
{
    if (value < 0)
        put(text, '-');
    put_number(text, value < 0 ? -(uint64_t)value : (uint64_t)value, 10, conversion);
}

/* What follows a %; answers the first character behind it. */
static const char *conversion_read(const char *format, struct conversion *conversion)
{
    *conversion = (struct conversion){.fill = *format == '0' ? '0' : ' '};
    while (*format >= '0' && *format <= '9')
        conversion->width = conversion->width * 10 + (unsigned)(*format++ - '0');
    if (*format == 'l') {
        conversion->is_long = true;
        format++;
    }
    conversion->kind = *format;
    return *format ? format + 1 : format;
}

size_t format_text(char *out, size_t size, const char *format, va_list arguments)
{
    struct text text = {.out = out, .room = size - 1};

    while (*format) {
        if (*format != '%') {
            put(&text, *format++);
            continue;
        }
        const char *start = format;
        struct conversion conversion;
        format = conversion_read(format + 1, &conversion);
        switch (conversion.kind) {
        case 's':
            put_string(&text, va_arg(arguments, const char *));
            break;
        case 'c':
            put(&text, (char)va_arg(arguments, int));
            break;
        case 'd':
            put_signed(&text, conversion.is_long ? va_arg(arguments, long) : va_arg(arguments, int), &conversion);
            break;
        case 'u':
        case 'x':
            put_number(&text, conversion.is_long ? va_arg(arguments, unsigned long) : va_arg(arguments, unsigned),
                       conversion.kind == 'x' ? 16 : 10, &conversion);
            break;
        case '%':
            put(&text, '%');
            break;
        default:
            while (start < format)
                put(&text, *start++);
        }
    }
    text.out[text.length] = 0;
    return text.length;
}

size_t format_line(char *out, size_t size, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    size_t length = format_text(out, size, format, arguments);
    va_end(arguments);
    return length;
}
