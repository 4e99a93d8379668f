/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Handling the faults of another process: they come to a queue of one's own; whoever has mapped what was missing, or
 * has done what a foreign call asked for, lets the thread go on. All take a process [manage] and a thread id of it.
 * spec/processes.md, Handlers.
 */
#pragma once

#include <stdint.h>

#include <cavern/handle.h>
#include <cavern/process.h>
#include <cavern/queue.h>
#include <cavern/status.h>

struct cavern_fault_notice {
    enum cavern_fault kind;
    uint64_t pc;
    uint64_t address;
    uint64_t syndrome; /* as the processor says it; 0: a system call met what was missing */
    uint64_t thread;   /* id */
};

#define CAVERN_FOREIGN_CALL_BYTES 4 /* of the instruction that pc stands at, and is moved on by */

/* Faults from now on come to `queue` [receive] with `label`, as messages of kind CAVERN_KIND_FAULT; 0: to nobody. */
enum cavern_status cavern_fault_notify(cavern_handle process, cavern_handle queue, uint64_t label) CAVERN_MUST_CHECK;

/* What a message of that kind says. */
struct cavern_fault_notice cavern_fault_read(const struct cavern_message *message);

/* The thread goes on, as its registers say; a suspension ends too. */
enum cavern_status cavern_thread_resume(cavern_handle process, uint64_t thread) CAVERN_MUST_CHECK;

/* Of a thread that is stopped, else BUSY. Reading as thread 0: of the one whose fault has ended the process. */
enum cavern_status cavern_registers_read(cavern_handle process, uint64_t thread,
                                         struct cavern_registers *registers) CAVERN_MUST_CHECK;
enum cavern_status cavern_registers_write(cavern_handle process, uint64_t thread,
                                          const struct cavern_registers *registers) CAVERN_MUST_CHECK;
enum cavern_status cavern_vector_read(cavern_handle process, uint64_t thread,
                                      struct cavern_vector_registers *registers) CAVERN_MUST_CHECK;
enum cavern_status cavern_vector_write(cavern_handle process, uint64_t thread,
                                       const struct cavern_vector_registers *registers) CAVERN_MUST_CHECK;
enum cavern_status cavern_tls_read(cavern_handle process, uint64_t thread, uint64_t *tls) CAVERN_MUST_CHECK;
enum cavern_status cavern_tls_write(cavern_handle process, uint64_t thread, uint64_t tls) CAVERN_MUST_CHECK;

/* A foreign call has been served: the thread goes on behind it, with these registers but for pc. */
enum cavern_status cavern_foreign_return(cavern_handle process, uint64_t thread,
                                         struct cavern_registers *registers) CAVERN_MUST_CHECK;
