/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit.h"

#include <cavern/text.h>

static void test_text_every_status_has_one(void **state)
{
    (void)state;
#define STATUS(name, number, text) assert_string_equal(cavern_status_text(CAVERN_##name), text);
#include <cavern/status.def>
#undef STATUS
    assert_string_equal(cavern_status_text((enum cavern_status)31), "unknown status");
}

static void test_text_every_fault_has_one(void **state)
{
    (void)state;
    for (int fault = CAVERN_FAULT_NONE; fault <= CAVERN_FAULT_OTHER; fault++)
        assert_non_null(cavern_fault_text((enum cavern_fault)fault));
    assert_string_equal(cavern_fault_text((enum cavern_fault)(CAVERN_FAULT_OTHER + 1)), "unknown fault");
}

static void test_text_exit_names_reason_and_place(void **state)
{
    (void)state;
    static const struct {
        uint64_t words[5];
        const char *text;
    } rows[] = {
        {{CAVERN_REASON_EXITED, 3}, "exited with code 3"},
        {{CAVERN_REASON_THREADS, (uint64_t)-1}, "exited with code -1"},
        {{CAVERN_REASON_ENDED, 9}, "ended by another process, code 9"},
        {{CAVERN_REASON_FAULT, 0, CAVERN_FAULT_DATA_UNMAPPED, 0x400120, 0},
         "fault: access to memory that is not mapped, address 0x0, pc 0x400120"},
        {{CAVERN_REASON_CONTROL_PAGE}, "misused the control page of its queue"},
        {{77}, "ended for reason 77"},
    };
    char text[128];
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        assert_int_equal(cavern_exit_text(rows[i].words, text, sizeof text), (int)strlen(rows[i].text));
        assert_string_equal(text, rows[i].text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text_every_status_has_one),
        cmocka_unit_test(test_text_every_fault_has_one),
        cmocka_unit_test(test_text_exit_names_reason_and_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
