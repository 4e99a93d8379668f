/* SPDX-License-Identifier: BSD-2-Clause */
/* System calls that come to memory which is not there, when somebody handles faults. spec/memory.md. */
#include "unit.h"

#include <cavern/inspect.h>
#include <cavern/machine.h>
#include <cavern/submit.h>

#include "object/buffer.h"
#include "object/machine.h"
#include "object/queue.h"
#include "peer_memory.h"
#include "syscall/user.h"

enum { PAGE = CAVERN_PAGE_SIZE };

#define AT UINT64_C(0x10000000) /* nothing is mapped there to begin with */
#define READ_WRITE (CAVERN_PROT_READ | CAVERN_PROT_WRITE)

static struct peer pager, self, other;
static cavern_handle process; /* self, in the pager's table */
static cavern_handle memory;  /* a buffer of 16 pages, the pager's */
static cavern_handle whole;   /* the machine, in self's table */
static cavern_handle sender;  /* to other, in self's table */
static struct taken got;

static int start(void **state)
{
    (void)state;
    model_start(128 << 20);
    peer_start(&pager, "pager", 20, 64, 0);
    peer_start(&self, "self", 10, 64, 4);
    peer_start(&other, "other", 15, 64, 4);
    process = model_give(pager.process, &self.process->object, CAVERN_RIGHTS_ALL);
    whole = model_give(self.process, &machine->object, CAVERN_RIGHTS_ALL);
    memory = peer_buffer(&pager, 16 * PAGE);
    sender = peer_sender(&self, &other, 5, 100, 100, 0);
    assert_int_equal(peer_call(&pager, NOTIFY, process, [2] = 3, [3] = pager.queue, [4] = CAVERN_NOTIFY_FAULT),
                     CAVERN_OK);
    return 0;
}

/* The pager finds a fault of self's thread. */
static void expect_fault(enum cavern_fault kind, uint64_t address)
{
    uint64_t words[5];
    assert_int_equal(self.thread->state, CAVERN_THREAD_FAULTED);
    assert_true(peer_take(&pager, &got));
    assert_int_equal(got.header.kind, CAVERN_KIND_FAULT);
    memcpy(words, got.body, sizeof words);
    assert_int_equal(words[CAVERN_FAULT_KIND], kind);
    assert_int_equal(words[CAVERN_FAULT_PC], self.thread->context.pc);
    assert_int_equal(words[CAVERN_FAULT_ADDRESS], address);
    assert_int_equal(words[CAVERN_FAULT_SYNDROME], 0);
    assert_int_equal(words[CAVERN_FAULT_THREAD], self.thread->id);
    assert_false(peer_take(&pager, &got));
    peer_free(&pager);
}

static void map(uint64_t address, uint64_t length, unsigned protection)
{
    assert_int_equal(
        peer_call(&pager, MAP,
                  process, [2] = memory, [3] = address - AT, [4] = length, [5] = address, [6] = protection),
        CAVERN_OK);
}

static void unmap(uint64_t address, uint64_t length)
{
    assert_int_equal(peer_call(&pager, UNMAP, process, [3] = address, [4] = length), CAVERN_OK);
}

static void resume(void)
{
    assert_int_equal(peer_call(&pager, THREAD_CONTROL, process, [2] = self.thread->id, [3] = CAVERN_THREAD_RESUME),
                     CAVERN_OK);
}

/* As the pager's program would: lets the call go on, after the page that it lacks has been mapped. */
static uint64_t serve_page(uint64_t address, unsigned protection)
{
    map(address & ~(uint64_t)(PAGE - 1), PAGE, protection);
    resume();
    return model_again(self.thread, self.x);
}

/* --- every call that looks at the caller's memory --- */

struct row {
    const char *name;
    enum cavern_call call;
    uint64_t x[16]; /* AT stands for memory that is not there */
    uint64_t protection;
};

