/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Short cuts for a call, and for a reply and a receive, of small messages between threads that wait for each other.
 * Each checks that nothing unusual is the case; if something is, it has changed nothing and the general path serves the
 * call, which alone defines what it means. What a short cut does is what the general path would.
 */
#pragma once

#include <stdbool.h>

struct thread;

/* True: the call has been served. */
bool fast_serve(struct thread *caller);
