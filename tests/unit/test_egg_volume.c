/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../egg/volume.h"

#include "formats/ustar.h"

enum { ARCHIVE_MAX = 700 * USTAR_BLOCK_BYTES };

static uint8_t archive[ARCHIVE_MAX];
static size_t archive_size;
static struct volume volume;
static struct problems problems;
static struct volume_answer answer;

/* A header (POSIX.1-2017, pax, "ustar Interchange Format") and the contents. */
static void put(const char *name, char type, const char *contents)
{
    char *header = (char *)archive + archive_size;
    size_t size = strlen(contents);
    memset(header, 0, USTAR_BLOCK_BYTES);
    strcpy(header, name);
    strcpy(header + 100, "0000644");
    snprintf(header + 124, 12, "%011zo", size);
    strcpy(header + 136, "00000000000");
    memset(header + 148, ' ', 8);
    header[156] = type;
    memcpy(header + 257, "ustar\00000", 8);
    unsigned sum = 0;
    for (unsigned i = 0; i < USTAR_BLOCK_BYTES; i++)
        sum += (unsigned char)header[i];
    snprintf(header + 148, 8, "%06o", sum);
    memcpy(header + USTAR_BLOCK_BYTES, contents, size);
    archive_size += USTAR_BLOCK_BYTES + (size + USTAR_BLOCK_BYTES - 1) / USTAR_BLOCK_BYTES * USTAR_BLOCK_BYTES;
    assert_true(archive_size + 2 * USTAR_BLOCK_BYTES <= sizeof(archive));
}

static void read_archive(size_t missing)
{
    memset(archive + archive_size, 0, 2 * USTAR_BLOCK_BYTES);
    memset(&problems, 0, sizeof(problems));
    volume_open(&volume, archive, archive_size + 2 * USTAR_BLOCK_BYTES - missing, &problems);
    assert_true(volume_invariants(&volume, sizeof(archive)));
}

static int setup(void **unused)
{
    (void)unused;
    memset(archive, 0, sizeof(archive));
    archive_size = 0;
    put("bin/", USTAR_DIRECTORY, "");
    put("bin/shell", USTAR_FILE, "0123456789");
    put("egg", USTAR_FILE, "an egg");
    put("deep/er/still", USTAR_FILE, "");
    read_archive(0);
    return 0;
}

static enum cavern_status ask(const void *payload, size_t size, uint64_t lease)
{
    void *copy = malloc(size ? size : 1);
    memcpy(copy, payload, size);
    volume_request(&volume, copy, size, lease, &answer);
    free(copy);
    assert_true(answer.size >= sizeof(answer.done) && answer.size <= sizeof(answer));
    assert_true(answer.offset + answer.length <= archive_size);
    return (enum cavern_status)answer.done.status;
}

static enum cavern_status ask_path(const char *path)
{
    struct file_path request = {.request = {.operation = FILE_OPEN, .version = RPC_VERSION}};
    strcpy(request.path, path);
    return ask(&request, sizeof(request), 0);
}

static enum cavern_status ask_read(const char *path, uint64_t offset, uint64_t length, uint64_t lease)
{
    struct file_read request = {
        .request = {.operation = FILE_READ, .version = RPC_VERSION, .value = (uint32_t)volume_find(&volume, path)},
        .offset = offset,
        .length = length,
    };
    return ask(&request, sizeof(request), lease);
}

static enum cavern_status ask_node(enum file_operation operation, uint32_t node, uint64_t offset)
{
    struct file_node request = {
        .request = {.operation = (uint16_t)operation, .version = RPC_VERSION, .value = node},
        .offset = offset,
    };
    return ask(&request, sizeof(request), 0);
}

