/* SPDX-License-Identifier: BSD-2-Clause */
/* Whether kernel and reference agree on what programs can see. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "model.h"
#include "object/queue.h"
#include "object/sender.h"
#include "operation.h"
#include "recount.h"

void disagree(const char *format, ...)
{
    if (disagreement[0])
        return;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(disagreement, sizeof disagreement, format, arguments);
    va_end(arguments);
}

struct process *kernel_process(const struct ref_process *process)
{
    struct process *found = process->id ? process_next(process->id - 1) : NULL;
    return found && found->id == process->id ? found : NULL;
}

struct thread *kernel_thread(const struct ref_thread *thread)
{
    struct process *process = kernel_process(thread->process);
    return process ? thread_find(process, thread->id) : NULL;
}

/* --- threads --- */

/* What a call has returned: outputs agree; the rest is 0 or the thread's own. [ABI-REG-2] */
static void compare_registers(struct ref_thread *thread, const uint64_t x[9])
{
    for (unsigned i = 0; i < 9; i++) {
        bool output = thread->defined >> i & 1;
        if (output && x[i] != thread->out[i])
            disagree("process %u thread %u: x%u is %#" PRIx64 ", not %#" PRIx64, thread->process->id, thread->id, i,
                     x[i], thread->out[i]);
        bool progress = thread->progress >> i & 1; /* [ABI-FAIL-2] */
        if (!output && !progress && x[i] && x[i] != thread->in[i])
            disagree("process %u thread %u: x%u is %#" PRIx64 ", and is no output [ABI-REG-2]", thread->process->id,
                     thread->id, i, x[i]);
    }
    thread->fresh = false;
}

static const char *const states[] = {"ready", "receiving", "calling", "suspended", "faulted", "ended"};

static void compare_thread(struct ref_thread *thread)
{
    const struct thread *real = kernel_thread(thread);
    enum cavern_thread_state state = real ? (enum cavern_thread_state)real->state : CAVERN_THREAD_ENDED;
    if (state != thread->state)
        disagree("process %u thread %u is %s, not %s", thread->process->id, thread->id, states[state],
                 states[thread->state]);
    else if (thread->fresh && real)
        compare_registers(thread, real->context.x);
}

/* --- queues --- */

static void *see(const struct ref_process *process, uint64_t address)
{
    struct process *real = kernel_process(process);
    return real ? model_at(real, address) : NULL;
}

/* Bytes of a process's memory, page by page. */
bool fetch(const struct ref_process *process, uint64_t address, void *to, uint64_t size)
{
    for (uint64_t done = 0, step; done < size; done += step) {
        const void *at = see(process, address + done);
        step = CAVERN_PAGE_SIZE - (address + done) % CAVERN_PAGE_SIZE;
        step = step < size - done ? step : size - done;
        if (!at)
            return false;
        memcpy((uint8_t *)to + done, at, step);
    }
    return true;
}

static void compare_records(const struct ref_message *message, const uint8_t *records)
{
    for (unsigned i = 0; i < message->leases + message->grants; i++) {
        uint64_t found[2], expected[2];
        memcpy(found, records + 16 * i, sizeof found);
        const struct ref_grant *grant = &message->grant[i < message->leases ? 0 : i - message->leases];
        expected[0] = i < message->leases ? 0 : grant->object->type;
        expected[1] = i < message->leases ? message->lease_word[i] : grant->rights;
        if (memcmp(found, expected, sizeof found))
            disagree("record %u of the message at %" PRIu64 " is %#" PRIx64 " %#" PRIx64 ", not %#" PRIx64 " %#" PRIx64,
                     i, message->position, found[0], found[1], expected[0], expected[1]);
    }
}

static void compare_message(const struct ref_queue *queue, struct ref_message *message)
{
    static uint8_t bytes[CAVERN_BLOCK_SIZE * 260];
    uint64_t place = message->position % queue->blocks * CAVERN_BLOCK_SIZE;
    if (!fetch(queue->owner, queue->ring + place, bytes, (message->end - message->position) * CAVERN_BLOCK_SIZE)) {
        disagree("the ring of a queue can't be read");
        return;
    }
    const struct cavern_header *found = (struct cavern_header *)bytes, *expected = &message->header;
    if (memcmp(found, expected, sizeof *found))
        disagree("the header at %" PRIu64 " has kind %u size %u attached %#x sender %u request %#x trace %#x label "
                 "%#" PRIx64 ", not kind %u size %u attached %#x sender %u request %#x trace %#x label %#" PRIx64,
                 message->position, found->kind, found->size, found->attached, found->sender, found->request,
                 found->trace, found->label, expected->kind, expected->size, expected->attached, expected->sender,
                 expected->request, expected->trace, expected->label);
    else if (message->header.size && memcmp(bytes + sizeof *found, message->payload, message->header.size))
        disagree("the payload of the message at %" PRIu64 " is another", message->position);
    else
        compare_records(message, bytes + sizeof *found + (message->header.size + 7u) / 8 * 8);
    message->compared = true;
}

