/* SPDX-License-Identifier: BSD-2-Clause */
/* What the calls on buffers and memory refuse. */
#include "refusal.h"

#define READ CAVERN_PROT_READ
#define WRITE CAVERN_PROT_WRITE
#define EXECUTE CAVERN_PROT_EXECUTE
#define PLACE UINT64_C(0x5000000000)
#define RAM UINT64_C(0x40000000)
#define CONTROLLER UINT64_C(0x8000000)
#define CLOCK UINT64_C(0x9010000) /* a page of registers, and its line */
#define CLOCK_LINE 34

static struct {
    cavern_handle process, buffer;
} t;

#define GOOD_BUFFER CAVERN_SELF_ACCOUNT, [3] = 4096
#define GOOD_MAP CAVERN_SELF_PROCESS, [2] = t.buffer, [3] = 0, [4] = 8192, [5] = PLACE, [6] = READ | WRITE
#define GOOD_UNMAP CAVERN_SELF_PROCESS, [3] = PLACE, [4] = 8192

static void set_up(void)
{
    t.process = test_process();
    t.buffer = test_buffer(8192);
}

static cavern_handle sealed(void)
{
    cavern_handle buffer = test_buffer(8192);
    ACCEPTS(BUFFER_SEAL, buffer);
    return buffer;
}

static cavern_handle device(uint64_t first, uint64_t count)
{
    cavern_handle buffer;
    CHECK_OK(cavern_sys_derive(test_handle(CAVERN_STARTUP_DEVICES), first, count, 0, CAVERN_SELF_ACCOUNT, &buffer));
    return buffer;
}

/* --- buffer_create, buffer_seal --- */

static void create_arguments(void)
{
    set_up();
    REFUSES_EACH(BUFFER_CREATE, BAD_HANDLE, NOT(ACCOUNT), 0, GOOD_BUFFER);
    REFUSES(BUFFER_CREATE, DENIED,
            GOOD_BUFFER, [0] = test_without(test_account(), RIGHTS_ACCOUNT, CAVERN_RIGHT_CHARGE));
    REFUSES(BUFFER_CREATE, BAD_ARGUMENT, GOOD_BUFFER, [3] = 0);
    REFUSES_EACH(BUFFER_CREATE, BAD_ARGUMENT, VALUES(2, 3, 4, 256, UINT64_C(1) << 32, UINT64_C(1) << 63, ~UINT64_C(0)),
                 4, GOOD_BUFFER);
    REFUSES_EACH(BUFFER_CREATE, BAD_ARGUMENT, VALUES((2 << 20) + 1, 4 << 20, ~UINT64_C(0)), 3,
                 GOOD_BUFFER, [4] = CAVERN_BUFFER_CONTIGUOUS);
    ACCEPTS(BUFFER_CREATE, GOOD_BUFFER, [3] = 1);
    ACCEPTS(BUFFER_CREATE, GOOD_BUFFER, [3] = 2 << 20, [4] = CAVERN_BUFFER_CONTIGUOUS);
}

/* x2 is the kernel's own, for a call that goes on; a program that sets it gains nothing. */
static void create_with_progress(void)
{
    set_up();
    struct test_values bad = NOT(BUFFER);
    bad.value[0] = 1;
    REFUSES_EACH(BUFFER_CREATE, BAD_HANDLE, bad, 2, GOOD_BUFFER);
    REFUSES(BUFFER_CREATE, BAD_ARGUMENT, GOOD_BUFFER, [2] = t.buffer);
    REFUSES(BUFFER_CREATE, DENIED, GOOD_BUFFER, [2] = sealed());
    REFUSES(BUFFER_CREATE, BAD_ARGUMENT, GOOD_BUFFER, [2] = device(CLOCK, 4096));
    for (uint64_t progress = 1; progress; progress *= 32) { /* x5: how far it has come, which is not believed */
        REFUSES(BUFFER_CREATE, BAD_ARGUMENT, GOOD_BUFFER, [2] = t.buffer, [5] = progress);
        REFUSES(BUFFER_CREATE, BAD_HANDLE, GOOD_BUFFER, [2] = 1, [5] = progress);
        cavern_handle whole = ACCEPTS(BUFFER_CREATE, GOOD_BUFFER, [3] = 300 * 4096, [5] = -progress);
        ACCEPTS(MAP, CAVERN_SELF_PROCESS, [2] = whole, [4] = 300 * 4096, [5] = PLACE, [6] = READ);
        for (uint64_t page = 0; page < 300; page++)
            CHECK_EQUAL(*(const volatile uint64_t *)(PLACE + page * 4096), 0);
        ACCEPTS(UNMAP, CAVERN_SELF_PROCESS, [3] = PLACE, [4] = 300 * 4096);
        ACCEPTS(HANDLE_CLOSE, whole);
    }
}

