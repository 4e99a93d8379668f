/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Attempts to do harm: functions that each run in a process of their own, on the one account of all attempts, and that
 * may do whatever they like. How each must end stands in its row. spec/containment.md.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cavern/handle.h>
#include <cavern/process.h>

/* Ways in which an attempt may end. */
enum {
    ENDS_WELL = 1 << 0,         /* its function returns: it has looked, and had nothing */
    ENDS_CONTROL_PAGE = 1 << 1, /* with reason control page */
    ENDS_BY_ITSELF = 1 << 2,    /* it ended its process, or its last thread, before it returned */
    ENDS_LATE = 1 << 3,         /* it goes on until it is ended */
    AS_CHILD = 1 << 4,          /* not an end: it is a child of the supervisor, with a sender to the registry */
};
#define ENDS_FAULT(kind) (1u << (16 + CAVERN_FAULT_##kind))
#define ENDS_ANY_FAULT 0xffff0000u

struct attempt {
    const char *name;
    void (*run)(unsigned variant);
    unsigned variants; /* that it is made with, from 0 on, each in a process of its own; 0: one */
    uint32_t ends;     /* ENDS_*, any of them */
};

/* Groups, each ended by a row of zeros. */
extern const struct attempt instruction_attempts[];
extern const struct attempt register_attempts[];
extern const struct attempt memory_attempts[];
extern const struct attempt call_attempts[];
extern const struct attempt pointer_attempts[];
extern const struct attempt random_attempts[];
extern const struct attempt control_page_attempts[];
extern const struct attempt race_attempts[];
extern const struct attempt device_attempts[];
extern const struct attempt exhaustion_attempts[];
extern const struct attempt flood_attempts[];
extern const struct attempt leak_attempts[];

/* --- what an attempt has --- */

/* Handles of its start-up record. */
#define ATTEMPT_REPORT "report"
#define ATTEMPT_ACCOUNT "account" /* of all attempts: every right */
#define ATTEMPT_WATCHER "watcher" /* the process that started it: to inspect and copy, no more */
#define ATTEMPT_IMAGE "image"     /* this program, sealed */
/* What the driver of the machine's clock has, with its rights. */
#define ATTEMPT_REGISTERS "registers"
#define ATTEMPT_LINE "line"
#define ATTEMPT_DMA "dma"
#define ATTEMPT_MACHINE "machine" /* to inspect */

enum { ATTEMPT_PRIORITY = 6, ATTEMPT_PRIORITY_HIGH = 7, ATTEMPT_PRIORITY_TOP = 10 };

cavern_handle attempt_handle(const char *name);
/* With which it was started: strings, each ended by 0. */
const char *attempt_arguments(size_t *bytes);
/* Something was possible that should not have been: the watcher is told, and the attempt ends. */
_Noreturn void attempt_failed(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* For the line that is printed; the last counts. */
void attempt_tell(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* From a seed that is printed. */
uint64_t attempt_random(void);
/* The same number for all attempts of a run. */
uint64_t attempt_seed(void);

#define MUST(condition)                                                                                                \
    do {                                                                                                               \
        if (!(condition))                                                                                              \
            attempt_failed("line %d: %s does not hold", __LINE__, #condition);                                         \
    } while (0)

/* The call answers `expected` and nothing else. */
#define REFUSED(call, expected)                                                                                        \
    do {                                                                                                               \
        enum cavern_status attempt_status = (call);                                                                    \
        if (attempt_status != (expected))                                                                              \
            attempt_failed("line %d: %s: status %d instead of %d", __LINE__, #call, attempt_status, expected);         \
    } while (0)
#define GRANTED(call) REFUSED(call, CAVERN_OK)

/* --- roles of the program --- */

int watch(void);
int attempt_main(int argc, char **argv);

const struct attempt *attempt_find(unsigned index);
