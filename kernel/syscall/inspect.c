/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What objects are. A topic has one record, or walks over many, in the order of their ids; then the
 * cursor says where to go on. A walk visits at most WALK_STEP objects in one entry: it returns what it has found, or
 * restarts if that is nothing.
 */
#include <string.h>

#include <cavern/inspect.h>

#include "arch/arch.h"
#include "object/account.h"
#include "object/buffer.h"
#include "object/dma.h"
#include "object/interrupt.h"
#include "object/machine.h"
#include "object/memory.h"
#include "object/process.h"
#include "object/scheduler.h"
#include "object/thread.h"
#include "syscall/user.h"
#include "syscall_table.h"

#define WALK_STEP 64

union record {
    struct cavern_account_info account;
    struct cavern_process_info process;
    struct cavern_thread_info thread;
    struct cavern_machine_info machine;
    struct cavern_buffer_info buffer;
    struct cavern_dma_info dma;
    struct cavern_cpu_info cpu;
    struct cavern_interrupt_info interrupt;
};

/* --- records --- */

static void fill_account(const struct object *object, union record *record)
{
    const struct account *account = container_of(object, const struct account, object);

    record->account = (struct cavern_account_info){
        .limit = account->budget.limit,
        .used = account->budget.used,
        .lent = account->budget.lent,
        .objects = account->objects,
        .top_priority = account->top_priority,
        .accounts = account->accounts,
    };
}

static void fill_process(const struct object *object, union record *record)
{
    const struct process *process = container_of(object, const struct process, object);

    record->process = (struct cavern_process_info){
        .id = process->id,
        .state = process->state,
        .threads = process->thread_count,
        .handles = process->handles.used,
        .memory = process->account->budget.used - process->account->budget.lent,
        .mapped = process->space.mapped,
        .cpu_time = arch_ticks_to_ns(process->cpu_time),
    };
    memcpy(record->process.exit_words, process->exit.words, sizeof record->process.exit_words);
    memcpy(record->process.name, process->name, sizeof record->process.name);
}

static void fill_thread(const struct thread *thread, union record *record)
{
    record->thread = (struct cavern_thread_info){
        .id = thread->id,
        .process = thread->process->id,
        .state = thread->state,
        .priority = thread->runnable.priority,
        .cpu_time = arch_ticks_to_ns(thread->cpu_time),
    };
}

static void fill_machine(const struct object *object, union record *record)
{
    record->machine = (struct cavern_machine_info){
        .memory_total = memory_total(),
        .memory_free = memory_free(),
        .uptime = arch_now(),
        .cpus = scheduler.cpu_count,
        .cpus_present = container_of(object, const struct machine, object)->cpus_present,
    };
    for (unsigned i = 0; i < scheduler.cpu_count; i++) {
        record->machine.switches += scheduler.cpus[i]->switches;
        record->machine.interrupts += scheduler.cpus[i]->interrupts;
        record->machine.system_calls += scheduler.cpus[i]->system_calls;
    }
}

static void fill_buffer(const struct object *object, union record *record)
{
    const struct buffer *buffer = container_of(object, const struct holding, object)->buffer;

    record->buffer = (struct cavern_buffer_info){
        .size = buffer_size(buffer),
        .address = buffer_own_address(buffer),
        .base = buffer_base(buffer),
        .device = buffer_is_device(buffer),
        .sealed = buffer_is_sealed(buffer),
    };
}

static void fill_dma(const struct object *object, union record *record)
{
    const struct dma *dma = container_of(object, const struct dma, object);

    record->dma = (struct cavern_dma_info){.mappings = dma->count, .bytes = dma->bytes};
}

/* --- walks --- */

/* Goes to the next object behind *cursor. True: it is of the account, and in *record. False with a cursor of 0: the
 * end. */
typedef bool walk_step(const struct object *object, uint64_t *cursor, union record *record);

static bool is_shown(const struct process *process, const struct object *object)
{
    const struct account *account = container_of(object, const struct account, object);

    return process->object.references && account_within(process->account, account);
}

static bool next_process(const struct object *object, uint64_t *cursor, union record *record)
{
    struct process *process = process_next(*cursor);

    *cursor = process ? process->id : 0;
    if (!process || !is_shown(process, object))
        return false;
    fill_process(&process->object, record);
    return true;
}

/* The cursor is process << 32 | thread. */
static bool next_thread(const struct object *object, uint64_t *cursor, union record *record)
{
    uint64_t id = *cursor >> 32;
    bool inside = id && (uint32_t)*cursor != UINT32_MAX; /* of a process: more of its threads may follow */
    struct process *process = process_next(inside ? id - 1 : id);
    struct thread *thread = NULL;

    if (process && is_shown(process, object))
        thread = thread_next(process, inside && process->id == id ? (uint32_t)*cursor : 0);
    *cursor = process ? (uint64_t)process->id << 32 | (thread ? thread->id : UINT32_MAX) : 0;
    if (thread)
        fill_thread(thread, record);
    return thread;
}

