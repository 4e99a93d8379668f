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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_option_given_as_a_whole_word_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
