/* SPDX-License-Identifier: BSD-2-Clause */
#include "arch/aarch64/timer.h"

#include "arch/aarch64/ticks.h"
#include "arch/arch.h"
#include "object/machine.h"

/* CNTV_CTL_EL0; DDI 0487, D19.12. */
#define TIMER_ENABLE 1
#define TIMER_MASKED 2
/* CNTKCTL_EL1: user mode may read the virtual counter and the frequency. */
#define USER_VIRTUAL_COUNTER 2

static uint64_t frequency;

void timer_init(void)
{
    frequency = system_register_read(cntfrq_el0);
    if (!frequency)
        panic("timer: the firmware has not set its frequency");
    timer_init_cpu();
}

void timer_init_cpu(void)
{
    system_register_write(cntv_ctl_el0, 0);
    system_register_write(cntkctl_el1, USER_VIRTUAL_COUNTER);
    barrier_instruction();
}

void timer_hold(bool held)
{
    uint64_t control = system_register_read(cntv_ctl_el0) & TIMER_ENABLE;
    system_register_write(cntv_ctl_el0, control | (held ? TIMER_MASKED : 0));
    barrier_instruction();
}

uint64_t arch_now(void)
{
    barrier_instruction(); /* not before what comes first in the program */
    return ticks_to_ns(system_register_read(cntvct_el0), frequency);
}

uint64_t arch_ticks_to_ns(uint64_t ticks)
{
    return ticks_to_ns(ticks, frequency);
}

void arch_timer_set(uint64_t deadline)
{
    if (deadline == UINT64_MAX) {
        system_register_write(cntv_ctl_el0, 0);
    } else {
        system_register_write(cntv_cval_el0, ns_to_ticks(deadline, frequency));
        system_register_write(cntv_ctl_el0, TIMER_ENABLE);
    }
    barrier_instruction();
}
