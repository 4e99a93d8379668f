/* SPDX-License-Identifier: BSD-2-Clause */
/* What an ELF image becomes in memory: whole pages with one protection each, ready to be made into buffers. Pure. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <cavern/status.h>

struct spawn_segment {
    uint64_t address;     /* of its first page */
    uint64_t bytes;       /* whole pages */
    uint64_t lead;        /* bytes of the first page before the contents */
    const void *contents; /* in the image */
    uint64_t filled;      /* bytes of contents; zeros follow */
    unsigned protection;  /* CAVERN_PROT_* */
};

#define SPAWN_SEGMENTS_MAX 16

struct spawn_plan {
    uint64_t entry;
    unsigned count;
    struct spawn_segment segments[SPAWN_SEGMENTS_MAX];
};

/* CORRUPT: no program that can be started. */
enum cavern_status spawn_plan_make(const void *image, size_t size, struct spawn_plan *plan) CAVERN_MUST_CHECK;
