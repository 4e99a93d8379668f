/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit.h"

#include "core/random.h"
#include "core/slab.h"

static int owner;

static int setup(void **state)
{
    *state = aligned_alloc(SLAB_PAGE_BYTES, SLAB_PAGE_BYTES);
    memset(*state, 0xa5, SLAB_PAGE_BYTES);
    return 0;
}

static int teardown(void **state)
{
    free(*state);
    return 0;
}

static void test_slab_init_with_impossible_size_is_refused(void **state)
{
    assert_null(slab_init(*state, 0, 0, NULL));
    assert_null(slab_init(*state, SLAB_OBJECT_MAX + 1, 0, NULL));
    assert_null(slab_init(*state, SIZE_MAX, 0, NULL));
    assert_int_equal(slab_capacity(0), 0);
    assert_int_equal(slab_capacity(SIZE_MAX), 0);
}

static void test_slab_init_records_owner_and_kind(void **state)
{
    struct slab *slab = slab_init(*state, 100, 7, &owner);

    assert_ptr_equal(slab, *state);
    assert_ptr_equal(slab->owner, &owner);
    assert_int_equal(slab->kind, 7);
    assert_true(slab_empty(slab));
    assert_false(list_linked(&slab->link));
    assert_int_equal(slab->object_size, 112);
    assert_int_equal(slab->capacity, slab_capacity(100));
}

/* Every size: fill the page, check that objects are apart, aligned, inside and zeroed; then empty it. */
static void test_slab_of_every_size_fills_and_empties(void **state)
{
    for (size_t size = 1; size <= SLAB_OBJECT_MAX; size += size < 64 ? 1 : 31) {
        struct slab *slab = slab_init(*state, size, 0, NULL);
        uint8_t *end = (uint8_t *)slab + sizeof(*slab);
        uint8_t *object;
        uint32_t count = 0;

        for (; (object = slab_alloc(slab)); count++) {
            assert_true(object >= end);
            assert_int_equal((uintptr_t)object % SLAB_ALIGNMENT, 0);
            for (size_t i = 0; i < size; i++)
                assert_int_equal(object[i], 0);
            memset(object, 0xff, size);
            end = object + size;
            assert_ptr_equal(slab_of(object + size - 1), slab);
        }
        assert_int_equal(count, slab_capacity(size));
        assert_true(slab_full(slab));
        assert_true(slab_invariants(slab));
        for (uint32_t cursor = 0; (object = slab_next(slab, &cursor));)
            assert_true(slab_free(object));
        assert_true(slab_empty(slab));
        assert_true(slab_invariants(slab));
    }
}

static void test_slab_of_largest_size_holds_two(void **state)
{
    assert_non_null(slab_init(*state, SLAB_OBJECT_MAX, 0, NULL));
    assert_int_equal(slab_capacity(SLAB_OBJECT_MAX), 2);
}

static void test_slab_alloc_zeroes_what_was_freed(void **state)
{
    struct slab *slab = slab_init(*state, 32, 0, NULL);
    uint8_t *object = slab_alloc(slab);

    memset(object, 0xff, 32);
    assert_true(slab_free(object));
    assert_ptr_equal(slab_alloc(slab), object);
    for (int i = 0; i < 32; i++)
        assert_int_equal(object[i], 0);
}

static void test_slab_free_of_what_is_no_live_object_is_refused(void **state)
{
    struct slab *slab = slab_init(*state, 48, 0, NULL);
    uint8_t *first = slab_alloc(slab);
    uint8_t *second = slab_alloc(slab);

    assert_true(slab_free(first));
    assert_false(slab_free(first));
    assert_false(slab_free(second + 16));
    assert_false(slab_free(slab));
    assert_false(slab_free((uint8_t *)slab + sizeof(*slab) - 16));
    assert_false(slab_free(second + 48));
    assert_false(slab_free((uint8_t *)slab + sizeof(*slab) + (size_t)slab->capacity * slab->object_size));
    assert_int_equal(slab->used, 1);
    assert_true(slab_invariants(slab));
}

static void test_slab_at_random_agrees_with_model(void **state)
{
    struct slab *slab = slab_init(*state, 16, 0, NULL);
    uint8_t *live[256] = {0};
    uint32_t count = 0;
    struct random random;

    random_seed(&random, 9);
    for (int step = 0; step < 10000; step++) {
        uint32_t at = (uint32_t)random_below(&random, slab->capacity);

        if (live[at]) {
            assert_true(slab_free(live[at]));
            live[at] = NULL;
            count--;
        } else {
            live[at] = slab_alloc(slab);
            assert_non_null(live[at]);
            for (uint32_t other = 0; other < slab->capacity; other++)
                assert_true(other == at || live[other] != live[at]);
            count++;
        }
        assert_int_equal(slab->used, count);
        assert_true(slab_invariants(slab));
    }
}

static void test_slab_next_visits_live_objects_in_order(void **state)
{
    struct slab *slab = slab_init(*state, 16, 0, NULL);
    void *objects[100];
    uint32_t cursor = 0;

    for (int i = 0; i < 100; i++)
        objects[i] = slab_alloc(slab);
    for (int i = 0; i < 100; i++)
        if (i % 3)
            slab_free(objects[i]);
    for (int i = 0; i < 100; i += 3)
        assert_ptr_equal(slab_next(slab, &cursor), objects[i]);
    assert_null(slab_next(slab, &cursor));
    assert_null(slab_next(slab, &cursor));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(test_slab_init_with_impossible_size_is_refused), TEST(test_slab_init_records_owner_and_kind),
        TEST(test_slab_of_every_size_fills_and_empties),      TEST(test_slab_of_largest_size_holds_two),
        TEST(test_slab_alloc_zeroes_what_was_freed),          TEST(test_slab_free_of_what_is_no_live_object_is_refused),
        TEST(test_slab_at_random_agrees_with_model),          TEST(test_slab_next_visits_live_objects_in_order),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
