/* SPDX-License-Identifier: BSD-2-Clause */
/* Registers and interrupts of one node, as physical addresses and lines (Devicetree Specification 0.4, 2.3 and 2.4). */
#include "devices.h"

#include <string.h>

#include <cavern/memory.h>

#include <libfdt.h>

#define CELL 4
#define PAGE_MASK ((uint64_t)CAVERN_PAGE_SIZE - 1)

enum {
    GIC_SHARED = 0, /* type cell of an interrupt, and where its numbers begin (linux: arm,gic.yaml) */
    GIC_PRIVATE = 1,
    GIC_SHARED_FIRST = 32,
    GIC_PRIVATE_FIRST = 16,
    GIC_NUMBERS = 988,
    GIC_EDGE_FLAGS = 3, /* rising, falling; 4 and 8 are level */
};

static uint32_t cells_property(const void *tree, int node, const char *name, uint32_t absent)
{
    int length;
    const void *cells = fdt_getprop(tree, node, name, &length);
    return cells && length == CELL ? fdt32_ld(cells) : absent;
}

/* A number of one or two cells; the pointer moves on. */
static uint64_t number_take(const uint8_t **at, uint32_t cells)
{
    uint64_t value = 0;
    for (; cells; cells--, *at += CELL)
        value = value << 32 | fdt32_ld((const fdt32_t *)*at);
    return value;
}

static bool cells_good(uint32_t address, uint32_t size)
{
    return address >= 1 && address <= 2 && size <= 2;
}

/* Through the `ranges` of `bus`, from its children's addresses to its parent's. */
static bool translate_once(const void *tree, int bus, int parent, uint64_t *address, uint64_t bytes)
{
    int length;
    const uint8_t *ranges = fdt_getprop(tree, bus, "ranges", &length);
    if (!ranges || length == 0)
        return ranges != NULL; /* an empty one is the identity */
    uint32_t child = cells_property(tree, bus, "#address-cells", 2);
    uint32_t size = cells_property(tree, bus, "#size-cells", 1);
    uint32_t outer = cells_property(tree, parent, "#address-cells", 2);
    if (!cells_good(child, size) || !cells_good(outer, 0) || length % (int)((child + outer + size) * CELL))
        return false;
    for (const uint8_t *at = ranges; at < ranges + length;) {
        uint64_t from = number_take(&at, child);
        uint64_t to = number_take(&at, outer);
        uint64_t span = number_take(&at, size);
        if (*address >= from && *address - from < span && bytes <= span - (*address - from)) {
            *address = to + (*address - from);
            return true;
        }
    }
    return false;
}

static bool translate(const void *tree, int node, uint64_t *address, uint64_t bytes)
{
    for (int bus = fdt_parent_offset(tree, node); bus > 0;) {
        int parent = fdt_parent_offset(tree, bus);
        if (parent < 0 || !translate_once(tree, bus, parent, address, bytes))
            return false;
        bus = parent;
    }
    return *address + bytes >= *address;
}

/* Entry `index` of the node's `reg`. END: there is none. *bytes 0: it is empty, or can't be reached. */
static enum cavern_status reg_read(const void *tree, int node, unsigned index, uint64_t *base, uint64_t *bytes)
{
    int length;
    const uint8_t *reg = fdt_getprop(tree, node, "reg", &length);
    int parent = fdt_parent_offset(tree, node);
    *bytes = 0;
    if (!reg || parent < 0)
        return CAVERN_END;
    uint32_t address = cells_property(tree, parent, "#address-cells", 2);
    uint32_t size = cells_property(tree, parent, "#size-cells", 1);
    if (!cells_good(address, size) || size == 0)
        return CAVERN_END; /* on a bus of its own kind */
    int entry = (int)((address + size) * CELL);
    if (length % entry)
        return CAVERN_CORRUPT;
    if (index >= (unsigned)(length / entry))
        return CAVERN_END;
    const uint8_t *at = reg + index * (unsigned)entry;
    *base = number_take(&at, address);
    *bytes = number_take(&at, size);
    if (!translate(tree, node, base, *bytes))
        *bytes = 0;
    return CAVERN_OK;
}

/* Another node has registers in [first, end). */
static bool others_within(const void *tree, int self, uint64_t first, uint64_t end)
{
    for (int node = fdt_next_node(tree, 0, NULL); node >= 0; node = fdt_next_node(tree, node, NULL)) {
        uint64_t base, bytes;
        for (unsigned i = 0; node != self && reg_read(tree, node, i, &base, &bytes) == CAVERN_OK; i++)
            if (bytes && base < end && base + bytes > first)
                return true;
    }
    return false;
}

