/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit.h"

#include "core/budget.h"
#include "core/random.h"

/* [MEM-ACCOUNT-1] */
static void test_budget_charge_above_limit_is_refused_whole(void **state)
{
    struct budget budget;

    (void)state;
    budget_init(&budget, 100);
    assert_true(budget_charge(&budget, 60));
    assert_false(budget_charge(&budget, 41));
    assert_false(budget_charge(&budget, UINT64_MAX));
    assert_int_equal(budget.used, 60);
    assert_true(budget_charge(&budget, 40));
    assert_int_equal(budget_room(&budget), 0);
    assert_true(budget_charge(&budget, 0));
    assert_false(budget_charge(&budget, 1));
    assert_true(budget_invariants(&budget));
}

static void test_budget_release_makes_room(void **state)
{
    struct budget budget;

    (void)state;
    budget_init(&budget, 100);
    assert_true(budget_charge(&budget, 100));
    budget_release(&budget, 30);
    assert_int_equal(budget_room(&budget), 30);
    assert_true(budget_charge(&budget, 30));
}

/* [MEM-ACCOUNT-2] */
static void test_budget_split_is_paid_by_parent(void **state)
{
    struct budget parent, child;

    (void)state;
    budget_init(&parent, 100);
    budget_init(&child, 0);
    assert_true(budget_split(&parent, &child, 70));
    assert_int_equal(parent.used, 70);
    assert_int_equal(parent.lent, 70);
    assert_int_equal(child.limit, 70);
    assert_int_equal(budget_room(&parent) + budget_room(&child), 100);
    assert_false(budget_split(&parent, &child, 31));
    assert_false(budget_split(&parent, &child, INT64_MAX));
    assert_int_equal(child.limit, 70);
    assert_true(budget_split(&parent, &child, 0));
}

/* [MEM-ACCOUNT-3] */
static void test_budget_split_below_use_is_refused(void **state)
{
    struct budget parent, child;

    (void)state;
    budget_init(&parent, 100);
    budget_init(&child, 0);
    assert_true(budget_split(&parent, &child, 50));
    assert_true(budget_charge(&child, 20));
    assert_false(budget_split(&parent, &child, -31));
    assert_false(budget_split(&parent, &child, INT64_MIN));
    assert_int_equal(child.limit, 50);
    assert_true(budget_split(&parent, &child, -30));
    assert_int_equal(child.limit, 20);
    assert_int_equal(parent.used, 20);
}

static void test_budget_split_with_full_limit_does_not_wrap(void **state)
{
    struct budget parent, child;

    (void)state;
    budget_init(&parent, UINT64_MAX);
    budget_init(&child, UINT64_MAX - 5);
    assert_false(budget_split(&parent, &child, 6));
    assert_int_equal(parent.used, 0);
    assert_true(budget_split(&parent, &child, 5));
    assert_int_equal(child.limit, UINT64_MAX);
}

/* [MEM-ACCOUNT-5] */
static void test_budget_close_returns_limit_once_unused(void **state)
{
    struct budget parent, child;

    (void)state;
    budget_init(&parent, 100);
    budget_init(&child, 0);
    assert_true(budget_split(&parent, &child, 40));
    assert_true(budget_charge(&child, 1));
    assert_false(budget_close(&parent, &child));
    budget_release(&child, 1);
    assert_true(budget_close(&parent, &child));
    assert_int_equal(parent.used, 0);
    assert_int_equal(parent.lent, 0);
    assert_int_equal(child.limit, 0);
}

/* Whatever is done, what the three may use together stays what the first had. */
static void test_budget_at_random_conserves_the_sum(void **state)
{
    struct budget budgets[3];
    struct random random;

    (void)state;
    random_seed(&random, 5);
    budget_init(&budgets[0], 1000);
    budget_init(&budgets[1], 0);
    budget_init(&budgets[2], 0);
    for (int step = 0; step < 20000; step++) {
        struct budget *budget = &budgets[random_below(&random, 3)];
        int parent = (int)random_below(&random, 2);
        uint64_t bytes = random_below(&random, 300);
        bool room = bytes <= budget_room(budget);

        switch (random_below(&random, 3)) {
        case 0:
            assert_int_equal(budget_charge(budget, bytes), room);
            break;
        case 1:
            bytes = random_below(&random, budget->used - budget->lent + 1);
            budget_release(budget, bytes);
            break;
        default:
            (void)!budget_split(&budgets[parent], &budgets[parent + 1], (int64_t)bytes - 150);
        }
        uint64_t sum = 0;
        for (int i = 0; i < 3; i++) {
            assert_true(budget_invariants(&budgets[i]));
            assert_int_equal(budgets[i].lent, i < 2 ? budgets[i + 1].limit : 0);
            sum += budgets[i].limit - budgets[i].lent;
        }
        assert_int_equal(sum, 1000);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_budget_charge_above_limit_is_refused_whole),
        cmocka_unit_test(test_budget_release_makes_room),
        cmocka_unit_test(test_budget_split_is_paid_by_parent),
        cmocka_unit_test(test_budget_split_below_use_is_refused),
        cmocka_unit_test(test_budget_split_with_full_limit_does_not_wrap),
        cmocka_unit_test(test_budget_close_returns_limit_once_unused),
        cmocka_unit_test(test_budget_at_random_conserves_the_sum),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
