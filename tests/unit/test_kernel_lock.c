/* SPDX-License-Identifier: BSD-2-Clause */
/* How long a short cut looks on while somebody else has the kernel lock. Moments pass one at a time; in some of them
 * the lock is given back, another CPU draws a ticket, or an interrupt comes. */
#include "unit.h"

#include "arch/aarch64/kernel_lock.h"

#define NEVER 1000

struct kernel_lock kernel_lock;
static unsigned moments, given_back, wanted, interrupt;

bool interrupt_is_pending(void)
{
    return moments >= interrupt;
}

void wait_moment(void)
{
    moments++;
    if (moments == given_back)
        kernel_lock.served = kernel_lock.next;
    if (moments == wanted)
        kernel_lock.next++;
}

/* Somebody has the lock. */
static int start(void **state)
{
    (void)state;
    kernel_lock = (struct kernel_lock){.next = 8, .served = 7};
    moments = 0;
    given_back = wanted = interrupt = NEVER;
    return 0;
}

static void shares(bool expected, unsigned after)
{
    bool sharing = false;
    assert_int_equal(kernel_lock_share(&sharing), expected);
    assert_int_equal(sharing, expected);
    assert_int_equal(moments, after);
}

/* [SCHED-18] */
static void test_share_waits_until_the_lock_is_free(void **state)
{
    (void)state;
    given_back = 2;
    shares(true, 2);
}

static void test_share_ends_after_its_looks(void **state)
{
    (void)state;
    shares(false, SHARE_LOOKS);
}

static void test_share_ends_when_another_stands_in_line(void **state)
{
    (void)state;
    wanted = 1;
    shares(false, 1);
}

/* [SCHED-13] */
static void test_share_ends_with_an_interrupt(void **state)
{
    (void)state;
    interrupt = 1;
    shares(false, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_share_waits_until_the_lock_is_free, start),
        cmocka_unit_test_setup(test_share_ends_after_its_looks, start),
        cmocka_unit_test_setup(test_share_ends_when_another_stands_in_line, start),
        cmocka_unit_test_setup(test_share_ends_with_an_interrupt, start),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
