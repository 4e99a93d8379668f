/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a command line means, and how numbers, times and sizes are written. Pure.
 *
 *   line     = command { ";" command }
 *   command  = { word }                       words stand between spaces and tabs
 *   word     = 'as it is' | "with $? and \" \\ \$" | \x for x | $? for the last exit status | anything else
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    SHELL_LINE_MAX = 1024,               /* bytes, with the ending 0 */
    SHELL_WORDS_MAX = 64,                /* in one command */
    SHELL_TEXT_MAX = 4 * SHELL_LINE_MAX, /* bytes of all words of one command, each ended by 0 */
    SHELL_PATH_MAX = 256,
};

/* Exit statuses. */
enum {
    SHELL_OK = 0,
    SHELL_FAILED = 1,
    SHELL_USAGE = 2,
    SHELL_UNKNOWN = 127,
    SHELL_FAULT = 128, /* and the number of the fault */
    SHELL_INTERRUPTED = 130,
    SHELL_ENDED = 137, /* by another process */
};

struct shell_words {
    unsigned count;
    const char *word[SHELL_WORDS_MAX + 1]; /* into `text`; NULL after the last */
    char text[SHELL_TEXT_MAX];
};

enum shell_parse {
    SHELL_COMMAND,
    SHELL_END,      /* nothing follows */
    SHELL_UNCLOSED, /* a quote without its end, or a backslash at the end */
    SHELL_TOO_MANY, /* words, or bytes in them */
};

/* The command at *at in the line, which is moved behind it; it may have no words. $? is `status`. */
enum shell_parse shell_parse(const char *line, size_t *at, int status, struct shell_words *words);

/* The whole line can be run: SHELL_END, or what is wrong with it. */
enum shell_parse shell_check(const char *line, struct shell_words *scratch);

/* "7", "0.25" and the like; false: something else, or 2^32 seconds and more. */
bool shell_seconds(const char *word, uint64_t *nanoseconds);

/* The status of a program that ended so (words of an exit notice). */
int shell_exit_status(const uint64_t exit_words[5]);

/*
 * The whole path of `name`: as it is with a '/' before it, else below `folder`. "." and ".." and doubled slashes are
 * resolved; no '/' at the end. False: it is too long.
 */
bool shell_path(const char *folder, const char *name, char path[SHELL_PATH_MAX]);

/* "365d", "3d 4h", "2h 5m", "7m 30s", "12.3 s", "45 ms", "120 us", "0": at most 7 characters. */
void shell_duration(uint64_t nanoseconds, char text[16]);
/* "512 B", "12.0 KiB", "1.5 GiB": at most 10 characters. */
void shell_size(uint64_t bytes, char text[16]);
/* "    12.345678", seconds since the reset, as the log shows them. */
void shell_time(uint64_t nanoseconds, char text[32]);

bool shell_invariants(const struct shell_words *words);
