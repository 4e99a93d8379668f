/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The console's client, over the sender "console" of the start-up record. stdin, stdout and stderr use it; where a
 * process has no console, its output goes to the log line by line and its input is at its end.
 * spec/services/console.md.
 */
#pragma once

#include <stddef.h>

#include <cavern/handle.h>
#include <cavern/protocol/console.h>
#include <cavern/status.h>

/* For a process that finds the console itself. Takes the handle over. */
void cavern_console_use(cavern_handle sender);

/* When all of it has been taken. */
enum cavern_status cavern_console_write(const char *text, size_t length) CAVERN_MUST_CHECK;

/* One line without its end, and a 0 after it; what does not fit in `size` is cut. INTERRUPTED: Ctrl-C; END: Ctrl-D. */
enum cavern_status cavern_console_read_line(char *line, size_t size, size_t *length) CAVERN_MUST_CHECK;

/* Returns when all that was written has left the device's queue: before power off. */
enum cavern_status cavern_console_flush(void) CAVERN_MUST_CHECK;

/* A sender for one more client, to hand to a child as "console". */
enum cavern_status cavern_console_open(cavern_handle *sender) CAVERN_MUST_CHECK;
