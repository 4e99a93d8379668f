/* SPDX-License-Identifier: BSD-2-Clause */
/* [THREAD-TIMER-1] */
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
    static const uint64_t set[][2] = {{1, 30}, {2, 10}, {3, 20}, {4, 10}, {5, 40}};
    static const uint64_t expected[] = {2, 4, 3, 1};
    struct cavern_timers timers = {0};
    uint64_t id;
    for (size_t i = 0; i < COUNT_OF(set); i++)
        assert_true(cavern_timers_set(&timers, set[i][0], set[i][1]));
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

/* What the heap must agree with: timers in the order of setting, the earliest of which is looked for. */
struct model {
    uint64_t ids[CAVERN_TIMERS_MAX], deadlines[CAVERN_TIMERS_MAX];
    unsigned count;
};

static void model_remove(struct model *model, unsigned at)
{
    model->count--;
    for (; at < model->count; at++) {
        model->ids[at] = model->ids[at + 1];
        model->deadlines[at] = model->deadlines[at + 1];
    }
}

static void model_cancel(struct model *model, uint64_t id)
{
    for (unsigned i = 0; i < model->count; i++)
        if (model->ids[i] == id)
            model_remove(model, i);
}

static bool model_set(struct model *model, uint64_t id, uint64_t deadline)
{
    model_cancel(model, id);
    if (model->count == CAVERN_TIMERS_MAX)
        return false;
    model->ids[model->count] = id;
    model->deadlines[model->count++] = deadline;
    return true;
}

static unsigned model_earliest(const struct model *model)
{
    unsigned best = 0;
    for (unsigned i = 1; i < model->count; i++)
        if (model->deadlines[i] < model->deadlines[best])
            best = i;
    return best;
}

static void take_both(struct cavern_timers *timers, struct model *model, uint64_t now)
{
    uint64_t id = 0;
    unsigned earliest = model_earliest(model);
    bool due = model->count && model->deadlines[earliest] <= now;
    assert_int_equal(cavern_timers_take(timers, now, &id), due);
    if (!due)
        return;
    assert_int_equal(id, model->ids[earliest]);
    model_remove(model, earliest);
}

static void test_timers_random_steps_agree_with_a_list(void **state)
{
    (void)state;
    struct cavern_timers timers = {0};
    struct model model = {.count = 0};
    uint64_t seed = 0x9e3779b97f4a7c15;
    for (unsigned i = 0; i < 200000; i++) {
        seed = seed * 6364136223846793005 + 1442695040888963407;
        uint64_t id = (seed >> 40) % (CAVERN_TIMERS_MAX + 8), deadline = (seed >> 33) % 32;
        switch ((seed >> 60) % 4) {
        case 0:
            cavern_timers_cancel(&timers, id);
            model_cancel(&model, id);
            break;
        case 1:
            take_both(&timers, &model, deadline % 8);
            break;
        default:
            assert_int_equal(cavern_timers_set(&timers, id, deadline), model_set(&model, id, deadline));
        }
        assert_true(cavern_timers_invariants(&timers));
        assert_int_equal(timers.count, model.count);
        uint64_t next = model.count ? model.deadlines[model_earliest(&model)] : CAVERN_FOREVER;
        assert_true(cavern_timers_next(&timers) == next);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_timers_empty_has_no_deadline),
        cmocka_unit_test(test_timers_due_come_by_deadline_then_by_setting),
        cmocka_unit_test(test_timers_second_setting_replaces_the_first),
        cmocka_unit_test(test_timers_full_set_refuses_only_new_ids),
        cmocka_unit_test(test_timers_random_steps_agree_with_a_list),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
