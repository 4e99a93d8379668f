/* SPDX-License-Identifier: BSD-2-Clause */
/* Registers a name and takes it back, and says what a watcher hears of that and how it went. */
#include <cavern/handles.h>
#include <cavern/log.h>
#include <cavern/registry.h>
#include <cavern/service.h>
#include <cavern/text.h>

#define PREFIX "/service/names/"

static void on_message(struct cavern_service *service, const struct cavern_message *message)
{
    (void)service;
    const struct registry_event *event = CAVERN_PAYLOAD(message, struct registry_event);
    if (event)
        cavern_log(CAVERN_LOG_INFO, "%s %.63s", event->request.value == REGISTRY_ADDED ? "added" : "removed",
                   event->name);
}

static enum cavern_status watch(const struct cavern_service *service)
{
    cavern_handle sender;
    enum cavern_status status = cavern_sender_mint(service->queue.handle, 0, 8, 0, 0, &sender);
    if (!status)
        status = cavern_registry_watch(PREFIX, sender);
    return status;
}

int main(void)
{
    static struct cavern_service service = {.on_message = on_message};
    if (cavern_log_failure(cavern_service_open(&service), "queue") || cavern_log_failure(watch(&service), "watch") ||
        cavern_log_failure(cavern_service_publish(&service, PREFIX "one", 0), "register"))
        return 1;
    enum cavern_status first = cavern_registry_unregister(PREFIX "one");
    enum cavern_status second = cavern_registry_unregister(PREFIX "one");
    cavern_log(CAVERN_LOG_INFO, "unregistered: %s, %s", cavern_status_text(first), cavern_status_text(second));
    return cavern_service_run(&service);
}
