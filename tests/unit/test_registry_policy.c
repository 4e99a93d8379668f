/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../registry/policy.h"

enum { EGG = 1 }; /* an administrator's label */

static struct registry *state;
static struct registry_effects effects;
static uint32_t last_request;
static uint64_t last_handle;

static int setup(void **unused)
{
    (void)unused;
    state = calloc(1, sizeof(*state));
    assert_false(registry_start(state, 0));
    last_request = 0;
    last_handle = 100;
    return 0;
}

static int teardown(void **unused)
{
    (void)unused;
    assert_true(registry_invariants(state));
    free(state);
    return 0;
}

static unsigned count(enum registry_effect_kind kind)
{
    unsigned found = 0;
    for (unsigned i = 0; i < effects.count; i++)
        found += effects.list[i].kind == kind;
    return found;
}

static const struct registry_effect *find(enum registry_effect_kind kind)
{
    for (unsigned i = 0; i < effects.count; i++)
        if (effects.list[i].kind == kind)
            return &effects.list[i];
    fail_msg("no effect of kind %d", kind);
    return NULL;
}

/* Feeds it from memory of exactly its size, so that reading past the end is seen. Returns the id of the request. */
static uint32_t feed(uint64_t label, const void *payload, uint32_t size, uint64_t grant)
{
    void *copy = malloc(size ? size : 1);
    memcpy(copy, payload, size);
    struct registry_input input = {label, ++last_request, size, copy, grant};
    registry_request(state, &input, &effects);
    free(copy);
    assert_true(effects.count <= REGISTRY_EFFECTS_MAX);
    assert_true(registry_invariants(state));
    return last_request;
}

static enum cavern_status status_of(uint32_t request)
{
    for (unsigned i = 0; i < effects.count; i++)
        if (effects.list[i].kind == REGISTRY_EFFECT_REPLY && effects.list[i].request == request)
            return effects.list[i].status;
    return CAVERN_OK;
}

static enum cavern_status ask(uint64_t label, unsigned operation, uint32_t value, const char *name, uint64_t grant)
{
    struct registry_name payload = {
        .request = {.operation = (uint16_t)operation, .version = RPC_VERSION, .value = value}};
    snprintf(payload.name, sizeof(payload.name), "%s", name);
    return status_of(feed(label, &payload, sizeof(payload), grant));
}

static enum cavern_status enter(uint64_t label, const char *name)
{
    return ask(label, REGISTRY_REGISTER, 0, name, ++last_handle);
}

static uint64_t open_client(const char *scope, const char *permitted)
{
    struct registry_open payload = {.request = {.operation = REGISTRY_OPEN, .version = RPC_VERSION}};
    snprintf(payload.scope, sizeof(payload.scope), "%s", scope);
    snprintf(payload.permitted, sizeof(payload.permitted), "%s", permitted);
    feed(EGG, &payload, sizeof(payload), 0);
    return find(REGISTRY_EFFECT_CLIENT)->label;
}

static enum cavern_status list(uint64_t label, const char *prefix, const char *after)
{
    struct registry_list payload = {.request = {.operation = REGISTRY_LIST, .version = RPC_VERSION}};
    snprintf(payload.prefix, sizeof(payload.prefix), "%s", prefix);
    snprintf(payload.after, sizeof(payload.after), "%s", after);
    return status_of(feed(label, &payload, sizeof(payload), 0));
}

/* [REG-1] [REG-3] */
static void test_lookup_registered_name_mints_from_provider(void **unused)
{
    (void)unused;
    assert_int_equal(ask(EGG, REGISTRY_REGISTER, 7, "/service/log", 55), CAVERN_OK);
    assert_int_equal(ask(EGG, REGISTRY_LOOKUP, 0, "/service/log", 0), CAVERN_OK);
    const struct registry_effect *first = find(REGISTRY_EFFECT_SENDER);
    assert_int_equal(first->handle, 55);
    assert_int_equal(first->request, last_request);
    assert_int_equal(first->label >> 48, 7);
    uint64_t label = first->label;
    assert_int_equal(ask(EGG, REGISTRY_LOOKUP, 0, "/service/log", 0), CAVERN_OK);
    assert_int_not_equal(find(REGISTRY_EFFECT_SENDER)->label, label);
}

