/* SPDX-License-Identifier: BSD-2-Clause */
/* Leases. spec/messages.md. */
#include "unit.h"

#include <cavern/memory.h>

#include "object/queue.h"
#include "peer_memory.h"

static struct peer server, client;
static struct taken got;
static cavern_handle sender;

static int start(void **state)
{
    (void)state;
    model_start(64 << 20);
    peer_start(&server, "server", 20, 64, 4);
    peer_start(&client, "client", 10, 64, 4);
    sender = peer_sender(&client, &server, 5, 100, 100, 0);
    return 0;
}

static uint64_t used(const struct peer *peer)
{
    return peer->process->account->budget.used;
}

static uint64_t seal(cavern_handle buffer)
{
    return peer_call(&client, BUFFER_SEAL, buffer);
}

enum { LENT = 6000 };

static uint64_t request_lease(struct cavern_lease lease)
{
    peer_write(&client, 0x8000, &lease, sizeof lease);
    return peer_call(
        &client, REQUEST,
        sender, [1] = CAVERN_INFO(0, 0, 1, 0, 0), [2] = 4, [3] = client.memory + 0x8000, [9] = client.queue, [10] = 1);
}

/* LENT bytes of the client's memory, from offset 100 on, for a request that the server has taken: its id. */
static uint32_t lend(unsigned rights)
{
    uint8_t bytes[LENT];
    for (unsigned i = 0; i < LENT; i++)
        bytes[i] = (uint8_t)(i * 11);
    peer_write(&client, 100, bytes, LENT);
    assert_int_equal(request_lease((struct cavern_lease){client.memory + 100, LENT, rights}), CAVERN_OK);
    assert_true(peer_take(&server, &got));
    return got.header.request;
}

enum { READ = 0, WRITE = 0x100 };

static uint64_t copy(uint32_t id, uint64_t how, uint64_t offset, uint64_t length)
{
    return peer_call(&server, LEASE_COPY,
                     server.queue, [2] = id, [3] = how, [4] = offset, [5] = server.memory, [6] = length);
}

static void assert_pattern(const struct peer *peer, uint64_t at, unsigned first, unsigned count)
{
    uint8_t bytes[LENT];
    peer_read(peer, at, bytes, count);
    for (unsigned i = 0; i < count; i++)
        assert_int_equal(bytes[i], (uint8_t)((first + i) * 11));
}

/* [MSG-LEASE-1] Over the borders of pages, with restarts between the steps. */
static void test_lease_copy_reads_and_writes(void **state)
{
    (void)state;
    uint32_t id = lend(CAVERN_LEASE_READ | CAVERN_LEASE_WRITE);
    struct cavern_lease record;
    memcpy(&record, got.body, sizeof record);
    assert_int_equal(got.header.attached, 1);
    assert_int_equal(record.address, 0);
    assert_int_equal(record.length, LENT);
    assert_int_equal(record.rights, CAVERN_LEASE_READ | CAVERN_LEASE_WRITE);
    model_interrupt_pending(true);
    assert_int_equal(copy(id, READ, 0, LENT), CAVERN_OK);
    assert_pattern(&server, 0, 0, LENT);
    assert_int_equal(copy(id, READ, 5000, 1000), CAVERN_OK);
    assert_pattern(&server, 0, 5000, 1000);
    uint8_t bytes[3000], back[3000], around[2];
    memset(bytes, 0x5c, sizeof bytes);
    peer_write(&server, 0, bytes, sizeof bytes);
    assert_int_equal(copy(id, WRITE, 2001, sizeof bytes), CAVERN_OK);
    peer_read(&client, 100 + 2001, back, sizeof back);
    assert_memory_equal(bytes, back, sizeof back);
    peer_read(&client, 100 + 2000, &around[0], 1);
    peer_read(&client, 100 + 5001, &around[1], 1);
    assert_int_equal(around[0], (uint8_t)(2000 * 11));
    assert_int_equal(around[1], (uint8_t)(5001 * 11));
    assert_int_equal(copy(id, READ, LENT, 0), CAVERN_OK);
}

