/* SPDX-License-Identifier: BSD-2-Clause */
/* Processes and threads: how they are made and how they end. spec/processes.md. */
#include <string.h>

#include "reference.h"

struct ref_process *ref_process_new(struct ref_account *account, uint64_t flags)
{
    struct ref_process *process = ref_new(sizeof *process);
    process->object.type = CAVERN_TYPE_PROCESS;
    process->account = account;
    process->id = ++ref.last_process; /* [PROC-CREATE-4] */
    process->flags = flags;
    process->table = ref_table_new();
    ref_notice_init(&process->exit, CAVERN_KIND_EXIT, &process->object);
    ref_push(&ref.processes, process);
    return process;
}

static void set_priority(struct ref_thread *thread, unsigned priority)
{
    thread->priority = priority;
    if (thread->process->urgency < priority)
        thread->process->urgency = priority;
}

struct ref_thread *ref_thread_new(struct ref_process *process, unsigned priority)
{
    struct ref_thread *thread = ref_new(sizeof *thread);
    thread->object.type = CAVERN_TYPE_THREAD;
    thread->process = process;
    thread->id = ++process->last_thread; /* [PROC-THREAD-4] */
    ref_notice_init(&thread->exit, CAVERN_KIND_EXIT, &thread->object);
    ref_notice_init(&thread->fault, CAVERN_KIND_FAULT, &thread->object);
    thread->fault.faulted = thread;
    ref_push(&process->threads, thread);
    process->state = CAVERN_PROCESS_RUNNING;
    set_priority(thread, priority);
    return thread;
}

/* --- waking --- */

/* Out of whatever it waits for. */
static void stop_waiting(struct ref_thread *thread)
{
    if (thread->receiving)
        thread->receiving->receiver = NULL;
    thread->receiving = NULL;
    thread->calling = NULL;
    thread->answer_buffer = NULL;
}

void ref_wake(struct ref_thread *thread, enum cavern_status status)
{
    stop_waiting(thread);
    thread->written = false;
    thread->state = thread->suspended ? CAVERN_THREAD_SUSPENDED : CAVERN_THREAD_READY;
    thread->fresh = true;
    thread->defined = 1;
    thread->out[0] = status;
}

/* HDR. [ABI-MSG-3] [MSG-CALL-2] */
void ref_wake_with(struct ref_thread *thread, const struct ref_message *message)
{
    ref_wake(thread, CAVERN_OK);
    uint64_t words[3 + CAVERN_WORDS] = {0};
    memcpy(words, &message->header, sizeof message->header);
    if (message->payload)
        memcpy(words + 3, message->payload, message->header.size);
    for (unsigned i = 0; i < 3 + CAVERN_WORDS; i++)
        ref_out(thread, 1 + i, words[i]);
}

/* --- ending --- */

static void set_exit(struct ref_notice *notice, enum cavern_reason reason, uint64_t code)
{
    notice->words[0] = reason;
    notice->words[1] = code;
}

static void stop(struct ref_thread *thread)
{
    if (thread->calling)
        ref_cancel(thread->calling, CAVERN_CANCELLED); /* [MSG-CALL-8] */
    stop_waiting(thread);
    ref_fault_done(thread);
    thread->state = CAVERN_THREAD_ENDED;
    thread->fresh = false;
    ref_remove(&thread->process->threads, thread);
}

/* [PROC-END-5] */
void ref_thread_end(struct ref_thread *thread, enum cavern_reason reason, uint64_t code)
{
    struct ref_process *process = thread->process;
    set_exit(&thread->exit, reason, code);
    stop(thread);
    ref_fire(&thread->exit);
    if (!process->threads.count)
        ref_process_end(process, CAVERN_REASON_THREADS, code); /* [PROC-END-2] */
}

/* It takes effect when the call that started it has been made. [PROC-END-1] */
void ref_process_end(struct ref_process *process, enum cavern_reason reason, uint64_t code)
{
    if (process->state >= CAVERN_PROCESS_ENDING)
        return;
    process->state = CAVERN_PROCESS_ENDING;
    process->ending = ref.endings++;
    set_exit(&process->exit, reason, code);
}

/* [PROC-END-8] */
void ref_hasten(struct ref_process *process, const struct ref_thread *thread)
{
    if (process->state != CAVERN_PROCESS_ENDING || process->urgency >= thread->priority)
        return;
    process->urgency = thread->priority;
    process->ending = ref.endings++;
}

static bool brings_from(const struct ref_message *message, const struct ref_process *process)
{
    for (unsigned i = 0; i < message->grants; i++) {
        if (message->grant[i].waits && message->grant[i].from == process)
            return true;
    }
    return false;
}

