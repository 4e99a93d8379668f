/* SPDX-License-Identifier: BSD-2-Clause */
#include "policy.h"

#include <stdio.h>
#include <string.h>

#include <cavern/process.h>

/* --- words --- */

struct parser {
    const char *line;
    size_t at;
    int status;
    struct shell_words *words;
    size_t used; /* bytes of words->text */
    bool in_word;
    bool full;
};

static void put(struct parser *parser, char byte)
{
    if (parser->used == SHELL_TEXT_MAX) {
        parser->full = true;
        return;
    }
    parser->words->text[parser->used++] = byte;
}

static void begin_word(struct parser *parser)
{
    if (parser->in_word)
        return;
    if (parser->words->count == SHELL_WORDS_MAX) {
        parser->full = true;
        return;
    }
    parser->in_word = true;
    parser->words->word[parser->words->count++] = parser->words->text + parser->used;
}

static void end_word(struct parser *parser)
{
    if (parser->in_word)
        put(parser, 0);
    parser->in_word = false;
}

static void put_status(struct parser *parser)
{
    char digits[12];
    snprintf(digits, sizeof digits, "%d", parser->status);
    for (const char *digit = digits; *digit; digit++)
        put(parser, *digit);
}

/* $? or a plain byte. */
static void put_expanded(struct parser *parser)
{
    const char *next = parser->line + parser->at;
    if (next[0] == '$' && next[1] == '?') {
        put_status(parser);
        parser->at += 2;
    } else {
        put(parser, next[0]);
        parser->at++;
    }
}

static bool single_quoted(struct parser *parser)
{
    const char *text = parser->line + parser->at + 1;
    size_t length = strcspn(text, "'");
    for (size_t i = 0; i < length; i++)
        put(parser, text[i]);
    parser->at += length + 2;
    return text[length] == '\'';
}

static bool double_quoted(struct parser *parser)
{
    for (parser->at++; parser->line[parser->at] != '"';) {
        const char *next = parser->line + parser->at;
        if (!next[0])
            return false;
        if (next[0] == '\\' && next[1] && strchr("\"\\$", next[1])) {
            put(parser, next[1]);
            parser->at += 2;
        } else {
            put_expanded(parser);
        }
    }
    parser->at++;
    return true;
}

static bool escaped(struct parser *parser)
{
    char byte = parser->line[parser->at + 1];
    put(parser, byte);
    parser->at += 2;
    return byte != 0;
}

/* One piece of a word: quoted, escaped, or a byte. False: its end is missing. */
static bool put_piece(struct parser *parser)
{
    begin_word(parser);
    switch (parser->line[parser->at]) {
    case '\'':
        return single_quoted(parser);
    case '"':
        return double_quoted(parser);
    case '\\':
        return escaped(parser);
    default:
        put_expanded(parser);
        return true;
    }
}

enum shell_parse shell_parse(const char *line, size_t *at, int status, struct shell_words *words)
{
    struct parser parser = {.line = line, .at = *at, .status = status, .words = words};
    words->count = 0;
    words->word[0] = NULL;
    if (!line[parser.at])
        return SHELL_END;
    bool closed = true;
    while (closed && line[parser.at] && line[parser.at] != ';') {
        if (line[parser.at] == ' ' || line[parser.at] == '\t') {
            end_word(&parser);
            parser.at++;
        } else {
            closed = put_piece(&parser);
        }
    }
    end_word(&parser);
    if (!closed || parser.full)
        words->count = 0;
    words->word[words->count] = NULL;
    if (!closed)
        return SHELL_UNCLOSED;
    *at = parser.at + (line[parser.at] == ';');
    return parser.full ? SHELL_TOO_MANY : SHELL_COMMAND;
}

enum shell_parse shell_check(const char *line, struct shell_words *scratch)
{
    enum shell_parse result;
    size_t at = 0;
    do {
        result = shell_parse(line, &at, SHELL_ENDED, scratch); /* the longest that a status can be */
    } while (result == SHELL_COMMAND);
    return result;
}

bool shell_invariants(const struct shell_words *words)
{
    if (words->count > SHELL_WORDS_MAX || words->word[words->count])
        return false;
    for (unsigned i = 0; i < words->count; i++) {
        const char *word = words->word[i], *end = words->text + SHELL_TEXT_MAX;
        if (word < words->text || word >= end || !memchr(word, 0, (size_t)(end - word)))
            return false;
    }
    return true;
}

/* --- what words mean --- */

static bool is_digit(char byte)
{
    return byte >= '0' && byte <= '9';
}

