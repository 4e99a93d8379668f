/* SPDX-License-Identifier: BSD-2-Clause */
/* The tree against a sorted array, and by hand at the edges. */
#include "unit.h"

#include "core/random.h"
#include "core/tree.h"

enum {
    NODES = 200,
    STEPS = 20000,
};

/* Nodes in the order that the tree must have. */
struct model {
    struct tree_node *sorted[NODES];
    int count;
};

static void model_insert(struct model *model, struct tree_node *node, uint64_t key)
{
    int at = model->count++;

    for (; at > 0 && model->sorted[at - 1]->key > key; at--)
        model->sorted[at] = model->sorted[at - 1];
    model->sorted[at] = node;
}

static void model_remove(struct model *model, const struct tree_node *node)
{
    int at = 0;

    while (model->sorted[at] != node)
        at++;
    for (model->count--; at < model->count; at++)
        model->sorted[at] = model->sorted[at + 1];
}

static struct tree_node *model_floor(const struct model *model, uint64_t key)
{
    struct tree_node *found = NULL;

    for (int i = 0; i < model->count && model->sorted[i]->key <= key; i++)
        found = model->sorted[i];
    return found;
}

static struct tree_node *model_ceiling(const struct model *model, uint64_t key)
{
    for (int i = 0; i < model->count; i++)
        if (model->sorted[i]->key >= key)
            return model->sorted[i];
    return NULL;
}

static void assert_same_order(const struct tree *tree, const struct model *model)
{
    struct tree_node *node = tree_first(tree);

    assert_true(tree_invariants(tree));
    for (int i = 0; i < model->count; i++) {
        assert_ptr_equal(node, model->sorted[i]);
        assert_ptr_equal(tree_prev(node), i ? model->sorted[i - 1] : NULL);
        node = tree_next(node);
    }
    assert_null(node);
    assert_ptr_equal(tree_last(tree), model->count ? model->sorted[model->count - 1] : NULL);
}

static void assert_same_answers(const struct tree *tree, const struct model *model, uint64_t key)
{
    struct tree_node *at_least = model_ceiling(model, key);

    assert_ptr_equal(tree_floor(tree, key), model_floor(model, key));
    assert_ptr_equal(tree_ceiling(tree, key), at_least);
    assert_ptr_equal(tree_find(tree, key), at_least && at_least->key == key ? at_least : NULL);
}

static void insert_between(struct tree *tree, struct tree_node *node, uint64_t key)
{
    struct tree_node *before = tree_floor(tree, key);

    tree_insert_between(tree, before, before ? tree_next(before) : tree_first(tree), node, key);
}

/* Few different keys make many duplicates. */
static void run_against_model(uint64_t seed, uint64_t keys)
{
    static struct tree_node nodes[NODES];
    struct tree tree;
    struct model model = {.count = 0};
    struct random random;

    memset(nodes, 0, sizeof(nodes));
    tree_init(&tree);
    random_seed(&random, seed);
    for (int step = 0; step < STEPS; step++) {
        struct tree_node *node = &nodes[random_below(&random, NODES)];
        uint64_t key = random_below(&random, keys);

        if (tree_linked(node)) {
            tree_remove(&tree, node);
            model_remove(&model, node);
        } else {
            model_insert(&model, node, key);
            if (step % 2)
                tree_insert(&tree, node, key);
            else
                insert_between(&tree, node, key);
        }
        assert_int_equal(tree_empty(&tree), model.count == 0);
        assert_same_answers(&tree, &model, random_below(&random, keys));
        if (step % 16 == 0)
            assert_same_order(&tree, &model);
    }
}

static void test_tree_with_distinct_keys_agrees_with_model(void **state)
{
    (void)state;
    run_against_model(1, UINT64_MAX);
}

static void test_tree_with_many_duplicates_agrees_with_model(void **state)
{
    (void)state;
    run_against_model(2, 12);
}

static void test_tree_with_one_key_agrees_with_model(void **state)
{
    (void)state;
    run_against_model(3, 1);
}

