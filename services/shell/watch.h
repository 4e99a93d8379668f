/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Ctrl-C, and waiting for what it may interrupt. One request to the console waits for Ctrl-C all the time; its answer
 * and that of what a command waits for come to the shell's own queue.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cavern/handle.h>
#include <cavern/status.h>

enum cavern_status watch_open(cavern_handle console) CAVERN_MUST_CHECK;

/* A command begins: what was typed before does not count. */
void watch_begin(void);

/* Ctrl-C has been typed since. */
bool watch_interrupted(void);

/* OK: until the deadline. INTERRUPTED. */
enum cavern_status watch_sleep(uint64_t deadline) CAVERN_MUST_CHECK;

/* A request and its reply, as cavern_rpc_call without a deadline. INTERRUPTED: cancelled. */
enum cavern_status watch_ask(cavern_handle sender, const void *request, size_t request_size, void *reply,
                             size_t reply_size) CAVERN_MUST_CHECK;

/* The same, made again while it is abandoned or there is no room for it: for what may be repeated. */
enum cavern_status watch_call(cavern_handle sender, void *request, size_t request_size, void *reply,
                              size_t reply_size) CAVERN_MUST_CHECK;
