/* SPDX-License-Identifier: BSD-2-Clause */
/* The owner's side of a ring over memory that the test writes as the kernel would: 64 blocks, and the same again. */
#include "unit.h"

#include <cavern/queue.h>

#include "../../libcavern/source/ring.h"

enum { BLOCKS = 64 };

struct fixture {
    uint64_t ring[2 * BLOCKS * CAVERN_BLOCK_SIZE / 8];
    struct cavern_control control;
    struct cavern_queue queue;
};

static struct fixture *make_ring(uint64_t position, uint64_t bound)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    fixture->control = (struct cavern_control){.head = position, .taken = position, .tail = position, .blocks = BLOCKS};
    cavern_queue_attach(&fixture->queue, 1, (uintptr_t)fixture->ring, (uintptr_t)&fixture->control, bound);
    return fixture;
}

/* Both halves, as the double mapping shows them. */
static void write_byte(struct fixture *fixture, uint64_t at, uint8_t value)
{
    uint64_t size = BLOCKS * CAVERN_BLOCK_SIZE;
    uint8_t *ring = (uint8_t *)fixture->ring;
    ring[at % size] = value;
    ring[at % size + size] = value;
}

static void push(struct fixture *fixture, struct cavern_header header, uint8_t fill)
{
    uint64_t at = fixture->control.tail * CAVERN_BLOCK_SIZE;
    for (size_t i = 0; i < sizeof header; i++)
        write_byte(fixture, at + i, ((const uint8_t *)&header)[i]);
    unsigned attachments = (header.attached & 15u) + (header.attached >> 4);
    unsigned bytes = ((header.size + 7u) & ~7u) + 16 * attachments;
    for (size_t i = 0; i < bytes; i++)
        write_byte(fixture, at + sizeof header + i, fill);
    fixture->control.tail += cavern_blocks(header.size, attachments);
}

static void test_ring_empty_gives_nothing(void **state)
{
    (void)state;
    struct fixture *fixture = make_ring(1000, 1000);
    struct cavern_message message;
    assert_false(cavern_queue_take(&fixture->queue, &message));
    free(fixture);
}

/* [MSG-SEND-2] */
static void test_ring_messages_take_their_blocks(void **state)
{
    (void)state;
    static const struct {
        unsigned size, attachments, blocks;
    } rows[] = {{0, 0, 1}, {40, 0, 1}, {41, 0, 2}, {24, 1, 1}, {25, 1, 2}, {16384, 8, 259}};
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        assert_int_equal(cavern_blocks(rows[i].size, rows[i].attachments), rows[i].blocks);
}

static void test_ring_message_over_the_end_is_contiguous(void **state)
{
    (void)state;
    struct fixture *fixture = make_ring(BLOCKS - 1, BLOCKS - 1);
    struct cavern_message message;
    push(fixture, (struct cavern_header){.size = 300, .kind = CAVERN_KIND_REQUEST, .attached = 0x21, .request = 9}, 7);
    assert_true(cavern_queue_take(&fixture->queue, &message));
    assert_int_equal(message.header.request, 9);
    assert_int_equal(message.lease_count, 1);
    assert_int_equal(message.grant_count, 2);
    for (size_t i = 0; i < 304 + 48; i++)
        assert_int_equal(((const uint8_t *)message.payload)[i], 7);
    assert_ptr_equal(message.leases, (const uint8_t *)message.payload + 304);
    assert_ptr_equal(message.grants, message.leases + 1);
    assert_int_equal(message.position, BLOCKS - 1);
    assert_int_equal(fixture->control.taken, fixture->control.tail);
    assert_int_equal(fixture->control.head, BLOCKS - 1);
    free(fixture);
}

static void test_ring_free_tells_of_waiters(void **state)
{
    (void)state;
    struct fixture *fixture = make_ring(0, 0);
    struct cavern_message first, second, third;
    push(fixture, (struct cavern_header){.size = 8, .kind = CAVERN_KIND_MESSAGE}, 1);
    push(fixture, (struct cavern_header){.size = 80, .kind = CAVERN_KIND_MESSAGE}, 2);
    assert_true(cavern_queue_take(&fixture->queue, &first));
    assert_true(cavern_queue_take(&fixture->queue, &second));
    assert_false(cavern_queue_take(&fixture->queue, &third));
    assert_false(cavern_ring_free(&fixture->queue, first.end));
    assert_int_equal(fixture->control.head, 1);
    fixture->control.waiters = 1;
    assert_true(cavern_ring_free(&fixture->queue, second.end));
    assert_int_equal(fixture->control.head, 3);
    free(fixture);
}

/* [MSG-BIND-6] */
static void test_ring_endings_of_a_predecessor_are_left_out(void **state)
{
    (void)state;
    struct fixture *fixture = make_ring(0, 3);
    struct cavern_message message;
    push(fixture, (struct cavern_header){.kind = CAVERN_KIND_REPLY, .label = 1}, 0);
    push(fixture, (struct cavern_header){.kind = CAVERN_KIND_MESSAGE, .label = 2}, 0);
    push(fixture, (struct cavern_header){.kind = CAVERN_KIND_ABANDONED, .label = 3}, 0);
    push(fixture, (struct cavern_header){.kind = CAVERN_KIND_REPLY, .label = 4}, 0);
    assert_true(cavern_queue_take(&fixture->queue, &message));
    assert_int_equal(message.header.label, 2);
    assert_int_equal(fixture->control.head, 1); /* the reply's block was free at once */
    assert_true(cavern_queue_take(&fixture->queue, &message));
    assert_int_equal(message.header.label, 4);
    assert_int_equal(fixture->control.head, 1); /* the message is still held */
    assert_false(cavern_queue_take(&fixture->queue, &message));
    free(fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ring_empty_gives_nothing),
        cmocka_unit_test(test_ring_messages_take_their_blocks),
        cmocka_unit_test(test_ring_message_over_the_end_is_contiguous),
        cmocka_unit_test(test_ring_free_tells_of_waiters),
        cmocka_unit_test(test_ring_endings_of_a_predecessor_are_left_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
