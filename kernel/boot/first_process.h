/* SPDX-License-Identifier: BSD-2-Clause */
/* The egg: the one process that the kernel makes itself. */
#pragma once

#include <stddef.h>

struct account;
struct dma;
struct holding;
struct interrupt;
struct machine;

/* What it is given. The references become its handles'. */
struct first_process {
    struct account *root;
    struct holding *devices;
    struct interrupt *interrupts;
    struct dma *dma;
    struct machine *machine;
    struct holding *ramdisk;
    struct holding *device_tree;
    size_t ramdisk_size; /* bytes; the buffer is rounded up */
    const char *bootargs;
};

/* Ready to run when this returns. Panics when the RAM disk has no good egg, or there is too little RAM. */
void first_process_start(const struct first_process *first);
