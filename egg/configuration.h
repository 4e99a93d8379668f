/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * system.dtb as plain structures: what is to run, with what priority, memory and authority. Pure; the blob may be
 * anything. spec/services/egg.md, Configuration.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cavern/protocol/supervisor.h>

#include "problems.h"

enum {
    CONFIGURATION_SERVICES_MAX = 32,
    CONFIGURATION_DRIVERS_MAX = 32,
    CONFIGURATION_ARGUMENTS_MAX = 1024, /* bytes */
};

/* Handles that a program can be configured to get; bits. */
enum configuration_handle {
    CONFIGURATION_MACHINE_LOG = 1,
    CONFIGURATION_MACHINE_POWER = 2,
    CONFIGURATION_MACHINE_INSPECT = 4,
    CONFIGURATION_ROOT_INSPECT = 8,
    CONFIGURATION_SUPERVISOR = 16,
};

struct configuration_program {
    char name[sizeof(((struct supervisor_child *)0)->name)];
    char program[sizeof(((struct supervisor_child *)0)->program)];     /* path in the RAM disk */
    char registers[sizeof(((struct supervisor_child *)0)->permitted)]; /* names that it may register */
    char arguments[CONFIGURATION_ARGUMENTS_MAX];                       /* strings, each ended by 0 */
    uint32_t argument_bytes;
    uint32_t handles; /* enum configuration_handle */
    uint8_t restart;  /* enum supervisor_restart; 0: not said */
    uint8_t priority; /* 0: not said */
    bool before_drivers;
    uint64_t memory; /* bytes of its account; 0: not said */
    uint64_t state;  /* bytes of its state buffer */
    uint32_t blocks; /* of its queue */
    uint32_t slots;
    uint32_t stack; /* bytes; 0: not said */
};

struct configuration {
    struct configuration_program registry;
    struct configuration_program supervisor;
    unsigned service_count;
    unsigned driver_count;
    struct configuration_program services[CONFIGURATION_SERVICES_MAX];
    struct configuration_program drivers[CONFIGURATION_DRIVERS_MAX]; /* name: the driver's in its manifest */
};

/* False: without a registry or a supervisor nothing can run; why stands in the problems. A service or driver that is
 * not described well is left out, and said. */
bool configuration_read(const void *blob, size_t size, struct configuration *configuration, struct problems *problems);

/* What is said of this driver; NULL: nothing. */
const struct configuration_program *configuration_driver(const struct configuration *configuration, const char *name);

/* The option cavern.command of the boot arguments, decoded. False: there is none; `command` is "" then. */
bool configuration_command(const char *bootargs, char *command, size_t size, struct problems *problems);

/*
 * The arguments with "%stdout" and "%command" replaced; one whose replacement is "" is left out. Returns how many there
 * are; *bytes: of all, with their ending 0. What does not fit in `size` is left out.
 */
unsigned configuration_expand(const struct configuration_program *program, const char *stdout_name, const char *command,
                              char *arguments, size_t size, uint32_t *bytes);
