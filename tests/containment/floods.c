/* SPDX-License-Identifier: BSD-2-Clause */
/* Much at once: messages and requests to every service, notices, deadlines, faults, and threads that never stop. */
#include <stddef.h>
#include <string.h>

#include <cavern/fault.h>
#include <cavern/handles.h>
#include <cavern/protocol/rpc.h>
#include <cavern/queue.h>
#include <cavern/registry.h>
#include <cavern/send.h>
#include <cavern/start.h>
#include <cavern/stubs.h>
#include <cavern/time.h>

#include "attempt.h"
#include "jail.h"

/* --- services --- */

/* All but those that would print, or take what is typed. */
static const char *const services[] = {"log", "supervisor", "devices"};

static uint64_t noise[2048];

/* Garbage behind a header that is good more often than not. */
static struct cavern_outgoing garbage(void)
{
    uint32_t size = (uint32_t)(attempt_random() % (attempt_random() & 7 ? 128 : sizeof(noise)));
    struct rpc_request request = {(uint16_t)(attempt_random() % 16), attempt_random() & 7 ? RPC_VERSION : 0, 0,
                                  (uint32_t)(attempt_random() & 3)};
    for (unsigned i = 0; i < size / 8 + 1; i++)
        noise[i] = attempt_random() & 1 ? attempt_random() : 0;
    memcpy(noise, &request, sizeof(request));
    return (struct cavern_outgoing){.payload = noise, .size = size};
}

static void send_messages(const char *name)
{
    cavern_handle service = attempt_handle(name);
    unsigned accepted = 0;
    for (unsigned i = 0; i < 2000; i++) {
        struct cavern_outgoing out = garbage();
        enum cavern_status status = cavern_send(service, &out);
        if (status && status != CAVERN_QUEUE_FULL)
            attempt_failed("%s: status %d", name, status);
        accepted += !status;
    }
    attempt_tell("%u messages accepted", accepted);
}

/* Each request that is accepted has one ending. */
static void send_requests(const char *name)
{
    cavern_handle service = attempt_handle(name);
    struct cavern_queue queue;
    struct cavern_message message;
    uint64_t sent = 0, ended = 0;
    GRANTED(cavern_queue_create(4096, 0, &queue));
    for (unsigned i = 0; i < 1000; i++) {
        struct cavern_outgoing out = garbage();
        enum cavern_status status = cavern_request(service, sent, &out, &queue, 140, NULL);
        if (status && status != CAVERN_QUEUE_FULL)
            attempt_failed("%s: status %d", name, status);
        sent += !status;
        for (; cavern_queue_take(&queue, &message); cavern_queue_release(&queue, &message))
            ended++;
    }
    while (ended < sent && !cavern_queue_receive(&queue, cavern_after(CAVERN_SECOND), &message)) {
        cavern_queue_release(&queue, &message);
        ended++;
    }
    if (sent != ended)
        attempt_failed("%lu requests, %lu endings", (unsigned long)sent, (unsigned long)ended);
    attempt_tell("%lu requests, as many endings", (unsigned long)sent);
}

static void flood_with_messages(unsigned variant)
{
    send_messages(services[variant]);
}

static void flood_with_requests(unsigned variant)
{
    send_requests(services[variant]);
}

/* Requests that nobody waits for: the sender ends in the middle. */
static void die_with_requests(unsigned variant)
{
    cavern_handle service = attempt_handle(services[variant % 3]);
    struct cavern_queue queue;
    uint64_t lent[16], word = 0;
    struct cavern_lease lease = {(uintptr_t)lent, sizeof(lent), CAVERN_LEASE_READ | CAVERN_LEASE_WRITE};
    GRANTED(cavern_queue_create(1024, 0, &queue));
    cavern_handle sender;
    GRANTED(cavern_sender_mint(queue.handle, 0, 8, 8, CAVERN_MINT_CLOSED, &sender));
    struct cavern_grant grant = {sender, CAVERN_RIGHT_SEND};
    struct cavern_outgoing out = {
        .payload = &word, .size = 8, .leases = &lease, .lease_count = 1, .grants = &grant, .grant_count = 1};
    for (unsigned i = 0; i < 40; i++)
        (void)!cavern_request(service, i, &out, &queue, 1, NULL);
    if (variant < 3)
        *(volatile int *)(uintptr_t)8 = 0;
}

