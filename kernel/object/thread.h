/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Threads.
 *
 *   READY (in the run queue, or current) <-> RECEIVING (on a queue) / CALLING (a pending request) / SUSPENDED -> ENDED
 *
 * A thread keeps its process alive; a process lists its threads. `wait` belongs to object/message.c.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <cavern/inspect.h>
#include <cavern/message.h>
#include <cavern/process.h>
#include <cavern/status.h>

#include "arch/arch.h"
#include "core/list.h"
#include "core/run_queue.h"
#include "core/tree.h"
#include "object/notice.h"
#include "object/object.h"

struct holding;
struct process;
struct queue;

/* What a waiting thread waits for, and where an answer goes. */
struct wait {
    struct queue *queue;   /* RECEIVING: here; CALLING: the server's queue. Counted. */
    uint32_t request;      /* CALLING: id of the pending request */
    uint8_t places;        /* CALLING: grants that the answer may bring */
    struct holding *answer; /* CALLING: memory for the answer, counted; NULL: registers only */
    uint64_t answer_offset; /* in the buffer */
    uint64_t answer_bytes;
};

struct thread {
    struct runnable runnable; /* kind RUNNABLE_THREAD; first, so that the scheduler finds the thread */
    struct object object;
    struct arch_context context;
    struct process *process; /* counted */
    struct list of_process;
    uint32_t id;
    uint8_t state;     /* enum cavern_thread_state */
    bool suspended;    /* asked to be suspended: becomes SUSPENDED instead of READY */
    uint64_t cpu_mask; /* bit per CPU; 0: any */
    uint64_t cpu_time; /* ns */
    struct tree_node deadline; /* while waiting with one */
    bool has_deadline;
    struct wait wait;
    struct notice exit;
};

enum cavern_status thread_create(struct process *process, uint8_t priority, uint64_t pc, uint64_t sp, uint64_t tls,
                                 const uint64_t arguments[2], uint64_t cpu_mask, struct thread **thread)
    CAVERN_MUST_CHECK;
/* Starts a created thread: makes it ready, and its process RUNNING. */
void thread_start(struct thread *thread);
/* Ends it: out of every wait, off every list. The last one ends its process. */
void thread_end(struct thread *thread, uint64_t code);
void thread_suspend(struct thread *thread);
void thread_resume(struct thread *thread);
/* User code did what it must not: the process ends, with `kind`, pc and address in the exit notice. */
void thread_fault(struct thread *thread, enum cavern_fault kind, uint64_t address);
/* By id, within `process`; NULL: none. */
struct thread *thread_find(struct process *process, uint32_t id);
