/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Short cuts for a call, and for a reply and a receive, of small messages between threads that wait for each other; and
 * for a small one-way message that goes to the ring.
 * Each checks that nothing unusual is the case; if something is, it has changed nothing and the general path serves the
 * call, which alone defines what it means. What a short cut does is what the general path would.
 *
 * With several CPUs they run side by side. Everything they change belongs to one queue, which they claim, or to this
 * CPU; what they only read is changed by nobody meanwhile. Whatever would reach beyond, the general path serves.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <cavern/syscalls.h>

struct thread;

/* Of a `send` in these registers, its caller's or another's: a message of whole words, without attachments, which finds
 * room in the ring. Under the kernel lock. */
bool fast_send(struct thread *caller, uint64_t *x);
/* The operations that it may be worth trying for. */
static inline bool fast_has(unsigned operation)
{
    const uint64_t some =
        UINT64_C(1) << CAVERN_CALL_CALL | UINT64_C(1) << CAVERN_CALL_REPLY_RECEIVE | UINT64_C(1) << CAVERN_CALL_SEND;
    return some >> (operation & 63) & 1;
}

/* True: the call has been served. The caller has the kernel to itself. */
bool fast_serve(struct thread *caller);
/* The same while other CPUs may be in short cuts too, but none in the general path. */
bool fast_serve_shared(struct thread *caller);
