/* SPDX-License-Identifier: BSD-2-Clause */
/* Notices: what sources tell, when, to whom, and that none is lost. spec/messages.md. */
#include "unit.h"

#include "object/interrupt.h"
#include "object/queue.h"
#include "peer.h"

static struct peer owner, other;
static struct taken got;
static cavern_handle sender; /* of `other`, to the owner's queue */

static int start(void **state)
{
    (void)state;
    model_start(256 << 20);
    peer_start(&owner, "owner", 20, 64, 4);
    peer_start(&other, "other", 10, 64, 4);
    sender = peer_sender(&other, &owner, 5, 100, 100, 0);
    return 0;
}

static cavern_handle make_signal(uint64_t label)
{
    assert_int_equal(peer_call(&owner, SIGNAL_CREATE, CAVERN_SELF_ACCOUNT), CAVERN_OK);
    cavern_handle signal = owner.x[1];
    assert_int_equal(peer_call(&owner, NOTIFY, signal, [2] = label, [3] = owner.queue), CAVERN_OK);
    return signal;
}

static void fire(cavern_handle signal)
{
    assert_int_equal(peer_call(&owner, SIGNAL_RAISE, signal), CAVERN_OK);
}

static void acknowledge(cavern_handle signal)
{
    assert_int_equal(peer_call(&owner, ACKNOWLEDGE, signal), CAVERN_OK);
}

static uint64_t send(void)
{
    return peer_call(&other, SEND, sender, [1] = CAVERN_INFO(8, 0, 0, 0, 0));
}

/* `blocks` of the owner's ring are used, by one-block messages. */
static void fill(unsigned blocks)
{
    for (unsigned i = 0; i < blocks; i++)
        assert_int_equal(send(), CAVERN_OK);
}

static void free_messages(unsigned count)
{
    while (count--)
        assert_true(peer_take(&owner, &got));
    peer_free(&owner);
    assert_int_equal(peer_call(&owner, QUEUE_FREED, owner.queue), CAVERN_OK);
}

static void assert_next(struct peer *peer, enum cavern_kind kind, uint64_t label)
{
    assert_true(peer_take(peer, &got));
    assert_int_equal(got.header.kind, kind);
    assert_int_equal(got.header.label, label);
    assert_int_equal(got.header.sender, 0);
    assert_int_equal(got.header.request, 0);
    assert_int_equal(got.header.trace, 0);
}

static uint64_t word(unsigned index)
{
    uint64_t value;
    memcpy(&value, got.body + 8 * index, sizeof value);
    return value;
}

static struct object *object_of(cavern_handle handle)
{
    struct object *object;
    uint16_t rights;
    assert_int_equal(process_lookup_any(owner.process, handle, &object, &rights), CAVERN_OK);
    return object;
}

static uint64_t receive(uint64_t deadline)
{
    return peer_call(&owner, RECEIVE, owner.queue, [9] = deadline);
}

/* [MSG-NOTICE-1] [MSG-NOTICE-2] [MSG-FREE-2] */
static void test_notice_without_room_waits_oldest_first(void **state)
{
    (void)state;
    cavern_handle signals[3];
    for (unsigned i = 0; i < 3; i++)
        signals[i] = make_signal(30 + i);
    fill(64);
    fire(signals[2]);
    fire(signals[0]);
    fire(signals[1]);
    assert_int_equal(peer_control(&owner)->waiters, 1);
    free_messages(2);
    assert_int_equal(peer_control(&owner)->waiters, 1);
    assert_int_equal(send(), CAVERN_QUEUE_FULL);
    free_messages(1);
    assert_int_equal(peer_control(&owner)->waiters, 0);
    for (unsigned i = 3; i < 64; i++)
        assert_true(peer_take(&owner, &got));
    assert_next(&owner, CAVERN_KIND_SIGNAL, 32);
    assert_next(&owner, CAVERN_KIND_SIGNAL, 30);
    assert_next(&owner, CAVERN_KIND_SIGNAL, 31);
    assert_false(peer_take(&owner, &got));
}

