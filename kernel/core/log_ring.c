/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/log_ring.h"

#include <string.h>

_Static_assert(LOG_RECORD_MAX % 8 == 0, "records stay aligned");

static uint64_t record_bytes(const struct cavern_log_record *record)
{
    return sizeof(*record) + ((record->length + 7u) & ~7u);
}

/* Copies between the ring, at a position, and memory; a range may run over the ring's end. */
static void ring_put(struct log_ring *ring, uint64_t position, const void *from, size_t bytes)
{
    size_t at = position & (ring->capacity - 1);
    size_t until_end = ring->capacity - at < bytes ? ring->capacity - at : bytes;

    memcpy(ring->data + at, from, until_end);
    memcpy(ring->data, (const uint8_t *)from + until_end, bytes - until_end);
}

static void ring_get(const struct log_ring *ring, uint64_t position, void *to, size_t bytes)
{
    size_t at = position & (ring->capacity - 1);
    size_t until_end = ring->capacity - at < bytes ? ring->capacity - at : bytes;

    memcpy(to, ring->data + at, until_end);
    memcpy((uint8_t *)to + until_end, ring->data, bytes - until_end);
}

static uint64_t record_bytes_at(const struct log_ring *ring, uint64_t position)
{
    struct cavern_log_record record;

    ring_get(ring, position, &record, sizeof(record));
    return record_bytes(&record);
}

bool log_ring_init(struct log_ring *ring, void *data, size_t bytes)
{
    *ring = (struct log_ring){.data = data};
    if (bytes < LOG_RING_MIN)
        return false;
    ring->capacity = UINT64_C(1) << (63 - __builtin_clzll(bytes));
    return true;
}

static void drop_oldest(struct log_ring *ring)
{
    ring->start += record_bytes_at(ring, ring->start);
    ring->first++;
}

void log_ring_write(struct log_ring *ring, uint64_t time, uint32_t level, const char *text, size_t length)
{
    static const uint8_t zeros[8];
    uint32_t kept = (uint32_t)(length < CAVERN_LOG_TEXT_MAX ? length : CAVERN_LOG_TEXT_MAX);
    struct cavern_log_record record = {.time = time, .level = level, .length = kept};
    uint64_t bytes = record_bytes(&record);

    while (ring->end - ring->start + bytes > ring->capacity)
        drop_oldest(ring);
    ring_put(ring, ring->end, &record, sizeof(record));
    ring_put(ring, ring->end + sizeof(record), text, kept);
    ring_put(ring, ring->end + sizeof(record) + kept, zeros, bytes - sizeof(record) - kept);
    ring->end += bytes;
    ring->next++;
}

/* Position of a record that is kept, or of the end. Readers mostly go on where the last one stopped. */
static uint64_t find_position(const struct log_ring *ring, uint64_t number)
{
    bool use_hint = ring->hint >= ring->first && ring->hint <= number;
    uint64_t at = use_hint ? ring->hint : ring->first;
    uint64_t position = use_hint ? ring->hint_position : ring->start;

    for (; at < number; at++)
        position += record_bytes_at(ring, position);
    return position;
}

size_t log_ring_read(struct log_ring *ring, uint64_t *cursor, void *out, size_t bytes, uint64_t *lost)
{
    uint64_t number = *cursor < ring->next ? *cursor : ring->next;
    size_t copied = 0;

    *lost = number < ring->first ? ring->first - number : 0;
    number += *lost;
    uint64_t position = find_position(ring, number);
    for (; number < ring->next; number++) {
        uint64_t size = record_bytes_at(ring, position);

        if (size > bytes - copied)
            break;
        ring_get(ring, position, (uint8_t *)out + copied, size);
        copied += size;
        position += size;
    }
    ring->hint = number;
    ring->hint_position = position;
    *cursor = number;
    return copied;
}

bool log_ring_invariants(const struct log_ring *ring)
{
    uint64_t position = ring->start;
    uint64_t number = ring->first;

    for (; position < ring->end; number++) {
        struct cavern_log_record record;

        ring_get(ring, position, &record, sizeof(record));
        if (record.length > CAVERN_LOG_TEXT_MAX)
            return false;
        position += record_bytes(&record);
    }
    return position == ring->end && number == ring->next && ring->end - ring->start <= ring->capacity;
}
