/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit.h"

#include <stdio.h>

#include "core/log_ring.h"
#include "core/random.h"

enum {
    CAPACITY = 2048,
};

struct fixture {
    struct log_ring ring;
    uint8_t *data; /* on the heap, so that a step outside is noticed */
};

static int setup(void **state)
{
    struct fixture *fixture = malloc(sizeof(*fixture));

    fixture->data = malloc(CAPACITY);
    assert_true(log_ring_init(&fixture->ring, fixture->data, CAPACITY));
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;

    free(fixture->data);
    free(fixture);
    return 0;
}

static void write_text(struct log_ring *ring, uint64_t time, const char *text)
{
    log_ring_write(ring, time, CAVERN_LOG_INFO, text, strlen(text));
    assert_true(log_ring_invariants(ring));
}

/* Reads one record, which must be there, into `text`. */
static struct cavern_log_record read_one(struct log_ring *ring, uint64_t *cursor, char *text)
{
    struct cavern_log_record record;
    uint8_t buffer[LOG_RECORD_MAX];
    uint64_t lost;
    uint64_t next = *cursor + 1;

    assert_true(log_ring_read(ring, cursor, buffer, sizeof(buffer), &lost) >= sizeof(record));
    memcpy(&record, buffer, sizeof(record));
    memcpy(text, buffer + sizeof(record), record.length);
    text[record.length] = '\0';
    *cursor = next + lost;
    return record;
}

static void test_log_ring_init_rounds_down_to_a_power_of_two(void **state)
{
    struct log_ring ring;
    uint8_t data[1];

    (void)state;
    assert_false(log_ring_init(&ring, data, 0));
    assert_false(log_ring_init(&ring, data, LOG_RING_MIN - 1));
    assert_true(log_ring_init(&ring, data, LOG_RING_MIN));
    assert_true(log_ring_init(&ring, data, 5000));
    assert_int_equal(ring.capacity, 4096);
}

static void test_log_ring_when_empty_reads_nothing(void **state)
{
    struct fixture *f = *state;
    uint64_t cursor = 0, lost = 9;
    uint8_t buffer[LOG_RECORD_MAX];

    assert_int_equal(log_ring_read(&f->ring, &cursor, buffer, sizeof(buffer), &lost), 0);
    assert_int_equal(cursor, 0);
    assert_int_equal(lost, 0);
}

/* [ABI-MACHINE-1] */
static void test_log_ring_returns_records_in_order_once(void **state)
{
    struct fixture *f = *state;
    struct cavern_log_record record;
    char text[CAVERN_LOG_TEXT_MAX + 1];
    uint64_t cursor = 0;

    log_ring_write(&f->ring, 5, CAVERN_LOG_ERROR, "one", 3);
    log_ring_write(&f->ring, 6, CAVERN_LOG_DEBUG, "", 0);
    write_text(&f->ring, 7, "eight888");
    record = read_one(&f->ring, &cursor, text);
    assert_string_equal(text, "one");
    assert_int_equal(record.time, 5);
    assert_int_equal(record.level, CAVERN_LOG_ERROR);
    record = read_one(&f->ring, &cursor, text);
    assert_string_equal(text, "");
    assert_int_equal(record.level, CAVERN_LOG_DEBUG);
    read_one(&f->ring, &cursor, text);
    assert_string_equal(text, "eight888");
    assert_int_equal(cursor, 3);
}

static void test_log_ring_read_copies_whole_padded_records(void **state)
{
    struct fixture *f = *state;
    uint8_t buffer[64];
    uint64_t cursor = 0, lost;

    write_text(&f->ring, 1, "abc");
    write_text(&f->ring, 2, "defghijkl");
    memset(buffer, 0xee, sizeof(buffer));
    assert_int_equal(log_ring_read(&f->ring, &cursor, buffer, 24 + 31, &lost), 24);
    assert_int_equal(cursor, 1);
    assert_memory_equal(buffer + 16, "abc\0\0\0\0\0", 8);
    assert_int_equal(buffer[24], 0xee);
    assert_int_equal(log_ring_read(&f->ring, &cursor, buffer, 31, &lost), 0);
    assert_int_equal(cursor, 1);
    assert_int_equal(log_ring_read(&f->ring, &cursor, buffer, 32, &lost), 32);
    cursor = 0;
    assert_int_equal(log_ring_read(&f->ring, &cursor, buffer, 56, &lost), 56);
    assert_int_equal(cursor, 2);
}