/* [MSG-SEND-7] */
static void test_send_while_notices_wait_is_full(void **state)
{
    (void)state;
    cavern_handle signal = make_signal(9);
    fill(64);
    fire(signal);
    assert_int_equal(send(), CAVERN_QUEUE_FULL);
    assert_int_equal(peer_call(&other, REQUEST, sender, [9] = other.queue, [10] = 1), CAVERN_QUEUE_FULL);
    assert_int_equal(peer_call(&other, CALL, sender, [9] = CAVERN_FOREVER), CAVERN_QUEUE_FULL);
    assert_int_equal(peer_queue(&other)->ring.reserved, 0);
    assert_true(peer_take(&owner, &got));
    peer_free(&owner);
    assert_int_equal(send(), CAVERN_QUEUE_FULL); /* the notice went in first, and took the block */
    assert_true(peer_take(&owner, &got));
    peer_free(&owner);
    assert_int_equal(send(), CAVERN_OK);
}

/*
 * [MSG-SEND-7] [MSG-NOTICE-7] The ring is full of messages that were taken and not freed, so `closed` waits; what
 * comes in registers need not.
 */
static void test_registers_need_no_room(void **state)
{
    (void)state;
    cavern_handle closing = peer_sender(&other, &owner, 77, 1, 1, CAVERN_MINT_CLOSED), signal = make_signal(9);
    struct object *object = object_of(signal);
    cavern_handle raiser = model_give(other.process, object, CAVERN_RIGHT_RAISE);
    fill(64);
    for (unsigned i = 0; i < 64; i++)
        assert_true(peer_take(&owner, &got));
    assert_int_equal(peer_call(&other, HANDLE_CLOSE, closing), CAVERN_OK);
    assert_int_equal(send(), CAVERN_QUEUE_FULL);
    fire(signal);
    assert_int_equal(receive(CAVERN_FOREVER), CAVERN_OK);
    assert_int_equal(owner.x[3], 9);
    acknowledge(signal);
    assert_int_equal(receive(CAVERN_FOREVER), MODEL_WAITS);
    assert_int_equal(peer_call(&other, SIGNAL_RAISE, raiser), CAVERN_OK);
    assert_int_equal(peer_woken(&owner), CAVERN_OK);
    assert_int_equal(owner.x[3], 9);
    assert_int_equal(receive(CAVERN_FOREVER), MODEL_WAITS);
    assert_int_equal(send(), CAVERN_OK);
    assert_int_equal(peer_woken(&owner), CAVERN_OK);
    assert_int_equal(owner.x[3], 5);
    peer_free(&owner);
    assert_int_equal(send(), CAVERN_OK);
    assert_next(&owner, CAVERN_KIND_CLOSED, 77);
    assert_true(peer_take(&owner, &got));
    assert_int_equal(got.header.kind, CAVERN_KIND_MESSAGE);
}

/* [MSG-NOTICE-3] */
static void test_notice_tells_once_until_acknowledged(void **state)
{
    (void)state;
    cavern_handle signal = make_signal(9);
    fire(signal);
    fire(signal);
    assert_next(&owner, CAVERN_KIND_SIGNAL, 9);
    assert_int_equal(word(0), 1);
    fire(signal);
    assert_false(peer_take(&owner, &got));
    peer_free(&owner);
    assert_int_equal(receive(CAVERN_POLL), CAVERN_TIMEOUT); /* freeing acknowledges nothing */
    acknowledge(signal);
    assert_next(&owner, CAVERN_KIND_SIGNAL, 9);
    assert_int_equal(word(0), 2);
    acknowledge(signal);
    assert_false(peer_take(&owner, &got));
}

/* [MSG-NOTICE-3] What fires while a notice waits for room is in its count. */
static void test_notice_that_waits_counts_on(void **state)
{
    (void)state;
    cavern_handle signal = make_signal(9);
    fill(64);
    for (unsigned i = 0; i < 5; i++)
        fire(signal);
    acknowledge(signal); /* [MSG-NOTICE-8] it has told nothing */
    free_messages(64);
    assert_next(&owner, CAVERN_KIND_SIGNAL, 9);
    assert_int_equal(word(0), 5);
    assert_false(peer_take(&owner, &got));
}

