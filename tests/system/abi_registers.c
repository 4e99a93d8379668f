/* SPDX-License-Identifier: BSD-2-Clause */
/* What a system call takes, keeps and gives back, by hand. */
#include "test.h"

/* x0 to x30 and d0 to d31, and what they are after a call. */
struct registers {
    uint64_t x[31];
    uint64_t d[32];
};

/* Loads all of `in` but x27 to x30, calls, and stores all but x28 to x30 in `out`. */
void call_with(const struct registers *in, struct registers *out);

#define PAIRS_X(op, base)                                                                                              \
    op " x2, x3, [" base ", 16]\n" op " x4, x5, [" base ", 32]\n" op " x6, x7, [" base ", 48]\n" op " x8, x9, [" base  \
       ", 64]\n" op " x10, x11, [" base ", 80]\n" op " x12, x13, [" base ", 96]\n" op " x14, x15, [" base              \
       ", 112]\n" op " x16, x17, [" base ", 128]\n" op " x18, x19, [" base ", 144]\n" op " x20, x21, [" base           \
       ", 160]\n" op " x22, x23, [" base ", 176]\n" op " x24, x25, [" base ", 192]\n" op " x25, x26, [" base           \
       ", 200]\n"
#define PAIRS_D(op, base)                                                                                              \
    op " d0, d1, [" base ", 248]\n" op " d2, d3, [" base ", 264]\n" op " d4, d5, [" base ", 280]\n" op                 \
       " d6, d7, [" base ", 296]\n" op " d8, d9, [" base ", 312]\n" op " d10, d11, [" base ", 328]\n" op               \
       " d12, d13, [" base ", 344]\n" op " d14, d15, [" base ", 360]\n" op " d16, d17, [" base ", 376]\n" op           \
       " d30, d31, [" base ", 488]\n"

__asm__(".arch_extension fp\n.arch_extension simd\n.text\n.global call_with\n"
        "call_with:\n"
        "stp x29, x30, [sp, -192]!\n"
        "stp x19, x20, [sp, 16]\n stp x21, x22, [sp, 32]\n stp x23, x24, [sp, 48]\n stp x25, x26, [sp, 64]\n"
        "stp x27, x28, [sp, 80]\n stp d8, d9, [sp, 96]\n stp d10, d11, [sp, 112]\n stp d12, d13, [sp, 128]\n"
        "stp d14, d15, [sp, 144]\n str x1, [sp, 160]\n"
        "mov x27, x0\n" PAIRS_D("ldp", "x27") PAIRS_X("ldp", "x27") /* x27 and x28 stay as they are */
        "ldp x0, x1, [x27]\n"
        "mov x28, sp\n"
        "svc 1\n"
        "cmp sp, x28\n b.ne call_with\n" /* for ever: a test that loses its stack has no other end */
        "ldr x28, [sp, 160]\n"
        "stp x0, x1, [x28]\n" PAIRS_X("stp", "x28") PAIRS_D(
            "stp",
            "x28") "str x27, [x28, 216]\n"
                   "ldp x19, x20, [sp, 16]\n ldp x21, x22, [sp, 32]\n ldp x23, x24, [sp, 48]\n ldp x25, x26, [sp, 64]\n"
                   "ldp x27, x28, [sp, 80]\n ldp d8, d9, [sp, 96]\n ldp d10, d11, [sp, 112]\n ldp d12, d13, [sp, 128]\n"
                   "ldp d14, d15, [sp, 144]\n"
                   "ldp x29, x30, [sp], 192\n"
                   "ret\n");

#define PATTERN UINT64_C(0xa5a5000000000000)

static struct registers before, after;

/* Another pattern for each thread, another value in each register. */
static void fill(struct registers *in, uint64_t pattern)
{
    for (unsigned i = 0; i < 31; i++)
        in->x[i] = pattern + i;
    for (unsigned i = 0; i < 32; i++)
        in->d[i] = pattern + 64 + i;
}

/* Zero, or one of the values that went in. */
static bool is_own(const struct registers *in, uint64_t value)
{
    for (unsigned i = 0; i < 32; i++)
        if ((i < 31 && value == in->x[i]) || value == in->d[i])
            return true;
    return !value;
}

static void check_kept(const struct registers *in, const struct registers *out)
{
    for (unsigned i = 19; i <= 26; i++)
        CHECK_EQUAL(out->x[i], in->x[i]);
    CHECK_EQUAL(out->x[27], (uintptr_t)in);
    for (unsigned i = 8; i < 16; i++)
        CHECK_EQUAL(out->d[i], in->d[i]);
}

