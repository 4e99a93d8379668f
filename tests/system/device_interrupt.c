/* SPDX-License-Identifier: BSD-2-Clause */
/* Device memory and interrupt lines, on the clock of QEMU's `virt` machine: a PL031 (Arm DDI 0224). */
#include <cavern/batch.h>
#include <cavern/interrupt.h>

#include "test.h"

#define CLOCK_BASE 0x9010000
#define CLOCK_LINE 34

/* Registers, as indices of words. */
enum { DATA, MATCH, LOAD, CONTROL, INTERRUPT_MASK, RAW_INTERRUPT, MASKED_INTERRUPT, INTERRUPT_CLEAR, PART = 0xfe0 / 4 };

static volatile uint32_t *clock;
static struct cavern_queue queue;
static cavern_handle line;

static cavern_handle derive_clock(void)
{
    cavern_handle registers;
    CHECK_OK(
        cavern_sys_derive(test_handle(CAVERN_STARTUP_DEVICES), CLOCK_BASE, 4096, 0, CAVERN_SELF_ACCOUNT, &registers));
    return registers;
}

static void set_up(void)
{
    void *address;
    CHECK_OK(cavern_buffer_map(derive_clock(), 0, 4096, CAVERN_PROT_READ | CAVERN_PROT_WRITE, &address));
    clock = address;
    test_queue(&queue, 64, 0);
    CHECK_OK(cavern_sys_derive(test_handle(CAVERN_STARTUP_INTERRUPTS), CLOCK_LINE, 1, CAVERN_TRIGGER_LEVEL,
                               CAVERN_SELF_ACCOUNT, &line));
    clock[INTERRUPT_CLEAR] = 1;
    clock[INTERRUPT_MASK] = 1;
}

/* The match register equals the time: it asserts its line at once. */
static void assert_line(void)
{
    clock[MATCH] = clock[DATA];
}

/* It looks until one comes: to be woken from another CPU is an interrupt, too. Counted runs go on with another CPU at a
 * `yield`. */
static void expect_interrupt(uint64_t label, uint64_t count)
{
    struct cavern_message message;
    enum cavern_status status;
    uint64_t end = cavern_after(CAVERN_SECOND);
    while ((status = cavern_queue_receive(&queue, 0, &message)) == CAVERN_TIMEOUT && cavern_now() < end)
        __asm__ volatile("yield");
    CHECK_OK(status);
    CHECK_EQUAL(message.header.kind, CAVERN_KIND_INTERRUPT);
    CHECK_EQUAL(message.header.label, label);
    CHECK_EQUAL(test_word(&message, 0), CLOCK_LINE);
    CHECK_EQUAL(test_word(&message, 1), count);
    cavern_queue_release(&queue, &message);
}

static void registers_can_be_mapped(void)
{
    set_up();
    CHECK_EQUAL(clock[PART], 0x31);
    clock[MATCH] = 0x12345678;
    CHECK_EQUAL(clock[MATCH], 0x12345678);
}

