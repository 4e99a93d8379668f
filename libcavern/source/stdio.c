/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * stdin, stdout and stderr for the C library's printf and fgets. Output of both streams is held back until a line is
 * whole and goes to the console, or to the log where the process has no console. Input is read by lines; before it is
 * waited for, what is held back is written.
 */
#include <stdio.h>
#include <string.h>

#include <cavern/console.h>
#include <cavern/log.h>
#include <cavern/mutex.h>

#include "internal.h"

#define LINE_MAX_BYTES 256

static struct {
    struct cavern_mutex mutex;
    char text[LINE_MAX_BYTES];
    size_t used;
} output;

static struct {
    char text[CONSOLE_TEXT_MAX + 2];
    size_t next, used;
} input;

static void write_to_log(const char *text, size_t length)
{
    if (length && text[length - 1] == '\n')
        length--;
    if (length)
        cavern_log(CAVERN_LOG_INFO, "%.*s", (int)length, text);
}

/* The mutex is held. */
static void write_out(void)
{
    size_t length = output.used;
    output.used = 0;
    if (length && cavern_console_write(output.text, length))
        write_to_log(output.text, length);
}

void cavern_output_flush(void)
{
    if (!cavern_mutex_try_lock(&output.mutex))
        return;
    write_out();
    cavern_mutex_unlock(&output.mutex);
}

static int put(char c, FILE *file)
{
    (void)file;
    cavern_mutex_lock(&output.mutex);
    output.text[output.used++] = c;
    if (c == '\n' || output.used == sizeof(output.text))
        write_out();
    cavern_mutex_unlock(&output.mutex);
    return (unsigned char)c;
}

static int flush(FILE *file)
{
    (void)file;
    cavern_output_flush();
    return 0;
}

static int get(FILE *file)
{
    (void)file;
    if (input.next == input.used) {
        size_t length;
        cavern_output_flush();
        if (cavern_console_read_line(input.text, sizeof(input.text) - 1, &length))
            return _FDEV_EOF;
        input.text[length] = '\n';
        input.next = 0;
        input.used = length + 1;
    }
    return (unsigned char)input.text[input.next++];
}

static FILE out = FDEV_SETUP_STREAM(put, NULL, flush, _FDEV_SETUP_WRITE);
static FILE in = FDEV_SETUP_STREAM(NULL, get, NULL, _FDEV_SETUP_READ);

FILE *const stdout = &out;
FILE *const stderr = &out;
FILE *const stdin = &in;
