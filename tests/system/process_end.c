/* SPDX-License-Identifier: BSD-2-Clause */
/* How processes begin and end, and what is told of it. */
#include "test.h"

static void inspect(cavern_handle process, struct cavern_process_info *info)
{
    uint64_t next, written;
    CHECK_OK(cavern_sys_inspect(process, CAVERN_INSPECT_PROCESS, 0, (uintptr_t)info, sizeof *info, &next, &written));
    CHECK_EQUAL(next, 0);
    CHECK_EQUAL(written, sizeof *info);
}

static void exit_with_42(void)
{
    (void)!cavern_sys_process_end(CAVERN_SELF_PROCESS, 42);
}

static void stay(void)
{
    cavern_sleep_until(CAVERN_FOREVER);
}

static void end_thread_with_9(void)
{
    (void)!cavern_sys_thread_control(CAVERN_SELF_THREAD, 0, CAVERN_THREAD_END, 9, 0);
}

static void expect(struct test_peer *peer, uint64_t reason, uint64_t code)
{
    uint64_t words[5];
    test_peer_exit(peer, words, false);
    CHECK_EQUAL(words[CAVERN_EXIT_REASON], reason);
    CHECK_EQUAL(words[CAVERN_EXIT_CODE], code);
    CHECK_EQUAL(words[CAVERN_EXIT_FAULT], 0);
    CHECK_EQUAL(words[CAVERN_EXIT_PC], 0);
    CHECK_EQUAL(words[CAVERN_EXIT_ADDRESS], 0);
}

static void reasons_and_codes(void)
{
    struct test_peer peer;
    test_peer("exit_with_42", NULL, 0, &peer);
    expect(&peer, CAVERN_REASON_EXITED, 42);
    test_peer("end_thread_with_9", NULL, 0, &peer);
    expect(&peer, CAVERN_REASON_THREADS, 9);
    test_peer("stay", NULL, 0, &peer);
    CHECK_OK(cavern_sys_process_end(peer.process, 7));
    CHECK_OK(cavern_sys_process_end(peer.process, 8)); /* changes nothing */
    expect(&peer, CAVERN_REASON_ENDED, 7);
    CHECK_OK(cavern_sys_process_end(peer.process, 8));
}

static void zombie_can_be_inspected(void)
{
    struct cavern_process_info alive, dead;
    struct test_peer peer;
    uint64_t words[5];
    test_peer("stay", NULL, 0, &peer);
    inspect(peer.process, &alive);
    CHECK_EQUAL(alive.state, CAVERN_PROCESS_RUNNING);
    CHECK_EQUAL(alive.threads, 1);
    CHECK(strcmp(alive.name, "stay") == 0);
    CHECK_OK(cavern_sys_process_end(peer.process, 5));
    test_peer_exit(&peer, words, false);
    inspect(peer.process, &dead);
    CHECK_EQUAL(dead.state, CAVERN_PROCESS_ZOMBIE);
    CHECK_EQUAL(dead.id, alive.id);
    CHECK_EQUAL(dead.threads, 0);
    CHECK_EQUAL(dead.handles, 0);
    CHECK(strcmp(dead.name, "stay") == 0);
    CHECK(memcmp(dead.exit_words, words, sizeof words) == 0);
    CHECK_OK(cavern_sys_handle_close(peer.process));
}

static void dead_processes_take_nothing(void)
{
    struct test_peer peer;
    cavern_handle signal, queue, out;
    uint64_t words[5];
    test_peer("exit_with_42", NULL, 0, &peer);
    test_peer_exit(&peer, words, false);
    CHECK_OK(cavern_sys_signal_create(CAVERN_SELF_ACCOUNT, &signal));
    CHECK_OK(cavern_sys_queue_create(CAVERN_SELF_ACCOUNT, 64, 0, 0, &queue));
    CHECK_STATUS(cavern_sys_handle_give(peer.process, signal, CAVERN_RIGHT_RAISE, 0, &out), CAVERN_GONE);
    CHECK_STATUS(cavern_sys_thread_create(peer.process, TEST_PRIORITY, 0x400000, 0, 0, 0, 0, 0, &out), CAVERN_GONE);
    CHECK_STATUS(cavern_sys_queue_bind(queue, peer.process, 0, words, words, words), CAVERN_GONE);
    cavern_handle buffer;
    CHECK_OK(cavern_buffer_create(CAVERN_SELF_ACCOUNT, 4096, 0, &buffer));
    CHECK_STATUS(cavern_sys_map(peer.process, buffer, 0, 4096, 0, CAVERN_PROT_READ, &out), CAVERN_GONE);
}

static void new_process_has_nothing(void)
{
    struct cavern_process_info info, other;
    cavern_handle process, second;
    struct cavern_process_name name = cavern_process_name("a-name-that-is-longer-than-it-may-be");
    CHECK_OK(cavern_sys_process_create(test_account(), 0, 0, name.words[0], name.words[1], &process));
    CHECK_OK(cavern_sys_process_create(test_account(), 0, 0, 0, 0, &second));
    inspect(process, &info);
    inspect(second, &other);
    CHECK_EQUAL(info.state, CAVERN_PROCESS_NEW);
    CHECK_EQUAL(info.threads, 0);
    CHECK_EQUAL(info.mapped, 0);
    CHECK(strcmp(info.name, "a-name-that-is-") == 0);
    CHECK(other.id > info.id);
    CHECK_OK(cavern_sys_process_end(process, 0)); /* without ever having had a thread */
    inspect(process, &info);
    CHECK_EQUAL(info.state, CAVERN_PROCESS_ZOMBIE);
}

