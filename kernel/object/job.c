/* SPDX-License-Identifier: BSD-2-Clause */
#include "object/job.h"

#include <cavern/memory.h>

#include "object/memory.h"
#include "object/object.h"
#include "object/scheduler.h"
#include "object/thread.h"

void job_init(struct job *job, bool (*step)(struct job *job), struct object *owner)
{
    *job = (struct job){.owner = owner, .step = step};
    list_init(&job->dying);
}

void job_start(struct job *job, uint8_t priority)
{
    if (run_queue_queued(&job->runnable)) {
        if (priority <= job->runnable.priority)
            return;
        run_queue_remove(&scheduler.jobs, &job->runnable);
    } else if (job->owner) {
        object_get(job->owner); /* until job_finish */
    }
    job->runnable.priority = priority;
    run_queue_push_back(&scheduler.jobs, &job->runnable);
    scheduler_jobs_queued();
}

bool job_destroy_dying(struct job *job)
{
    uint64_t end = memory_free() + JOB_STEP_ITEMS * CAVERN_PAGE_SIZE; /* a page that comes back is an item, too */

    for (unsigned i = 0; i < JOB_STEP_ITEMS && memory_free() < end; i++) {
        struct list *dying = list_pop_front(&job->dying);
        if (!dying)
            return true;
        struct object *object = container_of(dying, struct object, dying);
        if (!object_classes[object->class].destroy(object)) {
            list_push_front(&job->dying, dying);
            return false;
        }
    }
    return list_empty(&job->dying);
}

bool job_take_over(struct job *job)
{
    struct list *left = &scheduler.reaper.dying;

    if (list_empty(left))
        return false;
    list_splice_back(&job->dying, left);
    return true;
}

/* What its last step dropped, and its owner, with the job in it, are the reaper's. */
static void job_finish(struct job *job)
{
    uint8_t priority = job->runnable.priority;

    run_queue_remove(&scheduler.jobs, &job->runnable);
    list_splice_back(&scheduler.reaper.dying, &job->dying);
    if (job->owner)
        object_put(job->owner); /* job_start */
    if (!list_empty(&scheduler.reaper.dying))
        job_start(&scheduler.reaper, priority);
}

void job_abandon(struct job *job)
{
    if (run_queue_queued(&job->runnable))
        job_finish(job);
}

void job_run(struct job *job)
{
    struct cpu *cpu = arch_cpu();

    cpu->job = job;
    bool done = job->step(job);
    cpu->job = NULL;
    if (done)
        job_finish(job);
}

SELDOM void job_add_dying(struct list *dying)
{
    struct cpu *cpu = arch_cpu();

    if (cpu->job) {
        list_push_back(&cpu->job->dying, dying);
        return;
    }
    list_push_back(&scheduler.reaper.dying, dying);
    job_start(&scheduler.reaper, cpu->current ? cpu->current->runnable.priority : 0);
}
