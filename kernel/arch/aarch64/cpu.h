/* SPDX-License-Identifier: BSD-2-Clause */
/* Processors: their stacks, and what is set up on each. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "arch/aarch64/context_offsets.h"
#include "arch/aarch64/kernel_lock.h"
#include "object/scheduler.h"

/*
 * One per CPU. The stack grows down from `cpu`, which is also what TPIDR_EL1 holds: an exception finds both in one
 * register. `guard` is not mapped.
 */
struct cpu_area {
    uint8_t guard[CPU_AREA_GUARD];
    uint8_t stack[CPU_AREA_CPU - CPU_AREA_GUARD];
    struct cpu cpu;
} __attribute__((aligned(4096)));

/* Refuses a CPU that lacks something, with a message; sets up the rest. */
void cpu_init(void);
/*
 * Lets user mode read the cycle counter and two that count instructions: this CPU's, and those of the CPUs that start
 * from now on. False: this one has no such unit.
 */
bool cpu_open_counters(void);
/* The CPU's name, for people. */
const char *cpu_name(void);

struct arch_context;

/* To user mode, with these registers. In vectors.S. */
_Noreturn void context_enter(struct arch_context *context);
/* Vector registers. In vector_registers.S. */
void vector_registers_save(struct arch_context *context);
void vector_registers_restore(const struct arch_context *context);

/* context.c: the thread wants the vector registers; they are its own from here until it leaves the CPU. */
void context_take_vector(struct arch_context *context);
void context_enable_vector(void);
void context_disable_vector(void);

/* address_space.c: in this CPU's space something is mapped at the address, whatever it may be used for. */
bool address_space_maps(uint64_t address);

/* trap.c: what runs next runs. `shared`: there are other CPUs. */
_Noreturn void trap_leave(void) KERNEL_LOCK_RELEASED;
_Noreturn void trap_leave_shared(void) KERNEL_LOCK_RELEASED;
/* vectors.S */
extern char vectors[], vectors_shared[];

/*
 * secondary.c: the other CPUs of the list are started, as far as the firmware and the interrupt controller can, and
 * wait for the kernel lock; ids as in MPIDR_EL1. True: there are such, and this CPU holds the lock.
 */
bool cpus_start(const uint64_t *ids, unsigned count);
