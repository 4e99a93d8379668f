/* SPDX-License-Identifier: BSD-2-Clause */
/* The simulated machine's state, shared by machine.c and model.c alone. */
#pragma once

#include <setjmp.h>

#include "model.h"

struct machine_state {
    uint8_t *ram;
    size_t ram_size;
    struct cpu cpus[MODEL_CPUS];
    unsigned cpu;    /* number of the one that runs */
    unsigned kicked; /* bit per CPU */
    uint64_t now;
    uint64_t timers[MODEL_CPUS];
    bool interrupt_pending;
    bool restart;
    bool raised[MODEL_LINES];
    bool masked[MODEL_LINES];
    bool level_only[MODEL_LINES];
    unsigned routes[MODEL_LINES];
    model_device device;
    char output[65536];
    size_t output_length;
    int power;
    unsigned fail_after;
    bool no_short_cuts;
    bool shared_short_cuts;
    jmp_buf *halted; /* where to go on when the kernel halts; NULL: nowhere */
    struct account *root;
};

extern struct machine_state model;