static void devices_are_no_memory(void)
{
    struct cavern_buffer_info info;
    struct cavern_queue server;
    cavern_handle buffer, devices = test_handle(CAVERN_STARTUP_DEVICES);
    uint64_t out, next, written;
    void *address;
    set_up();
    cavern_handle registers = derive_clock();
    CHECK_OK(cavern_sys_inspect(registers, CAVERN_INSPECT_BUFFER, 0, (uintptr_t)&info, sizeof info, &next, &written));
    CHECK_EQUAL(info.base, CLOCK_BASE);
    CHECK_EQUAL(info.device, 1);
    CHECK_STATUS(cavern_buffer_seal(registers), CAVERN_BAD_ARGUMENT);
    CHECK_STATUS(cavern_buffer_map(registers, 0, 4096, CAVERN_PROT_READ | CAVERN_PROT_EXECUTE, &address),
                 CAVERN_DENIED);
    test_queue(&server, 64, 1);
    CHECK_STATUS(
        cavern_sys_send(test_sender(&server, 0), CAVERN_INFO(64, 0, 0, 0, 0), (const uint64_t[5]){(uintptr_t)clock}),
        CAVERN_BAD_ADDRESS);
    struct cavern_lease lease = {.address = (uintptr_t)clock, .length = 8, .rights = CAVERN_LEASE_READ};
    struct cavern_outgoing lent = {.leases = &lease, .lease_count = 1};
    CHECK_STATUS(cavern_request(test_sender(&server, 0), 0, &lent, &queue, 1, NULL), CAVERN_BAD_ADDRESS);
    CHECK_STATUS(cavern_sys_derive(registers, 0, 4097, 0, CAVERN_SELF_ACCOUNT, &out), CAVERN_BAD_ARGUMENT);
    CHECK_STATUS(cavern_sys_derive(registers, 0, 0, 0, CAVERN_SELF_ACCOUNT, &out), CAVERN_BAD_ARGUMENT);
    CHECK_STATUS(cavern_sys_derive(devices, 0x40000000, 4096, 0, CAVERN_SELF_ACCOUNT, &out), CAVERN_DENIED); /* RAM */
    CHECK_STATUS(cavern_sys_derive(devices, 0x8000000, 4096, 0, CAVERN_SELF_ACCOUNT, &out), CAVERN_DENIED);  /* GIC */
    CHECK_OK(cavern_buffer_create(CAVERN_SELF_ACCOUNT, 4096, 0, &buffer));
    CHECK_STATUS(cavern_sys_derive(buffer, 0, 4096, 0, CAVERN_SELF_ACCOUNT, &out), CAVERN_BAD_ARGUMENT);
    CHECK_OK(cavern_sys_derive(registers, 0, 512, 0, CAVERN_SELF_ACCOUNT, &out));
    CHECK_STATUS(cavern_buffer_map(out, 0, 512, CAVERN_PROT_READ, &address), CAVERN_BAD_ARGUMENT);
}

/* virtio-mmio blocks (virtio 1.2, 4.2.2): 0x200 bytes each. */
#define BLOCK_BASE 0xa000200
#define BLOCK_SIZE 0x200
#define BLOCK_MAGIC 0x74726976 /* "virt" */
#define NOTHING 0x9800000      /* no device answers there */

static void registers_are_reached_one_by_one(void)
{
    cavern_handle block, devices = test_handle(CAVERN_STARTUP_DEVICES);
    uint64_t value;
    void *address;
    set_up();
    CHECK_OK(cavern_sys_derive(devices, BLOCK_BASE, BLOCK_SIZE, 0, CAVERN_SELF_ACCOUNT, &block));
    CHECK_STATUS(cavern_buffer_map(block, 0, BLOCK_SIZE, CAVERN_PROT_READ, &address), CAVERN_BAD_ARGUMENT);
    CHECK_OK(cavern_device_read(block, 0, 4, &value));
    CHECK_EQUAL(value, BLOCK_MAGIC);
    cavern_handle registers = derive_clock();
    CHECK_OK(cavern_device_write(registers, MATCH * 4, 4, 0xffffffff12345678));
    CHECK_EQUAL(clock[MATCH], 0x12345678);
    clock[MATCH] = 0x87654321;
    struct cavern_operation operations[] = {
        {{registers, CAVERN_OPERATION(DEVICE_IO), 0, MATCH * 4, 4}},
        {{registers, CAVERN_OPERATION(DEVICE_IO), 0, PART * 4, 4}},
        {{registers, CAVERN_OPERATION(DEVICE_IO), 0, PART * 4, 1}},
    };
    size_t done = 0;
    CHECK_OK(cavern_submit(operations, 3, &done));
    CHECK_EQUAL(operations[0].x[1], 0x87654321);
    CHECK_EQUAL(operations[1].x[1], 0x31);
    CHECK_EQUAL(operations[2].x[1], 0x31);
}

