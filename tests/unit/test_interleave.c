/* SPDX-License-Identifier: BSD-2-Clause */
/* Programs on CPUs side by side, in every order that a few switches make and in many that are drawn. spec/testing.md */
#include "unit.h"

#include <limits.h>
#include <stdio.h>
#include <time.h>

#include "arch/arch.h"
#include "explore.h"
#include "object/queue.h"
#include "processor.h"
#include "user.h"

#define SMALL CAVERN_INFO(8, 0, 0, 0, 0)
#define HALF_RING CAVERN_INFO(31 * 64 + 40, 0, 0, 0, 0) /* of a ring of 64 blocks */

enum { MOST = 4, RUNS = 300 };

/* What the programs of a run count together; 0 at its start. */
static struct counts {
    uint64_t letters[MOST]; /* by the label of their sender: that have come */
    uint64_t calls[MOST];
    uint64_t raised;
    uint64_t signals;
    uint64_t closed;
    uint8_t endings[16]; /* by token */
    uint64_t steps;      /* of who is to be stopped */
    uint64_t sum;
} counts;

static struct user *boss, *victim, *heir;

/* --- letters --- */

static uint64_t first_word(const struct cavern_message *message)
{
    return *(const uint64_t *)message->payload;
}

/* As many as `data` says, in the order in which each sender sent them. */
static void reader(struct user *user)
{
    struct cavern_message message;
    while (user->data--) {
        user_require(cavern_queue_receive(&user->queue, CAVERN_FOREVER, &message) == CAVERN_OK);
        user_require(message.header.kind == CAVERN_KIND_MESSAGE && message.header.label < MOST);
        user_require(first_word(&message) == counts.letters[message.header.label]++);
        cavern_queue_release(&user->queue, &message);
    }
}

static void writer(struct user *user)
{
    for (uint64_t i = 0; i < user->data; i++)
        user_require(cavern_sys_send(user->sender, SMALL, (uint64_t[5]){i}) == CAVERN_OK);
}

static void write_letters(unsigned writers, unsigned letters)
{
    struct user *to = user_process("reader", 10, 64, 0, reader);
    to->data = (uint64_t)writers * letters;
    for (unsigned i = 0; i < writers; i++) {
        struct user *from = user_process("writer", 10, 0, 0, writer);
        from->data = letters;
        from->sender = peer_sender(&from->peer, &to->peer, i, 8, 0, 0);
    }
}

static void few_letters(void)
{
    write_letters(1, 2);
}

static void letters(void)
{
    write_letters(2, 4);
}

/* --- room --- */

static void wait_for_space(struct user *user, uint64_t blocks)
{
    struct cavern_message message;
    user_require(cavern_sys_space(user->sender, 7, blocks, user->queue.handle) == CAVERN_OK);
    user_require(cavern_queue_receive(&user->queue, CAVERN_FOREVER, &message) == CAVERN_OK);
    user_require(message.header.kind == CAVERN_KIND_SPACE && message.header.label == 7);
    cavern_queue_release(&user->queue, &message);
}

static void send_when_there_is_room(struct user *user, uint64_t info, uint64_t number)
{
    uint64_t blocks = cavern_blocks(info & 0xffff, 0);
    uint64_t words[5] = {number};
    if (blocks > 1) {
        peer_write(&user->peer, 0, &number, sizeof number);
        words[0] = user->peer.memory;
    }
    enum cavern_status status;
    while ((status = cavern_sys_send(user->sender, info, words)) == CAVERN_QUEUE_FULL)
        wait_for_space(user, blocks);
    user_require(status == CAVERN_OK);
}

static void patient_writer(struct user *user)
{
    for (uint64_t i = 0; i < user->data; i++)
        send_when_there_is_room(user, SMALL, i);
}

static void large_writer(struct user *user)
{
    for (uint64_t i = 0; i < user->data; i++)
        send_when_there_is_room(user, HALF_RING, i);
}

/* One may send large letters, of which two fit; another small ones, one at a time. */
static void room(void)
{
    static const user_program programs[] = {large_writer, patient_writer};
    struct user *to = user_process("reader", 10, 64, 0, reader);
    for (unsigned i = 0; i < COUNT_OF(programs); i++) {
        struct user *from = user_process("writer", 10, 64, 0, programs[i]);
        from->data = 4;
        from->sender = peer_sender(&from->peer, &to->peer, i, i ? 1 : 8, 0, 0);
        to->data += from->data;
    }
}

static void little_room(void)
{
    struct user *to = user_process("reader", 10, 64, 0, reader);
    struct user *from = user_process("writer", 10, 64, 0, patient_writer);
    from->sender = peer_sender(&from->peer, &to->peer, 0, 1, 0, 0);
    to->data = from->data = 3;
}

/* --- signals, in a ring that is full at times --- */

