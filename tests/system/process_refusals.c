/* SPDX-License-Identifier: BSD-2-Clause */
/* What the calls on processes and threads refuse. */
#include "refusal.h"

static struct {
    cavern_handle process;
    uint64_t page;
    unsigned done;
} t;

#define GOOD_PROCESS test_account(), [2] = 0, [3] = 0
#define GOOD_THREAD t.process, [2] = TEST_PRIORITY_LOW, [3] = 0x10000
#define GOOD_CONTROL CAVERN_SELF_THREAD, [3] = CAVERN_THREAD_SET, [4] = TEST_PRIORITY

static void set_up(void)
{
    t.process = test_process();
    t.page = test_page();
}

/* --- process_create, process_end --- */

static void create_arguments(void)
{
    REFUSES_EACH(PROCESS_CREATE, BAD_HANDLE, NOT(ACCOUNT), 0, GOOD_PROCESS);
    REFUSES(PROCESS_CREATE, DENIED,
            GOOD_PROCESS, [0] = test_without(test_account(), RIGHTS_ACCOUNT, CAVERN_RIGHT_CHARGE));
    struct test_values bad = NOT(PROCESS);
    bad.value[0] = 1; /* 0 means nobody */
    REFUSES_EACH(PROCESS_CREATE, BAD_HANDLE, bad, 2, GOOD_PROCESS);
    REFUSES_EACH(PROCESS_CREATE, BAD_ARGUMENT, VALUES(2, 3, 4, 256, UINT64_C(1) << 32, UINT64_C(1) << 63, ~UINT64_C(0)),
                 3, GOOD_PROCESS);
    ACCEPTS(PROCESS_CREATE, GOOD_PROCESS, [3] = CAVERN_PROCESS_KEEP, [4] = ~UINT64_C(0), [5] = ~UINT64_C(0));
}

static void create_predecessors(void)
{
    set_up();
    cavern_handle zombie = test_ended_process(CAVERN_PROCESS_KEEP), account = test_split(1 << 20);
    REFUSES(PROCESS_CREATE, BUSY, GOOD_PROCESS, [2] = t.process);             /* not ended */
    REFUSES(PROCESS_CREATE, BUSY, GOOD_PROCESS, [2] = CAVERN_SELF_PROCESS);   /* nor this */
    REFUSES(PROCESS_CREATE, BUSY, GOOD_PROCESS, [2] = test_ended_process(0)); /* no table */
    REFUSES(PROCESS_CREATE, BAD_ARGUMENT, account, [2] = zombie);             /* another account's */
    REFUSES(PROCESS_CREATE, DENIED, GOOD_PROCESS, [2] = test_without(zombie, RIGHTS_PROCESS, CAVERN_RIGHT_MANAGE));
    ACCEPTS(PROCESS_CREATE, GOOD_PROCESS, [2] = zombie);
    REFUSES(PROCESS_CREATE, BUSY, GOOD_PROCESS, [2] = zombie); /* once */
}

static void create_costs_memory(void)
{
    for (uint64_t pages = 0; pages < 4; pages++) /* its page, its page table, two of its handle table */
        REFUSES(PROCESS_CREATE, NO_MEMORY, GOOD_PROCESS, [0] = test_split(pages * 4096));
    cavern_handle account = test_split(1 << 20);
    test_exhaust();
    REFUSES(PROCESS_CREATE, NO_MEMORY, GOOD_PROCESS, [0] = account); /* no place for the handle */
}

static void end_handles(void)
{
    set_up();
    REFUSES_EACH(PROCESS_END, BAD_HANDLE, NOT(PROCESS), 0, 0);
    REFUSES(PROCESS_END, DENIED, test_without(t.process, RIGHTS_PROCESS, CAVERN_RIGHT_MANAGE));
    ACCEPTS(PROCESS_END, t.process, [3] = ~UINT64_C(0));
    ACCEPTS(PROCESS_END, t.process, [3] = 1); /* later ones change nothing */
    struct cavern_process_info info;
    ACCEPTS(INSPECT, t.process, [2] = CAVERN_INSPECT_PROCESS, [4] = (uintptr_t)&info, [5] = sizeof info);
    CHECK_EQUAL(info.exit_words[CAVERN_EXIT_REASON], CAVERN_REASON_ENDED);
    CHECK_EQUAL(info.exit_words[CAVERN_EXIT_CODE], ~UINT64_C(0));
}

