/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * inspect: what is listed must be what there is. Bytes charged, mapped and run times are not counted here; how many
 * records one call writes is open. spec/abi.md, inspect.
 */
#include <string.h>

#include "reference.h"

static const struct topic {
    enum cavern_type type;
    unsigned size;
    bool walks;
} topics[] = {
    [CAVERN_INSPECT_ACCOUNT] = {CAVERN_TYPE_ACCOUNT, sizeof(struct cavern_account_info), false},
    [CAVERN_INSPECT_PROCESSES] = {CAVERN_TYPE_ACCOUNT, sizeof(struct cavern_process_info), true},
    [CAVERN_INSPECT_THREADS] = {CAVERN_TYPE_ACCOUNT, sizeof(struct cavern_thread_info), true},
    [CAVERN_INSPECT_PROCESS] = {CAVERN_TYPE_PROCESS, sizeof(struct cavern_process_info), false},
    [CAVERN_INSPECT_MACHINE] = {CAVERN_TYPE_MACHINE, sizeof(struct cavern_machine_info), false},
    [CAVERN_INSPECT_BUFFER] = {CAVERN_TYPE_BUFFER, sizeof(struct cavern_buffer_info), false},
    [CAVERN_INSPECT_DMA] = {CAVERN_TYPE_DMA, sizeof(struct cavern_dma_info), false},
    [CAVERN_INSPECT_CPUS] = {CAVERN_TYPE_MACHINE, sizeof(struct cavern_cpu_info), true},
    [CAVERN_INSPECT_INTERRUPTS] = {CAVERN_TYPE_MACHINE, sizeof(struct cavern_interrupt_info), true},
};

static bool within(const struct ref_account *account, const struct ref_object *above)
{
    while (account && &account->object != above)
        account = account->parent;
    return account;
}

static bool is_process(const struct cavern_process_info *info, const struct ref_process *process)
{
    unsigned handles = 0;
    for (unsigned i = 0; i < REF_HANDLES; i++)
        handles += process->table->entries[i].object != NULL;
    return info->id == process->id && info->state == process->state && info->threads == process->threads.count &&
           info->handles == handles && !memcmp(info->name, process->name, sizeof info->name) &&
           (process->state < CAVERN_PROCESS_ENDING ||
            !memcmp(info->exit_words, process->exit.words, sizeof info->exit_words));
}

/* The process of this id, in the account or below; NULL: none. */
static const struct ref_process *process_of(uint32_t id, const struct ref_object *account)
{
    for (unsigned i = 0; i < ref.processes.count; i++) {
        const struct ref_process *process = ref.processes.items[i];
        if (process->id == id && within(process->account, account))
            return process;
    }
    return NULL;
}

static bool is_thread(const struct cavern_thread_info *info, const struct ref_object *account)
{
    const struct ref_process *process = process_of(info->process, account);
    for (unsigned i = 0; process && i < process->threads.count; i++) {
        const struct ref_thread *thread = process->threads.items[i];
        if (thread->id == info->id)
            return info->state == thread->state && info->priority == thread->priority;
    }
    return false;
}

static unsigned sub_accounts(const struct ref_object *account)
{
    unsigned count = 0;
    for (unsigned i = 0; i < ref.accounts.count; i++) {
        const struct ref_account *child = ref.accounts.items[i];
        count += child->parent && &child->parent->object == account && child->object.handles;
    }
    return count;
}

static bool is_buffer(const struct cavern_buffer_info *info, const struct ref_buffer *buffer)
{
    return info->size == buffer->size && info->device == buffer->device && info->base == buffer->base &&
           info->sealed == buffer->sealed && info->address == buffer->own;
}

static bool is_dma(const struct cavern_dma_info *info, const struct ref_dma *dma)
{
    uint64_t bytes = 0;
    for (unsigned i = 0; i < dma->mappings.count; i++)
        bytes += ((const struct ref_dma_mapping *)dma->mappings.items[i])->length;
    return info->mappings == dma->mappings.count && info->bytes == bytes;
}

static bool is_line(const struct cavern_interrupt_info *info)
{
    const struct ref_interrupt *line = ref_line_object(info->line);
    return line && info->fired == line->fired;
}

