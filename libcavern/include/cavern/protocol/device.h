/* SPDX-License-Identifier: BSD-2-Clause */
/* What the egg made of the device tree: /service/devices. spec/services/egg.md. */
#pragma once

#include <cavern/protocol/rpc.h>

enum device_operation {
    DEVICE_LIST = 1, /* rpc_request, value: cursor, 0 first -> device_list. END */
};

enum device_state {
    DEVICE_NO_DRIVER = 1, /* no manifest names a compatible of it */
    DEVICE_DISABLED,      /* status is neither "okay" nor "ok" */
    DEVICE_KERNEL,        /* the kernel's own: interrupt controller, timer, … */
    DEVICE_STARTED,       /* handed to the supervisor: ask it for the driver's state */
    DEVICE_FAILED,        /* reg or interrupts can't be had, or the supervisor refused */
};

struct device_info {
    char node[48];       /* last part of the node's path: "pl011@9000000" */
    char compatible[48]; /* that matched, or the first */
    char driver[32];     /* as its manifest says; "" for none. The supervisor's child has the node's name, cut to 31 */
    uint32_t state;      /* enum device_state */
    uint32_t status;     /* enum cavern_status, when FAILED */
};

#define DEVICE_INFOS_MAX 8

struct device_list {
    struct rpc_reply reply; /* value: how many */
    uint32_t next;          /* cursor */
    uint32_t pad;
    struct device_info devices[DEVICE_INFOS_MAX];
};
