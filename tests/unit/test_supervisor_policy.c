/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../supervisor/policy.h"

enum { EGG = 1, OTHER = 2, STRANGER = SUPERVISOR_ADMINISTRATORS + 1 };

#define MILLISECOND UINT64_C(1000000)

static struct supervisor *state;
static struct supervisor_effects effects;
static uint64_t now;
static uint32_t last_request;
static uint64_t last_handle;
static uint32_t last_process;

static int setup(void **unused)
{
    (void)unused;
    state = calloc(1, sizeof(*state));
    now = 1000 * MILLISECOND;
    assert_false(supervisor_start(state, now));
    last_request = 0;
    last_handle = 100;
    last_process = 10;
    return 0;
}

static int teardown(void **unused)
{
    (void)unused;
    assert_true(supervisor_invariants(state));
    free(state);
    return 0;
}

static void check(void)
{
    assert_true(effects.count <= SUPERVISOR_EFFECTS_MAX);
    assert_true(supervisor_invariants(state));
}

static unsigned count(enum supervisor_effect_kind kind)
{
    unsigned found = 0;
    for (unsigned i = 0; i < effects.count; i++)
        found += effects.list[i].kind == kind;
    return found;
}

static const struct supervisor_effect *find(enum supervisor_effect_kind kind)
{
    for (unsigned i = 0; i < effects.count; i++)
        if (effects.list[i].kind == kind)
            return &effects.list[i];
    fail_msg("no effect of kind %d", kind);
    return NULL;
}

static bool closes(uint64_t handle)
{
    for (unsigned i = 0; i < effects.count; i++)
        if (effects.list[i].kind == SUPERVISOR_EFFECT_CLOSE && effects.list[i].handle == handle)
            return true;
    return false;
}

static const struct supervisor_effect *reply_to(uint32_t request)
{
    for (unsigned i = 0; i < effects.count; i++)
        if (effects.list[i].kind <= SUPERVISOR_EFFECT_STATUSES && effects.list[i].request == request)
            return &effects.list[i];
    return NULL;
}

/* The answer to this WAIT has come to who asked. */
static void told(uint32_t request)
{
    static struct supervisor_effects further;
    const struct supervisor_effect *ended = reply_to(request);
    assert_int_equal(ended->kind, SUPERVISOR_EFFECT_ENDED);
    supervisor_told(state, ended->child.child, &further);
    assert_true(supervisor_invariants(state));
}

/* Feeds it from memory of exactly its size, so that reading past the end is seen. */
static uint32_t feed(uint64_t label, const void *payload, uint32_t size, unsigned grants)
{
    void *copy = malloc(size ? size : 1);
    memcpy(copy, payload, size);
    struct supervisor_input input = {
        .label = label, .now = now, .request = ++last_request, .size = size, .payload = copy, .grant_count = grants};
    for (unsigned i = 0; i < grants; i++) {
        input.grants[i].handle = ++last_handle;
        input.grants[i].rights = 7;
    }
    supervisor_request(state, &input, &effects);
    free(copy);
    check();
    return last_request;
}

static enum cavern_status status_of(uint32_t request)
{
    const struct supervisor_effect *reply = reply_to(request);
    return reply ? reply->status : CAVERN_OK;
}

static struct supervisor_child description(const char *name, enum supervisor_restart restart)
{
    struct supervisor_child child = {
        .request = {.operation = SUPERVISOR_BEGIN, .version = RPC_VERSION},
        .program = "/volume/init/bin/x",
        .restart = (uint8_t)restart,
        .class = SUPERVISOR_SERVICE,
        .blocks = 64,
    };
    snprintf(child.name, sizeof(child.name), "%s", name);
    return child;
}

static uint32_t begin(const char *name, enum supervisor_restart restart)
{
    struct supervisor_child child = description(name, restart);
    const struct supervisor_effect *reply = reply_to(feed(EGG, &child, sizeof(child), 0));
    assert_int_equal(reply->status, CAVERN_OK);
    return reply->value;
}

static uint32_t ask_number(uint64_t label, unsigned operation, uint32_t number)
{
    struct rpc_request request = {.operation = (uint16_t)operation, .version = RPC_VERSION, .value = number};
    return feed(label, &request, sizeof(request), 0);
}

static uint32_t ask_name(uint64_t label, unsigned operation, const char *name)
{
    struct supervisor_name request = {.request = {.operation = (uint16_t)operation, .version = RPC_VERSION}};
    snprintf(request.name, sizeof(request.name), "%s", name);
    return feed(label, &request, sizeof(request), 0);
}

static uint32_t add(uint32_t number, unsigned grants)
{
    struct supervisor_add request = {
        .request = {.operation = SUPERVISOR_ADD, .version = RPC_VERSION, .value = number},
    };
    for (unsigned i = 0; i < 4; i++) {
        snprintf(request.handles[i].name, sizeof(request.handles[i].name), "irq%u", i);
        request.handles[i].values[0] = 40 + i;
    }
    return feed(EGG, &request, sizeof(request), grants);
}

