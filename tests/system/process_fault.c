/* SPDX-License-Identifier: BSD-2-Clause */
/* Every exception that user code can raise: a peer raises it, and its exit notice says what, where and at which
 * address. */
#include "test.h"

/* A function NAME whose last instruction faults at NAME_at. */
#define FAULTS(name, before, instruction)                                                                              \
    __asm__(".text\n.global " #name ", " #name "_at\n" #name ":\n" before "\n" #name "_at:\n" instruction "\n ret\n"); \
    void name(void);                                                                                                   \
    extern const char name##_at[]

static const uint64_t constant[2] = {1, 2};
static uint64_t variable[2];
static const uint32_t code_in_constants[] = {0xd65f03c0}; /* ret */

FAULTS(null_read, "mov x0, 0", "ldr x1, [x0]");
FAULTS(null_write, "mov x0, 8", "str x1, [x0]");
FAULTS(kernel_read, "mov x0, 0xffff000000000000", "ldr x1, [x0]");
FAULTS(non_canonical_read, "mov x0, 0x0100000000000000", "ldr x1, [x0]");
FAULTS(undefined, "", ".word 0");
FAULTS(breakpoint, "", "brk 7");
FAULTS(privileged_register, "", "mrs x0, sctlr_el1");
FAULTS(privileged_instruction, "", "tlbi vmalle1");
FAULTS(interrupt_mask, "", "msr daifset, 15");
FAULTS(foreign_call, "", "svc 0");
FAULTS(other_call, "", "svc 7");
FAULTS(hypervisor_call, "", "hvc 0");
FAULTS(secure_call, "", "smc 0");
FAULTS(null_call, "mov x0, 0\n br x0", "nop");
FAULTS(misaligned_call, "adr x0, misaligned_call_at\n add x0, x0, 2\n br x0", "nop");
FAULTS(misaligned_exclusive, "mov x0, sp\n sub x0, x0, 12", "ldxr x1, [x0]");

static void write_constant(void)
{
    *(volatile uint64_t *)(uintptr_t)constant = 1;
}

static void run_constant(void)
{
    ((void (*)(void))(uintptr_t)code_in_constants)();
}

static void run_data(void)
{
    ((void (*)(void))(uintptr_t)variable)();
}

static void write_code(void)
{
    *(volatile uint32_t *)(uintptr_t)null_read_at = 0;
}

/* Deeper and deeper, until `depth` runs out: long after the stack has. */
__attribute__((noinline)) static uint64_t recurse(uint64_t depth)
{
    volatile uint64_t frame[64] = {depth};
    return depth ? recurse(depth - 1) + frame[0] : frame[0];
}

static void overflow_stack(void)
{
    (void)recurse(1 << 20);
}

#define NOT_CHECKED UINT64_C(0xdeaddead)

static void expect_fault(const char *peer_name, enum cavern_fault kind, const void *pc, uint64_t address)
{
    struct test_peer peer;
    uint64_t words[5];
    test_peer(peer_name, NULL, 0, &peer);
    test_peer_exit(&peer, words, true);
    const uint64_t expected[5] = {
        CAVERN_REASON_FAULT,
        0,
        kind,
        pc ? (uintptr_t)pc : words[CAVERN_EXIT_PC],
        address == NOT_CHECKED ? words[CAVERN_EXIT_ADDRESS] : address,
    };
    for (unsigned i = 0; i < 5; i++)
        if (words[i] != expected[i])
            test_fail(__FILE__, __LINE__, "%s: word %u of the exit: expected 0x%lx, found 0x%lx", peer_name, i,
                      (unsigned long)expected[i], (unsigned long)words[i]);
}

#define EXPECT(peer, kind, address) expect_fault(#peer, CAVERN_FAULT_##kind, peer##_at, address)

static void null_pointers(void)
{
    EXPECT(null_read, DATA_UNMAPPED, 0);
    EXPECT(null_write, DATA_UNMAPPED, 8);
    expect_fault("null_call", CAVERN_FAULT_CODE_UNMAPPED, NULL, 0);
}

static void kernel_addresses(void)
{
    struct test_peer peer;
    uint64_t words[5];
    test_peer("kernel_read", NULL, 0, &peer);
    test_peer_exit(&peer, words, true);
    CHECK_EQUAL(words[CAVERN_EXIT_REASON], CAVERN_REASON_FAULT);
    CHECK(words[CAVERN_EXIT_FAULT] == CAVERN_FAULT_DATA_UNMAPPED ||
          words[CAVERN_EXIT_FAULT] == CAVERN_FAULT_DATA_DENIED);
    CHECK_EQUAL(words[CAVERN_EXIT_ADDRESS], 0xffff000000000000);
    EXPECT(non_canonical_read, DATA_UNMAPPED, 0x0100000000000000);
}

static void protections(void)
{
    expect_fault("write_constant", CAVERN_FAULT_DATA_DENIED, NULL, (uintptr_t)constant);
    expect_fault("write_code", CAVERN_FAULT_DATA_DENIED, NULL, (uintptr_t)null_read_at);
    expect_fault("run_constant", CAVERN_FAULT_CODE_DENIED, code_in_constants, (uintptr_t)code_in_constants);
    expect_fault("run_data", CAVERN_FAULT_CODE_DENIED, variable, (uintptr_t)variable);
}

static void undefined_instructions(void)
{
    EXPECT(undefined, UNDEFINED, 0);
    EXPECT(privileged_register, UNDEFINED, 0);
    EXPECT(privileged_instruction, UNDEFINED, 0);
    EXPECT(interrupt_mask, UNDEFINED, 0);
    EXPECT(hypervisor_call, UNDEFINED, 0);
    EXPECT(secure_call, UNDEFINED, 0);
}

static void system_calls(void)
{
    EXPECT(foreign_call, FOREIGN_CALL, 0);
    EXPECT(other_call, UNDEFINED, 0);
}

static void breakpoints(void)
{
    EXPECT(breakpoint, BREAKPOINT, 0);
}

static void misalignments(void)
{
    EXPECT(misaligned_exclusive, ALIGNMENT, NOT_CHECKED);
    expect_fault("misaligned_call", CAVERN_FAULT_ALIGNMENT, misaligned_call_at + 2, NOT_CHECKED);
}

static void stack_overflow(void)
{
    struct test_peer peer;
    uint64_t words[5];
    test_peer("overflow_stack", NULL, 0, &peer);
    test_peer_exit(&peer, words, true);
    CHECK_EQUAL(words[CAVERN_EXIT_REASON], CAVERN_REASON_FAULT);
    CHECK_EQUAL(words[CAVERN_EXIT_FAULT], CAVERN_FAULT_DATA_UNMAPPED);
}

const struct test_case test_cases[] = {
    {"null pointers", null_pointers, "[PROC-FAULT-1] [PROC-FAULT-2] [PROC-FAULT-4] [PROC-FAULT-7]"},
    {"addresses of the kernel", kernel_addresses, "[PROC-FAULT-3]"},
    {"what the memory does not allow", protections, "[PROC-FAULT-3] [PROC-FAULT-4]"},
    {"undefined and privileged instructions", undefined_instructions, "[PROC-FAULT-5]"},
    {"calls that are not Cavern's", system_calls, "[ABI-ENTER-2] [ABI-ENTER-3]"},
    {"breakpoints", breakpoints, "[PROC-FAULT-6]"},
    {"misaligned pc and exclusive access", misalignments, "[PROC-FAULT-1]"},
    {"running over the end of the stack", stack_overflow, "[MEM-GUARD-1]"},
    {0},
};

const struct test_peer_function test_peers[] = {
    {"null_read", null_read},
    {"null_write", null_write},
    {"kernel_read", kernel_read},
    {"non_canonical_read", non_canonical_read},
    {"undefined", undefined},
    {"breakpoint", breakpoint},
    {"privileged_register", privileged_register},
    {"privileged_instruction", privileged_instruction},
    {"interrupt_mask", interrupt_mask},
    {"foreign_call", foreign_call},
    {"other_call", other_call},
    {"hypervisor_call", hypervisor_call},
    {"secure_call", secure_call},
    {"null_call", null_call},
    {"misaligned_call", misaligned_call},
    {"misaligned_exclusive", misaligned_exclusive},
    {"write_constant", write_constant},
    {"write_code", write_code},
    {"run_constant", run_constant},
    {"run_data", run_data},
    {"overflow_stack", overflow_stack},
    {0},
};