/* The first that it has sent with grants that still wait; NULL: none. */
static struct ref_message *first_with_grants(const struct ref_process *process)
{
    struct ref_message *first = NULL;
    for (unsigned q = 0; q < ref.queues.count; q++) {
        const struct ref_queue *queue = ref.queues.items[q];
        for (unsigned m = 0; m < queue->messages.count; m++) {
            struct ref_message *message = queue->messages.items[m];
            if (brings_from(message, process) && (!first || message->number < first->number))
                first = message;
        }
    }
    return first;
}

static void drop_grants_of(const struct ref_process *process)
{
    struct ref_message *message;
    while ((message = first_with_grants(process))) /* [MSG-GRANT-3] [PROC-END-7] */
        ref_drop_grants(message);
}

/* Of a table that is kept, the handles to the process itself and to its threads. [PROC-SUCCESSION-1] */
static void close_own(struct ref_process *process)
{
    for (unsigned i = 0; i < REF_HANDLES; i++) {
        const struct ref_object *object = process->table->entries[i].object;
        if (object == &process->object ||
            (object && object->type == CAVERN_TYPE_THREAD && ((const struct ref_thread *)object)->process == process))
            ref_close(process, i);
    }
}

void ref_finish_ending(struct ref_process *process)
{
    struct ref_list others = ref.dying; /* what is left of them at the end is waited for */
    ref.dying = (struct ref_list){0};
    while (process->threads.count) {
        struct ref_thread *thread = process->threads.items[0];
        memcpy(thread->exit.words, process->exit.words, sizeof thread->exit.words);
        stop(thread);
        ref_fire(&thread->exit);
    }
    while (process->queues.count)
        ref_unbind(process->queues.items[0]);
    drop_grants_of(process);
    process->mappings = (struct ref_list){0};
    if ((process->flags & CAVERN_PROCESS_KEEP) && process->object.handles)
        close_own(process);
    if (!(process->flags & CAVERN_PROCESS_KEEP) || !process->object.handles)
        ref_close_all(process); /* nobody could ask for it [PROC-SUCCESSION-3] */
    ref_bury();
    ref.dying = others;
    ref_bury();
    process->state = CAVERN_PROCESS_ZOMBIE;
    ref_fire(&process->exit);
    if (!process->object.handles)
        ref_process_unnamed(process);
}

/* [PROC-SUCCESSION-3] */
void ref_process_unnamed(struct ref_process *process)
{
    if (process->forsaken) {
        process->forsaken = false;
        ref_close_all(process);
        return;
    }
    if (process->object.handles)
        return; /* it has got another since */
    if (process->state == CAVERN_PROCESS_NEW) {
        ref_direct(&process->exit, NULL, 0); /* nobody has ended it: there is nothing to tell */
        ref_process_end(process, CAVERN_REASON_ENDED, 0);
    }
    if (process->state == CAVERN_PROCESS_ZOMBIE && !process->object.gone) {
        process->object.gone = true;
        if ((process->flags & CAVERN_PROCESS_KEEP) && !process->succeeded)
            ref_close_all(process);
    }
}

void ref_forsake(struct ref_process *process)
{
    bool kept = process->state == CAVERN_PROCESS_ZOMBIE && (process->flags & CAVERN_PROCESS_KEEP) &&
                !process->succeeded && !process->object.gone;
    process->flags &= ~(uint64_t)CAVERN_PROCESS_KEEP;
    process->forsaken |= kept;
    if (kept)
        ref_die(&process->object);
}

/* --- calls --- */

void ref_process_create(struct ref_thread *thread, const uint64_t x[16])
{
    struct ref_account *account = ref_need(thread, x[0], CAVERN_TYPE_ACCOUNT, CAVERN_RIGHT_CHARGE);
    struct ref_process *before = NULL;
    if (x[2])
        before = ref_need(thread, x[2], CAVERN_TYPE_PROCESS, CAVERN_RIGHT_MANAGE);
    ref_wrong(x[3] > 1, CAVERN_BAD_ARGUMENT);
    if (before) { /* [PROC-SUCCESSION-2] [PROC-SUCCESSION-4] */
        ref_wrong(before->state != CAVERN_PROCESS_ZOMBIE || !(before->flags & CAVERN_PROCESS_KEEP) || before->succeeded,
                  CAVERN_BUSY);
        ref_wrong(account && before->account != account, CAVERN_BAD_ARGUMENT);
        if (ref.drawn[0] == CAVERN_BUSY)
            ref_hasten(before, thread);
    }
    if (ref_failed() || !account)
        return;
    struct ref_process *process = ref_process_new(account, x[3]);
    memcpy(process->name, x + 4, sizeof process->name);
    if (before) { /* [PROC-SUCCESSION-1] */
        process->table = before->table;
        before->table = ref_table_new();
        before->succeeded = true;
    }
    ref_out(thread, 1, ref_insert(thread->process, &process->object, CAVERN_RIGHTS_ALL));
}

