/* SPDX-License-Identifier: BSD-2-Clause */
#include "line.h"

#include <string.h>

enum {
    INTERRUPT = 0x03, /* Ctrl-C */
    END = 0x04,       /* Ctrl-D */
    BELL = 0x07,
    BACKSPACE = 0x08,
    ERASE_LINE = 0x15, /* Ctrl-U */
    ERASE_WORD = 0x17, /* Ctrl-W */
    ESCAPE = 0x1b,
    DELETE = 0x7f,
};

/* ECMA-48, 5.4: ESC [ parameters final. ESC O final comes from keypads. */
enum line_escape { ESCAPE_NONE, ESCAPE_BEGUN, ESCAPE_PARAMETERS, ESCAPE_FINAL };

static void show(struct line_echo *echo, const char *text, unsigned length)
{
    memcpy(echo->text, text, length);
    echo->length = length;
}

static void ring(struct line_echo *echo)
{
    show(echo, (const char[]){BELL}, 1);
}

/* Whether the byte belongs to an escape sequence, or begins one. */
static bool pass_over(struct line *line, uint8_t byte)
{
    switch ((enum line_escape)line->escape) {
    case ESCAPE_NONE:
        line->escape = byte == ESCAPE ? ESCAPE_BEGUN : ESCAPE_NONE;
        return byte == ESCAPE;
    case ESCAPE_BEGUN:
        line->escape = byte == '[' ? ESCAPE_PARAMETERS : byte == 'O' ? ESCAPE_FINAL : ESCAPE_NONE;
        break;
    case ESCAPE_PARAMETERS:
        line->escape = byte >= 0x20 && byte < 0x40 ? ESCAPE_PARAMETERS : ESCAPE_NONE;
        break;
    case ESCAPE_FINAL:
        line->escape = ESCAPE_NONE;
        break;
    }
    if (byte >= ' ')
        return true;
    line->escape = byte == ESCAPE ? ESCAPE_BEGUN : ESCAPE_NONE; /* no sequence goes on after a control character */
    return byte == ESCAPE;
}

static bool continues_character(char byte)
{
    return ((uint8_t)byte & 0xc0) == 0x80;
}

static void erase_character(struct line *line, struct line_echo *echo)
{
    if (!line->length)
        return;
    do {
        line->length--;
    } while (line->length && continues_character(line->text[line->length]));
    echo->erase++;
}

static void erase_word(struct line *line, struct line_echo *echo)
{
    while (line->length && line->text[line->length - 1] == ' ')
        erase_character(line, echo);
    while (line->length && line->text[line->length - 1] != ' ')
        erase_character(line, echo);
}

static void add(struct line *line, char byte, struct line_echo *echo)
{
    if (line->length == LINE_BYTES) {
        ring(echo);
        return;
    }
    line->text[line->length++] = byte;
    show(echo, &byte, 1);
}

static enum line_event complete(struct line *line, unsigned room, struct line_echo *echo)
{
    if (line->length >= room) {
        ring(echo);
        return LINE_NONE;
    }
    show(echo, "\r\n", 2);
    return LINE_COMPLETE;
}

enum line_event line_put(struct line *line, uint8_t byte, unsigned room, struct line_echo *echo)
{
    bool after_return = line->after_return;
    *echo = (struct line_echo){0};
    line->after_return = byte == '\r';
    if (byte == INTERRUPT) {
        line_clear(line);
        show(echo, "^C\r\n", 4);
        return LINE_INTERRUPT;
    }
    if (pass_over(line, byte))
        return LINE_NONE;
    switch (byte) {
    case '\n':
        return after_return ? LINE_NONE : complete(line, room, echo);
    case '\r':
        return complete(line, room, echo);
    case END:
        return line->length ? LINE_NONE : LINE_END;
    case BACKSPACE:
    case DELETE:
        erase_character(line, echo);
        break;
    case ERASE_WORD:
        erase_word(line, echo);
        break;
    case ERASE_LINE:
        while (line->length)
            erase_character(line, echo);
        break;
    case '\t':
        add(line, ' ', echo);
        break;
    default:
        if (byte >= ' ')
            add(line, (char)byte, echo);
    }
    return LINE_NONE;
}

void line_clear(struct line *line)
{
    line->length = 0;
    line->escape = ESCAPE_NONE;
}

bool line_invariants(const struct line *line)
{
    if (line->length > LINE_BYTES || line->escape > ESCAPE_FINAL)
        return false;
    for (unsigned i = 0; i < line->length; i++)
        if ((uint8_t)line->text[i] < ' ' || line->text[i] == DELETE)
            return false;
    return true;
}
