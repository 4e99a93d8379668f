/* SPDX-License-Identifier: BSD-2-Clause */
/* System calls that are none, that are given nonsense, or handles that are not the caller's. */
#include <stddef.h>
#include <string.h>

#include <cavern/batch.h>
#include <cavern/buffer.h>
#include <cavern/handles.h>
#include <cavern/inspect.h>
#include <cavern/queue.h>
#include <cavern/send.h>
#include <cavern/stubs.h>
#include <cavern/time.h>

#include "attempt.h"
#include "jail.h"
#include "raw.h"

#define OPERATION_SHIFT 16

/* --- entering the kernel --- */

static void unused_numbers(unsigned variant)
{
    (void)variant;
    for (unsigned operation = CAVERN_CALL_COUNT; operation < 256; operation++) {
        uint64_t x[RAW_REGISTERS];
        for (unsigned i = 0; i < RAW_REGISTERS; i++)
            x[i] = attempt_random();
        x[1] = (x[1] & ~(UINT64_C(0xff) << OPERATION_SHIFT)) | (uint64_t)operation << OPERATION_SHIFT;
        raw_call(x);
        if (x[0] != CAVERN_BAD_OPERATION)
            attempt_failed("call %u: status %lu", operation, (unsigned long)x[0]);
    }
    attempt_tell("%d numbers", 256 - CAVERN_CALL_COUNT);
}

#define IMMEDIATES 8192 /* of `svc`, for each variant */

static unsigned first_immediate, refused;

static void note_call(size_t at, unsigned kind)
{
    unsigned immediate = first_immediate + (unsigned)at;
    if (kind != (immediate ? CAVERN_FAULT_UNDEFINED : CAVERN_FAULT_FOREIGN_CALL))
        attempt_failed("svc %u: fault %u", immediate, kind);
    refused++;
}

/* All but 1, which is ours. */
static void supervisor_calls(unsigned variant)
{
    static uint32_t code[IMMEDIATES + JAIL_EXIT_INSTRUCTIONS] = {[IMMEDIATES] = JAIL_EXIT};
    struct jail jail;
    first_immediate = variant * IMMEDIATES;
    for (unsigned i = 0; i < IMMEDIATES; i++)
        code[i] = 0xd4000001 | (first_immediate + i) << 5;
    if (!variant)
        code[1] = 0xd503201f; /* nop */
    jail_make(&jail, code, sizeof(code) / sizeof(*code));
    jail_step(&jail, 0, note_call);
    jail_close(&jail);
    MUST(refused == IMMEDIATES - !variant);
}

/* --- handles --- */

/* Calls that do something with a handle in x0, whatever its type. */
static enum cavern_status use_handle(unsigned operation, cavern_handle handle)
{
    uint64_t x[RAW_REGISTERS] = {[0] = handle, [1] = (uint64_t)operation << OPERATION_SHIFT};
    raw_call(x);
    return (enum cavern_status)x[0];
}

static bool takes_handle(unsigned operation)
{
    return operation != CAVERN_CALL_NOP && operation != CAVERN_CALL_SUBMIT;
}

static void check_refused(unsigned operation, enum cavern_status status)
{
    if (status != CAVERN_BAD_HANDLE && status != CAVERN_BAD_ARGUMENT && status != CAVERN_BAD_OPERATION)
        attempt_failed("call %u: status %d", operation, status);
}

/* Indices and generations that were never given out. */
static void forged_handles(unsigned variant)
{
    unsigned forged = 0;
    (void)variant;
    for (uint64_t generation = 0; generation < 4; generation++)
        for (uint64_t index = 0; index < 4096; index++)
            if (generation != 1 || index >= 64) {
                REFUSED(use_handle(CAVERN_CALL_HANDLE_CLOSE, generation << 24 | index), CAVERN_BAD_HANDLE);
                forged++;
            }
    for (unsigned i = 0; i < 20000; i++, forged++) {
        cavern_handle handle = attempt_random() | UINT64_C(1) << 40;
        REFUSED(use_handle(CAVERN_CALL_HANDLE_CLOSE, handle), CAVERN_BAD_HANDLE);
    }
    for (unsigned operation = 0; operation < CAVERN_CALL_COUNT; operation++)
        for (unsigned i = 0; i < 100 && takes_handle(operation); i++, forged++) {
            cavern_handle handle = attempt_random() | UINT64_C(1) << 40;
            enum cavern_status status = use_handle(operation, handle);
            check_refused(operation, status);
        }
    attempt_tell("%u forged handles", forged);
}

