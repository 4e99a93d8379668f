/* SPDX-License-Identifier: BSD-2-Clause */
/* Instructions that are undefined, privileged, or not what they seem; system registers. */
#include "attempt.h"

#include <stddef.h>

#include <cavern/time.h>

#include "jail.h"

static void nothing(unsigned variant)
{
    (void)variant;
}

/* Instructions, each by itself. Operands are what the function finds in its registers. */
#define INSTRUCTIONS(X)                                                                                                \
    X(udf, "udf 0", UNDEFINED)                                                                                         \
    X(udf_last, "udf 65535", UNDEFINED)                                                                                \
    X(unallocated, ".inst 0xffffffff", UNDEFINED)                                                                      \
    X(unallocated_system, ".inst 0xd50bffff", UNDEFINED)                                                               \
    X(brk, "brk 0", BREAKPOINT)                                                                                        \
    X(brk_last, "brk 65535", BREAKPOINT)                                                                               \
    X(hlt, "hlt 0", UNDEFINED)                                                                                         \
    X(hlt_semihosting, "hlt 0xf000", UNDEFINED)                                                                        \
    X(dcps1, "dcps1", UNDEFINED)                                                                                       \
    X(dcps3, "dcps3", UNDEFINED)                                                                                       \
    X(drps, ".inst 0xd6bf03e0", UNDEFINED)                                                                             \
    X(hvc, "hvc 0", UNDEFINED)                                                                                         \
    X(smc, "smc 0", UNDEFINED)                                                                                         \
    X(eret, "eret", UNDEFINED)                                                                                         \
    X(eretaa, ".inst 0xd69f0bff", UNDEFINED)                                                                           \
    X(svc_0, "svc 0", FOREIGN_CALL)                                                                                    \
    X(svc_2, "svc 2", UNDEFINED)                                                                                       \
    X(svc_257, "svc 257", UNDEFINED)                                                                                   \
    X(svc_last, "svc 65535", UNDEFINED)                                                                                \
    X(daifset, "msr daifset, 15", UNDEFINED)                                                                           \
    X(daifclr, "msr daifclr, 15", UNDEFINED)                                                                           \
    X(spsel, "msr spsel, 1", UNDEFINED)                                                                                \
    X(pan, ".inst 0xd500409f", UNDEFINED)                                                                              \
    X(uao, ".inst 0xd500407f", UNDEFINED)                                                                              \
    X(tlbi_all, "tlbi vmalle1", UNDEFINED)                                                                             \
    X(tlbi_all_is, "tlbi vmalle1is", UNDEFINED)                                                                        \
    X(tlbi_address, "tlbi vaae1is, x0", UNDEFINED)                                                                     \
    X(tlbi_el2, "tlbi alle2", UNDEFINED)                                                                               \
    X(tlbi_el3, "tlbi alle3", UNDEFINED)                                                                               \
    X(ic_all, "ic iallu", UNDEFINED)                                                                                   \
    X(ic_all_is, "ic ialluis", UNDEFINED)                                                                              \
    X(ic_address, "ic ivau, x0", UNDEFINED)                                                                            \
    X(dc_invalidate, "dc ivac, x0", UNDEFINED)                                                                         \
    X(dc_invalidate_way, "dc isw, xzr", UNDEFINED)                                                                     \
    X(dc_clean_way, "dc csw, xzr", UNDEFINED)                                                                          \
    X(dc_clean_invalidate_way, "dc cisw, xzr", UNDEFINED)                                                              \
    X(dc_clean, "dc cvac, x0", UNDEFINED)                                                                              \
    X(dc_clean_code, "dc cvau, x0", UNDEFINED)                                                                         \
    X(dc_clean_invalidate, "dc civac, x0", UNDEFINED)                                                                  \
    X(sve, ".inst 0x04bf5020", UNDEFINED) /* rdvl x0, 1 */                                                             \
    X(sme, ".inst 0xd503477f", UNDEFINED) /* smstart */                                                                \
    X(at_read, "at s1e1r, x0", UNDEFINED)                                                                              \
    X(at_write, "at s1e1w, x0", UNDEFINED)                                                                             \
    X(at_user, "at s1e0r, x0", UNDEFINED)                                                                              \
    X(at_stage_2, "at s12e1r, x0", UNDEFINED)

