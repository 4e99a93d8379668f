/* SPDX-License-Identifier: BSD-2-Clause */
/* Leases: memory lent with a request, copied by the server without a detour. */
#include "test.h"

#define PAGES 16
#define BYTES (PAGES * CAVERN_PAGE_SIZE)

static struct {
    struct cavern_queue server, client;
    cavern_handle sender;
    uint8_t *lent, *own;
    uint32_t id;
} t;

static uint8_t pattern(unsigned i)
{
    return (uint8_t)(i * 7 + i / 251);
}

static void set_up(void)
{
    test_queue(&t.server, 64, 4);
    test_queue(&t.client, 64, 0);
    t.sender = test_sender(&t.server, 0);
    t.lent = test_memory(BYTES);
    t.own = test_memory(BYTES);
    for (unsigned i = 0; i < BYTES; i++)
        t.lent[i] = pattern(i);
}

static enum cavern_status lend(const void *memory, uint64_t length, unsigned rights)
{
    struct cavern_lease lease = {.address = (uintptr_t)memory, .length = length, .rights = rights & 255};
    struct cavern_outgoing out = {.leases = &lease, .lease_count = 1};
    return cavern_request(t.sender, 1, &out, &t.client, 1, &t.id);
}

static void bytes_are_copied_both_ways(void)
{
    set_up();
    CHECK_OK(lend(t.lent + 5, BYTES - 5, CAVERN_LEASE_READ | CAVERN_LEASE_WRITE));
    CHECK_OK(cavern_lease_read(&t.server, t.id, 0, 0, t.own + 3, BYTES - 5));
    for (unsigned i = 0; i < BYTES - 5; i++)
        CHECK_EQUAL(t.own[3 + i], pattern(5 + i));
    memset(t.own, 0x99, 5000);
    CHECK_OK(cavern_lease_write(&t.server, t.id, 0, 4090, t.own, 5000));
    for (unsigned i = 0; i < BYTES; i++)
        CHECK_EQUAL(t.lent[i], i >= 4095 && i < 4095 + 5000 ? 0x99 : pattern(i));
    CHECK_OK(cavern_lease_read(&t.server, t.id, 0, BYTES - 5, t.own, 0));
}

static void lease_record_hides_the_address(void)
{
    struct cavern_message message;
    set_up();
    CHECK_OK(lend(t.lent, 100, CAVERN_LEASE_READ));
    test_receive(&t.server, CAVERN_KIND_REQUEST, &message);
    CHECK_EQUAL(message.lease_count, 1);
    CHECK_EQUAL(message.leases[0].address, 0);
    CHECK_EQUAL(message.leases[0].length, 100);
    CHECK_EQUAL(message.leases[0].rights, CAVERN_LEASE_READ);
}

static void rights_and_range_are_kept(void)
{
    set_up();
    CHECK_OK(lend(t.lent, 100, CAVERN_LEASE_READ));
    CHECK_STATUS(cavern_lease_write(&t.server, t.id, 0, 0, t.own, 1), CAVERN_DENIED);
    CHECK_STATUS(cavern_lease_read(&t.server, t.id, 0, 1, t.own, 100), CAVERN_BAD_ARGUMENT);
    CHECK_STATUS(cavern_lease_read(&t.server, t.id, 0, 101, t.own, 0), CAVERN_BAD_ARGUMENT);
    CHECK_STATUS(cavern_lease_read(&t.server, t.id, 0, ~UINT64_C(0), t.own, 2), CAVERN_BAD_ARGUMENT);
    CHECK_STATUS(cavern_lease_read(&t.server, t.id, 1, 0, t.own, 1), CAVERN_BAD_ARGUMENT);
    CHECK_STATUS(cavern_lease_read(&t.server, t.id, 0, 0, (void *)8, 1), CAVERN_BAD_ADDRESS);
    CHECK_EQUAL(t.own[0], 0);
    CHECK_OK(lend(t.lent, 100, CAVERN_LEASE_WRITE));
    CHECK_STATUS(cavern_lease_read(&t.server, t.id, 0, 0, t.own, 1), CAVERN_DENIED);
    CHECK_OK(cavern_lease_write(&t.server, t.id, 0, 0, t.own, 100));
}

static void what_is_lent_must_be_one_mapping_of_ram(void)
{
    struct cavern_queue ring;
    set_up();
    test_queue(&ring, 64, 0);
    CHECK_STATUS(lend((void *)8, 8, CAVERN_LEASE_READ), CAVERN_BAD_ADDRESS);
    CHECK_STATUS(lend(t.lent + BYTES - 8, 16, CAVERN_LEASE_READ), CAVERN_BAD_ADDRESS);
    CHECK_STATUS(lend(test_cases, 8, CAVERN_LEASE_WRITE), CAVERN_BAD_ADDRESS);
    CHECK_STATUS(lend(ring.ring, 8, CAVERN_LEASE_READ), CAVERN_BAD_ADDRESS);
    CHECK_STATUS(lend(ring.control, 8, CAVERN_LEASE_READ), CAVERN_BAD_ADDRESS);
    CHECK_STATUS(lend(t.lent, (UINT64_C(1) << 56) - 1, CAVERN_LEASE_READ), CAVERN_BAD_ADDRESS);
    CHECK_OK(lend(test_cases, 8, CAVERN_LEASE_READ));
}

