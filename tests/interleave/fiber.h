/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Stacks that take turns on one thread of the host. Threads of the host with a baton would do the same, but a switch of
 * theirs costs a hundred times as much. AddressSanitizer is told of each switch.
 */
#pragma once

#include <ucontext.h>

struct fiber {
    ucontext_t context;
    void *stack; /* NULL: the thread's own */
    void *fake;  /* AddressSanitizer's */
    void (*run)(void);
};

/* Begins anew with `run`, which never returns; whatever it was doing is forgotten. */
void fiber_make(struct fiber *fiber, void (*run)(void));
void fiber_switch(struct fiber *from, struct fiber *to);
void fiber_free(struct fiber *fiber);