/* Makes one of everything and dies with all of it. */
static void make_much(void)
{
    struct cavern_queue queue;
    test_queue(&queue, 256, 32);
    for (unsigned i = 0; i < 100; i++) {
        cavern_handle signal;
        cavern_handle sender = test_sender(&queue, i);
        CHECK_OK(cavern_sys_signal_create(CAVERN_SELF_ACCOUNT, &signal));
        CHECK_OK(cavern_sys_notify(signal, i, queue.handle, 0));
        CHECK_OK(cavern_sys_signal_raise(signal));
        (void)!test_request_word(sender, i, i, &queue, NULL);
        ((volatile char *)test_memory(3 * 4096))[4096] = 1;
    }
    *(volatile int *)(uintptr_t)1 = 1;
}

static void ending_gives_everything_back(void)
{
    struct cavern_account_info info;
    uint64_t next, written, words[5];
    for (unsigned i = 0; i < 5; i++) {
        struct cavern_spawn setup = test_peer_setup("make_much");
        struct cavern_spawn_handle report = test_give(TEST_REPORT, test_handle(TEST_REPORT), RIGHTS_SENDER);
        struct test_peer peer;
        CHECK_OK(cavern_sys_account_split(test_account(), 0, 4 << 20, TEST_PRIORITY_TOP, &setup.account));
        setup.handles = &report;
        setup.handle_count = 1;
        test_peer_start(&setup, &peer);
        test_peer_exit(&peer, words, true);
        CHECK_EQUAL(words[CAVERN_EXIT_FAULT], CAVERN_FAULT_DATA_UNMAPPED);
        CHECK_OK(cavern_sys_inspect(setup.account, CAVERN_INSPECT_ACCOUNT, 0, (uintptr_t)&info, sizeof info, &next,
                                    &written));
        CHECK_EQUAL(info.used, 0);
        CHECK_EQUAL(info.objects, 0);
        CHECK_OK(cavern_sys_handle_close(setup.account));
    }
}

static struct cavern_queue naps;
static uint64_t nap_until = CAVERN_FOREVER;

static void nap(void *argument)
{
    struct cavern_received received;
    (void)argument;
    for (;;)
        if (cavern_sys_receive(naps.handle, nap_until, &received) == CAVERN_TIMEOUT)
            nap_until = CAVERN_FOREVER; /* who asked for it came too late to take it back */
}

/* Nobody waits for a deadline any more, but the timer still stands at it when the ending is under way. */
static void old_timer_holds_no_end_up(void)
{
    test_queue(&naps, 64, 0);
    cavern_handle wake = test_sender(&naps, 0);
    test_thread(nap, NULL, TEST_PRIORITY_HIGH);
    for (unsigned i = 1; i < 40; i++) {
        struct test_peer peer;
        uint64_t words[5];
        test_peer("stay", NULL, 0, &peer);
        nap_until = cavern_after(i * 10 * CAVERN_MICROSECOND);
        CHECK_OK(test_send_word(wake, 0));
        nap_until = CAVERN_FOREVER;
        CHECK_OK(test_send_word(wake, 0));
        CHECK_OK(cavern_sys_process_end(peer.process, 0));
        test_peer_exit(&peer, words, true); /* long before a second has gone */
    }
}

static void failed_spawn_leaves_nothing(void)
{
    cavern_handle process;
    struct cavern_spawn setup = test_peer_setup("stay");
    struct cavern_spawn_handle bad = test_give("bad", 0x123, CAVERN_RIGHT_SEND);
    uint64_t used = test_used(); /* with the queue for exits, which the set-up made */
    setup.handles = &bad;
    setup.handle_count = 1;
    CHECK_STATUS(cavern_spawn(&setup, &process), CAVERN_BAD_HANDLE);
    CHECK(test_used() <= used + 2 * 4096); /* page tables of what was mapped here */
    setup.handle_count = 0;
    setup.image_size = 100;
    CHECK_STATUS(cavern_spawn(&setup, &process), CAVERN_CORRUPT);
    setup = test_peer_setup("stay");
    setup.priority = TEST_PRIORITY_TOP + 1;
    CHECK_STATUS(cavern_spawn(&setup, &process), CAVERN_DENIED);
    setup = test_peer_setup("stay");
    CHECK_OK(cavern_sys_account_split(test_account(), 0, 64 * 1024, TEST_PRIORITY_TOP, &setup.account));
    CHECK_STATUS(cavern_spawn(&setup, &process), CAVERN_NO_MEMORY);
    CHECK_OK(cavern_sys_handle_close(setup.account));
    CHECK(test_used() <= used + 4 * 4096);
}

const struct test_case test_cases[] = {
    {"reasons and codes", reasons_and_codes, "[PROC-END-1] [PROC-END-2]"},
    {"a zombie can be inspected", zombie_can_be_inspected, "[PROC-END-4]"},
    {"dead processes take nothing", dead_processes_take_nothing, "[PROC-CREATE-3]"},
    {"a new process has nothing", new_process_has_nothing, "[PROC-CREATE-1] [PROC-CREATE-2] [PROC-END-2]"},
    {"ending gives everything back", ending_gives_everything_back, "[PROC-END-3] [MEM-ACCOUNT-6] [MEM-ACCOUNT-5]"},
    {"an old timer holds no end up", old_timer_holds_no_end_up, "[PROC-END-3]"},
    {"a spawn that fails leaves nothing", failed_spawn_leaves_nothing, "[PROC-THREAD-2] [MEM-ACCOUNT-6]"},
    {0},
};

const struct test_peer_function test_peers[] = {
    {"exit_with_42", exit_with_42},
    {"stay", stay},
    {"end_thread_with_9", end_thread_with_9},
    {"make_much", make_much},
    {0},
};
