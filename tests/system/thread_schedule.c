/* SPDX-License-Identifier: BSD-2-Clause */
/* Threads: who runs, when, and with which registers. */
#include "test.h"

static unsigned progress[3];
static unsigned order[8], ordered;

static void spin(void *argument)
{
    unsigned *mine = argument;
    for (;;)
        PUBLISH(*mine, *mine + 1);
}

static void note(void *argument)
{
    order[ordered++] = (unsigned)(uintptr_t)argument;
}

static void wait_until(uint64_t nanoseconds)
{
    for (uint64_t end = cavern_after(nanoseconds); cavern_now() < end;)
        ;
}

static void higher_runs_at_once_and_lower_not_at_all(void)
{
    test_thread(note, (void *)1, TEST_PRIORITY_HIGH);
    CHECK_EQUAL(OBSERVE(ordered), 1);
    test_thread(spin, &progress[0], TEST_PRIORITY_LOW);
    wait_until(30 * CAVERN_MILLISECOND);
    CHECK_EQUAL(OBSERVE(progress[0]), 0);
    cavern_sleep_until(cavern_after(5 * CAVERN_MILLISECOND));
    CHECK(OBSERVE(progress[0]) > 0);
}

static void equals_take_turns(void)
{
    test_thread(spin, &progress[0], TEST_PRIORITY);
    test_thread(spin, &progress[1], TEST_PRIORITY);
    wait_until(100 * CAVERN_MILLISECOND);
    CHECK(OBSERVE(progress[0]) > 0);
    CHECK(OBSERVE(progress[1]) > 0);
}

/* Woken every millisecond, far less than a slice: who ran goes on, and the other waits for its turn. */
static void preempted_stays_first(void)
{
    unsigned before = 0;
    test_thread(spin, &progress[0], TEST_PRIORITY_LOW);
    test_thread(spin, &progress[1], TEST_PRIORITY_LOW);
    for (unsigned i = 0; i < 5; i++) {
        cavern_sleep_until(cavern_after(CAVERN_MILLISECOND));
        CHECK(OBSERVE(progress[0]) > before);
        CHECK_EQUAL(OBSERVE(progress[1]), 0);
        before = OBSERVE(progress[0]);
    }
    cavern_sleep_until(cavern_after(15 * CAVERN_MILLISECOND));
    CHECK(OBSERVE(progress[1]) > 0);
}

static uint64_t deadlines[5];

static void wait_for_deadline(void *argument)
{
    struct cavern_queue queue;
    struct cavern_received received;
    unsigned number = (unsigned)(uintptr_t)argument;
    test_queue(&queue, 64, 0);
    CHECK_STATUS(cavern_sys_receive(queue.handle, deadlines[number], &received), CAVERN_TIMEOUT);
    order[ordered++] = number;
}

static void deadlines_pass_in_order(void)
{
    static const unsigned expected[5] = {3, 0, 2, 4, 1};
    uint64_t first = cavern_after(20 * CAVERN_MILLISECOND);
    const uint64_t after[5] = {1, 200, 1, 0, 1}; /* microseconds: three are equal */
    for (unsigned i = 0; i < 5; i++) {
        deadlines[i] = first + after[i] * CAVERN_MICROSECOND;
        test_thread(wait_for_deadline, (void *)(uintptr_t)i, TEST_PRIORITY_HIGH);
    }
    CHECK_EQUAL(OBSERVE(ordered), 0);
    cavern_sleep_until(first + CAVERN_MILLISECOND);
    CHECK_EQUAL(OBSERVE(ordered), 5);
    for (unsigned i = 0; i < 5; i++)
        CHECK_EQUAL(order[i], expected[i]);
}

static void yield_lets_equals_run_first(void)
{
    for (unsigned i = 0; i < 3; i++)
        test_thread(note, (void *)(uintptr_t)(10 + i), TEST_PRIORITY);
    CHECK_EQUAL(OBSERVE(ordered), 0);
    CHECK_OK(cavern_sys_thread_control(CAVERN_SELF_THREAD, 0, CAVERN_THREAD_YIELD, 0, 0));
    CHECK_EQUAL(OBSERVE(ordered), 3);
    for (unsigned i = 0; i < 3; i++)
        CHECK_EQUAL(order[i], 10 + i);
    CHECK_OK(cavern_sys_thread_control(CAVERN_SELF_THREAD, 0, CAVERN_THREAD_YIELD, 0, 0)); /* alone: goes on */
}

