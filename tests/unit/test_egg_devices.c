/* SPDX-License-Identifier: BSD-2-Clause */
#include "fdt_writer.h"

#include <stdio.h>

#include <cavern/memory.h>

#include "../../egg/devices.h"

static const struct device_driver drivers[] = {
    {"drivers/generic",
     {.driver = "generic", .driver_class = "uart", .compatible = {"arm,primecell"}, .compatible_count = 1}},
    {"drivers/pl011",
     {.driver = "pl011", .driver_class = "uart", .compatible = {"x", "arm,pl011"}, .compatible_count = 2}},
    {"drivers/unused", {.driver = "unused", .driver_class = "disk", .compatible = {"nowhere"}, .compatible_count = 1}},
};

static struct devices devices;
static struct problems problems;
static struct device_resources resources;

static void begin(void)
{
    tree_begin();
    CELLS("#address-cells", 2);
    CELLS("#size-cells", 2);
    CELLS("interrupt-parent", 1);
    NODE("intc@8000000");
    TEXT("compatible", "arm,cortex-a15-gic");
    CELLS("#interrupt-cells", 3);
    CELLS("phandle", 1);
    NODE("v2m@8020000");
    TEXT("compatible", "arm,gic-v2m-frame");
    END();
    END();
}

static void end(void)
{
    tree_end();
    memset(&problems, 0, sizeof(problems));
    assert_true(devices_tree_check(tree, fdt_totalsize(tree), &problems));
    devices_walk(tree, drivers, COUNT_OF(drivers), &devices, &problems);
    assert_true(devices_invariants(&devices, COUNT_OF(drivers)));
}

static const struct device *find(const char *name)
{
    for (unsigned i = 0; i < devices.count; i++)
        if (strcmp(devices.list[i].name, name) == 0)
            return &devices.list[i];
    return NULL;
}

static bool complains(const char *text)
{
    for (unsigned i = 0; i < problems.count; i++)
        if (strstr(problems.list[i].text, text))
            return true;
    return false;
}

static enum cavern_status read_resources(const char *path)
{
    int node = fdt_path_offset(tree, path);
    assert_true(node > 0);
    return devices_resources(tree, node, &resources);
}

static void write_uart(const char *name)
{
    NODE(name);
    TEXT("compatible", "arm,pl011\0arm,primecell");
    CELLS("reg", 0, 0x9000000, 0, 0x1000);
    CELLS("interrupts", 0, 1, 4);
}

/* [DEV-MANIFEST-2] */
static void test_walk_gives_node_to_the_driver_that_fits_best(void **unused)
{
    (void)unused;
    begin();
    write_uart("pl011@9000000");
    END();
    NODE("pl061@9030000");
    TEXT("compatible", "arm,pl061\0arm,primecell");
    END();
    end();
    assert_int_equal(find("pl011@9000000")->driver, 1);
    assert_string_equal(find("pl011@9000000")->compatible, "arm,pl011");
    assert_int_equal(find("pl011@9000000")->state, DEVICE_STARTED);
    assert_int_equal(find("pl061@9030000")->driver, 0);
    assert_string_equal(find("pl061@9030000")->compatible, "arm,primecell");
}

/* [DEV-TREE-1] */
static void test_walk_disabled_node_and_its_children_not_offered(void **unused)
{
    (void)unused;
    begin();
    write_uart("uart@1");
    TEXT("status", "disabled");
    write_uart("uart@2");
    END();
    END();
    write_uart("uart@3");
    TEXT("status", "okay");
    END();
    write_uart("uart@4");
    TEXT("status", "ok");
    END();
    write_uart("uart@5");
    assert_int_equal(fdt_property(tree, "status", "ok", 2), 0); /* without its 0 */
    END();
    end();
    assert_int_equal(find("uart@1")->state, DEVICE_DISABLED);
    assert_int_equal(find("uart@1")->driver, -1);
    assert_null(find("uart@2"));
    assert_int_equal(find("uart@3")->state, DEVICE_STARTED);
    assert_int_equal(find("uart@4")->state, DEVICE_STARTED);
    assert_int_equal(find("uart@5")->state, DEVICE_DISABLED);
}

