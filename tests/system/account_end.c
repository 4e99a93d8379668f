/* SPDX-License-Identifier: BSD-2-Clause */
/* Ending all that is charged to an account. */
#include "test.h"

static struct {
    cavern_handle upper, lower; /* accounts, one below the other */
    struct cavern_queue queue;
} t;

static void set_up(void)
{
    test_queue(&t.queue, 64, 0);
    CHECK_OK(cavern_sys_account_split(test_account(), 0, 6 << 20, TEST_PRIORITY_TOP, &t.upper));
    CHECK_OK(cavern_sys_account_split(t.upper, 0, 3 << 20, TEST_PRIORITY_TOP, &t.lower));
}

/* One that has not run yet, nor will. */
static cavern_handle create(cavern_handle account, uint64_t flags)
{
    cavern_handle process;
    CHECK_OK(cavern_sys_process_create(account, 0, flags, 0, 0, &process));
    return process;
}

static void give(cavern_handle process, cavern_handle handle, uint64_t rights)
{
    cavern_handle given;
    CHECK_OK(cavern_sys_handle_give(process, handle, rights, 0, &given));
}

static uint32_t state(cavern_handle process)
{
    struct cavern_process_info info;
    uint64_t next, written;
    CHECK_OK(cavern_sys_inspect(process, CAVERN_INSPECT_PROCESS, 0, (uintptr_t)&info, sizeof info, &next, &written));
    return info.state;
}

static uint64_t used(cavern_handle account)
{
    struct cavern_account_info info;
    uint64_t next, written;
    CHECK_OK(cavern_sys_inspect(account, CAVERN_INSPECT_ACCOUNT, 0, (uintptr_t)&info, sizeof info, &next, &written));
    return info.used;
}

static void stay(void)
{
    cavern_sleep_until(CAVERN_FOREVER);
}

/* On this account, or the case's own. */
static cavern_handle run(cavern_handle account)
{
    struct cavern_spawn setup = test_peer_setup("stay");
    struct test_peer peer;
    setup.account = account;
    test_peer_start(&setup, &peer);
    return peer.process;
}

static void all_below_end_and_no_other(void)
{
    struct cavern_message message;
    set_up();
    cavern_handle other = run(test_account());
    cavern_handle processes[] = {run(t.upper), run(t.lower), create(t.upper, 0), create(t.lower, 0)};
    enum { COUNT = sizeof processes / sizeof *processes };
    for (unsigned i = 0; i < COUNT; i++)
        CHECK_OK(cavern_sys_notify(processes[i], i, t.queue.handle, CAVERN_NOTIFY_EXIT));
    CHECK_OK(cavern_sys_account_end(t.upper, 77, 0));
    for (unsigned i = 0; i < COUNT; i++)
        CHECK_EQUAL(state(processes[i]), CAVERN_PROCESS_ZOMBIE);
    CHECK_EQUAL(state(other), CAVERN_PROCESS_RUNNING);
    unsigned told = 0;
    for (unsigned i = 0; i < COUNT; i++) {
        test_receive(&t.queue, CAVERN_KIND_EXIT, &message);
        CHECK_EQUAL(test_word(&message, CAVERN_EXIT_REASON), CAVERN_REASON_ENDED);
        CHECK_EQUAL(test_word(&message, CAVERN_EXIT_CODE), 77);
        told |= 1u << message.header.label;
        cavern_queue_release(&t.queue, &message);
    }
    CHECK_EQUAL(told, (1u << COUNT) - 1);
    CHECK_OK(cavern_sys_account_end(t.upper, 78, 0)); /* of nobody */
    test_nothing(&t.queue);
    CHECK_OK(cavern_sys_process_end(other, 0));
}

/* Two hold each other, one itself, and nobody else them. */
static void what_holds_itself_is_untied(void)
{
    set_up();
    cavern_handle one = create(t.lower, 0), two = create(t.lower, 0), self = create(t.lower, CAVERN_PROCESS_KEEP);
    give(one, two, RIGHTS_PROCESS);
    give(two, one, RIGHTS_PROCESS);
    give(self, self, RIGHTS_PROCESS);
    CHECK_OK(cavern_sys_handle_close(one));
    CHECK_OK(cavern_sys_handle_close(two));
    CHECK_OK(cavern_sys_handle_close(self));
    CHECK(used(t.lower) != 0);
    CHECK_OK(cavern_sys_account_end(t.lower, 0, 0));
    uint64_t deadline = cavern_after(CAVERN_SECOND);
    while (used(t.lower)) /* with several CPUs another may be giving it back still */
        CHECK(cavern_now() < deadline);
}

/* What a table holds goes with it, whether it has been kept already, or was to be. */
static void no_table_is_kept(void)
{
    set_up();
    cavern_handle zombie = create(t.upper, CAVERN_PROCESS_KEEP), lives = create(t.lower, CAVERN_PROCESS_KEEP), process;
    cavern_handle queues[2], senders[2];
    for (unsigned i = 0; i < 2; i++) {
        CHECK_OK(cavern_sys_queue_create(CAVERN_SELF_ACCOUNT, 64, 0, 0, &queues[i]));
        CHECK_OK(cavern_sender_mint(queues[i], 0, 9, 0, 0, &senders[i]));
        give(i ? lives : zombie, queues[i], RIGHTS_QUEUE);
        CHECK_OK(cavern_sys_handle_close(queues[i]));
    }
    CHECK_OK(cavern_sys_process_end(zombie, 0));
    CHECK_EQUAL(state(zombie), CAVERN_PROCESS_ZOMBIE);
    for (unsigned i = 0; i < 2; i++)
        CHECK_OK(test_send_word(senders[i], 0));
    CHECK_OK(cavern_sys_account_end(t.upper, 0, 0));
    for (unsigned i = 0; i < 2; i++)
        CHECK_STATUS(test_send_word(senders[i], 0), CAVERN_GONE);
    CHECK_STATUS(cavern_sys_process_create(t.upper, zombie, 0, 0, 0, &process), CAVERN_BUSY);
    CHECK_STATUS(cavern_sys_process_create(t.lower, lives, 0, 0, 0, &process), CAVERN_BUSY);
}

static void not_ones_own(void)
{
    set_up();
    cavern_handle other = create(t.upper, 0);
    CHECK_STATUS(cavern_sys_account_end(test_account(), 0, 0), CAVERN_BAD_ARGUMENT);
    CHECK_EQUAL(state(other), CAVERN_PROCESS_NEW);
}

const struct test_case test_cases[] = {
    {"all below end, and no other", all_below_end_and_no_other, "[MEM-END-1]"},
    {"what holds itself is untied", what_holds_itself_is_untied, "[MEM-END-1] [MEM-ACCOUNT-5]"},
    {"no table is kept", no_table_is_kept, "[MEM-END-2] [PROC-SUCCESSION-2]"},
    {"not one's own", not_ones_own, "[MEM-END-3]"},
    {0},
};

const struct test_peer_function test_peers[] = {{"stay", stay}, {0}};
