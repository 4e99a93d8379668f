/* SPDX-License-Identifier: BSD-2-Clause */
/* What a service owes: endings of the requests that came, and the closing of the handles that it was given. */
#pragma once

#include "fuzz.h"

enum { LEDGER_MAX = 1 << 14 };

struct ledger {
    uint32_t requests; /* numbered from 1 */
    uint32_t handles;
    bool pending[LEDGER_MAX];
    bool held[LEDGER_MAX];
    bool doubtful; /* the state was damaged: what it names from before may be anything */
};

static struct ledger ledger;

static inline bool ledger_full(void)
{
    return ledger.requests + 1 >= LEDGER_MAX || ledger.handles + 8 >= LEDGER_MAX;
}

static inline uint32_t ledger_request(void)
{
    ledger.pending[++ledger.requests] = true;
    return ledger.requests;
}

static inline uint64_t ledger_handle(void)
{
    ledger.held[++ledger.handles] = true;
    return ledger.handles;
}

/* Each request has exactly one ending. */
static inline void ledger_end(uint32_t request)
{
    if (ledger.doubtful)
        return;
    DEMAND(request && request <= ledger.requests && ledger.pending[request]);
    ledger.pending[request] = false;
}

static inline void ledger_used(uint64_t handle)
{
    DEMAND(ledger.doubtful || (handle && handle <= ledger.handles && ledger.held[handle]));
}

/* A handle is closed once, and not used after that. */
static inline void ledger_close(uint64_t handle)
{
    ledger_used(handle);
    if (!ledger.doubtful)
        ledger.held[handle] = false;
}

/* The service has ended: its requests were abandoned. */
static inline void ledger_abandon(void)
{
    memset(ledger.pending, 0, sizeof ledger.pending);
}

/* How many requests wait, and handles are held. */
static inline void ledger_count(unsigned *waiting, unsigned *held)
{
    *waiting = *held = 0;
    for (uint32_t i = 1; i <= ledger.requests; i++)
        *waiting += ledger.pending[i];
    for (uint32_t i = 1; i <= ledger.handles; i++)
        *held += ledger.held[i];
}
