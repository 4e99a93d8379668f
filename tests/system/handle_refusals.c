/* SPDX-License-Identifier: BSD-2-Clause */
/* What the calls on handles and accounts refuse. */
#include "refusal.h"

#define GENERATION (UINT64_C(1) << CAVERN_HANDLE_INDEX_BITS)
#define FIRST 0x1000004

static struct {
    cavern_handle process, signal;
    uint64_t page;
} t;

#define LINE 34 /* and the next: nobody has them */
#define GOOD_GIVE t.process, [2] = t.signal, [3] = CAVERN_RIGHT_RAISE
#define GOOD_INSPECT                                                                                                   \
    CAVERN_SELF_PROCESS, [2] = CAVERN_INSPECT_PROCESS, [4] = t.page, [5] = sizeof(struct cavern_process_info)
#define GOOD_SPLIT test_account(), [3] = 4096, [4] = TEST_PRIORITY

static void set_up(void)
{
    t.process = test_process();
    t.page = test_page();
    CHECK_OK(cavern_sys_signal_create(CAVERN_SELF_ACCOUNT, &t.signal));
}

/* --- handle_give, handle_close --- */

static void give_handles(void)
{
    set_up();
    REFUSES_EACH(HANDLE_GIVE, BAD_HANDLE, NOT(PROCESS), 0, GOOD_GIVE);
    REFUSES(HANDLE_GIVE, DENIED, GOOD_GIVE, [0] = test_without(t.process, RIGHTS_PROCESS, CAVERN_RIGHT_MANAGE));
    REFUSES(HANDLE_GIVE, GONE, GOOD_GIVE, [0] = test_ended_process(0));
    REFUSES(HANDLE_GIVE, GONE, GOOD_GIVE, [0] = test_ended_process(CAVERN_PROCESS_KEEP));
    REFUSES_EACH(HANDLE_GIVE, BAD_HANDLE, NO_HANDLE, 2, GOOD_GIVE);
    REFUSES(HANDLE_GIVE, DENIED, GOOD_GIVE, [2] = CAVERN_SELF_ACCOUNT, [3] = CAVERN_RIGHT_CHARGE); /* without COPY */
}

static void give_rights(void)
{
    set_up();
    REFUSES(HANDLE_GIVE, DENIED, GOOD_GIVE, [2] = test_without(t.signal, RIGHTS_SIGNAL, CAVERN_RIGHT_COPY));
    REFUSES(HANDLE_GIVE, DENIED, GOOD_GIVE, [2] = test_without(t.signal, RIGHTS_SIGNAL, CAVERN_RIGHT_RAISE));
    for (unsigned bit = 0; bit < 64; bit++)
        if (!(RIGHTS_SIGNAL >> bit & 1))
            REFUSES(HANDLE_GIVE, DENIED, GOOD_GIVE, [3] = CAVERN_RIGHT_RAISE | UINT64_C(1) << bit);
    CHECK_EQUAL(ACCEPTS(HANDLE_GIVE, GOOD_GIVE, [3] = 0), FIRST); /* the first that came there */
}

static void give_wanted_values(void)
{
    set_up();
    REFUSES_EACH(HANDLE_GIVE, BAD_ARGUMENT,
                 VALUES(1, FIRST - GENERATION, CAVERN_SELF_PROCESS, CAVERN_SELF_THREAD + GENERATION, GENERATION,
                        FIRST + 257, FIRST + 131072, 2 * GENERATION - 1, ~UINT64_C(0)),
                 4, GOOD_GIVE);
    CHECK_EQUAL(ACCEPTS(HANDLE_GIVE, GOOD_GIVE, [4] = FIRST + 256), FIRST + 256);
    REFUSES(HANDLE_GIVE, EXISTS, GOOD_GIVE, [4] = FIRST + 256);
    REFUSES(HANDLE_GIVE, EXISTS, GOOD_GIVE, [4] = FIRST + 256 + GENERATION);
}