enum { RAISES = 4, FILLERS = 3 };

static void listener(struct user *user)
{
    struct cavern_message message;
    while (counts.signals < RAISES || counts.letters[0] < FILLERS) {
        user_require(cavern_queue_receive(&user->queue, CAVERN_FOREVER, &message) == CAVERN_OK);
        if (message.header.kind == CAVERN_KIND_SIGNAL)
            counts.signals += first_word(&message);
        else
            user_require(first_word(&message) == counts.letters[message.header.label]++);
        user_require(counts.signals <= counts.raised);
        bool signal = message.header.kind == CAVERN_KIND_SIGNAL;
        cavern_queue_release(&user->queue, &message);
        if (signal)
            user_require(cavern_sys_acknowledge(user->data) == CAVERN_OK);
    }
}

static void raiser(struct user *user)
{
    for (unsigned i = 0; i < RAISES; i++) {
        counts.raised++;
        user_require(cavern_sys_signal_raise(user->data) == CAVERN_OK);
    }
}

static void signals(void)
{
    struct user *to = user_process("listener", 10, 64, 0, listener);
    struct user *with = user_process("raiser", 10, 0, 0, raiser);
    struct user *filler = user_process("filler", 10, 64, 0, large_writer);
    void *signal;
    assert_int_equal(peer_call(&to->peer, SIGNAL_CREATE, CAVERN_SELF_ACCOUNT), CAVERN_OK);
    to->data = to->peer.x[1];
    assert_int_equal(peer_call(&to->peer, NOTIFY, to->data, [2] = 9, [3] = to->peer.queue), CAVERN_OK);
    assert_int_equal(process_lookup(to->peer.process, to->data, CAVERN_TYPE_SIGNAL, 0, &signal), CAVERN_OK);
    with->data = model_give(with->peer.process, signal, CAVERN_RIGHTS_ALL);
    filler->data = FILLERS;
    filler->sender = peer_sender(&filler->peer, &to->peer, 0, 8, 0, 0);
}

/* --- calls --- */

/* Answers what comes, in the order in which each client asks. */
static void server(struct user *user)
{
    uint64_t words[5] = {0}, id = 0;
    user->may_wait = true;
    for (;;) {
        struct cavern_received received;
        struct cavern_message message;
        enum cavern_status status =
            cavern_sys_reply_receive(user->queue.handle, id, CAVERN_FOREVER, SMALL, words, &received);
        id = 0;
        if (status == CAVERN_OK)
            cavern_message_from_registers(&received, &message);
        else if (status != CAVERN_IN_RING || !cavern_queue_take(&user->queue, &message))
            processor_fail("the server gets %u", status);
        if (message.header.kind == CAVERN_KIND_CLOSED) {
            counts.closed++;
        } else {
            user_require(message.header.kind == CAVERN_KIND_REQUEST && message.header.label < MOST);
            uint64_t *calls = &counts.calls[message.header.label];
            user_require(user->data ? first_word(&message) >= *calls : first_word(&message) == *calls);
            *calls = first_word(&message) + 1;
            words[0] = ~first_word(&message);
            id = message.header.request;
        }
        cavern_queue_release(&user->queue, &message);
    }
}

static enum cavern_status ask(struct user *user, uint64_t number, uint64_t deadline)
{
    struct cavern_received received;
    enum cavern_status status =
        cavern_sys_call(user->sender, number + 100, deadline, 0, 0, SMALL, (uint64_t[5]){number}, &received);
    if (status == CAVERN_OK)
        user_require(received.header[2] == number + 100 && received.words[0] == ~number);
    return status;
}

static void client(struct user *user)
{
    for (uint64_t i = 0; i < user->data; i++)
        user_require(ask(user, i, CAVERN_FOREVER) == CAVERN_OK);
}

static void hasty_client(struct user *user)
{
    for (uint64_t i = 0; i < user->data; i++) {
        enum cavern_status status = ask(user, i, arch_now() + 1000);
        user_require(status == CAVERN_OK || status == CAVERN_TIMEOUT);
    }
}

static struct user *add_client(struct user *to, uint64_t label, uint8_t priority, user_program program, uint64_t calls)
{
    struct user *user = user_process("client", priority, 0, 0, program);
    user->sender = peer_sender(&user->peer, &to->peer, label, 4, 2, 0);
    user->data = calls;
    return user;
}

static void one_call(void)
{
    add_client(user_process("server", 10, 64, 4, server), 0, 10, client, 1);
}

static void few_calls(void)
{
    struct user *to = user_process("server", 10, 64, 4, server);
    add_client(to, 0, 10, client, 2);
    add_client(to, 1, 10, client, 2);
}

static void calls(void)
{
    struct user *to = user_process("server", 11, 64, 4, server);
    add_client(to, 0, 10, client, 5);
    add_client(to, 1, 11, client, 5);
    add_client(to, 2, 10, hasty_client, 5);
}

