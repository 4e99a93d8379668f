/* SPDX-License-Identifier: BSD-2-Clause */
/* Accounts, buffers, mappings: spec/memory.md. What an account has used is not counted here. */
#include <string.h>

#include "reference.h"

enum { PAGE = CAVERN_PAGE_SIZE };

struct ref_account *ref_account_new(struct ref_account *parent, unsigned top)
{
    struct ref_account *account = ref_new(sizeof *account);
    account->object.type = CAVERN_TYPE_ACCOUNT;
    account->parent = parent;
    account->depth = parent ? parent->depth + 1 : 0;
    account->top = top;
    ref_push(&ref.accounts, account);
    return account;
}

struct ref_buffer *ref_buffer_new(uint64_t size)
{
    struct ref_buffer *buffer = ref_new(sizeof *buffer);
    buffer->object.type = CAVERN_TYPE_BUFFER;
    buffer->size = (size + PAGE - 1) / PAGE * PAGE; /* [MEM-BUFFER-2] */
    buffer->bytes = ref_new(buffer->size);          /* [MEM-BUFFER-1] */
    buffer->frames = ref_new(buffer->size / PAGE * sizeof *buffer->frames);
    ref_push(&ref.buffers, buffer);
    return buffer;
}

/* --- what a process sees --- */

static struct ref_mapping *mapping_at(const struct ref_process *process, uint64_t address)
{
    for (unsigned i = 0; i < process->mappings.count; i++) {
        struct ref_mapping *mapping = process->mappings.items[i];
        if (address >= mapping->address && address - mapping->address < mapping->length)
            return mapping;
    }
    return NULL;
}

/* Neither a ring nor registers of a device. */
static bool is_memory(const struct ref_mapping *mapping)
{
    return mapping->buffer && !mapping->buffer->device;
}

bool ref_is_beyond_mending(const struct ref_process *process, uint64_t address)
{
    const struct ref_mapping *mapping = mapping_at(process, address);
    return mapping && !is_memory(mapping);
}

static void note_lack(const struct ref_process *process, uint64_t address)
{
    if (ref.caller && process == ref.caller->process && ref.lack_count < sizeof ref.lacks / sizeof ref.lacks[0])
        ref.lacks[ref.lack_count++] = address;
}

/* Mappings that continue each other count as one. [MEM-MAP-7] */
uint8_t *ref_memory(const struct ref_process *process, uint64_t address, uint64_t size, unsigned protection,
                    struct ref_buffer **buffer, uint64_t *offset)
{
    const struct ref_mapping *first = mapping_at(process, address);
    if (!first || !is_memory(first) || address + size < address || (first->protection & protection) != protection) {
        note_lack(process, address);
        return NULL;
    }
    uint64_t start = first->offset + (address - first->address), at = address;
    for (const struct ref_mapping *mapping = first; size && at - address < size;) {
        if (!mapping || mapping->buffer != first->buffer || mapping->protection != first->protection ||
            mapping->offset + (at - mapping->address) != start + (at - address)) {
            note_lack(process, at);
            return NULL;
        }
        at = mapping->address + mapping->length;
        if (at - address < size)
            mapping = mapping_at(process, at);
    }
    *buffer = first->buffer;
    *offset = start;
    return first->buffer->bytes + start;
}

/* Bytes at `address` up to the end of its mapping, at most `size`; NULL: none. */
static uint8_t *piece(const struct ref_process *process, uint64_t address, uint64_t size, unsigned protection,
                      uint64_t *length)
{
    const struct ref_mapping *mapping = mapping_at(process, address);
    if (!mapping || !is_memory(mapping) || (mapping->protection & protection) != protection)
        return NULL;
    uint64_t into = address - mapping->address;
    *length = mapping->length - into < size ? mapping->length - into : size;
    return mapping->buffer->bytes + mapping->offset + into;
}

