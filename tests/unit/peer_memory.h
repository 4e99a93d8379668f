/* SPDX-License-Identifier: BSD-2-Clause */
/* Buffers of peers: made and mapped by call. */
#pragma once

#include "unit.h"

#include <cavern/memory.h>

#include "peer.h"

static inline cavern_handle peer_buffer(struct peer *peer, uint64_t bytes)
{
    assert_int_equal(peer_call(peer, BUFFER_CREATE, CAVERN_SELF_ACCOUNT, [3] = bytes), CAVERN_OK);
    return peer->x[1];
}

static inline uint64_t peer_map(struct peer *peer, cavern_handle buffer, uint64_t offset, uint64_t length,
                                uint64_t address, uint64_t protection)
{
    return peer_call(peer, MAP,
                     CAVERN_SELF_PROCESS, [2] = buffer, [3] = offset, [4] = length, [5] = address, [6] = protection);
}
