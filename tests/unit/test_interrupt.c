/* SPDX-License-Identifier: BSD-2-Clause */
/* Interrupts and signals as sources of notices. spec/devices.md, Interrupts; spec/messages.md, Notices. */
#include "unit.h"

#include <cavern/memory.h>

#include "object/account.h"
#include "object/interrupt.h"
#include "object/queue.h"
#include "peer.h"
#include "platform/platform.h"

static struct peer driver;
static struct interrupt *range;
static cavern_handle lines;
static struct taken got;

static int start(void **state)
{
    (void)state;
    model_start(64 << 20);
    peer_start(&driver, "driver", 20, 64, 8);
    range = interrupt_range_create(model_root());
    lines = model_give(driver.process, &range->object, CAVERN_RIGHTS_ALL);
    return 0;
}

static uint64_t derive(uint64_t line, uint64_t count, uint64_t trigger)
{
    return peer_call(&driver, DERIVE, lines, [3] = line, [4] = count, [5] = trigger, [6] = CAVERN_SELF_ACCOUNT);
}

static cavern_handle line_handle(uint64_t line)
{
    assert_int_equal(derive(line, 1, CAVERN_TRIGGER_LEVEL), CAVERN_OK);
    return driver.x[1];
}

static uint64_t notify_on(cavern_handle line, cavern_handle queue, uint64_t cpu)
{
    return peer_call(&driver, NOTIFY, line, [2] = 7, [3] = queue, [4] = cpu);
}

static uint64_t notify(cavern_handle source, cavern_handle queue)
{
    return notify_on(source, queue, 0);
}

/* The next message in the ring. */
static void expect(uint8_t kind, uint64_t word0, uint64_t word1)
{
    uint64_t words[2] = {0, word1};
    assert_true(peer_take(&driver, &got));
    assert_int_equal(got.header.kind, kind);
    assert_int_equal(got.header.label, 7);
    memcpy(words, got.body, got.header.size);
    assert_int_equal(words[0], word0);
    assert_int_equal(words[1], word1);
    peer_free(&driver);
}

/* [DEV-IRQ-1] [DEV-IRQ-2] */
static void test_interrupt_derive_checks_line_and_trigger(void **state)
{
    (void)state;
    assert_int_equal(derive(31, 1, 0), CAVERN_BAD_ARGUMENT);
    assert_int_equal(derive(MODEL_LINES, 1, 0), CAVERN_BAD_ARGUMENT);
    assert_int_equal(derive(1ull << 32 | 40, 1, 0), CAVERN_BAD_ARGUMENT);
    assert_int_equal(derive(40, 2, 0), CAVERN_BAD_ARGUMENT);
    assert_int_equal(derive(40, 0, 0), CAVERN_BAD_ARGUMENT);
    assert_int_equal(derive(40, 1, 2), CAVERN_BAD_ARGUMENT);
    model_line_level_only(50);
    assert_int_equal(derive(50, 1, CAVERN_TRIGGER_EDGE), CAVERN_BAD_ARGUMENT);
    assert_int_equal(derive(50, 1, CAVERN_TRIGGER_LEVEL), CAVERN_OK);
    assert_int_equal(derive(MODEL_LINES - 1, 1, CAVERN_TRIGGER_EDGE), CAVERN_OK);
    cavern_handle line = line_handle(40);
    assert_int_equal(derive(40, 1, 0), CAVERN_BUSY);
    assert_int_equal(peer_call(&driver, DERIVE, line, [3] = 40, [4] = 1, [6] = CAVERN_SELF_ACCOUNT),
                     CAVERN_BAD_ARGUMENT);
    assert_int_equal(peer_call(&driver, HANDLE_CLOSE, line), CAVERN_OK);
    assert_int_equal(derive(40, 1, 0), CAVERN_OK);
}

/* [ABI-FAIL-1] */
static void test_interrupt_derive_without_memory_leaves_the_line(void **state)
{
    (void)state;
    uint64_t used = driver.process->account->budget.used;
    model_fail_allocation(1);
    assert_int_equal(derive(40, 1, 0), CAVERN_NO_MEMORY);
    model_fail_allocation(0);
    assert_int_equal(driver.process->account->budget.used, used);
    assert_int_equal(derive(40, 1, 0), CAVERN_OK);
}

/* [DEV-IRQ-3] [DEV-IRQ-4] [DEV-IRQ-5] */
static void test_interrupt_is_masked_until_acknowledged(void **state)
{
    (void)state;
    cavern_handle line = line_handle(40);
    assert_true(model_line_masked(40));
    assert_int_equal(notify(line, driver.queue), CAVERN_OK);
    assert_false(model_line_masked(40));
    model_raise(40);
    assert_true(model_line_masked(40));
    expect(CAVERN_KIND_INTERRUPT, 40, 1);
    model_raise(40); /* still asserted: waits behind the mask */
    assert_false(peer_take(&driver, &got));
    assert_int_equal(peer_call(&driver, ACKNOWLEDGE, line), CAVERN_OK);
    assert_false(model_line_masked(40));
    interrupt_handle();
    expect(CAVERN_KIND_INTERRUPT, 40, 1);
    assert_true(model_line_masked(40));
}