/* In each call; also when somebody else has the index by now. */
static void stale_handles(unsigned variant)
{
    cavern_handle stale[64], fresh[64];
    for (unsigned i = 0; i < 64; i++)
        GRANTED(cavern_sys_signal_create(CAVERN_SELF_ACCOUNT, &stale[i]));
    for (unsigned i = 0; i < 64; i++)
        GRANTED(cavern_sys_handle_close(stale[i]));
    if (variant)
        for (unsigned i = 0; i < 64; i++)
            GRANTED(cavern_sys_signal_create(CAVERN_SELF_ACCOUNT, &fresh[i]));
    for (unsigned i = 0; i < 64; i++)
        for (unsigned operation = 0; operation < CAVERN_CALL_COUNT; operation++) {
            enum cavern_status status = takes_handle(operation) ? use_handle(operation, stale[i]) : CAVERN_BAD_HANDLE;
            check_refused(operation, status);
        }
    REFUSED(cavern_sys_handle_give(CAVERN_SELF_PROCESS, stale[0], CAVERN_RIGHTS_ALL, 0, &stale[1]), CAVERN_BAD_HANDLE);
}

/* The process that started this one, of which it has a handle without rights that matter. */
static void the_parent(unsigned variant)
{
    cavern_handle parent = attempt_handle(ATTEMPT_WATCHER), buffer, queue, more;
    struct cavern_process_info info;
    struct cavern_registers registers;
    uint64_t next, written, out, word = 0;
    (void)variant;
    GRANTED(cavern_sys_inspect(parent, CAVERN_INSPECT_PROCESS, 0, (uintptr_t)&info, sizeof(info), &next, &written));
    GRANTED(cavern_buffer_create(CAVERN_SELF_ACCOUNT, CAVERN_PAGE_SIZE, 0, &buffer));
    GRANTED(cavern_sys_queue_create(CAVERN_SELF_ACCOUNT, 64, 0, 0, &queue));
    REFUSED(cavern_sys_process_end(parent, 0), CAVERN_DENIED);
    for (unsigned operation = CAVERN_THREAD_END; operation <= CAVERN_THREAD_SET; operation++)
        REFUSED(cavern_sys_thread_control(parent, 1, operation, 0, 0), CAVERN_DENIED);
    REFUSED(cavern_sys_thread_registers(parent, 1, CAVERN_REGISTERS_GENERAL, (uintptr_t)&registers, sizeof(registers)),
            CAVERN_DENIED);
    REFUSED(cavern_sys_thread_create(parent, 0, 0x400000, 0, 0, 0, 0, 0, &out), CAVERN_DENIED);
    REFUSED(cavern_sys_process_copy(parent, 0x400000, (uintptr_t)&word, 8, CAVERN_COPY_READ), CAVERN_DENIED);
    REFUSED(cavern_sys_process_copy(parent, 0x400000, (uintptr_t)&word, 8, CAVERN_COPY_WRITE), CAVERN_DENIED);
    REFUSED(cavern_sys_map(parent, buffer, 0, CAVERN_PAGE_SIZE, 0, CAVERN_PROT_READ, &out), CAVERN_DENIED);
    REFUSED(cavern_sys_unmap(parent, 0x400000, CAVERN_PAGE_SIZE), CAVERN_DENIED);
    REFUSED(cavern_sys_handle_give(parent, buffer, CAVERN_RIGHT_READ, 0, &out), CAVERN_DENIED);
    REFUSED(cavern_sys_queue_bind(queue, parent, 0, &out, &out, &out), CAVERN_DENIED);
    REFUSED(cavern_sys_notify(parent, 0, queue, CAVERN_NOTIFY_EXIT), CAVERN_DENIED);
    REFUSED(cavern_sys_acknowledge(parent), CAVERN_DENIED);
    REFUSED(cavern_sys_process_create(CAVERN_SELF_ACCOUNT, parent, 0, 0, 0, &out), CAVERN_DENIED);
    REFUSED(cavern_sys_handle_give(CAVERN_SELF_PROCESS, parent, CAVERN_RIGHTS_ALL, 0, &more), CAVERN_DENIED);
    GRANTED(cavern_sys_handle_give(CAVERN_SELF_PROCESS, parent, CAVERN_RIGHT_INSPECT, 0, &more));
    REFUSED(cavern_sys_process_end(more, 0), CAVERN_DENIED);
}