static void test_log_ring_cuts_long_text(void **state)
{
    struct fixture *f = *state;
    char text[CAVERN_LOG_TEXT_MAX + 1];
    char large[1000];
    uint64_t cursor = 0;

    memset(large, 'x', sizeof(large));
    log_ring_write(&f->ring, 1, 1, large, sizeof(large));
    assert_int_equal(read_one(&f->ring, &cursor, text).length, CAVERN_LOG_TEXT_MAX);
    assert_true(log_ring_invariants(&f->ring));
}

/* [ABI-MACHINE-1] 100 records of 32 bytes in 2048: the last 64 are kept. */
static void test_log_ring_when_overwritten_tells_how_many_were_lost(void **state)
{
    struct fixture *f = *state;
    char text[CAVERN_LOG_TEXT_MAX + 1];
    uint8_t buffer[LOG_RECORD_MAX];
    uint64_t cursor = 10, lost;

    for (int i = 0; i < 100; i++) {
        snprintf(text, sizeof(text), "record %03d", i);
        write_text(&f->ring, (uint64_t)i, text);
    }
    assert_int_equal(f->ring.first, 36);
    assert_int_equal(log_ring_read(&f->ring, &cursor, buffer, 32, &lost), 32);
    assert_int_equal(lost, 26);
    assert_int_equal(cursor, 37);
    assert_memory_equal(buffer + 16, "record 036", 10);
    cursor = 99;
    read_one(&f->ring, &cursor, text);
    assert_string_equal(text, "record 099");
    cursor = 50; /* behind the last reader's place */
    read_one(&f->ring, &cursor, text);
    assert_string_equal(text, "record 050");
}

static void test_log_ring_with_cursor_beyond_the_end_reads_nothing(void **state)
{
    struct fixture *f = *state;
    char text[CAVERN_LOG_TEXT_MAX + 1];
    uint8_t buffer[LOG_RECORD_MAX];
    uint64_t cursor = UINT64_MAX, lost;

    write_text(&f->ring, 1, "only");
    assert_int_equal(log_ring_read(&f->ring, &cursor, buffer, sizeof(buffer), &lost), 0);
    assert_int_equal(cursor, 1);
    assert_int_equal(lost, 0);
    write_text(&f->ring, 2, "next");
    read_one(&f->ring, &cursor, text);
    assert_string_equal(text, "next");
}

/* The text of record n is n % 241 times a letter that depends on n. */
static void assert_is_record(const struct cavern_log_record *record, const uint8_t *text, uint64_t n)
{
    assert_int_equal(record->time, n);
    assert_int_equal(record->length, n * 7 % (CAVERN_LOG_TEXT_MAX + 1));
    for (uint32_t i = 0; i < record->length; i++)
        assert_int_equal(text[i], 'a' + n % 26);
}

static void test_log_ring_at_random_loses_nothing_silently(void **state)
{
    struct fixture *f = *state;
    struct random random;
    uint64_t cursor = 0, lost, expected = 0;
    char text[CAVERN_LOG_TEXT_MAX];
    uint8_t buffer[1024];

    random_seed(&random, 3);
    for (uint64_t n = 0; n < 5000; n++) {
        memset(text, (int)('a' + n % 26), sizeof(text));
        log_ring_write(&f->ring, n, 3, text, n * 7 % (CAVERN_LOG_TEXT_MAX + 1));
        if (random_below(&random, 8))
            continue;
        assert_true(log_ring_invariants(&f->ring));
        size_t bytes = log_ring_read(&f->ring, &cursor, buffer, random_below(&random, sizeof(buffer)), &lost);
        expected += lost;
        for (size_t at = 0; at < bytes; expected++) {
            struct cavern_log_record record;

            memcpy(&record, buffer + at, sizeof(record));
            assert_is_record(&record, buffer + at + sizeof(record), expected);
            at += sizeof(record) + ((record.length + 7u) & ~7u);
        }
        assert_int_equal(cursor, expected);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(test_log_ring_init_rounds_down_to_a_power_of_two),
        TEST(test_log_ring_when_empty_reads_nothing),
        TEST(test_log_ring_returns_records_in_order_once),
        TEST(test_log_ring_read_copies_whole_padded_records),
        TEST(test_log_ring_cuts_long_text),
        TEST(test_log_ring_when_overwritten_tells_how_many_were_lost),
        TEST(test_log_ring_with_cursor_beyond_the_end_reads_nothing),
        TEST(test_log_ring_at_random_loses_nothing_silently),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
