/* SPDX-License-Identifier: BSD-2-Clause */
/* Archives made here, byte by byte, then damaged in one way each. */
#include "unit.h"

#include <stdio.h>

#include "core/random.h"
#include "formats/ustar.h"

enum {
    NAME = 0,
    MODE = 100,
    SIZE = 124,
    TIME = 136,
    CHECKSUM = 148,
    TYPE = 156,
    MAGIC = 257,
    PREFIX = 345,
    BLOCK = USTAR_BLOCK_BYTES,
};

struct archive {
    uint8_t bytes[16 * BLOCK];
    size_t size;
};

static void seal(uint8_t *header)
{
    unsigned sum = 0;

    memset(header + CHECKSUM, ' ', 8);
    for (int i = 0; i < BLOCK; i++)
        sum += header[i];
    snprintf((char *)header + CHECKSUM, 8, "%06o", sum);
}

/* Appends an entry and answers its header. */
static uint8_t *add(struct archive *archive, const char *name, char type, const char *contents)
{
    uint8_t *header = archive->bytes + archive->size;
    size_t length = strlen(contents);

    memset(header, 0, BLOCK);
    memcpy(header + NAME, name, strlen(name));
    memcpy(header + MODE, "0000644", 8);
    snprintf((char *)header + SIZE, 12, "%011o", (unsigned)length);
    memcpy(header + TIME, "00000000017", 12);
    header[TYPE] = (uint8_t)type;
    memcpy(header + MAGIC, "ustar\00000", 8);
    seal(header);
    memcpy(header + BLOCK, contents, length);
    archive->size += BLOCK + (length + BLOCK - 1) / BLOCK * BLOCK;
    return header;
}

static void finish(struct archive *archive)
{
    memset(archive->bytes + archive->size, 0, 2 * BLOCK);
    archive->size += 2 * BLOCK;
}

/* What the first ustar_next says. The image is copied to the heap, so that a read outside is noticed. */
static enum ustar_error first_of(const struct archive *archive, struct ustar_entry *entry)
{
    uint8_t *image = malloc(archive->size + 1);
    struct ustar reader;

    memcpy(image, archive->bytes, archive->size);
    ustar_open(&reader, image, archive->size);
    enum ustar_error error = ustar_next(&reader, entry);
    free(image);
    return error;
}

static void test_ustar_lists_entries_in_order(void **state)
{
    static struct archive archive;
    struct ustar reader;
    struct ustar_entry entry;

    (void)state;
    add(&archive, "./", '5', "");
    add(&archive, "./egg", '0', "hello");
    add(&archive, "bin/", '5', "");
    add(&archive, "bin/empty", '\0', "");
    finish(&archive);
    ustar_open(&reader, archive.bytes, archive.size);
    assert_int_equal(ustar_next(&reader, &entry), USTAR_OK);
    assert_string_equal(entry.name, ".");
    assert_int_equal(entry.type, USTAR_DIRECTORY);
    assert_int_equal(ustar_next(&reader, &entry), USTAR_OK);
    assert_string_equal(entry.name, "egg");
    assert_int_equal(entry.size, 5);
    assert_int_equal(entry.mode, 0644);
    assert_int_equal(entry.time, 15);
    assert_memory_equal(archive.bytes + entry.offset, "hello", 5);
    assert_int_equal(ustar_next(&reader, &entry), USTAR_OK);
    assert_string_equal(entry.name, "bin");
    assert_int_equal(ustar_next(&reader, &entry), USTAR_OK);
    assert_string_equal(entry.name, "bin/empty");
    assert_int_equal(entry.type, USTAR_FILE);
    assert_int_equal(ustar_next(&reader, &entry), USTAR_END);
    assert_int_equal(ustar_next(&reader, &entry), USTAR_END);
}

static void test_ustar_find_compares_whole_names(void **state)
{
    static struct archive archive;
    struct ustar_entry entry;

    (void)state;
    add(&archive, "egg.old", '0', "x");
    add(&archive, "egg", '0', "yy");
    finish(&archive);
    assert_int_equal(ustar_find(archive.bytes, archive.size, "egg", &entry), USTAR_OK);
    assert_int_equal(entry.size, 2);
    assert_int_equal(ustar_find(archive.bytes, archive.size, "eg", &entry), USTAR_NOT_FOUND);
    assert_int_equal(ustar_find(archive.bytes, archive.size, "", &entry), USTAR_NOT_FOUND);
}