static bool copy(const struct ref_process *process, uint64_t address, uint8_t *to, const uint8_t *from, uint64_t size,
                 unsigned protection)
{
    if (address + size < address)
        return false;
    for (uint64_t done = 0, length; done < size; done += length) {
        uint8_t *at = piece(process, address + done, size - done, protection, &length);
        if (!at) {
            note_lack(process, address + done);
            return false;
        }
        if (to)
            memcpy(to + done, at, length);
        if (from)
            memmove(at, from + done, length);
    }
    return true;
}

bool ref_accessible(const struct ref_process *process, uint64_t address, uint64_t size, unsigned protection)
{
    return copy(process, address, NULL, NULL, size, protection);
}

bool ref_read(const struct ref_process *process, uint64_t address, void *to, uint64_t size)
{
    return copy(process, address, to, NULL, size, CAVERN_PROT_READ);
}

bool ref_write(const struct ref_process *process, uint64_t address, const void *from, uint64_t size)
{
    return copy(process, address, NULL, from, size, CAVERN_PROT_WRITE);
}

void ref_write_in_vain(const struct ref_thread *thread, uint64_t address, const void *from, uint64_t size)
{
    static uint64_t found[PAGE / 8];
    for (uint64_t done = 0, step; done < size; done += step) {
        step = PAGE - (address + done) % PAGE;
        step = step < size - done ? step : size - done;
        if (!ref_accessible(thread->process, address + done, step, CAVERN_PROT_WRITE) ||
            !ref.fetch(thread, address + done, found, step) || memcmp(found, (const uint8_t *)from + done, step) != 0)
            return;
        ref_write(thread->process, address + done, found, step);
    }
}

/* --- calls --- */

void ref_buffer_create(struct ref_thread *thread, const uint64_t x[16])
{
    ref_need(thread, x[0], CAVERN_TYPE_ACCOUNT, CAVERN_RIGHT_CHARGE);
    ref_wrong(!x[3] || x[4] > 1, CAVERN_BAD_ARGUMENT);
    ref_wrong((x[4] & 1) && x[3] > CAVERN_BLOCK_2M, CAVERN_BAD_ARGUMENT); /* [MEM-BUFFER-3] */
    if (ref_failed())
        return;
    struct ref_buffer *buffer = ref_buffer_new(x[3]);
    buffer->contiguous = x[4];
    buffer->own = ref_draw_own(buffer); /* [MEM-BUFFER-4] */
    ref_out(thread, 1, ref_insert(thread->process, &buffer->object, CAVERN_RIGHTS_ALL));
}

bool ref_buffer_exists(const struct ref_buffer *buffer)
{
    bool used = buffer->object.handles;
    for (unsigned p = 0; p < ref.processes.count && !used; p++) {
        const struct ref_process *process = ref.processes.items[p];
        for (unsigned m = 0; m < process->mappings.count; m++)
            used |= ((const struct ref_mapping *)process->mappings.items[m])->buffer == buffer;
    }
    for (unsigned i = 0; i < ref.requests.count && !used; i++) {
        const struct ref_request *request = ref.requests.items[i];
        used = request->caller && request->caller->answer_buffer == buffer;
        for (unsigned l = 0; l < request->leases; l++)
            used |= request->lease[l].buffer == buffer;
    }
    for (unsigned d = 0; d < ref.dmas.count && !used; d++) {
        const struct ref_dma *dma = ref.dmas.items[d];
        for (unsigned m = 0; m < dma->mappings.count; m++)
            used |= ((const struct ref_dma_mapping *)dma->mappings.items[m])->buffer == buffer;
    }
    return used;
}

