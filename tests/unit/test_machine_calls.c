/* SPDX-License-Identifier: BSD-2-Clause */
/* The kernel log, power, panics, nop. spec/abi.md, The machine. */
#include "unit.h"

#include <stdio.h>

#include <cavern/machine.h>

#include "object/account.h"
#include "object/machine.h"
#include "object/memory.h"
#include "peer.h"
#include "syscall/dispatch.h"

static struct peer self;
static cavern_handle whole;
static struct taken got;

static int start(void **state)
{
    (void)state;
    model_start(64 << 20);
    peer_start(&self, "self", 20, 64, 8);
    whole = model_give(self.process, &machine->object, CAVERN_RIGHTS_ALL);
    return 0;
}

static uint64_t write_text(cavern_handle handle, uint64_t level, const char *text, size_t length)
{
    peer_write(&self, 0, text, length);
    return peer_call(&self, MACHINE,
                     handle, [2] = CAVERN_MACHINE_LOG_WRITE, [3] = level, [4] = self.memory, [5] = length);
}

static uint64_t read_log(uint64_t cursor, uint64_t bytes)
{
    return peer_call(&self, MACHINE,
                     whole, [2] = CAVERN_MACHINE_LOG_READ, [3] = cursor, [4] = self.memory, [5] = bytes);
}

/* The record at `offset` of what was read; the offset of the next. */
static uint64_t record_at(uint64_t offset, struct cavern_log_record *record, char text[CAVERN_LOG_TEXT_MAX + 1])
{
    peer_read(&self, offset, record, sizeof *record);
    assert_true(record->length <= CAVERN_LOG_TEXT_MAX);
    peer_read(&self, offset + sizeof *record, text, record->length);
    text[record->length] = 0;
    return offset + sizeof *record + (record->length + 7) / 8 * 8;
}

/* [ABI-CALL-1] [ABI-ENTER-4] */
static void test_nop_and_unknown_operations(void **state)
{
    (void)state;
    assert_int_equal(peer_call(&self, NOP, 0), CAVERN_OK);
    assert_int_equal(peer_call(&self, NOP, UINT64_MAX, [1] = UINT64_MAX & ~0xff0000ull), CAVERN_OK);
    static const enum cavern_call none[] = {CAVERN_CALL_COUNT, 64, 255};
    for (unsigned i = 0; i < COUNT_OF(none); i++)
        assert_int_equal(peer_call_registers(&self, none[i], (uint64_t[16]){CAVERN_SELF_PROCESS}),
                         CAVERN_BAD_OPERATION);
}

/* [ABI-MACHINE-1] */
static void test_log_is_read_in_order_once(void **state)
{
    (void)state;
    static const char *const texts[] = {"one", "", "three is longer than eight"};
    struct cavern_log_record record;
    char text[CAVERN_LOG_TEXT_MAX + 1];
    for (unsigned i = 0; i < COUNT_OF(texts); i++) {
        model_set_time(arch_now() + 1000);
        assert_int_equal(write_text(whole, 1 + i, texts[i], strlen(texts[i])), CAVERN_OK);
    }
    assert_int_equal(read_log(0, 4096), CAVERN_OK);
    uint64_t cursor = self.x[1], bytes = self.x[2], at = 0;
    for (unsigned i = 0; i < COUNT_OF(texts); i++) {
        at = record_at(at, &record, text);
        assert_int_equal(record.level, 1 + i);
        assert_int_equal(record.time, arch_now() - 1000 * (COUNT_OF(texts) - 1 - i));
        assert_string_equal(text, texts[i]);
    }
    assert_int_equal(at, bytes);
    assert_int_equal(read_log(cursor, 4096), CAVERN_OK);
    assert_int_equal(self.x[2], 0);
    assert_int_equal(self.x[1], cursor);
    assert_int_equal(write_text(whole, CAVERN_LOG_INFO, "four", 4), CAVERN_OK);
    assert_int_equal(read_log(cursor, 4096), CAVERN_OK);
    record_at(0, &record, text);
    assert_string_equal(text, "four");
    assert_int_equal(read_log(UINT64_MAX, 4096), CAVERN_OK);
    assert_int_equal(self.x[2], 0);
}

/* [ABI-MACHINE-1] */
static void test_log_overwritten_reads_on_from_the_oldest(void **state)
{
    (void)state;
    struct cavern_log_record record;
    char text[CAVERN_LOG_TEXT_MAX + 1];
    for (unsigned i = 0; i < 3000; i++)
        log_write(CAVERN_LOG_DEBUG, "record number %u of many", i);
    uint64_t cursor = 0;
    unsigned expected = 0, calls = 0;
    do {
        assert_int_equal(read_log(cursor, 60000), CAVERN_OK);
        cursor = self.x[1];
        uint64_t bytes = self.x[2];
        for (uint64_t at = 0; at < bytes; expected++) {
            char wanted[64];
            at = record_at(at, &record, text);
            if (!expected)
                expected = (unsigned)strtoul(text + strlen("record number "), NULL, 10);
            snprintf(wanted, sizeof wanted, "record number %u of many", expected);
            assert_string_equal(text, wanted);
        }
        calls++;
    } while (self.x[2]);
    assert_int_equal(expected, 3000);
    assert_true(calls > 2);
}

