/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Every encoding of MRS, MSR, SYS and SYSL, one after another; faults are handled by passing over the instruction. What
 * does not fault must be in the table of what user mode may do [CONTAIN-5]: DDI 0487, C5.2 and D19.
 */
#include "attempt.h"

#include <stddef.h>
#include <string.h>

#include "jail.h"

#define ENCODINGS 2048 /* of one op0 and op1 */

/* op0, op1, CRn, CRm, op2 as in bits 5 to 20 of the instruction. */
#define ENCODING(op0, op1, crn, crm, op2) ((op0) << 14 | (op1) << 11 | (crn) << 7 | (crm) << 3 | (op2))
#define INSTRUCTION(read, encoding) (0xd5000000 | (uint32_t)(read) << 21 | (uint32_t)(encoding) << 5)

enum { READ = 1, WRITE = 2 };

/* What user mode may do; of what not every processor has, it is undefined there. */
static const struct permitted {
    uint16_t encoding;
    uint8_t ways;
} permitted[] = {
    {ENCODING(1, 3, 7, 4, 1), WRITE},         /* DC ZVA, of memory that it can write */
    {ENCODING(1, 3, 7, 4, 3), WRITE},         /* DC GVA */
    {ENCODING(1, 3, 7, 4, 4), WRITE},         /* DC GZVA */
    {ENCODING(2, 3, 0, 1, 0), READ},          /* MDCCSR_EL0: 0 in QEMU, whatever MDSCR_EL1.TDCC says */
    {ENCODING(3, 3, 0, 0, 7), READ},          /* DCZID_EL0 */
    {ENCODING(3, 3, 2, 4, 0), READ},          /* RNDR */
    {ENCODING(3, 3, 2, 4, 1), READ},          /* RNDRRS */
    {ENCODING(3, 3, 4, 2, 0), READ | WRITE},  /* NZCV */
    {ENCODING(3, 3, 4, 2, 5), READ | WRITE},  /* DIT */
    {ENCODING(3, 3, 4, 2, 6), READ | WRITE},  /* SSBS */
    {ENCODING(3, 3, 4, 2, 7), READ | WRITE},  /* TCO */
    {ENCODING(3, 3, 4, 4, 0), READ | WRITE},  /* FPCR */
    {ENCODING(3, 3, 4, 4, 1), READ | WRITE},  /* FPSR */
    {ENCODING(3, 3, 9, 14, 0), READ},         /* PMUSERENR_EL0 */
    {ENCODING(3, 3, 13, 0, 2), READ | WRITE}, /* TPIDR_EL0 */
    {ENCODING(3, 3, 13, 0, 3), READ},         /* TPIDRRO_EL0 */
    {ENCODING(3, 3, 14, 0, 0), READ},         /* CNTFRQ_EL0 */
    {ENCODING(3, 3, 14, 0, 2), READ},         /* CNTVCT_EL0 */
    {ENCODING(3, 3, 14, 0, 6), READ},         /* CNTVCTSS_EL0 */
};

static bool is_permitted(unsigned encoding, unsigned way)
{
    for (size_t i = 0; i < sizeof(permitted) / sizeof(*permitted); i++)
        if (permitted[i].encoding == encoding)
            return permitted[i].ways & way;
    return false;
}

static bool has_faulted[ENCODINGS];

static void note_fault(size_t at, unsigned kind)
{
    MUST(at < ENCODINGS && kind == CAVERN_FAULT_UNDEFINED);
    has_faulted[at] = true;
}

/* All of one op0 and op1, from x0 or to it. */
static void sweep(unsigned first, bool read)
{
    static uint32_t code[ENCODINGS + JAIL_EXIT_INSTRUCTIONS] = {[ENCODINGS] = JAIL_EXIT};
    struct jail jail;
    for (unsigned i = 0; i < ENCODINGS; i++)
        code[i] = INSTRUCTION(read, first + i);
    jail_make(&jail, code, sizeof(code) / sizeof(*code));
    jail_step(&jail, JAIL_DATA, note_fault);
    jail_close(&jail);
    for (unsigned i = first; i < first + ENCODINGS; i++)
        if (!has_faulted[i - first] && !is_permitted(i, read ? READ : WRITE))
            attempt_failed("%s S%u_%u_C%u_C%u_%u does not fault", read ? "reading" : "writing", i >> 14, i >> 11 & 7,
                           i >> 7 & 15, i >> 3 & 15, i & 7);
}

/* op0 1 to 3, all op1. */
static void sweep_reads(unsigned variant)
{
    sweep((variant + 8) * ENCODINGS, true);
}

static void sweep_writes(unsigned variant)
{
    sweep((variant + 8) * ENCODINGS, false);
}

const struct attempt register_attempts[] = {
    {"every MRS and SYSL", sweep_reads, 24, ENDS_WELL},
    {"every MSR and SYS", sweep_writes, 24, ENDS_WELL},
    {0},
};
