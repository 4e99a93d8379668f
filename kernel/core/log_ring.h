/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The kernel's log: records in a ring of bytes, the oldest overwritten. A record's number counts all records ever
 * written; a cursor is the number of the record to read next, so that any value a reader may bring is harmless, and
 * what it has missed can be counted. Records are kept, and copied out, as struct cavern_log_record, then the text,
 * padded with zeros to a multiple of 8.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cavern/machine.h>

enum {
    LOG_RECORD_MAX = sizeof(struct cavern_log_record) + CAVERN_LOG_TEXT_MAX,
    LOG_RING_MIN = 1024,
};

struct log_ring {
    uint8_t *data;
    uint64_t capacity; /* bytes, a power of two */
    uint64_t start;    /* byte positions, ever growing: oldest record */
    uint64_t end;
    uint64_t first; /* number of the oldest record */
    uint64_t next;  /* number of the record to come */
    uint64_t hint;  /* a record's number and its position: where the last reader stopped */
    uint64_t hint_position;
};

/* The largest power of two of `bytes` is used; false when that is below LOG_RING_MIN. */
bool log_ring_init(struct log_ring *ring, void *data, size_t bytes) __attribute__((warn_unused_result));

/* Text longer than CAVERN_LOG_TEXT_MAX is cut. */
void log_ring_write(struct log_ring *ring, uint64_t time, uint32_t level, const char *text, size_t length);

/*
 * Copies as many whole records from *cursor on as fit, answers the bytes copied and moves *cursor behind them. *lost
 * is the number of records between the old *cursor and the oldest one kept. A buffer of LOG_RECORD_MAX bytes makes
 * progress always; 0 then means that there is no further record.
 */
size_t log_ring_read(struct log_ring *ring, uint64_t *cursor, void *out, size_t bytes, uint64_t *lost);

bool log_ring_invariants(const struct log_ring *ring);
