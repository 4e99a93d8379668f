/* SPDX-License-Identifier: BSD-2-Clause */
/* A program that ends at once, as small as they come: a page each of code and constants, two of data. */
#include <stdint.h>

#include <cavern/handle.h>
#include <cavern/memory.h>
#include <cavern/stubs.h>

static const volatile uint64_t constant = 3;
static volatile uint64_t variable = 4, zeroes[CAVERN_PAGE_SIZE / sizeof(uint64_t)];

_Noreturn void _start(void); /* in libcavern's place */

_Noreturn void _start(void)
{
    zeroes[0] = constant + variable;
    (void)!cavern_sys_process_end(CAVERN_SELF_PROCESS, zeroes[0]);
    __builtin_trap();
}