/* Makes the call where its page is missing, and where it may not be written. */
static void check_row(const struct row *row, enum cavern_status expected)
{
    assert_int_equal(peer_call_registers(&self, row->call, row->x), MODEL_WAITS);
    expect_fault(CAVERN_FAULT_DATA_UNMAPPED, AT);
    assert_int_equal(serve_page(AT, row->protection), expected);
    unmap(AT, PAGE);
    if (row->protection == CAVERN_PROT_READ)
        return;
    map(AT, PAGE, CAVERN_PROT_READ);
    assert_int_equal(peer_call_registers(&self, row->call, row->x), MODEL_WAITS);
    expect_fault(CAVERN_FAULT_DATA_DENIED, AT);
    unmap(AT, PAGE);
    assert_int_equal(serve_page(AT, row->protection), expected);
    unmap(AT, PAGE);
}

/* [MEM-FAULT-1] [MEM-FAULT-2] */
static void test_calls_fault_and_are_made_again(void **state)
{
    (void)state;
    cavern_handle inspected = model_give(self.process, &self.process->account->object, CAVERN_RIGHTS_ALL);
    cavern_handle copied = model_give(self.process, &other.process->object, CAVERN_RIGHTS_ALL);
    struct thread *stopped = model_thread(self.process, 1);
    assert_true(thread_suspend(stopped));
    struct row rows[] = {
        {"send", CAVERN_CALL_SEND, {sender, CAVERN_INFO(100, 0, 0, 0, 0), 0, AT}, CAVERN_PROT_READ},
        {"request",
         CAVERN_CALL_REQUEST,
         {sender, CAVERN_INFO(100, 0, 0, 0, 0), 9, AT, [9] = self.queue, [10] = 2},
         CAVERN_PROT_READ},
        {"inspect account", CAVERN_CALL_INSPECT, {inspected, 0, CAVERN_INSPECT_ACCOUNT, 0, AT, PAGE}, READ_WRITE},
        {"inspect threads", CAVERN_CALL_INSPECT, {inspected, 0, CAVERN_INSPECT_THREADS, 0, AT, PAGE}, READ_WRITE},
        {"copy out", CAVERN_CALL_PROCESS_COPY, {copied, 0, 0, other.memory, AT, 64, 0}, READ_WRITE},
        {"copy in", CAVERN_CALL_PROCESS_COPY, {copied, 0, 0, other.memory, AT, 64, 1}, CAVERN_PROT_READ},
        {"registers read", CAVERN_CALL_THREAD_REGISTERS, {CAVERN_SELF_PROCESS, 0, stopped->id, 0, AT, 272}, READ_WRITE},
        {"registers written",
         CAVERN_CALL_THREAD_REGISTERS,
         {CAVERN_SELF_PROCESS, 0, stopped->id, 0x100, AT, 272},
         CAVERN_PROT_READ},
        {"log read", CAVERN_CALL_MACHINE, {whole, 0, CAVERN_MACHINE_LOG_READ, 0, AT, PAGE}, READ_WRITE},
        {"log written",
         CAVERN_CALL_MACHINE,
         {whole, 0, CAVERN_MACHINE_LOG_WRITE, CAVERN_LOG_INFO, AT, 8},
         CAVERN_PROT_READ},
    };
    assert_int_equal(
        peer_call(&self, MACHINE,
                  whole, [2] = CAVERN_MACHINE_LOG_WRITE, [3] = CAVERN_LOG_INFO, [4] = self.memory, [5] = 8),
        CAVERN_OK);
    for (unsigned i = 0; i < COUNT_OF(rows); i++) {
        check_row(&rows[i], CAVERN_OK);
        while (peer_take(&other, &got))
            peer_free(&other);
    }
}

/* [MEM-FAULT-1] [MEM-FAULT-2] A reply, and reply_receive: the request stays pending, and is answered once. */
static void test_replies_fault_and_are_made_again(void **state)
{
    (void)state;
    cavern_handle back = peer_sender(&other, &self, 6, 100, 100, 0);
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(peer_call(&other, REQUEST,
                                   back, [1] = CAVERN_INFO(8, 0, 0, 0, 0), [2] = 40 + i, [9] = other.queue, [10] = 3),
                         CAVERN_OK);
        assert_true(peer_take(&self, &got));
        peer_free(&self);
        uint64_t id = got.header.request;
        assert_int_equal(peer_call_registers(&self, i ? CAVERN_CALL_REPLY_RECEIVE : CAVERN_CALL_REPLY,
                                             (uint64_t[16]){self.queue, CAVERN_INFO(100, 0, 0, 0, 0), id, AT}),
                         MODEL_WAITS);
        expect_fault(CAVERN_FAULT_DATA_UNMAPPED, AT);
        assert_false(peer_take(&other, &got));
        assert_int_equal(serve_page(AT, CAVERN_PROT_READ), i ? CAVERN_TIMEOUT : CAVERN_OK);
        assert_true(peer_take(&other, &got));
        assert_int_equal(got.header.kind, CAVERN_KIND_REPLY);
        assert_int_equal(got.header.label, 40 + i);
        assert_int_equal(got.header.size, 100);
        assert_false(peer_take(&other, &got));
        unmap(AT, PAGE);
    }
}

