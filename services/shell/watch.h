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
#include <cavern/send.h>
#include <cavern/status.h>

enum cavern_status watch_open(cavern_handle console) CAVERN_MUST_CHECK;

/* A command begins: what was typed before does not count. */
void watch_begin(void);

/* Ctrl-C has been typed since. */
bool watch_interrupted(void);

/* OK: until the deadline. INTERRUPTED. */
enum cavern_status watch_sleep(uint64_t deadline) CAVERN_MUST_CHECK;

/* A request and its reply, as cavern_rpc_exchange without a deadline and without grants in the answer. INTERRUPTED:
 * cancelled. */
enum cavern_status watch_exchange(cavern_handle sender, const struct cavern_outgoing *out,
                                  struct cavern_answer *answer) CAVERN_MUST_CHECK;

/* As cavern_rpc_call: once, or made again while it is abandoned or there is no room for it, for what may be repeated.
 * *received may be NULL. */
enum cavern_status watch_ask(cavern_handle sender, const void *request, size_t request_size, void *reply,
                             size_t reply_size) CAVERN_MUST_CHECK;
enum cavern_status watch_call(cavern_handle sender, void *request, size_t request_size, void *reply, size_t reply_size,
                              size_t *received) CAVERN_MUST_CHECK;