/* Permitted: they sleep until an interrupt comes, and that comes. */
static void sleep_in_the_processor(unsigned variant)
{
    for (unsigned i = 0; i < 20; i++)
        if (variant)
            __asm__ volatile("sevl\n wfe\n wfe\n yield\n sev");
        else
            __asm__ volatile("wfi");
}

/* Every bit of the control register of floating point, and every exception that it may turn on. */
static void floating_point(unsigned variant)
{
    static const uint32_t code[] = {
        0xd51b4400, /* msr fpcr, x0 */
        0x6f00e400, /* movi v0.2d, 0 */
        0x1e601801, /* fdiv d1, d0, d0 */
        0x1e6e1002, /* fmov d2, 1.0 */
        0x1e601841, /* fdiv d1, d2, d0 */
        0x9e670003, /* fmov d3, x0 */
        0x1e630861, /* fmul d1, d3, d3 */
        JAIL_EXIT,
    };
    struct jail jail;
    (void)variant;
    jail_make(&jail, code, sizeof(code) / sizeof(*code));
    for (unsigned bit = 0; bit <= 64; bit++) {
        uint64_t words[5];
        jail_run(&jail, 0, bit < 64 ? UINT64_C(1) << bit : UINT64_MAX, 0, CAVERN_SECOND, words);
        MUST(words[CAVERN_EXIT_REASON] == CAVERN_REASON_EXITED || words[CAVERN_EXIT_FAULT] == CAVERN_FAULT_OTHER);
    }
    jail_close(&jail);
}

#define RANDOM_INSTRUCTIONS 64
#define RANDOM_JAILS 100

/* They may well call the kernel, or run for ever. */
static void random_instructions(unsigned variant)
{
    unsigned ends[CAVERN_FAULT_OTHER + 2] = {0}; /* by fault; the last: otherwise */
    (void)variant;
    for (unsigned i = 0; i < RANDOM_JAILS; i++) {
        uint32_t code[RANDOM_INSTRUCTIONS + JAIL_EXIT_INSTRUCTIONS] = {[RANDOM_INSTRUCTIONS] = JAIL_EXIT};
        struct jail jail;
        uint64_t words[5];
        for (unsigned j = 0; j < RANDOM_INSTRUCTIONS; j++)
            code[j] = (uint32_t)attempt_random();
        if (attempt_random() & 1)
            code[attempt_random() % RANDOM_INSTRUCTIONS] = 0xd4000021; /* svc 1 */
        jail_make(&jail, code, sizeof(code) / sizeof(*code));
        for (unsigned from = 0; from < RANDOM_INSTRUCTIONS; from += 4) {
            jail_run(&jail, from, JAIL_DATA, attempt_random() & 0x3f0000, CAVERN_MILLISECOND, words);
            bool fault = words[CAVERN_EXIT_REASON] == CAVERN_REASON_FAULT;
            ends[fault ? words[CAVERN_EXIT_FAULT] : CAVERN_FAULT_OTHER + 1]++;
        }
        jail_close(&jail);
    }
    attempt_tell("%u undefined, %u data, %u code, %u other faults, %u without", ends[CAVERN_FAULT_UNDEFINED],
                 ends[CAVERN_FAULT_DATA_UNMAPPED] + ends[CAVERN_FAULT_DATA_DENIED],
                 ends[CAVERN_FAULT_CODE_UNMAPPED] + ends[CAVERN_FAULT_CODE_DENIED],
                 ends[CAVERN_FAULT_ALIGNMENT] + ends[CAVERN_FAULT_BREAKPOINT] + ends[CAVERN_FAULT_FOREIGN_CALL] +
                     ends[CAVERN_FAULT_OTHER],
                 ends[CAVERN_FAULT_OTHER + 1]);
}

#define FUNCTION(id, text, kind)                                                                                       \
    static void id(unsigned variant)                                                                                   \
    {                                                                                                                  \
        (void)variant;                                                                                                 \
        __asm__ volatile(text ::: "x0", "memory");                                                                     \
    }
INSTRUCTIONS(FUNCTION)

#define ROW(id, text, kind) {"instruction " text, id, 0, ENDS_FAULT(kind)},

const struct attempt instruction_attempts[] = {
    {"nothing", nothing, 0, ENDS_WELL},
    INSTRUCTIONS(ROW){"instructions wfi and wfe", sleep_in_the_processor, 2, ENDS_WELL | ENDS_LATE},
    {"instructions of floating point", floating_point, 0, ENDS_WELL},
    {"random instructions", random_instructions, 4, ENDS_WELL},
    {0},
};
