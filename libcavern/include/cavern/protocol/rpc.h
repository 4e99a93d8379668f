/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What all protocols share. A request's payload starts with a struct rpc_request, a reply's with a struct rpc_reply;
 * the protocol's own fields follow, then bytes whose number a field tells. Numbers are little-endian, structures have
 * no holes. A server answers an operation that it does not know with UNSUPPORTED, and one whose payload is too short or
 * whose lengths do not fit with BAD_ARGUMENT. spec/rpc.md.
 */
#pragma once

#include <stdint.h>

struct rpc_request {
    uint16_t operation;
    uint8_t version; /* of the protocol: 1 */
    uint8_t attempt; /* 0; n: sent again after n abandoned attempts */
    uint32_t value;  /* for the operation; 0 where it says nothing */
};

struct rpc_reply {
    uint32_t status; /* enum cavern_status */
    uint32_t value;  /* for the operation; 0 where it says nothing */
};

#define RPC_VERSION 1
#define RPC_PING 0 /* every service answers OK: heartbeats */

#define RPC_NAME_MAX 64 /* bytes of a path or name, with its ending 0 */
