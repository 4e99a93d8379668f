/* SPDX-License-Identifier: BSD-2-Clause */
/* What boot/ calls, in this order, before platform.h works in full. */
#pragma once

struct machine_description;

/*
 * Debug output goes to the console of the device tree. What was written before comes first. When a power-off or
 * restart is asked for before, that text goes to where QEMU's `virt` has its first UART.
 */
void platform_console_init(const struct machine_description *description);
void platform_power_init(const struct machine_description *description);
/* All lines masked; panics when no driver knows the controller. */
void platform_interrupts_init(const struct machine_description *description);
/* For people. */
const char *platform_interrupts_name(void);