static void test_tree_when_empty_finds_nothing(void **state)
{
    struct tree tree;

    (void)state;
    tree_init(&tree);
    assert_true(tree_empty(&tree));
    assert_null(tree_first(&tree));
    assert_null(tree_last(&tree));
    assert_null(tree_floor(&tree, UINT64_MAX));
    assert_null(tree_ceiling(&tree, 0));
    assert_null(tree_find(&tree, 0));
    assert_true(tree_invariants(&tree));
}

static void test_tree_with_extreme_keys_finds_them(void **state)
{
    struct tree tree;
    struct tree_node least, greatest;

    (void)state;
    tree_init(&tree);
    tree_insert(&tree, &greatest, UINT64_MAX);
    tree_insert(&tree, &least, 0);
    assert_ptr_equal(tree_first(&tree), &least);
    assert_ptr_equal(tree_floor(&tree, UINT64_MAX), &greatest);
    assert_ptr_equal(tree_floor(&tree, UINT64_MAX - 1), &least);
    assert_ptr_equal(tree_ceiling(&tree, 0), &least);
    assert_ptr_equal(tree_ceiling(&tree, 1), &greatest);
}

static void test_tree_equal_keys_keep_insertion_order(void **state)
{
    struct tree tree;
    struct tree_node nodes[5];

    (void)state;
    tree_init(&tree);
    for (int i = 0; i < 5; i++)
        tree_insert(&tree, &nodes[i], 7);
    assert_ptr_equal(tree_find(&tree, 7), &nodes[0]);
    assert_ptr_equal(tree_floor(&tree, 7), &nodes[4]);
    for (int i = 0; i < 5; i++) {
        assert_ptr_equal(tree_first(&tree), &nodes[i]);
        tree_remove(&tree, &nodes[i]);
    }
}

/* 1.4405 log2(1000 + 2) < 15: the bound for AVL trees, which it is until something is removed. 2 log2(10 + 1) < 7. */
static void test_tree_with_ascending_keys_stays_flat(void **state)
{
    static struct tree_node nodes[1000];
    struct tree tree;

    (void)state;
    tree_init(&tree);
    for (uint64_t i = 0; i < COUNT_OF(nodes); i++)
        tree_insert(&tree, &nodes[i], i);
    assert_true(tree.root->rank < 15);
    for (uint64_t i = 0; i < COUNT_OF(nodes) - 10; i++)
        tree_remove(&tree, tree_first(&tree));
    assert_true(tree.root->rank < 7);
    assert_true(tree_invariants(&tree));
}

static void test_tree_remove_unlinks_node(void **state)
{
    struct tree tree;
    struct tree_node node = {0};

    (void)state;
    tree_init(&tree);
    assert_false(tree_linked(&node));
    tree_insert(&tree, &node, 3);
    assert_true(tree_linked(&node));
    tree_remove(&tree, &node);
    assert_false(tree_linked(&node));
    assert_true(tree_empty(&tree));
}

static void test_tree_invariants_when_damaged_fail(void **state)
{
    struct tree tree;
    struct tree_node nodes[3];

    (void)state;
    tree_init(&tree);
    for (uint64_t i = 0; i < 3; i++)
        tree_insert(&tree, &nodes[i], i);
    nodes[0].key = 9;
    assert_false(tree_invariants(&tree));
    nodes[0].key = 0;
    tree.first = &nodes[1];
    assert_false(tree_invariants(&tree));
    tree.first = &nodes[0];
    nodes[1].rank = 5;
    assert_false(tree_invariants(&tree));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tree_with_distinct_keys_agrees_with_model),
        cmocka_unit_test(test_tree_with_many_duplicates_agrees_with_model),
        cmocka_unit_test(test_tree_with_one_key_agrees_with_model),
        cmocka_unit_test(test_tree_when_empty_finds_nothing),
        cmocka_unit_test(test_tree_with_extreme_keys_finds_them),
        cmocka_unit_test(test_tree_equal_keys_keep_insertion_order),
        cmocka_unit_test(test_tree_with_ascending_keys_stays_flat),
        cmocka_unit_test(test_tree_remove_unlinks_node),
        cmocka_unit_test(test_tree_invariants_when_damaged_fail),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
