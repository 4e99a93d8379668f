/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The bench: what its files share. The first process measures; its peers, processes of the same program with an
 * address space each, play the role that argv[1] names (main.c has the list).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <cavern/handle.h>
#include <cavern/queue.h>
#include <cavern/spawn.h>
#include <cavern/status.h>
#include <cavern/stubs.h>

#define PRIORITY 30      /* that of the first process */
#define PRIORITY_HIGH 31 /* preempts it */

/* --- count.c --- */

/* On the kernel's log. */
void say(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Whatever goes wrong ends the bench, and is said. */
void must(enum cavern_status status, const char *what);
_Noreturn void power_off(void);
/* The boot options bench=ROW, which measures this one alone, for a profile, and crowd=N. */
void options_read(const char *bootargs);
/* How many of each there are besides; 0 unless growth is measured. */
extern unsigned crowd;
/* Of the machine. */
extern unsigned cpus;
/* Neither of them was given. */
bool measures_all(void);

/*
 * Retired instructions, and those of user mode alone, as this CPU counts them; ticks of the generic timer, which all
 * CPUs share.
 */
struct counters {
    uint32_t all, user;
    uint64_t ticks;
};

/* DDI 0487, D7.11: the kernel has set both to INST_RETIRED. The timer is read last, for what begins here. */
static inline __attribute__((always_inline)) struct counters counters_begin(void)
{
    uint64_t all, user, ticks;
    __asm__ volatile("isb\n\tmrs %1, pmevcntr1_el0\n\tmrs %0, pmevcntr0_el0\n\tmrs %2, cntvct_el0"
                     : "=r"(all), "=r"(user), "=r"(ticks)
                     :
                     : "memory");
    return (struct counters){(uint32_t)all, (uint32_t)user, ticks};
}

/* Read first, for what ends here. */
static inline __attribute__((always_inline)) struct counters counters_end(void)
{
    uint64_t all, user, ticks;
    __asm__ volatile("mrs %2, cntvct_el0\n\tmrs %0, pmevcntr0_el0\n\tmrs %1, pmevcntr1_el0"
                     : "=r"(all), "=r"(user), "=r"(ticks)
                     :
                     : "memory");
    return (struct counters){(uint32_t)all, (uint32_t)user, ticks};
}

/* With several CPUs: until the others have nothing to do. */
void let_others_wait(void);

/* How often: the instructions that one costs decide. */
enum effort { OFTEN = 10000, SELDOM = 500 };

/* Runs `operation` often, after a warm-up, and says what one costs, of which it does `each` at a time. */
void measure(const char *name, enum effort effort, unsigned each, void (*operation)(void *context), void *context);
/* The same where what counts is a span within the operation, which returns its length. */
void measure_span(const char *name, struct counters (*operation)(void *context), void *context);
/* From begin to end, less what reading the counters costs; the ticks are read inmost. */
struct counters counters_between(struct counters begin, struct counters end);

/* --- peer.c --- */

struct peer {
    cavern_handle account, process;
    cavern_handle sender; /* to its queue */
};

#define PEER_QUEUE_BLOCKS 1024
#define PEER_HANDLES_MAX 2

/* A file of the RAM disk. */
const void *image_of(const char *path, size_t *size);
/* An account of 8 MiB. */
cavern_handle account_make(void);
/* `extra`: given too, with all rights; 0: none. */
void peer_start(const char *role, uint8_t priority, const struct cavern_spawn_handle *extra, size_t extras,
                struct peer *peer);
/* Memory that this process and the peer have at the same address. */
void *peer_share(const struct peer *peer, uint64_t bytes);
/* In a peer: what argv says besides its role. */
void peer_prepare(char **argv);
/* In a peer: its queue. */
void own_queue(struct cavern_queue *queue);
/* After a `receive` that did not bring `expected` as that word: it may have come before, from another CPU. */
enum cavern_status receive_late(enum cavern_status status, struct cavern_queue *queue, unsigned word,
                                uint64_t expected);
/* Where two are to take turns on one CPU, whatever others there are: of PRIORITY, as this thread. */
void stay_on_one_cpu(bool stay);

/* --- crowd.c --- */

/* So many of everything, in the first process and in a peer. */
void crowd_first(unsigned count);
void crowd_peer(unsigned count);
/* Says what one costs, in bytes. What it makes, a thousand of each, stays. */
void weigh(void);

/* --- the rows, and the roles of peers --- */

void measure_messages(void);
void measure_notices(void);
void measure_threads(void);
void measure_memory(void);
void measure_processes(void);
/* The boot option `scaling`: this alone. */
_Noreturn void measure_scaling(void);

/* messages.c */
void serve(void);
void serve_with_vectors(void);
void serve_using_vectors(void);
void serve_large(void);
void drain(void);
/* One of five words, as a row; `server` is a struct peer. */
void request_reply(void *server);
/* notices.c */
void hear_signal(void);
void drive_clock(void);
/* threads.c */
void yield_for_ever(void);
/* memory.c */
void fault_for_ever(void);
void sleep_for_ever(void);
/* scaling.c */
void call_in_turns(void);