static bool is_like(enum cavern_topic topic, const void *record, const struct ref_object *object)
{
    const struct cavern_process_info *process = record;
    const struct cavern_account_info *account = record;
    const struct ref_process *found;
    switch (topic) {
    case CAVERN_INSPECT_ACCOUNT: /* a sub-account without a handle may still hold something */
        return account->top_priority == ((const struct ref_account *)object)->top && account->used <= account->limit &&
               account->lent <= account->used && account->accounts >= sub_accounts(object);
    case CAVERN_INSPECT_PROCESSES:
        found = process_of(process->id, object);
        return found && is_process(process, found);
    case CAVERN_INSPECT_THREADS:
        return is_thread(record, object);
    case CAVERN_INSPECT_PROCESS:
        return is_process(process, (const struct ref_process *)object);
    case CAVERN_INSPECT_BUFFER:
        return is_buffer(record, (const struct ref_buffer *)object);
    case CAVERN_INSPECT_DMA:
        return is_dma(record, (const struct ref_dma *)object);
    case CAVERN_INSPECT_CPUS: /* one; what runs on it the model makes */
        return ((const struct cavern_cpu_info *)record)->number == 0;
    case CAVERN_INSPECT_INTERRUPTS:
        return is_line(record);
    default:
        return true;
    }
}

/* How many records a whole walk has at least: those that nobody could have missed. */
static unsigned records_of(enum cavern_topic topic, const struct ref_object *account)
{
    unsigned count = 0;
    for (unsigned i = 0; topic == CAVERN_INSPECT_INTERRUPTS && i < ref.interrupts.count; i++) {
        const struct ref_interrupt *line = ref.interrupts.items[i];
        count += !line->range && !line->object.gone;
    }
    for (unsigned i = 0; account->type == CAVERN_TYPE_ACCOUNT && i < ref.processes.count; i++) {
        const struct ref_process *process = ref.processes.items[i];
        if (process->object.gone || !within(process->account, account))
            continue;
        count += topic == CAVERN_INSPECT_THREADS ? process->threads.count : 1;
    }
    return count;
}

/* Records that it has written before it came to memory that is not there. [ABI-INSPECT-4] */
static void inspect_in_vain(const struct ref_thread *thread, const uint64_t x[16], unsigned size,
                            const struct ref_object *object)
{
    uint64_t record[32], before[32];
    for (uint64_t at = 0; at < x[5]; at += size) {
        unsigned there = size;
        while (there && !ref_accessible(thread->process, x[4] + at, there, CAVERN_PROT_WRITE))
            there -= 8;
        if (!there || !ref.fetch(thread, x[4] + at, record, there))
            return;
        ref_read(thread->process, x[4] + at, before, there);
        bool written = memcmp(record, before, there);
        ref.unlike |= written && there == size && !is_like((enum cavern_topic)x[2], record, object);
        ref_write(thread->process, x[4] + at, record, there);
        if (!written || there < size)
            return;
    }
}

/* [ABI-INSPECT-1] [ABI-INSPECT-2] [ABI-INSPECT-3] */
void ref_inspect(struct ref_thread *thread, const uint64_t x[16])
{
    static uint64_t bytes[4096];
    uint16_t rights = 0;
    const struct ref_object *object = ref_find(thread, x[0], &rights);
    const struct topic *topic = x[2] && x[2] < sizeof topics / sizeof topics[0] ? &topics[x[2]] : NULL;
    ref_wrong(!object, CAVERN_BAD_HANDLE);
    ref_wrong(object && !(rights & CAVERN_RIGHT_INSPECT), CAVERN_DENIED);
    ref_wrong(!topic || (object && topic->type != object->type), CAVERN_BAD_ARGUMENT);
    ref_wrong(topic && x[5] < topic->size, CAVERN_BAD_ARGUMENT);
    uint64_t written = ref.drawn[0] == CAVERN_OK ? ref.drawn[2] : x[5];
    ref_wrong((x[4] & 7) || !ref_accessible(thread->process, x[4], written, CAVERN_PROT_WRITE), CAVERN_BAD_ADDRESS);
    if (topic && ref.errors == 1u << CAVERN_BAD_ADDRESS && !(x[4] & 7))
        inspect_in_vain(thread, x, topic->size, object);
    if (ref_failed() || !topic || written > sizeof bytes)
        return;
    ref_out(thread, 1, ref.drawn[1]);
    ref_out(thread, 2, written);
    unsigned count = (unsigned)(written / topic->size);
    ref.unlike |= written % topic->size || written > x[5] || !ref.fetch(thread, x[4], bytes, written);
    for (unsigned i = 0; i < count; i++)
        ref.unlike |= !is_like((enum cavern_topic)x[2], (uint8_t *)bytes + i * topic->size, object);
    if (topic->walks && !x[3] && !ref.drawn[1])
        ref.unlike |= count < records_of((enum cavern_topic)x[2], object);
    if (!topic->walks && !x[3])
        ref.unlike |= count != 1 || ref.drawn[1];
    ref_write(thread->process, x[4], bytes, written);
}
