/* SPDX-License-Identifier: BSD-2-Clause */
/* Handlers of faults: peers come to memory that is not there, and to calls that are not Cavern's; the case, or another
 * peer, deals with it. */
#include "gate.h"

#include <cavern/submit.h>

enum { PAGE = CAVERN_PAGE_SIZE, PAGES = 16, MANY = 12, FLOOD = 100 };

#define AT UINT64_C(0x10000000) /* PAGES pages: nothing is there to begin with */
#define READ_WRITE (CAVERN_PROT_READ | CAVERN_PROT_WRITE)

/* --- peers --- */

static volatile uint64_t *word_at(unsigned page)
{
    return (volatile uint64_t *)(AT + page * PAGE + 8 * page);
}

static void walk(void)
{
    gate_pass();
    for (unsigned i = 0; i < PAGES; i++)
        *word_at(i) = i + 1;
    for (unsigned i = 0; i < PAGES; i++)
        CHECK_EQUAL(*word_at(i), i + 1);
    gate_pass();
}

/* Each call comes to a page of its own. */
static void call_with_missing_memory(void)
{
    struct cavern_queue queue;
    struct cavern_message message;
    uint64_t next, written, words[5] = {AT};
    test_queue(&queue, 64, 0);
    cavern_handle sender = test_sender(&queue, 6);
    gate_pass();
    CHECK_OK(cavern_sys_send(sender, CAVERN_INFO(100, 0, 0, 0, 0), words));
    CHECK_OK(cavern_sys_inspect(CAVERN_SELF_PROCESS, CAVERN_INSPECT_PROCESS, 0, AT + PAGE,
                                sizeof(struct cavern_process_info), &next, &written));
    CHECK_EQUAL(((struct cavern_process_info *)(AT + PAGE))->threads, 1);
    *(volatile uint64_t *)AT = 0x1234;
    CHECK_OK(cavern_process_read(CAVERN_SELF_PROCESS, AT, (void *)(AT + 2 * PAGE), PAGE + 8));
    CHECK_EQUAL(*(volatile uint64_t *)(AT + 2 * PAGE), 0x1234);
    CHECK_OK(cavern_sys_submit(AT + 5 * PAGE - sizeof(struct cavern_operation), 2, 0, &next)); /* two nops */
    CHECK_EQUAL(next, 2);
    test_receive(&queue, CAVERN_KIND_MESSAGE, &message);
    CHECK_EQUAL(message.header.size, 100);
    test_nothing(&queue);
    struct cavern_received received;
    CHECK_OK(cavern_sys_call(test_handle("gate"), 0, CAVERN_FOREVER, AT + 6 * PAGE, sizeof(uint64_t),
                             CAVERN_INFO(8, 0, 0, 0, 0), (uint64_t[5]){0}, &received));
}

/* Nothing that is mapped, or not, would make any of these good. */
static void call_with_what_nobody_mends(void)
{
    static const uint64_t outside[] = {CAVERN_USER_END, UINT64_C(1) << 63, 0xffff000040000000, UINT64_MAX - 7};
    struct cavern_queue queue;
    struct cavern_received received;
    cavern_handle next_to_it, devices = test_handle("devices");
    uint64_t next, mapped, words[5] = {0}, info = CAVERN_INFO(100, 0, 0, 0, 0);
    test_queue(&queue, 64, 1);
    cavern_handle sender = test_sender(&queue, 0);
    uint8_t *memory = (uint8_t *)AT;
    for (unsigned i = 0; i < 2; i++) {
        CHECK_OK(cavern_buffer_create(CAVERN_SELF_ACCOUNT, PAGE, 0, &next_to_it));
        CHECK_OK(
            cavern_buffer_map_at(CAVERN_SELF_PROCESS, next_to_it, 0, PAGE, (uintptr_t)memory + i * PAGE, READ_WRITE));
    }
    CHECK_OK(cavern_sys_map(CAVERN_SELF_PROCESS, devices, 0x9000000, PAGE, 0, READ_WRITE, &mapped));
    gate_pass();
    for (unsigned i = 0; i < sizeof outside / sizeof *outside; i++)
        CHECK_STATUS(cavern_sys_send(sender, info, &outside[i]), CAVERN_BAD_ADDRESS);
    words[0] = AT + 4; /* misaligned */
    CHECK_STATUS(cavern_sys_send(sender, info, words), CAVERN_BAD_ADDRESS);
    words[0] = CAVERN_USER_END - 96; /* not wholly */
    CHECK_STATUS(cavern_sys_send(sender, info, words), CAVERN_BAD_ADDRESS);
    CHECK_STATUS(
        cavern_sys_inspect(CAVERN_SELF_PROCESS, CAVERN_INSPECT_PROCESS, 0, CAVERN_USER_END - 64, 256, &next, &next),
        CAVERN_BAD_ADDRESS);
    CHECK_STATUS(cavern_sys_send(sender, info, &mapped), CAVERN_BAD_ADDRESS);
    CHECK_STATUS(
        cavern_sys_inspect(CAVERN_SELF_PROCESS, CAVERN_INSPECT_PROCESS, 0, (uintptr_t)queue.ring, 256, &next, &next),
        CAVERN_BAD_ADDRESS);
    CHECK_STATUS(
        cavern_sys_call(sender, 0, CAVERN_POLL, AT + PAGE - 8, 16, CAVERN_INFO(0, 0, 0, 0, 0), words, &received),
        CAVERN_BAD_ADDRESS);                                                                  /* two mappings */
    CHECK_STATUS(cavern_process_read(test_handle("case"), 8, memory, 8), CAVERN_BAD_ADDRESS); /* the other's */
    *(struct cavern_operation *)memory =
        (struct cavern_operation){{CAVERN_SELF_PROCESS, CAVERN_INFO(0, CAVERN_CALL_UNMAP, 0, 0, 0), 0, AT, PAGE}};
    CHECK_STATUS(cavern_sys_submit(AT, 1, 0, &next), CAVERN_BAD_ADDRESS);
    gate_pass();
}