static void create_costs_memory(void)
{
    for (uint64_t pages = 0; pages < 3; pages++) /* its page, a record, and that of its holding */
        REFUSES(BUFFER_CREATE, NO_MEMORY, GOOD_BUFFER, [0] = test_split(pages * 4096));
    ACCEPTS(BUFFER_CREATE, GOOD_BUFFER, [0] = test_split(3 * 4096));
    REFUSES_EACH(BUFFER_CREATE, NO_MEMORY,
                 VALUES(16 << 20, 1 << 30, UINT64_C(1) << 40, UINT64_C(1) << 63, -UINT64_C(8192), -UINT64_C(4096),
                        -UINT64_C(4095), ~UINT64_C(0)),
                 3, GOOD_BUFFER);
    cavern_handle account = test_split(1 << 20);
    test_exhaust();
    REFUSES(BUFFER_CREATE, NO_MEMORY, GOOD_BUFFER, [0] = account); /* no place for the handle */
    REFUSES(BUFFER_CREATE, NO_MEMORY, GOOD_BUFFER, [0] = account, [4] = CAVERN_BUFFER_CONTIGUOUS);
}

static void seal_handles(void)
{
    set_up();
    REFUSES_EACH(BUFFER_SEAL, BAD_HANDLE, NOT(BUFFER), 0, 0);
    REFUSES(BUFFER_SEAL, DENIED, test_without(t.buffer, RIGHTS_BUFFER, CAVERN_RIGHT_WRITE));
    REFUSES(BUFFER_SEAL, DENIED, sealed());
    REFUSES(BUFFER_SEAL, BAD_ARGUMENT, device(CLOCK, 4096));
}

/* Each kind of writer that there is, one after the other. */
static void seal_with_writers(void)
{
    struct cavern_queue queue;
    struct cavern_message message;
    cavern_handle copy;
    set_up();
    test_queue(&queue, 64, 2);
    cavern_handle sender = test_sender(&queue, 0);

    CHECK_OK(cavern_handle_duplicate(t.buffer, RIGHTS_BUFFER, &copy));
    REFUSES(BUFFER_SEAL, BUSY, t.buffer);
    ACCEPTS(HANDLE_CLOSE, copy);

    struct cavern_grant grant = {t.buffer, CAVERN_RIGHT_WRITE};
    CHECK_OK(cavern_send(sender, &(struct cavern_outgoing){.grants = &grant, .grant_count = 1}));
    REFUSES(BUFFER_SEAL, BUSY, t.buffer);
    test_receive(&queue, CAVERN_KIND_MESSAGE, &message);
    cavern_queue_release(&queue, &message);
    ACCEPTS(QUEUE_FREED, queue.handle);

    ACCEPTS(MAP, GOOD_MAP);
    REFUSES(BUFFER_SEAL, BUSY, t.buffer);
    struct cavern_lease lease = {.address = PLACE, .length = 8, .rights = CAVERN_LEASE_WRITE};
    CHECK_OK(cavern_request(sender, 0, &(struct cavern_outgoing){.leases = &lease, .lease_count = 1}, &queue, 1, NULL));
    ACCEPTS(UNMAP, GOOD_UNMAP);
    REFUSES(BUFFER_SEAL, BUSY, t.buffer); /* what was lent is still */
    test_receive(&queue, CAVERN_KIND_REQUEST, &message);
    ACCEPTS(DROP, queue.handle, [2] = message.header.request);

    ACCEPTS(MAP, GOOD_MAP, [6] = READ);
    ACCEPTS(BUFFER_SEAL, t.buffer);
    REFUSES(MAP, DENIED, GOOD_MAP, [5] = PLACE + 8192);
}