static void test_walk_kernels_nodes_are_its_own_with_all_below(void **unused)
{
    (void)unused;
    begin();
    NODE("cpus");
    NODE("cpu@0");
    TEXT("device_type", "cpu");
    TEXT("compatible", "arm,pl011");
    END();
    END();
    NODE("memory@40000000");
    TEXT("device_type", "memory");
    END();
    NODE("chosen");
    write_uart("uart@1");
    END();
    END();
    NODE("timer");
    TEXT("compatible", "arm,armv8-timer\0arm,armv7-timer");
    END();
    end();
    static const char *const kernels[] = {"intc@8000000", "v2m@8020000", "cpu@0", "memory@40000000", "timer"};
    for (size_t i = 0; i < COUNT_OF(kernels); i++) {
        assert_int_equal(find(kernels[i])->state, DEVICE_KERNEL);
        assert_int_equal(find(kernels[i])->driver, -1);
    }
    assert_null(find("uart@1"));
    assert_int_equal(devices.count, COUNT_OF(kernels));
}

/* [DEV-GIVE-4] [BOOT-BAD-5] */
static void test_walk_reports_who_is_left_once(void **unused)
{
    (void)unused;
    begin();
    NODE("virtio@1");
    TEXT("compatible", "virtio,mmio");
    END();
    NODE("virtio@2");
    TEXT("compatible", "virtio,mmio");
    END();
    NODE("pl031@3");
    TEXT("compatible", "arm,pl031");
    END();
    write_uart("uart@4");
    END();
    end();
    assert_true(complains("no driver for /virtio@1 and 1 more (virtio,mmio)"));
    assert_true(complains("no driver for /pl031@3 (arm,pl031)"));
    assert_true(complains("no device for drivers/unused"));
    assert_true(complains("no device for drivers/generic"));
    assert_int_equal(problems.count, 4);
    assert_int_equal(find("virtio@2")->state, DEVICE_NO_DRIVER);
}

static void test_walk_more_devices_than_fit_are_said(void **unused)
{
    (void)unused;
    begin();
    for (unsigned i = 0; i < DEVICES_MAX; i++) {
        char name[16];
        snprintf(name, sizeof(name), "d@%u", i);
        NODE(name);
        TEXT("compatible", "d");
        END();
    }
    end();
    assert_int_equal(devices.count, DEVICES_MAX);
    assert_true(complains("more than 128 devices, without d@126"));
}

/* [DEV-TREE-2] */
static void test_reg_is_translated_through_every_ancestor(void **unused)
{
    (void)unused;
    begin();
    NODE("outer");
    CELLS("#address-cells", 1);
    CELLS("#size-cells", 1);
    CELLS("ranges", 0, 0, 0x100000, 0x1000, 0x10000, 1, 0x200000, 0x20000);
    NODE("inner");
    CELLS("#address-cells", 1);
    CELLS("#size-cells", 1);
    CELLS("ranges", 0x5000, 0x12000, 0x8000);
    NODE("x");
    CELLS("reg", 0x6000, 0x2000);
    END();
    NODE("half-outside");
    CELLS("reg", 0xc000, 0x2000);
    END();
    END();
    NODE("same");
    EMPTY("ranges");
    CELLS("#address-cells", 1);
    CELLS("#size-cells", 1);
    NODE("y");
    CELLS("reg", 0x10000, 0x1000);
    END();
    END();
    NODE("nowhere");
    CELLS("#address-cells", 1);
    CELLS("#size-cells", 1);
    NODE("z");
    CELLS("reg", 0x10000, 0x1000);
    END();
    END();
    END();
    end();
    assert_int_equal(read_resources("/outer/inner/x"), CAVERN_OK);
    assert_int_equal(resources.range_count, 1);
    assert_int_equal(resources.ranges[0].base, 0x100203000);
    assert_int_equal(resources.ranges[0].size, 0x2000);
    assert_int_equal(read_resources("/outer/inner/half-outside"), CAVERN_OK);
    assert_int_equal(resources.range_count, 0);
    assert_int_equal(read_resources("/outer/same/y"), CAVERN_OK);
    assert_int_equal(resources.ranges[0].base, 0x100200000);
    assert_int_equal(read_resources("/outer/nowhere/z"), CAVERN_OK);
    assert_int_equal(resources.range_count, 0);
}

