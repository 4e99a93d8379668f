/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit.h"

#include "core/format.h"

#define CHECK(expected, ...)                                                                                           \
    do {                                                                                                               \
        char out[64];                                                                                                  \
        assert_int_equal(format_line(out, sizeof out, __VA_ARGS__), strlen(expected));                                 \
        assert_string_equal(out, expected);                                                                            \
    } while (0)

static void test_format_conversions_give_their_text(void **state)
{
    (void)state;
    CHECK("", "%s", "");
    CHECK("a b %", "%s %c %%", "a", 'b');
    CHECK("0 4294967295 deadbeef", "%u %u %x", 0u, 4294967295u, 0xdeadbeefu);
    CHECK("-1 -2147483648 7", "%d %d %d", -1, -2147483647 - 1, 7);
    CHECK("18446744073709551615 ffffffffffffffff", "%lu %lx", ~0ul, ~0ul);
    CHECK("007 0010 12345    7", "%03u %04x %03u %4lu", 7u, 16u, 12345u, 7ul);
}

static void test_format_long_text_is_cut(void **state)
{
    (void)state;
    char out[8];
    memset(out, 'x', sizeof out);
    assert_int_equal(format_line(out, 5, "%s%u", "abc", 123u), 4);
    assert_memory_equal(out, "abc1\0xxx", 8);
    assert_int_equal(format_line(out, 1, "abc"), 0);
    assert_string_equal(out, "");
}

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat"
#pragma GCC diagnostic ignored "-Wformat-extra-args"
static void test_format_unknown_conversion_is_copied(void **state)
{
    (void)state;
    CHECK("%q 1", "%q %u", 1u);
    CHECK("end %", "end %");
    CHECK("%5l", "%5l");
}
#pragma GCC diagnostic pop

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_format_conversions_give_their_text),
        cmocka_unit_test(test_format_long_text_is_cut),
        cmocka_unit_test(test_format_unknown_conversion_is_copied),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
