/* SPDX-License-Identifier: BSD-2-Clause */
#include "platform/psci.h"

#include <stddef.h>

/* DEN 0022, 5.1: function identifiers, of 32-bit calls. */
#define PSCI_CPU_ON 0xc4000003 /* of 64-bit calls */
#define PSCI_SYSTEM_OFF 0x84000008
#define PSCI_SYSTEM_RESET 0x84000009

/* The SMC Calling Convention lets the callee change x0-x17. */
#define FIRMWARE_CHANGES                                                                                               \
    "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12", "x13", "x14", "x15", "x16", "x17", "memory"

/* DEN 0022, 5.2.2: what a call answers. */
enum { PSCI_SUCCESS = 0, PSCI_NOT_SUPPORTED = -1, PSCI_DENIED = -3 };

static int32_t firmware_call(enum firmware_call how, uint64_t function, uint64_t a, uint64_t b, uint64_t c)
{
    register uint64_t x0 __asm__("x0") = function;
    register uint64_t x1 __asm__("x1") = a;
    register uint64_t x2 __asm__("x2") = b;
    register uint64_t x3 __asm__("x3") = c;
    if (how == FIRMWARE_HVC)
        __asm__ volatile("hvc #0" : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3)::FIRMWARE_CHANGES);
    else if (how == FIRMWARE_SMC)
        __asm__ volatile("smc #0" : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3)::FIRMWARE_CHANGES);
    else
        return PSCI_NOT_SUPPORTED;
    return (int32_t)x0;
}

const char *psci_cpu_on(enum firmware_call how, uint64_t cpu, uint64_t entry, uint64_t context)
{
    switch (firmware_call(how, PSCI_CPU_ON, cpu, entry, context)) {
    case PSCI_SUCCESS:
        return NULL;
    case PSCI_NOT_SUPPORTED:
        return "no firmware to start it";
    case PSCI_DENIED:
        return "the firmware denies it";
    default:
        return "the firmware can't start it";
    }
}

void psci_power_off(enum firmware_call how)
{
    (void)firmware_call(how, PSCI_SYSTEM_OFF, 0, 0, 0);
}

void psci_restart(enum firmware_call how)
{
    (void)firmware_call(how, PSCI_SYSTEM_RESET, 0, 0, 0);
}
