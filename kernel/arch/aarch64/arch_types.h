/* SPDX-License-Identifier: BSD-2-Clause */
/* AArch64: what arch.h leaves to the processor, and those of its functions that are worth having inline. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arch/aarch64/kernel_lock.h"
#include "arch/aarch64/system_registers.h"

/*
 * Registers of a thread while it is not in user mode. While it is, SP_EL1 points here, so that an exception can save
 * them without a free register. context_offsets.h has the offsets for the assembly.
 */
struct arch_context {
    uint64_t x[31];
    uint64_t sp;
    uint64_t pc;
    uint64_t pstate;
    uint64_t tls; /* TPIDR_EL0; valid while the thread is not on a CPU */
    uint64_t fpsr;
    uint64_t fpcr;
    uint64_t pad;
    uint64_t vector[32][2]; /* with fpsr and fpcr: valid while the thread does not own the vector registers */
} __attribute__((aligned(16)));

/* See address_space.c. */
struct arch_space {
    uint64_t ttbr;       /* as in TTBR0_EL1: root table and ASID; 0: none */
    uint64_t generation; /* in which the ASID is valid; 0: it never had one */
    uint64_t cursor;     /* arch_space_destroy: everything below this address is gone */
};

/* All RAM, at its physical address plus this. */
#define DIRECT_BASE UINT64_C(0xffff000000000000)

static inline void *arch_direct(uint64_t physical)
{
    return (void *)(DIRECT_BASE + physical);
}

static inline uint64_t arch_physical(const void *direct)
{
    return (uint64_t)direct - DIRECT_BASE;
}

/* PAR_EL1 after an address translation. DDI 0487, "PAR_EL1" */
#define PAR_FAILED UINT64_C(1)
#define PAR_ADDRESS UINT64_C(0x0000fffffffff000)
#define PAR_ATTRIBUTES (UINT64_C(0xff) << 56)
#define PAR_NORMAL PAR_ATTRIBUTES /* write-back, as in MAIR_VALUE */

/* By the MMU itself, as user mode would get there. */
static inline void *arch_user_window(const struct arch_space *space, uint64_t address, bool write)
{
    (void)space;
    if (write)
        __asm__ volatile("at s1e0w, %0" ::"r"(address) : "memory");
    else
        __asm__ volatile("at s1e0r, %0" ::"r"(address) : "memory");
    barrier_instruction();
    uint64_t result = system_register_read(par_el1);
    if ((result & (PAR_ATTRIBUTES | PAR_FAILED)) != PAR_NORMAL)
        return NULL;
    return arch_direct((result & PAR_ADDRESS) | (address & ~PAR_ADDRESS));
}

/* Not volatile: a kernel entry never moves to another CPU, so the compiler may keep it. */
static inline struct cpu *arch_cpu(void)
{
    struct cpu *cpu;
    __asm__("mrs %0, tpidr_el1" : "=r"(cpu));
    return cpu;
}

static inline uint64_t arch_ticks(void)
{
    return system_register_read(cntvct_el0);
}

static inline bool arch_interrupt_pending(void)
{
    return interrupt_is_pending() || kernel_lock_wanted();
}