static struct supervisor_record *record(uint32_t number)
{
    for (unsigned i = 0; i < SUPERVISOR_CHILDREN_MAX; i++)
        if (state->children[i].number == number)
            return &state->children[i];
    return NULL;
}

/* The mechanism: spawns what is to be started. */
static void spawn(enum cavern_status status)
{
    const struct supervisor_record *child = supervisor_to_start(state);
    assert_non_null(child);
    struct supervisor_held held = child->held;
    held.account = held.account ? held.account : ++last_handle;
    held.queue = held.queue ? held.queue : ++last_handle;
    held.registry = held.registry ? held.registry : ++last_handle;
    held.process = status ? 0 : ++last_handle;
    supervisor_spawned(state, child->number, status, status ? 0 : ++last_process, &held, now, &effects);
    check();
}

static void exited(uint32_t number, enum cavern_reason reason, uint64_t code)
{
    uint64_t words[5] = {reason, code, 0, 0, 0};
    supervisor_exited(state, number, record(number)->incarnation, words, now, &effects);
    check();
}

static uint32_t run(const char *name, enum supervisor_restart restart)
{
    uint32_t number = begin(name, restart);
    uint32_t request = ask_number(EGG, SUPERVISOR_START, number);
    assert_null(reply_to(request));
    spawn(CAVERN_OK);
    assert_int_equal(reply_to(request)->value, last_process);
    return number;
}

static enum supervisor_state state_of(uint32_t number)
{
    return (enum supervisor_state)record(number)->state;
}

/* [SUP-1] */
static void test_begin_add_start_runs_child_with_all_that_was_said(void **unused)
{
    (void)unused;
    struct {
        struct supervisor_child child;
        char arguments[8];
    } payload = {.child = description("x", SUPERVISOR_PERMANENT), .arguments = "one\0two"};
    payload.child.arguments = 2;
    payload.child.length = 8;
    payload.child.priority = 9;
    uint32_t number = reply_to(feed(EGG, &payload, sizeof(payload), 0))->value;
    assert_int_equal(status_of(add(number, 4)), CAVERN_OK);
    assert_int_equal(status_of(add(number, 1)), CAVERN_OK);
    assert_null(supervisor_to_start(state));
    ask_number(EGG, SUPERVISOR_START, number);
    const struct supervisor_record *child = supervisor_to_start(state);
    assert_int_equal(child->number, number);
    assert_int_equal(child->handle_count, 5);
    assert_string_equal(child->handles[3].name, "irq3");
    assert_int_equal(child->handles[3].values[0], 43);
    assert_int_equal(child->handles[3].rights, 7);
    assert_int_equal(child->arguments, 2);
    assert_memory_equal(child->argument_bytes, "one\0two", 8);
    assert_int_equal(child->priority, 9);
    spawn(CAVERN_OK);
    assert_int_equal(state_of(number), SUPERVISOR_STATE_RUNNING);
    assert_int_equal(status_of(add(number, 1)), CAVERN_BUSY);
    assert_true(closes(last_handle));
    assert_int_equal(status_of(ask_number(EGG, SUPERVISOR_START, number)), CAVERN_BUSY);
}

/* [SUP-1] */
static void test_begin_zeros_take_the_defaults_of_the_class(void **unused)
{
    (void)unused;
    struct supervisor_child child = description("x", SUPERVISOR_PERMANENT);
    child.class = SUPERVISOR_DRIVER;
    feed(EGG, &child, sizeof(child), 0);
    assert_true(state->children[0].priority > 0);
    assert_true(state->children[0].memory > 0);
}

/* [SUP-2] */
static void test_begin_bad_description_refused(void **unused)
{
    (void)unused;
    struct supervisor_child good = description("x", SUPERVISOR_PERMANENT);
    struct supervisor_child bad[10];
    for (unsigned i = 0; i < 10; i++)
        bad[i] = good;
    bad[0].name[0] = 0;
    memset(bad[1].name, 'n', sizeof(bad[1].name));
    bad[2].name[0] = ' ';
    memset(bad[3].program, 'p', sizeof(bad[3].program));
    memset(bad[4].permitted, 'p', sizeof(bad[4].permitted));
    bad[5].restart = 0;
    bad[6].class = SUPERVISOR_PROGRAM + 1;
    bad[7].priority = CAVERN_PRIORITIES;
    bad[8].arguments = 1;
    bad[9].length = 4;
    for (unsigned i = 0; i < 10; i++)
        assert_int_equal(status_of(feed(EGG, &bad[i], sizeof(bad[i]), 0)), CAVERN_BAD_ARGUMENT);
    struct {
        struct supervisor_child child;
        char arguments[4];
    } unterminated = {.child = good, .arguments = {'a', 'b', 0, 'c'}};
    unterminated.child.arguments = 1;
    unterminated.child.length = 4;
    assert_int_equal(status_of(feed(EGG, &unterminated, sizeof(unterminated), 0)), CAVERN_BAD_ARGUMENT);
}

