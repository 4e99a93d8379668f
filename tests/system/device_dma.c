/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory that a device reads and writes: QEMU's fw_cfg, which copies between its items and guest memory (QEMU,
 * docs/specs/fw_cfg). Item 0 holds "QEMU".
 */
#include "test.h"

#define FW_CFG UINT64_C(0x9020000)
#define FW_CFG_DMA 16 /* register: address of what is to be done, most significant byte first */

struct fw_cfg_access {
    uint32_t control; /* all fields most significant byte first */
    uint32_t length;
    uint64_t address;
};

enum { CONTROL_ERROR = 1, CONTROL_READ = 2, CONTROL_SELECT = 8 };

static cavern_handle dma, registers;
static volatile struct fw_cfg_access *order; /* in a page that the device reads */
static uint64_t order_address;

static struct cavern_dma_info info(cavern_handle handle)
{
    struct cavern_dma_info info;
    uint64_t next, written;
    CHECK_OK(cavern_sys_inspect(handle, CAVERN_INSPECT_DMA, 0, (uintptr_t)&info, sizeof(info), &next, &written));
    CHECK_EQUAL(written, sizeof(info));
    return info;
}

static cavern_handle new_buffer(uint64_t bytes, unsigned flags, void **memory)
{
    cavern_handle buffer;
    CHECK_OK(cavern_buffer_create(CAVERN_SELF_ACCOUNT, bytes, flags, &buffer));
    CHECK_OK(cavern_buffer_map(buffer, 0, bytes, CAVERN_PROT_READ | CAVERN_PROT_WRITE, memory));
    return buffer;
}

static uint64_t map_whole(cavern_handle buffer, uint64_t bytes)
{
    uint64_t address;
    CHECK_OK(cavern_dma_map(dma, buffer, 0, bytes, CAVERN_PROT_READ | CAVERN_PROT_WRITE, &address));
    return address;
}

static void set_up(void)
{
    void *memory;
    CHECK_OK(cavern_sys_derive(test_handle(CAVERN_STARTUP_DMA), 0, 0, 0, CAVERN_SELF_ACCOUNT, &dma));
    CHECK_OK(cavern_sys_derive(test_handle(CAVERN_STARTUP_DEVICES), FW_CFG, 24, 0, CAVERN_SELF_ACCOUNT, &registers));
    cavern_handle buffer = new_buffer(CAVERN_PAGE_SIZE, 0, &memory);
    order = memory;
    order_address = map_whole(buffer, CAVERN_PAGE_SIZE);
}

/* Has the device write the first four bytes of item 0 there. */
static void device_writes(uint64_t address)
{
    order->control = __builtin_bswap32(CONTROL_READ | CONTROL_SELECT);
    order->length = __builtin_bswap32(4);
    order->address = __builtin_bswap64(address);
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    CHECK_OK(cavern_device_write(registers, FW_CFG_DMA, 8, __builtin_bswap64(order_address)));
    uint64_t deadline = cavern_after(CAVERN_SECOND);
    while (order->control & ~__builtin_bswap32(CONTROL_ERROR) && cavern_now() < deadline)
        ;
    CHECK_EQUAL(order->control, 0);
}

static void devices_find_what_is_mapped(void)
{
    enum { BYTES = 64 * 1024 };
    void *memory;
    set_up();
    cavern_handle buffer = new_buffer(BYTES, CAVERN_BUFFER_CONTIGUOUS, &memory);
    uint64_t whole = map_whole(buffer, BYTES), part;
    device_writes(whole);
    device_writes(whole + BYTES - 4);
    CHECK(!memcmp(memory, "QEMU", 5));
    CHECK(!memcmp((char *)memory + BYTES - 4, "QEMU", 4));
    CHECK_OK(cavern_dma_map(dma, buffer, 0x3000, 0x2000, CAVERN_PROT_READ, &part));
    device_writes(part + 0x1ffe);
    CHECK(!memcmp((char *)memory + 0x4ffe, "QEMU", 4));
}