/* [MSG-LEASE-2] */
static void test_lease_outlives_the_lenders_mapping(void **state)
{
    (void)state;
    uint32_t id = lend(CAVERN_LEASE_READ);
    assert_int_equal(peer_call(&client, UNMAP, CAVERN_SELF_PROCESS, [3] = client.memory, [4] = PEER_MEMORY), CAVERN_OK);
    cavern_handle other = peer_buffer(&client, PEER_MEMORY);
    assert_int_equal(peer_map(&client, other, 0, PEER_MEMORY, client.memory, CAVERN_PROT_READ | CAVERN_PROT_WRITE),
                     CAVERN_OK);
    assert_int_equal(copy(id, READ, 0, LENT), CAVERN_OK);
    assert_pattern(&server, 0, 0, LENT);
    peer_end(&client); /* its request is cancelled, and the lease ends with it */
    assert_int_equal(copy(id, READ, 0, LENT), CAVERN_CANCELLED);
}

/* [MSG-LEASE-3] [MEM-DEVICE-4] */
static void test_lease_of_what_is_no_ram_refused(void **state)
{
    (void)state;
    struct holding *devices = buffer_devices(model_root());
    cavern_handle all = model_give(client.process, &devices->object, CAVERN_RIGHTS_ALL);
    assert_int_equal(peer_map(&client, all, 0x9000000, 4096, 0, CAVERN_PROT_READ | CAVERN_PROT_WRITE), CAVERN_OK);
    uint64_t registers = client.x[1];
    cavern_handle buffer = peer_buffer(&client, 3 * 4096);
    uint64_t place = 0x10000000;
    assert_int_equal(peer_map(&client, buffer, 0, 4096, place, CAVERN_PROT_READ), CAVERN_OK);
    assert_int_equal(peer_map(&client, buffer, 8192, 4096, place + 4096, CAVERN_PROT_READ), CAVERN_OK);
    const struct cavern_lease refused[] = {
        {registers, 8, CAVERN_LEASE_READ},
        {client.ring, 64, CAVERN_LEASE_READ},
        {client.control, 64, CAVERN_LEASE_READ},
        {0, 8, CAVERN_LEASE_READ},
        {client.memory - 8, 16, CAVERN_LEASE_READ},
        {client.memory + PEER_MEMORY - 8, 9, CAVERN_LEASE_READ},
        {client.memory, ((uint64_t)1 << 56) - 1, CAVERN_LEASE_READ},
        {0xffff000000000000, 8, CAVERN_LEASE_READ},
        {UINT64_MAX - 7, 16, CAVERN_LEASE_READ},
        {place, 8, CAVERN_LEASE_WRITE},
        {place, 8, CAVERN_LEASE_READ | CAVERN_LEASE_WRITE},
        {place + 4088, 16, CAVERN_LEASE_READ}, /* two mappings */
    };
    uint64_t before = used(&client);
    for (unsigned i = 0; i < COUNT_OF(refused); i++)
        assert_int_equal(request_lease(refused[i]), CAVERN_BAD_ADDRESS);
    assert_int_equal(used(&client), before);
    assert_int_equal(peer_queue(&client)->ring.reserved, 0);
    assert_int_equal(request_lease((struct cavern_lease){place + 4095, 1, CAVERN_LEASE_READ}), CAVERN_OK);
    assert_int_equal(peer_map(&client, buffer, 4096, 4096, place + 8192, CAVERN_PROT_READ), CAVERN_OK);
    object_put(&devices->object);
}

/* [MSG-LEASE-3] [MEM-MAP-7] Pieces that continue each other are one mapping. */
static void test_lease_over_joined_mappings(void **state)
{
    (void)state;
    cavern_handle buffer = peer_buffer(&client, 3 * 4096);
    uint64_t place = 0x10000000;
    static const uint64_t order[] = {0, 8192, 4096};
    for (unsigned i = 0; i < COUNT_OF(order); i++)
        assert_int_equal(peer_map(&client, buffer, order[i], 4096, place + order[i], CAVERN_PROT_READ), CAVERN_OK);
    assert_int_equal(request_lease((struct cavern_lease){place, 3 * 4096, CAVERN_LEASE_READ}), CAVERN_OK);
}

