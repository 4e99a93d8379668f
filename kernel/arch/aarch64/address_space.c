/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Address spaces of processes: tables in TTBR0, told apart in the TLB by ASIDs.
 *
 * ASIDs are handed out in ascending order, each once in a *generation*, and never come back singly. A space whose
 * generation is not the present one has no ASID and no entry in any TLB; it gets one when it is switched to.
 * When all have been handed out (rollover), all of this under the kernel lock and in this order: TTBR0 is pointed at
 * the empty table with ASID 0, which no space has, so that no walk can fill the TLB under an old ASID; the generation
 * steps; spaces that other CPUs run keep their ASIDs, which are those of the new generation too; the TLBs of all CPUs
 * are flushed; ASIDs start again at 1, without those that were kept. A CPU that runs no thread has the empty table.
 *
 * Changing a table: an entry goes from invalid to valid (no TLB maintenance: invalid ones are not cached) or from valid
 * to invalid (maintenance, complete before the caller goes on), never from one valid value to another, but for what the
 * MMU ignores. Tables stay until the space goes, so a cached walk never leads astray. A range of pages in which a table
 * stands already is not mapped by a block.
 */
#include "arch/aarch64/mmu.h"

#include "arch/aarch64/cpu.h"
#include "arch/aarch64/page_table.h"
#include "arch/arch.h"
#include "object/process.h"
#include "object/scheduler.h"
#include "object/thread.h"

/* More single pages than this are flushed by ASID. DDI 0487, "TLBI VALE1IS", "TLBI ASIDE1IS". */
#define FLUSH_PAGES_MAX 64

#define TTBR_ASID_SHIFT 48
#define USER_END (UINT64_C(1) << 48)
#define ROOT_ENTRIES (unsigned)(CAVERN_USER_END >> 39) /* that are for user mode */

uint64_t address_space_generation;

static struct {
    uint32_t next;
    uint32_t end;
    uint64_t empty; /* TTBR0 for no space at all */
    unsigned kept;  /* over the last rollover */
    uint32_t keep[CAVERN_CPUS_MAX];
} asids;

void address_spaces_init(uint64_t empty_table)
{
    bool wide = system_register_read(tcr_el1) >> 36 & 1; /* TCR_EL1.AS: head.S set it where the CPU has 16 bits */
    address_space_generation = 1;
    asids.next = 1;
    asids.end = wide ? 1 << 16 : 1 << 8;
    asids.empty = empty_table;
}

bool address_spaces_limit(uint64_t count)
{
    if (count <= CAVERN_CPUS_MAX)
        return false;
    if (count < asids.end)
        asids.end = (uint32_t)count;
    return true;
}

void address_space_unload(void)
{
    ttbr_load(asids.empty);
}

/* PAR_EL1 has the outcome as an exception would: FST, bits 1 to 6, with the level in the lowest two. DDI 0487, "AT
 * S1E0R" */
bool address_space_maps(uint64_t address)
{
    __asm__ volatile("at s1e0r, %0" ::"r"(address));
    barrier_instruction();
    uint64_t outcome = system_register_read(par_el1);
    bool failed = outcome & 1, translation = (outcome >> 3 & 0xf) == 1;
    return !failed || !translation;
}

static void keep_running(void)
{
    asids.kept = 0;
    for (unsigned i = 0; i < scheduler.cpu_count; i++) {
        const struct cpu *cpu = scheduler.cpus[i];
        if (!cpu->current || cpu == arch_cpu())
            continue;
        struct arch_space *space = &cpu->current->process->space.arch;
        space->generation = address_space_generation;
        asids.keep[asids.kept++] = (uint32_t)(space->ttbr >> TTBR_ASID_SHIFT);
    }
}

static void roll_over(void)
{
    ttbr_load(asids.empty);
    address_space_generation++;
    asids.next = 1;
    keep_running();
    __asm__ volatile("tlbi vmalle1is" ::: "memory");
    barrier_maintenance();
}

static bool is_kept(uint32_t asid)
{
    for (unsigned i = 0; i < asids.kept; i++)
        if (asids.keep[i] == asid)
            return true;
    return false;
}

