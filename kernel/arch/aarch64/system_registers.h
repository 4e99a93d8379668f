/* SPDX-License-Identifier: BSD-2-Clause */
/* System registers and barriers. Names are the assembler's; "DDI 0487" is the Arm Architecture Reference Manual. */
#pragma once

#include <stdint.h>

#define SYSTEM_REGISTER_TEXT(name) #name

/* A name may be a macro for a register that the assembler does not know. */
#define system_register_read(name)                                                                                     \
    ({                                                                                                                 \
        uint64_t value_;                                                                                               \
        __asm__ volatile("mrs %0, " SYSTEM_REGISTER_TEXT(name) : "=r"(value_));                                        \
        value_;                                                                                                        \
    })

#define system_register_write(name, value)                                                                             \
    __asm__ volatile("msr " SYSTEM_REGISTER_TEXT(name) ", %0" ::"r"((uint64_t)(value)))

#define MPIDR_AFFINITY UINT64_C(0xff00ffffff) /* Aff3 to Aff0 of MPIDR_EL1 */

static inline void barrier_instruction(void)
{
    __asm__ volatile("isb" ::: "memory");
}

/* All earlier accesses are complete. */
static inline void barrier_complete(void)
{
    __asm__ volatile("dsb sy" ::: "memory");
}

/* Stores are complete, as far as the other CPUs and the table walkers can see. */
static inline void barrier_tables(void)
{
    __asm__ volatile("dsb ishst" ::: "memory");
}

/* TLB and cache maintenance is complete on all CPUs. */
static inline void barrier_maintenance(void)
{
    __asm__ volatile("dsb ish" ::: "memory");
}
