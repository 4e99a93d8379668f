/* SPDX-License-Identifier: BSD-2-Clause */
#include <cavern/time.h>

#include <cavern/queue.h>

#include <cavern/stubs.h>

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
    static struct cavern_queue quiet;
    if (!quiet.handle && cavern_queue_create(CAVERN_QUEUE_BLOCKS_MIN, 0, &quiet))
        return;
    struct cavern_received nothing;
    (void)!cavern_sys_receive(quiet.handle, deadline, &nothing);
}