/* --- derive --- */

static void derive_handles(void)
{
    set_up();
    cavern_handle devices = test_handle(CAVERN_STARTUP_DEVICES), range = test_handle(CAVERN_STARTUP_INTERRUPTS);
#define GOOD_REGISTERS devices, [3] = CLOCK, [4] = 4096, [6] = CAVERN_SELF_ACCOUNT
#define GOOD_LINE range, [3] = CLOCK_LINE, [4] = 1, [6] = CAVERN_SELF_ACCOUNT
    REFUSES_EACH(DERIVE, BAD_HANDLE,
                 test_not_handles(1u << CAVERN_TYPE_BUFFER | 1u << CAVERN_TYPE_INTERRUPT | 1u << CAVERN_TYPE_DMA), 0,
                 GOOD_REGISTERS);
    REFUSES(DERIVE, BAD_ARGUMENT, GOOD_REGISTERS, [0] = t.buffer);
    REFUSES(DERIVE, DENIED, GOOD_REGISTERS, [0] = test_without(devices, RIGHTS_DEVICE, CAVERN_RIGHT_DERIVE));
    REFUSES(DERIVE, DENIED, GOOD_LINE, [0] = test_without(range, RIGHTS_INTERRUPT, CAVERN_RIGHT_DERIVE));
    REFUSES_EACH(DERIVE, BAD_HANDLE, NOT(ACCOUNT), 6, GOOD_REGISTERS);
    REFUSES_EACH(DERIVE, BAD_HANDLE, NOT(ACCOUNT), 6, GOOD_LINE);
    cavern_handle poor = test_without(test_account(), RIGHTS_ACCOUNT, CAVERN_RIGHT_CHARGE);
    REFUSES(DERIVE, DENIED, GOOD_REGISTERS, [6] = poor);
    REFUSES(DERIVE, DENIED, GOOD_LINE, [6] = poor);
    REFUSES(DERIVE, NO_MEMORY, GOOD_REGISTERS, [6] = test_split(4096));
    REFUSES(DERIVE, NO_MEMORY, GOOD_LINE, [6] = test_split(0));
}

static void derive_registers(void)
{
    cavern_handle devices = test_handle(CAVERN_STARTUP_DEVICES), part = device(CLOCK, 4096);
    REFUSES_EACH(DERIVE, BAD_ARGUMENT, VALUES(0, ~UINT64_C(0), UINT64_C(1) << 48, -CLOCK, -CLOCK + 1), 4,
                 GOOD_REGISTERS);
    REFUSES_EACH(DERIVE, BAD_ARGUMENT, VALUES(UINT64_C(1) << 48, (UINT64_C(1) << 48) - 4095, ~UINT64_C(0)), 3,
                 GOOD_REGISTERS);
    REFUSES_EACH(DERIVE, BAD_ARGUMENT, VALUES(1, 4096, CLOCK, ~UINT64_C(0)), 3, GOOD_REGISTERS, [0] = part);
    REFUSES_EACH(DERIVE, DENIED, VALUES(RAM, RAM - 4095, RAM + (64 << 20), CONTROLLER, CONTROLLER - 1), 3,
                 GOOD_REGISTERS);
    REFUSES(DERIVE, DENIED, GOOD_REGISTERS, [3] = 0, [4] = UINT64_C(1) << 48);
    ACCEPTS(DERIVE, GOOD_REGISTERS, [0] = part, [3] = 4095, [4] = 1);
    ACCEPTS(DERIVE, GOOD_REGISTERS, [3] = (UINT64_C(1) << 48) - 1, [4] = 1);
}

