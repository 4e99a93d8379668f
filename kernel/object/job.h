/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Jobs: kernel work with a continuation; no stack. They stand in a run queue of their own, each level of which comes
 * before the threads of the same priority. A step handles at most JOB_STEP_ITEMS items. Each job has a list of objects
 * whose last reference it dropped; the reaper is the job for all others.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "arch/arch.h"
#include "core/list.h"
#include "core/run_queue.h"

struct object;

#define JOB_STEP_ITEMS 16
#define JOB_STEP_TABLES 4 /* of those that have to be searched: page tables, leaves of a handle table */

struct job {
    struct runnable runnable;      /* in scheduler.jobs */
    struct object *owner;          /* that the job stands in, counted while queued; NULL: none */
    struct list dying;             /* objects to destroy, object.dying */
    bool (*step)(struct job *job); /* true: all done, take it off the run queue */
};

void job_init(struct job *job, bool (*step)(struct job *job), struct object *owner);
/* Queues it at `priority`; one that is queued only ever gets higher. */
void job_start(struct job *job, uint8_t priority);
/* One step of destroying what is on the job's list; true when the list is empty. For `step` functions. */
bool job_destroy_dying(struct job *job);
/* There is nothing to do for it any more: if it is queued, it is no longer, and its owner is let go. */
void job_abandon(struct job *job);
/* What is left to the reaper, at whatever priority, is this job's from now on; false: nothing was. */
bool job_take_over(struct job *job);
/* Runs one step of a queued job, with `job` as the one that object_put uses. The scheduler calls it. */
void job_run(struct job *job);
/* Where objects go whose last reference was just dropped: who dropped it goes on when they are gone. */
SELDOM void job_add_dying(struct list *dying);
