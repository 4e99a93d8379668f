/* SPDX-License-Identifier: BSD-2-Clause */
#include <cavern/time.h>

#include <cavern/queue.h>

#include "park.h"

/* Arm ARM, D11 "The Generic Timer": a barrier, or the counter may be read early. */
static uint64_t read_counter(void)
{
    uint64_t ticks;
    __asm__ volatile("isb\n\tmrs %0, cntvct_el0" : "=r"(ticks) : : "memory");
    return ticks;
}

static uint64_t read_frequency(void)
{
    uint64_t hertz;
    __asm__("mrs %0, cntfrq_el0" : "=r"(hertz));
    return hertz;
}

uint64_t cavern_now(void)
{
    uint64_t ticks = read_counter(), hertz = read_frequency();
    return ticks / hertz * CAVERN_SECOND + ticks % hertz * CAVERN_SECOND / hertz;
}

uint64_t cavern_after(uint64_t nanoseconds)
{
    uint64_t now = cavern_now();
    return nanoseconds < CAVERN_FOREVER - now ? now + nanoseconds : CAVERN_FOREVER;
}

void cavern_sleep_until(uint64_t deadline)
{
    struct seat *seat = seat_own();
    struct cavern_message nothing; /* but a wake-up for somebody who is no more */
    while (seat && cavern_queue_receive(&seat->queue, deadline, &nothing) == CAVERN_OK)
        cavern_queue_release(&seat->queue, &nothing);
}