static void test_ustar_joins_prefix_and_full_name_field(void **state)
{
    struct archive archive = {.size = 0};
    struct ustar_entry entry;
    uint8_t *header = add(&archive, "", '0', "");
    char expected[USTAR_NAME_MAX + 1];

    (void)state;
    memset(header + NAME, 'n', 100);
    memset(header + PREFIX, 'p', 155);
    seal(header);
    finish(&archive);
    memset(expected, 'p', 155);
    expected[155] = '/';
    memset(expected + 156, 'n', 100);
    expected[256] = '\0';
    assert_int_equal(first_of(&archive, &entry), USTAR_OK);
    assert_string_equal(entry.name, expected);
}

static void test_ustar_prefix_without_name_is_refused(void **state)
{
    struct archive archive = {.size = 0};
    struct ustar_entry entry;
    uint8_t *header = add(&archive, "", '0', "");

    (void)state;
    header[PREFIX] = 'p';
    seal(header);
    finish(&archive);
    assert_int_equal(first_of(&archive, &entry), USTAR_BAD_NAME);
}

static void test_ustar_names_that_leave_the_folder_are_refused(void **state)
{
    static const struct {
        const char *name;
        enum ustar_error error;
    } rows[] = {
        {"/etc", USTAR_BAD_NAME}, {"..", USTAR_BAD_NAME},     {"../a", USTAR_BAD_NAME}, {"a/../b", USTAR_BAD_NAME},
        {"a/..", USTAR_BAD_NAME}, {"./../a", USTAR_BAD_NAME}, {".//a", USTAR_BAD_NAME}, {"/", USTAR_BAD_NAME},
        {"", USTAR_BAD_NAME},     {"a..", USTAR_OK},          {"..a", USTAR_OK},        {"a/...", USTAR_OK},
        {"././a", USTAR_OK},      {".hidden", USTAR_OK},      {"a//b/", USTAR_OK},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct archive archive = {.size = 0};
        struct ustar_entry entry;

        add(&archive, rows[i].name, '0', "");
        finish(&archive);
        assert_int_equal(first_of(&archive, &entry), rows[i].error);
    }
}

/* [BOOT-BAD-1] Every place at which an archive may be cut. */
static void test_ustar_when_cut_anywhere_is_truncated(void **state)
{
    static struct archive archive;
    struct ustar_entry entry;

    (void)state;
    add(&archive, "one", '0', "1");
    add(&archive, "two", '0', "2");
    finish(&archive);
    for (size_t size = 0; size < archive.size; size++) {
        uint8_t *image = malloc(size + 1);

        memcpy(image, archive.bytes, size);
        assert_int_equal(ustar_find(image, size, "none", &entry), USTAR_TRUNCATED);
        free(image);
    }
    assert_int_equal(ustar_find(archive.bytes, archive.size, "none", &entry), USTAR_NOT_FOUND);
    assert_int_equal(ustar_find(NULL, 0, "none", &entry), USTAR_TRUNCATED);
}

static void test_ustar_single_zero_block_is_a_bad_end(void **state)
{
    static struct archive archive;
    struct ustar_entry entry;

    (void)state;
    archive.size = BLOCK;
    add(&archive, "one", '0', "1");
    finish(&archive);
    assert_int_equal(first_of(&archive, &entry), USTAR_BAD_END);
}

