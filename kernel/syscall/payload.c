/* SPDX-License-Identifier: BSD-2-Clause */
#include "syscall/payload.h"

#include <string.h>

#include "core/range.h"
#include "core/ring.h"
#include "object/attachment.h"
#include "object/buffer.h"
#include "object/process.h"
#include "object/queue.h"
#include "object/thread.h"
#include "syscall/user.h"

#define REGISTER_BYTES (CAVERN_WORDS * sizeof(uint64_t))
#define RECORD_BYTES sizeof(struct cavern_grant)

static uint64_t padded(uint64_t size)
{
    return (size + 7) & ~(uint64_t)7;
}

/* What lies beyond `size` in the caller's registers is its own affair. */
static void take_words(struct payload *payload, const uint64_t words[CAVERN_WORDS])
{
    unsigned whole = payload->size / 8, rest = payload->size % 8;
    if (whole == CAVERN_WORDS) {
        memcpy(payload->words, words, sizeof payload->words);
        return;
    }
    for (unsigned i = 0; i < whole; i++)
        payload->words[i] = words[i];
    for (unsigned i = whole; i < CAVERN_WORDS; i++)
        payload->words[i] = 0;
    if (rest)
        payload->words[whole] = words[whole] & ((UINT64_C(1) << rest * 8) - 1);
}

enum cavern_status payload_decode(struct payload *payload, uint64_t info, const uint64_t words[CAVERN_WORDS],
                                  bool may_lease)
{
    payload->size = (uint16_t)info;
    payload->leases = info >> 24 & 15;
    payload->grants = info >> 28 & 15;
    payload->trace = (uint32_t)(info >> 32);
    unsigned attached = payload->leases + payload->grants;
    payload->in_registers = payload->size <= REGISTER_BYTES && !attached;
    if (payload->in_registers) {
        take_words(payload, words);
        payload->blocks = 1;
        return CAVERN_OK;
    }
    payload->address = words[0];
    if (payload->size > CAVERN_PAYLOAD_MAX)
        return CAVERN_TOO_LARGE;
    if (payload->leases > (may_lease ? CAVERN_ATTACHMENTS_MAX : 0) || payload->grants > CAVERN_ATTACHMENTS_MAX)
        return CAVERN_BAD_ARGUMENT;
    if (payload->address % 8)
        return CAVERN_BAD_ADDRESS;
    payload->blocks = ring_blocks(payload->size, payload->leases, payload->grants);
    return CAVERN_OK;
}

uint64_t payload_bytes(const struct payload *payload)
{
    return padded(payload->size) + (payload->leases + payload->grants) * RECORD_BYTES;
}

/* --- attachments --- */

static sys_outcome attach_leases(struct thread *caller, unsigned count, const struct cavern_lease *records,
                                 struct leases *leases)
{
    for (unsigned i = 0; i < count; i++) {
        const struct cavern_lease *record = &records[i];
        struct lease *lease = &leases->lease[i];
        if (!record->length || !record->rights || record->rights > (CAVERN_LEASE_READ | CAVERN_LEASE_WRITE))
            return CAVERN_BAD_ARGUMENT;
        /* The lease rights are the protections that the mapping needs. */
        sys_outcome outcome = user_resolve(caller, record->address, record->length, (unsigned)record->rights,
                                           &lease->holding, &lease->offset);
        if (outcome)
            return outcome;
        holding_get(lease->holding, record->rights & CAVERN_LEASE_WRITE); /* until the request ends */
        lease->length = record->length;
        lease->rights = record->rights;
        leases->count++;
    }
    return CAVERN_OK;
}

static bool can_travel(uint8_t type)
{
    return type != CAVERN_TYPE_PROCESS && type != CAVERN_TYPE_THREAD && type != CAVERN_TYPE_QUEUE;
}

static enum cavern_status attach_grants(struct thread *caller, unsigned count, const struct cavern_grant *records,
                                        struct grants *grants)
{
    for (unsigned i = 0; i < count; i++) {
        struct object *object;
        uint16_t rights;
        enum cavern_status status = process_lookup_any(caller->process, records[i].handle, &object, &rights);
        if (status)
            return status;
        if (!(rights & CAVERN_RIGHT_COPY) || !can_travel(object->type) || (records[i].rights & ~(uint64_t)rights))
            return CAVERN_DENIED;
        if (object->type == CAVERN_TYPE_BUFFER &&
            !buffer_is_complete(container_of(object, struct holding, object)->buffer))
            return CAVERN_BUSY;
        grants_set(grants, i, object, (uint16_t)records[i].rights);
    }
    return CAVERN_OK;
}

