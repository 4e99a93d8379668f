/* SPDX-License-Identifier: BSD-2-Clause */
/* The call `machine`. spec/abi.md. */
#pragma once

#include <stdint.h>

enum cavern_machine_operation {
    CAVERN_MACHINE_POWER_OFF = 1, /* needs POWER */
    CAVERN_MACHINE_RESTART,       /* needs POWER */
    CAVERN_MACHINE_LOG_READ,      /* needs LOG */
    CAVERN_MACHINE_LOG_WRITE,     /* needs LOG; x3: level */
};

enum cavern_log_level {
    CAVERN_LOG_ERROR = 1,
    CAVERN_LOG_WARNING,
    CAVERN_LOG_INFO,
    CAVERN_LOG_DEBUG,
};

#define CAVERN_LOG_TEXT_MAX 240

/* A record as LOG_READ returns it; `length` bytes of text follow, padded to 8. */
struct cavern_log_record {
    uint64_t time; /* ns */
    uint32_t level;
    uint32_t length;
};