/* [ABI-MACHINE-4] */
static void test_log_cursor_counts_records(void **state)
{
    (void)state;
    struct cavern_log_record record;
    char text[CAVERN_LOG_TEXT_MAX + 1];
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(write_text(whole, CAVERN_LOG_INFO, &"abc"[i], 1), CAVERN_OK);
    assert_int_equal(read_log(1, 4096), CAVERN_OK);
    assert_int_equal(self.x[1], 3);
    record_at(0, &record, text);
    assert_string_equal(text, "b");
    assert_int_equal(read_log(4, 4096), CAVERN_OK);
    assert_int_equal(self.x[1], 3);
}

/* [ABI-MACHINE-5] */
static void test_log_text_is_printable(void **state)
{
    (void)state;
    struct cavern_log_record record;
    char text[CAVERN_LOG_TEXT_MAX + 1];
    assert_int_equal(write_text(whole, CAVERN_LOG_INFO, "a\x1f\x7f\x80%s\0b", 8), CAVERN_OK);
    assert_int_equal(read_log(0, 4096), CAVERN_OK);
    record_at(0, &record, text);
    assert_string_equal(text, "a??\x80%s");
}

/* [PROC-FAULT-8] */
static void test_log_has_a_fault_that_ends_a_process(void **state)
{
    (void)state;
    struct cavern_log_record record;
    char text[CAVERN_LOG_TEXT_MAX + 1];
    struct peer other;
    peer_start(&other, "other", 10, 0, 0);
    thread_fault(other.thread, CAVERN_FAULT_UNDEFINED, 0, 0);
    model_settle();
    assert_int_equal(read_log(0, 4096), CAVERN_OK);
    assert_int_equal(self.x[1], 1);
    record_at(0, &record, text);
    assert_int_equal(record.level, CAVERN_LOG_ERROR);
    assert_non_null(strstr(text, "other"));
}

/* [ABI-MACHINE-2] [ABI-CALL-3] [ABI-ADDR-1] [ABI-ADDR-2] */
static void test_log_bad_arguments_refused(void **state)
{
    (void)state;
    char long_text[CAVERN_LOG_TEXT_MAX + 1];
    memset(long_text, 'x', sizeof long_text);
    assert_int_equal(write_text(whole, CAVERN_LOG_INFO, long_text, 240), CAVERN_OK);
    assert_int_equal(write_text(whole, CAVERN_LOG_INFO, long_text, 241), CAVERN_TOO_LARGE);
    assert_int_equal(write_text(whole, 0, "x", 1), CAVERN_BAD_ARGUMENT);
    assert_int_equal(write_text(whole, 5, "x", 1), CAVERN_BAD_ARGUMENT);
    assert_int_equal(read_log(0, 255), CAVERN_BAD_ARGUMENT);
    assert_int_equal(read_log(0, 256), CAVERN_OK);
    assert_int_equal(self.x[2], 256);
    self.memory += 4;
    assert_int_equal(read_log(0, 256), CAVERN_BAD_ADDRESS);
    self.memory = 0;
    assert_int_equal(read_log(0, 256), CAVERN_BAD_ADDRESS);
    assert_int_equal(
        peer_call(&self, MACHINE, whole, [2] = CAVERN_MACHINE_LOG_WRITE, [3] = 1, [4] = UINT64_MAX, [5] = 8),
        CAVERN_BAD_ADDRESS);
    assert_int_equal(peer_call(&self, MACHINE, whole, [2] = 0), CAVERN_BAD_ARGUMENT);
    assert_int_equal(peer_call(&self, MACHINE, whole, [2] = 5), CAVERN_BAD_ARGUMENT);
}

/* [ABI-MACHINE-3] */
static void test_machine_rights_are_apart(void **state)
{
    (void)state;
    cavern_handle log = model_give(self.process, &machine->object, CAVERN_RIGHT_LOG);
    cavern_handle power = model_give(self.process, &machine->object, CAVERN_RIGHT_POWER);
    assert_int_equal(peer_call(&self, MACHINE, log, [2] = CAVERN_MACHINE_POWER_OFF), CAVERN_DENIED);
    assert_int_equal(peer_call(&self, MACHINE, log, [2] = CAVERN_MACHINE_RESTART), CAVERN_DENIED);
    assert_int_equal(write_text(power, 1, "x", 1), CAVERN_DENIED);
    assert_int_equal(peer_call(&self, MACHINE, power, [2] = CAVERN_MACHINE_LOG_READ, [4] = self.memory, [5] = 4096),
                     CAVERN_DENIED);
    assert_int_equal(peer_call(&self, NOTIFY, power, [3] = self.queue), CAVERN_DENIED);
    assert_int_equal(model_power(), 0);
    assert_int_equal(peer_call(&self, MACHINE, power, [2] = CAVERN_MACHINE_POWER_OFF), CAVERN_DEVICE_ERROR);
    assert_int_equal(model_power(), 1);
    assert_int_equal(peer_call(&self, MACHINE, power, [2] = CAVERN_MACHINE_RESTART), CAVERN_DEVICE_ERROR);
    assert_int_equal(model_power(), 2);
}