/* [MSG-LEASE-4] */
static void test_lease_without_the_right_is_denied(void **state)
{
    (void)state;
    uint32_t id = lend(CAVERN_LEASE_READ);
    assert_int_equal(copy(id, WRITE, 0, 8), CAVERN_DENIED);
    assert_int_equal(copy(id, READ, 0, 8), CAVERN_OK);
    id = lend(CAVERN_LEASE_WRITE);
    assert_int_equal(copy(id, READ, 0, 8), CAVERN_DENIED);
    assert_int_equal(copy(id, WRITE, 0, 8), CAVERN_OK);
}

/* [MSG-LEASE-5] */
static void test_lease_copy_past_the_end_copies_nothing(void **state)
{
    (void)state;
    uint32_t id = lend(CAVERN_LEASE_READ | CAVERN_LEASE_WRITE);
    static const uint64_t parts[][2] = {
        {0, LENT + 1},
        {LENT, 1},
        {LENT + 1, 0},
        {1, LENT},
        {UINT64_MAX, 2},
        {8, UINT64_MAX - 4},
        {(uint64_t)1 << 63, (uint64_t)1 << 63},
    };
    uint8_t zero[64] = {0}, back[64];
    for (unsigned i = 0; i < COUNT_OF(parts); i++)
        for (unsigned how = READ; how <= WRITE; how += WRITE)
            assert_int_equal(copy(id, how, parts[i][0], parts[i][1]), CAVERN_BAD_ARGUMENT);
    peer_read(&server, 0, back, sizeof back);
    assert_memory_equal(back, zero, sizeof back);
    assert_pattern(&client, 100, 0, LENT);
    static const uint64_t indices[] = {1, 4, 0x200, 0x101, (uint64_t)1 << 32, UINT64_MAX};
    for (unsigned i = 0; i < COUNT_OF(indices); i++)
        assert_int_equal(copy(id, indices[i], 0, 8), CAVERN_BAD_ARGUMENT);
}

/* [MSG-LEASE-5] A request without leases has index 0 neither. */
static void test_lease_copy_without_leases_refused(void **state)
{
    (void)state;
    assert_int_equal(peer_call(&client, REQUEST, sender, [9] = client.queue, [10] = 1), CAVERN_OK);
    assert_int_equal(copy((uint32_t)client.x[1], READ, 0, 0), CAVERN_BAD_ARGUMENT);
}

/* [ABI-ADDR-2] */
static void test_lease_copy_to_bad_memory_refused(void **state)
{
    (void)state;
    uint32_t id = lend(CAVERN_LEASE_READ | CAVERN_LEASE_WRITE);
    uint64_t bad[] = {0, server.ring, CAVERN_USER_END - 4, 0xffff000000000000, UINT64_MAX - 3};
    for (unsigned i = 0; i < COUNT_OF(bad); i++)
        assert_int_equal(peer_call(&server, LEASE_COPY, server.queue, [2] = id, [3] = READ, [5] = bad[i], [6] = 8),
                         CAVERN_BAD_ADDRESS);
    assert_pattern(&client, 100, 0, LENT);
}

/* [MSG-LEASE-6] */
static void test_lease_ends_with_its_request(void **state)
{
    (void)state;
    static const char *const endings[] = {"reply", "drop", "cancel"};
    for (unsigned i = 0; i < COUNT_OF(endings); i++) {
        uint32_t id = lend(CAVERN_LEASE_READ);
        assert_int_equal(copy(id, READ, 0, 8), CAVERN_OK);
        if (i == 0)
            assert_int_equal(peer_call(&server, REPLY, server.queue, [2] = id), CAVERN_OK);
        else if (i == 1)
            assert_int_equal(peer_call(&server, DROP, server.queue, [2] = id), CAVERN_OK);
        else
            assert_int_equal(peer_call(&client, CANCEL, sender, [2] = id), CAVERN_OK);
        assert_int_equal(copy(id, READ, 0, 8), CAVERN_CANCELLED);
    }
}

