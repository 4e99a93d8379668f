/* SPDX-License-Identifier: BSD-2-Clause */
/* A UART's byte queues and who waits for them. spec/services/uart.md. */
#include "unit.h"

#include "../../drivers/pl011/policy.h"

static struct uart uart;
static struct uart_effect effect;

static int start(void **state)
{
    (void)state;
    memset(&uart, 0, sizeof uart);
    return 0;
}

static enum uart_effect_kind ask(uint32_t request, unsigned operation, uint32_t value, unsigned bytes)
{
    static struct stream_data data;
    data.request = (struct rpc_request){.operation = (uint16_t)operation, .version = RPC_VERSION, .value = value};
    for (unsigned i = 0; i < bytes && i < sizeof data.bytes; i++)
        data.bytes[i] = (uint8_t)(request + i);
    uart_request(&uart, request, &data, (unsigned)sizeof data.request + bytes, &effect);
    assert_true(uart_invariants(&uart));
    return effect.kind;
}

static bool next(bool idle)
{
    uart_next_effect(&uart, idle, &effect);
    assert_true(uart_invariants(&uart));
    return effect.kind != UART_EFFECT_NONE;
}

/* [UART-1] */
static void test_uart_writes_leave_in_order(void **state)
{
    (void)state;
    assert_int_equal(ask(10, STREAM_WRITE, 3, 3), UART_EFFECT_NONE);
    assert_int_equal(ask(20, STREAM_WRITE, 2, 2), UART_EFFECT_NONE);
    static const uint8_t expected[] = {10, 11, 12, 20, 21};
    uint8_t byte;
    for (unsigned i = 0; i < COUNT_OF(expected); i++) {
        assert_true(uart_take_output(&uart, &byte));
        assert_int_equal(byte, expected[i]);
    }
    assert_false(uart_take_output(&uart, &byte));
}

/* [UART-2] */
static void test_uart_write_answered_when_queue_is_short(void **state)
{
    (void)state;
    uint8_t byte;
    for (unsigned i = 1; i <= 3; i++)
        assert_int_equal(ask(i, STREAM_WRITE, 1000, 1000), UART_EFFECT_NONE);
    assert_true(next(true));
    assert_int_equal(effect.request, 1);
    assert_int_equal(effect.status, CAVERN_OK);
    assert_false(next(true));
    for (unsigned i = 0; i < 2000 - UART_AHEAD; i++)
        assert_true(uart_take_output(&uart, &byte));
    assert_true(next(false));
    assert_int_equal(effect.request, 2);
    assert_false(next(false));
}

/* [UART-2] */
static void test_uart_write_without_room_is_busy(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 16; i++)
        assert_int_equal(ask(i + 1, STREAM_WRITE, 1024, 1024), UART_EFFECT_NONE);
    uint64_t written = uart.written;
    assert_int_equal(ask(99, STREAM_WRITE, 1, 1), UART_EFFECT_REPLY);
    assert_int_equal(effect.status, CAVERN_BUSY);
    assert_int_equal(uart.written, written);
}

static void test_uart_too_many_waiters_is_busy(void **state)
{
    (void)state;
    for (unsigned i = 0; i < UART_WAITERS; i++)
        assert_int_equal(ask(i + 1, STREAM_FLUSH, 0, 0), UART_EFFECT_NONE);
    assert_int_equal(ask(99, STREAM_FLUSH, 0, 0), UART_EFFECT_REPLY);
    assert_int_equal(effect.status, CAVERN_BUSY);
    assert_int_equal(ask(99, STREAM_WRITE, 1, 1), UART_EFFECT_REPLY);
    assert_int_equal(effect.status, CAVERN_BUSY);
}

static void test_uart_flush_waits_for_the_device(void **state)
{
    (void)state;
    uint8_t byte;
    assert_int_equal(ask(1, STREAM_WRITE, 1, 1), UART_EFFECT_NONE);
    assert_int_equal(ask(2, STREAM_FLUSH, 0, 0), UART_EFFECT_NONE);
    assert_true(next(true));
    assert_int_equal(effect.request, 1);
    assert_false(next(true));
    assert_false(uart_awaits_idle(&uart));
    assert_true(uart_take_output(&uart, &byte));
    assert_true(uart_awaits_idle(&uart));
    assert_false(next(false));
    assert_true(next(true));
    assert_int_equal(effect.request, 2);
}

