/* SPDX-License-Identifier: BSD-2-Clause */
/* Memory: buffers and where they are mapped in this process. Lengths are rounded up to pages. spec/memory.md. */
#pragma once

#include <stdint.h>

#include <cavern/handle.h>
#include <cavern/memory.h>
#include <cavern/status.h>

static inline uint64_t cavern_pages(uint64_t bytes)
{
    return (bytes + CAVERN_PAGE_SIZE - 1) & ~(uint64_t)(CAVERN_PAGE_SIZE - 1);
}

/* RAM, zeroed, charged to `account`. flags: CAVERN_BUFFER_*. */
enum cavern_status cavern_buffer_create(cavern_handle account, uint64_t bytes, unsigned flags,
                                        cavern_handle *buffer) CAVERN_MUST_CHECK;

/* No writable mapping and no right to write is left, for ever. BUSY while somebody can write. */
enum cavern_status cavern_buffer_seal(cavern_handle buffer) CAVERN_MUST_CHECK;

/* Into this process at the buffer's own address, which is the same in all. protection: CAVERN_PROT_*. */
enum cavern_status cavern_buffer_map(cavern_handle buffer, uint64_t offset, uint64_t length, unsigned protection,
                                     void **address) CAVERN_MUST_CHECK;
/* At a chosen address, in any process. */
enum cavern_status cavern_buffer_map_at(cavern_handle process, cavern_handle buffer, uint64_t offset, uint64_t length,
                                        uint64_t address, unsigned protection) CAVERN_MUST_CHECK;
/* Where there is room in this process: for what is unmapped again, and pointed to by nobody else. */
enum cavern_status cavern_buffer_map_local(cavern_handle buffer, uint64_t offset, uint64_t length, unsigned protection,
                                           void **address) CAVERN_MUST_CHECK;
void cavern_buffer_unmap(void *address, uint64_t length);

/* One register of a device buffer, mapped or not; width 1, 2, 4 or 8. DEVICE_ERROR: nothing answers there. */
enum cavern_status cavern_device_read(cavern_handle buffer, uint64_t offset, unsigned width,
                                      uint64_t *value) CAVERN_MUST_CHECK;
enum cavern_status cavern_device_write(cavern_handle buffer, uint64_t offset, unsigned width,
                                       uint64_t value) CAVERN_MUST_CHECK;

/*
 * For the device behind `dma` [manage] to read, and with CAVERN_PROT_WRITE to write: whole pages, at most
 * CAVERN_DMA_MAX. The memory stays until it is unmapped. TOO_LARGE: not contiguous there; a page always is.
 * spec/devices.md, DMA.
 */
enum cavern_status cavern_dma_map(cavern_handle dma, cavern_handle buffer, uint64_t offset, uint64_t length,
                                  unsigned protection, uint64_t *device_address) CAVERN_MUST_CHECK;
/* The device does not use it any more: the oldest such mapping goes. */
enum cavern_status cavern_dma_unmap(cavern_handle dma, uint64_t device_address, uint64_t length) CAVERN_MUST_CHECK;
/* The same for all, also those of a predecessor: after the device has been reset. */
void cavern_dma_unmap_all(cavern_handle dma);

/* Between the memory of a process [memory] and one's own. BAD_ADDRESS: its, or one's own; GONE: it has ended. */
enum cavern_status cavern_process_read(cavern_handle process, uint64_t address, void *to,
                                       uint64_t length) CAVERN_MUST_CHECK;
enum cavern_status cavern_process_write(cavern_handle process, uint64_t address, const void *from,
                                        uint64_t length) CAVERN_MUST_CHECK;

/* Readable and writable memory on the own account, the handle closed: it is gone with cavern_buffer_unmap. */
enum cavern_status cavern_memory_take(uint64_t bytes, void **address) CAVERN_MUST_CHECK;