/* [MEM-FAULT-1] [MEM-FAULT-2] Many pages: a fault for each, and all that was read arrives. */
static void test_send_faults_page_by_page(void **state)
{
    (void)state;
    enum { BYTES = 3 * PAGE - 72 };
    static uint8_t bytes[BYTES];
    struct peer big;
    peer_start(&big, "big", 15, 1024, 0);
    cavern_handle to_big = peer_sender(&self, &big, 5, 100, 100, 0);
    for (unsigned i = 0; i < BYTES; i++)
        bytes[i] = (uint8_t)(i * 13 + i / PAGE);
    assert_int_equal(peer_map(&pager, memory, 0, 3 * PAGE, AT, READ_WRITE), CAVERN_OK);
    assert_int_equal(user_write(pager.thread, AT + 72, bytes, BYTES), SYS_OK);
    assert_int_equal(peer_call(&self, SEND, to_big, [1] = CAVERN_INFO(BYTES, 0, 0, 0, 0), [3] = AT + 72), MODEL_WAITS);
    for (unsigned i = 0; i < 3; i++) {
        uint64_t address = i ? AT + i * PAGE : AT + 72;
        expect_fault(CAVERN_FAULT_DATA_UNMAPPED, address);
        assert_false(peer_take(&big, &got));
        assert_int_equal(serve_page(address, CAVERN_PROT_READ), i < 2 ? MODEL_WAITS : CAVERN_OK);
    }
    assert_true(peer_take(&big, &got));
    assert_int_equal(got.header.size, BYTES);
    assert_memory_equal(got.body, bytes, BYTES);
    assert_false(peer_take(&big, &got));
}

/* [MEM-FAULT-2] What was copied before the fault is not copied again. */
static void test_copies_keep_their_progress(void **state)
{
    (void)state;
    cavern_handle copied = model_give(self.process, &other.process->object, CAVERN_RIGHTS_ALL);
    assert_int_equal(peer_call(&self, PROCESS_COPY, copied, [3] = other.memory, [4] = AT, [5] = 3 * PAGE), MODEL_WAITS);
    for (unsigned i = 0; i < 3; i++) {
        expect_fault(CAVERN_FAULT_DATA_UNMAPPED, AT + i * PAGE);
        assert_int_equal(self.x[3], other.memory + i * PAGE);
        assert_int_equal(self.x[4], AT + i * PAGE);
        assert_int_equal(self.x[5], (3 - i) * PAGE);
        assert_int_equal(serve_page(AT + i * PAGE, READ_WRITE), i < 2 ? MODEL_WAITS : CAVERN_OK);
    }
}

/* --- leases and answers --- */

static uint64_t lend(uint64_t address, uint64_t length, unsigned rights)
{
    struct cavern_lease lease = {address, length, rights};
    peer_write(&self, 0, &lease, sizeof lease);
    return peer_call(&self, REQUEST,
                     sender, [1] = CAVERN_INFO(0, 0, 1, 0, 0), [2] = 9, [3] = self.memory, [9] = self.queue, [10] = 1);
}

