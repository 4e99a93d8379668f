/* SPDX-License-Identifier: BSD-2-Clause */
/* The service example: the loop that feeds its policy and carries out what that decides. */
#include "policy.h"

#include <stdlib.h>

#include <cavern/log.h>
#include <cavern/service.h>

static struct example example;

static void on_request(struct cavern_service *service, const struct cavern_message *message)
{
    struct example_total reply;
    example_answer(&example, message->payload, message->header.size, &reply);
    cavern_reply_bytes(service, message->header.request, &reply, sizeof reply);
}

int main(void)
{
    static struct cavern_service service = {.on_request = on_request};
    enum cavern_status status = cavern_service_open(&service);
    if (!status)
        status = cavern_service_publish(&service, "/service/example", 0);
    if (cavern_log_failure(status, "start"))
        return EXIT_FAILURE;
    return cavern_service_run(&service);
}