/* The cursor is how many CPUs there were before. */
static bool next_cpu(const struct object *object, uint64_t *cursor, union record *record)
{
    (void)object;
    if (*cursor >= scheduler.cpu_count) {
        *cursor = 0;
        return false;
    }
    const struct cpu *cpu = scheduler.cpus[(*cursor)++];
    record->cpu = (struct cavern_cpu_info){
        .number = cpu->number,
        .idle_time = arch_ticks_to_ns(cpu->idle_time),
        .switches = cpu->switches,
        .interrupts = cpu->interrupts,
        .system_calls = cpu->system_calls,
    };
    if (cpu->current) {
        record->cpu.process = cpu->current->process->id;
        record->cpu.thread = cpu->current->id;
        record->cpu.priority = cpu->current->runnable.priority;
    }
    return true;
}

/* The cursor is the line behind. */
static bool next_interrupt(const struct object *object, uint64_t *cursor, union record *record)
{
    const struct interrupt *interrupt = interrupt_next(*cursor);

    (void)object;
    *cursor = interrupt ? interrupt->first + 1 : 0;
    if (interrupt)
        record->interrupt = (struct cavern_interrupt_info){
            .line = interrupt->first,
            .cpu = interrupt->cpu,
            .fired = interrupt->fired,
        };
    return interrupt;
}

static sys_outcome walk(struct thread *caller, const struct object *object, walk_step *next, size_t size,
                        struct inspect_args *args)
{
    union record record;
    uint64_t cursor = args->cursor, before = cursor;

    for (unsigned i = 0; i < WALK_STEP; i++, before = cursor) {
        bool found = next(object, &cursor, &record);
        if (!found && !cursor)
            break;
        if (!found)
            continue;
        if (args->bytes - args->written < size) {
            cursor = before;
            break;
        }
        sys_outcome outcome = user_write(caller, args->address + args->written, &record, size);
        if (outcome) {
            args->written = 0;
            return outcome;
        }
        args->written += size;
    }
    args->cursor = args->next = cursor;
    return cursor && !args->written ? SYS_RESTART : SYS_OK;
}

/* --- topics --- */

struct topic {
    uint8_t type; /* of the object */
    uint8_t size; /* of a record */
    void (*fill)(const struct object *object, union record *record);
    walk_step *next; /* instead of `fill` */
};

static const struct topic topics[] = {
    [CAVERN_INSPECT_ACCOUNT] = {CAVERN_TYPE_ACCOUNT, sizeof(struct cavern_account_info), fill_account, NULL},
    [CAVERN_INSPECT_PROCESSES] = {CAVERN_TYPE_ACCOUNT, sizeof(struct cavern_process_info), NULL, next_process},
    [CAVERN_INSPECT_THREADS] = {CAVERN_TYPE_ACCOUNT, sizeof(struct cavern_thread_info), NULL, next_thread},
    [CAVERN_INSPECT_PROCESS] = {CAVERN_TYPE_PROCESS, sizeof(struct cavern_process_info), fill_process, NULL},
    [CAVERN_INSPECT_MACHINE] = {CAVERN_TYPE_MACHINE, sizeof(struct cavern_machine_info), fill_machine, NULL},
    [CAVERN_INSPECT_BUFFER] = {CAVERN_TYPE_BUFFER, sizeof(struct cavern_buffer_info), fill_buffer, NULL},
    [CAVERN_INSPECT_DMA] = {CAVERN_TYPE_DMA, sizeof(struct cavern_dma_info), fill_dma, NULL},
    [CAVERN_INSPECT_CPUS] = {CAVERN_TYPE_MACHINE, sizeof(struct cavern_cpu_info), NULL, next_cpu},
    [CAVERN_INSPECT_INTERRUPTS] = {CAVERN_TYPE_MACHINE, sizeof(struct cavern_interrupt_info), NULL, next_interrupt},
};

sys_outcome sys_inspect(struct thread *caller, struct inspect_args *args)
{
    struct object *object;
    uint16_t rights;
    union record record;
    enum cavern_status status = process_lookup_any(caller->process, args->object, &object, &rights);
    if (status)
        return status;
    if (!(rights & CAVERN_RIGHT_INSPECT))
        return CAVERN_DENIED;
    const struct topic *topic = args->topic < sizeof topics / sizeof topics[0] ? &topics[args->topic] : &topics[0];
    if (topic->type != object->type || args->bytes < topic->size)
        return CAVERN_BAD_ARGUMENT;
    if (args->address % 8)
        return CAVERN_BAD_ADDRESS;
    scheduler_charge();
    if (topic->next)
        return walk(caller, object, topic->next, topic->size, args);
    if (args->cursor)
        return SYS_OK; /* behind the only record */
    topic->fill(object, &record);
    sys_outcome outcome = user_write(caller, args->address, &record, topic->size);
    if (!outcome)
        args->written = topic->size;
    return outcome;
}
