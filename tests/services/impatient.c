/* SPDX-License-Identifier: BSD-2-Clause */
/* Asks the supervisor again and again for the end of its first child, each time for a millisecond, and says how that
 * went. */
#include <cavern/log.h>
#include <cavern/rpc.h>
#include <cavern/protocol/supervisor.h>
#include <cavern/start.h>
#include <cavern/text.h>
#include <cavern/time.h>

enum { TIMES = 200, FIRST = 1 };

int main(void)
{
    enum cavern_status status = CAVERN_TIMEOUT;
    unsigned asked = 0;
    for (; asked < TIMES && status == CAVERN_TIMEOUT; asked++) {
        struct rpc_request request = {.operation = SUPERVISOR_WAIT, .version = RPC_VERSION, .value = FIRST};
        struct supervisor_status end;
        status = cavern_rpc_call(cavern_startup_get("supervisor"), &request, sizeof(request), &end, sizeof(end), NULL,
                                 cavern_after(CAVERN_MILLISECOND));
    }
    cavern_log(CAVERN_LOG_INFO, "asked %u times: %s", asked, cavern_status_text(status));
    return 0;
}