static uint64_t foreign(uint64_t number, uint64_t a, uint64_t b)
{
    register uint64_t x0 __asm__("x0") = a;
    register uint64_t x1 __asm__("x1") = b;
    register uint64_t x8 __asm__("x8") = number;
    __asm__ volatile("svc 0" : "+r"(x0) : "r"(x1), "r"(x8) : "memory");
    return x0;
}

static void call_foreign(void)
{
    gate_pass();
    for (uint64_t i = 0; i < 200; i++)
        CHECK_EQUAL(foreign(i, 1000 * i, 7), 1000 * i + 7 + i);
    gate_pass();
}

static void touch(void)
{
    gate_pass();
    *word_at(0) = 1;
    gate_pass();
}

static unsigned touched;

static void touch_one(void *argument)
{
    *word_at((unsigned)(uintptr_t)argument) = 1;
    PUBLISH(touched, touched + 1);
}

static void touch_by_many(void)
{
    gate_pass();
    for (uintptr_t i = 0; i < MANY; i++)
        test_thread(touch_one, (void *)i, TEST_PRIORITY_HIGH);
    while (OBSERVE(touched) < MANY)
        cavern_sleep_until(cavern_after(CAVERN_SECOND / 1000));
    gate_pass();
}

static void call_for_ever(void *argument)
{
    (void)argument;
    foreign(0, 0, 0);
    test_fail(__FILE__, __LINE__, "a foreign call returned that nobody served");
}

static void flood(void)
{
    gate_pass();
    for (unsigned i = 0; i < FLOOD; i++)
        test_thread(call_for_ever, NULL, TEST_PRIORITY);
    cavern_sleep_until(CAVERN_FOREVER);
}

/* Maps the page, unless a predecessor has, and lets the thread go on. */
static void serve_page(cavern_handle process, cavern_handle memory, const struct cavern_fault_notice *fault)
{
    uint64_t page = fault->address & ~(uint64_t)(PAGE - 1);
    CHECK_EQUAL(fault->kind, CAVERN_FAULT_DATA_UNMAPPED);
    enum cavern_status status = cavern_buffer_map_at(process, memory, page - AT, PAGE, page, READ_WRITE);
    CHECK(status == CAVERN_OK || status == CAVERN_EXISTS);
    CHECK_OK(cavern_thread_resume(process, fault->thread));
}

/* Serves the faults of "client"; before each it comes to a page of its own that is not there, if `own`. Dies of one
 * that nobody handles with `last` faults in hand. */
static void pager(bool own, unsigned last)
{
    struct cavern_queue queue;
    struct cavern_message message;
    cavern_handle client = test_handle("client"), memory = test_handle("memory");
    CHECK_OK(cavern_queue_open(CAVERN_STARTUP_QUEUE, &queue));
    gate_pass();
    for (unsigned i = 0;; i++) {
        CHECK_OK(cavern_queue_receive(&queue, CAVERN_FOREVER, &message));
        CHECK_EQUAL(message.header.kind, CAVERN_KIND_FAULT);
        CHECK_EQUAL(message.header.label, GATE_LABEL);
        struct cavern_fault_notice fault = cavern_fault_read(&message);
        cavern_queue_release(&queue, &message);
        if (own)
            *word_at(i) = i;
        if (i >= last)
            *(volatile int *)(uintptr_t)64 = 0;
        if (i % 2 == 0 || last > MANY)
            serve_page(client, memory, &fault);
    }
}

