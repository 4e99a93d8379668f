/* SPDX-License-Identifier: BSD-2-Clause */
/* Device registers: one access each, of exactly this width, in program order. */
#pragma once

#include <stdint.h>

static inline uint32_t mmio_read32(volatile void *base, uint64_t offset)
{
    return *(volatile uint32_t *)((volatile char *)base + offset);
}

static inline uint64_t mmio_read64(volatile void *base, uint64_t offset)
{
    return *(volatile uint64_t *)((volatile char *)base + offset);
}

static inline void mmio_write32(volatile void *base, uint64_t offset, uint32_t value)
{
    *(volatile uint32_t *)((volatile char *)base + offset) = value;
}

static inline void mmio_write8(volatile void *base, uint64_t offset, uint8_t value)
{
    *(volatile uint8_t *)((volatile char *)base + offset) = value;
}

static inline void mmio_write64(volatile void *base, uint64_t offset, uint64_t value)
{
    *(volatile uint64_t *)((volatile char *)base + offset) = value;
}