static void derive_lines(void)
{
    cavern_handle range = test_handle(CAVERN_STARTUP_INTERRUPTS);
    const uint64_t *values = cavern_startup_find(CAVERN_STARTUP_INTERRUPTS)->values, end = values[0] + values[1];
    REFUSES_EACH(DERIVE, BAD_ARGUMENT,
                 VALUES(0, 16, values[0] - 1, end, 1023, 1024, CLOCK_LINE + (UINT64_C(1) << 32), ~UINT64_C(0)), 3,
                 GOOD_LINE);
    REFUSES_EACH(DERIVE, BAD_ARGUMENT, VALUES(0, 2, UINT64_C(1) << 32, ~UINT64_C(0)), 4, GOOD_LINE);
    REFUSES_EACH(DERIVE, BAD_ARGUMENT, VALUES(2, 3, UINT64_C(1) << 32, ~UINT64_C(0)), 5, GOOD_LINE);
    cavern_handle line = ACCEPTS(DERIVE, GOOD_LINE);
    REFUSES(DERIVE, BUSY, GOOD_LINE);
    REFUSES(DERIVE, BAD_ARGUMENT, GOOD_LINE, [0] = line); /* no range */
    ACCEPTS(DERIVE, GOOD_LINE, [3] = end - 1, [5] = CAVERN_TRIGGER_EDGE);
}

/* --- map, unmap --- */

static void map_handles(void)
{
    set_up();
    REFUSES_EACH(MAP, BAD_HANDLE, NOT(PROCESS), 0, GOOD_MAP);
    REFUSES(MAP, DENIED, GOOD_MAP, [0] = test_without(t.process, RIGHTS_PROCESS, CAVERN_RIGHT_MANAGE));
    REFUSES(MAP, GONE, GOOD_MAP, [0] = test_ended_process(0));
    REFUSES_EACH(MAP, BAD_HANDLE, NOT(BUFFER), 2, GOOD_MAP);
    REFUSES(MAP, DENIED, GOOD_MAP, [2] = test_without(t.buffer, RIGHTS_BUFFER, CAVERN_RIGHT_READ), [6] = READ);
    REFUSES(MAP, DENIED, GOOD_MAP, [2] = test_without(t.buffer, RIGHTS_BUFFER, CAVERN_RIGHT_WRITE));
    REFUSES(MAP, DENIED,
            GOOD_MAP, [2] = test_without(sealed(), RIGHTS_SEALED, CAVERN_RIGHT_EXECUTE), [6] = READ | EXECUTE);
    ACCEPTS(MAP, GOOD_MAP);
}

static void map_protections(void)
{
    set_up();
    for (uint64_t protection = 0; protection < 16; protection++)
        if (protection != READ && protection != (READ | WRITE) && protection != (READ | EXECUTE))
            REFUSES(MAP, BAD_ARGUMENT, GOOD_MAP, [6] = protection);
    REFUSES_EACH(MAP, BAD_ARGUMENT, VALUES(READ | 0x100, READ | UINT64_C(1) << 32, ~UINT64_C(0)), 6, GOOD_MAP);
    REFUSES(MAP, DENIED, GOOD_MAP, [6] = READ | EXECUTE); /* not sealed */
    REFUSES(MAP, DENIED, GOOD_MAP, [2] = sealed());       /* not to be written any more */
}

static void map_ranges(void)
{
    set_up();
    REFUSES_EACH(MAP, BAD_ARGUMENT,
                 VALUES(1, 8, 4095, 4097, 8192, 12288, UINT64_C(1) << 63, -UINT64_C(4096), ~UINT64_C(0)), 3, GOOD_MAP);
    REFUSES_EACH(MAP, BAD_ARGUMENT,
                 VALUES(0, 1, 4095, 8191, 8193, 12288, CAVERN_NO_MEMORY, CAVERN_EXISTS, UINT64_C(1) << 63,
                        -UINT64_C(4096), ~UINT64_C(0)),
                 4, GOOD_MAP);
    REFUSES(MAP, BAD_ARGUMENT, GOOD_MAP, [3] = 4096, [4] = -UINT64_C(4096)); /* ends at 0 */
    REFUSES(MAP, BAD_ARGUMENT, GOOD_MAP, [3] = 4096);
    ACCEPTS(MAP, GOOD_MAP, [3] = 4096, [4] = 4096);
}

