/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A simulated machine under the kernel's object and system-call layers: RAM, page tables, a timer that a test moves,
 * interrupt lines that a test raises. A test makes processes and has their threads make system calls, one at a time.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cavern/handle.h>
#include <cavern/message.h>
#include <cavern/syscalls.h>

#include "object/account.h"
#include "object/process.h"
#include "object/scheduler.h"
#include "object/thread.h"

#define MODEL_RAM_BASE 0x40000000ull
#define MODEL_LINES 256
#define MODEL_TIMER_LINE 27
#define MODEL_CPUS 4

/* A fresh machine with `ram` bytes; forgets everything before. */
void model_start(size_t ram);
struct account *model_root(void);

/* A process charged to `account` with one thread, READY; `priority` of the thread. Asserts that it works. */
struct thread *model_process(struct account *account, const char *name, uint8_t priority);
/* One more thread in it. */
struct thread *model_thread(struct process *process, uint8_t priority);
/* Fresh writable memory in a process: its address. */
uint64_t model_memory(struct process *process, size_t bytes);
/* What a process sees at an address (up to the end of the page), or NULL. */
void *model_at(struct process *process, uint64_t address);

/*
 * `thread` makes a call. regs[0..15] are x0–x15 (x1 without the operation, which is put in). Runs jobs and restarts
 * until it is over, or the thread waits or has faulted: then regs[0] is MODEL_WAITS. regs[0..8] hold x0–x8.
 */
#define MODEL_WAITS 0xffffu
uint64_t model_call(struct thread *thread, enum cavern_call call, uint64_t regs[16]);
/* The same call, of a thread that goes on after a fault in it. */
uint64_t model_again(struct thread *thread, uint64_t regs[16]);
/* `thread` does what it must not, where its pc stands. */
void model_fault(struct thread *thread, enum cavern_fault kind, uint64_t address, uint64_t syndrome);
/* The registers of a thread that waited and has been woken. */
uint64_t *model_registers(struct thread *thread);

/* Ends all that there are, also those that only their own kept tables keep. */
void model_end_processes(void);

/* Lets jobs run until there are none; which thread the scheduler would run. */
struct thread *model_settle(void);

/* Handles for kernel objects, made without a call. */
cavern_handle model_give(struct process *process, struct object *object, uint16_t rights);

void model_set_time(uint64_t ns);          /* and lets the timer fire as often as it is due */
uint64_t model_timer(void);                /* what the timer was set to */
void model_raise(unsigned line);           /* the device raises its line; served if unmasked */
void model_line_level_only(unsigned line); /* its trigger is fixed */
bool model_line_masked(unsigned line);
unsigned model_line_cpu(unsigned line); /* that it comes to */
void model_interrupt_pending(bool on);  /* what arch_interrupt_pending answers: forces restarts */
/* What stands behind device registers: serves one access, or answers false for an abort, as all do at the start. */
typedef bool (*model_device)(uint64_t physical, unsigned width, bool write, uint64_t *value);
void model_set_device(model_device device);
const char *model_output(void); /* what went to the debug output */
int model_power(void);          /* 0: on, 1: powered off, 2: restarted */

/* More CPUs, idle; which one acts from now on; whether it has been kicked since the last question. */
void model_add_cpus(unsigned count);
void model_run_on(unsigned cpu);
bool model_kicked(unsigned cpu);

/* Short cuts are served as where several CPUs are in them. */
void model_share_short_cuts(void);
/* Whether calls are served by the short cuts of syscall/fast.h where there are any (as at the start), or never. */
void model_short_cuts(bool on);

/* Does the kernel halt while `action` runs? Then this machine is of no more use; model_output says why. */
bool model_halts(void (*action)(void));

/* The n-th allocation of a page from now on fails (1: the next), and all after it; 0: none. */
void model_fail_allocation(unsigned n);
