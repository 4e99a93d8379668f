/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The two processes that the egg itself starts and, when they end, starts again: registry and supervisor. It holds
 * their account, queue and state buffer, and each incarnation takes over the handle table of the one before.
 */
#pragma once

#include <cavern/queue.h>
#include <cavern/spawn.h>
#include <cavern/status.h>

#include "configuration.h"

enum { WARD_HANDLES_MAX = 4 };

struct ward {
    const struct configuration_program *program;
    const void *image;
    size_t image_size;
    cavern_handle account;
    cavern_handle queue;
    cavern_handle process;                                /* 0: none yet */
    cavern_handle queue_value;                            /* in the ward */
    struct cavern_spawn_handle handles[WARD_HANDLES_MAX]; /* besides its queue */
    unsigned handle_count;
};

/* Makes account, queue and state buffer. `root` [manage] pays. */
enum cavern_status ward_open(struct ward *ward, cavern_handle root, uint64_t memory) CAVERN_MUST_CHECK;

/* One more handle for it, before it is started first. It goes over to the ward: closed here when that runs. */
void ward_give(struct ward *ward, const char *name, cavern_handle handle, uint64_t rights, uint64_t value);

/* The first time, or in succession. Its exit notice goes to `exits` with `label`. */
enum cavern_status ward_start(struct ward *ward, const struct cavern_queue *exits, uint64_t label) CAVERN_MUST_CHECK;
