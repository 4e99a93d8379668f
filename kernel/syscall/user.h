/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The caller's own memory: arch_user_window or arch_translate find it, and it is used in the direct map. What is not
 * there is BAD_ADDRESS, or SYS_FAULT where a handler of the process's faults could put it there. spec/memory.md.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "object/process.h"
#include "object/thread.h"
#include "syscall/dispatch.h"

struct holding;

static inline uint64_t user_page_left(uint64_t address)
{
    return CAVERN_PAGE_SIZE - address % CAVERN_PAGE_SIZE;
}

/* `size` bytes in the direct map; NULL: not in one page, or not allowed, which the functions below find out. */
static inline void *user_window(const struct thread *caller, uint64_t address, uint64_t size, bool write)
{
    bool in_page = size <= user_page_left(address);
    return in_page ? arch_user_window(&caller->process->space.arch, address, write) : NULL;
}

/* When they fail, part may have been copied. */
sys_outcome user_read(struct thread *caller, void *to, uint64_t address, size_t size) CAVERN_MUST_CHECK;
sys_outcome user_write(struct thread *caller, uint64_t address, const void *from, size_t size) CAVERN_MUST_CHECK;
/* What [address, address + length), not empty, is: as space_resolve. */
sys_outcome user_resolve(struct thread *caller, uint64_t address, uint64_t length, unsigned protection,
                         struct holding **holding, uint64_t *offset) CAVERN_MUST_CHECK;