/* --- hand-over --- */

static struct cavern_queue asked;
static cavern_handle ask;
static unsigned answers;
static uint64_t longest_wait;

static void answer_all(void *argument)
{
    struct cavern_message message;
    uint64_t word = 0;
    struct cavern_outgoing out = {.payload = &word, .size = sizeof word};
    (void)argument;
    CHECK_OK(cavern_queue_receive(&asked, CAVERN_FOREVER, &message));
    for (;;) {
        cavern_queue_release(&asked, &message);
        CHECK_OK(cavern_reply_receive(&asked, message.header.request, &out, CAVERN_FOREVER, &message));
    }
}

static void ask_for_ever(void *argument)
{
    uint64_t answer;
    (void)argument;
    for (;;) {
        CHECK_OK(test_call_word(ask, 1, CAVERN_FOREVER, &answer));
        PUBLISH(answers, answers + 1);
    }
}

static void note_longest_wait(void *argument)
{
    (void)argument;
    for (uint64_t last = cavern_now();;) {
        uint64_t now = cavern_now();
        longest_wait = now - last > longest_wait ? now - last : longest_wait;
        last = now;
    }
}

/* The two have a slice each, and a third its turn, however often they hand over. */
static void hand_over_begins_no_slice(void)
{
    test_queue(&asked, 64, 4);
    ask = test_sender(&asked, 0);
    test_thread(answer_all, NULL, TEST_PRIORITY_LOW);
    test_thread(ask_for_ever, NULL, TEST_PRIORITY_LOW);
    test_thread(note_longest_wait, NULL, TEST_PRIORITY_LOW);
    cavern_sleep_until(cavern_after(200 * CAVERN_MILLISECOND));
    CHECK(OBSERVE(answers) > 1000);
    CHECK(OBSERVE(longest_wait) > 9 * CAVERN_MILLISECOND);
    CHECK(OBSERVE(longest_wait) < 30 * CAVERN_MILLISECOND); /* on the way between the two nobody's time passes */
}

static void suspended_threads_stand_still(void)
{
    struct cavern_queue queue;
    test_queue(&queue, 64, 0);
    cavern_handle spinner = test_thread(spin, &progress[0], TEST_PRIORITY_LOW);
    cavern_sleep_until(cavern_after(2 * CAVERN_MILLISECOND));
    CHECK_OK(cavern_sys_thread_control(spinner, 0, CAVERN_THREAD_SUSPEND, 0, 0));
    unsigned seen = OBSERVE(progress[0]);
    CHECK(seen > 0);
    cavern_sleep_until(cavern_after(2 * CAVERN_MILLISECOND));
    CHECK_EQUAL(OBSERVE(progress[0]), seen);
    CHECK_OK(cavern_sys_thread_control(spinner, 0, CAVERN_THREAD_RESUME, 0, 0));
    cavern_sleep_until(cavern_after(2 * CAVERN_MILLISECOND));
    CHECK(OBSERVE(progress[0]) > seen);
}

static struct cavern_queue shared;

static void receive_one(void *argument)
{
    struct cavern_received received;
    PUBLISH(*(unsigned *)argument, 100 + cavern_sys_receive(shared.handle, CAVERN_FOREVER, &received));
}

static void what_comes_to_a_suspended_thread_is_kept(void)
{
    test_queue(&shared, 64, 0);
    cavern_handle receiver = test_thread(receive_one, &progress[0], TEST_PRIORITY_HIGH);
    CHECK_OK(cavern_sys_thread_control(receiver, 0, CAVERN_THREAD_SUSPEND, 0, 0));
    CHECK_OK(test_send_word(test_sender(&shared, 0), 1));
    CHECK_EQUAL(OBSERVE(progress[0]), 0);
    CHECK_OK(cavern_sys_thread_control(receiver, 0, CAVERN_THREAD_RESUME, 0, 0));
    CHECK_EQUAL(OBSERVE(progress[0]), 100 + CAVERN_OK);
}

