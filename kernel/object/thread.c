/* SPDX-License-Identifier: BSD-2-Clause */
#include "object/thread.h"

#include <string.h>

#include "object/account.h"
#include "object/machine.h"
#include "object/message.h"
#include "object/process.h"
#include "object/queue.h"
#include "object/scheduler.h"

static enum cavern_status check_schedule(const struct process *process, uint64_t priority, uint64_t cpu_mask)
{
    if (priority >= CAVERN_PRIORITIES || (cpu_mask && !(cpu_mask & scheduler.online)))
        return CAVERN_BAD_ARGUMENT;
    return priority <= process->account->top_priority ? CAVERN_OK : CAVERN_DENIED;
}

/* One that leaves no CPU out is none, so that the short cuts serve its thread. */
static uint64_t mask_of(uint64_t cpu_mask)
{
    return scheduler.online & ~cpu_mask ? cpu_mask : 0;
}

enum cavern_status thread_create(struct process *process, uint64_t priority, uint64_t pc, uint64_t sp, uint64_t tls,
                                 const uint64_t arguments[2], uint64_t cpu_mask, struct thread **made)
{
    enum cavern_status status = process_alive(process) ? check_schedule(process, priority, cpu_mask) : CAVERN_GONE;
    if (status)
        return status;
    struct thread *thread = process->last_thread < UINT32_MAX ? object_create(process->account, CLASS_THREAD) : NULL;
    if (!thread)
        return CAVERN_NO_MEMORY; /* or no id */
    arch_context_init(&thread->context, pc, sp, tls, arguments[0], arguments[1]);
    thread->runnable.priority = (uint8_t)priority;
    thread->cpu_mask = mask_of(cpu_mask);
    thread->process = process;
    object_get(&process->object); /* thread->process */
    notice_init(&thread->exit, CAVERN_KIND_EXIT, &thread->object);
    notice_init(&thread->fault, CAVERN_KIND_FAULT, &thread->object);
    *made = thread;
    return CAVERN_OK;
}

void thread_start(struct thread *thread)
{
    struct process *process = thread->process;

    object_get(&thread->object); /* it lives until it has ended */
    thread->id = ++process->last_thread;
    tree_insert(&process->threads, &thread->of_process, thread->id);
    process->thread_count++;
    if (process->top_priority < thread->runnable.priority)
        process->top_priority = thread->runnable.priority;
    process->state = CAVERN_PROCESS_RUNNING;
    scheduler_wake(thread);
}

static void forget_fault(struct thread *thread)
{
    notice_clear(&thread->fault);
    thread->fault.count = 0;
}

static void leave(struct thread *thread, const uint64_t exit_words[5])
{
    struct process *process = thread->process;

    message_thread_gone(thread);
    scheduler_remove(thread);
    forget_fault(thread);
    thread->state = CAVERN_THREAD_ENDED;
    tree_remove(&process->threads, &thread->of_process);
    if (process->near == thread)
        process->near = NULL;
    process->thread_count--;
    memcpy(thread->exit.words, exit_words, sizeof thread->exit.words);
    notice_fire(&thread->exit);
    if (process->faulter == thread)
        object_put(&process->object); /* thread->process: it is the process that keeps the thread now */
    object_put(&thread->object);      /* thread_start */
}

bool thread_end(struct thread *thread, enum cavern_reason reason, uint64_t code)
{
    struct process *process = thread->process;

    if (thread->state == CAVERN_THREAD_ENDED)
        return true;
    if (scheduler_runs_elsewhere(thread)) {
        thread->doomed = (uint8_t)reason;
        thread->doom_code = code;
        return false;
    }
    leave(thread, (const uint64_t[5]){reason, code});
    if (!process->thread_count)
        process_end(process, (const uint64_t[5]){CAVERN_REASON_THREADS, code});
    return true;
}

void thread_end_with_process(struct thread *thread)
{
    leave(thread, thread->process->exit.words);
}

bool thread_suspend(struct thread *thread)
{
    thread->suspended = true;
    if (thread->state != CAVERN_THREAD_READY)
        return true;
    if (scheduler_runs_elsewhere(thread))
        return false;
    scheduler_remove(thread);
    thread->state = CAVERN_THREAD_SUSPENDED;
    return true;
}

void thread_resume(struct thread *thread)
{
    thread->suspended = false;
    thread_fault_done(thread);
    if (thread->state == CAVERN_THREAD_SUSPENDED)
        scheduler_wake(thread);
}

