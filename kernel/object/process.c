/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The end of a process is its job `ending`: threads, queues, grants, handles (unless kept), memory, what died of that;
 * then the exit notice. A process that never ran is taken apart in the same steps when its last reference goes.
 */
#include "object/process.h"

#include <string.h>

#include "arch/arch.h"
#include "object/account.h"
#include "object/machine.h"
#include "object/message.h"
#include "object/queue.h"
#include "object/scheduler.h"
#include "object/thread.h"

/* Fixed entries. */
enum { ENTRY_PROCESS = 1, ENTRY_ACCOUNT, ENTRY_THREAD };

_Static_assert(CAVERN_SELF_PROCESS == HANDLE_FIXED(ENTRY_PROCESS), "own process");
_Static_assert(CAVERN_SELF_ACCOUNT == HANDLE_FIXED(ENTRY_ACCOUNT), "own account");
_Static_assert(CAVERN_SELF_THREAD == HANDLE_FIXED(ENTRY_THREAD), "calling thread");

/* --- making --- */

static enum cavern_status check_predecessor(const struct process *predecessor, const struct account *account)
{
    if (predecessor->state != CAVERN_PROCESS_ZOMBIE || !predecessor->table_kept)
        return CAVERN_BUSY;
    return predecessor->account == account ? CAVERN_OK : CAVERN_BAD_ARGUMENT;
}

static void set_fixed_entries(struct process *process)
{
    handle_table_set_fixed(&process->handles, ENTRY_PROCESS, CAVERN_TYPE_PROCESS, object_rights[CAVERN_TYPE_PROCESS],
                           process);
    handle_table_set_fixed(&process->handles, ENTRY_ACCOUNT, CAVERN_TYPE_ACCOUNT,
                           CAVERN_RIGHT_CHARGE | CAVERN_RIGHT_INSPECT, process->account);
    handle_table_set_fixed(&process->handles, ENTRY_THREAD, CAVERN_TYPE_THREAD, 0, NULL);
}

static bool end_step(struct job *job);

/* Nothing of this can fail. */
static void process_init(struct process *process, struct account *account, unsigned flags, const char *name)
{
    process->flags = (uint8_t)flags;
    memcpy(process->name, name, sizeof process->name);
    process->account = account;
    object_get(&account->object); /* process->account */
    list_init(&process->queues);
    list_init(&process->grants);
    notice_init(&process->exit, CAVERN_KIND_EXIT, &process->object);
    notice_init(&process->faults, CAVERN_KIND_FAULT, &process->object);
    job_init(&process->ending, end_step, &process->object);
    process->id = ++machine->last_process;
    tree_insert(&machine->processes, &process->by_id, process->id);
}

enum cavern_status process_create(struct account *account, struct process *predecessor, unsigned flags,
                                  const char name[CAVERN_NAME_SIZE], struct process **made)
{
    enum cavern_status status = predecessor ? check_predecessor(predecessor, account) : CAVERN_OK;
    if (status)
        return status;
    struct process *process = machine->last_process < UINT32_MAX ? object_create(account, CLASS_PROCESS) : NULL;
    if (!process)
        return CAVERN_NO_MEMORY; /* or no id */
    process->account = account;
    status = space_init(&process->space, account);
    if (status)
        goto out_object;
    handle_table_init(&process->handles);
    if (!predecessor) {
        status = process_reserve(process, 1);
        if (status)
            goto out_table;
    } else {
        process->handles = predecessor->handles;
        handle_table_init(&predecessor->handles);
        predecessor->table_kept = false;
    }
    process_init(process, account, flags, name);
    set_fixed_entries(process);
    *made = process;
    return CAVERN_OK;

out_table:
    for (void *page; (page = handle_table_remove_page(&process->handles));)
        account_give_page(account, arch_physical(page));
    while (!space_destroy_step(&process->space))
        continue;
out_object:
    object_free(process);
    return status;
}

struct process *process_next(uint64_t after)
{
    struct tree_node *node = after < UINT32_MAX ? tree_ceiling(&machine->processes, after + 1) : NULL;

    return node ? container_of(node, struct process, by_id) : NULL;
}

/* --- handles --- */

static enum cavern_status table_grow(struct process *process)
{
    uint64_t physical;

    if (handle_table_complete(&process->handles) || !account_take_page(process->account, &physical))
        return CAVERN_NO_MEMORY;
    return handle_table_add_page(&process->handles, arch_direct(physical)) ? CAVERN_OK : CAVERN_NO_MEMORY;
}

enum cavern_status process_reserve(struct process *process, unsigned count)
{
    enum cavern_status status = CAVERN_OK;

    while (!status && !handle_table_room(&process->handles, count))
        status = table_grow(process);
    return status;
}

