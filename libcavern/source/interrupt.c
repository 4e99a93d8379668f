/* SPDX-License-Identifier: BSD-2-Clause */
#include <cavern/interrupt.h>

#include <cavern/stubs.h>

enum cavern_status cavern_interrupt_notify(cavern_handle line, cavern_handle queue, uint64_t label, unsigned cpu)
{
    return cavern_sys_notify(line, label, queue, cpu);
}

enum cavern_status cavern_interrupt_acknowledge(cavern_handle line)
{
    return cavern_sys_acknowledge(line);
}
