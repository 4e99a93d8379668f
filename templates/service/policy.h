/* SPDX-License-Identifier: BSD-2-Clause */
/* What the service example decides: a total to which clients add. Pure: no system call, the caller gives storage. */
#pragma once

#include <stddef.h>

#include <cavern/protocol/example.h>

/* Zeroed: a total of 0. */
struct example {
    uint64_t total;
};

/* Answers one request; `size` bytes of payload, at least a struct rpc_request. The status stands in the reply too. */
void example_answer(struct example *example, const void *payload, size_t size, struct example_total *reply);
