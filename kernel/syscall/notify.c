/* SPDX-License-Identifier: BSD-2-Clause */
/* Sources of notices: process, thread, interrupt, signal, the machine's log. */
#include "object/interrupt.h"
#include "object/machine.h"
#include "object/notice.h"
#include "object/process.h"
#include "object/queue.h"
#include "object/scheduler.h"
#include "object/signal.h"
#include "object/thread.h"
#include "syscall_table.h"

/* The notice of any source but an interrupt; NULL: this type is none. */
static struct notice *notice_of(struct object *object)
{
    switch (object->type) {
    case CAVERN_TYPE_PROCESS:
        return &container_of(object, struct process, object)->exit;
    case CAVERN_TYPE_THREAD:
        return &container_of(object, struct thread, object)->exit;
    case CAVERN_TYPE_SIGNAL:
        return &container_of(object, struct signal, object)->notice;
    case CAVERN_TYPE_MACHINE:
        return &container_of(object, struct machine, object)->doorbell;
    default:
        return NULL;
    }
}

/* A source, with the right to say where it tells. */
static enum cavern_status find(struct process *self, cavern_handle handle, struct object **source)
{
    uint16_t rights;
    enum cavern_status status = process_lookup_any(self, handle, source, &rights);
    if (status)
        return status;
    bool line = (*source)->type == CAVERN_TYPE_INTERRUPT;
    if (!line && !notice_of(*source))
        return CAVERN_BAD_HANDLE;
    if (!(rights & ((*source)->type == CAVERN_TYPE_MACHINE ? CAVERN_RIGHT_LOG : CAVERN_RIGHT_MANAGE)))
        return CAVERN_DENIED;
    return line && container_of(*source, struct interrupt, object)->range ? CAVERN_BAD_ARGUMENT : CAVERN_OK;
}

/* What of it, where there is a choice: exits, or the faults of a process, which it can't handle itself. Of a line,
 * which CPU serves it. */
static enum cavern_status check_what(struct object *source, uint64_t what, const struct queue *queue)
{
    bool process = source->type == CAVERN_TYPE_PROCESS;

    if (source->type == CAVERN_TYPE_INTERRUPT)
        return what < scheduler.cpu_count ? CAVERN_OK : CAVERN_BAD_ARGUMENT;
    if ((!process && source->type != CAVERN_TYPE_THREAD) || what == CAVERN_NOTIFY_EXIT)
        return CAVERN_OK;
    if (!process || what != CAVERN_NOTIFY_FAULT)
        return CAVERN_BAD_ARGUMENT;
    bool own = queue && queue->process == container_of(source, struct process, object);
    return own ? CAVERN_BAD_ARGUMENT : CAVERN_OK;
}

/* Another process is told of this one's end, and is not to be kept from it. */
static bool is_watched(const struct object *source, uint64_t what, const struct process *self)
{
    if (source->type != CAVERN_TYPE_PROCESS || what != CAVERN_NOTIFY_EXIT)
        return false;
    const struct queue *queue = container_of(source, const struct process, object)->exit.queue;
    return queue && queue->process && queue->process != self;
}

sys_outcome sys_notify(struct thread *caller, struct notify_args *args)
{
    struct object *source;
    void *queue = NULL;
    enum cavern_status status = find(caller->process, args->source, &source);
    if (!status && args->queue)
        status = process_lookup(caller->process, args->queue, CAVERN_TYPE_QUEUE, CAVERN_RIGHT_RECEIVE, &queue);
    if (!status)
        status = check_what(source, args->what, queue);
    if (!status && is_watched(source, args->what, caller->process))
        status = CAVERN_DENIED;
    if (status)
        return status;
    if (source->type == CAVERN_TYPE_INTERRUPT)
        interrupt_notify(container_of(source, struct interrupt, object), queue, args->label, (unsigned)args->what);
    else if (source->type == CAVERN_TYPE_PROCESS && args->what == CAVERN_NOTIFY_FAULT)
        notice_set(&container_of(source, struct process, object)->faults, queue, args->label);
    else
        notice_set(notice_of(source), queue, args->label);
    return SYS_OK;
}

sys_outcome sys_acknowledge(struct thread *caller, struct acknowledge_args *args)
{
    struct object *source;
    enum cavern_status status = find(caller->process, args->source, &source);
    if (status)
        return status;
    if (source->type == CAVERN_TYPE_INTERRUPT)
        interrupt_acknowledge(container_of(source, struct interrupt, object));
    else
        notice_acknowledge(notice_of(source));
    if (source->type == CAVERN_TYPE_THREAD)
        thread_fault_done(container_of(source, struct thread, object));
    return SYS_OK;
}