/* --- the registry --- */

static void registry_with_messages(unsigned variant)
{
    (void)variant;
    send_messages(CAVERN_STARTUP_REGISTRY);
}

static void registry_with_requests(unsigned variant)
{
    (void)variant;
    send_requests(CAVERN_STARTUP_REGISTRY);
}

/* Senders that are kept, until somebody can't pay for one more; 1: it ends by a fault. */
static void registry_with_lookups(unsigned variant)
{
    cavern_handle sender;
    enum cavern_status status;
    unsigned held = 0;
    while (!(status = cavern_registry_lookup("/service/log", CAVERN_POLL, &sender)))
        held++;
    REFUSED(status, CAVERN_NO_MEMORY);
    MUST(held > 1000);
    attempt_tell("%u senders held", held);
    if (variant)
        __builtin_trap();
}

/* Look-ups of what never comes, watches of everything, and names that are not to be had; nobody waits for an answer. */
static void registry_with_waits(unsigned variant)
{
    static const char *const taken[] = {"/service/log", "/service/own", "/device/pl011@9000000"};
    cavern_handle registry = attempt_handle(CAVERN_STARTUP_REGISTRY), sender;
    struct cavern_queue queue;
    GRANTED(cavern_queue_create(4096, 0, &queue));
    GRANTED(cavern_sender_mint(queue.handle, 0, 8, 8, 0, &sender));
    for (unsigned i = 0; i < sizeof(taken) / sizeof(*taken); i++) {
        enum cavern_status status = cavern_registry_register(taken[i], sender);
        REFUSED(status, CAVERN_NOT_PERMITTED);
    }
    for (unsigned i = 0; i < 2000; i++) {
        struct registry_name name = {{REGISTRY_LOOKUP, RPC_VERSION, 0, REGISTRY_WAIT}, "/service/never"};
        struct cavern_grant grant = {sender, CAVERN_RIGHT_COPY | CAVERN_RIGHT_SEND};
        struct cavern_outgoing out = {.payload = &name, .size = sizeof(name)};
        if (i & 1) {
            name = (struct registry_name){{REGISTRY_WATCH, RPC_VERSION, 0, 0}, "/"};
            out.grants = &grant;
            out.grant_count = 1;
        }
        enum cavern_status status = cavern_request(registry, i, &out, &queue, 4, NULL);
        MUST(status == CAVERN_OK || status == CAVERN_QUEUE_FULL);
    }
    if (variant)
        __builtin_trap();
}

/* --- notices --- */

/* More sources than the ring has room for, each raised many times. */
static void flood_with_signals(unsigned variant)
{
    enum { SIGNALS = 500 };
    static cavern_handle signals[SIGNALS];
    struct cavern_queue queue;
    struct cavern_message message;
    uint64_t raised = 0, told = 0;
    (void)variant;
    GRANTED(cavern_queue_create(CAVERN_QUEUE_BLOCKS_MIN, 0, &queue));
    for (unsigned i = 0; i < SIGNALS; i++) {
        GRANTED(cavern_sys_signal_create(CAVERN_SELF_ACCOUNT, &signals[i]));
        GRANTED(cavern_sys_notify(signals[i], i, queue.handle, 0));
    }
    for (unsigned i = 0; i < 20000; i++, raised++)
        GRANTED(cavern_sys_signal_raise(signals[attempt_random() % SIGNALS]));
    while (cavern_queue_receive(&queue, CAVERN_POLL, &message) == CAVERN_OK) {
        uint64_t label = message.header.label;
        told += ((const uint64_t *)message.payload)[0];
        cavern_queue_release(&queue, &message);
        GRANTED(cavern_sys_acknowledge(signals[label]));
    }
    MUST(told == raised);
    attempt_tell("%lu raised, all told", (unsigned long)raised);
}