static void page(void)
{
    pager(false, PAGES);
}

static void page_with_faults(void)
{
    pager(true, PAGES);
}

static void page_and_die(void)
{
    pager(false, 5);
}

/* --- the case's side --- */

static struct {
    cavern_handle memory;
    cavern_handle other; /* a queue for the faults that somebody else handles */
} t;

static void set_up(void)
{
    gate_make();
    CHECK_OK(cavern_buffer_create(CAVERN_SELF_ACCOUNT, PAGES * PAGE, 0, &t.memory));
    CHECK_OK(cavern_sys_queue_create(CAVERN_SELF_ACCOUNT, 64, 0, 0, &t.other));
}

/* A peer that is bound to t.other and handles the faults of `client`; it waits at the gate. */
static void start_pager(const char *function, const struct test_peer *client, struct test_peer *peer)
{
    struct cavern_spawn_handle rows[] = {
        test_give(TEST_REPORT, test_handle(TEST_REPORT), RIGHTS_SENDER),
        test_give("gate", test_sender(&gate, 0), RIGHTS_SENDER),
        test_give("client", client->process, CAVERN_RIGHT_MANAGE | CAVERN_RIGHT_MEMORY),
        test_give("memory", t.memory, RIGHTS_BUFFER),
    };
    struct cavern_spawn setup = test_peer_setup(function);
    setup.queue = t.other;
    setup.handles = rows;
    setup.handle_count = sizeof rows / sizeof *rows;
    test_peer_start(&setup, peer);
}

/* Maps what the peer lacks until somebody comes to the gate; how many faults that were, and of them of calls. */
static unsigned serve_until_gate(const struct test_peer *peer, unsigned *of_calls)
{
    struct cavern_message message;
    *of_calls = 0;
    for (unsigned count = 0;; count++) {
        CHECK_OK(cavern_queue_receive(&gate, cavern_after(CAVERN_SECOND), &message));
        uint32_t request = message.header.request;
        struct cavern_fault_notice fault = {0};
        if (!request) {
            CHECK_EQUAL(message.header.kind, CAVERN_KIND_FAULT);
            fault = cavern_fault_read(&message);
        }
        cavern_queue_release(&gate, &message);
        if (request) {
            CHECK_OK(test_reply_word(&gate, request, 0));
            return count;
        }
        *of_calls += !fault.syndrome;
        serve_page(peer->process, t.memory, &fault);
    }
}

static void expect_end_by_fault(struct test_peer *peer, uint64_t kind, uint64_t address)
{
    uint64_t words[5];
    test_peer_exit(peer, words, true);
    CHECK_EQUAL(words[CAVERN_EXIT_REASON], CAVERN_REASON_FAULT);
    CHECK_EQUAL(words[CAVERN_EXIT_FAULT], kind);
    CHECK_EQUAL(words[CAVERN_EXIT_ADDRESS], address);
}

/* --- cases --- */

static void memory_comes_page_by_page(void)
{
    struct test_peer peer;
    unsigned of_calls;
    set_up();
    gate_start("walk", &peer);
    gate_let_in(&peer, gate.handle);
    CHECK_EQUAL(serve_until_gate(&peer, &of_calls), PAGES);
    CHECK_EQUAL(of_calls, 0);
    test_peer_done(&peer);
}

static void memory_comes_to_calls(void)
{
    struct test_peer peer;
    unsigned of_calls;
    set_up();
    gate_start("call_with_missing_memory", &peer);
    gate_let_in(&peer, gate.handle);
    CHECK_EQUAL(serve_until_gate(&peer, &of_calls), 7);
    CHECK_EQUAL(of_calls, 7);
    test_peer_done(&peer);
}

static void what_nobody_mends_is_an_error(void)
{
    struct test_peer peer;
    set_up();
    struct cavern_spawn_handle rows[] = {
        test_give("gate", test_sender(&gate, 0), RIGHTS_SENDER),
        test_give("devices", test_handle(CAVERN_STARTUP_DEVICES), RIGHTS_DEVICE),
        test_give("case", CAVERN_SELF_PROCESS, RIGHTS_PROCESS),
    };
    test_peer("call_with_what_nobody_mends", rows, sizeof rows / sizeof *rows, &peer);
    gate_let_in(&peer, gate.handle);
    gate_open(); /* a fault would have come first */
    test_peer_done(&peer);
}