/* [DEV-IRQ-3] [DEV-IRQ-7] */
static void test_interrupt_without_destination_is_masked(void **state)
{
    (void)state;
    cavern_handle line = line_handle(40);
    assert_int_equal(notify(line, driver.queue), CAVERN_OK);
    assert_int_equal(notify(line, CAVERN_NO_HANDLE), CAVERN_OK);
    assert_true(model_line_masked(40));
    assert_int_equal(peer_call(&driver, ACKNOWLEDGE, line), CAVERN_OK);
    assert_true(model_line_masked(40));
    assert_int_equal(notify(line, driver.queue), CAVERN_OK);
    assert_int_equal(peer_call(&driver, HANDLE_CLOSE, line), CAVERN_OK);
    assert_true(model_line_masked(40));
    model_raise(40);
    assert_false(peer_take(&driver, &got));
}

/* [DEV-IRQ-8] */
static void test_interrupt_comes_to_the_cpu_that_is_named(void **state)
{
    (void)state;
    model_add_cpus(2);
    cavern_handle line = line_handle(40);
    assert_int_equal(model_line_cpu(40), 0);
    static const uint64_t none[] = {3, 63, 64, 255, UINT64_C(1) << 32, UINT64_MAX};
    for (unsigned i = 0; i < COUNT_OF(none); i++)
        assert_int_equal(notify_on(line, driver.queue, none[i]), CAVERN_BAD_ARGUMENT);
    assert_true(model_line_masked(40)); /* nothing has changed */
    assert_int_equal(notify_on(line, driver.queue, 2), CAVERN_OK);
    assert_int_equal(notify_on(line, driver.queue, 3), CAVERN_BAD_ARGUMENT);
    assert_int_equal(model_line_cpu(40), 2);
    assert_false(model_line_masked(40));
    assert_int_equal(notify_on(line, CAVERN_NO_HANDLE, 1), CAVERN_OK);
    assert_int_equal(model_line_cpu(40), 1);
    assert_int_equal(peer_call(&driver, HANDLE_CLOSE, line), CAVERN_OK);
    (void)line_handle(40);
    assert_int_equal(model_line_cpu(40), 0);
}

/* [DEV-IRQ-9] */
static void test_interrupt_that_waits_moves_with_its_line(void **state)
{
    (void)state;
    model_add_cpus(1);
    cavern_handle line = line_handle(40);
    model_raise(40);
    assert_int_equal(notify_on(line, driver.queue, 1), CAVERN_OK);
    assert_int_equal(model_line_cpu(40), 1);
    interrupt_handle();
    expect(CAVERN_KIND_INTERRUPT, 40, 1);
    model_raise(40); /* told, and not acknowledged but by naming another CPU */
    assert_int_equal(notify_on(line, driver.queue, 0), CAVERN_OK);
    interrupt_handle();
    expect(CAVERN_KIND_INTERRUPT, 40, 1);
    assert_false(peer_take(&driver, &got));
}

/* [DEV-IRQ-6] */
static void test_interrupt_range_is_no_source(void **state)
{
    (void)state;
    assert_int_equal(notify(lines, driver.queue), CAVERN_BAD_ARGUMENT);
    assert_int_equal(peer_call(&driver, ACKNOWLEDGE, lines), CAVERN_BAD_ARGUMENT);
}

/* [DEV-IRQ-7] [MSG-NOTICE-6] */
static void test_interrupt_comes_again_to_the_successor(void **state)
{
    (void)state;
    struct peer supervisor, next;
    peer_start(&supervisor, "super", 20, 0, 0);
    cavern_handle line = line_handle(40), kept;
    void *object;
    assert_int_equal(process_lookup(driver.process, line, CAVERN_TYPE_INTERRUPT, 0, &object), CAVERN_OK);
    kept = model_give(supervisor.process, object, CAVERN_RIGHTS_ALL);
    struct peer old = driver;
    supervisor.queue = model_give(supervisor.process, &peer_queue(&driver)->object, CAVERN_RIGHTS_ALL);
    assert_int_equal(notify(line, driver.queue), CAVERN_OK);
    model_raise(40);
    expect(CAVERN_KIND_INTERRUPT, 40, 1);
    peer_end(&old);
    assert_true(model_line_masked(40));
    peer_start(&next, "next", 20, 0, 0);
    peer_adopt(&next, &supervisor);
    driver = next;
    expect(CAVERN_KIND_INTERRUPT, 40, 1);
    assert_int_equal(peer_call(&supervisor, ACKNOWLEDGE, kept), CAVERN_OK);
    assert_false(model_line_masked(40));
}

static void test_interrupt_nobody_has_is_masked(void **state)
{
    (void)state;
    platform_line_unmask(50);
    model_raise(50);
    assert_true(model_line_masked(50));
}