/* [SUP-2] */
static void test_begin_more_arguments_than_fit_refused(void **unused)
{
    (void)unused;
    struct {
        struct supervisor_child child;
        char arguments[SUPERVISOR_ARGUMENTS_MAX + 1];
    } payload = {.child = description("x", SUPERVISOR_PERMANENT)};
    memset(payload.arguments, 'a', SUPERVISOR_ARGUMENTS_MAX);
    payload.child.arguments = 1;
    payload.child.length = SUPERVISOR_ARGUMENTS_MAX + 1;
    assert_int_equal(status_of(feed(EGG, &payload, sizeof(payload), 0)), CAVERN_BAD_ARGUMENT);
    payload.arguments[SUPERVISOR_ARGUMENTS_MAX - 1] = 0;
    payload.child.length = SUPERVISOR_ARGUMENTS_MAX;
    assert_int_equal(status_of(feed(EGG, &payload, sizeof(payload), 0)), CAVERN_OK);
}

/* [SUP-2] */
static void test_begin_taken_name_exists_unless_own_and_not_started(void **unused)
{
    (void)unused;
    uint32_t number = begin("x", SUPERVISOR_PERMANENT);
    add(number, 2);
    struct supervisor_child child = description("x", SUPERVISOR_PERMANENT);
    assert_int_equal(status_of(feed(OTHER, &child, sizeof(child), 0)), CAVERN_EXISTS);
    uint32_t again = reply_to(feed(EGG, &child, sizeof(child), 0))->value;
    assert_int_equal(count(SUPERVISOR_EFFECT_CLOSE), 2);
    assert_null(record(number));
    ask_number(EGG, SUPERVISOR_START, again);
    spawn(CAVERN_OK);
    assert_int_equal(status_of(feed(EGG, &child, sizeof(child), 0)), CAVERN_EXISTS);
}

static void test_add_too_many_or_unpaid_handles_refused(void **unused)
{
    (void)unused;
    uint32_t number = begin("x", SUPERVISOR_PERMANENT);
    for (unsigned i = 0; i < SUPERVISOR_HANDLES_MAX / 4; i++)
        assert_int_equal(status_of(add(number, 4)), CAVERN_OK);
    assert_int_equal(status_of(add(number, 1)), CAVERN_BAD_ARGUMENT);
    assert_int_equal(status_of(add(number + 1, 1)), CAVERN_NOT_FOUND);
    number = begin("y", SUPERVISOR_PERMANENT);
    last_handle = ~UINT64_C(0); /* the first grant reads 0 */
    assert_int_equal(status_of(add(number, 2)), CAVERN_NO_MEMORY);
    assert_true(closes(1));
    last_handle = 1000;
}

/* [SUP-3] */
static void test_start_that_fails_is_told_and_leaves_nothing(void **unused)
{
    (void)unused;
    uint32_t number = begin("x", SUPERVISOR_TEMPORARY);
    add(number, 1);
    uint64_t added = last_handle;
    uint32_t request = ask_number(EGG, SUPERVISOR_START, number);
    spawn(CAVERN_NOT_FOUND);
    assert_int_equal(status_of(request), CAVERN_NOT_FOUND);
    assert_true(closes(added));
    assert_int_equal(count(SUPERVISOR_EFFECT_CLOSE), 4);
    assert_null(record(number));
    number = begin("y", SUPERVISOR_PERMANENT);
    ask_number(EGG, SUPERVISOR_START, number);
    spawn(CAVERN_NO_MEMORY);
    assert_int_equal(count(SUPERVISOR_EFFECT_CLOSE), 3);
    assert_int_equal(state_of(number), SUPERVISOR_STATE_FAILED);
    assert_int_equal(record(number)->exit_words[CAVERN_EXIT_CODE], CAVERN_NO_MEMORY);
}

struct restart_case {
    enum supervisor_restart restart;
    enum cavern_reason reason;
    uint64_t code;
    bool again;
};

/* [SUP-4] */
static void test_exit_restart_as_the_policy_of_the_child_says(void **unused)
{
    (void)unused;
    static const struct restart_case cases[] = {
        {SUPERVISOR_PERMANENT, CAVERN_REASON_EXITED, 0, true},  {SUPERVISOR_PERMANENT, CAVERN_REASON_FAULT, 0, true},
        {SUPERVISOR_TRANSIENT, CAVERN_REASON_EXITED, 0, false}, {SUPERVISOR_TRANSIENT, CAVERN_REASON_THREADS, 0, false},
        {SUPERVISOR_TRANSIENT, CAVERN_REASON_EXITED, 1, true},  {SUPERVISOR_TRANSIENT, CAVERN_REASON_ENDED, 0, true},
        {SUPERVISOR_TRANSIENT, CAVERN_REASON_FAULT, 0, true},   {SUPERVISOR_TEMPORARY, CAVERN_REASON_FAULT, 0, false},
        {SUPERVISOR_TEMPORARY, CAVERN_REASON_EXITED, 0, false},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char name[8];
        snprintf(name, sizeof(name), "x%zu", i);
        uint32_t number = run(name, cases[i].restart);
        uint64_t process = record(number)->held.process, account = record(number)->held.account;
        exited(number, cases[i].reason, cases[i].code);
        assert_int_equal(effects.list[0].kind, SUPERVISOR_EFFECT_END_ALL); /* [SUP-16] before all else */
        assert_int_equal(effects.list[0].handle, account);
        assert_true(closes(process));
        assert_int_equal(state_of(number), cases[i].again ? SUPERVISOR_STATE_STARTING : SUPERVISOR_STATE_STOPPED);
        assert_int_equal(count(SUPERVISOR_EFFECT_CLOSE), cases[i].again ? 1 : 4);
        if (cases[i].again)
            spawn(CAVERN_OK);
    }
}

