/* SPDX-License-Identifier: BSD-2-Clause */
/* Looking for what others have left behind, in registers and in memory. [CONTAIN-6] */
#include <stddef.h>
#include <string.h>

#include <cavern/buffer.h>
#include <cavern/handles.h>
#include <cavern/queue.h>
#include <cavern/send.h>
#include <cavern/stubs.h>
#include <cavern/time.h>

#include "attempt.h"
#include "jail.h"
#include "raw.h"

#define PIECE (256 * 1024)

/* Same for who leaves it and who looks for it. */
static uint64_t secret(void)
{
    return attempt_seed() * 0x9e3779b97f4a7c15 | 1;
}

/* All memory, a queue, and all registers are full of it. */
static void leave_secrets(unsigned variant)
{
    struct cavern_queue queue;
    cavern_handle sender, buffer;
    uint64_t *memory, words[128], left = 0;
    (void)variant;
    GRANTED(cavern_queue_create(1024, 4, &queue));
    GRANTED(cavern_sender_mint(queue.handle, secret(), 100, 4, 0, &sender));
    for (unsigned i = 0; i < 128; i++)
        words[i] = secret();
    struct cavern_outgoing out = {.payload = words, .size = sizeof(words)};
    for (unsigned i = 0; i < 50; i++)
        GRANTED(cavern_send(sender, &out));
    while (!cavern_buffer_create(CAVERN_SELF_ACCOUNT, PIECE, 0, &buffer)) {
        if (cavern_buffer_map(buffer, 0, PIECE, CAVERN_PROT_READ | CAVERN_PROT_WRITE, (void **)&memory))
            break;
        for (unsigned i = 0; i < PIECE / sizeof(*memory); i++)
            memory[i] = secret();
        left += PIECE;
    }
    attempt_tell("%lu KiB", (unsigned long)left / 1024);
    __asm__ volatile(".arch_extension fp\n .arch_extension simd\n"
                     "dup v0.2d, %0\n mov v1.16b, v0.16b\n mov v15.16b, v0.16b\n mov v31.16b, v0.16b\n"
                     "msr tpidr_el0, %0\n msr fpsr, %0\n"
                     "mov x19, %0\n mov x20, %0\n mov x21, %0\n mov x22, %0\n mov x23, %0\n mov x24, %0\n"
                     "mov x25, %0\n mov x26, %0\n mov x27, %0\n mov x28, %0\n mov x18, %0\n mov x17, %0\n"
                     "mov x0, 1\n movk x0, 0x100, lsl 16\n mov x1, 27 << 16\n mov x3, 0\n svc 1\n" ::"r"(secret())
                     : "memory");
}

/* --- memory --- */

static void look_through(const void *memory, uint64_t bytes, const char *what)
{
    const uint64_t *words = memory;
    for (uint64_t i = 0; i < bytes / sizeof(*words); i++)
        if (words[i])
            attempt_failed("0x%lx at 0x%lx of %s", (unsigned long)words[i], (unsigned long)(i * 8), what);
}

static void look_through_memory(unsigned variant)
{
    cavern_handle buffer;
    void *memory;
    uint64_t seen = 0;
    unsigned flags = variant ? CAVERN_BUFFER_CONTIGUOUS : 0;
    while (!cavern_buffer_create(CAVERN_SELF_ACCOUNT, PIECE, flags, &buffer)) {
        if (cavern_buffer_map(buffer, 0, PIECE, CAVERN_PROT_READ, &memory))
            break;
        look_through(memory, PIECE, "a buffer");
        seen += PIECE;
    }
    attempt_tell("%lu KiB", (unsigned long)seen / 1024);
    MUST(seen >= 8 << 20);
}

static void look_through_queues(unsigned variant)
{
    struct cavern_queue queue;
    (void)variant;
    for (unsigned blocks = CAVERN_QUEUE_BLOCKS_MIN; blocks <= 16384; blocks *= 2) {
        GRANTED(cavern_queue_create(blocks, 16, &queue));
        look_through(queue.ring, (uint64_t)blocks * CAVERN_BLOCK_SIZE, "a ring");
        MUST(queue.control->blocks == blocks);
        queue.control->blocks = 0;
        look_through(queue.control, CAVERN_PAGE_SIZE, "a control page");
        GRANTED(cavern_sys_handle_close(queue.handle));
    }
}

/* --- registers --- */

