/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Runs a scenario over and over, each time in another order, in a process of its own. A run that fails is made simpler,
 * by leaving out decisions as long as it fails in the same way, and repeated aloud.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct scenario {
    const char *name;
    unsigned cpus;
    void (*forget)(void);  /* what was counted in the run before */
    void (*prepare)(void); /* makes the users of one run */
    void (*check)(void);   /* when none of them goes on; may be NULL */
};

/* Orders in which CPUs give way at no more than so many points of their own will. True: none fails. */
bool explore_all(const struct scenario *scenario, unsigned switches);
/* Drawn ones: run n of seed S is run 0 of seed S + n. */
bool explore_drawn(const struct scenario *scenario, uint64_t seed, unsigned runs);
/* How few decisions show what is wrong with this one; UINT_MAX: none of its runs has failed. */
unsigned explore_failing(const struct scenario *scenario, uint64_t seed, unsigned runs);
