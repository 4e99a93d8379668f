/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What runs. 32 priorities, first come first served in each; a thread that has run for SCHEDULER_SLICE while another of
 * its priority was ready goes to the back. Jobs come before the threads of their priority. Tickless: the timer stands
 * at the next deadline, or at the end of the slice if someone waits for it; it may fire for something that has gone.
 * Nothing here switches: it says what is to run, and the processor's exit path does it. spec/scheduling.md.
 *
 * Between two entries: a READY thread is `current` or stands in `ready`, no other thread does; a thread is in
 * `deadlines` only while it waits; slice_end is set only while a thread of current's priority is in `ready`.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "arch/arch.h"
#include "core/run_queue.h"
#include "core/tree.h"
#include "object/job.h"

struct thread;

#define SCHEDULER_SLICE 10000000ull /* ns */

/* One per CPU; found by arch_cpu(). */
struct cpu {
    struct thread *current; /* whose registers are on the CPU; NULL: idle, or a job runs */
    bool reschedule;        /* `current` need not go on: look again at the exit */
    struct run_queue ready; /* threads, but for `current` */
    struct run_queue jobs;
    struct job reaper;
    struct job *job;       /* whose step runs; NULL: none */
    struct tree deadlines; /* thread.deadline, of those that wait with one */
    uint64_t slice_end;    /* ns; of `current`; ~0: nobody waits for it */
    uint64_t since;        /* ticks; when `current` was last charged */
    uint64_t timer;        /* ns; what the timer was last set to */
    uint64_t switches;
    uint64_t interrupts;
    uint64_t system_calls;
};

void scheduler_init(struct cpu *cpu);
/* The CPUs that run, a bit each. */
uint64_t scheduler_cpu_mask(void);

/*
 * `thread`, which was waiting, suspended or new, can run: state READY, out of the deadline tree, at the back of its
 * priority's queue. SUSPENDED if that was asked for meanwhile.
 */
void scheduler_wake(struct thread *thread);
/* The same at the front: it is next of its priority once the current thread waits, as it is about to. */
void scheduler_hand_over(struct thread *thread);
/* The current thread waits: sets `state`, enters the deadline tree (unless CAVERN_FOREVER), leaves the CPU at the exit.
 */
void scheduler_wait(struct thread *thread, uint8_t state, uint64_t deadline);
/* Takes a thread out of wherever it stands: run queue, deadline tree, the CPU. The caller sets its state. */
void scheduler_remove(struct thread *thread);
/* The current thread goes to the back of its priority's queue. */
void scheduler_yield(void);
/* One that is ready goes to the back of the new priority's queue; the current one goes on if nothing higher is ready.
 */
void scheduler_set_priority(struct thread *thread, uint8_t priority);
/* Brings the CPU time of the current thread up to date. */
void scheduler_charge(void);

/* The timer fired: wakes those whose deadline has passed (through message_timeout), ends slices, sets the timer anew.
 */
void scheduler_timer(void);
/* For hand_over: sets slice and timer for the thread that has come. */
void scheduler_switch_timed(struct cpu *cpu);
/* For scheduler_next, when something has changed. */
struct thread *scheduler_reschedule(struct cpu *cpu);
/*
 * What the CPU runs next; called once at the end of each entry from user mode or idle. Runs jobs in between, one step
 * at least, as long as no interrupt waits. NULL: nothing, or an interrupt that must be served first; the processor
 * waits for an interrupt. Charges CPU time, sets the timer, and calls arch_switch when the thread changes.
 */
static inline struct thread *scheduler_next(void)
{
    struct cpu *cpu = arch_cpu();
    return cpu->reschedule ? scheduler_reschedule(cpu) : cpu->current;
}

/*
 * After scheduler_next gave NULL: there is nothing to do before an interrupt comes. False: a job goes on, also when the
 * interrupt that held it up is there no more, such as one of a timer that has been set anew.
 */
static inline bool scheduler_idle(const struct cpu *cpu)
{
    return !cpu->jobs.ready;
}