/* Each with a server of its own, in short cuts side by side; and what comes between. */
static void pairs(void)
{
    for (unsigned i = 0; i < 2; i++)
        add_client(user_process("server", 10, 64, 4, server), i, 10, client, 5);
    write_letters(1, 2);
}

/* --- a sender that is closed while it is used --- */

static void closed_client(struct user *user)
{
    for (uint64_t i = 0;; i++) {
        enum cavern_status status = ask(user, i, CAVERN_FOREVER);
        if (status == CAVERN_BAD_HANDLE)
            return;
        user_require(status == CAVERN_OK);
    }
}

static void closer(struct user *user)
{
    for (uint64_t i = random_below(&user->random, 8); i--;)
        processor_pause();
    user_require(cavern_sys_handle_close(user->sender) == CAVERN_OK);
}

static void closing(void)
{
    struct user *to = user_process("server", 10, 64, 4, server);
    struct user *user = user_process("client", 10, 0, 0, closed_client);
    user->sender = peer_sender(&user->peer, &to->peer, 0, 4, 2, CAVERN_MINT_CLOSED);
    user_thread(user, "closer", 10, closer)->sender = user->sender;
}

static void closed_once(void)
{
    user_require(counts.closed == 1);
}

/* --- requests, cancelled at times --- */

enum { REQUESTS = 6 };

static void deciding_server(struct user *user)
{
    struct cavern_message message;
    user->may_wait = true;
    for (;;) {
        user_require(cavern_queue_receive(&user->queue, CAVERN_FOREVER, &message) == CAVERN_OK);
        uint64_t id = message.header.request, queue = user->queue.handle;
        cavern_queue_release(&user->queue, &message);
        enum cavern_status status = random_below(&user->random, 3) == 0
                                        ? cavern_sys_drop(queue, id)
                                        : cavern_sys_reply(queue, id, SMALL, (uint64_t[5]){0});
        user_require(status == CAVERN_OK || status == CAVERN_CANCELLED);
    }
}

static void take_ending(struct user *user)
{
    struct cavern_message message;
    user_require(cavern_queue_receive(&user->queue, CAVERN_FOREVER, &message) == CAVERN_OK);
    user_require(message.header.kind == CAVERN_KIND_REPLY || message.header.kind == CAVERN_KIND_ABANDONED);
    user_require(message.header.label < REQUESTS && !counts.endings[message.header.label]++);
    cavern_queue_release(&user->queue, &message);
}

static void requester(struct user *user)
{
    uint64_t id;
    unsigned open = 0;
    for (uint64_t token = 0; token < REQUESTS; token++) {
        enum cavern_status status;
        while ((status = cavern_sys_request(user->sender, token, user->queue.handle, 1, SMALL, (uint64_t[5]){0},
                                            &id)) == CAVERN_QUEUE_FULL &&
               open--)
            take_ending(user);
        user_require(status == CAVERN_OK);
        open++;
        if (random_below(&user->random, 2))
            continue;
        status = cavern_sys_cancel(user->sender, id);
        user_require(status == CAVERN_OK || status == CAVERN_TOO_LATE);
        if (status == CAVERN_OK) {
            user_require(!counts.endings[token]++);
            open--;
        }
    }
    while (open--)
        take_ending(user);
}

static void requests(void)
{
    struct user *to = user_process("server", 10, 64, 2, deciding_server);
    struct user *user = user_process("requester", 10, 64, 0, requester);
    user->sender = peer_sender(&user->peer, &to->peer, 0, 64, 4, 0);
}

/* --- threads that are stopped --- */

static void endless(struct user *user)
{
    user->may_end = true;
    for (;;) {
        counts.steps++;
        processor_pause();
        if (user->sender && random_below(&user->random, 2)) {
            user_require(ask(user, user->data, CAVERN_FOREVER) == CAVERN_OK);
            user->data++;
        }
    }
}

static void stop_and_look(struct user *user, uint64_t operation)
{
    user_require(cavern_sys_thread_control(user->data, 0, operation, 0, 0) == CAVERN_OK);
    uint64_t steps = counts.steps;
    for (unsigned i = 0; i < 6; i++)
        processor_pause();
    user_require(counts.steps == steps);
}

static void stopper(struct user *user)
{
    for (unsigned i = 0; i < 2; i++) {
        processor_pause();
        stop_and_look(user, CAVERN_THREAD_SUSPEND);
        user_require(cavern_sys_thread_control(user->data, 0, CAVERN_THREAD_RESUME, 0, 0) == CAVERN_OK);
    }
    processor_pause();
    stop_and_look(user, CAVERN_THREAD_END);
}

static void give_control(struct user *user, const struct user *of)
{
    user->data = model_give(user->peer.process, &of->peer.thread->object, CAVERN_RIGHTS_ALL);
}

