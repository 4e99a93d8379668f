/* SPDX-License-Identifier: BSD-2-Clause */
/* Arguments of the calls on devices and the machine, and on the registers of threads. */
#include <cavern/machine.h>

#include "draw.h"

static struct term device_buffer(unsigned actor, const struct ref_buffer **buffer)
{
    for (unsigned tries = 0; tries < 8; tries++) {
        struct term term = handle(actor, CAVERN_TYPE_BUFFER);
        const struct ref_object *object = object_of(actor, &term);
        *buffer = object && object->type == CAVERN_TYPE_BUFFER ? (const struct ref_buffer *)object : NULL;
        if (*buffer && (*buffer)->device)
            return term;
    }
    *buffer = NULL;
    return handle(actor, CAVERN_TYPE_BUFFER);
}

/* Where devices are, or RAM, or the interrupt controller. */
static uint64_t some_physical(void)
{
    const uint64_t bases[] = {0x9000000, 0x9000000, 0x9000000, 0x9000000, ref.taken[below(2)].base};
    return bases[below(5)] + below(3 * CAVERN_PAGE_SIZE) - below(2) * CAVERN_PAGE_SIZE;
}

static uint64_t offset_in(const struct ref_buffer *buffer)
{
    uint64_t physical = some_physical();
    bool large = buffer && buffer->size >> 32;
    return large ? physical - buffer->base : below(buffer ? (unsigned)buffer->size + 8 : 0x1000);
}

void shape_device_io(struct operation *o)
{
    const struct ref_buffer *buffer;
    uint64_t width = one_in(20) ? below(20) : 1u << below(4);
    o->x[0] = device_buffer(o->actor, &buffer);
    uint64_t offset = offset_in(buffer);
    if (width && !one_in(10))
        offset -= ((buffer ? buffer->base : 0) + offset) % width;
    o->x[3] = constant(offset);
    o->x[4] = constant(width | (uint64_t)below(2) << 8);
    o->x[5] = constant(any_word());
    o->out[0] = fresh_variable(o->actor);
}

void shape_derive_device(struct operation *o)
{
    const struct ref_buffer *buffer;
    uint64_t align = one_in(2) ? 1 : CAVERN_PAGE_SIZE;
    o->x[0] = device_buffer(o->actor, &buffer);
    o->x[3] = constant(offset_in(buffer) / align * align);
    o->x[4] = constant(one_in(30) ? 0 : (1 + below(3 * CAVERN_PAGE_SIZE)) / align * align);
    o->x[5] = constant(below(2));
    o->x[6] = handle(o->actor, CAVERN_TYPE_ACCOUNT);
    o->out[0] = fresh_variable(o->actor);
}

void shape_derive_dma(struct operation *o)
{
    o->x[6] = handle(o->actor, CAVERN_TYPE_ACCOUNT);
    o->out[0] = fresh_variable(o->actor);
    o->x[0] = handle(o->actor, CAVERN_TYPE_DMA);
    o->x[3 + below(3)] = constant(one_in(20));
}

void shape_dma_map(struct operation *o)
{
    static const uint8_t protections[] = {1, 1, 3, 3, 3, 3, 0, 2, 7};
    o->x[0] = handle(o->actor, CAVERN_TYPE_DMA);
    o->x[2] = handle(o->actor, CAVERN_TYPE_BUFFER);
    o->x[3] = constant(one_in(30) ? below(9000) : below(3) * CAVERN_PAGE_SIZE);
    o->x[4] = constant(one_in(30) ? below(9000) : (1 + below(one_in(3) ? 3 : 1)) * CAVERN_PAGE_SIZE);
    o->x[5] = constant(protections[below(sizeof protections)]);
    o->out[0] = fresh_variable(o->actor);
}

void shape_dma_unmap(struct operation *o)
{
    o->x[0] = handle(o->actor, CAVERN_TYPE_DMA);
    const struct ref_object *object = object_of(o->actor, &o->x[0]);
    const struct ref_dma *dma = object && object->type == CAVERN_TYPE_DMA ? (const struct ref_dma *)object : NULL;
    if (!dma || !dma->mappings.count || one_in(10))
        return; /* all */
    const struct ref_dma_mapping *mapping = dma->mappings.items[below(dma->mappings.count)];
    o->x[3] = known(o->actor, mapping->address);
    o->x[4] = constant(one_in(20) ? below(3) * CAVERN_PAGE_SIZE : mapping->length);
}

void shape_machine(struct operation *o)
{
    o->x[0] = handle(o->actor, CAVERN_TYPE_MACHINE);
    o->x[2] = constant(one_in(20) ? below(6) : CAVERN_MACHINE_LOG_READ + below(2));
    if (o->x[2].plus == CAVERN_MACHINE_LOG_READ) {
        o->x[3] = constant(one_in(3) ? 0 : below(ref.log.count + 2));
        o->x[4] = held(variable(o->actor, OWN_MEMORY), below(MEMORY) / (one_in(20) ? 1 : 8) * 8);
        o->x[5] = constant(one_in(20) ? below(300) : 256 + below(3000));
        return;
    }
    o->x[3] = constant(one_in(20) ? below(6) : 1 + below(4));
    o->x[4] = held(variable(o->actor, OWN_MEMORY), below(MEMORY));
    o->x[5] = constant(below(one_in(20) ? 260 : 241));
}

/* Of a process: the id of a thread that is stopped, 0: whose fault has ended it. False: there is none. */
static bool stopped_thread(const struct ref_object *object, uint64_t *id)
{
    const struct ref_process *process = (const struct ref_process *)object;
    *id = 0;
    if (!object || object->type != CAVERN_TYPE_PROCESS)
        return false;
    for (unsigned i = 0; i < process->threads.count; i++) {
        const struct ref_thread *thread = process->threads.items[i];
        if (thread->state == CAVERN_THREAD_SUSPENDED || thread->state == CAVERN_THREAD_FAULTED)
            *id = thread->id;
    }
    return *id || process->faulter;
}

void shape_registers(struct operation *o)
{
    static const unsigned sizes[] = {sizeof(struct cavern_registers), sizeof(struct cavern_vector_registers), 8, 8};
    unsigned set = below(one_in(20) ? 4 : 3);
    uint64_t id = below(4);
    for (unsigned tries = 0; tries < 12; tries++) {
        o->x[0] = handle(o->actor, one_in(3) ? CAVERN_TYPE_THREAD : CAVERN_TYPE_PROCESS);
        if (stopped_thread(object_of(o->actor, &o->x[0]), &id))
            break;
    }
    o->x[2] = constant(one_in(20) ? below(4) : id);
    o->x[3] = constant(set | (uint64_t)below(2) << 8);
    o->x[4] = held(variable(o->actor, OWN_MEMORY), below(MEMORY) / (one_in(20) ? 1 : 8) * 8);
    o->x[5] = constant(one_in(20) ? below(600) : sizes[set]);
}