static void test_lookup_unknown_name_not_found(void **unused)
{
    (void)unused;
    assert_int_equal(ask(EGG, REGISTRY_LOOKUP, 0, "/service/log", 0), CAVERN_NOT_FOUND);
    assert_int_equal(ask(EGG, REGISTRY_LOOKUP, 8, "/service/log", 0), CAVERN_BAD_ARGUMENT);
}

/* [REG-1] */
static void test_name_malformed_refused(void **unused)
{
    (void)unused;
    static const char *const bad[] = {"", "x", "/", "//", "/a/", "/a//b", "/.", "/a/..", "/a b", "/a\n", "/a*", "a/b"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(enter(EGG, bad[i]), CAVERN_BAD_ARGUMENT);
        assert_int_equal(find(REGISTRY_EFFECT_CLOSE)->handle, last_handle);
    }
    assert_int_equal(enter(EGG, "/a.b/...x/-_@9,+"), CAVERN_OK);
    struct registry_name unterminated = {.request = {.operation = REGISTRY_LOOKUP, .version = RPC_VERSION}};
    memset(unterminated.name, '/', sizeof(unterminated.name));
    assert_int_equal(status_of(feed(EGG, &unterminated, sizeof(unterminated), 0)), CAVERN_BAD_ARGUMENT);
}

static enum cavern_status ask_long(uint64_t label, enum registry_operation operation, unsigned length)
{
    struct registry_name payload = {.request = {.operation = (uint16_t)operation, .version = RPC_VERSION}};
    memset(payload.name, 'x', length);
    payload.name[0] = '/';
    return status_of(feed(label, &payload, sizeof(payload), operation == REGISTRY_REGISTER ? ++last_handle : 0));
}

/* [REG-1] [REG-5] */
static void test_name_of_63_bytes_is_the_longest(void **unused)
{
    (void)unused;
    uint64_t scoped = open_client("/scope", "/*");
    unsigned scope = sizeof("/scope") - 1;
    for (unsigned length = 62; length <= 64; length++) {
        enum cavern_status wanted = length <= 63 ? CAVERN_OK : CAVERN_BAD_ARGUMENT;
        assert_int_equal(ask_long(EGG, REGISTRY_REGISTER, length), wanted);
        assert_int_equal(ask_long(EGG, REGISTRY_LOOKUP, length), wanted);
        assert_int_equal(ask_long(scoped, REGISTRY_REGISTER, length - scope), wanted);
    }
}

/* [REG-2] */
static void test_register_taken_name_exists(void **unused)
{
    (void)unused;
    assert_int_equal(enter(EGG, "/service/x"), CAVERN_OK);
    assert_int_equal(enter(EGG + 1, "/service/x"), CAVERN_EXISTS);
    assert_int_equal(count(REGISTRY_EFFECT_CLOSE), 1);
    assert_int_equal(state->entry_count, 1);
}

/* [REG-2] */
static void test_register_again_by_same_client_replaces(void **unused)
{
    (void)unused;
    ask(EGG, REGISTRY_REGISTER, 0, "/service/x", 70);
    ask(EGG, REGISTRY_REGISTER, 0, "/service/x", 71);
    assert_int_equal(find(REGISTRY_EFFECT_CLOSE)->handle, 70);
    ask(EGG, REGISTRY_LOOKUP, 0, "/service/x", 0);
    assert_int_equal(find(REGISTRY_EFFECT_SENDER)->handle, 71);
}

