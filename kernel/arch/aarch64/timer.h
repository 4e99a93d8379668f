/* SPDX-License-Identifier: BSD-2-Clause */
/* The generic timer, virtual: it is there at EL1 whoever runs above. */
#pragma once

#include <stdbool.h>

/* Refuses a timer whose frequency the firmware has not set: programs read it too. */
void timer_init(void);
/* The part that every CPU has for itself. */
void timer_init_cpu(void);
/* Of this CPU: does not interrupt, until it may again. */
void timer_hold(bool held);