SELDOM void address_space_renew(struct arch_space *space)
{
    do {
        if (asids.next == asids.end)
            roll_over();
    } while (is_kept(asids.next) && asids.next++);
    space->ttbr = (space->ttbr & PTE_ADDRESS) | (uint64_t)asids.next++ << TTBR_ASID_SHIFT;
    space->generation = address_space_generation;
}

bool arch_space_init(struct arch_space *space, struct page_source *source)
{
    uint64_t root;
    if (!source->take(source, &root))
        return false;
    *space = (struct arch_space){.ttbr = root};
    return true;
}

static uint64_t user_attributes(unsigned access, enum arch_memory memory)
{
    uint64_t attributes = PTE_LEAF | PTE_NOT_GLOBAL | PTE_PXN;
    if (access & (ARCH_ACCESS_READ | ARCH_ACCESS_WRITE))
        attributes |= PTE_USER;
    if (!(access & ARCH_ACCESS_WRITE))
        attributes |= PTE_READ_ONLY;
    if (!(access & ARCH_ACCESS_EXECUTE))
        attributes |= PTE_UXN;
    return attributes | (memory == ARCH_MEMORY_DEVICE ? PTE_DEVICE : PTE_NORMAL);
}

bool arch_space_map(struct arch_space *space, struct page_source *source, uint64_t address, uint64_t physical,
                    uint64_t size, unsigned access, enum arch_memory memory)
{
    return page_table_map(table_at(space->ttbr), source, address, physical, size, user_attributes(access, memory), 2);
}

static void flush_page(const struct arch_space *space, uint64_t address)
{
    uint64_t operand = (space->ttbr & ~(USER_END - 1)) | (address >> 12 & ((UINT64_C(1) << 44) - 1));
    __asm__ volatile("tlbi vale1is, %0" ::"r"(operand) : "memory");
}

static void flush_all(const struct arch_space *space)
{
    __asm__ volatile("tlbi aside1is, %0" ::"r"(space->ttbr & ~(USER_END - 1)) : "memory");
}

/* Clears the entries of the range; *count is how many were valid, `flush` has the addresses of the first of them. */
static void clear_range(uint64_t *root, uint64_t address, uint64_t end, uint64_t *flush, unsigned *count)
{
    while (address < end) {
        unsigned level;
        uint64_t *entry = page_table_find(root, address, &level);
        uint64_t span = table_span(level);
        unsigned left = TABLE_ENTRIES - table_index(address, level);
        address &= ~(span - 1);
        for (; left && address < end && !pte_is_table(*entry, level); left--, entry++, address += span) {
            if (!(*entry & PTE_VALID))
                continue;
            *entry = 0;
            if (*count < FLUSH_PAGES_MAX)
                flush[*count] = address;
            ++*count;
        }
    }
}

__attribute__((noinline)) static void unmap_range(struct arch_space *space, uint64_t address, uint64_t size)
{
    uint64_t flush[FLUSH_PAGES_MAX];
    unsigned count = 0;
    clear_range(table_at(space->ttbr), address, address + size, flush, &count);
    barrier_tables();
    if (!count || !address_space_is_current(space))
        return;
    if (count > FLUSH_PAGES_MAX)
        flush_all(space);
    else
        for (unsigned i = 0; i < count; i++)
            flush_page(space, flush[i]);
    barrier_maintenance();
}

static void unmap_page(struct arch_space *space, uint64_t address)
{
    unsigned level;
    uint64_t *entry = page_table_find(table_at(space->ttbr), address, &level);
    bool mapped = *entry & PTE_VALID;
    *entry = 0;
    barrier_tables();
    if (!mapped || !address_space_is_current(space))
        return;
    flush_page(space, address);
    barrier_maintenance();
}

void arch_space_unmap(struct arch_space *space, uint64_t address, uint64_t size)
{
    if (size == CAVERN_PAGE_SIZE)
        unmap_page(space, address); /* a block is not unmapped in part */
    else
        unmap_range(space, address, size);
}

/* The first entry in [i, end) that leads to a table. Most are empty, so they are looked at by eights. */
static unsigned next_table(const uint64_t *entries, unsigned i, unsigned end, unsigned level)
{
    while (i < end && !pte_is_table(entries[i], level)) {
        const uint64_t *e = &entries[i];
        bool empty = i % 8 == 0 && !(e[0] | e[1] | e[2] | e[3] | e[4] | e[5] | e[6] | e[7]);
        i += empty ? 8 : 1;
    }
    return i;
}

