/* SPDX-License-Identifier: BSD-2-Clause */
#include "object/thread.h"

#include "object/process.h"
#include "object/scheduler.h"
#include "syscall/user.h"
#include "syscall_table.h"

sys_outcome sys_thread_create(struct thread *caller, struct thread_create_args *args)
{
    void *process;
    struct thread *made;
    uint64_t arguments[2] = {args->argument0, args->argument1};
    enum cavern_status status =
        process_lookup(caller->process, args->process, CAVERN_TYPE_PROCESS, CAVERN_RIGHT_MANAGE, &process);
    if (!status)
        status = process_reserve(caller->process, 1);
    if (!status)
        status = thread_create(process, args->priority, args->pc, args->sp, args->tls, arguments, args->cpus, &made);
    if (status)
        return status;
    args->thread = process_publish(caller->process, &made->object);
    thread_start(made);
    return SYS_OK;
}

/* The thread that a handle names, or a handle to its process and its id; id 0: whose fault ended it. */
static struct thread *thread_of(struct object *object, uint64_t id)
{
    if (object->type == CAVERN_TYPE_THREAD)
        return container_of(object, struct thread, object);
    struct process *process = container_of(object, struct process, object);
    return id ? thread_find(process, id) : process->faulter;
}

static enum cavern_status find(struct process *self, cavern_handle handle, uint64_t id, struct thread **thread)
{
    struct object *object;
    uint16_t rights;
    enum cavern_status status = process_lookup_any(self, handle, &object, &rights);
    if (status)
        return status;
    if (object->type != CAVERN_TYPE_THREAD && object->type != CAVERN_TYPE_PROCESS)
        return CAVERN_BAD_HANDLE;
    if (!(rights & CAVERN_RIGHT_MANAGE))
        return CAVERN_DENIED;
    *thread = thread_of(object, id);
    if (!*thread)
        return CAVERN_BAD_ARGUMENT;
    return (*thread)->state == CAVERN_THREAD_ENDED ? CAVERN_GONE : CAVERN_OK;
}

#define ENDING (UINT64_C(1) << 40) /* added to the operation: another CPU has been told to end the thread */

static sys_outcome end(struct thread *caller, struct thread *thread, struct thread_control_args *args)
{
    bool self = thread->process == caller->process;

    if (!thread_end(thread, self ? CAVERN_REASON_EXITED : CAVERN_REASON_ENDED, args->value)) {
        args->operation = CAVERN_THREAD_END | ENDING;
        return SYS_RESTART;
    }
    return thread == caller ? SYS_ENDED : SYS_OK;
}

sys_outcome sys_thread_control(struct thread *caller, struct thread_control_args *args)
{
    struct thread *thread;
    enum cavern_status status = find(caller->process, args->thread, args->id, &thread);
    if (args->operation == (CAVERN_THREAD_END | ENDING) && (status == CAVERN_GONE || status == CAVERN_BAD_ARGUMENT))
        return SYS_OK; /* it is no more */
    if (status)
        return status;
    switch (args->operation) {
    case CAVERN_THREAD_END:
    case CAVERN_THREAD_END | ENDING:
        return end(caller, thread, args);
    case CAVERN_THREAD_SUSPEND:
        return thread_suspend(thread) ? SYS_OK : SYS_RESTART;
    case CAVERN_THREAD_RESUME:
        thread_resume(thread);
        return SYS_OK;
    case CAVERN_THREAD_YIELD:
        if (thread != caller)
            return CAVERN_BAD_ARGUMENT;
        scheduler_yield();
        return SYS_OK;
    case CAVERN_THREAD_SET:
        return thread_set(thread, args->value, args->cpus);
    default:
        return CAVERN_BAD_ARGUMENT;
    }
}

/* Any set of registers. */
union registers {
    struct cavern_registers general;
    struct cavern_vector_registers vector;
    uint64_t tls;
};

static size_t set_size(uint64_t set)
{
    static const size_t sizes[] = {
        [CAVERN_REGISTERS_GENERAL] = sizeof(struct cavern_registers),
        [CAVERN_REGISTERS_VECTOR] = sizeof(struct cavern_vector_registers),
        [CAVERN_REGISTERS_TLS] = sizeof(uint64_t),
    };

    return set < sizeof sizes / sizeof *sizes ? sizes[set] : 0;
}

static void registers_read(const struct thread *thread, uint64_t set, union registers *registers)
{
    if (set == CAVERN_REGISTERS_GENERAL)
        arch_context_read(&thread->context, &registers->general);
    else if (set == CAVERN_REGISTERS_VECTOR)
        arch_context_read_vector(&thread->context, &registers->vector);
    else
        registers->tls = thread->context.tls;
}

static void registers_write(struct thread *thread, uint64_t set, const union registers *registers)
{
    if (set == CAVERN_REGISTERS_GENERAL)
        arch_context_write(&thread->context, &registers->general);
    else if (set == CAVERN_REGISTERS_VECTOR)
        arch_context_write_vector(&thread->context, &registers->vector);
    else
        thread->context.tls = registers->tls;
}

/* Such a thread is not the caller, so its registers are on no CPU. */
static bool is_stopped(const struct thread *thread)
{
    return thread->state == CAVERN_THREAD_SUSPENDED || thread->state == CAVERN_THREAD_FAULTED ||
           thread->state == CAVERN_THREAD_ENDED;
}

/* Its fault has ended its process, which keeps it. */
static bool is_kept(const struct thread *thread)
{
    return thread->process && thread->process->faulter == thread;
}

sys_outcome sys_thread_registers(struct thread *caller, struct thread_registers_args *args)
{
    struct thread *thread;
    union registers registers;
    uint64_t set = args->set & ~(uint64_t)CAVERN_REGISTERS_WRITE;
    size_t size = set_size(set);
    enum cavern_status status = find(caller->process, args->thread, args->id, &thread);
    if (status == CAVERN_GONE && is_kept(thread) && !(args->set & CAVERN_REGISTERS_WRITE))
        status = CAVERN_OK;
    if (status)
        return status;
    if (!size || args->bytes != size)
        return CAVERN_BAD_ARGUMENT;
    if (args->address % sizeof(uint64_t))
        return CAVERN_BAD_ADDRESS;
    if (!is_stopped(thread))
        return CAVERN_BUSY;
    if (!(args->set & CAVERN_REGISTERS_WRITE)) {
        registers_read(thread, set, &registers);
        return user_write(caller, args->address, &registers, size);
    }
    sys_outcome outcome = user_read(caller, &registers, args->address, size);
    if (outcome)
        return outcome;
    registers_write(thread, set, &registers);
    return SYS_OK;
}