/* Closed in the own table, so that the generation goes on. */
static void give_generations(void)
{
    set_up();
    cavern_handle copy = ACCEPTS(HANDLE_GIVE, GOOD_GIVE, [0] = CAVERN_SELF_PROCESS);
    ACCEPTS(HANDLE_CLOSE, copy);
    REFUSES(HANDLE_GIVE, BAD_ARGUMENT, GOOD_GIVE, [0] = CAVERN_SELF_PROCESS, [4] = copy); /* has been passed */
    ACCEPTS(HANDLE_GIVE, GOOD_GIVE, [0] = CAVERN_SELF_PROCESS, [4] = copy + 1000 * GENERATION);
    ACCEPTS(HANDLE_CLOSE, copy + 1000 * GENERATION);
    REFUSES(HANDLE_GIVE, BAD_ARGUMENT, GOOD_GIVE, [0] = CAVERN_SELF_PROCESS, [4] = copy + 1000 * GENERATION);
}

/* Charged to the one that it is given to. */
static void give_costs_memory(void)
{
    cavern_handle account = test_split(1 << 20), buffer = test_buffer(8192);
    set_up();
    t.process = ACCEPTS(PROCESS_CREATE, account);
    test_exhaust_account(account);
    REFUSES(HANDLE_GIVE, NO_MEMORY, GOOD_GIVE, [2] = buffer, [3] = CAVERN_RIGHT_READ);
    for (unsigned i = 0; i < 252; i++) /* what a table of one leaf holds */
        ACCEPTS(HANDLE_GIVE, GOOD_GIVE);
    REFUSES(HANDLE_GIVE, NO_MEMORY, GOOD_GIVE);
}

static void close_handles(void)
{
    set_up();
    REFUSES_EACH(HANDLE_CLOSE, BAD_HANDLE, NO_HANDLE, 0, 0);
    REFUSES_EACH(HANDLE_CLOSE, DENIED, VALUES(CAVERN_SELF_PROCESS, CAVERN_SELF_ACCOUNT, CAVERN_SELF_THREAD), 0, 0);
    ACCEPTS(HANDLE_CLOSE, t.signal);
    REFUSES(HANDLE_CLOSE, BAD_HANDLE, t.signal);
}

/* --- inspect --- */

static void inspect_handles_and_topics(void)
{
    set_up();
    REFUSES_EACH(INSPECT, BAD_HANDLE, NO_HANDLE, 0, GOOD_INSPECT);
    REFUSES(INSPECT, DENIED, GOOD_INSPECT, [0] = test_without(t.process, RIGHTS_PROCESS, CAVERN_RIGHT_INSPECT));
    REFUSES_EACH(INSPECT, BAD_ARGUMENT,
                 VALUES(test_account(), CAVERN_SELF_THREAD, t.signal, test_buffer(4096),
                        test_handle(CAVERN_STARTUP_INTERRUPTS), test_handle(CAVERN_STARTUP_MACHINE)),
                 0, GOOD_INSPECT);
    REFUSES_EACH(INSPECT, BAD_ARGUMENT,
                 VALUES(0, CAVERN_INSPECT_ACCOUNT, CAVERN_INSPECT_PROCESSES, CAVERN_INSPECT_THREADS,
                        CAVERN_INSPECT_MACHINE, CAVERN_INSPECT_BUFFER, CAVERN_INSPECT_CPUS, 255, 0x100000004,
                        ~UINT64_C(0)),
                 2, GOOD_INSPECT);
}

/* What each topic is about, and how large its records are. */
static struct {
    cavern_handle handle;
    uint64_t size;
} topics[] = {
    [CAVERN_INSPECT_ACCOUNT] = {CAVERN_SELF_ACCOUNT, sizeof(struct cavern_account_info)},
    [CAVERN_INSPECT_PROCESSES] = {CAVERN_SELF_ACCOUNT, sizeof(struct cavern_process_info)},
    [CAVERN_INSPECT_THREADS] = {CAVERN_SELF_ACCOUNT, sizeof(struct cavern_thread_info)},
    [CAVERN_INSPECT_PROCESS] = {CAVERN_SELF_PROCESS, sizeof(struct cavern_process_info)},
    [CAVERN_INSPECT_MACHINE] = {0, sizeof(struct cavern_machine_info)},
    [CAVERN_INSPECT_BUFFER] = {0, sizeof(struct cavern_buffer_info)},
    [CAVERN_INSPECT_DMA] = {0, sizeof(struct cavern_dma_info)},
    [CAVERN_INSPECT_CPUS] = {0, sizeof(struct cavern_cpu_info)},
    [CAVERN_INSPECT_INTERRUPTS] = {0, sizeof(struct cavern_interrupt_info)},
};

