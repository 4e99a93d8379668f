/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Threads.
 *
 *   READY (in the run queue, or current) <-> RECEIVING (on a queue) / CALLING (a pending request) / SUSPENDED /
 *                                            FAULTED (a handler has been told) -> ENDED
 *
 * A thread keeps its process alive, and lives itself until it has ended. `wait` belongs to object/message.c.
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
    struct queue *queue;    /* RECEIVING: own, CALLING: the server's; not counted: each ends the sleep when it goes */
    uint32_t request;       /* CALLING: id of the pending request */
    uint8_t places;         /* CALLING: grants that the answer may bring, if there is memory for them */
    struct holding *answer; /* CALLING: memory for the answer, counted; NULL: registers only, or it does not sleep so */
    uint64_t answer_offset; /* in the buffer */
    uint64_t answer_bytes;  /* 0 without `answer` */
};

struct thread {
    struct object object;
    struct runnable runnable; /* in the run queue while READY and not current */
    struct arch_context context;
    struct process *process;     /* counted, but once it is ENDED as process->faulter; NULL: that is gone */
    struct tree_node of_process; /* by id */
    uint32_t id;                 /* within the process, from 1 on; never reused there */
    uint8_t state;               /* enum cavern_thread_state */
    bool suspended;              /* asked to be suspended: becomes SUSPENDED instead of READY */
    uint8_t doomed;              /* to be ended by the CPU that runs it: enum cavern_reason; 0: not */
    uint8_t last_cpu;            /* number */
    uint64_t doom_code;          /* then */
    uint64_t cpu_mask;           /* bit per CPU; 0: any */
    struct cpu *place;           /* in whose queue it stands; NULL: in that of all */
    struct cpu *timer_cpu;       /* in whose tree `deadline` stands; NULL: in none */
    uint64_t cpu_time;           /* ticks */
    uint64_t slice_used;         /* ns of its slice that it ran while others of its priority were ready */
    struct tree_node deadline;   /* in cpu->deadlines, while waiting with one */
    struct wait wait;
    struct notice exit;
    struct notice fault; /* FAULTED: where this fault is told; words: of it, or of the SYS_FAULT that a call returns */
};

/* With one reference; DENIED: above the account's top priority, GONE: the process has ended. */
enum cavern_status thread_create(struct process *process, uint64_t priority, uint64_t pc, uint64_t sp, uint64_t tls,
                                 const uint64_t arguments[2], uint64_t cpu_mask,
                                 struct thread **thread) CAVERN_MUST_CHECK;
/* Starts a created thread: makes it ready, and its process RUNNING. */
void thread_start(struct thread *thread);
/*
 * Ends it: out of every wait, off every list. The last one ends its process. `reason`: CAVERN_REASON_EXITED or ENDED.
 * False: another CPU runs it, and has been told to end it. That can't be taken back.
 */
bool thread_end(struct thread *thread, enum cavern_reason reason, uint64_t code) CAVERN_MUST_CHECK;
/* The same for a thread of a process that is ending: its exit words are the process's. */
void thread_end_with_process(struct thread *thread);
/* The rules of thread_create hold; a mask of 0 keeps the present one. */
enum cavern_status thread_set(struct thread *thread, uint64_t priority, uint64_t cpu_mask) CAVERN_MUST_CHECK;
/* False: another CPU runs it, and has been told: ask again. */
bool thread_suspend(struct thread *thread) CAVERN_MUST_CHECK;
void thread_resume(struct thread *thread);
/* The words of its fault notice, for a fault here. */
static inline void thread_fault_describe(struct thread *thread, enum cavern_fault kind, uint64_t address,
                                         uint64_t syndrome)
{
    uint64_t *words = thread->fault.words;
    words[CAVERN_FAULT_KIND] = kind;
    words[CAVERN_FAULT_PC] = thread->context.pc;
    words[CAVERN_FAULT_ADDRESS] = address;
    words[CAVERN_FAULT_SYNDROME] = syndrome;
    words[CAVERN_FAULT_THREAD] = thread->id;
}
/* Where faults of its process are told; NULL: nowhere, or to the process itself, or it is ending. */
const struct notice *thread_fault_destination(const struct thread *thread);
/*
 * User code did what it must not. FAULTED, and told; without a destination the process ends, with `kind`, pc and
 * address in the exit notice, and keeps the thread.
 */
void thread_fault(struct thread *thread, enum cavern_fault kind, uint64_t address, uint64_t syndrome);
/* The fault has been dealt with: the thread goes on. Harmless when there is none. */
void thread_fault_done(struct thread *thread);
/* The queue that a fault was told to is no more: the process ends of it. */
void thread_fault_lost(struct thread *thread);
/* By id, within `process`; NULL: none. */
struct thread *thread_find(struct process *process, uint64_t id);
/* The first with an id above `after`; NULL: no more. */
struct thread *thread_next(struct process *process, uint64_t after);
bool thread_destroy(struct object *object);
