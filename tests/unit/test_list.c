/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit.h"

#include "core/list.h"

struct item {
    int value;
    struct list link;
};

static int value_of(const struct list *node)
{
    return container_of(node, struct item, link)->value;
}

/* Do the list's values, read as digits, make this number? */
static void assert_digits(const struct list *head, int digits)
{
    int found = 0;

    for (const struct list *node = list_first(head); node; node = list_next(head, node))
        found = found * 10 + value_of(node);
    assert_int_equal(found, digits);
    assert_true(list_invariants(head));
}

struct fixture {
    struct list head;
    struct list other;
    struct item items[4];
};

static int setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));

    list_init(&fixture->head);
    list_init(&fixture->other);
    for (int i = 0; i < 4; i++)
        fixture->items[i].value = i + 1;
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    free(*state);
    return 0;
}

static void test_list_when_new_is_empty(void **state)
{
    struct fixture *f = *state;

    assert_true(list_empty(&f->head));
    assert_null(list_first(&f->head));
    assert_null(list_last(&f->head));
    assert_null(list_pop_front(&f->head));
    assert_true(list_invariants(&f->head));
}

static void test_list_push_back_keeps_order(void **state)
{
    struct fixture *f = *state;

    for (int i = 0; i < 4; i++)
        list_push_back(&f->head, &f->items[i].link);
    assert_digits(&f->head, 1234);
    assert_int_equal(value_of(list_last(&f->head)), 4);
}

static void test_list_push_front_reverses_order(void **state)
{
    struct fixture *f = *state;

    for (int i = 0; i < 4; i++)
        list_push_front(&f->head, &f->items[i].link);
    assert_digits(&f->head, 4321);
}

static void test_list_insert_before_puts_node_there(void **state)
{
    struct fixture *f = *state;

    list_push_back(&f->head, &f->items[0].link);
    list_push_back(&f->head, &f->items[1].link);
    list_insert_before(&f->items[1].link, &f->items[2].link);
    list_insert_before(&f->head, &f->items[3].link);
    assert_digits(&f->head, 1324);
}

static void test_list_remove_from_any_place_closes_gap(void **state)
{
    struct fixture *f = *state;

    for (int i = 0; i < 4; i++)
        list_push_back(&f->head, &f->items[i].link);
    list_remove(&f->items[1].link);
    assert_digits(&f->head, 134);
    list_remove(&f->items[0].link);
    assert_digits(&f->head, 34);
    list_remove(&f->items[3].link);
    assert_digits(&f->head, 3);
    list_remove(&f->items[2].link);
    assert_true(list_empty(&f->head));
}

static void test_list_linked_follows_membership(void **state)
{
    struct fixture *f = *state;

    assert_false(list_linked(&f->items[0].link));
    list_push_back(&f->head, &f->items[0].link);
    assert_true(list_linked(&f->items[0].link));
    list_remove(&f->items[0].link);
    assert_false(list_linked(&f->items[0].link));
}

static void test_list_remove_when_not_linked_is_harmless(void **state)
{
    struct fixture *f = *state;

    list_push_back(&f->head, &f->items[0].link);
    list_init(&f->items[1].link);
    list_remove(&f->items[1].link);
    assert_digits(&f->head, 1);
}

static void test_list_pop_front_takes_oldest(void **state)
{
    struct fixture *f = *state;

    list_push_back(&f->head, &f->items[0].link);
    list_push_back(&f->head, &f->items[1].link);
    assert_int_equal(value_of(list_pop_front(&f->head)), 1);
    assert_int_equal(value_of(list_pop_front(&f->head)), 2);
    assert_null(list_pop_front(&f->head));
}

static void test_list_splice_back_moves_all(void **state)
{
    struct fixture *f = *state;

    list_splice_back(&f->head, &f->other);
    assert_true(list_empty(&f->head));
    list_push_back(&f->other, &f->items[0].link);
    list_push_back(&f->other, &f->items[1].link);
    list_splice_back(&f->head, &f->other);
    assert_digits(&f->head, 12);
    assert_true(list_empty(&f->other));
    list_push_back(&f->other, &f->items[2].link);
    list_splice_back(&f->head, &f->other);
    assert_digits(&f->head, 123);
    assert_true(list_invariants(&f->other));
}

static void test_list_for_each_safe_permits_removal(void **state)
{
    struct fixture *f = *state;

    for (int i = 0; i < 4; i++)
        list_push_back(&f->head, &f->items[i].link);
    list_for_each_safe(node, &f->head)
    {
        if (value_of(node) % 2)
            list_remove(node);
    }
    assert_digits(&f->head, 24);
}

static void test_list_invariants_when_damaged_fail(void **state)
{
    struct fixture *f = *state;

    list_push_back(&f->head, &f->items[0].link);
    list_push_back(&f->head, &f->items[1].link);
    f->items[1].link.prev = &f->head;
    assert_false(list_invariants(&f->head));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(test_list_when_new_is_empty),
        TEST(test_list_push_back_keeps_order),
        TEST(test_list_push_front_reverses_order),
        TEST(test_list_insert_before_puts_node_there),
        TEST(test_list_remove_from_any_place_closes_gap),
        TEST(test_list_linked_follows_membership),
        TEST(test_list_remove_when_not_linked_is_harmless),
        TEST(test_list_pop_front_takes_oldest),
        TEST(test_list_splice_back_moves_all),
        TEST(test_list_for_each_safe_permits_removal),
        TEST(test_list_invariants_when_damaged_fail),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
