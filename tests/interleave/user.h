/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Programs on the simulated CPUs: C functions that make system calls by <cavern/stubs.h> and receive by libcavern's own
 * code, each a thread in a process. They share memory with each other, as only a test may, to count what has happened.
 */
#pragma once

#include <cavern/queue.h>
#include <cavern/stubs.h>

#include "core/random.h"
#include "fiber.h"
#include "peer.h"
#include "processor.h"

struct user;
typedef void (*user_program)(struct user *user);

struct user {
    const char *name;
    struct peer peer;
    struct cavern_queue queue; /* of its process, if it has one */
    struct fiber fiber;
    user_program program;
    struct random random;
    cavern_handle sender;
    uint64_t data; /* whatever the scenario wants */
    bool may_wait; /* for ever, once there is nothing to do */
    bool may_end;  /* by what others do */
    bool done;
    bool first; /* thread of its process */
};

/* A process with a queue (blocks 0: none), and its first thread. */
struct user *user_process(const char *name, uint8_t priority, uint64_t blocks, uint64_t slots, user_program program);
/* One more thread of that process; it has the same queue. */
struct user *user_thread(struct user *first, const char *name, uint8_t priority, user_program program);
/* What queue_bind has said of a queue that is the process's from now on. */
void user_attach(struct user *user, uint64_t ring, uint64_t control, uint64_t bound);
/* Draws differ by `seed`; nobody is left of the run before. */
void users_begin(uint64_t seed);
/* All that had to come to their end did. Then all of them end, and what they had is back. */
void users_end(void);

/* What a program says that it can't be: the run fails. */
#define user_require(condition)                                                                                        \
    ((condition) ? (void)0 : processor_fail("%s:%d: not so: %s", __FILE__, __LINE__, #condition))
/* libcavern: a message from what receive, reply_receive or call returned in registers. */
void cavern_message_from_registers(const struct cavern_received *received, struct cavern_message *message);