/* [MSG-NOTICE-2] [MSG-NOTICE-4] */
static void test_notify_again_replaces_the_destination(void **state)
{
    (void)state;
    cavern_handle signal = make_signal(9);
    cavern_handle theirs = model_give(owner.process, &peer_queue(&other)->object, CAVERN_RIGHT_RECEIVE);
    assert_int_equal(peer_call(&owner, NOTIFY, signal, [2] = 10, [3] = theirs), CAVERN_OK);
    fire(signal);
    assert_false(peer_take(&owner, &got));
    assert_next(&other, CAVERN_KIND_SIGNAL, 10);
    assert_int_equal(peer_call(&owner, NOTIFY, signal, [2] = 11), CAVERN_OK);
    fire(signal);
    assert_false(peer_take(&other, &got));
    assert_int_equal(peer_call(&owner, NOTIFY, signal, [2] = 12, [3] = owner.queue), CAVERN_OK);
    assert_next(&owner, CAVERN_KIND_SIGNAL, 12);
    assert_int_equal(word(0), 1);
}

/* [MSG-NOTICE-4] [MSG-NOTICE-9] [MSG-NOTICE-1] It waited for room in one queue, and goes to the other. */
static void test_notify_takes_a_waiting_notice_along(void **state)
{
    (void)state;
    cavern_handle signal = make_signal(9);
    cavern_handle theirs = model_give(owner.process, &peer_queue(&other)->object, CAVERN_RIGHT_RECEIVE);
    fill(64);
    fire(signal);
    fire(signal);
    assert_int_equal(peer_call(&owner, NOTIFY, signal, [2] = 10, [3] = theirs), CAVERN_OK);
    assert_int_equal(peer_control(&owner)->waiters, 0);
    assert_next(&other, CAVERN_KIND_SIGNAL, 10);
    assert_int_equal(word(0), 2);
    free_messages(64);
    assert_false(peer_take(&owner, &got));
}

/* [MSG-NOTICE-9] What has been told, in the ring or in registers, is not told again; what came after it is, at once. */
static void test_notify_counts_as_the_acknowledgement(void **state)
{
    (void)state;
    cavern_handle signal = make_signal(9);
    cavern_handle theirs = model_give(owner.process, &peer_queue(&other)->object, CAVERN_RIGHT_RECEIVE);
    fire(signal);
    assert_next(&owner, CAVERN_KIND_SIGNAL, 9);
    assert_int_equal(peer_call(&owner, NOTIFY, signal, [2] = 10, [3] = theirs), CAVERN_OK);
    assert_false(peer_take(&other, &got));
    fire(signal); /* at once, without `acknowledge` */
    assert_next(&other, CAVERN_KIND_SIGNAL, 10);
    assert_int_equal(word(0), 1);
    fire(signal);
    fire(signal);
    assert_false(peer_take(&other, &got));
    assert_int_equal(peer_call(&owner, NOTIFY, signal, [2] = 11, [3] = owner.queue), CAVERN_OK);
    assert_next(&owner, CAVERN_KIND_SIGNAL, 11);
    assert_int_equal(word(0), 2);
    assert_false(peer_take(&other, &got));
    acknowledge(signal);
    assert_false(peer_take(&owner, &got));
}

/* [MSG-QUEUE-5] What was told to the queue that goes, in the ring or in registers, is in what the next is told. */
static void test_source_whose_queue_goes_tells_the_next(void **state)
{
    (void)state;
    for (unsigned taken = 0; taken < 2; taken++) {
        assert_int_equal(peer_call(&owner, QUEUE_CREATE, CAVERN_SELF_ACCOUNT, [3] = 64), CAVERN_OK);
        cavern_handle queue = owner.x[1], signal = make_signal(9);
        assert_int_equal(peer_call(&owner, QUEUE_BIND, queue, [2] = CAVERN_SELF_PROCESS), CAVERN_OK);
        assert_int_equal(peer_call(&owner, NOTIFY, signal, [2] = 10, [3] = queue), CAVERN_OK);
        cavern_handle raiser = model_give(other.process, object_of(signal), CAVERN_RIGHT_RAISE);
        if (taken)
            assert_int_equal(peer_call(&owner, RECEIVE, queue, [9] = CAVERN_FOREVER), MODEL_WAITS);
        assert_int_equal(peer_call(&other, SIGNAL_RAISE, raiser), CAVERN_OK);
        if (taken)
            assert_int_equal(peer_woken(&owner), CAVERN_OK);
        fire(signal);
        assert_int_equal(peer_call(&owner, HANDLE_CLOSE, queue), CAVERN_OK);
        model_settle();
        fire(signal); /* to nobody */
        assert_false(peer_take(&owner, &got));
        assert_int_equal(peer_call(&owner, NOTIFY, signal, [2] = 11, [3] = owner.queue), CAVERN_OK);
        assert_next(&owner, CAVERN_KIND_SIGNAL, 11);
        assert_int_equal(word(0), 3);
        fire(signal); /* one-shot, as always */
        assert_false(peer_take(&owner, &got));
    }
}

