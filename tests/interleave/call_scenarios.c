/* SPDX-License-Identifier: BSD-2-Clause */
/* Calls and answers, and what happens to those who make them. */
#include <assert.h>

#include "arch/arch.h"
#include "object/queue.h"
#include "scenarios.h"

static struct user *boss, *victim, *heir;

/* --- calls --- */

#define SHORT 1000 /* ns */
#define ROOM 8     /* messages of a client: a call that is cancelled holds its own until the server frees it */

static uint64_t after(uint64_t time)
{
    return time == CAVERN_FOREVER ? time : arch_now() + time;
}

/* Answers what comes, in the order in which each client asks, as long as `patience` lets it. */
static void serve(struct user *user, uint64_t patience)
{
    uint64_t words[5] = {0}, id = 0;
    for (;;) {
        struct cavern_received received;
        struct cavern_message message;
        enum cavern_status status =
            cavern_sys_reply_receive(user->queue.handle, id, after(patience), SMALL, words, &received);
        id = 0;
        if (status == CAVERN_TIMEOUT)
            return;
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

static void server(struct user *user)
{
    user->may_wait = true;
    serve(user, CAVERN_FOREVER);
}

/* Looks up now and then, `data` times while nothing comes. */
static void hasty_server(struct user *user)
{
    for (uint64_t left = user->data; left--;)
        serve(user, SHORT);
    server(user);
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
        enum cavern_status status = ask(user, i, after(SHORT));
        user_require(status == CAVERN_OK || status == CAVERN_TIMEOUT);
    }
}

static struct user *add_client(struct user *to, uint64_t label, uint8_t priority, user_program program, uint64_t calls)
{
    struct user *user = user_process("client", priority, 0, 0, program);
    user->sender = peer_sender(&user->peer, &to->peer, label, ROOM, 2, 0);
    user->data = calls;
    return user;
}

void one_call(void)
{
    add_client(user_process("server", 10, 64, 4, server), 0, 10, client, 1);
}

void few_calls(void)
{
    struct user *to = user_process("server", 10, 64, 4, server);
    add_client(to, 0, 10, client, 2);
    add_client(to, 1, 10, client, 2);
}

void calls(void)
{
    struct user *to = user_process("server", 11, 64, 4, server);
    add_client(to, 0, 10, client, 5);
    add_client(to, 1, 11, client, 5);
    add_client(to, 2, 10, hasty_client, 5);
}

/* Each with a server of its own, in short cuts side by side; and what comes between. */
void pairs(void)
{
    for (unsigned i = 0; i < 2; i++)
        add_client(user_process("server", 10, 64, 4, server), i, 10, client, 5);
    write_letters(1, 2);
}

/* Above all others: wherever it goes on, somebody else has to go. */
static void sleeper(struct user *user)
{
    struct cavern_message message;
    while (user->data--)
        user_require(cavern_queue_receive(&user->queue, after(SHORT / 2), &message) == CAVERN_TIMEOUT);
}

/* Who waits stands in the tree of a CPU that it need not come back to. */
void deadlines(void)
{
    for (unsigned i = 0; i < 2; i++) {
        struct user *to = user_process("server", 10, 64, 4, hasty_server);
        to->data = 3;
        add_client(to, i, 10, hasty_client, 6);
        user_process("sleeper", 20, 64, 0, sleeper)->data = 4;
    }
}

/* Two threads of one process, each with a server of its own. */
void twins(void)
{
    struct user *to = user_process("server", 10, 64, 4, server);
    struct user *first = add_client(to, 0, 10, client, 5);
    to = user_process("server", 10, 64, 4, server);
    struct user *second = user_thread(first, "twin", 10, client);
    second->sender = peer_sender(&second->peer, &to->peer, 1, 4, 2, 0);
    second->data = 5;
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

static void close_beside_calls(uint64_t label, uint64_t flags)
{
    struct user *to = user_process("server", 10, 64, 4, server);
    struct user *user = user_process("client", 10, 0, 0, closed_client);
    user->sender = peer_sender(&user->peer, &to->peer, label, 4, 2, flags);
    user_thread(user, "closer", 10, closer)->sender = user->sender;
}

void closing(void)
{
    close_beside_calls(0, CAVERN_MINT_CLOSED);
}

/* Nobody is told, and others are in short cuts meanwhile. */
void closing_beside(void)
{
    close_beside_calls(0, 0);
    close_beside_calls(1, 0);
    add_client(user_process("server", 10, 64, 4, server), 2, 10, client, 8);
}

void closed_once(void)
{
    user_require(counts.closed == 1);
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

void stops(void)
{
    victim = user_process("victim", 10, 0, 0, endless);
    give_control(user_process("stopper", 10, 0, 0, stopper), victim);
}

void stops_of_callers(void)
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

void deaths(void)
{
    struct user *to = user_process("server", 10, 64, 4, server);
    struct queue *queue = peer_queue(&to->peer);
    to->data = true;
    to->may_end = true;
    add_client(to, 0, 10, mourning_client, 3);
    add_client(to, 1, 9, mourning_client, 3);
    heir = user_process("heir", 10, 0, 0, server);
    boss = user_process("boss", 10, 0, 0, succession);
    bool suspended = thread_suspend(heir->peer.thread);
    assert(suspended);
    heir->queue.handle = model_give(heir->peer.process, &queue->object, CAVERN_RIGHTS_ALL);
    heir->data = model_give(boss->peer.process, &heir->peer.process->object, CAVERN_RIGHTS_ALL);
    boss->queue.handle = model_give(boss->peer.process, &queue->object, CAVERN_RIGHTS_ALL);
    boss->data = model_give(boss->peer.process, &to->peer.process->object, CAVERN_RIGHTS_ALL);
    boss->sender = model_give(boss->peer.process, &heir->peer.thread->object, CAVERN_RIGHTS_ALL);
}
