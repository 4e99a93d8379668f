/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit.h"

#include "arch/aarch64/esr.h"

#define ESR(class, iss) ((uint64_t)(class) << 26 | 1u << 25 | (iss))
#define DATA 0x24
#define CODE 0x20

struct row {
    uint64_t esr;
    enum cavern_fault fault;
    bool address, after;
};

static void check(const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct esr_meaning meaning = esr_decode(rows[i].esr);
        if (meaning.fault != rows[i].fault || meaning.address != rows[i].address || meaning.after != rows[i].after)
            fail_msg("ESR %#lx: kind %d, address %d, after %d", (unsigned long)rows[i].esr, meaning.fault,
                     meaning.address, meaning.after);
    }
}

static void test_translation_faults_are_told_from_others(void **state) /* [MEM-UNMAP-1] */
{
    (void)state;
    for (unsigned level = 0; level < 4; level++) {
        assert_true(esr_is_translation(ESR(DATA, 0x44 | level)));
        assert_true(esr_is_translation(ESR(CODE, 0x04 | level)));
        assert_false(esr_is_translation(ESR(DATA, 0x0c | level)));
        assert_false(esr_is_translation(ESR(DATA, 0x14 | level)));
    }
    assert_false(esr_is_translation(ESR(0x15, 0x04)));
}

static void test_aborts_are_told_apart_by_their_status(void **state) /* [PROC-FAULT-2], [PROC-FAULT-4] */
{
    static const struct row rows[] = {
        {ESR(DATA, 0x04), CAVERN_FAULT_DATA_UNMAPPED, true, false},
        {ESR(DATA, 0x07), CAVERN_FAULT_DATA_UNMAPPED, true, false},
        {ESR(DATA, 0x47), CAVERN_FAULT_DATA_UNMAPPED, true, false}, /* a write */
        {ESR(DATA, 0x00), CAVERN_FAULT_DATA_UNMAPPED, true, false},
        {ESR(DATA, 0x4f), CAVERN_FAULT_DATA_DENIED, true, false},
        {ESR(DATA, 0x0d), CAVERN_FAULT_DATA_DENIED, true, false},
        {ESR(DATA, 0x21), CAVERN_FAULT_ALIGNMENT, true, false},
        {ESR(DATA, 0x10), CAVERN_FAULT_EXTERNAL, true, false},
        {ESR(DATA, 0x410), CAVERN_FAULT_EXTERNAL, false, false}, /* without an address */
        {ESR(DATA, 0x17), CAVERN_FAULT_EXTERNAL, true, false},
        {ESR(DATA, 0x18), CAVERN_FAULT_EXTERNAL, true, false},
        {ESR(DATA, 0x30), CAVERN_FAULT_OTHER, false, false},
        {ESR(DATA, 0x35), CAVERN_FAULT_OTHER, false, false},
        {ESR(CODE, 0x05), CAVERN_FAULT_CODE_UNMAPPED, true, false},
        {ESR(CODE, 0x0f), CAVERN_FAULT_CODE_DENIED, true, false},
        {ESR(CODE, 0x10), CAVERN_FAULT_EXTERNAL, true, false},
    };

    (void)state;
    check(rows, COUNT_OF(rows));
}

static void test_calls_that_are_not_ours_name_their_instruction(void **state) /* [ABI-ENTER-2], [ABI-ENTER-3] */
{
    static const struct row rows[] = {
        {ESR(0x15, 0), CAVERN_FAULT_FOREIGN_CALL, false, true},
        {ESR(0x15, 2), CAVERN_FAULT_UNDEFINED, false, true},
        {ESR(0x15, 0xffff), CAVERN_FAULT_UNDEFINED, false, true},
    };

    (void)state;
    check(rows, COUNT_OF(rows));
}

static void test_other_classes_have_their_kinds(void **state) /* [PROC-FAULT-5], [PROC-FAULT-6] */
{
    static const struct row rows[] = {
        {ESR(0x00, 0), CAVERN_FAULT_UNDEFINED, false, false},
        {ESR(0x01, 0), CAVERN_FAULT_UNDEFINED, false, false},
        {ESR(0x18, 0x1234), CAVERN_FAULT_UNDEFINED, false, false},
        {ESR(0x19, 0), CAVERN_FAULT_UNDEFINED, false, false},
        {ESR(0x22, 0), CAVERN_FAULT_ALIGNMENT, false, false},
        {ESR(0x26, 0), CAVERN_FAULT_ALIGNMENT, false, false},
        {ESR(0x2f, 0), CAVERN_FAULT_EXTERNAL, false, false},
        {ESR(0x30, 0), CAVERN_FAULT_BREAKPOINT, false, false},
        {ESR(0x32, 0), CAVERN_FAULT_BREAKPOINT, false, false},
        {ESR(0x34, 0), CAVERN_FAULT_BREAKPOINT, true, false},
        {ESR(0x3c, 5), CAVERN_FAULT_BREAKPOINT, false, false},
        {ESR(0x0e, 0), CAVERN_FAULT_OTHER, false, false},
        {ESR(0x2c, 0), CAVERN_FAULT_OTHER, false, false},
        {ESR(0x3f, 0), CAVERN_FAULT_OTHER, false, false},
    };

    (void)state;
    check(rows, COUNT_OF(rows));
}

static void test_every_class_and_status_is_some_fault(void **state) /* [PROC-FAULT-1] */
{
    (void)state;
    for (uint64_t class = 0; class < 64; class ++)
        for (uint64_t iss = 0; iss < 64; iss++)
            assert_in_range(esr_decode(ESR(class, iss)).fault, CAVERN_FAULT_NONE + 1, CAVERN_FAULT_OTHER);
}

static void test_vector_use_is_class_7_alone(void **state)
{
    (void)state;
    for (uint64_t class = 0; class < 64; class ++)
        assert_int_equal(esr_is_vector_use(ESR(class, 0)), class == 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_translation_faults_are_told_from_others),
        cmocka_unit_test(test_aborts_are_told_apart_by_their_status),
        cmocka_unit_test(test_calls_that_are_not_ours_name_their_instruction),
        cmocka_unit_test(test_other_classes_have_their_kinds),
        cmocka_unit_test(test_every_class_and_status_is_some_fault),
        cmocka_unit_test(test_vector_use_is_class_7_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