/* [UART-3] */
static void test_uart_read_gets_what_is_there(void **state)
{
    (void)state;
    assert_int_equal(ask(1, STREAM_READ, 100, 0), UART_EFFECT_NONE);
    assert_false(next(true));
    assert_int_equal(ask(2, STREAM_READ, 100, 0), UART_EFFECT_REPLY);
    assert_int_equal(effect.request, 1);
    assert_int_equal(effect.status, CAVERN_BUSY);
    uart_put_input(&uart, 'a', false);
    uart_put_input(&uart, 'b', false);
    assert_true(next(true));
    assert_int_equal(effect.kind, UART_EFFECT_DATA);
    assert_int_equal(effect.request, 2);
    assert_int_equal(effect.data.reply.value, 2);
    assert_memory_equal(effect.data.bytes, "ab", 2);
    uart_return_input(&uart, 2);
    assert_int_equal(ask(3, STREAM_READ, 100, 0), UART_EFFECT_NONE);
    assert_true(next(true));
    assert_memory_equal(effect.data.bytes, "ab", 2);
    assert_int_equal(ask(3, STREAM_READ, 1, 0), UART_EFFECT_NONE);
    uart_put_input(&uart, 'c', false);
    uart_put_input(&uart, 'd', false);
    assert_true(next(true));
    assert_int_equal(effect.data.reply.value, 1);
    assert_false(next(true));
}

/* [UART-4] */
static void test_uart_full_input_stops_reading_and_counts_losses(void **state)
{
    (void)state;
    for (unsigned i = 0; i < UART_INPUT; i++) {
        assert_true(uart_has_room(&uart));
        uart_put_input(&uart, (uint8_t)i, i == 9);
    }
    assert_false(uart_has_room(&uart));
    assert_int_equal(uart.overruns, 1);
    assert_int_equal(ask(1, STREAM_READ, 5000, 0), UART_EFFECT_NONE);
    assert_true(next(true));
    assert_int_equal(effect.data.reply.value, STREAM_BYTES_MAX);
    assert_true(uart_has_room(&uart));
}

/* [UART-5] [RPC-2] */
static void test_uart_bad_requests_refused(void **state)
{
    (void)state;
    static const struct {
        unsigned operation;
        uint32_t value;
        unsigned bytes;
        enum cavern_status status;
    } cases[] = {
        {STREAM_WRITE, 4, 3, CAVERN_BAD_ARGUMENT},
        {STREAM_WRITE, 1025, 1024, CAVERN_BAD_ARGUMENT},
        {STREAM_WRITE, UINT32_MAX, 8, CAVERN_BAD_ARGUMENT},
        {STREAM_READ, 0, 0, CAVERN_BAD_ARGUMENT},
        {99, 0, 0, CAVERN_UNSUPPORTED},
    };
    for (unsigned i = 0; i < COUNT_OF(cases); i++) {
        assert_int_equal(ask(1, cases[i].operation, cases[i].value, cases[i].bytes), UART_EFFECT_REPLY);
        assert_int_equal(effect.status, cases[i].status);
    }
    struct rpc_request request = {.operation = STREAM_READ, .version = 2, .value = 1};
    uart_request(&uart, 1, &request, sizeof request, &effect);
    assert_int_equal(effect.status, CAVERN_UNSUPPORTED);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, start)
    const struct CMUnitTest tests[] = {
        TEST(test_uart_writes_leave_in_order),
        TEST(test_uart_write_answered_when_queue_is_short),
        TEST(test_uart_write_without_room_is_busy),
        TEST(test_uart_too_many_waiters_is_busy),
        TEST(test_uart_flush_waits_for_the_device),
        TEST(test_uart_read_gets_what_is_there),
        TEST(test_uart_full_input_stops_reading_and_counts_losses),
        TEST(test_uart_bad_requests_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
