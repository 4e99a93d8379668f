/* SPDX-License-Identifier: BSD-2-Clause */
/* All registers of a thread that has faulted: read and changed by a handler, and read from the dead. */
#include "gate.h"

/* All registers but sp and pc; `general.sp` stands for TLS. */
struct all {
    struct cavern_registers general;
    struct cavern_vector_registers vector;
};

static struct all before, after;

#define PAIR_X(op, base, a, b, at) op " x" #a ", x" #b ", [" base ", " #at "]\n"
#define MOST_X(op, base)                                                                                               \
    PAIR_X(op, base, 2, 3, 16)                                                                                         \
    PAIR_X(op, base, 4, 5, 32)                                                                                         \
    PAIR_X(op, base, 6, 7, 48)                                                                                         \
    PAIR_X(op, base, 8, 9, 64)                                                                                         \
    PAIR_X(op, base, 10, 11, 80)                                                                                       \
    PAIR_X(op, base, 12, 13, 96)                                                                                       \
    PAIR_X(op, base, 14, 15, 112)                                                                                      \
    PAIR_X(op, base, 16, 17, 128)                                                                                      \
    PAIR_X(op, base, 18, 19, 144)                                                                                      \
    PAIR_X(op, base, 20, 21, 160)                                                                                      \
    PAIR_X(op, base, 22, 23, 176)                                                                                      \
    PAIR_X(op, base, 24, 25, 192)                                                                                      \
    PAIR_X(op, base, 26, 27, 208)                                                                                      \
    PAIR_X(op, base, 28, 29, 224)
#define PAIR_Q(op, base, a, b, at) op " q" #a ", q" #b ", [" base ", " #at "]\n"
#define ALL_Q(op, base)                                                                                                \
    PAIR_Q(op, base, 0, 1, 0)                                                                                          \
    PAIR_Q(op, base, 2, 3, 32)                                                                                         \
    PAIR_Q(op, base, 4, 5, 64)                                                                                         \
    PAIR_Q(op, base, 6, 7, 96)                                                                                         \
    PAIR_Q(op, base, 8, 9, 128)                                                                                        \
    PAIR_Q(op, base, 10, 11, 160)                                                                                      \
    PAIR_Q(op, base, 12, 13, 192)                                                                                      \
    PAIR_Q(op, base, 14, 15, 224)                                                                                      \
    PAIR_Q(op, base, 16, 17, 256)                                                                                      \
    PAIR_Q(op, base, 18, 19, 288)                                                                                      \
    PAIR_Q(op, base, 20, 21, 320)                                                                                      \
    PAIR_Q(op, base, 22, 23, 352)                                                                                      \
    PAIR_Q(op, base, 24, 25, 384)                                                                                      \
    PAIR_Q(op, base, 26, 27, 416)                                                                                      \
    PAIR_Q(op, base, 28, 29, 448)                                                                                      \
    PAIR_Q(op, base, 30, 31, 480)

/* Loads all of `in`, makes a foreign call, stores all in `out`. */
void exchange(const struct all *in, struct all *out);
extern const char exchange_at[];
__asm__(".text\n.arch_extension fp\n.arch_extension simd\n.global exchange, exchange_at\n"
        "exchange:\n"
        "stp x29, x30, [sp, -192]!\n"
        "stp x19, x20, [sp, 16]\n stp x21, x22, [sp, 32]\n stp x23, x24, [sp, 48]\n stp x25, x26, [sp, 64]\n"
        "stp x27, x28, [sp, 80]\n stp d8, d9, [sp, 96]\n stp d10, d11, [sp, 112]\n stp d12, d13, [sp, 128]\n"
        "stp d14, d15, [sp, 144]\n"
        "mrs x2, tpidr_el0\n stp x1, x2, [sp, 160]\n"
        "ldr x2, [x0, 248]\n msr tpidr_el0, x2\n"
        "ldr x2, [x0, 264]\n msr nzcv, x2\n"
        "ldr x2, [x0, 784]\n msr fpsr, x2\n ldr x2, [x0, 792]\n msr fpcr, x2\n"
        "add x2, x0, 272\n" ALL_Q("ldp", "x2") "mov x30, x0\n" PAIR_X("ldp", "x30", 0, 1, 0) MOST_X(
            "ldp",
            "x30") "ldr x30, [x30, 240]\n"
                   "exchange_at: svc 0\n"
                   "stp x0, x1, [sp, -16]!\n"
                   "ldr x0, [sp, 176]\n" MOST_X(
                       "stp",
                       "x0") "str x30, [x0, 240]\n"
                             "ldp x2, x3, [sp], 16\n stp x2, x3, [x0]\n"
                             "mrs x2, nzcv\n str x2, [x0, 264]\n"
                             "mrs x2, tpidr_el0\n str x2, [x0, 248]\n"
                             "mrs x2, fpsr\n str x2, [x0, 784]\n mrs x2, fpcr\n str x2, [x0, 792]\n msr fpcr, xzr\n"
                             "add x2, x0, 272\n" ALL_Q("stp",
                                                       "x2") "ldr x2, [sp, 168]\n msr tpidr_el0, x2\n"
                                                             "ldp x19, x20, [sp, 16]\n ldp x21, x22, [sp, 32]\n ldp "
                                                             "x23, x24, [sp, 48]\n ldp x25, x26, [sp, 64]\n"
                                                             "ldp x27, x28, [sp, 80]\n ldp d8, d9, [sp, 96]\n ldp d10, "
                                                             "d11, [sp, 112]\n ldp d12, d13, [sp, 128]\n"
                                                             "ldp d14, d15, [sp, 144]\n"
                                                             "ldp x29, x30, [sp], 192\n"
                                                             "ret\n.arch_extension nosimd\n.arch_extension nofp\n");

