/* SPDX-License-Identifier: BSD-2-Clause */
/* The kernel's log, and what `inspect` tells. */
#include "test.h"

static cavern_handle machine(void)
{
    return test_handle(CAVERN_STARTUP_MACHINE);
}

static enum cavern_status log_write(const char *text, uint64_t size)
{
    uint64_t next, written;
    return cavern_sys_machine(machine(), CAVERN_MACHINE_LOG_WRITE, CAVERN_LOG_DEBUG, (uintptr_t)text, size, &next,
                              &written);
}

static void log_is_read_in_order(void)
{
    static uint64_t records[1024];
    uint64_t cursor = 0, next, written;
    unsigned found = 0;
    CHECK_OK(log_write("test: first", 11));
    CHECK_OK(log_write("test: second", 12));
    do {
        CHECK_OK(cavern_sys_machine(machine(), CAVERN_MACHINE_LOG_READ, cursor, (uintptr_t)records, sizeof records,
                                    &next, &written));
        for (uint64_t at = 0; at < written / 8;) {
            const struct cavern_log_record *record = (const void *)&records[at];
            const char *text = (const char *)(record + 1);
            CHECK(record->time <= cavern_now());
            if (record->length == 11 && !memcmp(text, "test: first", 11))
                CHECK_EQUAL(found++, 0);
            if (record->length == 12 && !memcmp(text, "test: second", 12)) {
                CHECK_EQUAL(found++, 1);
                CHECK_EQUAL(record->level, CAVERN_LOG_DEBUG);
            }
            at += 2 + (record->length + 7) / 8;
        }
        cursor = next;
    } while (written);
    CHECK_EQUAL(found, 2);
}

static void long_lines_and_wrong_rights_are_refused(void)
{
    static char text[CAVERN_LOG_TEXT_MAX + 1];
    cavern_handle powerless;
    uint64_t next, written;
    memset(text, '.', sizeof text);
    CHECK_STATUS(log_write(text, sizeof text), CAVERN_TOO_LARGE);
    CHECK_STATUS(cavern_sys_machine(machine(), CAVERN_MACHINE_POWER_OFF, 0, 0, 0, &next, &written), CAVERN_DENIED);
    CHECK_STATUS(cavern_sys_machine(machine(), CAVERN_MACHINE_RESTART, 0, 0, 0, &next, &written), CAVERN_DENIED);
    CHECK_STATUS(cavern_sys_machine(machine(), 9, 0, 0, 0, &next, &written), CAVERN_BAD_ARGUMENT);
    CHECK_OK(cavern_handle_duplicate(machine(), CAVERN_RIGHT_INSPECT, &powerless));
    CHECK_STATUS(cavern_sys_machine(powerless, CAVERN_MACHINE_LOG_WRITE, 3, (uintptr_t)text, 4, &next, &written),
                 CAVERN_DENIED);
}

/* The records from `cursor` on, a page of them at most; where to read on. */
static uint64_t log_read(uint64_t cursor, uint64_t records[512], uint64_t *bytes)
{
    uint64_t next;
    CHECK_OK(cavern_sys_machine(machine(), CAVERN_MACHINE_LOG_READ, cursor, (uintptr_t)records, 512 * 8, &next, bytes));
    return next;
}

static uint64_t log_end(void)
{
    static uint64_t records[512];
    uint64_t cursor = 0, bytes;
    do
        cursor = log_read(cursor, records, &bytes);
    while (bytes);
    return cursor;
}

/* There is one record from `cursor` on, of this level. Its text. */
static const char *only_record(uint64_t cursor, uint32_t level)
{
    static uint64_t records[512 + 1];
    const struct cavern_log_record *record = (const void *)records;
    uint64_t bytes;
    CHECK_EQUAL(log_read(cursor, records, &bytes), cursor + 1);
    CHECK_EQUAL(bytes, sizeof *record + (record->length + 7) / 8 * 8);
    CHECK_EQUAL(record->level, level);
    ((char *)(record + 1))[record->length] = 0;
    return (const char *)(record + 1);
}

