/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From head.S to the first process: `boot` at the end is the list of all that is set up, in order. Whatever is missing
 * or wrong ends in a panic that says what.
 */
#include "boot/boot.h"

#include <string.h>

#include <cavern/machine.h>
#include <cavern/memory.h>
#include <cavern/version.h>

#include "arch/aarch64/cpu.h"
#include "arch/aarch64/mmu.h"
#include "arch/aarch64/timer.h"
#include "arch/arch.h"
#include "boot/device_tree.h"
#include "boot/first_process.h"
#include "boot/options.h"
#include "core/range.h"
#include "object/account.h"
#include "object/buffer.h"
#include "object/dma.h"
#include "object/interrupt.h"
#include "object/machine.h"
#include "object/memory.h"
#include "platform/machine_description.h"
#include "platform/platform.h"
#include "platform/setup.h"

#define KIB 1024
#define MIB (1024 * KIB)
#define RAM_MIN (16 * MIB) /* beside kernel and RAM disk; without it not even the egg can do anything */

/* head.S comes here, once: physical address of the device tree, exception level at which the image was entered. */
_Noreturn void boot(uint64_t tree, unsigned level);

static struct machine_description description;
static struct memory_region tree_region; /* the bytes in use, where the loader put them */
static const void *tree_blob;

/* Called too when there is enough at first sight, but what is built runs out of it. */
void boot_out_of_memory(void)
{
    uint64_t listed = 0, image, image_size;
    for (size_t i = 0; i < description.ram_count; i++)
        listed += description.ram[i].size;
    kernel_image_range(&image, &image_size);
    panic("too little RAM: %lu KiB, at least %lu KiB needed", (unsigned long)listed / KIB,
          (unsigned long)(RAM_MIN + image_size + description.ramdisk.size + MIB) / KIB);
}

static struct memory_region whole_pages(struct memory_region region)
{
    uint64_t start = align_down(region.base, CAVERN_PAGE_SIZE);
    uint64_t end = align_up(region.base + region.size, CAVERN_PAGE_SIZE);
    return (struct memory_region){start, end - start};
}

static void map_whole_pages(uint64_t base, uint64_t size)
{
    struct memory_region pages = whole_pages((struct memory_region){base, size});
    kernel_map_ram(pages.base, pages.size);
}

/* --- device tree --- */

static void read_device_tree(uint64_t physical)
{
    if (!physical || !is_aligned(physical, 8) || physical > MACHINE_PHYSICAL_END - DEVICE_TREE_SIZE_MAX)
        panic("device tree: the loader gave none");
    map_whole_pages(physical, DEVICE_TREE_HEADER_SIZE);
    tree_blob = arch_direct(physical);
    size_t size = device_tree_size(tree_blob);
    if (!size)
        panic("device tree: none where the loader said");
    map_whole_pages(physical, size);
    const char *error = device_tree_read(tree_blob, &description);
    if (error)
        panic("%s", error);
    tree_region = (struct memory_region){physical, device_tree_used(tree_blob)};
}

/* A copy, page aligned, as a buffer can be made of. */
static void copy_device_tree(void)
{
    uint64_t pages = align_up(tree_region.size, CAVERN_PAGE_SIZE) / CAVERN_PAGE_SIZE, physical;
    if (!memory_take_run(pages, &physical))
        boot_out_of_memory();
    void *copy = arch_direct(physical);
    memcpy(copy, tree_blob, tree_region.size);
    device_tree_set_size(copy, tree_region.size);
    device_tree_moved(&description, tree_blob, copy);
    struct memory_region old = whole_pages(tree_region);
    memory_give(old.base, old.size / CAVERN_PAGE_SIZE);
    tree_region.base = physical;
}

/* --- RAM --- */

static void map_ram(void)
{
    for (size_t i = 0; i < description.ram_count; i++) {
        const struct memory_region *ram = &description.ram[i];
        uint64_t start = align_up(ram->base, CAVERN_PAGE_SIZE);
        uint64_t end = align_down(ram->base + ram->size, CAVERN_PAGE_SIZE);
        if (start < end)
            kernel_map_ram(start, end - start);
    }
}

static bool is_in_ram(const struct memory_region *region)
{
    for (size_t i = 0; i < description.ram_count; i++)
        if (range_within(region->base, region->size, description.ram[i].base, description.ram[i].size))
            return true;
    return false;
}

static void check_ramdisk(const struct memory_region *image, const struct memory_region *tree)
{
    const struct memory_region *disk = &description.ramdisk;
    if (!disk->size)
        panic("no RAM disk: start with -initrd");
    struct memory_region pages = whole_pages(*disk);
    if (!is_aligned(disk->base, CAVERN_PAGE_SIZE) || !is_in_ram(&pages))
        panic("RAM disk: %lx is not the start of a page of RAM", (unsigned long)disk->base);
    if (range_overlaps(pages.base, pages.size, image->base, image->size) ||
        range_overlaps(pages.base, pages.size, tree->base, tree->size))
        panic("RAM disk: it overlaps the kernel or the device tree");
}

