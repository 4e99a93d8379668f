/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A driver of QEMU's fw_cfg whose device reads and writes memory (QEMU, docs/specs/fw_cfg): has it copy an item, and
 * says on the log what came of it. tests/start/test_devices.py reads that. With -DWITHOUT_DMA its manifest does not ask
 * for dma.
 */
#include <string.h>

#include <cavern/buffer.h>
#include <cavern/inspect.h>
#include <cavern/log.h>
#include <cavern/service.h>
#include <cavern/start.h>
#include <cavern/stubs.h>
#include <cavern/time.h>

#include "formats/manifest.h"

#ifdef WITHOUT_DMA
CAVERN_MANIFEST(MANIFEST_DRIVER("fw-cfg") MANIFEST_CLASS("test") MANIFEST_COMPATIBLE("qemu,fw-cfg-mmio"));
#else
CAVERN_MANIFEST(MANIFEST_DRIVER("fw-cfg") MANIFEST_CLASS("test") MANIFEST_COMPATIBLE("qemu,fw-cfg-mmio") MANIFEST_DMA);
#endif

#define REGISTER_DMA 16

/* All fields most significant byte first. */
struct order {
    uint32_t control, length;
    uint64_t address;
    char item[4]; /* the copy */
};

enum { CONTROL_READ = 2, CONTROL_SELECT = 8 };

static enum cavern_status map_order(cavern_handle dma, volatile struct order **order, uint64_t *address)
{
    cavern_handle buffer;
    void *memory = NULL;
    enum cavern_status status = cavern_buffer_create(CAVERN_SELF_ACCOUNT, sizeof(**order), 0, &buffer);
    if (!status)
        status = cavern_buffer_map(buffer, 0, sizeof(**order), CAVERN_PROT_READ | CAVERN_PROT_WRITE, &memory);
    if (!status)
        status = cavern_dma_map(dma, buffer, 0, sizeof(**order), CAVERN_PROT_READ | CAVERN_PROT_WRITE, address);
    *order = memory;
    return status;
}

static enum cavern_status copy_item(cavern_handle dma)
{
    volatile struct order *order;
    uint64_t address, deadline = cavern_after(CAVERN_SECOND);
    enum cavern_status status = map_order(dma, &order, &address);
    if (status)
        return status;
    order->control = __builtin_bswap32(CONTROL_READ | CONTROL_SELECT); /* item 0 */
    order->length = __builtin_bswap32(sizeof(order->item));
    order->address = __builtin_bswap64(address + offsetof(struct order, item));
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    status = cavern_device_write(cavern_startup_get("reg0"), REGISTER_DMA, 8, __builtin_bswap64(address));
    while (!status && order->control)
        status = cavern_now() < deadline ? CAVERN_OK : CAVERN_TIMEOUT;
    if (!status)
        cavern_log(CAVERN_LOG_INFO, "the device has written %.4s", (const char *)order->item);
    return status;
}

int main(void)
{
    static struct cavern_service service;
    struct cavern_dma_info info;
    uint64_t next, written;
    cavern_handle dma = cavern_startup_get(CAVERN_STARTUP_DMA);
    if (cavern_sys_inspect(dma, CAVERN_INSPECT_DMA, 0, (uintptr_t)&info, sizeof(info), &next, &written)) {
        cavern_log(CAVERN_LOG_INFO, "no dma");
    } else {
        cavern_log(CAVERN_LOG_INFO, "mappings of a predecessor: %u", (unsigned)info.mappings);
        cavern_dma_unmap_all(dma);
        (void)cavern_log_failure(copy_item(dma), "copy");
    }
    return cavern_log_failure(cavern_service_open(&service), "queue") ? 1 : cavern_service_run(&service);
}
