/* SPDX-License-Identifier: BSD-2-Clause */
/* Further threads of a process, beside the one that runs main. spec/threads.md. */
#pragma once

#include <stdint.h>

#include <cavern/handle.h>
#include <cavern/process.h>
#include <cavern/status.h>

#define CAVERN_THREAD_STACK_DEFAULT (64 * 1024)
#define CAVERN_THREAD_SAME_PRIORITY (-1)

struct cavern_thread;

struct cavern_thread_setup {
    int priority;   /* or CAVERN_THREAD_SAME_PRIORITY: the caller's, as it was started */
    uint32_t stack; /* bytes; 0: CAVERN_THREAD_STACK_DEFAULT */
    uint64_t cpus;  /* that it may use, a bit each; 0: any */
};

/*
 * `setup` may be NULL: the caller's priority, the default stack. The result is joined or detached once, and is void
 * then. NO_MEMORY, and of a priority BAD_ARGUMENT and DENIED.
 */
enum cavern_status cavern_thread_start(uint64_t (*function)(void *argument), void *argument,
                                       const struct cavern_thread_setup *setup,
                                       struct cavern_thread **thread) CAVERN_MUST_CHECK;

/* `words`: those of its exit (enum cavern_exit_word), or NULL. TIMEOUT: it runs still; NO_MEMORY: can't wait. */
enum cavern_status cavern_thread_join(struct cavern_thread *thread, uint64_t deadline,
                                      uint64_t words[5]) CAVERN_MUST_CHECK;

/* Nobody will join it: it goes when it ends. Not for the calling thread itself. NO_MEMORY. */
enum cavern_status cavern_thread_detach(struct cavern_thread *thread) CAVERN_MUST_CHECK;

/* Ends the calling thread. In the first one too the process goes on, with the others. */
_Noreturn void cavern_thread_exit(uint64_t code);

/* Ends another, wherever it stands; it is to be joined or detached still. */
void cavern_thread_end(struct cavern_thread *thread, uint64_t code);

struct cavern_thread *cavern_thread_self(void);

/* For the kernel's calls on threads, such as thread_control; valid until it is joined or detached. */
cavern_handle cavern_thread_handle(const struct cavern_thread *thread);

/* Lets others of the same priority run first. */
void cavern_thread_yield(void);
