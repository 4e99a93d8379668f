/* SPDX-License-Identifier: BSD-2-Clause */
/* The machine object: the kernel log, the table of processes. And panics. */
#pragma once

#include <stdarg.h>
#include <stdint.h>

#include "core/log_ring.h"
#include "core/tree.h"
#include "object/notice.h"
#include "object/object.h"

struct account;

struct machine {
    struct object object;
    struct notice doorbell; /* of the kernel log: fires when a record is added */
    struct log_ring log;
    uint64_t shown;        /* number of the first record that may not have gone to the debug output */
    struct tree processes; /* process.by_id, zombies too */
    uint32_t last_process; /* id */
    uint32_t cpus_present;
    bool panicking;
    uint32_t vital_process; /* id of the one whose end is the machine's; 0: none */
};

extern struct machine *machine; /* the only one, for ever; NULL until boot has made it, before the first process */

struct machine *machine_create(struct account *account);

/* A record in the kernel log; to the debug output too while nobody has the doorbell. Conversions: core/format.h. */
void log_write(unsigned level, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Kernel bugs and impossible machines only; never anything that user code can cause. */
_Noreturn void panic(const char *format, ...) __attribute__((format(printf, 1, 2)));
