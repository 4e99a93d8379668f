/* SPDX-License-Identifier: BSD-2-Clause */
/* Power State Coordination Interface (Arm DEN 0022): the firmware's calls for power. */
#pragma once

#include "platform/machine_description.h"

/* These return only when the firmware can't. */
void psci_power_off(enum firmware_call how);
void psci_restart(enum firmware_call how);
