/* SPDX-License-Identifier: BSD-2-Clause */
/* Requests, messages and kernel records: kind, process, two bytes of length, and so many bytes. */
#include "fuzz.h"

#include "../../services/log/policy.h"

enum { WRITE, READ, KERNEL, FLOOD, KINDS };

static struct log events;
static uint64_t records[(sizeof(struct log_records) + LOG_RECORDS_BYTES) / 8];

/* The records of a reply stand one behind the other and end where it does. */
static void check_reply(const struct log_records *reply, unsigned size)
{
    size_t at = offsetof(struct log_records, bytes);
    DEMAND(size <= sizeof records && reply->next <= events.count + 1);
    for (unsigned i = 0; i < reply->reply.value; i++) {
        const struct log_record *record = (const void *)((const uint8_t *)reply + at);
        DEMAND(size - at >= sizeof *record && record->length <= CAVERN_LOG_TEXT_MAX);
        at += sizeof *record + (record->length + 7) / 8 * 8;
        DEMAND(at <= size);
    }
    DEMAND(at == size);
}

static void read_all(const void *payload, unsigned size)
{
    struct log_records *reply = (struct log_records *)records;
    struct log_read next;
    unsigned reply_size;
    enum cavern_status status = log_read(&events, payload, size, reply, &reply_size);
    for (unsigned rounds = 0; !status; rounds++) {
        check_reply(reply, reply_size);
        DEMAND(rounds < LOG_CAPACITY); /* a reader gets to the end */
        memcpy(&next, payload, sizeof next);
        next.cursor = reply->next;
        status = log_read(&events, &next, sizeof next, reply, &reply_size);
        DEMAND(status || reply->next > next.cursor);
    }
}

static void serve(unsigned kind, uint32_t process, const void *payload, size_t size)
{
    uint64_t before = events.count, appended;
    switch (kind) {
    case WRITE:
        appended = log_write(&events, process, payload, (unsigned)size) == CAVERN_OK;
        DEMAND(events.count == before + appended);
        break;
    case READ:
        read_all(payload, (unsigned)size);
        break;
    case KERNEL:
        appended = log_append_kernel(&events, payload, size);
        DEMAND(events.count == before + appended);
        break;
    case FLOOD:
        for (unsigned i = 0; i < 300; i++)
            (void)!log_write(&events, process, payload, (unsigned)size);
        break;
    default:
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input input = {data, size};
    memset(&events, 0, sizeof events);
    while (input.left) {
        unsigned kind = (unsigned)input_number(&input, 1) % KINDS;
        uint32_t process = (uint32_t)input_number(&input, 1);
        size_t length = input_number(&input, 2) % 1024;
        void *payload = input_bytes(&input, &length);
        serve(kind, process, payload, length);
        DEMAND(log_invariants(&events));
        free(payload);
    }
    return 0;
}
