/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit.h"

#include <cavern/message.h>
#include <cavern/timer.h>

static void test_timers_empty_has_no_deadline(void **state)
{
    (void)state;
    struct cavern_timers timers = {0};
    uint64_t id;
    assert_true(cavern_timers_next(&timers) == CAVERN_FOREVER);
    assert_false(cavern_timers_take(&timers, CAVERN_FOREVER, &id));
    cavern_timers_cancel(&timers, 7);
}

static void test_timers_due_come_by_deadline_then_by_setting(void **state)
{
    (void)state;
    static const struct cavern_timer set[] = {{1, 30}, {2, 10}, {3, 20}, {4, 10}, {5, 40}};
    static const uint64_t expected[] = {2, 4, 3, 1};
    struct cavern_timers timers = {0};
    uint64_t id;
    for (size_t i = 0; i < COUNT_OF(set); i++)
        assert_true(cavern_timers_set(&timers, set[i].id, set[i].deadline));
    assert_int_equal(cavern_timers_next(&timers), 10);
    assert_false(cavern_timers_take(&timers, 9, &id));
    for (size_t i = 0; i < COUNT_OF(expected); i++) {
        assert_true(cavern_timers_take(&timers, 30, &id));
        assert_int_equal(id, expected[i]);
    }
    assert_false(cavern_timers_take(&timers, 39, &id));
    assert_int_equal(cavern_timers_next(&timers), 40);
}

static void test_timers_second_setting_replaces_the_first(void **state)
{
    (void)state;
    struct cavern_timers timers = {0};
    uint64_t id;
    assert_true(cavern_timers_set(&timers, 1, 10));
    assert_true(cavern_timers_set(&timers, 2, 15));
    assert_true(cavern_timers_set(&timers, 1, 20));
    assert_int_equal(timers.count, 2);
    assert_true(cavern_timers_take(&timers, 100, &id));
    assert_int_equal(id, 2);
    cavern_timers_cancel(&timers, 1);
    assert_int_equal(timers.count, 0);
}

static void test_timers_full_set_refuses_only_new_ids(void **state)
{
    (void)state;
    struct cavern_timers timers = {0};
    for (unsigned i = 0; i < CAVERN_TIMERS_MAX; i++)
        assert_true(cavern_timers_set(&timers, i, 1000 - i));
    assert_false(cavern_timers_set(&timers, CAVERN_TIMERS_MAX, 1));
    assert_true(cavern_timers_set(&timers, 5, 1));
    assert_int_equal(cavern_timers_next(&timers), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_timers_empty_has_no_deadline),
        cmocka_unit_test(test_timers_due_come_by_deadline_then_by_setting),
        cmocka_unit_test(test_timers_second_setting_replaces_the_first),
        cmocka_unit_test(test_timers_full_set_refuses_only_new_ids),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
