/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * GICv3 (Arm IHI 0069H): a distributor for shared lines, for each CPU a redistributor with its private ones, and the
 * CPU interface in system registers.
 */
#include "arch/aarch64/mmu.h"
#include "arch/aarch64/system_registers.h"
#include "arch/aarch64/waiting.h"
#include "object/machine.h"
#include "object/scheduler.h"
#include "platform/controller.h"
#include "platform/gic.h"
#include "platform/machine_description.h"
#include "platform/mmio.h"
#include "platform/platform.h"

#define DISTRIBUTOR_SIZE 0x10000
#define GICD_CTLR_ON 0x13 /* affinity routing, groups */
#define GICD_CTLR_RWP (1u << 31)
#define GICD_IROUTER 0x6000

#define GICR_FRAME 0x10000 /* two of them: control, private lines; four when GICR_TYPER.VLPIS */
#define GICR_TYPER 0x08
#define GICR_TYPER_VLPIS (1 << 1)
#define GICR_TYPER_LAST (1 << 4)
#define GICR_WAKER 0x14
#define GICR_WAKER_SLEEP (1 << 1)
#define GICR_WAKER_ASLEEP (1 << 2)

#define ICC_HPPIR1_EL1 S3_0_C12_C12_2
#define ICC_SGI1R_EL1 S3_0_C12_C11_5
#define ICC_PMR_EL1 S3_0_C4_C6_0
#define ICC_IAR1_EL1 S3_0_C12_C12_0
#define ICC_EOIR1_EL1 S3_0_C12_C12_1
#define ICC_BPR1_EL1 S3_0_C12_C12_3
#define ICC_CTLR_EL1 S3_0_C12_C12_4
#define ICC_SRE_EL1 S3_0_C12_C12_5
#define ICC_IGRPEN1_EL1 S3_0_C12_C12_7

#define PATIENCE 1000000

static volatile void *distributor;
static const struct device_description *controller;
static volatile void *private_lines[CAVERN_CPUS_MAX]; /* of each CPU: like the first 32 of a distributor */
static uint64_t affinity[CAVERN_CPUS_MAX];            /* MPIDR_EL1's Aff3 to Aff0, where they stand there */

static void wait_clear(volatile void *registers, uint64_t offset, uint32_t bits)
{
    for (unsigned i = 0; mmio_read32(registers, offset) & bits; i++) {
        if (i == PATIENCE)
            panic("interrupt controller: it does not react");
        wait_moment();
    }
}

static volatile void *find_redistributor(uint64_t mpidr)
{
    uint32_t wanted = (uint32_t)(mpidr >> 32 & 0xff) << 24 | (mpidr & 0xffffff); /* as in GICR_TYPER's upper half */
    for (size_t i = 1; i < controller->register_count; i++) {
        struct memory_region region = controller->registers[i];
        uint64_t size = 2 * GICR_FRAME;
        for (uint64_t offset = 0; offset + size <= region.size; offset += size) {
            volatile void *frame = kernel_map_device(region.base + offset, 2 * GICR_FRAME);
            uint64_t typer = mmio_read64(frame, GICR_TYPER);
            if (typer >> 32 == wanted)
                return frame;
            if (typer & GICR_TYPER_LAST)
                break;
            size = typer & GICR_TYPER_VLPIS ? 4 * GICR_FRAME : 2 * GICR_FRAME;
        }
    }
    panic("interrupt controller: no redistributor for this CPU");
}

static void redistributor_init(unsigned cpu)
{
    affinity[cpu] = system_register_read(mpidr_el1) & MPIDR_AFFINITY;
    volatile void *frame = find_redistributor(affinity[cpu]);
    mmio_write32(frame, GICR_WAKER, mmio_read32(frame, GICR_WAKER) & ~GICR_WAKER_SLEEP);
    wait_clear(frame, GICR_WAKER, GICR_WAKER_ASLEEP);
    private_lines[cpu] = (volatile char *)frame + GICR_FRAME;
    mmio_write32(private_lines[cpu], GICD_IGROUPR, ~0u);
    gic_quiet(private_lines[cpu], 0, GIC_PRIVATE_LINES);
    mmio_write32(private_lines[cpu], GICD_ISENABLER, 1u << CONTROLLER_KICK);
    wait_clear(frame, GICD_CTLR, 1 << 3); /* GICR_CTLR.RWP */
}

