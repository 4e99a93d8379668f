/* SPDX-License-Identifier: BSD-2-Clause */
/* Device memory, interrupt lines, DMA: spec/devices.md, and spec/memory.md, Device buffers. */
#include "reference.h"

/* Neither RAM nor the interrupt controller. [MEM-DEVICE-2] */
bool ref_is_device(uint64_t base, uint64_t size)
{
    for (unsigned i = 0; i < 2; i++) {
        if (base < ref.taken[i].base + ref.taken[i].size && ref.taken[i].base < base + size)
            return false;
    }
    return true;
}

struct ref_buffer *ref_device_new(uint64_t base, uint64_t size)
{
    struct ref_buffer *buffer = ref_new(sizeof *buffer);
    buffer->object.type = CAVERN_TYPE_BUFFER;
    buffer->device = true;
    buffer->base = base;
    buffer->size = size;
    return buffer;
}

/* --- deriving --- */

/* [MEM-DEVICE-1] */
static struct ref_object *derive_buffer(const struct ref_buffer *source, const uint64_t x[16])
{
    bool inside = source->device && x[4] && x[3] <= source->size && x[4] <= source->size - x[3];
    ref_wrong(!inside, CAVERN_BAD_ARGUMENT);
    ref_wrong(inside && !ref_is_device(source->base + x[3], x[4]), CAVERN_DENIED);
    return ref_failed() ? NULL : &ref_device_new(source->base + x[3], x[4])->object;
}

struct ref_interrupt *ref_line_object(uint64_t line)
{
    for (unsigned i = 0; i < ref.interrupts.count; i++) {
        struct ref_interrupt *interrupt = ref.interrupts.items[i];
        if (!interrupt->range && interrupt->first == line && !interrupt->object.gone)
            return interrupt;
    }
    return NULL;
}

/* [DEV-IRQ-1] [DEV-IRQ-2] */
static struct ref_object *derive_interrupt(const struct ref_interrupt *range, const uint64_t x[16])
{
    ref_wrong(!range->range || x[4] != 1 || x[5] > 1 || x[3] < range->first || x[3] >= range->first + range->lines,
              CAVERN_BAD_ARGUMENT);
    ref_wrong(ref_line_object(x[3]), CAVERN_BUSY);
    if (ref_failed())
        return NULL;
    struct ref_interrupt *line = ref_new(sizeof *line);
    line->object.type = CAVERN_TYPE_INTERRUPT;
    line->first = (unsigned)x[3];
    line->lines = 1;
    line->masked = true;
    ref_notice_init(&line->notice, CAVERN_KIND_INTERRUPT, &line->object);
    line->notice.words[0] = x[3];
    line->notice.line = line;
    ref_push(&ref.interrupts, line);
    return &line->object;
}

struct ref_dma *ref_dma_new(void)
{
    struct ref_dma *dma = ref_new(sizeof *dma);
    dma->object.type = CAVERN_TYPE_DMA;
    ref_push(&ref.dmas, dma);
    return dma;
}

/* [DEV-DMA-8] */
static struct ref_object *derive_dma(const uint64_t x[16])
{
    ref_wrong(x[3] || x[4] || x[5], CAVERN_BAD_ARGUMENT);
    return ref_failed() ? NULL : &ref_dma_new()->object;
}

/* [ABI-HANDLE-7] */
void ref_derive(struct ref_thread *thread, const uint64_t x[16])
{
    uint16_t rights = 0;
    struct ref_object *from = ref_find(thread, x[0], &rights), *made = NULL;
    enum cavern_type type = from ? from->type : CAVERN_TYPE_NONE;
    ref_need(thread, x[6], CAVERN_TYPE_ACCOUNT, CAVERN_RIGHT_CHARGE);
    bool fits = type == CAVERN_TYPE_BUFFER || type == CAVERN_TYPE_INTERRUPT || type == CAVERN_TYPE_DMA;
    ref_wrong(!fits, CAVERN_BAD_HANDLE);
    ref_wrong(fits && !(rights & CAVERN_RIGHT_DERIVE), CAVERN_DENIED);
    if (type == CAVERN_TYPE_BUFFER)
        made = derive_buffer((struct ref_buffer *)from, x);
    else if (type == CAVERN_TYPE_INTERRUPT)
        made = derive_interrupt((struct ref_interrupt *)from, x);
    else if (type == CAVERN_TYPE_DMA)
        made = derive_dma(x);
    if (made)
        ref_out(thread, 1, ref_insert(thread->process, made, rights));
}

/* --- single registers --- */

static uint64_t low_bytes(uint64_t value, uint64_t width)
{
    return width < 8 ? value & (((uint64_t)1 << 8 * width) - 1) : value;
}

/* [DEV-IO-1] to [DEV-IO-4] */
void ref_device_io(struct ref_thread *thread, const uint64_t x[16])
{
    bool write = x[4] & CAVERN_DEVICE_WRITE;
    uint64_t width = x[4] & ~(uint64_t)CAVERN_DEVICE_WRITE;
    struct ref_buffer *buffer =
        ref_need(thread, x[0], CAVERN_TYPE_BUFFER, write ? CAVERN_RIGHT_WRITE : CAVERN_RIGHT_READ);
    bool fits = width == 1 || width == 2 || width == 4 || width == 8;
    ref_wrong(!fits, CAVERN_BAD_ARGUMENT);
    if (!buffer || !fits)
        return;
    bool inside = buffer->device && x[3] <= buffer->size && width <= buffer->size - x[3];
    uint64_t physical = buffer->base + x[3];
    ref_wrong(!inside || physical % width, CAVERN_BAD_ARGUMENT);
    ref_wrong(inside && !ref_is_device(physical, width), CAVERN_DENIED);
    if (ref_failed())
        return;
    bool fails = ref.register_fails(physical);
    uint64_t value = low_bytes(write ? x[5] : fails ? 0 : ref.register_value(physical), width);
    ref.access = (struct ref_access){ref.access.count + 1, physical, width, value, write};
    ref_wrong(fails, CAVERN_DEVICE_ERROR);
    if (!ref_failed() && !write)
        ref_out(thread, 1, value);
}

