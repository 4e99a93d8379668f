/* SPDX-License-Identifier: BSD-2-Clause */
/* Programs on CPUs side by side, in every order that a few switches make and in many that are drawn. spec/testing.md */
#include "unit.h"

#include <limits.h>
#include <stdio.h>
#include <time.h>

#include "explore.h"
#include "scenarios.h"

#define RUNS 300

static uint64_t seed;
static unsigned percent; /* of the usual number of runs */

static uint64_t setting(const char *name, uint64_t otherwise)
{
    const char *value = getenv(name);
    return value ? strtoull(value, NULL, 0) : otherwise;
}

static void forget_counts(void)
{
    counts = (struct counts){0};
}

static void explore_some(const struct scenario *scenario)
{
    assert_true(explore_drawn(scenario, seed, RUNS * percent / 100));
}

/* With at most so many switches, or, where there is much time, `most`. */
static void explore_orders(const struct scenario *scenario, unsigned switches, unsigned most)
{
    assert_true(explore_all(scenario, percent < 100 ? switches - 1 : percent < 1000 ? switches : most));
}

#define SCENARIO(cpus, prepare, check)                                                                                 \
    &(const struct scenario)                                                                                           \
    {                                                                                                                  \
#prepare, cpus, forget_counts, prepare, check                                                                  \
    }

/* [MSG-SEND-5] [MSG-RECEIVE-1] [MSG-RECEIVE-2] [MSG-RECEIVE-3] */
static void test_interleave_letters(void **state)
{
    (void)state;
    explore_orders(SCENARIO(2, few_letters, NULL), 2, 2);
    explore_some(SCENARIO(3, letters, NULL));
}

/* [MSG-FREE-1] [MSG-FREE-2] [MSG-SPACE-1] */
static void test_interleave_room(void **state)
{
    (void)state;
    explore_orders(SCENARIO(2, little_room, NULL), 2, 2);
    explore_some(SCENARIO(3, room, NULL));
    explore_some(SCENARIO(3, room_that_is_told, NULL));
}

/* [MSG-NOTICE-1] [MSG-FREE-2] */
static void test_interleave_signals(void **state)
{
    (void)state;
    explore_orders(SCENARIO(2, little_signal, NULL), 2, 2);
    explore_some(SCENARIO(3, signals, NULL));
}

/* [SCHED-18] [MSG-CALL-1] [MSG-REQUEST-1] */
static void test_interleave_calls(void **state)
{
    (void)state;
    explore_orders(SCENARIO(2, one_call, NULL), 2, 3);
    explore_orders(SCENARIO(2, few_calls, NULL), 1, 2);
    explore_some(SCENARIO(3, calls, NULL));
    explore_some(SCENARIO(2, pairs, NULL));
    explore_some(SCENARIO(2, twins, NULL));
}

/* [SCHED-17] [MSG-CALL-6] */
static void test_interleave_deadlines(void **state)
{
    (void)state;
    explore_some(SCENARIO(2, deadlines, NULL));
}

/* [SCHED-18] [MSG-NOTICE-1] */
static void test_interleave_closing(void **state)
{
    (void)state;
    explore_some(SCENARIO(2, closing, closed_once));
    explore_some(SCENARIO(3, closing_beside, NULL));
}

/* [MSG-REQUEST-1] [MSG-CANCEL-1] [MSG-REPLY-1] [MSG-REPLY-4] */
static void test_interleave_requests(void **state)
{
    (void)state;
    explore_some(SCENARIO(2, requests, NULL));
}

/* [SCHED-16] [MSG-CALL-8] */
static void test_interleave_stops(void **state)
{
    (void)state;
    explore_orders(SCENARIO(2, stops, NULL), 1, 2);
    explore_some(SCENARIO(3, stops_of_callers, NULL));
}

/* [SCHED-16] [MSG-BIND-2] [MSG-CALL-7] */
static void test_interleave_deaths(void **state)
{
    (void)state;
    explore_some(SCENARIO(3, deaths, NULL));
}

/* [TEST-9] No switch between CPUs is needed but one in the wrong place. */
static void test_interleave_finds_a_lost_addition(void **state)
{
    (void)state;
    const struct scenario *scenario = SCENARIO(2, additions, all_are_added);
    assert_int_equal(explore_failing(scenario, seed, 100), 1);
    assert_int_equal(explore_failing(SCENARIO(1, additions, all_are_added), seed, 100), UINT_MAX);
}

/* With SEED, or one of its own; and PERCENT of the usual runs. */
int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_interleave_letters),   cmocka_unit_test(test_interleave_room),
        cmocka_unit_test(test_interleave_signals),   cmocka_unit_test(test_interleave_calls),
        cmocka_unit_test(test_interleave_deadlines), cmocka_unit_test(test_interleave_closing),
        cmocka_unit_test(test_interleave_requests),  cmocka_unit_test(test_interleave_stops),
        cmocka_unit_test(test_interleave_deaths),    cmocka_unit_test(test_interleave_finds_a_lost_addition),
    };
    seed = setting("SEED", (uint64_t)time(NULL));
    percent = (unsigned)setting("PERCENT", 100);
    printf("# SEED=%lu PERCENT=%u\n", (unsigned long)seed, percent);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