/* Stores what a thread starts with at x0: x2 to x30, TPIDR_EL0, FPSR, FPCR, then v0 to v31. */
__asm__(".section .rodata\n"
        ".balign 4\n"
        ".arch_extension fp\n .arch_extension simd\n"
        ".arch_extension simd\n"
        "store_all:\n"
        "stp x2, x3, [x0], 16\n stp x4, x5, [x0], 16\n stp x6, x7, [x0], 16\n stp x8, x9, [x0], 16\n"
        "stp x10, x11, [x0], 16\n stp x12, x13, [x0], 16\n stp x14, x15, [x0], 16\n stp x16, x17, [x0], 16\n"
        "stp x18, x19, [x0], 16\n stp x20, x21, [x0], 16\n stp x22, x23, [x0], 16\n stp x24, x25, [x0], 16\n"
        "stp x26, x27, [x0], 16\n stp x28, x29, [x0], 16\n mrs x1, tpidr_el0\n stp x30, x1, [x0], 16\n"
        "mrs x1, fpsr\n mrs x2, fpcr\n stp x1, x2, [x0], 16\n mrs x1, tpidrro_el0\n str x1, [x0], 16\n"
        "stp q0, q1, [x0], 32\n stp q2, q3, [x0], 32\n stp q4, q5, [x0], 32\n stp q6, q7, [x0], 32\n"
        "stp q8, q9, [x0], 32\n stp q10, q11, [x0], 32\n stp q12, q13, [x0], 32\n stp q14, q15, [x0], 32\n"
        "stp q16, q17, [x0], 32\n stp q18, q19, [x0], 32\n stp q20, q21, [x0], 32\n stp q22, q23, [x0], 32\n"
        "stp q24, q25, [x0], 32\n stp q26, q27, [x0], 32\n stp q28, q29, [x0], 32\n stp q30, q31, [x0], 32\n"
        "mov x0, 0\n"
        "store_all_end:\n"
        ".text\n");
extern const uint32_t store_all[], store_all_end[];

static void look_at_first_registers(unsigned variant)
{
    uint32_t code[128] = {0}, leave[] = {JAIL_EXIT};
    size_t count = (size_t)(store_all_end - store_all);
    struct jail jail;
    uint64_t words[5];
    void *data;
    (void)variant;
    memcpy(code, store_all, count * sizeof(*code));
    memcpy(code + count, leave, sizeof(leave));
    jail_make(&jail, code, count + sizeof(leave) / sizeof(*leave));
    GRANTED(cavern_buffer_map_local(jail.data, 0, JAIL_DATA_BYTES, CAVERN_PROT_READ, &data));
    for (unsigned i = 0; i < 50; i++) {
        jail_run(&jail, 0, JAIL_DATA, 0, CAVERN_SECOND, words);
        MUST(words[CAVERN_EXIT_REASON] == CAVERN_REASON_EXITED && words[CAVERN_EXIT_CODE] == 0);
        look_through(data, JAIL_DATA_BYTES, "the registers of a new thread");
    }
}

/* After any call, a register that is not an output holds 0 or what it held before. [ABI-REG-2] */
static void look_at_registers_after_calls(unsigned variant)
{
    cavern_handle handles[] = {0x7000007, CAVERN_SELF_ACCOUNT, attempt_handle(ATTEMPT_WATCHER), attempt_handle("log")};
    unsigned calls = 0;
    for (unsigned operation = 0; operation < 64; operation++) {
        uint64_t before[RAW_REGISTERS], x[RAW_REGISTERS];
        if (operation == CAVERN_CALL_SUBMIT)
            continue;
        for (unsigned i = 0; i < RAW_REGISTERS; i++)
            before[i] = x[i] = attempt_random() | UINT64_C(1) << 63; /* no handle, no address, no deadline */
        before[0] = x[0] = handles[variant];
        before[1] = x[1] = (uint64_t)operation << 16;
        raw_call(x);
        if (x[0] == CAVERN_OK)
            continue;
        for (unsigned i = 1; i < RAW_REGISTERS; i++)
            if (x[i] && x[i] != before[i])
                attempt_failed("call %u: x%u is 0x%lx", operation, i, (unsigned long)x[i]);
        calls++;
    }
    attempt_tell("%u calls", calls);
}

const struct attempt leak_attempts[] = {
    {"leaving secrets everywhere", leave_secrets, 3, ENDS_WELL},
    {"looking for them in memory", look_through_memory, 2, ENDS_WELL},
    {"leaving secrets again", leave_secrets, 0, ENDS_WELL},
    {"looking for them in queues", look_through_queues, 0, ENDS_WELL},
    {"looking for them in registers", look_at_first_registers, 0, ENDS_WELL},
    {"looking for others' in registers after calls", look_at_registers_after_calls, 4, ENDS_WELL},
    {0},
};