/* [VOL-1] */
static void test_open_path_gives_node_size_and_kind(void **unused)
{
    (void)unused;
    assert_int_equal(problems.count, 0);
    assert_int_equal(ask_path("bin/shell"), CAVERN_OK);
    assert_int_equal(answer.info.size, 10);
    assert_int_equal(answer.info.kind, FILE_KIND_FILE);
    uint32_t node = answer.info.reply.value;
    assert_int_equal(ask_node(FILE_STAT, node, 0), CAVERN_OK);
    assert_int_equal(answer.info.size, 10);
    assert_int_equal(ask_path(""), CAVERN_OK);
    assert_int_equal(answer.info.reply.value, 0);
    assert_int_equal(answer.info.kind, FILE_KIND_FOLDER);
    assert_int_equal(ask_path("bin"), CAVERN_OK);
    assert_int_equal(answer.info.kind, FILE_KIND_FOLDER);
    assert_int_equal(ask_path("deep/er"), CAVERN_OK);
    assert_int_equal(ask_path("deep/er/still"), CAVERN_OK);
    assert_int_equal(answer.info.size, 0);
}

/* [VOL-1] */
static void test_open_unknown_path_not_found(void **unused)
{
    (void)unused;
    assert_int_equal(ask_path("bin/shel"), CAVERN_NOT_FOUND);
    assert_int_equal(ask_path("bin/shell/x"), CAVERN_NOT_FOUND);
    assert_int_equal(ask_path("egg2"), CAVERN_NOT_FOUND);
    assert_int_equal(ask_node(FILE_STAT, volume.count, 0), CAVERN_NOT_FOUND);
    struct file_path request = {.request = {.operation = FILE_OPEN, .version = RPC_VERSION}};
    memset(request.path, 'x', sizeof(request.path));
    assert_int_equal(ask(&request, sizeof(request), 0), CAVERN_BAD_ARGUMENT);
}

struct read_case {
    uint64_t offset, length, lease;
    enum cavern_status status;
    uint64_t start, bytes;
};

/* [VOL-2] */
static void test_read_gives_what_lies_in_file_and_lease(void **unused)
{
    (void)unused;
    static const struct read_case cases[] = {
        {0, 10, 10, CAVERN_OK, 0, 10},
        {2, 4, 100, CAVERN_OK, 2, 4},
        {4, 100, 100, CAVERN_OK, 4, 6},
        {10, 5, 5, CAVERN_OK, 0, 0},
        {UINT64_MAX, UINT64_MAX, UINT64_MAX, CAVERN_OK, 0, 0},
        {1, UINT64_MAX, UINT64_MAX, CAVERN_OK, 1, 9},
        {0, 0, 0, CAVERN_OK, 0, 0},
        {0, 11, 10, CAVERN_BAD_ARGUMENT, 0, 0},
        {0, 1, 0, CAVERN_BAD_ARGUMENT, 0, 0},
    };
    uint64_t contents = volume.nodes[volume_find(&volume, "bin/shell")].offset;
    assert_memory_equal(archive + contents, "0123456789", 10);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct read_case *one = &cases[i];
        assert_int_equal(ask_read("bin/shell", one->offset, one->length, one->lease), one->status);
        assert_int_equal(answer.length, one->bytes);
        assert_int_equal(answer.done.value, one->bytes);
        assert_int_equal(answer.offset, one->bytes ? contents + one->start : 0);
    }
    assert_int_equal(ask_read("bin", 0, 1, 1), CAVERN_BAD_ARGUMENT);
}

/* [VOL-3] */
static void test_list_gives_entries_of_the_folder_in_parts(void **unused)
{
    (void)unused;
    for (unsigned i = 0; i < FILE_ENTRIES_MAX + 2; i++) {
        char name[16];
        snprintf(name, sizeof(name), "bin/p%u", i);
        put(name, USTAR_FILE, "x");
    }
    read_archive(0);
    uint32_t bin = (uint32_t)volume_find(&volume, "bin");
    assert_int_equal(ask_node(FILE_LIST, bin, 0), CAVERN_OK);
    assert_int_equal(answer.entries.reply.value, FILE_ENTRIES_MAX);
    assert_string_equal(answer.entries.entries[0].name, "shell");
    assert_int_equal(answer.entries.entries[0].size, 10);
    assert_int_equal(answer.entries.entries[0].node, volume_find(&volume, "bin/shell"));
    assert_int_equal(ask_node(FILE_LIST, bin, answer.entries.next), CAVERN_OK);
    assert_int_equal(answer.entries.reply.value, 3);
    assert_string_equal(answer.entries.entries[2].name, "p9");
    assert_int_equal(ask_node(FILE_LIST, bin, answer.entries.next), CAVERN_END);
    assert_int_equal(ask_node(FILE_LIST, bin, UINT64_MAX), CAVERN_END);
    assert_int_equal(ask_node(FILE_LIST, (uint32_t)volume_find(&volume, "egg"), 0), CAVERN_BAD_ARGUMENT);
    assert_int_equal(ask_node(FILE_LIST, 9999, 0), CAVERN_NOT_FOUND);
    assert_int_equal(ask_node(FILE_LIST, 0, 0), CAVERN_OK);
    assert_int_equal(answer.entries.reply.value, 3); /* bin, egg, deep */
    assert_int_equal(answer.entries.entries[0].kind, FILE_KIND_FOLDER);
}

