/* SPDX-License-Identifier: BSD-2-Clause */
/* Time: nanoseconds of the generic timer, as the kernel's deadlines count them. */
#pragma once

#include <stdint.h>

#include <cavern/message.h>

#define CAVERN_MICROSECOND UINT64_C(1000)
#define CAVERN_MILLISECOND UINT64_C(1000000)
#define CAVERN_SECOND UINT64_C(1000000000)

uint64_t cavern_now(void);

/* A deadline so far from now. */
uint64_t cavern_after(uint64_t nanoseconds);

/* On a queue of the thread's own, so that no event of a service is lost. */
void cavern_sleep_until(uint64_t deadline);