static void cursor_counts_records(void)
{
    static uint64_t records[512];
    uint64_t end = log_end(), bytes;
    for (unsigned i = 0; i < 3; i++)
        CHECK_OK(log_write(&"abc"[i], 1));
    CHECK_EQUAL(log_end(), end + 3);
    CHECK(strcmp(only_record(end + 2, CAVERN_LOG_DEBUG), "c") == 0);
    CHECK_EQUAL(log_read(end + 1, records, &bytes), end + 3);
    CHECK_EQUAL(bytes, 2 * 24);
    for (uint64_t behind = end + 3; behind <= end + 1000; behind += 331) {
        CHECK_EQUAL(log_read(behind, records, &bytes), end + 3);
        CHECK_EQUAL(bytes, 0);
    }
    CHECK_EQUAL(log_read(UINT64_MAX, records, &bytes), end + 3);
    CHECK_EQUAL(bytes, 0);
}

static void log_text_is_printable(void)
{
    uint64_t end = log_end();
    CHECK_OK(log_write("\x01 a\x1f\n\x7f\x80%s\0b", 11));
    CHECK(strcmp(only_record(end, CAVERN_LOG_DEBUG), "? a???\x80%s") == 0);
}

static void crash(void)
{
    *(volatile int *)(uintptr_t)64 = 0;
}

/* Which names it; and no other end is one. */
static void end_by_a_fault_is_a_record(void)
{
    struct test_peer peer;
    uint64_t words[5];
    test_peer("stay", NULL, 0, &peer);
    uint64_t end = log_end();
    CHECK_OK(cavern_sys_process_end(peer.process, 0));
    test_peer_exit(&peer, words, true);
    CHECK_EQUAL(log_end(), end);
    test_peer("crash", NULL, 0, &peer);
    test_peer_exit(&peer, words, true);
    CHECK_EQUAL(words[CAVERN_EXIT_REASON], CAVERN_REASON_FAULT);
    CHECK(strstr(only_record(end, CAVERN_LOG_ERROR), "crash"));
}

static void machine_is_described(void)
{
    struct cavern_machine_info before, after;
    uint64_t next, written;
    CHECK_OK(
        cavern_sys_inspect(machine(), CAVERN_INSPECT_MACHINE, 0, (uintptr_t)&before, sizeof before, &next, &written));
    CHECK_EQUAL(next, 0);
    CHECK_EQUAL(written, sizeof before);
    CHECK(before.cpus >= 1 && before.cpus <= before.cpus_present);
    CHECK(before.memory_free < before.memory_total);
    (void)test_memory(1 << 20);
    CHECK_OK(
        cavern_sys_inspect(machine(), CAVERN_INSPECT_MACHINE, 0, (uintptr_t)&after, sizeof after, &next, &written));
    CHECK(after.memory_free <= before.memory_free - (1 << 20));
    CHECK(after.system_calls > before.system_calls);
    CHECK(after.uptime >= before.uptime);
}

static void stay(void)
{
    cavern_sleep_until(CAVERN_FOREVER);
}

