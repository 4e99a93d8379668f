/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A system test: a file with cases, each of which runs in a process of its own with an account of its own, to which
 * nothing may be charged any more when it has ended. A case may start peers: further processes of the same program,
 * which run one of its `peers`; and threads.
 *
 *   static void full_queue_refuses(void) { … CHECK(…); }
 *
 *   const struct test_case test_cases[] = {
 *       {"full queue refuses", full_queue_refuses, "[MSG-SEND-3]"},
 *       {0},
 *   };
 *   const struct test_peer_function test_peers[] = {{0}};
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cavern/buffer.h>
#include <cavern/handles.h>
#include <cavern/inspect.h>
#include <cavern/machine.h>
#include <cavern/message.h>
#include <cavern/process.h>
#include <cavern/queue.h>
#include <cavern/send.h>
#include <cavern/spawn.h>
#include <cavern/start.h>
#include <cavern/stubs.h>
#include <cavern/time.h>

#include "report.h"

struct test_case {
    const char *name;
    void (*run)(void);
    const char *clauses; /* that it checks */
};

struct test_peer_function {
    const char *name;
    void (*run)(void);
};

extern const struct test_case test_cases[];
extern const struct test_peer_function test_peers[];

/* --- checks: the first that fails ends the case, peers included --- */

_Noreturn void test_fail(const char *file, int line, const char *format, ...) __attribute__((format(printf, 3, 4)));

#define CHECK(condition)                                                                                               \
    do {                                                                                                               \
        if (!(condition))                                                                                              \
            test_fail(__FILE__, __LINE__, "%s", #condition);                                                           \
    } while (0)

/* Both as numbers of 64 bits. */
#define CHECK_EQUAL(found, expected)                                                                                   \
    do {                                                                                                               \
        uint64_t test_found = (uint64_t)(found), test_expected = (uint64_t)(expected);                                 \
        if (test_found != test_expected)                                                                               \
            test_fail(__FILE__, __LINE__, "%s: expected 0x%lx, found 0x%lx", #found, (unsigned long)test_expected,     \
                      (unsigned long)test_found);                                                                      \
    } while (0)

#define CHECK_STATUS(call, expected) test_check_status(__FILE__, __LINE__, #call, call, expected)
#define CHECK_OK(call) CHECK_STATUS(call, CAVERN_OK)

void test_check_status(const char *file, int line, const char *call, enum cavern_status found,
                       enum cavern_status expected);

/* To the runner. */
void test_report(enum report_operation operation, const char *text, size_t length);

/* --- what the case has --- */

/* Where the runner was told `seconds=`, a case makes load for so long, and everything runs on any CPU (tests/stress).
 */
struct test_load {
    unsigned seconds; /* 0: a case that tests */
    uint64_t seed;
    uint64_t end; /* as cavern_now; set by the runner's side of the case, and for peers by who starts them */
};

extern struct test_load test_load;

/* Its account, with all rights. */
cavern_handle test_account(void);
/* Bytes charged to it now. */
uint64_t test_used(void);
/* A handle of the start-up record that must be there. */
cavern_handle test_handle(const char *name);
/* How many run. */
unsigned test_cpus(void);
/* A queue, and a sender to it with generous limits. */
void test_queue(struct cavern_queue *queue, unsigned blocks, unsigned slots);
cavern_handle test_sender(const struct cavern_queue *queue, uint64_t label);
/* Unbound, and bound anew: what its next owner would find. */
void test_rebind(struct cavern_queue *queue);
/* A page of memory, or some. */
void *test_memory(uint64_t bytes);

/* --- messages --- */

/* Sends, or requests, one word. */
enum cavern_status test_send_word(cavern_handle sender, uint64_t word);
enum cavern_status test_request_word(cavern_handle sender, uint64_t token, uint64_t word,
                                     const struct cavern_queue *queue, uint32_t *id);
enum cavern_status test_reply_word(const struct cavern_queue *queue, uint32_t request, uint64_t word);
enum cavern_status test_call_word(cavern_handle sender, uint64_t word, uint64_t deadline, uint64_t *answer);
/* Receives within a second, and checks the kind. */
void test_receive(struct cavern_queue *queue, enum cavern_kind kind, struct cavern_message *message);
/* Nothing waits. */
void test_nothing(struct cavern_queue *queue);
uint64_t test_word(const struct cavern_message *message, unsigned index);

/* --- peers --- */

struct test_peer {
    cavern_handle process;
    uint64_t exit_label;
};

/* All but the caller's own fields filled in: image, account, arguments, the notice of its exit. */
struct cavern_spawn test_peer_setup(const char *function);
void test_peer_start(struct cavern_spawn *setup, struct test_peer *peer);
/* Both, with handles to give. The peer's priority is above the case's: it runs at once. */
void test_peer(const char *function, struct cavern_spawn_handle *handles, size_t count, struct test_peer *peer);
/* Waits for its exit notice, and closes it if `close`. */
void test_peer_exit(struct test_peer *peer, uint64_t words[5], bool close);
/* Waits until it has ended well. */
void test_peer_done(struct test_peer *peer);
/* A row for cavern_spawn.handles. */
struct cavern_spawn_handle test_give(const char *name, cavern_handle handle, uint64_t rights);

/* --- threads of the case: they start at once if their priority is higher, and end when the function returns --- */

cavern_handle test_thread(void (*function)(void *argument), void *argument, unsigned priority);

/* A word that other threads write. */
#define OBSERVE(variable) __atomic_load_n(&(variable), __ATOMIC_ACQUIRE)
#define PUBLISH(variable, value) __atomic_store_n(&(variable), value, __ATOMIC_RELEASE)
