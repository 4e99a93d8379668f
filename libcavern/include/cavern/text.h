/* SPDX-License-Identifier: BSD-2-Clause */
/* Words for people. Pure. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <cavern/process.h>
#include <cavern/status.h>

/* "out of memory"; "status 99" numbers have no text and read "unknown status". */
const char *cavern_status_text(enum cavern_status status);

/* "read or write of memory that is not mapped". */
const char *cavern_fault_text(enum cavern_fault fault);

/*
 * How a process ended, from the words of its exit notice (enum cavern_exit_word): "exited with code 3", or
 * "fault: read or write of memory that is not mapped, address 0x0, pc 0x400120". Returns what snprintf returns.
 */
int cavern_exit_text(const uint64_t words[5], char *text, size_t size);
