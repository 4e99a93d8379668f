/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit.h"

#include <cavern/startup_record.h>

/* A record with two handles and the arguments "prog", "x". */
static void *make_record(size_t *size)
{
    static const char arguments[] = "prog\0x"; /* the literal's own 0 ends the second */
    *size = cavern_startup_size(2, sizeof arguments);
    void *memory = calloc(1, *size);
    struct cavern_startup_handle *handles = cavern_startup_write(memory, 2, arguments, sizeof arguments, 4096);
    cavern_startup_handle_write(&handles[0], "queue", 0x1000004, (const uint64_t[3]){1, 2, 3});
    cavern_startup_handle_write(&handles[1], "a-name-that-is-far-too-long-for-it", 0x1000005, (const uint64_t[3]){0});
    return memory;
}

static void test_startup_written_record_reads_back(void **state)
{
    (void)state;
    size_t size;
    void *memory = make_record(&size);
    struct cavern_startup_view view;
    assert_true(cavern_startup_open(memory, size, &view));
    assert_int_equal(view.record->heap, 4096);
    const struct cavern_startup_handle *queue = cavern_startup_view_find(&view, "queue");
    assert_int_equal(queue->handle, 0x1000004);
    assert_int_equal(queue->values[2], 3);
    assert_non_null(cavern_startup_view_find(&view, "a-name-that-is-far-too-"));
    assert_null(cavern_startup_view_find(&view, "log"));
    assert_int_equal(view.record->arguments, 2);
    assert_string_equal(view.arguments, "prog");
    assert_string_equal(cavern_startup_argument_next(view.arguments), "x");
    free(memory);
}

static void assert_refused(const void *memory, size_t size)
{
    struct cavern_startup_view view;
    assert_false(cavern_startup_open(memory, size, &view));
    assert_int_equal(view.record->handles, 0);
    assert_int_equal(view.record->arguments, 0);
}

/* [ABI-START-2] */
static void test_startup_wrong_magic_is_refused(void **state)
{
    (void)state;
    size_t size;
    struct cavern_startup *record = make_record(&size);
    record->magic++;
    assert_refused(record, size);
    free(record);
    assert_refused(NULL, 100);
}

/* [ABI-START-2]: a copy of just `size` bytes, so that the sanitizer sees a read past it. */
static void test_startup_record_cut_short_is_refused(void **state)
{
    (void)state;
    size_t size;
    struct cavern_startup *record = make_record(&size);
    for (size_t cut = 0; cut < size; cut++) {
        struct cavern_startup *copy = malloc(cut ? cut : 1);
        memcpy(copy, record, cut);
        assert_refused(copy, cut);
        if (cut >= sizeof(*copy)) {
            copy->size = (uint32_t)cut;
            assert_refused(copy, cut);
        }
        free(copy);
    }
    free(record);
}

/* [ABI-START-2] */
static void test_startup_counts_beyond_the_size_are_refused(void **state)
{
    (void)state;
    size_t size;
    struct cavern_startup *record = make_record(&size);
    record->handles = 0xffffffff;
    assert_refused(record, size);
    record->handles = 3;
    assert_refused(record, size);
    record->handles = 2;
    record->arguments = 3;
    assert_refused(record, size);
    record->arguments = 2;
    struct cavern_startup_handle *handles = (void *)(record + 1);
    memset(handles[0].name, 'x', sizeof handles[0].name);
    assert_refused(record, size);
    free(record);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_startup_written_record_reads_back),
        cmocka_unit_test(test_startup_wrong_magic_is_refused),
        cmocka_unit_test(test_startup_record_cut_short_is_refused),
        cmocka_unit_test(test_startup_counts_beyond_the_size_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