static void scattered_memory_is_mapped_by_pages(void)
{
    enum { PAGES = 64 };
    cavern_handle others[PAGES], buffer;
    void *memory;
    uint64_t address, before = 0;
    unsigned pieces = 0;
    set_up();
    for (unsigned i = 0; i < PAGES; i++) /* holes in the free memory */
        CHECK_OK(cavern_buffer_create(CAVERN_SELF_ACCOUNT, CAVERN_PAGE_SIZE, 0, &others[i]));
    for (unsigned i = 0; i < PAGES; i += 2)
        cavern_handle_close(others[i]);
    buffer = new_buffer(PAGES * CAVERN_PAGE_SIZE, 0, &memory);
    for (unsigned i = 0; i < PAGES; i++) {
        CHECK_OK(cavern_dma_map(dma, buffer, i * CAVERN_PAGE_SIZE, CAVERN_PAGE_SIZE, CAVERN_PROT_READ, &address));
        device_writes(address + i);
        CHECK(!memcmp((char *)memory + i * CAVERN_PAGE_SIZE + i, "QEMU", 4));
        pieces += address != before + CAVERN_PAGE_SIZE;
        before = address;
    }
    CHECK(pieces > 1);
    CHECK_STATUS(cavern_dma_map(dma, buffer, 0, PAGES * CAVERN_PAGE_SIZE, CAVERN_PROT_READ, &address),
                 CAVERN_TOO_LARGE);
}

static void map_and_die(void)
{
    cavern_handle buffer;
    uint64_t address;
    CHECK_OK(cavern_buffer_create(CAVERN_SELF_ACCOUNT, CAVERN_PAGE_SIZE, 0, &buffer));
    CHECK_OK(cavern_dma_map(test_handle("dma"), buffer, 0, CAVERN_PAGE_SIZE, CAVERN_PROT_READ | CAVERN_PROT_WRITE,
                            &address));
    (void)!cavern_sys_process_end(CAVERN_SELF_PROCESS, address);
}

/* A driver dies, its device goes on writing: into memory that nobody else has. */
static void memory_outlives_who_mapped_it(void)
{
    struct test_peer peer;
    uint64_t words[5];
    void *memory;
    set_up();
    cavern_handle buffer = new_buffer(CAVERN_PAGE_SIZE, 0, &memory);
    struct cavern_spawn_handle rows[] = {test_give("dma", dma, CAVERN_RIGHT_MANAGE)};
    test_peer("map and die", rows, 1, &peer);
    test_peer_exit(&peer, words, true);
    uint64_t used = test_used(), address = words[CAVERN_EXIT_CODE];
    CHECK_EQUAL(info(dma).mappings, 2);
    CHECK(address != map_whole(buffer, CAVERN_PAGE_SIZE));
    for (unsigned i = 0; i < 64; i++) {
        cavern_handle other;
        uint64_t own;
        CHECK_OK(cavern_buffer_create(CAVERN_SELF_ACCOUNT, CAVERN_PAGE_SIZE, 0, &other));
        CHECK_OK(cavern_dma_map(dma, other, 0, CAVERN_PAGE_SIZE, CAVERN_PROT_READ, &own));
        CHECK(own != address);
        CHECK_OK(cavern_dma_unmap(dma, own, CAVERN_PAGE_SIZE));
        cavern_handle_close(other);
    }
    device_writes(address);
    cavern_dma_unmap_all(dma); /* as its successor does */
    CHECK_EQUAL(info(dma).mappings, 0);
    CHECK(test_used() < used);
}

