/* SPDX-License-Identifier: BSD-2-Clause */
/* How processes begin and end, and what is told of it. */
#include <cavern/thread.h>

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
    CHECK_STATUS(cavern_sys_process_create(test_account(), 0, 2, 0, 0, &second), CAVERN_BAD_ARGUMENT);
    CHECK_STATUS(cavern_sys_process_create(test_account(), process, 0, 0, 0, &second), CAVERN_BUSY);
    CHECK_OK(cavern_sys_process_create(test_account(), 0, 0, 0, 0, &second));
    inspect(process, &info);
    inspect(second, &other);
    CHECK_EQUAL(info.state, CAVERN_PROCESS_NEW);
    CHECK_EQUAL(info.threads, 0);
    CHECK_EQUAL(info.mapped, 0);
    CHECK(strcmp(info.name, "a-name-that-is-") == 0);
    CHECK_EQUAL(other.id, info.id + 1);
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

/* --- who is told of an end --- */

static enum cavern_status notify_exit(cavern_handle process, cavern_handle to)
{
    return cavern_sys_notify(process, 21, to, CAVERN_NOTIFY_EXIT);
}

/* Neither one's own end nor another's can be kept from who is told. */
static void hide_ends(void)
{
    struct cavern_queue queue;
    test_queue(&queue, 64, 0);
    for (unsigned i = 0; i < 2; i++) {
        CHECK_STATUS(notify_exit(CAVERN_SELF_PROCESS, i ? queue.handle : 0), CAVERN_DENIED);
        CHECK_STATUS(notify_exit(test_handle("other"), i ? queue.handle : 0), CAVERN_DENIED);
    }
}

static void take_over(void)
{
    struct cavern_queue queue;
    struct cavern_message message;
    test_queue(&queue, 64, 0);
    CHECK_OK(notify_exit(test_handle("other"), queue.handle));
    test_receive(&queue, CAVERN_KIND_EXIT, &message);
    CHECK_EQUAL(message.header.label, 21);
}

static void end_stays_with_who_is_told(void)
{
    struct test_peer other, peer;
    struct cavern_queue queue;
    uint64_t ring, control, bound;
    test_queue(&queue, 64, 0);
    test_peer("stay", NULL, 0, &other);
    struct cavern_spawn_handle row = test_give("other", other.process, RIGHTS_PROCESS);
    test_peer("hide_ends", &row, 1, &peer);
    test_peer_done(&peer);
    CHECK_OK(notify_exit(other.process, queue.handle)); /* to another of the same process */
    test_peer("hide_ends", &row, 1, &peer);
    test_peer_done(&peer);
    CHECK_OK(cavern_sys_queue_bind(queue.handle, 0, 0, &ring, &control, &bound));
    test_peer("take_over", &row, 1, &peer);
    CHECK_STATUS(notify_exit(other.process, queue.handle), CAVERN_DENIED);
    CHECK_OK(cavern_sys_process_end(other.process, 0));
    test_peer_done(&peer);
}

/* --- in which order --- */

static cavern_handle mint_closed(cavern_handle source, uint64_t label)
{
    cavern_handle sender;
    CHECK_OK(cavern_sender_mint(source, label, 1, 1, CAVERN_MINT_CLOSED, &sender));
    return sender;
}

/* Sends these two, in this order, and keeps no handle to them. */
static void grant(cavern_handle to, cavern_handle first, cavern_handle second)
{
    struct cavern_grant grants[] = {{first, CAVERN_RIGHT_SEND}, {second, CAVERN_RIGHT_SEND}};
    CHECK_OK(cavern_send(to, &(struct cavern_outgoing){.grants = grants, .grant_count = 2}));
    cavern_handle_close(first);
    cavern_handle_close(second);
}

/* Ends with four senders on their way, the last handle to a queue, and two senders behind it in its table. */
static void leave_much(void)
{
    cavern_handle source = test_handle("source"), to = test_handle("to");
    CHECK(mint_closed(source, 5) < mint_closed(source, 4));
    cavern_handle senders[4];
    for (unsigned i = 0; i < 4; i++)
        senders[i] = mint_closed(source, i);
    grant(to, senders[2], senders[0]);
    grant(to, senders[3], senders[1]);
}

static void ends_go_in_order(void)
{
    static const uint64_t labels[] = {2, 0, 3, 1, 5, 4};
    struct cavern_queue told, box;
    struct cavern_message message;
    struct test_peer peer;
    cavern_handle queue;
    test_queue(&told, 64, 0);
    test_queue(&box, 64, 0);
    CHECK_OK(cavern_sys_queue_create(CAVERN_SELF_ACCOUNT, 64, 4, 0, &queue));
    cavern_handle asked;
    CHECK_OK(cavern_sender_mint(queue, 0, 4, 4, 0, &asked));
    CHECK_OK(test_request_word(asked, 9, 0, &told, NULL));
    struct cavern_spawn_handle rows[] = {
        test_give("queue", queue, RIGHTS_QUEUE),
        test_give("source", test_sender(&told, 0), RIGHTS_SENDER),
        test_give("to", test_sender(&box, 0), RIGHTS_SENDER),
    };
    struct cavern_spawn setup = test_peer_setup("leave_much");
    setup.priority = TEST_PRIORITY_LOW; /* not before the queue's handle here is closed */
    setup.handles = rows;
    setup.handle_count = sizeof rows / sizeof *rows;
    test_peer_start(&setup, &peer);
    cavern_handle_close(queue);
    test_peer_done(&peer);
    for (unsigned i = 0; i < sizeof labels / sizeof *labels; i++) {
        test_receive(&told, CAVERN_KIND_CLOSED, &message);
        CHECK_EQUAL(message.header.label, labels[i]);
        cavern_queue_release(&told, &message);
    }
    test_receive(&told, CAVERN_KIND_ABANDONED, &message);
    CHECK_EQUAL(message.header.label, 9);
    test_nothing(&told);
}

