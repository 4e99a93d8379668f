/* SPDX-License-Identifier: BSD-2-Clause */
/* Ending all that is charged to an account. spec/memory.md, Accounts. */
#include "unit.h"

#include "object/queue.h"
#include "peer.h"

static struct peer parent; /* on an account of its own */
static struct account *upper, *lower;
static cavern_handle upper_handle, lower_handle;

static struct account *account_at(cavern_handle handle)
{
    void *account;
    assert_int_equal(process_lookup(parent.process, handle, CAVERN_TYPE_ACCOUNT, 0, &account), CAVERN_OK);
    return account;
}

static cavern_handle split(cavern_handle account, uint64_t bytes)
{
    assert_int_equal(peer_call(&parent, ACCOUNT_SPLIT, account, [3] = bytes, [4] = 20), CAVERN_OK);
    return parent.x[1];
}

/* An account below the root, and one below that. */
static int start(void **state)
{
    (void)state;
    model_start(64 << 20);
    peer_start(&parent, "parent", 20, 64, 8);
    upper_handle = split(model_give(parent.process, &model_root()->object, CAVERN_RIGHTS_ALL), 8 << 20);
    lower_handle = split(upper_handle, 2 << 20);
    upper = account_at(upper_handle);
    lower = account_at(lower_handle);
    return 0;
}

static cavern_handle create(cavern_handle account, uint64_t flags, struct process **process)
{
    void *found;
    assert_int_equal(peer_call(&parent, PROCESS_CREATE, account, [3] = flags), CAVERN_OK);
    cavern_handle handle = parent.x[1];
    assert_int_equal(process_lookup(parent.process, handle, CAVERN_TYPE_PROCESS, 0, &found), CAVERN_OK);
    *process = found;
    return handle;
}

static void run(cavern_handle process)
{
    assert_int_equal(peer_call(&parent, THREAD_CREATE, process, [2] = 20, [3] = 0x400000), CAVERN_OK);
    assert_int_equal(peer_call(&parent, HANDLE_CLOSE, parent.x[1]), CAVERN_OK);
}

static void close_handle(cavern_handle handle)
{
    assert_int_equal(peer_call(&parent, HANDLE_CLOSE, handle), CAVERN_OK);
}

static void assert_empty(void)
{
    assert_int_equal(lower->budget.used, 0);
    assert_int_equal(upper->budget.used, upper->budget.lent + 4096); /* the slab that `lower` stands in */
}

/* [MEM-END-1] */
static void test_account_end_reaches_all_below_and_no_other(void **state)
{
    (void)state;
    struct process *processes[4], *other;
    for (unsigned i = 0; i < 4; i++) {
        cavern_handle process = create(i & 1 ? lower_handle : upper_handle, 0, &processes[i]);
        if (i < 2)
            run(process); /* the others never ran */
        assert_int_equal(peer_call(&parent, NOTIFY, process, [2] = i, [3] = parent.queue), CAVERN_OK);
    }
    run(create(CAVERN_SELF_ACCOUNT, 0, &other));
    assert_int_equal(peer_call(&parent, ACCOUNT_END, upper_handle, [3] = 9), CAVERN_OK);
    for (unsigned i = 0; i < 4; i++) {
        struct taken got;
        uint64_t words[2];
        assert_int_equal(processes[i]->state, CAVERN_PROCESS_ZOMBIE);
        assert_true(peer_take(&parent, &got));
        memcpy(words, got.body, sizeof words);
        assert_int_equal(got.header.kind, CAVERN_KIND_EXIT);
        assert_int_equal(words[CAVERN_EXIT_REASON], CAVERN_REASON_ENDED);
        assert_int_equal(words[CAVERN_EXIT_CODE], 9);
    }
    assert_int_equal(other->state, CAVERN_PROCESS_RUNNING);
    assert_int_equal(peer_call(&parent, ACCOUNT_END, upper_handle), CAVERN_OK);
    struct taken more;
    assert_false(peer_take(&parent, &more)); /* no end is told twice */
}

/* [MEM-END-1] Two that never ran hold each other, one itself: no handle to them is left. */
static void test_account_end_unties_what_holds_itself(void **state)
{
    (void)state;
    struct process *process;
    cavern_handle one = create(lower_handle, 0, &process), two = create(lower_handle, 0, &process),
                  self = create(lower_handle, 0, &process);
    assert_int_equal(peer_call(&parent, HANDLE_GIVE, one, [2] = two), CAVERN_OK);
    assert_int_equal(peer_call(&parent, HANDLE_GIVE, two, [2] = one), CAVERN_OK);
    assert_int_equal(peer_call(&parent, HANDLE_GIVE, self, [2] = self), CAVERN_OK);
    close_handle(one);
    close_handle(two);
    close_handle(self);
    assert_int_not_equal(lower->budget.used, 0);
    assert_int_equal(peer_call(&parent, ACCOUNT_END, lower_handle), CAVERN_OK);
    assert_empty();
}

/* A zombie that keeps a table in which its own handle stands by way of another such, and to which there is no handle.
 */
