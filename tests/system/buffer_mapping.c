/* SPDX-License-Identifier: BSD-2-Clause */
/* Buffers, and where they appear. */
#include "test.h"

#define READ CAVERN_PROT_READ
#define WRITE CAVERN_PROT_WRITE
#define EXECUTE CAVERN_PROT_EXECUTE
#define PLACE UINT64_C(0x5000000000)

static cavern_handle make(uint64_t bytes)
{
    cavern_handle buffer;
    CHECK_OK(cavern_buffer_create(CAVERN_SELF_ACCOUNT, bytes, 0, &buffer));
    return buffer;
}

static enum cavern_status map_at(cavern_handle buffer, uint64_t offset, uint64_t length, uint64_t address,
                                 unsigned protection)
{
    uint64_t mapped;
    enum cavern_status status =
        cavern_sys_map(CAVERN_SELF_PROCESS, buffer, offset, length, address, protection, &mapped);
    if (status == CAVERN_OK && address)
        CHECK_EQUAL(mapped, address);
    return status;
}

static void new_memory_is_zero(void)
{
    enum { BYTES = 3 << 20 };
    uint64_t *memory = test_memory(BYTES);
    for (unsigned i = 0; i < BYTES / 8; i++)
        CHECK(memory[i] == 0);
    memset(memory, 0xff, BYTES);
    cavern_buffer_unmap(memory, BYTES);
    memory = test_memory(BYTES);
    for (unsigned i = 0; i < BYTES / 8; i++)
        CHECK(memory[i] == 0);
}

static void sizes_are_rounded_and_checked(void)
{
    struct cavern_buffer_info info;
    uint64_t buffer, next, written;
    CHECK_OK(cavern_sys_buffer_create(CAVERN_SELF_ACCOUNT, 0, 5000, 0, 0, &buffer));
    CHECK_OK(cavern_sys_inspect(buffer, CAVERN_INSPECT_BUFFER, 0, (uintptr_t)&info, sizeof info, &next, &written));
    CHECK_EQUAL(info.size, 8192);
    CHECK_EQUAL(info.address % CAVERN_PAGE_SIZE, 0);
    CHECK(info.address >= CAVERN_OWN_START && info.address < CAVERN_OWN_END);
    CHECK_STATUS(cavern_sys_buffer_create(CAVERN_SELF_ACCOUNT, 0, 0, 0, 0, &buffer), CAVERN_BAD_ARGUMENT);
    uint64_t used = test_used();
    CHECK_STATUS(cavern_sys_buffer_create(CAVERN_SELF_ACCOUNT, 0, 1 << 30, 0, 0, &buffer), CAVERN_NO_MEMORY);
    CHECK_STATUS(cavern_sys_buffer_create(CAVERN_SELF_ACCOUNT, 0, ~UINT64_C(0), 0, 0, &buffer), CAVERN_NO_MEMORY);
    CHECK_EQUAL(test_used(), used);
    CHECK_OK(cavern_sys_buffer_create(CAVERN_SELF_ACCOUNT, 0, 64 * 4096, CAVERN_BUFFER_CONTIGUOUS, 0, &buffer));
    CHECK_STATUS(cavern_sys_buffer_create(CAVERN_SELF_ACCOUNT, 0, (2 << 20) + 1, CAVERN_BUFFER_CONTIGUOUS, 0, &buffer),
                 CAVERN_BAD_ARGUMENT);
}

static void large_buffers_lie_on_2_mib(void)
{
    void *address;
    cavern_handle buffer = make(4 << 20);
    CHECK_OK(cavern_buffer_map(buffer, 0, 4 << 20, READ | WRITE, &address));
    CHECK_EQUAL((uintptr_t)address % CAVERN_BLOCK_2M, 0);
    ((volatile char *)address)[(4 << 20) - 1] = 1;
    cavern_buffer_unmap((char *)address + CAVERN_PAGE_SIZE, CAVERN_PAGE_SIZE);
    CHECK_EQUAL(((volatile char *)address)[2 * CAVERN_PAGE_SIZE], 0);
    CHECK_EQUAL(((volatile char *)address)[(4 << 20) - 1], 1);
}

