/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What this process was told at its start. The record lies in its memory for good: pointers into it stay valid.
 * A program is `int main(int argc, char **argv)`; its result is the exit code. spec/abi.md, The start-up record.
 */
#pragma once

#include <cavern/startup.h>

/* Names that every parent uses for the usual handles. */
#define CAVERN_STARTUP_QUEUE "queue"       /* the process's own queue, bound to it */
#define CAVERN_STARTUP_REGISTRY "registry" /* sender */
#define CAVERN_STARTUP_LOG "log"           /* sender */
#define CAVERN_STARTUP_CONSOLE "console"   /* sender */

/* The entry of this name; NULL: none. */
const struct cavern_startup_handle *cavern_startup_find(const char *name);

/* Its handle; CAVERN_NO_HANDLE: none. */
cavern_handle cavern_startup_get(const char *name);

/* All entries in order: NULL gives the first, and comes after the last. */
const struct cavern_startup_handle *cavern_startup_next(const struct cavern_startup_handle *previous);

/* argv[0], or "?". */
const char *cavern_program_name(void);