static void bus_errors_are_statuses(void)
{
    cavern_handle devices = test_handle(CAVERN_STARTUP_DEVICES), reader;
    uint64_t value;
    set_up();
    for (unsigned width = 1; width <= 8; width *= 2) {
        CHECK_STATUS(cavern_device_read(devices, NOTHING + 4096 - width, width, &value), CAVERN_DEVICE_ERROR);
        CHECK_STATUS(cavern_device_write(devices, NOTHING + 4096 - width, width, 1), CAVERN_DEVICE_ERROR);
        CHECK_STATUS(cavern_device_read(devices, (UINT64_C(1) << 48) - width, width, &value), CAVERN_DEVICE_ERROR);
    }
    CHECK_STATUS(cavern_device_read(devices, NOTHING + 1, 4, &value), CAVERN_BAD_ARGUMENT);
    CHECK_STATUS(cavern_device_read(devices, NOTHING, 3, &value), CAVERN_BAD_ARGUMENT);
    CHECK_STATUS(cavern_device_read(devices, UINT64_C(1) << 48, 4, &value), CAVERN_BAD_ARGUMENT);
    CHECK_STATUS(cavern_device_read(devices, 0x40000000, 4, &value), CAVERN_DENIED); /* RAM */
    CHECK_STATUS(cavern_device_read(devices, 0x8000000, 4, &value), CAVERN_DENIED);  /* GIC */
    CHECK_OK(cavern_handle_duplicate(derive_clock(), CAVERN_RIGHT_READ, &reader));
    CHECK_STATUS(cavern_device_write(reader, MATCH * 4, 4, 1), CAVERN_DENIED);
    CHECK_OK(cavern_device_read(reader, PART * 4, 4, &value));
    CHECK_EQUAL(value, 0x31);
}

static void line_fires_once_until_acknowledged(void)
{
    set_up();
    CHECK_OK(cavern_sys_notify(line, 5, queue.handle, 0));
    test_nothing(&queue);
    assert_line();
    expect_interrupt(5, 1);
    test_nothing(&queue); /* asserted still, and masked */
    CHECK_OK(cavern_sys_acknowledge(line));
    expect_interrupt(5, 1); /* level: it fires again */
    clock[INTERRUPT_CLEAR] = 1;
    CHECK_OK(cavern_sys_acknowledge(line));
    test_nothing(&queue);
    assert_line();
    expect_interrupt(5, 1);
    clock[INTERRUPT_CLEAR] = 1;
}

static void line_without_destination_is_silent(void)
{
    set_up();
    assert_line();
    cavern_sleep_until(cavern_after(CAVERN_MILLISECOND));
    CHECK_OK(cavern_sys_notify(line, 6, queue.handle, 0));
    expect_interrupt(6, 1);
    CHECK_OK(cavern_sys_notify(line, 0, 0, 0));
    clock[INTERRUPT_CLEAR] = 1;
    assert_line();
    cavern_sleep_until(cavern_after(CAVERN_MILLISECOND));
    test_nothing(&queue);
    clock[INTERRUPT_CLEAR] = 1;
}

static struct {
    struct cavern_received received;
    unsigned done;
} waiting;

static void wait_for_interrupt(void *argument)
{
    (void)argument;
    CHECK_OK(cavern_sys_receive(queue.handle, CAVERN_FOREVER, &waiting.received));
    PUBLISH(waiting.done, 1);
}

static void interrupt_preempts_who_is_lower(void)
{
    set_up();
    CHECK_OK(cavern_sys_notify(line, 7, queue.handle, 0));
    test_thread(wait_for_interrupt, NULL, TEST_PRIORITY_HIGH);
    CHECK_EQUAL(OBSERVE(waiting.done), 0);
    assert_line();
    for (uint64_t end = cavern_after(CAVERN_SECOND); !OBSERVE(waiting.done);)
        CHECK(cavern_now() < end);
    CHECK_EQUAL(waiting.received.words[0], CLOCK_LINE);
    clock[INTERRUPT_CLEAR] = 1;
}