static void chosen_places_are_kept_apart(void)
{
    cavern_handle buffer = make(4 * 4096);
    CHECK_OK(map_at(buffer, 0, 2 * 4096, PLACE, READ | WRITE));
    CHECK_STATUS(map_at(buffer, 0, 4096, PLACE, READ), CAVERN_EXISTS);
    CHECK_STATUS(map_at(buffer, 0, 4096, PLACE + 4096, READ), CAVERN_EXISTS);
    CHECK_STATUS(map_at(buffer, 0, 2 * 4096, PLACE - 4096, READ), CAVERN_EXISTS);
    CHECK_OK(map_at(buffer, 0, 4096, PLACE - 4096, READ));
    CHECK_OK(map_at(buffer, 3 * 4096, 4096, PLACE + 2 * 4096, READ));
    *(volatile uint64_t *)PLACE = 7;
    CHECK_EQUAL(*(volatile uint64_t *)(PLACE - 4096), 7); /* the same page */
    CHECK_STATUS(map_at(buffer, 0, 4096, CAVERN_USER_START - 4096, READ), CAVERN_BAD_ARGUMENT);
    CHECK_STATUS(map_at(buffer, 0, 4096, CAVERN_USER_END, READ), CAVERN_BAD_ARGUMENT);
    CHECK_STATUS(map_at(buffer, 0, 4096, 0xffff000000000000, READ), CAVERN_BAD_ARGUMENT);
    CHECK_OK(map_at(buffer, 0, 4096, CAVERN_USER_END - 4096, READ));
}

static void bad_ranges_and_protections_are_refused(void)
{
    static const uint64_t bad[][3] = {
        {1, 4096, PLACE},     {0, 4097, PLACE},        {0, 0, PLACE},           {0, 4096, PLACE + 8},
        {0, 5 * 4096, PLACE}, {4 * 4096, 4096, PLACE}, {3 * 4096, 8192, PLACE}, {~UINT64_C(4095), 8192, PLACE},
    };
    cavern_handle buffer = make(4 * 4096), reader;
    for (unsigned i = 0; i < sizeof bad / sizeof *bad; i++)
        CHECK_STATUS(map_at(buffer, bad[i][0], bad[i][1], bad[i][2], READ), CAVERN_BAD_ARGUMENT);
    CHECK_STATUS(map_at(buffer, 0, 4096, PLACE, 0), CAVERN_BAD_ARGUMENT);
    CHECK_STATUS(map_at(buffer, 0, 4096, PLACE, WRITE), CAVERN_BAD_ARGUMENT);
    CHECK_STATUS(map_at(buffer, 0, 4096, PLACE, READ | WRITE | EXECUTE), CAVERN_BAD_ARGUMENT);
    CHECK_STATUS(map_at(buffer, 0, 4096, PLACE, READ | 8), CAVERN_BAD_ARGUMENT);
    CHECK_STATUS(map_at(buffer, 0, 4096, PLACE, READ | EXECUTE), CAVERN_DENIED);
    CHECK_OK(cavern_handle_duplicate(buffer, CAVERN_RIGHT_READ, &reader));
    CHECK_STATUS(map_at(reader, 0, 4096, PLACE, READ | WRITE), CAVERN_DENIED);
    CHECK_OK(map_at(reader, 0, 4096, PLACE, READ));
}

static void mapping_keeps_the_buffer(void)
{
    uint64_t used = test_used();
    cavern_handle buffer = make(16 * 4096);
    CHECK_OK(map_at(buffer, 0, 16 * 4096, PLACE, READ | WRITE));
    cavern_handle_close(buffer);
    *(volatile uint64_t *)PLACE = 1;
    CHECK(test_used() >= used + 16 * 4096);
    cavern_buffer_unmap((void *)PLACE, 16 * 4096);
    CHECK(test_used() < used + 16 * 4096); /* page tables may stay */
}

static void touch_place(void)
{
    CHECK_OK(map_at(make(8 * 4096), 0, 8 * 4096, PLACE, READ | WRITE));
    memset((void *)PLACE, 1, 8 * 4096);
    CHECK_OK(cavern_sys_unmap(CAVERN_SELF_PROCESS, PLACE + 4096, 4096));
    CHECK_OK(cavern_sys_unmap(CAVERN_SELF_PROCESS, PLACE, 3 * 4096)); /* with a hole */
    CHECK_EQUAL(*(volatile uint8_t *)(PLACE + 3 * 4096), 1);
    *(volatile uint8_t *)(PLACE + 3 * 4096 - 1) = 1;
}

