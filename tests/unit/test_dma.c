/* SPDX-License-Identifier: BSD-2-Clause */
/* Memory for devices. spec/devices.md, DMA. */
#include "unit.h"

#include <cavern/inspect.h>

#include "object/account.h"
#include "object/buffer.h"
#include "object/dma.h"
#include "object/memory.h"
#include "peer_memory.h"

enum { READS = CAVERN_PROT_READ, WRITES = CAVERN_PROT_READ | CAVERN_PROT_WRITE, PAGE = CAVERN_PAGE_SIZE };

static struct peer self, other;
static struct dma *view;
static cavern_handle dma;

static int start(void **state)
{
    (void)state;
    model_start(64 << 20);
    peer_start(&self, "self", 20, 0, 0);
    peer_start(&other, "other", 20, 0, 0);
    view = dma_create(model_root());
    dma = model_give(self.process, &view->object, CAVERN_RIGHTS_ALL);
    return 0;
}

static uint64_t map(struct peer *peer, cavern_handle handle, cavern_handle buffer, uint64_t offset, uint64_t length,
                    uint64_t protection)
{
    return peer_call(peer, DMA_MAP, handle, [2] = buffer, [3] = offset, [4] = length, [5] = protection);
}

static uint64_t unmap(uint64_t address, uint64_t length)
{
    return peer_call(&self, DMA_UNMAP, dma, [3] = address, [4] = length);
}

static uint64_t physical_of(cavern_handle handle, uint64_t offset)
{
    void *holding;
    uint64_t length;
    assert_int_equal(process_lookup(self.process, handle, CAVERN_TYPE_BUFFER, 0, &holding), CAVERN_OK);
    return buffer_physical(((struct holding *)holding)->buffer, offset, &length);
}

/* [DEV-DMA-1]: without an IOMMU it is where the memory stands. */
static void test_dma_map_gives_the_physical_address(void **state)
{
    (void)state;
    cavern_handle buffer = peer_buffer(&self, 2 * PAGE);
    for (uint64_t offset = 0; offset < 2 * PAGE; offset += PAGE) {
        assert_int_equal(map(&self, dma, buffer, offset, PAGE, WRITES), CAVERN_OK);
        assert_int_equal(self.x[1], physical_of(buffer, offset));
    }
    assert_int_equal(view->count, 2);
    assert_int_equal(view->bytes, 2 * PAGE);
}

/* [DEV-DMA-3] */
static void test_dma_map_wants_one_piece(void **state)
{
    (void)state;
    cavern_handle holes[16];
    for (unsigned i = 0; i < COUNT_OF(holes); i++)
        holes[i] = peer_buffer(&self, PAGE);
    for (unsigned i = 0; i < COUNT_OF(holes); i += 2)
        assert_int_equal(peer_call(&self, HANDLE_CLOSE, holes[i]), CAVERN_OK);
    uint64_t bytes = COUNT_OF(holes) * PAGE;
    cavern_handle scattered = peer_buffer(&self, bytes);
    for (uint64_t first = 0; first < bytes; first += PAGE) {
        bool together = true;
        for (uint64_t length = PAGE; first + length <= bytes; length += PAGE) {
            together = together &&
                       physical_of(scattered, first + length - PAGE) == physical_of(scattered, first) + length - PAGE;
            assert_int_equal(map(&self, dma, scattered, first, length, READS), together ? CAVERN_OK : CAVERN_TOO_LARGE);
        }
    }
    assert_int_equal(map(&self, dma, scattered, 0, bytes, READS), CAVERN_TOO_LARGE);
    assert_int_equal(
        peer_call(&self, BUFFER_CREATE, CAVERN_SELF_ACCOUNT, [3] = CAVERN_BLOCK_2M, [4] = CAVERN_BUFFER_CONTIGUOUS),
        CAVERN_OK);
    assert_int_equal(map(&self, dma, self.x[1], 0, CAVERN_BLOCK_2M, WRITES), CAVERN_OK);
}

/* A large buffer has blocks of 2 MiB, of which no two need be neighbours. [DEV-DMA-3] */
static void test_dma_map_of_blocks(void **state)
{
    (void)state;
    cavern_handle buffer = peer_buffer(&self, 3 * CAVERN_BLOCK_2M);
    for (uint64_t offset = 0; offset <= 2 * CAVERN_BLOCK_2M; offset += CAVERN_BLOCK_2M)
        assert_int_equal(map(&self, dma, buffer, offset, CAVERN_BLOCK_2M, WRITES), CAVERN_OK);
    assert_int_equal(map(&self, dma, buffer, 0, CAVERN_BLOCK_2M + PAGE, WRITES), CAVERN_TOO_LARGE);
    bool together = physical_of(buffer, CAVERN_BLOCK_2M) == physical_of(buffer, CAVERN_BLOCK_2M - PAGE) + PAGE;
    assert_int_equal(map(&self, dma, buffer, PAGE, CAVERN_BLOCK_2M, WRITES), together ? CAVERN_OK : CAVERN_TOO_LARGE);
}

/* [DEV-DMA-5]: neither a handle, nor a mapping, nor the process is left. */
static void test_dma_mapping_keeps_the_memory(void **state)
{
    (void)state;
    cavern_handle others = model_give(other.process, &view->object, CAVERN_RIGHT_MANAGE);
    cavern_handle buffer = peer_buffer(&other, 4 * PAGE);
    assert_int_equal(map(&other, others, buffer, PAGE, PAGE, WRITES), CAVERN_OK);
    uint64_t address = other.x[1], before = memory_free();
    assert_int_equal(peer_call(&other, HANDLE_CLOSE, buffer), CAVERN_OK);
    assert_int_equal(memory_free(), before);
    const struct budget *budget = &other.process->account->budget; /* the test holds the zombie */
    peer_end(&other);
    before = memory_free();
    uint64_t used = budget->used;
    assert_int_equal(unmap(address, PAGE), CAVERN_OK);
    uint64_t given = 4 * PAGE + 3 * PAGE; /* with the buffer's record, the slabs of holding and mapping */
    assert_int_equal(budget->used, used - given);
    assert_int_equal(memory_free(), before + given);
}

