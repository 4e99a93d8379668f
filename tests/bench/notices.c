/* SPDX-License-Identifier: BSD-2-Clause */
/* From what happens to the thread of another process that is told, and preempts this one. */
#include <string.h>

#include <cavern/buffer.h>
#include <cavern/handles.h>
#include <cavern/memory.h>
#include <cavern/start.h>

#include "bench.h"

#define SOURCE "source"
#define REGISTERS "registers"

/* Where who was told says when; its address comes as its first message. */
struct mark {
    struct counters arrival;
    uint64_t count; /* of arrivals */
};

struct listener {
    struct peer peer;
    volatile struct mark *mark;
};

static void listener_start(const char *role, const struct cavern_spawn_handle *extra, size_t extras,
                           struct listener *listener)
{
    peer_start(role, PRIORITY_HIGH, extra, extras, &listener->peer);
    listener->mark = peer_share(&listener->peer, CAVERN_PAGE_SIZE);
    must(cavern_sys_send(listener->peer.sender, CAVERN_INFO(8, 0, 0, 0, 0),
                         (const uint64_t[CAVERN_WORDS]){(uintptr_t)listener->mark}),
         "mark");
}

static volatile struct mark *listener_open(struct cavern_queue *queue, cavern_handle *source)
{
    struct cavern_message message;
    own_queue(queue);
    must(cavern_queue_receive(queue, CAVERN_FOREVER, &message), "mark");
    volatile struct mark *mark = *(volatile struct mark *const *)message.payload;
    cavern_queue_release(queue, &message);
    *source = cavern_startup_get(SOURCE);
    must(cavern_sys_notify(*source, 0, queue->handle, 0), "notify");
    return mark;
}

/* --- a signal --- */

void hear_signal(void)
{
    struct cavern_queue queue;
    struct cavern_received received;
    cavern_handle signal;
    volatile struct mark *mark = listener_open(&queue, &signal);
    for (;;) {
        must(cavern_sys_receive(queue.handle, CAVERN_FOREVER, &received), "signal");
        mark->arrival = counters_end();
        mark->count++;
        must(cavern_sys_acknowledge(signal), "acknowledge");
    }
}

/* With one CPU it has arrived when this thread goes on, and who was told waits again. */
static struct counters counters_until_arrival(struct counters begin, const volatile struct mark *mark, uint64_t before)
{
    while (mark->count == before)
        __asm__ volatile("yield");
    let_others_wait();
    return counters_between(begin, mark->arrival);
}

struct signaller {
    struct listener listener;
    cavern_handle signal;
};

static struct counters raise(void *context)
{
    const struct signaller *signaller = context;
    uint64_t before = signaller->listener.mark->count;
    struct counters begin = counters_begin();
    enum cavern_status status = cavern_sys_signal_raise(signaller->signal);
    must(status, "raise");
    return counters_until_arrival(begin, signaller->listener.mark, before);
}

/* --- an interrupt, of the clock of QEMU's `virt` machine: a PL031 (Arm DDI 0224) --- */

#define CLOCK_BASE 0x9010000
#define CLOCK_LINE 34

enum { DATA, MATCH, LOAD, CONTROL, INTERRUPT_MASK, RAW_INTERRUPT }; /* words */

void drive_clock(void)
{
    struct cavern_queue queue;
    struct cavern_received received;
    cavern_handle line;
    void *address;
    must(cavern_buffer_map(cavern_startup_get(REGISTERS), 0, CAVERN_PAGE_SIZE, CAVERN_PROT_READ | CAVERN_PROT_WRITE,
                           &address),
         "clock");
    volatile uint32_t *clock = address;
    volatile struct mark *mark = listener_open(&queue, &line);
    for (;;) {
        must(cavern_sys_receive(queue.handle, CAVERN_FOREVER, &received), "interrupt");
        mark->arrival = counters_end();
        mark->count++;
        clock[INTERRUPT_MASK] = 0;
        must(cavern_sys_acknowledge(line), "acknowledge");
    }
}

struct interrupter {
    struct listener listener;
    volatile uint32_t *clock;
};

/* It starts with the store that unmasks the interrupt, which is pending all the time. */
static struct counters interrupt(void *context)
{
    const struct interrupter *interrupter = context;
    uint64_t before = interrupter->listener.mark->count;
    struct counters begin = counters_begin();
    interrupter->clock[INTERRUPT_MASK] = 1;
    return counters_until_arrival(begin, interrupter->listener.mark, before);
}

static void interrupter_start(struct interrupter *interrupter)
{
    cavern_handle registers, line;
    void *address;
    must(cavern_sys_derive(cavern_startup_get(CAVERN_STARTUP_DEVICES), CLOCK_BASE, CAVERN_PAGE_SIZE, 0,
                           CAVERN_SELF_ACCOUNT, &registers),
         "registers");
    must(cavern_sys_derive(cavern_startup_get(CAVERN_STARTUP_INTERRUPTS), CLOCK_LINE, 1, CAVERN_TRIGGER_LEVEL,
                           CAVERN_SELF_ACCOUNT, &line),
         "line");
    must(cavern_buffer_map(registers, 0, CAVERN_PAGE_SIZE, CAVERN_PROT_READ | CAVERN_PROT_WRITE, &address), "clock");
    interrupter->clock = address;
    interrupter->clock[INTERRUPT_MASK] = 0;
    interrupter->clock[MATCH] = interrupter->clock[DATA]; /* pending from now on */
    const struct cavern_spawn_handle extra[] = {
        {.name = SOURCE, .handle = line, .rights = CAVERN_RIGHT_MANAGE},
        {.name = REGISTERS, .handle = registers, .rights = CAVERN_RIGHT_READ | CAVERN_RIGHT_WRITE},
    };
    listener_start("driver", extra, 2, &interrupter->listener);
}

void measure_notices(void)
{
    struct signaller signaller;
    struct interrupter interrupter;
    must(cavern_sys_signal_create(CAVERN_SELF_ACCOUNT, &signaller.signal), "signal");
    const struct cavern_spawn_handle source = {
        .name = SOURCE, .handle = signaller.signal, .rights = CAVERN_RIGHT_MANAGE};
    listener_start("listener", &source, 1, &signaller.listener);
    measure_span("notice", raise, &signaller);
    interrupter_start(&interrupter);
    measure_span("interrupt", interrupt, &interrupter);
}
