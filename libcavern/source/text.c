/* SPDX-License-Identifier: BSD-2-Clause */
#include <cavern/text.h>

#include <inttypes.h>
#include <stdio.h>

const char *cavern_status_text(enum cavern_status status)
{
    switch (status) {
#define STATUS(name, number, text)                                                                                     \
    case CAVERN_##name:                                                                                                \
        return text;
#include <cavern/status.def>
#undef STATUS
    }
    return "unknown status";
}

const char *cavern_fault_text(enum cavern_fault fault)
{
    static const char *const texts[] = {
        [CAVERN_FAULT_NONE] = "no fault",
        [CAVERN_FAULT_DATA_UNMAPPED] = "access to memory that is not mapped",
        [CAVERN_FAULT_DATA_DENIED] = "access that the memory does not allow",
        [CAVERN_FAULT_CODE_UNMAPPED] = "jump to memory that is not mapped",
        [CAVERN_FAULT_CODE_DENIED] = "jump to memory that is not executable",
        [CAVERN_FAULT_ALIGNMENT] = "misaligned access",
        [CAVERN_FAULT_UNDEFINED] = "undefined instruction",
        [CAVERN_FAULT_BREAKPOINT] = "breakpoint",
        [CAVERN_FAULT_FOREIGN_CALL] = "foreign system call",
        [CAVERN_FAULT_RESERVED] = "use of reserved hardware",
        [CAVERN_FAULT_EXTERNAL] = "external abort",
        [CAVERN_FAULT_OTHER] = "other exception",
    };
    return (unsigned)fault < sizeof(texts) / sizeof(*texts) ? texts[fault] : "unknown fault";
}

int cavern_exit_text(const uint64_t words[5], char *text, size_t size)
{
    switch (words[CAVERN_EXIT_REASON]) {
    case CAVERN_REASON_EXITED:
    case CAVERN_REASON_THREADS:
        return snprintf(text, size, "exited with code %" PRId64, (int64_t)words[CAVERN_EXIT_CODE]);
    case CAVERN_REASON_ENDED:
        return snprintf(text, size, "ended by another process, code %" PRId64, (int64_t)words[CAVERN_EXIT_CODE]);
    case CAVERN_REASON_FAULT:
        return snprintf(text, size, "fault: %s, address 0x%" PRIx64 ", pc 0x%" PRIx64,
                        cavern_fault_text((enum cavern_fault)words[CAVERN_EXIT_FAULT]), words[CAVERN_EXIT_ADDRESS],
                        words[CAVERN_EXIT_PC]);
    case CAVERN_REASON_CONTROL_PAGE:
        return snprintf(text, size, "misused the control page of its queue");
    default:
        return snprintf(text, size, "ended for reason %" PRIu64, words[CAVERN_EXIT_REASON]);
    }
}
