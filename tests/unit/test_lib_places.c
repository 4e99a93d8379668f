/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit.h"

#include <cavern/memory.h>

#include "../../libcavern/source/places.h"

enum { PAGE = CAVERN_PAGE_SIZE };

static const struct places empty = {.start = 0x4000000000, .end = 0x4000000000 + (16 << 20)};

static void check(const struct places *places)
{
    uint64_t end = places->start;
    for (unsigned i = 0; i < places->count; i++) {
        assert_true(places->taken[i].address >= end);
        end = places->taken[i].address + places->taken[i].length + PAGE;
        assert_true(end - PAGE <= places->end);
    }
}

static void test_places_first_fit_leaves_a_page_between(void **state)
{
    (void)state;
    struct places places = empty;
    uint64_t a = places_take(&places, PAGE), b = places_take(&places, 3 * PAGE), c = places_take(&places, PAGE);
    assert_int_equal(a, empty.start);
    assert_int_equal(b, a + 2 * PAGE);
    assert_int_equal(c, b + 4 * PAGE);
    assert_true(places_give(&places, b, 3 * PAGE));
    assert_int_equal(places_take(&places, 4 * PAGE), c + 2 * PAGE);
    assert_int_equal(places_take(&places, 3 * PAGE), b);
    check(&places);
}

static void test_places_large_ranges_are_aligned(void **state)
{
    (void)state;
    struct places places = empty;
    assert_int_equal(places_take(&places, PAGE), empty.start);
    assert_int_equal(places_take(&places, 2 << 20), empty.start + (2 << 20));
    assert_int_equal(places_take(&places, 5 << 20), empty.start + (6 << 20));
    assert_int_equal(places_take(&places, 6 << 20), 0);
    assert_int_equal(places_take(&places, 17 << 20), 0);
    assert_int_equal(places_take(&places, 0), 0);
    check(&places);
}

static void test_places_only_whole_ranges_are_given_back(void **state)
{
    (void)state;
    struct places places = empty;
    uint64_t a = places_take(&places, 2 * PAGE);
    assert_false(places_give(&places, a, PAGE));
    assert_false(places_give(&places, a + PAGE, PAGE));
    assert_false(places_give(&places, 0, 0));
    assert_true(places_give(&places, a, 2 * PAGE));
    assert_false(places_give(&places, a, 2 * PAGE));
    assert_int_equal(places.count, 0);
}

static void test_places_full_table_takes_no_more(void **state)
{
    (void)state;
    struct places places = empty;
    uint64_t last = 0;
    for (unsigned i = 0; i < PLACES_MAX; i++)
        assert_true((last = places_take(&places, PAGE)) != 0);
    assert_int_equal(places_take(&places, PAGE), 0);
    check(&places);
    assert_true(places_give(&places, last, PAGE));
    assert_int_equal(places_take(&places, PAGE), last);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_places_first_fit_leaves_a_page_between),
        cmocka_unit_test(test_places_large_ranges_are_aligned),
        cmocka_unit_test(test_places_only_whole_ranges_are_given_back),
        cmocka_unit_test(test_places_full_table_takes_no_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