/* Makes sure that exactly `wanted` can be inserted. */
static enum cavern_status reserve_wanted(struct process *process, cavern_handle wanted)
{
    enum handle_place place = handle_place(&process->handles, wanted);
    enum cavern_status status = CAVERN_OK;

    while (!status && place == HANDLE_PLACE_NEEDS_PAGE) {
        status = table_grow(process);
        place = handle_place(&process->handles, wanted);
    }
    if (status || place == HANDLE_PLACE_OK)
        return status;
    const struct handle_entry *entry = handle_table_entry(&process->handles, handle_index(wanted));
    bool in_use = place == HANDLE_PLACE_EXISTS && handle_entry_used(entry);
    return in_use ? CAVERN_EXISTS : CAVERN_BAD_ARGUMENT;
}

static uint16_t rights_of(const struct object *object)
{
    return object->type == CAVERN_TYPE_BUFFER ? buffer_rights(container_of(object, struct holding, object)->buffer)
                                              : object_rights[object->type];
}

enum cavern_status process_insert(struct process *process, struct object *object, uint16_t rights, cavern_handle wanted,
                                  cavern_handle *handle)
{
    enum cavern_status status = wanted ? reserve_wanted(process, wanted) : process_reserve(process, 1);
    if (status)
        return status;
    rights &= rights_of(object);
    if (object->type == CAVERN_TYPE_BUFFER && rights & CAVERN_RIGHT_WRITE)
        holding_writer_get(container_of(object, struct holding, object));
    if (wanted)
        handle_insert_at(&process->handles, wanted, object->type, rights, object);
    *handle = wanted ? wanted : handle_insert(&process->handles, object->type, rights, object);
    return CAVERN_OK;
}

cavern_handle process_publish(struct process *process, struct object *object)
{
    cavern_handle handle;

    object->handles++; /* the reference becomes the handle's */
    if (process_insert(process, object, CAVERN_RIGHTS_ALL, 0, &handle))
        panic("no room for a handle that was reserved");
    return handle;
}

enum cavern_status process_close(struct process *process, cavern_handle handle)
{
    enum handle_check why;
    const struct handle_entry *entry = handle_lookup_entry(&process->handles, handle, HANDLE_TYPE_ANY, 0, &why);
    if (!entry)
        return handle == CAVERN_SELF_THREAD ? CAVERN_DENIED : CAVERN_BAD_HANDLE;
    bool writer = handle_entry_type(entry) == CAVERN_TYPE_BUFFER && handle_entry_rights(entry) & CAVERN_RIGHT_WRITE;
    struct object *object = handle_remove(&process->handles, handle);
    if (!object)
        return CAVERN_DENIED; /* a fixed one */
    if (writer)
        holding_writer_put(container_of(object, struct holding, object));
    object_put_handle(object);
    return CAVERN_OK;
}

#define THREAD_RIGHTS object_rights[CAVERN_TYPE_THREAD]

enum cavern_status process_lookup_slow(struct process *process, cavern_handle handle, uint8_t type, uint16_t rights,
                                       void **object)
{
    struct thread *caller = arch_cpu()->current;

    *object = NULL;
    if (handle != CAVERN_SELF_THREAD || type != CAVERN_TYPE_THREAD || !caller || caller->process != process)
        return handle_lookup_failure(&process->handles, handle, type) == HANDLE_DENIED ? CAVERN_DENIED
                                                                                       : CAVERN_BAD_HANDLE;
    if (rights & ~THREAD_RIGHTS)
        return CAVERN_DENIED;
    *object = caller;
    return CAVERN_OK;
}

enum cavern_status process_lookup_any(struct process *process, cavern_handle handle, struct object **object,
                                      uint16_t *rights)
{
    enum handle_check why;
    const struct handle_entry *entry = handle_lookup_entry(&process->handles, handle, HANDLE_TYPE_ANY, 0, &why);
    if (entry) {
        *object = handle_entry_object(entry);
        *rights = handle_entry_rights(entry);
        return CAVERN_OK;
    }
    void *thread;
    enum cavern_status status = process_lookup_slow(process, handle, CAVERN_TYPE_THREAD, 0, &thread);
    *object = thread;
    *rights = THREAD_RIGHTS;
    return status;
}

/* --- ending --- */

void process_end(struct process *process, const uint64_t exit_words[5])
{
    if (!process_alive(process))
        return;
    process->state = CAVERN_PROCESS_ENDING;
    memcpy(process->exit.words, exit_words, sizeof process->exit.words);
    job_start(&process->ending, process->top_priority);
    scheduler_stop_process(process);
}

void process_hasten(struct process *process, uint8_t priority)
{
    if (process->state == CAVERN_PROCESS_ENDING && run_queue_queued(&process->ending.runnable))
        job_start(&process->ending, priority);
}

void process_forsake(struct process *process, uint8_t priority)
{
    process->flags &= (uint8_t)~CAVERN_PROCESS_KEEP;
    process_handles_gone(&process->object);
    process_hasten(process, priority);
}