static struct all pattern(uint64_t base)
{
    struct all all = {.general = {.sp = base + 48, .flags = (base & 0xf) << 28}};
    for (unsigned i = 0; i < 31; i++)
        all.general.x[i] = base + i;
    for (unsigned i = 0; i < 32; i++) {
        all.vector.v[i][0] = base + 64 + i;
        all.vector.v[i][1] = base + 128 + i;
    }
    all.vector.fpsr = base & 0x1f;
    all.vector.fpcr = 1 << 24; /* FZ */
    return all;
}

#define MINE UINT64_C(0x1110009)
#define YOURS UINT64_C(0x2220016)

static void exchange_registers(void)
{
    struct all expected = pattern(YOURS);
    before = pattern(MINE);
    gate_pass();
    exchange(&before, &after);
    expected.vector.fpcr = 0;
    CHECK(memcmp(&after, &expected, sizeof after) == 0);
    gate_pass();
}

static void check_pattern(cavern_handle process, uint64_t thread, const void *pc)
{
    struct cavern_registers general;
    struct cavern_vector_registers vector;
    struct all expected = pattern(MINE);
    uint64_t tls;
    CHECK_OK(cavern_registers_read(process, thread, &general));
    CHECK_OK(cavern_vector_read(process, thread, &vector));
    CHECK_OK(cavern_tls_read(process, thread, &tls));
    CHECK(memcmp(general.x, expected.general.x, sizeof general.x) == 0);
    CHECK_EQUAL(general.pc, (uintptr_t)pc);
    CHECK_EQUAL(general.flags, expected.general.flags);
    CHECK(memcmp(&vector, &expected.vector, sizeof vector) == 0);
    CHECK_EQUAL(tls, expected.general.sp);
}

static void all_registers_are_read_and_changed(void)
{
    struct test_peer peer;
    struct cavern_registers general;
    struct all mine = pattern(YOURS);
    gate_make();
    gate_start("exchange_registers", &peer);
    gate_let_in(&peer, gate.handle);
    struct cavern_fault_notice fault = gate_fault(&gate);
    check_pattern(peer.process, fault.thread, exchange_at);
    CHECK_OK(cavern_registers_read(peer.process, fault.thread, &general));
    memcpy(general.x, mine.general.x, sizeof general.x);
    general.flags = mine.general.flags;
    mine.vector.fpcr = 0;
    CHECK_OK(cavern_vector_write(peer.process, fault.thread, &mine.vector));
    CHECK_OK(cavern_tls_write(peer.process, fault.thread, mine.general.sp));
    CHECK_OK(cavern_foreign_return(peer.process, fault.thread, &general));
    gate_open();
    test_peer_done(&peer);
}

/* Kernel objects charged to the case's account. */
static uint64_t objects(void)
{
    struct cavern_account_info info;
    uint64_t next, written;
    CHECK_OK(
        cavern_sys_inspect(test_account(), CAVERN_INSPECT_ACCOUNT, 0, (uintptr_t)&info, sizeof info, &next, &written));
    return info.objects;
}

static void zombie_keeps_the_registers(void)
{
    struct test_peer peer;
    struct cavern_registers general;
    uint64_t words[5];
    gate_make();
    gate_start("exchange_registers", &peer);
    CHECK_STATUS(cavern_registers_read(peer.process, 0, &general), CAVERN_BAD_ARGUMENT);
    gate_open();
    test_peer_exit(&peer, words, false);
    CHECK_EQUAL(words[CAVERN_EXIT_FAULT], CAVERN_FAULT_FOREIGN_CALL);
    CHECK_EQUAL(words[CAVERN_EXIT_PC], (uintptr_t)exchange_at);
    check_pattern(peer.process, 0, exchange_at);
    CHECK_OK(cavern_registers_read(peer.process, 0, &general));
    CHECK_STATUS(cavern_registers_write(peer.process, 0, &general), CAVERN_GONE);
    uint64_t count = objects();
    cavern_handle_close(peer.process);
    CHECK_EQUAL(objects(), count - 2); /* process and thread */
}

const struct test_case test_cases[] = {
    {"all registers are read and changed", all_registers_are_read_and_changed, "[PROC-REGISTERS-1]"},
    {"a zombie keeps the registers of its fault", zombie_keeps_the_registers, "[PROC-REGISTERS-4]"},
    {0},
};

const struct test_peer_function test_peers[] = {
    {"exchange_registers", exchange_registers},
    {0},
};
