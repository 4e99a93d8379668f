/* SPDX-License-Identifier: BSD-2-Clause */
/* What boot/ has read of the device tree and platform/ and arch/ need. Strings and lists point into the tree. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cavern/process.h>

#include "object/memory.h"

#define MACHINE_PHYSICAL_END (UINT64_C(1) << 46) /* what the kernel can map of itself */

enum {
    MACHINE_RAM_MAX = 16,
    MACHINE_RESERVED_MAX = 24,
    MACHINE_REGISTERS_MAX = 8,
};

/* A node with registers. */
struct device_description {
    const char *compatible; /* strings, each ended by 0; NULL: there is no such device */
    size_t compatible_size; /* bytes of all */
    struct memory_region registers[MACHINE_REGISTERS_MAX];
    size_t register_count;
};

/* How to call the firmware. */
enum firmware_call { FIRMWARE_NONE, FIRMWARE_HVC, FIRMWARE_SMC };

struct machine_description {
    const char *model;
    struct memory_region ram[MACHINE_RAM_MAX];
    size_t ram_count;
    struct memory_region reserved[MACHINE_RESERVED_MAX];
    size_t reserved_count;
    struct memory_region ramdisk;      /* size 0: none */
    const char *bootargs;              /* never NULL */
    uint64_t seed;                     /* random; 0: none */
    uint32_t cpus;                     /* all that there are */
    uint64_t cpu_ids[CAVERN_CPUS_MAX]; /* of the first of them: affinity, as in MPIDR_EL1 */
    struct device_description interrupt_controller;
    struct device_description console;
    unsigned timer_line; /* of the virtual timer */
    enum firmware_call firmware;
};

/* One of the device's compatible strings is `name`. */
bool device_is_compatible(const struct device_description *device, const char *name);
