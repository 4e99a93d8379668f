/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Calls that make something, with the first, the second, ... page that they need refused: each time NO_MEMORY, and
 * nothing has changed; in the end they succeed. spec/abi.md, Failing.
 */
#include "unit.h"

#include <cavern/memory.h>
#include <cavern/process.h>

#include "object/buffer.h"
#include "object/interrupt.h"
#include "object/memory.h"
#include "object/queue.h"
#include "peer.h"

static struct peer self, other;
static struct taken got;
static cavern_handle sender;  /* own, to the other's queue */
static struct account *fresh; /* charged with nothing yet */

static int start(void **state)
{
    (void)state;
    model_start(64 << 20);
    fresh = NULL;
    peer_start(&other, "other", 20, 1024, 8);
    peer_start(&self, "self", 10, 1024, 8);
    sender = peer_sender(&self, &other, 1, 100, 10, 0);
    return 0;
}

static cavern_handle fresh_account(uint64_t bytes)
{
    fresh = account_create(model_root(), bytes, 31);
    return model_give(self.process, &fresh->object, CAVERN_RIGHT_CHARGE);
}

struct balance {
    uint64_t root, fresh, own, others, objects, handles;
};

static struct balance balance(void)
{
    return (struct balance){
        .root = model_root()->budget.used,
        .fresh = fresh ? fresh->budget.used : 0,
        .own = self.process->account->budget.used,
        .others = other.process->account->budget.used,
        .objects = self.process->account->objects + other.process->account->objects,
        .handles = self.process->handles.used,
    };
}

/* Makes the call until it has all the pages that it wants, which are at least `least`. */
#define starve(peer, least, call, ...) starve_call(peer, least, CAVERN_CALL_##call, (uint64_t[16]){__VA_ARGS__})
static void starve_call(struct peer *peer, unsigned least, enum cavern_call call, const uint64_t x[16])
{
    struct balance before = balance();
    for (unsigned n = 1;; n++) {
        model_fail_allocation(n);
        uint64_t status = peer_call_registers(peer, call, x);
        model_fail_allocation(0);
        if (status == CAVERN_OK) {
            assert_true(n > least);
            return;
        }
        assert_int_equal(status, CAVERN_NO_MEMORY);
        struct balance after = balance();
        assert_memory_equal(&after, &before, sizeof before);
    }
}

/* [ABI-FAIL-1] [MEM-ACCOUNT-1] Two pages of slots, two of pending requests, and the directories over them. */
static void test_queue_create_without_memory_changes_nothing(void **state)
{
    (void)state;
    cavern_handle account = fresh_account(8 << 20);
    starve(&self, 200, QUEUE_CREATE, account, [3] = 8192, [4] = 600);
    assert_int_equal(peer_call(&self, QUEUE_BIND, self.x[1], [2] = CAVERN_SELF_PROCESS), CAVERN_OK);
}

/* [ABI-FAIL-1] */
static void test_sender_mint_without_memory_changes_nothing(void **state)
{
    (void)state;
    starve(&self, 1, SENDER_MINT, self.queue, [3] = 1, [4] = CAVERN_SELF_ACCOUNT);
}

/* [ABI-FAIL-1] [MEM-BUFFER-3] The run of pages goes back, too. */
static void test_contiguous_buffer_without_memory_changes_nothing(void **state)
{
    (void)state;
    uint64_t free = memory_free();
    model_fail_allocation(1);
    assert_int_equal(
        peer_call(&self, BUFFER_CREATE, CAVERN_SELF_ACCOUNT, [3] = 1 << 16, [4] = CAVERN_BUFFER_CONTIGUOUS),
        CAVERN_NO_MEMORY);
    assert_int_equal(memory_free(), free);
    starve(&self, 1, BUFFER_CREATE, CAVERN_SELF_ACCOUNT, [3] = 1 << 16, [4] = CAVERN_BUFFER_CONTIGUOUS);
}

