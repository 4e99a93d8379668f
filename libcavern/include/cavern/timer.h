/* SPDX-License-Identifier: BSD-2-Clause */
/* A set of timers, each an id and a deadline. Pure: the caller waits for the earliest and takes those that are due. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define CAVERN_TIMERS_MAX 64

struct cavern_timer {
    uint64_t id;
    uint64_t deadline; /* ns */
};

/* By deadline, the earliest first; equal ones in the order of setting. */
struct cavern_timers {
    struct cavern_timer timers[CAVERN_TIMERS_MAX];
    unsigned count;
};

/* One deadline for each id: a second replaces the first. False: CAVERN_TIMERS_MAX others are set. */
bool cavern_timers_set(struct cavern_timers *timers, uint64_t id, uint64_t deadline)
    __attribute__((warn_unused_result));
void cavern_timers_cancel(struct cavern_timers *timers, uint64_t id);
/* The earliest deadline, CAVERN_FOREVER without one. */
uint64_t cavern_timers_next(const struct cavern_timers *timers);
/* Takes the earliest that is due; false: none. */
bool cavern_timers_take(struct cavern_timers *timers, uint64_t now, uint64_t *id);
