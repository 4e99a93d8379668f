/* SPDX-License-Identifier: BSD-2-Clause */
#include "arch/aarch64/esr.h"

/* Exception classes, bits 26 to 31. Those that are not here are OTHER. */
enum {
    CLASS_UNKNOWN = 0x00,
    CLASS_WAIT = 0x01,
    CLASS_VECTOR = 0x07,
    CLASS_POINTER_AUTHENTICATION = 0x09,
    CLASS_LS64 = 0x0a,
    CLASS_SVC = 0x15,
    CLASS_SYSTEM_REGISTER = 0x18,
    CLASS_SVE = 0x19,
    CLASS_SME = 0x1d,
    CLASS_CODE = 0x20,
    CLASS_PC_ALIGNMENT = 0x22,
    CLASS_DATA = 0x24,
    CLASS_SP_ALIGNMENT = 0x26,
    CLASS_ERROR = 0x2f,
    CLASS_BREAKPOINT = 0x30,
    CLASS_STEP = 0x32,
    CLASS_WATCHPOINT = 0x34,
    CLASS_BRK = 0x3c,
};

#define ISS_NO_ADDRESS (1 << 10) /* FnV, of external aborts */

static unsigned esr_class(uint64_t esr)
{
    return esr >> 26 & 0x3f;
}

bool esr_is_vector_use(uint64_t esr)
{
    return esr_class(esr) == CLASS_VECTOR;
}

bool esr_is_translation(uint64_t esr)
{
    return (esr_class(esr) == CLASS_CODE || esr_class(esr) == CLASS_DATA) && (esr >> 2 & 0xf) == 1;
}

/* Fault status, bits 0 to 5 of an abort. The two low bits of the first four rows are the level. */
static struct esr_meaning decode_abort(uint64_t esr, enum cavern_fault unmapped, enum cavern_fault denied)
{
    unsigned status = esr & 0x3f;
    switch (status >> 2) {
    case 0: /* address size */
    case 1: /* translation */
    case 2: /* access flag */
        return (struct esr_meaning){.fault = unmapped, .address = true};
    case 3: /* permission */
        return (struct esr_meaning){.fault = denied, .address = true};
    }
    if (status == 0x21)
        return (struct esr_meaning){.fault = CAVERN_FAULT_ALIGNMENT, .address = true};
    if (status >= 0x10 && status < 0x20) /* external, or of parity; of the access or of a table walk */
        return (struct esr_meaning){.fault = CAVERN_FAULT_EXTERNAL, .address = !(esr & ISS_NO_ADDRESS)};
    return (struct esr_meaning){.fault = CAVERN_FAULT_OTHER};
}

struct esr_meaning esr_decode(uint64_t esr)
{
    switch (esr_class(esr)) {
    case CLASS_CODE:
        return decode_abort(esr, CAVERN_FAULT_CODE_UNMAPPED, CAVERN_FAULT_CODE_DENIED);
    case CLASS_DATA:
        return decode_abort(esr, CAVERN_FAULT_DATA_UNMAPPED, CAVERN_FAULT_DATA_DENIED);
    case CLASS_PC_ALIGNMENT:
    case CLASS_SP_ALIGNMENT:
        return (struct esr_meaning){.fault = CAVERN_FAULT_ALIGNMENT};
    case CLASS_SVC:
        return (struct esr_meaning){.fault = esr & 0xffff ? CAVERN_FAULT_UNDEFINED : CAVERN_FAULT_FOREIGN_CALL,
                                    .after = true};
    case CLASS_UNKNOWN:
    case CLASS_WAIT:
    case CLASS_POINTER_AUTHENTICATION:
    case CLASS_LS64:
    case CLASS_SYSTEM_REGISTER:
    case CLASS_SVE:
    case CLASS_SME:
        return (struct esr_meaning){.fault = CAVERN_FAULT_UNDEFINED};
    case CLASS_BREAKPOINT:
    case CLASS_STEP:
    case CLASS_BRK:
        return (struct esr_meaning){.fault = CAVERN_FAULT_BREAKPOINT};
    case CLASS_WATCHPOINT:
        return (struct esr_meaning){.fault = CAVERN_FAULT_BREAKPOINT, .address = true};
    case CLASS_ERROR:
        return (struct esr_meaning){.fault = CAVERN_FAULT_EXTERNAL};
    default:
        return (struct esr_meaning){.fault = CAVERN_FAULT_OTHER};
    }
}
