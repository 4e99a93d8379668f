/* SPDX-License-Identifier: BSD-2-Clause */
/* What the other calls on queues and senders refuse. */
#include "refusal.h"

static struct {
    struct cavern_queue queue, client;
    cavern_handle sender, unbound, deaf;
    uint64_t page; /* lent to the server */
    uint64_t own;  /* a page of the server's */
    struct cavern_message message;
} t;

#define GOOD_SPACE t.sender, [2] = 5, [3] = 1, [9] = t.client.handle
#define GOOD_LEASE t.queue.handle, [2] = t.message.header.request, [3] = 0, [4] = 0, [5] = t.own, [6] = 4096
#define GOOD_ACCEPT t.queue.handle, [2] = t.message.position, [3] = 0
#define GOOD_CREATE CAVERN_SELF_ACCOUNT, [3] = 64, [4] = 4
#define GOOD_BIND t.unbound, [2] = CAVERN_SELF_PROCESS
#define GOOD_MINT t.queue.handle, [2] = 5, [3] = 1 | UINT64_C(1) << 32, [4] = CAVERN_SELF_ACCOUNT

static void set_up(void)
{
    test_queue(&t.queue, 64, 4);
    test_queue(&t.client, 64, 0);
    t.sender = test_sender(&t.queue, 7);
    t.deaf = test_without(t.queue.handle, RIGHTS_QUEUE, CAVERN_RIGHT_RECEIVE);
    t.own = test_page();
    CHECK_OK(cavern_sys_queue_create(CAVERN_SELF_ACCOUNT, 64, 1, 0, &t.unbound));
}

/* --- space, queue_freed --- */

static void space_handles(void)
{
    set_up();
    REFUSES_EACH(SPACE, BAD_HANDLE, NOT(SENDER), 0, GOOD_SPACE);
    REFUSES(SPACE, DENIED, GOOD_SPACE, [0] = test_without(t.sender, RIGHTS_SENDER, CAVERN_RIGHT_SEND));
    REFUSES(SPACE, GONE, GOOD_SPACE, [0] = test_orphan());
    REFUSES_EACH(SPACE, BAD_HANDLE, NOT(QUEUE), 9, GOOD_SPACE);
    REFUSES(SPACE, DENIED, GOOD_SPACE, [9] = t.deaf);
    REFUSES(SPACE, DENIED, GOOD_SPACE, [9] = t.unbound);
    test_nothing(&t.client);
}

static void space_that_can_never_be(void)
{
    cavern_handle narrow;
    set_up();
    CHECK_OK(cavern_sender_mint(t.queue.handle, 0, 1, 2, 0, &narrow));
    const uint64_t requests = UINT64_C(1) << 32;
    REFUSES_EACH(SPACE, TOO_LARGE, VALUES(65, 128, 0xffffffff, 5 * requests, 0xffffffff * requests, ~UINT64_C(0)), 3,
                 GOOD_SPACE);
    REFUSES(SPACE, TOO_LARGE, GOOD_SPACE, [0] = narrow, [3] = 3 * requests);
    test_nothing(&t.client);
    cavern_handle other = test_sender(&t.queue, 9);
    ACCEPTS(SPACE, GOOD_SPACE, [0] = other, [2] = 6, [3] = 0); /* no room at all is there at once */
    test_receive(&t.client, CAVERN_KIND_SPACE, &t.message);
    CHECK_EQUAL(t.message.header.label, 6);
    REFUSES(SPACE, BUSY, GOOD_SPACE, [0] = other, [3] = 0);
    cavern_queue_release(&t.client, &t.message);
    ACCEPTS(SPACE, GOOD_SPACE, [3] = 64 | 4 * requests);
    REFUSES(SPACE, BUSY, GOOD_SPACE); /* told, but not freed */
    ACCEPTS(SPACE, GOOD_SPACE, [0] = narrow, [3] = 2 * requests);
}

static void queue_freed_handles(void)
{
    set_up();
    REFUSES_EACH(QUEUE_FREED, BAD_HANDLE, NOT(QUEUE), 0, 0);
    REFUSES(QUEUE_FREED, DENIED, t.deaf);
    REFUSES(QUEUE_FREED, DENIED, t.unbound);
    ACCEPTS(QUEUE_FREED, t.queue.handle);
}

/* --- leases --- */

