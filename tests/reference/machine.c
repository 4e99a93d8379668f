/* SPDX-License-Identifier: BSD-2-Clause */
/* The machine: its log, and power. spec/abi.md, Devices and the machine. */
#include <string.h>

#include <cavern/machine.h>

#include "reference.h"

enum { RECORD_MOST = sizeof(struct cavern_log_record) + CAVERN_LOG_TEXT_MAX };

static uint64_t bytes_of(const struct ref_record *record)
{
    return sizeof record->header + (record->header.length + 7) / 8 * 8;
}

static void add(struct ref_record *record, unsigned level)
{
    record->header.time = ref.now;
    record->header.level = level;
    ref_push(&ref.log, record);
    ref_fire(&ref.machine->notice);
}

/* The kernel's own, whose text is its affair. */
void ref_log_own(unsigned level)
{
    struct ref_record *record = ref_new(sizeof *record);
    ref.unlike |= !ref.logged(ref.log.count, &record->header.length, record->text);
    add(record, level);
}

static void write_log(const struct ref_thread *thread, const uint64_t x[16])
{
    struct ref_record *record = ref_new(sizeof *record);
    ref_wrong(x[3] < CAVERN_LOG_ERROR || x[3] > CAVERN_LOG_DEBUG, CAVERN_BAD_ARGUMENT);
    ref_wrong(x[5] > CAVERN_LOG_TEXT_MAX, CAVERN_TOO_LARGE); /* [ABI-MACHINE-2] */
    ref_wrong(!ref_accessible(thread->process, x[4], x[5], CAVERN_PROT_READ), CAVERN_BAD_ADDRESS);
    if (ref_failed())
        return;
    ref_read(thread->process, x[4], record->text, x[5]);
    while (record->header.length < x[5] && record->text[record->header.length]) { /* [ABI-MACHINE-5] */
        uint8_t *byte = &record->text[record->header.length++];
        if (*byte < ' ' || *byte == 0x7f)
            *byte = '?';
    }
    memset(record->text + record->header.length, 0, sizeof record->text - record->header.length);
    add(record, (unsigned)x[3]);
}

/* Whole records from *cursor on, at most `room` bytes. */
static uint64_t gather(uint64_t *cursor, uint8_t *to, uint64_t room)
{
    uint64_t size = 0;
    for (; *cursor < ref.log.count; ++*cursor) {
        const struct ref_record *record = ref.log.items[*cursor];
        uint64_t bytes = bytes_of(record);
        if (bytes > room - size)
            break;
        memcpy(to + size, &record->header, sizeof record->header);
        memcpy(to + size + sizeof record->header, record->text, bytes - sizeof record->header);
        size += bytes;
    }
    return size;
}

/* [ABI-MACHINE-1] [ABI-MACHINE-4] How many of the records that fit come at once is open. */
static void read_log(struct ref_thread *thread, const uint64_t x[16])
{
    static uint8_t records[1 << 15];
    uint64_t first = ref.first_logged(), cursor = x[3] < first ? first : x[3];
    cursor = cursor < ref.log.count ? cursor : ref.log.count;
    uint64_t read_on = cursor, room = x[5] < sizeof records ? x[5] : sizeof records;
    bool succeeds = ref.drawn[0] == CAVERN_OK && ref.drawn[2] <= room;
    uint64_t size = gather(&read_on, records, room);
    if (succeeds && ref.drawn[2] < size && ref.drawn[2]) {
        read_on = cursor;
        size = gather(&read_on, records, ref.drawn[2]);
    }
    ref_wrong(x[5] < RECORD_MOST, CAVERN_BAD_ARGUMENT);
    ref_wrong((x[4] & 7) || !ref_accessible(thread->process, x[4], size, CAVERN_PROT_WRITE), CAVERN_BAD_ADDRESS);
    if (ref.errors == 1u << CAVERN_BAD_ADDRESS && !(x[4] & 7))
        ref_write_in_vain(thread, x[4], records, size);
    if (ref_failed())
        return;
    ref_write(thread->process, x[4], records, size);
    ref_out(thread, 1, read_on);
    ref_out(thread, 2, size);
}

void ref_machine(struct ref_thread *thread, const uint64_t x[16])
{
    bool power = x[2] == CAVERN_MACHINE_POWER_OFF || x[2] == CAVERN_MACHINE_RESTART; /* [ABI-MACHINE-3] */
    ref_need(thread, x[0], CAVERN_TYPE_MACHINE, power ? CAVERN_RIGHT_POWER : CAVERN_RIGHT_LOG);
    if (power && !ref_failed())
        ref.power = x[2] == CAVERN_MACHINE_POWER_OFF ? 1 : 2;
    ref_wrong(power, CAVERN_DEVICE_ERROR); /* this machine goes on */
    ref_wrong(!power && x[2] != CAVERN_MACHINE_LOG_READ && x[2] != CAVERN_MACHINE_LOG_WRITE, CAVERN_BAD_ARGUMENT);
    if (x[2] == CAVERN_MACHINE_LOG_READ)
        read_log(thread, x);
    else if (x[2] == CAVERN_MACHINE_LOG_WRITE)
        write_log(thread, x);
}
