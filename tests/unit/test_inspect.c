/* SPDX-License-Identifier: BSD-2-Clause */
/* inspect. spec/abi.md, inspect. */
#include "unit.h"

#include <cavern/inspect.h>

#include "object/account.h"
#include "object/interrupt.h"
#include "object/machine.h"
#include "object/memory.h"
#include "peer.h"

static struct peer self;
static cavern_handle root;

static int start(void **state)
{
    (void)state;
    model_start(64 << 20);
    peer_start(&self, "self", 20, 64, 8);
    root = model_give(self.process, &model_root()->object, CAVERN_RIGHTS_ALL);
    return 0;
}

static uint64_t inspect(cavern_handle object, uint64_t topic, uint64_t cursor, uint64_t bytes)
{
    return peer_call(&self, INSPECT, object, [2] = topic, [3] = cursor, [4] = self.memory, [5] = bytes);
}

/* The one record of a topic. */
static void inspect_one(cavern_handle object, uint64_t topic, void *record, size_t size)
{
    assert_int_equal(inspect(object, topic, 0, 4096), CAVERN_OK);
    assert_int_equal(self.x[1], 0);
    assert_int_equal(self.x[2], size);
    peer_read(&self, 0, record, size);
}

static void test_inspect_account_and_process(void **state)
{
    (void)state;
    struct cavern_account_info account;
    inspect_one(CAVERN_SELF_ACCOUNT, CAVERN_INSPECT_ACCOUNT, &account, sizeof account);
    assert_int_equal(account.limit, 1 << 24);
    assert_int_equal(account.used, self.process->account->budget.used);
    assert_int_equal(account.top_priority, 31);
    inspect_one(root, CAVERN_INSPECT_ACCOUNT, &account, sizeof account);
    assert_int_equal(account.lent, 1 << 24);
    assert_int_equal(account.accounts, 1);

    struct cavern_process_info process;
    inspect_one(CAVERN_SELF_PROCESS, CAVERN_INSPECT_PROCESS, &process, sizeof process);
    assert_int_equal(process.id, self.process->id);
    assert_int_equal(process.state, CAVERN_PROCESS_RUNNING);
    assert_int_equal(process.threads, 1);
    assert_int_equal(process.handles, 2);
    assert_int_equal(process.mapped, self.process->space.mapped);
    assert_string_equal(process.name, "self");
}

/* [SCHED-10] */
static void test_inspect_cpu_time_is_up_to_date(void **state)
{
    (void)state;
    struct cavern_process_info process;
    inspect_one(CAVERN_SELF_PROCESS, CAVERN_INSPECT_PROCESS, &process, sizeof process);
    uint64_t before = process.cpu_time;
    model_set_time(arch_now() + 12345);
    inspect_one(CAVERN_SELF_PROCESS, CAVERN_INSPECT_PROCESS, &process, sizeof process);
    assert_int_equal(process.cpu_time, before + 12345);
}

static void test_inspect_machine_and_buffer(void **state)
{
    (void)state;
    struct cavern_machine_info info;
    machine->cpus_present = 4;
    inspect_one(model_give(self.process, &machine->object, CAVERN_RIGHTS_ALL), CAVERN_INSPECT_MACHINE, &info,
                sizeof info);
    assert_int_equal(info.memory_total, memory_total());
    assert_int_equal(info.memory_free, memory_free());
    assert_int_equal(info.uptime, arch_now());
    assert_int_equal(info.cpus, 1);
    assert_int_equal(info.cpus_present, 4);
    assert_true(info.system_calls > 0);

    struct cavern_buffer_info buffer;
    assert_int_equal(peer_call(&self, BUFFER_CREATE, CAVERN_SELF_ACCOUNT, [3] = 5000), CAVERN_OK);
    cavern_handle handle = self.x[1];
    inspect_one(handle, CAVERN_INSPECT_BUFFER, &buffer, sizeof buffer);
    assert_int_equal(buffer.size, 8192);
    assert_true(buffer.address >= CAVERN_OWN_START);
    assert_int_equal(buffer.device, 0);
    assert_int_equal(buffer.sealed, 0);
    assert_int_equal(peer_call(&self, BUFFER_SEAL, handle), CAVERN_OK);
    inspect_one(handle, CAVERN_INSPECT_BUFFER, &buffer, sizeof buffer);
    assert_int_equal(buffer.sealed, 1);
}

