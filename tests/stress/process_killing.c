/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Processes of a few instructions are made, and several killers at once suspend, resume, move and end their threads,
 * and end them, on whatever CPU they run. Each tells its exit once, and then has nothing any more.
 */
#include "stress.h"

enum { MAKERS = 6, KILLERS = 6, THREADS = 3, CODE = 100 };

/* Counts in x20, with a system call now and then: nop, yield, or a call by the sender in x1. */
extern const uint32_t leaf_code[], leaf_end[], leaf_call[];
__asm__(".global leaf_code, leaf_call, leaf_end\n"
        "leaf_code:\n"
        "1: mov x21, 500\n"
        "2: add x20, x20, 1\n subs x21, x21, 1\n b.ne 2b\n"
        "mov x1, 0\n svc 1\n"
        "movz x0, 0x0003\n movk x0, 0x100, lsl 16\n mov x2, 0\n mov x3, 4\n movz x1, 30, lsl 16\n svc 1\n"
        "b 1b\n"
        "leaf_call: mov x19, x1\n"
        "3: mov x0, x19\n mov x1, 8\n movk x1, 2, lsl 16\n mov x2, 5\n mov x9, -1\n mov x10, 0\n mov x11, 0\n svc 1\n"
        "add x20, x20, 1\n b 3b\n"
        "leaf_end:\n");

static cavern_handle code;
static cavern_handle echo_sender;
static uint64_t targets[MAKERS]; /* handles, for the killers; 0: none */

static void make_code(void)
{
    void *here;
    size_t bytes = (size_t)((const char *)leaf_end - (const char *)leaf_code);
    CHECK_OK(cavern_buffer_create(CAVERN_SELF_ACCOUNT, bytes, 0, &code));
    CHECK_OK(cavern_buffer_map(code, 0, cavern_pages(bytes), CAVERN_PROT_READ | CAVERN_PROT_WRITE, &here));
    memcpy(here, leaf_code, bytes);
    cavern_buffer_unmap(here, cavern_pages(bytes));
    CHECK_OK(cavern_buffer_seal(code));
}

/* --- who makes --- */

static uint64_t counted(cavern_handle process)
{
    struct cavern_registers registers;
    CHECK_OK(
        cavern_sys_thread_registers(process, 1, CAVERN_REGISTERS_GENERAL, (uintptr_t)&registers, sizeof registers));
    return registers.x[20];
}

/* [SCHED-16]: it has stopped, and stands still. */
static void suspend_and_look(cavern_handle process)
{
    CHECK_OK(cavern_sys_thread_control(process, 1, CAVERN_THREAD_SUSPEND, 0, 0));
    uint64_t before = counted(process);
    cavern_thread_yield();
    CHECK_EQUAL(counted(process), before);
    CHECK_OK(cavern_sys_thread_control(process, 1, CAVERN_THREAD_RESUME, 0, 0));
}

static cavern_handle make(struct stress_worker *worker, const struct cavern_queue *exits)
{
    cavern_handle process, thread, sender;
    uint64_t at;
    CHECK_OK(cavern_sys_process_create(CAVERN_SELF_ACCOUNT, 0, 0, 0x6661656c, 0, &process));
    CHECK_OK(cavern_sys_notify(process, worker->done, exits->handle, CAVERN_NOTIFY_EXIT));
    CHECK_OK(cavern_sys_map(process, code, 0, CAVERN_PAGE_SIZE, 0, CAVERN_PROT_READ | CAVERN_PROT_EXECUTE, &at));
    CHECK_OK(cavern_sys_handle_give(process, echo_sender, RIGHTS_SENDER, 0, &sender));
    unsigned count = 1 + stress_below(&worker->random, THREADS);
    for (unsigned i = 0; i < count; i++) {
        bool calls = i && stress_below(&worker->random, 2);
        uint64_t pc = at + (calls ? (uint64_t)((const char *)leaf_call - (const char *)leaf_code) : 0);
        CHECK_OK(cavern_sys_thread_create(process, TEST_PRIORITY_LOW - stress_below(&worker->random, 3), pc, 0, 0, 0,
                                          sender, 0, &thread));
        cavern_handle_close(thread);
    }
    if (!stress_below(&worker->random, 4))
        suspend_and_look(process);
    return process;
}

/* [PROC-END-3] */
static void check_zombie(cavern_handle process)
{
    struct cavern_process_info info;
    uint64_t next, written;
    CHECK_OK(cavern_sys_inspect(process, CAVERN_INSPECT_PROCESS, 0, (uintptr_t)&info, sizeof info, &next, &written));
    CHECK_EQUAL(info.state, CAVERN_PROCESS_ZOMBIE);
    CHECK_EQUAL(info.threads, 0);
    CHECK_EQUAL(info.handles, 0);
    CHECK_EQUAL(info.mapped, 0);
}

