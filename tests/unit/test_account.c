/* SPDX-License-Identifier: BSD-2-Clause */
#include "memory_calls.h"

#include "core/random.h"
#include "object/signal.h"

#define RAM (64 << 20)

static struct thread *thread; /* of a process that holds the root */
static cavern_handle root;

static int setup(void **state)
{
    (void)state;
    model_start(RAM);
    thread = model_process(model_root(), "test", 10);
    root = model_give(thread->process, &model_root()->object, CAVERN_RIGHTS_ALL);
    return 0;
}

static struct account *account_at(cavern_handle handle)
{
    void *found;
    assert_int_equal(process_lookup(thread->process, handle, CAVERN_TYPE_ACCOUNT, 0, &found), CAVERN_OK);
    return found;
}

static void test_root_create_has_all_free_memory(void **state)
{
    (void)state;
    const struct budget *budget = &model_root()->budget;
    assert_int_equal(budget->limit - budget->used, memory_free());
    assert_true(memory_free() <= memory_total() && memory_total() == RAM);
    assert_int_equal(model_root()->top_priority, CAVERN_PRIORITIES - 1);
}

/* [MEM-ACCOUNT-1] */
static void test_charge_over_the_limit_is_refused(void **state)
{
    (void)state;
    struct account *account = account_create(model_root(), 3 * PAGE, 5);
    uint64_t pages[4];
    for (int i = 0; i < 3; i++)
        assert_true(account_take_page(account, &pages[i]));
    struct balance full = balance_of(account);
    assert_false(account_take_page(account, &pages[3]));
    assert_false(account_charge(account, 1));
    assert_null(account_create(account, 0, 5));
    assert_balance(account, full);
    for (int i = 0; i < 3; i++)
        account_give_page(account, pages[i]);
    assert_int_equal(account->budget.used, 0);
    object_put(&account->object);
}

/* [MEM-ACCOUNT-1] */
static void test_buffer_over_the_limit_is_no_memory(void **state)
{
    (void)state;
    cavern_handle account, buffer;
    assert_int_equal(call_account_split(thread, root, 0, 16 * PAGE, 5, &account), CAVERN_OK);
    assert_int_equal(call_buffer_create(thread, account, 17 * PAGE, 0, &buffer), CAVERN_NO_MEMORY);
    assert_int_equal(account_at(account)->budget.used, 0);
    assert_int_equal(call_buffer_create(thread, account, 8 * PAGE, 0, &buffer), CAVERN_OK);
    assert_int_equal(account_at(account)->budget.used, 10 * PAGE); /* pages, their record, a slab of holdings */
}

/* [MEM-ACCOUNT-2] */
static void test_split_moves_limit_from_parent(void **state)
{
    (void)state;
    cavern_handle account, same;
    const struct budget *parent = &model_root()->budget;
    uint64_t used = parent->used;
    assert_int_equal(call_account_split(thread, root, 0, 1 << 20, 5, &account), CAVERN_OK);
    const struct budget *child = &account_at(account)->budget;
    assert_int_equal(child->limit, 1 << 20);
    assert_int_equal(parent->used - used, 1 << 20); /* its object fits beside the root's */
    assert_int_equal(model_root()->accounts, 1);

    assert_int_equal(call_account_split(thread, root, account, 4096, 5, &same), CAVERN_OK);
    assert_int_equal(same, account);
    assert_int_equal(child->limit, (1 << 20) + 4096);
    assert_int_equal(call_account_split(thread, root, account, -(1 << 20), 5, &same), CAVERN_OK);
    assert_int_equal(child->limit, 4096);
    assert_int_equal(parent->used - used, 4096);
    assert_int_equal(parent->lent, 4096);

    assert_int_equal(call_account_split(thread, root, account, RAM, 5, &same), CAVERN_NO_MEMORY);
    assert_int_equal(call_account_split(thread, root, 0, RAM, 5, &same), CAVERN_NO_MEMORY);
    assert_int_equal(parent->used - used, 4096);
    assert_int_equal(child->limit, 4096);
}

/* [MEM-ACCOUNT-3] */
static void test_split_below_use_is_busy(void **state)
{
    (void)state;
    cavern_handle account, buffer, same;
    assert_int_equal(call_account_split(thread, root, 0, 16 * PAGE, 5, &account), CAVERN_OK);
    assert_int_equal(call_buffer_create(thread, account, 8 * PAGE, 0, &buffer), CAVERN_OK);
    assert_int_equal(call_account_split(thread, root, account, -7 * (int64_t)PAGE, 5, &same), CAVERN_BUSY);
    assert_int_equal(account_at(account)->budget.limit, 16 * PAGE);
    assert_int_equal(call_account_split(thread, root, account, -6 * (int64_t)PAGE, 5, &same), CAVERN_OK);
    assert_int_equal(call_account_split(thread, root, account, INT64_MIN, 5, &same), CAVERN_BUSY);
}

