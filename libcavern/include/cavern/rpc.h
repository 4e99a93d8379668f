/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The client's side of the protocols: a call whose payload starts with struct rpc_request, and whose answer starts with
 * struct rpc_reply. A status returned is that of the call, and if it went well that of the reply. spec/rpc.md.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <cavern/protocol/rpc.h>
#include <cavern/send.h>

/* A call without attachments. What the answer leaves out of `reply` reads as 0; CORRUPT: not even a status came.
 * *reply_size may be NULL. */
enum cavern_status cavern_rpc_call(cavern_handle sender, const void *request, size_t request_size, void *reply,
                                   size_t reply_capacity, size_t *reply_size, uint64_t deadline) CAVERN_MUST_CHECK;

/* The same with attachments; answer->places and answer->grants as in cavern_call. */
enum cavern_status cavern_rpc_exchange(cavern_handle sender, const struct cavern_outgoing *out, uint64_t deadline,
                                       struct cavern_answer *answer) CAVERN_MUST_CHECK;

/*
 * A conversation with a named service that survives the service's restarts: a request that was abandoned is sent again,
 * with its number of attempts; where the service's queue is gone the name is looked up again; where it is full it is
 * tried again; all with growing pauses. Only for operations that may be repeated.
 */
struct cavern_session {
    cavern_handle sender;    /* 0: to be looked up */
    char name[RPC_NAME_MAX]; /* in the registry; "": `sender` is all there is */
};

/* Nothing is looked up before the first call. `sender` may be 0, `name` NULL, not both. */
void cavern_session_open(struct cavern_session *session, cavern_handle sender, const char *name);
void cavern_session_close(struct cavern_session *session);

/* As cavern_rpc_call and cavern_rpc_exchange. The request is written to: its `attempt` counts. */
enum cavern_status cavern_session_call(struct cavern_session *session, void *request, size_t request_size, void *reply,
                                       size_t reply_capacity, size_t *reply_size, uint64_t deadline) CAVERN_MUST_CHECK;
enum cavern_status cavern_session_exchange(struct cavern_session *session, const struct cavern_outgoing *out,
                                           uint64_t deadline, struct cavern_answer *answer) CAVERN_MUST_CHECK;