/* [DEV-TREE-3] [DEV-TREE-4] */
static void test_interrupts_become_lines_in_order(void **unused)
{
    (void)unused;
    begin();
    NODE("a");
    CELLS("interrupts", 0, 1, 4, 0, 2, 1, 1, 7, 0x108, 0, 3, 2);
    END();
    NODE("gpio");
    CELLS("phandle", 5);
    CELLS("#interrupt-cells", 1);
    END();
    NODE("own");
    CELLS("interrupt-parent", 5);
    CELLS("interrupts", 9);
    END();
    NODE("extended");
    CELLS("interrupts", 0, 9, 4);
    CELLS("interrupts-extended", 1, 0, 4, 4, 5, 3, 1, 0, 6, 4);
    END();
    end();
    assert_int_equal(read_resources("/a"), CAVERN_OK);
    assert_int_equal(resources.line_count, 4);
    static const uint32_t lines[] = {33, 34, 23, 35};
    static const uint32_t triggers[] = {CAVERN_TRIGGER_LEVEL, CAVERN_TRIGGER_EDGE, CAVERN_TRIGGER_LEVEL,
                                        CAVERN_TRIGGER_EDGE};
    for (unsigned i = 0; i < 4; i++) {
        assert_int_equal(resources.lines[i].line, lines[i]);
        assert_int_equal(resources.lines[i].trigger, triggers[i]);
    }
    assert_int_equal(read_resources("/own"), CAVERN_OK);
    assert_int_equal(resources.line_count, 0);
    assert_int_equal(read_resources("/extended"), CAVERN_OK);
    assert_int_equal(resources.line_count, 2);
    assert_int_equal(resources.lines[0].line, 36);
    assert_int_equal(resources.lines[1].line, 38);
}

/* [DEV-TREE-5] */
static void test_node_damaged_is_refused_alone(void **unused)
{
    (void)unused;
    begin();
    NODE("reg");
    TEXT("compatible", "arm,pl011");
    CELLS("reg", 0, 0x9000000, 0);
    END();
    NODE("cells");
    CELLS("interrupts", 0, 1);
    END();
    NODE("type");
    CELLS("interrupts", 2, 1, 4);
    END();
    NODE("number");
    CELLS("interrupts", 0, 988, 4);
    END();
    NODE("phandle");
    CELLS("interrupts-extended", 99, 0, 1, 4);
    END();
    NODE("rest");
    assert_int_equal(fdt_property(tree, "interrupts-extended", "\0\0", 2), 0);
    END();
    write_uart("good");
    END();
    end();
    static const char *const bad[] = {"/reg", "/cells", "/type", "/number", "/phandle", "/rest"};
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        assert_int_equal(read_resources(bad[i]), CAVERN_CORRUPT);
    assert_int_equal(read_resources("/good"), CAVERN_OK);
    assert_int_equal(resources.range_count, 1);
    assert_int_equal(resources.line_count, 1);
}

/* [DEV-GIVE-1] */
static void test_property_of_a_negative_length_refuses_the_tree(void **unused)
{
    (void)unused;
    begin();
    NODE("odd");
    EMPTY("reg");
    END();
    end();
    fdt_get_property_w(tree, fdt_path_offset(tree, "/odd"), "reg", NULL)->len = cpu_to_fdt32(-2);
    assert_false(devices_tree_check(tree, fdt_totalsize(tree), &problems));
    assert_true(complains("device tree: "));
}

static void test_resources_more_than_fit_refused(void **unused)
{
    (void)unused;
    begin();
    NODE("x");
    uint32_t cells[4 * (DEVICE_RANGES_MAX + 1)];
    for (unsigned i = 0; i <= DEVICE_RANGES_MAX; i++) {
        uint32_t *entry = &cells[4 * i];
        entry[0] = entry[2] = 0;
        entry[1] = cpu_to_fdt32(0x1000 * (i + 1));
        entry[3] = cpu_to_fdt32(0x1000);
    }
    assert_int_equal(fdt_property(tree, "reg", cells, sizeof(cells)), 0);
    END();
    NODE("y");
    CELLS("interrupts", 0, 1, 4, 0, 2, 4, 0, 3, 4, 0, 4, 4, 0, 5, 4, 0, 6, 4, 0, 7, 4, 0, 8, 4);
    END();
    end();
    assert_int_equal(read_resources("/x"), CAVERN_TOO_LARGE);
    assert_int_equal(read_resources("/y"), CAVERN_TOO_LARGE);
}

