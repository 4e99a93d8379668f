/* SPDX-License-Identifier: BSD-2-Clause */
#include "devices.h"

#include <stdio.h>
#include <string.h>

#include <libfdt.h>

enum { DEPTH_MAX = 16 };

/* What the kernel drives itself. Whatever stands below such a node is the kernel's too. */
static const char *const kernel_compatibles[] = {
    "arm,cortex-a15-gic", "arm,gic-400",  "arm,gic-v3",   "arm,armv8-timer",
    "arm,armv7-timer",    "arm,psci-1.0", "arm,psci-0.2", "arm,psci",
};

/* libfdt takes lengths for signed, and lets some below 0 pass. */
static bool lengths_are_good(const void *blob)
{
    for (int node = 0; node >= 0; node = fdt_next_node(blob, node, NULL)) {
        int property, length;
        fdt_for_each_property_offset(property, blob, node)
        {
            if (!fdt_getprop_by_offset(blob, property, NULL, &length) || length < 0)
                return false;
        }
    }
    return true;
}

int devices_blob_check(const void *blob, size_t size)
{
    if (size < sizeof(struct fdt_header))
        return -FDT_ERR_TRUNCATED;
    if (fdt_version(blob) < 17) /* libfdt follows a null pointer in some older ones */
        return fdt_magic(blob) == FDT_MAGIC ? -FDT_ERR_BADVERSION : -FDT_ERR_BADMAGIC;
    int error = fdt_check_full(blob, size);
    return error || lengths_are_good(blob) ? error : -FDT_ERR_BADSTRUCTURE;
}

bool devices_tree_check(const void *tree, size_t size, struct problems *problems)
{
    int error = devices_blob_check(tree, size);
    if (error)
        problem_add(problems, CAVERN_LOG_ERROR, "device tree: %s", fdt_strerror(error));
    return error == 0;
}

static bool is_compatible(const void *tree, int node, const char *compatible)
{
    return fdt_node_check_compatible(tree, node, compatible) == 0;
}

static bool is_enabled(const void *tree, int node)
{
    int length;
    const char *status = fdt_getprop(tree, node, "status", &length);
    return !status || (length == 5 && memcmp(status, "okay", 5) == 0) || (length == 3 && memcmp(status, "ok", 3) == 0);
}

static bool is_of_type(const void *tree, int node, const char *type)
{
    int length;
    const char *value = fdt_getprop(tree, node, "device_type", &length);
    return value && (size_t)length == strlen(type) + 1 && memcmp(value, type, (size_t)length) == 0;
}

static bool is_kernels(const void *tree, int node)
{
    for (size_t i = 0; i < sizeof(kernel_compatibles) / sizeof(kernel_compatibles[0]); i++)
        if (is_compatible(tree, node, kernel_compatibles[i]))
            return true;
    return is_of_type(tree, node, "cpu") || is_of_type(tree, node, "memory");
}

/* Nodes that say something about the machine without being a device. */
static bool is_no_device(const void *tree, int node)
{
    const char *name = fdt_get_name(tree, node, NULL);
    return !name || strcmp(name, "chosen") == 0 || strcmp(name, "aliases") == 0 || strcmp(name, "reserved-memory") == 0;
}

static void match(const void *tree, const struct device_driver *drivers, unsigned driver_count, struct device *device)
{
    int length;
    const char *compatible = fdt_getprop(tree, device->node, "compatible", &length);
    int best = -1;
    if (!compatible || length < 1 || compatible[length - 1])
        return;
    for (unsigned i = 0; i < driver_count; i++) {
        int fit = manifest_match(&drivers[i].manifest, compatible, (size_t)length);
        if (fit >= 0 && (best < 0 || fit < best)) {
            best = fit;
            device->driver = (int)i;
        }
    }
    const char *text = fdt_stringlist_get(tree, device->node, "compatible", best < 0 ? 0 : best, NULL);
    snprintf(device->compatible, sizeof(device->compatible), "%s", text ? text : "");
}

static void device_add(const void *tree, int node, bool kernels, const struct device_driver *drivers,
                       unsigned driver_count, struct devices *devices, struct problems *problems)
{
    const char *name = fdt_get_name(tree, node, NULL);
    if (devices->count == DEVICES_MAX) {
        problem_add(problems, CAVERN_LOG_ERROR, "device tree: more than %d devices, without %s", DEVICES_MAX, name);
        return;
    }
    struct device *device = &devices->list[devices->count++];
    memset(device, 0, sizeof(*device));
    device->node = node;
    device->driver = -1;
    snprintf(device->name, sizeof(device->name), "%s", name);
    match(tree, drivers, driver_count, device);
    if (kernels) {
        device->driver = -1;
        device->state = DEVICE_KERNEL;
    } else if (!is_enabled(tree, node)) {
        device->driver = -1;
        device->state = DEVICE_DISABLED;
    } else {
        device->state = device->driver < 0 ? DEVICE_NO_DRIVER : DEVICE_STARTED;
    }
}

enum cavern_status devices_path(const void *tree, int node, char *path, size_t size)
{
    return fdt_get_path(tree, node, path, (int)size) ? CAVERN_TOO_LARGE : CAVERN_OK;
}