/* [MSG-NOTICE-5] */
static void test_notice_fired_before_it_had_a_destination(void **state)
{
    (void)state;
    cavern_handle process = model_give(owner.process, &other.process->object, CAVERN_RIGHTS_ALL);
    process_end(other.process, (const uint64_t[5]){CAVERN_REASON_ENDED, 44});
    model_settle();
    assert_int_equal(peer_call(&owner, NOTIFY, process, [2] = 8, [3] = owner.queue), CAVERN_OK);
    assert_next(&owner, CAVERN_KIND_EXIT, 8);
    assert_int_equal(got.header.size, 40);
    assert_int_equal(word(0), CAVERN_REASON_ENDED);
    assert_int_equal(word(1), 44);
}

/* The owner ends, and another process, with a handle to `object`, adopts its queue. */
static void succeed(struct object *object, cavern_handle *handle)
{
    struct peer supervisor, next;
    peer_start(&supervisor, "super", 25, 0, 0);
    supervisor.queue = model_give(supervisor.process, &peer_queue(&owner)->object, CAVERN_RIGHTS_ALL);
    peer_start(&next, "next", 20, 0, 0);
    if (object)
        *handle = model_give(next.process, object, CAVERN_RIGHTS_ALL);
    peer_end(&owner);
    peer_adopt(&next, &supervisor);
    owner = next;
}

/* [MSG-NOTICE-6] Freed, but not acknowledged; it says how often since the last acknowledge. */
static void test_notice_not_acknowledged_comes_again(void **state)
{
    (void)state;
    cavern_handle signal = make_signal(9);
    fire(signal);
    assert_next(&owner, CAVERN_KIND_SIGNAL, 9);
    acknowledge(signal);
    for (unsigned i = 0; i < 3; i++)
        fire(signal);
    assert_next(&owner, CAVERN_KIND_SIGNAL, 9);
    peer_free(&owner);
    succeed(object_of(signal), &signal);
    assert_next(&owner, CAVERN_KIND_SIGNAL, 9);
    assert_int_equal(word(0), 3);
    assert_false(peer_take(&owner, &got));
    acknowledge(signal);
    assert_false(peer_take(&owner, &got));
    succeed(object_of(signal), &signal); /* acknowledged: not again */
    assert_false(peer_take(&owner, &got));
}

/* [MSG-NOTICE-6] Taken in registers. */
static void test_notice_in_registers_comes_again(void **state)
{
    (void)state;
    cavern_handle signal = make_signal(9);
    assert_int_equal(receive(CAVERN_FOREVER), MODEL_WAITS);
    assert_int_equal(peer_call(&other, NOP, 0), CAVERN_OK);
    struct object *object = object_of(signal);
    cavern_handle raiser = model_give(other.process, object, CAVERN_RIGHT_RAISE);
    assert_int_equal(peer_call(&other, SIGNAL_RAISE, raiser), CAVERN_OK);
    assert_int_equal(peer_woken(&owner), CAVERN_OK);
    assert_int_equal(owner.x[4], 1);
    assert_int_equal(peer_call(&other, SIGNAL_RAISE, raiser), CAVERN_OK);
    succeed(object, &signal);
    assert_next(&owner, CAVERN_KIND_SIGNAL, 9);
    assert_int_equal(word(0), 2);
}

/* [MSG-NOTICE-6] Not even taken: it is told once. */
static void test_notice_not_taken_stays_in_the_ring(void **state)
{
    (void)state;
    cavern_handle signal = make_signal(9);
    fire(signal);
    succeed(object_of(signal), &signal);
    assert_next(&owner, CAVERN_KIND_SIGNAL, 9);
    assert_int_equal(word(0), 1);
    assert_false(peer_take(&owner, &got));
    fire(signal);
    assert_false(peer_take(&owner, &got));
    acknowledge(signal);
    assert_next(&owner, CAVERN_KIND_SIGNAL, 9);
}

