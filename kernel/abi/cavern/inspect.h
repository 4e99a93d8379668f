/* SPDX-License-Identifier: BSD-2-Clause */
/* Records of the call `inspect`. A cursor of 0 starts; a returned cursor of 0 ends. spec/abi.md. */
#pragma once

#include <stdint.h>

#include <cavern/process.h>

enum cavern_topic {
    CAVERN_INSPECT_ACCOUNT = 1, /* on an account: one struct cavern_account_info */
    CAVERN_INSPECT_PROCESSES,   /* on an account: a cavern_process_info for each process charged to it or below */
    CAVERN_INSPECT_THREADS,     /* on an account: a cavern_thread_info for each thread charged to it or below */
    CAVERN_INSPECT_PROCESS,     /* on a process: one struct cavern_process_info */
    CAVERN_INSPECT_MACHINE,     /* on the machine: one struct cavern_machine_info */
    CAVERN_INSPECT_BUFFER,      /* on a buffer: one struct cavern_buffer_info */
    CAVERN_INSPECT_DMA,         /* on a dma object: one struct cavern_dma_info */
    CAVERN_INSPECT_CPUS,        /* on the machine: a cavern_cpu_info for each CPU that runs */
    CAVERN_INSPECT_INTERRUPTS,  /* on the machine: a cavern_interrupt_info for each line that somebody has */
};

struct cavern_account_info {
    uint64_t limit;   /* bytes */
    uint64_t used;    /* bytes charged, and lent to sub-accounts */
    uint64_t lent;    /* bytes of `used` that are limits of sub-accounts */
    uint64_t objects; /* kernel objects charged to it */
    uint32_t top_priority;
    uint32_t accounts; /* sub-accounts */
};

enum cavern_process_state {
    CAVERN_PROCESS_NEW, /* no thread yet */
    CAVERN_PROCESS_RUNNING,
    CAVERN_PROCESS_ENDING,
    CAVERN_PROCESS_ZOMBIE,
};

struct cavern_process_info {
    uint32_t id;
    uint32_t state; /* enum cavern_process_state */
    uint32_t threads;
    uint32_t handles;
    uint64_t memory;   /* bytes charged to its account, less what is lent to sub-accounts */
    uint64_t mapped;   /* bytes mapped in its address space */
    uint64_t cpu_time; /* ns */
    uint64_t exit_words[5];
    char name[CAVERN_NAME_SIZE];
};

enum cavern_thread_state {
    CAVERN_THREAD_READY,
    CAVERN_THREAD_RECEIVING,
    CAVERN_THREAD_CALLING,
    CAVERN_THREAD_SUSPENDED,
    CAVERN_THREAD_FAULTED, /* until the handler of its fault lets it go on */
    CAVERN_THREAD_ENDED,
};

struct cavern_thread_info {
    uint32_t id;
    uint32_t process;
    uint32_t state; /* enum cavern_thread_state */
    uint32_t priority;
    uint64_t cpu_time; /* ns */
};

struct cavern_machine_info {
    uint64_t memory_total; /* bytes of RAM that the device tree lists */
    uint64_t memory_free;  /* bytes of free pages */
    uint64_t uptime;       /* ns since reset, as far as the timer knows */
    uint32_t cpus;         /* that run */
    uint32_t cpus_present; /* that the device tree lists */
    uint64_t switches;     /* between threads */
    uint64_t interrupts;
    uint64_t system_calls;
};

struct cavern_cpu_info {
    uint32_t number;
    uint32_t process; /* whose thread runs on it; 0: none */
    uint32_t thread;  /* id in that process */
    uint32_t priority;
    uint64_t idle_time; /* ns without a thread, since it was started */
    uint64_t switches;
    uint64_t interrupts;
    uint64_t system_calls;
};

struct cavern_interrupt_info {
    uint32_t line;
    uint32_t cpu;   /* that serves it */
    uint64_t fired; /* times, since it was derived */
};

struct cavern_buffer_info {
    uint64_t size;    /* bytes */
    uint64_t address; /* its own address; 0 for device memory */
    uint64_t base;    /* device: physical address, else 0 */
    uint32_t device;  /* 1: registers, 0: RAM */
    uint32_t sealed;
};

struct cavern_dma_info {
    uint64_t mappings;
    uint64_t bytes; /* in all of them */
};