#define TOPICS (sizeof topics / sizeof *topics)
#define GOOD_TOPIC topics[topic].handle, [2] = topic, [4] = t.page, [5] = topics[topic].size

/* With two lines that somebody has, so that the list of them can be cut. */
static void set_up_topics(void)
{
    cavern_handle lines[2], machine = test_handle(CAVERN_STARTUP_MACHINE);
    set_up();
    for (unsigned i = 0; i < 2; i++)
        CHECK_OK(
            cavern_sys_derive(test_handle(CAVERN_STARTUP_INTERRUPTS), LINE + i, 1, 0, CAVERN_SELF_ACCOUNT, &lines[i]));
    topics[CAVERN_INSPECT_MACHINE].handle = topics[CAVERN_INSPECT_CPUS].handle = machine;
    topics[CAVERN_INSPECT_INTERRUPTS].handle = machine;
    topics[CAVERN_INSPECT_BUFFER].handle = test_buffer(4096);
    topics[CAVERN_INSPECT_DMA].handle = test_handle(CAVERN_STARTUP_DMA);
}

/* Each topic on what each other is about, and numbers that are none. */
static void inspect_topics(void)
{
    set_up_topics();
    for (uint64_t on = 1; on < TOPICS; on++)
        for (uint64_t topic = 0; topic < TOPICS + 2; topic++)
            if (topic && topic < TOPICS && topics[topic].handle == topics[on].handle)
                ACCEPTS(INSPECT, GOOD_TOPIC);
            else
                REFUSES(INSPECT, BAD_ARGUMENT, topics[on].handle, [2] = topic, [4] = t.page, [5] = 4096);
}

static void inspect_memory(void)
{
    set_up_topics();
    for (uint64_t topic = 1; topic < TOPICS; topic++) {
        uint64_t size = topics[topic].size;
        REFUSES_EACH(INSPECT, BAD_ARGUMENT, VALUES(0, 1, size - 1), 5, GOOD_TOPIC);
        REFUSES_EACH(INSPECT, BAD_ADDRESS, test_unwritable(size), 4, GOOD_TOPIC);
        REFUSES_EACH(INSPECT, BAD_ADDRESS, test_misaligned(t.page), 4, GOOD_TOPIC);
        ACCEPTS(INSPECT, GOOD_TOPIC, [4] = t.page + 4096 - size);
        memset((void *)t.page, 0x5a, 4096);
        ACCEPTS(INSPECT, GOOD_TOPIC, [3] = ~UINT64_C(0)); /* a cursor behind everything */
        CHECK_EQUAL(*(uint64_t *)t.page, 0x5a5a5a5a5a5a5a5a);
        ACCEPTS(INSPECT, GOOD_TOPIC, [5] = ~UINT64_C(0)); /* more memory than there is, of which a record is used */
    }
}

/* The first record is there, the second not. */
static void inspect_memory_ends(void)
{
    static const uint64_t lists[] = {CAVERN_INSPECT_INTERRUPTS, CAVERN_INSPECT_CPUS};
    set_up_topics();
    for (unsigned i = 0; i < (test_cpus() > 1 ? 2 : 1); i++) {
        uint64_t topic = lists[i], size = topics[topic].size;
        REFUSES(INSPECT, BAD_ADDRESS, GOOD_TOPIC, [4] = t.page + 4096 - size, [5] = 2 * size);
        REFUSES(INSPECT, BAD_ADDRESS, GOOD_TOPIC, [4] = t.page + 4096 - size, [5] = ~UINT64_C(0));
        ACCEPTS(INSPECT, GOOD_TOPIC, [4] = t.page + 4096 - 2 * size, [5] = 2 * size);
    }
}