static void priorities_change_at_once(void)
{
    cavern_handle spinner = test_thread(note, (void *)5, TEST_PRIORITY_LOW);
    CHECK_EQUAL(OBSERVE(ordered), 0);
    CHECK_OK(cavern_sys_thread_control(spinner, 0, CAVERN_THREAD_SET, TEST_PRIORITY_HIGH, 0));
    CHECK_EQUAL(OBSERVE(ordered), 1);
    CHECK_STATUS(cavern_sys_thread_control(CAVERN_SELF_THREAD, 0, CAVERN_THREAD_SET, TEST_PRIORITY_TOP + 1, 0),
                 CAVERN_DENIED);
    CHECK_STATUS(cavern_sys_thread_control(CAVERN_SELF_THREAD, 0, CAVERN_THREAD_SET, 32, 0), CAVERN_BAD_ARGUMENT);
    CHECK_STATUS(cavern_sys_thread_control(CAVERN_SELF_THREAD, 0, CAVERN_THREAD_SET, TEST_PRIORITY, 1ull << 63),
                 CAVERN_BAD_ARGUMENT);
    CHECK_STATUS(cavern_sys_thread_control(CAVERN_SELF_PROCESS, 0xffff, CAVERN_THREAD_SUSPEND, 0, 0),
                 CAVERN_BAD_ARGUMENT);
}

static void exit_of_a_thread_is_told(void)
{
    struct cavern_queue queue;
    struct cavern_message message;
    test_queue(&queue, 64, 0);
    cavern_handle spinner = test_thread(spin, &progress[0], TEST_PRIORITY_LOW);
    CHECK_OK(cavern_sys_notify(spinner, 77, queue.handle, CAVERN_NOTIFY_EXIT));
    CHECK_OK(cavern_sys_thread_control(spinner, 0, CAVERN_THREAD_END, 6, 0));
    test_receive(&queue, CAVERN_KIND_EXIT, &message);
    CHECK_EQUAL(message.header.label, 77);
    CHECK_EQUAL(test_word(&message, CAVERN_EXIT_CODE), 6);
    cavern_queue_release(&queue, &message);
}

/* Writes its registers over and over, and looks whether they are what it wrote. */
void vector_keep(uint64_t seed, uint64_t rounds, uint64_t *failed);
__asm__(".arch_extension fp\n.arch_extension simd\n.text\n.global vector_keep\n"
        "vector_keep:\n"
        "dup v0.2d, x0\n dup v17.2d, x0\n dup v31.2d, x0\n"
        "1: mov x3, v0.d[1]\n cmp x3, x0\n b.ne 2f\n"
        "mov x3, v17.d[0]\n cmp x3, x0\n b.ne 2f\n"
        "mov x3, v31.d[1]\n cmp x3, x0\n b.ne 2f\n"
        "subs x1, x1, 1\n b.ne 1b\n ret\n"
        "2: mov x4, 1\n str x4, [x2]\n ret\n");

/* 1 where a vector register of a fresh thread is not zero. */
uint64_t vector_fresh(void);
__asm__(".global vector_fresh\n"
        "vector_fresh:\n"
        "orr v0.16b, v0.16b, v1.16b\n orr v0.16b, v0.16b, v31.16b\n"
        "mov x0, v0.d[0]\n mov x1, v0.d[1]\n orr x0, x0, x1\n cmp x0, 0\n cset x0, ne\n ret\n");

static uint64_t vector_failed[3];
static unsigned vector_done;

static void keep_vectors(void *argument)
{
    uint64_t *failed = argument;
    if (vector_fresh())
        *failed = 2;
    vector_keep(0x1111111111111111 * (uint64_t)(failed - vector_failed + 1), 20000000, failed);
    PUBLISH(vector_done, vector_done + 1);
}

