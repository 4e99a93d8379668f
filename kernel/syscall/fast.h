/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Short cuts for rows marked `+` in syscalls.def: a call, or a reply and a receive, of small messages between threads
 * that wait for each other. Each checks that nothing unusual is the case, changes nothing and answers false if
 * something is; then the general path serves the call, and says what it means. What a short cut does is what the
 * general path would.
 */
#pragma once

#include <stdbool.h>

struct thread;

bool fast_call(struct thread *caller);
bool fast_reply_receive(struct thread *caller);
