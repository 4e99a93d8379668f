/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The line that is being typed. Bytes in, what to show out. Pure.
 *
 *   CR, LF, CR LF    the line is complete         Ctrl-C   INTERRUPT, the line is forgotten
 *   DEL, backspace   rubs out a character         Ctrl-D   END on an empty line, else nothing
 *   Ctrl-W, Ctrl-U   rub out a word, the line     tab      a space
 *
 * A character is a byte of ASCII or a sequence of UTF-8. Escape sequences, which arrows and function keys send, and all
 * other control characters are passed over.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum { LINE_BYTES = 1000 }; /* most that a line can hold */

enum line_event { LINE_NONE, LINE_COMPLETE, LINE_INTERRUPT, LINE_END };

/* Zeroed: empty. */
struct line {
    char text[LINE_BYTES];
    unsigned length;
    uint8_t escape;    /* enum line_escape: within an escape sequence */
    bool after_return; /* a line feed now belongs to the return before it */
};

/* To be shown: so many characters rubbed out, then some bytes. */
struct line_echo {
    unsigned erase;
    unsigned length;
    char text[4];
};

/*
 * One byte. After LINE_COMPLETE the line stands in `text` until line_clear. `room`: bytes for a finished line and its
 * ending; one for which there is none rings the bell and goes on.
 */
enum line_event line_put(struct line *line, uint8_t byte, unsigned room, struct line_echo *echo);
void line_clear(struct line *line);

bool line_invariants(const struct line *line);
