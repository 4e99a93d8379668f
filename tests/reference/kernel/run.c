/* SPDX-License-Identifier: BSD-2-Clause */
/* Carries operations out, on the kernel over the simulated machine and on the reference, and compares. */
#include <inttypes.h>
#include <string.h>

#include "model.h"
#include "object/queue.h"
#include "object/sender.h"
#include "operation.h"
#include "recount.h"

struct actor actors[ACTORS];
uint64_t variables[VARIABLE_COUNT];
char disagreement[1024];

enum { CHECK_MEMORY = 64, RECOUNT = 8, FAILURES_MOST = 64 };

unsigned run_operations;
bool run_careful;

uint64_t term_value(const struct term *term)
{
    return variables[term->variable] + term->plus;
}

/* --- calls --- */

static struct ref_process *named_process(const struct ref_thread *thread, uint64_t handle)
{
    uint16_t rights;
    struct ref_object *object = ref_find(thread, handle, &rights);
    return object && object->type == CAVERN_TYPE_PROCESS ? (struct ref_process *)object : NULL;
}

/* The kernel's object behind the new handle. */
static void *learn_object(const struct ref_thread *thread, enum cavern_type type)
{
    struct process *caller = kernel_process(thread->process);
    void *real = NULL;
    if (!caller || process_lookup(caller, thread->out[1], (uint8_t)type, 0, &real) != CAVERN_OK)
        disagree("handle %#" PRIx64 " names nothing of type %u", thread->out[1], type);
    return real;
}

static void learn_process(const struct operation *operation, struct ref_thread *thread)
{
    uint16_t rights;
    struct ref_process *process = (struct ref_process *)ref_find(thread, thread->out[1], &rights);
    const struct process *real = learn_object(thread, CAVERN_TYPE_PROCESS);
    if (real && real->id != process->id)
        disagree("the process has id %u, not %u [PROC-CREATE-4]", real->id, process->id);
    if (operation->target < ACTORS)
        actors[operation->target] = (struct actor){.process = process};
}

static void learn_thread(const struct operation *operation, struct ref_thread *caller, struct ref_process *process)
{
    struct ref_thread *thread = process->threads.items[process->threads.count - 1];
    const struct thread *real = learn_object(caller, CAVERN_TYPE_THREAD);
    if (real && real->id != thread->id)
        disagree("the thread has id %u, not %u [PROC-THREAD-4]", real->id, thread->id);
    struct actor *actor = operation->target < ACTORS ? &actors[operation->target] : NULL;
    if (actor && actor->process == process && operation->slot < THREADS)
        actor->threads[operation->slot] = thread;
}

static void note_outputs(const struct operation *operation, const struct ref_thread *thread)
{
    for (unsigned i = 0; i < 3; i++) {
        if (operation->out[i] && (thread->defined >> (1 + i) & 1))
            variables[operation->out[i]] = thread->out[1 + i];
    }
}

static void learn(const struct operation *operation, struct ref_thread *thread, const uint64_t x[16])
{
    if (thread->out[0] != CAVERN_OK || !thread->fresh)
        return;
    if (operation->call == CAVERN_CALL_PROCESS_CREATE)
        learn_process(operation, thread);
    uint16_t rights;
    struct ref_object *made = ref_find(thread, thread->out[1], &rights);
    if (operation->call == CAVERN_CALL_QUEUE_CREATE)
        ((struct ref_queue *)made)->real = learn_object(thread, CAVERN_TYPE_QUEUE);
    if (operation->call == CAVERN_CALL_SENDER_MINT)
        ((struct ref_sender *)made)->real = learn_object(thread, CAVERN_TYPE_SENDER);
    if (operation->call == CAVERN_CALL_THREAD_CREATE)
        learn_thread(operation, thread, named_process(thread, x[0]));
    note_outputs(operation, thread);
}

/* Whether anything but the first account pays, which is rich, or memory is made to fail. */
static bool may_be_poor(const struct operation *operation, const struct ref_thread *thread, const uint64_t x[16])
{
    static const uint8_t names[] = {0, 4, 6};
    if (operation->fail || operation->call == CAVERN_CALL_SUBMIT || thread->process->account != ref.root->account)
        return true;
    if (operation->call == CAVERN_CALL_ACCOUNT_SPLIT || operation->call == CAVERN_CALL_BUFFER_CREATE)
        return true;
    for (unsigned i = 0; i < sizeof names; i++) {
        uint16_t rights;
        const struct ref_object *object = ref_find(thread, x[names[i]], &rights);
        if (object && object->type == CAVERN_TYPE_ACCOUNT && object != &ref.root->account->object)
            return true;
        if (object && object->type == CAVERN_TYPE_PROCESS &&
            ((struct ref_process *)object)->account != ref.root->account)
            return true;
    }
    return false;
}