static void keep_each_other(void)
{
    struct process *process;
    cavern_handle one = create(lower_handle, CAVERN_PROCESS_KEEP, &process),
                  two = create(lower_handle, CAVERN_PROCESS_KEEP, &process);
    assert_int_equal(peer_call(&parent, HANDLE_GIVE, one, [2] = two), CAVERN_OK);
    assert_int_equal(peer_call(&parent, HANDLE_GIVE, two, [2] = one), CAVERN_OK);
    assert_int_equal(peer_call(&parent, PROCESS_END, one), CAVERN_OK);
    assert_int_equal(peer_call(&parent, PROCESS_END, two), CAVERN_OK);
    assert_true(process->table_kept);
    close_handle(one);
    close_handle(two);
}

/* [MEM-END-2] */
static void test_account_end_closes_kept_tables(void **state)
{
    (void)state;
    struct process *kept, *runs;
    cavern_handle first = create(upper_handle, CAVERN_PROCESS_KEEP, &kept),
                  second = create(upper_handle, CAVERN_PROCESS_KEEP, &runs);
    keep_each_other();
    assert_int_equal(peer_call(&parent, HANDLE_GIVE, first, [2] = parent.queue), CAVERN_OK);
    assert_int_equal(peer_call(&parent, HANDLE_GIVE, second, [2] = parent.queue), CAVERN_OK);
    assert_int_equal(peer_call(&parent, NOTIFY, first, [2] = 1, [3] = parent.queue), CAVERN_OK);
    assert_int_equal(peer_call(&parent, PROCESS_END, first), CAVERN_OK);
    run(second);
    assert_int_equal(peer_queue(&parent)->object.handles, 3);
    assert_int_equal(peer_call(&parent, ACCOUNT_END, upper_handle), CAVERN_OK);
    assert_int_equal(peer_queue(&parent)->object.handles, 1);
    assert_false(kept->table_kept || runs->table_kept);
    assert_int_equal(peer_call(&parent, PROCESS_CREATE, upper_handle, [2] = first), CAVERN_BUSY);
    struct taken got;
    assert_true(peer_take(&parent, &got)); /* of `first`, once */
    assert_false(peer_take(&parent, &got));
    close_handle(first);
    close_handle(second);
    assert_empty();
}

/* [MEM-END-2] One that is just ending, and has passed over what it was to keep. */
static void test_account_end_while_a_table_is_being_kept(void **state)
{
    (void)state;
    struct process *process;
    cavern_handle child = create(lower_handle, CAVERN_PROCESS_KEEP, &process);
    run(child);
    for (unsigned i = 0; i < 1000; i++)
        assert_int_equal(peer_call(&parent, HANDLE_GIVE, child, [2] = parent.queue), CAVERN_OK);
    model_interrupt_pending(true);
    process_end(process, (uint64_t[5]){CAVERN_REASON_ENDED});
    for (unsigned entries = 0; process->cursor < 500; entries++) {
        assert_true(entries < 100);
        (void)scheduler_next();
    }
    model_interrupt_pending(false);
    assert_int_equal(peer_call(&parent, ACCOUNT_END, lower_handle), CAVERN_OK);
    assert_int_equal(process->state, CAVERN_PROCESS_ZOMBIE);
    assert_int_equal(peer_queue(&parent)->object.handles, 1);
    close_handle(child);
    assert_empty();
}

/* [MEM-END-3] [ABI-HANDLE-4] */
static void test_account_end_of_the_own_refused(void **state)
{
    (void)state;
    cavern_handle root = model_give(parent.process, &model_root()->object, CAVERN_RIGHTS_ALL);
    cavern_handle own = model_give(parent.process, &parent.process->account->object, CAVERN_RIGHTS_ALL);
    cavern_handle looks = model_give(parent.process, &upper->object, CAVERN_RIGHT_INSPECT | CAVERN_RIGHT_CHARGE);
    struct process *process;
    run(create(upper_handle, 0, &process));
    assert_int_equal(peer_call(&parent, ACCOUNT_END, root), CAVERN_BAD_ARGUMENT);
    assert_int_equal(peer_call(&parent, ACCOUNT_END, own), CAVERN_BAD_ARGUMENT);
    assert_int_equal(peer_call(&parent, ACCOUNT_END, looks), CAVERN_DENIED);
    assert_int_equal(peer_call(&parent, ACCOUNT_END, CAVERN_SELF_ACCOUNT), CAVERN_DENIED);
    assert_int_equal(peer_call(&parent, ACCOUNT_END, CAVERN_SELF_PROCESS), CAVERN_BAD_HANDLE);
    assert_int_equal(process->state, CAVERN_PROCESS_RUNNING);
    assert_int_equal(parent.process->state, CAVERN_PROCESS_RUNNING);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_account_end_reaches_all_below_and_no_other, start),
        cmocka_unit_test_setup(test_account_end_unties_what_holds_itself, start),
        cmocka_unit_test_setup(test_account_end_closes_kept_tables, start),
        cmocka_unit_test_setup(test_account_end_while_a_table_is_being_kept, start),
        cmocka_unit_test_setup(test_account_end_of_the_own_refused, start),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
