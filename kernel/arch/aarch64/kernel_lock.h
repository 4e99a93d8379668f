/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The one lock: who holds it is in the kernel, alone. Taken at each entry, given back at the exit and while a CPU waits
 * for something to do; first come first served. With one CPU nobody takes it, though for the compiler's analysis
 * (-Wthread-safety) it is held in the same places.
 *
 * Who has looked often enough stops looking, and is kicked when it is its turn. Processors of the kernel's own need
 * that never; where they are threads of a host with fewer, the one whose turn it is would wait for those that look.
 *
 * The short cuts of syscall/fast.h do without it, but only while nobody has it: a CPU says that it is about to share
 * the kernel, then looks whether the lock is free; who takes the lock waits for those that share.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "arch/aarch64/waiting.h"

#define KERNEL_LOCK_ACQUIRED __attribute__((acquire_capability(kernel_lock)))
#define KERNEL_LOCK_RELEASED __attribute__((release_capability(kernel_lock)))
#define KERNEL_LOCK_HELD __attribute__((requires_capability(kernel_lock)))
#define KERNEL_LOCK_UNCHECKED __attribute__((no_thread_safety_analysis))

/* Tickets: `next` to be drawn, and the one that is served. */
struct __attribute__((capability("kernel lock"))) kernel_lock {
    uint32_t next;
    uint32_t served;
    uint32_t parked; /* CPUs that do not look any more */
};

extern struct kernel_lock kernel_lock;

/* trap.c: no other CPU shares the kernel any more. */
void kernel_lock_wait_for_sharers(void);
/* trap.c: waits until this CPU is kicked, or has another interrupt, unless it is its turn. */
void kernel_lock_park(uint32_t ticket);
/* trap.c: whose turn it is now may be parked. */
void kernel_lock_kick(uint32_t ticket);

/* Somebody waits for whoever holds it. A guess, but for the one who does. */
static inline bool kernel_lock_wanted(void)
{
    uint32_t served = __atomic_load_n(&kernel_lock.served, __ATOMIC_RELAXED);
    return __atomic_load_n(&kernel_lock.next, __ATOMIC_RELAXED) - served > 1;
}

static inline bool kernel_lock_is_free(void)
{
    uint32_t next = __atomic_load_n(&kernel_lock.next, __ATOMIC_SEQ_CST);
    return __atomic_load_n(&kernel_lock.served, __ATOMIC_ACQUIRE) == next;
}

/*
 * `*sharing` is the CPU's own flag. False: somebody has had the lock for long, or an interrupt waits, and who has the
 * lock must see that this CPU wants it. Who took it at the first sight of another that has it would be seen by the next
 * in turn, and no short cut would be taken any more.
 */
static inline bool kernel_lock_share(bool *sharing)
{
    unsigned looks = 0;
    for (;;) {
        __atomic_store_n(sharing, true, __ATOMIC_SEQ_CST);
        if (kernel_lock_is_free())
            return true;
        __atomic_store_n(sharing, false, __ATOMIC_RELEASE);
        do {
            if (++looks > SHARE_LOOKS || kernel_lock_wanted() || interrupt_is_pending())
                return false;
            wait_moment();
        } while (!kernel_lock_is_free());
    }
}

static inline void kernel_lock_unshare(bool *sharing)
{
    __atomic_store_n(sharing, false, __ATOMIC_RELEASE);
}

/* `shared`: there are other CPUs. A constant for the compiler. */
KERNEL_LOCK_ACQUIRED KERNEL_LOCK_UNCHECKED static inline void kernel_lock_take(bool shared)
{
    if (!shared)
        return;
    uint32_t ticket = __atomic_fetch_add(&kernel_lock.next, 1, __ATOMIC_SEQ_CST), looks = 0;
    wait_begin();
    while (wait_load(&kernel_lock.served) != ticket)
        if (++looks % WAIT_LOOKS == 0)
            kernel_lock_park(ticket);
    kernel_lock_wait_for_sharers();
}

KERNEL_LOCK_RELEASED KERNEL_LOCK_UNCHECKED static inline void kernel_lock_give(bool shared)
{
    if (!shared)
        return;
    uint32_t ticket = kernel_lock.served + 1;
    __atomic_store_n(&kernel_lock.served, ticket, __ATOMIC_SEQ_CST);
    if (__atomic_load_n(&kernel_lock.parked, __ATOMIC_SEQ_CST))
        kernel_lock_kick(ticket);
}
