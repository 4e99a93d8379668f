/* SPDX-License-Identifier: BSD-2-Clause */
/* The simulated machine: RAM as one host mapping, four-level page tables in it, timer, lines, output. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arch/arch.h"
#include "machine_state.h"
#include "object/machine.h"
#include "object/memory.h"
#include "object/scheduler.h"
#include "platform/platform.h"

struct machine_state model;

/* --- memory --- */

enum { LEVELS = 4, ENTRIES = 512 };

#define TABLE_ENTRY 0x800ull
#define BLOCK_ENTRY 0x400ull
#define DEVICE_ENTRY 0x200ull
#define ADDRESS(entry) ((entry) & ~0xfffull)

void *arch_direct(uint64_t physical)
{
    assert(physical >= MODEL_RAM_BASE && physical < MODEL_RAM_BASE + model.ram_size);
    return model.ram + (physical - MODEL_RAM_BASE);
}

uint64_t arch_physical(const void *direct)
{
    return MODEL_RAM_BASE + (uint64_t)((const uint8_t *)direct - model.ram);
}

void arch_zero_page(void *page)
{
    memset(page, 0, 4096);
}

void arch_sync_code(void *p, size_t size)
{
    (void)p;
    (void)size;
}

bool arch_space_init(struct arch_space *space, struct page_source *source)
{
    return source->take(source, &space->root);
}

static unsigned shift_of(int level)
{
    return 12 + 9 * (unsigned)(LEVELS - 1 - level);
}

/* The entry for `address` at `level`, making tables on the way if `source`; NULL: none. *at: the level reached. */
static uint64_t *walk(const struct arch_space *space, struct page_source *source, uint64_t address, int level, int *at)
{
    uint64_t table = space->root;
    for (*at = 0;; ++*at) {
        uint64_t *entry = (uint64_t *)arch_direct(table) + (address >> shift_of(*at) & (ENTRIES - 1));
        if (*at == level || (*entry & BLOCK_ENTRY))
            return entry;
        if (!*entry) {
            uint64_t page;
            if (!source || !source->take(source, &page))
                return NULL;
            *entry = page | TABLE_ENTRY;
        }
        table = ADDRESS(*entry);
    }
}

bool arch_space_map(struct arch_space *space, struct page_source *source, uint64_t address, uint64_t physical,
                    uint64_t size, unsigned access, enum arch_memory memory)
{
    assert(!((address | physical | size) & 0xfff) && access && access < 8);
    assert((access & (ARCH_ACCESS_WRITE | ARCH_ACCESS_EXECUTE)) != (ARCH_ACCESS_WRITE | ARCH_ACCESS_EXECUTE));
    while (size) {
        bool block = !((address | physical) & (CAVERN_BLOCK_2M - 1)) && size >= CAVERN_BLOCK_2M;
        int level = block ? LEVELS - 2 : LEVELS - 1, at;
        uint64_t *entry = walk(space, source, address, level, &at);
        if (!entry)
            return false;
        if (block && (*entry & TABLE_ENTRY)) { /* a table stands there already: go on by pages */
            level = LEVELS - 1;
            block = false;
            entry = walk(space, source, address, level, &at);
            if (!entry)
                return false;
        }
        assert(at == level && !*entry);
        *entry = physical | access | (block ? BLOCK_ENTRY : 0) | (memory == ARCH_MEMORY_DEVICE ? DEVICE_ENTRY : 0);
        uint64_t step = block ? CAVERN_BLOCK_2M : 4096;
        address += step, physical += step, size -= step;
    }
    return true;
}

void arch_space_unmap(struct arch_space *space, uint64_t address, uint64_t size)
{
    for (uint64_t end = address + size; address < end;) {
        int at;
        uint64_t *entry = walk(space, NULL, address, LEVELS - 1, &at);
        uint64_t step = entry && (*entry & BLOCK_ENTRY) ? CAVERN_BLOCK_2M : 4096;
        assert(!entry || step == 4096 || (!(address & (step - 1)) && end - address >= step));
        if (entry)
            *entry = 0;
        address += step;
    }
}

void arch_space_discard(struct arch_space *space, struct page_source *source, uint64_t address)
{
    (void)space; /* arch_space_destroy finds all of them */
    (void)source;
    (void)address;
}

