/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Processes whose threads touch, and copy to, memory that another thread of theirs unmaps all the time. A handler in
 * this process maps it page by page and lets them go on; others suspend and resume them meanwhile. Each thread finds in
 * each page what it has written there last.
 */
#include "stress.h"

#include <cavern/fault.h>

enum { TOUCHERS = 2, THREADS = 5, PAGES = 24, PAGE = CAVERN_PAGE_SIZE };

#define AT UINT64_C(0x10000000)

/* --- who touches --- */

static volatile uint64_t *word_at(unsigned page, unsigned thread)
{
    return (volatile uint64_t *)(AT + page * PAGE + 8 * thread);
}

static void touch(struct stress_worker *worker)
{
    uint64_t mirror[PAGES] = {0};
    for (; !stress_over(); worker->done++) {
        unsigned page = stress_below(&worker->random, PAGES);
        volatile uint64_t *word = word_at(page, worker->index);
        if (stress_below(&worker->random, 8)) {
            CHECK_EQUAL(*word, mirror[page]);
            *word = ++mirror[page];
        } else { /* by a system call that comes to what is missing */
            uint64_t found;
            CHECK_OK(cavern_process_write(CAVERN_SELF_PROCESS, (uintptr_t)&found, (const void *)(uintptr_t)word,
                                          sizeof found));
            CHECK_EQUAL(found, mirror[page]);
        }
    }
}

static void unmap(struct stress_worker *worker)
{
    for (; !stress_over(); worker->done++) {
        unsigned page = stress_below(&worker->random, PAGES), count = 1 + stress_below(&worker->random, PAGES - page);
        enum cavern_status status = cavern_sys_unmap(CAVERN_SELF_PROCESS, AT + page * PAGE, count * PAGE);
        CHECK(status == CAVERN_OK || status == CAVERN_BAD_ADDRESS);
        cavern_sleep_until(cavern_after(stress_below(&worker->random, 500) * CAVERN_MICROSECOND));
    }
}

static void toucher(void)
{
    static struct stress_worker workers[THREADS];
    uint64_t answer;
    CHECK_OK(test_call_word(test_handle("gate"), stress_index(), CAVERN_FOREVER, &answer));
    for (unsigned i = 0; i < THREADS; i++)
        stress_start(&workers[i], i, i ? touch : unmap, 0);
    (void)stress_join(workers, THREADS);
}

/* --- who handles --- */

struct client {
    struct stress_peer peer;
    struct cavern_queue queue;
    cavern_handle memory;
};

static struct client clients[TOUCHERS];

static void handle(struct client *client, const struct cavern_message *message)
{
    struct cavern_fault_notice fault = cavern_fault_read(message);
    uint64_t page = fault.address & ~(uint64_t)(PAGE - 1);
    CHECK_EQUAL(message->header.kind, CAVERN_KIND_FAULT);
    CHECK_EQUAL(fault.kind, CAVERN_FAULT_DATA_UNMAPPED);
    CHECK(page >= AT && page < AT + PAGES * PAGE);
    enum cavern_status status = cavern_buffer_map_at(client->peer.process, client->memory, page - AT, PAGE, page,
                                                     CAVERN_PROT_READ | CAVERN_PROT_WRITE);
    CHECK(status == CAVERN_OK || status == CAVERN_EXISTS ||
          stress_over()); /* another thread's fault was there before */
    status = cavern_thread_resume(client->peer.process, fault.thread);
    CHECK(status == CAVERN_OK || stress_over()); /* resumed by a disturber it may have come to its end */
}

static void handle_faults(struct stress_worker *worker)
{
    struct client *client = &clients[worker->index];
    for (;; worker->done++) {
        struct cavern_message message;
        CHECK_OK(cavern_queue_receive(&client->queue, test_load.end + STRESS_PATIENCE, &message));
        if (message.header.kind == CAVERN_KIND_EXIT) {
            stress_exited(&client->peer, &message);
            cavern_queue_release(&client->queue, &message);
            break;
        }
        handle(client, &message);
        cavern_queue_release(&client->queue, &message);
    }
}

/* Not the one that unmaps, nor the first: those sleep, too. */
static void disturb(struct stress_worker *worker)
{
    struct client *client = &clients[worker->index];
    for (; !stress_over(); worker->done++) {
        uint64_t thread = 3 + stress_below(&worker->random, THREADS - 1);
        enum cavern_status status =
            cavern_sys_thread_control(client->peer.process, thread, CAVERN_THREAD_SUSPEND, 0, 0);
        CHECK(status == CAVERN_OK || status == CAVERN_BAD_ARGUMENT || status == CAVERN_BAD_HANDLE);
        status = cavern_sys_thread_control(client->peer.process, thread, CAVERN_THREAD_RESUME, 0, 0);
        CHECK(status == CAVERN_OK || status == CAVERN_BAD_ARGUMENT || status == CAVERN_BAD_HANDLE);
        cavern_sleep_until(cavern_after(stress_below(&worker->random, 2000) * CAVERN_MICROSECOND));
    }
}

static void memory_comes_and_goes(void)
{
    struct stress_worker handlers[TOUCHERS], disturbers[TOUCHERS];
    struct cavern_queue gate;
    test_queue(&gate, 64, TOUCHERS);
    for (unsigned i = 0; i < TOUCHERS; i++) {
        struct client *client = &clients[i];
        struct cavern_message message;
        test_queue(&client->queue, 64, 0);
        CHECK_OK(cavern_buffer_create(CAVERN_SELF_ACCOUNT, PAGES * PAGE, 0, &client->memory));
        client->peer =
            (struct stress_peer){.function = "toucher", .index = i, .exits = client->queue.handle, .count = 1};
        client->peer.rows[0] = test_give("gate", test_sender(&gate, 0), RIGHTS_SENDER);
        stress_spawn(&client->peer);
        CHECK_OK(cavern_fault_notify(client->peer.process, client->queue.handle, 0));
        test_receive(&gate, CAVERN_KIND_REQUEST, &message);
        CHECK_OK(test_reply_word(&gate, message.header.request, 0));
        cavern_queue_release(&gate, &message);
        stress_start(&handlers[i], i, handle_faults, 0);
        stress_start(&disturbers[i], i, disturb, 0);
    }
    uint64_t faults = stress_join(handlers, TOUCHERS), disturbed = stress_join(disturbers, TOUCHERS);
    stress_note("%lu faults, %lu disturbances", (unsigned long)faults, (unsigned long)disturbed);
}

const struct test_case test_cases[] = {
    {"memory comes and goes", memory_comes_and_goes,
     "[TEST-STRESS-1] [PROC-HANDLER-1] [PROC-HANDLER-3] [PROC-HANDLER-5] [MEM-FAULT-1] [SCHED-16]"},
    {0},
};

const struct test_peer_function test_peers[] = {{"toucher", toucher}, {0}};