/* [SUP-5] */
static void test_restart_keeps_queue_account_names_and_handles(void **unused)
{
    (void)unused;
    uint32_t number = begin("x", SUPERVISOR_PERMANENT);
    add(number, 1);
    ask_number(EGG, SUPERVISOR_START, number);
    spawn(CAVERN_OK);
    struct supervisor_record before = *record(number);
    exited(number, CAVERN_REASON_FAULT, 0);
    spawn(CAVERN_OK);
    const struct supervisor_record *after = record(number);
    assert_int_equal(after->held.queue, before.held.queue);
    assert_int_equal(after->held.account, before.held.account);
    assert_int_equal(after->held.registry, before.held.registry);
    assert_int_equal(after->handles[0].handle, before.handles[0].handle);
    assert_int_not_equal(after->process, before.process);
    assert_int_equal(after->restarts, 1);
}

/* [SUP-6] */
static void test_exit_often_backs_off_then_gives_up(void **unused)
{
    (void)unused;
    uint32_t number = run("x", SUPERVISOR_PERMANENT);
    uint64_t before = 0;
    for (unsigned i = 0; i < SUPERVISOR_INTENSITY; i++) {
        exited(number, CAVERN_REASON_FAULT, 0);
        assert_int_equal(find(SUPERVISOR_EFFECT_REPORT)->event, SUPERVISOR_EVENT_AGAIN);
        uint64_t delay = find(SUPERVISOR_EFFECT_REPORT)->delay;
        assert_true(i == 0 ? delay == 0 : delay >= before && delay <= SUPERVISOR_BACKOFF_LAST);
        before = delay;
        if (delay) {
            assert_int_equal(supervisor_deadline(state), now + delay);
            supervisor_tick(state, now + delay - 1);
            assert_null(supervisor_to_start(state));
            now += delay;
            supervisor_tick(state, now);
        }
        spawn(CAVERN_OK);
    }
    assert_int_equal(before, SUPERVISOR_BACKOFF_LAST);
    exited(number, CAVERN_REASON_FAULT, 0);
    assert_int_equal(find(SUPERVISOR_EFFECT_REPORT)->event, SUPERVISOR_EVENT_GIVEN_UP);
    assert_int_equal(state_of(number), SUPERVISOR_STATE_FAILED);
    assert_int_equal(supervisor_deadline(state), ~UINT64_C(0));
}

/* [SUP-6] */
static void test_exit_seldom_is_never_given_up(void **unused)
{
    (void)unused;
    uint32_t number = run("x", SUPERVISOR_PERMANENT);
    for (unsigned i = 0; i < 3 * SUPERVISOR_INTENSITY; i++) {
        exited(number, CAVERN_REASON_FAULT, 0);
        now += SUPERVISOR_PERIOD;
        supervisor_tick(state, now);
        spawn(CAVERN_OK);
    }
    assert_int_equal(state_of(number), SUPERVISOR_STATE_RUNNING);
}

/* [SUP-6] */
static void test_restart_that_can_not_start_is_tried_again(void **unused)
{
    (void)unused;
    uint32_t number = run("x", SUPERVISOR_PERMANENT);
    exited(number, CAVERN_REASON_FAULT, 0);
    unsigned tries = 0;
    while (state_of(number) != SUPERVISOR_STATE_FAILED) {
        now = state_of(number) == SUPERVISOR_STATE_WAITING ? supervisor_deadline(state) : now;
        supervisor_tick(state, now);
        spawn(CAVERN_NO_MEMORY);
        assert_int_equal(find(SUPERVISOR_EFFECT_REPORT)->event, SUPERVISOR_EVENT_NOT_STARTED);
        tries++;
    }
    assert_int_equal(tries, SUPERVISOR_INTENSITY);
    assert_int_equal(find(SUPERVISOR_EFFECT_REPORT)->delay, ~UINT64_C(0));
}

static void test_exit_of_an_earlier_incarnation_ignored(void **unused)
{
    (void)unused;
    uint32_t number = run("x", SUPERVISOR_PERMANENT);
    exited(number, CAVERN_REASON_FAULT, 0);
    spawn(CAVERN_OK);
    uint64_t words[5] = {CAVERN_REASON_FAULT};
    supervisor_exited(state, number, record(number)->incarnation - 1, words, now, &effects);
    assert_int_equal(effects.count, 0);
    supervisor_exited(state, 999, 1, words, now, &effects);
    assert_int_equal(effects.count, 0);
    assert_int_equal(state_of(number), SUPERVISOR_STATE_RUNNING);
}

