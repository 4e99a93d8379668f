/* SPDX-License-Identifier: BSD-2-Clause */
/* Interrupt lines [manage], for drivers. spec/devices.md, Interrupts. */
#pragma once

#include <stdint.h>

#include <cavern/handle.h>
#include <cavern/status.h>

/*
 * When the line fires, CPU number `cpu` is interrupted, and `queue` [receive] told with `label`; 0: nobody. What has
 * been told counts as acknowledged. A driver whose threads stay on one CPU names that one, others the first: 0.
 */
enum cavern_status cavern_interrupt_notify(cavern_handle line, cavern_handle queue, uint64_t label,
                                           unsigned cpu) CAVERN_MUST_CHECK;

/* The device has been served: the line may fire again. */
enum cavern_status cavern_interrupt_acknowledge(cavern_handle line) CAVERN_MUST_CHECK;
