/* SPDX-License-Identifier: BSD-2-Clause */
/* The simulated processor where one CPU runs at a time, and enters the kernel when a test says so. */
#include "arch/arch.h"
#include "machine_state.h"
#include "platform/platform.h"
#include "syscall/fast.h"

void arch_context_restart(struct arch_context *context)
{
    (void)context;
    model.restart = true;
}

bool arch_interrupt_pending(void)
{
    return model.interrupt_pending;
}

uint64_t arch_now(void)
{
    return model.now;
}

uint64_t arch_ticks(void)
{
    return model.now;
}

void arch_switch(struct thread *from, struct thread *to)
{
    (void)from;
    (void)to;
}

bool arch_switch_is_own(const struct thread *to)
{
    (void)to;
    return true;
}

unsigned platform_line_claim(void)
{
    for (unsigned line = 0; line < MODEL_LINES; line++) {
        if (line == MODEL_TIMER_LINE && model.timers[model.cpu] <= model.now)
            return line; /* a level: until the timer is set anew */
        if (model.raised[line] && !model.masked[line]) {
            model.raised[line] = false;
            return line;
        }
    }
    return PLATFORM_NO_LINE;
}

void platform_cpu_kick(unsigned cpu)
{
    model.kicked |= 1u << cpu;
}

/* Tests switch it: they are linked with --wrap=fast_serve. */
bool __real_fast_serve(struct thread *caller, unsigned operation);
bool __wrap_fast_serve(struct thread *caller, unsigned operation);

bool __wrap_fast_serve(struct thread *caller, unsigned operation)
{
    if (model.shared_short_cuts || scheduler.cpu_count > 1)
        return fast_serve_shared(caller, operation);
    if (model.no_short_cuts)
        return false;
    return __real_fast_serve(caller, operation) ||
           (fast_is_exchange(operation) && fast_serve_with_memory(caller, operation));
}
