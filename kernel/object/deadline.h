/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A thread that waits with a deadline stands in the tree of the CPU on which it began to wait. Whether it does is asked
 * of `timer_cpu`, not of the node: that CPU may be balancing its tree meanwhile.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "object/scheduler.h"
#include "object/thread.h"

SELDOM void deadline_enter(struct thread *thread, struct cpu *cpu, uint64_t deadline);
SELDOM void deadline_remove(struct thread *thread);

/* Harmless without one. */
static inline void deadline_leave(struct thread *thread)
{
    if (thread->timer_cpu)
        deadline_remove(thread);
}
