/* SPDX-License-Identifier: BSD-2-Clause */
/* What a machine gives the kernel: interrupt lines, a place for characters, power. Lines are numbered as the interrupt
 * controller numbers them (see spec/devices.md). */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PLATFORM_NO_LINE (~0u)

/* --- interrupt controller --- */
unsigned platform_lines(void);      /* lines are 0 … platform_lines() - 1 */
unsigned platform_first_line(void); /* the first that a driver may have; below are the CPU's own */
unsigned platform_line_claim(void); /* the line to serve now, or PLATFORM_NO_LINE */
void platform_line_complete(unsigned line);
void platform_line_mask(unsigned line);
void platform_line_unmask(unsigned line);
void platform_line_route(unsigned line, unsigned cpu);       /* it comes to that CPU; while it is masked */
bool platform_line_trigger(unsigned line, unsigned trigger); /* CAVERN_TRIGGER_*; false: not possible */

/* --- the other CPUs, by number --- */
/* It enters the kernel as soon as it can. */
void platform_cpu_kick(unsigned cpu);
/* On this CPU: those that have come and wait are taken for served. */
void platform_forget_kicks(void);
/* That is why this line has come. */
bool platform_line_is_kick(unsigned line);

/* --- debug output --- */
void platform_write(const char *text, size_t length);

/* --- power: return only when it can't be done --- */
void platform_power_off(void);
void platform_restart(void);
