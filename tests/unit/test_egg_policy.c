/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "../../egg/policy.h"

static struct egg egg;
static struct egg_effects effects;

static const struct egg_effect *last(enum egg_effect_kind kind)
{
    assert_true(effects.count >= 1 && effects.count <= EGG_EFFECTS_MAX);
    assert_true(egg_invariants(&egg));
    assert_int_equal(effects.list[effects.count - 1].kind, kind);
    return &effects.list[effects.count - 1];
}

static const struct egg_effect *first(enum egg_effect_kind kind)
{
    assert_int_equal(effects.list[0].kind, kind);
    return &effects.list[0];
}

static void ok(uint32_t value)
{
    egg_ended(&egg, CAVERN_OK, value, &effects);
}

/* Two names are registered, the first child is to be prepared. */
static void go_to_children(unsigned children)
{
    egg_begin(&egg, 2, children, &effects);
    ok(0);
    ok(0);
}

/* [EGG-4] */
static void test_begin_registers_names_then_starts_children_in_order(void **unused)
{
    (void)unused;
    egg_begin(&egg, 2, 2, &effects);
    assert_int_equal(last(EGG_REGISTER)->index, 0);
    ok(0);
    assert_int_equal(first(EGG_NAME_DONE)->index, 0);
    assert_int_equal(last(EGG_REGISTER)->index, 1);
    ok(0);
    assert_int_equal(last(EGG_PREPARE)->index, 0);
    egg_prepared(&egg, CAVERN_OK, 6, &effects);
    assert_int_equal(last(EGG_BEGIN)->index, 0);
    ok(33);
    assert_int_equal(last(EGG_ADD)->number, 33);
    assert_int_equal(last(EGG_ADD)->first, 0);
    assert_int_equal(last(EGG_ADD)->count, 4);
    ok(0);
    assert_int_equal(last(EGG_ADD)->first, 4);
    assert_int_equal(last(EGG_ADD)->count, 2);
    ok(0);
    assert_int_equal(last(EGG_START)->number, 33);
    ok(9);
    assert_int_equal(first(EGG_CHILD_DONE)->index, 0);
    assert_int_equal(first(EGG_CHILD_DONE)->status, CAVERN_OK);
    assert_int_equal(last(EGG_PREPARE)->index, 1);
    egg_prepared(&egg, CAVERN_OK, 0, &effects);
    ok(34);
    assert_int_equal(last(EGG_START)->number, 34);
    ok(10);
    last(EGG_READY);
}

static void test_begin_with_nothing_is_ready(void **unused)
{
    (void)unused;
    egg_begin(&egg, 0, 0, &effects);
    last(EGG_READY);
    ok(0);
    assert_int_equal(effects.count, 0);
}

/* [EGG-5] */
static void test_child_that_fails_holds_up_no_other(void **unused)
{
    (void)unused;
    go_to_children(4);
    egg_prepared(&egg, CAVERN_UNSUPPORTED, 1, &effects);
    assert_int_equal(first(EGG_CHILD_DONE)->status, CAVERN_UNSUPPORTED);
    assert_int_equal(last(EGG_PREPARE)->index, 1);
    egg_prepared(&egg, CAVERN_OK, 1, &effects);
    egg_ended(&egg, CAVERN_EXISTS, 0, &effects);
    assert_int_equal(first(EGG_CHILD_DONE)->status, CAVERN_EXISTS);
    egg_prepared(&egg, CAVERN_OK, 1, &effects);
    ok(5);
    egg_ended(&egg, CAVERN_NO_MEMORY, 0, &effects);
    assert_int_equal(first(EGG_CHILD_DONE)->status, CAVERN_NO_MEMORY);
    egg_prepared(&egg, CAVERN_OK, 1, &effects);
    ok(5);
    ok(0);
    egg_ended(&egg, CAVERN_NOT_FOUND, 0, &effects);
    assert_int_equal(first(EGG_CHILD_DONE)->index, 3);
    last(EGG_READY);
}

static void test_name_that_fails_holds_up_nothing(void **unused)
{
    (void)unused;
    egg_begin(&egg, 2, 0, &effects);
    egg_ended(&egg, CAVERN_NOT_PERMITTED, 0, &effects);
    assert_int_equal(first(EGG_NAME_DONE)->status, CAVERN_NOT_PERMITTED);
    assert_int_equal(last(EGG_REGISTER)->index, 1);
}