/* A request with two leases of a page: one to read, one to write. */
static void lend(void)
{
    set_up();
    t.page = test_page();
    struct cavern_lease leases[] = {{.address = t.page, .length = 4096, .rights = CAVERN_LEASE_READ},
                                    {.address = t.page, .length = 4096, .rights = CAVERN_LEASE_WRITE}};
    CHECK_OK(
        cavern_request(t.sender, 1, &(struct cavern_outgoing){.leases = leases, .lease_count = 2}, &t.client, 1, NULL));
    test_receive(&t.queue, CAVERN_KIND_REQUEST, &t.message);
    memset((void *)t.page, 0x11, 4096);
    memset((void *)t.own, 0x22, 4096);
}

static void check_not_copied(void)
{
    for (unsigned i = 0; i < 4096; i++)
        CHECK(((uint8_t *)t.page)[i] == 0x11 && ((uint8_t *)t.own)[i] == 0x22);
    ACCEPTS(LEASE_COPY, GOOD_LEASE);
    CHECK_EQUAL(*(uint8_t *)t.own, 0x11);
}

static void lease_handles_and_ids(void)
{
    lend();
    REFUSES_EACH(LEASE_COPY, BAD_HANDLE, NOT(QUEUE), 0, GOOD_LEASE);
    REFUSES(LEASE_COPY, DENIED, GOOD_LEASE, [0] = t.deaf);
    REFUSES(LEASE_COPY, DENIED, GOOD_LEASE, [0] = t.unbound);
    REFUSES_EACH(LEASE_COPY, CANCELLED, VALUES(0, 0x10002, 0x20001, 0x10005, 0x100010001, ~UINT64_C(0)), 2, GOOD_LEASE);
    check_not_copied();
    ACCEPTS(DROP, t.queue.handle, [2] = t.message.header.request);
    REFUSES(LEASE_COPY, CANCELLED, GOOD_LEASE);
}

static void lease_indices(void)
{
    lend();
    REFUSES_EACH(LEASE_COPY, BAD_ARGUMENT, VALUES(2, 3, 4, 255, 0x102, 0x200, 0x10000, ~UINT64_C(0)), 3, GOOD_LEASE);
    REFUSES(LEASE_COPY, DENIED, GOOD_LEASE, [3] = 0x100); /* the first is to be read */
    REFUSES(LEASE_COPY, DENIED, GOOD_LEASE, [3] = 1);     /* the second to be written */
    check_not_copied();
}

static void lease_ranges(void)
{
    lend();
    REFUSES_EACH(LEASE_COPY, BAD_ARGUMENT, VALUES(4097, 8192, UINT64_C(1) << 63, ~UINT64_C(0)), 6, GOOD_LEASE);
    REFUSES_EACH(LEASE_COPY, BAD_ARGUMENT, VALUES(1, 4096, 4097, UINT64_C(1) << 56, ~UINT64_C(4095), ~UINT64_C(0)), 4,
                 GOOD_LEASE);
    REFUSES(LEASE_COPY, BAD_ARGUMENT, GOOD_LEASE, [4] = ~UINT64_C(0), [6] = 1); /* wraps to 0 */
    REFUSES(LEASE_COPY, BAD_ARGUMENT, GOOD_LEASE, [4] = 8, [6] = ~UINT64_C(7));
    check_not_copied();
    ACCEPTS(LEASE_COPY, GOOD_LEASE, [4] = 4096, [6] = 0);
    ACCEPTS(LEASE_COPY, GOOD_LEASE, [4] = 4095, [6] = 1);
}

static void lease_addresses(void)
{
    lend();
    struct test_values unreadable = test_unreadable(64), unwritable = test_unwritable(64);
    REFUSES_EACH(LEASE_COPY, BAD_ADDRESS, unwritable, 5, GOOD_LEASE, [6] = 64);
    REFUSES_EACH(LEASE_COPY, BAD_ADDRESS, unreadable, 5, GOOD_LEASE, [3] = 0x101, [6] = 64);
}

/* --- grants --- */

static void grant(void)
{
    set_up();
    struct cavern_grant records[] = {{t.sender, CAVERN_RIGHT_SEND}, {test_buffer(4096), CAVERN_RIGHT_READ}};
    CHECK_OK(cavern_send(t.sender,
                         &(struct cavern_outgoing){.payload = "x", .size = 1, .grants = records, .grant_count = 2}));
    CHECK_OK(test_send_word(t.sender, 1));
    test_receive(&t.queue, CAVERN_KIND_MESSAGE, &t.message);
}

