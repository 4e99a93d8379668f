/* SPDX-License-Identifier: BSD-2-Clause */
/* Registers of a thread that was suspended, taken from outside and put back changed. */
#include "test.h"

/* Counts at *x0 with v7, TLS, x19 and the carry flag as they stand; ends when x20 is not 0. */
__asm__(".text\n.arch_extension simd\n"
        "count:\n"
        "  mov x28, x0\n"
        "  mov x19, #1234\n"
        "  mov x20, #0\n"
        "  movi v7.16b, #0x5a\n"
        "  cmp x20, #0\n" /* sets Z and C */
        "1: ldr x1, [x28]\n"
        "  add x1, x1, #1\n"
        "  str x1, [x28]\n"
        "  cbz x20, 1b\n"
        "  mrs x2, nzcv\n"
        "  mrs x3, tpidr_el0\n"
        "  stp x19, x2, [x28, #8]\n"
        "  str x3, [x28, #24]\n"
        "  str q7, [x28, #32]\n"
        "  mov x4, sp\n"
        "  str x4, [x28, #48]\n"
        "2: b 2b\n.arch_extension nosimd\n");
void count(void);

struct seen {
    uint64_t count, x19, flags, tls, v7[2], sp;
};

static volatile struct seen seen __attribute__((aligned(16)));

static void sleep(void)
{
    struct cavern_queue queue;
    struct cavern_message message;
    test_queue(&queue, CAVERN_QUEUE_BLOCKS_MIN, 0);
    CHECK_STATUS(cavern_queue_receive(&queue, cavern_after(CAVERN_SECOND / 100), &message), CAVERN_TIMEOUT);
}

static void control(cavern_handle thread, uint64_t operation)
{
    CHECK_OK(cavern_sys_thread_control(thread, 0, operation, 0, 0));
}

static enum cavern_status registers(cavern_handle thread, uint64_t set, void *memory, uint64_t bytes)
{
    return cavern_sys_thread_registers(thread, 0, set, (uintptr_t)memory, bytes);
}

static void taken_and_changed(void)
{
    struct cavern_registers general;
    struct cavern_vector_registers vector;
    uint64_t tls, thread;
    uint8_t *stack = test_memory(4096);
    CHECK_OK(cavern_sys_thread_create(CAVERN_SELF_PROCESS, 0, (uintptr_t)count, (uintptr_t)stack + 4096, 0x4560,
                                      (uintptr_t)&seen, 0, 0, &thread));
    sleep();
    CHECK(seen.count);
    CHECK_STATUS(registers(thread, CAVERN_REGISTERS_GENERAL, &general, sizeof(general)), CAVERN_BUSY);
    control(thread, CAVERN_THREAD_SUSPEND);
    CHECK_OK(registers(thread, CAVERN_REGISTERS_GENERAL, &general, sizeof(general)));
    CHECK_OK(registers(thread, CAVERN_REGISTERS_VECTOR, &vector, sizeof(vector)));
    CHECK_OK(registers(thread, CAVERN_REGISTERS_TLS, &tls, sizeof(tls)));
    CHECK_EQUAL(general.x[19], 1234);
    CHECK_EQUAL(general.x[28], (uintptr_t)&seen);
    CHECK_EQUAL(general.sp, (uintptr_t)stack + 4096);
    CHECK_EQUAL(general.flags, UINT64_C(6) << 28);
    CHECK_EQUAL(vector.v[7][0], UINT64_C(0x5a5a5a5a5a5a5a5a));
    CHECK_EQUAL(tls, 0x4560);

    general.x[19] = 4321;
    general.x[20] = 1;
    general.sp -= 64;
    general.flags = ~UINT64_C(0); /* masks of interrupts, modes of the processor: not for others to set */
    vector.v[7][1] = 99;
    tls = 0x7890;
    CHECK_OK(registers(thread, CAVERN_REGISTERS_GENERAL | CAVERN_REGISTERS_WRITE, &general, sizeof(general)));
    CHECK_OK(registers(thread, CAVERN_REGISTERS_VECTOR | CAVERN_REGISTERS_WRITE, &vector, sizeof(vector)));
    CHECK_OK(registers(thread, CAVERN_REGISTERS_TLS | CAVERN_REGISTERS_WRITE, &tls, sizeof(tls)));
    control(thread, CAVERN_THREAD_RESUME);
    sleep();
    CHECK_EQUAL(seen.x19, 4321);
    CHECK_EQUAL(seen.flags, UINT64_C(15) << 28);
    CHECK_EQUAL(seen.tls, 0x7890);
    CHECK_EQUAL(seen.sp, (uintptr_t)stack + 4096 - 64);
    CHECK_EQUAL(seen.v7[0], UINT64_C(0x5a5a5a5a5a5a5a5a));
    CHECK_EQUAL(seen.v7[1], 99);
}

const struct test_case test_cases[] = {
    {"taken and changed", taken_and_changed, "[PROC-REGISTERS-1] [PROC-REGISTERS-2] [PROC-REGISTERS-3]"},
    {0},
};
const struct test_peer_function test_peers[] = {{0}};