/* [DEV-DMA-6] */
static void test_dma_unmap_takes_the_oldest_alike(void **state)
{
    (void)state;
    cavern_handle buffer = peer_buffer(&self, 2 * PAGE);
    assert_int_equal(map(&self, dma, buffer, 0, PAGE, READS), CAVERN_OK);
    assert_int_equal(map(&self, dma, buffer, 0, PAGE, WRITES), CAVERN_OK);
    uint64_t address = self.x[1];
    assert_int_equal(unmap(address, 2 * PAGE), CAVERN_BAD_ARGUMENT);
    assert_int_equal(unmap(address + PAGE, PAGE), CAVERN_BAD_ARGUMENT);
    assert_int_equal(peer_call(&self, BUFFER_SEAL, buffer), CAVERN_BUSY);
    assert_int_equal(unmap(address, PAGE), CAVERN_OK);
    assert_int_equal(peer_call(&self, BUFFER_SEAL, buffer), CAVERN_BUSY);
    assert_int_equal(unmap(address, PAGE), CAVERN_OK);
    assert_int_equal(peer_call(&self, BUFFER_SEAL, buffer), CAVERN_OK);
    assert_int_equal(unmap(address, PAGE), CAVERN_BAD_ARGUMENT);
    assert_int_equal(map(&self, dma, buffer, 0, PAGE, READS), CAVERN_OK); /* sealed, it can be read */
    assert_int_equal(map(&self, dma, buffer, 0, PAGE, WRITES), CAVERN_DENIED);
}

/* In steps, between which interrupts come. [DEV-DMA-6] [SCHED-7] */
static void test_dma_unmap_all_goes_in_steps(void **state)
{
    (void)state;
    cavern_handle buffer = peer_buffer(&self, PAGE);
    uint64_t used = self.process->account->budget.used;
    for (unsigned i = 0; i < 200; i++)
        assert_int_equal(map(&self, dma, buffer, 0, PAGE, WRITES), CAVERN_OK);
    struct cavern_dma_info info;
    assert_int_equal(peer_call(&self, INSPECT, dma, [2] = CAVERN_INSPECT_DMA, [4] = self.memory, [5] = sizeof info),
                     CAVERN_OK);
    peer_read(&self, 0, &info, sizeof info);
    assert_int_equal(info.mappings, 200);
    assert_int_equal(info.bytes, 200 * PAGE);
    model_interrupt_pending(true);
    assert_int_equal(unmap(0, 0), CAVERN_OK);
    model_interrupt_pending(false);
    assert_int_equal(view->count, 0);
    assert_int_equal(view->bytes, 0);
    assert_int_equal(self.process->account->budget.used, used);
    assert_int_equal(unmap(0, 0), CAVERN_OK);
}

/* Nothing of it is left with its last handle. [DEV-DMA-5] [DEV-DMA-8] */
static void test_dma_derived_takes_its_mappings_along(void **state)
{
    (void)state;
    cavern_handle buffer = peer_buffer(&self, PAGE);
    const struct budget *budget = &self.process->account->budget;
    uint64_t used = budget->used, free = memory_free();
    assert_int_equal(peer_call(&self, DERIVE, dma, [6] = CAVERN_SELF_ACCOUNT), CAVERN_OK);
    cavern_handle derived = self.x[1];
    for (unsigned i = 0; i < 200; i++)
        assert_int_equal(map(&self, derived, buffer, 0, PAGE, WRITES), CAVERN_OK);
    assert_int_equal(view->count, 0);
    assert_int_equal(peer_call(&self, HANDLE_CLOSE, buffer), CAVERN_OK);
    assert_int_equal(peer_call(&self, HANDLE_CLOSE, derived), CAVERN_OK);
    assert_true(budget->used < used);
    assert_true(memory_free() > free);
}

/* [DEV-DMA-7] */
static void test_dma_map_without_memory_changes_nothing(void **state)
{
    (void)state;
    cavern_handle buffer = peer_buffer(&self, PAGE);
    uint64_t used = self.process->account->budget.used, root = model_root()->budget.used;
    model_fail_allocation(1);
    assert_int_equal(map(&self, dma, buffer, 0, PAGE, WRITES), CAVERN_NO_MEMORY);
    model_fail_allocation(0);
    assert_int_equal(view->count, 0);
    assert_int_equal(self.process->account->budget.used, used);
    assert_int_equal(peer_call(&self, BUFFER_SEAL, buffer), CAVERN_OK); /* it is no writer */
    assert_int_equal(map(&self, dma, buffer, 0, PAGE, READS), CAVERN_OK);
    assert_true(self.process->account->budget.used > used); /* who maps pays */
    assert_int_equal(model_root()->budget.used, root);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_dma_map_gives_the_physical_address, start),
        cmocka_unit_test_setup(test_dma_map_wants_one_piece, start),
        cmocka_unit_test_setup(test_dma_map_of_blocks, start),
        cmocka_unit_test_setup(test_dma_mapping_keeps_the_memory, start),
        cmocka_unit_test_setup(test_dma_unmap_takes_the_oldest_alike, start),
        cmocka_unit_test_setup(test_dma_unmap_all_goes_in_steps, start),
        cmocka_unit_test_setup(test_dma_derived_takes_its_mappings_along, start),
        cmocka_unit_test_setup(test_dma_map_without_memory_changes_nothing, start),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