static void grant_handles_and_positions(void)
{
    grant();
    REFUSES_EACH(GRANT_ACCEPT, BAD_HANDLE, NOT(QUEUE), 0, GOOD_ACCEPT);
    REFUSES(GRANT_ACCEPT, DENIED, GOOD_ACCEPT, [0] = t.deaf);
    REFUSES(GRANT_ACCEPT, DENIED, GOOD_ACCEPT, [0] = t.unbound);
    REFUSES_EACH(GRANT_ACCEPT, GONE,
                 VALUES(t.message.end + 1, t.message.position + 64, t.message.position - 64, UINT64_C(1) << 32,
                        UINT64_C(1) << 63, ~UINT64_C(0)),
                 2, GOOD_ACCEPT);
    ACCEPTS(GRANT_ACCEPT, GOOD_ACCEPT);
    REFUSES(GRANT_ACCEPT, GONE, GOOD_ACCEPT); /* once */
    cavern_queue_release(&t.queue, &t.message);
    REFUSES(GRANT_ACCEPT, GONE, GOOD_ACCEPT, [3] = 1);
}

static void grant_indices(void)
{
    grant();
    REFUSES_EACH(GRANT_ACCEPT, BAD_ARGUMENT, VALUES(2, 3, 4, 255, UINT64_C(1) << 32, ~UINT64_C(0)), 3, GOOD_ACCEPT);
    REFUSES(GRANT_ACCEPT, BAD_ARGUMENT, GOOD_ACCEPT, [2] = t.message.end); /* a message without any */
}

static void grant_costs_memory(void)
{
    grant();
    test_exhaust();
    REFUSES(GRANT_ACCEPT, NO_MEMORY, GOOD_ACCEPT);
    REFUSES(GRANT_ACCEPT, NO_MEMORY, GOOD_ACCEPT, [3] = 1);
}

/* --- making, binding, minting --- */

static void queue_create_arguments(void)
{
    REFUSES_EACH(QUEUE_CREATE, BAD_HANDLE, NOT(ACCOUNT), 0, GOOD_CREATE);
    REFUSES(QUEUE_CREATE, DENIED, GOOD_CREATE, [0] = test_without(test_account(), RIGHTS_ACCOUNT, CAVERN_RIGHT_CHARGE));
    REFUSES_EACH(QUEUE_CREATE, BAD_ARGUMENT,
                 VALUES(0, 1, 32, 63, 65, 96, 32767, 32769, 65536, 0x100000040, UINT64_C(1) << 63, ~UINT64_C(0)), 3,
                 GOOD_CREATE);
    REFUSES_EACH(QUEUE_CREATE, BAD_ARGUMENT, VALUES(16385, 32768, 0x100000001, UINT64_C(1) << 63, ~UINT64_C(0)), 4,
                 GOOD_CREATE);
    ACCEPTS(QUEUE_CREATE, GOOD_CREATE, [4] = 0);
    ACCEPTS(QUEUE_CREATE, GOOD_CREATE, [3] = 32768, [4] = 16384);
}

/* x5 is the kernel's own, for a call that goes on. */
static void queue_create_with_progress(void)
{
    set_up();
    struct test_values bad = NOT(QUEUE);
    bad.value[0] = 1; /* 0 is a new one */
    REFUSES_EACH(QUEUE_CREATE, BAD_HANDLE, bad, 5, GOOD_CREATE);
    cavern_handle poor = test_without(t.unbound, RIGHTS_QUEUE, CAVERN_RIGHT_MANAGE);
    REFUSES_EACH(QUEUE_CREATE, BAD_ARGUMENT, VALUES(t.unbound, t.queue.handle, t.deaf, poor), 5, GOOD_CREATE);
    REFUSES(QUEUE_BIND, DENIED, GOOD_BIND, [0] = poor); /* it has got no rights by that */
    REFUSES(RECEIVE, DENIED, t.deaf, [9] = CAVERN_POLL);
    ACCEPTS(QUEUE_BIND, GOOD_BIND);
}

static unsigned create_status = ~0u;

static void create_largest(void *argument)
{
    cavern_handle queue;
    (void)argument;
    PUBLISH(create_status,
            cavern_sys_queue_create(CAVERN_SELF_ACCOUNT, CAVERN_QUEUE_BLOCKS_MAX, CAVERN_QUEUE_SLOTS_MAX, 0, &queue));
}

/* Stopped in the middle of its call: at the svc, with the handle that the call keeps. */
static cavern_handle stop_half_way(cavern_handle thread)
{
    enum { SVC_1 = 0xd4000021 };
    struct cavern_registers registers = {0};
    uint32_t instruction;
    for (;;) {
        cavern_sleep_until(cavern_after(20 * CAVERN_MICROSECOND));
        CHECK_OK(cavern_sys_thread_control(thread, 0, CAVERN_THREAD_SUSPEND, 0, 0));
        CHECK_OK(
            cavern_sys_thread_registers(thread, 0, CAVERN_REGISTERS_GENERAL, (uintptr_t)&registers, sizeof registers));
        CHECK_OK(cavern_process_read(CAVERN_SELF_PROCESS, registers.pc, &instruction, sizeof instruction));
        if (instruction == SVC_1 && registers.x[5])
            return registers.x[5];
        CHECK_EQUAL(OBSERVE(create_status), ~0u);
        CHECK_OK(cavern_sys_thread_control(thread, 0, CAVERN_THREAD_RESUME, 0, 0));
    }
}