/* [ABI-INSPECT-3] */
static void test_inspect_cpus(void **state)
{
    (void)state;
    struct cavern_cpu_info info;
    cavern_handle handle = model_give(self.process, &machine->object, CAVERN_RIGHTS_ALL);
    model_add_cpus(2);
    model_set_time(arch_now() + 500);
    for (uint64_t cpu = 0; cpu < 3; cpu++) {
        assert_int_equal(peer_call(&self, INSPECT,
                                   handle, [2] = CAVERN_INSPECT_CPUS, [3] = cpu, [4] = self.memory, [5] = sizeof info),
                         CAVERN_OK);
        assert_int_equal(self.x[1], cpu < 2 ? cpu + 1 : 0);
        assert_int_equal(self.x[2], sizeof info);
        peer_read(&self, 0, &info, sizeof info);
        assert_int_equal(info.number, cpu);
        assert_int_equal(info.process, cpu ? 0 : self.process->id);
        assert_int_equal(info.thread, cpu ? 0 : self.thread->id);
        assert_true(cpu ? info.idle_time == 500 : info.system_calls > 0);
    }
    for (uint64_t cpu = 3; cpu; cpu = cpu == 3 ? UINT64_MAX : 0) {
        assert_int_equal(peer_call(&self, INSPECT,
                                   handle, [2] = CAVERN_INSPECT_CPUS, [3] = cpu, [4] = self.memory, [5] = sizeof info),
                         CAVERN_OK);
        assert_int_equal(self.x[1], 0);
        assert_int_equal(self.x[2], 0);
    }
}

/* [ABI-INSPECT-3] */
static void test_inspect_interrupts(void **state)
{
    (void)state;
    model_add_cpus(1);
    struct cavern_interrupt_info info[4];
    cavern_handle handle = model_give(self.process, &machine->object, CAVERN_RIGHTS_ALL);
    struct interrupt *range = interrupt_range_create(model_root());
    cavern_handle lines = model_give(self.process, &range->object, CAVERN_RIGHTS_ALL);
    static const unsigned wanted[] = {200, 34};
    for (unsigned i = 0; i < COUNT_OF(wanted); i++) {
        assert_int_equal(peer_call(&self, DERIVE, lines, [3] = wanted[i], [4] = 1, [6] = CAVERN_SELF_ACCOUNT),
                         CAVERN_OK);
        assert_int_equal(peer_call(&self, NOTIFY, self.x[1], [3] = self.queue, [4] = i), CAVERN_OK);
    }
    model_raise(34);
    assert_int_equal(
        peer_call(&self, INSPECT, handle, [2] = CAVERN_INSPECT_INTERRUPTS, [4] = self.memory, [5] = sizeof info),
        CAVERN_OK);
    assert_int_equal(self.x[1], 0);
    assert_int_equal(self.x[2], 2 * sizeof info[0]);
    peer_read(&self, 0, info, sizeof info);
    assert_int_equal(info[0].line, 34);
    assert_int_equal(info[0].cpu, 1);
    assert_int_equal(info[0].fired, 1);
    assert_int_equal(info[1].line, 200);
    assert_int_equal(info[1].cpu, 0);
    assert_int_equal(info[1].fired, 0);
}