/* --- account_split --- */

static void split_handles(void)
{
    cavern_handle child = test_split(4096), grandchild = 0;
    REFUSES_EACH(ACCOUNT_SPLIT, BAD_HANDLE, NOT(ACCOUNT), 0, GOOD_SPLIT);
    REFUSES(ACCOUNT_SPLIT, DENIED, GOOD_SPLIT, [0] = CAVERN_SELF_ACCOUNT);
    REFUSES(ACCOUNT_SPLIT, DENIED, GOOD_SPLIT, [2] = test_without(child, RIGHTS_ACCOUNT, CAVERN_RIGHT_MANAGE));
    struct test_values bad = NOT(ACCOUNT);
    bad.value[0] = 1; /* 0 means a new one */
    REFUSES_EACH(ACCOUNT_SPLIT, BAD_HANDLE, bad, 2, GOOD_SPLIT);
    CHECK_OK(cavern_sys_account_split(test_account(), child, 1 << 20, TEST_PRIORITY, &child));
    CHECK_OK(cavern_sys_account_split(child, 0, 4096, TEST_PRIORITY, &grandchild));
    REFUSES(ACCOUNT_SPLIT, BAD_ARGUMENT, GOOD_SPLIT, [2] = grandchild);
    REFUSES(ACCOUNT_SPLIT, BAD_ARGUMENT, GOOD_SPLIT, [2] = test_account()); /* not below itself */
    ACCEPTS(ACCOUNT_SPLIT, GOOD_SPLIT, [2] = child);
}

static void split_bytes(void)
{
    cavern_handle child = test_split(8192);
    const uint64_t least = UINT64_C(1) << 63; /* the most negative */
    REFUSES_EACH(ACCOUNT_SPLIT, BAD_ARGUMENT, VALUES(-UINT64_C(1), -UINT64_C(4096), least, least + 1), 3, GOOD_SPLIT);
    REFUSES_EACH(ACCOUNT_SPLIT, NO_MEMORY, VALUES(1 << 30, UINT64_C(1) << 62, least - 1), 3, GOOD_SPLIT);
    REFUSES_EACH(ACCOUNT_SPLIT, NO_MEMORY, VALUES(1 << 30, UINT64_C(1) << 62, least - 1), 3, GOOD_SPLIT, [2] = child);
    REFUSES_EACH(ACCOUNT_SPLIT, BUSY, VALUES(-UINT64_C(8193), least + 1, least), 3, GOOD_SPLIT, [2] = child);
    ACCEPTS(ACCOUNT_SPLIT, GOOD_SPLIT, [2] = child, [3] = -UINT64_C(8192));
    ACCEPTS(ACCOUNT_SPLIT, GOOD_SPLIT, [2] = child, [3] = 0);
    REFUSES(ACCOUNT_SPLIT, BUSY, GOOD_SPLIT, [2] = child, [3] = -UINT64_C(1));
}

static void split_priorities(void)
{
    cavern_handle child = test_split(8192), out;
    CHECK_OK(cavern_sys_account_split(test_account(), child, 0, TEST_PRIORITY_TOP, &out));
    for (uint64_t priority = TEST_PRIORITY_TOP + 1; priority < 32; priority++) {
        REFUSES(ACCOUNT_SPLIT, DENIED, GOOD_SPLIT, [4] = priority);
        REFUSES(ACCOUNT_SPLIT, DENIED, GOOD_SPLIT, [2] = child, [4] = priority);
    }
    REFUSES_EACH(ACCOUNT_SPLIT, BAD_ARGUMENT, VALUES(32, 255, 256, 256 + 5, UINT64_C(1) << 32, ~UINT64_C(0)), 4,
                 GOOD_SPLIT);
    ACCEPTS(ACCOUNT_SPLIT, GOOD_SPLIT, [4] = 0);
    ACCEPTS(ACCOUNT_SPLIT, GOOD_SPLIT, [4] = TEST_PRIORITY_TOP);
}