/* [EGG-6] */
static void test_step_abandoned_is_made_again_from_begin(void **unused)
{
    (void)unused;
    egg_begin(&egg, 1, 1, &effects);
    egg_ended(&egg, CAVERN_ABANDONED, 0, &effects);
    last(EGG_AGAIN);
    egg_again(&egg, &effects);
    assert_int_equal(last(EGG_REGISTER)->index, 0);
    ok(0);
    egg_prepared(&egg, CAVERN_OK, 5, &effects);
    ok(7);
    ok(0);
    egg_ended(&egg, CAVERN_ABANDONED, 0, &effects);
    last(EGG_AGAIN);
    ok(0); /* nothing is under way */
    assert_int_equal(effects.count, 0);
    egg_again(&egg, &effects);
    assert_int_equal(last(EGG_BEGIN)->attempt, 1);
    ok(8);
    assert_int_equal(last(EGG_ADD)->first, 0);
    assert_int_equal(last(EGG_ADD)->number, 8);
}

/* [EGG-6] */
static void test_begin_again_of_a_child_that_was_started_is_no_failure(void **unused)
{
    (void)unused;
    go_to_children(1);
    egg_prepared(&egg, CAVERN_OK, 0, &effects);
    ok(7);
    egg_ended(&egg, CAVERN_ABANDONED, 0, &effects);
    egg_again(&egg, &effects);
    egg_ended(&egg, CAVERN_EXISTS, 0, &effects);
    assert_int_equal(first(EGG_CHILD_DONE)->status, CAVERN_OK);
}

/* [EGG-6] */
static void test_step_abandoned_too_often_fails(void **unused)
{
    (void)unused;
    go_to_children(1);
    egg_prepared(&egg, CAVERN_OK, 0, &effects);
    for (unsigned i = 1; i < EGG_ATTEMPTS; i++) {
        egg_ended(&egg, CAVERN_QUEUE_FULL, 0, &effects);
        last(EGG_AGAIN);
        egg_again(&egg, &effects);
    }
    egg_ended(&egg, CAVERN_QUEUE_FULL, 0, &effects);
    assert_int_equal(first(EGG_CHILD_DONE)->status, CAVERN_QUEUE_FULL);
}

/* [EGG-7] */
static void test_ward_that_ends_is_started_again_unless_too_often(void **unused)
{
    (void)unused;
    uint64_t now = 5;
    egg_begin(&egg, 0, 0, &effects);
    for (unsigned i = 0; i < EGG_INTENSITY; i++)
        assert_true(egg_ward_ended(&egg, EGG_REGISTRY, now += 10));
    assert_false(egg_ward_ended(&egg, EGG_REGISTRY, now));
    assert_true(egg_ward_ended(&egg, EGG_SUPERVISOR, now));
    now += EGG_PERIOD;
    assert_true(egg_ward_ended(&egg, EGG_REGISTRY, now));
    for (unsigned i = 0; i < 50; i++)
        assert_true(egg_ward_ended(&egg, EGG_SUPERVISOR, now += EGG_PERIOD / EGG_INTENSITY));
    assert_true(egg_invariants(&egg));
}

/* Whatever comes in whatever order, each step is about what exists, and the end is reached. */
static void test_random_endings_come_to_ready(void **unused)
{
    (void)unused;
    static const enum cavern_status statuses[] = {CAVERN_OK, CAVERN_OK, CAVERN_OK, CAVERN_ABANDONED, CAVERN_EXISTS};
    srand(1);
    for (unsigned round = 0; round < 300; round++) {
        egg_begin(&egg, 2, 9, &effects);
        while (effects.count == 0 || effects.list[effects.count - 1].kind != EGG_READY) {
            const struct egg_effect *step = &effects.list[effects.count - 1];
            assert_true(egg_invariants(&egg));
            if (step->kind == EGG_PREPARE)
                egg_prepared(&egg, rand() % 5 ? CAVERN_OK : CAVERN_BUSY, (unsigned)rand() % 17, &effects);
            else if (step->kind == EGG_AGAIN)
                egg_again(&egg, &effects);
            else
                egg_ended(&egg, statuses[rand() % 5], 3, &effects);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_begin_registers_names_then_starts_children_in_order),
        cmocka_unit_test(test_begin_with_nothing_is_ready),
        cmocka_unit_test(test_child_that_fails_holds_up_no_other),
        cmocka_unit_test(test_name_that_fails_holds_up_nothing),
        cmocka_unit_test(test_step_abandoned_is_made_again_from_begin),
        cmocka_unit_test(test_begin_again_of_a_child_that_was_started_is_no_failure),
        cmocka_unit_test(test_step_abandoned_too_often_fails),
        cmocka_unit_test(test_ward_that_ends_is_started_again_unless_too_often),
        cmocka_unit_test(test_random_endings_come_to_ready),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