/* [MEM-ACCOUNT-4] */
static void test_split_priority_is_bounded_by_parent(void **state)
{
    (void)state;
    cavern_handle account, below;
    assert_int_equal(call_account_split(thread, root, 0, 8 * PAGE, 32, &account), CAVERN_BAD_ARGUMENT);
    assert_int_equal(call_account_split(thread, root, 0, 8 * PAGE, 12, &account), CAVERN_OK);
    assert_int_equal(call_account_split(thread, account, 0, PAGE, 13, &below), CAVERN_DENIED);
    assert_int_equal(call_account_split(thread, account, 0, PAGE, 12, &below), CAVERN_OK);
    assert_int_equal(call_account_split(thread, account, below, 0, 13, &below), CAVERN_DENIED);
    assert_int_equal(account_at(account)->top_priority, 12);
}

static void test_split_bad_arguments_change_nothing(void **state)
{
    (void)state;
    cavern_handle account, sibling, below, made;
    assert_int_equal(call_account_split(thread, root, 0, 16 * PAGE, 5, &account), CAVERN_OK);
    assert_int_equal(call_account_split(thread, root, 0, 16 * PAGE, 5, &sibling), CAVERN_OK);
    assert_int_equal(call_account_split(thread, account, 0, PAGE, 5, &below), CAVERN_OK);
    struct balance before = balance_of(model_root());
    assert_int_equal(call_account_split(thread, root, 0, -1, 5, &made), CAVERN_BAD_ARGUMENT);
    assert_int_equal(call_account_split(thread, root, 0, INT64_MIN, 5, &made), CAVERN_BAD_ARGUMENT);
    assert_int_equal(call_account_split(thread, root, 0, INT64_MAX, 5, &made), CAVERN_NO_MEMORY);
    assert_int_equal(call_account_split(thread, root, below, PAGE, 5, &made), CAVERN_BAD_ARGUMENT);
    assert_int_equal(call_account_split(thread, account, sibling, PAGE, 5, &made), CAVERN_BAD_ARGUMENT);
    assert_int_equal(call_account_split(thread, root, root, PAGE, 5, &made), CAVERN_BAD_ARGUMENT);
    assert_int_equal(call_account_split(thread, CAVERN_SELF_ACCOUNT, 0, PAGE, 5, &made), CAVERN_DENIED);
    assert_int_equal(call_account_split(thread, 0, 0, PAGE, 5, &made), CAVERN_BAD_HANDLE);
    assert_int_equal(call_account_split(thread, root, 77, PAGE, 5, &made), CAVERN_BAD_HANDLE);
    assert_balance(model_root(), before);
}

/* [MEM-ACCOUNT-5] */
static void test_close_of_an_unused_account_returns_its_limit(void **state)
{
    (void)state;
    cavern_handle account;
    struct balance before = balance_of(model_root());
    assert_int_equal(call_account_split(thread, root, 0, 1 << 20, 5, &account), CAVERN_OK);
    assert_int_equal(call_close(thread, account), CAVERN_OK);
    assert_balance(model_root(), before);
    assert_int_equal(model_root()->accounts, 0);
}

/* [MEM-ACCOUNT-5] */
static void test_account_lives_as_long_as_what_is_charged_to_it(void **state)
{
    (void)state;
    cavern_handle account, below, buffer;
    struct balance before = balance_of(model_root());
    assert_int_equal(call_account_split(thread, root, 0, 1 << 20, 5, &account), CAVERN_OK);
    assert_int_equal(call_account_split(thread, account, 0, 1 << 19, 5, &below), CAVERN_OK);
    assert_int_equal(call_buffer_create(thread, below, PAGE, 0, &buffer), CAVERN_OK);
    assert_int_equal(call_close(thread, account), CAVERN_OK);
    assert_int_equal(call_close(thread, below), CAVERN_OK);
    assert_int_equal(model_root()->budget.lent, 1 << 20);
    assert_int_equal(call_close(thread, buffer), CAVERN_OK);
    assert_balance(model_root(), before);
}