/* [MEM-BUFFER-5] [MSG-QUEUE-6] */
static void learn_used_up(const struct ref_process *process)
{
    struct ref_entry *next = ref_next_entry(process);
    const struct handle_entry *entry = oracle_next_entry(process);
    uint64_t generation = entry ? entry->word >> CAVERN_HANDLE_INDEX_BITS : 0;
    if (generation == next->generation + 1)
        next->generation++;
}

/* The words of the fault that the call has come to; NULL: none. */
static const uint64_t *fault_of(const struct ref_thread *thread)
{
    const struct thread *real = kernel_thread(thread);
    return real && real->state == CAVERN_THREAD_FAULTED ? real->fault.words : NULL;
}

/* [MEM-FAULT-1] */
static void check_fault(const struct ref_thread *thread, const uint64_t words[5])
{
    unsigned kind = (unsigned)words[CAVERN_FAULT_KIND];
    if (ref_is_beyond_mending(thread->process, words[CAVERN_FAULT_ADDRESS]))
        disagree("a fault at %#" PRIx64 ", where no mapping helps [MEM-FAULT-5]", words[CAVERN_FAULT_ADDRESS]);
    bool missing = !ref_accessible(thread->process, words[CAVERN_FAULT_ADDRESS], 1, CAVERN_PROT_READ);
    bool denied = !ref_accessible(thread->process, words[CAVERN_FAULT_ADDRESS], 1, CAVERN_PROT_WRITE);
    if (kind == CAVERN_FAULT_DATA_UNMAPPED ? !missing : kind != CAVERN_FAULT_DATA_DENIED || missing || !denied)
        disagree("a fault of kind %u at %#" PRIx64 ", where nothing is wrong", kind, words[CAVERN_FAULT_ADDRESS]);
    if (words[CAVERN_FAULT_THREAD] != thread->id || words[CAVERN_FAULT_SYNDROME] ||
        words[CAVERN_FAULT_PC] != thread->registers.pc)
        disagree("the words of a fault are wrong [MEM-FAULT-1]");
}

/* Makes the call on both sides; what the kernel returns. */
static uint64_t make(const struct operation *operation, struct ref_thread *thread, const uint64_t x[16], unsigned fail)
{
    uint64_t drawn[16];
    memcpy(drawn, x, sizeof drawn);
    model_fail_allocation(fail);
    model_interrupt_pending(operation->interrupted);
    model_call(kernel_thread(thread), operation->call, drawn);
    model_interrupt_pending(false);
    model_fail_allocation(0);
    uint64_t words[5];
    const uint64_t *fault = fault_of(thread);
    if (fault) {
        check_fault(thread, fault);
        memcpy(words, fault, sizeof words);
    }
    model_set_time(arch_now()); /* the timer's interrupt, where a deadline has passed already */
    oracle_failing = fail;
    bool no_memory = drawn[0] == CAVERN_NO_MEMORY;
    ref_make(thread, operation->call, x, drawn, fault ? words : NULL);
    oracle_failing = false;
    thread->in[1] |= (uint64_t)operation->call << 16;
    if (fault) {
        if (thread->state != CAVERN_THREAD_FAULTED)
            disagree("a fault where errors are %#x", ref.errors);
        if (ref.unlike)
            disagree("a fault at %#" PRIx64 ", which is not the first that lacks something",
                     words[CAVERN_FAULT_ADDRESS]);
        return MODEL_WAITS;
    }
    bool expected = drawn[0] < 32 && (ref.errors >> drawn[0] & 1);
    if (no_memory && !expected && !may_be_poor(operation, thread, x))
        disagree("NO_MEMORY where there is enough");
    if (ref.errors && !expected && !no_memory)
        disagree("status %" PRIu64 ", which is not among those of %#x", drawn[0], ref.errors);
    if (ref.errors || no_memory) {
        thread->out[0] = drawn[0];
        thread->fresh = true;
        thread->defined &= operation->call == CAVERN_CALL_SUBMIT ? 3 : 1;
    }
    if (ref.unlike)
        disagree("what it has written is something else");
    return drawn[0];
}

/* Its process may end half-way, and nobody sees how far it has come. */
static bool is_liar(const struct ref_process *process)
{
    for (unsigned i = 0; i < process->queues.count; i++) {
        if (ref_lies(process->queues.items[i]))
            return true;
    }
    return false;
}

