/* SPDX-License-Identifier: BSD-2-Clause */
/* The simulated processor's side of arch.h. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct arch_context {
    uint64_t x[31];
    uint64_t sp;
    uint64_t pc;
    uint64_t tls;
    uint64_t pstate;
    uint64_t fpsr, fpcr;
    uint64_t vector[32][2];
};

struct arch_space {
    uint64_t root; /* physical address of the top table */
};