static void foreign_calls_are_served(void)
{
    struct test_peer peer;
    struct cavern_registers registers;
    set_up();
    gate_start("call_foreign", &peer);
    gate_let_in(&peer, gate.handle);
    for (unsigned i = 0; i < 200; i++) {
        struct cavern_fault_notice fault = gate_fault(&gate);
        CHECK_EQUAL(fault.kind, CAVERN_FAULT_FOREIGN_CALL);
        CHECK_EQUAL(fault.syndrome >> 26, 0x15); /* SVC, AArch64 */
        CHECK_EQUAL(fault.syndrome & 0xffff, 0);
        CHECK_OK(cavern_registers_read(peer.process, fault.thread, &registers));
        CHECK_EQUAL(registers.pc, fault.pc);
        CHECK_EQUAL(registers.x[8], i);
        registers.x[0] += registers.x[1] + registers.x[8];
        CHECK_OK(cavern_foreign_return(peer.process, fault.thread, &registers));
    }
    gate_open();
    test_peer_done(&peer);
}

static void handler_has_a_handler(void)
{
    struct test_peer client, handler;
    unsigned of_calls;
    set_up();
    gate_start("walk", &client);
    uint32_t waiting = gate_take(); /* it is let in last */
    start_pager("page_with_faults", &client, &handler);
    gate_let_in(&handler, gate.handle);
    CHECK_OK(cavern_fault_notify(client.process, t.other, GATE_LABEL));
    CHECK_OK(test_reply_word(&gate, waiting, 0));
    CHECK_EQUAL(serve_until_gate(&handler, &of_calls), PAGES);
    test_peer_done(&client);
    CHECK_OK(cavern_sys_process_end(handler.process, 0));
}

static void successor_gets_the_faults(void)
{
    struct test_peer client, first, second;
    set_up();
    gate_start("touch_by_many", &client);
    uint32_t waiting = gate_take();
    start_pager("page_and_die", &client, &first);
    gate_open();
    CHECK_OK(cavern_fault_notify(client.process, t.other, GATE_LABEL));
    CHECK_OK(test_reply_word(&gate, waiting, 0));
    expect_end_by_fault(&first, CAVERN_FAULT_DATA_UNMAPPED, 64);
    start_pager("page", &client, &second);
    gate_open();
    gate_open(); /* all have touched their page */
    test_peer_done(&client);
    CHECK_OK(cavern_sys_process_end(second.process, 0));
}

static void suspended_in_its_fault(void)
{
    struct test_peer peer;
    set_up();
    gate_start("touch", &peer);
    gate_let_in(&peer, gate.handle);
    struct cavern_fault_notice fault = gate_fault(&gate);
    CHECK_EQUAL(fault.address, AT);
    CHECK_OK(cavern_sys_thread_control(peer.process, fault.thread, CAVERN_THREAD_SUSPEND, 0, 0));
    CHECK_OK(cavern_thread_resume(peer.process, fault.thread)); /* both are over, and nothing has changed */
    fault = gate_fault(&gate);
    CHECK_EQUAL(fault.address, AT);
    CHECK_OK(cavern_buffer_map_at(peer.process, t.memory, 0, PAGE, AT, READ_WRITE));
    test_nothing(&gate);
    CHECK_OK(cavern_thread_resume(peer.process, fault.thread));
    gate_open();
    test_peer_done(&peer);
}

static void nobody_handles_its_own_faults(void)
{
    set_up();
    CHECK_STATUS(cavern_fault_notify(CAVERN_SELF_PROCESS, gate.handle, 0), CAVERN_BAD_ARGUMENT);
    CHECK_OK(cavern_fault_notify(CAVERN_SELF_PROCESS, t.other, 0)); /* bound to nobody */
    CHECK_OK(cavern_fault_notify(CAVERN_SELF_PROCESS, 0, 0));
    CHECK_STATUS(cavern_fault_notify(CAVERN_SELF_THREAD, t.other, 0), CAVERN_BAD_ARGUMENT);
    CHECK_STATUS(cavern_fault_notify(t.other, t.other, 0), CAVERN_BAD_HANDLE);
}

