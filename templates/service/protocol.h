/* SPDX-License-Identifier: BSD-2-Clause */
/* What the service example can be asked. spec/services/example.md. */
#pragma once

#include <cavern/protocol/rpc.h>

enum example_operation {
    /* example_add -> example_total. BAD_ARGUMENT: the total would overflow. */
    EXAMPLE_ADD = 1,
    /* rpc_request -> example_total. */
    EXAMPLE_READ,
};

struct example_add {
    struct rpc_request request;
    uint64_t amount;
};

struct example_total {
    struct rpc_reply reply;
    uint64_t total;
};
