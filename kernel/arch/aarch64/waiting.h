/* SPDX-License-Identifier: BSD-2-Clause */
/* How a CPU waits for another, or for a device, without keeping the host of a virtual one busy. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "arch/aarch64/system_registers.h"

#define WAIT_LOOKS 1000   /* at a word, before it is better to sleep */
#define SHARE_LOOKS 10000 /* at the kernel lock, before it is better to stand in line for it */

/* An interrupt waits to be taken, masked or not: ISR_EL1.I. DDI 0487, D19.2.70 */
static inline bool interrupt_is_pending(void)
{
    return system_register_read(isr_el1) & 1 << 7;
}

/* Until one does. */
static inline void wait_interrupt(void)
{
    __asm__ volatile("wfi" ::: "memory");
}

/* Between two looks at something that another CPU is about to do. */
static inline void wait_moment(void)
{
    __asm__ volatile("yield" ::: "memory");
}

/* The next wait_load does not wait. */
static inline void wait_begin(void)
{
    __asm__ volatile("sevl");
}

/* What stands there (acquire), after an event: a store to what has been loaded so is one. DDI 0487, D1.6.1 */
static inline uint32_t wait_load(const uint32_t *word)
{
    uint32_t value;
    __asm__ volatile("wfe\n\tldaxr %w0, %1" : "=r"(value) : "Q"(*word) : "memory");
    return value;
}