/* From x`first` on. */
static void check_no_leak(const struct registers *in, const struct registers *out, unsigned first)
{
    for (unsigned i = first; i < 19; i++)
        if (!is_own(in, out->x[i]))
            test_fail(__FILE__, __LINE__, "x%u is 0x%lx", i, (unsigned long)out->x[i]);
    for (unsigned i = 0; i < 32; i++)
        if ((i < 18 || i > 29) && !is_own(in, out->d[i]))
            test_fail(__FILE__, __LINE__, "d%u is 0x%lx", i, (unsigned long)out->d[i]);
}

static void nop_is_ok_with_any_handle(void)
{
    static const uint64_t handles[] = {0, CAVERN_SELF_PROCESS, ~UINT64_C(0)};
    for (unsigned i = 0; i < 3; i++) {
        fill(&before, PATTERN);
        before.x[0] = handles[i];
        before.x[1] = CAVERN_INFO(0, CAVERN_CALL_NOP, 0, 0, 0);
        call_with(&before, &after);
        CHECK_EQUAL(after.x[0], CAVERN_OK);
        check_kept(&before, &after);
        check_no_leak(&before, &after, 1);
    }
}

static void unknown_operations_are_bad(void)
{
    static const unsigned operations[] = {CAVERN_CALL_COUNT, 64, 255};
    for (unsigned i = 0; i < sizeof operations / sizeof *operations; i++) {
        fill(&before, PATTERN);
        before.x[1] = CAVERN_INFO(0, operations[i], 0, 0, 0);
        call_with(&before, &after);
        CHECK_EQUAL(after.x[0], CAVERN_BAD_OPERATION);
        check_kept(&before, &after);
        check_no_leak(&before, &after, 1);
    }
}

/* The other thread leaves its own values in every register before it sends. */
static cavern_handle waker;

static void wake(void *argument)
{
    (void)argument;
    static struct registers in, out;
    fill(&in, 0xdead0000);
    in.x[0] = waker;
    in.x[1] = CAVERN_INFO(16, CAVERN_CALL_SEND, 0, 0, 9);
    in.x[3] = 11;
    in.x[4] = 22;
    call_with(&in, &out);
}

static void sleeping_call_leaks_nothing(void)
{
    struct cavern_queue queue;
    test_queue(&queue, 64, 0);
    waker = test_sender(&queue, 33);
    test_thread(wake, NULL, TEST_PRIORITY_LOW);
    fill(&before, PATTERN);
    before.x[0] = queue.handle;
    before.x[1] = CAVERN_INFO(0, CAVERN_CALL_RECEIVE, 0, 0, 0);
    before.x[9] = CAVERN_FOREVER;
    call_with(&before, &after);
    CHECK_EQUAL(after.x[0], CAVERN_OK);
    CHECK_EQUAL(after.x[1] & 0xffffff, 16 | CAVERN_KIND_MESSAGE << 16);
    CHECK_EQUAL(after.x[2] >> 32, 9);
    CHECK_EQUAL(after.x[3], 33);
    CHECK_EQUAL(after.x[4], 11);
    CHECK_EQUAL(after.x[5], 22);
    CHECK_EQUAL(after.x[6], 0);
    CHECK_EQUAL(after.x[7], 0);
    CHECK_EQUAL(after.x[8], 0);
    check_kept(&before, &after);
    check_no_leak(&before, &after, 9);
}

/* --- both sides of the hand-over, each with a pattern of its own --- */

static struct {
    struct cavern_queue queue;
    unsigned answered;
} server;

static void answer(void *argument)
{
    static struct registers in, out;
    (void)argument;
    fill(&in, 0xdead0000);
    in.x[0] = server.queue.handle;
    in.x[1] = CAVERN_INFO(0, CAVERN_CALL_RECEIVE, 0, 0, 0);
    in.x[9] = CAVERN_FOREVER;
    for (;;) {
        call_with(&in, &out);
        CHECK_EQUAL(out.x[0], CAVERN_OK);
        CHECK_EQUAL(out.x[1] & 0xffffff, 8 | CAVERN_KIND_REQUEST << 16);
        check_kept(&in, &out);
        check_no_leak(&in, &out, 9);
        PUBLISH(server.answered, server.answered + 1);
        fill(&in, 0xdead0000);
        in.x[0] = server.queue.handle;
        in.x[1] = CAVERN_INFO(8, CAVERN_CALL_REPLY_RECEIVE, 0, 0, 0);
        in.x[2] = out.x[2] & 0xffffffff;
        in.x[3] = out.x[4] + 1;
        in.x[9] = CAVERN_FOREVER;
    }
}