/* What it copies, it may copy onto itself, and what comes of that is not specified. */
static bool copies_onto_itself(const struct ref_thread *thread, enum cavern_call call, const uint64_t x[16])
{
    switch (call) {
    case CAVERN_CALL_LEASE_COPY:
        return ref_lease_overlaps(thread, x);
    case CAVERN_CALL_PROCESS_COPY:
        return ref_copy_overlaps(thread, x);
    case CAVERN_CALL_REPLY:
    case CAVERN_CALL_REPLY_RECEIVE:
        return ref_answer_overlaps(thread, x);
    default:
        return false;
    }
}

/* The operations of a submit are looked at as they stand before it. */
static bool is_unspecified(const struct ref_thread *thread, enum cavern_call call, const uint64_t x[16])
{
    if (call != CAVERN_CALL_SUBMIT)
        return copies_onto_itself(thread, call, x);
    uint64_t words[16];
    for (uint64_t i = 0; i < x[4] && ref_read(thread->process, x[3] + i * sizeof words, words, sizeof words); i++) {
        if (copies_onto_itself(thread, (enum cavern_call)(words[1] >> 16 & 0xff), words))
            return true;
    }
    return is_liar(thread->process);
}

static void do_call(const struct operation *operation, struct ref_thread *thread)
{
    uint64_t x[16], status;
    for (unsigned i = 0; i < 16; i++)
        x[i] = term_value(&operation->x[i]);
    struct interrupted *interrupted = &actors[operation->actor].interrupted[operation->thread];
    if (is_unspecified(thread, operation->call, x))
        return;
    unsigned fail = operation->fail == FAIL_EVERYWHERE ? 1 : operation->fail;
    do {
        if (!kernel_thread(thread) || kernel_thread(thread)->state != CAVERN_THREAD_READY) {
            disagree("process %u thread %u is not ready", thread->process->id, thread->id);
            return;
        }
        status = make(operation, thread, x, fail);
        if (thread->state == CAVERN_THREAD_FAULTED)
            *interrupted = (struct interrupted){thread, operation->call};
        bool makes = operation->call == CAVERN_CALL_BUFFER_CREATE || operation->call == CAVERN_CALL_QUEUE_CREATE ||
                     operation->call == CAVERN_CALL_SUBMIT;
        if (makes && status == CAVERN_NO_MEMORY)
            learn_used_up(thread->process);
        if (thread->state != CAVERN_THREAD_ENDED)
            learn(operation, thread, x);
        compare_all();
    } while (operation->fail == FAIL_EVERYWHERE && status == CAVERN_NO_MEMORY && !ref.errors &&
             thread->state == CAVERN_THREAD_READY && fail++ < FAILURES_MOST && !disagreement[0]);
}

/* --- what owners do without a call --- */

static struct ref_queue *owned_queue(const struct operation *operation, const struct ref_thread *thread,
                                     struct cavern_control **control)
{
    uint16_t rights;
    struct ref_object *object = ref_find(thread, term_value(&operation->x[0]), &rights);
    if (!object || object->type != CAVERN_TYPE_QUEUE)
        return NULL;
    struct ref_queue *queue = (struct ref_queue *)object;
    if (queue->owner != thread->process || !kernel_process(queue->owner))
        return NULL;
    *control = model_at(kernel_process(queue->owner), queue->control);
    return *control ? queue : NULL;
}

static const struct ref_message *message_at(const struct ref_queue *queue, uint64_t position)
{
    for (unsigned i = 0; i < queue->messages.count; i++) {
        const struct ref_message *message = queue->messages.items[i];
        if (message->end > position)
            return message;
    }
    return NULL;
}

static void do_control(const struct operation *operation, const struct ref_thread *thread)
{
    struct cavern_control *control;
    struct ref_queue *queue = owned_queue(operation, thread, &control);
    if (!queue)
        return;
    if (operation->action == ACTION_LIE) {
        queue->head += operation->x[1].plus;
        queue->taken += operation->x[2].plus;
    }
    if (operation->action == ACTION_TAKE) {
        const struct ref_message *message = queue->taken < queue->tail ? message_at(queue, queue->taken) : NULL;
        if (message) {
            queue->taken = message->end;
            variables[operation->out[0]] = message->header.request;
            variables[operation->out[1]] = message->position;
        }
    }
    for (uint64_t i = 0; operation->action == ACTION_FREE && i < operation->x[1].plus; i++) {
        const struct ref_message *message = queue->head < queue->taken ? message_at(queue, queue->head) : NULL;
        if (message && message->end <= queue->taken)
            queue->head = message->end;
    }
    variables[VARIABLE_NONE] = 0;
    control->head = queue->head;
    control->taken = queue->taken;
}

