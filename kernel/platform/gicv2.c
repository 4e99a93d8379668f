/* SPDX-License-Identifier: BSD-2-Clause */
/* GICv2 (Arm IHI 0048B): a distributor and, at one address for all CPUs, each one's own interface. */
#include "arch/aarch64/mmu.h"
#include "object/machine.h"
#include "platform/controller.h"
#include "platform/gic.h"
#include "platform/machine_description.h"
#include "platform/mmio.h"
#include "platform/platform.h"

#define DISTRIBUTOR_SIZE 0x1000
#define INTERFACE_SIZE 0x1000
#define GICD_ITARGETSR 0x800
#define GICC_HPPIR 0x18
#define GICD_SGIR 0xf00
#define SGIR_TARGETS_SHIFT 16
#define CPUS_MAX_V2 8
#define GICC_CTLR 0x00
#define GICC_PMR 0x04
#define GICC_IAR 0x0c
#define GICC_EOIR 0x10
#define ENABLE 1
#define IAR_LINE 0x3ff

static volatile void *distributor;
static volatile void *interface;
static uint32_t targets[CPUS_MAX_V2]; /* bit of each CPU, as the distributor counts them */
static uint32_t claimed;              /* with the CPU that has sent it, if another has */

static void init_cpu(unsigned cpu)
{
    targets[cpu] = mmio_read32(distributor, GICD_ITARGETSR) & 0xff;
    gic_quiet(distributor, 0, GIC_PRIVATE_LINES);
    mmio_write32(distributor, GICD_ISENABLER, 1u << CONTROLLER_KICK);
    mmio_write32(interface, GICC_PMR, GIC_THRESHOLD);
    mmio_write32(interface, GICC_CTLR, ENABLE);
}

static void init(const struct machine_description *description)
{
    const struct device_description *device = &description->interrupt_controller;
    if (device->register_count < 2)
        panic("interrupt controller: registers are missing");
    distributor = kernel_map_device(device->registers[0].base, DISTRIBUTOR_SIZE);
    interface = kernel_map_device(device->registers[1].base, INTERFACE_SIZE);
    unsigned lines = gic_lines(distributor);

    mmio_write32(distributor, GICD_CTLR, 0);
    gic_quiet(distributor, 0, lines);
    uint32_t self = mmio_read32(distributor, GICD_ITARGETSR); /* of a private line: the CPU that reads */
    for (unsigned line = GIC_PRIVATE_LINES; line < lines; line += 4)
        mmio_write32(distributor, GICD_ITARGETSR + line, self);
    mmio_write32(distributor, GICD_CTLR, ENABLE);
    init_cpu(0);
}

static unsigned lines(void)
{
    return gic_lines(distributor);
}

static unsigned claim(void)
{
    claimed = mmio_read32(interface, GICC_IAR);
    uint32_t line = claimed & IAR_LINE;
    return line < GIC_LINES_MAX ? line : PLATFORM_NO_LINE;
}

static void complete(unsigned line)
{
    (void)line;
    mmio_write32(interface, GICC_EOIR, claimed);
}

static void kick(unsigned cpu)
{
    mmio_write32(distributor, GICD_SGIR, targets[cpu] << SGIR_TARGETS_SHIFT | CONTROLLER_KICK);
}

/* One for each CPU that has kicked. */
static void forget_kicks(void)
{
    while ((mmio_read32(interface, GICC_HPPIR) & IAR_LINE) == CONTROLLER_KICK)
        mmio_write32(interface, GICC_EOIR, mmio_read32(interface, GICC_IAR));
}

static void route(unsigned line, unsigned cpu)
{
    mmio_write8(distributor, GICD_ITARGETSR + line, (uint8_t)targets[cpu]);
}

static void mask(unsigned line)
{
    gic_mask(distributor, line);
}

static void unmask(unsigned line)
{
    gic_unmask(distributor, line);
}

static bool trigger(unsigned line, unsigned trigger)
{
    return gic_trigger(distributor, line, trigger);
}

static const char *const compatible[] = {"arm,gic-400", "arm,cortex-a15-gic", NULL};

const struct interrupt_controller gicv2 = {
    .name = "GICv2",
    .compatible = compatible,
    .init = init,
    .cpus_max = CPUS_MAX_V2,
    .init_cpu = init_cpu,
    .kick = kick,
    .forget_kicks = forget_kicks,
    .route = route,
    .lines = lines,
    .claim = claim,
    .complete = complete,
    .mask = mask,
    .unmask = unmask,
    .trigger = trigger,
};