static void test_register_without_grant_or_with_large_tag_refused(void **unused)
{
    (void)unused;
    assert_int_equal(ask(EGG, REGISTRY_REGISTER, 0, "/service/x", 0), CAVERN_BAD_ARGUMENT);
    assert_int_equal(ask(EGG, REGISTRY_REGISTER, REGISTRY_TAG_MAX + 1, "/service/x", 9), CAVERN_BAD_ARGUMENT);
}

/* [REG-4] */
static void test_register_outside_permission_refused(void **unused)
{
    (void)unused;
    uint64_t client = open_client("", "/service/a /device/* /b");
    assert_int_equal(enter(client, "/service/a"), CAVERN_OK);
    assert_int_equal(enter(client, "/device/x/y"), CAVERN_OK);
    assert_int_equal(enter(client, "/b"), CAVERN_OK);
    assert_int_equal(enter(client, "/service/aa"), CAVERN_NOT_PERMITTED);
    assert_int_equal(enter(client, "/service"), CAVERN_NOT_PERMITTED);
    assert_int_equal(enter(open_client("", ""), "/service/z"), CAVERN_NOT_PERMITTED);
}

/* [REG-5] */
static void test_open_by_other_than_administrator_refused(void **unused)
{
    (void)unused;
    uint64_t client = open_client("", "/*");
    struct registry_open payload = {.request = {.operation = REGISTRY_OPEN, .version = RPC_VERSION}};
    assert_int_equal(status_of(feed(client, &payload, sizeof(payload), 0)), CAVERN_NOT_PERMITTED);
    memset(payload.scope, 'x', sizeof(payload.scope));
    assert_int_equal(status_of(feed(EGG, &payload, sizeof(payload), 0)), CAVERN_BAD_ARGUMENT);
}

/* [REG-5] */
static void test_scope_goes_before_names_and_hides_others(void **unused)
{
    (void)unused;
    uint64_t client = open_client("/a", "/a/*");
    enter(EGG, "/ab");
    assert_int_equal(enter(client, "/x"), CAVERN_OK);
    assert_int_equal(ask(EGG, REGISTRY_LOOKUP, 0, "/a/x", 0), CAVERN_OK);
    assert_int_equal(list(client, "", ""), CAVERN_OK);
    assert_int_equal(effects.names.reply.value, 1);
    assert_string_equal(effects.names.names[0], "/x");
    assert_int_equal(ask(client, REGISTRY_LOOKUP, 0, "b", 0), CAVERN_BAD_ARGUMENT);
}

static void test_unknown_label_not_permitted(void **unused)
{
    (void)unused;
    assert_int_equal(enter(0, "/x"), CAVERN_NOT_PERMITTED);
    assert_int_equal(enter(REGISTRY_ADMINISTRATORS + 1, "/x"), CAVERN_NOT_PERMITTED);
}

/* [REG-6] */
static void test_wait_is_answered_when_name_comes(void **unused)
{
    (void)unused;
    assert_int_equal(ask(EGG, REGISTRY_LOOKUP, REGISTRY_WAIT, "/service/x", 0), CAVERN_OK);
    uint32_t first = last_request;
    assert_int_equal(effects.count, 0);
    ask(EGG + 1, REGISTRY_LOOKUP, REGISTRY_WAIT, "/service/x", 0);
    enter(EGG, "/service/other");
    assert_int_equal(count(REGISTRY_EFFECT_SENDER), 0);
    enter(EGG, "/service/x");
    assert_int_equal(count(REGISTRY_EFFECT_SENDER), 2);
    assert_int_equal(find(REGISTRY_EFFECT_SENDER)->request, first);
    assert_int_equal(state->wait_count, 0);
}

/* [REG-6] */
static void test_wait_too_many_of_a_client_drops_its_oldest(void **unused)
{
    (void)unused;
    ask(EGG, REGISTRY_LOOKUP, REGISTRY_WAIT, "/x", 0);
    uint32_t oldest = last_request;
    for (unsigned i = 1; i < REGISTRY_WAITS_PER_CLIENT; i++) {
        ask(EGG, REGISTRY_LOOKUP, REGISTRY_WAIT, "/x", 0);
        assert_int_equal(effects.count, 0);
    }
    ask(EGG, REGISTRY_LOOKUP, REGISTRY_WAIT, "/x", 0);
    assert_int_equal(find(REGISTRY_EFFECT_DROP)->request, oldest);
    assert_int_equal(state->wait_count, REGISTRY_WAITS_PER_CLIENT);
}

