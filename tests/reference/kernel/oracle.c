/* SPDX-License-Identifier: BSD-2-Clause */
/* What the documents leave open, and the reference therefore asks the kernel. */
#include <string.h>

#include "core/handle_table.h"
#include "object/buffer.h"
#include "object/machine.h"
#include "object/process.h"
#include "object/queue.h"
#include "object/sender.h"
#include "object/thread.h"
#include "operation.h"
#include "recount.h"

bool oracle_failing;

/* The kernel's entry for the next handle. */
const struct handle_entry *oracle_next_entry(const struct ref_process *process)
{
    const struct ref_entry *next = ref_next_entry(process);
    return handle_table_entry(&kernel_process(process)->handles, (uint32_t)(next - process->table->entries));
}

/* What an entry of the kernel's names. */
static const void *subject(const struct handle_entry *entry)
{
    void *object = handle_entry_object(entry);
    bool buffer = handle_entry_type(entry) == CAVERN_TYPE_BUFFER;
    return buffer ? (const void *)container_of(object, struct holding, object)->buffer : object;
}

/* Does the kernel's entry name what a handle to `object` names, as far as there is one? */
static bool names(const struct handle_entry *entry, const struct ref_object *object)
{
    for (unsigned p = 0; p < ref.processes.count; p++) {
        const struct ref_process *process = ref.processes.items[p];
        const struct process *real = kernel_process(process);
        for (unsigned index = 0; real && index < REF_HANDLES; index++) {
            const struct ref_entry *handle = &process->table->entries[index];
            if (handle->object != object)
                continue;
            const struct handle_entry *other = handle_table_entry(&real->handles, index);
            if (other && handle_entry_used(other) && other->word >> CAVERN_HANDLE_INDEX_BITS == handle->generation)
                return subject(entry) == subject(other);
        }
    }
    return handle_entry_type(entry) == object->type;
}

/* The word there in a buffer's memory, 0 too where nobody has mapped it. */
static uint64_t word_in(const struct ref_buffer *buffer, uint64_t offset)
{
    uint64_t word = 0;
    for (unsigned p = 0; p < ref.processes.count; p++) {
        const struct ref_process *process = ref.processes.items[p];
        for (unsigned m = 0; m < process->mappings.count; m++) {
            const struct ref_mapping *mapping = process->mappings.items[m];
            if (mapping->buffer == buffer && offset - mapping->offset < mapping->length &&
                fetch(process, mapping->address + offset - mapping->offset, &word, sizeof word))
                return word;
        }
    }
    return word;
}

/*
 * Without a failure it does; with one, its account may have none for the grant, and yet for one that comes after it.
 * Where that is of the same object, only the record tells them apart. [MSG-CALL-3]
 */
static bool pays(const struct ref_thread *caller, const struct ref_message *answer, unsigned grant)
{
    const struct ref_process *process = caller->process;
    if (!kernel_process(process) || (!oracle_failing && process->account == ref.root->account))
        return true;
    const struct handle_entry *entry = oracle_next_entry(process);
    const struct ref_object *object = answer->grant[grant].object;
    if (!entry || !handle_entry_used(entry) || !names(entry, object))
        return false;
    uint64_t record = (answer->header.size + 7u) / 8 * 8 + sizeof(struct cavern_grant) * grant;
    for (unsigned later = grant + 1; later < answer->grants; later++) {
        if (answer->grant[later].object == object)
            return word_in(caller->answer_buffer, caller->answer_offset + record);
    }
    return true;
}

static uint64_t retired(const struct ref_queue *queue)
{
    return queue->real ? ((struct queue *)queue->real)->ring.used_from : 0;
}

/* What came to a thread that waits came in registers, ahead of all that stands in the ring. */
static bool got_another(const struct ref_thread *receiver)
{
    const struct thread *real = receiver ? kernel_thread(receiver) : NULL;
    return real && real->context.x[0] != CAVERN_IN_RING;
}

/* Who is about to receive found the ring empty: what stands there now has come after that. */
static bool found_nothing(const struct ref_queue *queue)
{
    return ref.polling && queue->owner == ref.caller->process && ref.drawn[0] != CAVERN_IN_RING;
}

static bool next(const struct ref_queue *queue, struct cavern_header *header)
{
    const struct queue *real = queue->real;
    uint64_t length;
    if (!recount_is_live(real) || real->ring.tail <= queue->tail || got_another(queue->receiver) ||
        found_nothing(queue))
        return false;
    memcpy(header, queue_window(real, queue->tail, 0, &length), sizeof *header);
    return true;
}

/* The next message in the ring tells it: be it that the queue has been unbound since, or the source has gone. */
static bool comes_next(const struct ref_notice *notice)
{
    struct cavern_header header;
    return next(notice->queue, &header) && header.kind == notice->kind && header.label == notice->label;
}

static bool told(const struct ref_sender *sender)
{
    const struct sender *real = sender->real;
    bool waits = recount_is_live(real) && !real->waits && real->space.state == NOTICE_WAITING;
    return waits || comes_next(&sender->space);
}

static bool fetch_words(const struct ref_thread *thread, uint64_t address, uint64_t *words, uint64_t size)
{
    return fetch(thread->process, address, words, size);
}

static bool ends(const struct ref_process *process)
{
    const struct process *real = kernel_process(process);
    return !real || real->state >= CAVERN_PROCESS_ENDING;
}

static void seen(const struct ref_queue *queue, uint64_t *head, uint64_t *taken)
{
    const struct queue *real = queue->real;
    if (real) {
        *head = real->ring.seen_head;
        *taken = real->ring.seen_taken;
    }
}

static bool logged(uint64_t number, uint32_t *length, uint8_t *text)
{
    static uint8_t bytes[LOG_RECORD_MAX];
    struct log_ring log = machine->log;
    struct cavern_log_record record;
    uint64_t lost, cursor = number;
    if (log_ring_read(&log, &cursor, bytes, sizeof bytes, &lost) < sizeof record || lost)
        return false;
    memcpy(&record, bytes, sizeof record);
    *length = record.length;
    memcpy(text, bytes + sizeof record, record.length);
    return true;
}

static uint64_t first_logged(void)
{
    return machine->log.first;
}

void oracle_start(void)
{
    ref.logged = logged;
    ref.first_logged = first_logged;
    ref.pays = pays;
    ref.retired = retired;
    ref.told = told;
    ref.comes_next = comes_next;
    ref.next = next;
    ref.ends = ends;
    ref.fetch = fetch_words;
    ref.seen = seen;
}