/* --- thread_create --- */

static void thread_handles(void)
{
    set_up();
    REFUSES_EACH(THREAD_CREATE, BAD_HANDLE, NOT(PROCESS), 0, GOOD_THREAD);
    REFUSES(THREAD_CREATE, DENIED, GOOD_THREAD, [0] = test_without(t.process, RIGHTS_PROCESS, CAVERN_RIGHT_MANAGE));
    REFUSES(THREAD_CREATE, GONE, GOOD_THREAD, [0] = test_ended_process(0));
}

static void thread_priorities_and_masks(void)
{
    set_up();
    for (uint64_t priority = TEST_PRIORITY_TOP + 1; priority < 32; priority++)
        REFUSES(THREAD_CREATE, DENIED, GOOD_THREAD, [2] = priority);
    REFUSES_EACH(THREAD_CREATE, BAD_ARGUMENT, VALUES(32, 255, 256, UINT64_C(1) << 32, UINT64_C(1) << 63, ~UINT64_C(0)),
                 2, GOOD_THREAD);
    const uint64_t beyond = UINT64_C(1) << test_cpus(); /* the first CPU that there isn't */
    REFUSES_EACH(THREAD_CREATE, BAD_ARGUMENT, VALUES(beyond, -beyond, UINT64_C(1) << 62, UINT64_C(1) << 63), 9,
                 GOOD_THREAD);
    ACCEPTS(THREAD_CREATE, GOOD_THREAD, [2] = 0, [9] = ~UINT64_C(0));
    ACCEPTS(PROCESS_END, t.process); /* it has not run yet */
    t.process = test_process();
    ACCEPTS(THREAD_CREATE, GOOD_THREAD, [2] = 0, [9] = beyond | beyond >> 1); /* one that there is suffices */
    ACCEPTS(PROCESS_END, t.process);
}

/* Any pc, sp and TLS is taken: what can't be run is a fault of the thread, and ends its process and no other. */
static void thread_starts_anywhere(void)
{
    static const uint64_t places[] = {0,           1, 0x10002, UINT64_C(1) << 48, UINT64_C(1) << 63, 0xffff000040200000,
                                      ~UINT64_C(0)};
    struct cavern_queue exits;
    struct cavern_message message;
    test_queue(&exits, 64, 0);
    for (unsigned i = 0; i < sizeof places / sizeof *places; i++) {
        t.process = test_process();
        ACCEPTS(NOTIFY, t.process, [2] = i, [3] = exits.handle);
        ACCEPTS(THREAD_CREATE,
                GOOD_THREAD, [2] = TEST_PRIORITY_HIGH, [3] = places[i], [4] = places[i], [5] = places[i]);
        test_receive(&exits, CAVERN_KIND_EXIT, &message);
        CHECK_EQUAL(message.header.label, i);
        CHECK_EQUAL(test_word(&message, CAVERN_EXIT_REASON), CAVERN_REASON_FAULT);
        cavern_queue_release(&exits, &message);
        ACCEPTS(HANDLE_CLOSE, t.process);
    }
}

static void thread_costs_memory(void)
{
    cavern_handle account = test_split(1 << 20);
    set_up();
    cavern_handle poor = ACCEPTS(PROCESS_CREATE, account);
    test_exhaust_account(account);
    REFUSES(THREAD_CREATE, NO_MEMORY, GOOD_THREAD, [0] = poor);
    test_exhaust();
    REFUSES(THREAD_CREATE, NO_MEMORY, GOOD_THREAD); /* no place for the handle */
}

/* --- thread_control --- */

static void stay(void *argument)
{
    (void)argument;
    PUBLISH(t.done, t.done + 1);
    cavern_sleep_until(CAVERN_FOREVER);
}