static void test_within_follows_parents(void **state)
{
    (void)state;
    struct account *a = account_create(model_root(), 1 << 20, 5);
    struct account *b = account_create(a, 1 << 16, 5);
    assert_true(account_within(b, a) && account_within(b, b) && account_within(b, model_root()));
    assert_false(account_within(a, b));
    object_put(&b->object);
    object_put(&a->object);
}

static void test_slab_pages_are_charged_whole_and_given_back(void **state)
{
    (void)state;
    enum { OBJECTS = 300 };
    struct account *account = account_create(model_root(), 1 << 20, 5);
    struct signal *signals[OBJECTS];
    for (int i = 0; i < OBJECTS; i++) {
        signals[i] = object_create(account, CLASS_SIGNAL);
        assert_non_null(signals[i]);
        assert_ptr_equal(object_account(signals[i]), account);
    }
    assert_int_equal(account->objects, OBJECTS);
    assert_int_equal(account->budget.used % PAGE, 0);
    assert_in_range(account->budget.used, OBJECTS * sizeof(struct signal), 2 * OBJECTS * sizeof(struct signal));
    for (int i = 0; i < OBJECTS; i++)
        object_free(signals[i * 7 % OBJECTS]);
    assert_int_equal(account->objects, 0);
    assert_int_equal(account->budget.used, 0);
    object_put(&account->object);
}

/* [MEM-ACCOUNT-6] */
static void test_random_splits_all_closed_leave_nothing(void **state)
{
    (void)state;
    enum { HANDLES = 24, ROUNDS = 3000 };
    cavern_handle handles[HANDLES] = {root};
    struct random random;
    random_seed(&random, 1);
    struct balance before = balance_of(model_root());
    for (int i = 0; i < ROUNDS; i++) {
        cavern_handle *slot = &handles[1 + random_below(&random, HANDLES - 1)], made;
        cavern_handle parent = handles[random_below(&random, HANDLES)];
        int64_t bytes = (int64_t)(random_below(&random, 4 << 20)) - (random_below(&random, 2) ? 0 : 2 << 20);
        if (*slot && random_below(&random, 3) == 0) {
            assert_int_equal(call_close(thread, *slot), CAVERN_OK);
            *slot = 0;
        } else if (call_account_split(thread, parent, *slot, bytes, 0, &made) == CAVERN_OK) {
            *slot = made;
        }
        assert_true(budget_invariants(&model_root()->budget));
    }
    for (int i = 1; i < HANDLES; i++)
        if (handles[i])
            assert_int_equal(call_close(thread, handles[i]), CAVERN_OK);
    assert_balance(model_root(), before);
}

/* [MEM-ACCOUNT-1] [ABI-FAIL-1] */
static void test_split_without_memory_changes_nothing(void **state)
{
    (void)state;
    unsigned status = CAVERN_OK;
    struct balance before;
    uint64_t objects = 0;
    for (int i = 0; status == CAVERN_OK && i < 100; i++) { /* until a slab is full */
        cavern_handle made;
        before = balance_of(model_root());
        objects = model_root()->objects;
        model_fail_allocation(1);
        status = call_account_split(thread, root, 0, 0, 5, &made);
        model_fail_allocation(0);
    }
    assert_int_equal(status, CAVERN_NO_MEMORY);
    assert_balance(model_root(), before);
    assert_int_equal(model_root()->objects, objects);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_root_create_has_all_free_memory, setup),
        cmocka_unit_test_setup(test_charge_over_the_limit_is_refused, setup),
        cmocka_unit_test_setup(test_buffer_over_the_limit_is_no_memory, setup),
        cmocka_unit_test_setup(test_split_moves_limit_from_parent, setup),
        cmocka_unit_test_setup(test_split_below_use_is_busy, setup),
        cmocka_unit_test_setup(test_split_priority_is_bounded_by_parent, setup),
        cmocka_unit_test_setup(test_split_bad_arguments_change_nothing, setup),
        cmocka_unit_test_setup(test_close_of_an_unused_account_returns_its_limit, setup),
        cmocka_unit_test_setup(test_account_lives_as_long_as_what_is_charged_to_it, setup),
        cmocka_unit_test_setup(test_within_follows_parents, setup),
        cmocka_unit_test_setup(test_slab_pages_are_charged_whole_and_given_back, setup),
        cmocka_unit_test_setup(test_random_splits_all_closed_leave_nothing, setup),
        cmocka_unit_test_setup(test_split_without_memory_changes_nothing, setup),
    };
    return cmocka_run_group_tests_name("account", tests, NULL, NULL);
}