static void store_both(const struct ref_thread *thread, uint64_t address, const uint8_t *bytes, uint64_t size)
{
    struct process *process = kernel_process(thread->process);
    if (!process || !ref_accessible(thread->process, address, size, CAVERN_PROT_WRITE))
        return;
    if (!ref_write(thread->process, address, bytes, size))
        return;
    for (uint64_t done = 0, step; done < size; done += step) {
        step = CAVERN_PAGE_SIZE - (address + done) % CAVERN_PAGE_SIZE;
        step = step < size - done ? step : size - done;
        void *at = model_at(process, address + done);
        if (at)
            memcpy(at, bytes + done, step);
        else
            disagree("memory at %#" PRIx64 " is not there", address + done);
    }
}

static void do_store(const struct operation *operation, const struct ref_thread *thread)
{
    static uint8_t bytes[1 << 15];
    uint64_t size = operation->x[1].plus;
    if (operation->action == ACTION_STORE) {
        for (unsigned i = 0; i < size && i < 8; i++) {
            uint64_t word = term_value(&operation->x[2 + i]);
            memcpy(bytes + 8 * i, &word, sizeof word);
        }
        size *= 8;
    } else {
        size = size < sizeof bytes ? size : sizeof bytes;
        for (uint64_t i = 0; i < size; i++)
            bytes[i] = (uint8_t)(operation->x[2].plus + i * 7 + i / 251);
    }
    store_both(thread, term_value(&operation->x[0]), bytes, size);
}

/* The call that came to missing memory, again, as its registers stand now. [MEM-FAULT-2] */
static void do_again(const struct operation *operation, struct ref_thread *thread)
{
    struct interrupted *interrupted = &actors[operation->actor].interrupted[operation->thread];
    struct operation again = *operation;
    const struct thread *real = kernel_thread(thread);
    again.action = ACTION_CALL;
    again.call = interrupted->call;
    memset(again.out, 0, sizeof again.out);
    for (unsigned i = 0; i < 16 && real; i++)
        again.x[i] = (struct term){VARIABLE_NONE, real->context.x[i] & (i == 1 ? ~(uint64_t)0xff0000 : ~(uint64_t)0)};
    again.fail = FAIL_NEVER;
    *interrupted = (struct interrupted){NULL, 0};
    do_call(&again, thread);
}

static void do_fault(const struct operation *operation, struct ref_thread *thread)
{
    struct thread *real = kernel_thread(thread);
    uint64_t kind = operation->x[0].plus, address = operation->x[1].plus;
    uint64_t words[5] = {kind, thread->registers.pc, address, 0x92000006, thread->id};
    model_fault(real, (enum cavern_fault)kind, address, words[CAVERN_FAULT_SYNDROME]);
    ref_fault(thread, words);
    ref_settle();
}

/* --- all --- */

static void recount(void)
{
    const char *wrong = recount_references();
    if (wrong)
        disagree("%s", wrong);
}

void run_operation(const struct operation *operation)
{
    struct ref_thread *thread = actors[operation->actor].threads[operation->thread];
    if (operation->action == ACTION_LATER) {
        model_set_time(arch_now() + operation->x[0].plus);
        variables[VARIABLE_NOW] = arch_now();
        ref_time(arch_now());
    } else if (operation->action == ACTION_LINE) {
        unsigned line = (unsigned)operation->x[0].plus;
        if (!model_line_masked(line)) {
            model_raise(line);
            ref_line(line);
        }
    } else if (!thread || thread->state != CAVERN_THREAD_READY) {
        return;
    } else if (actors[operation->actor].interrupted[operation->thread].thread == thread) {
        do_again(operation, thread);
    } else if (operation->action == ACTION_FAULT) {
        do_fault(operation, thread);
    } else if (operation->action == ACTION_CALL) {
        do_call(operation, thread);
    } else if (operation->action == ACTION_STORE || operation->action == ACTION_FILL) {
        do_store(operation, thread);
    } else {
        do_control(operation, thread);
    }
    compare_all();
    compare_machine();
    if (++run_operations % CHECK_MEMORY == 0 || run_careful)
        compare_memory();
    if (run_operations % RECOUNT == 0 || run_careful)
        recount();
}