/* [REG-7] */
static void test_list_gives_names_in_order_and_parts(void **unused)
{
    (void)unused;
    for (unsigned i = 0; i < REGISTRY_NAMES_MAX + 2; i++) {
        char name[RPC_NAME_MAX];
        snprintf(name, sizeof(name), "/service/%02u", (i * 7) % (REGISTRY_NAMES_MAX + 2));
        enter(EGG, name);
    }
    enter(EGG, "/device/a");
    assert_int_equal(list(EGG, "/service/", ""), CAVERN_OK);
    assert_int_equal(effects.names.reply.value, REGISTRY_NAMES_MAX);
    assert_string_equal(effects.names.names[0], "/service/00");
    assert_int_equal(list(EGG, "/service/", effects.names.names[REGISTRY_NAMES_MAX - 1]), CAVERN_OK);
    assert_int_equal(effects.names.reply.value, 2);
    assert_string_equal(effects.names.names[1], "/service/17");
    assert_int_equal(list(EGG, "/service/", "/service/17"), CAVERN_END);
    assert_int_equal(list(EGG, "/volume/", ""), CAVERN_END);
    assert_int_equal(list(EGG, "", ""), CAVERN_OK);
    assert_string_equal(effects.names.names[0], "/device/a");
}

/* [REG-8] */
static void test_watch_tells_of_what_comes_and_goes(void **unused)
{
    (void)unused;
    assert_int_equal(ask(EGG, REGISTRY_WATCH, 0, "/device", 80), CAVERN_OK);
    enter(EGG, "/service/a");
    assert_int_equal(count(REGISTRY_EFFECT_EVENT), 0);
    enter(EGG, "/device/a");
    assert_int_equal(find(REGISTRY_EFFECT_EVENT)->handle, 80);
    assert_int_equal(find(REGISTRY_EFFECT_EVENT)->change, REGISTRY_ADDED);
    assert_string_equal(find(REGISTRY_EFFECT_EVENT)->name, "/device/a");
    ask(EGG, REGISTRY_UNREGISTER, 0, "/device/a", 0);
    assert_int_equal(find(REGISTRY_EFFECT_EVENT)->change, REGISTRY_REMOVED);
}

/* [REG-8] */
static void test_watch_that_can_not_be_told_ends(void **unused)
{
    (void)unused;
    ask(EGG, REGISTRY_WATCH, 0, "/device", 80);
    registry_watch_lost(state, 80, &effects);
    assert_int_equal(find(REGISTRY_EFFECT_CLOSE)->handle, 80);
    enter(EGG, "/device/a");
    assert_int_equal(count(REGISTRY_EFFECT_EVENT), 0);
    registry_watch_lost(state, 80, &effects);
    assert_int_equal(effects.count, 0);
}

static void test_watch_again_replaces_and_too_many_are_refused(void **unused)
{
    (void)unused;
    ask(EGG, REGISTRY_WATCH, 0, "/0", 80);
    ask(EGG, REGISTRY_WATCH, 0, "/0", 81);
    assert_int_equal(find(REGISTRY_EFFECT_CLOSE)->handle, 80);
    for (unsigned i = 1; i < REGISTRY_WATCHES_PER_CLIENT; i++) {
        char prefix[8];
        snprintf(prefix, sizeof(prefix), "/%u", i);
        assert_int_equal(ask(EGG, REGISTRY_WATCH, 0, prefix, 81 + i), CAVERN_OK);
    }
    assert_int_equal(ask(EGG, REGISTRY_WATCH, 0, "/more", 99), CAVERN_NO_MEMORY);
    assert_int_equal(find(REGISTRY_EFFECT_CLOSE)->handle, 99);
    assert_int_equal(ask(EGG + 1, REGISTRY_WATCH, 0, "/", 0), CAVERN_BAD_ARGUMENT);
}