static void test_log_goes_to_the_debug_output_until_somebody_listens(void **state)
{
    (void)state;
    struct machine *made = machine;
    machine = NULL; /* as in the first moments of boot */
    log_write(CAVERN_LOG_INFO, "early");
    machine = made;
    assert_string_equal(model_output(), "[   0.001] early\n");
    model_set_time(12345678901);
    log_write(CAVERN_LOG_INFO, "alone\x1b[2J %u", 1u);
    assert_string_equal(strchr(model_output(), '\n') + 1, "[  12.345] alone?[2J 1\n");
    assert_int_equal(peer_call(&self, NOTIFY, whole, [2] = 9, [3] = self.queue), CAVERN_OK);
    assert_true(peer_take(&self, &got)); /* what it has told to nobody */
    assert_int_equal(got.header.kind, CAVERN_KIND_SIGNAL);
    assert_int_equal(got.header.label, 9);
    assert_int_equal(peer_call(&self, ACKNOWLEDGE, whole), CAVERN_OK);
    log_write(CAVERN_LOG_INFO, "heard");
    assert_null(strstr(model_output(), "heard"));
    assert_true(peer_take(&self, &got));
    assert_int_equal(peer_call(&self, NOTIFY, whole), CAVERN_OK);
    log_write(CAVERN_LOG_INFO, "again");
    assert_non_null(strstr(model_output(), "again"));
}

static void give_twice(void)
{
    uint64_t page;
    assert_true(memory_take_page(&page));
    memory_give(page, 1);
    memory_give(page, 1);
}

/* [BOOT-LOG-2] The newest 16 of what only the listener got, then the reason; nothing is shown twice. */
static void test_panic_shows_what_went_to_the_listener(void **state)
{
    (void)state;
    log_write(CAVERN_LOG_INFO, "shown");
    assert_int_equal(peer_call(&self, NOTIFY, whole, [3] = self.queue), CAVERN_OK);
    for (unsigned i = 0; i < 20; i++)
        log_write(CAVERN_LOG_INFO, "record %u.", i);
    assert_true(model_halts(give_twice));
    const char *output = model_output();
    assert_null(strstr(strstr(output, "shown") + 1, "shown"));
    assert_null(strstr(output, "record 3."));
    const char *last = output;
    for (unsigned i = 4; i < 20; i++) {
        char text[16];
        snprintf(text, sizeof text, "record %u.", i);
        assert_non_null(last = strstr(last, text));
    }
    assert_non_null(strstr(last, "\npanic: memory: 1 pages at "));
}

/* [BOOT-LOG-2] What has been shown is not shown again. */
static void test_panic_with_nobody_listening_shows_the_reason(void **state)
{
    (void)state;
    log_write(CAVERN_LOG_INFO, "shown");
    assert_true(model_halts(give_twice));
    assert_null(strstr(strstr(model_output(), "shown") + 1, "shown"));
    assert_non_null(strstr(model_output(), "\npanic: "));
}

static void end_self(void)
{
    (void)peer_call(&self, PROCESS_END, CAVERN_SELF_PROCESS, [3] = 77);
}

/* [BOOT-EGG-3] */
static void test_panic_names_the_end_of_the_vital_process(void **state)
{
    (void)state;
    machine->vital_process = self.process->id;
    assert_true(model_halts(end_self));
    assert_non_null(strstr(model_output(), "panic: self has ended: reason 1, code 77, fault 0 at pc 0, address 0\n"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_nop_and_unknown_operations, start),
        cmocka_unit_test_setup(test_log_is_read_in_order_once, start),
        cmocka_unit_test_setup(test_log_overwritten_reads_on_from_the_oldest, start),
        cmocka_unit_test_setup(test_log_cursor_counts_records, start),
        cmocka_unit_test_setup(test_log_text_is_printable, start),
        cmocka_unit_test_setup(test_log_has_a_fault_that_ends_a_process, start),
        cmocka_unit_test_setup(test_log_bad_arguments_refused, start),
        cmocka_unit_test_setup(test_machine_rights_are_apart, start),
        cmocka_unit_test_setup(test_log_goes_to_the_debug_output_until_somebody_listens, start),
        cmocka_unit_test_setup(test_panic_shows_what_went_to_the_listener, start),
        cmocka_unit_test_setup(test_panic_with_nobody_listening_shows_the_reason, start),
        cmocka_unit_test_setup(test_panic_names_the_end_of_the_vital_process, start),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
