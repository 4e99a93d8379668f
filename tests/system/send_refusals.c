/* SPDX-License-Identifier: BSD-2-Clause */
/* What send and request refuse. */
#include "refusal.h"

static struct {
    struct cavern_queue queue, client;
    cavern_handle sender;
    uint64_t body; /* a page */
} t;

#define GOOD_SEND t.sender, SIZE(64), [3] = t.body
#define GOOD_REQUEST t.sender, SIZE(64), [2] = 7, [3] = t.body, [9] = t.client.handle, [10] = 1

static void set_up(void)
{
    test_queue(&t.queue, 64, 4);
    test_queue(&t.client, 64, 0);
    t.sender = test_sender(&t.queue, 7);
    t.body = test_page();
}

/* Nothing that was refused has come. */
static void check_silent(void)
{
    test_nothing(&t.queue);
    test_nothing(&t.client);
}

static void send_handles(void)
{
    set_up();
    REFUSES_EACH(SEND, BAD_HANDLE, NOT(SENDER), 0, GOOD_SEND);
    REFUSES(SEND, DENIED, GOOD_SEND, [0] = test_without(t.sender, RIGHTS_SENDER, CAVERN_RIGHT_SEND));
    REFUSES(SEND, GONE, GOOD_SEND, [0] = test_orphan());
    check_silent();
    ACCEPTS(SEND, GOOD_SEND);
}

static void request_handles(void)
{
    cavern_handle unbound;
    set_up();
    CHECK_OK(cavern_sys_queue_create(CAVERN_SELF_ACCOUNT, 64, 0, 0, &unbound));
    REFUSES_EACH(REQUEST, BAD_HANDLE, NOT(SENDER), 0, GOOD_REQUEST);
    REFUSES(REQUEST, DENIED, GOOD_REQUEST, [0] = test_without(t.sender, RIGHTS_SENDER, CAVERN_RIGHT_REQUEST));
    REFUSES(REQUEST, GONE, GOOD_REQUEST, [0] = test_orphan());
    REFUSES_EACH(REQUEST, BAD_HANDLE, NOT(QUEUE), 9, GOOD_REQUEST);
    REFUSES(REQUEST, DENIED, GOOD_REQUEST, [9] = test_without(t.client.handle, RIGHTS_QUEUE, CAVERN_RIGHT_RECEIVE));
    REFUSES(REQUEST, DENIED, GOOD_REQUEST, [9] = unbound);
    check_silent();
    ACCEPTS(REQUEST, GOOD_REQUEST);
}

static void send_bodies(void)
{
    set_up();
    for (unsigned size = 41; size <= 4072; size += 4031) {
        REFUSES_EACH(SEND, BAD_ADDRESS, test_unreadable(size), 3, GOOD_SEND, SIZE(size));
        REFUSES_EACH(SEND, BAD_ADDRESS, test_misaligned(t.body), 3, GOOD_SEND, SIZE(size));
        REFUSES(SEND, BAD_ADDRESS, GOOD_SEND, SIZE(size), [3] = t.body + 4096 - (size - 1) / 8 * 8);
    }
    check_silent();
    ACCEPTS(SEND, GOOD_SEND, [3] = t.body + 4096 - 64);    /* to the last byte */
    ACCEPTS(SEND, t.sender, SIZE(40), [3] = ~UINT64_C(0)); /* words are no address */
}

static void request_bodies(void)
{
    set_up();
    REFUSES_EACH(REQUEST, BAD_ADDRESS, test_unreadable(64), 3, GOOD_REQUEST);
    REFUSES_EACH(REQUEST, BAD_ADDRESS, test_misaligned(t.body), 3, GOOD_REQUEST);
    check_silent();
    ACCEPTS(REQUEST, GOOD_REQUEST, [3] = t.body + 4096 - 64);
}

static void send_sizes(void)
{
    set_up();
    cavern_handle large = test_sender(&t.client, 0);
    REFUSES(SEND, TOO_LARGE, GOOD_SEND, SIZE(64 * 64 - 24 + 1));
    REFUSES(SEND, TOO_LARGE, GOOD_SEND, SIZE(16384));
    REFUSES(SEND, TOO_LARGE, GOOD_SEND, SIZE(16385));
    REFUSES(SEND, TOO_LARGE, GOOD_SEND, SIZE(65535));
    REFUSES(REQUEST, TOO_LARGE, GOOD_REQUEST, SIZE(64 * 64 - 24 + 1));
    REFUSES(REQUEST, TOO_LARGE, GOOD_REQUEST, SIZE(65535));
    REFUSES(REQUEST, TOO_LARGE, GOOD_REQUEST, [10] = 65);
    REFUSES(REQUEST, TOO_LARGE, GOOD_REQUEST, [10] = 259);
    check_silent();
    ACCEPTS(REQUEST, GOOD_REQUEST, [10] = 64);
    REFUSES(SEND, QUEUE_FULL, GOOD_SEND, [0] = large); /* the ending has it all */
    ACCEPTS(SEND, GOOD_SEND);
}

