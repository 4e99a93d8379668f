/* SPDX-License-Identifier: BSD-2-Clause */
/* handle_give and handle_close. spec/abi.md, Handles. */
#include "unit.h"

#include "object/account.h"
#include "object/buffer.h"
#include "object/memory.h"
#include "object/signal.h"
#include "peer.h"

static struct peer self, other;
static cavern_handle to_other; /* a handle to the other process */

static int start(void **state)
{
    (void)state;
    model_start(64 << 20);
    peer_start(&self, "self", 20, 64, 8);
    peer_start(&other, "other", 20, 0, 0);
    to_other = model_give(self.process, &other.process->object, CAVERN_RIGHTS_ALL);
    return 0;
}

static cavern_handle signal_handle(void)
{
    assert_int_equal(peer_call(&self, SIGNAL_CREATE, CAVERN_SELF_ACCOUNT), CAVERN_OK);
    return self.x[1];
}

static struct object *find(const struct peer *peer, cavern_handle handle, uint16_t *rights)
{
    struct object *object;
    assert_int_equal(process_lookup_any(peer->process, handle, &object, rights), CAVERN_OK);
    return object;
}

static uint64_t give(cavern_handle process, cavern_handle handle, uint64_t rights, cavern_handle wanted)
{
    return peer_call(&self, HANDLE_GIVE, process, [2] = handle, [3] = rights, [4] = wanted);
}

/* [ABI-HANDLE-8] */
static void test_give_passes_a_subset_of_rights(void **state)
{
    (void)state;
    uint16_t rights;
    cavern_handle signal = signal_handle();
    assert_int_equal(give(to_other, signal, CAVERN_RIGHT_RAISE, 0), CAVERN_OK);
    assert_ptr_equal(find(&other, self.x[1], &rights), find(&self, signal, &rights));
    find(&other, self.x[1], &rights);
    assert_int_equal(rights, CAVERN_RIGHT_RAISE);
    assert_int_equal(give(to_other, signal, CAVERN_RIGHT_SEND, 0), CAVERN_DENIED);
    assert_int_equal(give(to_other, signal, 1 << 16 | CAVERN_RIGHT_RAISE, 0), CAVERN_DENIED);
    assert_int_equal(give(to_other, signal, 1ull << 63, 0), CAVERN_DENIED);
    assert_int_equal(give(CAVERN_SELF_PROCESS, signal, CAVERN_RIGHT_RAISE, 0), CAVERN_OK);
    assert_int_equal(give(to_other, self.x[1], CAVERN_RIGHT_RAISE, 0), CAVERN_DENIED);
    assert_int_equal(other.process->handles.used, 1);
}

/* [ABI-HANDLE-4] [ABI-HANDLE-6] */
static void test_give_needs_the_rights(void **state)
{
    (void)state;
    cavern_handle signal = signal_handle();
    cavern_handle weak = model_give(self.process, &other.process->object, CAVERN_RIGHT_COPY);
    assert_int_equal(give(weak, signal, 0, 0), CAVERN_DENIED);
    assert_int_equal(give(signal, signal, 0, 0), CAVERN_BAD_HANDLE);
    assert_int_equal(give(to_other, 0x5000123, 0, 0), CAVERN_BAD_HANDLE);
    assert_int_equal(give(to_other, CAVERN_SELF_ACCOUNT, CAVERN_RIGHT_CHARGE, 0), CAVERN_DENIED);
}

/* [ABI-GIVE-1] */
static void test_give_wanted_value_is_exact(void **state)
{
    (void)state;
    static const struct {
        cavern_handle wanted;
        enum cavern_status status;
    } cases[] = {
        {0x5000010, CAVERN_OK},           {0x5000010, CAVERN_EXISTS},
        {0x9000010, CAVERN_EXISTS},       {0x7000004, CAVERN_OK},
        {0x1000001, CAVERN_BAD_ARGUMENT}, {0x2000003, CAVERN_BAD_ARGUMENT},
        {0x0000020, CAVERN_BAD_ARGUMENT}, {0x1000103, CAVERN_OK}, /* the second page of the table */
        {0x1000400, CAVERN_BAD_ARGUMENT}, {UINT64_MAX, CAVERN_BAD_ARGUMENT},
    };
    cavern_handle signal = signal_handle();
    for (unsigned i = 0; i < COUNT_OF(cases); i++) {
        assert_int_equal(give(to_other, signal, CAVERN_RIGHT_RAISE, cases[i].wanted), cases[i].status);
        assert_int_equal(self.x[1], cases[i].status ? 0 : cases[i].wanted);
    }
    assert_int_equal(peer_call(&other, HANDLE_CLOSE, 0x5000010), CAVERN_OK);
    assert_int_equal(give(to_other, signal, CAVERN_RIGHT_RAISE, 0x5000010), CAVERN_BAD_ARGUMENT);
    assert_int_equal(give(to_other, signal, CAVERN_RIGHT_RAISE, 0x6000010), CAVERN_OK);
    assert_true(handle_table_invariants(&other.process->handles));
}