/* Rights that were given away do not come back; fixed handles can't be closed. */
static void more_rights(unsigned variant)
{
    cavern_handle account = attempt_handle(ATTEMPT_ACCOUNT), image = attempt_handle(ATTEMPT_IMAGE), out;
    struct cavern_account_info info;
    uint64_t next, written;
    (void)variant;
    REFUSED(cavern_sys_handle_close(CAVERN_SELF_PROCESS), CAVERN_DENIED);
    REFUSED(cavern_sys_handle_close(CAVERN_SELF_ACCOUNT), CAVERN_DENIED);
    REFUSED(cavern_sys_handle_close(CAVERN_SELF_THREAD), CAVERN_DENIED);
    REFUSED(cavern_sys_account_split(CAVERN_SELF_ACCOUNT, 0, 4096, 0, &out), CAVERN_DENIED);
    REFUSED(cavern_sys_account_split(account, account, 1 << 20, 31, &out), CAVERN_DENIED);
    REFUSED(cavern_sys_account_split(account, account, 1 << 20, 0, &out), CAVERN_BAD_ARGUMENT);
    REFUSED(cavern_sys_account_split(account, 0, 1 << 30, 0, &out), CAVERN_NO_MEMORY);
    REFUSED(cavern_sys_account_split(account, 0, INT64_MAX, 0, &out), CAVERN_NO_MEMORY);
    REFUSED(cavern_sys_account_split(account, 0, (uint64_t)INT64_MIN, 0, &out), CAVERN_BAD_ARGUMENT);
    GRANTED(cavern_sys_inspect(account, CAVERN_INSPECT_ACCOUNT, 0, (uintptr_t)&info, sizeof(info), &next, &written));
    MUST(info.accounts == 0);
    REFUSED(cavern_sys_thread_control(CAVERN_SELF_THREAD, 0, CAVERN_THREAD_SET, ATTEMPT_PRIORITY_TOP + 1, 0),
            CAVERN_DENIED);
    REFUSED(cavern_sys_thread_control(CAVERN_SELF_THREAD, 0, CAVERN_THREAD_SET, 32, 0), CAVERN_BAD_ARGUMENT);
    REFUSED(
        cavern_sys_map(CAVERN_SELF_PROCESS, image, 0, CAVERN_PAGE_SIZE, 0, CAVERN_PROT_READ | CAVERN_PROT_WRITE, &out),
        CAVERN_DENIED);
    REFUSED(cavern_sys_map(CAVERN_SELF_PROCESS, image, 0, CAVERN_PAGE_SIZE, 0, CAVERN_PROT_READ | CAVERN_PROT_EXECUTE,
                           &out),
            CAVERN_DENIED); /* READ is all that was given */
    REFUSED(cavern_sys_handle_give(CAVERN_SELF_PROCESS, image, CAVERN_RIGHT_READ | CAVERN_RIGHT_EXECUTE, 0, &out),
            CAVERN_DENIED);
    struct cavern_grant grant = {image, CAVERN_RIGHT_EXECUTE};
    REFUSED(cavern_send(attempt_handle("devices"), &(struct cavern_outgoing){.grants = &grant, .grant_count = 1}),
            CAVERN_DENIED);
}

/* In several ways, the last of which is the ordinary one. */
static void end_itself(unsigned variant)
{
    switch (variant) {
    case 0:
        (void)!cavern_sys_process_end(CAVERN_SELF_PROCESS, 1);
        break;
    case 1:
        (void)!cavern_sys_thread_control(CAVERN_SELF_THREAD, 0, CAVERN_THREAD_END, 1, 0);
        break;
    case 2:
        (void)!cavern_sys_thread_control(CAVERN_SELF_PROCESS, 1, CAVERN_THREAD_END, 1, 0);
        break;
    case 3: { /* in a batch, which has no room for it */
        struct cavern_operation operation = {{CAVERN_SELF_PROCESS, CAVERN_OPERATION(PROCESS_END)}};
        size_t done = 0;
        REFUSED(cavern_submit(&operation, 1, &done), CAVERN_BAD_OPERATION);
        (void)!cavern_sys_process_end(CAVERN_SELF_PROCESS, 1);
        break;
    }
    case 4: /* without any handle */
        for (cavern_handle index = 4; index < 64; index++)
            cavern_handle_close(UINT64_C(1) << 24 | index);
        (void)!cavern_sys_process_end(CAVERN_SELF_PROCESS, 1);
        break;
    }
    attempt_failed("it goes on");
}