static void processes_and_threads_are_listed_once(void)
{
    struct test_peer peers[5];
    struct cavern_process_info own;
    uint64_t next, written, words[5];
    for (unsigned i = 0; i < 5; i++)
        test_peer("stay", NULL, 0, &peers[i]);
    unsigned processes = 0, threads = 0, seen_self = 0;
    CHECK_OK(cavern_sys_inspect(CAVERN_SELF_PROCESS, CAVERN_INSPECT_PROCESS, 0, (uintptr_t)&own, sizeof own, &next,
                                &written));
    uint64_t cursor = 0;
    do { /* memory for two and a half at a time */
        struct cavern_process_info info[3];
        CHECK_OK(cavern_sys_inspect(CAVERN_SELF_ACCOUNT, CAVERN_INSPECT_PROCESSES, cursor, (uintptr_t)info,
                                    sizeof info - 50, &cursor, &written));
        CHECK_EQUAL(written % sizeof *info, 0);
        for (unsigned i = 0; i < written / sizeof *info; i++) {
            processes++;
            seen_self += info[i].id == own.id;
        }
    } while (cursor);
    do {
        struct cavern_thread_info info[2];
        CHECK_OK(cavern_sys_inspect(CAVERN_SELF_ACCOUNT, CAVERN_INSPECT_THREADS, cursor, (uintptr_t)info, sizeof info,
                                    &cursor, &written));
        threads += (unsigned)(written / sizeof *info);
    } while (cursor);
    CHECK_EQUAL(processes, 6);
    CHECK_EQUAL(threads, 6);
    CHECK_EQUAL(seen_self, 1);
    for (unsigned i = 0; i < 5; i++) {
        CHECK_OK(cavern_sys_process_end(peers[i].process, 0));
        test_peer_exit(&peers[i], words, true);
    }
}

static void one_more_thread(void *argument)
{
    (void)argument;
}

static void thread_ids_count_up(void)
{
    struct cavern_thread_info info;
    uint64_t cursor = 0, written;
    for (unsigned i = 0; i < 5; i++)
        test_thread(one_more_thread, NULL, TEST_PRIORITY_HIGH); /* which has ended by now */
    test_thread(one_more_thread, NULL, TEST_PRIORITY_LOW);
    for (unsigned id = 1; id <= 7; id += 6) {
        CHECK_OK(cavern_sys_inspect(CAVERN_SELF_ACCOUNT, CAVERN_INSPECT_THREADS, cursor, (uintptr_t)&info, sizeof info,
                                    &cursor, &written));
        CHECK_EQUAL(written, sizeof info);
        CHECK_EQUAL(info.id, id);
    }
    CHECK_EQUAL(cursor, 0);
}

static void wrong_topics_and_little_memory_are_refused(void)
{
    struct cavern_process_info info;
    uint64_t next, written;
    CHECK_STATUS(cavern_sys_inspect(CAVERN_SELF_PROCESS, CAVERN_INSPECT_ACCOUNT, 0, (uintptr_t)&info, sizeof info,
                                    &next, &written),
                 CAVERN_BAD_ARGUMENT);
    CHECK_STATUS(cavern_sys_inspect(CAVERN_SELF_PROCESS, CAVERN_INSPECT_PROCESS, 0, (uintptr_t)&info, sizeof info - 1,
                                    &next, &written),
                 CAVERN_BAD_ARGUMENT);
    CHECK_STATUS(cavern_sys_inspect(CAVERN_SELF_PROCESS, CAVERN_INSPECT_PROCESS, 0, (uintptr_t)&info + 4, sizeof info,
                                    &next, &written),
                 CAVERN_BAD_ADDRESS);
}

const struct test_case test_cases[] = {
    {"the log is read in order", log_is_read_in_order, "[ABI-MACHINE-1]"},
    {"long lines and wrong rights are refused", long_lines_and_wrong_rights_are_refused,
     "[ABI-MACHINE-2] [ABI-MACHINE-3]"},
    {"a log cursor counts records", cursor_counts_records, "[ABI-MACHINE-4]"},
    {"a log text is printable", log_text_is_printable, "[ABI-MACHINE-5]"},
    {"an end by a fault is a record", end_by_a_fault_is_a_record, "[PROC-FAULT-8]"},
    {"the machine is described", machine_is_described, "[ABI-INSPECT-1]"},
    {"processes and threads are listed once", processes_and_threads_are_listed_once, "[ABI-INSPECT-1] [ABI-INSPECT-3]"},
    {"thread ids count up", thread_ids_count_up, "[PROC-THREAD-4]"},
    {"wrong topics and little memory are refused", wrong_topics_and_little_memory_are_refused,
     "[ABI-INSPECT-2] [ABI-ADDR-1]"},
    {0},
};

const struct test_peer_function test_peers[] = {{"stay", stay}, {"crash", crash}, {0}};