static void compare_control(struct ref_queue *queue)
{
    const struct cavern_control *control = see(queue->owner, queue->control);
    if (!control) {
        disagree("the control page of a queue can't be read");
        return;
    }
    bool waiters = queue->waiting.count || queue->spaces.count;
    if (control->tail != queue->tail || control->bound != queue->bound || control->blocks != queue->blocks)
        disagree("tail %" PRIu64 " bound %" PRIu64 " blocks %" PRIu64 ", not %" PRIu64 ", %" PRIu64 ", %" PRIu64,
                 control->tail, control->bound, control->blocks, queue->tail, queue->bound, queue->blocks);
    else if (control->head != queue->head || control->taken != queue->taken)
        disagree("head %" PRIu64 " taken %" PRIu64 ", not %" PRIu64 ", %" PRIu64, control->head, control->taken,
                 queue->head, queue->taken);
    else if (!control->waiters == waiters)
        disagree("waiters is %" PRIu64 " while %s waits [MSG-FREE-2]", control->waiters,
                 waiters ? "someone" : "nobody");
}

static void compare_queue(struct ref_queue *queue)
{
    if (!queue->owner || queue->object.gone || disagreement[0])
        return;
    compare_control(queue);
    for (unsigned i = queue->messages.count; i-- && !disagreement[0];) {
        struct ref_message *message = queue->messages.items[i];
        if (message->compared)
            break;
        compare_message(queue, message);
    }
}

/* What decides which message still fits: room, promised room, and what is left of each sender's limits. */
static void compare_room(const struct ref_queue *queue)
{
    const struct queue *real = queue->real;
    if (queue->object.gone || !recount_is_live(real))
        return;
    if (real->ring.used_from != queue->retired || real->ring.reserved != queue->reserved)
        disagree("used from %" PRIu64 ", reserved %" PRIu64 ", not %" PRIu64 " and %" PRIu64 " [MSG-ROOM-1]",
                 real->ring.used_from, real->ring.reserved, queue->retired, queue->reserved);
}

/* [MSG-SENDER-2] [MSG-SENDER-3] */
static void compare_sender(const struct ref_sender *sender)
{
    const struct sender *real = sender->real;
    if (sender->object.gone || sender->queue->object.gone || !recount_is_live(real))
        return;
    if (real->messages != sender->messages || real->requests != sender->requests)
        disagree("a sender has %u messages and %u requests, not %" PRIu64 " and %" PRIu64, real->messages,
                 real->requests, sender->messages, sender->requests);
}

/* --- all --- */

void compare_all(void)
{
    for (unsigned p = 0; p < ref.processes.count; p++) {
        const struct ref_process *process = ref.processes.items[p];
        for (unsigned t = 0; t < process->threads.count; t++)
            compare_thread(process->threads.items[t]);
        const struct process *real = kernel_process(process);
        if (real && real->state != process->state)
            disagree("process %u is in state %u, not %u", process->id, real->state, process->state);
        if (!real && process->state != CAVERN_PROCESS_ZOMBIE)
            disagree("process %u is gone", process->id);
    }
    for (unsigned q = 0; q < ref.queues.count; q++) {
        compare_queue(ref.queues.items[q]);
        compare_room(ref.queues.items[q]);
    }
    for (unsigned s = 0; s < ref.senders.count; s++)
        compare_sender(ref.senders.items[s]);
    for (unsigned i = 0; i < ref.interrupts.count; i++) {
        const struct ref_interrupt *line = ref.interrupts.items[i];
        if (!line->range && !line->object.gone && model_line_masked(line->first) != line->masked)
            disagree("line %u is %s", line->first, line->masked ? "not masked" : "masked");
    }
    const char *broken = ref_invariants();
    if (broken)
        disagree("does not hold: %s", broken);
}

static void compare_page(const struct ref_process *process, const struct ref_mapping *mapping, uint64_t at)
{
    const uint64_t *found = see(process, mapping->address + at);
    const uint64_t *expected = (const uint64_t *)(mapping->buffer->bytes + mapping->offset + at);
    if (!found)
        disagree("memory at %#" PRIx64 " of process %u is not there", mapping->address + at, process->id);
    if (!found || !memcmp(found, expected, CAVERN_PAGE_SIZE))
        return;
    while (*found == *expected)
        found++, expected++, at += sizeof *found;
    disagree("memory at %#" PRIx64 " of process %u is %#" PRIx64 ", not %#" PRIx64, mapping->address + at, process->id,
             *found, *expected);
}

/* What devices see must be the memory that was mapped for them, whatever has become of who did it. [DEV-DMA-5] */
static void compare_dma(void)
{
    for (unsigned d = 0; d < ref.dmas.count; d++) {
        const struct ref_dma *dma = ref.dmas.items[d];
        for (unsigned m = 0; m < dma->mappings.count; m++) {
            const struct ref_dma_mapping *mapping = dma->mappings.items[m];
            if (memcmp(arch_direct(mapping->address), mapping->buffer->bytes + mapping->offset, mapping->length) != 0)
                disagree("device address %#" PRIx64 " is other memory [DEV-DMA-1]", mapping->address);
        }
    }
}

/* All that is mapped. */
void compare_memory(void)
{
    compare_dma();
    for (unsigned p = 0; p < ref.processes.count; p++) {
        const struct ref_process *process = ref.processes.items[p];
        for (unsigned m = 0; m < process->mappings.count && !disagreement[0]; m++) {
            const struct ref_mapping *mapping = process->mappings.items[m];
            bool memory = mapping->buffer && !mapping->buffer->device;
            for (uint64_t at = 0; memory && at < mapping->length; at += CAVERN_PAGE_SIZE) {
                compare_page(process, mapping, at);
            }
        }
    }
}