/* [MEM-FAULT-3] [MSG-LEASE-2] */
static void test_lease_faults_until_it_is_one_mapping(void **state)
{
    (void)state;
    assert_int_equal(lend(AT + 100, 3 * PAGE, CAVERN_LEASE_READ | CAVERN_LEASE_WRITE), MODEL_WAITS);
    expect_fault(CAVERN_FAULT_DATA_UNMAPPED, AT + 100);
    assert_int_equal(serve_page(AT, READ_WRITE), MODEL_WAITS);
    expect_fault(CAVERN_FAULT_DATA_UNMAPPED, AT + PAGE);
    map(AT + PAGE, PAGE, CAVERN_PROT_READ);
    resume();
    assert_int_equal(model_again(self.thread, self.x), MODEL_WAITS);
    expect_fault(CAVERN_FAULT_DATA_DENIED, AT + PAGE);
    unmap(AT + PAGE, PAGE);
    assert_int_equal(serve_page(AT + PAGE, READ_WRITE), MODEL_WAITS);
    expect_fault(CAVERN_FAULT_DATA_UNMAPPED, AT + 2 * PAGE);
    assert_int_equal(serve_page(AT + 2 * PAGE, READ_WRITE), MODEL_WAITS);
    expect_fault(CAVERN_FAULT_DATA_UNMAPPED, AT + 3 * PAGE);
    assert_int_equal(serve_page(AT + 3 * PAGE, READ_WRITE), CAVERN_OK);
    assert_true(peer_take(&other, &got));

    /* The borrower's own memory; the lender's is resolved, mapped or not. */
    unmap(AT, 4 * PAGE);
    cavern_handle borrower = model_give(pager.process, &other.process->object, CAVERN_RIGHTS_ALL);
    assert_int_equal(peer_call(&pager, NOTIFY, borrower, [2] = 4, [3] = pager.queue, [4] = CAVERN_NOTIFY_FAULT),
                     CAVERN_OK);
    assert_int_equal(
        peer_call(&other, LEASE_COPY, other.queue, [2] = got.header.request, [5] = other.memory, [6] = 3 * PAGE),
        CAVERN_OK);
    assert_int_equal(peer_call(&other, LEASE_COPY,
                               other.queue, [2] = got.header.request, [3] = 0x100, [4] = 8, [5] = AT, [6] = 2 * PAGE),
                     MODEL_WAITS);
    assert_int_equal(other.thread->state, CAVERN_THREAD_FAULTED);
    assert_int_equal(self.thread->state, CAVERN_THREAD_READY);
    assert_int_equal(peer_call(&pager, MAP, borrower, [2] = memory, [4] = 2 * PAGE, [5] = AT, [6] = CAVERN_PROT_READ),
                     CAVERN_OK);
    assert_int_equal(peer_call(&pager, THREAD_CONTROL, borrower, [2] = 1, [3] = CAVERN_THREAD_RESUME), CAVERN_OK);
    assert_int_equal(model_again(other.thread, other.x), CAVERN_OK);
}

/* [MEM-FAULT-5] Another buffer behind the first can't be mended by mapping more. */
static void test_lease_over_two_mappings_is_refused(void **state)
{
    (void)state;
    cavern_handle second = peer_buffer(&pager, PAGE);
    map(AT, PAGE, READ_WRITE);
    assert_int_equal(peer_call(&pager, MAP, process, [2] = second, [4] = PAGE, [5] = AT + PAGE, [6] = READ_WRITE),
                     CAVERN_OK);
    assert_int_equal(lend(AT, PAGE + 1, CAVERN_LEASE_WRITE), CAVERN_BAD_ADDRESS);
    assert_int_equal(lend(AT, PAGE, CAVERN_LEASE_WRITE), CAVERN_OK);
}

/* [MEM-FAULT-3] */
static void test_answer_memory_faults(void **state)
{
    (void)state;
    assert_int_equal(
        peer_call(&self, CALL, sender, [1] = CAVERN_INFO(8, 0, 0, 0, 0), [9] = CAVERN_FOREVER, [10] = AT, [11] = 64),
        MODEL_WAITS);
    expect_fault(CAVERN_FAULT_DATA_UNMAPPED, AT);
    assert_false(peer_take(&other, &got));
    assert_int_equal(serve_page(AT, READ_WRITE), MODEL_WAITS);
    assert_int_equal(self.thread->state, CAVERN_THREAD_CALLING);
    unmap(AT, PAGE);
    assert_true(peer_take(&other, &got));
    assert_int_equal(
        peer_call(&other, REPLY,
                  other.queue, [1] = CAVERN_INFO(64, 0, 0, 0, 0), [2] = got.header.request, [3] = other.memory),
        CAVERN_OK);
    assert_int_equal(peer_woken(&self), CAVERN_OK);
}