static void hand_over_leaks_nothing(void)
{
    test_queue(&server.queue, 64, 4);
    cavern_handle sender = test_sender(&server.queue, 5);
    test_thread(answer, NULL, TEST_PRIORITY_HIGH);
    for (uint64_t i = 0; i < 10; i++) {
        fill(&before, PATTERN);
        before.x[0] = sender;
        before.x[1] = CAVERN_INFO(8, CAVERN_CALL_CALL, 0, 0, 0);
        before.x[3] = i;
        before.x[9] = CAVERN_FOREVER;
        before.x[11] = 0; /* no memory for the answer */
        call_with(&before, &after);
        CHECK_EQUAL(after.x[0], CAVERN_OK);
        CHECK_EQUAL(after.x[1] & 0xffffff, 8 | CAVERN_KIND_REPLY << 16);
        CHECK_EQUAL(after.x[4], i + 1);
        for (unsigned word = 1; word < 5; word++)
            CHECK_EQUAL(after.x[4 + word], 0);
        check_kept(&before, &after);
        check_no_leak(&before, &after, 9);
        CHECK_EQUAL(OBSERVE(server.answered), i + 1);
    }
}

static void wrong_enumerators_are_refused(void)
{
    uint64_t out;
    cavern_handle queue;
    CHECK_STATUS(cavern_sys_process_create(test_account(), 0, 2, 0, 0, &out), CAVERN_BAD_ARGUMENT);
    CHECK_STATUS(cavern_sys_buffer_create(CAVERN_SELF_ACCOUNT, 0, 4096, 2, 0, &out), CAVERN_BAD_ARGUMENT);
    CHECK_OK(cavern_sys_queue_create(CAVERN_SELF_ACCOUNT, 64, 0, 0, &queue));
    CHECK_STATUS(cavern_sys_sender_mint(queue, 0, 1, CAVERN_SELF_ACCOUNT, 2, &out), CAVERN_BAD_ARGUMENT);
    CHECK_STATUS(cavern_sys_thread_control(CAVERN_SELF_THREAD, 0, 0, 0, 0), CAVERN_BAD_ARGUMENT);
    CHECK_STATUS(cavern_sys_thread_control(CAVERN_SELF_THREAD, 0, 6, 0, 0), CAVERN_BAD_ARGUMENT);
    CHECK_STATUS(cavern_sys_notify(CAVERN_SELF_PROCESS, 0, 0, 2), CAVERN_BAD_ARGUMENT);
    CHECK_STATUS(cavern_sys_inspect(CAVERN_SELF_PROCESS, 99, 0, (uintptr_t)&after, sizeof after, &out, &out),
                 CAVERN_BAD_ARGUMENT);
}

static void start_up_record_is_whole(void)
{
    const struct cavern_startup_handle *first = cavern_startup_next(NULL);
    CHECK(first);
    const struct cavern_startup *record = (const struct cavern_startup *)first - 1;
    CHECK_EQUAL(record->magic, CAVERN_STARTUP_MAGIC);
    CHECK_EQUAL((uintptr_t)record % CAVERN_PAGE_SIZE, 0);
    CHECK_EQUAL(record->arguments, 2);
    CHECK(strstr(cavern_program_name(), "abi_registers"));
}

const struct test_case test_cases[] = {
    {"nop is ok with any handle", nop_is_ok_with_any_handle, "[ABI-ENTER-1] [ABI-CALL-1] [ABI-REG-1] [ABI-REG-2]"},
    {"unknown operations are bad", unknown_operations_are_bad, "[ABI-ENTER-4] [ABI-REG-1] [ABI-REG-2]"},
    {"a call that sleeps leaks nothing", sleeping_call_leaks_nothing, "[ABI-REG-1] [ABI-REG-2] [MSG-RECEIVE-1]"},
    {"a hand-over leaks nothing", hand_over_leaks_nothing, "[ABI-REG-1] [ABI-REG-2] [ABI-MSG-3] [SCHED-6]"},
    {"wrong enumerators are refused", wrong_enumerators_are_refused, "[ABI-CALL-3]"},
    {"the start-up record is whole", start_up_record_is_whole, "[ABI-START-1]"},
    {0},
};

const struct test_peer_function test_peers[] = {{0}};
