/* SPDX-License-Identifier: BSD-2-Clause */
#include "fdt_writer.h"

#include <stdio.h>

#include "../../egg/description.h"

static const struct device_driver driver = {
    "drivers/pl011",
    {.driver = "pl011", .compatible_count = 1, .stack_bytes = 8192, .restart = MANIFEST_TRANSIENT},
};
static struct device device = {.name = "uart@1", .compatible = "arm,pl011"};
static struct configuration_program program;
static struct children children;
static struct description description;

static int setup(void **unused)
{
    (void)unused;
    tree_begin();
    NODE("uart@1");
    END();
    tree_end();
    device.node = fdt_path_offset(tree, "/uart@1");
    children = (struct children){.tree = tree, .drivers = &driver, .stdout_name = "/device/uart@1", .command = "help"};
    program = (struct configuration_program){.name = "shell", .program = "bin/shell"};
    return 0;
}

static enum cavern_status make(const struct configuration_program *configured, struct device *driven)
{
    return description_make(&children, &(struct child){configured, driven}, &description);
}

/* [EGG-1] */
static void test_service_is_described_as_configured(void **unused)
{
    (void)unused;
    program.priority = 12;
    program.blocks = 256;
    program.slots = 16;
    program.restart = SUPERVISOR_TEMPORARY;
    program.memory = 0x800000;
    strcpy(program.registers, "/service/a /service/b");
    program.argument_bytes = sizeof("%command");
    strcpy(program.arguments, "%command");
    assert_int_equal(make(&program, NULL), CAVERN_OK);
    assert_string_equal(description.child.name, "shell");
    assert_string_equal(description.child.program, "/volume/init/bin/shell");
    assert_string_equal(description.child.permitted, "/service/a /service/b");
    assert_int_equal(description.child.class, SUPERVISOR_SERVICE);
    assert_int_equal(description.child.restart, SUPERVISOR_TEMPORARY);
    assert_int_equal(description.child.priority, 12);
    assert_int_equal(description.child.memory, 0x800000);
    assert_int_equal(description.child.blocks, 256);
    assert_int_equal(description.child.slots, 16);
    assert_int_equal(description.child.arguments, 1);
    assert_memory_equal(description.arguments, "help", 5);
}

/* [EGG-1] [EGG-12] */
static void test_driver_registers_its_own_name_and_what_is_configured(void **unused)
{
    (void)unused;
    assert_int_equal(make(NULL, &device), CAVERN_OK);
    assert_string_equal(description.child.permitted, "/device/uart@1");
    strcpy(program.registers, "/service/a /service/b");
    assert_int_equal(make(&program, &device), CAVERN_OK);
    assert_string_equal(description.child.permitted, "/device/uart@1 /service/a /service/b");
    assert_string_equal(description.child.name, "uart@1");
    assert_int_equal(description.child.class, SUPERVISOR_DRIVER);
    assert_int_equal(description.child.restart, SUPERVISOR_TRANSIENT);
    assert_int_equal(description.child.stack, 8192);
    assert_int_equal(description.child.arguments, 3);
    assert_memory_equal(description.arguments, "/device/uart@1\0arm,pl011\0/uart@1", 33);
}

/* [EGG-1]: `program` is of all but drivers */
static void test_program_of_a_driver_is_that_with_the_manifest(void **unused)
{
    (void)unused;
    assert_int_equal(make(&program, &device), CAVERN_OK);
    assert_string_equal(description.child.program, "/volume/init/drivers/pl011");
}

/* [EGG-12] */
static void test_what_does_not_fit_is_refused(void **unused)
{
    (void)unused;
    size_t room = sizeof(description.child.permitted) - sizeof("/device/uart@1 ");
    memset(program.registers, 'r', room + 1);
    assert_int_equal(make(&program, &device), CAVERN_TOO_LARGE);
    program.registers[room] = 0;
    assert_int_equal(make(&program, &device), CAVERN_OK);
    memset(program.program, 'p', sizeof(program.program) - 1);
    assert_int_equal(make(&program, &device), CAVERN_OK);
    assert_int_equal(make(&program, NULL), CAVERN_TOO_LARGE);
}

/* [EGG-12] */
static void test_handles_more_than_a_child_can_have_are_refused(void **unused)
{
    (void)unused;
    static struct child_handles handles;
    for (unsigned i = 0; i < SUPERVISOR_HANDLES_MAX; i++)
        assert_int_equal(child_handles_put(&handles, "reg%u", i, &(struct child_handle){.handle = i + 1}), CAVERN_OK);
    assert_int_equal(child_handles_put(&handles, "node", 0, &(struct child_handle){.handle = 99}), CAVERN_TOO_LARGE);
    assert_int_equal(handles.count, SUPERVISOR_HANDLES_MAX);
    assert_string_equal(handles.list[15].name, "reg15");
    assert_int_equal(handles.list[15].handle, 16);
}

/* [EGG-13] */
static void test_operators_have_labels_of_their_own(void **unused)
{
    (void)unused;
    static const struct configuration_program configured = {.handles = CONFIGURATION_SUPERVISOR}, other;
    struct child list[20] = {{&other, NULL}, {NULL, &device}, {&configured, NULL}, {&other, NULL}};
    for (unsigned i = 4; i < 20; i++)
        list[i].program = &configured;
    children.list = list;
    assert_int_equal(child_operator_label(&children, &list[2]), 2);
    assert_int_equal(child_operator_label(&children, &list[4]), 3);
    assert_int_equal(child_operator_label(&children, &list[16]), SUPERVISOR_ADMINISTRATORS);
    assert_int_equal(child_operator_label(&children, &list[17]), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_service_is_described_as_configured, setup),
        cmocka_unit_test_setup(test_driver_registers_its_own_name_and_what_is_configured, setup),
        cmocka_unit_test_setup(test_program_of_a_driver_is_that_with_the_manifest, setup),
        cmocka_unit_test_setup(test_what_does_not_fit_is_refused, setup),
        cmocka_unit_test_setup(test_handles_more_than_a_child_can_have_are_refused, setup),
        cmocka_unit_test_setup(test_operators_have_labels_of_their_own, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