static void unmapping_does_no_harm(void)
{
    set_up();
    CHECK_OK(lend(t.lent, BYTES, CAVERN_LEASE_READ));
    cavern_buffer_unmap(t.lent, BYTES);
    CHECK_OK(cavern_lease_read(&t.server, t.id, 0, 0, t.own, BYTES));
    for (unsigned i = 0; i < BYTES; i++)
        CHECK_EQUAL(t.own[i], pattern(i));
}

static void lease_ends_with_the_request(void)
{
    set_up();
    CHECK_OK(lend(t.lent, 8, CAVERN_LEASE_READ));
    CHECK_OK(test_reply_word(&t.server, t.id, 0));
    CHECK_STATUS(cavern_lease_read(&t.server, t.id, 0, 0, t.own, 1), CAVERN_CANCELLED);
    CHECK_OK(lend(t.lent, 8, CAVERN_LEASE_READ));
    CHECK_OK(cavern_cancel(t.sender, t.id));
    CHECK_STATUS(cavern_lease_read(&t.server, t.id, 0, 0, t.own, 1), CAVERN_CANCELLED);
}

/* From the middle of a page of what is lent. */
static void own_memory_may_end_early(void)
{
    enum { HERE = CAVERN_PAGE_SIZE + 1000 };
    set_up();
    uint8_t *end = t.own + BYTES / 2 - HERE;
    cavern_buffer_unmap(t.own + BYTES / 2, BYTES / 2);
    CHECK_OK(lend(t.lent, BYTES, CAVERN_LEASE_READ | CAVERN_LEASE_WRITE));
    CHECK_STATUS(cavern_lease_read(&t.server, t.id, 0, 7, end, BYTES / 2), CAVERN_BAD_ADDRESS);
    for (unsigned i = 0; i < HERE; i++)
        CHECK_EQUAL(end[i], pattern(7 + i));
    memset(end, 0x99, HERE);
    CHECK_STATUS(cavern_lease_write(&t.server, t.id, 0, 7, end, BYTES / 2), CAVERN_BAD_ADDRESS);
    for (unsigned i = 0; i < BYTES; i++)
        CHECK_EQUAL(t.lent[i], i >= 7 && i < 7 + HERE ? 0x99 : pattern(i));
}

/* Lender and borrower are one, and so is the memory. */
static void copy_onto_itself_stays_in_its_range(void)
{
    enum { FROM = 3000, TO = 7000, LENGTH = 9001 };
    for (unsigned write = 0; write < 2; write++) {
        set_up();
        CHECK_OK(lend(t.lent, BYTES, CAVERN_LEASE_READ | CAVERN_LEASE_WRITE));
        if (write)
            CHECK_OK(cavern_lease_write(&t.server, t.id, 0, TO, t.lent + FROM, LENGTH));
        else
            CHECK_OK(cavern_lease_read(&t.server, t.id, 0, FROM, t.lent + TO, LENGTH));
        for (unsigned i = 0; i < BYTES; i++)
            if (i < TO || i >= TO + LENGTH)
                CHECK_EQUAL(t.lent[i], pattern(i));
    }
}

static void lend_and_stay(void)
{
    uint8_t *memory = test_memory(BYTES);
    memset(memory, 0x42, BYTES);
    struct cavern_lease lease = {.address = (uintptr_t)memory, .length = BYTES, .rights = CAVERN_LEASE_READ};
    struct cavern_outgoing out = {.leases = &lease, .lease_count = 1};
    struct cavern_answer answer = {0};
    (void)!cavern_call(test_handle("to"), &out, CAVERN_FOREVER, &answer);
}

/* The lender's end cancels its request, and with it the lease; until then it can be read. */
static void death_of_the_lender_ends_the_lease(void)
{
    struct cavern_message message;
    struct test_peer peer;
    uint64_t words[5];
    set_up();
    struct cavern_spawn_handle handles[] = {test_give("to", t.sender, RIGHTS_SENDER)};
    test_peer("lend_and_stay", handles, 1, &peer);
    test_receive(&t.server, CAVERN_KIND_REQUEST, &message);
    CHECK_OK(cavern_lease_read(&t.server, message.header.request, 0, BYTES - 1, t.own, 1));
    CHECK_EQUAL(t.own[0], 0x42);
    CHECK_OK(cavern_sys_process_end(peer.process, 0));
    test_peer_exit(&peer, words, true);
    CHECK_STATUS(cavern_lease_read(&t.server, message.header.request, 0, 0, t.own, 1), CAVERN_CANCELLED);
}

const struct test_case test_cases[] = {
    {"bytes are copied both ways", bytes_are_copied_both_ways, "[MSG-LEASE-1]"},
    {"the record of a lease hides the address", lease_record_hides_the_address, "[MSG-LEASE-1]"},
    {"rights and range are kept", rights_and_range_are_kept, "[MSG-LEASE-4] [MSG-LEASE-5]"},
    {"what is lent must be one mapping of RAM", what_is_lent_must_be_one_mapping_of_ram, "[MSG-LEASE-3]"},
    {"unmapping what is lent does no harm", unmapping_does_no_harm, "[MSG-LEASE-2]"},
    {"a lease ends with its request", lease_ends_with_the_request, "[MSG-LEASE-6]"},
    {"the borrower's memory may end early", own_memory_may_end_early, "[MSG-LEASE-8]"},
    {"a copy onto itself stays in its range", copy_onto_itself_stays_in_its_range, "[MSG-LEASE-9]"},
    {"the death of the lender ends the lease", death_of_the_lender_ends_the_lease, "[MSG-LEASE-2] [MSG-LEASE-6]"},
    {0},
};

const struct test_peer_function test_peers[] = {{"lend_and_stay", lend_and_stay}, {0}};
