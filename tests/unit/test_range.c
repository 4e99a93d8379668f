/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit.h"

#include "core/range.h"

#define TOP UINT64_MAX

static void test_range_valid_at_the_top_of_the_address_space(void **state)
{
    (void)state;
    assert_true(range_valid(0, TOP));
    assert_true(range_valid(TOP, 0));
    assert_true(range_valid(TOP - 1, 1));
    assert_false(range_valid(TOP, 1));
    assert_false(range_valid(1, TOP));
}

static void test_range_within_at_edges_and_wrapping(void **state)
{
    static const struct {
        uint64_t base, size, outer_base, outer_size;
        bool within;
    } rows[] = {
        {10, 10, 10, 10, true},   {10, 0, 10, 0, true},      {20, 0, 10, 10, true},       {9, 1, 10, 10, false},
        {19, 1, 10, 10, true},    {19, 2, 10, 10, false},    {20, 1, 10, 10, false},      {21, 0, 10, 10, false},
        {15, TOP, 10, 10, false}, {TOP, TOP, 10, 10, false}, {TOP - 4, 4, 10, 10, false}, {12, TOP - 10, 10, 10, false},
        {0, TOP, 0, TOP, true},   {1, TOP, 0, TOP, false},   {TOP - 1, 1, 0, TOP, true},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        assert_int_equal(range_within(rows[i].base, rows[i].size, rows[i].outer_base, rows[i].outer_size),
                         rows[i].within);
}

static void test_range_overlaps_at_edges_and_wrapping(void **state)
{
    static const struct {
        uint64_t base, size, other_base, other_size;
        bool overlaps;
    } rows[] = {
        {10, 10, 20, 10, false}, {10, 11, 20, 10, true}, {10, 10, 10, 10, true}, {12, 2, 10, 10, true},
        {10, 0, 10, 10, false},  {15, 0, 10, 10, false}, {0, TOP, 5, 1, true},   {0, TOP, TOP - 1, 1, true},
        {TOP, 1, 0, TOP, false}, {5, TOP, 4, 2, true},   {5, TOP, 4, 1, false},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        assert_int_equal(range_overlaps(rows[i].base, rows[i].size, rows[i].other_base, rows[i].other_size),
                         rows[i].overlaps);
        assert_int_equal(range_overlaps(rows[i].other_base, rows[i].other_size, rows[i].base, rows[i].size),
                         rows[i].overlaps);
    }
}

static void test_range_contains_excludes_end(void **state)
{
    (void)state;
    assert_true(range_contains(10, 5, 10));
    assert_true(range_contains(10, 5, 14));
    assert_false(range_contains(10, 5, 15));
    assert_false(range_contains(10, 5, 9));
    assert_false(range_contains(10, 0, 10));
    assert_true(range_contains(TOP, 1, TOP));
}

static void test_align_rounds_to_multiples(void **state)
{
    (void)state;
    assert_int_equal(align_down(4095, 4096), 0);
    assert_int_equal(align_down(4096, 4096), 4096);
    assert_int_equal(align_up(0, 4096), 0);
    assert_int_equal(align_up(1, 4096), 4096);
    assert_int_equal(align_up(4096, 4096), 4096);
    assert_int_equal(align_up(TOP, 1), TOP);
    assert_true(is_aligned(8192, 4096));
    assert_false(is_aligned(8193, 4096));
}

static void test_align_up_fits_only_below_the_last_multiple(void **state)
{
    (void)state;
    assert_true(align_up_fits(TOP - 4095, 4096));
    assert_false(align_up_fits(TOP - 4094, 4096));
    assert_true(align_up_fits(TOP, 1));
}

static void test_power_of_two_excludes_zero(void **state)
{
    (void)state;
    assert_false(is_power_of_two(0));
    assert_true(is_power_of_two(1));
    assert_false(is_power_of_two(3));
    assert_true(is_power_of_two(UINT64_C(1) << 63));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_range_valid_at_the_top_of_the_address_space),
        cmocka_unit_test(test_range_within_at_edges_and_wrapping),
        cmocka_unit_test(test_range_overlaps_at_edges_and_wrapping),
        cmocka_unit_test(test_range_contains_excludes_end),
        cmocka_unit_test(test_align_rounds_to_multiples),
        cmocka_unit_test(test_align_up_fits_only_below_the_last_multiple),
        cmocka_unit_test(test_power_of_two_excludes_zero),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