static void start_memory(void)
{
    struct memory_region used[MACHINE_RESERVED_MAX + 3], *next = used;
    struct memory_region image, tree = whole_pages(tree_region);
    kernel_image_range(&image.base, &image.size);
    check_ramdisk(&image, &tree);
    *next++ = image;
    *next++ = tree;
    *next++ = whole_pages(description.ramdisk);
    for (size_t i = 0; i < description.reserved_count; i++)
        *next++ = whole_pages(description.reserved[i]);
    if (!memory_init(description.ram, description.ram_count, used, (size_t)(next - used)) || memory_free() < RAM_MIN)
        boot_out_of_memory();
    kernel_map_use_allocator();
}

/* --- devices --- */

static void start_interrupts(void)
{
    const struct device_description *controller = &description.interrupt_controller;
    platform_interrupts_init(&description);
    for (size_t i = 0; i < controller->register_count; i++)
        if (!memory_exclude(controller->registers[i].base, controller->registers[i].size))
            panic("interrupt controller: too many registers");
}

/* What addresses are drawn from: what the loader gave and the time, if nothing else is asked for. */
static void seed_draws(void)
{
    uint64_t seed = description.seed ^ arch_now();
    (void)!option_number(description.bootargs, "seed", &seed);
    buffer_seed(seed);
}

static void limit_address_spaces(void)
{
    uint64_t asids;
    if (option_number(description.bootargs, "asids", &asids) && !address_spaces_limit(asids))
        log_write(CAVERN_LOG_WARNING, "asids: too few");
}

static void open_counters(void)
{
    if (option_given(description.bootargs, "pmu") && !cpu_open_counters())
        log_write(CAVERN_LOG_WARNING, "pmu: this CPU has no performance counters");
}

static void say_hello(unsigned level)
{
    log_write(CAVERN_LOG_INFO, "Cavern " CAVERN_VERSION ", entered at EL%u", level);
    log_write(CAVERN_LOG_INFO, "%s: %s, %u CPU%s, %lu MiB of RAM, %s", description.model, cpu_name(),
              scheduler.cpu_count, scheduler.cpu_count == 1 ? "" : "s", (unsigned long)memory_total() / MIB,
              platform_interrupts_name());
    if (scheduler.cpu_count < description.cpus)
        log_write(CAVERN_LOG_WARNING, "%u of %u CPUs stay off", description.cpus - scheduler.cpu_count,
                  description.cpus);
    if (description.firmware == FIRMWARE_NONE)
        log_write(CAVERN_LOG_WARNING, "no PSCI: the machine can't be powered off");
}

/* --- the first process --- */

static struct account *make_root(void)
{
    struct account *root = account_root_create();
    if (!root || !machine_create(root))
        boot_out_of_memory();
    machine->cpus_present = description.cpus;
    return root;
}

static void start_first_process(struct account *root)
{
    const struct memory_region *disk = &description.ramdisk;
    struct first_process first = {
        .root = root,
        .devices = buffer_devices(root),
        .interrupts = interrupt_range_create(root),
        .dma = dma_create(root),
        .machine = machine,
        .ramdisk = buffer_adopt(root, disk->base, disk->size),
        .device_tree = buffer_adopt(root, tree_region.base, tree_region.size),
        .ramdisk_size = disk->size,
        .bootargs = description.bootargs,
    };
    if (!first.devices || !first.interrupts || !first.dma || !first.ramdisk || !first.device_tree)
        boot_out_of_memory();
    first_process_start(&first);
}

/* True: there are others now. */
static bool start_cpus(void)
{
    unsigned known = description.cpus < CAVERN_CPUS_MAX ? description.cpus : CAVERN_CPUS_MAX;
    if (known < description.cpus)
        log_write(CAVERN_LOG_WARNING, "%u CPUs stay off: no more than %u are served", description.cpus - known,
                  CAVERN_CPUS_MAX);
    return cpus_start(description.cpu_ids, known);
}

KERNEL_LOCK_UNCHECKED void boot(uint64_t tree, unsigned level)
{
    kernel_map_init();
    cpu_init();
    timer_init();
    read_device_tree(tree);
    platform_console_init(&description);
    platform_power_init(&description);
    map_ram();
    start_memory();
    device_window_init();
    copy_device_tree();
    context_disable_vector();
    seed_draws();
    start_interrupts();
    scheduler_init(arch_cpu());
    struct account *root = make_root(); /* and the log */
    limit_address_spaces();
    open_counters();
    bool shared = start_cpus();
    say_hello(level);
    start_first_process(root);
    if (shared)
        trap_leave_shared();
    trap_leave();
}
