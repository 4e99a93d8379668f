/* SPDX-License-Identifier: BSD-2-Clause */
/* The handle table against a stack of freed indices and a plain array. */
#include "unit.h"

#include "core/handle_table.h"
#include "core/random.h"

#define GENERATION(n) ((uint64_t)(n) << HANDLE_INDEX_BITS)

static int objects[1024];

static void add_page(struct handle_table *table)
{
    void *page = aligned_alloc(4096, 4096);

    memset(page, 0, 4096);
    assert_true(handle_table_add_page(table, page));
}

static int setup(void **state)
{
    struct handle_table *table = malloc(sizeof(*table));

    handle_table_init(table);
    add_page(table);
    add_page(table);
    *state = table;
    return 0;
}

static int teardown(void **state)
{
    void *page;

    while ((page = handle_table_remove_page(*state)))
        free(page);
    free(*state);
    return 0;
}

static enum handle_check check(const struct handle_table *table, uint64_t handle, uint8_t type, uint16_t rights)
{
    enum handle_check why = HANDLE_OK;
    void *object = handle_lookup(table, handle, type, rights, &why);

    assert_int_equal(object != NULL, why == HANDLE_OK);
    return why;
}

/* [ABI-HANDLE-1] */
static void test_handle_zero_is_never_valid(void **state)
{
    struct handle_table *table = *state;

    assert_int_equal(check(table, 0, HANDLE_TYPE_ANY, 0), HANDLE_BAD);
    assert_int_equal(check(table, GENERATION(1), HANDLE_TYPE_ANY, 0), HANDLE_BAD);
    assert_null(handle_remove(table, 0));
    for (int i = 0; i < 252; i++)
        assert_int_not_equal(handle_insert(table, 1, 0, &objects[i]), 0);
}

/* [ABI-HANDLE-2] */
static void test_handle_insert_takes_latest_freed_then_lowest_unused(void **state)
{
    struct handle_table *table = *state;
    uint64_t handles[4];

    for (uint64_t i = 0; i < 4; i++) {
        handles[i] = handle_insert(table, 1, 0, &objects[i]);
        assert_int_equal(handles[i], 0x1000004 + i);
    }
    assert_ptr_equal(handle_remove(table, handles[1]), &objects[1]);
    assert_ptr_equal(handle_remove(table, handles[3]), &objects[3]);
    assert_ptr_equal(handle_remove(table, handles[0]), &objects[0]);
    assert_int_equal(handle_insert(table, 1, 0, &objects[0]), 0x2000004);
    assert_int_equal(handle_insert(table, 1, 0, &objects[0]), 0x2000007);
    assert_int_equal(handle_insert(table, 1, 0, &objects[0]), 0x2000005);
    assert_int_equal(handle_insert(table, 1, 0, &objects[0]), 0x1000008);
    assert_true(handle_table_invariants(table));
}

/* [ABI-HANDLE-3] */
static void test_handle_when_stale_is_bad(void **state)
{
    struct handle_table *table = *state;
    uint64_t old = handle_insert(table, 1, 0xffff, &objects[0]);

    handle_remove(table, old);
    assert_int_equal(check(table, old, 1, 0), HANDLE_BAD);
    assert_int_equal(check(table, old + GENERATION(1), HANDLE_TYPE_ANY, 0), HANDLE_BAD);
    assert_null(handle_remove(table, old));
    uint64_t new = handle_insert(table, 1, 0xffff, &objects[1]);
    assert_int_equal(new, old + GENERATION(1));
    assert_int_equal(check(table, old, 1, 0), HANDLE_BAD);
    assert_int_equal(check(table, new, 1, 0), HANDLE_OK);
    assert_null(handle_remove(table, old));
    assert_int_equal(check(table, new, 1, 0), HANDLE_OK);
}

/* [ABI-HANDLE-4] */
static void test_handle_lookup_tells_wrong_type_from_missing_right(void **state)
{
    struct handle_table *table = *state;
    uint64_t handle = handle_insert(table, 5, 0x8001, &objects[0]);
    static const struct {
        uint8_t type;
        uint16_t rights;
        enum handle_check result;
    } rows[] = {
        {5, 0, HANDLE_OK},
        {5, 0x8001, HANDLE_OK},
        {5, 0x8000, HANDLE_OK},
        {5, 2, HANDLE_DENIED},
        {5, 0x8003, HANDLE_DENIED},
        {5, 0xffff, HANDLE_DENIED},
        {4, 0, HANDLE_BAD},
        {4, 0x8001, HANDLE_BAD},
        {4, 2, HANDLE_BAD},
        {1, 0, HANDLE_BAD},
        {127, 0, HANDLE_BAD},
        {HANDLE_TYPE_ANY, 0, HANDLE_OK},
        {HANDLE_TYPE_ANY, 1, HANDLE_OK},
        {HANDLE_TYPE_ANY, 2, HANDLE_DENIED},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++)
        assert_int_equal(check(table, handle, rows[i].type, rows[i].rights), rows[i].result);
}