/* Rounds a block that is alone in its pages out to them. */
static void round_out(const void *tree, int node, struct device_resources *resources, unsigned index)
{
    uint64_t base = resources->ranges[index].base;
    uint64_t end = base + resources->ranges[index].size;
    uint64_t first = base & ~PAGE_MASK;
    uint64_t last = (end + PAGE_MASK) & ~PAGE_MASK;
    if (first == base && last == end)
        return;
    if (last < end || others_within(tree, node, first, last))
        return;
    resources->ranges[index].base = first;
    resources->ranges[index].size = last - first;
}

static enum cavern_status ranges_read(const void *tree, int node, struct device_resources *resources)
{
    for (unsigned i = 0;; i++) {
        uint64_t base, bytes;
        enum cavern_status status = reg_read(tree, node, i, &base, &bytes);
        if (status)
            return status == CAVERN_END ? CAVERN_OK : status;
        if (!bytes)
            continue;
        if (i >= DEVICE_RANGES_MAX)
            return CAVERN_TOO_LARGE;
        resources->range_count = i + 1;
        resources->ranges[i].base = base;
        resources->ranges[i].size = bytes;
        round_out(tree, node, resources, i);
    }
}

/* Interrupts. */

static bool is_gic(const void *tree, int node)
{
    static const char *const controllers[] = {"arm,cortex-a15-gic", "arm,gic-400", "arm,gic-v3"};
    for (size_t i = 0; i < sizeof(controllers) / sizeof(controllers[0]); i++)
        if (fdt_node_check_compatible(tree, node, controllers[i]) == 0)
            return true;
    return false;
}

/* The nearest interrupt-parent, the node's own or inherited; negative: none. */
static int controller_of(const void *tree, int node)
{
    for (; node >= 0; node = fdt_parent_offset(tree, node)) {
        uint32_t phandle = cells_property(tree, node, "interrupt-parent", 0);
        if (phandle)
            return fdt_node_offset_by_phandle(tree, phandle);
    }
    return -1;
}

static enum cavern_status line_add(struct device_resources *resources, uint32_t type, uint32_t number, uint32_t flags)
{
    if (type > GIC_PRIVATE || number >= GIC_NUMBERS)
        return CAVERN_CORRUPT;
    if (resources->line_count == DEVICE_LINES_MAX)
        return CAVERN_TOO_LARGE;
    unsigned index = resources->line_count++;
    resources->lines[index].line = number + (type == GIC_SHARED ? GIC_SHARED_FIRST : GIC_PRIVATE_FIRST);
    resources->lines[index].trigger = flags & GIC_EDGE_FLAGS ? CAVERN_TRIGGER_EDGE : CAVERN_TRIGGER_LEVEL;
    return CAVERN_OK;
}

/* One interrupt in the cells of `controller`; a controller that is not the machine's gives no line. */
static enum cavern_status line_take(const void *tree, int controller, const uint8_t **at, const uint8_t *end,
                                    struct device_resources *resources)
{
    uint32_t cells = controller < 0 ? 0 : cells_property(tree, controller, "#interrupt-cells", 0);
    if (cells == 0 || (size_t)(end - *at) / CELL < cells)
        return CAVERN_CORRUPT;
    const uint8_t *interrupt = *at;
    *at += cells * CELL;
    if (!is_gic(tree, controller))
        return CAVERN_OK;
    if (cells < 3)
        return CAVERN_CORRUPT;
    uint32_t type = (uint32_t)number_take(&interrupt, 1);
    uint32_t number = (uint32_t)number_take(&interrupt, 1);
    return line_add(resources, type, number, (uint32_t)number_take(&interrupt, 1));
}

static enum cavern_status lines_read(const void *tree, int node, struct device_resources *resources)
{
    int length;
    const uint8_t *at = fdt_getprop(tree, node, "interrupts-extended", &length);
    bool extended = at != NULL;
    if (!extended && !(at = fdt_getprop(tree, node, "interrupts", &length)))
        return CAVERN_OK;
    int controller = extended ? -1 : controller_of(tree, node);
    if (!extended && controller < 0)
        return CAVERN_OK;
    enum cavern_status status = CAVERN_OK;
    for (const uint8_t *end = at + length; at < end && status == CAVERN_OK;) {
        if (extended && end - at < CELL)
            return CAVERN_CORRUPT;
        if (extended)
            controller = fdt_node_offset_by_phandle(tree, (uint32_t)number_take(&at, 1));
        status = line_take(tree, controller, &at, end, resources);
    }
    return status;
}

enum cavern_status devices_resources(const void *tree, int node, struct device_resources *resources)
{
    memset(resources, 0, sizeof(*resources));
    enum cavern_status status = ranges_read(tree, node, resources);
    return status ? status : lines_read(tree, node, resources);
}