static void request_blocks(void)
{
    set_up();
    REFUSES_EACH(REQUEST, BAD_ARGUMENT, VALUES(0, 260, 0xffffffff, 0x100000001, UINT64_C(1) << 63, ~UINT64_C(0)), 10,
                 GOOD_REQUEST);
    check_silent();
}

/* More than 4 grants, and leases on a message; their records are all right. */
static void numbers_of_attachments(void)
{
    set_up();
    for (unsigned count = 1; count < 16; count++) {
        REFUSES(SEND, BAD_ARGUMENT, GOOD_SEND, ATTACHED(0, count, 0));
        if (count <= 4)
            continue;
        REFUSES(SEND, BAD_ARGUMENT, GOOD_SEND, ATTACHED(0, 0, count));
        REFUSES(REQUEST, BAD_ARGUMENT, GOOD_REQUEST, ATTACHED(0, 0, count));
        REFUSES(REQUEST, BAD_ARGUMENT, GOOD_REQUEST, ATTACHED(0, count, 0));
        REFUSES(REQUEST, BAD_ARGUMENT, GOOD_REQUEST, ATTACHED(0, 1, count));
        REFUSES(REQUEST, BAD_ARGUMENT, GOOD_REQUEST, ATTACHED(0, count, 1));
    }
    check_silent();
}

/* Records stand behind the payload: they may be where it still was not. */
static void records_out_of_reach(void)
{
    set_up();
    uint64_t last = t.body + 4096 - 8;
    *(uint64_t *)last = t.sender;
    REFUSES(SEND, BAD_ADDRESS, GOOD_SEND, ATTACHED(8, 0, 1), [3] = last);
    REFUSES(SEND, BAD_ADDRESS, GOOD_SEND, ATTACHED(0, 0, 1), [3] = last); /* half of one */
    REFUSES_EACH(SEND, BAD_ADDRESS, test_unreadable(16), 3, GOOD_SEND, ATTACHED(0, 0, 1));
    REFUSES_EACH(SEND, BAD_ADDRESS, test_misaligned(t.body), 3, GOOD_SEND, ATTACHED(0, 0, 1));
    REFUSES_EACH(REQUEST, BAD_ADDRESS, test_unreadable(16), 3, GOOD_REQUEST, ATTACHED(0, 1, 0));
    check_silent();
}

/* A good grant, then `record`: both calls say `status` to it. */
#define REFUSES_GRANT(status, ...)                                                                                     \
    do {                                                                                                               \
        ((struct cavern_grant *)t.body)[0] = (struct cavern_grant){t.sender, CAVERN_RIGHT_SEND};                       \
        ((struct cavern_grant *)t.body)[1] = (struct cavern_grant){__VA_ARGS__};                                       \
        REFUSES(SEND, status, GOOD_SEND, ATTACHED(0, 0, 2));                                                           \
        REFUSES(REQUEST, status, GOOD_REQUEST, ATTACHED(0, 0, 2));                                                     \
    } while (0)

static void grants_that_nobody_may_give(void)
{
    set_up();
    struct test_values bad = NO_HANDLE;
    for (unsigned i = 0; i < bad.count; i++)
        REFUSES_GRANT(BAD_HANDLE, bad.value[i], CAVERN_RIGHT_SEND);
    REFUSES_GRANT(DENIED, test_without(t.sender, RIGHTS_SENDER, CAVERN_RIGHT_COPY), CAVERN_RIGHT_SEND);
    REFUSES_GRANT(DENIED, test_without(t.sender, RIGHTS_SENDER, CAVERN_RIGHT_MINT), RIGHTS_SENDER);
    REFUSES_GRANT(DENIED, t.sender, RIGHTS_SENDER | CAVERN_RIGHT_CHARGE);
    REFUSES_GRANT(DENIED, t.sender, CAVERN_RIGHT_SEND | 1 << 16);
    REFUSES_GRANT(DENIED, t.sender, ~UINT64_C(0));
    REFUSES_GRANT(DENIED, CAVERN_SELF_PROCESS, CAVERN_RIGHT_INSPECT);
    REFUSES_GRANT(DENIED, CAVERN_SELF_THREAD, CAVERN_RIGHT_INSPECT);
    REFUSES_GRANT(DENIED, t.queue.handle, CAVERN_RIGHT_MINT);
    REFUSES_GRANT(DENIED, CAVERN_SELF_ACCOUNT, CAVERN_RIGHT_CHARGE); /* without COPY */
    check_silent();
}

