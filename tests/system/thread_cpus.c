/* SPDX-License-Identifier: BSD-2-Clause */
/* Threads on the CPUs of the machine, be it one. A thread is told from others by its priority. */
#include <cavern/thread.h>

#include "test.h"

enum { SPINS = 9, BLOCKS = 11, STACK = 8192, NOWHERE = CAVERN_CPUS_MAX };

static uint32_t own_id(void)
{
    struct cavern_process_info info;
    uint64_t next, written;
    CHECK_OK(cavern_sys_inspect(CAVERN_SELF_PROCESS, CAVERN_INSPECT_PROCESS, 0, (uintptr_t)&info, sizeof info, &next,
                                &written));
    return info.id;
}

/* The CPU on which a thread of the case of this priority runs. */
static unsigned cpu_of(unsigned priority)
{
    static struct cavern_cpu_info info[CAVERN_CPUS_MAX];
    uint64_t next, written;
    CHECK_OK(cavern_sys_inspect(test_handle(CAVERN_STARTUP_MACHINE), CAVERN_INSPECT_CPUS, 0, (uintptr_t)info,
                                sizeof info, &next, &written));
    for (unsigned i = 0; i < written / sizeof *info; i++)
        if (info[i].process == own_id() && info[i].priority == priority)
            return info[i].number;
    return NOWHERE;
}

static uint64_t spin(void *argument)
{
    unsigned *mine = argument;
    for (;;) {
        PUBLISH(*mine, *mine + 1);
        if (*mine % 256 == 0)
            __asm__ volatile("yield"); /* QEMU goes on with another CPU */
    }
}

static cavern_handle start(uint64_t (*function)(void *argument), void *argument, unsigned priority, uint64_t cpus)
{
    struct cavern_thread_setup setup = {.priority = (int)priority, .stack = STACK, .cpus = cpus};
    struct cavern_thread *thread;
    CHECK_OK(cavern_thread_start(function, argument, &setup, &thread));
    return cavern_thread_handle(thread);
}

static void set(cavern_handle thread, unsigned priority, uint64_t cpus)
{
    CHECK_OK(cavern_sys_thread_control(thread, 0, CAVERN_THREAD_SET, priority, cpus));
}

static unsigned progress[2];

/* It computes all the time, and is seen nowhere else; on the CPU of the case it is never seen. */
static void expect_on(unsigned cpu)
{
    for (unsigned i = 0; i < 10; i++) {
        unsigned before = OBSERVE(progress[0]);
        cavern_sleep_until(cavern_after(CAVERN_MILLISECOND));
        unsigned seen = cpu_of(SPINS);
        CHECK(OBSERVE(progress[0]) != before);
        CHECK_EQUAL(seen, cpu ? cpu : NOWHERE);
    }
}

static void masks_are_kept(void)
{
    cavern_handle spinner = start(spin, &progress[0], SPINS, 1);
    for (unsigned turn = 0; turn < 2; turn++) {
        for (unsigned cpu = test_cpus() - 1; cpu < test_cpus(); cpu--) {
            set(spinner, SPINS, UINT64_C(1) << cpu); /* it runs elsewhere, or waits for the case */
            expect_on(cpu);
            set(spinner, SPINS, 0); /* the mask stays */
            expect_on(cpu);
            set(CAVERN_SELF_THREAD, TEST_PRIORITY, UINT64_C(1) << cpu);
            CHECK_EQUAL(cpu_of(TEST_PRIORITY), cpu); /* when the call returns */
            set(CAVERN_SELF_THREAD, TEST_PRIORITY, TEST_CPUS);
            CHECK_EQUAL(cpu_of(TEST_PRIORITY), 0);
        }
    }
}

