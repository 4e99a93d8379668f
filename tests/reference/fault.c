/* SPDX-License-Identifier: BSD-2-Clause */
/* Faults and who handles them: spec/processes.md, Handlers. */
#include <string.h>

#include "reference.h"

/* [PROC-HANDLER-2] */
static struct ref_queue *destination(const struct ref_process *process)
{
    struct ref_queue *queue = process->fault_queue;
    return queue && queue->owner != process && process->state == CAVERN_PROCESS_RUNNING ? queue : NULL;
}

bool ref_is_handled(const struct ref_process *process)
{
    return destination(process);
}

static void end_of_fault(struct ref_thread *thread, const uint64_t words[5])
{
    struct ref_process *process = thread->process;
    if (process->state >= CAVERN_PROCESS_ENDING)
        return;
    ref_log_own(CAVERN_LOG_ERROR); /* [PROC-FAULT-8] */
    process->faulter = thread;
    ref_process_end(process, CAVERN_REASON_FAULT, 0);
    process->exit.words[CAVERN_EXIT_FAULT] = words[CAVERN_FAULT_KIND];
    process->exit.words[CAVERN_EXIT_PC] = words[CAVERN_FAULT_PC];
    process->exit.words[CAVERN_EXIT_ADDRESS] = words[CAVERN_FAULT_ADDRESS];
}

/* [PROC-HANDLER-1] [PROC-FAULT-1] */
void ref_fault(struct ref_thread *thread, const uint64_t words[5])
{
    struct ref_process *process = thread->process;
    struct ref_queue *queue = destination(process);
    if (!queue) {
        end_of_fault(thread, words);
        return;
    }
    thread->state = CAVERN_THREAD_FAULTED;
    memcpy(thread->fault.words, words, sizeof thread->fault.words);
    ref_direct(&thread->fault, queue, process->fault_label);
    ref_fire(&thread->fault);
}

/* It has been dealt with, or nobody needs to any more. [PROC-HANDLER-3] [PROC-HANDLER-8] */
void ref_fault_done(struct ref_thread *thread)
{
    if (thread->state != CAVERN_THREAD_FAULTED)
        return;
    ref_direct(&thread->fault, NULL, 0);
    thread->fault.count = 0;
    thread->state = thread->suspended ? CAVERN_THREAD_SUSPENDED : CAVERN_THREAD_READY;
}

/* [PROC-HANDLER-7] */
void ref_fault_lost(struct ref_thread *thread)
{
    end_of_fault(thread, thread->fault.words);
}