/* [ABI-GIVE-2] */
static void test_give_to_oneself_duplicates(void **state)
{
    (void)state;
    cavern_handle signal = signal_handle();
    assert_int_equal(give(CAVERN_SELF_PROCESS, signal, CAVERN_RIGHT_RAISE, 0), CAVERN_OK);
    cavern_handle copy = self.x[1];
    assert_int_not_equal(copy, signal);
    assert_int_equal(peer_call(&self, HANDLE_CLOSE, signal), CAVERN_OK);
    assert_int_equal(peer_call(&self, SIGNAL_RAISE, copy), CAVERN_OK);
    assert_int_equal(peer_call(&self, SIGNAL_RAISE, signal), CAVERN_BAD_HANDLE);
}

static void test_give_fixed_handles_are_counted_where_they_arrive(void **state)
{
    (void)state;
    uint16_t rights;
    assert_int_equal(give(to_other, CAVERN_SELF_PROCESS, CAVERN_RIGHT_INSPECT, 0), CAVERN_OK);
    assert_ptr_equal(find(&other, self.x[1], &rights), self.process);
    assert_int_equal(self.process->object.handles, 1);
    assert_int_equal(give(to_other, CAVERN_SELF_THREAD, CAVERN_RIGHT_MANAGE, 0), CAVERN_OK);
    assert_ptr_equal(find(&other, self.x[1], &rights), self.thread);
    assert_int_equal(self.thread->object.handles, 1);
}

/* [MEM-ACCOUNT-7] */
static void test_give_buffer_is_charged_to_the_target(void **state)
{
    (void)state;
    uint16_t rights;
    uint64_t mine = self.process->account->budget.used, theirs = other.process->account->budget.used;
    assert_int_equal(peer_call(&self, BUFFER_CREATE, CAVERN_SELF_ACCOUNT, [3] = 1 << 20), CAVERN_OK);
    cavern_handle buffer = self.x[1];
    assert_int_equal(give(to_other, buffer, CAVERN_RIGHT_READ, 0), CAVERN_OK);
    cavern_handle given = self.x[1];
    assert_true(other.process->account->budget.used >= theirs + (1 << 20));
    assert_ptr_not_equal(find(&other, given, &rights), find(&self, buffer, &rights));
    assert_int_equal(peer_call(&self, HANDLE_CLOSE, buffer), CAVERN_OK);
    assert_int_equal(self.process->account->budget.used, mine);
    assert_true(other.process->account->budget.used >= theirs + (1 << 20));
    assert_int_equal(peer_call(&other, HANDLE_CLOSE, given), CAVERN_OK);
    assert_int_equal(other.process->account->budget.used, theirs);
}

/* Handles with WRITE, and no others, keep a buffer from being sealed. [MEM-SEAL-1] */
static void test_give_writers_are_counted(void **state)
{
    (void)state;
    assert_int_equal(peer_call(&self, BUFFER_CREATE, CAVERN_SELF_ACCOUNT, [3] = 4096), CAVERN_OK);
    cavern_handle buffer = self.x[1];
    assert_int_equal(give(to_other, buffer, CAVERN_RIGHT_READ, 0), CAVERN_OK);
    assert_int_equal(give(to_other, buffer, CAVERN_RIGHT_WRITE, 0), CAVERN_OK);
    cavern_handle writer = self.x[1];
    assert_int_equal(peer_call(&self, BUFFER_SEAL, buffer), CAVERN_BUSY);
    assert_int_equal(give(to_other, buffer, CAVERN_RIGHT_WRITE, 0x1000001), CAVERN_BAD_ARGUMENT);
    assert_int_equal(peer_call(&other, HANDLE_CLOSE, writer), CAVERN_OK);
    assert_int_equal(peer_call(&self, BUFFER_SEAL, buffer), CAVERN_OK);
    assert_int_equal(give(to_other, buffer, CAVERN_RIGHT_WRITE, 0), CAVERN_DENIED);
}