static void take_exit(const struct stress_worker *worker, struct cavern_queue *exits)
{
    struct cavern_message message;
    CHECK_OK(cavern_queue_receive(exits, cavern_after(STRESS_PATIENCE), &message));
    CHECK_EQUAL(message.header.kind, CAVERN_KIND_EXIT);
    CHECK_EQUAL(message.header.label, worker->done);
    uint64_t reason = test_word(&message, CAVERN_EXIT_REASON), killer = test_word(&message, CAVERN_EXIT_CODE) - CODE;
    CHECK(reason == CAVERN_REASON_ENDED || reason == CAVERN_REASON_THREADS);
    CHECK(killer < MAKERS + KILLERS);
    cavern_queue_release(exits, &message);
    test_nothing(exits);
}

static void make_processes(struct stress_worker *worker)
{
    struct cavern_queue exits;
    test_queue(&exits, 64, 0);
    for (; !stress_over(); worker->done++) {
        cavern_handle process = make(worker, &exits);
        PUBLISH(targets[worker->index], process);
        if (stress_below(&worker->random, 2))
            cavern_sleep_until(cavern_after(stress_below(&worker->random, 10000) * CAVERN_MICROSECOND));
        CHECK_OK(cavern_sys_process_end(process, CODE + worker->index));
        take_exit(worker, &exits);
        check_zombie(process);
        PUBLISH(targets[worker->index], 0);
        CHECK_OK(cavern_sys_handle_close(process));
    }
}

/* --- who kills --- */

static void expect(enum cavern_status status)
{
    CHECK(status == CAVERN_OK || status == CAVERN_BAD_HANDLE || status == CAVERN_GONE || status == CAVERN_BUSY ||
          status == CAVERN_BAD_ARGUMENT); /* such as a thread that is no more */
}

static void disturb(struct stress_worker *worker, cavern_handle process)
{
    static struct cavern_registers registers[KILLERS];
    uint64_t thread = 1 + stress_below(&worker->random, THREADS), code_of = CODE + MAKERS + worker->index;
    switch (stress_below(&worker->random, 12)) {
    case 0:
        expect(cavern_sys_process_end(process, code_of));
        break;
    case 1:
        expect(cavern_sys_thread_control(process, thread, CAVERN_THREAD_END, code_of, 0));
        break;
    case 2:
    case 3:
    case 4:
        expect(cavern_sys_thread_control(process, 2 + thread % 2, CAVERN_THREAD_SUSPEND, 0, 0));
        break;
    case 5:
    case 6:
        expect(cavern_sys_thread_control(process, thread, CAVERN_THREAD_RESUME, 0, 0));
        break;
    case 7:
        expect(cavern_sys_thread_registers(process, 2 + thread % 2, CAVERN_REGISTERS_GENERAL,
                                           (uintptr_t)&registers[worker->index], sizeof *registers));
        break;
    default:
        expect(cavern_sys_thread_control(process, thread, CAVERN_THREAD_SET,
                                         TEST_PRIORITY_LOW - stress_below(&worker->random, 3),
                                         1ull << stress_below(&worker->random, test_cpus())));
        break;
    }
}

static void kill_processes(struct stress_worker *worker)
{
    for (; !stress_over(); worker->done++) {
        cavern_handle process = OBSERVE(targets[stress_below(&worker->random, MAKERS)]);
        if (process)
            disturb(worker, process);
        else
            cavern_sleep_until(cavern_after(100 * CAVERN_MICROSECOND));
    }
}

/* --- who is called --- */

static struct cavern_queue echo_queue;

static void echo(struct stress_worker *worker)
{
    struct cavern_message message;
    CHECK_OK(cavern_queue_receive(&echo_queue, CAVERN_FOREVER, &message));
    for (uint64_t word = 0; message.header.kind == CAVERN_KIND_REQUEST; worker->done++) {
        uint32_t request = message.header.request;
        cavern_queue_release(&echo_queue, &message);
        CHECK_OK(cavern_reply_receive(&echo_queue, request, &(struct cavern_outgoing){.payload = &word, .size = 8},
                                      CAVERN_FOREVER, &message));
    }
    cavern_queue_release(&echo_queue, &message);
}

static void processes_are_killed(void)
{
    struct stress_worker makers[MAKERS], killers[KILLERS], server;
    make_code();
    test_queue(&echo_queue, 256, 64);
    echo_sender = test_sender(&echo_queue, 0);
    stress_start(&server, 0, echo, 0);
    for (unsigned i = 0; i < MAKERS; i++)
        stress_start(&makers[i], i, make_processes, 0);
    for (unsigned i = 0; i < KILLERS; i++)
        stress_start(&killers[i], i, kill_processes, 0);
    uint64_t made = stress_join(makers, MAKERS), disturbed = stress_join(killers, KILLERS);
    while (test_send_word(echo_sender, 0) == CAVERN_QUEUE_FULL)
        cavern_thread_yield();
    uint64_t calls = stress_join(&server, 1);
    stress_note("%lu processes, %lu disturbances, %lu calls", (unsigned long)made, (unsigned long)disturbed,
                (unsigned long)calls);
}

const struct test_case test_cases[] = {
    {"processes are made and killed", processes_are_killed, "[TEST-STRESS-1] [SCHED-16] [PROC-END-3] [PROC-CONTROL-2]"},
    {0},
};

const struct test_peer_function test_peers[] = {{0}};
