/* SPDX-License-Identifier: BSD-2-Clause */
/* The machine's device tree as the egg reads it: devices, their drivers, and what these are to be given. */
#include "fuzz.h"

#include <libfdt.h>

#include "../../egg/devices.h"

enum { DRIVERS = 3, COPY_BYTES = 4096 };

static struct device_driver drivers[DRIVERS] = {
    {"drivers/uart", {.driver = "uart", .driver_class = "uart", .compatible = {"arm,pl011", "a"}, 2}},
    {"drivers/rtc", {.driver = "rtc", .driver_class = "rtc", .compatible = {"arm,pl031"}, 1}},
    {"drivers/prime", {.driver = "prime", .driver_class = "any", .compatible = {"arm,primecell"}, 1}},
};

static void check_device(const void *tree, const struct device *device)
{
    static struct device_resources resources;
    static char path[DEVICE_PATH_MAX];
    static uint64_t copy[COPY_BYTES / 8];
    enum cavern_status status = devices_resources(tree, device->node, &resources);
    DEMAND(status == CAVERN_OK || status == CAVERN_CORRUPT || status == CAVERN_TOO_LARGE);
    DEMAND(status || (resources.range_count <= DEVICE_RANGES_MAX && resources.line_count <= DEVICE_LINES_MAX));
    for (unsigned i = 0; !status && i < resources.range_count; i++) {
        uint64_t base = resources.ranges[i].base, size = resources.ranges[i].size;
        DEMAND(size ? base + (size - 1) >= base : !base); /* an entry that gives nothing keeps its number */
    }
    if (!devices_path(tree, device->node, path, sizeof path))
        DEMAND(path[0] == '/' && memchr(path, 0, sizeof path));
    if (!devices_copy_node(tree, device->node, copy, sizeof copy))
        DEMAND(!fdt_check_full(copy, sizeof copy));
}

static void check_list(const struct devices *devices)
{
    static struct device_list list;
    uint32_t cursor = 0, listed = 0;
    while (devices_list(devices, drivers, cursor, &list)) {
        DEMAND(list.next > cursor && list.reply.value <= DEVICE_INFOS_MAX);
        listed += list.reply.value;
        cursor = list.next;
    }
    DEMAND(listed == devices->count);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct devices devices;
    static struct problems problems;
    char name[sizeof devices.list[0].name];
    struct input input = {data, size};
    size_t length = size;
    void *tree = input_bytes(&input, &length);
    problems.count = problems.lost = 0;
    devices.count = 0;
    if (devices_tree_check(tree, length, &problems)) {
        devices_walk(tree, drivers, DRIVERS, &devices, &problems);
        DEMAND(devices_invariants(&devices, DRIVERS));
        for (unsigned i = 0; i < devices.count; i++)
            check_device(tree, &devices.list[i]);
        check_list(&devices);
        if (devices_stdout(tree, name, sizeof name))
            DEMAND(memchr(name, 0, sizeof name));
    }
    free(tree);
    return 0;
}
