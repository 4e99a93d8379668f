/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One walk over all enabled nodes. The walk keeps the offsets of a node's ancestors, so that registers can be
 * translated through every `ranges` without searching for parents.
 */
#include "boot/device_tree.h"

#include <libfdt.h>
#include <string.h>

#include "core/range.h"

enum {
    DEPTH_MAX = 16, /* nodes below are not looked at */
    CELLS_MAX = 2,
    TIMER_CELLS = 3,
    TIMER_VIRTUAL = 2, /* index of the virtual timer's interrupt; bindings/timer/arm,arch_timer.yaml */
    GIC_SHARED = 0,
    GIC_PRIVATE = 1,
};

struct walk {
    const void *blob;
    struct machine_description *machine;
    int console;    /* offset of its node; negative: none */
    int controller; /* the same */
    int ancestors[DEPTH_MAX];
    int depth;
};

size_t device_tree_size(const void *header)
{
    if (fdt_magic(header) != FDT_MAGIC)
        return 0;
    uint32_t size = fdt_totalsize(header);
    return size >= DEVICE_TREE_HEADER_SIZE && size <= DEVICE_TREE_SIZE_MAX ? size : 0;
}

static size_t larger(size_t a, size_t b)
{
    return a > b ? a : b;
}

size_t device_tree_used(const void *blob)
{
    if (fdt_check_header(blob) || fdt_version(blob) < 17) /* older ones don't say how large the structure is */
        return 0;
    int reservations = fdt_num_mem_rsv(blob);
    if (reservations < 0)
        return 0;
    size_t used = fdt_off_mem_rsvmap(blob) + ((size_t)reservations + 1) * sizeof(struct fdt_reserve_entry);
    used = larger(used, (size_t)fdt_off_dt_struct(blob) + fdt_size_dt_struct(blob));
    used = larger(used, (size_t)fdt_off_dt_strings(blob) + fdt_size_dt_strings(blob));
    return used <= fdt_totalsize(blob) ? used : 0;
}

void device_tree_set_size(void *blob, size_t size)
{
    fdt_set_totalsize(blob, (uint32_t)size);
}

/* A property that is a string, or a list of strings; NULL: there is none. *size: bytes, the last 0 included. */
static const char *string_property(const void *blob, int node, const char *name, size_t *size)
{
    int length;
    const char *value = fdt_getprop(blob, node, name, &length);
    if (!value || length < 1 || value[length - 1])
        return NULL;
    if (size)
        *size = (size_t)length;
    return value;
}

static bool string_is(const void *blob, int node, const char *name, const char *wanted)
{
    const char *value = string_property(blob, node, name, NULL);
    return value && !strcmp(value, wanted);
}

static bool is_compatible(const void *blob, int node, const char *name)
{
    return fdt_node_check_compatible(blob, node, name) == 0;
}

/* A number of 4 or 8 bytes. */
static bool number_property(const void *blob, int node, const char *name, uint64_t *value)
{
    int length;
    const void *p = fdt_getprop(blob, node, name, &length);
    if (!p || (length != 4 && length != 8))
        return false;
    *value = length == 4 ? fdt32_ld(p) : fdt64_ld(p);
    return true;
}

static uint64_t read_cells(const fdt32_t *cells, int count)
{
    uint64_t value = 0;
    for (int i = 0; i < count; i++)
        value = value << 32 | fdt32_ld(&cells[i]);
    return value;
}

/* `ranges` of the ancestor at `depth`: from its children's addresses to its own. */
static bool translate_once(const struct walk *walk, int depth, struct memory_region *region)
{
    int node = walk->ancestors[depth], parent = walk->ancestors[depth - 1], length;
    const fdt32_t *ranges = fdt_getprop(walk->blob, node, "ranges", &length);
    if (!ranges || !length)
        return ranges;
    int inner = fdt_address_cells(walk->blob, node), sizes = fdt_size_cells(walk->blob, node);
    int outer = fdt_address_cells(walk->blob, parent);
    if (inner < 1 || inner > CELLS_MAX || sizes < 1 || sizes > CELLS_MAX || outer < 1 || outer > CELLS_MAX)
        return false;
    int entry = inner + outer + sizes;
    for (int left = length / 4; left >= entry; left -= entry, ranges += entry) {
        uint64_t start = read_cells(ranges, inner);
        uint64_t size = read_cells(ranges + inner + outer, sizes);
        if (range_within(region->base, region->size, start, size)) {
            region->base = region->base - start + read_cells(ranges + inner, outer);
            return true;
        }
    }
    return false;
}

