/* SPDX-License-Identifier: BSD-2-Clause */
/* A registry that dies of the first attempt to look up one name, in the middle of serving it. */
#include <string.h>

#include "../../registry/policy.h"

#define DEADLY "/volume/deadly"

/* The policy's own, renamed for this program. */
void registry_request_sound(struct registry *registry, const struct registry_input *input,
                            struct registry_effects *effects);

void registry_request(struct registry *registry, const struct registry_input *input, struct registry_effects *effects)
{
    const struct registry_name *request = input->payload;
    if (input->size >= sizeof(*request) && request->request.operation == REGISTRY_LOOKUP && !request->request.attempt &&
        strncmp(request->name, DEADLY, sizeof(DEADLY)) == 0)
        __builtin_trap();
    registry_request_sound(registry, input, effects);
}