/* [SUP-7] */
static void test_stop_is_answered_at_the_end_and_final(void **unused)
{
    (void)unused;
    uint32_t number = run("x", SUPERVISOR_PERMANENT);
    uint64_t process = record(number)->held.process;
    uint32_t request = ask_name(EGG, SUPERVISOR_STOP, "x");
    assert_null(reply_to(request));
    assert_int_equal(find(SUPERVISOR_EFFECT_END)->handle, process);
    exited(number, CAVERN_REASON_ENDED, 0);
    assert_non_null(reply_to(request));
    assert_int_equal(status_of(request), CAVERN_OK);
    assert_int_equal(count(SUPERVISOR_EFFECT_CLOSE), 4);
    assert_int_equal(state_of(number), SUPERVISOR_STATE_STOPPED);
    assert_non_null(reply_to(ask_name(EGG, SUPERVISOR_STOP, "x")));
}

/* [SUP-7] */
static void test_stop_while_backing_off_or_not_started(void **unused)
{
    (void)unused;
    uint32_t number = run("x", SUPERVISOR_PERMANENT);
    exited(number, CAVERN_REASON_FAULT, 0);
    spawn(CAVERN_OK);
    exited(number, CAVERN_REASON_FAULT, 0);
    assert_int_equal(state_of(number), SUPERVISOR_STATE_WAITING);
    assert_int_equal(status_of(ask_name(EGG, SUPERVISOR_STOP, "x")), CAVERN_OK);
    assert_int_equal(state_of(number), SUPERVISOR_STATE_STOPPED);
    number = begin("y", SUPERVISOR_PERMANENT);
    assert_int_equal(status_of(ask_name(EGG, SUPERVISOR_STOP, "y")), CAVERN_OK);
    assert_null(record(number));
}

/* [SUP-8] */
static void test_restart_asked_for_starts_whatever_the_state(void **unused)
{
    (void)unused;
    uint32_t number = run("x", SUPERVISOR_TEMPORARY);
    uint32_t request = ask_name(EGG, SUPERVISOR_RESTART, "x");
    exited(number, CAVERN_REASON_ENDED, 0);
    assert_null(reply_to(request));
    spawn(CAVERN_OK);
    assert_int_equal(reply_to(request)->value, last_process);
    ask_name(EGG, SUPERVISOR_STOP, "x");
    exited(number, CAVERN_REASON_ENDED, 0);
    request = ask_name(EGG, SUPERVISOR_RESTART, "x");
    spawn(CAVERN_OK);
    assert_int_equal(reply_to(request)->value, last_process);
    assert_int_equal(record(number)->restarts, 2);
}

/* [SUP-8] */
static void test_stop_after_restart_wins(void **unused)
{
    (void)unused;
    uint32_t number = run("x", SUPERVISOR_PERMANENT);
    uint32_t restart = ask_name(EGG, SUPERVISOR_RESTART, "x");
    uint32_t stop = ask_name(EGG, SUPERVISOR_STOP, "x");
    exited(number, CAVERN_REASON_ENDED, 0);
    assert_int_equal(status_of(restart), CAVERN_INTERRUPTED);
    assert_int_equal(status_of(stop), CAVERN_OK);
    assert_int_equal(state_of(number), SUPERVISOR_STATE_STOPPED);
}

/* [SUP-9] */
static void test_kill_leaves_it_to_the_policy(void **unused)
{
    (void)unused;
    uint32_t number = run("x", SUPERVISOR_PERMANENT);
    assert_int_equal(status_of(ask_name(EGG, SUPERVISOR_KILL, "x")), CAVERN_OK);
    assert_int_equal(find(SUPERVISOR_EFFECT_END)->handle, record(number)->held.process);
    exited(number, CAVERN_REASON_ENDED, 0);
    assert_int_equal(status_of(ask_name(EGG, SUPERVISOR_KILL, "x")), CAVERN_GONE);
    spawn(CAVERN_OK);
    assert_int_equal(state_of(number), SUPERVISOR_STATE_RUNNING);
}

/* [SUP-10] */
static void test_name_can_be_process_id_or_the_part_before_at(void **unused)
{
    (void)unused;
    uint32_t number = run("pl011@9000000", SUPERVISOR_PERMANENT);
    char id[16];
    snprintf(id, sizeof(id), "%u", record(number)->process);
    assert_int_equal(reply_to(ask_name(EGG, SUPERVISOR_STATUS, id))->child.child, number);
    assert_int_equal(reply_to(ask_name(EGG, SUPERVISOR_STATUS, "pl011"))->child.child, number);
    assert_int_equal(status_of(ask_name(EGG, SUPERVISOR_STATUS, "pl01")), CAVERN_NOT_FOUND);
    assert_int_equal(status_of(ask_name(EGG, SUPERVISOR_STATUS, "999")), CAVERN_NOT_FOUND);
    assert_int_equal(status_of(ask_name(EGG, SUPERVISOR_STATUS, "1x")), CAVERN_NOT_FOUND);
    assert_int_equal(status_of(ask_name(EGG, SUPERVISOR_STATUS, "")), CAVERN_BAD_ARGUMENT);
    run("pl011@a000000", SUPERVISOR_PERMANENT);
    assert_int_equal(status_of(ask_name(EGG, SUPERVISOR_STATUS, "pl011")), CAVERN_NOT_FOUND);
}

