/* SPDX-License-Identifier: BSD-2-Clause */
#include <cavern/buffer.h>

#include <cavern/handles.h>
#include <cavern/mutex.h>
#include <cavern/stubs.h>

#include "internal.h"
#include "places.h"

static struct places local = {.start = CAVERN_LOCAL_START, .end = CAVERN_LOCAL_END};
static struct cavern_mutex local_mutex;

static uint64_t local_take(uint64_t bytes)
{
    cavern_mutex_lock(&local_mutex);
    uint64_t place = places_take(&local, bytes);
    cavern_mutex_unlock(&local_mutex);
    return place;
}

static void local_give(uint64_t place, uint64_t bytes)
{
    cavern_mutex_lock(&local_mutex);
    places_give(&local, place, bytes);
    cavern_mutex_unlock(&local_mutex);
}

enum cavern_status cavern_buffer_create(cavern_handle account, uint64_t bytes, unsigned flags, cavern_handle *buffer)
{
    return cavern_sys_buffer_create(account, 0, cavern_pages(bytes), flags, 0, buffer);
}

enum cavern_status cavern_buffer_seal(cavern_handle buffer)
{
    return cavern_sys_buffer_seal(buffer);
}

enum cavern_status cavern_buffer_map_at(cavern_handle process, cavern_handle buffer, uint64_t offset, uint64_t length,
                                        uint64_t address, unsigned protection)
{
    uint64_t mapped;
    return cavern_sys_map(process, buffer, offset, cavern_pages(length), address, protection, &mapped);
}

enum cavern_status cavern_buffer_map(cavern_handle buffer, uint64_t offset, uint64_t length, unsigned protection,
                                     void **address)
{
    uint64_t mapped;
    enum cavern_status status =
        cavern_sys_map(CAVERN_SELF_PROCESS, buffer, offset, cavern_pages(length), 0, protection, &mapped);
    if (status == CAVERN_OK)
        *address = (void *)(uintptr_t)mapped;
    return status;
}

enum cavern_status cavern_buffer_map_local(cavern_handle buffer, uint64_t offset, uint64_t length, unsigned protection,
                                           void **address)
{
    uint64_t bytes = cavern_pages(length), place = local_take(bytes), mapped;
    enum cavern_status status = cavern_sys_map(CAVERN_SELF_PROCESS, buffer, offset, bytes, place, protection, &mapped);
    if (status == CAVERN_OK)
        *address = (void *)(uintptr_t)mapped;
    else
        local_give(place, bytes);
    return status;
}

void cavern_buffer_unmap(void *address, uint64_t length)
{
    uint64_t bytes = cavern_pages(length);
    if (cavern_sys_unmap(CAVERN_SELF_PROCESS, (uintptr_t)address, bytes) == CAVERN_OK)
        local_give((uintptr_t)address, bytes);
}

enum cavern_status cavern_device_read(cavern_handle buffer, uint64_t offset, unsigned width, uint64_t *value)
{
    return cavern_sys_device_io(buffer, offset, width, 0, value);
}

enum cavern_status cavern_device_write(cavern_handle buffer, uint64_t offset, unsigned width, uint64_t value)
{
    uint64_t none;
    return cavern_sys_device_io(buffer, offset, width | CAVERN_DEVICE_WRITE, value, &none);
}

enum cavern_status cavern_dma_map(cavern_handle dma, cavern_handle buffer, uint64_t offset, uint64_t length,
                                  unsigned protection, uint64_t *device_address)
{
    return cavern_sys_dma_map(dma, buffer, offset, cavern_pages(length), protection, device_address);
}

enum cavern_status cavern_dma_unmap(cavern_handle dma, uint64_t device_address, uint64_t length)
{
    return cavern_sys_dma_unmap(dma, device_address, cavern_pages(length));
}

void cavern_dma_unmap_all(cavern_handle dma)
{
    (void)!cavern_sys_dma_unmap(dma, 0, 0);
}

enum cavern_status cavern_process_read(cavern_handle process, uint64_t address, void *to, uint64_t length)
{
    return cavern_sys_process_copy(process, address, (uintptr_t)to, length, CAVERN_COPY_READ);
}

enum cavern_status cavern_process_write(cavern_handle process, uint64_t address, const void *from, uint64_t length)
{
    return cavern_sys_process_copy(process, address, (uintptr_t)from, length, CAVERN_COPY_WRITE);
}

enum cavern_status cavern_memory_take(uint64_t bytes, void **address)
{
    cavern_handle buffer;
    enum cavern_status status = cavern_buffer_create(CAVERN_SELF_ACCOUNT, bytes, 0, &buffer);
    if (status)
        return status;
    status = cavern_buffer_map_local(buffer, 0, bytes, CAVERN_PROT_READ | CAVERN_PROT_WRITE, address);
    cavern_handle_close(buffer); /* the mapping keeps the memory */
    return status;
}

enum cavern_status cavern_stack_take(uint64_t bytes, void **address)
{
    uint64_t place = local_take(CAVERN_STACK_GUARD + bytes);
    cavern_handle buffer;
    enum cavern_status status = place ? cavern_buffer_create(CAVERN_SELF_ACCOUNT, bytes, 0, &buffer) : CAVERN_NO_MEMORY;
    if (status == CAVERN_OK) {
        status = cavern_buffer_map_at(CAVERN_SELF_PROCESS, buffer, 0, bytes, place + CAVERN_STACK_GUARD,
                                      CAVERN_PROT_READ | CAVERN_PROT_WRITE);
        cavern_handle_close(buffer);
    }
    if (status)
        local_give(place, CAVERN_STACK_GUARD + bytes);
    *address = (void *)(uintptr_t)(place + CAVERN_STACK_GUARD);
    return status;
}

void cavern_stack_give(void *address, uint64_t bytes)
{
    if (cavern_sys_unmap(CAVERN_SELF_PROCESS, (uintptr_t)address, bytes) == CAVERN_OK)
        local_give((uintptr_t)address - CAVERN_STACK_GUARD, CAVERN_STACK_GUARD + bytes);
}