static void what_is_unmapped_cannot_be_reached(void)
{
    struct test_peer peer;
    uint64_t words[5];
    test_peer("touch_place", NULL, 0, &peer);
    test_peer_exit(&peer, words, true);
    CHECK_EQUAL(words[CAVERN_EXIT_FAULT], CAVERN_FAULT_DATA_UNMAPPED);
    CHECK_EQUAL(words[CAVERN_EXIT_ADDRESS], PLACE + 3 * 4096 - 1);
    CHECK_STATUS(cavern_sys_unmap(CAVERN_SELF_PROCESS, PLACE + 1, 4096), CAVERN_BAD_ARGUMENT);
    CHECK_STATUS(cavern_sys_unmap(CAVERN_SELF_PROCESS, PLACE, 1), CAVERN_BAD_ARGUMENT);
}

static void rings_are_not_unmapped(void)
{
    struct cavern_queue queue;
    test_queue(&queue, 64, 0);
    CHECK_STATUS(cavern_sys_unmap(CAVERN_SELF_PROCESS, (uintptr_t)queue.ring, 4096), CAVERN_DENIED);
    CHECK_STATUS(cavern_sys_unmap(CAVERN_SELF_PROCESS, (uintptr_t)queue.control, 4096), CAVERN_DENIED);
    CHECK_OK(test_send_word(test_sender(&queue, 0), 5));
    struct cavern_message message;
    test_receive(&queue, CAVERN_KIND_MESSAGE, &message);
}

static void see_and_answer(void)
{
    const struct cavern_startup_handle *entry = cavern_startup_find("shared");
    void *address;
    CHECK(entry);
    CHECK_OK(cavern_buffer_map(entry->handle, 0, 8192, READ | WRITE, &address));
    CHECK_EQUAL((uintptr_t)address, entry->values[1]);
    uint64_t *words = address;
    CHECK_EQUAL(words[0], 123);
    words[1000] = 456;
}

static void memory_is_shared_at_its_own_address(void)
{
    struct test_peer peer;
    void *address;
    cavern_handle buffer = make(8192);
    CHECK_OK(cavern_buffer_map(buffer, 0, 8192, READ | WRITE, &address));
    uint64_t *words = address;
    words[0] = 123;
    struct cavern_spawn_handle handles[] = {test_give("shared", buffer, RIGHTS_BUFFER)};
    handles[0].values[1] = (uintptr_t)address;
    test_peer("see_and_answer", handles, 1, &peer);
    test_peer_done(&peer);
    CHECK_EQUAL(words[1000], 456);
    CHECK_OK(map_at(buffer, 4096, 4096, PLACE, READ));
    CHECK_EQUAL(*(volatile uint64_t *)(PLACE + 8000 - 4096), 456);
}

static void sealed_for_ever(void)
{
    static const uint32_t code[] = {0xd2800540, 0xd65f03c0}; /* mov x0, 42; ret */
    cavern_handle buffer = make(4096), writer, sealed;
    void *address;
    CHECK_OK(cavern_handle_duplicate(buffer, RIGHTS_BUFFER, &writer));
    CHECK_OK(map_at(buffer, 0, 4096, PLACE, READ | WRITE));
    memcpy((void *)PLACE, code, sizeof code);
    CHECK_STATUS(cavern_buffer_seal(buffer), CAVERN_BUSY);
    cavern_buffer_unmap((void *)PLACE, 4096);
    CHECK_STATUS(cavern_buffer_seal(buffer), CAVERN_BUSY); /* the other handle */
    cavern_handle_close(writer);
    CHECK_OK(cavern_buffer_seal(buffer));
    CHECK_STATUS(cavern_buffer_seal(buffer), CAVERN_DENIED);
    CHECK_STATUS(map_at(buffer, 0, 4096, PLACE, READ | WRITE), CAVERN_DENIED);
    CHECK_STATUS(cavern_handle_duplicate(buffer, CAVERN_RIGHT_WRITE, &sealed), CAVERN_DENIED);
    CHECK_OK(cavern_buffer_map(buffer, 0, 4096, READ | EXECUTE, &address));
    CHECK_EQUAL(((uint64_t(*)(void))address)(), 42);
}