/* [MSG-LEASE-6] The lender pays for what is lent until the request ends, and no longer. */
static void test_lease_holds_memory_until_the_request_ends(void **state)
{
    (void)state;
    uint64_t before = used(&client);
    cavern_handle buffer = peer_buffer(&client, 1 << 20);
    uint64_t place = 0x10000000;
    assert_int_equal(peer_map(&client, buffer, 0, 1 << 20, place, CAVERN_PROT_READ), CAVERN_OK);
    assert_int_equal(request_lease((struct cavern_lease){place, 1 << 20, CAVERN_LEASE_READ}), CAVERN_OK);
    uint64_t id = client.x[1];
    assert_int_equal(peer_call(&client, HANDLE_CLOSE, buffer), CAVERN_OK);
    assert_int_equal(peer_call(&client, UNMAP, CAVERN_SELF_PROCESS, [3] = place, [4] = 1 << 20), CAVERN_OK);
    assert_true(used(&client) >= before + (1 << 20));
    assert_int_equal(peer_call(&client, CANCEL, sender, [2] = id), CAVERN_OK);
    assert_in_range(used(&client), before, before + 3 * 4096); /* but for page tables */
}

/* [MSG-LEASE-7] */
static void test_lease_of_nothing_refused(void **state)
{
    (void)state;
    assert_int_equal(request_lease((struct cavern_lease){client.memory, 0, CAVERN_LEASE_READ}), CAVERN_BAD_ARGUMENT);
    assert_int_equal(request_lease((struct cavern_lease){client.memory, 8, 0}), CAVERN_BAD_ARGUMENT);
    assert_int_equal(request_lease((struct cavern_lease){client.memory, 8, 4}), CAVERN_BAD_ARGUMENT);
    assert_int_equal(request_lease((struct cavern_lease){client.memory, 8, 0xff}), CAVERN_BAD_ARGUMENT);
}

/* [MEM-SEAL-1] [MEM-SEAL-2] Through a lease to write, memory could change after it was sealed. */
static void test_lease_to_write_keeps_from_sealing(void **state)
{
    (void)state;
    cavern_handle buffer = peer_buffer(&client, 4096);
    uint64_t place = 0x10000000;
    assert_int_equal(peer_map(&client, buffer, 0, 4096, place, CAVERN_PROT_READ | CAVERN_PROT_WRITE), CAVERN_OK);
    assert_int_equal(request_lease((struct cavern_lease){place, 64, CAVERN_LEASE_WRITE}), CAVERN_OK);
    uint32_t id = (uint32_t)client.x[1];
    assert_int_equal(peer_call(&client, UNMAP, CAVERN_SELF_PROCESS, [3] = place, [4] = 4096), CAVERN_OK);
    assert_int_equal(seal(buffer), CAVERN_BUSY);
    assert_int_equal(copy(id, WRITE, 0, 8), CAVERN_OK);
    assert_int_equal(peer_call(&server, REPLY, server.queue, [2] = id), CAVERN_OK);
    assert_int_equal(seal(buffer), CAVERN_OK);
}

/* [MSG-LEASE-8] Where the copy stops lies neither at the start of a page of the lent bytes, nor of a piece of the copy.
 */
