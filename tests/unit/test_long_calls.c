/* SPDX-License-Identifier: BSD-2-Clause */
/* Long calls: interrupts get in between their steps, and the call goes on as if they had not. spec/abi.md, Failing. */
#include "unit.h"

#include "arch/arch.h"
#include "object/queue.h"
#include "peer_memory.h"
#include "syscall/dispatch.h"
#include "syscall/user.h"

enum { BYTES = 8 << 20, STEPS_MIN = 3 };

static struct peer worker, urgent;

static int start(void **state)
{
    (void)state;
    model_start(256 << 20);
    peer_start(&worker, "worker", 10, 64, 4);
    peer_start(&urgent, "urgent", 20, 64, 4);
    worker.process->account->budget.limit = urgent.process->account->budget.limit = 64 << 20;
    return 0;
}

/* One entry of the worker: true when its call is over. Its handle in x0 stays until then. */
static bool enter(void)
{
    const uint64_t *x = worker.thread->context.x, handle = x[0];
    assert_ptr_equal(arch_cpu()->current, worker.thread);
    model_interrupt_pending(true);
    syscall_dispatch(worker.thread);
    model_interrupt_pending(false);
    return x[0] != handle;
}

static void urgent_sleeps(void)
{
    assert_int_equal(peer_call(&urgent, RECEIVE, urgent.queue, [9] = arch_now() + 1000), MODEL_WAITS);
}

/*
 * The worker makes a call. After each entry the timer wakes the urgent thread, which runs at once, and sleeps again.
 * Answers how many entries the call took.
 */
#define interrupted_call(call, ...) interrupted(CAVERN_CALL_##call, (uint64_t[16]){__VA_ARGS__})
static unsigned interrupted(enum cavern_call call, const uint64_t arguments[16])
{
    unsigned entries = 1;
    urgent_sleeps();
    assert_int_equal(peer_call(&worker, NOP, 0), CAVERN_OK); /* on the CPU */
    memcpy(worker.thread->context.x, arguments, 16 * sizeof(uint64_t));
    worker.thread->context.x[1] |= (uint64_t)call << 16;
    for (; !enter(); entries++) {
        model_set_time(arch_now() + 1000);
        assert_ptr_equal(arch_cpu()->current, urgent.thread);
        assert_int_equal(peer_woken(&urgent), CAVERN_TIMEOUT);
        urgent_sleeps();
    }
    model_set_time(arch_now() + 1000);
    assert_int_equal(peer_woken(&urgent), CAVERN_TIMEOUT);
    memcpy(worker.x, worker.thread->context.x, sizeof worker.x);
    assert_int_equal(worker.x[0], CAVERN_OK);
    return entries;
}

static cavern_handle make(void)
{
    unsigned entries = interrupted_call(BUFFER_CREATE, CAVERN_SELF_ACCOUNT, [3] = BYTES);
    assert_true(entries >= STEPS_MIN);
    return worker.x[1];
}

static uint64_t map(cavern_handle buffer, uint64_t protection)
{
    unsigned entries =
        interrupted_call(MAP, CAVERN_SELF_PROCESS, [2] = buffer, [3] = 4096, [4] = BYTES - 4096, [6] = protection);
    assert_true(entries >= STEPS_MIN);
    return worker.x[1];
}

/* The worker is on the CPU, about to make a call. */
#define begin(call, ...) begin_call(CAVERN_CALL_##call, (uint64_t[16]){__VA_ARGS__})
static void begin_call(enum cavern_call call, const uint64_t arguments[16])
{
    assert_int_equal(peer_call(&worker, NOP, 0), CAVERN_OK);
    memcpy(worker.thread->context.x, arguments, 16 * sizeof(uint64_t));
    worker.thread->context.x[1] = (uint64_t)call << 16;
}

static void begin_create(void)
{
    begin(BUFFER_CREATE, CAVERN_SELF_ACCOUNT, [3] = BYTES);
}

/* The same call, after others have had the CPU. */
static bool enter_again(void)
{
    uint64_t x[16];
    memcpy(x, worker.thread->context.x, sizeof x);
    assert_int_equal(peer_call(&worker, NOP, 0), CAVERN_OK);
    memcpy(worker.thread->context.x, x, sizeof x);
    return enter();
}

