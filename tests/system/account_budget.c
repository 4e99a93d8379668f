/* SPDX-License-Identifier: BSD-2-Clause */
/* Accounts: limits, splits, and what comes back. */
#include "test.h"

static struct cavern_account_info inspect(cavern_handle account)
{
    struct cavern_account_info info;
    uint64_t next, written;
    CHECK_OK(cavern_sys_inspect(account, CAVERN_INSPECT_ACCOUNT, 0, (uintptr_t)&info, sizeof info, &next, &written));
    return info;
}

static cavern_handle split(int64_t bytes)
{
    cavern_handle account;
    CHECK_OK(cavern_sys_account_split(test_account(), 0, (uint64_t)bytes, TEST_PRIORITY, &account));
    return account;
}

static void split_moves_room(void)
{
    cavern_handle child = split(1 << 20), same;
    struct cavern_account_info parent = inspect(test_account());
    CHECK_EQUAL(inspect(child).limit, 1 << 20);
    CHECK_EQUAL(inspect(child).used, 0);
    CHECK_EQUAL(parent.lent, 1 << 20);
    CHECK_EQUAL(parent.accounts, 1);
    CHECK_OK(cavern_sys_account_split(test_account(), child, 1 << 20, TEST_PRIORITY, &same));
    CHECK_EQUAL(inspect(child).limit, 2 << 20);
    CHECK_EQUAL(inspect(test_account()).used, parent.used + (1 << 20));
    CHECK_OK(cavern_sys_account_split(test_account(), child, (uint64_t) - (3 << 19), TEST_PRIORITY, &same));
    CHECK_EQUAL(inspect(child).limit, 1 << 19);
    CHECK_OK(cavern_sys_handle_close(child));
    CHECK_EQUAL(inspect(test_account()).lent, 0);
    CHECK_EQUAL(inspect(test_account()).accounts, 0);
}

static void limits_hold(void)
{
    cavern_handle child = split(1 << 20), buffer, out;
    CHECK_STATUS(cavern_sys_buffer_create(child, 0, 1 << 20, 0, 0, &buffer), CAVERN_NO_MEMORY);
    CHECK_EQUAL(inspect(child).used, 0);
    CHECK_OK(cavern_sys_buffer_create(child, 0, 1 << 19, 0, 0, &buffer));
    CHECK(inspect(child).used >= 1 << 19);
    CHECK_STATUS(cavern_sys_account_split(test_account(), child, (uint64_t) - (1 << 20), TEST_PRIORITY, &out),
                 CAVERN_BUSY);
    CHECK_STATUS(cavern_sys_account_split(test_account(), 0, 1ull << 40, TEST_PRIORITY, &out), CAVERN_NO_MEMORY);
    CHECK_STATUS(cavern_sys_account_split(test_account(), 0, 4096, TEST_PRIORITY_TOP + 1, &out), CAVERN_DENIED);
    CHECK_OK(cavern_sys_handle_close(child)); /* it lives as long as the buffer */
    CHECK(inspect(test_account()).lent > 0);
    CHECK_OK(cavern_sys_handle_close(buffer));
    CHECK_EQUAL(inspect(test_account()).lent, 0);
}

/* From an account that pays for its pages, but not for all that keeps them together. */
static void buffer_that_runs_out_half_way_leaves_nothing(void)
{
    enum { BYTES = (2 << 20) + 100 * 4096, FAILURES = 3 };
    for (unsigned pages = 0;; pages++) {
        cavern_handle child = split(BYTES + pages * 4096), buffer;
        enum cavern_status status = cavern_sys_buffer_create(child, 0, BYTES, 0, 0, &buffer);
        if (status == CAVERN_OK) {
            CHECK(pages >= FAILURES);
            break;
        }
        CHECK_STATUS(status, CAVERN_NO_MEMORY);
        CHECK_EQUAL(inspect(child).used, 0);
        CHECK_EQUAL(inspect(child).objects, 0);
        CHECK_OK(cavern_sys_handle_close(child));
    }
}

static void what_is_made_and_closed_leaves_nothing(void)
{
    cavern_handle child = split(4 << 20);
    for (unsigned turn = 0; turn < 3; turn++) {
        static cavern_handle handles[300];
        unsigned count = 0;
        for (unsigned i = 0; i < 50; i++) {
            cavern_handle queue;
            CHECK_OK(cavern_sys_signal_create(child, &handles[count++]));
            CHECK_OK(cavern_sys_buffer_create(child, 0, 4096, 0, 0, &handles[count++]));
            if (i % 10)
                continue;
            CHECK_OK(cavern_sys_queue_create(child, 64, 4, 0, &queue));
            CHECK_OK(cavern_sys_sender_mint(queue, 0, 4, child, 0, &handles[count++]));
            handles[count++] = queue;
        }
        CHECK(inspect(child).objects >= count);
        for (unsigned i = 0; i < count; i++)
            CHECK_OK(cavern_sys_handle_close(handles[(i * 7 + turn) % count]));
        CHECK_EQUAL(inspect(child).used, 0);
        CHECK_EQUAL(inspect(child).objects, 0);
    }
}

const struct test_case test_cases[] = {
    {"a split moves room", split_moves_room, "[MEM-ACCOUNT-2] [MEM-ACCOUNT-5]"},
    {"limits hold", limits_hold, "[MEM-ACCOUNT-1] [MEM-ACCOUNT-3] [MEM-ACCOUNT-4] [MEM-ACCOUNT-5]"},
    {"a buffer that runs out half-way leaves nothing", buffer_that_runs_out_half_way_leaves_nothing,
     "[MEM-BUFFER-5] [MEM-ACCOUNT-1]"},
    {"what is made and closed leaves nothing", what_is_made_and_closed_leaves_nothing, "[MEM-ACCOUNT-6]"},
    {0},
};

const struct test_peer_function test_peers[] = {{0}};
