/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A driver for devices whose registers lie eight to a page: reads the first one (Virtio 1.2, 4.2.2), and says what came
 * of it and of mapping them. It registers a name of its own besides that of the device.
 */
#include <stdio.h>
#include <string.h>

#include <cavern/buffer.h>
#include <cavern/log.h>
#include <cavern/service.h>
#include <cavern/start.h>
#include <cavern/text.h>

#include "formats/manifest.h"

CAVERN_MANIFEST(MANIFEST_DRIVER("magic") MANIFEST_CLASS("test") MANIFEST_COMPATIBLE("virtio,mmio"));

int main(int argc, char **argv)
{
    static struct cavern_service service;
    char name[RPC_NAME_MAX];
    uint64_t value = 0;
    void *memory;
    cavern_handle registers = cavern_startup_get("reg0");
    enum cavern_status status = cavern_device_read(registers, 0, 4, &value);
    enum cavern_status mapped = cavern_buffer_map(registers, 0, CAVERN_PAGE_SIZE, CAVERN_PROT_READ, &memory);
    cavern_log(CAVERN_LOG_INFO, "%s: %x, map: %s", status ? cavern_status_text(status) : "magic", (unsigned)value,
               cavern_status_text(mapped));
    if (argc < 2 || cavern_log_failure(cavern_service_open(&service), "queue"))
        return 1;
    snprintf(name, sizeof(name), "/service/probe%s", argv[1] + strlen("/device"));
    if (cavern_log_failure(cavern_service_publish(&service, argv[1], 0), argv[1]) ||
        cavern_log_failure(cavern_service_publish(&service, name, 0), name))
        return 1;
    return cavern_service_run(&service);
}