static void control_handles(void)
{
    set_up();
    cavern_handle thread = test_thread(stay, NULL, TEST_PRIORITY_LOW);
    const unsigned both = 1u << CAVERN_TYPE_PROCESS | 1u << CAVERN_TYPE_THREAD;
    REFUSES_EACH(THREAD_CONTROL, BAD_HANDLE, test_not_handles(both), 0, GOOD_CONTROL);
    REFUSES(THREAD_CONTROL, DENIED, GOOD_CONTROL, [0] = test_without(thread, RIGHTS_THREAD, CAVERN_RIGHT_MANAGE));
    REFUSES(THREAD_CONTROL, DENIED,
            GOOD_CONTROL, [0] = test_without(CAVERN_SELF_PROCESS, RIGHTS_PROCESS, CAVERN_RIGHT_MANAGE), [2] = 1);
    REFUSES_EACH(THREAD_CONTROL, BAD_ARGUMENT, VALUES(0, 3, UINT64_C(1) << 32 | 1, ~UINT64_C(0)), 2,
                 GOOD_CONTROL, [0] = CAVERN_SELF_PROCESS);
    REFUSES(THREAD_CONTROL, BAD_ARGUMENT, GOOD_CONTROL, [0] = t.process, [2] = 1);
    ACCEPTS(THREAD_CONTROL, GOOD_CONTROL, [0] = CAVERN_SELF_PROCESS, [2] = 2);
    ACCEPTS(THREAD_CONTROL, thread, [3] = CAVERN_THREAD_END);
    for (uint64_t operation = CAVERN_THREAD_END; operation <= CAVERN_THREAD_SET; operation++)
        REFUSES(THREAD_CONTROL, GONE, GOOD_CONTROL, [0] = thread, [3] = operation);
    REFUSES(THREAD_CONTROL, BAD_ARGUMENT, GOOD_CONTROL, [0] = CAVERN_SELF_PROCESS, [2] = 2); /* its id is free */
    CHECK_EQUAL(OBSERVE(t.done), 0);
}

static void control_operations(void)
{
    set_up();
    cavern_handle thread = test_thread(stay, NULL, TEST_PRIORITY_LOW);
    REFUSES_EACH(THREAD_CONTROL, BAD_ARGUMENT,
                 VALUES(0, CAVERN_THREAD_SET + 1, 255, 256 + CAVERN_THREAD_END, UINT64_C(1) << 32 | CAVERN_THREAD_END,
                        ~UINT64_C(0)),
                 3, GOOD_CONTROL, [0] = thread);
    REFUSES(THREAD_CONTROL, BAD_ARGUMENT, GOOD_CONTROL, [0] = thread, [3] = CAVERN_THREAD_YIELD); /* another's */
    REFUSES_EACH(THREAD_CONTROL, BAD_ARGUMENT, VALUES(32, 255, 256, UINT64_C(1) << 32, ~UINT64_C(0)), 4,
                 GOOD_CONTROL, [0] = thread);
    const uint64_t beyond = UINT64_C(1) << test_cpus();
    REFUSES_EACH(THREAD_CONTROL, BAD_ARGUMENT, VALUES(beyond, -beyond, UINT64_C(1) << 62, UINT64_C(1) << 63), 5,
                 GOOD_CONTROL, [0] = thread);
    REFUSES_EACH(THREAD_CONTROL, DENIED, VALUES(TEST_PRIORITY_TOP + 1, 31), 4, GOOD_CONTROL, [0] = thread);
    CHECK_EQUAL(OBSERVE(t.done), 0);
    ACCEPTS(THREAD_CONTROL, GOOD_CONTROL, [0] = thread, [4] = TEST_PRIORITY_HIGH, [5] = 1);
    CHECK_EQUAL(OBSERVE(t.done), 1);
}

/*
 * In x3 the kernel notes that a thread is about to end on another CPU; a program that writes the note itself ends the
 * thread as it may, or is told that it has ended.
 */
