/* SPDX-License-Identifier: BSD-2-Clause */
/* The log: events with level, source and time, read by cursor. spec/services/log.md. */
#pragma once

#include <cavern/machine.h>
#include <cavern/protocol/rpc.h>

enum log_operation {
    LOG_WRITE = 1, /* log_write: a one-way message, or a request where the writer wants to know */
    LOG_READ,      /* log_read -> log_records. END: nothing after the cursor */
};

#define LOG_SOURCE_MAX 16

struct log_write {
    struct rpc_request request;  /* value: enum cavern_log_level */
    uint64_t time;               /* ns */
    char source[LOG_SOURCE_MAX]; /* program, as it calls itself; the log adds the process id that the kernel stamped */
    uint32_t length;             /* bytes of text that follow, at most CAVERN_LOG_TEXT_MAX */
    uint32_t pad;
};

struct log_read {
    struct rpc_request request; /* value: least urgent level wanted; 0: all */
    uint64_t cursor;            /* 0: the oldest; else what the last reply said */
};

#define LOG_RECORDS_BYTES 8192

struct log_record { /* `length` bytes of text follow, padded to 8 */
    uint64_t time;
    uint32_t level;
    uint32_t process; /* 0: the kernel */
    char source[LOG_SOURCE_MAX];
    uint32_t length;
    uint32_t pad;
};

struct log_records {
    struct rpc_reply reply; /* value: how many */
    uint64_t next;          /* cursor */
    uint64_t lost;          /* records before the first one here that were overwritten unread */
    uint8_t bytes[];        /* log_record by log_record */
};