static void map_addresses(void)
{
    set_up();
    REFUSES_EACH(MAP, BAD_ARGUMENT,
                 VALUES(1, 4095, PLACE + 1, PLACE + 8, PLACE + 4095, 4096, CAVERN_USER_START - 4096,
                        CAVERN_USER_END - 4096, CAVERN_USER_END, UINT64_C(1) << 48, UINT64_C(1) << 63,
                        0xffff000000000000, -UINT64_C(8192), -UINT64_C(4096), ~UINT64_C(0)),
                 5, GOOD_MAP);
    ACCEPTS(MAP, GOOD_MAP, [5] = CAVERN_USER_END - 8192);
    ACCEPTS(MAP, GOOD_MAP, [0] = t.process, [5] = CAVERN_USER_START);
}

static void map_over_what_is_there(void)
{
    struct cavern_queue queue;
    set_up();
    test_queue(&queue, 64, 0);
    ACCEPTS(MAP, GOOD_MAP);
    REFUSES_EACH(MAP, EXISTS, VALUES(PLACE, PLACE - 4096, PLACE + 4096), 5, GOOD_MAP);
    REFUSES(MAP, EXISTS, GOOD_MAP, [5] = (uintptr_t)queue.ring & ~UINT64_C(4095), [6] = READ);
    REFUSES(MAP, EXISTS, GOOD_MAP, [5] = (uintptr_t)queue.control & ~UINT64_C(4095));
    ACCEPTS(MAP, GOOD_MAP, [5] = 0);
    REFUSES(MAP, EXISTS, GOOD_MAP, [5] = 0); /* its own address is taken, by itself */
}

static void map_devices(void)
{
    set_up();
    REFUSES(MAP, DENIED, GOOD_MAP, [2] = device(CLOCK, 8192), [6] = READ | EXECUTE);
    REFUSES(MAP, BAD_ARGUMENT, GOOD_MAP, [2] = device(CLOCK, 4095), [4] = 4096);
    REFUSES(MAP, BAD_ARGUMENT, GOOD_MAP, [2] = device(CLOCK + 1, 4096), [4] = 4096);
    REFUSES(MAP, BAD_ARGUMENT, GOOD_MAP, [2] = device(CLOCK, 4096 + 512), [4] = 4096);
    cavern_handle devices = test_handle(CAVERN_STARTUP_DEVICES);
    REFUSES_EACH(MAP, DENIED, VALUES(RAM, RAM - 4096, CONTROLLER), 3, GOOD_MAP, [2] = devices);
}

/* Charged to the process that it is mapped in. */
static void map_costs_memory(void)
{
    cavern_handle account = test_split(1 << 20);
    set_up();
    cavern_handle process = ACCEPTS(PROCESS_CREATE, account);
    test_exhaust_account(account);
    REFUSES(MAP, NO_MEMORY, GOOD_MAP, [0] = process);
    REFUSES(MAP, NO_MEMORY, GOOD_MAP, [0] = process, [5] = 0);
    ACCEPTS(MAP, GOOD_MAP);
}

static void unmap_handles_and_ranges(void)
{
    set_up();
    ACCEPTS(MAP, GOOD_MAP);
    REFUSES_EACH(UNMAP, BAD_HANDLE, NOT(PROCESS), 0, GOOD_UNMAP);
    REFUSES(UNMAP, DENIED, GOOD_UNMAP, [0] = test_without(t.process, RIGHTS_PROCESS, CAVERN_RIGHT_MANAGE));
    REFUSES(UNMAP, GONE, GOOD_UNMAP, [0] = test_ended_process(0));
    REFUSES_EACH(UNMAP, BAD_ARGUMENT,
                 VALUES(0, 1, 4096, PLACE + 1, PLACE + 4095, CAVERN_USER_START - 4096, CAVERN_USER_END - 4096,
                        CAVERN_USER_END, UINT64_C(1) << 63, 0xffff000000000000, -UINT64_C(8192), -UINT64_C(4096)),
                 3, GOOD_UNMAP);
    REFUSES_EACH(UNMAP, BAD_ARGUMENT,
                 VALUES(0, 1, 4095, 4097, CAVERN_USER_END, UINT64_C(1) << 63, -PLACE, -UINT64_C(4096), ~UINT64_C(0)), 4,
                 GOOD_UNMAP);
    ACCEPTS(UNMAP, GOOD_UNMAP);
    ACCEPTS(UNMAP, GOOD_UNMAP); /* a hole */
}

