/* SPDX-License-Identifier: BSD-2-Clause */
#include "arch/aarch64/cpu.h"

#include <stddef.h>

#include "arch/aarch64/waiting.h"
#include "arch/arch.h"
#include "object/machine.h"
#include "platform/platform.h"

extern struct cpu_area cpu_area; /* head.S leaves its first page out of the tables */
struct cpu_area cpu_area __attribute__((section(".stacks")));

_Static_assert(offsetof(struct cpu_area, cpu) == CPU_AREA_CPU, "stack and struct cpu");

/* Fields of the identification registers, four bits each. DDI 0487, D19.2. */
static unsigned field(uint64_t value, unsigned bit)
{
    return value >> bit & 15;
}

static bool counters_present(void)
{
    unsigned version = field(system_register_read(id_aa64dfr0_el1), 8);
    return version && version != 15;
}

#define PMCR_ENABLE 0x47   /* E, P, C: count, from 0; LC: 64 bits of cycles */
#define PMUSERENR_READ 0xc /* CR, ER */
#define PMCR_COUNTERS(pmcr) ((pmcr) >> 11 & 31)
#define EVENT_INST_RETIRED 0x08             /* DDI 0487, D12.11 */
#define EVENT_USER_ONLY (UINT64_C(1) << 31) /* P: not at EL1 */
#define CYCLE_COUNTER (UINT64_C(1) << 31)

static bool counters_wanted;

/* This CPU's. True: user mode may read them. */
static bool set_up_counters(void)
{
    if (!counters_present())
        return false;
    bool open = counters_wanted && PMCR_COUNTERS(system_register_read(pmcr_el0)) >= 2;
    if (open) {
        system_register_write(pmevtyper0_el0, EVENT_INST_RETIRED);
        system_register_write(pmevtyper1_el0, EVENT_INST_RETIRED | EVENT_USER_ONLY);
        system_register_write(pmccfiltr_el0, 0);
        system_register_write(pmcntenset_el0, CYCLE_COUNTER | 1 << 1 | 1 << 0);
        system_register_write(pmcr_el0, PMCR_ENABLE);
    }
    system_register_write(pmuserenr_el0, open ? PMUSERENR_READ : 0);
    barrier_instruction();
    return open;
}

bool cpu_open_counters(void)
{
    counters_wanted = true;
    return set_up_counters();
}

void cpu_init(void)
{
    if (field(system_register_read(id_aa64pfr0_el1), 0) == 0)
        panic("CPU: no 64-bit user mode");
    if (field(system_register_read(id_aa64mmfr0_el1), 28) == 15)
        panic("CPU: no 4 KiB pages");
    context_enable_vector();                   /* for libfdt, until boot is done with it */
    system_register_write(mdscr_el1, 1 << 12); /* TDCC: the debugger's channel is not for user mode */
    (void)set_up_counters();
    barrier_instruction();
}

const char *cpu_name(void)
{
    static const struct {
        uint16_t part; /* MIDR_EL1, implementer 'A' */
        const char *name;
    } names[] = {
        {0xd03, "Cortex-A53"},  {0xd04, "Cortex-A35"},  {0xd05, "Cortex-A55"},
        {0xd07, "Cortex-A57"},  {0xd08, "Cortex-A72"},  {0xd0b, "Cortex-A76"},
        {0xd0c, "Neoverse N1"}, {0xd40, "Neoverse V1"}, {0xd49, "Neoverse N2"},
    };
    uint64_t midr = system_register_read(midr_el1);
    if (midr >> 24 == 'A')
        for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
            if (names[i].part == (midr >> 4 & 0xfff))
                return names[i].name;
    return "AArch64";
}

void arch_halt(void)
{
    platform_power_off();
    for (;;)
        wait_interrupt();
}