static void test_lease_copy_to_memory_that_ends_early(void **state)
{
    (void)state;
    enum { HERE = 4096 + 1000 };
    uint8_t bytes[HERE], back[HERE];
    memset(bytes, 0x5c, sizeof bytes);
    for (unsigned pending = 0; pending < 2; pending++) {
        uint32_t id = lend(CAVERN_LEASE_READ | CAVERN_LEASE_WRITE);
        model_interrupt_pending(pending);
        uint64_t end = server.memory + PEER_MEMORY - HERE;
        assert_int_equal(
            peer_call(&server, LEASE_COPY, server.queue, [2] = id, [3] = READ, [4] = 7, [5] = end, [6] = LENT - 7),
            CAVERN_BAD_ADDRESS);
        assert_pattern(&server, PEER_MEMORY - HERE, 7, HERE);
        peer_write(&server, PEER_MEMORY - HERE, bytes, HERE);
        assert_int_equal(
            peer_call(&server, LEASE_COPY, server.queue, [2] = id, [3] = WRITE, [4] = 7, [5] = end, [6] = LENT - 7),
            CAVERN_BAD_ADDRESS);
        peer_read(&client, 100 + 7, back, HERE);
        assert_memory_equal(back, bytes, HERE);
        assert_pattern(&client, 100, 0, 7);
        assert_pattern(&client, 100 + 7 + HERE, 7 + HERE, LENT - 7 - HERE);
    }
}

/* [MSG-LEASE-9] Lender and borrower are one, and so is the memory: what is lent and what is written overlap in part. */
static void test_lease_copy_onto_itself(void **state)
{
    (void)state;
    enum { ALL = 0x8000, OWN = 3000, OFFSET = 4000, LENGTH = 9001 };
    static uint8_t before[ALL], after[ALL];
    cavern_handle own = peer_sender(&client, &client, 1, 9, 9, 0);
    struct cavern_lease lease = {client.memory, ALL, CAVERN_LEASE_READ | CAVERN_LEASE_WRITE};
    for (unsigned i = 0; i < ALL; i++)
        before[i] = (uint8_t)(i * 11 + i / 256);
    peer_write(&client, ALL, &lease, sizeof lease);
    assert_int_equal(
        peer_call(&client, REQUEST,
                  own, [1] = CAVERN_INFO(0, 0, 1, 0, 0), [3] = client.memory + ALL, [9] = client.queue, [10] = 1),
        CAVERN_OK);
    uint64_t id = client.x[1];
    for (unsigned pending = 0; pending < 2; pending++)
        for (unsigned how = READ; how <= WRITE; how += WRITE) {
            unsigned start = how == WRITE ? OFFSET : OWN, end = start + LENGTH;
            peer_write(&client, 0, before, ALL);
            model_interrupt_pending(pending);
            assert_int_equal(
                peer_call(&client, LEASE_COPY,
                          client.queue, [2] = id, [3] = how, [4] = OFFSET, [5] = client.memory + OWN, [6] = LENGTH),
                CAVERN_OK);
            peer_read(&client, 0, after, ALL);
            assert_memory_equal(after, before, start);
            assert_memory_not_equal(after + start, before + start, LENGTH);
            assert_memory_equal(after + end, before + end, ALL - end);
        }
}

/* The body of a message is what stands in the ring where the message is to go. */
static void test_send_from_the_own_ring(void **state)
{
    (void)state;
    cavern_handle own = peer_sender(&client, &client, 1, 9, 9, 0);
    assert_int_equal(peer_call(&client, SEND, own, [1] = CAVERN_INFO(200, 0, 0, 0, 0), [3] = client.ring + 64),
                     CAVERN_OK);
    assert_true(peer_take(&client, &got));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, start)
    const struct CMUnitTest tests[] = {
        TEST(test_lease_copy_reads_and_writes),
        TEST(test_lease_outlives_the_lenders_mapping),
        TEST(test_lease_of_what_is_no_ram_refused),
        TEST(test_lease_over_joined_mappings),
        TEST(test_lease_without_the_right_is_denied),
        TEST(test_lease_copy_past_the_end_copies_nothing),
        TEST(test_lease_copy_without_leases_refused),
        TEST(test_lease_copy_to_bad_memory_refused),
        TEST(test_lease_ends_with_its_request),
        TEST(test_lease_holds_memory_until_the_request_ends),
        TEST(test_lease_of_nothing_refused),
        TEST(test_lease_to_write_keeps_from_sealing),
        TEST(test_lease_copy_to_memory_that_ends_early),
        TEST(test_lease_copy_onto_itself),
        TEST(test_send_from_the_own_ring),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
