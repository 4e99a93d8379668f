/* SPDX-License-Identifier: BSD-2-Clause */
/* A volume that takes requests and never answers one; and, where nobody else has the name, such a log. */
#include <cavern/log.h>
#include <cavern/service.h>

static void on_request(struct cavern_service *service, const struct cavern_message *message)
{
    (void)service, (void)message;
    cavern_log(CAVERN_LOG_INFO, "asked");
}

int main(void)
{
    static struct cavern_service service = {.on_request = on_request};
    if (cavern_service_open(&service) || cavern_service_publish(&service, "/volume/mute", 0))
        return 1;
    (void)!cavern_service_publish(&service, "/service/log", 0);
    return cavern_service_run(&service);
}