static void queue_that_goes_ends_the_process(void)
{
    struct test_peer peer;
    set_up();
    gate_start("touch", &peer);
    gate_let_in(&peer, t.other);
    CHECK_OK(cavern_sys_handle_close(t.other));
    expect_end_by_fault(&peer, CAVERN_FAULT_DATA_UNMAPPED, AT);
    /* The subscription alone is no more: the next fault is one without handler. */
    CHECK_OK(cavern_sys_queue_create(CAVERN_SELF_ACCOUNT, 64, 0, 0, &t.other));
    gate_start("touch", &peer);
    CHECK_OK(cavern_fault_notify(peer.process, t.other, GATE_LABEL));
    CHECK_OK(cavern_sys_handle_close(t.other));
    gate_open();
    expect_end_by_fault(&peer, CAVERN_FAULT_DATA_UNMAPPED, AT);
}

static void fault_waits_for_an_owner(void)
{
    struct test_peer peer;
    struct cavern_queue queue;
    uint64_t ring, control, bound;
    set_up();
    gate_start("touch", &peer);
    gate_let_in(&peer, t.other); /* which is bound to nobody */
    CHECK_OK(cavern_sys_queue_bind(t.other, CAVERN_SELF_PROCESS, 0, &ring, &control, &bound));
    cavern_queue_attach(&queue, t.other, ring, control, bound);
    gate_fault(&queue);
    test_rebind(&queue);
    struct cavern_fault_notice fault = gate_fault(&queue); /* again */
    CHECK_OK(cavern_fault_notify(peer.process, 0, 0));
    serve_page(peer.process, t.memory, &fault);
    gate_open();
    test_peer_done(&peer);
}

static void flood_ends_at_once(void)
{
    struct test_peer peer;
    uint64_t words[5];
    set_up();
    gate_start("flood", &peer);
    gate_let_in(&peer, gate.handle);
    for (unsigned i = 0; i < 5000; i++) {
        struct cavern_fault_notice fault = gate_fault(&gate);
        CHECK_EQUAL(fault.kind, CAVERN_FAULT_FOREIGN_CALL);
        CHECK_OK(cavern_thread_resume(peer.process, fault.thread)); /* to the same call */
    }
    CHECK_OK(cavern_sys_process_end(peer.process, 9));
    test_peer_exit(&peer, words, true);
    CHECK_EQUAL(words[CAVERN_EXIT_REASON], CAVERN_REASON_ENDED);
}

const struct test_case test_cases[] = {
    {"memory comes page by page", memory_comes_page_by_page, "[PROC-HANDLER-1] [PROC-HANDLER-3]"},
    {"memory comes to system calls", memory_comes_to_calls, "[MEM-FAULT-1] [MEM-FAULT-2] [MEM-FAULT-3] [MEM-FAULT-4]"},
    {"what nobody can mend is an error", what_nobody_mends_is_an_error, "[MEM-FAULT-5] [ABI-ADDR-1] [ABI-ADDR-2]"},
    {"foreign calls are served", foreign_calls_are_served, "[ABI-ENTER-2] [PROC-HANDLER-1] [PROC-HANDLER-3]"},
    {"a handler has a handler", handler_has_a_handler, "[PROC-HANDLER-1] [PROC-HANDLER-3]"},
    {"the successor of a handler gets the faults", successor_gets_the_faults, "[PROC-HANDLER-5] [MSG-NOTICE-6]"},
    {"suspended in its fault", suspended_in_its_fault, "[PROC-HANDLER-3] [PROC-HANDLER-4]"},
    {"nobody handles its own faults", nobody_handles_its_own_faults, "[PROC-HANDLER-2] [ABI-CALL-3]"},
    {"a queue that goes ends the process", queue_that_goes_ends_the_process, "[PROC-HANDLER-7] [PROC-FAULT-1]"},
    {"a fault waits for an owner", fault_waits_for_an_owner, "[PROC-HANDLER-5] [PROC-HANDLER-6]"},
    {"a flood of faults ends at once", flood_ends_at_once, "[PROC-HANDLER-5] [PROC-HANDLER-8] [MSG-NOTICE-1]"},
    {0},
};

const struct test_peer_function test_peers[] = {
    {"walk", walk},
    {"call_with_missing_memory", call_with_missing_memory},
    {"call_with_what_nobody_mends", call_with_what_nobody_mends},
    {"call_foreign", call_foreign},
    {"touch", touch},
    {"touch_by_many", touch_by_many},
    {"flood", flood},
    {"page", page},
    {"page_with_faults", page_with_faults},
    {"page_and_die", page_and_die},
    {0},
};