static void unmap_rings(void)
{
    struct cavern_queue queue;
    set_up();
    test_queue(&queue, 64, 0);
    uint64_t ring = (uintptr_t)queue.ring, control = (uintptr_t)queue.control;
    REFUSES_EACH(UNMAP, DENIED, VALUES(ring, ring + 4096, ring - 4096, control, control - 4096), 3, GOOD_UNMAP);
    REFUSES(UNMAP, DENIED, GOOD_UNMAP, [3] = CAVERN_USER_START, [4] = CAVERN_USER_END - CAVERN_USER_START);
}

/* Cutting a mapping in two takes a record for the second half, from the account of its process. */
static void unmap_costs_memory(void)
{
    cavern_handle account = test_split(1 << 20), buffer = test_buffer(8 * 4096);
    set_up();
    cavern_handle process = ACCEPTS(PROCESS_CREATE, account);
    unsigned mapped = 0;
    for (uint64_t at = PLACE;; at += 10 * 4096, mapped++) { /* until a mapping finds no room for its record */
        struct test_attempt *attempt = ATTEMPT(MAP, OK, process, [2] = buffer, [4] = 8 * 4096, [5] = at, [6] = READ);
        if (mapped == 1)
            test_exhaust_account(account);
        if (test_tries(attempt) == CAVERN_NO_MEMORY)
            break;
    }
    CHECK(mapped > 1);
    REFUSES(UNMAP, NO_MEMORY, process, [3] = PLACE + 4096, [4] = 4096);
    ACCEPTS(UNMAP, process, [3] = PLACE, [4] = 8 * 4096); /* the whole takes none */
}

/* --- process_copy --- */

static void copy_arguments(void)
{
    set_up();
    uint64_t own = test_page();
    ACCEPTS(MAP, GOOD_MAP, [0] = t.process);
    ACCEPTS(MAP, GOOD_MAP, [0] = t.process, [5] = PLACE + 16384, [6] = READ);
#define GOOD_COPY t.process, [3] = PLACE, [4] = own, [5] = 64, [6] = CAVERN_COPY_READ
    REFUSES_EACH(PROCESS_COPY, BAD_HANDLE, NOT(PROCESS), 0, GOOD_COPY);
    REFUSES(PROCESS_COPY, DENIED, GOOD_COPY, [0] = test_without(t.process, RIGHTS_PROCESS, CAVERN_RIGHT_MEMORY));
    REFUSES(PROCESS_COPY, GONE, GOOD_COPY, [0] = test_ended_process(0));
    REFUSES_EACH(PROCESS_COPY, BAD_ARGUMENT, VALUES(2, 3, 256, 257, UINT64_C(1) << 32, ~UINT64_C(0)), 6, GOOD_COPY);
    ACCEPTS(PROCESS_COPY, GOOD_COPY, [5] = 0);
    ACCEPTS(PROCESS_COPY, GOOD_COPY, [3] = PLACE + 8191, [4] = own + 4095, [5] = 1);
}

