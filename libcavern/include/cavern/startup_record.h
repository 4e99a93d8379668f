/* SPDX-License-Identifier: BSD-2-Clause */
/* Reading and making start-up records. Pure: no system call. spec/abi.md, The start-up record. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include <cavern/startup.h>

/* A record that has been checked: all in it lies inside its size, and all names and arguments end. */
struct cavern_startup_view {
    const struct cavern_startup *record;
    const struct cavern_startup_handle *handles; /* record->handles of them */
    const char *arguments;                       /* record->arguments strings, each ended by 0 */
};

/* False: not a record, or it does not fit in `size`; the view is empty then. */
bool cavern_startup_open(const void *record, size_t size, struct cavern_startup_view *view);

const struct cavern_startup_handle *cavern_startup_view_find(const struct cavern_startup_view *view, const char *name);

/* The string after `argument`; both belong to the same view. */
const char *cavern_startup_argument_next(const char *argument);

/* Bytes of a record of so many handles and so many bytes of arguments (with their ending 0). */
size_t cavern_startup_size(size_t handles, size_t argument_bytes);

/*
 * Writes the head and the arguments of a record of cavern_startup_size() bytes at `memory`, and returns its handles for
 * the caller to fill. `arguments`: `argument_bytes` of strings, each ended by 0.
 */
struct cavern_startup_handle *cavern_startup_write(void *memory, size_t handles, const char *arguments,
                                                   size_t argument_bytes, uint64_t heap);

/* Fills one entry; a name that is too long is cut. */
void cavern_startup_handle_write(struct cavern_startup_handle *entry, const char *name, cavern_handle handle,
                                 const uint64_t values[3]);