/* [ABI-FAIL-1] The process itself, the root of its page tables, and its handle table. */
static void test_process_create_without_memory_changes_nothing(void **state)
{
    (void)state;
    cavern_handle account = fresh_account(1 << 20);
    starve(&self, 3, PROCESS_CREATE, account);
}

/* [ABI-FAIL-1] */
static void test_derive_without_memory_changes_nothing(void **state)
{
    (void)state;
    cavern_handle devices = model_give(self.process, &buffer_devices(model_root())->object, CAVERN_RIGHTS_ALL);
    starve(&self, 1, DERIVE, devices, [3] = 4096, [4] = 4096, [6] = CAVERN_SELF_ACCOUNT);
    cavern_handle range = model_give(self.process, &interrupt_range_create(model_root())->object, CAVERN_RIGHTS_ALL);
    starve(&self, 1, DERIVE, range, [3] = 40, [4] = 1, [6] = CAVERN_SELF_ACCOUNT);
}

static void put_grant(struct peer *peer, cavern_handle handle)
{
    struct cavern_grant grant = {.handle = handle, .rights = CAVERN_RIGHT_RAISE};
    peer_write(peer, 0, &grant, sizeof grant);
}

static cavern_handle signal_of(struct peer *peer)
{
    assert_int_equal(peer_call(peer, SIGNAL_CREATE, CAVERN_SELF_ACCOUNT), CAVERN_OK);
    return peer->x[1];
}

/* [ABI-FAIL-1] [MSG-SEND-1] Grants and leases are kept in records that the sender pays for. */
static void test_attachments_without_memory_change_nothing(void **state)
{
    (void)state;
    put_grant(&self, signal_of(&self));
    starve(&self, 1, SEND, sender, [1] = CAVERN_INFO(0, 0, 0, 1, 0), [3] = self.memory);
    struct cavern_lease lease = {self.memory, 64, CAVERN_LEASE_READ};
    peer_write(&self, 0, &lease, sizeof lease);
    starve(&self, 1, REQUEST, sender, [1] = CAVERN_INFO(0, 0, 1, 0, 0), [3] = self.memory, [9] = self.queue, [10] = 1);
    assert_true(peer_take(&other, &got));
    assert_int_equal(got.header.kind, CAVERN_KIND_MESSAGE);
    assert_true(peer_take(&other, &got));
    assert_int_equal(got.header.kind, CAVERN_KIND_REQUEST);
    assert_false(peer_take(&other, &got));
    assert_int_equal(peer_queue(&self)->ring.reserved, 1);
}

/* [ABI-FAIL-1] [MSG-REPLY-2] The request stays pending, whether its ending goes to a queue or to who sleeps. */
static void test_reply_with_grants_without_memory_stays_pending(void **state)
{
    (void)state;
    put_grant(&other, signal_of(&other));
    assert_int_equal(peer_call(&self, REQUEST, sender, [9] = self.queue, [10] = 4), CAVERN_OK);
    starve(&other, 1, REPLY, other.queue, [1] = CAVERN_INFO(0, 0, 0, 1, 0), [2] = self.x[1], [3] = other.memory);
    assert_true(peer_take(&self, &got));
    assert_int_equal(got.header.kind, CAVERN_KIND_REPLY);
    peer_free(&self); /* so that the record of the first grant goes, and its slab */
    assert_int_equal(peer_call(&self, QUEUE_FREED, self.queue), CAVERN_OK);

    assert_int_equal(
        peer_call(&self, CALL, sender, [9] = CAVERN_FOREVER, [10] = self.memory, [11] = 64 | (uint64_t)1 << 32),
        MODEL_WAITS);
    assert_true(peer_take(&other, &got) && peer_take(&other, &got));
    starve(&other, 1, REPLY,
           other.queue, [1] = CAVERN_INFO(0, 0, 0, 1, 0), [2] = got.header.request, [3] = other.memory);
    assert_int_equal(peer_woken(&self), CAVERN_OK);
}