static void test_interrupt_preempts_for_its_driver(void **state)
{
    (void)state;
    cavern_handle line = line_handle(40);
    struct peer busy;
    peer_start(&busy, "busy", 5, 0, 0);
    assert_int_equal(notify(line, driver.queue), CAVERN_OK);
    assert_int_equal(peer_call(&driver, RECEIVE, driver.queue, [9] = CAVERN_FOREVER), MODEL_WAITS);
    assert_int_equal(peer_call(&busy, NOP, 0), CAVERN_OK);
    model_raise(40);
    assert_ptr_equal(arch_cpu()->current, driver.thread);
    assert_int_equal(peer_woken(&driver), CAVERN_OK);
    assert_int_equal(driver.x[4], 40);
    assert_int_equal(driver.x[5], 1);
}

/* [MSG-NOTICE-3] [MSG-NOTICE-5] */
static void test_signal_is_counted_and_told_once(void **state)
{
    (void)state;
    assert_int_equal(peer_call(&driver, SIGNAL_CREATE, CAVERN_SELF_ACCOUNT), CAVERN_OK);
    cavern_handle signal = driver.x[1];
    assert_int_equal(peer_call(&driver, SIGNAL_RAISE, signal), CAVERN_OK);
    assert_int_equal(peer_call(&driver, SIGNAL_RAISE, signal), CAVERN_OK);
    assert_int_equal(notify(signal, driver.queue), CAVERN_OK);
    expect(CAVERN_KIND_SIGNAL, 2, 0);
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(peer_call(&driver, SIGNAL_RAISE, signal), CAVERN_OK);
    assert_false(peer_take(&driver, &got));
    assert_int_equal(peer_call(&driver, ACKNOWLEDGE, signal), CAVERN_OK);
    expect(CAVERN_KIND_SIGNAL, 3, 0);
}

/* [ABI-HANDLE-4] [ABI-CALL-3] */
static void test_notify_bad_arguments_refused(void **state)
{
    (void)state;
    assert_int_equal(notify(driver.queue, driver.queue), CAVERN_BAD_HANDLE);
    assert_int_equal(notify(CAVERN_SELF_ACCOUNT, driver.queue), CAVERN_BAD_HANDLE);
    assert_int_equal(notify(CAVERN_SELF_PROCESS, lines), CAVERN_BAD_HANDLE);
    assert_int_equal(notify(99, driver.queue), CAVERN_BAD_HANDLE);
    assert_int_equal(peer_call(&driver, NOTIFY, CAVERN_SELF_PROCESS, [3] = driver.queue, [4] = 1), CAVERN_BAD_ARGUMENT);
    cavern_handle weak = model_give(driver.process, &driver.process->object, CAVERN_RIGHT_INSPECT);
    assert_int_equal(notify(weak, driver.queue), CAVERN_DENIED);
    assert_int_equal(peer_call(&driver, ACKNOWLEDGE, weak), CAVERN_DENIED);
    cavern_handle deaf = model_give(driver.process, &peer_queue(&driver)->object, CAVERN_RIGHT_MANAGE);
    assert_int_equal(notify(CAVERN_SELF_PROCESS, deaf), CAVERN_DENIED);
}

/* [ABI-FAIL-1] [MEM-ACCOUNT-6] */
static void test_signal_without_memory_changes_nothing(void **state)
{
    (void)state;
    uint64_t used = driver.process->account->budget.used;
    model_fail_allocation(1);
    assert_int_equal(peer_call(&driver, SIGNAL_CREATE, CAVERN_SELF_ACCOUNT), CAVERN_NO_MEMORY);
    model_fail_allocation(0);
    assert_int_equal(driver.process->account->budget.used, used);
    assert_int_equal(peer_call(&driver, SIGNAL_CREATE, CAVERN_SELF_ACCOUNT), CAVERN_OK);
    cavern_handle signal = driver.x[1];
    assert_int_equal(notify(signal, driver.queue), CAVERN_OK);
    assert_int_equal(peer_call(&driver, HANDLE_CLOSE, signal), CAVERN_OK);
    assert_int_equal(driver.process->account->budget.used, used);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_interrupt_derive_checks_line_and_trigger, start),
        cmocka_unit_test_setup(test_interrupt_derive_without_memory_leaves_the_line, start),
        cmocka_unit_test_setup(test_interrupt_is_masked_until_acknowledged, start),
        cmocka_unit_test_setup(test_interrupt_without_destination_is_masked, start),
        cmocka_unit_test_setup(test_interrupt_comes_to_the_cpu_that_is_named, start),
        cmocka_unit_test_setup(test_interrupt_that_waits_moves_with_its_line, start),
        cmocka_unit_test_setup(test_interrupt_range_is_no_source, start),
        cmocka_unit_test_setup(test_interrupt_comes_again_to_the_successor, start),
        cmocka_unit_test_setup(test_interrupt_nobody_has_is_masked, start),
        cmocka_unit_test_setup(test_interrupt_preempts_for_its_driver, start),
        cmocka_unit_test_setup(test_signal_is_counted_and_told_once, start),
        cmocka_unit_test_setup(test_notify_bad_arguments_refused, start),
        cmocka_unit_test_setup(test_signal_without_memory_changes_nothing, start),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
