/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the egg tells the supervisor of a child: the description that BEGIN carries, and the handles that the ADDs
 * bring. Pure: handles are numbers here. spec/services/egg.md, Starting.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <cavern/handle.h>
#include <cavern/startup.h>
#include <cavern/status.h>

#include "configuration.h"
#include "devices.h"

struct child {
    const struct configuration_program *program; /* what is configured; NULL: nothing */
    struct device *device;                       /* for which it is the driver; NULL: it is a service */
};

/* What children are made from. */
struct children {
    const struct child *list;
    const void *tree;
    const struct device_driver *drivers;
    char stdout_name[RPC_NAME_MAX]; /* in the registry; "": none */
    char command[CONFIGURATION_ARGUMENTS_MAX];
    cavern_handle root, machine, devices, interrupts, dma;
    cavern_handle supervisor;       /* sender, an administrator's */
    cavern_handle supervisor_queue; /* to mint further ones */
};

struct description {
    struct supervisor_child child;
    char arguments[CONFIGURATION_ARGUMENTS_MAX]; /* child.length bytes */
};

/* TOO_LARGE: a path, or what it may register, does not fit. */
enum cavern_status description_make(const struct children *children, const struct child *child,
                                    struct description *description) CAVERN_MUST_CHECK;

const char *child_name(const struct child *child);
uint64_t child_memory(const struct child *child); /* bytes of its account */

/* The label of the child's sender to the supervisor, an administrator's; no other has it. 0: there are no more. */
uint64_t child_operator_label(const struct children *children, const struct child *child);

/* Of one child. */
struct child_handles {
    unsigned count;
    struct child_handle {
        char name[CAVERN_STARTUP_NAME_SIZE];
        cavern_handle handle;
        uint64_t rights;
        uint64_t values[3];
        bool own; /* made for this child */
    } list[SUPERVISOR_HANDLES_MAX];
};

/* `name` is a format for `index`. TOO_LARGE: there are as many as a child can have. */
enum cavern_status child_handles_put(struct child_handles *handles, const char *name, unsigned index,
                                     const struct child_handle *handle) CAVERN_MUST_CHECK
    __attribute__((format(printf, 2, 0)));
