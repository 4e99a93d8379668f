/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit.h"

#include "boot/options.h"

static void test_option_given_as_a_whole_word_alone(void **state) /* [BOOT-OPTION-1] */
{
    static const struct {
        const char *bootargs;
        bool given;
    } rows[] = {
        {"", false},      {" ", false},        {"pmu", true},      {" pmu ", true},      {"a pmu", true},
        {"pmu b", true},  {"a  pmu  b", true}, {"pmux", false},    {"xpmu", false},      {"pm", false},
        {"pmu=1", false}, {"x=pmu", false},    {"pmux pmu", true}, {"quiet x y", false},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        assert_int_equal(option_given(rows[i].bootargs, "pmu"), rows[i].given);
}

static void test_option_number_of_digits_alone(void **state) /* [BOOT-OPTION-1] [BOOT-OPTION-3] */
{
    static const struct {
        const char *bootargs;
        bool given;
        uint64_t value;
    } rows[] = {
        {"", false, 0},
        {"seed", false, 0},
        {"seed=", false, 0},
        {"seed= 7", false, 0},
        {"seed=7", true, 7},
        {"pmu seed=0 x", true, 0},
        {"xseed=1 seeds=2 seed=34 seed=5", true, 34},
        {"seed=1x", false, 0},
        {"seed=-1", false, 0},
        {"seed=:", false, 0},
        {"seed=/", false, 0},
        {"seed=18446744073709551615", true, UINT64_MAX},
        {"seed=18446744073709551616", false, 0},
        {"seed=184467440737095516150", false, 0},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        uint64_t value = 99;
        assert_int_equal(option_number(rows[i].bootargs, "seed", &value), rows[i].given);
        assert_int_equal(value, rows[i].given ? rows[i].value : 99);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_option_given_as_a_whole_word_alone),
        cmocka_unit_test(test_option_number_of_digits_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