static void mappings_go_one_by_one_or_all(void)
{
    void *memory;
    set_up();
    cavern_handle buffer = new_buffer(CAVERN_PAGE_SIZE, 0, &memory);
    uint64_t used = test_used(), address = map_whole(buffer, CAVERN_PAGE_SIZE);
    CHECK_EQUAL(map_whole(buffer, CAVERN_PAGE_SIZE), address); /* alike */
    CHECK_EQUAL(info(dma).mappings, 3);
    CHECK_EQUAL(info(dma).bytes, 3 * CAVERN_PAGE_SIZE);
    CHECK_OK(cavern_dma_unmap(dma, address, CAVERN_PAGE_SIZE));
    CHECK_EQUAL(info(dma).mappings, 2);
    CHECK_OK(cavern_dma_unmap(dma, address, CAVERN_PAGE_SIZE));
    CHECK_STATUS(cavern_dma_unmap(dma, address, CAVERN_PAGE_SIZE), CAVERN_BAD_ARGUMENT);
    CHECK_EQUAL(info(dma).mappings, 1);
    for (unsigned i = 0; i < 1000; i++)
        CHECK_EQUAL(map_whole(buffer, CAVERN_PAGE_SIZE), address);
    CHECK(test_used() > used + 1000 * 64);
    cavern_handle_close(buffer);
    cavern_buffer_unmap(memory, CAVERN_PAGE_SIZE);
    device_writes(address); /* it is there still */
    cavern_dma_unmap_all(dma);
    CHECK_EQUAL(info(dma).bytes, 0);
    CHECK(test_used() < used);
}

static void view_takes_its_mappings_along(void)
{
    void *memory;
    set_up();
    cavern_handle other, buffer = new_buffer(CAVERN_PAGE_SIZE, 0, &memory);
    uint64_t address, used;
    for (unsigned i = 0; i < 2; i++) { /* the second time everything that is kept is there */
        used = test_used();
        CHECK_OK(cavern_sys_derive(dma, 0, 0, 0, CAVERN_SELF_ACCOUNT, &other));
        CHECK_EQUAL(info(other).mappings, 0);
        for (unsigned j = 0; j < 300; j++)
            CHECK_OK(cavern_dma_map(other, buffer, 0, CAVERN_PAGE_SIZE, CAVERN_PROT_READ, &address));
        CHECK_STATUS(cavern_dma_unmap(dma, address, CAVERN_PAGE_SIZE), CAVERN_BAD_ARGUMENT); /* another's */
        cavern_handle_close(other);
    }
    CHECK_EQUAL(test_used(), used);
}

static void what_devices_write_is_not_sealed(void)
{
    void *memory;
    uint64_t address;
    set_up();
    cavern_handle buffer = new_buffer(CAVERN_PAGE_SIZE, 0, &memory);
    cavern_buffer_unmap(memory, CAVERN_PAGE_SIZE);
    CHECK_OK(cavern_dma_map(dma, buffer, 0, CAVERN_PAGE_SIZE, CAVERN_PROT_READ, &address));
    address = map_whole(buffer, CAVERN_PAGE_SIZE);
    CHECK_STATUS(cavern_buffer_seal(buffer), CAVERN_BUSY);
    CHECK_OK(cavern_dma_unmap(dma, address, CAVERN_PAGE_SIZE)); /* the older one, which only reads */
    CHECK_STATUS(cavern_buffer_seal(buffer), CAVERN_BUSY);
    CHECK_OK(cavern_dma_unmap(dma, address, CAVERN_PAGE_SIZE));
    CHECK_OK(cavern_buffer_seal(buffer));
    CHECK_OK(cavern_dma_map(dma, buffer, 0, CAVERN_PAGE_SIZE, CAVERN_PROT_READ, &address));
    CHECK_STATUS(cavern_dma_map(dma, buffer, 0, CAVERN_PAGE_SIZE, CAVERN_PROT_READ | CAVERN_PROT_WRITE, &address),
                 CAVERN_DENIED);
}

const struct test_case test_cases[] = {
    {"devices find what is mapped", devices_find_what_is_mapped, "[DEV-DMA-1] [DEV-DMA-3]"},
    {"scattered memory is mapped by pages", scattered_memory_is_mapped_by_pages, "[DEV-DMA-3]"},
    {"memory outlives who mapped it", memory_outlives_who_mapped_it, "[DEV-DMA-5]"},
    {"mappings go one by one, or all", mappings_go_one_by_one_or_all, "[DEV-DMA-6] [DEV-DMA-7]"},
    {"a view takes its mappings along", view_takes_its_mappings_along, "[DEV-DMA-5] [DEV-DMA-8]"},
    {"what devices write is not sealed", what_devices_write_is_not_sealed, "[DEV-DMA-4] [DEV-DMA-6] [MEM-SEAL-1]"},
    {0},
};

const struct test_peer_function test_peers[] = {
    {"map and die", map_and_die},
    {0},
};
