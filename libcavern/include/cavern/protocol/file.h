/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Volumes: a tree of files that are read. Nodes are numbered by the server; a number stays good while the volume is
 * there, so every operation can be repeated after a restart. Node 0 is the root. spec/services/volume.md.
 */
#pragma once

#include <cavern/protocol/rpc.h>

enum file_operation {
    FILE_OPEN = 1, /* file_path -> file_info. NOT_FOUND */
    FILE_READ,     /* file_read; one lease [write] for the bytes -> rpc_reply, value: bytes read; 0: end of file */
    FILE_STAT,     /* file_node -> file_info. NOT_FOUND */
    FILE_LIST,     /* file_node: `offset` is a cursor, 0 first -> file_entries. END */
};

#define FILE_PATH_MAX 256

enum file_kind { FILE_KIND_FILE = 1, FILE_KIND_FOLDER };

struct file_path {
    struct rpc_request request;
    char path[FILE_PATH_MAX]; /* within the volume, without a leading '/' */
};

struct file_node {
    struct rpc_request request; /* value: node */
    uint64_t offset;
};

struct file_read {
    struct rpc_request request; /* value: node */
    uint64_t offset;
    uint64_t length; /* at most the lease's */
};

struct file_info {
    struct rpc_reply reply; /* value: node */
    uint64_t size;          /* bytes */
    uint32_t kind;          /* enum file_kind */
    uint32_t pad;
};

#define FILE_ENTRIES_MAX 8

struct file_entry {
    char name[104]; /* the last part of the path */
    uint64_t size;
    uint32_t node;
    uint32_t kind;
};

struct file_entries {
    struct rpc_reply reply; /* value: how many */
    uint64_t next;          /* cursor for what follows */
    struct file_entry entries[FILE_ENTRIES_MAX];
};
