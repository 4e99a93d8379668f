/* SPDX-License-Identifier: BSD-2-Clause */
/* What the exception syndrome (ESR_EL1; DDI 0487, D19.2.40) of an exception in user mode means. Pure. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <cavern/process.h>

struct esr_meaning {
    enum cavern_fault fault;
    bool address; /* FAR_EL1 says where */
    bool after;   /* the program counter stands behind the instruction */
};

/* Of everything but Cavern's own system call and the first use of the vector registers. */
struct esr_meaning esr_decode(uint64_t esr);

/* An abort because nothing was mapped there. */
bool esr_is_translation(uint64_t esr);
/* The thread used the vector registers while they were not its own. */
bool esr_is_vector_use(uint64_t esr);
