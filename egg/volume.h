/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The RAM disk as a volume: the entries of a ustar archive as a tree of nodes, and the answers to the file protocol.
 * Node 0 is the root. Pure: the archive is read once, the contents of files never. spec/services/volume.md.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cavern/protocol/file.h>
#include <cavern/status.h>

#include "problems.h"

enum { VOLUME_NODES_MAX = 512 };

struct volume_node {
    char name[sizeof(((struct file_entry *)0)->name)]; /* the last part of the path */
    uint64_t offset;                                   /* of a file's contents in the archive */
    uint64_t size;
    uint32_t parent;
    uint32_t kind; /* enum file_kind */
};

struct volume {
    uint32_t count;
    struct volume_node nodes[VOLUME_NODES_MAX]; /* a folder stands before what it holds */
};

/* What is damaged or does not fit is left out, and said. */
void volume_open(struct volume *volume, const void *archive, size_t size, struct problems *problems);

/* The node at `path`, without a leading '/', "" for the root; -1: none. */
int volume_find(const struct volume *volume, const char *path);

/* The next node in `folder` from `node` on; -1: none. */
int volume_next(const struct volume *volume, uint32_t folder, uint32_t node);

/* An answer: `size` bytes of the union; or, where `length` is not 0, first so many bytes of the archive from `offset`
 * on into the request's lease 0, and `done` after that. */
struct volume_answer {
    uint32_t size;
    uint64_t offset;
    uint64_t length;
    union {
        struct rpc_reply done;
        struct file_info info;
        struct file_entries entries;
    };
};

/* `lease`: bytes of the request's lease 0, 0 for none. */
void volume_request(const struct volume *volume, const void *payload, size_t size, uint64_t lease,
                    struct volume_answer *answer);

bool volume_invariants(const struct volume *volume, size_t archive_size);
