/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The CPUs beside the one that boots. Each comes through head.S (secondary_start) with a stack and a struct cpu of its
 * own, sets up what every CPU has for itself, and says so; then it waits for the kernel lock, and for something to do.
 */
#include <stddef.h>

#include <cavern/memory.h>

#include "arch/aarch64/cpu.h"
#include "arch/aarch64/layout.h"
#include "arch/aarch64/mmu.h"
#include "arch/aarch64/system_registers.h"
#include "arch/aarch64/timer.h"
#include "arch/aarch64/waiting.h"
#include "arch/arch.h"
#include "object/machine.h"
#include "object/memory.h"
#include "platform/platform.h"
#include "platform/setup.h"

#define START_PATIENCE 1000000000ull /* ns */
#define AREA_PAGES ((sizeof(struct cpu_area) - CPU_AREA_GUARD) / CAVERN_PAGE_SIZE)

extern char secondary_start[]; /* head.S */
_Noreturn void secondary_enter(void);

static bool arrived;

static void use_shared_vectors(void)
{
    system_register_write(vbar_el1, vectors_shared);
    barrier_instruction();
}

/* head.S comes here, with the stack in place and nothing else. */
void secondary_enter(void)
{
    struct cpu *cpu = arch_cpu();
    use_shared_vectors();
    address_space_unload();
    cpu_init();
    context_disable_vector();
    timer_init_cpu();
    platform_cpu_init(cpu->number);
    __atomic_store_n(&arrived, true, __ATOMIC_RELEASE);
    kernel_lock_take(true);
    if (scheduler.cpus[cpu->number] == cpu)
        trap_leave_shared();
    kernel_lock_give(true); /* nobody waited so long */
    for (;;)
        wait_interrupt();
}

/* NULL: no memory. */
static struct cpu *make_area(unsigned number)
{
    uint64_t physical;
    struct cpu_area *area = (struct cpu_area *)(LAYOUT_CPUS + number * LAYOUT_CPU_SPACE);
    _Static_assert(sizeof *area <= LAYOUT_CPU_SPACE, "they don't meet");
    for (unsigned i = 0; i < AREA_PAGES; i++) {
        if (!memory_take_page(&physical))
            return NULL;
        kernel_map_memory((uint64_t)area + CPU_AREA_GUARD + i * CAVERN_PAGE_SIZE, physical);
    }
    return &area->cpu;
}

static bool wait_for_arrival(void)
{
    uint64_t end = arch_now() + START_PATIENCE;
    while (!__atomic_load_n(&arrived, __ATOMIC_ACQUIRE)) {
        if (arch_now() > end)
            return false;
        wait_moment();
    }
    return true;
}

/* NULL, or why not. *lost: its number can't be given to another, since it may come yet. */
static const char *start(uint64_t id, bool *lost)
{
    if (*lost)
        return "one before it has not come";
    if (scheduler.cpu_count == CAVERN_CPUS_MAX || scheduler.cpu_count == platform_cpus_max())
        return "the kernel or the interrupt controller serves no more";
    static struct cpu *cpu; /* of the next number; left over when the firmware has refused */
    if (!cpu)
        cpu = make_area(scheduler.cpu_count);
    if (!cpu)
        return "no memory";
    scheduler_prepare_cpu(cpu);
    arrived = false;
    const char *error = platform_cpu_on(id, kernel_image_physical(secondary_start), (uint64_t)cpu);
    if (error)
        return error;
    *lost = !wait_for_arrival();
    if (*lost)
        return "it has been started and does not come";
    scheduler_add_cpu(cpu);
    cpu = NULL;
    return NULL;
}

KERNEL_LOCK_UNCHECKED bool cpus_start(const uint64_t *ids, unsigned count)
{
    uint64_t own = system_register_read(mpidr_el1) & MPIDR_AFFINITY;
    bool lost = false;
    kernel_lock_take(true);
    kernel_map_identity(true);
    for (unsigned i = 0; i < count; i++) {
        const char *error = ids[i] == own ? NULL : start(ids[i], &lost);
        if (error)
            log_write(CAVERN_LOG_WARNING, "CPU %lx stays off: %s", (unsigned long)ids[i], error);
    }
    kernel_map_identity(false);
    if (scheduler.cpu_count == 1) {
        kernel_lock_give(true);
        return false;
    }
    use_shared_vectors();
    return true;
}
