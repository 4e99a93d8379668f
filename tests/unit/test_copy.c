/* SPDX-License-Identifier: BSD-2-Clause */
/* Another process's memory. spec/memory.md. */
#include "unit.h"

#include "peer_memory.h"

static struct peer self, other;
static cavern_handle process;

enum { READ = CAVERN_COPY_READ, WRITE = CAVERN_COPY_WRITE, BYTES = 10000 };

static int start(void **state)
{
    (void)state;
    model_start(64 << 20);
    peer_start(&self, "self", 20, 0, 0);
    peer_start(&other, "other", 10, 0, 0);
    process = model_give(self.process, &other.process->object, CAVERN_RIGHT_MEMORY);
    return 0;
}

static uint64_t copy(uint64_t address, uint64_t own, uint64_t length, uint64_t how)
{
    return peer_call(&self, PROCESS_COPY, process, [3] = address, [4] = own, [5] = length, [6] = how);
}

static void fill(uint8_t bytes[BYTES], unsigned factor)
{
    for (unsigned i = 0; i < BYTES; i++)
        bytes[i] = (uint8_t)(i * factor + i / 4096);
}

/* [MEM-COPY-1] */
static void test_copy_reads_and_writes(void **state)
{
    (void)state;
    uint8_t bytes[BYTES], found[BYTES], edge[2];
    for (int interrupted = 0; interrupted < 2; interrupted++) {
        model_interrupt_pending(interrupted);
        fill(bytes, 7);
        peer_write(&other, 100, bytes, BYTES);
        assert_int_equal(copy(other.memory + 100, self.memory + 4095, BYTES, READ), CAVERN_OK);
        peer_read(&self, 4095, found, BYTES);
        assert_memory_equal(found, bytes, BYTES);
        fill(bytes, 11);
        peer_write(&self, 5, bytes, BYTES);
        peer_write(&other, 8191, (uint8_t[1]){0x33}, 1);
        peer_write(&other, 8192 + BYTES, (uint8_t[1]){0x44}, 1);
        assert_int_equal(copy(other.memory + 8192, self.memory + 5, BYTES, WRITE), CAVERN_OK);
        peer_read(&other, 8192, found, BYTES);
        assert_memory_equal(found, bytes, BYTES);
        peer_read(&other, 8191, &edge[0], 1);
        peer_read(&other, 8192 + BYTES, &edge[1], 1);
        assert_int_equal(edge[0], 0x33);
        assert_int_equal(edge[1], 0x44);
    }
    model_interrupt_pending(false);
    assert_int_equal(copy(0, 0, 0, READ), CAVERN_OK);
}

/* [MEM-COPY-2] [ABI-ADDR-2] */
static void test_copy_of_bad_memory_refused(void **state)
{
    (void)state;
    static const uint64_t bad[] = {0, 4096, CAVERN_USER_END - 4, CAVERN_USER_END, UINT64_MAX - 3, UINT64_MAX << 47};
    for (unsigned i = 0; i < COUNT_OF(bad); i++) {
        assert_int_equal(copy(bad[i], self.memory, 8, READ), CAVERN_BAD_ADDRESS);
        assert_int_equal(copy(bad[i], self.memory, 8, WRITE), CAVERN_BAD_ADDRESS);
        assert_int_equal(copy(other.memory, bad[i], 8, READ), CAVERN_BAD_ADDRESS);
        assert_int_equal(copy(other.memory, bad[i], 8, WRITE), CAVERN_BAD_ADDRESS);
    }
    assert_int_equal(copy(other.memory, self.memory, UINT64_MAX, READ), CAVERN_BAD_ADDRESS);
    assert_int_equal(copy(other.memory + PEER_MEMORY - 4, self.memory, 8, READ), CAVERN_BAD_ADDRESS);
}

/* [MEM-COPY-2] */
static void test_copy_keeps_to_what_the_process_may(void **state)
{
    (void)state;
    enum { PLACE = 0x100000 };
    cavern_handle buffer = peer_buffer(&other, 8192);
    assert_int_equal(peer_map(&other, buffer, 0, 4096, PLACE, CAVERN_PROT_READ), CAVERN_OK);
    assert_int_equal(copy(PLACE, self.memory, 4096, READ), CAVERN_OK);
    assert_int_equal(copy(PLACE, self.memory, 1, WRITE), CAVERN_BAD_ADDRESS);
    buffer = peer_buffer(&self, 4096);
    assert_int_equal(peer_map(&self, buffer, 0, 4096, PLACE, CAVERN_PROT_READ), CAVERN_OK);
    assert_int_equal(copy(other.memory, PLACE, 4096, WRITE), CAVERN_OK);
    assert_int_equal(copy(other.memory, PLACE, 1, READ), CAVERN_BAD_ADDRESS);
}

/* [MEM-COPY-3] [ABI-HANDLE-4] [ABI-CALL-3] */
static void test_copy_refuses(void **state)
{
    (void)state;
    assert_int_equal(copy(other.memory, self.memory, 8, 2), CAVERN_BAD_ARGUMENT);
    assert_int_equal(copy(other.memory, self.memory, 8, 0x100), CAVERN_BAD_ARGUMENT);
    cavern_handle memory = process;
    process = model_give(self.process, &other.process->object, CAVERN_RIGHTS_ALL & ~CAVERN_RIGHT_MEMORY);
    assert_int_equal(copy(other.memory, self.memory, 8, READ), CAVERN_DENIED);
    process = CAVERN_SELF_ACCOUNT;
    assert_int_equal(copy(other.memory, self.memory, 8, READ), CAVERN_BAD_HANDLE);
    process = memory;
    peer_end(&other);
    assert_int_equal(copy(other.memory, self.memory, 8, READ), CAVERN_GONE);
}

/* [MEM-COPY-4] */
static void test_copy_onto_itself(void **state)
{
    (void)state;
    uint8_t edge[2], bytes[BYTES];
    fill(bytes, 3);
    process = CAVERN_SELF_PROCESS;
    peer_write(&self, 4096, bytes, BYTES);
    assert_int_equal(copy(self.memory + 4096, self.memory + 4000, BYTES, READ), CAVERN_OK);
    assert_int_equal(copy(self.memory + 4000, self.memory + 4100, BYTES, READ), CAVERN_OK);
    peer_read(&self, 3999, &edge[0], 1);
    peer_read(&self, 4100 + BYTES, &edge[1], 1);
    assert_int_equal(edge[0], 0);
    assert_int_equal(edge[1], 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, start)
    const struct CMUnitTest tests[] = {
        TEST(test_copy_reads_and_writes),
        TEST(test_copy_of_bad_memory_refused),
        TEST(test_copy_keeps_to_what_the_process_may),
        TEST(test_copy_refuses),
        TEST(test_copy_onto_itself),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