/* --- DMA --- */

/* Whose page has this device address, as far as it is known; NULL: nobody's. */
static const struct ref_buffer *owner_of(uint64_t frame)
{
    for (unsigned i = 0; i < ref.buffers.count; i++) {
        const struct ref_buffer *buffer = ref.buffers.items[i];
        for (uint64_t page = 0; page < buffer->size / CAVERN_PAGE_SIZE; page++) {
            if (buffer->frames[page] == frame && ref_buffer_exists(buffer))
                return buffer;
        }
    }
    return NULL;
}

/* Where memory was free is the kernel's affair; but it is RAM, nobody else's, and where it has been. [DEV-DMA-9] */
static bool may_be_at(const struct ref_buffer *buffer, uint64_t offset, uint64_t length, uint64_t address)
{
    if (buffer->contiguous) {
        address -= offset;
        length = buffer->size;
        offset = 0;
    }
    const struct ref_range *ram = &ref.taken[0];
    if (address % CAVERN_PAGE_SIZE || address < ram->base || address - ram->base > ram->size - length)
        return false;
    for (uint64_t at = 0; at < length; at += CAVERN_PAGE_SIZE) {
        uint64_t *frame = &buffer->frames[(offset + at) / CAVERN_PAGE_SIZE];
        if (*frame ? *frame != address + at : owner_of(address + at) != NULL)
            return false;
        *frame = address + at;
    }
    return true;
}

/* As far as it is known. [DEV-DMA-3] */
static bool is_in_one_piece(const struct ref_buffer *buffer, uint64_t offset, uint64_t length)
{
    const uint64_t *frames = &buffer->frames[offset / CAVERN_PAGE_SIZE];
    bool one = frames[0];
    for (uint64_t page = 1; page < length / CAVERN_PAGE_SIZE; page++)
        one &= frames[page] == frames[0] + page * CAVERN_PAGE_SIZE;
    return one || buffer->contiguous || length <= CAVERN_PAGE_SIZE;
}

/* [DEV-DMA-1] to [DEV-DMA-5] */
void ref_dma_map(struct ref_thread *thread, const uint64_t x[16])
{
    struct ref_dma *dma = ref_need(thread, x[0], CAVERN_TYPE_DMA, CAVERN_RIGHT_MANAGE);
    bool writes = x[5] & CAVERN_PROT_WRITE;
    struct ref_buffer *buffer = ref_need(thread, x[2], CAVERN_TYPE_BUFFER,
                                         writes                    ? CAVERN_RIGHT_READ | CAVERN_RIGHT_WRITE
                                         : x[5] & CAVERN_PROT_READ ? CAVERN_RIGHT_READ
                                                                   : 0);
    ref_wrong(x[5] != CAVERN_PROT_READ && x[5] != (CAVERN_PROT_READ | CAVERN_PROT_WRITE), CAVERN_BAD_ARGUMENT);
    ref_wrong(((x[3] | x[4]) & (CAVERN_PAGE_SIZE - 1)) || !x[4], CAVERN_BAD_ARGUMENT);
    if (!buffer)
        return;
    ref_wrong(buffer->device || x[3] > buffer->size || x[4] > buffer->size - x[3], CAVERN_BAD_ARGUMENT);
    ref_wrong(x[4] > CAVERN_DMA_MAX, CAVERN_TOO_LARGE);
    if (ref_failed() || !dma)
        return;
    ref_wrong(ref.drawn[0] == CAVERN_TOO_LARGE && !is_in_one_piece(buffer, x[3], x[4]), CAVERN_TOO_LARGE);
    if (ref_failed())
        return;
    ref.unlike |= ref.drawn[0] == CAVERN_OK && !may_be_at(buffer, x[3], x[4], ref.drawn[1]);
    struct ref_dma_mapping *mapping = ref_new(sizeof *mapping);
    *mapping = (struct ref_dma_mapping){buffer, ref.drawn[1], x[4], x[3], writes};
    ref_push(&dma->mappings, mapping);
    ref_out(thread, 1, ref.drawn[1]); /* whether the memory is there is compared with all memory */
}

/* [DEV-DMA-6] */
void ref_dma_unmap(struct ref_thread *thread, const uint64_t x[16])
{
    struct ref_dma *dma = ref_need(thread, x[0], CAVERN_TYPE_DMA, CAVERN_RIGHT_MANAGE);
    struct ref_dma_mapping *found = NULL;
    bool all = !x[3] && !x[4];
    for (unsigned i = 0; dma && !found && i < dma->mappings.count; i++) {
        struct ref_dma_mapping *mapping = dma->mappings.items[i];
        if (mapping->address == x[3] && mapping->length == x[4])
            found = mapping;
    }
    ref_wrong(dma && !all && !found, CAVERN_BAD_ARGUMENT);
    if (ref_failed() || !dma)
        return;
    if (all)
        dma->mappings.count = 0;
    else
        ref_remove(&dma->mappings, found);
}
