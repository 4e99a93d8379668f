/* SPDX-License-Identifier: BSD-2-Clause */
/* The log's records. spec/services/log.md. */
#include "unit.h"

#include <stdio.h>

#include "../../services/log/policy.h"

static struct log events;
static union {
    struct log_records records;
    uint8_t bytes[sizeof(struct log_records) + LOG_RECORDS_BYTES];
} reply;

static int start(void **state)
{
    (void)state;
    memset(&events, 0, sizeof events);
    return 0;
}

static void append(unsigned n, uint32_t level)
{
    char text[16];
    int length = snprintf(text, sizeof text, "event %u", n);
    log_append(&events, n, level, 7, "test", text, (uint32_t)length);
    assert_true(log_invariants(&events));
}

static enum cavern_status read_from(uint64_t cursor, uint32_t level)
{
    struct log_read read = {.request = {.operation = LOG_READ, .version = 1, .value = level}, .cursor = cursor};
    unsigned size;
    enum cavern_status status = log_read(&events, &read, sizeof read, &reply.records, &size);
    assert_true(size <= sizeof reply);
    return status;
}

static const struct log_record *record(unsigned index)
{
    const uint8_t *at = reply.records.bytes;
    while (index--)
        at += sizeof(struct log_record) + (((const struct log_record *)at)->length + 7) / 8 * 8;
    return (const struct log_record *)at;
}

/* [LOG-1] */
static void test_log_read_goes_on_at_the_cursor(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 500; i++)
        append(i, CAVERN_LOG_INFO);
    unsigned seen = 0;
    for (uint64_t cursor = 0; read_from(cursor, 0) == CAVERN_OK; cursor = reply.records.next) {
        for (unsigned i = 0; i < reply.records.reply.value; i++)
            assert_int_equal(record(i)->time, seen++);
        assert_int_equal(reply.records.lost, 0);
    }
    assert_int_equal(seen, 500);
}

/* [LOG-2] */
static void test_log_full_tells_how_many_were_lost(void **state)
{
    (void)state;
    for (unsigned i = 0; i < LOG_CAPACITY + 10; i++)
        append(i, CAVERN_LOG_INFO);
    assert_int_equal(read_from(0, 0), CAVERN_OK);
    assert_int_equal(record(0)->time, 10);
    assert_int_equal(reply.records.lost, 0);
    assert_int_equal(read_from(4, 0), CAVERN_OK);
    assert_int_equal(reply.records.lost, 7);
    assert_int_equal(record(0)->time, 10);
}

/* [LOG-3] */
static void test_log_read_by_level_and_end(void **state)
{
    (void)state;
    assert_int_equal(read_from(0, 0), CAVERN_END);
    for (unsigned i = 0; i < 8; i++)
        append(i, 1 + i % 4);
    assert_int_equal(read_from(0, CAVERN_LOG_WARNING), CAVERN_OK);
    assert_int_equal(reply.records.reply.value, 4);
    assert_int_equal(record(2)->time, 4);
    assert_int_equal(read_from(reply.records.next, CAVERN_LOG_WARNING), CAVERN_END);
    assert_int_equal(read_from(UINT64_MAX, 0), CAVERN_END);
}

/* [LOG-4] */
static void test_log_write_bad_lengths_refused(void **state)
{
    (void)state;
    struct {
        struct log_write write;
        char text[CAVERN_LOG_TEXT_MAX + 8];
    } message = {.write = {.request = {.value = 9}, .source = "0123456789abcdef"}, .text = "a\x1b[2Jb"};
    message.write.length = 6;
    assert_int_equal(log_write(&events, 3, &message, sizeof message.write - 1), CAVERN_BAD_ARGUMENT);
    assert_int_equal(log_write(&events, 3, &message, sizeof message.write + 5), CAVERN_BAD_ARGUMENT);
    message.write.length = CAVERN_LOG_TEXT_MAX + 1;
    assert_int_equal(log_write(&events, 3, &message, sizeof message), CAVERN_BAD_ARGUMENT);
    message.write.length = UINT32_MAX;
    assert_int_equal(log_write(&events, 3, &message, sizeof message), CAVERN_BAD_ARGUMENT);
    assert_int_equal(events.count, 0);
    message.write.length = 6;
    assert_int_equal(log_write(&events, 3, &message, sizeof message.write + 6), CAVERN_OK);
    assert_int_equal(read_from(0, 0), CAVERN_OK);
    assert_memory_equal(record(0) + 1, "a?[2Jb", 6);
    assert_int_equal(record(0)->level, CAVERN_LOG_INFO); /* no such level as 9 */
    assert_string_equal(record(0)->source, "0123456789abcde");
    assert_int_equal(record(0)->process, 3);
}

/* [LOG-5] */
static void test_log_kernel_records_are_merged(void **state)
{
    (void)state;
    uint8_t kernel[128] = {0};
    struct cavern_log_record first = {.time = 5, .level = CAVERN_LOG_ERROR, .length = 3};
    memcpy(kernel, &first, sizeof first);
    memcpy(kernel + 16, "abc", 3);
    memcpy(kernel + 24, &first, sizeof first);
    memcpy(kernel + 40, "def", 3);
    assert_int_equal(log_append_kernel(&events, kernel, 48), 2);
    assert_int_equal(log_append_kernel(&events, kernel, 47), 1); /* cut short */
    assert_int_equal(log_append_kernel(&events, kernel, 15), 0);
    assert_int_equal(read_from(0, 0), CAVERN_OK);
    assert_int_equal(record(1)->process, 0);
    assert_string_equal(record(1)->source, "kernel");
    assert_memory_equal(record(1) + 1, "def", 3);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, start)
    const struct CMUnitTest tests[] = {
        TEST(test_log_read_goes_on_at_the_cursor), TEST(test_log_full_tells_how_many_were_lost),
        TEST(test_log_read_by_level_and_end),      TEST(test_log_write_bad_lengths_refused),
        TEST(test_log_kernel_records_are_merged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
