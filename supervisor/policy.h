/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the supervisor decides: which child is started, restarted, given up or forgotten, and who is told. Its state is
 * plain data in one flat piece of memory, so that it can lie in a buffer that outlives the process. Handles are numbers
 * here; main.c makes processes and carries the effects out. spec/services/supervisor.md.
 *
 *            start              spawned                 exit
 *    NEW ────────────> STARTING ───────> RUNNING ──────────────> WAITING ── deadline ──> STARTING
 *                          │                │ stop, restart         │ stop
 *                          │ failed         v                       v
 *                          └──> FAILED   STOPPING ── exit ──> STOPPED, or STARTING for a restart
 *
 * A child that is STARTING is to be spawned as soon as the effects have been carried out: supervisor_to_start. What is
 * held for a child: its process while RUNNING or STOPPING; account, queue and registry's sender from its first start
 * until it is STOPPED or FAILED; the handles that were added for as long as it is known.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <cavern/protocol/supervisor.h>
#include <cavern/status.h>

enum {
    SUPERVISOR_CHILDREN_MAX = 64,
    SUPERVISOR_WAITERS_MAX = 64,
    SUPERVISOR_ARGUMENTS_MAX = 1024,
    SUPERVISOR_INTENSITY = 10, /* restarts within a period; one more, and the child is given up */
    SUPERVISOR_EFFECTS_MAX = 128,
};

#define SUPERVISOR_PERIOD UINT64_C(10000000000) /* ns */
#define SUPERVISOR_BACKOFF_FIRST                                                                                       \
    UINT64_C(50000000)                               /* before the second restart of a period; the first comes at once \
                                                      */
#define SUPERVISOR_BACKOFF_LAST UINT64_C(1000000000) /* it doubles up to this */

/* Handles, 0 for none. */
struct supervisor_held {
    uint64_t process;
    uint64_t account;
    uint64_t queue;
    uint64_t registry; /* sender */
};

struct supervisor_handle {
    char name[24];
    uint64_t handle;
    uint64_t rights;
    uint64_t values[3];
};

struct supervisor_record {
    uint32_t number;      /* of the child; 0: free */
    uint32_t process;     /* id */
    uint32_t incarnation; /* counts its processes */
    uint32_t restarts;
    uint8_t state; /* enum supervisor_state */
    uint8_t restart;
    uint8_t class;
    uint8_t priority;
    uint8_t again; /* STOPPING: 1: to be started again */
    uint8_t arguments;
    uint8_t handle_count;
    unsigned history_count;
    uint32_t length; /* of the argument bytes */
    uint32_t blocks;
    uint32_t slots;
    uint32_t stack;
    uint64_t memory;
    uint64_t since;
    uint64_t deadline; /* WAITING */
    uint64_t beginner; /* label of the client that began it */
    uint64_t exit_words[5];
    uint64_t history[SUPERVISOR_INTENSITY]; /* times of the restarts in this period, oldest first */
    char name[32];
    char program[96];
    char permitted[128];
    char argument_bytes[SUPERVISOR_ARGUMENTS_MAX];
    struct supervisor_held held;
    struct supervisor_handle handles[SUPERVISOR_HANDLES_MAX];
};

struct supervisor_waiter {
    uint32_t request;
    uint32_t child;
    uint32_t operation; /* SUPERVISOR_START, STOP, RESTART or WAIT */
};

struct supervisor {
    uint64_t magic;
    uint32_t next_number;
    uint32_t waiter_count;
    struct supervisor_record children[SUPERVISOR_CHILDREN_MAX];
    struct supervisor_waiter waiters[SUPERVISOR_WAITERS_MAX];
};

struct supervisor_input {
    uint64_t label; /* of the sender that asks */
    uint64_t now;   /* ns */
    uint32_t request;
    uint32_t size;
    const void *payload;
    unsigned grant_count;
    struct {
        uint64_t handle; /* 0: it could not be accepted */
        uint64_t rights;
    } grants[4];
};

enum supervisor_effect_kind {
    SUPERVISOR_EFFECT_REPLY,    /* request, status, value */
    SUPERVISOR_EFFECT_STATUS,   /* request, child */
    SUPERVISOR_EFFECT_ENDED,    /* the same, to a WAIT; got through: supervisor_told */
    SUPERVISOR_EFFECT_STATUSES, /* request: effects.statuses */
    SUPERVISOR_EFFECT_END,      /* the process `handle` */
    SUPERVISOR_EFFECT_END_ALL,  /* what is left of a child that has ended: the processes charged to account `handle` */
    SUPERVISOR_EFFECT_CLOSE,    /* handle */
    SUPERVISOR_EFFECT_REPORT,   /* event, child, status, delay */
};

enum supervisor_event {
    SUPERVISOR_EVENT_ENDED,      /* it stays so */
    SUPERVISOR_EVENT_AGAIN,      /* ended, will be started again after `delay` */
    SUPERVISOR_EVENT_GIVEN_UP,   /* ended, and was restarted too often */
    SUPERVISOR_EVENT_NOT_STARTED /* status; after `delay` again if that is not ~0 */
};

struct supervisor_effect {
    enum supervisor_effect_kind kind;
    enum supervisor_event event;
    enum cavern_status status;
    uint32_t request;
    uint32_t value;
    uint64_t handle;
    uint64_t delay;
    struct supervisor_child_status child;
};

struct supervisor_effects {
    unsigned count;
    struct supervisor_effect list[SUPERVISOR_EFFECTS_MAX];
    struct supervisor_statuses statuses;
};

/* True: goes on with a predecessor's state. Who waited was abandoned with it, and a start that it did not finish is
 * made again soon. Else the state is made new. */
bool supervisor_start(struct supervisor *supervisor, uint64_t now);

/* The grants of this request are worth accepting. */
bool supervisor_wants_grants(const void *payload, uint32_t size);

/* The effects of each call replace what is in `effects`. */
void supervisor_request(struct supervisor *supervisor, const struct supervisor_input *input,
                        struct supervisor_effects *effects);
void supervisor_exited(struct supervisor *supervisor, uint32_t number, uint32_t incarnation, const uint64_t words[5],
                       uint64_t now, struct supervisor_effects *effects);
/* Children whose time has come are STARTING. */
void supervisor_tick(struct supervisor *supervisor, uint64_t now);
uint64_t supervisor_deadline(const struct supervisor *supervisor); /* ~0: none */

/* A child that is to be spawned now, the longest known first; NULL: none. The new process is incarnation + 1. */
const struct supervisor_record *supervisor_to_start(const struct supervisor *supervisor);
/* What came of it. `held` is what exists now; in `status` a failure, then there is no process. */
void supervisor_spawned(struct supervisor *supervisor, uint32_t number, enum cavern_status status, uint32_t process,
                        const struct supervisor_held *held, uint64_t now, struct supervisor_effects *effects);

/* Somebody knows now how this child has ended: a temporary one is forgotten. */
void supervisor_told(struct supervisor *supervisor, uint32_t number, struct supervisor_effects *effects);
/* Nobody waits for the answer to this request any more. */
void supervisor_cancelled(struct supervisor *supervisor, uint32_t request);

bool supervisor_invariants(const struct supervisor *supervisor);
