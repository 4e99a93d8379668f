/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory for the C library's malloc. The heap grows by whole buffers at rising addresses, with a page of nothing
 * between two of them: so no allocation lies in two mappings, and each can be lent or take an answer. What is freed
 * stays the heap's. The start-up record may limit it.
 */
#include <errno.h>
#include <stdint.h>
#include <unistd.h>

#include <cavern/buffer.h>
#include <cavern/handles.h>

#include "internal.h"

#define GROWTH (256 * 1024)

static struct {
    uint64_t next;  /* where the next allocation starts */
    uint64_t end;   /* of the newest buffer */
    uint64_t taken; /* bytes of all buffers */
} heap = {CAVERN_HEAP_START, CAVERN_HEAP_START, 0};

/* One more buffer, of whole pages. */
static bool heap_extend(uint64_t size)
{
    uint64_t start = heap.taken ? heap.end + CAVERN_PAGE_SIZE : heap.end;
    if (size > CAVERN_HEAP_END - start)
        return false;
    cavern_handle buffer;
    if (cavern_buffer_create(CAVERN_SELF_ACCOUNT, size, 0, &buffer))
        return false;
    enum cavern_status status =
        cavern_buffer_map_at(CAVERN_SELF_PROCESS, buffer, 0, size, start, CAVERN_PROT_READ | CAVERN_PROT_WRITE);
    cavern_handle_close(buffer);
    if (status)
        return false;
    heap.next = start;
    heap.end = start + size;
    heap.taken += size;
    return true;
}

/* By GROWTH, or what the limit leaves of it; where the account has no room for that by what is needed. */
static bool heap_grow(uint64_t bytes)
{
    uint64_t limit = cavern_startup_view.record->heap;
    uint64_t left = (limit ? limit - heap.taken : UINT64_MAX) & ~(uint64_t)(CAVERN_PAGE_SIZE - 1);
    uint64_t least = cavern_pages(bytes), usual = left < GROWTH ? left : GROWTH;
    if (least < bytes || least > left)
        return false;
    return (usual > least && heap_extend(usual)) || heap_extend(least);
}

void *sbrk(ptrdiff_t increment)
{
    if (increment < 0 || ((uint64_t)increment > heap.end - heap.next && !heap_grow((uint64_t)increment))) {
        errno = ENOMEM;
        return (void *)-1;
    }
    uint64_t start = heap.next;
    heap.next += (uint64_t)increment;
    return (void *)(uintptr_t)start;
}
