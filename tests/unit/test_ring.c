/* SPDX-License-Identifier: BSD-2-Clause */
/* The ring's arithmetic, and a ring in use against a list of messages. */
#include "unit.h"

#include "core/random.h"
#include "core/ring.h"

/* [MSG-SEND-2] [MSG-SEND-4] */
static void test_ring_blocks_at_boundaries(void **state)
{
    static const struct {
        uint64_t payload;
        uint32_t leases, grants, blocks;
    } rows[] = {
        {0, 0, 0, 1},       {40, 0, 0, 1},      {41, 0, 0, 2},         {33, 0, 0, 1},         {24, 1, 0, 1},
        {24, 0, 1, 1},      {25, 1, 0, 2},      {8, 1, 1, 1},          {9, 1, 1, 2},          {0, 4, 4, 3},
        {16384, 0, 0, 257}, {16384, 4, 4, 259}, {16377, 4, 4, 259},    {16385, 0, 0, 0},      {UINT64_MAX, 0, 0, 0},
        {0, 5, 0, 0},       {0, 0, 5, 0},       {0, UINT32_MAX, 1, 0}, {0, 1, UINT32_MAX, 0},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        assert_int_equal(ring_blocks(rows[i].payload, rows[i].leases, rows[i].grants), rows[i].blocks);
    assert_int_equal(ring_blocks(CAVERN_PAYLOAD_MAX, 4, 4), RING_MESSAGE_BLOCKS_MAX);
}

static void test_ring_attachments_follow_the_padded_payload(void **state)
{
    (void)state;
    assert_int_equal(ring_attachment_offset(0), 24);
    assert_int_equal(ring_attachment_offset(1), 32);
    assert_int_equal(ring_attachment_offset(8), 32);
    assert_int_equal(ring_attachment_offset(16384), 24 + 16384);
}

/* [MSG-QUEUE-1] */
static void test_ring_capacity_is_a_power_of_two_in_bounds(void **state)
{
    static const uint64_t bad[] = {0, 1, 32, 63, 65, 96, 32767, 32769, 65536, UINT64_MAX, UINT64_C(1) << 63};
    struct ring ring;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        assert_false(ring_init(&ring, bad[i]));
    for (uint64_t capacity = 64; capacity <= 32768; capacity *= 2)
        assert_true(ring_init(&ring, capacity) && ring_invariants(&ring));
}

static void test_ring_push_wraps_in_the_ring_but_not_in_positions(void **state)
{
    struct ring ring;

    (void)state;
    assert_true(ring_init(&ring, 64));
    assert_int_equal(ring_push(&ring, 60), 0);
    assert_true(ring_accept_control(&ring, 60, 60));
    ring_retire(&ring, 60);
    assert_int_equal(ring_push(&ring, 10), 60);
    assert_int_equal(ring_push(&ring, 1), 70);
    assert_int_equal(ring_offset(&ring, 60), 60 * 64);
    assert_int_equal(ring_offset(&ring, 70), 6 * 64);
    assert_true(ring_invariants(&ring));
}

/* [MSG-SEND-3] */
static void test_ring_room_counts_used_and_reserved(void **state)
{
    struct ring ring;

    (void)state;
    assert_true(ring_init(&ring, 64));
    ring_push(&ring, 30);
    assert_true(ring_reserve(&ring, 30));
    assert_true(ring_room(&ring, 4));
    assert_false(ring_room(&ring, 5));
    assert_false(ring_room(&ring, UINT64_MAX));
    assert_false(ring_reserve(&ring, 5));
    assert_true(ring_fits(&ring, 64));
    assert_false(ring_fits(&ring, 65));
    ring_unreserve(&ring, 30);
    assert_true(ring_room(&ring, 34));
    assert_true(ring_invariants(&ring));
}

/* [MSG-REPLY-3] */
static void test_ring_ending_returns_what_it_does_not_use(void **state)
{
    struct ring ring;

    (void)state;
    assert_true(ring_init(&ring, 64));
    assert_true(ring_reserve(&ring, 40));
    assert_int_equal(ring_push_reserved(&ring, 40, 3), 0);
    assert_int_equal(ring.reserved, 0);
    assert_int_equal(ring_free(&ring), 61);
    assert_true(ring_invariants(&ring));
}

/* seen_head 10, seen_taken 20, tail 30: what may the owner write? */
static void test_ring_accept_control_demands_order_and_progress(void **state)
{
    static const struct {
        uint64_t head, taken;
        bool good;
    } rows[] = {
        {10, 20, true},          {15, 20, true},          {20, 20, true},
        {30, 30, true},          {10, 30, true},          {9, 20, false},
        {10, 19, false},         {21, 20, false},         {10, 31, false},
        {31, 31, false},         {0, 0, false},           {25, 24, false},
        {10, UINT64_MAX, false}, {UINT64_MAX, 20, false}, {UINT64_MAX, UINT64_MAX, false},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct ring ring = {.capacity = 64, .tail = 30, .seen_head = 10, .seen_taken = 20};
        struct ring before = ring;

        assert_int_equal(ring_accept_control(&ring, rows[i].head, rows[i].taken), rows[i].good);
        assert_true(ring_invariants(&ring));
        if (!rows[i].good)
            assert_memory_equal(&ring, &before, sizeof(ring));
    }
}

static void test_ring_retires_only_what_is_freed_whole(void **state)
{
    struct ring ring;

    (void)state;
    assert_true(ring_init(&ring, 64));
    ring_push(&ring, 4);
    ring_push(&ring, 4);
    assert_true(ring_accept_control(&ring, 5, 8));
    assert_true(ring_retirable(&ring, 4));
    assert_false(ring_retirable(&ring, 8));
    ring_retire(&ring, 4);
    assert_int_equal(ring_used(&ring), 4);
}

/* [MSG-BIND-4] [MSG-BIND-6] */
static void test_ring_unbind_counts_a_half_taken_message_as_taken(void **state)
{
    struct ring ring;

    (void)state;
    assert_true(ring_init(&ring, 64));
    ring_push(&ring, 4);
    ring_push(&ring, 4);
    ring_push(&ring, 4);
    assert_true(ring_accept_control(&ring, 0, 6));
    ring_unbind(&ring, 8);
    assert_true(ring_invariants(&ring));
    assert_int_equal(ring_used(&ring), 4);
    assert_true(ring_accept_control(&ring, 8, 8));
    assert_false(ring_accept_control(&ring, 6, 8));
}

enum {
    MESSAGES_MAX = 64,
};

/* Ends of the messages that are not retired, oldest first. */
struct model {
    uint64_t ends[MESSAGES_MAX];
    int count;
    uint64_t reserved;
    uint64_t start;
};

static uint64_t model_used(const struct model *model)
{
    return model->count ? model->ends[model->count - 1] - model->start : 0;
}

static void retire_freed(struct ring *ring, struct model *model)
{
    int retired = 0;

    for (; retired < model->count && ring_retirable(ring, model->ends[retired]); retired++) {
        ring_retire(ring, model->ends[retired]);
        model->start = model->ends[retired];
    }
    model->count -= retired;
    memmove(model->ends, model->ends + retired, (size_t)model->count * sizeof(model->ends[0]));
}

static void test_ring_at_random_never_holds_more_than_it_can(void **state)
{
    struct model model = {.count = 0};
    struct ring ring;
    struct random random;

    (void)state;
    random_seed(&random, 31);
    assert_true(ring_init(&ring, 64));
    for (int step = 0; step < 50000; step++) {
        uint32_t blocks = 1 + (uint32_t)random_below(&random, 12);
        bool room = model_used(&model) + model.reserved + blocks <= 64;
        uint64_t taken, head;

        assert_int_equal(ring_room(&ring, blocks), room);
        switch (random_below(&random, 4)) {
        case 0:
            if (room) {
                model.ends[model.count++] = ring.tail + blocks;
                ring_push(&ring, blocks);
            }
            break;
        case 1:
            assert_int_equal(ring_reserve(&ring, blocks), room);
            model.reserved += room ? blocks : 0;
            break;
        case 2:
            if (blocks > model.reserved)
                break;
            taken = ring.tail;
            model.ends[model.count++] = taken + 1;
            assert_int_equal(ring_push_reserved(&ring, blocks, 1), taken);
            assert_int_equal(ring.tail, taken + 1);
            model.reserved -= blocks;
            break;
        default:
            taken = ring.seen_taken + random_below(&random, ring.tail - ring.seen_taken + 1);
            head = ring.seen_head + random_below(&random, taken - ring.seen_head + 1);
            assert_true(ring_accept_control(&ring, head, taken));
            retire_freed(&ring, &model);
        }
        assert_true(ring_invariants(&ring));
        assert_int_equal(ring_free(&ring), 64 - model_used(&model) - model.reserved);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ring_blocks_at_boundaries),
        cmocka_unit_test(test_ring_attachments_follow_the_padded_payload),
        cmocka_unit_test(test_ring_capacity_is_a_power_of_two_in_bounds),
        cmocka_unit_test(test_ring_push_wraps_in_the_ring_but_not_in_positions),
        cmocka_unit_test(test_ring_room_counts_used_and_reserved),
        cmocka_unit_test(test_ring_ending_returns_what_it_does_not_use),
        cmocka_unit_test(test_ring_accept_control_demands_order_and_progress),
        cmocka_unit_test(test_ring_retires_only_what_is_freed_whole),
        cmocka_unit_test(test_ring_unbind_counts_a_half_taken_message_as_taken),
        cmocka_unit_test(test_ring_at_random_never_holds_more_than_it_can),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