static void test_unregister_by_another_refused(void **unused)
{
    (void)unused;
    enter(EGG, "/x");
    assert_int_equal(ask(EGG + 1, REGISTRY_UNREGISTER, 0, "/x", 0), CAVERN_NOT_PERMITTED);
    assert_int_equal(ask(EGG, REGISTRY_UNREGISTER, 0, "/y", 0), CAVERN_NOT_FOUND);
    assert_int_equal(ask(EGG, REGISTRY_UNREGISTER, 0, "/x", 0), CAVERN_OK);
    assert_int_equal(state->entry_count, 0);
}

/* [REG-9] [RPC-5] */
static void test_closed_client_takes_all_that_is_its_own(void **unused)
{
    (void)unused;
    uint64_t client = open_client("", "/*");
    enter(EGG, "/stays");
    enter(client, "/goes");
    ask(client, REGISTRY_LOOKUP, REGISTRY_WAIT, "/never", 0);
    uint32_t waiting = last_request;
    ask(client, REGISTRY_WATCH, 0, "/", 90);
    ask(EGG, REGISTRY_WATCH, 0, "/", 91);
    assert_false(registry_closed(state, client, &effects));
    assert_int_equal(find(REGISTRY_EFFECT_DROP)->request, waiting);
    assert_int_equal(count(REGISTRY_EFFECT_CLOSE), 2);
    assert_int_equal(count(REGISTRY_EFFECT_EVENT), 1);
    assert_int_equal(find(REGISTRY_EFFECT_EVENT)->handle, 91);
    assert_int_equal(state->entry_count, 1);
    assert_int_equal(state->client_count, 0);
    assert_int_equal(enter(client, "/goes"), CAVERN_NOT_PERMITTED);
}

/* [REG-9] */
static void test_closed_client_with_more_than_fits_is_taken_apart_in_steps(void **unused)
{
    (void)unused;
    uint64_t client = open_client("", "/*");
    char name[RPC_NAME_MAX];
    for (unsigned i = 0; i < REGISTRY_WATCHES_MAX; i++) {
        snprintf(name, sizeof(name), "/%.*s", (int)(i % REGISTRY_WATCHES_PER_CLIENT), "nnnnnnnn");
        ask(1 + i / REGISTRY_WATCHES_PER_CLIENT, REGISTRY_WATCH, 0, name, 200 + i);
    }
    for (unsigned i = 0; i < 20; i++) {
        snprintf(name, sizeof(name), "/nnnnnnnn%u", i);
        enter(client, name);
    }
    unsigned events = 0;
    bool more;
    do {
        more = registry_closed(state, client, &effects);
        assert_true(effects.count <= REGISTRY_EFFECTS_MAX);
        assert_true(registry_invariants(state));
        events += count(REGISTRY_EFFECT_EVENT);
    } while (more);
    assert_int_equal(events, 20 * REGISTRY_WATCHES_MAX);
    assert_int_equal(state->entry_count, 0);
}

/* [REG-10] */
static void test_successor_goes_on_without_the_waiting(void **unused)
{
    (void)unused;
    uint64_t client = open_client("", "/*");
    enter(client, "/x");
    ask(EGG, REGISTRY_LOOKUP, 0, "/x", 0);
    uint64_t label = find(REGISTRY_EFFECT_SENDER)->label;
    ask(EGG, REGISTRY_LOOKUP, REGISTRY_WAIT, "/y", 0);
    assert_true(registry_start(state, 0));
    assert_int_equal(state->wait_count, 0);
    assert_int_equal(ask(client, REGISTRY_LOOKUP, 0, "/x", 0), CAVERN_OK);
    assert_true(find(REGISTRY_EFFECT_SENDER)->label > label);
}