/* The physical addresses of `reg`: as many as fit, but all are counted. False: one can't be understood. */
static bool read_registers(const struct walk *walk, int node, struct memory_region *regions, size_t max, size_t *count)
{
    if (walk->depth == 0) /* the root: a blob may name it as console or interrupt controller */
        return false;
    int length, parent = walk->ancestors[walk->depth - 1];
    const fdt32_t *reg = fdt_getprop(walk->blob, node, "reg", &length);
    int addresses = fdt_address_cells(walk->blob, parent), sizes = fdt_size_cells(walk->blob, parent);
    if (!reg)
        return true;
    if (addresses < 1 || addresses > CELLS_MAX || sizes < 1 || sizes > CELLS_MAX)
        return false;
    if (length < 0 || length % (4 * (addresses + sizes))) /* libfdt lets some below 0 pass */
        return false;
    for (int left = length / 4; left; left -= addresses + sizes, reg += addresses + sizes) {
        struct memory_region region = {read_cells(reg, addresses), read_cells(reg + addresses, sizes)};
        for (int depth = walk->depth - 1; depth > 0; depth--)
            if (!translate_once(walk, depth, &region))
                return false;
        if (!range_valid(region.base, region.size))
            return false;
        if (region.size && (*count)++ < max)
            regions[*count - 1] = region;
    }
    return true;
}

static const char *visit_memory(struct walk *walk, int node)
{
    struct machine_description *machine = walk->machine;
    if (!string_is(walk->blob, node, "device_type", "memory"))
        return NULL;
    if (!read_registers(walk, node, machine->ram, MACHINE_RAM_MAX, &machine->ram_count))
        return "device tree: the memory node is damaged";
    if (machine->ram_count > MACHINE_RAM_MAX)
        return "device tree: too many regions of RAM";
    return NULL;
}

static const char *visit_reserved(struct walk *walk, int node)
{
    struct machine_description *machine = walk->machine;
    if (!read_registers(walk, node, machine->reserved, MACHINE_RESERVED_MAX, &machine->reserved_count))
        return "device tree: reserved memory is damaged";
    if (machine->reserved_count > MACHINE_RESERVED_MAX)
        return "device tree: too many pieces of reserved memory";
    return NULL;
}

static const char *visit_timer(struct walk *walk, int node)
{
    int length;
    if (!is_compatible(walk->blob, node, "arm,armv8-timer") && !is_compatible(walk->blob, node, "arm,armv7-timer"))
        return NULL;
    const fdt32_t *cells = fdt_getprop(walk->blob, node, "interrupts", &length);
    if (!cells || length < 4 * TIMER_CELLS * (TIMER_VIRTUAL + 1))
        return "device tree: the timer has no virtual interrupt";
    uint32_t type = fdt32_ld(&cells[TIMER_VIRTUAL * TIMER_CELLS]);
    uint32_t number = fdt32_ld(&cells[TIMER_VIRTUAL * TIMER_CELLS + 1]);
    if (type != GIC_PRIVATE || number >= 16)
        return "device tree: the timer's interrupt is not the CPU's own";
    walk->machine->timer_line = 16 + number;
    return NULL;
}

static const char *visit_firmware(struct walk *walk, int node)
{
    if (!is_compatible(walk->blob, node, "arm,psci-0.2") && !is_compatible(walk->blob, node, "arm,psci-1.0"))
        return NULL; /* older ones can't power off */
    if (string_is(walk->blob, node, "method", "hvc"))
        walk->machine->firmware = FIRMWARE_HVC;
    else if (string_is(walk->blob, node, "method", "smc"))
        walk->machine->firmware = FIRMWARE_SMC;
    return NULL;
}

