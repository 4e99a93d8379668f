/* SPDX-License-Identifier: BSD-2-Clause */
/* What boot/ calls, in this order, before platform.h works in full. */
#pragma once

#include <stdint.h>

struct machine_description;

/*
 * Debug output goes to the console of the device tree. What was written before comes first. When a power-off or
 * restart is asked for before, that text goes to where QEMU's `virt` has its first UART.
 */
void platform_console_init(const struct machine_description *description);
void platform_power_init(const struct machine_description *description);
/* All lines masked but the timer's; panics when no driver knows the controller. */
void platform_interrupts_init(const struct machine_description *description);
/* What each CPU but the first does for itself, with its number. */
void platform_cpu_init(unsigned cpu);
/* How many CPUs the interrupt controller serves. */
unsigned platform_cpus_max(void);
/* NULL, or why it can't be started: see psci_cpu_on. */
const char *platform_cpu_on(uint64_t id, uint64_t entry, uint64_t context);
/* For people. */
const char *platform_interrupts_name(void);
