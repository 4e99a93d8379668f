/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit.h"

#include <libfdt.h>
#include <sys/mman.h>
#include <unistd.h>

#include "boot/device_tree.h"

#define TREE_MAX 16384

/* Built like that of QEMU's `virt`; the tests change it. */
struct tree {
    char blob[TREE_MAX];
};

static void cells(void *blob, const char *name, const uint32_t *values, size_t count)
{
    fdt32_t out[16];
    assert_true(count <= COUNT_OF(out));
    for (size_t i = 0; i < count; i++)
        out[i] = cpu_to_fdt32(values[i]);
    assert_int_equal(fdt_property(blob, name, out, (int)(count * 4)), 0);
}
#define CELLS(name, ...) cells(t, name, (const uint32_t[]){__VA_ARGS__}, COUNT_OF(((const uint32_t[]){__VA_ARGS__})))
#define TEXT(name, value) assert_int_equal(fdt_property_string(t, name, value), 0)
#define NODE(name) assert_int_equal(fdt_begin_node(t, name), 0)
#define END() assert_int_equal(fdt_end_node(t), 0)

static void build_devices(void *t)
{
    NODE("intc@8000000");
    TEXT("compatible", "arm,cortex-a15-gic");
    CELLS("reg", 0, 0x08000000, 0, 0x10000, 0, 0x08010000, 0, 0x10000);
    assert_int_equal(fdt_property(t, "interrupt-controller", NULL, 0), 0);
    CELLS("phandle", 2);
    END();
    NODE("timer");
    TEXT("compatible", "arm,armv8-timer");
    CELLS("interrupts", 1, 13, 0x104, 1, 14, 0x104, 1, 11, 0x104, 1, 10, 0x104);
    END();
    NODE("soc");
    CELLS("#address-cells", 1);
    CELLS("#size-cells", 1);
    CELLS("ranges", 0x7e000000, 0, 0x3f000000, 0x1000000);
    NODE("uart@7e201000");
    TEXT("compatible", "arm,pl011");
    CELLS("reg", 0x7e201000, 0x1000);
    END();
    END();
    NODE("aliases");
    TEXT("serial0", "/soc/uart@7e201000");
    END();
}

static void build_cpus(void *t)
{
    NODE("cpus");
    CELLS("#address-cells", 1);
    CELLS("#size-cells", 0);
    NODE("cpu@0");
    TEXT("device_type", "cpu");
    CELLS("reg", 0);
    END();
    NODE("cpu@1");
    TEXT("device_type", "cpu");
    CELLS("reg", 1);
    END();
    NODE("cpu@2");
    TEXT("device_type", "cpu");
    TEXT("status", "fail");
    END();
    END();
    NODE("psci");
    TEXT("compatible", "arm,psci-1.0");
    TEXT("method", "hvc");
    END();
}

static void build_memory(void *t)
{
    NODE("memory@40000000");
    TEXT("device_type", "memory");
    CELLS("reg", 0, 0x40000000, 0, 0x08000000, 1, 0, 0, 0x10000000);
    END();
    NODE("reserved-memory");
    CELLS("#address-cells", 2);
    CELLS("#size-cells", 2);
    assert_int_equal(fdt_property(t, "ranges", NULL, 0), 0);
    NODE("secure@42000000");
    CELLS("reg", 0, 0x42000000, 0, 0x2000);
    END();
    END();
    NODE("chosen");
    TEXT("bootargs", "pmu cavern.command=ps");
    TEXT("stdout-path", "serial0:115200n8");
    CELLS("linux,initrd-start", 0x44000000);
    CELLS("linux,initrd-end", 0, 0x44003000);
    CELLS("kaslr-seed", 1, 2);
    END();
}

