/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Load: what the cases of the stress suite share. A case keeps many threads busy on all CPUs until stress_over(), then
 * lets everything come to its end, and checks that nothing was lost and nothing came twice. Who waits longer than
 * STRESS_PATIENCE waits for something that was lost.
 */
#pragma once

#include "../system/test.h"

#include <cavern/thread.h>

#define STRESS_PATIENCE (20 * CAVERN_SECOND)

/* --- chance --- */

uint64_t stress_draw(uint64_t *state);
/* From 0 to `limit` - 1. */
unsigned stress_below(uint64_t *state, unsigned limit);
/* The same for the same numbers: contents that can be checked anywhere. */
uint64_t stress_mix(uint64_t a, uint64_t b, uint64_t c);

/* --- time --- */

/* In the case and, with the same time, in its peers. */
bool stress_over(void);
/* What was done, for people. */
void stress_note(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* --- threads --- */

struct stress_worker {
    unsigned index;
    uint64_t random;
    uint64_t done; /* operations */
    struct cavern_thread *thread;
    void (*run)(struct stress_worker *worker);
};

/* At the case's priority; `cpus` 0: any. */
void stress_start(struct stress_worker *worker, unsigned index, void (*run)(struct stress_worker *), uint64_t cpus);
/* Waits for the end of all; what they did, together. */
uint64_t stress_join(struct stress_worker *workers, unsigned count);
/* One that is ended from outside, or ends by itself. */
void stress_bury(struct stress_worker *worker);

/* --- peers: made by one thread of a case --- */

/* Memory that peers find at the same address. */
void *stress_share(uint64_t bytes);
void *stress_shared(void);

/* With `rows` to give, bound to `queue` or 0. Its exit comes to `exits` with `label`. */
struct stress_peer {
    const char *function;
    struct cavern_spawn_handle rows[6];
    unsigned count;
    uint64_t index; /* stress_index() in the peer */
    cavern_handle queue, exits;
    uint64_t label;
    bool keep;                            /* its handle table, for a successor */
    cavern_handle predecessor;            /* whose table it takes over; 0: none */
    cavern_handle process;                /* out */
    struct cavern_spawn_handle given[10]; /* as the first one got them */
    cavern_handle queue_value;
};

void stress_spawn(struct stress_peer *peer);
uint64_t stress_index(void);
/* Its exit has come: it did not fail. Closes it. */
void stress_exited(struct stress_peer *peer, const struct cavern_message *message);
/* Waits for the exits of `count` peers that stand in a row, labelled from 0 on. */
void stress_peers_done(struct stress_peer *peers, unsigned count, struct cavern_queue *exits);
