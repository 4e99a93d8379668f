/* SPDX-License-Identifier: BSD-2-Clause */
/* Processes and threads: flags, exits, faults. spec/processes.md. */
#pragma once

#include <stdint.h>

#define CAVERN_NAME_SIZE 16 /* bytes of a process name, padded with 0 */
#define CAVERN_PRIORITIES 32
#define CAVERN_CPUS_MAX 64 /* bits of a CPU mask */

/* process_create: flags. */
#define CAVERN_PROCESS_KEEP 1 /* the handle table stays in the zombie for a successor */

/* thread_control: operations. */
enum cavern_thread_operation {
    CAVERN_THREAD_END = 1, /* x4: exit code */
    CAVERN_THREAD_SUSPEND,
    CAVERN_THREAD_RESUME,
    CAVERN_THREAD_YIELD, /* the calling thread only */
    CAVERN_THREAD_SET,   /* x4: priority, x5: CPU mask (0 keeps) */
};

/* thread_registers: which (x3), and whether they are written. */
enum cavern_register_set {
    CAVERN_REGISTERS_GENERAL, /* struct cavern_registers */
    CAVERN_REGISTERS_VECTOR,  /* struct cavern_vector_registers */
    CAVERN_REGISTERS_TLS,     /* one word, TPIDR_EL0 */
};

#define CAVERN_REGISTERS_WRITE 0x100

struct cavern_registers {
    uint64_t x[31];
    uint64_t sp;
    uint64_t pc;
    uint64_t flags; /* N, Z, C, V in bits 31 to 28; the others read 0 and are ignored */
};

struct cavern_vector_registers {
    uint64_t v[32][2]; /* low half first */
    uint64_t fpsr;
    uint64_t fpcr;
};

_Static_assert(sizeof(struct cavern_registers) == 272, "general registers");
_Static_assert(sizeof(struct cavern_vector_registers) == 528, "vector registers");

/* Words of an exit notice. */
enum cavern_exit_word {
    CAVERN_EXIT_REASON,
    CAVERN_EXIT_CODE,
    CAVERN_EXIT_FAULT, /* enum cavern_fault */
    CAVERN_EXIT_PC,
    CAVERN_EXIT_ADDRESS,
};

enum cavern_reason {
    CAVERN_REASON_NONE,
    CAVERN_REASON_EXITED,
    CAVERN_REASON_ENDED,
    CAVERN_REASON_FAULT,
    CAVERN_REASON_CONTROL_PAGE,
    CAVERN_REASON_THREADS, /* the last thread ended; code: that thread's */
};

enum cavern_fault {
    CAVERN_FAULT_NONE,
    CAVERN_FAULT_DATA_UNMAPPED,
    CAVERN_FAULT_DATA_DENIED,
    CAVERN_FAULT_CODE_UNMAPPED,
    CAVERN_FAULT_CODE_DENIED,
    CAVERN_FAULT_ALIGNMENT,
    CAVERN_FAULT_UNDEFINED,
    CAVERN_FAULT_BREAKPOINT,
    CAVERN_FAULT_FOREIGN_CALL,
    CAVERN_FAULT_RESERVED,
    CAVERN_FAULT_EXTERNAL,
    CAVERN_FAULT_OTHER,
};

/* Words of a fault notice. */
enum cavern_fault_word {
    CAVERN_FAULT_KIND, /* enum cavern_fault */
    CAVERN_FAULT_PC,
    CAVERN_FAULT_ADDRESS,
    CAVERN_FAULT_SYNDROME, /* of the processor: ESR_EL1 */
    CAVERN_FAULT_THREAD,   /* id */
};

/* notify: what of a process or thread is subscribed to (x4). */
#define CAVERN_NOTIFY_EXIT 0
#define CAVERN_NOTIFY_FAULT 1