/* Senders that are made and closed at once, each of which tells so. */
static void flood_with_closed(unsigned variant)
{
    struct cavern_queue queue;
    struct cavern_message message;
    cavern_handle sender;
    unsigned made = 0, told = 0;
    (void)variant;
    GRANTED(cavern_queue_create(CAVERN_QUEUE_BLOCKS_MIN, 0, &queue));
    enum cavern_status status;
    while ((status = cavern_sender_mint(queue.handle, made, 1, 1, CAVERN_MINT_CLOSED, &sender)) == CAVERN_OK) {
        cavern_handle_close(sender);
        made++;
    }
    REFUSED(status, CAVERN_NO_MEMORY);
    while (cavern_queue_receive(&queue, CAVERN_POLL, &message) == CAVERN_OK) {
        MUST(message.header.kind == CAVERN_KIND_CLOSED && message.header.label == told);
        cavern_queue_release(&queue, &message);
        told++;
    }
    MUST(told == made);
    attempt_tell("%u closed, all told", made);
}

static void end_at_once(void)
{
    (void)!cavern_sys_thread_control(CAVERN_SELF_THREAD, 0, CAVERN_THREAD_END, 7, 0);
    __builtin_trap();
}

static uint8_t stacks[16][4096] __attribute__((aligned(16)));

/* Threads that end as fast as they start. */
static void flood_with_exits(unsigned variant)
{
    enum { ROUNDS = 200, THREADS = 16 };
    struct cavern_queue queue;
    struct cavern_message message;
    (void)variant;
    GRANTED(cavern_queue_create(CAVERN_QUEUE_BLOCKS_MIN, 0, &queue));
    for (unsigned round = 0; round < ROUNDS; round++) {
        cavern_handle threads[THREADS];
        for (unsigned i = 0; i < THREADS; i++) {
            GRANTED(cavern_sys_thread_create(CAVERN_SELF_PROCESS, ATTEMPT_PRIORITY - (i & 1), (uintptr_t)end_at_once,
                                             (uintptr_t)stacks[i] + sizeof(stacks[i]), 0, 0, 0, 0, &threads[i]));
            GRANTED(cavern_sys_notify(threads[i], i, queue.handle, CAVERN_NOTIFY_EXIT));
        }
        for (unsigned i = 0; i < THREADS; i++) {
            GRANTED(cavern_queue_receive(&queue, CAVERN_FOREVER, &message));
            GRANTED(cavern_sys_handle_close(threads[message.header.label]));
            cavern_queue_release(&queue, &message);
        }
    }
    attempt_tell("%d threads", ROUNDS * THREADS);
}

/* --- faults --- */

/* Process after process that ends with its first instruction. */
static void flood_with_faults(unsigned variant)
{
    enum { FAULTS = 1000 };
    static const uint32_t code[] = {0, 0xd4200000, 0xf9400000, 0xd4000001}; /* udf, brk, ldr x0, [x0], svc 0 */
    struct jail jail;
    uint64_t words[5];
    (void)variant;
    jail_make(&jail, code, sizeof(code) / sizeof(*code));
    for (unsigned i = 0; i < FAULTS; i++) {
        jail_run(&jail, i % 4, 0, 0, CAVERN_SECOND, words);
        MUST(words[CAVERN_EXIT_REASON] == CAVERN_REASON_FAULT);
    }
    jail_close(&jail);
    attempt_tell("%d faults", FAULTS);
}

static unsigned handled;

static void count_fault(size_t at, unsigned kind)
{
    (void)at;
    MUST(kind == CAVERN_FAULT_UNDEFINED);
    handled++;
}

/* A thread that faults with each instruction, and a handler that lets it go on. */
static void flood_a_handler(unsigned variant)
{
    enum { FAULTS = 5000 };
    static uint32_t code[FAULTS + JAIL_EXIT_INSTRUCTIONS] = {[FAULTS] = JAIL_EXIT};
    struct jail jail;
    (void)variant;
    jail_make(&jail, code, sizeof(code) / sizeof(*code));
    jail_step(&jail, 0, count_fault);
    jail_close(&jail);
    MUST(handled == FAULTS);
    attempt_tell("%u faults handled", handled);
}