static void vector_registers_belong_to_the_thread(void)
{
    vector_keep(0x7777, 1, vector_failed);
    for (unsigned i = 0; i < 3; i++)
        test_thread(keep_vectors, &vector_failed[i], TEST_PRIORITY);
    while (OBSERVE(vector_done) < 3)
        CHECK_OK(cavern_sys_thread_control(CAVERN_SELF_THREAD, 0, CAVERN_THREAD_YIELD, 0, 0));
    for (unsigned i = 0; i < 3; i++)
        CHECK_EQUAL(vector_failed[i], 0);
}

/* How late a thread of higher priority wakes at worst. */
static uint64_t latest;
static unsigned stop;

static void measure_lateness(void *argument)
{
    struct cavern_received received;
    (void)argument;
    while (!OBSERVE(stop)) {
        uint64_t deadline = cavern_after(200 * CAVERN_MICROSECOND);
        (void)!cavern_sys_receive(shared.handle, deadline, &received);
        uint64_t late = cavern_now() - deadline;
        latest = late > latest ? late : latest;
    }
    PUBLISH(stop, 2);
}

/* The emulator itself is late now and then, so what is compared is a long call and the same without interruption. */
static void long_calls_hold_nobody_up(void)
{
    enum { BYTES = 12 << 20 };
    test_queue(&shared, 64, 0);
    test_thread(measure_lateness, NULL, TEST_PRIORITY_HIGH);
    uint64_t start = cavern_now(), calls = 0;
    while (cavern_now() - start < 300 * CAVERN_MILLISECOND) {
        cavern_handle buffer;
        void *address;
        CHECK_OK(cavern_buffer_create(CAVERN_SELF_ACCOUNT, BYTES, 0, &buffer));
        CHECK_OK(cavern_buffer_map(buffer, 0, BYTES, CAVERN_PROT_READ | CAVERN_PROT_WRITE, &address));
        CHECK_EQUAL(((volatile uint64_t *)address)[BYTES / 8 - 1], 0);
        ((volatile uint64_t *)address)[BYTES / 8 - 1] = 1;
        cavern_buffer_unmap(address, BYTES);
        cavern_handle_close(buffer);
        calls++;
    }
    CHECK(calls);
    uint64_t each = (cavern_now() - start) / calls;
    PUBLISH(stop, 1);
    while (OBSERVE(stop) != 2)
        cavern_sleep_until(cavern_after(CAVERN_MILLISECOND));
    CHECK(latest < each / 2 || latest < CAVERN_MILLISECOND);
}

enum { LONG_BYTES = 4 << 20, LONG_MAPPING = 12 << 20 };

/* One long call, while somebody else wants to wake every 200 us. */
static void watch(void (*call)(void))
{
    test_queue(&shared, 64, 0);
    test_thread(measure_lateness, NULL, TEST_PRIORITY_HIGH);
    uint64_t start = cavern_now();
    call();
    uint64_t took = cavern_now() - start;
    PUBLISH(stop, 1);
    while (OBSERVE(stop) != 2)
        cavern_sleep_until(cavern_after(CAVERN_MILLISECOND));
    CHECK(took > 500 * CAVERN_MICROSECOND); /* else it shows nothing */
    CHECK(latest < took / 4);
}

static uint8_t *from, *to;

static void watch_copy(void (*copy)(void))
{
    from = test_memory(LONG_BYTES);
    to = test_memory(LONG_BYTES);
    from[LONG_BYTES - 1] = 7;
    watch(copy);
    CHECK_EQUAL(to[LONG_BYTES - 1], 7);
}

static void copy_from_a_process(void)
{
    CHECK_OK(cavern_process_read(CAVERN_SELF_PROCESS, (uintptr_t)from, to, LONG_BYTES));
}

static void long_process_copy_holds_nobody_up(void)
{
    watch_copy(copy_from_a_process);
}