/* One that another CPU runs is waited for. */
static void end_threads(struct process *process)
{
    struct tree_node *node;

    for (unsigned i = 0; i < JOB_STEP_ITEMS && (node = tree_first(&process->threads)); i++) {
        struct thread *thread = container_of(node, struct thread, of_process);
        if (scheduler_runs_elsewhere(thread))
            return;
        thread_end_with_process(thread);
    }
}

/* A handle to this keeps the process: in its own table, for ever. */
static bool is_own(const struct process *process, const struct object *object)
{
    return object == &process->object || (object->type == CAVERN_TYPE_THREAD &&
                                          container_of(object, const struct thread, object)->process == process);
}

/* The steps below answer true when there is nothing of their kind left. */
static bool close_handles(struct process *process, bool keep_table)
{
    uint32_t end = process->cursor + JOB_STEP_TABLES * HANDLE_LEAF_ENTRIES;

    for (unsigned i = 0; i < JOB_STEP_ITEMS && process->cursor < end; i++) {
        cavern_handle handle;
        if (!process->handles.used || !handle_next_used(&process->handles, &process->cursor, &handle))
            return true;
        struct object *object;
        uint16_t rights;
        if (!handle || process_lookup_any(process, handle, &object, &rights) ||
            (keep_table && process->object.handles && !is_own(process, object)))
            continue;
        if (process_close(process, handle))
            panic("process %u: a handle can't be closed", process->id);
    }
    return false;
}

static bool give_table(struct process *process)
{
    for (unsigned i = 0; i < JOB_STEP_ITEMS; i++) {
        void *page = handle_table_remove_page(&process->handles);
        if (!page)
            return true;
        account_give_page(process->account, arch_physical(page));
    }
    return false;
}

/* All but the threads. */
static bool take_apart(struct process *process, bool keep_table)
{
    struct list *queue = list_first(&process->queues);

    if (queue) {
        queue_unbind_step(container_of(queue, struct queue, of_process));
        return false;
    }
    if (!message_process_gone_step(process))
        return false;
    if (!close_handles(process, keep_table) || (!keep_table && !give_table(process)))
        return false;
    return space_destroy_step(&process->space);
}

static _Noreturn void panic_of_end(const struct process *process)
{
    const uint64_t *words = process->exit.words;
    char name[CAVERN_NAME_SIZE + 1] = {0};

    memcpy(name, process->name, sizeof process->name);
    panic("%s has ended: reason %lu, code %lu, fault %lu at pc %lx, address %lx", name,
          (unsigned long)words[CAVERN_EXIT_REASON], (unsigned long)words[CAVERN_EXIT_CODE],
          (unsigned long)words[CAVERN_EXIT_FAULT], (unsigned long)words[CAVERN_EXIT_PC],
          (unsigned long)words[CAVERN_EXIT_ADDRESS]);
}

static bool end_step(struct job *job)
{
    struct process *process = container_of(job, struct process, ending);
    /* For a successor, and nobody can make one without a handle. */
    bool keep = process->flags & CAVERN_PROCESS_KEEP && process->object.handles;

    if (!tree_empty(&process->threads)) {
        end_threads(process);
        return false;
    }
    if (!take_apart(process, keep) || !job_destroy_dying(job) || (keep && !process->object.handles) ||
        job_take_over(job)) /* what its threads closed last, which is still there, at their priority */
        return false;
    process->table_kept = keep;
    process->cursor = 0; /* for what is kept */
    process->state = CAVERN_PROCESS_ZOMBIE;
    if (process->id == machine->vital_process)
        panic_of_end(process);
    notice_fire(&process->exit);
    return true;
}

/* The table need not be kept any more: it goes now, whoever holds a thread of the process. */
void process_handles_gone(struct object *object)
{
    struct process *process = container_of(object, struct process, object);

    process->cursor = 0; /* of closing: also what has been passed over */
    if (!process->table_kept)
        return;
    process->table_kept = false;
    object_get(object); /* until process_destroy has closed the table */
    job_add_dying(&object->dying);
}

bool process_destroy(struct object *object)
{
    struct process *process = container_of(object, struct process, object);
    struct account *account = process->account;

    if (process->state == CAVERN_PROCESS_NEW)
        process->state = CAVERN_PROCESS_ENDING;
    if (!take_apart(process, false))
        return false;
    if (object->references && --object->references) /* process_handles_gone */
        return true;
    notice_clear(&process->exit);
    notice_clear(&process->faults);
    if (process->faulter) {
        process->faulter->process = NULL;
        object_put(&process->faulter->object); /* process->faulter */
    }
    tree_remove(&machine->processes, &process->by_id);
    object_free(process);
    object_put(&account->object); /* process->account */
    return true;
}