/* [MEM-COPY-1] to [MEM-COPY-4] */
bool ref_copy_overlaps(const struct ref_thread *thread, const uint64_t x[16])
{
    uint16_t rights;
    struct ref_object *object = ref_find(thread, x[0], &rights);
    if (!object || object->type != CAVERN_TYPE_PROCESS)
        return false;
    const struct ref_process *process = (struct ref_process *)object;
    for (uint64_t a = 0; a < x[5]; a += CAVERN_PAGE_SIZE / 2) {
        for (uint64_t b = 0; b < x[5]; b += CAVERN_PAGE_SIZE / 2) {
            struct ref_buffer *here, *there;
            uint64_t mine, its;
            if (ref_memory(process, x[3] + a, 1, 0, &there, &its) &&
                ref_memory(thread->process, x[4] + b, 1, 0, &here, &mine) && here == there &&
                mine < its + 2 * CAVERN_PAGE_SIZE && its < mine + 2 * CAVERN_PAGE_SIZE)
                return true;
        }
    }
    return false;
}

void ref_process_copy(struct ref_thread *thread, const uint64_t x[16])
{
    struct ref_process *process = ref_need(thread, x[0], CAVERN_TYPE_PROCESS, CAVERN_RIGHT_MEMORY);
    bool write = x[6] == CAVERN_COPY_WRITE;
    ref_wrong(x[6] > CAVERN_COPY_WRITE, CAVERN_BAD_ARGUMENT);
    unsigned own = write ? CAVERN_PROT_READ : CAVERN_PROT_WRITE, its = write ? CAVERN_PROT_WRITE : CAVERN_PROT_READ;
    ref_wrong(!ref_accessible(thread->process, x[4], x[5], own), CAVERN_BAD_ADDRESS);
    if (!process)
        return;
    ref_wrong(process->state > CAVERN_PROCESS_RUNNING, CAVERN_GONE);
    ref_wrong(!ref_accessible(process, x[3], x[5], its), CAVERN_BAD_ADDRESS);
    bool sane =
        x[3] + x[5] >= x[3] && x[3] + x[5] <= CAVERN_USER_END && x[4] + x[5] >= x[4] && x[4] + x[5] <= CAVERN_USER_END;
    if (ref_failed() && (ref.errors != 1u << CAVERN_BAD_ADDRESS || !sane))
        return;
    for (uint64_t at = 0, length; at < x[5]; at += length) { /* as far as there is memory on both sides */
        static uint8_t bytes[CAVERN_PAGE_SIZE];
        uint64_t left = CAVERN_PAGE_SIZE - (x[3] + at) % CAVERN_PAGE_SIZE;
        uint64_t right = CAVERN_PAGE_SIZE - (x[4] + at) % CAVERN_PAGE_SIZE;
        length = left < right ? left : right;
        length = length < x[5] - at ? length : x[5] - at;
        if (!ref_accessible(thread->process, x[4] + at, length, own) ||
            !ref_accessible(process, x[3] + at, length, its))
            return;
        ref_read(write ? thread->process : process, (write ? x[4] : x[3]) + at, bytes, length);
        ref_write(write ? process : thread->process, (write ? x[3] : x[4]) + at, bytes, length);
    }
}

void ref_process_end_call(struct ref_thread *thread, const uint64_t x[16])
{
    struct ref_process *process = ref_need(thread, x[0], CAVERN_TYPE_PROCESS, CAVERN_RIGHT_MANAGE);
    if (ref_failed() || !process)
        return;
    ref_process_end(process, process == thread->process ? CAVERN_REASON_EXITED : CAVERN_REASON_ENDED, x[3]);
    ref_hasten(process, thread);
}

