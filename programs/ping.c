/* SPDX-License-Identifier: BSD-2-Clause */
/* ping NAME: asks the service that is registered under NAME whether it is there. */
#include <stdio.h>
#include <stdlib.h>

#include <cavern/registry.h>
#include <cavern/rpc.h>
#include <cavern/text.h>
#include <cavern/time.h>

#define PATIENCE CAVERN_SECOND

int main(int argc, char **argv)
{
    struct rpc_request request = {.operation = RPC_PING, .version = RPC_VERSION};
    struct rpc_reply reply;
    cavern_handle sender;
    if (argc != 2) {
        fprintf(stderr, "usage: ping NAME\n");
        return EXIT_FAILURE;
    }
    enum cavern_status status = cavern_registry_lookup(argv[1], CAVERN_POLL, &sender);
    uint64_t start = cavern_now();
    if (!status)
        status = cavern_rpc_call(sender, &request, sizeof(request), &reply, sizeof(reply), NULL, start + PATIENCE);
    if (status)
        printf("%s: %s\n", argv[1], cavern_status_text(status));
    else
        printf("%s answers after %lu us\n", argv[1], (unsigned long)((cavern_now() - start) / CAVERN_MICROSECOND));
    return status ? EXIT_FAILURE : EXIT_SUCCESS;
}