enum cavern_status thread_set(struct thread *thread, uint64_t priority, uint64_t cpu_mask)
{
    struct process *process = thread->process;
    enum cavern_status status = process_alive(process) ? check_schedule(process, priority, cpu_mask) : CAVERN_GONE;
    if (status)
        return status; /* threads of an ending process must stay behind the job that ends them */
    scheduler_set_priority(thread, (uint8_t)priority);
    if (process->top_priority < priority)
        process->top_priority = (uint8_t)priority;
    if (cpu_mask)
        scheduler_set_mask(thread, mask_of(cpu_mask));
    return CAVERN_OK;
}

static const char *fault_name(enum cavern_fault kind)
{
    static const char *const names[] = {
        [CAVERN_FAULT_NONE] = "no fault",
        [CAVERN_FAULT_DATA_UNMAPPED] = "data access to unmapped memory",
        [CAVERN_FAULT_DATA_DENIED] = "data access denied",
        [CAVERN_FAULT_CODE_UNMAPPED] = "instruction fetch from unmapped memory",
        [CAVERN_FAULT_CODE_DENIED] = "instruction fetch denied",
        [CAVERN_FAULT_ALIGNMENT] = "misaligned access",
        [CAVERN_FAULT_UNDEFINED] = "undefined instruction",
        [CAVERN_FAULT_BREAKPOINT] = "breakpoint",
        [CAVERN_FAULT_FOREIGN_CALL] = "foreign system call",
        [CAVERN_FAULT_RESERVED] = "reserved fault",
        [CAVERN_FAULT_EXTERNAL] = "external abort",
        [CAVERN_FAULT_OTHER] = "unknown exception",
    };

    return names[kind];
}

/* Nobody handles it. */
static void end_of_fault(struct thread *thread)
{
    struct process *process = thread->process;
    const uint64_t *words = thread->fault.words;
    char name[CAVERN_NAME_SIZE + 1] = {0};

    if (!process_alive(process))
        return;
    memcpy(name, process->name, CAVERN_NAME_SIZE);
    log_write(CAVERN_LOG_ERROR, "%s (%u.%u): %s, pc 0x%lx, address 0x%lx", name, process->id, thread->id,
              fault_name((enum cavern_fault)words[CAVERN_FAULT_KIND]), (unsigned long)words[CAVERN_FAULT_PC],
              (unsigned long)words[CAVERN_FAULT_ADDRESS]);
    process->faulter = thread;
    object_get(&thread->object); /* process->faulter */
    process_end(process, (const uint64_t[5]){CAVERN_REASON_FAULT, 0, words[CAVERN_FAULT_KIND], words[CAVERN_FAULT_PC],
                                             words[CAVERN_FAULT_ADDRESS]});
}

const struct notice *thread_fault_destination(const struct thread *thread)
{
    const struct process *process = thread->process;
    const struct queue *queue = process->faults.queue;

    return queue && queue->process != process && process_alive(process) ? &process->faults : NULL;
}

void thread_fault(struct thread *thread, enum cavern_fault kind, uint64_t address, uint64_t syndrome)
{
    const struct notice *destination = thread_fault_destination(thread);

    thread_fault_describe(thread, kind, address, syndrome);
    if (!destination) {
        end_of_fault(thread);
        return;
    }
    scheduler_remove(thread);
    thread->state = CAVERN_THREAD_FAULTED;
    notice_set(&thread->fault, destination->queue, destination->label);
    notice_fire(&thread->fault);
}

void thread_fault_done(struct thread *thread)
{
    if (thread->state != CAVERN_THREAD_FAULTED)
        return;
    forget_fault(thread);
    scheduler_wake(thread);
}

void thread_fault_lost(struct thread *thread)
{
    forget_fault(thread);
    end_of_fault(thread);
}

struct thread *thread_find(struct process *process, uint64_t id)
{
    if (process->near && process->near->id == id)
        return process->near;
    struct tree_node *node = tree_find(&process->threads, id);

    return process->near = node ? container_of(node, struct thread, of_process) : NULL;
}

struct thread *thread_next(struct process *process, uint64_t after)
{
    struct tree_node *node = tree_ceiling(&process->threads, after + 1);

    return node ? container_of(node, struct thread, of_process) : NULL;
}

bool thread_destroy(struct object *object)
{
    struct thread *thread = container_of(object, struct thread, object);
    struct process *process = thread->process;

    notice_clear(&thread->exit);
    object_free(thread);
    if (process)
        object_put(&process->object); /* thread->process */
    return true;
}
