/* SPDX-License-Identifier: BSD-2-Clause */
/* What the documents leave open, and the reference therefore asks the kernel. */
#include <string.h>

#include "core/handle_table.h"
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

/* Without a failure it does; with one, its account may have none for the grant. [MSG-CALL-3] */
static bool pays(const struct ref_process *process)
{
    if (!kernel_process(process) || (!oracle_failing && process->account == ref.root->account))
        return true;
    const struct handle_entry *entry = oracle_next_entry(process);
    return entry && (entry->word & HANDLE_IN_USE);
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
