/* SPDX-License-Identifier: BSD-2-Clause */
/* The calls of spec/memory.md as a thread of the simulated machine makes them. Each answers the status. */
#pragma once

#include "unit.h"

#include <cavern/handle.h>
#include <cavern/memory.h>
#include <cavern/status.h>

#include "model.h"
#include "object/buffer.h"
#include "object/memory.h"
#include "object/space.h"

#define PAGE ((uint64_t)CAVERN_PAGE_SIZE)
#define BLOCK ((uint64_t)CAVERN_BLOCK_2M)
#define READ CAVERN_PROT_READ
#define WRITE (CAVERN_PROT_READ | CAVERN_PROT_WRITE)
#define EXECUTE (CAVERN_PROT_READ | CAVERN_PROT_EXECUTE)

static inline unsigned call_account_split(struct thread *thread, cavern_handle account, cavern_handle existing,
                                          int64_t bytes, uint64_t priority, cavern_handle *made)
{
    uint64_t regs[16] = {account, 0, existing, (uint64_t)bytes, priority};
    model_call(thread, CAVERN_CALL_ACCOUNT_SPLIT, regs);
    *made = regs[1];
    return (unsigned)regs[0];
}

static inline unsigned call_buffer_create(struct thread *thread, cavern_handle account, uint64_t bytes, uint64_t flags,
                                          cavern_handle *buffer)
{
    uint64_t regs[16] = {account, 0, 0, bytes, flags, 0};
    model_call(thread, CAVERN_CALL_BUFFER_CREATE, regs);
    *buffer = regs[1];
    return (unsigned)regs[0];
}

static inline unsigned call_derive(struct thread *thread, cavern_handle source, uint64_t first, uint64_t count,
                                   uint64_t trigger, cavern_handle *derived)
{
    uint64_t regs[16] = {source, 0, 0, first, count, trigger, CAVERN_SELF_ACCOUNT};
    model_call(thread, CAVERN_CALL_DERIVE, regs);
    *derived = regs[1];
    return (unsigned)regs[0];
}

static inline unsigned call_seal(struct thread *thread, cavern_handle buffer)
{
    uint64_t regs[16] = {buffer};
    return (unsigned)model_call(thread, CAVERN_CALL_BUFFER_SEAL, regs);
}

/* `*address` as wanted, then as mapped. */
static inline unsigned call_map(struct thread *thread, cavern_handle process, cavern_handle buffer, uint64_t offset,
                                uint64_t length, uint64_t *address, uint64_t protection)
{
    uint64_t regs[16] = {process, 0, buffer, offset, length, *address, protection};
    model_call(thread, CAVERN_CALL_MAP, regs);
    if (regs[0] == CAVERN_OK)
        *address = regs[1];
    return (unsigned)regs[0];
}

static inline unsigned call_unmap(struct thread *thread, uint64_t address, uint64_t length)
{
    uint64_t regs[16] = {CAVERN_SELF_PROCESS, 0, 0, address, length};
    return (unsigned)model_call(thread, CAVERN_CALL_UNMAP, regs);
}

static inline unsigned call_close(struct thread *thread, cavern_handle handle)
{
    uint64_t regs[16] = {handle};
    return (unsigned)model_call(thread, CAVERN_CALL_HANDLE_CLOSE, regs);
}

/* Ends the thread's process and lets the jobs run: all of it goes that nobody else holds. */
static inline void end_process(struct thread *thread)
{
    struct process *process = thread->process;
    uint64_t words[5] = {CAVERN_REASON_ENDED};
    process_end(process, words);
    object_put(&thread->object); /* model_process */
    object_put(&process->object);
    model_settle();
}

static inline bool can(const struct process *process, uint64_t address, enum arch_access access)
{
    uint64_t physical, length;
    return arch_translate(&process->space.arch, address, access, &physical, &length);
}

/* What must not change: bytes used of an account, and free in all. */
struct balance {
    uint64_t used;
    uint64_t free;
};

static inline struct balance balance_of(const struct account *account)
{
    return (struct balance){account->budget.used, memory_free()};
}

#define assert_balance(account, before)                                                                                \
    do {                                                                                                               \
        assert_int_equal((account)->budget.used, (before).used);                                                       \
        assert_int_equal(memory_free(), (before).free);                                                                \
    } while (0)
