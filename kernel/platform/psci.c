/* SPDX-License-Identifier: BSD-2-Clause */
#include "platform/psci.h"

/* DEN 0022, 5.1: function identifiers, of 32-bit calls. */
#define PSCI_SYSTEM_OFF 0x84000008
#define PSCI_SYSTEM_RESET 0x84000009

/* The SMC Calling Convention lets the callee change x0-x17. */
#define FIRMWARE_CHANGES                                                                                               \
    "x1", "x2", "x3", "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12", "x13", "x14", "x15", "x16", "x17",      \
        "memory"

static void firmware_call(enum firmware_call how, uint64_t function)
{
    register uint64_t x0 __asm__("x0") = function;
    if (how == FIRMWARE_HVC)
        __asm__ volatile("hvc #0" : "+r"(x0)::FIRMWARE_CHANGES);
    else if (how == FIRMWARE_SMC)
        __asm__ volatile("smc #0" : "+r"(x0)::FIRMWARE_CHANGES);
}

void psci_power_off(enum firmware_call how)
{
    firmware_call(how, PSCI_SYSTEM_OFF);
}

void psci_restart(enum firmware_call how)
{
    firmware_call(how, PSCI_SYSTEM_RESET);
}
