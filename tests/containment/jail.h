/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Small processes for single instructions: code that is made up on the spot, a page of data, one thread, no handles but
 * the three that every process has.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <cavern/handle.h>

/* In the jail. */
#define JAIL_CODE UINT64_C(0x10000000)
#define JAIL_DATA UINT64_C(0x10800000)
#define JAIL_DATA_BYTES 8192
#define JAIL_CODE_MAX (1 << 20) /* bytes */

#define JAIL_EXIT_INSTRUCTIONS 5

/* Code that ends the process with exit code x0. */
#define JAIL_EXIT                                                                                                      \
    0xaa0003e3,                 /* mov x3, x0 */                                                                       \
        0xd2a00361,             /* mov x1, 27 << 16: process_end */                                                    \
        0xd2a02000, 0x91000400, /* mov x0, 0x1000000; add x0, x0, 1 */                                                 \
        0xd4000021              /* svc 1 */

/* The code of jails: sealed, so that they can run it. */
struct jail {
    cavern_handle code, data;
    uint64_t bytes; /* of code */
};

void jail_make(struct jail *jail, const uint32_t *code, size_t instructions);
void jail_close(struct jail *jail);

/*
 * Runs a jail from instruction `from` on, with x0 and x1, and sp at the end of the data; the words of its exit notice.
 * One that does not end within `patience` ns is ended.
 */
void jail_run(const struct jail *jail, size_t from, uint64_t x0, uint64_t x1, uint64_t patience, uint64_t words[5]);

/*
 * Runs a jail from its first instruction on, with x0 in x0 at each. Each that faults is told to `faulted`, with its
 * number and the kind, and passed over. Returns when the jail has ended by itself.
 */
void jail_step(const struct jail *jail, uint64_t x0, void (*faulted)(size_t at, unsigned kind));

/* One instruction, with x0, that must end in a fault; which. */
unsigned jail_fault(uint32_t instruction, uint64_t x0, uint64_t words[5]);