static void control_with_progress(void)
{
    const uint64_t ending = UINT64_C(1) << 40, end = CAVERN_THREAD_END | ending;
    set_up();
    cavern_handle thread = test_thread(stay, NULL, TEST_PRIORITY_LOW);
    for (uint64_t operation = 0; operation <= CAVERN_THREAD_SET + 1; operation++)
        if (operation != CAVERN_THREAD_END)
            REFUSES(THREAD_CONTROL, BAD_ARGUMENT, GOOD_CONTROL, [0] = thread, [3] = operation | ending);
    REFUSES_EACH(THREAD_CONTROL, BAD_ARGUMENT, VALUES(end | 2, end | end << 1, end << 1, end >> 1, -ending), 3,
                 GOOD_CONTROL, [0] = thread);
    const unsigned both = 1u << CAVERN_TYPE_PROCESS | 1u << CAVERN_TYPE_THREAD;
    REFUSES_EACH(THREAD_CONTROL, BAD_HANDLE, test_not_handles(both), 0, GOOD_CONTROL, [3] = end);
    cavern_handle poor = test_without(thread, RIGHTS_THREAD, CAVERN_RIGHT_MANAGE);
    REFUSES(THREAD_CONTROL, DENIED, GOOD_CONTROL, [0] = poor, [3] = end);
    struct cavern_operation own = {{CAVERN_SELF_THREAD, CAVERN_INFO(0, CAVERN_CALL_THREAD_CONTROL, 0, 0, 0), 0, end}};
    FAILS(SUBMIT, BAD_OPERATION, 0, [3] = (uintptr_t)&own, [4] = 1);
    ACCEPTS(THREAD_CONTROL, GOOD_CONTROL, [0] = thread, [3] = end);
    REFUSES(THREAD_CONTROL, GONE, thread, [3] = CAVERN_THREAD_SUSPEND);
    ACCEPTS(THREAD_CONTROL, GOOD_CONTROL, [0] = thread, [3] = end);
    REFUSES(THREAD_CONTROL, DENIED, GOOD_CONTROL, [0] = poor, [3] = end);
    for (uint64_t id = 1000; id; id <<= 20) {
        ACCEPTS(THREAD_CONTROL, GOOD_CONTROL, [0] = CAVERN_SELF_PROCESS, [2] = id, [3] = end);
        REFUSES(THREAD_CONTROL, BAD_ARGUMENT,
                GOOD_CONTROL, [0] = CAVERN_SELF_PROCESS, [2] = id, [3] = CAVERN_THREAD_END);
    }
    CHECK_EQUAL(OBSERVE(t.done), 0);
}

/* --- thread_registers --- */

#define GOOD_REGISTERS thread, [3] = CAVERN_REGISTERS_GENERAL, [4] = t.page, [5] = sizeof(struct cavern_registers)

static void registers_handles(void)
{
    set_up();
    cavern_handle thread = test_thread(stay, NULL, TEST_PRIORITY_LOW);
    const unsigned both = 1u << CAVERN_TYPE_PROCESS | 1u << CAVERN_TYPE_THREAD;
    REFUSES_EACH(THREAD_REGISTERS, BAD_HANDLE, test_not_handles(both), 0, GOOD_REGISTERS);
    REFUSES(THREAD_REGISTERS, DENIED, GOOD_REGISTERS, [0] = test_without(thread, RIGHTS_THREAD, CAVERN_RIGHT_MANAGE));
    REFUSES_EACH(THREAD_REGISTERS, BAD_ARGUMENT, VALUES(0, 3, ~UINT64_C(0)), 2,
                 GOOD_REGISTERS, [0] = CAVERN_SELF_PROCESS);
    REFUSES(THREAD_REGISTERS, BUSY, GOOD_REGISTERS);
    REFUSES(THREAD_REGISTERS, BUSY, GOOD_REGISTERS, [3] = CAVERN_REGISTERS_WRITE);
    REFUSES(THREAD_REGISTERS, BUSY, GOOD_REGISTERS, [0] = CAVERN_SELF_THREAD);
    ACCEPTS(THREAD_CONTROL, thread, [3] = CAVERN_THREAD_SUSPEND);
    ACCEPTS(THREAD_REGISTERS, GOOD_REGISTERS);
    ACCEPTS(THREAD_REGISTERS, GOOD_REGISTERS, [0] = CAVERN_SELF_PROCESS, [2] = 2);
    ACCEPTS(THREAD_CONTROL, thread, [3] = CAVERN_THREAD_END);
    REFUSES(THREAD_REGISTERS, GONE, GOOD_REGISTERS);
}