static void test_handle_lookup_outside_the_table_is_bad(void **state)
{
    struct handle_table *table = *state;
    struct handle_table empty;
    static const uint64_t indices[] = {255, 256, 65536, 131071, 131072, 0xffffff};

    handle_table_init(&empty);
    for (size_t i = 0; i < COUNT_OF(indices); i++) {
        assert_int_equal(check(table, GENERATION(1) | indices[i], HANDLE_TYPE_ANY, 0), HANDLE_BAD);
        assert_int_equal(check(&empty, GENERATION(1) | indices[i], HANDLE_TYPE_ANY, 0), HANDLE_BAD);
        assert_null(handle_remove(table, GENERATION(1) | indices[i]));
    }
    assert_int_equal(check(&empty, HANDLE_FIXED(1), 1, 0), HANDLE_BAD);
    assert_int_equal(check(table, UINT64_MAX, HANDLE_TYPE_ANY, 0), HANDLE_BAD);
}

/* [ABI-HANDLE-5] [ABI-HANDLE-6] */
static void test_handle_fixed_entries_are_constant_and_uncounted(void **state)
{
    struct handle_table *table = *state;
    uint32_t cursor = 0;
    uint64_t handle;

    for (uint32_t i = 1; i <= 3; i++)
        handle_table_set_fixed(table, i, (uint8_t)i, 0x80, &objects[i]);
    assert_int_equal(HANDLE_FIXED(3), 0x1000003);
    for (uint32_t i = 1; i <= 3; i++) {
        assert_int_equal(check(table, 0x1000000 + i, (uint8_t)i, 0x80), HANDLE_OK);
        assert_int_equal(check(table, 0x1000000 + i, (uint8_t)i, 0x81), HANDLE_DENIED);
        assert_null(handle_remove(table, 0x1000000 + i));
        assert_int_equal(handle_place(table, 0x1000000 + i), HANDLE_PLACE_OUT_OF_REACH);
    }
    assert_int_equal(table->used, 0);
    assert_true(handle_next_used(table, &cursor, &handle));
    assert_int_equal(handle, 0);
    handle_table_set_fixed(table, 3, 3, 1, &objects[9]);
    assert_int_equal(check(table, 0x1000003, 3, 1), HANDLE_OK);
    handle_table_set_fixed(table, 3, 0, 0, NULL);
    assert_int_equal(check(table, 0x1000003, HANDLE_TYPE_ANY, 0), HANDLE_BAD);
    assert_true(handle_table_invariants(table));
}

static void test_handle_table_when_full_needs_page(void **state)
{
    struct handle_table *table = *state;

    assert_true(handle_table_room(table, 252));
    assert_false(handle_table_room(table, 253));
    for (int i = 0; i < 252; i++)
        handle_insert(table, 1, 0, &objects[i]);
    assert_true(handle_table_needs_page(table));
    assert_int_equal(handle_insert(table, 1, 0, &objects[0]), 0);
    assert_true(handle_table_invariants(table));
    add_page(table);
    assert_true(handle_table_room(table, 256));
    assert_int_equal(handle_insert(table, 1, 0, &objects[0]), 0x1000100);
    assert_true(handle_table_invariants(table));
}

static void test_handle_table_when_complete_refuses_pages(void **state)
{
    struct handle_table *table = *state;
    uint64_t last = 0;

    while (!handle_table_complete(table))
        add_page(table);
    assert_false(handle_table_add_page(table, objects));
    for (uint64_t handle; (handle = handle_insert(table, 1, 0, &objects[0])); last = handle)
        ;
    assert_int_equal(last, GENERATION(1) | 131071);
    assert_true(handle_table_needs_page(table));
    assert_int_equal(handle_place(table, GENERATION(1) | 131072), HANDLE_PLACE_OUT_OF_REACH);
}