/* [SUP-11] */
static void test_wait_is_answered_at_the_end_and_temporary_is_forgotten(void **unused)
{
    (void)unused;
    uint32_t number = run("x", SUPERVISOR_TEMPORARY);
    uint32_t request = ask_number(EGG, SUPERVISOR_WAIT, number);
    assert_null(reply_to(request));
    exited(number, CAVERN_REASON_EXITED, 3);
    assert_int_equal(reply_to(request)->child.exit_words[CAVERN_EXIT_CODE], 3);
    assert_int_equal(reply_to(request)->child.state, SUPERVISOR_STATE_STOPPED);
    told(request);
    assert_null(record(number));
    number = run("y", SUPERVISOR_TEMPORARY);
    exited(number, CAVERN_REASON_EXITED, 4);
    request = ask_number(EGG, SUPERVISOR_WAIT, number);
    assert_int_equal(reply_to(request)->child.exit_words[CAVERN_EXIT_CODE], 4);
    told(request);
    assert_int_equal(status_of(ask_number(EGG, SUPERVISOR_WAIT, number)), CAVERN_NOT_FOUND);
}

/* [SUP-11] */
static void test_wait_goes_on_over_restarts(void **unused)
{
    (void)unused;
    uint32_t number = run("x", SUPERVISOR_TRANSIENT);
    uint32_t request = ask_number(EGG, SUPERVISOR_WAIT, number);
    exited(number, CAVERN_REASON_FAULT, 0);
    assert_null(reply_to(request));
    spawn(CAVERN_OK);
    exited(number, CAVERN_REASON_EXITED, 0);
    told(request);
    assert_non_null(record(number));
}

/* [SUP-11] */
static void test_end_that_came_to_nobody_is_told_again(void **unused)
{
    (void)unused;
    uint32_t number = run("x", SUPERVISOR_TEMPORARY);
    ask_number(EGG, SUPERVISOR_WAIT, number);
    exited(number, CAVERN_REASON_EXITED, 3);
    assert_non_null(record(number));
    told(ask_number(EGG, SUPERVISOR_WAIT, number));
    assert_null(record(number));
    number = run("x", SUPERVISOR_TEMPORARY);
    uint32_t request = ask_number(EGG, SUPERVISOR_WAIT, number);
    exited(number, CAVERN_REASON_EXITED, 3);
    struct supervisor_effects before = effects;
    ask_name(EGG, SUPERVISOR_RESTART, "x");
    effects = before;
    told(request); /* it runs again */
    assert_non_null(record(number));
}

/* [SUP-18] */
static void test_waiters_too_many_refused(void **unused)
{
    (void)unused;
    uint32_t number = run("x", SUPERVISOR_PERMANENT);
    for (unsigned i = 0; i < SUPERVISOR_WAITERS_MAX; i++)
        assert_null(reply_to(ask_number(EGG, SUPERVISOR_WAIT, number)));
    assert_int_equal(status_of(ask_number(EGG, SUPERVISOR_WAIT, number)), CAVERN_NO_MEMORY);
    assert_int_equal(status_of(ask_name(EGG, SUPERVISOR_STOP, "x")), CAVERN_NO_MEMORY);
    assert_int_equal(state_of(number), SUPERVISOR_STATE_RUNNING);
    uint32_t cancelled = state->waiters[3].request;
    supervisor_cancelled(state, cancelled);
    supervisor_cancelled(state, cancelled);
    uint32_t request = ask_number(EGG, SUPERVISOR_WAIT, number);
    assert_null(reply_to(request));
    ask_name(EGG, SUPERVISOR_STOP, "x");
    assert_int_equal(status_of(last_request), CAVERN_NO_MEMORY);
    supervisor_cancelled(state, request);
    ask_name(EGG, SUPERVISOR_STOP, "x");
    exited(number, CAVERN_REASON_ENDED, 137);
    assert_non_null(reply_to(last_request));
    assert_null(reply_to(cancelled));
    assert_null(reply_to(request));
}

/* [SUP-12] */
static void test_list_gives_all_children_in_parts(void **unused)
{
    (void)unused;
    for (unsigned i = 0; i < SUPERVISOR_STATUSES_MAX + 3; i++) {
        char name[8];
        snprintf(name, sizeof(name), "x%u", i);
        run(name, SUPERVISOR_PERMANENT);
    }
    ask_number(STRANGER, SUPERVISOR_LIST, 0);
    assert_int_equal(effects.statuses.reply.value, SUPERVISOR_STATUSES_MAX);
    assert_string_equal(effects.statuses.children[0].name, "x0");
    uint32_t next = effects.statuses.next;
    ask_number(STRANGER, SUPERVISOR_LIST, next);
    assert_int_equal(effects.statuses.reply.value, 3);
    assert_int_equal(status_of(ask_number(STRANGER, SUPERVISOR_LIST, effects.statuses.next)), CAVERN_END);
}