/* Gives one table back that leads to no other; false when that was the root. */
static bool destroy_one(struct arch_space *space, struct page_source *source)
{
    uint64_t *entry = NULL, *above = NULL; /* what leads to the table, and what leads to the one with that entry */
    uint64_t table = space->ttbr & PTE_ADDRESS;
    for (unsigned level = 0; !entry || *entry & PTE_CHILDREN; level++) {
        uint64_t *entries = arch_direct(table);
        unsigned first = table_index(space->cursor, level);
        unsigned i = next_table(entries, first, level ? TABLE_ENTRIES : ROOT_ENTRIES, level);
        if (i != first)
            space->cursor = (space->cursor & ~(table_span(level) - 1)) + (i - first) * table_span(level);
        if (i == ROOT_ENTRIES && !level)
            break;
        above = entry;
        entry = &entries[i];
        table = *entry & PTE_ADDRESS;
    }
    source->give(source, table);
    if (!entry)
        return false;
    *entry = 0;
    if (above)
        *above -= PTE_CHILD;
    return true;
}

/* No CPU walks the tables any more. */
static void retire(struct arch_space *space)
{
    if (system_register_read(ttbr0_el1) == space->ttbr)
        ttbr_load(asids.empty);
    if (space->generation == address_space_generation) {
        space->generation = 0;
        flush_all(space);
        barrier_maintenance();
    }
}

void arch_space_discard(struct arch_space *space, struct page_source *source, uint64_t address)
{
    uint64_t *path[TABLE_LAST_LEVEL]; /* what leads to a table */
    uint64_t *table = table_at(space->ttbr);
    unsigned depth = 0;
    retire(space);
    for (; depth < TABLE_LAST_LEVEL && pte_is_table(table[table_index(address, depth)], depth); depth++) {
        path[depth] = &table[table_index(address, depth)];
        table = table_at(*path[depth]);
    }
    while (depth-- && !(*path[depth] & PTE_CHILDREN)) {
        source->give(source, *path[depth] & PTE_ADDRESS);
        *path[depth] = 0;
        if (depth)
            *path[depth - 1] -= PTE_CHILD;
    }
}

bool arch_space_destroy(struct arch_space *space, struct page_source *source, unsigned budget)
{
    if (!space->ttbr)
        return true;
    retire(space);
    while (budget--) {
        if (!destroy_one(space, source)) {
            space->ttbr = 0;
            return true;
        }
    }
    return false;
}

/* Bytes of the pages behind this entry that lie in a row with its own, as far as they are wanted. */
static uint64_t following(const uint64_t *entry, uint64_t wanted)
{
    uint64_t pages = (wanted + CAVERN_PAGE_SIZE - 1) / CAVERN_PAGE_SIZE, next = *entry + CAVERN_PAGE_SIZE, i = 0;
    uint64_t left = TABLE_ENTRIES - 1 - (uintptr_t)entry / sizeof *entry % TABLE_ENTRIES;
    if (pages > left)
        pages = left;
    for (; i < pages && entry[i + 1] == next; i++)
        next += CAVERN_PAGE_SIZE;
    return i * CAVERN_PAGE_SIZE;
}

bool arch_translate(const struct arch_space *space, uint64_t address, enum arch_access access, uint64_t *physical,
                    uint64_t *length)
{
    if (address >= USER_END || !space->ttbr)
        return false;
    unsigned level;
    const uint64_t *at = page_table_find(table_at(space->ttbr), address, &level);
    uint64_t entry = *at;
    bool allowed = entry & PTE_VALID && !(entry & PTE_DEVICE);
    if (access == ARCH_ACCESS_EXECUTE)
        allowed = allowed && !(entry & PTE_UXN);
    else
        allowed = allowed && entry & PTE_USER && !(access == ARCH_ACCESS_WRITE && entry & PTE_READ_ONLY);
    uint64_t offset = address & (table_span(level) - 1);
    *physical = (entry & PTE_ADDRESS) + offset;
    uint64_t wanted = *length;
    *length = table_span(level) - offset;
    if (level == TABLE_LAST_LEVEL && *length < wanted)
        *length += following(at, wanted - *length);
    return allowed;
}