static void lease_of(uint64_t address, uint64_t length, uint64_t rights)
{
    struct cavern_lease *leases = (void *)t.body;
    leases[0] = (struct cavern_lease){.address = t.body, .length = 8, .rights = CAVERN_LEASE_READ};
    leases[1] = (struct cavern_lease){.address = address, .length = length, .rights = (uint8_t)rights};
}

static void leases_of_nothing(void)
{
    set_up();
    lease_of(t.body, 0, CAVERN_LEASE_READ);
    REFUSES(REQUEST, BAD_ARGUMENT, GOOD_REQUEST, ATTACHED(0, 2, 0));
    for (unsigned rights = 0; rights < 256; rights += rights < 16 ? 4 : 60) {
        lease_of(t.body, 8, rights);
        REFUSES(REQUEST, BAD_ARGUMENT, GOOD_REQUEST, ATTACHED(0, 2, 0));
    }
    check_silent();
}

static void leases_of_what_is_no_memory(void)
{
    set_up();
    struct test_values unreadable = test_unreadable(64), unwritable = test_unwritable(64);
    for (unsigned i = 0; i < unreadable.count; i++) {
        lease_of(unreadable.value[i], 64, CAVERN_LEASE_READ);
        REFUSES(REQUEST, BAD_ADDRESS, GOOD_REQUEST, ATTACHED(0, 2, 0));
    }
    for (unsigned i = 0; i < unwritable.count; i++) {
        lease_of(unwritable.value[i], 64, CAVERN_LEASE_READ | CAVERN_LEASE_WRITE);
        REFUSES(REQUEST, BAD_ADDRESS, GOOD_REQUEST, ATTACHED(0, 2, 0));
    }
    static const uint64_t lengths[] = {4097, 1 << 20, UINT64_C(1) << 47, (UINT64_C(1) << 56) - 1};
    for (unsigned i = 0; i < 4; i++) {
        lease_of(t.body, lengths[i], CAVERN_LEASE_READ);
        REFUSES(REQUEST, BAD_ADDRESS, GOOD_REQUEST, ATTACHED(0, 2, 0));
    }
    lease_of((uintptr_t)t.client.ring, 64, CAVERN_LEASE_READ); /* a ring is read, but not lent */
    REFUSES(REQUEST, BAD_ADDRESS, GOOD_REQUEST, ATTACHED(0, 2, 0));
    check_silent();
    lease_of(t.body, 4096, CAVERN_LEASE_READ | CAVERN_LEASE_WRITE); /* to the last byte */
    ACCEPTS(REQUEST, GOOD_REQUEST, ATTACHED(0, 2, 0));
}

/* Two mappings that lie next to each other are two, where they do not continue one buffer. */
static void lease_across_two_mappings(void)
{
    set_up();
    uint64_t mapped;
    CHECK_OK(cavern_sys_map(CAVERN_SELF_PROCESS, test_buffer(4096), 0, 4096, t.body + 4096, CAVERN_PROT_READ, &mapped));
    lease_of(t.body + 4096 - 8, 16, CAVERN_LEASE_READ);
    REFUSES(REQUEST, BAD_ADDRESS, GOOD_REQUEST, ATTACHED(0, 2, 0));
    ACCEPTS(SEND, GOOD_SEND, [3] = t.body + 4096 - 8); /* a body may */
}

static void send_without_room(void)
{
    cavern_handle narrow;
    set_up();
    CHECK_OK(cavern_sender_mint(t.queue.handle, 0, 2, 2, 0, &narrow));
    for (unsigned i = 0; i < 2; i++)
        ACCEPTS(SEND, GOOD_SEND, [0] = narrow);
    REFUSES(SEND, QUEUE_FULL, GOOD_SEND, [0] = narrow);
    REFUSES(SEND, QUEUE_FULL, t.sender, SIZE(62 * 64 - 24 + 1 - 2 * 64), [3] = t.body);
    while (test_send_word(t.sender, 0) == CAVERN_OK)
        ;
    REFUSES(SEND, QUEUE_FULL, GOOD_SEND);
    REFUSES(SEND, QUEUE_FULL, t.sender, SIZE(0));
    REFUSES(REQUEST, QUEUE_FULL, GOOD_REQUEST);
}

