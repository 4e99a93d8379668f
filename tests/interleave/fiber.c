/* SPDX-License-Identifier: BSD-2-Clause */
#include "fiber.h"

#include <assert.h>
#include <stddef.h>
#include <sys/mman.h>

#define STACK (256 * 1024)

#ifdef INTERLEAVE_ADDRESSES
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#else
#define __asan_unpoison_memory_region(p, size) ((void)0)
#define __sanitizer_start_switch_fiber(fake, stack, size) ((void)(fake))
#define __sanitizer_finish_switch_fiber(fake, stack, size) ((void)(fake))
#endif

static const void *own_stack; /* of the host's thread */
static size_t own_size;
static struct fiber *left, *entered; /* in the last switch */

/* The first switch away tells where the thread's own stack is. */
static void arrive(struct fiber *fiber)
{
    const void *stack = NULL;
    size_t size = 0;
    __sanitizer_finish_switch_fiber(fiber ? fiber->fake : NULL, &stack, &size);
    if (left && !left->stack) {
        own_stack = stack;
        own_size = size;
    }
}

static void start(void)
{
    arrive(NULL);
    entered->run();
}

void fiber_make(struct fiber *fiber, void (*run)(void))
{
    if (!fiber->stack) {
        fiber->stack = mmap(NULL, STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        assert(fiber->stack != MAP_FAILED);
    }
    __asan_unpoison_memory_region(fiber->stack, STACK); /* of frames that were left for ever */
    getcontext(&fiber->context);
    fiber->context.uc_stack.ss_sp = fiber->stack;
    fiber->context.uc_stack.ss_size = STACK;
    fiber->run = run;
    makecontext(&fiber->context, start, 0);
}

void fiber_switch(struct fiber *from, struct fiber *to)
{
    left = from;
    entered = to;
    __sanitizer_start_switch_fiber(&from->fake, to->stack ? to->stack : own_stack, to->stack ? STACK : own_size);
    swapcontext(&from->context, &to->context);
    arrive(from);
}

void fiber_free(struct fiber *fiber)
{
    if (fiber->stack)
        munmap(fiber->stack, STACK);
    fiber->stack = NULL;
}
