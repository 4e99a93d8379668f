/* SPDX-License-Identifier: BSD-2-Clause */
#include "platform/gic.h"

#include <cavern/memory.h>

#include "platform/mmio.h"

unsigned gic_lines(volatile void *distributor)
{
    unsigned lines = ((mmio_read32(distributor, GICD_TYPER) & 31) + 1) * 32;
    return lines < GIC_LINES_MAX ? lines : GIC_LINES_MAX;
}

void gic_quiet(volatile void *registers, unsigned first, unsigned end)
{
    for (unsigned line = first; line < end; line += 32) {
        unsigned word = line / 32 * 4;
        mmio_write32(registers, GICD_ICENABLER + word, ~0u);
        mmio_write32(registers, GICD_ICPENDR + word, ~0u);
        mmio_write32(registers, GICD_ICACTIVER + word, ~0u);
    }
    for (unsigned line = first; line < end; line += 4)
        mmio_write32(registers, GICD_IPRIORITYR + line, GIC_PRIORITY_ALL);
}

void gic_mask(volatile void *registers, unsigned line)
{
    mmio_write32(registers, GICD_ICENABLER + line / 32 * 4, 1u << line % 32);
    (void)mmio_read32(registers, GICD_ICENABLER + line / 32 * 4); /* it has arrived */
}

void gic_unmask(volatile void *registers, unsigned line)
{
    mmio_write32(registers, GICD_ISENABLER + line / 32 * 4, 1u << line % 32);
}

bool gic_trigger(volatile void *distributor, unsigned line, unsigned trigger)
{
    if (line < GIC_PRIVATE_LINES || line >= gic_lines(distributor))
        return false;
    unsigned word = GICD_ICFGR + line / 16 * 4;
    uint32_t edge = 2u << line % 16 * 2;
    uint32_t value = mmio_read32(distributor, word) & ~edge;
    if (trigger == CAVERN_TRIGGER_EDGE)
        value |= edge;
    mmio_write32(distributor, word, value);
    return (mmio_read32(distributor, word) & edge) == (value & edge);
}
