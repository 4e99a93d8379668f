/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit.h"

#include "core/random.h"

/* The first numbers of the reference implementation, xoshiro256starstar.c, from the state {1, 2, 3, 4}. */
static void test_random_next_agrees_with_reference(void **state)
{
    static const uint64_t expected[] = {
        11520, 0, 1509978240, 1215971899390074240, 1216172134540287360, 607988272756665600,
    };
    struct random random = {{1, 2, 3, 4}};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(expected); i++)
        assert_int_equal(random_next(&random), expected[i]);
}

/* The first number of SplitMix64's reference from the seed 0. */
static void test_random_seed_agrees_with_reference(void **state)
{
    struct random random;

    (void)state;
    random_seed(&random, 0);
    assert_int_equal(random.state[0], UINT64_C(0xe220a8397b1dcdaf));
    assert_true(random_invariants(&random));
}

static void test_random_with_equal_seeds_repeats(void **state)
{
    struct random a, b;

    (void)state;
    random_seed(&a, 42);
    random_seed(&b, 42);
    for (int i = 0; i < 100; i++)
        assert_int_equal(random_next(&a), random_next(&b));
    random_stir(&a, 1);
    random_stir(&b, 2);
    assert_int_not_equal(random_next(&a), random_next(&b));
}

static void test_random_below_stays_below(void **state)
{
    static const uint64_t bounds[] = {1, 2, 3, 10, 1000, (UINT64_C(1) << 63) + 1, UINT64_MAX};
    struct random random;

    (void)state;
    random_seed(&random, 7);
    assert_int_equal(random_below(&random, 0), 0);
    for (size_t i = 0; i < COUNT_OF(bounds); i++)
        for (int n = 0; n < 1000; n++)
            assert_true(random_below(&random, bounds[i]) < bounds[i]);
}

/* [MEM-DRAW-1] Numbers of another implementation; the second output is passed over. */
static void test_random_below_passes_over_what_would_favour_some(void **state)
{
    static const uint64_t expected[] = {0x59ac7d7ba77cbb2d, 0x6b78e9a4ca963ccb, 0x7d949c398f403920, 0x7ed482763f2a018c};
    struct random random;

    (void)state;
    random_seed(&random, 7);
    for (size_t i = 0; i < COUNT_OF(expected); i++)
        assert_int_equal(random_below(&random, (UINT64_C(1) << 63) + 1), expected[i]);
}

/* 60000 throws of a die: each face within 5 standard deviations (5 * 91) of 10000. */
static void test_random_below_is_uniform(void **state)
{
    struct random random;
    int faces[6] = {0};

    (void)state;
    random_seed(&random, 123);
    for (int i = 0; i < 60000; i++)
        faces[random_below(&random, 6)]++;
    for (int i = 0; i < 6; i++)
        assert_in_range(faces[i], 10000 - 455, 10000 + 455);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_next_agrees_with_reference),
        cmocka_unit_test(test_random_seed_agrees_with_reference),
        cmocka_unit_test(test_random_with_equal_seeds_repeats),
        cmocka_unit_test(test_random_below_stays_below),
        cmocka_unit_test(test_random_below_passes_over_what_would_favour_some),
        cmocka_unit_test(test_random_below_is_uniform),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