static void copy_from_a_lease(void)
{
    struct cavern_queue queue;
    struct cavern_message message;
    struct cavern_lease lease = {.address = (uintptr_t)from, .length = LONG_BYTES, .rights = CAVERN_LEASE_READ};
    test_queue(&queue, 64, 1);
    CHECK_OK(cavern_request(test_sender(&queue, 0), 0, &(struct cavern_outgoing){.leases = &lease, .lease_count = 1},
                            &queue, 1, NULL));
    test_receive(&queue, CAVERN_KIND_REQUEST, &message);
    CHECK_OK(cavern_lease_read(&queue, message.header.request, 0, 0, to, LONG_BYTES));
}

static void long_lease_copy_holds_nobody_up(void)
{
    watch_copy(copy_from_a_lease);
}

/* Where no block fits, so that each page is mapped by itself. */
#define SHIFTED UINT64_C(0x5000001000)

static cavern_handle buffer;

static void map_by_pages(void)
{
    uint64_t mapped;
    CHECK_OK(cavern_sys_map(CAVERN_SELF_PROCESS, buffer, 0, LONG_MAPPING, SHIFTED, CAVERN_PROT_READ, &mapped));
}

static void unmap_by_pages(void)
{
    CHECK_OK(cavern_sys_unmap(CAVERN_SELF_PROCESS, SHIFTED, LONG_MAPPING));
}

static void long_map_holds_nobody_up(void)
{
    CHECK_OK(cavern_buffer_create(CAVERN_SELF_ACCOUNT, LONG_MAPPING, 0, &buffer));
    watch(map_by_pages);
}

static void long_unmap_holds_nobody_up(void)
{
    CHECK_OK(cavern_buffer_create(CAVERN_SELF_ACCOUNT, LONG_MAPPING, 0, &buffer));
    map_by_pages();
    watch(unmap_by_pages);
}

static void time_is_charged_to_who_ran(void)
{
    struct cavern_process_info before, after;
    uint64_t next, written;
    cavern_handle self = CAVERN_SELF_PROCESS;
    CHECK_OK(cavern_sys_inspect(self, CAVERN_INSPECT_PROCESS, 0, (uintptr_t)&before, sizeof before, &next, &written));
    wait_until(20 * CAVERN_MILLISECOND);
    cavern_sleep_until(cavern_after(100 * CAVERN_MILLISECOND));
    CHECK_OK(cavern_sys_inspect(self, CAVERN_INSPECT_PROCESS, 0, (uintptr_t)&after, sizeof after, &next, &written));
    CHECK(after.cpu_time - before.cpu_time >= 19 * CAVERN_MILLISECOND);
    CHECK(after.cpu_time - before.cpu_time < 90 * CAVERN_MILLISECOND);
}

/* --- a CPU with nothing to do --- */

#define CPUS_MAX 64

static unsigned interrupts(uint64_t count[CPUS_MAX])
{
    static struct cavern_cpu_info cpus[CPUS_MAX];
    uint64_t next, written;
    CHECK_OK(cavern_sys_inspect(test_handle(CAVERN_STARTUP_MACHINE), CAVERN_INSPECT_CPUS, 0, (uintptr_t)cpus,
                                sizeof cpus, &next, &written));
    CHECK_EQUAL(next, 0);
    unsigned number = (unsigned)(written / sizeof *cpus);
    CHECK_EQUAL(number, test_cpus());
    for (unsigned i = 0; i < number; i++)
        count[i] = cpus[i].interrupts;
    return number;
}

/*
 * Where the sleeper is, its deadline comes, and on any CPU at most one that has become void before. The short sleep
 * lets the CPU that it comes from, and those of earlier cases, become idle.
 */
static void idle_cpus_do_not_tick_while_one_sleeps(unsigned cpu)
{
    uint64_t before[CPUS_MAX], after[CPUS_MAX];
    CHECK_OK(cavern_sys_thread_control(CAVERN_SELF_THREAD, 0, CAVERN_THREAD_SET, TEST_PRIORITY, UINT64_C(1) << cpu));
    cavern_sleep_until(cavern_after(20 * CAVERN_MILLISECOND));
    unsigned number = interrupts(before);
    cavern_sleep_until(cavern_after(200 * CAVERN_MILLISECOND));
    interrupts(after);
    CHECK(after[cpu] > before[cpu]);
    for (unsigned i = 0; i < number; i++)
        CHECK(after[i] - before[i] <= 1 + (i == cpu));
}