/* [REG-10] */
static void test_successor_of_a_damaged_state_starts_anew(void **unused)
{
    (void)unused;
    enter(EGG, "/x");
    enter(EGG, "/y");
    state->entries[0].name[1] = 'z';
    assert_false(registry_invariants(state));
    assert_false(registry_start(state, 0));
    assert_int_equal(state->entry_count, 0);
}

/* [REG-3] [REG-10]: clients of the damaged state may live, and are nobody's now */
static void test_labels_go_on_after_a_damaged_state(void **unused)
{
    (void)unused;
    uint64_t before = open_client("", "/*");
    state->next_label = 0;
    assert_false(registry_start(state, 5000000));
    assert_int_equal(ask(before, REGISTRY_LOOKUP, 0, "/x", 0), CAVERN_NOT_PERMITTED);
    assert_true(open_client("", "/*") > before);
    assert_int_equal(ask(before, REGISTRY_LOOKUP, 0, "/x", 0), CAVERN_NOT_PERMITTED);
    state->magic = 0;
    assert_false(registry_start(state, UINT64_C(3600) * 24 * 365 * 1000000000)); /* a year */
    assert_true(open_client("", "/*") < UINT64_C(1) << 48);
}

/* [REG-11] */
static void test_limits_reached_are_errors(void **unused)
{
    (void)unused;
    char name[RPC_NAME_MAX];
    for (unsigned i = 0; i < REGISTRY_ENTRIES_MAX; i++) {
        snprintf(name, sizeof(name), "/n%u", i);
        assert_int_equal(enter(EGG, name), CAVERN_OK);
    }
    assert_int_equal(enter(EGG, "/more"), CAVERN_NO_MEMORY);
    assert_int_equal(find(REGISTRY_EFFECT_CLOSE)->handle, last_handle);
    for (unsigned i = 0; i < REGISTRY_CLIENTS_MAX; i++)
        open_client("", "");
    struct registry_open payload = {.request = {.operation = REGISTRY_OPEN, .version = RPC_VERSION}};
    assert_int_equal(status_of(feed(EGG, &payload, sizeof(payload), 0)), CAVERN_NO_MEMORY);
    for (unsigned i = 0; i < REGISTRY_WAITS_MAX; i++)
        assert_int_equal(ask(1 + i / REGISTRY_WAITS_PER_CLIENT, REGISTRY_LOOKUP, REGISTRY_WAIT, "/w", 0), CAVERN_OK);
    assert_int_equal(ask(REGISTRY_ADMINISTRATORS, REGISTRY_LOOKUP, REGISTRY_WAIT, "/w", 0), CAVERN_NO_MEMORY);
    for (unsigned i = 0; i < REGISTRY_WATCHES_MAX; i++) {
        snprintf(name, sizeof(name), "/w%u", i);
        assert_int_equal(ask(1 + i / REGISTRY_WATCHES_PER_CLIENT, REGISTRY_WATCH, 0, name, 5), CAVERN_OK);
    }
    assert_int_equal(ask(REGISTRY_ADMINISTRATORS, REGISTRY_WATCH, 0, "/w", 5), CAVERN_NO_MEMORY);
    assert_int_equal(find(REGISTRY_EFFECT_CLOSE)->handle, 5);
}

/* [RPC-2] [RPC-3] */
static void test_request_unknown_or_short_refused(void **unused)
{
    (void)unused;
    struct registry_open payload = {.request = {.version = RPC_VERSION}};
    for (unsigned operation = 0; operation < 20; operation++) {
        payload.request.operation = (uint16_t)operation;
        bool known = operation >= REGISTRY_REGISTER && operation <= REGISTRY_OPEN;
        assert_int_equal(status_of(feed(EGG, &payload, sizeof(payload.request), 5)),
                         known ? CAVERN_BAD_ARGUMENT : CAVERN_UNSUPPORTED);
        assert_int_equal(find(REGISTRY_EFFECT_CLOSE)->handle, 5);
        assert_int_equal(status_of(feed(EGG, &payload, 3, 0)), CAVERN_BAD_ARGUMENT);
    }
    payload.request.operation = REGISTRY_LOOKUP;
    payload.request.version = RPC_VERSION + 1;
    assert_int_equal(status_of(feed(EGG, &payload, sizeof(payload), 0)), CAVERN_UNSUPPORTED);
}

