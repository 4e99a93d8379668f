/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a run consists of: operations on a machine with a kernel and on the reference, in step. An operation names what
 * it works on by variables, which earlier ones have set; so one can be left out and the others still mean something.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "reference.h"

enum { ACTORS = 6, THREADS = 3, VARIABLES = 64, ROUND = 1500 };

/* Variables: 0 is the constant 0, 1 the time; then VARIABLES for each actor. */
enum {
    VARIABLE_NONE,
    VARIABLE_NOW,
    VARIABLE_FIRST,
    VARIABLE_SPARE = VARIABLE_FIRST + VARIABLES - 1, /* for what nobody names by it */
    VARIABLE_COUNT = VARIABLE_FIRST + ACTORS * VARIABLES
};

struct term {
    uint16_t variable;
    uint64_t plus;
};

enum action {
    ACTION_CALL,
    ACTION_TAKE,  /* of queue x0: the next message; out: its request, its position */
    ACTION_FREE,  /* of queue x0: up to x1 messages */
    ACTION_STORE, /* at x0, x1 words: x2 to x9 */
    ACTION_FILL,  /* at x0, x1 bytes that follow from x2 */
    ACTION_LIE,   /* in the control page of queue x0: head is x1 blocks from where it is, taken x2 */
    ACTION_FAULT, /* of kind x0 at address x1 */
    ACTION_LATER, /* x0 nanoseconds pass */
    ACTION_LINE,  /* line x0 is raised */
};

enum { FAIL_NEVER = 0, FAIL_EVERYWHERE = 255 };

struct operation {
    uint8_t action; /* enum action */
    uint8_t actor, thread;
    uint8_t call;        /* enum cavern_call */
    uint8_t interrupted; /* at every point where it can be */
    uint8_t fail; /* the n-th allocation and all after it; FAIL_EVERYWHERE: the first, then the second, as long as it
                     fails */
    uint8_t target, slot; /* of what is made: the actor, and which thread of it */
    uint16_t out[3];      /* variables for x1 to x3 */
    struct term x[16];
};

/* A call that has come to missing memory, and will be made again. */
struct interrupted {
    const struct ref_thread *thread; /* NULL: none */
    uint8_t call;
};

struct actor {
    struct ref_process *process;
    struct ref_thread *threads[THREADS];
    struct interrupted interrupted[THREADS];
};

extern struct actor actors[ACTORS];
extern uint64_t variables[VARIABLE_COUNT];
extern char disagreement[1024]; /* empty: none */

/* --- kernel/start.c --- */
void run_start(uint64_t seed); /* of the addresses that are drawn */
void run_end(void);
void compare_machine(void);

/* --- kernel/run.c --- */
extern bool run_careful; /* memory is compared, and references recounted, after each operation, not now and then */
extern unsigned run_operations; /* carried out */
void run_operation(const struct operation *operation);
void disagree(const char *format, ...) __attribute__((format(printf, 1, 2)));
uint64_t term_value(const struct term *term);

/* --- kernel/compare.c: the kernel's side --- */
struct process;
struct thread;
struct process *kernel_process(const struct ref_process *process);
struct thread *kernel_thread(const struct ref_thread *thread);
bool fetch(const struct ref_process *process, uint64_t address, void *to, uint64_t size); /* its memory */
void compare_all(void);
void compare_memory(void);

/* --- kernel/oracle.c --- */
struct handle_entry;
extern bool oracle_failing; /* allocations, in the call that is made */
void oracle_start(void);
const struct handle_entry *oracle_next_entry(const struct ref_process *process); /* the kernel's, of the next handle */

/* --- generate.c --- */
void generate_seed(uint64_t seed);
void generate_mood(void); /* of a round, drawn when it begins */
void generate(struct operation *operation);

/* --- print.c --- */
void print_operations(const struct operation *operations, unsigned count);
