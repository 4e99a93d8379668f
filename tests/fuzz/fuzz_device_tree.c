/* SPDX-License-Identifier: BSD-2-Clause */
/* What the firmware hands over, as the kernel reads it before anything else: at most DEVICE_TREE_SIZE_MAX bytes. */
#include "fuzz.h"

#include "boot/device_tree.h"
#include "core/range.h"

static void check_regions(const struct memory_region *regions, size_t count, size_t most)
{
    DEMAND(count <= most);
    for (size_t i = 0; i < count; i++)
        DEMAND(regions[i].size && range_valid(regions[i].base, regions[i].size));
}

static void check_string(const char *text, const uint8_t *blob, size_t size)
{
    size_t offset = (size_t)((const uint8_t *)text - blob);
    DEMAND(offset >= size || memchr(text, 0, size - offset)); /* or it is a constant */
}

static void check_device(const struct device_description *device, const uint8_t *blob, size_t size)
{
    if (!device->compatible)
        return;
    size_t offset = (size_t)((const uint8_t *)device->compatible - blob);
    DEMAND(offset < size && device->compatible_size && device->compatible_size <= size - offset);
    DEMAND(!device->compatible[device->compatible_size - 1]);
    check_regions(device->registers, device->register_count, MACHINE_REGISTERS_MAX);
}

static void check_machine(const struct machine_description *machine, const uint8_t *blob, size_t size)
{
    check_regions(machine->ram, machine->ram_count, MACHINE_RAM_MAX);
    check_regions(machine->reserved, machine->reserved_count, MACHINE_RESERVED_MAX);
    DEMAND(machine->ram_count && machine->interrupt_controller.compatible);
    DEMAND(machine->timer_line >= 16 && machine->timer_line < 32);
    check_string(machine->model, blob, size);
    check_string(machine->bootargs, blob, size);
    check_device(&machine->interrupt_controller, blob, size);
    check_device(&machine->console, blob, size);
}

/* As the boot code does: the used part is copied, and the description follows. */
static void check_move(struct machine_description *machine, const uint8_t *blob)
{
    static struct machine_description again;
    size_t used = device_tree_used(blob);
    DEMAND(used >= DEVICE_TREE_HEADER_SIZE);
    uint8_t *copy = malloc(used);
    DEMAND(copy);
    memcpy(copy, blob, used);
    device_tree_set_size(copy, used);
    device_tree_moved(machine, blob, copy);
    check_machine(machine, copy, used);
    DEMAND(!device_tree_read(copy, &again));
    DEMAND(again.ram_count == machine->ram_count && again.console.compatible == machine->console.compatible);
    free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct machine_description machine;
    struct input input = {data, size};
    size_t length = size;
    uint8_t *blob = input_bytes(&input, &length);
    size_t claimed = length >= DEVICE_TREE_HEADER_SIZE ? device_tree_size(blob) : 0;
    DEMAND(claimed <= DEVICE_TREE_SIZE_MAX);
    if (claimed && claimed <= length && !device_tree_read(blob, &machine)) {
        check_machine(&machine, blob, claimed);
        check_move(&machine, blob);
    }
    free(blob);
    return 0;
}
