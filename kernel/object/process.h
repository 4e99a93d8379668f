/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Processes: address space, handle table, threads, exit state.
 *
 *   NEW -> RUNNING (first thread) -> ENDING (process_end; job takes it apart) -> ZOMBIE -> freed with the last
 * reference
 *
 * The exit notice fires when all is back but the zombie, a kept table, its queues, and what others hold.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <cavern/inspect.h>
#include <cavern/process.h>
#include <cavern/status.h>

#include "core/handle_table.h"
#include "core/list.h"
#include "core/tree.h"
#include "object/job.h"
#include "object/notice.h"
#include "object/object.h"
#include "object/space.h"

struct process {
    struct object object;
    struct tree_node by_id; /* in machine->processes */
    uint32_t id;            /* never reused while the system runs, short of 2^32 processes */
    uint8_t state;          /* enum cavern_process_state */
    uint8_t flags;          /* CAVERN_PROCESS_* */
    uint8_t top_priority;   /* the highest that a thread of it ever had */
    bool table_kept;        /* zombie: the handle table waits for a successor */
    char name[CAVERN_NAME_SIZE];
    struct account *account; /* counted */
    struct space space;
    struct handle_table handles;
    uint32_t cursor;     /* of closing all handles */
    struct tree threads; /* thread.of_process, those that have not ended */
    struct thread *near; /* of these: the one last found by its id, or NULL */
    uint32_t thread_count;
    uint32_t last_thread; /* id */
    struct list queues;   /* queue.of_process: bound to this process */
    struct list grants;   /* grants.of_process: on their way */
    struct notice exit;
    struct notice faults;   /* never fires: where faults of its threads are told */
    struct thread *faulter; /* counted: whose fault ended it, for its registers; NULL: none */
    struct job ending;
    uint64_t cpu_time; /* ticks, of all its threads */
};

/*
 * A new process, with one reference, and with an empty table or that of `predecessor`: a zombie that kept it (else
 * BUSY), in the same account (else BAD_ARGUMENT).
 */
enum cavern_status process_create(struct account *account, struct process *predecessor, unsigned flags,
                                  const char name[CAVERN_NAME_SIZE], struct process **process) CAVERN_MUST_CHECK;
/* Starts the end; harmless when it has begun. Never runs the end itself. The exit words are kept from the first call.
 */
void process_end(struct process *process, const uint64_t exit_words[5]);
/* Somebody of this priority waits for the end, if it has begun. */
void process_hasten(struct process *process, uint8_t priority);
/* Nobody will succeed it: its end, if it has begun or is to come, keeps no table, and one that is kept is closed. */
void process_forsake(struct process *process, uint8_t priority);
struct process *process_next(uint64_t after); /* the first with an id above it; NULL: no more */
bool process_destroy(struct object *object);
void process_handles_gone(struct object *object);
static inline bool process_alive(const struct process *process)
{
    return process->state <= CAVERN_PROCESS_RUNNING;
}

/*
 * Handles. One to a buffer with WRITE counts as a writer of its holding, from insertion to closing, whoever inserts it.
 *
 * `process_reserve` makes sure that `count` inserts can't fail (table pages).
 * `process_insert` makes a handle that takes over the caller's handle reference (object_get_handle) on success. Rights
 * that make no sense for the object are left out. `process_publish` makes the first handle, with all rights, of an
 * object just created, whose one reference it takes over; room has been reserved.
 */
enum cavern_status process_reserve(struct process *process, unsigned count) CAVERN_MUST_CHECK;
enum cavern_status process_insert(struct process *process, struct object *object, uint16_t rights, cavern_handle wanted,
                                  cavern_handle *handle) CAVERN_MUST_CHECK;
cavern_handle process_publish(struct process *process, struct object *object);
/* DENIED for the three fixed ones. */
enum cavern_status process_close(struct process *process, cavern_handle handle) CAVERN_MUST_CHECK;

/* Of a handle without an entry that fits: the calling thread, or why not. */
enum cavern_status process_lookup_slow(struct process *process, cavern_handle handle, uint8_t type, uint16_t rights,
                                       void **object) CAVERN_MUST_CHECK;
/* Object of `type` with `rights`, not counted: valid until the entry into the kernel ends. */
CAVERN_MUST_CHECK static inline enum cavern_status process_lookup(struct process *process, cavern_handle handle,
                                                                  uint8_t type, uint16_t rights, void **object)
{
    enum handle_check why;
    *object = handle_lookup(&process->handles, handle, type, rights, &why);
    return *object ? CAVERN_OK : process_lookup_slow(process, handle, type, rights, object);
}
/* As found by look-up, whatever its type, and the rights of the handle. */
enum cavern_status process_lookup_any(struct process *process, cavern_handle handle, struct object **object,
                                      uint16_t *rights) CAVERN_MUST_CHECK;