static void pieces_join(void)
{
    cavern_handle buffer = make(4 * 4096);
    struct cavern_queue server, client;
    test_queue(&server, 64, 1);
    test_queue(&client, 64, 0);
    CHECK_OK(map_at(buffer, 0, 4096, PLACE, READ | WRITE));
    CHECK_OK(map_at(buffer, 2 * 4096, 4096, PLACE + 2 * 4096, READ | WRITE));
    struct cavern_lease lease = {.address = PLACE, .length = 3 * 4096, .rights = CAVERN_LEASE_READ};
    struct cavern_outgoing out = {.leases = &lease, .lease_count = 1};
    cavern_handle sender = test_sender(&server, 0);
    CHECK_STATUS(cavern_request(sender, 0, &out, &client, 1, NULL), CAVERN_BAD_ADDRESS);
    CHECK_OK(map_at(buffer, 4096, 4096, PLACE + 4096, READ | WRITE));
    CHECK_OK(cavern_request(sender, 0, &out, &client, 1, NULL)); /* a lease needs one mapping */
}

static void show_and_wait(void)
{
    uint64_t *words = test_memory(2 * 4096), address = (uintptr_t)words;
    words[511] = 0x1111;
    words[512] = 0x2222;
    CHECK_OK(test_send_word(test_handle("to"), address));
    for (uint64_t end = cavern_after(CAVERN_SECOND); OBSERVE(words[513]) != 0x3333;)
        CHECK(cavern_now() < end);
}

static void foreign_memory_is_read_and_written(void)
{
    struct cavern_queue queue;
    struct cavern_message message;
    struct test_peer peer;
    uint64_t words[2], secret = 0x3333, ending[5];
    test_queue(&queue, 64, 0);
    struct cavern_spawn_handle handles[] = {test_give("to", test_sender(&queue, 0), RIGHTS_SENDER)};
    struct cavern_spawn setup = test_peer_setup("show_and_wait");
    setup.handles = handles;
    setup.handle_count = 1;
    setup.priority = TEST_PRIORITY_LOW;
    test_peer_start(&setup, &peer);
    test_receive(&queue, CAVERN_KIND_MESSAGE, &message);
    uint64_t address = test_word(&message, 0);
    CHECK_OK(cavern_process_read(peer.process, address + 511 * 8, words, sizeof words));
    CHECK_EQUAL(words[0], 0x1111);
    CHECK_EQUAL(words[1], 0x2222);
    CHECK_STATUS(cavern_process_read(peer.process, 0, words, 8), CAVERN_BAD_ADDRESS);
    CHECK_STATUS(cavern_process_read(peer.process, address, NULL, 8), CAVERN_BAD_ADDRESS);
    CHECK_STATUS(cavern_process_write(peer.process, (uintptr_t)test_cases, words, 8),
                 CAVERN_BAD_ADDRESS); /* constant */
    CHECK_OK(cavern_process_write(peer.process, address + 513 * 8, &secret, 8));
    test_peer_exit(&peer, ending, false);
    CHECK_EQUAL(ending[CAVERN_EXIT_CODE], TEST_PASSED);
    CHECK_STATUS(cavern_process_read(peer.process, address, words, 8), CAVERN_GONE);
}

/* The same pages here and there, shifted: what is copied is anybody's guess, but nothing around it changes. */
static void copy_onto_itself_stays_inside(void)
{
    cavern_handle buffer = make(2 * 4096), process;
    uint64_t mapped;
    uint8_t *bytes = (uint8_t *)PLACE;
    CHECK_OK(cavern_sys_process_create(test_account(), 0, 0, 0, 0, &process));
    CHECK_OK(cavern_sys_map(process, buffer, 0, 2 * 4096, PLACE, READ | WRITE, &mapped));
    CHECK_OK(map_at(buffer, 0, 2 * 4096, PLACE, READ | WRITE));
    for (unsigned shift = 1; shift < 4096; shift = shift * 8 - 1) {
        memset(bytes, 0x55, 100 + shift);
        memset(bytes + 100 + shift, 0x77, 2 * 4096 - 100 - shift);
        CHECK_OK(cavern_process_read(process, PLACE, bytes + shift, 100));
        CHECK_OK(cavern_process_write(process, PLACE + shift, bytes, 100));
        for (unsigned i = 0; i < 2 * 4096; i++)
            CHECK_EQUAL(bytes[i], i < 100 + shift ? 0x55 : 0x77);
    }
    CHECK_OK(cavern_sys_process_end(process, 0));
}