/* [MSG-NOTICE-1] [MSG-NOTICE-4] An exit that a dead owner took and did not acknowledge goes where it is wanted now. */
static void test_notice_that_comes_again_follows_notify(void **state)
{
    (void)state;
    struct peer watched, watcher;
    peer_start(&watched, "watched", 10, 0, 0);
    peer_start(&watcher, "watcher", 20, 64, 0);
    cavern_handle process = model_give(owner.process, &watched.process->object, CAVERN_RIGHTS_ALL);
    cavern_handle same = model_give(watcher.process, &watched.process->object, CAVERN_RIGHTS_ALL);
    model_give(watcher.process, &peer_queue(&owner)->object, CAVERN_RIGHT_MANAGE); /* it stays */
    assert_int_equal(peer_call(&owner, NOTIFY, process, [2] = 8, [3] = owner.queue), CAVERN_OK);
    peer_end(&watched);
    assert_next(&owner, CAVERN_KIND_EXIT, 8);
    free_messages(0);
    fill(64);
    peer_end(&owner);
    assert_int_equal(peer_call(&watcher, NOTIFY, same, [2] = 21, [3] = watcher.queue), CAVERN_OK);
    assert_next(&watcher, CAVERN_KIND_EXIT, 21);
    assert_int_equal(word(0), CAVERN_REASON_ENDED);
}

/* [PROC-END-6] Neither the process itself nor anybody else with a handle to it hides its end from who watches. */
static void test_exit_stays_with_who_watches(void **state)
{
    (void)state;
    struct peer watched;
    peer_start(&watched, "watched", 10, 64, 0);
    cavern_handle process = model_give(owner.process, &watched.process->object, CAVERN_RIGHTS_ALL);
    cavern_handle same = model_give(other.process, &watched.process->object, CAVERN_RIGHTS_ALL);
    assert_int_equal(peer_call(&other, NOTIFY, same, [2] = 7, [3] = other.queue), CAVERN_OK); /* nobody yet */
    assert_int_equal(peer_call(&owner, NOTIFY, process, [2] = 8, [3] = owner.queue), CAVERN_DENIED);
    assert_int_equal(peer_call(&other, NOTIFY, same), CAVERN_OK); /* one's own to take away */
    assert_int_equal(peer_call(&owner, NOTIFY, process, [2] = 8, [3] = owner.queue), CAVERN_OK);
    assert_int_equal(peer_call(&other, NOTIFY, same, [2] = 9, [3] = other.queue), CAVERN_DENIED);
    assert_int_equal(peer_call(&watched, NOTIFY, CAVERN_SELF_PROCESS, [2] = 9, [3] = watched.queue), CAVERN_DENIED);
    assert_int_equal(peer_call(&watched, NOTIFY, CAVERN_SELF_PROCESS), CAVERN_DENIED);
    assert_int_equal(peer_call(&owner, NOTIFY, process, [2] = 10, [3] = owner.queue), CAVERN_OK);
    peer_end(&watched);
    assert_next(&owner, CAVERN_KIND_EXIT, 10);
    assert_int_equal(peer_call(&other, NOTIFY, same, [2] = 9, [3] = other.queue), CAVERN_DENIED);
    assert_false(peer_take(&other, &got));
}

/* [MSG-NOTICE-8] */
static void test_acknowledge_of_nothing_is_ok(void **state)
{
    (void)state;
    cavern_handle signal = make_signal(9);
    acknowledge(signal);
    fire(signal);
    assert_next(&owner, CAVERN_KIND_SIGNAL, 9);
    acknowledge(signal);
    acknowledge(signal);
    assert_false(peer_take(&owner, &got));
    assert_int_equal(peer_call(&owner, ACKNOWLEDGE, CAVERN_SELF_PROCESS), CAVERN_OK);
    assert_int_equal(peer_call(&owner, ACKNOWLEDGE, CAVERN_SELF_THREAD), CAVERN_OK);
    assert_false(peer_take(&owner, &got));
}

/* [MSG-NOTICE-7] Not those that go through the ring: receive finds them there. */
static void test_notice_that_waits_comes_to_who_receives(void **state)
{
    (void)state;
    cavern_handle signals[2] = {make_signal(1), make_signal(2)};
    fill(64);
    fire(signals[1]);
    fire(signals[0]);
    for (unsigned i = 0; i < 64; i++)
        assert_true(peer_take(&owner, &got)); /* and freed none */
    for (unsigned label = 2; label >= 1; label--) {
        assert_int_equal(receive(CAVERN_POLL), CAVERN_OK);
        assert_int_equal(owner.x[3], label);
        assert_int_equal(owner.x[4], 1);
        for (unsigned i = 5; i <= 8; i++)
            assert_int_equal(owner.x[i], 0);
    }
    assert_int_equal(receive(CAVERN_POLL), CAVERN_TIMEOUT);
    assert_int_equal(peer_control(&owner)->waiters, 0);
}

