/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a processor gives the kernel. `arch_types.h` comes from the include path: that of arch/aarch64, or of the host
 * model in tests/model. It defines
 *
 *   struct arch_context   registers of a thread: at least `uint64_t x[31], sp, pc, pstate, fpsr, fpcr, vector[32][2]`
 *   struct arch_space     page tables of an address space
 *
 * Nothing here decides anything. Calls that need memory take it, a zeroed page at a time, from a struct page_source.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cavern/process.h>

#include <arch_types.h>

struct cpu;
struct thread;

/* A way that few calls take, and that keeps its callers' registers: so they save none for the many that don't. */
#define SELDOM __attribute__((noinline, cold, preserve_most))

/* Where page-table pages come from and go back to: the account of the process. */
struct page_source {
    bool (*take)(struct page_source *source, uint64_t *physical); /* zeroed; false: no memory */
    void (*give)(struct page_source *source, uint64_t physical);
};

/* Memory attributes belong to the buffer, not the mapping. */
enum arch_memory {
    ARCH_MEMORY_NORMAL,
    ARCH_MEMORY_DEVICE,
};

enum arch_access {
    ARCH_ACCESS_READ = 1, /* values of CAVERN_PROT_* */
    ARCH_ACCESS_WRITE = 2,
    ARCH_ACCESS_EXECUTE = 4,
};

/* --- direct map --- */
void *arch_direct(uint64_t physical);
uint64_t arch_physical(const void *direct);
void arch_zero_page(void *page);
/* Makes instructions just written to [p, p+size) visible to fetches, on all CPUs. */
void arch_sync_code(void *p, size_t size);

/* --- address spaces --- */
bool arch_space_init(struct arch_space *space, struct page_source *source); /* false: no memory */
/*
 * Maps [physical, physical + size) at `address` for user mode; all three page aligned, nothing mapped there. Uses 2 MiB
 * blocks where both sides allow. False: no memory for tables; then some of the range may be mapped already and the
 * caller unmaps it.
 */
bool arch_space_map(struct arch_space *space, struct page_source *source, uint64_t address, uint64_t physical,
                    uint64_t size, unsigned access, enum arch_memory memory);
/* Unmaps all in the range; complete on every CPU when it returns. Holes are fine. Blocks are never split: the caller
 * unmaps what it mapped. */
void arch_space_unmap(struct arch_space *space, uint64_t address, uint64_t size);
/* Nothing uses the space any more: gives back the table of the pages around `address`, and those for nothing else, as
 * far as that needs no search. */
void arch_space_discard(struct arch_space *space, struct page_source *source, uint64_t address);
/* Gives the table pages back that are left, at most `budget` at a time; true when none is. As above. */
bool arch_space_destroy(struct arch_space *space, struct page_source *source, unsigned budget);
/*
 * The one way in which the kernel looks at user memory: where `address` lies, if user mode may access it so and it is
 * normal memory. *length: in, how many bytes from there on are wanted; out, how many lie there, in a row: those to the
 * end of the page or block, and perhaps more of what is wanted.
 */
bool arch_translate(const struct arch_space *space, uint64_t address, enum arch_access access, uint64_t *physical,
                    uint64_t *length);
/* The same in short, for the space that this CPU is in, and up to the end of the page: in the direct map. NULL: ask
 * arch_translate. */
void *arch_user_window(const struct arch_space *space, uint64_t address, bool write);

/* --- device registers --- */
/*
 * One access of `width` 1, 2, 4 or 8 bytes to a register that may be mapped nowhere; aligned to its width. False: an
 * external abort, or an address that the processor does not have; *value is then 0.
 */
bool arch_device_read(uint64_t physical, unsigned width, uint64_t *value);
bool arch_device_write(uint64_t physical, unsigned width, uint64_t value);

/* --- contexts --- */
void arch_context_init(struct arch_context *context, uint64_t pc, uint64_t sp, uint64_t tls, uint64_t x0, uint64_t x1);
/* The system call that the thread is in will be made again, with the argument registers as they stand then. */
void arch_context_restart(struct arch_context *context);
/* Of a thread that has been switched out. What user mode may not set keeps its value. */
void arch_context_read(const struct arch_context *context, struct cavern_registers *registers);
void arch_context_write(struct arch_context *context, const struct cavern_registers *registers);
void arch_context_read_vector(const struct arch_context *context, struct cavern_vector_registers *registers);
void arch_context_write_vector(struct arch_context *context, const struct cavern_vector_registers *registers);

/* --- this CPU --- */
struct cpu *arch_cpu(void);
/* An interrupt waits to be taken, or another CPU to enter the kernel: long calls look between two steps. */
bool arch_interrupt_pending(void);
uint64_t arch_now(void);   /* ns since the timer started; never goes back */
uint64_t arch_ticks(void); /* the same clock in its own unit: for adding up */
uint64_t arch_ticks_to_ns(uint64_t ticks);
void arch_timer_set(uint64_t deadline);                   /* absolute ns; ~0: none */
void arch_switch(struct thread *from, struct thread *to); /* address space, TLS, floating point; either may be NULL */
bool arch_switch_is_own(const struct thread *to);         /* arch_switch to it touches nothing that CPUs share */
_Noreturn void arch_halt(void);