static void request_without_slot(void)
{
    cavern_handle narrow;
    set_up();
    CHECK_OK(cavern_sender_mint(t.queue.handle, 0, 9, 2, 0, &narrow));
    for (unsigned i = 0; i < 2; i++)
        ACCEPTS(REQUEST, GOOD_REQUEST, [0] = narrow);
    REFUSES(REQUEST, QUEUE_FULL, GOOD_REQUEST, [0] = narrow);
    for (unsigned i = 0; i < 2; i++)
        ACCEPTS(REQUEST, GOOD_REQUEST);
    REFUSES(REQUEST, QUEUE_FULL, GOOD_REQUEST); /* four slots */
}

static void request_without_room_for_the_ending(void)
{
    set_up();
    ACCEPTS(REQUEST, GOOD_REQUEST, [10] = 60);
    REFUSES(REQUEST, QUEUE_FULL, GOOD_REQUEST, [10] = 5);
    ACCEPTS(REQUEST, GOOD_REQUEST, [10] = 4);
    REFUSES(REQUEST, QUEUE_FULL, GOOD_REQUEST);
}

static void attachments_cost_memory(void)
{
    set_up();
    *(struct cavern_grant *)t.body = (struct cavern_grant){t.sender, CAVERN_RIGHT_SEND};
    test_exhaust();
    REFUSES(SEND, NO_MEMORY, GOOD_SEND, ATTACHED(0, 0, 1));
    REFUSES(REQUEST, NO_MEMORY, GOOD_REQUEST, ATTACHED(0, 0, 1));
    *(struct cavern_lease *)t.body = (struct cavern_lease){.address = t.body, .length = 1, .rights = 1};
    REFUSES(REQUEST, NO_MEMORY, GOOD_REQUEST, ATTACHED(0, 1, 0));
    check_silent();
    ACCEPTS(SEND, GOOD_SEND); /* a plain one costs nothing */
    ACCEPTS(REQUEST, GOOD_REQUEST);
}

const struct test_case test_cases[] = {
    {"send: handles", send_handles, "[ABI-HANDLE-1] [ABI-HANDLE-4] [ABI-ERROR-2] [MSG-QUEUE-3]"},
    {"request: handles", request_handles, "[ABI-HANDLE-4] [ABI-ERROR-2] [MSG-QUEUE-2] [MSG-QUEUE-3]"},
    {"send: bodies that can't be read", send_bodies,
     "[ABI-ADDR-1] [ABI-ADDR-2] [ABI-MSG-1] [ABI-MSG-2] [MEM-DEVICE-4]"},
    {"request: bodies that can't be read", request_bodies, "[ABI-ADDR-1] [ABI-ADDR-2]"},
    {"send, request: sizes that never fit", send_sizes, "[MSG-SEND-4] [MSG-REQUEST-2]"},
    {"request: blocks for the ending", request_blocks, "[MSG-REQUEST-6]"},
    {"send, request: too many attachments", numbers_of_attachments, "[MSG-SEND-8]"},
    {"send, request: records out of reach", records_out_of_reach, "[ABI-MSG-2] [ABI-ADDR-2]"},
    {"send, request: grants that nobody may give", grants_that_nobody_may_give,
     "[ABI-HANDLE-8] [MSG-GRANT-4] [ABI-ERROR-2] [ABI-FAIL-1]"},
    {"request: leases of nothing", leases_of_nothing, "[MSG-LEASE-7] [ABI-CALL-3]"},
    {"request: leases of what is no memory", leases_of_what_is_no_memory, "[MSG-LEASE-3] [MEM-DEVICE-4]"},
    {"request: a lease across two mappings", lease_across_two_mappings, "[MSG-LEASE-3] [MEM-MAP-7]"},
    {"send: without room", send_without_room, "[MSG-SEND-3] [MSG-SENDER-2] [MSG-SENDER-3]"},
    {"request: without a slot", request_without_slot, "[MSG-REQUEST-4]"},
    {"request: without room for the ending", request_without_room_for_the_ending, "[MSG-REQUEST-2] [MSG-ROOM-1]"},
    {"send, request: attachments cost memory", attachments_cost_memory, "[ABI-ERROR-2] [MEM-ACCOUNT-1]"},
    {0},
};

const struct test_peer_function test_peers[] = {{0}};