/* [MSG-NOTICE-1] The source goes while its notice waits: what happened has happened. */
static void test_notice_of_a_source_that_goes_is_told(void **state)
{
    (void)state;
    struct thread *thread = model_thread(other.process, 10);
    cavern_handle watched = model_give(owner.process, &thread->object, CAVERN_RIGHTS_ALL);
    object_put(&thread->object);
    assert_int_equal(peer_call(&owner, NOTIFY, watched, [2] = 50, [3] = owner.queue), CAVERN_OK);
    assert_int_equal(peer_call(&owner, HANDLE_CLOSE, watched), CAVERN_OK);
    uint64_t before = other.process->account->budget.used;
    fill(64);
    assert_true(thread_end(thread, CAVERN_REASON_EXITED, 6));
    model_settle();
    free_messages(64);
    assert_next(&owner, CAVERN_KIND_EXIT, 50);
    assert_int_equal(word(1), 6);
    assert_true(other.process->account->budget.used <= before);
}

/* A source that goes takes nothing along that it has told. */
static void test_notice_told_survives_its_source(void **state)
{
    (void)state;
    cavern_handle signal = make_signal(9);
    fire(signal);
    assert_int_equal(peer_call(&owner, HANDLE_CLOSE, signal), CAVERN_OK);
    free_messages(0);
    assert_next(&owner, CAVERN_KIND_SIGNAL, 9);
    peer_free(&owner);
    assert_int_equal(receive(CAVERN_POLL), CAVERN_TIMEOUT);
    succeed(NULL, NULL);
    assert_false(peer_take(&owner, &got));
}

/* [MSG-RECEIVE-6] */
static void test_receive_ends_when_the_queue_is_unbound(void **state)
{
    (void)state;
    cavern_handle theirs = model_give(other.process, &peer_queue(&owner)->object, CAVERN_RIGHT_MANAGE);
    assert_int_equal(receive(CAVERN_FOREVER), MODEL_WAITS);
    assert_int_equal(peer_call(&other, QUEUE_BIND, theirs), CAVERN_OK);
    assert_int_equal(peer_woken(&owner), CAVERN_GONE);
    for (unsigned i = 1; i <= 8; i++)
        assert_int_equal(owner.x[i], 0);
    assert_int_equal(receive(CAVERN_POLL), CAVERN_DENIED);
}

/* [MSG-RECEIVE-6] A second thread closes the last handle. */
static void test_receive_ends_when_the_queue_goes(void **state)
{
    (void)state;
    struct peer second = owner;
    second.thread = model_thread(owner.process, 20);
    assert_int_equal(receive(arch_now() + 1000), MODEL_WAITS);
    assert_int_equal(peer_call(&second, HANDLE_CLOSE, owner.queue), CAVERN_OK);
    assert_int_equal(peer_woken(&owner), CAVERN_GONE);
    model_set_time(arch_now() + 2000);
    assert_int_equal(peer_call(&owner, NOP, 0), CAVERN_OK);
}

/* [MSG-SPACE-6] */
static void test_space_is_told_when_the_queue_goes(void **state)
{
    (void)state;
    cavern_handle second = peer_sender(&other, &owner, 6, 100, 4, 0);
    fill(64);
    assert_int_equal(peer_call(&other, SPACE, sender, [2] = 41, [3] = 64, [9] = other.queue), CAVERN_OK);
    assert_int_equal(peer_call(&other, SPACE, second, [2] = 42, [3] = 1, [9] = other.queue), CAVERN_OK);
    assert_int_equal(peer_call(&owner, HANDLE_CLOSE, owner.queue), CAVERN_OK);
    assert_next(&other, CAVERN_KIND_SPACE, 41);
    assert_next(&other, CAVERN_KIND_SPACE, 42);
    assert_false(peer_take(&other, &got));
    assert_int_equal(send(), CAVERN_GONE);
    assert_int_equal(peer_call(&other, SPACE, sender, [3] = 1, [9] = other.queue), CAVERN_GONE);
    peer_free(&other);
    assert_int_equal(peer_call(&other, HANDLE_CLOSE, sender), CAVERN_OK);
    assert_int_equal(peer_call(&other, QUEUE_FREED, other.queue), CAVERN_OK);
}

