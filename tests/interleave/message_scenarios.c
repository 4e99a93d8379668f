/* SPDX-License-Identifier: BSD-2-Clause */
/* Letters, room for them, signals, requests. */
#include <assert.h>

#include "scenarios.h"

struct counts counts;

/* --- letters --- */

uint64_t first_word(const struct cavern_message *message)
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

/* The same without ever sleeping: the kernel hears of it only when somebody waits. */
static void looking_reader(struct user *user)
{
    struct cavern_message message;
    while (user->data--) {
        while (!cavern_queue_take(&user->queue, &message))
            processor_pause();
        user_require(first_word(&message) == counts.letters[message.header.label]++);
        cavern_queue_release(&user->queue, &message);
    }
}

static void writer(struct user *user)
{
    for (uint64_t i = 0; i < user->data; i++)
        user_require(cavern_sys_send(user->sender, SMALL, (uint64_t[5]){i}) == CAVERN_OK);
}

void write_letters(unsigned writers, unsigned letters)
{
    struct user *to = user_process("reader", 10, 64, 0, reader);
    to->data = (uint64_t)writers * letters;
    for (unsigned i = 0; i < writers; i++) {
        struct user *from = user_process("writer", 10, 0, 0, writer);
        from->data = letters;
        from->sender = peer_sender(&from->peer, &to->peer, i, 8, 0, 0);
    }
}

void few_letters(void)
{
    write_letters(1, 2);
}

void letters(void)
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

/* One sends large letters, of which two fit; another small ones, one at a time. */
static void write_where_there_is_room(user_program reads)
{
    static const user_program programs[] = {large_writer, patient_writer};
    struct user *to = user_process("reader", 10, 64, 0, reads);
    for (unsigned i = 0; i < 2; i++) {
        struct user *from = user_process("writer", 10, 64, 0, programs[i]);
        from->data = 4;
        from->sender = peer_sender(&from->peer, &to->peer, i, i ? 1 : 8, 0, 0);
        to->data += from->data;
    }
}

void room(void)
{
    write_where_there_is_room(reader);
}

void room_that_is_told(void)
{
    write_where_there_is_room(looking_reader);
}

static void second_letter(struct user *user)
{
    wait_for_space(user, 1);
    send_when_there_is_room(user, SMALL, 1);
}

/* The first one is there already, and all that its sender may have there. */
void little_room(void)
{
    struct user *to = user_process("reader", 10, 64, 0, looking_reader);
    struct user *from = user_process("writer", 10, 64, 0, second_letter);
    from->sender = peer_sender(&from->peer, &to->peer, 0, 1, 0, 0);
    to->data = 2;
    uint64_t status = peer_call(&from->peer, SEND, from->sender, [1] = SMALL, [3] = 0);
    assert(status == CAVERN_OK);
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

/* A signal of the listener's own, which `user` may raise. */
static void give_signal(struct user *to, struct user *user)
{
    void *signal;
    uint64_t status = peer_call(&to->peer, SIGNAL_CREATE, CAVERN_SELF_ACCOUNT);
    assert(status == CAVERN_OK);
    to->data = to->peer.x[1];
    status = peer_call(&to->peer, NOTIFY, to->data, [2] = 9, [3] = to->peer.queue);
    assert(status == CAVERN_OK);
    status = process_lookup(to->peer.process, to->data, CAVERN_TYPE_SIGNAL, 0, &signal);
    assert(status == CAVERN_OK);
    user->data = model_give(user->peer.process, signal, CAVERN_RIGHTS_ALL);
}

void signals(void)
{
    struct user *to = user_process("listener", 10, 64, 0, listener);
    struct user *filler = user_process("filler", 10, 64, 0, large_writer);
    give_signal(to, user_process("raiser", 10, 0, 0, raiser));
    filler->data = FILLERS;
    filler->sender = peer_sender(&filler->peer, &to->peer, 0, 8, 0, 0);
}

static void looking_listener(struct user *user)
{
    struct cavern_message message;
    for (;;) {
        while (!cavern_queue_take(&user->queue, &message))
            processor_pause();
        if (message.header.kind == CAVERN_KIND_SIGNAL)
            return;
        cavern_queue_release(&user->queue, &message);
    }
}

static void raise_once(struct user *user)
{
    user_require(cavern_sys_signal_raise(user->data) == CAVERN_OK);
}

/* The ring is full, and its owner enters the kernel only when somebody waits. */
void little_signal(void)
{
    struct user *to = user_process("listener", 10, 64, 0, looking_listener);
    struct user *user = user_process("raiser", 10, 0, 0, raise_once);
    give_signal(to, user);
    user->sender = peer_sender(&user->peer, &to->peer, 0, 8, 0, 0);
    for (unsigned i = 0; i < 2; i++) {
        uint64_t status = peer_call(&user->peer, SEND, user->sender, [1] = HALF_RING, [3] = user->peer.memory);
        assert(status == CAVERN_OK);
    }
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

void requests(void)
{
    struct user *to = user_process("server", 10, 64, 2, deciding_server);
    struct user *user = user_process("requester", 10, 64, 0, requester);
    user->sender = peer_sender(&user->peer, &to->peer, 0, 64, 4, 0);
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

void additions(void)
{
    user_process("adder", 10, 0, 0, adder);
    user_process("adder", 10, 0, 0, adder);
}

void all_are_added(void)
{
    user_require(counts.sum == 6);
}
