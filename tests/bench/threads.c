/* SPDX-License-Identifier: BSD-2-Clause */
/* Switching between processes, and the life of a thread. */
#include <cavern/message.h>
#include <cavern/process.h>
#include <cavern/thread.h>

#include <cavern/handles.h>

#include "bench.h"

#define STACK_BYTES 4096

static enum cavern_status yield(void)
{
    return cavern_sys_thread_control(CAVERN_SELF_THREAD, 0, CAVERN_THREAD_YIELD, 0, 0);
}

void yield_for_ever(void)
{
    stay_on_one_cpu(true);
    for (;;)
        must(yield(), "yield");
}

/* There and back. */
static void yields(void *context)
{
    (void)context;
    must(yield(), "yield");
}

/* --- a thread is made, runs, ends, and its end is told --- */

static void end_at_once(void)
{
    (void)!cavern_sys_thread_control(CAVERN_SELF_THREAD, 0, CAVERN_THREAD_END, 7, 0);
}

static void thread_life(void *context)
{
    static uint8_t stack[STACK_BYTES] __attribute__((aligned(16)));
    struct cavern_queue *queue = context;
    struct cavern_received received;
    cavern_handle thread;
    must(cavern_sys_thread_create(CAVERN_SELF_PROCESS, PRIORITY, (uintptr_t)end_at_once, (uintptr_t)stack + STACK_BYTES,
                                  0, 0, 0, 0, &thread),
         "thread");
    must(cavern_sys_notify(thread, 0, queue->handle, CAVERN_NOTIFY_EXIT), "notify");
    enum cavern_status status = cavern_sys_receive(queue->handle, CAVERN_FOREVER, &received);
    if (status || received.words[CAVERN_EXIT_CODE] != 7)
        must(receive_late(status, queue, CAVERN_EXIT_CODE, 7), "exit of a thread");
    must(cavern_sys_handle_close(thread), "close");
}

static uint64_t return_at_once(void *argument)
{
    (void)argument;
    return 7;
}

static void thread_life_library(void *context)
{
    uint64_t words[5];
    struct cavern_thread *thread;
    (void)context;
    must(cavern_thread_start(return_at_once, NULL, NULL, &thread), "thread");
    must(cavern_thread_join(thread, CAVERN_FOREVER, words), "join");
}

void measure_threads(void)
{
    struct peer other;
    struct cavern_queue queue;
    must(cavern_queue_create(CAVERN_QUEUE_BLOCKS_MIN, 0, &queue), "queue");
    measure("thread", OFTEN, 1, thread_life, &queue);
    measure("thread_library", OFTEN, 1, thread_life_library, NULL);
    peer_start("yielder", PRIORITY, NULL, 0, &other);
    stay_on_one_cpu(true);
    measure("yield", OFTEN, 1, yields, NULL);
    stay_on_one_cpu(false);
    must(cavern_sys_process_end(other.process, 0), "end");
}
