/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What runs. 32 priorities, first come first served in each; a thread that has run SCHEDULER_SLICE while another of its priority is
 * ready goes to the back. Tickless: the timer stands at the next deadline, or at the end of the slice if someone waits.
 * Nothing here switches: it says what is to run, and the processor's exit path does it.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "core/run_queue.h"
#include "core/tree.h"

struct thread;

#define SCHEDULER_SLICE 10000000ull /* ns */

/* One per CPU; found by arch_cpu(). */
struct cpu {
    struct run_queue ready;
    struct thread *current;  /* whose registers are on the CPU; NULL: idle */
    struct tree deadlines;   /* threads that wait with one */
    uint64_t slice_end;      /* ns; of `current` */
    uint64_t since;          /* ns; when `current` was last charged */
    uint64_t timer;          /* ns; what the timer was last set to */
    bool reschedule;         /* `current` need not go on: look again at the exit */
    uint64_t switches;
    uint64_t interrupts;
    uint64_t system_calls;
};

void scheduler_init(struct cpu *cpu);
/* `thread` can run: state READY, out of the deadline tree, at the back of its priority's queue. */
void scheduler_wake(struct thread *thread);
/* The current thread waits: sets `state`, enters the deadline tree (unless CAVERN_FOREVER), leaves the CPU at the exit. */
void scheduler_wait(struct thread *thread, uint8_t state, uint64_t deadline);
/* Takes a thread out of wherever it stands: run queue, deadline tree, the CPU. */
void scheduler_remove(struct thread *thread);
/* The current thread goes to the back of its priority's queue. */
void scheduler_yield(void);
void scheduler_set_priority(struct thread *thread, uint8_t priority);
/* The timer fired: wakes those whose deadline has passed (through message_timeout), ends slices. */
void scheduler_timer(void);
/*
 * What the CPU runs next; called once at the end of each entry from user mode or idle. Runs jobs in between, as long as no
 * interrupt waits. NULL: nothing; the processor waits for an interrupt. Charges CPU time, sets the timer, and
 * calls arch_switch when the thread changes.
 */
struct thread *scheduler_next(void);