/* [BOOT-BAD-1] */
static void test_ustar_damaged_header_is_refused(void **state)
{
    static const struct {
        size_t offset;
        const char *bytes;
        size_t length;
        bool sealed;
        enum ustar_error error;
    } rows[] = {
        {NAME, "x", 1, false, USTAR_BAD_CHECKSUM},
        {CHECKSUM, "zzzzzz", 6, false, USTAR_BAD_CHECKSUM},
        {CHECKSUM, "\0\0\0\0\0\0\0\0", 8, false, USTAR_BAD_CHECKSUM},
        {MAGIC, "ustar  ", 8, true, USTAR_BAD_MAGIC}, /* GNU's own format */
        {MAGIC, "\0\0\0\0\0\0\0\0", 8, true, USTAR_BAD_MAGIC},
        {MAGIC + 6, "01", 2, true, USTAR_BAD_MAGIC},
        {SIZE, "0000000000x", 11, true, USTAR_BAD_NUMBER},
        {SIZE, "00000000008", 11, true, USTAR_BAD_NUMBER},
        {SIZE, "\200\0\0\0\0\0\0\0\0\0\0\1", 12, true, USTAR_BAD_NUMBER}, /* base 256 */
        {SIZE, "            ", 12, true, USTAR_BAD_NUMBER},
        {SIZE, "-0000000001", 11, true, USTAR_BAD_NUMBER},
        {MODE, "\0\0\0\0\0\0\0\0", 8, true, USTAR_BAD_NUMBER},
        {TIME, "tomorrow   ", 11, true, USTAR_BAD_NUMBER},
        {SIZE, "00000003001", 11, true, USTAR_TRUNCATED}, /* one more than there is */
        {SIZE, "777777777777", 12, true, USTAR_TRUNCATED},
        {SIZE, "         12 ", 12, true, USTAR_OK},
        {SIZE, "00000003000", 11, true, USTAR_OK},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct archive archive = {.size = 0};
        struct ustar_entry entry;
        uint8_t *header = add(&archive, "file", '0', "contents");

        finish(&archive);
        memcpy(header + rows[i].offset, rows[i].bytes, rows[i].length);
        if (rows[i].sealed)
            seal(header);
        assert_int_equal(first_of(&archive, &entry), rows[i].error);
    }
}

/* A folder or link may carry a size; its contents are not there. */
static void size_is_ignored(char type)
{
    struct archive archive = {.size = 0};
    struct ustar reader;
    struct ustar_entry entry;
    uint8_t *header = add(&archive, "bin", type, "");

    memcpy(header + SIZE, "00000001000", 11);
    seal(header);
    add(&archive, "next", '0', "");
    finish(&archive);
    ustar_open(&reader, archive.bytes, archive.size);
    assert_int_equal(ustar_next(&reader, &entry), USTAR_OK);
    assert_int_equal(entry.size, 0);
    assert_int_equal(ustar_next(&reader, &entry), USTAR_OK);
    assert_string_equal(entry.name, "next");
}

static void test_ustar_size_of_what_has_no_contents_is_ignored(void **state)
{
    (void)state;
    for (char type = '1'; type <= '6'; type++)
        size_is_ignored(type);
}

/* Whatever bits flip, the reader ends and stays inside. */
static void test_ustar_with_random_damage_stays_inside(void **state)
{
    static struct archive good;
    struct random random;

    (void)state;
    add(&good, "a", '0', "first");
    add(&good, "b/c", '0', "second");
    finish(&good);
    random_seed(&random, 77);
    for (int round = 0; round < 3000; round++) {
        uint8_t *image = malloc(good.size);
        struct ustar reader;
        struct ustar_entry entry;

        memcpy(image, good.bytes, good.size);
        for (uint64_t flips = 1 + random_below(&random, 4); flips; flips--)
            image[random_below(&random, good.size)] ^= (uint8_t)(1u << random_below(&random, 8));
        if (random_below(&random, 2))
            seal(image);
        ustar_open(&reader, image, good.size);
        while (ustar_next(&reader, &entry) == USTAR_OK)
            assert_true(entry.offset + entry.size <= good.size);
        free(image);
    }
}

static void test_ustar_error_texts_exist(void **state)
{
    (void)state;
    for (int error = USTAR_OK; error <= USTAR_BAD_END; error++)
        assert_string_not_equal(ustar_error_text((enum ustar_error)error), "unknown error");
    assert_string_equal(ustar_error_text((enum ustar_error)(USTAR_BAD_END + 1)), "unknown error");
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ustar_lists_entries_in_order),
        cmocka_unit_test(test_ustar_find_compares_whole_names),
        cmocka_unit_test(test_ustar_joins_prefix_and_full_name_field),
        cmocka_unit_test(test_ustar_prefix_without_name_is_refused),
        cmocka_unit_test(test_ustar_names_that_leave_the_folder_are_refused),
        cmocka_unit_test(test_ustar_when_cut_anywhere_is_truncated),
        cmocka_unit_test(test_ustar_single_zero_block_is_a_bad_end),
        cmocka_unit_test(test_ustar_damaged_header_is_refused),
        cmocka_unit_test(test_ustar_size_of_what_has_no_contents_is_ignored),
        cmocka_unit_test(test_ustar_with_random_damage_stays_inside),
        cmocka_unit_test(test_ustar_error_texts_exist),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
