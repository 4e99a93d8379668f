/* SPDX-License-Identifier: BSD-2-Clause */
/* Look-ups that several calls share. */
#pragma once

#include <stdint.h>

#include <cavern/status.h>

struct account;
struct object;
struct queue;
struct thread;

/* A queue [receive] that is bound to the caller's process; DENIED when it is not. */
enum cavern_status find_own_queue(struct thread *caller, uint64_t handle, struct queue **queue) CAVERN_MUST_CHECK;
/* An account [charge]. */
enum cavern_status find_account(struct thread *caller, uint64_t handle, struct account **account) CAVERN_MUST_CHECK;
/* A handle for a new object, whose only reference so far, its maker's, becomes the handle's (or goes, on failure). */
enum cavern_status hand_out(struct thread *caller, struct object *object, uint16_t rights,
                            uint64_t *handle) CAVERN_MUST_CHECK;
