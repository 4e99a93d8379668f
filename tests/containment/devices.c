/* SPDX-License-Identifier: BSD-2-Clause */
/* What a driver might do with the handles that it has: registers, a line, memory for its device. QEMU's clock, a PL031
 * (Arm DDI 0224). */
#include <cavern/batch.h>
#include <cavern/buffer.h>
#include <cavern/handles.h>
#include <cavern/inspect.h>
#include <cavern/machine.h>
#include <cavern/queue.h>
#include <cavern/send.h>
#include <cavern/stubs.h>
#include <cavern/time.h>

#include "attempt.h"

/* Registers, as offsets. */
enum { DATA = 0, MATCH = 4, INTERRUPT_MASK = 0x10, RAW_INTERRUPT = 0x14, INTERRUPT_CLEAR = 0x1c };

#define DEVICE_AT UINT64_C(0x60000000)

static uint64_t map_registers(void)
{
    GRANTED(cavern_buffer_map_at(CAVERN_SELF_PROCESS, attempt_handle(ATTEMPT_REGISTERS), 0, CAVERN_PAGE_SIZE, DEVICE_AT,
                                 CAVERN_PROT_READ | CAVERN_PROT_WRITE));
    return DEVICE_AT;
}

static void odd_register_accesses(unsigned variant)
{
    cavern_handle registers = attempt_handle(ATTEMPT_REGISTERS), out;
    static const uint64_t beyond[] = {CAVERN_PAGE_SIZE, UINT64_MAX - 3, UINT64_C(1) << 63, 0xffff000040000000};
    uint64_t value;
    (void)variant;
    for (unsigned width = 0; width < 64; width++)
        if (width != 1 && width != 2 && width != 4 && width != 8)
            REFUSED(cavern_device_read(registers, 0, width, &value), CAVERN_BAD_ARGUMENT);
    for (uint64_t offset = 0; offset < CAVERN_PAGE_SIZE; offset++)
        if (offset & 3)
            REFUSED(cavern_device_read(registers, offset, 4, &value), CAVERN_BAD_ARGUMENT);
    for (unsigned i = 0; i < sizeof(beyond) / sizeof(*beyond); i++)
        REFUSED(cavern_device_write(registers, beyond[i], 4, 0), CAVERN_BAD_ARGUMENT);
    REFUSED(cavern_device_write(registers, CAVERN_PAGE_SIZE - 4, 8, 0), CAVERN_BAD_ARGUMENT);
    REFUSED(cavern_device_read(attempt_handle(ATTEMPT_IMAGE), 0, 4, &value), CAVERN_BAD_ARGUMENT);
    REFUSED(cavern_sys_derive(registers, 0, CAVERN_PAGE_SIZE, 0, CAVERN_SELF_ACCOUNT, &out), CAVERN_DENIED);
    REFUSED(cavern_sys_map(CAVERN_SELF_PROCESS, registers, 0, CAVERN_PAGE_SIZE, 0,
                           CAVERN_PROT_READ | CAVERN_PROT_EXECUTE, &out),
            CAVERN_DENIED);
    REFUSED(cavern_buffer_seal(registers), CAVERN_BAD_ARGUMENT);
    GRANTED(cavern_device_read(registers, DATA, 4, &value));
}

/* QEMU checks neither alignment nor width there. */
static void odd_instructions(unsigned variant)
{
    (void)variant;
    __asm__ volatile("ldr w0, [%0, 1]\n ldr x0, [%0]\n ldp x0, x1, [%0, 8]\n ldxr w0, [%0]\n stp xzr, xzr, [%0, 64]\n"
                     "dc zva, %0\n prfm pldl1keep, [%0]" ::"r"(map_registers())
                     : "x0", "x1", "memory");
}

static void run_registers(unsigned variant)
{
    (void)variant;
    ((void (*)(void))(uintptr_t)map_registers())();
}