static void lines_are_given_once(void)
{
    cavern_handle range = test_handle(CAVERN_STARTUP_INTERRUPTS), second;
    uint64_t first = cavern_startup_find(CAVERN_STARTUP_INTERRUPTS)->values[0];
    uint64_t count = cavern_startup_find(CAVERN_STARTUP_INTERRUPTS)->values[1];
    set_up();
    CHECK_STATUS(cavern_sys_derive(range, CLOCK_LINE, 1, 0, CAVERN_SELF_ACCOUNT, &second), CAVERN_BUSY);
    cavern_handle_close(line);
    CHECK_OK(cavern_sys_derive(range, CLOCK_LINE, 1, 0, CAVERN_SELF_ACCOUNT, &second));
    CHECK_STATUS(cavern_sys_derive(range, first + count, 1, 0, CAVERN_SELF_ACCOUNT, &second), CAVERN_BAD_ARGUMENT);
    CHECK_STATUS(cavern_sys_derive(range, first - 1, 1, 0, CAVERN_SELF_ACCOUNT, &second), CAVERN_BAD_ARGUMENT);
    CHECK_STATUS(cavern_sys_notify(range, 0, queue.handle, 0), CAVERN_BAD_ARGUMENT);
    CHECK_STATUS(cavern_sys_acknowledge(range), CAVERN_BAD_ARGUMENT);
}

/* As when its driver ends: the line stays masked until the next one has seen the notice and acknowledged. */
static void line_waits_for_the_successor(void)
{
    uint64_t ring, control, bound;
    set_up();
    CHECK_OK(cavern_sys_notify(line, 8, queue.handle, 0));
    assert_line();
    expect_interrupt(8, 1);
    for (unsigned successor = 0; successor < 2; successor++) {
        CHECK_OK(cavern_sys_queue_bind(queue.handle, 0, 0, &ring, &control, &bound));
        cavern_sleep_until(cavern_after(CAVERN_MILLISECOND));
        CHECK_OK(cavern_sys_queue_bind(queue.handle, CAVERN_SELF_PROCESS, 0, &ring, &control, &bound));
        cavern_queue_attach(&queue, queue.handle, ring, control, bound);
        expect_interrupt(8, 1);
        test_nothing(&queue);
    }
    CHECK_OK(cavern_sys_acknowledge(line));
    expect_interrupt(8, 1); /* asserted all the time */
    clock[INTERRUPT_CLEAR] = 1;
}

/* How many interrupts each CPU has taken. */
static void read_counts(uint64_t counts[CAVERN_CPUS_MAX])
{
    uint64_t cursor = 0, written;
    do {
        struct cavern_cpu_info info[8];
        CHECK_OK(cavern_sys_inspect(test_handle(CAVERN_STARTUP_MACHINE), CAVERN_INSPECT_CPUS, cursor, (uintptr_t)info,
                                    sizeof info, &cursor, &written));
        for (unsigned i = 0; i < written / sizeof *info; i++)
            counts[info[i].number] = info[i].interrupts;
    } while (cursor);
}

static unsigned cpu_of_line(void)
{
    struct cavern_interrupt_info info[16];
    uint64_t next, written;
    CHECK_OK(cavern_sys_inspect(test_handle(CAVERN_STARTUP_MACHINE), CAVERN_INSPECT_INTERRUPTS, CLOCK_LINE,
                                (uintptr_t)info, sizeof info, &next, &written));
    CHECK(written && info[0].line == CLOCK_LINE);
    return info[0].cpu;
}

