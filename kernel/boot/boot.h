/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* There is not enough RAM to come up; says so, with numbers. */
_Noreturn void boot_out_of_memory(void);