/* The kernel as the one that accesses them: as a body, an answer, records, operations, a lease, what a copy writes. */
static void kernel_uses_registers(unsigned variant)
{
    uint64_t device = map_registers(), next, written, out, word = 0;
    const uint64_t words[5] = {device};
    cavern_handle sender, dma = attempt_handle(ATTEMPT_DMA);
    struct cavern_queue queue;
    struct cavern_received received;
    struct cavern_message message;
    struct cavern_lease lease = {device, 64, CAVERN_LEASE_READ | CAVERN_LEASE_WRITE};
    struct cavern_outgoing lend = {.leases = &lease, .lease_count = 1};
    (void)variant;
    GRANTED(cavern_queue_create(CAVERN_QUEUE_BLOCKS_MIN, 4, &queue));
    GRANTED(cavern_sender_mint(queue.handle, 0, 8, 8, 0, &sender));
    REFUSED(cavern_sys_send(sender, CAVERN_INFO(64, 0, 0, 0, 0), words), CAVERN_BAD_ADDRESS);
    REFUSED(cavern_sys_call(sender, 0, CAVERN_POLL, device, 64, 0, words, &received), CAVERN_BAD_ADDRESS);
    REFUSED(cavern_sys_inspect(CAVERN_SELF_PROCESS, CAVERN_INSPECT_PROCESS, 0, device, 512, &next, &written),
            CAVERN_BAD_ADDRESS);
    REFUSED(cavern_sys_submit(device, 1, 0, &out), CAVERN_BAD_ADDRESS);
    REFUSED(cavern_sys_process_copy(CAVERN_SELF_PROCESS, device, (uintptr_t)&word, 8, CAVERN_COPY_READ),
            CAVERN_BAD_ADDRESS);
    REFUSED(cavern_sys_process_copy(CAVERN_SELF_PROCESS, device, (uintptr_t)&word, 8, CAVERN_COPY_WRITE),
            CAVERN_BAD_ADDRESS);
    REFUSED(cavern_dma_map(dma, attempt_handle(ATTEMPT_REGISTERS), 0, CAVERN_PAGE_SIZE, CAVERN_PROT_READ, &out),
            CAVERN_BAD_ARGUMENT);
    enum cavern_status status = cavern_request(sender, 0, &lend, &queue, 1, NULL);
    if (status == CAVERN_OK) { /* what is lent is looked at when it is copied */
        GRANTED(cavern_queue_receive(&queue, CAVERN_POLL, &message));
        status = cavern_sys_lease_copy(queue.handle, message.header.request, 0, 0, (uintptr_t)&word, 8);
    }
    REFUSED(status, CAVERN_BAD_ADDRESS);
}

/* --- the line --- */

/* The match register equals the time: the line is asserted at once, and stays so. */
static void assert_line(cavern_handle registers)
{
    uint64_t value;
    GRANTED(cavern_device_write(registers, INTERRUPT_CLEAR, 4, 1));
    GRANTED(cavern_device_write(registers, INTERRUPT_MASK, 4, 1));
    do {
        GRANTED(cavern_device_read(registers, DATA, 4, &value));
        GRANTED(cavern_device_write(registers, MATCH, 4, value));
        GRANTED(cavern_device_read(registers, RAW_INTERRUPT, 4, &value));
    } while (!value); /* a second was over in between */
}

/* A line that fires again whenever it may. 0: until it is silenced; 1: it is left so; 2: the ring is full; 3: it goes
 * to a queue that goes. */
static void flood_with_interrupts(unsigned variant)
{
    enum { TIMES = 2000 };
    cavern_handle line = attempt_handle(ATTEMPT_LINE), registers = attempt_handle(ATTEMPT_REGISTERS);
    struct cavern_queue queue;
    struct cavern_message message;
    GRANTED(cavern_queue_create(CAVERN_QUEUE_BLOCKS_MIN, 0, &queue));
    GRANTED(cavern_sys_acknowledge(line)); /* for whoever had it before */
    GRANTED(cavern_sys_notify(line, 0, queue.handle, 0));
    assert_line(registers);
    for (unsigned i = 0; i < TIMES; i++) {
        GRANTED(cavern_queue_receive(&queue, cavern_after(CAVERN_SECOND), &message));
        MUST(message.header.kind == CAVERN_KIND_INTERRUPT && ((const uint64_t *)message.payload)[1] == 1);
        if (variant != 2)
            cavern_queue_release(&queue, &message);
        else if (i)
            break;
        if (variant == 3 && i == TIMES / 2)
            GRANTED(cavern_sys_handle_close(queue.handle));
        GRANTED(cavern_sys_acknowledge(line));
        if (variant == 3 && i == TIMES / 2)
            break;
    }
    if (!variant)
        GRANTED(cavern_device_write(registers, INTERRUPT_CLEAR, 4, 1));
    attempt_tell("%d interrupts", TIMES);
}