static void distributor_init(void)
{
    unsigned lines = gic_lines(distributor);
    mmio_write32(distributor, GICD_CTLR, 0);
    wait_clear(distributor, GICD_CTLR, GICD_CTLR_RWP);
    gic_quiet(distributor, GIC_PRIVATE_LINES, lines);
    for (unsigned line = GIC_PRIVATE_LINES; line < lines; line += 32)
        mmio_write32(distributor, GICD_IGROUPR + line / 8, ~0u);
    mmio_write32(distributor, GICD_CTLR, GICD_CTLR_ON);
    wait_clear(distributor, GICD_CTLR, GICD_CTLR_RWP);
    uint64_t self = system_register_read(mpidr_el1) & MPIDR_AFFINITY;
    for (unsigned line = GIC_PRIVATE_LINES; line < lines; line++)
        mmio_write64(distributor, GICD_IROUTER + line * 8, self);
}

static void interface_init(void)
{
    system_register_write(ICC_SRE_EL1, 7);
    barrier_instruction();
    if (!(system_register_read(ICC_SRE_EL1) & 1))
        panic("interrupt controller: no system registers");
    system_register_write(ICC_PMR_EL1, GIC_THRESHOLD);
    system_register_write(ICC_BPR1_EL1, 0);
    system_register_write(ICC_CTLR_EL1, 0); /* the end of an interrupt is one write */
    system_register_write(ICC_IGRPEN1_EL1, 1);
    barrier_instruction();
}

static void init_cpu(unsigned cpu)
{
    redistributor_init(cpu);
    interface_init();
}

static void init(const struct machine_description *description)
{
    const struct device_description *device = &description->interrupt_controller;
    if (device->register_count < 2)
        panic("interrupt controller: registers are missing");
    if (!(system_register_read(id_aa64pfr0_el1) >> 24 & 15))
        panic("interrupt controller: the CPU has no GICv3 interface");
    distributor = kernel_map_device(device->registers[0].base, DISTRIBUTOR_SIZE);
    controller = device;
    distributor_init();
    init_cpu(0);
}

static volatile void *registers_of(unsigned line)
{
    return line < GIC_PRIVATE_LINES ? private_lines[arch_cpu()->number] : distributor;
}

static unsigned lines(void)
{
    return gic_lines(distributor);
}

static unsigned claim(void)
{
    uint64_t line = system_register_read(ICC_IAR1_EL1);
    barrier_complete();
    return line < GIC_LINES_MAX ? (unsigned)line : PLATFORM_NO_LINE;
}

static void complete(unsigned line)
{
    system_register_write(ICC_EOIR1_EL1, line);
    barrier_instruction();
}

/* DDI 0487, ICC_SGI1R_EL1: a bit for Aff0 within its sixteen, and the affinity above. */
static void kick(unsigned cpu)
{
    uint64_t a = affinity[cpu];
    system_register_write(ICC_SGI1R_EL1, (a >> 32 & 0xff) << 48 | (a >> 4 & 15) << 44 | (a >> 16 & 0xff) << 32 |
                                             (uint64_t)CONTROLLER_KICK << 24 | (a >> 8 & 0xff) << 16 |
                                             UINT64_C(1) << (a & 15));
    barrier_instruction();
}

static uint64_t highest_pending(void)
{
    return system_register_read(ICC_HPPIR1_EL1);
}

static void forget_kicks(void)
{
    while (highest_pending() == CONTROLLER_KICK)
        complete(claim());
}

/* The mask has to have taken effect first. */
static void route(unsigned line, unsigned cpu)
{
    wait_clear(distributor, GICD_CTLR, GICD_CTLR_RWP);
    mmio_write64(distributor, GICD_IROUTER + line * 8, affinity[cpu]);
}

static void mask(unsigned line)
{
    gic_mask(registers_of(line), line);
}

static void unmask(unsigned line)
{
    gic_unmask(registers_of(line), line);
}

static bool trigger(unsigned line, unsigned trigger)
{
    return gic_trigger(distributor, line, trigger);
}

static const char *const compatible[] = {"arm,gic-v3", NULL};

const struct interrupt_controller gicv3 = {
    .name = "GICv3",
    .compatible = compatible,
    .init = init,
    .cpus_max = CAVERN_CPUS_MAX,
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
