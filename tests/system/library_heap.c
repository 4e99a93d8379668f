/* SPDX-License-Identifier: BSD-2-Clause */
/* malloc over buffers: grows, is limited, and gives only memory that can be lent. */
#include "test.h"

#include <errno.h>
#include <stdlib.h>

#include <cavern/buffer.h>

#define HEAP (512 * 1024)

static void blocks_keep_what_is_in_them(void)
{
    enum { COUNT = 400 };
    static uint8_t *blocks[COUNT];
    static unsigned sizes[COUNT];
    unsigned seed = 1;
    for (unsigned i = 0; i < 20000; i++) {
        seed = seed * 1103515245 + 12345;
        unsigned at = seed / 65536 % COUNT, size = 1 + seed / 7 % 9000;
        if (blocks[at]) {
            for (unsigned k = 0; k < sizes[at]; k += 1 + sizes[at] / 32)
                CHECK_EQUAL(blocks[at][k], at & 255);
            CHECK_EQUAL(blocks[at][sizes[at] - 1], at & 255);
            free(blocks[at]);
            blocks[at] = NULL;
        } else {
            CHECK((blocks[at] = malloc(size)) != NULL);
            memset(blocks[at], (int)at, sizes[at] = size);
        }
    }
}

static void each_block_can_be_lent(void)
{
    struct cavern_queue server, client;
    uint32_t id;
    test_queue(&server, 64, 1);
    test_queue(&client, 64, 0);
    cavern_handle sender = test_sender(&server, 0);
    for (unsigned i = 0; i < 100; i++) {
        unsigned size = 10000 + i * 501;
        void *memory = malloc(size);
        CHECK(memory);
        struct cavern_lease lease = {.address = (uintptr_t)memory, .length = size, .rights = CAVERN_LEASE_WRITE};
        struct cavern_outgoing out = {.leases = &lease, .lease_count = 1};
        CHECK_OK(cavern_request(sender, 0, &out, &client, 1, &id));
        CHECK_OK(cavern_cancel(sender, id));
        struct cavern_message message;
        CHECK(cavern_queue_take(&server, &message));
        cavern_queue_release(&server, &message);
    }
}

static void take_all(void)
{
    uint64_t total = 0;
    while (malloc(10000))
        total += 10000;
    CHECK_EQUAL(errno, ENOMEM);
    CHECK(total > HEAP / 2 && total <= HEAP);
    CHECK(malloc(UINT64_MAX / 2) == NULL);
    CHECK(malloc(100 << 20) == NULL);
}

static void limit_of_the_record_is_kept(void)
{
    struct cavern_spawn setup = test_peer_setup("take_all");
    struct cavern_spawn_handle report = test_give(TEST_REPORT, test_handle(TEST_REPORT), RIGHTS_SENDER);
    struct test_peer peer;
    setup.heap = HEAP;
    setup.handles = &report;
    setup.handle_count = 1;
    test_peer_start(&setup, &peer);
    test_peer_done(&peer);
}

static void exhaust(void)
{
    enum { PIECE = 10000, LEFT = 64 * 1024 };
    static void *volatile taken; /* what nobody could look at need not be taken */
    void *memory;
    while ((taken = malloc(PIECE)))
        ;
    CHECK_EQUAL(errno, ENOMEM);
    CHECK_EQUAL(cavern_memory_take(LEFT, &memory), CAVERN_NO_MEMORY);
}

/* The account's end is seldom that of a whole step. */
static void heap_takes_all_that_the_account_has(void)
{
    struct cavern_spawn setup = test_peer_setup("exhaust");
    struct cavern_spawn_handle report = test_give(TEST_REPORT, test_handle(TEST_REPORT), RIGHTS_SENDER);
    struct test_peer peer;
    CHECK_OK(cavern_sys_account_split(test_account(), CAVERN_NO_HANDLE, (1 << 20) + (200 << 10), TEST_PRIORITY_HIGH,
                                      &setup.account));
    setup.handles = &report;
    setup.handle_count = 1;
    test_peer_start(&setup, &peer);
    test_peer_done(&peer);
}

static void abort_here(void)
{
    abort();
}

static void abort_is_a_breakpoint(void)
{
    struct test_peer peer;
    uint64_t words[5];
    test_peer("abort_here", NULL, 0, &peer);
    test_peer_exit(&peer, words, true);
    CHECK_EQUAL(words[CAVERN_EXIT_REASON], CAVERN_REASON_FAULT);
    CHECK_EQUAL(words[CAVERN_EXIT_FAULT], CAVERN_FAULT_BREAKPOINT);
}

static _Thread_local uint64_t per_thread = 5;
static _Thread_local uint64_t per_thread_zero;

static void thread_local_data_is_set_up(void)
{
    CHECK_EQUAL(per_thread, 5);
    CHECK_EQUAL(per_thread_zero, 0);
    per_thread_zero = per_thread = 6;
    errno = 7;
    CHECK_EQUAL(per_thread, 6);
    CHECK_EQUAL(per_thread_zero, 6);
}

const struct test_case test_cases[] = {
    {"blocks keep what is in them", blocks_keep_what_is_in_them, "[THREAD-HEAP-2]"},
    {"each block can be lent", each_block_can_be_lent, "[MSG-LEASE-3]"},
    {"the limit of the start-up record is kept", limit_of_the_record_is_kept, "[THREAD-HEAP-3]"},
    {"the heap takes all that the account has", heap_takes_all_that_the_account_has, "[THREAD-HEAP-4]"},
    {"abort is a breakpoint", abort_is_a_breakpoint, "[PROC-FAULT-6]"},
    {"thread-local data is set up", thread_local_data_is_set_up, "[PROC-THREAD-1]"},
    {0},
};

const struct test_peer_function test_peers[] = {
    {"take_all", take_all},
    {"exhaust", exhaust},
    {"abort_here", abort_here},
    {0},
};