static void registers_sets_and_memory(void)
{
    static const uint64_t sizes[] = {272, 528, 8};
    set_up();
    cavern_handle thread = test_thread(stay, NULL, TEST_PRIORITY_LOW);
    ACCEPTS(THREAD_CONTROL, thread, [3] = CAVERN_THREAD_SUSPEND);
    for (uint64_t set = 0; set < 3; set++) {
        uint64_t size = sizes[set], write = set | CAVERN_REGISTERS_WRITE;
#define GOOD_SET thread, [3] = set, [4] = t.page, [5] = size
        ACCEPTS(THREAD_REGISTERS, GOOD_SET, [4] = t.page + 4096 - size);
        REFUSES_EACH(THREAD_REGISTERS, BAD_ARGUMENT, VALUES(0, size - 8, size - 1, size + 1, size + 8, ~UINT64_C(0)), 5,
                     GOOD_SET);
        REFUSES_EACH(THREAD_REGISTERS, BAD_ADDRESS, test_unwritable(size), 4, GOOD_SET);
        REFUSES_EACH(THREAD_REGISTERS, BAD_ADDRESS, test_unreadable(size), 4, GOOD_SET, [3] = write);
        REFUSES_EACH(THREAD_REGISTERS, BAD_ADDRESS, test_misaligned(t.page), 4, GOOD_SET);
        REFUSES_EACH(THREAD_REGISTERS, BAD_ADDRESS, test_misaligned(t.page), 4, GOOD_SET, [3] = write);
    }
    REFUSES_EACH(THREAD_REGISTERS, BAD_ARGUMENT, VALUES(3, 4, 0x103, 0x200, UINT64_C(1) << 32, ~UINT64_C(0)), 3,
                 GOOD_REGISTERS);
    ACCEPTS(THREAD_CONTROL, thread, [3] = CAVERN_THREAD_RESUME);
    cavern_sleep_until(cavern_after(CAVERN_MILLISECOND));
    CHECK_EQUAL(OBSERVE(t.done), 1); /* it goes on as it was */
}

const struct test_case test_cases[] = {
    {"process_create: arguments", create_arguments, "[ABI-CALL-3] [ABI-HANDLE-4]"},
    {"process_create: predecessors", create_predecessors, "[PROC-SUCCESSION-2] [PROC-SUCCESSION-4] [ABI-HANDLE-4]"},
    {"process_create: costs memory", create_costs_memory, "[ABI-ERROR-2] [MEM-ACCOUNT-1] [ABI-FAIL-1]"},
    {"process_end: handles", end_handles, "[PROC-END-1] [PROC-END-4] [ABI-HANDLE-4]"},
    {"thread_create: handles", thread_handles, "[PROC-CREATE-3] [ABI-HANDLE-4]"},
    {"thread_create: priorities and masks", thread_priorities_and_masks, "[PROC-THREAD-2] [PROC-THREAD-3]"},
    {"thread_create: starts anywhere", thread_starts_anywhere, "[PROC-THREAD-1] [PROC-FAULT-1] [PROC-FAULT-7]"},
    {"thread_create: costs memory", thread_costs_memory, "[ABI-ERROR-2] [ABI-FAIL-1]"},
    {"thread_control: handles and ids", control_handles, "[PROC-CONTROL-5] [ABI-HANDLE-4]"},
    {"thread_control: operations", control_operations, "[PROC-CONTROL-3] [PROC-CONTROL-4] [ABI-CALL-3]"},
    {"thread_control: forged progress", control_with_progress,
     "[PROC-CONTROL-6] [PROC-CONTROL-5] [ABI-CALL-3] [ABI-SUBMIT-3]"},
    {"thread_registers: handles and states", registers_handles, "[PROC-REGISTERS-2] [PROC-CONTROL-5] [ABI-HANDLE-4]"},
    {"thread_registers: sets and memory", registers_sets_and_memory, "[ABI-REGISTERS-1] [ABI-ADDR-1] [ABI-ADDR-2]"},
    {0},
};

const struct test_peer_function test_peers[] = {{0}};