/* From who waits for it. */
static void hide_the_end(unsigned variant)
{
    cavern_handle queue;
    uint64_t out;
    GRANTED(cavern_sys_queue_create(CAVERN_SELF_ACCOUNT, 64, 0, 0, &queue));
    GRANTED(cavern_sys_queue_bind(queue, CAVERN_SELF_PROCESS, 0, &out, &out, &out));
    REFUSED(cavern_sys_notify(CAVERN_SELF_PROCESS, 0, variant ? queue : 0, CAVERN_NOTIFY_EXIT), CAVERN_DENIED);
    GRANTED(cavern_sys_acknowledge(CAVERN_SELF_PROCESS));
    (void)!cavern_sys_process_end(CAVERN_SELF_PROCESS, 3);
}

/* --- progress of long calls that was not made --- */

static void forged_progress(unsigned variant)
{
    static uint64_t scratch[128];
    cavern_handle buffer, other, queue;
    uint64_t out;
    (void)variant;
    GRANTED(cavern_buffer_create(CAVERN_SELF_ACCOUNT, 4 * CAVERN_PAGE_SIZE, 0, &buffer));
    GRANTED(cavern_buffer_create(CAVERN_SELF_ACCOUNT, 4 * CAVERN_PAGE_SIZE, 0, &other));
    REFUSED(cavern_sys_buffer_create(CAVERN_SELF_ACCOUNT, buffer, 4096, 0, 0, &out), CAVERN_BAD_ARGUMENT);
    REFUSED(cavern_sys_buffer_create(CAVERN_SELF_ACCOUNT, CAVERN_SELF_PROCESS, 4096, 0, 0, &out), CAVERN_BAD_HANDLE);
    REFUSED(cavern_sys_buffer_create(CAVERN_SELF_ACCOUNT, attempt_handle(ATTEMPT_IMAGE), 4096, 0, 99, &out),
            CAVERN_DENIED);
    GRANTED(cavern_sys_queue_create(CAVERN_SELF_ACCOUNT, 64, 4, 0, &queue));
    (void)!cavern_sys_queue_bind(queue, CAVERN_SELF_PROCESS, ~UINT64_C(0), &out, &out, &out);
    (void)!cavern_sys_queue_bind(queue, 0, ~UINT64_C(0), &out, &out, &out);
    (void)!cavern_sys_queue_bind(queue, 0, 1, &out, &out, &out);
    for (uint64_t status = 0; status < 40; status++) /* a length that is what `map` has to answer after undoing */
        REFUSED(cavern_sys_map(CAVERN_SELF_PROCESS, other, 0, status, 0, CAVERN_PROT_READ, &out), CAVERN_BAD_ARGUMENT);
    for (uint64_t cursor = 1; cursor; cursor <<= 1) {
        struct cavern_thread_info info;
        uint64_t next, written;
        (void)!cavern_sys_inspect(CAVERN_SELF_ACCOUNT, CAVERN_INSPECT_THREADS, cursor, (uintptr_t)&info, sizeof(info),
                                  &next, &written);
        (void)!cavern_sys_inspect(CAVERN_SELF_ACCOUNT, CAVERN_INSPECT_PROCESSES, cursor - 1, (uintptr_t)scratch, 1024,
                                  &next, &written);
        REFUSED(cavern_sys_submit((uintptr_t)scratch, 1, cursor + 1, &out), CAVERN_BAD_ARGUMENT);
    }
}

const struct attempt call_attempts[] = {
    {"unused call numbers", unused_numbers, 0, ENDS_WELL},
    {"svc with other immediates", supervisor_calls, 8, ENDS_WELL},
    {"forged handles", forged_handles, 0, ENDS_WELL},
    {"stale handles", stale_handles, 2, ENDS_WELL},
    {"killing the parent", the_parent, 0, ENDS_WELL},
    {"more rights than were given", more_rights, 0, ENDS_WELL},
    {"ending itself", end_itself, 5, ENDS_BY_ITSELF},
    {"hiding its own end", hide_the_end, 2, ENDS_BY_ITSELF},
    {"progress that was not made", forged_progress, 0, ENDS_WELL},
    {0},
};
