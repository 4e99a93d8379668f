/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The machine's device tree: which devices there are, which driver fits each, and what exactly a node's registers and
 * interrupts are. Pure; the blob may be anything that devices_tree_check accepts. spec/devices.md, The walk.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cavern/protocol/device.h>
#include <cavern/status.h>

#include "formats/manifest.h"
#include "problems.h"

enum {
    DEVICES_MAX = 128,
    DEVICE_DRIVERS_MAX = 32,
    DEVICE_RANGES_MAX = 8,
    DEVICE_LINES_MAX = 6,
    DEVICE_PATH_MAX = 256,
};

struct device_driver {
    char path[128]; /* in the RAM disk */
    struct manifest manifest;
};

struct device {
    char name[sizeof(((struct device_info *)0)->node)];             /* last part of the node's path */
    char compatible[sizeof(((struct device_info *)0)->compatible)]; /* that matched, or the first */
    int node;                                                       /* its offset in the tree */
    int driver;                                                     /* index; -1: none */
    enum device_state state;
    enum cavern_status status; /* DEVICE_FAILED: why */
};

struct devices {
    unsigned count;
    struct device list[DEVICES_MAX];
};

/* What a driver of the node is to be given, in the node's order. A range that is no whole page shares one with another
 * node's, and can't be mapped. */
struct device_resources {
    unsigned range_count;
    unsigned line_count;
    struct {
        uint64_t base;
        uint64_t size; /* 0: nothing is there to be given */
    } ranges[DEVICE_RANGES_MAX];
    struct {
        uint32_t line;
        uint32_t trigger; /* CAVERN_TRIGGER_* */
    } lines[DEVICE_LINES_MAX];
};

/* What libfdt says of a blob, which may be anything: 0, or why nothing may be read of it. */
int devices_blob_check(const void *blob, size_t size);

bool devices_tree_check(const void *tree, size_t size, struct problems *problems);

/* All devices of the tree with the best driver for each, and who is left without the other. */
void devices_walk(const void *tree, const struct device_driver *drivers, unsigned driver_count, struct devices *devices,
                  struct problems *problems);

/* CORRUPT: the node is damaged. TOO_LARGE: it has more than fits. */
enum cavern_status devices_resources(const void *tree, int node, struct device_resources *resources) CAVERN_MUST_CHECK;

/* Its path and a tree of its own, with its properties at the root, for the driver. */
enum cavern_status devices_path(const void *tree, int node, char *path, size_t size) CAVERN_MUST_CHECK;
enum cavern_status devices_copy_node(const void *tree, int node, void *copy, size_t size) CAVERN_MUST_CHECK;

/* The last part of the path of the node that stdout-path names; false: none. */
bool devices_stdout(const void *tree, char *name, size_t size);

/* The answer to DEVICE_LIST from this cursor on; false: END. */
bool devices_list(const struct devices *devices, const struct device_driver *drivers, uint32_t cursor,
                  struct device_list *list);

bool devices_invariants(const struct devices *devices, unsigned driver_count);