/* `extra` adds to the root; may be NULL. */
static void build(struct tree *tree, void (*extra)(void *t))
{
    void *t = tree->blob;
    assert_int_equal(fdt_create(t, TREE_MAX), 0);
    assert_int_equal(fdt_add_reservemap_entry(t, 0x41000000, 0x1000), 0);
    assert_int_equal(fdt_finish_reservemap(t), 0);
    NODE("");
    TEXT("model", "a machine");
    CELLS("#address-cells", 2);
    CELLS("#size-cells", 2);
    CELLS("interrupt-parent", 2);
    build_cpus(t);
    build_memory(t);
    build_devices(t);
    if (extra)
        extra(t);
    END();
    assert_int_equal(fdt_finish(t), 0);
    assert_int_equal(fdt_open_into(t, t, TREE_MAX), 0);
}

static int at(struct tree *tree, const char *path)
{
    int node = fdt_path_offset(tree->blob, path);
    assert_true(node >= 0);
    return node;
}

static void assert_region(struct memory_region region, uint64_t base, uint64_t size)
{
    assert_int_equal(region.base, base);
    assert_int_equal(region.size, size);
}

static void test_read_of_a_whole_tree_finds_everything(void **state)
{
    struct tree tree;
    struct machine_description machine;

    (void)state;
    build(&tree, NULL);
    assert_null(device_tree_read(tree.blob, &machine));
    assert_string_equal(machine.model, "a machine");
    assert_int_equal(machine.ram_count, 2);
    assert_region(machine.ram[0], 0x40000000, 0x08000000);
    assert_region(machine.ram[1], 0x100000000, 0x10000000);
    assert_int_equal(machine.reserved_count, 2);
    assert_region(machine.reserved[0], 0x41000000, 0x1000);
    assert_region(machine.reserved[1], 0x42000000, 0x2000);
    assert_string_equal(machine.bootargs, "pmu cavern.command=ps");
    assert_int_equal(machine.seed, 0x100000002);
    assert_int_equal(machine.cpus, 2);
    assert_string_equal(machine.interrupt_controller.compatible, "arm,cortex-a15-gic");
    assert_int_equal(machine.interrupt_controller.register_count, 2);
    assert_region(machine.interrupt_controller.registers[1], 0x08010000, 0x10000);
    assert_string_equal(machine.console.compatible, "arm,pl011");
    assert_region(machine.console.registers[0], 0x3f201000, 0x1000);
    assert_int_equal(machine.timer_line, 27);
    assert_int_equal(machine.firmware, FIRMWARE_HVC);
}

static void test_ramdisk_given_in_cells_of_4_and_8_bytes_is_found(void **state) /* [DEV-KERNEL-1] */
{
    struct tree tree;
    struct machine_description machine;

    (void)state;
    build(&tree, NULL);
    for (int wide = 0; wide < 4; wide++) {
        int chosen = at(&tree, "/chosen");
        if (wide & 1)
            assert_int_equal(fdt_setprop_u64(tree.blob, chosen, "linux,initrd-start", 0x44000000), 0);
        else
            assert_int_equal(fdt_setprop_u32(tree.blob, chosen, "linux,initrd-start", 0x44000000), 0);
        if (wide & 2)
            assert_int_equal(fdt_setprop_u64(tree.blob, chosen, "linux,initrd-end", 0x44003000), 0);
        else
            assert_int_equal(fdt_setprop_u32(tree.blob, chosen, "linux,initrd-end", 0x44003000), 0);
        assert_null(device_tree_read(tree.blob, &machine));
        assert_region(machine.ramdisk, 0x44000000, 0x3000);
    }
}

static void test_absent_chosen_leaves_defaults(void **state)
{
    struct tree tree;
    struct machine_description machine;

    (void)state;
    build(&tree, NULL);
    assert_int_equal(fdt_del_node(tree.blob, at(&tree, "/chosen")), 0);
    assert_null(device_tree_read(tree.blob, &machine));
    assert_string_equal(machine.bootargs, "");
    assert_int_equal(machine.ramdisk.size, 0);
    assert_null(machine.console.compatible);
}

static void add_disabled(void *t)
{
    NODE("memory@80000000");
    TEXT("device_type", "memory");
    TEXT("status", "disabled");
    CELLS("reg", 0, 0x80000000, 0, 0x1000);
    END();
}