/* The only CPU that it may use is taken; it uses no other. */
static void masks_keep_from_idle_cpus(void)
{
    cavern_handle blocker = start(spin, &progress[1], SPINS, 1);
    CHECK_OK(cavern_sys_thread_control(blocker, 0, CAVERN_THREAD_SUSPEND, 0, 0));
    cavern_handle spinner = start(spin, &progress[0], SPINS, 1);
    for (unsigned cpu = 1; cpu < test_cpus(); cpu++) {
        set(blocker, BLOCKS, UINT64_C(1) << cpu);
        set(spinner, SPINS, UINT64_C(1) << cpu);
        CHECK_OK(cavern_sys_thread_control(blocker, 0, CAVERN_THREAD_RESUME, 0, 0));
        cavern_sleep_until(cavern_after(CAVERN_MILLISECOND));
        unsigned before = OBSERVE(progress[0]);
        cavern_sleep_until(cavern_after(5 * CAVERN_MILLISECOND));
        CHECK_EQUAL(OBSERVE(progress[0]), before);
        CHECK_EQUAL(cpu_of(SPINS), NOWHERE);
        CHECK_EQUAL(cpu_of(BLOCKS), cpu);
        CHECK_OK(cavern_sys_thread_control(blocker, 0, CAVERN_THREAD_SUSPEND, 0, 0));
    }
}

/* One thread more than CPUs. */
static void equals_take_turns_on_all(void)
{
    enum { TIME = 200 };
    static unsigned counts[CAVERN_CPUS_MAX + 1];
    static struct cavern_thread_info info[CAVERN_CPUS_MAX + 2];
    unsigned cpus = test_cpus(), found = 0;
    uint64_t next, written, share = cpus * TIME * CAVERN_MILLISECOND / (cpus + 1);
    for (unsigned i = 0; i <= cpus; i++)
        start(spin, &counts[i], SPINS, 0);
    cavern_sleep_until(cavern_after(TIME * CAVERN_MILLISECOND));
    CHECK_OK(cavern_sys_inspect(CAVERN_SELF_ACCOUNT, CAVERN_INSPECT_THREADS, 0, (uintptr_t)info, sizeof info, &next,
                                &written));
    CHECK_EQUAL(next, 0);
    for (unsigned i = 0; i < written / sizeof *info; i++) {
        if (info[i].priority != SPINS)
            continue;
        CHECK(info[i].cpu_time > share - 15 * CAVERN_MILLISECOND && info[i].cpu_time < share + 15 * CAVERN_MILLISECOND);
        found++;
    }
    CHECK_EQUAL(found, cpus + 1);
}

static uint64_t deadlines[2 * CAVERN_CPUS_MAX];
static unsigned order[2 * CAVERN_CPUS_MAX], ordered;

static uint64_t wait_for_deadline(void *argument)
{
    struct cavern_queue queue;
    struct cavern_received received;
    unsigned number = (unsigned)(uintptr_t)argument;
    test_queue(&queue, 64, 0);
    CHECK_STATUS(cavern_sys_receive(queue.handle, deadlines[number], &received), CAVERN_TIMEOUT);
    CHECK(cavern_now() - deadlines[number] < CAVERN_MILLISECOND / 2);
    order[__atomic_fetch_add(&ordered, 1, __ATOMIC_ACQ_REL)] = number;
    return 0;
}

/* Half a millisecond apart, on one CPU after another, asked for in another order. */
static void deadlines_pass_in_order_everywhere(void)
{
    unsigned cpus = test_cpus(), count = 2 * cpus;
    uint64_t first = cavern_after(50 * CAVERN_MILLISECOND);
    for (unsigned i = 0; i < count; i++) {
        unsigned number = count - 1 - i;
        deadlines[number] = first + number * CAVERN_MILLISECOND / 2;
        start(wait_for_deadline, (void *)(uintptr_t)number, BLOCKS, UINT64_C(1) << number % cpus);
    }
    cavern_sleep_until(first - CAVERN_MILLISECOND);
    CHECK_EQUAL(OBSERVE(ordered), 0);
    cavern_sleep_until(first + (count + 2) * CAVERN_MILLISECOND / 2);
    CHECK_EQUAL(OBSERVE(ordered), count);
    for (unsigned i = 0; i < count; i++)
        CHECK_EQUAL(order[i], i);
}

const struct test_case test_cases[] = {
    {"masks are kept", masks_are_kept, "[SCHED-14] [PROC-CONTROL-3]"},
    {"masks keep from idle CPUs", masks_keep_from_idle_cpus, "[SCHED-14]"},
    {"equals take turns on all", equals_take_turns_on_all, "[SCHED-15] [SCHED-10]"},
    {"deadlines pass in order everywhere", deadlines_pass_in_order_everywhere, "[SCHED-17] [SCHED-8]"},
    {0},
};

const struct test_peer_function test_peers[] = {{0}};