static bool describe(const struct walk *walk, int node, struct device_description *device)
{
    device->compatible = string_property(walk->blob, node, "compatible", &device->compatible_size);
    return device->compatible &&
           read_registers(walk, node, device->registers, MACHINE_REGISTERS_MAX, &device->register_count) &&
           device->register_count <= MACHINE_REGISTERS_MAX;
}

/* The node's name, or its part before the unit address, is `wanted`. */
static bool is_named(const struct walk *walk, int depth, const char *wanted)
{
    int length;
    const char *name = fdt_get_name(walk->blob, walk->ancestors[depth], &length);
    size_t wanted_length = strlen(wanted);
    return name && !strncmp(name, wanted, wanted_length) && (!name[wanted_length] || name[wanted_length] == '@');
}

static bool is_enabled(const struct walk *walk)
{
    for (int depth = 1; depth <= walk->depth; depth++) {
        int node = walk->ancestors[depth], length;
        if (fdt_getprop(walk->blob, node, "status", &length) && !string_is(walk->blob, node, "status", "okay") &&
            !string_is(walk->blob, node, "status", "ok"))
            return false;
    }
    return true;
}

static const char *visit_controller(struct walk *walk, int node)
{
    return describe(walk, node, &walk->machine->interrupt_controller)
               ? NULL
               : "device tree: the interrupt controller's node is damaged";
}

static const char *visit_console(struct walk *walk, int node)
{
    if (!describe(walk, node, &walk->machine->console))
        walk->machine->console.compatible = NULL;
    return NULL;
}

/* `reg` is the affinity. bindings/arm/cpus.yaml */
static const char *visit_cpu(struct walk *walk, int node)
{
    struct machine_description *machine = walk->machine;
    int length, cells = fdt_address_cells(walk->blob, walk->ancestors[walk->depth - 1]);
    const fdt32_t *reg = fdt_getprop(walk->blob, node, "reg", &length);
    if (!string_is(walk->blob, node, "device_type", "cpu"))
        return NULL;
    if (!reg || cells < 1 || cells > CELLS_MAX || length != 4 * cells)
        return "device tree: a CPU's node is damaged";
    if (machine->cpus < CAVERN_CPUS_MAX)
        machine->cpu_ids[machine->cpus] = read_cells(reg, cells);
    machine->cpus++;
    return NULL;
}

/* By place and name alone, without a look at properties; NULL: the node is of no interest. */
static const char *(*visitor_of(const struct walk *walk, int node))(struct walk *walk, int node)
{
    if (node == walk->controller)
        return visit_controller;
    if (node == walk->console)
        return visit_console;
    if (walk->depth == 2 && is_named(walk, 1, "reserved-memory"))
        return visit_reserved;
    if (walk->depth == 2 && is_named(walk, 1, "cpus"))
        return visit_cpu;
    if (walk->depth == 1 && is_named(walk, 1, "memory"))
        return visit_memory;
    if (walk->depth == 1 && is_named(walk, 1, "timer"))
        return visit_timer;
    if (walk->depth == 1 && is_named(walk, 1, "psci"))
        return visit_firmware;
    return NULL;
}

/* Visits what is of interest and enabled, as all its ancestors are. */
static const char *walk_all(struct walk *walk)
{
    int depth = -1, node;
    for (node = fdt_next_node(walk->blob, -1, &depth); node >= 0 && depth >= 0;
         node = fdt_next_node(walk->blob, node, &depth)) {
        if (depth >= DEPTH_MAX) {
            if (node == walk->controller || node == walk->console)
                return "device tree: the interrupt controller, or the console, stands too deep";
            continue;
        }
        walk->ancestors[depth] = node;
        walk->depth = depth;
        const char *(*visitor)(struct walk *, int) = visitor_of(walk, node);
        const char *error = visitor && is_enabled(walk) ? visitor(walk, node) : NULL;
        if (error)
            return error;
    }
    return node < 0 && node != -FDT_ERR_NOTFOUND ? "device tree: its structure is damaged" : NULL;
}

static const char *read_ramdisk(const void *blob, int chosen, struct machine_description *machine)
{
    uint64_t start, end;
    if (!number_property(blob, chosen, "linux,initrd-start", &start) ||
        !number_property(blob, chosen, "linux,initrd-end", &end) || start == end)
        return NULL;
    if (end < start)
        return "device tree: the RAM disk ends before it starts";
    machine->ramdisk = (struct memory_region){start, end - start};
    return NULL;
}