/* [ABI-GIVE-1] */
static void test_handle_place_tells_why_not(void **state)
{
    struct handle_table *table = *state;
    uint64_t used = handle_insert(table, 1, 0, &objects[0]);
    uint64_t freed = handle_insert(table, 1, 0, &objects[1]);

    handle_remove(table, freed);
    assert_int_equal(handle_place(table, used), HANDLE_PLACE_EXISTS);
    assert_int_equal(handle_place(table, used + GENERATION(7)), HANDLE_PLACE_EXISTS);
    assert_int_equal(handle_place(table, freed), HANDLE_PLACE_EXISTS);
    assert_int_equal(handle_place(table, freed + GENERATION(1)), HANDLE_PLACE_OK);
    assert_int_equal(handle_place(table, freed + GENERATION(9)), HANDLE_PLACE_OK);
    assert_int_equal(handle_place(table, 6), HANDLE_PLACE_OUT_OF_REACH);
    assert_int_equal(handle_place(table, GENERATION(1)), HANDLE_PLACE_OUT_OF_REACH);
    assert_int_equal(handle_place(table, GENERATION(1) | 3), HANDLE_PLACE_OUT_OF_REACH);
    assert_int_equal(handle_place(table, GENERATION(1) | 6), HANDLE_PLACE_OK);
    assert_int_equal(handle_place(table, GENERATION(1) | 255), HANDLE_PLACE_OK);
    assert_int_equal(handle_place(table, GENERATION(1) | 256), HANDLE_PLACE_NEEDS_PAGE);
    assert_int_equal(handle_place(table, GENERATION(1) | (6 + 256)), HANDLE_PLACE_NEEDS_PAGE);
    assert_int_equal(handle_place(table, GENERATION(1) | (6 + 257)), HANDLE_PLACE_OUT_OF_REACH);
    assert_int_equal(handle_place(table, UINT64_MAX), HANDLE_PLACE_OUT_OF_REACH);
}

/* [ABI-GIVE-1] */
static void test_handle_insert_at_takes_exactly_the_wanted_value(void **state)
{
    struct handle_table *table = *state;
    uint64_t wanted = GENERATION(5) | 6;

    handle_insert_at(table, wanted, 2, 3, &objects[0]);
    assert_int_equal(check(table, wanted, 2, 3), HANDLE_OK);
    assert_int_equal(handle_insert(table, 1, 0, &objects[1]), 0x1000004);
    assert_int_equal(handle_insert(table, 1, 0, &objects[1]), 0x1000005);
    assert_int_equal(handle_insert(table, 1, 0, &objects[1]), 0x1000007);
    assert_ptr_equal(handle_remove(table, wanted), &objects[0]);
    assert_int_equal(handle_place(table, wanted), HANDLE_PLACE_EXISTS);
    assert_int_equal(handle_insert(table, 1, 0, &objects[1]), GENERATION(6) | 6);
    assert_true(handle_table_invariants(table));
}

/* The free list is 6, 5, 4: take its middle, its head, its end. */
static void test_handle_insert_at_takes_from_anywhere_in_the_free_list(void **state)
{
    struct handle_table *table = *state;
    uint64_t handles[3];

    for (int i = 0; i < 3; i++)
        handles[i] = handle_insert(table, 1, 0, &objects[i]);
    for (int i = 0; i < 3; i++)
        handle_remove(table, handles[i]);
    handle_insert_at(table, GENERATION(2) | 5, 1, 0, &objects[0]);
    assert_true(handle_table_invariants(table));
    handle_insert_at(table, GENERATION(2) | 6, 1, 0, &objects[0]);
    assert_true(handle_table_invariants(table));
    handle_insert_at(table, GENERATION(2) | 4, 1, 0, &objects[0]);
    assert_true(handle_table_invariants(table));
    assert_int_equal(handle_insert(table, 1, 0, &objects[0]), 0x1000007);
}

static void test_handle_with_last_generation_retires_its_index(void **state)
{
    struct handle_table *table = *state;
    uint64_t last = HANDLE_GENERATION_LAST * HANDLE_GENERATION_ONE | 4;
    uint32_t room = table->room;

    handle_insert_at(table, last, 1, 0, &objects[0]);
    assert_int_equal(check(table, last, 1, 0), HANDLE_OK);
    assert_ptr_equal(handle_remove(table, last), &objects[0]);
    assert_int_equal(table->room, room - 1);
    assert_int_equal(check(table, last, HANDLE_TYPE_ANY, 0), HANDLE_BAD);
    assert_int_equal(check(table, 4, HANDLE_TYPE_ANY, 0), HANDLE_BAD);
    assert_int_equal(handle_place(table, last), HANDLE_PLACE_EXISTS);
    assert_int_equal(handle_insert(table, 1, 0, &objects[0]), 0x1000005);
    assert_true(handle_table_invariants(table));
}

static void test_handle_next_used_visits_each_once_in_bounded_steps(void **state)
{
    struct handle_table *table = *state;
    uint32_t cursor = 0;
    uint64_t handle;
    int visited = 0;
    int empty_steps = 0;

    for (int i = 0; i < 3; i++)
        add_page(table);
    for (int i = 0; i < 1000; i++)
        handle_insert(table, 1, 0, &objects[0]);
    for (uint64_t index = 4; index < 1004; index++)
        if (index != 4 && index != 300 && index != 1000)
            handle_remove(table, GENERATION(1) | index);
    while (handle_next_used(table, &cursor, &handle)) {
        if (handle)
            assert_non_null(handle_remove(table, handle));
        visited += handle != 0;
        empty_steps += handle == 0;
    }
    assert_int_equal(visited, 3);
    assert_int_equal(empty_steps, 4);
    assert_int_equal(table->used, 0);
}

