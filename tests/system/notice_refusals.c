/* SPDX-License-Identifier: BSD-2-Clause */
/* What the calls on sources of notices refuse. */
#include "refusal.h"

#define CLOCK_LINE 34

static struct {
    struct cavern_queue queue;
    cavern_handle signal;
} t;

#define GOOD_NOTIFY t.signal, [2] = 5, [3] = t.queue.handle

static void set_up(void)
{
    test_queue(&t.queue, 64, 0);
    CHECK_OK(cavern_sys_signal_create(CAVERN_SELF_ACCOUNT, &t.signal));
}

/* Types that tell something. */
static const unsigned sources = 1u << CAVERN_TYPE_PROCESS | 1u << CAVERN_TYPE_THREAD | 1u << CAVERN_TYPE_INTERRUPT |
                                1u << CAVERN_TYPE_SIGNAL | 1u << CAVERN_TYPE_MACHINE;

static void notify_sources(void)
{
    set_up();
    REFUSES_EACH(NOTIFY, BAD_HANDLE, test_not_handles(sources), 0, GOOD_NOTIFY);
    REFUSES(NOTIFY, DENIED, GOOD_NOTIFY, [0] = test_without(t.signal, RIGHTS_SIGNAL, CAVERN_RIGHT_MANAGE));
    REFUSES(NOTIFY, DENIED, GOOD_NOTIFY, [0] = test_without(test_process(), RIGHTS_PROCESS, CAVERN_RIGHT_MANAGE));
    cavern_handle machine = test_handle(CAVERN_STARTUP_MACHINE), range = test_handle(CAVERN_STARTUP_INTERRUPTS), line;
    REFUSES(NOTIFY, DENIED, GOOD_NOTIFY, [0] = test_without(machine, RIGHTS_LOG, CAVERN_RIGHT_LOG));
    REFUSES(NOTIFY, BAD_ARGUMENT, GOOD_NOTIFY, [0] = range);
    CHECK_OK(cavern_sys_derive(range, CLOCK_LINE, 1, 0, CAVERN_SELF_ACCOUNT, &line));
    REFUSES(NOTIFY, DENIED, GOOD_NOTIFY, [0] = test_without(line, RIGHTS_INTERRUPT, CAVERN_RIGHT_MANAGE));
    CHECK_OK(cavern_sys_signal_raise(t.signal));
    test_nothing(&t.queue);
}

static void notify_queues(void)
{
    set_up();
    struct test_values bad = NOT(QUEUE);
    bad.value[0] = 1; /* 0 means nobody */
    REFUSES_EACH(NOTIFY, BAD_HANDLE, bad, 3, GOOD_NOTIFY);
    REFUSES(NOTIFY, DENIED, GOOD_NOTIFY, [3] = test_without(t.queue.handle, RIGHTS_QUEUE, CAVERN_RIGHT_RECEIVE));
    CHECK_OK(cavern_sys_signal_raise(t.signal));
    ACCEPTS(NOTIFY, GOOD_NOTIFY, [3] = 0);
    test_nothing(&t.queue);
}

static void notify_what(void)
{
    set_up();
    const struct test_values unknown = VALUES(2, 3, 255, 256, UINT64_C(1) << 32, ~UINT64_C(0));
    REFUSES_EACH(NOTIFY, BAD_ARGUMENT, unknown, 4, GOOD_NOTIFY, [0] = test_process());
    REFUSES_EACH(NOTIFY, BAD_ARGUMENT, unknown, 4, GOOD_NOTIFY, [0] = CAVERN_SELF_THREAD);
    ACCEPTS(NOTIFY, GOOD_NOTIFY, [4] = 77); /* read for processes, threads and lines only */
}

static void notify_cpus(void)
{
    cavern_handle line;
    set_up();
    CHECK_OK(cavern_sys_derive(test_handle(CAVERN_STARTUP_INTERRUPTS), CLOCK_LINE, 1, 0, CAVERN_SELF_ACCOUNT, &line));
    uint64_t cpus = test_cpus();
    const struct test_values none = VALUES(cpus, cpus + 1, 64, 255, 256, UINT64_C(1) << 32, ~UINT64_C(0));
    REFUSES_EACH(NOTIFY, BAD_ARGUMENT, none, 4, GOOD_NOTIFY, [0] = line);
    ACCEPTS(NOTIFY, GOOD_NOTIFY, [0] = line, [4] = cpus - 1);
    REFUSES_EACH(NOTIFY, BAD_ARGUMENT, none, 4, GOOD_NOTIFY, [0] = line, [3] = 0);
}

static void acknowledge_sources(void)
{
    set_up();
    REFUSES_EACH(ACKNOWLEDGE, BAD_HANDLE, test_not_handles(sources), 0, 0);
    REFUSES(ACKNOWLEDGE, DENIED, test_without(t.signal, RIGHTS_SIGNAL, CAVERN_RIGHT_MANAGE));
    REFUSES(ACKNOWLEDGE, DENIED, test_without(test_handle(CAVERN_STARTUP_MACHINE), RIGHTS_LOG, CAVERN_RIGHT_LOG));
    REFUSES(ACKNOWLEDGE, BAD_ARGUMENT, test_handle(CAVERN_STARTUP_INTERRUPTS));
    ACCEPTS(ACKNOWLEDGE, t.signal);
    ACCEPTS(ACKNOWLEDGE, test_process());
}

static void signals(void)
{
    set_up();
    ACCEPTS(NOTIFY, GOOD_NOTIFY);
    REFUSES_EACH(SIGNAL_RAISE, BAD_HANDLE, NOT(SIGNAL), 0, 0);
    REFUSES(SIGNAL_RAISE, DENIED, test_without(t.signal, RIGHTS_SIGNAL, CAVERN_RIGHT_RAISE));
    test_nothing(&t.queue);
    REFUSES_EACH(SIGNAL_CREATE, BAD_HANDLE, NOT(ACCOUNT), 0, 0);
    REFUSES(SIGNAL_CREATE, DENIED, test_without(test_account(), RIGHTS_ACCOUNT, CAVERN_RIGHT_CHARGE));
}

static void signal_costs_memory(void)
{
    REFUSES(SIGNAL_CREATE, NO_MEMORY, test_split(0));
    REFUSES(SIGNAL_CREATE, NO_MEMORY, test_split(4095));
    ACCEPTS(SIGNAL_CREATE, test_split(4096));
    cavern_handle account = test_split(1 << 20);
    test_exhaust();
    REFUSES(SIGNAL_CREATE, NO_MEMORY, account); /* no place for the handle */
}

const struct test_case test_cases[] = {
    {"notify: sources", notify_sources, "[ABI-HANDLE-4] [DEV-IRQ-6]"},
    {"notify: queues", notify_queues, "[ABI-HANDLE-4] [MSG-NOTICE-4]"},
    {"notify: what", notify_what, "[ABI-CALL-3]"},
    {"notify: CPUs", notify_cpus, "[DEV-IRQ-8]"},
    {"acknowledge: sources", acknowledge_sources, "[ABI-HANDLE-4] [DEV-IRQ-6] [MSG-NOTICE-8]"},
    {"signal_create, signal_raise: handles", signals, "[ABI-HANDLE-4]"},
    {"signal_create: costs memory", signal_costs_memory, "[ABI-ERROR-2] [MEM-ACCOUNT-1]"},
    {0},
};

const struct test_peer_function test_peers[] = {{0}};
