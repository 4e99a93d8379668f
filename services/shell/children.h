/* SPDX-License-Identifier: BSD-2-Clause */
/* What the supervisor says of its children. */
#pragma once

#include <cavern/protocol/supervisor.h>
#include <cavern/status.h>

#include "command.h"

enum { CHILDREN_MAX = 128 };

struct children {
    unsigned count;
    struct supervisor_child_status list[CHILDREN_MAX];
};

/* All of them; of more than CHILDREN_MAX the first. */
enum cavern_status children_list(const struct shell *shell, struct children *children) CAVERN_MUST_CHECK;

/* NULL: none. */
const struct supervisor_child_status *children_with_process(const struct children *children, uint32_t process);
const struct supervisor_child_status *children_named(const struct children *children, const char *name);

const char *child_state_text(const struct supervisor_child_status *child);
const char *child_class_text(const struct supervisor_child_status *child);
const char *child_restart_text(const struct supervisor_child_status *child);

/* A request about one child, by name or process id, with the status and value of the reply, or all of it. */
enum cavern_status child_ask(const struct shell *shell, enum supervisor_operation operation, const char *name,
                             struct supervisor_status *reply) CAVERN_MUST_CHECK;