/* Faults are on their way to a handler that ends. */
static void die_with_faults(unsigned variant)
{
    static const uint32_t code[] = {0};
    struct jail jail;
    struct cavern_queue queue;
    cavern_handle process, thread;
    jail_make(&jail, code, 1);
    GRANTED(cavern_queue_create(CAVERN_QUEUE_BLOCKS_MIN, 0, &queue));
    for (unsigned i = 0; i < 40; i++) {
        GRANTED(cavern_sys_process_create(CAVERN_SELF_ACCOUNT, 0, 0, 0, 0, &process));
        GRANTED(cavern_fault_notify(process, queue.handle, i));
        for (unsigned j = 0; j < 4; j++)
            GRANTED(cavern_sys_thread_create(process, ATTEMPT_PRIORITY_HIGH, JAIL_CODE, 0, 0, 0, 0, 0, &thread));
        if (i & 1)
            cavern_handle_close(process);
    }
    if (variant)
        cavern_handle_close(queue.handle);
    jail_close(&jail);
}

/* --- time --- */

static void wait_shortly(void)
{
    struct cavern_queue queue;
    struct cavern_received received;
    GRANTED(cavern_queue_create(CAVERN_QUEUE_BLOCKS_MIN, 0, &queue));
    for (uint64_t end = cavern_after(3 * CAVERN_MILLISECOND); cavern_now() < end;)
        (void)!cavern_sys_receive(queue.handle, cavern_now() + (cavern_now() & 0x3fff), &received);
    end_at_once();
}

/* Deadlines that pass all the time, and some that have passed long ago. */
static void flood_with_deadlines(unsigned variant)
{
    enum { THREADS = 16 };
    cavern_handle thread;
    (void)variant;
    for (unsigned i = 0; i < THREADS; i++)
        GRANTED(cavern_sys_thread_create(CAVERN_SELF_PROCESS, ATTEMPT_PRIORITY, (uintptr_t)wait_shortly,
                                         (uintptr_t)stacks[i] + sizeof(stacks[i]), 0, 0, 0, 0, &thread));
    cavern_sleep_until(cavern_after(5 * CAVERN_MILLISECOND));
}

static void spin(void)
{
    for (;;)
        (void)!cavern_sys_nop();
}

/* Threads of the highest priority that there is for them: 0 call, 1 yield, 2 do nothing, 3 sleep in the processor. */
static void never_stop(unsigned variant)
{
    cavern_handle thread;
    for (unsigned i = 0; i < 4; i++)
        GRANTED(cavern_sys_thread_create(CAVERN_SELF_PROCESS, ATTEMPT_PRIORITY_TOP - (i & 1), (uintptr_t)spin,
                                         (uintptr_t)stacks[i] + sizeof(stacks[i]), 0, 0, 0, 0, &thread));
    for (;;)
        switch (variant) {
        case 0:
            (void)!cavern_sys_nop();
            break;
        case 1:
            (void)!cavern_sys_thread_control(CAVERN_SELF_THREAD, 0, CAVERN_THREAD_YIELD, 0, 0);
            break;
        case 2:
            __asm__ volatile("");
            break;
        case 3:
            __asm__ volatile("wfi\n wfe");
            break;
        }
}

const struct attempt flood_attempts[] = {
    {"flood of messages to services", flood_with_messages, 3, ENDS_WELL},
    {"flood of requests to services", flood_with_requests, 3, ENDS_WELL},
    {"flood of messages to the registry", registry_with_messages, 0, ENDS_WELL | AS_CHILD},
    {"flood of requests to the registry", registry_with_requests, 0, ENDS_WELL | AS_CHILD},
    {"flood of look-ups that are kept", registry_with_lookups, 2, ENDS_WELL | ENDS_FAULT(BREAKPOINT) | AS_CHILD},
    {"flood of look-ups that wait", registry_with_waits, 2, ENDS_WELL | ENDS_FAULT(BREAKPOINT) | AS_CHILD},
    {"ending with requests under way", die_with_requests, 6, ENDS_WELL | ENDS_FAULT(DATA_UNMAPPED)},
    {"flood of signals", flood_with_signals, 0, ENDS_WELL},
    {"flood of closed senders", flood_with_closed, 0, ENDS_WELL},
    {"flood of exits", flood_with_exits, 0, ENDS_WELL},
    {"flood of faults", flood_with_faults, 0, ENDS_WELL},
    {"flood of faults with a handler", flood_a_handler, 0, ENDS_WELL},
    {"ending with faults under way", die_with_faults, 2, ENDS_WELL},
    {"flood of deadlines", flood_with_deadlines, 0, ENDS_WELL},
    {"threads that never stop", never_stop, 4, ENDS_LATE},
    {0},
};
