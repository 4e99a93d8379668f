/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit.h"

#include <cavern/status.h>

#include "../../services/example/policy.h"

static struct example_add add_request(uint64_t amount)
{
    return (struct example_add){{.operation = EXAMPLE_ADD, .version = RPC_VERSION}, amount};
}

/* [EXAMPLE-1] [EXAMPLE-2] */
static void test_example_adding_is_read_back(void **state)
{
    (void)state;
    struct example example = {0};
    struct example_total reply;
    struct example_add add = add_request(40);
    struct rpc_request read = {.operation = EXAMPLE_READ, .version = RPC_VERSION};
    example_answer(&example, &add, sizeof add, &reply);
    assert_int_equal(reply.reply.status, CAVERN_OK);
    add.amount = 2;
    example_answer(&example, &add, sizeof add, &reply);
    assert_int_equal(reply.total, 42);
    example_answer(&example, &read, sizeof read, &reply);
    assert_int_equal(reply.reply.status, CAVERN_OK);
    assert_int_equal(reply.total, 42);
}

/* [EXAMPLE-3] */
static void test_example_bad_requests_change_nothing(void **state)
{
    (void)state;
    struct example example = {.total = 1};
    struct example_total reply;
    struct example_add add = add_request(UINT64_MAX);
    example_answer(&example, &add, sizeof add, &reply);
    assert_int_equal(reply.reply.status, CAVERN_BAD_ARGUMENT);
    example_answer(&example, &add, sizeof add.request, &reply);
    assert_int_equal(reply.reply.status, CAVERN_BAD_ARGUMENT);
    add.request.operation = 99;
    example_answer(&example, &add, sizeof add, &reply);
    assert_int_equal(reply.reply.status, CAVERN_UNSUPPORTED);
    assert_int_equal(example.total, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_example_adding_is_read_back),
        cmocka_unit_test(test_example_bad_requests_change_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