static void copy_addresses(void)
{
    set_up();
    uint64_t own = test_page();
    ACCEPTS(MAP, GOOD_MAP, [0] = t.process);
    ACCEPTS(MAP, GOOD_MAP, [0] = t.process, [2] = device(CLOCK, 4096), [4] = 4096, [5] = PLACE + 16384);
    REFUSES_EACH(PROCESS_COPY, BAD_ADDRESS, test_unwritable(64), 4, GOOD_COPY);
    REFUSES_EACH(PROCESS_COPY, BAD_ADDRESS, test_unreadable(64), 4, GOOD_COPY, [6] = CAVERN_COPY_WRITE);
    const struct test_values theirs =
        VALUES(0, 8, own, PLACE - 64, PLACE - 8, PLACE + 8192, PLACE + 8192 - 8, PLACE + 16384,
               PLACE | UINT64_C(1) << 56, CAVERN_USER_END - 64, CAVERN_USER_END - 8, CAVERN_USER_END,
               0xffff000000000000, 0xffff000040200000, -UINT64_C(64), -UINT64_C(8));
    REFUSES_EACH(PROCESS_COPY, BAD_ADDRESS, theirs, 3, GOOD_COPY);
    REFUSES_EACH(PROCESS_COPY, BAD_ADDRESS, theirs, 3, GOOD_COPY, [6] = CAVERN_COPY_WRITE);
    REFUSES_EACH(PROCESS_COPY, BAD_ADDRESS,
                 VALUES(4097, 8193, CAVERN_USER_END, UINT64_C(1) << 63, -PLACE, ~UINT64_C(0)), 5, GOOD_COPY);
}

const struct test_case test_cases[] = {
    {"buffer_create: arguments", create_arguments, "[MEM-BUFFER-2] [MEM-BUFFER-3] [ABI-CALL-3] [ABI-HANDLE-4]"},
    {"buffer_create: with the kernel's own progress", create_with_progress, "[ABI-HANDLE-4] [ABI-FAIL-1]"},
    {"buffer_create: costs memory", create_costs_memory, "[MEM-ACCOUNT-1] [ABI-ERROR-2] [ABI-FAIL-1]"},
    {"buffer_seal: handles", seal_handles, "[MEM-SEAL-2] [MEM-SEAL-3] [ABI-HANDLE-4]"},
    {"buffer_seal: with writers", seal_with_writers, "[MEM-SEAL-1] [MEM-SEAL-2]"},
    {"derive: handles", derive_handles, "[ABI-HANDLE-4] [MEM-DEVICE-1] [ABI-ERROR-2]"},
    {"derive: registers", derive_registers, "[MEM-DEVICE-1] [MEM-DEVICE-2]"},
    {"derive: lines", derive_lines, "[DEV-IRQ-1] [DEV-IRQ-2] [ABI-CALL-3]"},
    {"map: handles", map_handles, "[MEM-MAP-5] [PROC-CREATE-3] [ABI-HANDLE-4]"},
    {"map: protections", map_protections, "[MEM-MAP-4] [MEM-MAP-6] [MEM-SEAL-2]"},
    {"map: ranges of the buffer", map_ranges, "[MEM-MAP-3]"},
    {"map: addresses", map_addresses, "[MEM-MAP-2] [MEM-MAP-3]"},
    {"map: over what is there", map_over_what_is_there, "[MEM-MAP-2]"},
    {"map: devices", map_devices, "[MEM-DEVICE-2] [MEM-DEVICE-3] [MEM-DEVICE-4]"},
    {"map: costs memory", map_costs_memory, "[ABI-ERROR-2] [ABI-FAIL-1]"},
    {"unmap: handles and ranges", unmap_handles_and_ranges, "[MEM-UNMAP-1] [PROC-CREATE-3] [ABI-HANDLE-4]"},
    {"unmap: rings", unmap_rings, "[MEM-UNMAP-3]"},
    {"unmap: costs memory", unmap_costs_memory, "[ABI-ERROR-2] [ABI-FAIL-1] [MEM-UNMAP-1]"},
    {"process_copy: arguments", copy_arguments, "[MEM-COPY-1] [MEM-COPY-3] [ABI-CALL-3] [ABI-HANDLE-4]"},
    {"process_copy: addresses", copy_addresses, "[MEM-COPY-2] [ABI-ADDR-2]"},
    {0},
};

const struct test_peer_function test_peers[] = {{0}};
