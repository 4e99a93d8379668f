/* SPDX-License-Identifier: BSD-2-Clause */
#include "policy.h"

#include <cavern/status.h>

static enum cavern_status add(struct example *example, const struct example_add *request, size_t size)
{
    if (size < sizeof *request || request->amount > UINT64_MAX - example->total)
        return CAVERN_BAD_ARGUMENT;
    example->total += request->amount;
    return CAVERN_OK;
}

static enum cavern_status carry_out(struct example *example, const struct rpc_request *request, size_t size)
{
    if (request->version != RPC_VERSION)
        return CAVERN_UNSUPPORTED;
    switch (request->operation) {
    case EXAMPLE_ADD:
        return add(example, (const struct example_add *)request, size);
    case EXAMPLE_READ:
        return CAVERN_OK;
    default:
        return CAVERN_UNSUPPORTED;
    }
}

void example_answer(struct example *example, const void *payload, size_t size, struct example_total *reply)
{
    enum cavern_status status = carry_out(example, payload, size);
    *reply = (struct example_total){{.status = status}, example->total};
}