/* [ABI-INSPECT-2] [ABI-ADDR-1] [ABI-ADDR-2] */
static void test_inspect_bad_arguments_refused(void **state)
{
    (void)state;
    cavern_handle blind = model_give(self.process, &model_root()->object, CAVERN_RIGHT_CHARGE);
    assert_int_equal(inspect(CAVERN_SELF_ACCOUNT, 0, 0, 4096), CAVERN_BAD_ARGUMENT);
    assert_int_equal(inspect(CAVERN_SELF_ACCOUNT, 7, 0, 4096), CAVERN_BAD_ARGUMENT);
    assert_int_equal(inspect(CAVERN_SELF_ACCOUNT, UINT64_MAX, 0, 4096), CAVERN_BAD_ARGUMENT);
    assert_int_equal(inspect(CAVERN_SELF_ACCOUNT, CAVERN_INSPECT_PROCESS, 0, 4096), CAVERN_BAD_ARGUMENT);
    assert_int_equal(inspect(CAVERN_SELF_PROCESS, CAVERN_INSPECT_PROCESSES, 0, 4096), CAVERN_BAD_ARGUMENT);
    assert_int_equal(inspect(CAVERN_SELF_THREAD, CAVERN_INSPECT_THREADS, 0, 4096), CAVERN_BAD_ARGUMENT);
    assert_int_equal(inspect(CAVERN_SELF_PROCESS, CAVERN_INSPECT_PROCESS, 0, sizeof(struct cavern_process_info) - 1),
                     CAVERN_BAD_ARGUMENT);
    assert_int_equal(inspect(blind, CAVERN_INSPECT_ACCOUNT, 0, 4096), CAVERN_DENIED);
    assert_int_equal(inspect(77, CAVERN_INSPECT_ACCOUNT, 0, 4096), CAVERN_BAD_HANDLE);
    static const uint64_t addresses[] = {0, 8, UINT64_MAX - 7, CAVERN_USER_END - 8, 1ull << 63};
    for (unsigned i = 0; i < COUNT_OF(addresses); i++)
        assert_int_equal(
            peer_call(&self, INSPECT, root, [2] = CAVERN_INSPECT_PROCESSES, [4] = addresses[i], [5] = 4096),
            CAVERN_BAD_ADDRESS);
    assert_int_equal(peer_call(&self, INSPECT, root, [2] = CAVERN_INSPECT_ACCOUNT, [4] = self.memory + 4, [5] = 4096),
                     CAVERN_BAD_ADDRESS);
}

static void make_processes(struct account *account, unsigned count, unsigned threads)
{
    for (unsigned i = 0; i < count; i++) {
        struct process *process = model_process(account, "many", 1)->process;
        for (unsigned n = 1; n < threads; n++)
            model_thread(process, 1);
    }
}

/* Walks over all records with memory for `room` of them; the number found. They must ascend. */
static unsigned walk(cavern_handle account, uint64_t topic, unsigned room)
{
    bool threads = topic == CAVERN_INSPECT_THREADS;
    size_t size = threads ? sizeof(struct cavern_thread_info) : sizeof(struct cavern_process_info);
    uint64_t cursor = 0, last = 0;
    unsigned found = 0, calls = 0;
    do {
        assert_true(calls++ < 1000);
        assert_int_equal(inspect(account, topic, cursor, room * size + size - 1), CAVERN_OK);
        cursor = self.x[1];
        assert_true(self.x[2] % size == 0 && self.x[2] <= room * size);
        assert_true(self.x[2] || !cursor);
        for (uint64_t at = 0; at < self.x[2]; at += size, found++) {
            union {
                struct cavern_thread_info thread;
                struct cavern_process_info process;
            } record;
            peer_read(&self, at, &record, size);
            uint64_t key = threads ? (uint64_t)record.thread.process << 32 | record.thread.id : record.process.id;
            assert_true(key > last);
            last = key;
        }
    } while (cursor);
    return found;
}