static bool lent_for_writing(const struct ref_buffer *buffer)
{
    for (unsigned i = 0; i < ref.requests.count; i++) {
        const struct ref_request *request = ref.requests.items[i];
        for (unsigned l = 0; l < request->leases; l++) {
            if (request->lease[l].buffer == buffer && (request->lease[l].rights & CAVERN_LEASE_WRITE))
                return true;
        }
        if (request->caller && request->caller->answer_buffer == buffer)
            return true;
    }
    for (unsigned d = 0; d < ref.dmas.count; d++) {
        const struct ref_dma *dma = ref.dmas.items[d];
        for (unsigned m = 0; m < dma->mappings.count; m++) {
            const struct ref_dma_mapping *mapping = dma->mappings.items[m];
            if (mapping->buffer == buffer && mapping->writes)
                return true;
        }
    }
    return false;
}

static bool granted_for_writing(const struct ref_buffer *buffer)
{
    for (unsigned q = 0; q < ref.queues.count; q++) {
        const struct ref_queue *queue = ref.queues.items[q];
        for (unsigned m = 0; m < queue->messages.count; m++) {
            const struct ref_message *message = queue->messages.items[m];
            for (unsigned g = 0; g < message->grants; g++) {
                const struct ref_grant *grant = &message->grant[g];
                if (grant->waits && grant->object == &buffer->object && (grant->rights & CAVERN_RIGHT_WRITE))
                    return true;
            }
        }
    }
    return false;
}

static unsigned writing_handles(const struct ref_process *process, const struct ref_buffer *buffer)
{
    unsigned count = 0;
    for (unsigned i = 0; process->table && i < REF_HANDLES; i++) {
        const struct ref_entry *entry = &process->table->entries[i];
        if (entry->object == &buffer->object && (entry->rights & CAVERN_RIGHT_WRITE))
            count++;
    }
    return count;
}

/* [MEM-SEAL-1] [MEM-SEAL-2] */
void ref_buffer_seal(struct ref_thread *thread, const uint64_t x[16])
{
    struct ref_buffer *buffer = ref_need(thread, x[0], CAVERN_TYPE_BUFFER, CAVERN_RIGHT_WRITE);
    if (!buffer)
        return;
    unsigned writers = 0;
    for (unsigned p = 0; p < ref.processes.count; p++) {
        const struct ref_process *process = ref.processes.items[p];
        writers += writing_handles(process, buffer);
        for (unsigned m = 0; m < process->mappings.count; m++) {
            const struct ref_mapping *mapping = process->mappings.items[m];
            if (mapping->buffer == buffer && (mapping->protection & CAVERN_PROT_WRITE))
                writers += 2;
        }
    }
    ref_wrong(buffer->device, CAVERN_BAD_ARGUMENT); /* [MEM-SEAL-3] */
    ref_wrong(writers > 1 || lent_for_writing(buffer) || granted_for_writing(buffer), CAVERN_BUSY);
    if (ref_failed())
        return;
    buffer->sealed = true;
    thread->process->table->entries[x[0] & 0xffffff].rights &= (uint16_t)~CAVERN_RIGHT_WRITE;
}

static bool overlaps(const struct ref_process *process, uint64_t address, uint64_t length, bool rings)
{
    for (unsigned i = 0; i < process->mappings.count; i++) {
        const struct ref_mapping *mapping = process->mappings.items[i];
        if (address < mapping->address + mapping->length && mapping->address < address + length &&
            (!rings || !mapping->buffer))
            return true;
    }
    return false;
}

