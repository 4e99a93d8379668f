/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Simulated CPUs that run side by side: the kernel's entries, lock and exit (arch/aarch64/trap.c, kernel_lock.h) as
 * they are, with a stack for each CPU, and programs with a stack for each thread. One goes on at a time, and another
 * may at each point: every atomic access of the kernel and of libcavern, every look for an interrupt, and where a short
 * cut asks for the address space or the time. A CPU that waits for another, or for an interrupt, lets the others go on.
 *
 * Stores may be seen late by other CPUs, in their order: until a fence, an atomic change, a load of the same word, a
 * load in the one order of all after a store in it, or for some turns. Loads are not made early.
 */
#pragma once

#include <stdbool.h>

#include "fiber.h"
#include "object/thread.h"

#define PROCESSORS_MAX 4

/* Runs all CPUs until none can go on and no deadline is left. What the programs then wait for will not come. */
void processors_run(void);
/* The thread whose program goes on, in user mode; NULL: outside of any. */
struct thread *processor_thread(void);
/* Its system call, from and to its context. */
void processor_call(void);
/* It has nothing to do for a moment: the other CPUs go on. */
void processor_pause(void);

/* The run is wrong: says why, and ends the process. */
_Noreturn void processor_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Says what happens, where somebody listens. */
extern bool processors_aloud;
void processor_say(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* user.c: the stack of its program. */
struct fiber *user_fiber(const struct thread *thread);
/* user.c: all objects, at a moment when nobody is in the kernel but for this CPU, which is about to leave; and what
 * control pages say, if all its stores are seen. */
void user_check_objects(bool control_pages);
/* user.c: the thread is in user mode on this CPU. */
void user_check(const struct thread *thread);
