/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What runs, and where. 32 priorities, first come first served in each; a thread that has run for SCHEDULER_SLICE while
 * another of its priority was ready goes to the back. Jobs come before the threads of their priority. Tickless: a CPU's
 * timer stands at its next deadline, or at the end of the slice if someone waits for it; it may fire for something that
 * has gone. Nothing here switches: it says what is to run, and the processor's exit path does it. spec/scheduling.md.
 *
 * All CPUs take from one queue, but for threads whose mask leaves a CPU out: these stand in that of a CPU they may
 * use. A CPU that is to look again is *told*: its `reschedule` is set, and another CPU is kicked into the kernel.
 *
 * Between two entries: a READY thread is `current` of one CPU or stands in one queue, no other thread does; a
 * thread is in `deadlines` only while it waits; slice_end is set only while a thread of current's priority is ready
 * for this CPU.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "arch/arch.h"
#include "core/run_queue.h"
#include "core/tree.h"
#include "object/job.h"

struct process;
struct thread;

#define SCHEDULER_SLICE 10000000ull /* ns */

/* One per CPU; found by arch_cpu(). */
struct cpu {
    struct thread *current; /* whose registers are on the CPU; NULL: idle, or a job runs */
    bool reschedule;        /* `current` need not go on: look again at the exit */
    bool awaits_cpu;        /* another CPU was told to let go of a thread: it is its turn in the kernel */
    bool sharing;           /* is in a short cut, without the kernel lock */
    uint32_t ticket;        /* parked: of the kernel lock */
    bool parked;            /* waits for a kick when the ticket is served */
    struct thread *handed;  /* to whom this entry has handed over by way of the queue */
    bool turn;              /* of equals in `bound` and in scheduler.ready, `bound` is next */
    uint8_t number;
    struct run_queue bound; /* threads with a mask that wait for this CPU */
    struct job *job;        /* whose step runs; NULL: none */
    struct tree deadlines;  /* thread.deadline, of those that wait with one, and began to wait here */
    uint64_t slice_end;     /* ns; of `current`; ~0: nobody waits for it */
    uint64_t since;         /* ticks; when `current` was last charged */
    uint64_t timer;         /* ns; what the timer was last set to */
    uint64_t idle_time;     /* ticks without a current thread */
    uint64_t switches;
    uint64_t interrupts;
    uint64_t system_calls;
};

/* What all CPUs share. */
struct scheduler {
    struct run_queue ready; /* threads that any CPU may run, but for those that are `current` */
    struct run_queue jobs;
    struct job reaper;
    struct cpu *worker; /* runs jobs, one step after another, and no thread; NULL: none */
    struct cpu *cpus[CAVERN_CPUS_MAX];
    unsigned cpu_count;
    uint64_t online; /* bit per CPU */
    uint64_t idle;   /* those that have nothing to do, and have not been told otherwise */
};

extern struct scheduler scheduler;

/* Starts with this CPU alone. */
void scheduler_init(struct cpu *cpu);
/* The next CPU, on its way; and when it is there, with nothing to do yet. Before the first thread. */
void scheduler_prepare_cpu(struct cpu *cpu);
void scheduler_add_cpu(struct cpu *cpu);
/* Looks for a CPU for the jobs that are queued. */
void scheduler_jobs_queued(void);

/*
 * `thread`, which was waiting, suspended or new, can run: state READY, out of the deadline tree, at the back of its
 * priority's queue. SUSPENDED if that was asked for meanwhile.
 */
void scheduler_wake(struct thread *thread);
/* The same at the front, and with the rest of the slice that it had: it is next of its priority once the current thread
 * waits, as it is about to. */
void scheduler_hand_over(struct thread *thread);
/* The current thread waits: sets `state`, enters the deadline tree (unless CAVERN_FOREVER), leaves the CPU at the exit.
 */
void scheduler_wait(struct thread *thread, uint8_t state, uint64_t deadline);
/*
 * Whether another CPU has its registers. That one is told; with `suspended` or `doomed` set, or when the process is
 * ending, it lets go of the thread, and the caller tries again later.
 */
bool scheduler_runs_elsewhere(const struct thread *thread);
/* All other CPUs that run threads of this process let go of them: it is ending. */
void scheduler_stop_process(const struct process *process);
/* Whether the current thread, at an entry, has been asked for by another CPU. */
bool scheduler_must_let_go(const struct thread *thread);
/* Takes a thread that runs nowhere else out of wherever it stands: run queue, deadline tree, this CPU. The caller sets
 * its state. */
void scheduler_remove(struct thread *thread);
/* The current thread goes to the back of its priority's queue. */
void scheduler_yield(void);
/* One that is ready goes to the back of the new priority's queue; the current one goes on if nothing higher is ready.
 */
void scheduler_set_priority(struct thread *thread, uint8_t priority);
/* It moves, now or at its next exit, to a CPU that it may use. */
void scheduler_set_mask(struct thread *thread, uint64_t mask);
/* Brings the CPU time of all current threads up to date. */
void scheduler_charge(void);

/* The timer fired: wakes those whose deadline has passed (through message_timeout), ends slices, sets the timer anew.
 */
void scheduler_timer(void);
/* For hand_over.h: what the current thread has used of its slice, for when it comes back. */
SELDOM void scheduler_keep_slice(const struct cpu *cpu);
/* For hand_over.h: sets slice and timer for the thread that has come. */
SELDOM void scheduler_switch_timed(struct cpu *cpu);
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
    return !cpu->reschedule;
}