/* The runner's account stands one below the root, so 31 more go under it. */
static void split_depth(void)
{
    cavern_handle account = test_account(), below;
    for (unsigned depth = 1; depth < 32; depth++, account = below)
        CHECK_OK(cavern_sys_account_split(account, 0, (32 - depth) * 8192, TEST_PRIORITY, &below));
    REFUSES(ACCOUNT_SPLIT, BAD_ARGUMENT, GOOD_SPLIT, [0] = account, [3] = 0);
}

static void split_costs_memory(void)
{
    cavern_handle empty = test_split(0), little = test_split(1 << 16);
    REFUSES(ACCOUNT_SPLIT, NO_MEMORY, GOOD_SPLIT, [0] = empty, [3] = 0); /* the record of the new one */
    REFUSES(ACCOUNT_SPLIT, NO_MEMORY, GOOD_SPLIT, [0] = little, [3] = 1 << 16);
    test_exhaust();
    REFUSES(ACCOUNT_SPLIT, NO_MEMORY, GOOD_SPLIT, [0] = little); /* no place for the handle */
}

/* --- account_end --- */

static void end_accounts(void)
{
    cavern_handle child = test_split(1 << 20);
    REFUSES_EACH(ACCOUNT_END, BAD_HANDLE, NOT(ACCOUNT), 0, child);
    REFUSES(ACCOUNT_END, DENIED, CAVERN_SELF_ACCOUNT);
    REFUSES(ACCOUNT_END, DENIED, test_without(child, RIGHTS_ACCOUNT, CAVERN_RIGHT_MANAGE));
    REFUSES(ACCOUNT_END, BAD_ARGUMENT, test_account()); /* the case would end itself */
    ACCEPTS(ACCOUNT_END, child);
    ACCEPTS(ACCOUNT_END, child, [3] = ~UINT64_C(0), [4] = ~UINT64_C(0));
}

const struct test_case test_cases[] = {
    {"handle_give: handles", give_handles, "[ABI-HANDLE-4] [ABI-HANDLE-8] [PROC-CREATE-3] [ABI-ERROR-2]"},
    {"handle_give: rights", give_rights, "[ABI-HANDLE-8] [PROC-CREATE-1]"},
    {"handle_give: wanted values", give_wanted_values, "[ABI-GIVE-1]"},
    {"handle_give: generations", give_generations, "[ABI-GIVE-1] [ABI-GIVE-2] [ABI-HANDLE-3]"},
    {"handle_give: costs memory", give_costs_memory, "[ABI-ERROR-2] [MEM-ACCOUNT-7] [ABI-FAIL-1]"},
    {"handle_close: handles", close_handles, "[ABI-HANDLE-3] [ABI-HANDLE-6]"},
    {"inspect: handles and topics", inspect_handles_and_topics, "[ABI-INSPECT-2] [ABI-HANDLE-4]"},
    {"inspect: topics", inspect_topics, "[ABI-INSPECT-2]"},
    {"inspect: memory", inspect_memory, "[ABI-INSPECT-1] [ABI-INSPECT-2] [ABI-ADDR-1] [ABI-ADDR-2]"},
    {"inspect: memory that ends early", inspect_memory_ends, "[ABI-INSPECT-4] [ABI-ADDR-2]"},
    {"account_split: handles", split_handles, "[MEM-ACCOUNT-4] [ABI-HANDLE-4] [ABI-HANDLE-5]"},
    {"account_split: bytes", split_bytes, "[MEM-ACCOUNT-2] [MEM-ACCOUNT-3]"},
    {"account_split: priorities", split_priorities, "[MEM-ACCOUNT-4]"},
    {"account_split: depth", split_depth, "[MEM-ACCOUNT-4]"},
    {"account_end: handles", end_accounts, "[MEM-END-3] [ABI-HANDLE-4]"},
    {"account_split: costs memory", split_costs_memory, "[ABI-ERROR-2] [MEM-ACCOUNT-1] [ABI-FAIL-1]"},
    {0},
};

const struct test_peer_function test_peers[] = {{0}};