static void idle_cpus_do_not_tick(void)
{
    for (unsigned cpu = 0; cpu < test_cpus(); cpu++)
        idle_cpus_do_not_tick_while_one_sleeps(cpu);
}

/* --- many deadlines at once --- */

static unsigned timeouts;

static void wait_for_the_same(void *argument)
{
    struct cavern_queue queue;
    struct cavern_received received;
    test_queue(&queue, CAVERN_QUEUE_BLOCKS_MIN, 0);
    CHECK_STATUS(cavern_sys_receive(queue.handle, *(uint64_t *)argument, &received), CAVERN_TIMEOUT);
    PUBLISH(timeouts, timeouts + 1);
}

/* At least so many entries, while the case goes on computing. */
static void deadlines_that_pass_at_once_are_served_in_steps(void)
{
    enum { COUNT = 100, AT_ONCE = 16 };
    uint64_t before[CPUS_MAX], after[CPUS_MAX], deadline = cavern_after(100 * CAVERN_MILLISECOND);
    for (unsigned i = 0; i < COUNT; i++)
        test_thread(wait_for_the_same, &deadline, TEST_PRIORITY_HIGH);
    CHECK(cavern_now() < deadline - CAVERN_MILLISECOND);
    CHECK_EQUAL(OBSERVE(timeouts), 0);
    interrupts(before);
    wait_until(deadline + 5 * CAVERN_MILLISECOND - cavern_now());
    interrupts(after);
    CHECK_EQUAL(OBSERVE(timeouts), COUNT);
    CHECK(after[0] - before[0] >= (COUNT + AT_ONCE - 1) / AT_ONCE);
}

const struct test_case test_cases[] = {
    {"the higher runs at once, the lower not at all", higher_runs_at_once_and_lower_not_at_all,
     "[SCHED-1] [SCHED-2] [PROC-THREAD-1]"},
    {"equals take turns", equals_take_turns, "[SCHED-3]"},
    {"who is preempted stays first", preempted_stays_first, "[SCHED-3] [SCHED-4]"},
    {"deadlines pass in order", deadlines_pass_in_order, "[SCHED-8] [SCHED-9]"},
    {"yield lets equals run first", yield_lets_equals_run_first, "[SCHED-5] [PROC-CONTROL-4]"},
    {"suspended threads stand still", suspended_threads_stand_still, "[PROC-CONTROL-2]"},
    {"what comes to a suspended thread is kept", what_comes_to_a_suspended_thread_is_kept, "[PROC-CONTROL-2]"},
    {"priorities change at once", priorities_change_at_once,
     "[PROC-CONTROL-3] [PROC-CONTROL-5] [PROC-THREAD-2] [PROC-THREAD-3]"},
    {"the exit of a thread is told", exit_of_a_thread_is_told, "[PROC-END-5] [PROC-CONTROL-1]"},
    {"a hand-over begins no slice", hand_over_begins_no_slice, "[SCHED-19] [SCHED-3]"},
    {"deadlines that pass at once are served in steps", deadlines_that_pass_at_once_are_served_in_steps,
     "[SCHED-21] [SCHED-9]"},
    {"vector registers belong to the thread", vector_registers_belong_to_the_thread, "[SCHED-11]"},
    {"long calls hold nobody up", long_calls_hold_nobody_up, "[SCHED-7]"},
    {"a long process_copy holds nobody up", long_process_copy_holds_nobody_up, "[SCHED-7]"},
    {"a long lease_copy holds nobody up", long_lease_copy_holds_nobody_up, "[SCHED-7]"},
    {"a long map holds nobody up", long_map_holds_nobody_up, "[SCHED-7]"},
    {"a long unmap holds nobody up", long_unmap_holds_nobody_up, "[SCHED-7]"},
    {"CPUs with nothing to do take no timer interrupt", idle_cpus_do_not_tick, "[SCHED-12]"},
    {"time is charged to who ran", time_is_charged_to_who_ran, "[SCHED-10]"},
    {0},
};

const struct test_peer_function test_peers[] = {{0}};
