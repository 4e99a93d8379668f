/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The `waiters` word, under memory that shows stores late. A sender that finds no room asks for space and sleeps; the
 * owner frees messages by plain stores to `head`. No lost wake-up [MSG-FREE-2] [MSG-SPACE-1]: a state in which the
 * sender sleeps and nothing more can happen is an invalid end state, which Spin reports.
 *
 * controls: NO_OWNER_BARRIER NO_KERNEL_BARRIER NO_SECOND_LOOK NO_CALL LATE_LINK
 */
#define CAPACITY 2
#define MESSAGES 4

byte head, owner_head;       /* what the kernel sees, and what the owner has stored */
bool waiters, store_waiters; /* what the owner sees, and what the kernel has stored */
byte tail, retired;
bool linked, told, locked;

#define room (tail - retired < CAPACITY)
#define owner_barrier (head == owner_head)
#define kernel_barrier (waiters == store_waiters)

inline lock()
{
    atomic { !locked -> locked = true }
}

/* A release: what was stored before is seen by whoever locks next. */
inline unlock()
{
    atomic { kernel_barrier -> locked = false }
}

inline serve()
{
    if
    :: linked && room -> linked = false; told = true; store_waiters = false
    :: else
    fi
}

/* Stores reach the other side at any time after they were made. */
active proctype memory()
{
end:
    do
    :: head != owner_head -> head = owner_head
    :: waiters != store_waiters -> waiters = store_waiters
    od
}

active proctype owner()
{
end:
    do
    :: owner_head < tail ->
        owner_head++;
#ifndef NO_OWNER_BARRIER
        owner_barrier;
#endif
        if
#ifndef NO_CALL
        :: waiters -> /* queue_freed, on the owner's CPU, which sees its own store */
            lock();
            retired = owner_head;
            serve();
            unlock()
#endif
        :: else
        fi
    od
}

active proctype sender()
{
    byte sent = 0;

    do
    :: sent == MESSAGES -> break
    :: else ->
        lock();
        retired = head;
        if
        :: room -> tail++; sent++; unlock()
        :: else -> /* space */
#ifndef LATE_LINK
            linked = true;
#endif
            store_waiters = true;
#ifndef NO_KERNEL_BARRIER
            kernel_barrier;
#endif
#ifndef NO_SECOND_LOOK
            retired = head;
            serve();
#endif
#ifdef LATE_LINK
            linked = true;
#endif
            unlock();
            atomic { told -> told = false }
        fi
    od
}
