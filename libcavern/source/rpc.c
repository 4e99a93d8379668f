/* SPDX-License-Identifier: BSD-2-Clause */
#include <cavern/rpc.h>

#include <string.h>

#include <cavern/handles.h>
#include <cavern/registry.h>
#include <cavern/time.h>

#define PAUSE_FIRST CAVERN_MILLISECOND
#define PAUSE_LONGEST (256 * CAVERN_MILLISECOND)
#define ATTEMPTS_MAX 8 /* that a server takes and dies of: it is probably the request's fault */

static enum cavern_status reply_status(struct cavern_answer *answer)
{
    size_t kept = answer->header.size < answer->capacity ? answer->header.size : answer->capacity;
    memset((uint8_t *)answer->buffer + kept, 0, answer->capacity - kept);
    if (kept < sizeof(struct rpc_reply))
        return CAVERN_CORRUPT;
    struct rpc_reply reply;
    memcpy(&reply, answer->buffer, sizeof(reply));
    return (enum cavern_status)reply.status;
}

enum cavern_status cavern_rpc_exchange(cavern_handle sender, const struct cavern_outgoing *out, uint64_t deadline,
                                       struct cavern_answer *answer)
{
    enum cavern_status status = cavern_call(sender, out, deadline, answer);
    if (status) {
        answer->places = 0;
        return status;
    }
    status = reply_status(answer);
    if (status)
        while (answer->places)
            cavern_handle_close(answer->grants[--answer->places].handle);
    return status;
}

enum cavern_status cavern_rpc_call(cavern_handle sender, const void *request, size_t request_size, void *reply,
                                   size_t reply_capacity, size_t *reply_size, uint64_t deadline)
{
    struct cavern_outgoing out = {.payload = request, .size = (uint32_t)request_size};
    struct cavern_answer answer = {.buffer = reply, .capacity = (uint32_t)reply_capacity};
    enum cavern_status status = cavern_rpc_exchange(sender, &out, deadline, &answer);
    if (reply_size)
        *reply_size = answer.header.size;
    return status;
}

void cavern_session_open(struct cavern_session *session, cavern_handle sender, const char *name)
{
    *session = (struct cavern_session){.sender = sender};
    if (name)
        memcpy(session->name, name, strnlen(name, sizeof(session->name) - 1));
}

void cavern_session_close(struct cavern_session *session)
{
    cavern_handle_close(session->sender);
    session->sender = CAVERN_NO_HANDLE;
}

/* One attempt. `places` is written by each, so it is set anew. */
static enum cavern_status session_try(struct cavern_session *session, const struct cavern_outgoing *out,
                                      uint64_t deadline, struct cavern_answer *answer, uint8_t places)
{
    if (!session->sender) {
        enum cavern_status status = cavern_registry_lookup(session->name, deadline, &session->sender);
        if (status)
            return status;
    }
    answer->places = places;
    return cavern_rpc_exchange(session->sender, out, deadline, answer);
}

/* Whether a further attempt makes sense; counts it in the request. */
static bool session_retry(struct cavern_session *session, enum cavern_status status, struct rpc_request *request)
{
    if (status == CAVERN_ABANDONED)
        return ++request->attempt < ATTEMPTS_MAX;
    if (status == CAVERN_GONE && session->name[0]) {
        cavern_session_close(session);
        return true;
    }
    return status == CAVERN_QUEUE_FULL;
}

enum cavern_status cavern_session_exchange(struct cavern_session *session, const struct cavern_outgoing *out,
                                           uint64_t deadline, struct cavern_answer *answer)
{
    struct rpc_request *request = (struct rpc_request *)(uintptr_t)out->payload;
    uint8_t places = answer->places;
    for (uint64_t pause = PAUSE_FIRST;; pause = pause < PAUSE_LONGEST ? pause * 2 : pause) {
        enum cavern_status status = session_try(session, out, deadline, answer, places);
        uint64_t next = cavern_after(pause);
        if (next >= deadline || !session_retry(session, status, request))
            return status;
        cavern_sleep_until(next);
    }
}

enum cavern_status cavern_session_call(struct cavern_session *session, void *request, size_t request_size, void *reply,
                                       size_t reply_capacity, size_t *reply_size, uint64_t deadline)
{
    struct cavern_outgoing out = {.payload = request, .size = (uint32_t)request_size};
    struct cavern_answer answer = {.buffer = reply, .capacity = (uint32_t)reply_capacity};
    enum cavern_status status = cavern_session_exchange(session, &out, deadline, &answer);
    if (reply_size)
        *reply_size = answer.header.size;
    return status;
}