/* Other interrupts that come meanwhile, such as the timer's, are fewer than TIMES. */
static void line_comes_to_the_cpu_that_is_named(void)
{
    enum { TIMES = 20 };
    unsigned cpus = test_cpus();
    set_up();
    CHECK_EQUAL(cpu_of_line(), 0);
    for (unsigned cpu = cpus - 1; cpu < cpus; cpu--) {
        uint64_t before[CAVERN_CPUS_MAX], after[CAVERN_CPUS_MAX];
        CHECK_OK(cavern_interrupt_notify(line, queue.handle, cpu, cpu));
        CHECK_EQUAL(cpu_of_line(), cpu);
        read_counts(before);
        for (unsigned i = 0; i < TIMES; i++) {
            assert_line();
            expect_interrupt(cpu, 1);
            clock[INTERRUPT_CLEAR] = 1;
            CHECK_OK(cavern_interrupt_acknowledge(line));
        }
        read_counts(after);
        for (unsigned other = 0; other < cpus; other++)
            CHECK_EQUAL(after[other] - before[other] >= TIMES, other == cpu);
    }
}

/* Asserted all the time, and told to one CPU after another. */
static void line_that_is_asserted_moves(void)
{
    uint64_t before[CAVERN_CPUS_MAX], after[CAVERN_CPUS_MAX];
    unsigned cpus = test_cpus();
    set_up();
    CHECK_OK(cavern_interrupt_notify(line, queue.handle, 0, 0));
    assert_line();
    expect_interrupt(0, 1);
    read_counts(before);
    for (unsigned i = 1; i <= 20 * cpus; i++) {
        CHECK_OK(cavern_interrupt_notify(line, queue.handle, i, i % cpus));
        expect_interrupt(i, 1);
        test_nothing(&queue);
    }
    read_counts(after);
    for (unsigned cpu = 0; cpu < cpus; cpu++)
        CHECK(after[cpu] - before[cpu] >= 20);
    cavern_handle_close(line);
    CHECK_OK(cavern_sys_derive(test_handle(CAVERN_STARTUP_INTERRUPTS), CLOCK_LINE, 1, CAVERN_TRIGGER_LEVEL,
                               CAVERN_SELF_ACCOUNT, &line));
    CHECK_EQUAL(cpu_of_line(), 0);
    clock[INTERRUPT_CLEAR] = 1;
}

const struct test_case test_cases[] = {
    {"registers can be mapped", registers_can_be_mapped, "[MEM-DEVICE-1]"},
    {"devices are no memory", devices_are_no_memory,
     "[MEM-DEVICE-1] [MEM-DEVICE-2] [MEM-DEVICE-3] [MEM-DEVICE-4] [MEM-SEAL-2] [MSG-LEASE-3] [ABI-ADDR-2]"},
    {"registers are reached one by one", registers_are_reached_one_by_one, "[DEV-IO-1] [MEM-DEVICE-3]"},
    {"bus errors are statuses", bus_errors_are_statuses, "[DEV-IO-2] [DEV-IO-3] [DEV-IO-4]"},
    {"a line fires once until acknowledged", line_fires_once_until_acknowledged,
     "[DEV-IRQ-3] [DEV-IRQ-4] [DEV-IRQ-5] [MSG-NOTICE-3] [MSG-NOTICE-8]"},
    {"a line without a destination is silent", line_without_destination_is_silent, "[DEV-IRQ-3] [MSG-NOTICE-5]"},
    {"an interrupt preempts who is lower", interrupt_preempts_who_is_lower, "[SCHED-2] [MSG-NOTICE-7]"},
    {"a line waits for the successor", line_waits_for_the_successor, "[DEV-IRQ-7] [MSG-NOTICE-6]"},
    {"a line comes to the CPU that is named", line_comes_to_the_cpu_that_is_named, "[DEV-IRQ-8]"},
    {"a line that is asserted moves", line_that_is_asserted_moves, "[DEV-IRQ-8] [DEV-IRQ-9]"},
    {"lines are given once", lines_are_given_once, "[DEV-IRQ-1] [DEV-IRQ-2] [DEV-IRQ-6]"},
    {0},
};

const struct test_peer_function test_peers[] = {{0}};
