/* SPDX-License-Identifier: BSD-2-Clause */
/* libfdt is compiled with stack protectors; these are the two symbols they need. */
#include "object/machine.h"

extern unsigned long __stack_chk_guard;
unsigned long __stack_chk_guard = 0x7f3a91c4e5d60b00;
_Noreturn void __stack_chk_fail(void);

_Noreturn void __stack_chk_fail(void)
{
    panic("a stack frame of libfdt was overwritten");
}