static void stops(void)
{
    victim = user_process("victim", 10, 0, 0, endless);
    give_control(user_process("stopper", 10, 0, 0, stopper), victim);
}

static void stops_of_callers(void)
{
    struct user *to = user_process("server", 10, 64, 4, server);
    to->data = true; /* calls that were cancelled may be missing */
    victim = add_client(to, 0, 10, endless, 0);
    give_control(user_process("stopper", 10, 0, 0, stopper), victim);
}

/* --- a server that dies, and the next --- */

static void mourning_client(struct user *user)
{
    unsigned answered = 0;
    for (uint64_t i = 0; answered < user->data; i++) {
        enum cavern_status status = ask(user, i, CAVERN_FOREVER);
        user_require(status == CAVERN_OK || status == CAVERN_ABANDONED);
        answered += status == CAVERN_OK;
    }
}

static void succession(struct user *user)
{
    enum cavern_status status;
    uint64_t ring, control, bound;
    processor_pause();
    user_require(cavern_sys_process_end(user->data, 0) == CAVERN_OK);
    while ((status = cavern_sys_queue_bind(user->queue.handle, heir->data, 0, &ring, &control, &bound)) == CAVERN_BUSY)
        processor_pause();
    user_require(status == CAVERN_OK);
    user_attach(heir, ring, control, bound);
    user_require(cavern_sys_thread_control(user->sender, 0, CAVERN_THREAD_RESUME, 0, 0) == CAVERN_OK);
}

static void deaths(void)
{
    struct user *to = user_process("server", 10, 64, 4, server);
    struct queue *queue = peer_queue(&to->peer);
    to->data = true;
    to->may_end = true;
    add_client(to, 0, 10, mourning_client, 3);
    add_client(to, 1, 9, mourning_client, 3);
    heir = user_process("heir", 10, 0, 0, server);
    boss = user_process("boss", 10, 0, 0, succession);
    assert_true(thread_suspend(heir->peer.thread));
    heir->queue.handle = model_give(heir->peer.process, &queue->object, CAVERN_RIGHTS_ALL);
    heir->data = model_give(boss->peer.process, &heir->peer.process->object, CAVERN_RIGHTS_ALL);
    boss->queue.handle = model_give(boss->peer.process, &queue->object, CAVERN_RIGHTS_ALL);
    boss->data = model_give(boss->peer.process, &to->peer.process->object, CAVERN_RIGHTS_ALL);
    boss->sender = model_give(boss->peer.process, &heir->peer.thread->object, CAVERN_RIGHTS_ALL);
}

/* --- a mistake, to be found --- */

static void adder(struct user *user)
{
    (void)user;
    for (unsigned i = 0; i < 3; i++) {
        uint64_t sum = counts.sum;
        user_require(cavern_sys_nop() == CAVERN_OK);
        counts.sum = sum + 1;
    }
}

static void additions(void)
{
    user_process("adder", 10, 0, 0, adder);
    user_process("adder", 10, 0, 0, adder);
}

static void all_are_added(void)
{
    user_require(counts.sum == 6);
}

/* --- */

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
    explore_orders(SCENARIO(2, little_room, NULL), 1, 2);
    explore_some(SCENARIO(3, room, NULL));
}

/* [MSG-NOTICE-1] [MSG-FREE-2] */
static void test_interleave_signals(void **state)
{
    (void)state;
    explore_some(SCENARIO(3, signals, NULL));
}

/* [SCHED-18] [SCHED-17] [MSG-CALL-1] [MSG-CALL-6] [MSG-REQUEST-1] */
static void test_interleave_calls(void **state)
{
    (void)state;
    explore_orders(SCENARIO(2, one_call, NULL), 2, 3);
    explore_orders(SCENARIO(2, few_calls, NULL), 1, 2);
    explore_some(SCENARIO(3, calls, NULL));
    explore_some(SCENARIO(2, pairs, NULL));
}

/* [SCHED-18] [MSG-NOTICE-1] */
static void test_interleave_closing(void **state)
{
    (void)state;
    explore_some(SCENARIO(3, closing, closed_once));
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
        cmocka_unit_test(test_interleave_letters),
        cmocka_unit_test(test_interleave_room),
        cmocka_unit_test(test_interleave_signals),
        cmocka_unit_test(test_interleave_calls),
        cmocka_unit_test(test_interleave_closing),
        cmocka_unit_test(test_interleave_requests),
        cmocka_unit_test(test_interleave_stops),
        cmocka_unit_test(test_interleave_deaths),
        cmocka_unit_test(test_interleave_finds_a_lost_addition),
    };
    seed = setting("SEED", (uint64_t)time(NULL));
    percent = (unsigned)setting("PERCENT", 100);
    printf("# SEED=%lu PERCENT=%u\n", (unsigned long)seed, percent);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