/* [SUP-13] */
static void test_stranger_may_only_look(void **unused)
{
    (void)unused;
    uint32_t number = run("x", SUPERVISOR_PERMANENT);
    struct supervisor_child child = description("y", SUPERVISOR_PERMANENT);
    assert_int_equal(status_of(feed(STRANGER, &child, sizeof(child), 0)), CAVERN_NOT_PERMITTED);
    assert_int_equal(status_of(feed(0, &child, sizeof(child), 0)), CAVERN_NOT_PERMITTED);
    assert_int_equal(status_of(ask_name(STRANGER, SUPERVISOR_KILL, "x")), CAVERN_NOT_PERMITTED);
    assert_int_equal(status_of(ask_name(STRANGER, SUPERVISOR_STOP, "x")), CAVERN_NOT_PERMITTED);
    assert_int_equal(status_of(ask_name(STRANGER, SUPERVISOR_RESTART, "x")), CAVERN_NOT_PERMITTED);
    assert_int_equal(status_of(ask_number(STRANGER, SUPERVISOR_START, number)), CAVERN_NOT_PERMITTED);
    assert_int_equal(status_of(ask_number(STRANGER, SUPERVISOR_WAIT, number)), CAVERN_NOT_PERMITTED);
    assert_int_equal(reply_to(ask_name(STRANGER, SUPERVISOR_STATUS, "x"))->child.child, number);
}

/* [SUP-14] */
static void test_table_full_oldest_leftover_makes_way(void **unused)
{
    (void)unused;
    uint32_t number[SUPERVISOR_CHILDREN_MAX];
    for (unsigned i = 0; i < SUPERVISOR_CHILDREN_MAX; i++) {
        char name[8];
        snprintf(name, sizeof(name), "x%u", i);
        number[i] = run(name, SUPERVISOR_TEMPORARY);
    }
    struct supervisor_child child = description("more", SUPERVISOR_TEMPORARY);
    assert_int_equal(status_of(feed(EGG, &child, sizeof(child), 0)), CAVERN_NO_MEMORY);
    exited(number[7], CAVERN_REASON_EXITED, 0);
    now++;
    exited(number[3], CAVERN_REASON_EXITED, 0);
    begin("more", SUPERVISOR_TEMPORARY);
    assert_null(record(number[7]));
    assert_non_null(record(number[3]));
    now += SUPERVISOR_PERIOD;
    begin("most", SUPERVISOR_TEMPORARY);
    begin("mostest", SUPERVISOR_TEMPORARY); /* in the place of "more", which was never started */
    assert_int_equal(status_of(ask_name(EGG, SUPERVISOR_STATUS, "more")), CAVERN_NOT_FOUND);
}

/* [SUP-15] */
static void test_successor_goes_on_with_the_children(void **unused)
{
    (void)unused;
    uint32_t running = run("x", SUPERVISOR_PERMANENT);
    uint32_t unfinished = begin("y", SUPERVISOR_PERMANENT);
    ask_number(EGG, SUPERVISOR_WAIT, running);
    ask_number(EGG, SUPERVISOR_START, unfinished);
    assert_true(supervisor_start(state, now));
    check();
    assert_int_equal(state->waiter_count, 0);
    assert_int_equal(state_of(running), SUPERVISOR_STATE_RUNNING);
    assert_int_equal(state_of(unfinished), SUPERVISOR_STATE_WAITING);
    exited(running, CAVERN_REASON_FAULT, 0);
    assert_int_equal(state_of(running), SUPERVISOR_STATE_STARTING);
    record(running)->name[0] = 0;
    assert_false(supervisor_start(state, now));
    assert_null(record(running));
    state->children[5].state = SUPERVISOR_STATE_STARTING; /* nobody */
    assert_false(supervisor_start(state, now));
    assert_null(supervisor_to_start(state));
}

/* [RPC-2] [RPC-3] */
static void test_request_unknown_or_short_refused(void **unused)
{
    (void)unused;
    struct supervisor_child payload = {.request = {.version = RPC_VERSION}};
    for (unsigned operation = 0; operation < 20; operation++) {
        payload.request.operation = (uint16_t)operation;
        bool known = operation >= SUPERVISOR_BEGIN && operation <= SUPERVISOR_WAIT;
        bool short_is_enough =
            operation == SUPERVISOR_START || operation == SUPERVISOR_LIST || operation == SUPERVISOR_WAIT;
        enum cavern_status wanted = !known                         ? CAVERN_UNSUPPORTED
                                    : operation == SUPERVISOR_LIST ? CAVERN_END
                                    : short_is_enough              ? CAVERN_NOT_FOUND
                                                                   : CAVERN_BAD_ARGUMENT;
        assert_int_equal(status_of(feed(EGG, &payload, sizeof(payload.request), 1)), wanted);
        assert_true(closes(last_handle));
        assert_int_equal(status_of(feed(EGG, &payload, 7, 0)), CAVERN_BAD_ARGUMENT);
    }
    payload.request.version++;
    assert_int_equal(status_of(feed(EGG, &payload, sizeof(payload), 0)), CAVERN_UNSUPPORTED);
}