/* [MEM-MAP-1] to [MEM-MAP-6] */
void ref_map(struct ref_thread *thread, const uint64_t x[16])
{
    struct ref_process *process = ref_need(thread, x[0], CAVERN_TYPE_PROCESS, CAVERN_RIGHT_MANAGE);
    uint64_t offset = x[3], length = x[4], address = x[5], protection = x[6];
    uint16_t rights = 0;
    if (protection & CAVERN_PROT_READ)
        rights |= CAVERN_RIGHT_READ;
    if (protection & CAVERN_PROT_WRITE)
        rights |= CAVERN_RIGHT_WRITE;
    if (protection & CAVERN_PROT_EXECUTE)
        rights |= CAVERN_RIGHT_EXECUTE;
    struct ref_buffer *buffer = ref_need(thread, x[2], CAVERN_TYPE_BUFFER, rights);
    ref_wrong(!(protection & CAVERN_PROT_READ) || protection > 7 || (protection & 6) == 6, CAVERN_BAD_ARGUMENT);
    ref_wrong(((offset | length | address) & (PAGE - 1)) || !length, CAVERN_BAD_ARGUMENT);
    ref_wrong(address &&
                  (address < CAVERN_USER_START || address >= CAVERN_USER_END || length > CAVERN_USER_END - address),
              CAVERN_BAD_ARGUMENT);
    if (process)
        ref_wrong(process->state > CAVERN_PROCESS_RUNNING, CAVERN_GONE); /* [PROC-CREATE-3] */
    if (buffer) {
        ref_wrong(offset > buffer->size || length > buffer->size - offset, CAVERN_BAD_ARGUMENT);
        ref_wrong((protection & CAVERN_PROT_EXECUTE) && !buffer->sealed, CAVERN_DENIED);
        ref_wrong(buffer->device && ((buffer->base | buffer->size) & (PAGE - 1)), CAVERN_BAD_ARGUMENT);
        ref_wrong(buffer->device && !ref_is_device(buffer->base + offset, length), CAVERN_DENIED);
    }
    if (!process || !buffer)
        return;
    if (!address && buffer->device && !ref.errors) {
        address = ref_draw_place(process, length);
        ref_wrong(!address, CAVERN_NO_MEMORY);
    } else if (!address) {
        address = buffer->own + offset;
    }
    ref_wrong(overlaps(process, address, length, false), CAVERN_EXISTS);
    if (ref_failed())
        return;
    struct ref_mapping *mapping = ref_new(sizeof *mapping);
    *mapping = (struct ref_mapping){buffer, address, length, offset, (unsigned)protection};
    ref_push(&process->mappings, mapping);
    ref_out(thread, 1, address);
}

static uint64_t clamp(uint64_t value, uint64_t low, uint64_t high)
{
    return value < low ? low : value > high ? high : value;
}

/* The part of `whole` from `start` to `end`. */
static void add_mapping(struct ref_process *process, const struct ref_mapping *whole, uint64_t start, uint64_t end)
{
    struct ref_mapping *mapping = ref_new(sizeof *mapping);
    *mapping = *whole;
    mapping->address = start;
    mapping->length = end - start;
    mapping->offset = whole->offset + (start - whole->address);
    ref_push(&process->mappings, mapping);
}

/* [MEM-UNMAP-1] [MEM-UNMAP-3] */
void ref_unmap(struct ref_thread *thread, const uint64_t x[16])
{
    struct ref_process *process = ref_need(thread, x[0], CAVERN_TYPE_PROCESS, CAVERN_RIGHT_MANAGE);
    uint64_t address = x[3], length = x[4];
    ref_wrong(((address | length) & (PAGE - 1)) || !length, CAVERN_BAD_ARGUMENT);
    ref_wrong(address < CAVERN_USER_START || address >= CAVERN_USER_END || length > CAVERN_USER_END - address,
              CAVERN_BAD_ARGUMENT);
    if (!process)
        return;
    ref_wrong(process->state > CAVERN_PROCESS_RUNNING, CAVERN_GONE);
    ref_wrong(overlaps(process, address, length, true), CAVERN_DENIED);
    if (ref_failed())
        return;
    struct ref_list before = process->mappings;
    process->mappings = (struct ref_list){0};
    for (unsigned i = 0; i < before.count; i++) {
        struct ref_mapping *mapping = before.items[i];
        uint64_t start = mapping->address, end = start + mapping->length;
        uint64_t left = clamp(address, start, end), right = clamp(address + length, start, end);
        if (left > start)
            add_mapping(process, mapping, start, left);
        if (right < end)
            add_mapping(process, mapping, right, end);
    }
}
