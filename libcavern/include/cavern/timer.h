/* SPDX-License-Identifier: BSD-2-Clause */
/* A set of timers, each an id and a deadline. Pure: the caller waits for the earliest and takes those that are due. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define CAVERN_TIMERS_MAX 64

struct cavern_timer {
    uint64_t id;
    uint64_t deadline; /* ns */
    uint64_t order;    /* of setting: decides between equal deadlines */
};

/* A heap: none comes before the one at half its index, counted from 1. */
struct cavern_timers {
    struct cavern_timer timers[CAVERN_TIMERS_MAX];
    unsigned count;
    uint64_t set; /* so many have ever been */
};

/* One deadline for each id: a second replaces the first. False: CAVERN_TIMERS_MAX others are set. */
bool cavern_timers_set(struct cavern_timers *timers, uint64_t id, uint64_t deadline)
    __attribute__((warn_unused_result));
void cavern_timers_cancel(struct cavern_timers *timers, uint64_t id);
/* The earliest deadline, CAVERN_FOREVER without one. */
uint64_t cavern_timers_next(const struct cavern_timers *timers);
/* Takes the earliest that is due; of equal ones that which was set first. False: none. */
bool cavern_timers_take(struct cavern_timers *timers, uint64_t now, uint64_t *id);
/* Holds after each of these. */
bool cavern_timers_invariants(const struct cavern_timers *timers);
