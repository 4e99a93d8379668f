/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Making a process from an ELF image in memory: process_create; what the process can't write of it in a buffer,
 * filled, sealed and mapped; its stack, with nothing mapped below it, the rest of the image and the start-up record in
 * another; the queue bound and handles given meanwhile; thread_create. What fails rolls back: the half-made process is
 * ended and closed. Everything is charged to the child's account, but the mappings through which the parent fills its
 * memory.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <cavern/process.h>
#include <cavern/queue.h>
#include <cavern/startup.h>
#include <cavern/status.h>

#define CAVERN_SPAWN_STACK_DEFAULT (64 * 1024)

/* A handle for the child, and its entry in the start-up record. */
struct cavern_spawn_handle {
    char name[CAVERN_STARTUP_NAME_SIZE];
    cavern_handle handle; /* of the parent; 0: given before, and kept by the predecessor's table as `value` */
    uint64_t rights;      /* some of those of `handle` */
    cavern_handle value;  /* in: the value wanted in the child, or 0; out: the value that it has there */
    uint64_t values[3];   /* as in the start-up record */
};

struct cavern_spawn {
    const char *name; /* of the process: its first 15 bytes */
    const void *image;
    size_t image_size;
    cavern_handle account;     /* [charge]: the child's */
    cavern_handle predecessor; /* [manage]: a zombie that kept its handles, or 0 */
    uint32_t flags;            /* CAVERN_PROCESS_* */
    uint8_t priority;          /* of its first thread */
    uint64_t cpus;             /* that its first thread may use, a bit each; 0: any */
    uint32_t stack;            /* bytes; 0: CAVERN_SPAWN_STACK_DEFAULT */
    uint64_t heap;             /* most bytes of heap; 0: what the account allows */
    const char *arguments;     /* strings, each ended by 0, the program's name first */
    size_t argument_bytes;
    struct cavern_spawn_handle *handles;
    size_t handle_count;

    cavern_handle queue;       /* [manage]: bound to the child and given as "queue"; 0: none */
    uint64_t queue_rights;     /* of the child on it; 0: RECEIVE, MINT, COPY */
    cavern_handle queue_value; /* as cavern_spawn_handle.value */

    cavern_handle exit_queue; /* [receive]: gets the exit notice; 0: nobody asks */
    uint64_t exit_label;
};

/*
 * Statuses of the calls, and CORRUPT: the image is no program that can be started (elf_open says why). The process may
 * have run and ended when this returns.
 */
enum cavern_status cavern_spawn(struct cavern_spawn *spawn, cavern_handle *process) CAVERN_MUST_CHECK;

/* A process name as process_create wants it. */
struct cavern_process_name {
    uint64_t words[2];
};
struct cavern_process_name cavern_process_name(const char *name);