static void queue_half_made(void)
{
    set_up();
    cavern_handle thread = test_thread(create_largest, NULL, TEST_PRIORITY_LOW);
    cavern_handle queue = stop_half_way(thread);
    REFUSES(QUEUE_BIND, DENIED, GOOD_BIND, [0] = queue);
    REFUSES(SENDER_MINT, DENIED, GOOD_MINT, [0] = queue);
    REFUSES(HANDLE_GIVE, DENIED, CAVERN_SELF_PROCESS, [2] = queue);
    REFUSES(RECEIVE, DENIED, queue, [9] = CAVERN_POLL);
    REFUSES(NOTIFY, DENIED, CAVERN_SELF_THREAD, [3] = queue);
    CHECK_OK(cavern_sys_handle_close(queue));
    CHECK_OK(cavern_sys_thread_control(thread, 0, CAVERN_THREAD_RESUME, 0, 0));
    cavern_sleep_until(cavern_after(50 * CAVERN_MILLISECOND));
    CHECK_EQUAL(OBSERVE(create_status), CAVERN_BAD_HANDLE);
}

static void queue_create_costs_memory(void)
{
    for (uint64_t pages = 0; pages < 5; pages++)
        REFUSES(QUEUE_CREATE, NO_MEMORY, GOOD_CREATE, [0] = test_split(pages * 4096));
    REFUSES(QUEUE_CREATE, NO_MEMORY, GOOD_CREATE, [0] = test_split(1 << 20), [3] = 32768);
    REFUSES(QUEUE_CREATE, NO_MEMORY, GOOD_CREATE, [0] = test_split(1 << 20), [4] = 16384);
    cavern_handle account = test_split(1 << 20);
    test_exhaust();
    REFUSES(QUEUE_CREATE, NO_MEMORY, GOOD_CREATE, [0] = account); /* no place for the handle */
}

static void queue_bind_handles(void)
{
    set_up();
    REFUSES_EACH(QUEUE_BIND, BAD_HANDLE, NOT(QUEUE), 0, GOOD_BIND);
    REFUSES(QUEUE_BIND, DENIED, GOOD_BIND, [0] = test_without(t.unbound, RIGHTS_QUEUE, CAVERN_RIGHT_MANAGE));
    struct test_values bad = NOT(PROCESS);
    bad.value[0] = 1; /* 0 means nobody */
    REFUSES_EACH(QUEUE_BIND, BAD_HANDLE, bad, 2, GOOD_BIND);
    REFUSES(QUEUE_BIND, DENIED, GOOD_BIND, [2] = test_without(test_process(), RIGHTS_PROCESS, CAVERN_RIGHT_MANAGE));
    REFUSES(QUEUE_BIND, GONE, GOOD_BIND, [2] = test_ended_process(0));
    REFUSES(QUEUE_BIND, BUSY, GOOD_BIND, [0] = t.queue.handle);
    REFUSES(QUEUE_BIND, BUSY, GOOD_BIND, [0] = t.queue.handle, [2] = test_process());
    ACCEPTS(QUEUE_BIND, GOOD_BIND, [4] = ~UINT64_C(0)); /* progress that nobody has made */
    ACCEPTS(QUEUE_BIND, GOOD_BIND, [2] = 0, [4] = ~UINT64_C(0));
    ACCEPTS(QUEUE_BIND, GOOD_BIND, [2] = 0); /* bound to nobody: nothing to do */
}

/* Charged to the account of the process that it is bound to. */
static void queue_bind_costs_memory(void)
{
    cavern_handle account = test_split(1 << 20), process;
    set_up();
    CHECK_OK(cavern_sys_process_create(account, 0, 0, 0, 0, &process));
    test_exhaust_account(account);
    REFUSES(QUEUE_BIND, NO_MEMORY, GOOD_BIND, [2] = process);
    ACCEPTS(QUEUE_BIND, GOOD_BIND);
}