/* [DEV-GIVE-2] */
static void test_block_alone_in_its_page_is_rounded_out(void **unused)
{
    (void)unused;
    begin();
    NODE("alone");
    CELLS("reg", 0, 0x9020018, 0, 0x18);
    END();
    NODE("first");
    CELLS("reg", 0, 0xa000000, 0, 0x200);
    END();
    NODE("second");
    CELLS("reg", 0, 0xa000200, 0, 0x200);
    END();
    NODE("next");
    CELLS("reg", 0, 0xa001000, 0, 0x1000, 0, 0xa003800, 0, 0x1000);
    END();
    end();
    assert_int_equal(read_resources("/alone"), CAVERN_OK);
    assert_int_equal(resources.ranges[0].base, 0x9020000);
    assert_int_equal(resources.ranges[0].size, 0x1000);
    assert_int_equal(read_resources("/first"), CAVERN_OK);
    assert_int_equal(resources.ranges[0].size, 0x200);
    assert_int_equal(read_resources("/next"), CAVERN_OK);
    assert_int_equal(resources.ranges[0].base, 0xa001000);
    assert_int_equal(resources.ranges[0].size, 0x1000);
    assert_int_equal(resources.ranges[1].base, 0xa003000);
    assert_int_equal(resources.ranges[1].size, 0x2000);
}

/* [DEV-GIVE-1] [DEV-GIVE-2] [DEV-TREE-2] */
static void test_entry_that_gives_nothing_keeps_its_number(void **unused)
{
    (void)unused;
    begin();
    NODE("bus");
    CELLS("#address-cells", 1);
    CELLS("#size-cells", 1);
    CELLS("ranges", 0, 0, 0x9000000, 0x10000);
    NODE("holes");
    CELLS("reg", 0x1000, 0, 0x80000, 0x1000, 0x3000, 0x200, 0x3000, 0);
    END();
    NODE("neighbour");
    CELLS("reg", 0x80000, 0x1000, 0x3200, 0x200);
    END();
    END();
    end();
    assert_int_equal(read_resources("/bus/holes"), CAVERN_OK);
    assert_int_equal(resources.range_count, 3);
    assert_int_equal(resources.ranges[0].size, 0);
    assert_int_equal(resources.ranges[1].size, 0);
    assert_int_equal(resources.ranges[2].base, 0x9003000);
    assert_int_equal(resources.ranges[2].size, 0x200);
}

/* [DEV-GIVE-3] */
static void test_node_copy_has_its_properties(void **unused)
{
    (void)unused;
    static char copy[1024];
    char path[DEVICE_PATH_MAX];
    begin();
    NODE("bus");
    write_uart("uart@1");
    NODE("child");
    END();
    END();
    END();
    end();
    int node = fdt_path_offset(tree, "/bus/uart@1");
    assert_int_equal(devices_path(tree, node, path, sizeof(path)), CAVERN_OK);
    assert_string_equal(path, "/bus/uart@1");
    assert_int_equal(devices_path(tree, node, path, 4), CAVERN_TOO_LARGE);
    assert_int_equal(devices_copy_node(tree, node, copy, sizeof(copy)), CAVERN_OK);
    int length;
    assert_string_equal(fdt_getprop(copy, 0, "compatible", &length), "arm,pl011");
    assert_int_equal(length, 24);
    assert_non_null(fdt_getprop(copy, 0, "interrupts", NULL));
    assert_true(fdt_subnode_offset(copy, 0, "child") < 0);
    assert_int_equal(devices_copy_node(tree, node, copy, 100), CAVERN_TOO_LARGE);
}

static void test_stdout_is_found_by_path_and_alias(void **unused)
{
    (void)unused;
    static const char *const paths[] = {"/bus/uart@1", "/bus/uart@1:115200n8", "serial0", "serial0:115200"};
    char name[32];
    for (size_t i = 0; i < COUNT_OF(paths) + 2; i++) {
        begin();
        NODE("bus");
        write_uart("uart@1");
        END();
        END();
        NODE("aliases");
        TEXT("serial0", "/bus/uart@1");
        END();
        NODE("chosen");
        if (i <= COUNT_OF(paths)) {
            const char *path = i < COUNT_OF(paths) ? paths[i] : "/nowhere";
            assert_int_equal(fdt_property_string(tree, "stdout-path", path), 0);
        }
        END();
        end();
        assert_int_equal(devices_stdout(tree, name, sizeof(name)), i < COUNT_OF(paths));
        if (i < COUNT_OF(paths)) {
            assert_string_equal(name, "uart@1");
            assert_false(devices_stdout(tree, name, 6));
        }
    }
}

