/* SPDX-License-Identifier: BSD-2-Clause */
#include "stress.h"

#include <stdarg.h>
#include <stdio.h>

#define STACK (16 * 1024)
#define SHARED "shared"

/* --- chance --- */

/* SplitMix64. */
static uint64_t scramble(uint64_t x)
{
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
    x = (x ^ x >> 27) * 0x94d049bb133111eb;
    return x ^ x >> 31;
}

uint64_t stress_draw(uint64_t *state)
{
    return scramble(*state += 0x9e3779b97f4a7c15);
}

unsigned stress_below(uint64_t *state, unsigned limit)
{
    return (unsigned)(stress_draw(state) >> 33) % limit;
}

uint64_t stress_mix(uint64_t a, uint64_t b, uint64_t c)
{
    return scramble(scramble(scramble(a) + b) + c);
}

/* --- time --- */

bool stress_over(void)
{
    return cavern_now() >= test_load.end;
}

void stress_note(const char *format, ...)
{
    char text[REPORT_TEXT_MAX];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    test_report(REPORT_NOTE, text, (size_t)length < sizeof text ? (size_t)length : sizeof text - 1);
}

/* --- threads --- */

static uint64_t run_worker(void *argument)
{
    struct stress_worker *worker = argument;
    worker->run(worker);
    return 0;
}

void stress_start(struct stress_worker *worker, unsigned index, void (*run)(struct stress_worker *), uint64_t cpus)
{
    struct cavern_thread_setup setup = {.priority = TEST_PRIORITY, .stack = STACK, .cpus = cpus};
    *worker = (struct stress_worker){
        .index = index, .random = stress_mix(test_load.seed, stress_index(), (uintptr_t)run + index), .run = run};
    CHECK_OK(cavern_thread_start(run_worker, worker, &setup, &worker->thread));
}

void stress_bury(struct stress_worker *worker)
{
    CHECK_OK(cavern_thread_join(worker->thread, test_load.end + STRESS_PATIENCE, NULL));
}

uint64_t stress_join(struct stress_worker *workers, unsigned count)
{
    uint64_t done = 0;
    for (unsigned i = 0; i < count; i++) {
        stress_bury(&workers[i]);
        done += workers[i].done;
    }
    return done;
}

/* --- peers --- */

static cavern_handle shared;

void *stress_share(uint64_t bytes)
{
    void *address;
    CHECK_OK(cavern_buffer_create(CAVERN_SELF_ACCOUNT, bytes, 0, &shared));
    CHECK_OK(cavern_buffer_map(shared, 0, bytes, CAVERN_PROT_READ | CAVERN_PROT_WRITE, &address));
    return address;
}

void *stress_shared(void)
{
    struct cavern_buffer_info info;
    uint64_t next, written;
    void *address;
    cavern_handle buffer = test_handle(SHARED);
    CHECK_OK(cavern_sys_inspect(buffer, CAVERN_INSPECT_BUFFER, 0, (uintptr_t)&info, sizeof info, &next, &written));
    CHECK_OK(cavern_buffer_map(buffer, 0, info.size, CAVERN_PROT_READ | CAVERN_PROT_WRITE, &address));
    return address;
}

void stress_spawn(struct stress_peer *peer)
{
    struct cavern_spawn_handle rows[10] = {test_give(TEST_REPORT, test_handle(TEST_REPORT), RIGHTS_SENDER),
                                           test_give(TEST_ACCOUNT, test_account(), RIGHTS_ACCOUNT)};
    unsigned count = 2;
    rows[0].values[0] = peer->index;
    rows[0].values[1] = test_load.end;
    if (shared)
        rows[count++] = test_give(SHARED, shared, RIGHTS_BUFFER);
    memcpy(&rows[count], peer->rows, peer->count * sizeof *rows);
    for (unsigned i = 0; peer->predecessor && i < count + peer->count; i++) {
        rows[i].handle = 0; /* in the table */
        rows[i].value = peer->given[i].value;
    }
    struct cavern_spawn setup = test_peer_setup(peer->function);
    setup.flags = peer->keep ? CAVERN_PROCESS_KEEP : 0;
    setup.predecessor = peer->predecessor;
    setup.queue_value = peer->predecessor ? peer->queue_value : 0;
    setup.priority = TEST_PRIORITY;
    setup.handles = rows;
    setup.handle_count = count + peer->count;
    setup.queue = peer->queue;
    setup.exit_queue = peer->exits;
    setup.exit_label = peer->label;
    CHECK_OK(cavern_spawn(&setup, &peer->process));
    memcpy(peer->given, rows, sizeof rows);
    peer->queue_value = setup.queue_value;
}

uint64_t stress_index(void)
{
    return cavern_startup_find(TEST_REPORT)->values[0];
}

void stress_exited(struct stress_peer *peer, const struct cavern_message *message)
{
    CHECK_EQUAL(message->header.kind, CAVERN_KIND_EXIT);
    CHECK_EQUAL(message->header.label, peer->label);
    uint64_t reason = test_word(message, CAVERN_EXIT_REASON);
    CHECK(reason == CAVERN_REASON_EXITED || reason == CAVERN_REASON_ENDED || reason == CAVERN_REASON_THREADS);
    CHECK_EQUAL(test_word(message, CAVERN_EXIT_CODE), TEST_PASSED);
    cavern_handle_close(peer->process);
    peer->process = 0;
}

void stress_peers_done(struct stress_peer *peers, unsigned count, struct cavern_queue *exits)
{
    for (unsigned i = 0; i < count; i++) {
        struct cavern_message message;
        CHECK_OK(cavern_queue_receive(exits, test_load.end + STRESS_PATIENCE, &message));
        CHECK(message.header.label < count);
        stress_exited(&peers[message.header.label], &message);
        cavern_queue_release(exits, &message);
    }
}
