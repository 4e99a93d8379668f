/* SPDX-License-Identifier: BSD-2-Clause */
/* Making a child's process, and all that is held for it. */
#pragma once

#include <cavern/queue.h>
#include <cavern/status.h>

#include "policy.h"

/*
 * Makes what `held` lacks, then the process; its exit notice goes to `exits` with `label`. After a failure there is no
 * process, and what was made for it otherwise stands in `held` all the same. *id: the process's.
 */
enum cavern_status child_spawn(const struct supervisor_record *child, const struct cavern_queue *exits, uint64_t label,
                               struct supervisor_held *held, uint32_t *id) CAVERN_MUST_CHECK;
