/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Handlers of faults: peers come to memory that is not there, and to calls that are not Cavern's; the case, or another
 * peer, deals with it. A peer begins with a call to the case's `gate`, so that its faults have a destination when it
 * goes on, and says with another one that it is through.
 */
#include "test.h"

#include <cavern/fault.h>
#include <cavern/submit.h>

enum { PAGE = CAVERN_PAGE_SIZE, PAGES = 16, LABEL = 81, MANY = 12, FLOOD = 100 };

#define AT UINT64_C(0x10000000) /* PAGES pages: nothing is there to begin with */
#define READ_WRITE (CAVERN_PROT_READ | CAVERN_PROT_WRITE)

/* --- peers --- */

static void pass_gate(void)
{
    uint64_t answer;
    CHECK_OK(test_call_word(test_handle("gate"), 0, CAVERN_FOREVER, &answer));
}

static volatile uint64_t *word_at(unsigned page)
{
    return (volatile uint64_t *)(AT + page * PAGE + 8 * page);
}

static void walk(void)
{
    pass_gate();
    for (unsigned i = 0; i < PAGES; i++)
        *word_at(i) = i + 1;
    for (unsigned i = 0; i < PAGES; i++)
        CHECK_EQUAL(*word_at(i), i + 1);
    pass_gate();
}

/* Each call comes to a page of its own. */
static void call_with_missing_memory(void)
{
    struct cavern_queue queue;
    struct cavern_message message;
    uint64_t next, written, words[5] = {AT};
    test_queue(&queue, 64, 0);
    cavern_handle sender = test_sender(&queue, 6);
    pass_gate();
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
    pass_gate();
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
    pass_gate();
    for (uint64_t i = 0; i < 200; i++)
        CHECK_EQUAL(foreign(i, 1000 * i, 7), 1000 * i + 7 + i);
    pass_gate();
}

static void touch(void)
{
    pass_gate();
    *word_at(0) = 1;
    pass_gate();
}

static unsigned touched;

static void touch_one(void *argument)
{
    *word_at((unsigned)(uintptr_t)argument) = 1;
    PUBLISH(touched, touched + 1);
}

static void touch_by_many(void)
{
    pass_gate();
    for (uintptr_t i = 0; i < MANY; i++)
        test_thread(touch_one, (void *)i, TEST_PRIORITY_HIGH);
    while (OBSERVE(touched) < MANY)
        cavern_sleep_until(cavern_after(CAVERN_SECOND / 1000));
    pass_gate();
}

static void call_for_ever(void *argument)
{
    (void)argument;
    foreign(0, 0, 0);
    test_fail(__FILE__, __LINE__, "a foreign call returned that nobody served");
}