/* --- submit --- */

static struct cavern_operation send_operation(uint64_t word)
{
    return (struct cavern_operation){{sender, CAVERN_INFO(8, CAVERN_CALL_SEND, 0, 0, 0), 0, word}};
}

/* [MEM-FAULT-4] The second operation lacks memory, the third one its own words. */
static void test_submit_faults_and_makes_nothing_twice(void **state)
{
    (void)state;
    enum { SIZE = sizeof(struct cavern_operation), FIRST = PAGE - 2 * SIZE };
    struct cavern_operation operations[2] = {
        send_operation(0),
        {{sender, CAVERN_INFO(48, CAVERN_CALL_SEND, 0, 0, 0), 0, AT + 8 * PAGE}},
    };
    map(AT, PAGE, READ_WRITE);
    assert_int_equal(user_write(self.thread, AT + FIRST, operations, sizeof operations), SYS_OK);
    assert_int_equal(peer_call(&self, SUBMIT, [3] = AT + FIRST, [4] = 3), MODEL_WAITS);
    expect_fault(CAVERN_FAULT_DATA_UNMAPPED, AT + 8 * PAGE);
    assert_int_equal(self.x[3], AT + FIRST);
    assert_int_equal(self.x[5], 1);
    assert_int_equal(serve_page(AT + 8 * PAGE, CAVERN_PROT_READ), MODEL_WAITS);
    expect_fault(CAVERN_FAULT_DATA_UNMAPPED, AT + PAGE);
    assert_int_equal(self.x[5], 2);
    map(AT + PAGE, PAGE, READ_WRITE);
    operations[0] = send_operation(2);
    assert_int_equal(user_write(self.thread, AT + PAGE, operations, SIZE), SYS_OK);
    resume();
    assert_int_equal(model_again(self.thread, self.x), CAVERN_OK);
    assert_int_equal(self.x[1], 3);
    for (unsigned i = 0; i < 3; i++) {
        assert_true(peer_take(&other, &got));
        assert_int_equal(got.header.size, i == 1 ? 48 : 8);
    }
    assert_false(peer_take(&other, &got));
}

/* [MEM-FAULT-4] An operation that is long and faults keeps its progress in its own words. */
static void test_submit_keeps_progress_over_a_fault(void **state)
{
    (void)state;
    cavern_handle copied = model_give(self.process, &other.process->object, CAVERN_RIGHTS_ALL);
    struct cavern_operation copy = {
        {copied, CAVERN_INFO(0, CAVERN_CALL_PROCESS_COPY, 0, 0, 0), 0, other.memory, AT, 2 * PAGE, 0}};
    map(AT, PAGE, READ_WRITE);
    peer_write(&self, 0, &copy, sizeof copy);
    assert_int_equal(peer_call(&self, SUBMIT, [3] = self.memory, [4] = 1), MODEL_WAITS);
    expect_fault(CAVERN_FAULT_DATA_UNMAPPED, AT + PAGE);
    peer_read(&self, 0, &copy, sizeof copy);
    assert_int_equal(copy.x[0], copied);
    assert_int_equal(copy.x[4], AT + PAGE);
    assert_int_equal(copy.x[5], PAGE);
    assert_int_equal(serve_page(AT + PAGE, READ_WRITE), CAVERN_OK);
}

/* [MEM-FAULT-5] [ABI-SUBMIT-4] What has been made is not made again for the sake of its results. */
static void test_submit_results_that_went_do_not_fault(void **state)
{
    (void)state;
    struct cavern_operation unmapping = {
        {CAVERN_SELF_PROCESS, CAVERN_INFO(0, CAVERN_CALL_UNMAP, 0, 0, 0), 0, AT, PAGE}};
    map(AT, PAGE, READ_WRITE);
    assert_int_equal(user_write(self.thread, AT, &unmapping, sizeof unmapping), SYS_OK);
    assert_int_equal(peer_call(&self, SUBMIT, [3] = AT, [4] = 1), CAVERN_BAD_ADDRESS);
    assert_null(model_at(self.process, AT));
}

/* --- what stays an error --- */