/* [EGG-10] */
static void test_list_gives_all_devices_in_parts(void **unused)
{
    (void)unused;
    struct device_list list;
    begin();
    for (unsigned i = 0; i < DEVICE_INFOS_MAX; i++) {
        char name[16];
        snprintf(name, sizeof(name), "uart@%u", i);
        write_uart(name);
        END();
    }
    end();
    struct device *failed = (struct device *)find("uart@0");
    failed->state = DEVICE_FAILED;
    failed->status = CAVERN_BUSY;
    assert_true(devices_list(&devices, drivers, 0, &list));
    assert_int_equal(list.reply.value, DEVICE_INFOS_MAX);
    assert_string_equal(list.devices[0].node, "intc@8000000");
    assert_int_equal(list.devices[0].state, DEVICE_KERNEL);
    assert_string_equal(list.devices[2].driver, "pl011");
    assert_string_equal(list.devices[2].compatible, "arm,pl011");
    assert_int_equal(list.devices[2].state, DEVICE_FAILED);
    assert_int_equal(list.devices[2].status, CAVERN_BUSY);
    assert_true(devices_list(&devices, drivers, list.next, &list));
    assert_int_equal(list.reply.value, 2);
    assert_false(devices_list(&devices, drivers, list.next, &list));
    assert_false(devices_list(&devices, drivers, UINT32_MAX, &list));
}

/* Damaged anywhere, it is refused or read, and nothing outside is touched. [DEV-TREE-5] */
static void test_tree_with_random_damage_stays_inside(void **unused)
{
    (void)unused;
    static char sound[sizeof(tree)];
    begin();
    NODE("bus");
    EMPTY("ranges");
    CELLS("#address-cells", 2);
    CELLS("#size-cells", 2);
    write_uart("uart@1");
    END();
    write_uart("uart@2");
    CELLS("interrupts-extended", 1, 0, 4, 4);
    END();
    END();
    NODE("chosen");
    TEXT("stdout-path", "/bus/uart@1:9600");
    END();
    end();
    size_t size = fdt_totalsize(tree);
    memcpy(sound, tree, size);
    srand(1);
    for (unsigned round = 0; round < 3000; round++) {
        char *copy = malloc(size);
        char buffer[4096];
        memcpy(copy, sound, size);
        for (unsigned i = 0; i < 3; i++)
            copy[(size_t)rand() % size] = (char)rand();
        problems.count = 0;
        if (devices_tree_check(copy, size, &problems)) {
            devices_walk(copy, drivers, COUNT_OF(drivers), &devices, &problems);
            assert_true(devices_invariants(&devices, COUNT_OF(drivers)));
            (void)devices_stdout(copy, buffer, sizeof(buffer));
            for (unsigned i = 0; i < devices.count; i++) {
                (void)!devices_resources(copy, devices.list[i].node, &resources);
                (void)!devices_copy_node(copy, devices.list[i].node, buffer, sizeof(buffer));
            }
        }
        free(copy);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_walk_gives_node_to_the_driver_that_fits_best),
        cmocka_unit_test(test_walk_disabled_node_and_its_children_not_offered),
        cmocka_unit_test(test_walk_kernels_nodes_are_its_own_with_all_below),
        cmocka_unit_test(test_walk_reports_who_is_left_once),
        cmocka_unit_test(test_walk_more_devices_than_fit_are_said),
        cmocka_unit_test(test_reg_is_translated_through_every_ancestor),
        cmocka_unit_test(test_interrupts_become_lines_in_order),
        cmocka_unit_test(test_node_damaged_is_refused_alone),
        cmocka_unit_test(test_property_of_a_negative_length_refuses_the_tree),
        cmocka_unit_test(test_resources_more_than_fit_refused),
        cmocka_unit_test(test_block_alone_in_its_page_is_rounded_out),
        cmocka_unit_test(test_entry_that_gives_nothing_keeps_its_number),
        cmocka_unit_test(test_node_copy_has_its_properties),
        cmocka_unit_test(test_stdout_is_found_by_path_and_alias),
        cmocka_unit_test(test_list_gives_all_devices_in_parts),
        cmocka_unit_test(test_tree_with_random_damage_stays_inside),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