/* [SCHED-7] */
static void test_buffer_create_lets_the_urgent_run(void **state)
{
    (void)state;
    uint64_t before = worker.process->account->budget.used;
    cavern_handle buffer = make();
    assert_in_range(worker.process->account->budget.used, before + BYTES, before + BYTES + 64 * 4096);
    assert_int_equal(peer_call(&worker, HANDLE_CLOSE, buffer), CAVERN_OK);
    assert_int_equal(worker.process->account->budget.used, before);
}

/* [SCHED-7] */
static void test_map_and_unmap_let_the_urgent_run(void **state)
{
    (void)state;
    uint64_t address = map(make(), CAVERN_PROT_READ | CAVERN_PROT_WRITE);
    for (uint64_t offset = 0; offset < BYTES - 4096; offset += 4096)
        assert_non_null(model_at(worker.process, address + offset));
    assert_null(model_at(worker.process, address - 4096));
    unsigned entries = interrupted_call(UNMAP, CAVERN_SELF_PROCESS, [3] = address, [4] = BYTES - 4096);
    assert_true(entries >= STEPS_MIN);
    for (uint64_t offset = 0; offset < BYTES - 4096; offset += 4096)
        assert_null(model_at(worker.process, address + offset));
}

/* [SCHED-7] [MSG-LEASE-1] */
static void test_lease_copy_lets_the_urgent_run(void **state)
{
    (void)state;
    struct peer client;
    peer_start(&client, "client", 5, 64, 0);
    cavern_handle to = peer_sender(&client, &worker, 1, 1, 1, 0);
    uint8_t bytes[PEER_MEMORY - 64], back[sizeof bytes];
    for (unsigned i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(i * 13 + i / 4096);
    peer_write(&client, 64, bytes, sizeof bytes);
    struct cavern_lease lease = {client.memory + 64, sizeof bytes, CAVERN_LEASE_READ};
    peer_write(&client, 0, &lease, sizeof lease);
    assert_int_equal(peer_call(&client, REQUEST,
                               to, [1] = CAVERN_INFO(0, 0, 1, 0, 0), [3] = client.memory, [9] = client.queue, [10] = 1),
                     CAVERN_OK);
    unsigned entries =
        interrupted_call(LEASE_COPY, worker.queue, [2] = client.x[1], [5] = worker.memory, [6] = sizeof bytes);
    assert_true(entries >= STEPS_MIN);
    peer_read(&worker, 0, back, sizeof back);
    assert_memory_equal(back, bytes, sizeof bytes);
}

/* [SCHED-7] [MEM-COPY-1] */
static void test_process_copy_lets_the_urgent_run(void **state)
{
    (void)state;
    struct peer other;
    peer_start(&other, "other", 5, 0, 0);
    cavern_handle process = model_give(worker.process, &other.process->object, CAVERN_RIGHT_MEMORY);
    uint8_t bytes[PEER_MEMORY - 64], back[sizeof bytes];
    for (unsigned i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(i * 13 + i / 4096);
    peer_write(&other, 64, bytes, sizeof bytes);
    unsigned entries =
        interrupted_call(PROCESS_COPY, process, [3] = other.memory + 64, [4] = worker.memory, [5] = sizeof bytes);
    assert_true(entries >= STEPS_MIN);
    peer_read(&worker, 0, back, sizeof back);
    assert_memory_equal(back, bytes, sizeof bytes);
}

/* Bytes 64 to PEER_MEMORY of a mapping that is a 2 MiB block are what was written there. */
static uint64_t block_of(struct peer *peer, const uint8_t *bytes, size_t size)
{
    uint64_t address = peer_buffer(peer, 2 << 20);
    assert_int_equal(peer_map(peer, address, 0, 2 << 20, 0, CAVERN_PROT_READ | CAVERN_PROT_WRITE), CAVERN_OK);
    address = peer->x[1];
    assert_int_equal(user_write(peer->thread, address + 64, bytes, size), CAVERN_OK);
    return address + 64;
}

/* [SCHED-7] Where all of it stands in one piece, it is copied in steps all the same: of a page, or of 32 KiB. */
static void test_copies_from_a_block_let_the_urgent_run(void **state)
{
    (void)state;
    struct peer other;
    uint8_t bytes[PEER_MEMORY - 64], back[sizeof bytes];
    for (unsigned i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(i * 17 + i / 4096);
    peer_start(&other, "other", 5, 64, 0);
    struct cavern_lease lease = {block_of(&other, bytes, sizeof bytes), sizeof bytes, CAVERN_LEASE_READ};
    cavern_handle process = model_give(worker.process, &other.process->object, CAVERN_RIGHT_MEMORY);
    unsigned entries =
        interrupted_call(PROCESS_COPY, process, [3] = lease.address, [4] = worker.memory, [5] = sizeof bytes);
    assert_true(entries >= PEER_MEMORY / 32768);
    peer_read(&worker, 0, back, sizeof back);
    assert_memory_equal(back, bytes, sizeof bytes);

    cavern_handle to = peer_sender(&other, &worker, 1, 1, 1, 0);
    peer_write(&other, 0, &lease, sizeof lease);
    assert_int_equal(peer_call(&other, REQUEST,
                               to, [1] = CAVERN_INFO(0, 0, 1, 0, 0), [3] = other.memory, [9] = other.queue, [10] = 1),
                     CAVERN_OK);
    memset(back, 0, sizeof back);
    peer_write(&worker, 0, back, sizeof back);
    entries = interrupted_call(LEASE_COPY, worker.queue, [2] = other.x[1], [5] = worker.memory, [6] = sizeof bytes);
    assert_true(entries >= PEER_MEMORY / 4096);
    peer_read(&worker, 0, back, sizeof back);
    assert_memory_equal(back, bytes, sizeof bytes);
}

/* [ABI-ERROR-3] A buffer that is being filled is nobody's yet: another thread that guesses its handle can do nothing
 * with it. */
static void test_buffer_half_filled_is_busy(void **state)
{
    (void)state;
    struct peer second = worker;
    second.thread = model_thread(worker.process, 10);
    cavern_handle to = peer_sender(&worker, &urgent, 1, 9, 1, 0);
    begin_create();
    assert_false(enter());
    struct cavern_grant grant = {.handle = worker.thread->context.x[2], .rights = CAVERN_RIGHT_READ};
    peer_write(&second, 0, &grant, sizeof grant);
    assert_int_equal(peer_call(&second, SEND, to, [1] = CAVERN_INFO(0, 0, 0, 1, 0), [3] = second.memory), CAVERN_BUSY);
    assert_int_equal(peer_call(&second, HANDLE_GIVE, CAVERN_SELF_PROCESS, [2] = grant.handle, [3] = grant.rights),
                     CAVERN_BUSY);
    assert_int_equal(peer_map(&second, grant.handle, 0, 4096, 0, CAVERN_PROT_READ), CAVERN_BUSY);
    assert_int_equal(peer_call(&second, BUFFER_SEAL, grant.handle), CAVERN_BUSY);
}

/* Ended half-way, a buffer that is being filled goes with its filler. */
static void test_buffer_create_ended_half_way_gives_all_back(void **state)
{
    (void)state;
    struct account *account = worker.process->account;
    object_get(&account->object);
    begin_create();
    assert_false(enter());
    assert_true(account->budget.used > BYTES);
    peer_end(&worker);
    assert_in_range(account->budget.used, 0, 2 * 4096); /* the zombie and its thread */
    object_put(&account->object);
}

#define LARGEST [3] = CAVERN_QUEUE_BLOCKS_MAX, [4] = CAVERN_QUEUE_SLOTS_MAX

/* [SCHED-7] [MSG-QUEUE-6] */
static void test_queue_is_made_and_bound_in_steps(void **state)
{
    (void)state;
    uint64_t before = worker.process->account->budget.used;
    assert_true(interrupted_call(QUEUE_CREATE, CAVERN_SELF_ACCOUNT, LARGEST) >= STEPS_MIN);
    cavern_handle queue = worker.x[1];
    assert_true(interrupted_call(QUEUE_BIND, queue, [2] = CAVERN_SELF_PROCESS) >= STEPS_MIN);
    uint64_t ring = worker.x[1], bytes = CAVERN_QUEUE_BLOCKS_MAX * CAVERN_BLOCK_SIZE;
    for (uint64_t offset = 0; offset < bytes; offset += 4096) {
        assert_non_null(model_at(worker.process, ring + offset));
        assert_ptr_equal(model_at(worker.process, ring + offset), model_at(worker.process, ring + bytes + offset));
    }
    assert_int_equal(peer_call(&worker, QUEUE_BIND, queue, [2] = CAVERN_SELF_PROCESS, [4] = 1), CAVERN_BUSY);
    assert_int_equal(peer_call(&worker, QUEUE_BIND, queue), CAVERN_OK);
    assert_null(model_at(worker.process, ring));
    assert_int_equal(peer_call(&worker, HANDLE_CLOSE, queue), CAVERN_OK);
    assert_in_range(worker.process->account->budget.used, before, before + 8 * 4096); /* page tables stay */
}

/* [MSG-QUEUE-6] Until it is whole it is no use to anybody, and closing it gives all back. */
static void test_queue_half_made_has_no_rights(void **state)
{
    (void)state;
    struct peer second = worker;
    second.thread = model_thread(worker.process, 10);
    uint64_t used = worker.process->account->budget.used;
    begin(QUEUE_CREATE, CAVERN_SELF_ACCOUNT, LARGEST);
    assert_false(enter());
    cavern_handle queue = worker.thread->context.x[5];
    assert_int_equal(peer_call(&second, QUEUE_BIND, queue, [2] = CAVERN_SELF_PROCESS), CAVERN_DENIED);
    assert_int_equal(peer_call(&second, SENDER_MINT, queue, [3] = 1), CAVERN_DENIED);
    assert_int_equal(peer_call(&second, HANDLE_GIVE, CAVERN_SELF_PROCESS, [2] = queue), CAVERN_DENIED);
    assert_int_equal(peer_call(&second, RECEIVE, queue), CAVERN_DENIED);
    assert_int_equal(peer_call(&second, NOTIFY, CAVERN_SELF_THREAD, [3] = queue), CAVERN_DENIED);
    assert_int_equal(peer_call(&second, HANDLE_CLOSE, queue), CAVERN_OK);
    assert_true(enter_again());
    assert_int_equal(worker.thread->context.x[0], CAVERN_BAD_HANDLE);
    assert_int_equal(worker.process->account->budget.used, used);
}

/* [MEM-ACCOUNT-1] Nothing is begun for which the account has no room. */
static void test_queue_too_dear_is_refused_at_once(void **state)
{
    (void)state;
    struct account *account = worker.process->account;
    uint64_t used = account->budget.used;
    account->budget.limit = used + 40 * 4096;
    begin(QUEUE_CREATE, CAVERN_SELF_ACCOUNT, LARGEST);
    assert_true(enter());
    assert_int_equal(worker.thread->context.x[0], CAVERN_NO_MEMORY);
    assert_int_equal(account->budget.used, used);
}

/* [MSG-QUEUE-6] [ABI-FAIL-1] */
static void test_queue_that_becomes_too_dear_half_way_is_given_back(void **state)
{
    (void)state;
    struct account *account = worker.process->account;
    uint64_t used = account->budget.used;
    begin(QUEUE_CREATE, CAVERN_SELF_ACCOUNT, LARGEST);
    assert_false(enter());
    account->budget.limit = account->budget.used + 40 * 4096;
    while (!enter())
        ;
    assert_int_equal(worker.thread->context.x[0], CAVERN_NO_MEMORY);
    model_settle();
    assert_int_equal(account->budget.used, used);
}

/* [MSG-QUEUE-6] [ABI-FAIL-2] */
static void test_queue_without_memory_returns_no_handle(void **state)
{
    (void)state;
    uint64_t used = worker.process->account->budget.used, status = CAVERN_NO_MEMORY;
    unsigned failures = 0;
    for (unsigned n = 1; status; n += 1 + n / 4) {
        model_fail_allocation(n);
        status = peer_call(&worker, QUEUE_CREATE, CAVERN_SELF_ACCOUNT, LARGEST);
        model_fail_allocation(0);
        if (!status)
            break;
        assert_int_equal(status, CAVERN_NO_MEMORY);
        assert_int_equal(worker.x[1], 0);
        assert_int_equal(worker.process->account->budget.used, used);
        failures++;
    }
    assert_true(failures > 10);
}

/* [MSG-QUEUE-6] Progress that was not made gives no rights, and does no harm. */
static void test_queue_create_does_not_trust_its_progress(void **state)
{
    (void)state;
    cavern_handle poor = model_give(worker.process, &peer_queue(&worker)->object, CAVERN_RIGHT_INSPECT);
    const cavern_handle forged[] = {poor, worker.queue, 1, UINT64_MAX, CAVERN_SELF_PROCESS};
    for (unsigned i = 0; i < COUNT_OF(forged); i++) {
        uint64_t status = peer_call(&worker, QUEUE_CREATE, CAVERN_SELF_ACCOUNT, [3] = 64, [5] = forged[i]);
        assert_int_equal(status, i < 2 ? CAVERN_BAD_ARGUMENT : CAVERN_BAD_HANDLE);
    }
    assert_int_equal(peer_call(&worker, QUEUE_BIND, poor), CAVERN_DENIED);
}

/* Its process ends while its ring is mapped: that is an unbinding as always. */
static void test_end_of_a_process_to_which_a_queue_is_half_bound(void **state)
{
    (void)state;
    struct peer child;
    peer_start(&child, "child", 10, 0, 0);
    assert_true(interrupted_call(QUEUE_CREATE, CAVERN_SELF_ACCOUNT, LARGEST) >= STEPS_MIN);
    cavern_handle queue = worker.x[1], process = model_give(worker.process, &child.process->object, CAVERN_RIGHTS_ALL);
    begin(QUEUE_BIND, queue, [2] = process);
    assert_false(enter());
    peer_end(&child);
    assert_true(enter_again());
    assert_int_equal(worker.thread->context.x[0], CAVERN_GONE);
    assert_int_equal(peer_call(&worker, QUEUE_BIND, queue, [2] = CAVERN_SELF_PROCESS), CAVERN_OK);
}

/* [MEM-END-1] [SCHED-7] */
static void test_account_end_in_steps(void **state)
{
    (void)state;
    cavern_handle own = model_give(worker.process, &worker.process->account->object, CAVERN_RIGHTS_ALL);
    assert_int_equal(peer_call(&worker, ACCOUNT_SPLIT, own, [3] = 4 << 20, [4] = 10), CAVERN_OK);
    cavern_handle account = worker.x[1];
    for (unsigned i = 0; i < 20; i++) {
        assert_int_equal(peer_call(&worker, PROCESS_CREATE, account), CAVERN_OK);
        assert_int_equal(peer_call(&worker, THREAD_CREATE, worker.x[1], [2] = 5), CAVERN_OK);
    }
    assert_true(interrupted_call(ACCOUNT_END, account) >= 20);
    for (struct process *child = process_next(urgent.process->id); child; child = process_next(child->id))
        assert_int_equal(child->state, CAVERN_PROCESS_ZOMBIE);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, start)
    const struct CMUnitTest tests[] = {
        TEST(test_buffer_create_lets_the_urgent_run),
        TEST(test_map_and_unmap_let_the_urgent_run),
        TEST(test_lease_copy_lets_the_urgent_run),
        TEST(test_process_copy_lets_the_urgent_run),
        TEST(test_copies_from_a_block_let_the_urgent_run),
        TEST(test_buffer_half_filled_is_busy),
        TEST(test_buffer_create_ended_half_way_gives_all_back),
        TEST(test_queue_is_made_and_bound_in_steps),
        TEST(test_queue_half_made_has_no_rights),
        TEST(test_queue_too_dear_is_refused_at_once),
        TEST(test_queue_that_becomes_too_dear_half_way_is_given_back),
        TEST(test_queue_without_memory_returns_no_handle),
        TEST(test_queue_create_does_not_trust_its_progress),
        TEST(test_end_of_a_process_to_which_a_queue_is_half_bound),
        TEST(test_account_end_in_steps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