enum {
    MODEL_INDICES = 600,
};

struct model {
    uint64_t generation[MODEL_INDICES]; /* of the handle, or the next one; 0 for never used */
    bool used[MODEL_INDICES];
    uint32_t freed[MODEL_INDICES]; /* the latest last */
    uint32_t freed_count;
    uint32_t used_count;
};

static void model_unfree(struct model *model, uint32_t index)
{
    for (uint32_t i = 0; i < model->freed_count; i++) {
        if (model->freed[i] == index) {
            model->freed_count--;
            memmove(&model->freed[i], &model->freed[i + 1], (model->freed_count - i) * sizeof(model->freed[0]));
            return;
        }
    }
}

static void model_use(struct model *model, uint32_t index, uint64_t generation)
{
    model_unfree(model, index);
    model->generation[index] = generation;
    model->used[index] = true;
    model->used_count++;
}

static uint32_t model_lowest_unused(const struct model *model)
{
    uint32_t index = HANDLE_FIRST_ORDINARY;

    while (model->generation[index])
        index++;
    return index;
}

static uint64_t model_insert(struct model *model)
{
    uint32_t index = model->freed_count ? model->freed[model->freed_count - 1] : model_lowest_unused(model);
    uint64_t generation = model->generation[index] ? model->generation[index] : 1;

    model_use(model, index, generation);
    return GENERATION(generation) | index;
}

static bool model_free_at(const struct model *model, uint32_t index, uint64_t generation)
{
    return !model->used[index] && generation >= (model->generation[index] ? model->generation[index] : 1);
}

static void step_at_random(struct handle_table *table, struct model *model, struct random *random)
{
    uint32_t index = HANDLE_FIRST_ORDINARY + (uint32_t)random_below(random, 300);
    uint64_t generation = 1 + random_below(random, model->generation[index] + 2);

    switch (random_below(random, 4)) {
    case 0:
        if (index > model_lowest_unused(model) + HANDLE_REACH || index / 256 >= table->leaves)
            break;
        assert_int_equal(handle_place(table, GENERATION(generation) | index) == HANDLE_PLACE_OK,
                         model_free_at(model, index, generation));
        if (!model_free_at(model, index, generation))
            break;
        handle_insert_at(table, GENERATION(generation) | index, 1, 0, &objects[index]);
        model_use(model, index, generation);
        break;
    case 1:
        if (handle_table_needs_page(table))
            add_page(table);
        assert_int_equal(handle_insert(table, 1, 0, &objects[0]), model_insert(model));
        break;
    default:
        assert_int_equal(handle_remove(table, GENERATION(generation) | index) != NULL,
                         model->used[index] && model->generation[index] == generation);
        if (!model->used[index] || model->generation[index] != generation)
            break;
        model->used[index] = false;
        model->used_count--;
        model->generation[index]++;
        model->freed[model->freed_count++] = index;
    }
}

static void test_handle_table_at_random_agrees_with_model(void **state)
{
    static struct model model;
    struct handle_table *table = *state;
    struct random random;

    random_seed(&random, 23);
    for (int step = 0; step < 20000 && model.used_count < MODEL_INDICES - 310; step++) {
        step_at_random(table, &model, &random);
        assert_int_equal(table->used, model.used_count);
        if (step % 32 == 0)
            assert_true(handle_table_invariants(table));
    }
    for (uint32_t index = HANDLE_FIRST_ORDINARY; index < MODEL_INDICES; index++)
        assert_int_equal(check(table, GENERATION(model.generation[index]) | index, 1, 0) == HANDLE_OK,
                         model.used[index]);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(test_handle_zero_is_never_valid),
        TEST(test_handle_insert_takes_latest_freed_then_lowest_unused),
        TEST(test_handle_when_stale_is_bad),
        TEST(test_handle_lookup_tells_wrong_type_from_missing_right),
        TEST(test_handle_lookup_outside_the_table_is_bad),
        TEST(test_handle_fixed_entries_are_constant_and_uncounted),
        TEST(test_handle_table_when_full_needs_page),
        TEST(test_handle_table_when_complete_refuses_pages),
        TEST(test_handle_place_tells_why_not),
        TEST(test_handle_insert_at_takes_exactly_the_wanted_value),
        TEST(test_handle_insert_at_takes_from_anywhere_in_the_free_list),
        TEST(test_handle_with_last_generation_retires_its_index),
        TEST(test_handle_next_used_visits_each_once_in_bounded_steps),
        TEST(test_handle_table_at_random_agrees_with_model),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
