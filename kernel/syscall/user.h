/* SPDX-License-Identifier: BSD-2-Clause */
/* User memory, looked at in one way: arch_translate and the direct map. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <cavern/status.h>

struct process;

/* BAD_ADDRESS when any byte can't be read (written) by the process itself; then part may have been copied. */
enum cavern_status user_read(struct process *process, void *to, uint64_t address, size_t size) CAVERN_MUST_CHECK;
enum cavern_status user_write(struct process *process, uint64_t address, const void *from,
                              size_t size) CAVERN_MUST_CHECK;