/* [MEM-FAULT-5] [ABI-ADDR-1] [ABI-ADDR-2] */
static void test_what_no_mapping_mends_is_bad_address(void **state)
{
    (void)state;
    cavern_handle copied = model_give(self.process, &other.process->object, CAVERN_RIGHTS_ALL);
    static const uint64_t outside[] = {CAVERN_USER_END,    CAVERN_USER_END + 8, 1ull << 63,
                                       0xffff000040000000, UINT64_MAX - 7,      4};
    for (unsigned i = 0; i < COUNT_OF(outside); i++) {
        assert_int_equal(peer_call(&self, SEND, sender, [1] = CAVERN_INFO(48, 0, 0, 0, 0), [3] = outside[i]),
                         CAVERN_BAD_ADDRESS);
        if (i < 5)
            assert_int_equal(lend(outside[i], 8, CAVERN_LEASE_READ), CAVERN_BAD_ADDRESS);
    }
    assert_int_equal(lend(AT, CAVERN_USER_END, CAVERN_LEASE_READ), CAVERN_BAD_ADDRESS);
    assert_int_equal(lend(AT, (1ull << 56) - 1, CAVERN_LEASE_READ), CAVERN_BAD_ADDRESS);
    assert_int_equal(lend(self.ring, 8, CAVERN_LEASE_READ), CAVERN_BAD_ADDRESS);
    assert_int_equal(peer_call(&self, PROCESS_COPY, copied, [3] = other.memory, [4] = self.ring, [5] = 8),
                     CAVERN_BAD_ADDRESS);
    assert_int_equal(peer_call(&self, PROCESS_COPY, copied, [3] = AT, [4] = self.memory, [5] = 8), CAVERN_BAD_ADDRESS);
    assert_int_equal(self.thread->state, CAVERN_THREAD_READY);
    assert_false(peer_take(&pager, &got));
}

/* [MEM-FAULT-5] What begins in user space, and is not there, but ends outside. */
static void test_range_over_the_end_of_user_space_is_bad_address(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"send", CAVERN_CALL_SEND, {[1] = 100, [3] = 96}, 0},
        {"send over pages", CAVERN_CALL_SEND, {[1] = 2 * PAGE, [3] = PAGE}, 0},
        {"records", CAVERN_CALL_SEND, {[1] = CAVERN_INFO(0, 0, 0, 2, 0), [3] = 16}, 0},
        {"inspect", CAVERN_CALL_INSPECT, {CAVERN_SELF_PROCESS, [2] = CAVERN_INSPECT_PROCESS, [4] = 64, [5] = 200}, 0},
        {"log write", CAVERN_CALL_MACHINE, {0, [2] = CAVERN_MACHINE_LOG_WRITE, CAVERN_LOG_INFO, 8, 9}, 0},
    };
    struct peer wide;
    peer_start(&wide, "wide", 15, 256, 0);
    cavern_handle to_wide = peer_sender(&self, &wide, 5, 100, 0, 0);
    for (unsigned i = 0; i < COUNT_OF(rows); i++) {
        uint64_t x[16];
        memcpy(x, rows[i].x, sizeof x);
        unsigned address = rows[i].call == CAVERN_CALL_SEND ? 3 : 4;
        x[0] = rows[i].call == CAVERN_CALL_SEND ? to_wide : rows[i].call == CAVERN_CALL_MACHINE ? whole : x[0];
        x[address] = CAVERN_USER_END - x[address];
        if (peer_call_registers(&self, rows[i].call, x) != CAVERN_BAD_ADDRESS)
            fail_msg("%s", rows[i].name);
        assert_false(peer_take(&pager, &got));
    }
}

/* [MEM-FAULT-5] */
static void test_device_memory_is_bad_address(void **state)
{
    (void)state;
    cavern_handle devices = model_give(self.process, &buffer_devices(model_root())->object, CAVERN_RIGHTS_ALL);
    assert_int_equal(peer_map(&self, devices, 0x9000000, PAGE, AT, READ_WRITE), CAVERN_OK);
    assert_int_equal(peer_call(&self, SEND, sender, [1] = CAVERN_INFO(48, 0, 0, 0, 0), [3] = AT), CAVERN_BAD_ADDRESS);
    assert_int_equal(lend(AT, 8, CAVERN_LEASE_READ), CAVERN_BAD_ADDRESS);
    assert_int_equal(self.thread->state, CAVERN_THREAD_READY);
}