static void flood(void)
{
    pass_gate();
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
    pass_gate();
    for (unsigned i = 0;; i++) {
        CHECK_OK(cavern_queue_receive(&queue, CAVERN_FOREVER, &message));
        CHECK_EQUAL(message.header.kind, CAVERN_KIND_FAULT);
        CHECK_EQUAL(message.header.label, LABEL);
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

/* All registers but sp and pc; `general.sp` stands for TLS. */
struct all {
    struct cavern_registers general;
    struct cavern_vector_registers vector;
};

static struct all before, after;

#define PAIR_X(op, base, a, b, at) op " x" #a ", x" #b ", [" base ", " #at "]\n"
#define MOST_X(op, base)                                                                                               \
    PAIR_X(op, base, 2, 3, 16)                                                                                         \
    PAIR_X(op, base, 4, 5, 32)                                                                                         \
    PAIR_X(op, base, 6, 7, 48)                                                                                         \
    PAIR_X(op, base, 8, 9, 64)                                                                                         \
    PAIR_X(op, base, 10, 11, 80)                                                                                       \
    PAIR_X(op, base, 12, 13, 96)                                                                                       \
    PAIR_X(op, base, 14, 15, 112)                                                                                      \
    PAIR_X(op, base, 16, 17, 128)                                                                                      \
    PAIR_X(op, base, 18, 19, 144)                                                                                      \
    PAIR_X(op, base, 20, 21, 160)                                                                                      \
    PAIR_X(op, base, 22, 23, 176)                                                                                      \
    PAIR_X(op, base, 24, 25, 192)                                                                                      \
    PAIR_X(op, base, 26, 27, 208)                                                                                      \
    PAIR_X(op, base, 28, 29, 224)
#define PAIR_Q(op, base, a, b, at) op " q" #a ", q" #b ", [" base ", " #at "]\n"
#define ALL_Q(op, base)                                                                                                \
    PAIR_Q(op, base, 0, 1, 0)                                                                                          \
    PAIR_Q(op, base, 2, 3, 32)                                                                                         \
    PAIR_Q(op, base, 4, 5, 64)                                                                                         \
    PAIR_Q(op, base, 6, 7, 96)                                                                                         \
    PAIR_Q(op, base, 8, 9, 128)                                                                                        \
    PAIR_Q(op, base, 10, 11, 160)                                                                                      \
    PAIR_Q(op, base, 12, 13, 192)                                                                                      \
    PAIR_Q(op, base, 14, 15, 224)                                                                                      \
    PAIR_Q(op, base, 16, 17, 256)                                                                                      \
    PAIR_Q(op, base, 18, 19, 288)                                                                                      \
    PAIR_Q(op, base, 20, 21, 320)                                                                                      \
    PAIR_Q(op, base, 22, 23, 352)                                                                                      \
    PAIR_Q(op, base, 24, 25, 384)                                                                                      \
    PAIR_Q(op, base, 26, 27, 416)                                                                                      \
    PAIR_Q(op, base, 28, 29, 448)                                                                                      \
    PAIR_Q(op, base, 30, 31, 480)

/* Loads all of `in`, makes a foreign call, stores all in `out`. */
void exchange(const struct all *in, struct all *out);
extern const char exchange_at[];
__asm__(".text\n.arch_extension fp\n.arch_extension simd\n.global exchange, exchange_at\n"
        "exchange:\n"
        "stp x29, x30, [sp, -192]!\n"
        "stp x19, x20, [sp, 16]\n stp x21, x22, [sp, 32]\n stp x23, x24, [sp, 48]\n stp x25, x26, [sp, 64]\n"
        "stp x27, x28, [sp, 80]\n stp d8, d9, [sp, 96]\n stp d10, d11, [sp, 112]\n stp d12, d13, [sp, 128]\n"
        "stp d14, d15, [sp, 144]\n"
        "mrs x2, tpidr_el0\n stp x1, x2, [sp, 160]\n"
        "ldr x2, [x0, 248]\n msr tpidr_el0, x2\n"
        "ldr x2, [x0, 264]\n msr nzcv, x2\n"
        "ldr x2, [x0, 784]\n msr fpsr, x2\n ldr x2, [x0, 792]\n msr fpcr, x2\n"
        "add x2, x0, 272\n" ALL_Q("ldp", "x2") "mov x30, x0\n" PAIR_X("ldp", "x30", 0, 1, 0) MOST_X(
            "ldp",
            "x30") "ldr x30, [x30, 240]\n"
                   "exchange_at: svc 0\n"
                   "stp x0, x1, [sp, -16]!\n"
                   "ldr x0, [sp, 176]\n" MOST_X(
                       "stp",
                       "x0") "str x30, [x0, 240]\n"
                             "ldp x2, x3, [sp], 16\n stp x2, x3, [x0]\n"
                             "mrs x2, nzcv\n str x2, [x0, 264]\n"
                             "mrs x2, tpidr_el0\n str x2, [x0, 248]\n"
                             "mrs x2, fpsr\n str x2, [x0, 784]\n mrs x2, fpcr\n str x2, [x0, 792]\n msr fpcr, xzr\n"
                             "add x2, x0, 272\n" ALL_Q("stp",
                                                       "x2") "ldr x2, [sp, 168]\n msr tpidr_el0, x2\n"
                                                             "ldp x19, x20, [sp, 16]\n ldp x21, x22, [sp, 32]\n ldp "
                                                             "x23, x24, [sp, 48]\n ldp x25, x26, [sp, 64]\n"
                                                             "ldp x27, x28, [sp, 80]\n ldp d8, d9, [sp, 96]\n ldp d10, "
                                                             "d11, [sp, 112]\n ldp d12, d13, [sp, 128]\n"
                                                             "ldp d14, d15, [sp, 144]\n"
                                                             "ldp x29, x30, [sp], 192\n"
                                                             "ret\n.arch_extension nosimd\n.arch_extension nofp\n");

static struct all pattern(uint64_t base)
{
    struct all all = {.general = {.sp = base + 48, .flags = (base & 0xf) << 28}};
    for (unsigned i = 0; i < 31; i++)
        all.general.x[i] = base + i;
    for (unsigned i = 0; i < 32; i++) {
        all.vector.v[i][0] = base + 64 + i;
        all.vector.v[i][1] = base + 128 + i;
    }
    all.vector.fpsr = base & 0x1f;
    all.vector.fpcr = 1 << 24; /* FZ */
    return all;
}

#define MINE UINT64_C(0x1110009)
#define YOURS UINT64_C(0x2220016)

static void exchange_registers(void)
{
    struct all expected = pattern(YOURS);
    before = pattern(MINE);
    pass_gate();
    exchange(&before, &after);
    expected.vector.fpcr = 0;
    CHECK(memcmp(&after, &expected, sizeof after) == 0);
    pass_gate();
}

/* --- the case's side --- */

static struct {
    struct cavern_queue queue; /* gate, and faults that the case handles itself */
    cavern_handle memory;
    cavern_handle other; /* a queue for the faults that somebody else handles */
} t;

static void set_up(void)
{
    test_queue(&t.queue, 64, 8);
    CHECK_OK(cavern_buffer_create(CAVERN_SELF_ACCOUNT, PAGES * PAGE, 0, &t.memory));
    CHECK_OK(cavern_sys_queue_create(CAVERN_SELF_ACCOUNT, 64, 0, &t.other));
}

/* Somebody stands at the gate. */
static uint32_t take_request(void)
{
    struct cavern_message message;
    test_receive(&t.queue, CAVERN_KIND_REQUEST, &message);
    uint32_t request = message.header.request;
    cavern_queue_release(&t.queue, &message);
    return request;
}

static void open_gate(void)
{
    CHECK_OK(test_reply_word(&t.queue, take_request(), 0));
}

/* It waits at the gate. */
static void start(const char *function, struct test_peer *peer)
{
    struct cavern_spawn_handle gate = test_give("gate", test_sender(&t.queue, 0), RIGHTS_SENDER);
    test_peer(function, &gate, 1, peer);
}

/* Goes on, with its faults told to `queue`. */
static void let_in(struct test_peer *peer, cavern_handle queue)
{
    CHECK_OK(cavern_fault_notify(peer->process, queue, LABEL));
    open_gate();
}

/* A peer that is bound to t.other and handles the faults of `client`; it waits at the gate. */
static void start_pager(const char *function, const struct test_peer *client, struct test_peer *peer)
{
    struct cavern_spawn_handle rows[] = {
        test_give(TEST_REPORT, test_handle(TEST_REPORT), RIGHTS_SENDER),
        test_give("gate", test_sender(&t.queue, 0), RIGHTS_SENDER),
        test_give("client", client->process, CAVERN_RIGHT_MANAGE | CAVERN_RIGHT_MEMORY),
        test_give("memory", t.memory, RIGHTS_BUFFER),
    };
    struct cavern_spawn setup = test_peer_setup(function);
    setup.queue = t.other;
    setup.handles = rows;
    setup.handle_count = sizeof rows / sizeof *rows;
    test_peer_start(&setup, peer);
}

static struct cavern_fault_notice take_fault(struct cavern_queue *queue)
{
    struct cavern_message message;
    test_receive(queue, CAVERN_KIND_FAULT, &message);
    CHECK_EQUAL(message.header.label, LABEL);
    CHECK_EQUAL(message.header.size, 40);
    struct cavern_fault_notice fault = cavern_fault_read(&message);
    cavern_queue_release(queue, &message);
    return fault;
}

/* Maps what the peer lacks until somebody comes to the gate; how many faults that were, and of them of calls. */
static unsigned serve_until_gate(const struct test_peer *peer, unsigned *of_calls)
{
    struct cavern_message message;
    *of_calls = 0;
    for (unsigned count = 0;; count++) {
        CHECK_OK(cavern_queue_receive(&t.queue, cavern_after(CAVERN_SECOND), &message));
        uint32_t request = message.header.request;
        struct cavern_fault_notice fault = {0};
        if (!request) {
            CHECK_EQUAL(message.header.kind, CAVERN_KIND_FAULT);
            fault = cavern_fault_read(&message);
        }
        cavern_queue_release(&t.queue, &message);
        if (request) {
            CHECK_OK(test_reply_word(&t.queue, request, 0));
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
    start("walk", &peer);
    let_in(&peer, t.queue.handle);
    CHECK_EQUAL(serve_until_gate(&peer, &of_calls), PAGES);
    CHECK_EQUAL(of_calls, 0);
    test_peer_done(&peer);
}

static void memory_comes_to_calls(void)
{
    struct test_peer peer;
    unsigned of_calls;
    set_up();
    start("call_with_missing_memory", &peer);
    let_in(&peer, t.queue.handle);
    CHECK_EQUAL(serve_until_gate(&peer, &of_calls), 6);
    CHECK_EQUAL(of_calls, 6);
    test_peer_done(&peer);
}

static void foreign_calls_are_served(void)
{
    struct test_peer peer;
    struct cavern_registers registers;
    set_up();
    start("call_foreign", &peer);
    let_in(&peer, t.queue.handle);
    for (unsigned i = 0; i < 200; i++) {
        struct cavern_fault_notice fault = take_fault(&t.queue);
        CHECK_EQUAL(fault.kind, CAVERN_FAULT_FOREIGN_CALL);
        CHECK_EQUAL(fault.syndrome >> 26, 0x15); /* SVC, AArch64 */
        CHECK_EQUAL(fault.syndrome & 0xffff, 0);
        CHECK_OK(cavern_registers_read(peer.process, fault.thread, &registers));
        CHECK_EQUAL(registers.pc, fault.pc);
        CHECK_EQUAL(registers.x[8], i);
        registers.x[0] += registers.x[1] + registers.x[8];
        CHECK_OK(cavern_foreign_return(peer.process, fault.thread, &registers));
    }
    open_gate();
    test_peer_done(&peer);
}

static void check_pattern(cavern_handle process, uint64_t thread, const void *pc)
{
    struct cavern_registers general;
    struct cavern_vector_registers vector;
    struct all expected = pattern(MINE);
    uint64_t tls;
    CHECK_OK(cavern_registers_read(process, thread, &general));
    CHECK_OK(cavern_vector_read(process, thread, &vector));
    CHECK_OK(cavern_tls_read(process, thread, &tls));
    CHECK(memcmp(general.x, expected.general.x, sizeof general.x) == 0);
    CHECK_EQUAL(general.pc, (uintptr_t)pc);
    CHECK_EQUAL(general.flags, expected.general.flags);
    CHECK(memcmp(&vector, &expected.vector, sizeof vector) == 0);
    CHECK_EQUAL(tls, expected.general.sp);
}

static void all_registers_are_read_and_changed(void)
{
    struct test_peer peer;
    struct cavern_registers general;
    struct all mine = pattern(YOURS);
    set_up();
    start("exchange_registers", &peer);
    let_in(&peer, t.queue.handle);
    struct cavern_fault_notice fault = take_fault(&t.queue);
    check_pattern(peer.process, fault.thread, exchange_at);
    CHECK_OK(cavern_registers_read(peer.process, fault.thread, &general));
    memcpy(general.x, mine.general.x, sizeof general.x);
    general.flags = mine.general.flags;
    mine.vector.fpcr = 0;
    CHECK_OK(cavern_vector_write(peer.process, fault.thread, &mine.vector));
    CHECK_OK(cavern_tls_write(peer.process, fault.thread, mine.general.sp));
    CHECK_OK(cavern_foreign_return(peer.process, fault.thread, &general));
    open_gate();
    test_peer_done(&peer);
}

/* Kernel objects charged to the case's account. */
static uint64_t objects(void)
{
    struct cavern_account_info info;
    uint64_t next, written;
    CHECK_OK(
        cavern_sys_inspect(test_account(), CAVERN_INSPECT_ACCOUNT, 0, (uintptr_t)&info, sizeof info, &next, &written));
    return info.objects;
}

static void zombie_keeps_the_registers(void)
{
    struct test_peer peer;
    struct cavern_registers general;
    uint64_t words[5];
    set_up();
    start("exchange_registers", &peer);
    CHECK_STATUS(cavern_registers_read(peer.process, 0, &general), CAVERN_BAD_ARGUMENT);
    open_gate();
    test_peer_exit(&peer, words, false);
    CHECK_EQUAL(words[CAVERN_EXIT_FAULT], CAVERN_FAULT_FOREIGN_CALL);
    CHECK_EQUAL(words[CAVERN_EXIT_PC], (uintptr_t)exchange_at);
    check_pattern(peer.process, 0, exchange_at);
    CHECK_OK(cavern_registers_read(peer.process, 0, &general));
    CHECK_STATUS(cavern_registers_write(peer.process, 0, &general), CAVERN_GONE);
    uint64_t count = objects();
    cavern_handle_close(peer.process);
    CHECK_EQUAL(objects(), count - 2); /* process and thread */
}

static void handler_has_a_handler(void)
{
    struct test_peer client, handler;
    unsigned of_calls;
    set_up();
    start("walk", &client);
    uint32_t waiting = take_request(); /* it is let in last */
    start_pager("page_with_faults", &client, &handler);
    let_in(&handler, t.queue.handle);
    CHECK_OK(cavern_fault_notify(client.process, t.other, LABEL));
    CHECK_OK(test_reply_word(&t.queue, waiting, 0));
    CHECK_EQUAL(serve_until_gate(&handler, &of_calls), PAGES);
    test_peer_done(&client);
    CHECK_OK(cavern_sys_process_end(handler.process, 0));
}

static void successor_gets_the_faults(void)
{
    struct test_peer client, first, second;
    set_up();
    start("touch_by_many", &client);
    uint32_t waiting = take_request();
    start_pager("page_and_die", &client, &first);
    open_gate();
    CHECK_OK(cavern_fault_notify(client.process, t.other, LABEL));
    CHECK_OK(test_reply_word(&t.queue, waiting, 0));
    expect_end_by_fault(&first, CAVERN_FAULT_DATA_UNMAPPED, 64);
    start_pager("page", &client, &second);
    open_gate();
    open_gate(); /* all have touched their page */
    test_peer_done(&client);
    CHECK_OK(cavern_sys_process_end(second.process, 0));
}

static void suspended_in_its_fault(void)
{
    struct test_peer peer;
    set_up();
    start("touch", &peer);
    let_in(&peer, t.queue.handle);
    struct cavern_fault_notice fault = take_fault(&t.queue);
    CHECK_EQUAL(fault.address, AT);
    CHECK_OK(cavern_sys_thread_control(peer.process, fault.thread, CAVERN_THREAD_SUSPEND, 0, 0));
    CHECK_OK(cavern_thread_resume(peer.process, fault.thread)); /* both are over, and nothing has changed */
    fault = take_fault(&t.queue);
    CHECK_EQUAL(fault.address, AT);
    CHECK_OK(cavern_buffer_map_at(peer.process, t.memory, 0, PAGE, AT, READ_WRITE));
    test_nothing(&t.queue);
    CHECK_OK(cavern_thread_resume(peer.process, fault.thread));
    open_gate();
    test_peer_done(&peer);
}

static void nobody_handles_its_own_faults(void)
{
    set_up();
    CHECK_STATUS(cavern_fault_notify(CAVERN_SELF_PROCESS, t.queue.handle, 0), CAVERN_BAD_ARGUMENT);
    CHECK_OK(cavern_fault_notify(CAVERN_SELF_PROCESS, t.other, 0)); /* bound to nobody */
    CHECK_OK(cavern_fault_notify(CAVERN_SELF_PROCESS, 0, 0));
    CHECK_STATUS(cavern_fault_notify(CAVERN_SELF_THREAD, t.other, 0), CAVERN_BAD_ARGUMENT);
    CHECK_STATUS(cavern_fault_notify(t.other, t.other, 0), CAVERN_BAD_HANDLE);
}

static void queue_that_goes_ends_the_process(void)
{
    struct test_peer peer;
    set_up();
    start("touch", &peer);
    let_in(&peer, t.other);
    CHECK_OK(cavern_sys_handle_close(t.other));
    expect_end_by_fault(&peer, CAVERN_FAULT_DATA_UNMAPPED, AT);
    /* The subscription alone is no more: the next fault is one without handler. */
    CHECK_OK(cavern_sys_queue_create(CAVERN_SELF_ACCOUNT, 64, 0, &t.other));
    start("touch", &peer);
    CHECK_OK(cavern_fault_notify(peer.process, t.other, LABEL));
    CHECK_OK(cavern_sys_handle_close(t.other));
    open_gate();
    expect_end_by_fault(&peer, CAVERN_FAULT_DATA_UNMAPPED, AT);
}

static void fault_waits_for_an_owner(void)
{
    struct test_peer peer;
    struct cavern_queue queue;
    uint64_t ring, control, bound;
    set_up();
    start("touch", &peer);
    let_in(&peer, t.other); /* which is bound to nobody */
    CHECK_OK(cavern_sys_queue_bind(t.other, CAVERN_SELF_PROCESS, 0, &ring, &control, &bound));
    cavern_queue_attach(&queue, t.other, ring, control, bound);
    take_fault(&queue);
    CHECK_OK(cavern_sys_queue_bind(t.other, 0, 0, &ring, &control, &bound));
    CHECK_OK(cavern_sys_queue_bind(t.other, CAVERN_SELF_PROCESS, 0, &ring, &control, &bound));
    cavern_queue_attach(&queue, t.other, ring, control, bound);
    struct cavern_fault_notice fault = take_fault(&queue); /* again */
    CHECK_OK(cavern_fault_notify(peer.process, 0, 0));
    serve_page(peer.process, t.memory, &fault);
    open_gate();
    test_peer_done(&peer);
}

static void flood_ends_at_once(void)
{
    struct test_peer peer;
    uint64_t words[5];
    set_up();
    start("flood", &peer);
    let_in(&peer, t.queue.handle);
    for (unsigned i = 0; i < 5000; i++) {
        struct cavern_fault_notice fault = take_fault(&t.queue);
        CHECK_EQUAL(fault.kind, CAVERN_FAULT_FOREIGN_CALL);
        CHECK_OK(cavern_thread_resume(peer.process, fault.thread)); /* to the same call */
    }
    CHECK_OK(cavern_sys_process_end(peer.process, 9));
    test_peer_exit(&peer, words, true);
    CHECK_EQUAL(words[CAVERN_EXIT_REASON], CAVERN_REASON_ENDED);
}

const struct test_case test_cases[] = {
    {"memory comes page by page", memory_comes_page_by_page, "[PROC-HANDLER-1] [PROC-HANDLER-3]"},
    {"memory comes to system calls", memory_comes_to_calls, "[MEM-FAULT-1] [MEM-FAULT-2] [MEM-FAULT-4]"},
    {"foreign calls are served", foreign_calls_are_served, "[ABI-ENTER-2] [PROC-HANDLER-1] [PROC-HANDLER-3]"},
    {"all registers are read and changed", all_registers_are_read_and_changed, "[PROC-REGISTERS-1]"},
    {"a zombie keeps the registers of its fault", zombie_keeps_the_registers, "[PROC-REGISTERS-4]"},
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
    {"call_foreign", call_foreign},
    {"touch", touch},
    {"touch_by_many", touch_by_many},
    {"flood", flood},
    {"page", page},
    {"page_with_faults", page_with_faults},
    {"page_and_die", page_and_die},
    {"exchange_registers", exchange_registers},
    {0},
};
