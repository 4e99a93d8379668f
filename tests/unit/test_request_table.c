/* SPDX-License-Identifier: BSD-2-Clause */
/* The table of pending requests against a queue of free slots. */
#include "unit.h"

#include "core/random.h"
#include "core/request_table.h"

enum {
    PAGES = 3,
    SLOTS_MAX = PAGES * REQUEST_SLOTS_PER_PAGE,
};

struct fixture {
    struct request_slot *pages[PAGES];
    struct request_table table;
};

static int setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));

    for (int i = 0; i < PAGES; i++)
        fixture->pages[i] = calloc(REQUEST_SLOTS_PER_PAGE, sizeof(struct request_slot));
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;

    for (int i = 0; i < PAGES; i++)
        free(fixture->pages[i]);
    free(fixture);
    return 0;
}

static struct request_table *begin(void **state, uint32_t slots)
{
    struct fixture *fixture = *state;

    assert_true(request_table_init(&fixture->table, fixture->pages, slots));
    return &fixture->table;
}

static uint32_t take(struct request_table *table)
{
    uint32_t id = request_take(table);

    assert_int_not_equal(id, 0);
    assert_true(request_table_invariants(table));
    return id;
}

static void test_request_table_pages_round_up(void **state)
{
    (void)state;
    assert_int_equal(request_table_pages(0), 0);
    assert_int_equal(request_table_pages(1), 1);
    assert_int_equal(request_table_pages(512), 1);
    assert_int_equal(request_table_pages(513), 2);
    assert_int_equal(request_table_pages(32768), 64);
}

/* [MSG-QUEUE-1] */
static void test_request_table_of_impossible_size_is_refused(void **state)
{
    struct fixture *fixture = *state;

    assert_false(request_table_init(&fixture->table, fixture->pages, REQUEST_SLOTS_MAX + 1));
    assert_true(request_table_init(&fixture->table, fixture->pages, REQUEST_SLOTS_MAX));
}

/* [MSG-QUEUE-1] */
static void test_request_table_without_slots_takes_nothing(void **state)
{
    struct request_table *table = begin(state, 0);

    assert_int_equal(request_take(table), 0);
    assert_int_equal(request_find(table, 0x10001), REQUEST_NONE);
    assert_true(request_table_invariants(table));
}

/* [MSG-REQUEST-5] */
static void test_request_ids_run_through_fresh_slots_then_oldest_freed(void **state)
{
    struct request_table *table = begin(state, 4);
    static const uint32_t expected[] = {0x10001, 0x10002, 0x10003, 0x10004};

    assert_int_equal(take(table), expected[0]);
    assert_int_equal(take(table), expected[1]);
    assert_true(request_release(table, expected[1]));
    assert_true(request_release(table, expected[0]));
    assert_int_equal(take(table), expected[2]);
    assert_int_equal(take(table), expected[3]);
    assert_int_equal(take(table), 0x20002);
    assert_int_equal(take(table), 0x20001);
}

/* [MSG-REQUEST-4] */
static void test_request_take_when_full_is_refused(void **state)
{
    struct request_table *table = begin(state, SLOTS_MAX);

    for (uint32_t i = 0; i < SLOTS_MAX; i++) {
        assert_int_equal(request_table_free(table), SLOTS_MAX - i);
        take(table);
    }
    assert_int_equal(request_take(table), 0);
    assert_int_equal(request_find(table, 0x10000 | (SLOTS_MAX + 1)), REQUEST_NONE);
    assert_true(request_release(table, 0x10000 | SLOTS_MAX));
    assert_int_equal(take(table), 0x20000 | SLOTS_MAX);
}

/* [MSG-REPLY-1] */
static void test_request_find_of_what_is_not_pending_finds_nothing(void **state)
{
    struct request_table *table = begin(state, 300);
    uint32_t id = take(table);
    static const uint32_t bad[] = {0, 1, 0x10000, 0x10002, 0x20001, 0xffff0001, 0x1012c, 0x1012d, 0x1ffff, UINT32_MAX};

    assert_int_equal(request_find(table, id), 0);
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        assert_int_equal(request_find(table, bad[i]), REQUEST_NONE);
        assert_false(request_release(table, bad[i]));
    }
    assert_true(request_release(table, id));
    assert_int_equal(request_find(table, id), REQUEST_NONE);
    assert_int_equal(request_find(table, id + 0x10000), REQUEST_NONE);
    assert_false(request_release(table, id));
    assert_int_equal(request_id(table, 0), 0);
}

/* [MSG-REQUEST-5] */
static void test_request_generation_skips_zero(void **state)
{
    struct request_table *table = begin(state, 1);
    uint32_t id = 0;

    for (uint32_t generation = 1; generation <= 0xffff; generation++) {
        id = request_take(table);
        assert_int_equal(id, generation << 16 | 1);
        assert_true(request_release(table, id));
    }
    assert_int_equal(take(table), 0x10001);
}

static void test_request_table_at_random_agrees_with_model(void **state)
{
    enum { SLOTS = 260 };
    struct request_table *table = begin(state, SLOTS);
    uint32_t free_slots[SLOTS], generations[SLOTS], pending[SLOTS];
    uint32_t free_count = SLOTS, pending_count = 0;
    struct random random;

    random_seed(&random, 41);
    for (uint32_t i = 0; i < SLOTS; i++) {
        free_slots[i] = i;
        generations[i] = 1;
    }
    for (int step = 0; step < 20000; step++) {
        uint32_t id = 0;

        if (random_below(&random, 2)) {
            id = request_take(table);
            assert_int_equal(id, free_count ? generations[free_slots[0]] << 16 | (free_slots[0] + 1) : 0);
            if (!free_count)
                continue;
            memmove(free_slots, free_slots + 1, --free_count * sizeof(free_slots[0]));
            pending[pending_count++] = id;
        } else if (pending_count) {
            uint32_t at = (uint32_t)random_below(&random, pending_count);
            uint32_t slot = (pending[at] & 0xffff) - 1;

            assert_int_equal(request_find(table, pending[at]), slot);
            assert_true(request_release(table, pending[at]));
            generations[slot]++;
            free_slots[free_count++] = slot;
            pending[at] = pending[--pending_count];
        }
        if (step % 64 == 0)
            assert_true(request_table_invariants(table));
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(test_request_table_pages_round_up),
        TEST(test_request_table_of_impossible_size_is_refused),
        TEST(test_request_table_without_slots_takes_nothing),
        TEST(test_request_ids_run_through_fresh_slots_then_oldest_freed),
        TEST(test_request_take_when_full_is_refused),
        TEST(test_request_find_of_what_is_not_pending_finds_nothing),
        TEST(test_request_generation_skips_zero),
        TEST(test_request_table_at_random_agrees_with_model),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
