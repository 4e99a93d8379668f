/* SPDX-License-Identifier: BSD-2-Clause */
/* In place of the kernel's: who waits lets another simulated CPU go on. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define WAIT_LOOKS 2  /* so that CPUs do park */
#define SHARE_LOOKS 2 /* so that they do without short cuts, too */

bool interrupt_is_pending(void);
void wait_interrupt(void);
void wait_moment(void);
void wait_begin(void);
void wait_event(void); /* what wait_load waits for */

static inline uint32_t wait_load(const uint32_t *word)
{
    wait_event();
    return __atomic_load_n(word, __ATOMIC_ACQUIRE);
}