/* [VOL-4] */
static void test_archive_entries_that_do_not_fit_are_left_out(void **unused)
{
    (void)unused;
    put("egg", USTAR_FILE, "a second one");
    put("egg/inside", USTAR_FILE, "a file is no folder");
    put("link", '2', "");
    put("./", USTAR_DIRECTORY, "");
    put("bin//odd", USTAR_FILE, "below a folder without a name");
    put("/odd", USTAR_FILE, "the same");
    read_archive(0);
    assert_true(volume_invariants(&volume, archive_size));
    assert_int_equal(problems.count, 5);
    assert_int_equal(ask_path("bin/odd"), CAVERN_NOT_FOUND);
    assert_int_equal(ask_path("odd"), CAVERN_NOT_FOUND);
    assert_int_equal(ask_path("egg"), CAVERN_OK);
    assert_int_equal(answer.info.size, 6);
    assert_int_equal(ask_path("link"), CAVERN_NOT_FOUND);
}

/* [VOL-4] */
static void test_archive_truncated_keeps_what_was_read(void **unused)
{
    (void)unused;
    read_archive(2 * USTAR_BLOCK_BYTES + 1);
    assert_int_equal(problems.count, 1);
    assert_int_equal(ask_path("bin/shell"), CAVERN_OK);
    read_archive(archive_size + 2 * USTAR_BLOCK_BYTES);
    assert_int_equal(volume.count, 1);
}

/* [VOL-4] */
static void test_archive_with_too_many_entries_leaves_out_the_last(void **unused)
{
    (void)unused;
    for (unsigned i = 0; i < VOLUME_NODES_MAX + 10; i++) {
        char name[16];
        snprintf(name, sizeof(name), "f%u", i);
        put(name, USTAR_FILE, "");
    }
    read_archive(0);
    assert_int_equal(volume.count, VOLUME_NODES_MAX);
    assert_true(problems.count > 0);
}

/* [RPC-2] [RPC-3] */
static void test_request_unknown_or_short_refused(void **unused)
{
    (void)unused;
    struct file_path payload = {.request = {.version = RPC_VERSION}};
    for (unsigned operation = 0; operation < 10; operation++) {
        payload.request.operation = (uint16_t)operation;
        bool known = operation >= FILE_OPEN && operation <= FILE_LIST;
        assert_int_equal(ask(&payload, sizeof(payload.request), 0), known ? CAVERN_BAD_ARGUMENT : CAVERN_UNSUPPORTED);
        assert_int_equal(ask(&payload, 5, 0), CAVERN_BAD_ARGUMENT);
    }
    payload.request.operation = FILE_OPEN;
    payload.request.version++;
    assert_int_equal(ask(&payload, sizeof(payload), 0), CAVERN_UNSUPPORTED);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, setup)
    const struct CMUnitTest tests[] = {
        TEST(test_open_path_gives_node_size_and_kind),
        TEST(test_open_unknown_path_not_found),
        TEST(test_read_gives_what_lies_in_file_and_lease),
        TEST(test_list_gives_entries_of_the_folder_in_parts),
        TEST(test_archive_entries_that_do_not_fit_are_left_out),
        TEST(test_archive_truncated_keeps_what_was_read),
        TEST(test_archive_with_too_many_entries_leaves_out_the_last),
        TEST(test_request_unknown_or_short_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
