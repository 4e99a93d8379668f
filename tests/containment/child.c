/* SPDX-License-Identifier: BSD-2-Clause */
#include "child.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <cavern/protocol/supervisor.h>
#include <cavern/rpc.h>
#include <cavern/start.h>
#include <cavern/time.h>

#include "attempt.h"
#include "protocol.h"

#define START_SECONDS 5
#define CHILD_SECONDS 40

static uint64_t supervisor_wait(unsigned seconds)
{
    return cavern_after(seconds * CAVERN_SECOND);
}

static enum cavern_status begin(cavern_handle supervisor, unsigned index, unsigned variant, uint64_t seed,
                                uint32_t *child)
{
    struct {
        struct supervisor_child child;
        char arguments[96];
    } message = {
        .child =
            {
                .request = {.operation = SUPERVISOR_BEGIN, .version = RPC_VERSION},
                .name = ATTEMPT_NAME,
                .program = PROGRAM_PATH,
                .restart = SUPERVISOR_TEMPORARY,
                .class = SUPERVISOR_PROGRAM,
                .priority = ATTEMPT_PRIORITY,
                .arguments = 4,
            },
    };
    char line[sizeof(message.arguments)];
    struct rpc_reply reply;
    int length = snprintf(line, sizeof(line), ATTEMPT_ARGUMENTS, 0, 0, index, 0, variant, 0, seed);
    message.child.length = (uint32_t)length + 1 - sizeof(ATTEMPT_NAME); /* the first is the child's name */
    memcpy(message.arguments, line + sizeof(ATTEMPT_NAME), message.child.length);
    enum cavern_status status = cavern_rpc_call(supervisor, &message, sizeof(message.child) + message.child.length,
                                                &reply, sizeof(reply), NULL, supervisor_wait(START_SECONDS));
    *child = reply.value;
    return status;
}

static enum cavern_status add_report(cavern_handle supervisor, uint32_t child, cavern_handle report)
{
    struct supervisor_add add = {
        .request = {.operation = SUPERVISOR_ADD, .version = RPC_VERSION, .value = child},
        .handles = {{.name = ATTEMPT_REPORT}},
    };
    struct cavern_grant grant = {report, CAVERN_RIGHT_COPY | CAVERN_RIGHT_SEND};
    struct cavern_outgoing out = {.payload = &add, .size = sizeof(add), .grants = &grant, .grant_count = 1};
    struct rpc_reply reply;
    struct cavern_answer answer = {.buffer = &reply, .capacity = sizeof(reply)};
    return cavern_rpc_exchange(supervisor, &out, supervisor_wait(START_SECONDS), &answer);
}

enum cavern_status child_run(unsigned index, unsigned variant, uint64_t seed, cavern_handle report, uint64_t words[5])
{
    cavern_handle supervisor = cavern_startup_get("supervisor");
    struct rpc_request request = {.operation = SUPERVISOR_START, .version = RPC_VERSION};
    struct supervisor_name stop = {{.operation = SUPERVISOR_STOP, .version = RPC_VERSION}, ATTEMPT_NAME};
    struct supervisor_status end;
    struct rpc_reply reply;
    enum cavern_status status = begin(supervisor, index, variant, seed, &request.value);
    if (!status)
        status = add_report(supervisor, request.value, report);
    if (!status)
        status = cavern_rpc_call(supervisor, &request, sizeof(request), &reply, sizeof(reply), NULL,
                                 supervisor_wait(START_SECONDS));
    if (status)
        return status;
    request.operation = SUPERVISOR_WAIT;
    status =
        cavern_rpc_call(supervisor, &request, sizeof(request), &end, sizeof(end), NULL, supervisor_wait(CHILD_SECONDS));
    if (status)
        (void)!cavern_rpc_call(supervisor, &stop, sizeof(stop), &reply, sizeof(reply), NULL,
                               supervisor_wait(START_SECONDS));
    else
        memcpy(words, end.child.exit_words, sizeof(end.child.exit_words));
    return status;
}
