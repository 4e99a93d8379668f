/* SPDX-License-Identifier: BSD-2-Clause */
/* The one page that a process shares with the kernel: every field, every pattern, and every call that looks at it. */
#include <stddef.h>
#include <string.h>

#include <cavern/handles.h>
#include <cavern/protocol/console.h>
#include <cavern/queue.h>
#include <cavern/send.h>
#include <cavern/stubs.h>
#include <cavern/time.h>

#include "attempt.h"

/* A queue with three messages of one block: the first is freed, two are taken, and the kernel knows. */
static struct cavern_queue queue;
static cavern_handle sender;

static enum cavern_status send_word(void)
{
    uint64_t words[8] = {0}; /* too long for registers */
    return cavern_send(sender, &(struct cavern_outgoing){.payload = words, .size = 40});
}

static void make_queue(void)
{
    struct cavern_message message;
    GRANTED(cavern_queue_create(CAVERN_QUEUE_BLOCKS_MIN, 4, &queue));
    GRANTED(cavern_sender_mint(queue.handle, 0, 8, 8, 0, &sender));
    for (unsigned i = 0; i < 3; i++)
        GRANTED(send_word());
    GRANTED(cavern_queue_receive(&queue, CAVERN_POLL, &message));
    cavern_queue_release(&queue, &message);
    GRANTED(cavern_queue_receive(&queue, CAVERN_POLL, &message));
    GRANTED(cavern_sys_queue_freed(queue.handle));
}

/* --- calls that look at head and taken --- */

static void look_send(void)
{
    (void)!send_word();
}

static void look_receive(void)
{
    struct cavern_received received;
    (void)!cavern_sys_receive(queue.handle, CAVERN_POLL, &received);
}

static void look_freed(void)
{
    (void)!cavern_sys_queue_freed(queue.handle);
}

static void look_accept(void)
{
    uint64_t handle, type;
    (void)!cavern_sys_grant_accept(queue.handle, 1, 0, &handle, &type);
}

static void look_request(void)
{
    uint64_t word = 0;
    (void)!cavern_request(sender, 0, &(struct cavern_outgoing){.payload = &word, .size = 8}, &queue, 1, NULL);
}

static void look_unbind(void)
{
    uint64_t out;
    (void)!cavern_sys_queue_bind(queue.handle, 0, 0, &out, &out, &out);
}

static void (*const looks[])(void) = {look_send, look_receive, look_freed, look_accept, look_request, look_unbind};
#define LOOKS (sizeof(looks) / sizeof(*looks))

#define TOP (UINT64_C(1) << 63)
static const struct {
    uint64_t head, taken;
} violations[] = {
    {0, 2},       {3, 2},
    {2, 1},       {1, 1},
    {0, 0},       {1, 4},
    {4, 4},       {UINT64_MAX, 2},
    {TOP, 2},     {1, 0},
    {1, 1 | TOP}, {1, UINT64_MAX},
    {TOP, TOP},   {UINT64_C(1) << 32 | 1, UINT64_C(1) << 32 | 2},
    {1, 64 + 2},  {0xffffffff, 0xffffffff},
};
#define VIOLATIONS (sizeof(violations) / sizeof(*violations))

static void violate(unsigned variant)
{
    make_queue();
    queue.control->head = violations[variant % VIOLATIONS].head;
    queue.control->taken = violations[variant % VIOLATIONS].taken;
    looks[variant / VIOLATIONS]();
    looks[variant / VIOLATIONS]();
}

/* The service that answers is the one that sees it: of two reads the console answers the first at once. */
static void violate_before_a_reply(unsigned variant)
{
    cavern_handle console = attempt_handle("console");
    struct rpc_request read = {.operation = CONSOLE_READ, .version = RPC_VERSION};
    struct cavern_outgoing out = {.payload = &read, .size = sizeof(read)};
    struct cavern_answer answer = {0};
    make_queue();
    GRANTED(cavern_request(console, 0, &out, &queue, 4, NULL));
    queue.control->head = violations[variant].head;
    queue.control->taken = violations[variant].taken;
    (void)!cavern_call(console, &out, cavern_after(CAVERN_MILLISECOND), &answer);
    look_freed(); /* where the console had no reason to look */
}

/* --- what only the kernel writes --- */

static const uint64_t patterns[] = {0, 1, 3, 63, 64, 65, UINT64_C(1) << 32, TOP, UINT64_MAX, 0xffff000040000000};
#define PATTERNS (sizeof(patterns) / sizeof(*patterns))

/* Nobody but the owner is misled: what is sent is there, as the registers say. */
static void overwrite(unsigned variant)
{
    struct cavern_received received;
    make_queue();
    volatile uint64_t *words = (volatile uint64_t *)queue.control;
    for (unsigned field = 2; field < sizeof(struct cavern_control) / sizeof(*words); field++) {
        words[field] = patterns[variant];
        (void)!cavern_sys_queue_freed(queue.handle);
        REFUSED(cavern_sys_receive(queue.handle, CAVERN_POLL, &received), CAVERN_IN_RING);
    }
    for (unsigned i = 0; i < 6; i++)
        GRANTED(send_word()); /* two of the eight that are allowed are not freed */
    REFUSED(send_word(), CAVERN_QUEUE_FULL);
    queue.control->taken = queue.control->head = 9;
    GRANTED(send_word());
    REFUSED(cavern_sys_receive(queue.handle, CAVERN_POLL, &received), CAVERN_IN_RING);
}

/* All of the page but head and taken, at random, in between of everything. */
static void scribble(unsigned variant)
{
    make_queue();
    volatile uint64_t *words = (volatile uint64_t *)queue.control;
    (void)variant;
    for (unsigned i = 0; i < 200; i++) {
        for (unsigned field = 2; field < 512; field++)
            words[field] = attempt_random();
        looks[i % (LOOKS - 1)]();
        words[1] = words[0] = i % 8 ? words[0] : 3;
    }
}

/* Positions inside of messages. */
static void inside_messages(unsigned variant)
{
    static uint64_t payload[64];
    struct cavern_outgoing out = {.payload = payload, .size = sizeof(payload)}; /* 9 blocks */
    GRANTED(cavern_queue_create(CAVERN_QUEUE_BLOCKS_MIN, 4, &queue));
    GRANTED(cavern_sender_mint(queue.handle, 0, 8, 8, 0, &sender));
    for (unsigned i = 0; i < 7; i++)
        GRANTED(cavern_send(sender, &out));
    REFUSED(cavern_send(sender, &out), CAVERN_QUEUE_FULL);
    for (uint64_t position = 1; position < 63; position++) {
        queue.control->taken = position;
        queue.control->head = variant ? position : 0;
        looks[position % (LOOKS - 1)]();
    }
    look_unbind();
    GRANTED(cavern_sys_queue_bind(queue.handle, CAVERN_SELF_PROCESS, 0, &payload[0], &payload[1], &payload[2]));
}

const struct attempt control_page_attempts[] = {
    {"control page: bad head and taken", violate, VIOLATIONS *LOOKS, ENDS_CONTROL_PAGE},
    {"control page: bad when a service answers", violate_before_a_reply, VIOLATIONS,
     ENDS_CONTROL_PAGE | ENDS_WELL /* the answer moves tail to where some are right */},
    {"control page: what the kernel writes", overwrite, PATTERNS, ENDS_WELL},
    {"control page: scribbling", scribble, 4, ENDS_WELL | ENDS_CONTROL_PAGE},
    {"control page: inside of messages", inside_messages, 2, ENDS_WELL},
    {0},
};