static void test_grant_is_wanted_by_register_and_watch_alone(void **unused)
{
    (void)unused;
    struct registry_name payload = {.request = {.version = RPC_VERSION}};
    for (unsigned operation = 0; operation < 10; operation++) {
        payload.request.operation = (uint16_t)operation;
        bool wanted = operation == REGISTRY_REGISTER || operation == REGISTRY_WATCH;
        assert_int_equal(registry_wants_grant(&payload, sizeof(payload)), wanted);
        assert_false(registry_wants_grant(&payload, sizeof(payload) - 1));
    }
}

/* Whatever comes, each request is answered at most once and each handle closed at most once. */
static void test_random_requests_keep_invariants(void **unused)
{
    (void)unused;
    static const char *const names[] = {"/a", "/b", "/a/c", "/d", "", "bad"};
    static uint8_t answered[20001];
    memset(answered, 0, sizeof(answered));
    srand(1);
    uint64_t clients[4] = {EGG, EGG + 1, open_client("", "/*"), open_client("/a", "/a/*")};
    for (unsigned round = 0; round < 8000; round++) {
        if (rand() % 200 == 0) {
            unsigned who = 2 + (unsigned)rand() % 2;
            while (registry_closed(state, clients[who], &effects)) {
            }
            clients[who] = open_client(who == 2 ? "" : "/a", "/*");
        } else if (rand() % 500 == 0) {
            assert_true(registry_start(state, 0));
        } else {
            ask(clients[rand() % 4], 1 + (unsigned)rand() % 6, (uint32_t)rand() % 2, names[rand() % 6],
                rand() % 4 ? ++last_handle : 0);
        }
        for (unsigned i = 0; i < effects.count; i++) {
            if (effects.list[i].kind <= REGISTRY_EFFECT_DROP) {
                assert_true(effects.list[i].request <= last_request);
                assert_int_equal(answered[effects.list[i].request]++, 0);
            }
        }
        effects.count = 0;
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_lookup_registered_name_mints_from_provider),
        TEST(test_lookup_unknown_name_not_found),
        TEST(test_name_malformed_refused),
        TEST(test_name_of_63_bytes_is_the_longest),
        TEST(test_register_taken_name_exists),
        TEST(test_register_again_by_same_client_replaces),
        TEST(test_register_without_grant_or_with_large_tag_refused),
        TEST(test_register_outside_permission_refused),
        TEST(test_open_by_other_than_administrator_refused),
        TEST(test_scope_goes_before_names_and_hides_others),
        TEST(test_unknown_label_not_permitted),
        TEST(test_wait_is_answered_when_name_comes),
        TEST(test_wait_too_many_of_a_client_drops_its_oldest),
        TEST(test_list_gives_names_in_order_and_parts),
        TEST(test_watch_tells_of_what_comes_and_goes),
        TEST(test_watch_that_can_not_be_told_ends),
        TEST(test_watch_again_replaces_and_too_many_are_refused),
        TEST(test_unregister_by_another_refused),
        TEST(test_closed_client_takes_all_that_is_its_own),
        TEST(test_closed_client_with_more_than_fits_is_taken_apart_in_steps),
        TEST(test_successor_goes_on_without_the_waiting),
        TEST(test_successor_of_a_damaged_state_starts_anew),
        TEST(test_labels_go_on_after_a_damaged_state),
        TEST(test_limits_reached_are_errors),
        TEST(test_request_unknown_or_short_refused),
        TEST(test_grant_is_wanted_by_register_and_watch_alone),
        TEST(test_random_requests_keep_invariants),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