/* [ABI-FAIL-1] */
static void test_give_without_memory_changes_nothing(void **state)
{
    (void)state;
    assert_int_equal(peer_call(&self, BUFFER_CREATE, CAVERN_SELF_ACCOUNT, [3] = 64 << 10), CAVERN_OK);
    cavern_handle buffer = self.x[1];
    uint64_t mine = self.process->account->budget.used, theirs = other.process->account->budget.used;
    unsigned failures = 0;
    for (unsigned n = 1;; n++, failures++) {
        model_fail_allocation(n);
        uint64_t status = give(to_other, buffer, CAVERN_RIGHT_READ, 0x1000104);
        model_fail_allocation(0);
        if (status == CAVERN_OK)
            break;
        assert_int_equal(status, CAVERN_NO_MEMORY);
        assert_int_equal(self.process->account->budget.used, mine);
        /* A page of the handle table may have come to stay. */
        assert_in_range(other.process->account->budget.used, theirs, theirs + 4096);
        assert_int_equal(other.process->handles.used, 0);
    }
    assert_true(failures > 0);
    other.process->account->budget.limit = other.process->account->budget.used;
    assert_int_equal(peer_call(&self, BUFFER_CREATE, CAVERN_SELF_ACCOUNT, [3] = 64 << 10), CAVERN_OK);
    assert_int_equal(give(to_other, self.x[1], CAVERN_RIGHT_READ, 0), CAVERN_NO_MEMORY);
}

/* [ABI-HANDLE-3] [ABI-HANDLE-2] */
static void test_close_makes_the_handle_stale(void **state)
{
    (void)state;
    cavern_handle signal = signal_handle();
    assert_int_equal(peer_call(&self, HANDLE_CLOSE, signal), CAVERN_OK);
    assert_int_equal(peer_call(&self, HANDLE_CLOSE, signal), CAVERN_BAD_HANDLE);
    cavern_handle next = signal_handle();
    assert_int_equal(next, signal + 0x1000000);
    assert_int_equal(peer_call(&self, SIGNAL_RAISE, signal), CAVERN_BAD_HANDLE);
}

/* [ABI-HANDLE-1] [ABI-HANDLE-6] */
static void test_close_fixed_and_unknown_refused(void **state)
{
    (void)state;
    assert_int_equal(peer_call(&self, HANDLE_CLOSE, CAVERN_SELF_PROCESS), CAVERN_DENIED);
    assert_int_equal(peer_call(&self, HANDLE_CLOSE, CAVERN_SELF_ACCOUNT), CAVERN_DENIED);
    assert_int_equal(peer_call(&self, HANDLE_CLOSE, CAVERN_SELF_THREAD), CAVERN_DENIED);
    assert_int_equal(peer_call(&self, HANDLE_CLOSE, CAVERN_NO_HANDLE), CAVERN_BAD_HANDLE);
    assert_int_equal(peer_call(&self, HANDLE_CLOSE, 0x2000001), CAVERN_BAD_HANDLE);
    assert_int_equal(peer_call(&self, HANDLE_CLOSE, UINT64_MAX), CAVERN_BAD_HANDLE);
}

/* [MEM-ACCOUNT-6] Large memory is back when the closer goes on, and others of its priority have not run meanwhile. */
static void test_close_large_buffer_is_back_at_once(void **state)
{
    (void)state;
    uint64_t before = self.process->account->budget.used, free = memory_free();
    struct thread *equal = model_thread(self.process, 20);
    uint64_t with_thread = self.process->account->budget.used - before;
    assert_int_equal(peer_call(&self, BUFFER_CREATE, CAVERN_SELF_ACCOUNT, [3] = 8 << 20), CAVERN_OK);
    assert_int_equal(peer_call(&self, HANDLE_CLOSE, self.x[1]), CAVERN_OK);
    assert_int_equal(self.process->account->budget.used, before + with_thread);
    assert_int_equal(memory_free(), free - with_thread);
    assert_ptr_not_equal(arch_cpu()->current, equal);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_give_passes_a_subset_of_rights, start),
        cmocka_unit_test_setup(test_give_needs_the_rights, start),
        cmocka_unit_test_setup(test_give_wanted_value_is_exact, start),
        cmocka_unit_test_setup(test_give_to_oneself_duplicates, start),
        cmocka_unit_test_setup(test_give_fixed_handles_are_counted_where_they_arrive, start),
        cmocka_unit_test_setup(test_give_buffer_is_charged_to_the_target, start),
        cmocka_unit_test_setup(test_give_writers_are_counted, start),
        cmocka_unit_test_setup(test_give_without_memory_changes_nothing, start),
        cmocka_unit_test_setup(test_close_makes_the_handle_stale, start),
        cmocka_unit_test_setup(test_close_fixed_and_unknown_refused, start),
        cmocka_unit_test_setup(test_close_large_buffer_is_back_at_once, start),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