/* One message for all nodes of a kind: `devices` says which they are. */
static void report_driverless(const void *tree, const struct devices *devices, struct problems *problems)
{
    const struct device *end = devices->list + devices->count;
    for (const struct device *device = devices->list; device < end; device++) {
        unsigned before = 0, more = 0;
        for (const struct device *other = devices->list; other < end; other++) {
            if (other->state == DEVICE_NO_DRIVER && strcmp(other->compatible, device->compatible) == 0) {
                before += other < device;
                more += other > device;
            }
        }
        if (device->state != DEVICE_NO_DRIVER || before)
            continue;
        char path[DEVICE_PATH_MAX], others[24] = "";
        if (devices_path(tree, device->node, path, sizeof(path)))
            strcpy(path, device->name);
        if (more)
            snprintf(others, sizeof(others), " and %u more", more);
        problem_add(problems, CAVERN_LOG_INFO, "no driver for %s%s (%s)", path, others, device->compatible);
    }
}

static void report_deviceless(const struct devices *devices, const struct device_driver *drivers, unsigned driver_count,
                              struct problems *problems)
{
    for (unsigned i = 0; i < driver_count; i++) {
        bool used = false;
        for (unsigned device = 0; device < devices->count; device++)
            used = used || devices->list[device].driver == (int)i;
        if (!used)
            problem_add(problems, CAVERN_LOG_INFO, "no device for %s", drivers[i].path);
    }
}

void devices_walk(const void *tree, const struct device_driver *drivers, unsigned driver_count, struct devices *devices,
                  struct problems *problems)
{
    bool kernels[DEPTH_MAX] = {false}; /* of the last node of each depth */
    int skipped = DEPTH_MAX;           /* nodes deeper than this are not looked at */
    int depth = 0;
    devices->count = 0;
    for (int node = fdt_next_node(tree, 0, &depth); node >= 0 && depth > 0; node = fdt_next_node(tree, node, &depth)) {
        if (depth > skipped)
            continue;
        skipped = DEPTH_MAX - 1;
        kernels[depth] = kernels[depth - 1] || is_kernels(tree, node);
        if (is_no_device(tree, node) || !is_enabled(tree, node))
            skipped = depth;
        bool listed = fdt_getprop(tree, node, "compatible", NULL) || kernels[depth];
        if (listed && !is_no_device(tree, node) && !is_compatible(tree, node, "simple-bus"))
            device_add(tree, node, kernels[depth], drivers, driver_count, devices, problems);
    }
    report_driverless(tree, devices, problems);
    report_deviceless(devices, drivers, driver_count, problems);
}

enum cavern_status devices_copy_node(const void *tree, int node, void *copy, size_t size)
{
    int error = fdt_create_empty_tree(copy, (int)size);
    int property;
    fdt_for_each_property_offset(property, tree, node)
    {
        const char *name;
        int length;
        const void *value = fdt_getprop_by_offset(tree, property, &name, &length);
        if (!error)
            error = value ? fdt_setprop(copy, 0, name, value, length) : -FDT_ERR_BADSTRUCTURE;
    }
    return error == -FDT_ERR_NOSPACE ? CAVERN_TOO_LARGE : error ? CAVERN_CORRUPT : CAVERN_OK;
}

bool devices_stdout(const void *tree, char *name, size_t size)
{
    int length;
    int chosen = fdt_path_offset(tree, "/chosen");
    const char *path = chosen < 0 ? NULL : fdt_getprop(tree, chosen, "stdout-path", &length);
    if (!path || length < 1 || path[length - 1])
        return false;
    int node = fdt_path_offset_namelen(tree, path, (int)strcspn(path, ":")); /* an alias, too; options after ':' */
    const char *found = node < 0 ? NULL : fdt_get_name(tree, node, NULL);
    return found && snprintf(name, size, "%s", found) < (int)size;
}

bool devices_list(const struct devices *devices, const struct device_driver *drivers, uint32_t cursor,
                  struct device_list *list)
{
    memset(list, 0, sizeof(*list));
    for (; cursor < devices->count && list->reply.value < DEVICE_INFOS_MAX; cursor++) {
        const struct device *device = &devices->list[cursor];
        struct device_info *info = &list->devices[list->reply.value++];
        strcpy(info->node, device->name);
        strcpy(info->compatible, device->compatible);
        if (device->driver >= 0)
            snprintf(info->driver, sizeof(info->driver), "%s", drivers[device->driver].manifest.driver);
        info->state = (uint32_t)device->state;
        info->status = (uint32_t)device->status;
    }
    list->next = cursor;
    return list->reply.value != 0;
}

bool devices_invariants(const struct devices *devices, unsigned driver_count)
{
    for (unsigned i = 0; i < devices->count; i++) {
        const struct device *device = &devices->list[i];
        bool driven = device->state == DEVICE_STARTED || device->state == DEVICE_FAILED;
        if (!memchr(device->name, 0, sizeof(device->name)) ||
            !memchr(device->compatible, 0, sizeof(device->compatible)) || device->driver >= (int)driver_count ||
            driven != (device->driver >= 0) || (device->status != CAVERN_OK && device->state != DEVICE_FAILED))
            return false;
    }
    return devices->count <= DEVICES_MAX;
}
