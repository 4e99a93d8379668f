/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Files: paths as /volume/NAME/rest; the volume is found in the registry. Whoever registered it may be slow to answer
 * or never do so, hence the deadlines: TIMEOUT. spec/services/volume.md.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <cavern/protocol/file.h>
#include <cavern/rpc.h>

struct cavern_file {
    struct cavern_session volume;
    uint32_t node;
    uint32_t kind; /* enum file_kind */
    uint64_t size; /* bytes */
};

/* NOT_FOUND. An open file holds a sender until it is closed. */
enum cavern_status cavern_file_open(const char *path, uint64_t deadline, struct cavern_file *file) CAVERN_MUST_CHECK;
void cavern_file_close(struct cavern_file *file);

/* *done: bytes read, fewer than wanted only at the end of the file. `to` lies in one mapping. */
enum cavern_status cavern_file_read(struct cavern_file *file, uint64_t offset, void *to, uint64_t length,
                                    uint64_t deadline, uint64_t *done) CAVERN_MUST_CHECK;

/* The folder's entries from *cursor (0 first) on, which is moved. END: no more. */
enum cavern_status cavern_file_list(struct cavern_file *folder, uint64_t *cursor, uint64_t deadline,
                                    struct file_entries *entries) CAVERN_MUST_CHECK;

/* The whole file in memory of its own, to be given back with cavern_file_unload. An empty file is NULL, 0. */
enum cavern_status cavern_file_load(const char *path, uint64_t deadline, void **data, size_t *size) CAVERN_MUST_CHECK;
void cavern_file_unload(void *data, size_t size);
