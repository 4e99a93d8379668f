/* SPDX-License-Identifier: BSD-2-Clause */
/* What the parts of libcavern share among themselves. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <cavern/memory.h>
#include <cavern/queue.h>
#include <cavern/startup_record.h>
#include <cavern/stubs.h>

/*
 * Where the parts of a program lie. The program itself is linked at 4 MiB (user.ld); own addresses of buffers start at
 * CAVERN_OWN_START, above all of these. Below the stack nothing is mapped for gigabytes: its guard.
 */
#define CAVERN_HEAP_START UINT64_C(0x1000000000) /* 64 GiB */
#define CAVERN_HEAP_END UINT64_C(0x4000000000)
#define CAVERN_LOCAL_START UINT64_C(0x4000000000) /* buffer.c: memory of no one address */
#define CAVERN_LOCAL_END UINT64_C(0x7000000000)
#define CAVERN_STACK_TOP UINT64_C(0x8000000000) /* 512 GiB: the start-up record ends here, the stack is below */

extern struct cavern_startup_view cavern_startup_view;

/* Readable and writable memory with nothing mapped for CAVERN_STACK_GUARD bytes below it; whole pages. */
#define CAVERN_STACK_GUARD (64 * 1024)
enum cavern_status cavern_stack_take(uint64_t bytes, void **address) CAVERN_MUST_CHECK;
void cavern_stack_give(void *address, uint64_t bytes);

/* Makes a thread of what runs main. The thread pointer is set; nothing else has been called. */
void cavern_thread_first(void);

/* Writes out what stdout and stderr hold back, unless another thread is writing. Not linked where nothing prints. */
void cavern_output_flush(void) __attribute__((weak));

/* A message from what receive, reply_receive or call returned in registers. */
void cavern_message_from_registers(const struct cavern_received *received, struct cavern_message *message);