static uint64_t occupy(void *argument)
{
    (void)argument;
    for (;;)
        __asm__ volatile("yield"); /* QEMU goes on with another CPU */
}

/* Ends when the kernel looks at its queue: at a priority of its own, whoever made it look. */
static void lie(void)
{
    struct cavern_queue queue;
    CHECK_OK(cavern_queue_open(CAVERN_STARTUP_QUEUE, &queue));
    PUBLISH(queue.control->taken, 1);
    stay();
}

static void set_priority(unsigned priority)
{
    CHECK_OK(cavern_sys_thread_control(CAVERN_SELF_THREAD, 0, CAVERN_THREAD_SET, priority, TEST_CPUS));
}

static void start_liar(struct test_peer *peer, unsigned priority, cavern_handle *sender)
{
    struct cavern_spawn setup = test_peer_setup("lie");
    setup.priority = (uint8_t)priority;
    CHECK_OK(cavern_sys_queue_create(CAVERN_SELF_ACCOUNT, 64, 0, 0, &setup.queue));
    CHECK_OK(cavern_sender_mint(setup.queue, 0, 1, 0, 0, sender));
    test_peer_start(&setup, peer);
}

/* All are begun from above them, so that none runs before the last has been. Other CPUs have something else to do. */
static void ends_go_by_priority(void)
{
    static const unsigned priorities[] = {8, 15, 18, 7, 15, 9};
    static const unsigned order[] = {3, 2, 1, 4, 5, 0};
    enum { COUNT = sizeof order / sizeof *order, WANTED = 3 };
    struct test_peer peers[COUNT];
    cavern_handle senders[COUNT], process;
    for (unsigned cpu = 1; cpu < test_cpus(); cpu++) {
        struct cavern_thread_setup setup = {.priority = TEST_PRIORITY_TOP, .stack = 4096, .cpus = UINT64_C(1) << cpu};
        struct cavern_thread *thread;
        CHECK_OK(cavern_thread_start(occupy, NULL, &setup, &thread));
    }
    for (unsigned i = 0; i < COUNT; i++)
        start_liar(&peers[i], priorities[i], &senders[i]);
    cavern_sleep_until(cavern_after(CAVERN_MILLISECOND)); /* they have lied */
    set_priority(TEST_PRIORITY_TOP - 1);
    for (unsigned i = 0; i < COUNT; i++)
        CHECK_STATUS(test_send_word(senders[i], 0), CAVERN_QUEUE_FULL);
    CHECK_STATUS(cavern_sys_process_create(test_account(), peers[WANTED].process, 0, 0, 0, &process), CAVERN_BUSY);
    set_priority(TEST_PRIORITY);
    for (unsigned i = 0; i < COUNT; i++) {
        uint64_t words[5];
        test_peer_exit(&peers[order[i]], words, true); /* which it says is the next */
        CHECK_EQUAL(words[CAVERN_EXIT_REASON], CAVERN_REASON_CONTROL_PAGE);
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
    {"a new process has nothing", new_process_has_nothing,
     "[PROC-CREATE-1] [PROC-CREATE-2] [PROC-CREATE-4] [PROC-END-2]"},
    {"ending gives everything back", ending_gives_everything_back, "[PROC-END-3] [MEM-ACCOUNT-6] [MEM-ACCOUNT-5]"},
    {"an old timer holds no end up", old_timer_holds_no_end_up, "[PROC-END-3]"},
    {"an end stays with who is told", end_stays_with_who_is_told, "[PROC-END-6] [MSG-NOTICE-4]"},
    {"an end goes in order", ends_go_in_order, "[PROC-END-7] [MSG-CLOSED-1] [MSG-QUEUE-3]"},
    {"ends go by priority", ends_go_by_priority, "[PROC-END-8]"},
    {"a spawn that fails leaves nothing", failed_spawn_leaves_nothing, "[PROC-THREAD-2] [MEM-ACCOUNT-6]"},
    {0},
};

const struct test_peer_function test_peers[] = {
    {"exit_with_42", exit_with_42},
    {"stay", stay},
    {"end_thread_with_9", end_thread_with_9},
    {"make_much", make_much},
    {"lie", lie},
    {"hide_ends", hide_ends},
    {"take_over", take_over},
    {"leave_much", leave_much},
    {0},
};