sys_outcome payload_attach(struct thread *caller, const struct payload *payload, struct attachments *attachments)
{
    *attachments = (struct attachments){0};
    unsigned count = payload->leases + payload->grants;
    if (!count)
        return CAVERN_OK;
    struct cavern_grant records[2 * CAVERN_ATTACHMENTS_MAX]; /* leases have the same size and come first */
    struct cavern_lease leases[CAVERN_ATTACHMENTS_MAX];
    struct process *process = caller->process;
    sys_outcome outcome = user_read(caller, records, payload->address + padded(payload->size), count * RECORD_BYTES);
    if (!outcome && payload->leases) {
        memcpy(leases, records, payload->leases * RECORD_BYTES);
        attachments->leases = object_create(process->account, CLASS_LEASES);
        outcome = attachments->leases ? attach_leases(caller, payload->leases, leases, attachments->leases)
                                      : (sys_outcome)CAVERN_NO_MEMORY;
    }
    if (!outcome && payload->grants) {
        struct grants *grants = attachments->grants = object_create(process->account, CLASS_GRANTS);
        if (grants) {
            grants->from = process;
            list_push_back(&process->grants, &grants->of_process);
        }
        outcome = grants ? attach_grants(caller, payload->grants, records + payload->leases, grants) : CAVERN_NO_MEMORY;
    }
    if (outcome)
        payload_detach(attachments);
    return outcome;
}

void payload_detach(struct attachments *attachments)
{
    if (attachments->leases)
        leases_free(attachments->leases);
    if (attachments->grants)
        grants_free(attachments->grants);
    *attachments = (struct attachments){0};
}

/* --- copying --- */

static void *sink_window(const struct sink *sink, uint64_t at, uint64_t *length)
{
    if (sink->queue)
        return queue_window(sink->queue, sink->queue->ring.tail, sizeof(struct cavern_header) + at, length);
    return buffer_window(sink->buffer, sink->offset + at, length);
}

/* Apart: short pieces alone are written so. */
__attribute__((noinline)) static void sink_write(const struct sink *sink, uint64_t at, const void *from, uint64_t size)
{
    const char *source = from;
    while (size) {
        uint64_t length;
        void *to = sink_window(sink, at, &length);
        if (length > size)
            length = size;
        memcpy(to, source, length);
        source += length;
        at += length;
        size -= length;
    }
}

void payload_write_record(const struct payload *payload, unsigned grant, const struct cavern_grant *record,
                          const struct sink *sink)
{
    sink_write(sink, padded(payload->size) + (payload->leases + grant) * RECORD_BYTES, record, sizeof *record);
}

/* As the receiver sees them: no address of the lender, no handle value of the sender. */
static void write_records(const struct payload *payload, const struct attachments *attachments, const struct sink *sink)
{
    uint64_t at = padded(payload->size);
    for (unsigned i = 0; i < payload->leases; i++, at += RECORD_BYTES) {
        const struct lease *lease = &attachments->leases->lease[i];
        struct cavern_lease record = {.length = lease->length, .rights = lease->rights};
        sink_write(sink, at, &record, sizeof record);
    }
    for (unsigned i = 0; i < payload->grants; i++) {
        struct cavern_grant record = {
            .handle = attachments->grants->item[i].object->type,
            .rights = attachments->grants->item[i].rights,
        };
        payload_write_record(payload, i, &record, sink);
    }
}

sys_outcome payload_move(struct thread *caller, uint64_t address, uint64_t size, const struct sink *sink)
{
    for (uint64_t at = 0; at < size;) {
        uint64_t length;
        void *to = sink_window(sink, at, &length);
        if (length > user_page_left(address + at))
            length = user_page_left(address + at);
        if (length > size - at)
            length = size - at;
        const void *from = user_window(caller, address + at, length, false);
        sys_outcome outcome;
        if (from)
            memmove(to, from, length); /* both may be of one buffer */
        else if ((outcome = user_read(caller, to, address + at, length)))
            return range_within(address, size, 0, CAVERN_USER_END) ? outcome : (sys_outcome)CAVERN_BAD_ADDRESS;
        at += length;
    }
    return SYS_OK;
}

sys_outcome payload_copy(struct thread *caller, const struct payload *payload, const struct attachments *attachments,
                         const struct sink *sink)
{
    if (payload->in_registers) {
        sink_write(sink, 0, payload->words, payload->size);
        return SYS_OK;
    }
    sys_outcome outcome = payload_move(caller, payload->address, payload->size, sink);
    if (!outcome)
        write_records(payload, attachments, sink);
    return outcome;
}