static void test_disabled_memory_is_not_used(void **state)
{
    struct tree tree;
    struct machine_description machine;

    (void)state;
    build(&tree, add_disabled);
    assert_null(device_tree_read(tree.blob, &machine));
    assert_int_equal(machine.ram_count, 2);
}

struct refusal {
    const char *path;
    const char *property; /* NULL: the node goes */
    const char *value;
    int length; /* negative: the property goes */
    const char *error;
};

static void test_trees_without_the_necessary_are_refused(void **state)
{
    static const struct refusal rows[] = {
        {"/memory@40000000", NULL, NULL, 0, "no memory"},
        {"/memory@40000000", "reg", "1234567", 7, "memory node"},
        {"/memory@40000000", "reg", "\xff\xff\xff\xff\xff\xff\xff\xff\0\0\0\1\0\0\0\0", 16, "memory node"},
        {"/reserved-memory/secure@42000000", "reg", "123", 3, "reserved memory"},
        {"/intc@8000000", NULL, NULL, 0, "no interrupt controller"},
        {"/intc@8000000", "compatible", NULL, -1, "interrupt controller"},
        {"/intc@8000000", "reg", "12345", 5, "interrupt controller"},
        {"/timer", NULL, NULL, 0, "no timer"},
        {"/timer", "interrupts", NULL, -1, "timer"},
        {"/timer", "interrupts", "123456", 6, "timer"},
        {"/chosen", "linux,initrd-end", "\0\0\0\1", 4, "RAM disk"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct tree tree;
        struct machine_description machine;
        build(&tree, NULL);
        int node = at(&tree, rows[i].path);
        if (!rows[i].property)
            assert_int_equal(fdt_del_node(tree.blob, node), 0);
        else if (rows[i].length < 0)
            assert_int_equal(fdt_delprop(tree.blob, node, rows[i].property), 0);
        else
            assert_int_equal(fdt_setprop(tree.blob, node, rows[i].property, rows[i].value, rows[i].length), 0);
        const char *error = device_tree_read(tree.blob, &machine);
        assert_non_null(error);
        if (!strstr(error, rows[i].error))
            fail_msg("row %zu: %s", i, error);
    }
}

static void test_registers_of_a_negative_length_are_refused(void **state)
{
    struct tree tree;
    struct machine_description machine;
    (void)state;
    build(&tree, NULL);
    assert_int_equal(fdt_setprop_u32(tree.blob, 0, "#address-cells", 1), 0);
    assert_int_equal(fdt_setprop_u32(tree.blob, 0, "#size-cells", 1), 0);
    fdt_get_property_w(tree.blob, at(&tree, "/memory@40000000"), "reg", NULL)->len = cpu_to_fdt32(-8);
    assert_string_equal(device_tree_read(tree.blob, &machine), "device tree: the memory node is damaged");
}

/* What is said of a tree whose node has so many ranges; NULL: nothing. */
static const char *read_with_ranges(const char *path, unsigned count)
{
    struct tree tree;
    struct machine_description machine;
    fdt64_t reg[2 * 64];
    for (unsigned i = 0; i < count; i++) {
        reg[2 * i] = cpu_to_fdt64(0x40000000 + i * UINT64_C(0x01000000));
        reg[2 * i + 1] = cpu_to_fdt64(0x1000);
    }
    build(&tree, NULL);
    assert_int_equal(fdt_setprop(tree.blob, at(&tree, path), "reg", reg, (int)(16 * count)), 0);
    return device_tree_read(tree.blob, &machine);
}

/* [DEV-KERNEL-2] One piece of reserved memory stands in the blob's own list. */
static void test_more_ranges_than_fit_are_refused(void **state)
{
    (void)state;
    assert_null(read_with_ranges("/memory@40000000", MACHINE_RAM_MAX));
    assert_string_equal(read_with_ranges("/memory@40000000", MACHINE_RAM_MAX + 1),
                        "device tree: too many regions of RAM");
    assert_null(read_with_ranges("/reserved-memory/secure@42000000", MACHINE_RESERVED_MAX - 1));
    assert_string_equal(read_with_ranges("/reserved-memory/secure@42000000", MACHINE_RESERVED_MAX),
                        "device tree: too many pieces of reserved memory");
    assert_null(read_with_ranges("/intc@8000000", MACHINE_REGISTERS_MAX));
    assert_non_null(read_with_ranges("/intc@8000000", MACHINE_REGISTERS_MAX + 1));
}

/* So many levels, the last of which is the console. */
static void add_deep_console(struct tree *tree, unsigned depth)
{
    char path[256] = "";
    int node = 0;
    for (unsigned i = 1; i <= depth; i++) {
        node = fdt_add_subnode(tree->blob, node, "n");
        assert_true(node >= 0);
        strcat(path, "/n");
    }
    assert_int_equal(fdt_setprop_string(tree->blob, node, "compatible", "arm,pl011"), 0);
    assert_int_equal(fdt_setprop_string(tree->blob, at(tree, "/chosen"), "stdout-path", path), 0);
}

/* [DEV-KERNEL-2] Nodes below are not looked at, which is told where one of them is wanted. */
static void test_nodes_that_stand_too_deep_are_refused(void **state)
{
    const char *const error = "device tree: the interrupt controller, or the console, stands too deep";
    struct tree tree;
    struct machine_description machine;
    (void)state;
    build(&tree, NULL);
    add_deep_console(&tree, 15);
    assert_null(device_tree_read(tree.blob, &machine));
    assert_string_equal(machine.console.compatible, "arm,pl011");
    build(&tree, NULL);
    add_deep_console(&tree, 16);
    assert_string_equal(device_tree_read(tree.blob, &machine), error);
    assert_int_equal(fdt_delprop(tree.blob, at(&tree, "/chosen"), "stdout-path"), 0);
    assert_null(device_tree_read(tree.blob, &machine));
    assert_int_equal(fdt_delprop(tree.blob, at(&tree, "/intc@8000000"), "phandle"), 0);
    int deep = at(&tree, "/n/n/n/n/n/n/n/n/n/n/n/n/n/n/n/n");
    assert_int_equal(fdt_setprop_u32(tree.blob, deep, "phandle", 2), 0);
    assert_string_equal(device_tree_read(tree.blob, &machine), error);
}

/* [DEV-KERNEL-2] */
static void test_addresses_of_more_than_46_bits_are_refused(void **state)
{
    static const char *const paths[] = {"/memory@40000000", "/intc@8000000"};
    struct tree tree;
    struct machine_description machine;
    (void)state;
    for (size_t i = 0; i < COUNT_OF(paths); i++) {
        for (unsigned beyond = 0; beyond < 2; beyond++) {
            fdt64_t reg[2] = {cpu_to_fdt64((UINT64_C(1) << 46) - 0x1000), cpu_to_fdt64(0x1000 + beyond * 0x1000)};
            build(&tree, NULL);
            assert_int_equal(fdt_setprop(tree.blob, at(&tree, paths[i]), "reg", reg, sizeof reg), 0);
            const char *error = device_tree_read(tree.blob, &machine);
            if (beyond)
                assert_string_equal(error, "device tree: an address has too many bits");
            else
                assert_null(error);
        }
    }
}

static void test_headers_that_are_none_have_no_size(void **state)
{
    struct tree tree;

    (void)state;
    build(&tree, NULL);
    assert_int_equal(device_tree_size(tree.blob), TREE_MAX);
    fdt_set_totalsize(tree.blob, DEVICE_TREE_SIZE_MAX + 1);
    assert_int_equal(device_tree_size(tree.blob), 0);
    fdt_set_totalsize(tree.blob, 8);
    assert_int_equal(device_tree_size(tree.blob), 0);
    memset(&tree, 0, 8);
    assert_int_equal(device_tree_size(tree.blob), 0);
    assert_int_equal(device_tree_used(tree.blob), 0);
}

static void test_used_part_leaves_padding_out(void **state)
{
    struct tree tree, copy;
    struct machine_description machine;

    (void)state;
    build(&tree, NULL);
    size_t used = device_tree_used(tree.blob);
    assert_in_range(used, 500, 4000);
    assert_null(device_tree_read(tree.blob, &machine));
    memset(&copy, 0xee, sizeof copy);
    memcpy(copy.blob, tree.blob, used);
    device_tree_set_size(copy.blob, used);
    device_tree_moved(&machine, tree.blob, copy.blob);
    memset(&tree, 0, sizeof tree);
    assert_string_equal(machine.model, "a machine");
    assert_string_equal(machine.bootargs, "pmu cavern.command=ps");
    assert_string_equal(machine.interrupt_controller.compatible, "arm,cortex-a15-gic");
    assert_null(device_tree_read(copy.blob, &machine));
}

/* Memory that ends where `size` bytes end: the next byte can't be read. */
static char *at_the_edge(size_t size)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t room = (size + page - 1) / page * page;
    char *p = mmap(NULL, room + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(p, MAP_FAILED);
    assert_int_equal(mprotect(p + room, page, PROT_NONE), 0);
    return p + ((room - size) & ~(size_t)7);
}

static void read_if_offered(const char *blob, size_t size)
{
    struct machine_description machine;
    size_t claimed = device_tree_size(blob);
    if (claimed && claimed <= size) {
        const char *error = device_tree_read(blob, &machine);
        if (!error) {
            assert_true(machine.ram_count > 0 && machine.ram_count <= MACHINE_RAM_MAX);
            assert_true(machine.reserved_count <= MACHINE_RESERVED_MAX);
            assert_true(strlen(machine.bootargs) < size);
        }
    }
}

/* libfdt itself has no sanitizer here: an access outside of the tree meets the edge. */
static void test_any_damaged_byte_is_survived(void **state)
{
    static const uint8_t damage[] = {0x01, 0x02, 0x04, 0x08, 0x80, 0xff};
    struct tree tree;

    (void)state;
    build(&tree, NULL);
    assert_int_equal(fdt_pack(tree.blob), 0);
    size_t size = (fdt_totalsize(tree.blob) + 7) & ~7u;
    fdt_set_totalsize(tree.blob, (uint32_t)size);
    char *blob = at_the_edge(size);
    for (size_t i = 0; i < size; i++) {
        for (size_t j = 0; j < COUNT_OF(damage); j++) {
            memcpy(blob, tree.blob, size);
            blob[i] ^= (char)damage[j];
            read_if_offered(blob, size);
        }
    }
}

static void test_any_truncated_tree_is_survived(void **state)
{
    struct tree tree;

    (void)state;
    build(&tree, NULL);
    assert_int_equal(fdt_pack(tree.blob), 0);
    size_t whole = fdt_totalsize(tree.blob);
    char *end = at_the_edge(whole & ~(size_t)7) + (whole & ~(size_t)7);
    for (size_t size = DEVICE_TREE_HEADER_SIZE; size < whole - 8; size += 8) {
        char *blob = end - size;
        memcpy(blob, tree.blob, size);
        fdt_set_totalsize(blob, (uint32_t)size);
        read_if_offered(blob, size);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_read_of_a_whole_tree_finds_everything),
        cmocka_unit_test(test_ramdisk_given_in_cells_of_4_and_8_bytes_is_found),
        cmocka_unit_test(test_absent_chosen_leaves_defaults),
        cmocka_unit_test(test_disabled_memory_is_not_used),
        cmocka_unit_test(test_trees_without_the_necessary_are_refused),
        cmocka_unit_test(test_registers_of_a_negative_length_are_refused),
        cmocka_unit_test(test_more_ranges_than_fit_are_refused),
        cmocka_unit_test(test_nodes_that_stand_too_deep_are_refused),
        cmocka_unit_test(test_addresses_of_more_than_46_bits_are_refused),
        cmocka_unit_test(test_headers_that_are_none_have_no_size),
        cmocka_unit_test(test_used_part_leaves_padding_out),
        cmocka_unit_test(test_any_damaged_byte_is_survived),
        cmocka_unit_test(test_any_truncated_tree_is_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
