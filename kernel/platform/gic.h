/* SPDX-License-Identifier: BSD-2-Clause */
/* What GICv2 (Arm IHI 0048) and GICv3 (IHI 0069) share: the distributor's registers and the numbering of lines. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define GICD_CTLR 0x000
#define GICD_TYPER 0x004
#define GICD_IGROUPR 0x080
#define GICD_ISENABLER 0x100
#define GICD_ICENABLER 0x180
#define GICD_ICPENDR 0x280
#define GICD_ICACTIVER 0x380
#define GICD_IPRIORITYR 0x400
#define GICD_ICFGR 0xc00

#define GIC_PRIVATE_LINES 32 /* of each CPU; shared ones follow */
#define GIC_LINES_MAX 1020   /* from here on: special identifiers, such as "none" */

/* One priority for all lines, above the threshold that lets everything through. */
#define GIC_PRIORITY_ALL 0xa0a0a0a0
#define GIC_THRESHOLD 0xf0

/* How many lines the distributor has. */
unsigned gic_lines(volatile void *distributor);
/* Masks lines [first, end), takes back what is pending or active, sets their priority. Multiples of 32. */
void gic_quiet(volatile void *registers, unsigned first, unsigned end);
void gic_mask(volatile void *registers, unsigned line);
void gic_unmask(volatile void *registers, unsigned line);
bool gic_trigger(volatile void *distributor, unsigned line, unsigned trigger);
