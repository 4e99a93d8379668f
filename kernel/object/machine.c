/* SPDX-License-Identifier: BSD-2-Clause */
#include "object/machine.h"

#include <stddef.h>
#include <string.h>

#include <cavern/machine.h>
#include <cavern/memory.h>
#include <cavern/message.h>

#include "arch/arch.h"
#include "core/format.h"
#include "object/account.h"
#include "object/memory.h"
#include "platform/platform.h"

#define LOG_PAGES 16
#define UNSEEN_MAX 16 /* records that a panic shows */

struct machine *machine;

struct machine *machine_create(struct account *account)
{
    uint64_t physical;
    struct machine *made = object_create(account, CLASS_MACHINE);

    if (!made || !account_charge(account, LOG_PAGES * CAVERN_PAGE_SIZE) || !memory_take_run(LOG_PAGES, &physical) ||
        !log_ring_init(&made->log, arch_direct(physical), LOG_PAGES * CAVERN_PAGE_SIZE))
        return NULL; /* boot ends here */
    notice_init(&made->doorbell, CAVERN_KIND_SIGNAL, &made->object);
    made->doorbell.count_word = 1;
    object_get(&made->object); /* `machine`, for ever */
    machine = made;
    return made;
}

/* What a terminal would take as a command is no text. */
static void make_printable(char *text, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if ((unsigned char)text[i] < ' ' || text[i] == 0x7f)
            text[i] = '?';
}

static void write_line(const char *text, size_t length)
{
    platform_write(text, length);
    platform_write("\n", 1);
}

static void debug_record(uint64_t time, const char *text, size_t length)
{
    uint64_t ms = time / 1000000;
    char stamp[32];
    size_t stamp_length = format_line(stamp, sizeof stamp, "[%4lu.%03lu] ", ms / 1000, ms % 1000);

    platform_write(stamp, stamp_length);
    write_line(text, length);
}

void log_write(unsigned level, const char *format, ...)
{
    char text[CAVERN_LOG_TEXT_MAX + 1];
    uint64_t now = arch_now();
    va_list arguments;

    va_start(arguments, format);
    size_t length = format_text(text, sizeof text, format, arguments);
    va_end(arguments);
    make_printable(text, length);
    if (!machine || !machine->doorbell.queue)
        debug_record(now, text, length);
    if (!machine)
        return;
    log_ring_write(&machine->log, now, level, text, length);
    if (!machine->doorbell.queue)
        machine->shown = machine->log.next;
    notice_fire(&machine->doorbell);
}

static void show_records(const uint8_t *records, size_t size)
{
    struct cavern_log_record header;
    for (size_t at = 0; at < size; at += sizeof header + ((header.length + 7u) & ~7u)) {
        memcpy(&header, records + at, sizeof header);
        debug_record(header.time, (const char *)records + at + sizeof header, header.length);
    }
}

/* What went to the log service alone and is still there: the last words of whoever the panic is about. */
static void show_unseen(void)
{
    static uint8_t records[LOG_RECORD_MAX];
    struct log_ring *log = &machine->log;
    size_t size;
    uint64_t lost, cursor = log->next > UNSEEN_MAX ? log->next - UNSEEN_MAX : 0;

    if (machine->panicking)
        return;
    machine->panicking = true; /* what follows may panic, too */
    if (cursor < machine->shown)
        cursor = machine->shown;
    while ((size = log_ring_read(log, &cursor, records, sizeof records, &lost)))
        show_records(records, size);
}

_Noreturn void panic(const char *format, ...)
{
    char text[CAVERN_LOG_TEXT_MAX + 1];
    va_list arguments;

    va_start(arguments, format);
    size_t length = format_text(text, sizeof text, format, arguments);
    va_end(arguments);
    if (machine)
        show_unseen();
    platform_write("\npanic: ", 8);
    write_line(text, length);
    arch_halt();
}
