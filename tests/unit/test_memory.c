/* SPDX-License-Identifier: BSD-2-Clause */
#include "memory_calls.h"

#define RAM (32ull << 20)
#define BASE MODEL_RAM_BASE

static int setup(void **state)
{
    (void)state;
    model_start(RAM);
    return 0;
}

static bool init(struct memory_region ram, const struct memory_region *used, size_t count)
{
    return memory_init(&ram, 1, used, count);
}

/* Takes all pages; none is among `used`, none comes twice. */
static void take_all(const struct memory_region *used, size_t count)
{
    bool seen[RAM / PAGE] = {false};
    uint64_t pages = memory_free() / PAGE, page;
    while (memory_take_page(&page)) {
        assert_in_range(page, BASE, BASE + RAM - PAGE);
        assert_false(seen[(page - BASE) / PAGE]);
        seen[(page - BASE) / PAGE] = true;
        for (size_t i = 0; i < count; i++)
            assert_true(page + PAGE <= used[i].base || page >= used[i].base + used[i].size);
        pages--;
    }
    assert_int_equal(pages, 0);
    assert_int_equal(memory_free(), 0);
}

static void test_init_keeps_what_is_used(void **state)
{
    (void)state;
    static const struct memory_region used[] = {
        {BASE, 3 * BLOCK + 5},
        {BASE + RAM - PAGE - 1, PAGE + 1},
        {BASE + 8 * BLOCK + 1, 1},
        {BASE + RAM, PAGE},
    };
    assert_true(init((struct memory_region){BASE, RAM}, used, COUNT_OF(used)));
    assert_int_equal(memory_total(), RAM);
    take_all(used, COUNT_OF(used));
}

static void test_init_finds_room_for_its_records_anywhere(void **state)
{
    (void)state;
    const struct memory_region used[] = {{BASE + 3 * PAGE, RAM - 3 * PAGE}, {BASE, PAGE}};
    assert_true(init((struct memory_region){BASE, RAM}, used, COUNT_OF(used)));
    take_all(used, COUNT_OF(used));
}

static void test_init_with_too_little_is_refused(void **state)
{
    (void)state;
    const struct memory_region all = {BASE, RAM};
    assert_false(init((struct memory_region){BASE, 0}, NULL, 0));
    assert_false(init((struct memory_region){BASE, 16}, NULL, 0));
    assert_false(init((struct memory_region){~0ull - PAGE, 2 * PAGE}, NULL, 0));
    assert_false(init((struct memory_region){BASE, RAM}, &all, 1));
    assert_false(init(all, &(struct memory_region){BASE + PAGE, ~0ull}, 1));
    assert_false(memory_init(NULL, 0, NULL, 0));
    struct memory_region many[64];
    for (size_t i = 0; i < COUNT_OF(many); i++)
        many[i] = (struct memory_region){BASE + 2 * i * PAGE, PAGE};
    assert_false(memory_init(many, COUNT_OF(many), NULL, 0));
}

static void test_take_page_is_zero(void **state)
{
    (void)state;
    uint64_t page;
    for (int i = 0; i < 2; i++) {
        assert_true(memory_take_page(&page));
        uint8_t *bytes = arch_direct(page);
        assert_true(!bytes[0] && !memcmp(bytes, bytes + 1, PAGE - 1));
        memset(bytes, 0xff, PAGE);
        memory_give(page, 1);
    }
}

static void test_give_returns_runs_and_blocks(void **state)
{
    (void)state;
    uint64_t before = memory_free(), run, block;
    assert_true(memory_take_run(300, &run));
    assert_true(memory_take_block(&block));
    assert_int_equal(memory_free(), before - 812 * PAGE);
    assert_false(memory_take_run(513, &(uint64_t){0}));
    assert_false(memory_take_run(0, &(uint64_t){0}));
    memory_give(run + 100 * PAGE, 200); /* in any cut */
    memory_give(run, 100);
    memory_give(block, 512);
    assert_int_equal(memory_free(), before);
}

/* [MEM-DEVICE-2] */
static void test_is_device_is_neither_ram_nor_excluded(void **state)
{
    (void)state;
    assert_true(memory_is_device(0, BASE));
    assert_false(memory_is_device(0, BASE + 1));
    assert_false(memory_is_device(BASE + RAM - 1, 1));
    assert_true(memory_is_device(BASE + RAM, ~0ull - BASE - RAM));
    assert_true(memory_exclude(0x8000000, 0x10000));
    assert_false(memory_is_device(0, BASE));
    assert_false(memory_is_device(0x800ffff, 1));
    assert_true(memory_is_device(0x8010000, 1));
    assert_false(memory_exclude(~0ull, 2));
    unsigned more = 0;
    while (memory_exclude(0x9000000 + more * PAGE, PAGE))
        more++;
    assert_int_equal(more, 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_init_keeps_what_is_used, setup),
        cmocka_unit_test_setup(test_init_finds_room_for_its_records_anywhere, setup),
        cmocka_unit_test_setup(test_init_with_too_little_is_refused, setup),
        cmocka_unit_test_setup(test_take_page_is_zero, setup),
        cmocka_unit_test_setup(test_give_returns_runs_and_blocks, setup),
        cmocka_unit_test_setup(test_is_device_is_neither_ram_nor_excluded, setup),
    };
    return cmocka_run_group_tests_name("memory", tests, NULL, NULL);
}