bool arch_space_destroy(struct arch_space *space, struct page_source *source, unsigned budget)
{
    /* Deepest table first: follow the first table entry down, give that table back, clear its entry. */
    while (space->root) {
        if (!budget--)
            return false;
        uint64_t table = space->root, *parent = NULL;
        for (unsigned i = 0; i < ENTRIES;) {
            uint64_t *entry = (uint64_t *)arch_direct(table) + i;
            if (*entry & TABLE_ENTRY) {
                parent = entry;
                table = ADDRESS(*entry);
                i = 0;
            } else {
                i++; /* what is still mapped goes with its table */
            }
        }
        source->give(source, table);
        if (parent)
            *parent = 0;
        else
            space->root = 0;
    }
    return true;
}

bool arch_translate(const struct arch_space *space, uint64_t address, enum arch_access access, uint64_t *physical,
                    uint64_t *length)
{
    if (address >= CAVERN_USER_END || !space->root)
        return false;
    int at;
    uint64_t *entry = walk(space, NULL, address, LEVELS - 1, &at);
    if (!entry || !(*entry & access) || (*entry & DEVICE_ENTRY))
        return false;
    uint64_t size = *entry & BLOCK_ENTRY ? CAVERN_BLOCK_2M : 4096;
    *physical = ADDRESS(*entry) + (address & (size - 1));
    *length = size - (address & (size - 1));
    return true;
}

void *arch_user_window(const struct arch_space *space, uint64_t address, bool write)
{
    uint64_t physical, length = 1;
    enum arch_access access = write ? ARCH_ACCESS_WRITE : ARCH_ACCESS_READ;
    return arch_translate(space, address, access, &physical, &length) ? arch_direct(physical) : NULL;
}

bool arch_device_read(uint64_t physical, unsigned width, uint64_t *value)
{
    *value = 0;
    return model.device && model.device(physical, width, false, value);
}

bool arch_device_write(uint64_t physical, unsigned width, uint64_t value)
{
    return model.device && model.device(physical, width, true, &value);
}

/* --- processor --- */

void arch_context_init(struct arch_context *context, uint64_t pc, uint64_t sp, uint64_t tls, uint64_t x0, uint64_t x1)
{
    *context = (struct arch_context){.x = {x0, x1}, .sp = sp, .pc = pc, .tls = tls};
}

struct cpu *arch_cpu(void)
{
    return &model.cpus[model.cpu];
}

uint64_t arch_ticks_to_ns(uint64_t ticks)
{
    return ticks;
}

void arch_timer_set(uint64_t deadline)
{
    model.timers[model.cpu] = deadline;
}

_Noreturn void arch_halt(void)
{
    if (model.halted)
        longjmp(*model.halted, 1);
    fprintf(stderr, "the kernel halts: %s\n", model.output);
    abort();
}

/* --- platform --- */

unsigned platform_lines(void)
{
    return MODEL_LINES;
}

unsigned platform_first_line(void)
{
    return 32;
}

void platform_line_complete(unsigned line)
{
    (void)line;
}

bool platform_line_is_kick(unsigned line)
{
    return line == 0;
}

void platform_line_mask(unsigned line)
{
    model.masked[line] = true;
}

void platform_line_unmask(unsigned line)
{
    model.masked[line] = false;
}

void platform_line_route(unsigned line, unsigned cpu)
{
    assert(model.masked[line]);
    model.routes[line] = cpu;
}

bool platform_line_trigger(unsigned line, unsigned trigger)
{
    return !model.level_only[line] || trigger == CAVERN_TRIGGER_LEVEL;
}

void platform_write(const char *text, size_t length)
{
    size_t room = sizeof model.output - 1 - model.output_length;
    if (length > room)
        length = room;
    memcpy(model.output + model.output_length, text, length);
    model.output_length += length;
}

void platform_power_off(void)
{
    model.power = 1;
}

void platform_restart(void)
{
    model.power = 2;
}

/* --- what tests switch: they are linked with --wrap=memory_take_page --- */

bool __real_memory_take_page(uint64_t *physical);
bool __wrap_memory_take_page(uint64_t *physical);

bool __wrap_memory_take_page(uint64_t *physical)
{
    if (model.fail_after && --model.fail_after == 0) {
        model.fail_after = 1;
        return false;
    }
    return __real_memory_take_page(physical);
}
