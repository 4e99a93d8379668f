/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The log's records: the last LOG_CAPACITY events, in the order in which they came. Pure. Records are numbered from 1;
 * a cursor is the number of the next one to read.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <cavern/protocol/log.h>
#include <cavern/status.h>

enum { LOG_CAPACITY = 1024 };

struct log_event {
    uint64_t time; /* ns */
    uint32_t level;
    uint32_t process; /* 0: the kernel */
    char source[LOG_SOURCE_MAX];
    uint32_t length;
    char text[CAVERN_LOG_TEXT_MAX];
};

/* Zeroed: empty. */
struct log {
    struct log_event events[LOG_CAPACITY];
    uint64_t count; /* events so far */
};

/* A text or source (which need not end in 0) that is too long is cut; a level out of range counts as INFO; bytes that
 * are not printable become '?'. */
void log_append(struct log *log, uint64_t time, uint32_t level, uint32_t process, const char *source, const char *text,
                uint32_t length);

/* LOG_WRITE of `process`. BAD_ARGUMENT: the lengths do not fit. */
enum cavern_status log_write(struct log *log, uint32_t process, const void *payload, unsigned size);

/* LOG_READ: as many records as fit in LOG_RECORDS_BYTES, *size: bytes of the whole reply. END, BAD_ARGUMENT. */
enum cavern_status log_read(const struct log *log, const void *payload, unsigned size, struct log_records *records,
                            unsigned *reply_size);

/* Records of the kernel's log, as the call `machine` gave them. Returns how many. */
unsigned log_append_kernel(struct log *log, const void *records, uint64_t bytes);

bool log_invariants(const struct log *log);