static const char *read_chosen(struct walk *walk)
{
    const void *blob = walk->blob;
    int chosen = fdt_path_offset(blob, "/chosen");
    if (chosen < 0)
        return NULL;
    const char *bootargs = string_property(blob, chosen, "bootargs", NULL);
    if (bootargs)
        walk->machine->bootargs = bootargs;
    const char *console = string_property(blob, chosen, "stdout-path", NULL);
    if (console) {
        const char *options = strchr(console, ':');
        walk->console =
            fdt_path_offset_namelen(blob, console, options ? (int)(options - console) : (int)strlen(console));
    }
    int length;
    const void *seed = fdt_getprop(blob, chosen, "kaslr-seed", &length);
    if (seed && length >= 8)
        walk->machine->seed = fdt64_ld(seed);
    return read_ramdisk(blob, chosen, walk->machine);
}

static void find_controller(struct walk *walk)
{
    uint64_t phandle;
    walk->controller = -1;
    if (number_property(walk->blob, 0, "interrupt-parent", &phandle) && phandle <= UINT32_MAX)
        walk->controller = fdt_node_offset_by_phandle(walk->blob, (uint32_t)phandle);
}

static const char *read_reservations(const void *blob, struct machine_description *machine)
{
    int count = fdt_num_mem_rsv(blob);
    for (int i = 0; i < count; i++) {
        struct memory_region *region = &machine->reserved[machine->reserved_count];
        if (machine->reserved_count == MACHINE_RESERVED_MAX)
            return "device tree: too many pieces of reserved memory";
        if (fdt_get_mem_rsv(blob, i, &region->base, &region->size) || !range_valid(region->base, region->size))
            return "device tree: the reservation block is damaged";
        machine->reserved_count += region->size != 0;
    }
    return NULL;
}

static bool is_reached(const struct memory_region *regions, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!range_within(regions[i].base, regions[i].size, 0, MACHINE_PHYSICAL_END))
            return false;
    return true;
}

static const char *check(const struct machine_description *machine)
{
    const struct device_description *controller = &machine->interrupt_controller, *console = &machine->console;
    if (!machine->ram_count)
        return "device tree: no memory";
    for (size_t i = 0; i < machine->ram_count; i++)
        for (size_t j = 0; j < i; j++)
            if (range_overlaps(machine->ram[i].base, machine->ram[i].size, machine->ram[j].base, machine->ram[j].size))
                return "device tree: memory is listed twice";
    if (!machine->interrupt_controller.compatible)
        return "device tree: no interrupt controller";
    if (!machine->timer_line)
        return "device tree: no timer";
    if (!is_reached(machine->ram, machine->ram_count) ||
        !is_reached(controller->registers, controller->register_count) ||
        (console->compatible && !is_reached(console->registers, console->register_count)))
        return "device tree: an address has too many bits";
    return NULL;
}

const char *device_tree_read(const void *blob, struct machine_description *machine)
{
    struct walk walk = {.blob = blob, .machine = machine, .console = -1};
    *machine = (struct machine_description){.model = "unknown machine", .bootargs = ""};
    if (!device_tree_used(blob))
        return "device tree: its header is damaged";
    const char *model = string_property(blob, 0, "model", NULL);
    if (!model)
        model = string_property(blob, 0, "compatible", NULL);
    if (model)
        machine->model = model;
    const char *error = read_reservations(blob, machine);
    if (!error)
        error = read_chosen(&walk);
    if (error)
        return error;
    find_controller(&walk);
    error = walk_all(&walk);
    return error ? error : check(machine);
}

static void move(const char **string, const void *from, const void *to)
{
    uintptr_t offset = (uintptr_t)*string - (uintptr_t)from;
    if (*string && offset < DEVICE_TREE_SIZE_MAX)
        *string = (const char *)to + offset;
}

void device_tree_moved(struct machine_description *machine, const void *from, const void *to)
{
    move(&machine->model, from, to);
    move(&machine->bootargs, from, to);
    move(&machine->interrupt_controller.compatible, from, to);
    move(&machine->console.compatible, from, to);
}