static void lines_of_others(unsigned variant)
{
    cavern_handle line = attempt_handle(ATTEMPT_LINE), queue, out;
    (void)variant;
    GRANTED(cavern_sys_queue_create(CAVERN_SELF_ACCOUNT, 64, 0, 0, &queue));
    for (uint64_t number = 0; number < 1100; number++) {
        enum cavern_status status = cavern_sys_derive(line, number, 1, 0, CAVERN_SELF_ACCOUNT, &out);
        if (status != CAVERN_DENIED && status != CAVERN_BAD_ARGUMENT)
            attempt_failed("line %lu: status %d", (unsigned long)number, status);
    }
    for (uint64_t cpu = 64; cpu; cpu <<= 1)
        REFUSED(cavern_sys_notify(line, 0, queue, cpu), CAVERN_BAD_ARGUMENT);
}

/* --- memory for the device --- */

/* Mapped until nothing is left to pay for it, and left so. */
static void memory_for_the_device(unsigned variant)
{
    cavern_handle dma = attempt_handle(ATTEMPT_DMA), buffer;
    enum cavern_status status;
    uint64_t address = 0, out;
    unsigned mapped = 0;
    GRANTED(cavern_buffer_create(CAVERN_SELF_ACCOUNT, 64 * CAVERN_PAGE_SIZE, 0, &buffer));
    REFUSED(cavern_dma_map(dma, attempt_handle(ATTEMPT_IMAGE), 0, CAVERN_PAGE_SIZE,
                           CAVERN_PROT_READ | CAVERN_PROT_WRITE, &address),
            CAVERN_DENIED);
    for (uint64_t forged = CAVERN_PAGE_SIZE; forged; forged <<= 1)
        REFUSED(cavern_dma_unmap(dma, forged, CAVERN_PAGE_SIZE), CAVERN_BAD_ARGUMENT);
    while (!(status = cavern_dma_map(dma, buffer, mapped % 64 * (uint64_t)CAVERN_PAGE_SIZE, CAVERN_PAGE_SIZE,
                                     CAVERN_PROT_READ | CAVERN_PROT_WRITE, &address)))
        mapped++;
    REFUSED(status, CAVERN_NO_MEMORY);
    MUST(mapped > 1000);
    REFUSED(cavern_sys_derive(dma, 0, 0, 0, CAVERN_SELF_ACCOUNT, &out), CAVERN_DENIED);
    if (variant)
        cavern_dma_unmap_all(dma);
    attempt_tell("%u mappings", mapped);
}

/* --- the machine --- */

static void the_machine(unsigned variant)
{
    cavern_handle machine = attempt_handle(ATTEMPT_MACHINE), queue;
    static uint64_t records[64];
    uint64_t next, written;
    (void)variant;
    GRANTED(cavern_sys_queue_create(CAVERN_SELF_ACCOUNT, 64, 0, 0, &queue));
    for (uint64_t operation = 1; operation <= 4; operation++)
        REFUSED(cavern_sys_machine(machine, operation, 1, (uintptr_t)records, sizeof(records), &next, &written),
                CAVERN_DENIED);
    REFUSED(cavern_sys_notify(machine, 0, queue, 0), CAVERN_DENIED);
    REFUSED(cavern_sys_acknowledge(machine), CAVERN_DENIED);
}

const struct attempt device_attempts[] = {
    {"odd accesses to registers of a device", odd_register_accesses, 0, ENDS_WELL},
    {"odd instructions on registers of a device", odd_instructions, 0, ENDS_WELL},
    {"running registers of a device", run_registers, 0, ENDS_FAULT(CODE_DENIED)},
    {"registers of a device as memory for the kernel", kernel_uses_registers, 0, ENDS_WELL},
    {"flood of interrupts", flood_with_interrupts, 4, ENDS_WELL},
    {"lines of others", lines_of_others, 0, ENDS_WELL},
    {"memory for a device", memory_for_the_device, 2, ENDS_WELL},
    {"power and log of the machine", the_machine, 0, ENDS_WELL},
    {0},
};
