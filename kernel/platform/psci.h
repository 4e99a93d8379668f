/* SPDX-License-Identifier: BSD-2-Clause */
/* Power State Coordination Interface (Arm DEN 0022): the firmware's calls for power. */
#pragma once

#include "platform/machine_description.h"

/* The CPU with this MPIDR_EL1 goes to `entry`, a physical address, with `context` in x0. NULL, or why not. */
const char *psci_cpu_on(enum firmware_call how, uint64_t cpu, uint64_t entry, uint64_t context);
/* These return only when the firmware can't. */
void psci_power_off(enum firmware_call how);
void psci_restart(enum firmware_call how);
