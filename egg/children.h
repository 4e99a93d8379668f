/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the egg hands to the supervisor: services of the configuration and drivers of devices. The handles of one child
 * at a time are made, sent with ADD, and given up again.
 */
#pragma once

#include <cavern/queue.h>
#include <cavern/status.h>

#include "description.h"

/* Makes the handles of the child, at most one at a time. *count: how many. */
enum cavern_status child_prepare(const struct children *children, const struct child *child,
                                 unsigned *count) CAVERN_MUST_CHECK;
void child_discard(void);

/* Requests to the supervisor; their endings come to `queue` with `token`. */
enum cavern_status child_begin(const struct children *children, const struct child *child, unsigned attempt,
                               const struct cavern_queue *queue, uint64_t token) CAVERN_MUST_CHECK;
enum cavern_status child_add(const struct children *children, uint32_t number, unsigned first, unsigned count,
                             const struct cavern_queue *queue, uint64_t token) CAVERN_MUST_CHECK;
enum cavern_status child_start(const struct children *children, uint32_t number, const struct cavern_queue *queue,
                               uint64_t token) CAVERN_MUST_CHECK;