/* [ABI-FAIL-1] [MSG-GRANT-5] Without a place for the handle the grant stays. */
static void test_grant_accept_without_a_place_leaves_the_grant(void **state)
{
    (void)state;
    put_grant(&self, signal_of(&self));
    assert_int_equal(peer_call(&self, SEND, sender, [1] = CAVERN_INFO(0, 0, 0, 1, 0), [3] = self.memory), CAVERN_OK);
    assert_true(peer_take(&other, &got));
    while (handle_table_room(&other.process->handles, 1))
        model_give(other.process, &model_root()->object, 0);
    starve(&other, 1, GRANT_ACCEPT, other.queue, [2] = got.position, [3] = 0);
    assert_int_equal(peer_call(&other, SIGNAL_RAISE, other.x[1]), CAVERN_OK);
}

/* [ABI-FAIL-1] The ring of a large queue crosses page tables: whichever is lacking, no part of it stays mapped. */
static void test_bind_of_a_large_queue_without_memory_changes_nothing(void **state)
{
    (void)state;
    assert_int_equal(peer_call(&self, QUEUE_CREATE, CAVERN_SELF_ACCOUNT, [3] = 16384), CAVERN_OK);
    cavern_handle queue = self.x[1];
    unsigned failures = 0;
    for (unsigned n = 1;; n++, failures++) {
        model_fail_allocation(n);
        uint64_t status = peer_call(&self, QUEUE_BIND, queue, [2] = CAVERN_SELF_PROCESS);
        model_fail_allocation(0);
        if (status == CAVERN_OK)
            break;
        assert_int_equal(status, CAVERN_NO_MEMORY);
        uint64_t rings = 0;
        for (struct tree_node *node = tree_first(&self.process->space.rings); node; node = tree_next(node))
            rings++;
        assert_int_equal(rings, 2); /* of the first queue */
        assert_true(list_first(&self.process->queues) == list_last(&self.process->queues));
    }
    assert_true(failures >= 2);
}

/* [ABI-FAIL-1] [MEM-UNMAP-1] A part of a mapping can be taken off only with a record for what is left. */
static void test_unmap_of_a_part_without_memory_changes_nothing(void **state)
{
    (void)state;
    assert_int_equal(peer_call(&self, BUFFER_CREATE, CAVERN_SELF_ACCOUNT, [3] = 3 * 4096), CAVERN_OK);
    cavern_handle buffer = self.x[1];
    for (uint64_t address = 0x10000000;; address += 0x10000) {
        assert_int_equal(
            peer_call(&self, MAP,
                      CAVERN_SELF_PROCESS, [2] = buffer, [4] = 3 * 4096, [5] = address, [6] = CAVERN_PROT_READ),
            CAVERN_OK);
        uint64_t used = self.process->account->budget.used;
        model_fail_allocation(1);
        uint64_t status = peer_call(&self, UNMAP, CAVERN_SELF_PROCESS, [3] = address + 2 * 4096, [4] = 4096);
        model_fail_allocation(0);
        assert_int_equal(self.process->account->budget.used, used);
        for (unsigned page = 0; page < 3; page++)
            assert_int_equal(model_at(self.process, address + page * 4096) != NULL, page < 2 || status != CAVERN_OK);
        if (status == CAVERN_NO_MEMORY)
            return;
        assert_true(address < 0x20000000);
    }
}

#define TEST(name) cmocka_unit_test_setup(name, start)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_queue_create_without_memory_changes_nothing),
        TEST(test_sender_mint_without_memory_changes_nothing),
        TEST(test_contiguous_buffer_without_memory_changes_nothing),
        TEST(test_process_create_without_memory_changes_nothing),
        TEST(test_derive_without_memory_changes_nothing),
        TEST(test_attachments_without_memory_change_nothing),
        TEST(test_reply_with_grants_without_memory_stays_pending),
        TEST(test_grant_accept_without_a_place_leaves_the_grant),
        TEST(test_unmap_of_a_part_without_memory_changes_nothing),
        TEST(test_bind_of_a_large_queue_without_memory_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
