/* SPDX-License-Identifier: BSD-2-Clause */
/* Arm DDI 0183. A driver process may own the device at the same time: only the data register is written, with patience
 * that ends. */
#include "platform/pl011.h"

#include "arch/aarch64/mmu.h"
#include "arch/aarch64/waiting.h"
#include "platform/mmio.h"

#define UARTDR 0x00
#define UARTFR 0x18
#define UARTFR_TXFF (1 << 5)
#define UARTCR 0x30
#define UARTCR_TRANSMIT 0x101 /* UARTEN, TXE */
#define PL011_SIZE 0x1000
#define PATIENCE 1000000 /* reads of the flags: some 100 ms */

static volatile void *pl011;

void pl011_init(uint64_t physical)
{
    pl011 = kernel_map_device(physical, PL011_SIZE);
    uint32_t control = mmio_read32(pl011, UARTCR);
    if ((control & UARTCR_TRANSMIT) != UARTCR_TRANSMIT)
        mmio_write32(pl011, UARTCR, control | UARTCR_TRANSMIT);
}

static void write_byte(char c)
{
    for (unsigned i = 0; mmio_read32(pl011, UARTFR) & UARTFR_TXFF; i++) {
        if (i == PATIENCE)
            return;
        wait_moment();
    }
    mmio_write32(pl011, UARTDR, (uint8_t)c);
}

void pl011_write(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if (text[i] == '\n')
            write_byte('\r');
        write_byte(text[i]);
    }
}