/* [ABI-ADDR-2] [PROC-HANDLER-2] */
static void test_without_destination_it_is_bad_address(void **state)
{
    (void)state;
    assert_int_equal(peer_call(&pager, NOTIFY, process, [4] = CAVERN_NOTIFY_FAULT), CAVERN_OK);
    assert_int_equal(peer_call(&self, SEND, sender, [1] = CAVERN_INFO(48, 0, 0, 0, 0), [3] = AT), CAVERN_BAD_ADDRESS);
    assert_int_equal(lend(AT, 8, CAVERN_LEASE_READ), CAVERN_BAD_ADDRESS);
    assert_int_equal(peer_call(&self, SUBMIT, [3] = AT, [4] = 1), CAVERN_BAD_ADDRESS);
    assert_int_equal(self.thread->state, CAVERN_THREAD_READY);
}

/* --- the end of it --- */

/* [PROC-HANDLER-8] Nothing of a call that faulted is left behind. */
static void test_process_ends_in_the_middle_of_its_call(void **state)
{
    (void)state;
    struct queue *queue = peer_queue(&other);
    uint64_t tail = queue->ring.tail;
    assert_int_equal(lend(AT, 8, CAVERN_LEASE_READ), MODEL_WAITS);
    expect_fault(CAVERN_FAULT_DATA_UNMAPPED, AT);
    assert_int_equal(peer_queue(&self)->ring.reserved, 0);
    assert_int_equal(peer_call(&pager, PROCESS_END, process, [3] = 1), CAVERN_OK);
    assert_int_equal(self.process->state, CAVERN_PROCESS_ZOMBIE);
    assert_int_equal(queue->ring.tail, tail);
    assert_int_equal(request_table_free(&queue->requests), 4);
}

/* [PROC-HANDLER-7] The fault of a call that nobody can deal with any more ends the process like any other. */
static void test_queue_goes_with_the_fault_of_a_call(void **state)
{
    (void)state;
    assert_int_equal(peer_call(&self, SUBMIT, [3] = AT, [4] = 1), MODEL_WAITS);
    assert_int_equal(peer_call(&pager, HANDLE_CLOSE, pager.queue), CAVERN_OK);
    assert_int_equal(self.process->state, CAVERN_PROCESS_ZOMBIE);
    assert_int_equal(self.process->exit.words[CAVERN_EXIT_REASON], CAVERN_REASON_FAULT);
    assert_int_equal(self.process->exit.words[CAVERN_EXIT_FAULT], CAVERN_FAULT_DATA_UNMAPPED);
    assert_int_equal(self.process->exit.words[CAVERN_EXIT_ADDRESS], AT);
    uint64_t read = peer_call(&pager, THREAD_REGISTERS, process, [4] = pager.memory, [5] = 272);
    assert_int_equal(read, CAVERN_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_calls_fault_and_are_made_again, start),
        cmocka_unit_test_setup(test_replies_fault_and_are_made_again, start),
        cmocka_unit_test_setup(test_send_faults_page_by_page, start),
        cmocka_unit_test_setup(test_copies_keep_their_progress, start),
        cmocka_unit_test_setup(test_lease_faults_until_it_is_one_mapping, start),
        cmocka_unit_test_setup(test_lease_over_two_mappings_is_refused, start),
        cmocka_unit_test_setup(test_answer_memory_faults, start),
        cmocka_unit_test_setup(test_submit_faults_and_makes_nothing_twice, start),
        cmocka_unit_test_setup(test_submit_keeps_progress_over_a_fault, start),
        cmocka_unit_test_setup(test_submit_results_that_went_do_not_fault, start),
        cmocka_unit_test_setup(test_what_no_mapping_mends_is_bad_address, start),
        cmocka_unit_test_setup(test_range_over_the_end_of_user_space_is_bad_address, start),
        cmocka_unit_test_setup(test_device_memory_is_bad_address, start),
        cmocka_unit_test_setup(test_without_destination_it_is_bad_address, start),
        cmocka_unit_test_setup(test_process_ends_in_the_middle_of_its_call, start),
        cmocka_unit_test_setup(test_queue_goes_with_the_fault_of_a_call, start),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