static void test_grants_are_wanted_by_add_alone(void **unused)
{
    (void)unused;
    struct supervisor_add payload = {.request = {.version = RPC_VERSION}};
    for (unsigned operation = 0; operation < 12; operation++) {
        payload.request.operation = (uint16_t)operation;
        assert_int_equal(supervisor_wants_grants(&payload, sizeof(payload)), operation == SUPERVISOR_ADD);
        assert_false(supervisor_wants_grants(&payload, sizeof(payload) - 1));
    }
}

/* Whatever comes, in any order: invariants hold, no request is answered twice, no handle closed twice. */
static void test_random_events_keep_invariants(void **unused)
{
    (void)unused;
    static uint8_t answered[40001];
    static uint8_t closed[60001];
    memset(answered, 0, sizeof(answered));
    memset(closed, 0, sizeof(closed));
    srand(1);
    for (unsigned round = 0; round < 20000; round++) {
        char name[8];
        snprintf(name, sizeof(name), "x%d", rand() % 6);
        struct supervisor_child child = description(name, (enum supervisor_restart)(1 + rand() % 3));
        struct supervisor_record *any = &state->children[rand() % 8];
        effects.count = 0;
        switch (rand() % 8) {
        case 0:
            feed(EGG, &child, sizeof(child), 0);
            break;
        case 1:
            add(any->number, (unsigned)rand() % 5);
            break;
        case 2:
            ask_number(EGG, rand() % 2 ? SUPERVISOR_START : SUPERVISOR_WAIT, any->number);
            break;
        case 3:
            ask_name(EGG, SUPERVISOR_STOP + (unsigned)rand() % 4, name);
            break;
        case 4:
            if (any->number && any->held.process)
                exited(any->number, (enum cavern_reason)(1 + rand() % 3), (uint64_t)rand() % 2);
            break;
        case 5:
            now += (uint64_t)(rand() % 2000) * MILLISECOND;
            supervisor_tick(state, now);
            break;
        case 6:
            if (supervisor_to_start(state))
                spawn(rand() % 4 ? CAVERN_OK : CAVERN_NO_MEMORY);
            break;
        case 7:
            if (rand() % 100 == 0)
                assert_true(supervisor_start(state, now));
            break;
        }
        check();
        for (unsigned i = 0; i < effects.count; i++)
            if (effects.list[i].kind <= SUPERVISOR_EFFECT_STATUSES)
                assert_int_equal(answered[effects.list[i].request]++, 0);
            else if (effects.list[i].kind == SUPERVISOR_EFFECT_CLOSE)
                assert_int_equal(closed[effects.list[i].handle]++, 0);
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_begin_add_start_runs_child_with_all_that_was_said),
        TEST(test_begin_zeros_take_the_defaults_of_the_class),
        TEST(test_begin_bad_description_refused),
        TEST(test_begin_more_arguments_than_fit_refused),
        TEST(test_begin_taken_name_exists_unless_own_and_not_started),
        TEST(test_add_too_many_or_unpaid_handles_refused),
        TEST(test_start_that_fails_is_told_and_leaves_nothing),
        TEST(test_exit_restart_as_the_policy_of_the_child_says),
        TEST(test_restart_keeps_queue_account_names_and_handles),
        TEST(test_exit_often_backs_off_then_gives_up),
        TEST(test_exit_seldom_is_never_given_up),
        TEST(test_restart_that_can_not_start_is_tried_again),
        TEST(test_exit_of_an_earlier_incarnation_ignored),
        TEST(test_stop_is_answered_at_the_end_and_final),
        TEST(test_stop_while_backing_off_or_not_started),
        TEST(test_restart_asked_for_starts_whatever_the_state),
        TEST(test_stop_after_restart_wins),
        TEST(test_kill_leaves_it_to_the_policy),
        TEST(test_name_can_be_process_id_or_the_part_before_at),
        TEST(test_wait_is_answered_at_the_end_and_temporary_is_forgotten),
        TEST(test_wait_goes_on_over_restarts),
        TEST(test_end_that_came_to_nobody_is_told_again),
        TEST(test_waiters_too_many_refused),
        TEST(test_list_gives_all_children_in_parts),
        TEST(test_stranger_may_only_look),
        TEST(test_table_full_oldest_leftover_makes_way),
        TEST(test_successor_goes_on_with_the_children),
        TEST(test_request_unknown_or_short_refused),
        TEST(test_grants_are_wanted_by_add_alone),
        TEST(test_random_events_keep_invariants),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
