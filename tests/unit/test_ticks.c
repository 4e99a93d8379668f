/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit.h"

#include "arch/aarch64/ticks.h"

static const uint64_t frequencies[] = {1000000,  19200000,  24000000,  54000000,
                                       62500000, 100000000, 999999937, 1000000000};

/* Exact, by 128 bits. */
static uint64_t exact_ns(uint64_t ticks, uint64_t frequency)
{
    return (uint64_t)((unsigned __int128)ticks * NANOSECONDS / frequency);
}

static void test_ns_of_ticks_are_exact_and_never_go_back(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(frequencies); i++) {
        uint64_t f = frequencies[i], last = 0;
        const uint64_t years_400 = UINT64_C(400) * 365 * 86400;
        const uint64_t starts[] = {0, f - 50, 1000 * f - 50, years_400 * f};
        for (size_t j = 0; j < COUNT_OF(starts); j++) {
            for (uint64_t ticks = starts[j]; ticks < starts[j] + 100; ticks++) {
                uint64_t ns = ticks_to_ns(ticks, f);
                assert_int_equal(ns, exact_ns(ticks, f));
                assert_true(ns >= last);
                last = ns;
            }
        }
    }
}

static void test_ticks_of_a_deadline_are_the_first_at_which_it_has_passed(void **state) /* [SCHED-8] */
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(frequencies); i++) {
        uint64_t f = frequencies[i];
        const uint64_t deadlines[] = {1, 15, 16, 17, 999999999, 1000000000, 1000000001, 86400 * NANOSECONDS + 7};
        assert_int_equal(ns_to_ticks(0, f), 0);
        for (size_t j = 0; j < COUNT_OF(deadlines); j++) {
            uint64_t ticks = ns_to_ticks(deadlines[j], f);
            assert_true(ticks_to_ns(ticks, f) >= deadlines[j]);
            assert_true(ticks_to_ns(ticks - 1, f) < deadlines[j]);
        }
    }
}

static void test_ticks_beyond_64_bits_are_the_greatest(void **state)
{
    (void)state;
    assert_int_equal(ns_to_ticks(UINT64_MAX, 18000000000), UINT64_MAX);
    assert_int_equal(ns_to_ticks(UINT64_MAX - 1, 1000000000), UINT64_MAX - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ns_of_ticks_are_exact_and_never_go_back),
        cmocka_unit_test(test_ticks_of_a_deadline_are_the_first_at_which_it_has_passed),
        cmocka_unit_test(test_ticks_beyond_64_bits_are_the_greatest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