/* [MSG-SPACE-6] Who asks, and for room in what, is one queue. */
static void test_space_in_the_own_queue_goes_with_it(void **state)
{
    (void)state;
    cavern_handle own = peer_sender(&owner, &owner, 6, 100, 4, 0);
    fill(64);
    assert_int_equal(peer_call(&owner, SPACE, own, [2] = 41, [3] = 64, [9] = owner.queue), CAVERN_OK);
    assert_int_equal(peer_call(&owner, HANDLE_CLOSE, owner.queue), CAVERN_OK);
    assert_int_equal(peer_call(&owner, SEND, own), CAVERN_GONE);
    assert_int_equal(peer_call(&owner, HANDLE_CLOSE, own), CAVERN_OK);
}

/* [DEV-IRQ-3] [MSG-NOTICE-5] A line whose queue goes is masked, and what it did before that is not lost. */
static void test_interrupt_whose_queue_goes_is_masked(void **state)
{
    (void)state;
    struct interrupt *range = interrupt_range_create(model_root());
    cavern_handle lines = model_give(other.process, &range->object, CAVERN_RIGHTS_ALL);
    assert_int_equal(peer_call(&other, DERIVE, lines, [3] = 40, [4] = 1, [6] = CAVERN_SELF_ACCOUNT), CAVERN_OK);
    cavern_handle line = other.x[1];
    assert_int_equal(peer_call(&other, NOTIFY, line, [2] = 7, [3] = other.queue), CAVERN_OK);
    assert_false(model_line_masked(40));
    assert_int_equal(peer_call(&other, HANDLE_CLOSE, other.queue), CAVERN_OK);
    assert_true(model_line_masked(40));
}

/* [ABI-FAIL-1] [MSG-CLOSED-1] A sender that nobody ever had closes nothing. */
static void test_closed_of_a_sender_that_was_not_minted(void **state)
{
    (void)state;
    unsigned failed = 0;
    for (unsigned i = 0; i < 300; i++) {
        model_fail_allocation(1);
        uint64_t status =
            peer_call(&owner, SENDER_MINT, owner.queue, [3] = 1, [4] = CAVERN_SELF_ACCOUNT, [5] = CAVERN_MINT_CLOSED);
        failed += status == CAVERN_NO_MEMORY;
        model_fail_allocation(0);
        assert_false(peer_take(&owner, &got));
        if (status)
            assert_int_equal(peer_call(&owner, SENDER_MINT, owner.queue, [3] = 1, [4] = CAVERN_SELF_ACCOUNT),
                             CAVERN_OK);
    }
    assert_true(failed > 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, start)
    const struct CMUnitTest tests[] = {
        TEST(test_notice_without_room_waits_oldest_first),
        TEST(test_send_while_notices_wait_is_full),
        TEST(test_registers_need_no_room),
        TEST(test_notice_tells_once_until_acknowledged),
        TEST(test_notice_that_waits_counts_on),
        TEST(test_notify_again_replaces_the_destination),
        TEST(test_notify_takes_a_waiting_notice_along),
        TEST(test_notify_counts_as_the_acknowledgement),
        TEST(test_source_whose_queue_goes_tells_the_next),
        TEST(test_notice_fired_before_it_had_a_destination),
        TEST(test_notice_not_acknowledged_comes_again),
        TEST(test_notice_in_registers_comes_again),
        TEST(test_notice_not_taken_stays_in_the_ring),
        TEST(test_notice_that_comes_again_follows_notify),
        TEST(test_exit_stays_with_who_watches),
        TEST(test_acknowledge_of_nothing_is_ok),
        TEST(test_notice_that_waits_comes_to_who_receives),
        TEST(test_notice_of_a_source_that_goes_is_told),
        TEST(test_notice_told_survives_its_source),
        TEST(test_receive_ends_when_the_queue_is_unbound),
        TEST(test_receive_ends_when_the_queue_goes),
        TEST(test_space_is_told_when_the_queue_goes),
        TEST(test_space_in_the_own_queue_goes_with_it),
        TEST(test_interrupt_whose_queue_goes_is_masked),
        TEST(test_closed_of_a_sender_that_was_not_minted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
