/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The crowd: what else there is while a row is measured, so that whatever a row searches, walks along or keeps in
 * order is that long. The first process makes queues, each with a thread that waits there for a time that does not
 * come, buffers, mapped, and processes with a thread; each peer, in its own process, senders and signals of its queue,
 * mappings, and threads. Those threads are ready, at the lowest priority, and so never run.
 *
 * The same functions make what is weighed: what one of a kind costs is told by the account that pays for it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cavern/buffer.h>
#include <cavern/handles.h>
#include <cavern/inspect.h>
#include <cavern/memory.h>
#include <cavern/process.h>
#include <cavern/start.h>
#include <cavern/time.h>

#include "bench.h"

#define WEIGHED 1000 /* of each kind */
#define PRIORITY_LOWEST 0
#define MAPPINGS_AT UINT64_C(0xc000000000) /* nothing else is placed there */
#define HOUR UINT64_C(3600000000000)

static cavern_handle queue; /* that the others refer to */

static void make_handle(void)
{
    cavern_handle handle;
    must(cavern_handle_duplicate(queue, CAVERN_RIGHT_MINT, &handle), "handle");
}

static void make_sender(void)
{
    cavern_handle sender;
    must(cavern_sender_mint(queue, 0, 1, 1, 0, &sender), "sender");
}

static void make_signal(void)
{
    cavern_handle signal;
    must(cavern_sys_signal_create(CAVERN_SELF_ACCOUNT, &signal), "signal");
    must(cavern_sys_notify(signal, 0, queue, 0), "notify");
}

static cavern_handle bound_queue(void)
{
    struct cavern_queue bound;
    must(cavern_queue_create(CAVERN_QUEUE_BLOCKS_MIN, 0, &bound), "queue");
    return bound.handle;
}

static void make_queue(void)
{
    bound_queue();
}

static cavern_handle buffer_of_a_page(void)
{
    cavern_handle buffer;
    must(cavern_buffer_create(CAVERN_SELF_ACCOUNT, CAVERN_PAGE_SIZE, 0, &buffer), "buffer");
    return buffer;
}

static void make_buffer(void)
{
    buffer_of_a_page();
}

static void make_mapped_buffer(void)
{
    void *address;
    cavern_handle buffer = buffer_of_a_page();
    must(cavern_buffer_map(buffer, 0, CAVERN_PAGE_SIZE, CAVERN_PROT_READ, &address), "buffer");
    cavern_handle_close(buffer);
}

/* The same page again, apart from the others. */
static void make_mapping(void)
{
    static cavern_handle buffer;
    static uint64_t next = MAPPINGS_AT;
    if (!buffer)
        buffer = buffer_of_a_page();
    must(cavern_buffer_map_at(CAVERN_SELF_PROCESS, buffer, 0, CAVERN_PAGE_SIZE, next, CAVERN_PROT_READ), "mapping");
    next += 2 * CAVERN_PAGE_SIZE;
}

static void thread_in(cavern_handle process, uint8_t priority, void (*entry)(cavern_handle own_queue), void *stack)
{
    cavern_handle thread;
    must(cavern_sys_thread_create(process, priority, (uintptr_t)entry, (uintptr_t)stack, 0, queue, 0, 0, &thread),
         "thread");
    cavern_handle_close(thread);
}

static void never(cavern_handle own_queue)
{
    (void)own_queue;
    __builtin_trap();
}

static void make_thread(void)
{
    thread_in(CAVERN_SELF_PROCESS, PRIORITY_LOWEST, never, NULL);
}

/* It goes to sleep before the next one needs the stack, and does not come back. */
static void sleep(cavern_handle own_queue)
{
    struct cavern_received received;
    must(cavern_sys_receive(own_queue, cavern_now() + HOUR, &received), "sleep");
}

static void make_sleeper(void)
{
    static uint8_t stack[CAVERN_PAGE_SIZE] __attribute__((aligned(16)));
    cavern_handle common = queue;
    queue = bound_queue();
    thread_in(CAVERN_SELF_PROCESS, PRIORITY_HIGH, sleep, stack + sizeof(stack));
    queue = common;
}

static cavern_handle bare_process(void)
{
    struct cavern_process_name name = cavern_process_name("crowd");
    cavern_handle process;
    must(cavern_sys_process_create(CAVERN_SELF_ACCOUNT, 0, 0, name.words[0], name.words[1], &process), "process");
    return process;
}

static void make_process(void)
{
    bare_process();
}

static void make_process_with_thread(void)
{
    thread_in(bare_process(), PRIORITY_LOWEST, never, NULL);
}

/* The one that the row `process` makes. */
static void make_program(void)
{
    struct cavern_spawn spawn = {
        .name = "tiny", .priority = PRIORITY_LOWEST, .stack = CAVERN_PAGE_SIZE, .account = CAVERN_SELF_ACCOUNT};
    cavern_handle process;
    spawn.image = image_of("tiny", &spawn.image_size);
    must(cavern_spawn(&spawn, &process), "program");
}

static void make(unsigned count, void (*one)(void))
{
    for (unsigned i = 0; i < count; i++)
        one();
}

void crowd_first(unsigned count)
{
    queue = bound_queue();
    make(count, make_sleeper);
    make(count, make_mapped_buffer);
    make(count, make_process_with_thread);
}

void crowd_peer(unsigned count)
{
    queue = cavern_startup_get(CAVERN_STARTUP_QUEUE);
    make(count, make_sender);
    make(count, make_signal);
    make(count, make_mapping);
    make(count, make_thread);
}

static uint64_t used(void)
{
    struct cavern_account_info info;
    uint64_t next, written;
    must(cavern_sys_inspect(CAVERN_SELF_ACCOUNT, CAVERN_INSPECT_ACCOUNT, 0, (uintptr_t)&info, sizeof(info), &next,
                            &written),
         "inspect");
    return info.used;
}

void weigh(void)
{
    static const struct {
        const char *kind;
        void (*make)(void);
    } kinds[] = {
        {"handle", make_handle},   {"sender", make_sender}, {"queue", make_queue},     {"buffer", make_buffer},
        {"mapping", make_mapping}, {"thread", make_thread}, {"process", make_process}, {"program", make_program},
    };
    queue = bound_queue();
    make_mapping(); /* its buffer */
    for (unsigned i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        uint64_t before = used();
        make(WEIGHED, kinds[i].make);
        say("bench bytes_%s %lu 0", kinds[i].kind, (unsigned long)((used() - before) / WEIGHED));
    }
}