static void sender_mint_arguments(void)
{
    set_up();
    REFUSES_EACH(SENDER_MINT, BAD_HANDLE, test_not_handles(1u << CAVERN_TYPE_QUEUE | 1u << CAVERN_TYPE_SENDER), 0,
                 GOOD_MINT);
    REFUSES(SENDER_MINT, DENIED, GOOD_MINT, [0] = test_without(t.queue.handle, RIGHTS_QUEUE, CAVERN_RIGHT_MINT));
    REFUSES(SENDER_MINT, DENIED, GOOD_MINT, [0] = test_without(t.sender, RIGHTS_SENDER, CAVERN_RIGHT_MINT));
    REFUSES(SENDER_MINT, GONE, GOOD_MINT, [0] = test_orphan());
    REFUSES_EACH(SENDER_MINT, BAD_HANDLE, NOT(ACCOUNT), 4, GOOD_MINT);
    REFUSES(SENDER_MINT, DENIED, GOOD_MINT, [4] = test_without(test_account(), RIGHTS_ACCOUNT, CAVERN_RIGHT_CHARGE));
    REFUSES_EACH(SENDER_MINT, BAD_ARGUMENT, VALUES(0, UINT64_C(1) << 32, ~UINT64_C(0) << 32), 3, GOOD_MINT);
    REFUSES_EACH(SENDER_MINT, BAD_ARGUMENT, VALUES(2, 3, 4, UINT64_C(1) << 32, UINT64_C(1) << 63, ~UINT64_C(0)), 5,
                 GOOD_MINT);
    ACCEPTS(SENDER_MINT, GOOD_MINT, [3] = ~UINT64_C(0));
    test_nothing(&t.queue);
}

static void sender_mint_costs_memory(void)
{
    set_up();
    REFUSES(SENDER_MINT, NO_MEMORY, GOOD_MINT, [4] = test_split(0));
    REFUSES(SENDER_MINT, NO_MEMORY, GOOD_MINT, [4] = test_split(4095));
    cavern_handle account = test_split(1 << 20);
    test_exhaust();
    REFUSES(SENDER_MINT, NO_MEMORY, GOOD_MINT, [4] = account, [5] = CAVERN_MINT_CLOSED); /* no place for the handle */
    test_nothing(&t.queue);
}

const struct test_case test_cases[] = {
    {"space: handles", space_handles, "[ABI-HANDLE-4] [MSG-QUEUE-2] [MSG-QUEUE-3]"},
    {"space: what can never be", space_that_can_never_be, "[MSG-SPACE-1] [MSG-SPACE-3] [MSG-SPACE-4]"},
    {"queue_freed: handles", queue_freed_handles, "[ABI-HANDLE-4] [MSG-QUEUE-2]"},
    {"lease_copy: handles and ids", lease_handles_and_ids, "[ABI-HANDLE-4] [MSG-QUEUE-2] [MSG-LEASE-6]"},
    {"lease_copy: indices", lease_indices, "[MSG-LEASE-4] [MSG-LEASE-5]"},
    {"lease_copy: ranges", lease_ranges, "[MSG-LEASE-5]"},
    {"lease_copy: addresses", lease_addresses, "[ABI-ADDR-2] [MSG-LEASE-1]"},
    {"grant_accept: handles and positions", grant_handles_and_positions, "[MSG-GRANT-2] [MSG-QUEUE-2]"},
    {"grant_accept: indices", grant_indices, "[MSG-GRANT-6]"},
    {"grant_accept: costs memory", grant_costs_memory, "[MSG-GRANT-5] [ABI-ERROR-2]"},
    {"queue_create: arguments", queue_create_arguments, "[MSG-QUEUE-1] [ABI-HANDLE-4]"},
    {"queue_create: forged progress", queue_create_with_progress, "[MSG-QUEUE-6] [ABI-HANDLE-4]"},
    {"queue_create: half-made", queue_half_made, "[MSG-QUEUE-6]"},
    {"queue_create: costs memory", queue_create_costs_memory, "[ABI-ERROR-2] [MEM-ACCOUNT-1] [ABI-FAIL-1]"},
    {"queue_bind: handles", queue_bind_handles, "[MSG-BIND-1] [PROC-CREATE-3] [ABI-HANDLE-4]"},
    {"queue_bind: costs memory", queue_bind_costs_memory, "[ABI-ERROR-2] [ABI-FAIL-1]"},
    {"sender_mint: arguments", sender_mint_arguments, "[MSG-SENDER-4] [ABI-CALL-3] [ABI-HANDLE-4]"},
    {"sender_mint: costs memory", sender_mint_costs_memory, "[ABI-ERROR-2] [MSG-CLOSED-1] [ABI-FAIL-1]"},
    {0},
};

const struct test_peer_function test_peers[] = {{0}};