void ref_thread_create(struct ref_thread *thread, const uint64_t x[16])
{
    struct ref_process *process = ref_need(thread, x[0], CAVERN_TYPE_PROCESS, CAVERN_RIGHT_MANAGE);
    ref_wrong(x[2] >= CAVERN_PRIORITIES, CAVERN_BAD_ARGUMENT);
    ref_wrong(x[9] && !(x[9] & 1), CAVERN_BAD_ARGUMENT); /* [PROC-THREAD-3] */
    if (!process)
        return;
    ref_wrong(x[2] > process->account->top, CAVERN_DENIED); /* [PROC-THREAD-2] */
    ref_wrong(process->state > CAVERN_PROCESS_RUNNING, CAVERN_GONE);
    if (ref_failed())
        return;
    struct ref_thread *new = ref_thread_new(process, (unsigned)x[2]);
    new->registers = (struct cavern_registers){.x = {x[6], x[7]}, .sp = x[4], .pc = x[3]}; /* [PROC-THREAD-1] */
    new->tls = x[5];
    new->written = true;
    ref_out(thread, 1, ref_insert(thread->process, &new->object, CAVERN_RIGHTS_ALL));
}

/* Of a process that is ending, between the operations of a submit, the threads may have ended already. */
static struct ref_thread *still_there(struct ref_thread *named)
{
    uint64_t status = ref.drawn[0];
    bool ended = status == CAVERN_GONE || status == CAVERN_BAD_ARGUMENT;
    if (named->process->state == CAVERN_PROCESS_ENDING && ended)
        ref_wrong(true, (enum cavern_status)status);
    return named;
}

struct ref_thread *ref_thread_named(const struct ref_thread *thread, const uint64_t x[16])
{
    uint16_t rights = 0;
    struct ref_object *object = ref_find(thread, x[0], &rights);
    bool fits = object && (object->type == CAVERN_TYPE_THREAD || object->type == CAVERN_TYPE_PROCESS);
    ref_wrong(!fits, CAVERN_BAD_HANDLE);
    ref_wrong(fits && !(rights & CAVERN_RIGHT_MANAGE), CAVERN_DENIED);
    if (!fits)
        return NULL;
    if (object->type == CAVERN_TYPE_THREAD)
        return still_there((struct ref_thread *)object);
    const struct ref_process *process = (struct ref_process *)object;
    if (!x[2] && process->faulter) /* [PROC-REGISTERS-4] */
        return process->faulter;
    for (unsigned i = 0; i < process->threads.count; i++) {
        struct ref_thread *named = process->threads.items[i];
        if (named->id == x[2])
            return still_there(named);
    }
    ref_wrong(true, CAVERN_BAD_ARGUMENT); /* [PROC-CONTROL-5] */
    return NULL;
}

static void suspend(struct ref_thread *thread, bool on)
{
    if (!on)
        ref_fault_done(thread);
    thread->suspended = on;
    if (on && thread->state == CAVERN_THREAD_READY)
        thread->state = CAVERN_THREAD_SUSPENDED;
    if (!on && thread->state == CAVERN_THREAD_SUSPENDED)
        thread->state = CAVERN_THREAD_READY;
}

void ref_thread_control(struct ref_thread *thread, const uint64_t x[16])
{
    struct ref_thread *named = ref_thread_named(thread, x);
    const bool marked = x[3] == (CAVERN_THREAD_END | UINT64_C(1) << 40);
    ref_wrong(named && named->state == CAVERN_THREAD_ENDED, CAVERN_GONE);
    if (marked && !(ref.errors & ~(1u << CAVERN_GONE | 1u << CAVERN_BAD_ARGUMENT))) { /* [PROC-CONTROL-6] */
        if (ref.errors)
            named = NULL;
        ref.errors = 0;
    }
    ref_wrong(!marked && (!x[3] || x[3] > CAVERN_THREAD_SET), CAVERN_BAD_ARGUMENT);
    ref_wrong(x[3] == CAVERN_THREAD_YIELD && named != thread, CAVERN_BAD_ARGUMENT);
    if (x[3] == CAVERN_THREAD_SET) {
        ref_wrong(x[4] >= CAVERN_PRIORITIES || (x[5] && !(x[5] & 1)), CAVERN_BAD_ARGUMENT);
        ref_wrong(named && x[4] > named->process->account->top, CAVERN_DENIED);
    }
    if (ref_failed() || !named)
        return;
    if (marked || x[3] == CAVERN_THREAD_END)
        ref_thread_end(named, named->process == thread->process ? CAVERN_REASON_EXITED : CAVERN_REASON_ENDED, x[4]);
    else if (x[3] == CAVERN_THREAD_SUSPEND || x[3] == CAVERN_THREAD_RESUME)
        suspend(named, x[3] == CAVERN_THREAD_SUSPEND);
    else if (x[3] == CAVERN_THREAD_SET)
        set_priority(named, (unsigned)x[4]);
}
