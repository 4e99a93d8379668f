/* SPDX-License-Identifier: BSD-2-Clause */
/* The start-up record: what a new process is told. x0 is its address, x1 its size. spec/abi.md. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <cavern/handle.h>

#define CAVERN_STARTUP_MAGIC 0x54525453u /* "STRT" */
#define CAVERN_STARTUP_NAME_SIZE 24

/*
 * The record is followed by `handles` entries, then by `arguments` strings, each ended by a 0 byte; the first
 * argument is the program's name. Everything lies within `size` bytes.
 */
struct cavern_startup {
    uint32_t magic;
    uint32_t size;      /* bytes of the whole */
    uint32_t handles;   /* entries */
    uint32_t arguments; /* strings */
    uint64_t heap;      /* most bytes of heap that the program should take; 0: no limit but the account's */
    uint64_t pad;
};

/* One handle. What `values` mean depends on the type. */
struct cavern_startup_handle {
    char name[CAVERN_STARTUP_NAME_SIZE]; /* "queue", "log", "registry", ...; ended by 0 */
    cavern_handle handle;
    uint64_t values[3]; /* queue: ring, control, bound; buffer: size, physical base or 0; interrupt: first, count */
};

_Static_assert(sizeof(struct cavern_startup) == 32, "startup record");
_Static_assert(sizeof(struct cavern_startup_handle) == 56, "startup handle");

/* Names of the handles that the kernel gives to the first process. */
#define CAVERN_STARTUP_ROOT "root"             /* account: all remaining RAM */
#define CAVERN_STARTUP_DEVICES "devices"       /* buffer: all that is not RAM */
#define CAVERN_STARTUP_INTERRUPTS "interrupts" /* interrupt: the whole range */
#define CAVERN_STARTUP_DMA "dma"               /* dma: without mappings */
#define CAVERN_STARTUP_MACHINE "machine"       /* machine */
#define CAVERN_STARTUP_RAMDISK "ramdisk"       /* buffer, sealed */
#define CAVERN_STARTUP_DEVICE_TREE "dtb"       /* buffer, sealed */
