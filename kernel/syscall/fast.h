/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Short cuts for a call, and for a reply and a receive, without attachments between threads that wait for each other;
 * for a receive that waits while others are ready; for a small one-way message that goes to the ring; for a signal that
 * somebody of higher priority waits for; for a fault whose handler waits, and who resumes its thread; for a yield. Each
 * checks that nothing unusual is the case; if something is, it has changed nothing and the general path serves the
 * call, which alone defines what it means. What a short cut does is what the general path would.
 *
 * With several CPUs they run side by side. Everything they change belongs to one queue, which they claim, or to this
 * CPU; what they only read is changed by nobody meanwhile. Whatever would reach beyond, as does memory for an answer,
 * the general path serves.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <cavern/process.h>
#include <cavern/syscalls.h>

struct thread;

/* Of a `send` in these registers, its caller's or another's: a message of whole words, without attachments, which finds
 * room in the ring. Under the kernel lock. */
bool fast_send(struct thread *caller, uint64_t *x);
/* True: the call has been served. The caller has the kernel to itself. */
bool fast_serve(struct thread *caller, unsigned operation);
/* The same for one of these that was not served so: with a message in memory, or memory for the answer. */
bool fast_serve_with_memory(struct thread *caller, unsigned operation);
/* True: what thread_fault would do has been done. */
bool fast_fault(struct thread *thread, enum cavern_fault kind, uint64_t address, uint64_t syndrome);
static inline bool fast_is_exchange(unsigned operation)
{
    return operation == CAVERN_CALL_CALL || operation == CAVERN_CALL_REPLY_RECEIVE;
}

/* As fast_serve for these, while other CPUs may be in short cuts too, but none in the general path. */
bool fast_serve_shared(struct thread *caller, unsigned operation);
