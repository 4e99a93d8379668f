/* SPDX-License-Identifier: BSD-2-Clause */
#include "policy.h"

#include <stddef.h>
#include <string.h>

static uint32_t padded(uint32_t length)
{
    return (length + 7) & ~7u;
}

static void copy_text(char *to, const char *from, uint32_t length)
{
    for (uint32_t i = 0; i < length; i++)
        to[i] = from[i] >= ' ' && from[i] < 0x7f ? from[i] : '?';
}

void log_append(struct log *log, uint64_t time, uint32_t level, uint32_t process, const char *source, const char *text,
                uint32_t length)
{
    struct log_event *event = &log->events[log->count++ % LOG_CAPACITY];
    *event = (struct log_event){
        .time = time,
        .level = level >= CAVERN_LOG_ERROR && level <= CAVERN_LOG_DEBUG ? level : CAVERN_LOG_INFO,
        .process = process,
        .length = length < CAVERN_LOG_TEXT_MAX ? length : CAVERN_LOG_TEXT_MAX,
    };
    copy_text(event->source, source, (uint32_t)strnlen(source, LOG_SOURCE_MAX - 1));
    copy_text(event->text, text, event->length);
}

enum cavern_status log_write(struct log *log, uint32_t process, const void *payload, unsigned size)
{
    const struct log_write *write = payload;
    if (size < sizeof *write || write->length > CAVERN_LOG_TEXT_MAX || size - sizeof *write < write->length)
        return CAVERN_BAD_ARGUMENT;
    log_append(log, write->time, write->request.value, process, write->source, (const char *)(write + 1),
               write->length);
    return CAVERN_OK;
}

unsigned log_append_kernel(struct log *log, const void *records, uint64_t bytes)
{
    const uint8_t *at = records;
    unsigned count = 0;
    while (bytes >= sizeof(struct cavern_log_record)) {
        struct cavern_log_record record;
        memcpy(&record, at, sizeof record);
        at += sizeof record;
        bytes -= sizeof record;
        if (record.length > CAVERN_LOG_TEXT_MAX || padded(record.length) > bytes)
            break;
        log_append(log, record.time, record.level, 0, "kernel", (const char *)at, record.length);
        at += padded(record.length);
        bytes -= padded(record.length);
        count++;
    }
    return count;
}

/* --- reading --- */

/* Number of the oldest event that is still there. */
static uint64_t oldest(const struct log *log)
{
    return log->count > LOG_CAPACITY ? log->count - LOG_CAPACITY + 1 : 1;
}

static void put_record(uint8_t *to, const struct log_event *event)
{
    struct log_record record = {
        .time = event->time,
        .level = event->level,
        .process = event->process,
        .length = event->length,
    };
    memcpy(record.source, event->source, sizeof record.source);
    memcpy(to, &record, sizeof record);
    memset(to + sizeof record, 0, padded(event->length));
    memcpy(to + sizeof record, event->text, event->length);
}

enum cavern_status log_read(const struct log *log, const void *payload, unsigned size, struct log_records *records,
                            unsigned *reply_size)
{
    const struct log_read *read = payload;
    if (size < sizeof *read)
        return CAVERN_BAD_ARGUMENT;
    uint32_t level = read->request.value ? read->request.value : CAVERN_LOG_DEBUG;
    uint64_t first = oldest(log), number = read->cursor > first ? read->cursor : first;
    uint32_t used = 0;
    *records = (struct log_records){.lost = read->cursor && read->cursor < first ? first - read->cursor : 0};
    for (; number <= log->count; number++) {
        const struct log_event *event = &log->events[(number - 1) % LOG_CAPACITY];
        uint32_t needed = (uint32_t)sizeof(struct log_record) + padded(event->length);
        if (event->level > level)
            continue;
        if (needed > LOG_RECORDS_BYTES - used)
            break;
        put_record(records->bytes + used, event);
        used += needed;
        records->reply.value++;
    }
    records->next = number;
    *reply_size = (unsigned)offsetof(struct log_records, bytes) + used;
    return records->reply.value ? CAVERN_OK : CAVERN_END;
}

bool log_invariants(const struct log *log)
{
    for (unsigned i = 0; i < LOG_CAPACITY && i < log->count; i++) {
        const struct log_event *event = &log->events[i];
        if (event->length > CAVERN_LOG_TEXT_MAX || event->level < CAVERN_LOG_ERROR || event->level > CAVERN_LOG_DEBUG ||
            event->source[LOG_SOURCE_MAX - 1])
            return false;
    }
    return true;
}
