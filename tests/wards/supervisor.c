/* SPDX-License-Identifier: BSD-2-Clause */
/* A supervisor that dies of the first attempt to kill one name, in the middle of serving it. */
#include <string.h>

#include "../../supervisor/policy.h"

#define DEADLY "deadly"

/* The policy's own, renamed for this program. */
void supervisor_request_sound(struct supervisor *supervisor, const struct supervisor_input *input,
                              struct supervisor_effects *effects);

void supervisor_request(struct supervisor *supervisor, const struct supervisor_input *input,
                        struct supervisor_effects *effects)
{
    const struct supervisor_name *request = input->payload;
    if (input->size >= sizeof(*request) && request->request.operation == SUPERVISOR_KILL && !request->request.attempt &&
        strncmp(request->name, DEADLY, sizeof(DEADLY)) == 0)
        __builtin_trap();
    supervisor_request_sound(supervisor, input, effects);
}