/* [ABI-INSPECT-1] [ABI-INSPECT-3] */
static void test_inspect_walk_names_each_once(void **state)
{
    (void)state;
    struct account *account = account_create(model_root(), 1 << 25, 31);
    cavern_handle sub = model_give(self.process, &account->object, CAVERN_RIGHT_INSPECT);
    make_processes(model_root(), 70, 1);
    make_processes(account, 5, 3);
    make_processes(model_root(), 70, 2);
    make_processes(account, 70, 1);
    static const unsigned rooms[] = {1, 2, 7, 63, 64, 65, 200};
    for (unsigned i = 0; i < COUNT_OF(rooms); i++) {
        assert_int_equal(walk(sub, CAVERN_INSPECT_PROCESSES, rooms[i]), 75);
        assert_int_equal(walk(root, CAVERN_INSPECT_PROCESSES, rooms[i]), 216);
        assert_int_equal(walk(CAVERN_SELF_ACCOUNT, CAVERN_INSPECT_PROCESSES, rooms[i]), 1);
        assert_int_equal(walk(sub, CAVERN_INSPECT_THREADS, rooms[i]), 85);
        assert_int_equal(walk(root, CAVERN_INSPECT_THREADS, rooms[i]), 296);
        assert_int_equal(walk(CAVERN_SELF_ACCOUNT, CAVERN_INSPECT_THREADS, rooms[i]), 1);
    }
}

/* Any cursor is harmless. */
static void test_inspect_made_up_cursors_end(void **state)
{
    (void)state;
    static const uint64_t cursors[] = {1, 99, 0xffffffff, 1ull << 32, 0x1ffffffff, 0xffffffff00000000, UINT64_MAX};
    for (unsigned i = 0; i < COUNT_OF(cursors); i++) {
        for (unsigned topic = CAVERN_INSPECT_ACCOUNT; topic <= CAVERN_INSPECT_THREADS; topic++)
            assert_int_equal(inspect(root, topic, cursors[i], 4096), CAVERN_OK);
    }
}

/* [PROC-END-4] */
static void test_inspect_zombie_shows_its_end(void **state)
{
    (void)state;
    struct cavern_process_info info;
    assert_int_equal(peer_call(&self, PROCESS_CREATE, CAVERN_SELF_ACCOUNT, [4] = 0x627a /* "zb" */), CAVERN_OK);
    cavern_handle zombie = self.x[1];
    assert_int_equal(peer_call(&self, PROCESS_END, zombie, [3] = 42), CAVERN_OK);
    inspect_one(zombie, CAVERN_INSPECT_PROCESS, &info, sizeof info);
    assert_int_equal(info.state, CAVERN_PROCESS_ZOMBIE);
    assert_int_equal(info.exit_words[CAVERN_EXIT_REASON], CAVERN_REASON_ENDED);
    assert_int_equal(info.exit_words[CAVERN_EXIT_CODE], 42);
    assert_int_equal(info.handles, 0);
    assert_int_equal(info.mapped, 0);
    assert_string_equal(info.name, "zb");
    assert_int_equal(walk(root, CAVERN_INSPECT_PROCESSES, 10), 2);
    assert_int_equal(peer_call(&self, HANDLE_CLOSE, zombie), CAVERN_OK);
    assert_int_equal(walk(root, CAVERN_INSPECT_PROCESSES, 10), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_inspect_account_and_process, start),
        cmocka_unit_test_setup(test_inspect_cpu_time_is_up_to_date, start),
        cmocka_unit_test_setup(test_inspect_machine_and_buffer, start),
        cmocka_unit_test_setup(test_inspect_cpus, start),
        cmocka_unit_test_setup(test_inspect_interrupts, start),
        cmocka_unit_test_setup(test_inspect_bad_arguments_refused, start),
        cmocka_unit_test_setup(test_inspect_walk_names_each_once, start),
        cmocka_unit_test_setup(test_inspect_made_up_cursors_end, start),
        cmocka_unit_test_setup(test_inspect_zombie_shows_its_end, start),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