static void look_at_the_others(void *argument)
{
    for (const volatile uint8_t *memory = argument;;)
        for (unsigned page = 2; page < CAVERN_BLOCK_2M / CAVERN_PAGE_SIZE; page++) {
            (void)memory[page * CAVERN_PAGE_SIZE];
            __asm__ volatile("yield"); /* where CPUs take turns, it is the next one's */
        }
}

/* What is mapped as a block is taken apart, which takes the kernel several steps. */
static void neighbours_stay_while_pages_go(void)
{
    cavern_handle buffer = make(CAVERN_BLOCK_2M);
    CHECK_OK(map_at(buffer, 0, CAVERN_BLOCK_2M, PLACE, READ | WRITE));
    cavern_handle thread = test_thread(look_at_the_others, (void *)PLACE, TEST_PRIORITY);
    enum cavern_status status = cavern_sys_thread_control(thread, 0, CAVERN_THREAD_SET, TEST_PRIORITY, ~TEST_CPUS);
    CHECK(status == CAVERN_OK || status == CAVERN_BAD_ARGUMENT); /* there is no other */
    for (unsigned i = 0; i < 200; i++) {
        CHECK_OK(cavern_sys_unmap(CAVERN_SELF_PROCESS, PLACE + CAVERN_PAGE_SIZE, CAVERN_PAGE_SIZE));
        CHECK_OK(map_at(buffer, CAVERN_PAGE_SIZE, CAVERN_PAGE_SIZE, PLACE + CAVERN_PAGE_SIZE, READ | WRITE));
    }
}

const struct test_case test_cases[] = {
    {"new memory is zero", new_memory_is_zero, "[MEM-BUFFER-1]"},
    {"sizes are rounded and checked", sizes_are_rounded_and_checked,
     "[MEM-BUFFER-2] [MEM-BUFFER-3] [MEM-BUFFER-4] [MEM-ACCOUNT-1]"},
    {"large buffers lie on 2 MiB", large_buffers_lie_on_2_mib, "[MEM-BUFFER-4] [MEM-UNMAP-1]"},
    {"chosen places are kept apart", chosen_places_are_kept_apart, "[MEM-MAP-2] [MEM-MAP-9]"},
    {"bad ranges and protections are refused", bad_ranges_and_protections_are_refused,
     "[MEM-MAP-3] [MEM-MAP-4] [MEM-MAP-5] [MEM-MAP-6]"},
    {"a mapping keeps the buffer", mapping_keeps_the_buffer, "[MEM-MAP-8]"},
    {"what is unmapped can't be reached", what_is_unmapped_cannot_be_reached, "[MEM-UNMAP-1] [MEM-UNMAP-2]"},
    {"neighbours stay while pages go", neighbours_stay_while_pages_go, "[MEM-UNMAP-1] [PROC-FAULT-1]"},
    {"rings are not unmapped", rings_are_not_unmapped, "[MEM-UNMAP-3]"},
    {"memory is shared at its own address", memory_is_shared_at_its_own_address, "[MEM-MAP-1] [MEM-MAP-9]"},
    {"sealed for ever, then run", sealed_for_ever, "[MEM-SEAL-1] [MEM-SEAL-3] [MEM-MAP-6]"},
    {"pieces that continue each other join", pieces_join, "[MEM-MAP-7]"},
    {"foreign memory is read and written", foreign_memory_is_read_and_written,
     "[MEM-COPY-1] [MEM-COPY-2] [MEM-COPY-3]"},
    {"a copy onto itself stays inside", copy_onto_itself_stays_inside, "[MEM-COPY-4]"},
    {0},
};

const struct test_peer_function test_peers[] = {
    {"touch_place", touch_place},
    {"see_and_answer", see_and_answer},
    {"show_and_wait", show_and_wait},
    {0},
};