bool shell_seconds(const char *word, uint64_t *nanoseconds)
{
    uint64_t seconds = 0, fraction = 0, unit = 1000000000;
    if (!is_digit(*word))
        return false;
    for (; is_digit(*word); word++) {
        seconds = seconds * 10 + (uint64_t)(*word - '0');
        if (seconds > UINT32_MAX)
            return false;
    }
    if (*word == '.') {
        for (word++; is_digit(*word); word++) {
            unit /= 10;
            fraction += (uint64_t)(*word - '0') * unit;
        }
    }
    *nanoseconds = seconds * 1000000000 + fraction;
    return !*word;
}

int shell_exit_status(const uint64_t exit_words[5])
{
    switch (exit_words[CAVERN_EXIT_REASON]) {
    case CAVERN_REASON_EXITED:
    case CAVERN_REASON_THREADS:
        return (int)(exit_words[CAVERN_EXIT_CODE] & 0xff);
    case CAVERN_REASON_FAULT:
        return (int)(SHELL_FAULT + (exit_words[CAVERN_EXIT_FAULT] & 0x7f));
    default:
        return SHELL_ENDED;
    }
}

/* Appends what stands between two slashes, or takes back what ".." takes back. */
static bool path_add(char path[SHELL_PATH_MAX], const char *part, size_t length)
{
    size_t used = strlen(path);
    if (length == 0 || (length == 1 && part[0] == '.'))
        return true;
    if (length == 2 && part[0] == '.' && part[1] == '.') {
        char *last = strrchr(path, '/');
        if (last)
            *last = 0;
        return true;
    }
    if (used + length + 2 > SHELL_PATH_MAX)
        return false;
    path[used] = '/';
    memcpy(path + used + 1, part, length);
    path[used + 1 + length] = 0;
    return true;
}

static bool path_add_all(char path[SHELL_PATH_MAX], const char *name)
{
    while (*name) {
        size_t length = strcspn(name, "/");
        if (!path_add(path, name, length))
            return false;
        name += length + (name[length] == '/');
    }
    return true;
}

bool shell_path(const char *folder, const char *name, char path[SHELL_PATH_MAX])
{
    path[0] = 0;
    if (name[0] != '/' && !path_add_all(path, folder))
        return false;
    if (!path_add_all(path, name))
        return false;
    if (!path[0])
        strcpy(path, "/");
    return true;
}

/* --- for people --- */

void shell_duration(uint64_t nanoseconds, char text[16])
{
    uint64_t microseconds = nanoseconds / 1000, milliseconds = microseconds / 1000, seconds = milliseconds / 1000;
    uint64_t minutes = seconds / 60, hours = minutes / 60, days = hours / 24;
    unsigned size = 16;
    if (days > 99)
        snprintf(text, size, "%ud", (unsigned)(days % 1000000));
    else if (days)
        snprintf(text, size, "%ud %uh", (unsigned)days, (unsigned)(hours % 24));
    else if (hours)
        snprintf(text, size, "%uh %um", (unsigned)hours, (unsigned)(minutes % 60));
    else if (minutes)
        snprintf(text, size, "%um %us", (unsigned)minutes, (unsigned)(seconds % 60));
    else if (seconds)
        snprintf(text, size, "%u.%u s", (unsigned)seconds, (unsigned)(milliseconds / 100 % 10));
    else if (milliseconds && milliseconds < 100)
        snprintf(text, size, "%u.%u ms", (unsigned)milliseconds, (unsigned)(microseconds / 100 % 10));
    else if (milliseconds)
        snprintf(text, size, "%u ms", (unsigned)milliseconds);
    else
        snprintf(text, size, microseconds ? "%u us" : "%u", (unsigned)microseconds);
}

void shell_size(uint64_t bytes, char text[16])
{
    static const char *const units[] = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    unsigned unit = 0;
    if (bytes < 1024) {
        snprintf(text, 16, "%u B", (unsigned)bytes);
        return;
    }
    for (; bytes >= 1024 * 1024; bytes /= 1024)
        unit++;
    snprintf(text, 16, "%u.%u %s", (unsigned)(bytes / 1024), (unsigned)(bytes % 1024 * 10 / 1024), units[unit]);
}

void shell_time(uint64_t nanoseconds, char text[32])
{
    uint64_t microseconds = nanoseconds / 1000;
    snprintf(text, 32, "%6llu.%06u", (unsigned long long)(microseconds / 1000000), (unsigned)(microseconds % 1000000));
}
