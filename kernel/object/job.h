/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Jobs: kernel work with a continuation, standing in the run queue beside threads; no stack. A step handles at most
 * JOB_STEP_ITEMS items. Each job has a list of objects whose last reference it dropped; the reaper is the job for all others.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "core/list.h"
#include "core/run_queue.h"

#define JOB_STEP_ITEMS 64

struct job {
    struct runnable runnable; /* kind RUNNABLE_JOB */
    struct list dying;        /* objects to destroy, object.dying */
    bool (*step)(struct job *job); /* true: all done, take it off the run queue */
};

void job_init(struct job *job, bool (*step)(struct job *job));
/* Puts it at the front of `priority`'s queue; a waiting job only ever gets higher. */
void job_start(struct job *job, uint8_t priority);
/* One step of destroying what is on the job's list; true when the list is empty. For `step` functions. */
bool job_destroy_dying(struct job *job);
/* Runs one step, with `job` as the one that object_put uses. The scheduler calls it. */
void job_run(struct job *job);
/* Where objects go whose last reference was just dropped. */
void job_add_dying(struct list *dying);
