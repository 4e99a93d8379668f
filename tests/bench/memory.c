/* SPDX-License-Identifier: BSD-2-Clause */
/* Page faults, mappings, copies between processes. */
#include <string.h>

#include <cavern/buffer.h>
#include <cavern/fault.h>
#include <cavern/handles.h>
#include <cavern/memory.h>

#include "bench.h"

#define MIB (1024 * 1024)

/* --- a page fault, its handler in another process, and back --- */

struct pager {
    struct peer faulter;
    struct cavern_queue queue;
    uint64_t thread;
};

static void wait_for_message(void)
{
    struct cavern_queue queue;
    struct cavern_message message;
    own_queue(&queue);
    must(cavern_queue_receive(&queue, CAVERN_FOREVER, &message), "message");
}

/* Begins when its handler is there, who maps nothing: it is the same fault again and again. */
void fault_for_ever(void)
{
    wait_for_message();
    *(volatile uint64_t *)(uintptr_t)CAVERN_USER_START = 0;
}

static void page_fault(void *context)
{
    struct pager *pager = context;
    struct cavern_received received;
    enum cavern_status status = cavern_thread_resume(pager->faulter.process, pager->thread);
    if (!status)
        status = cavern_sys_receive(pager->queue.handle, CAVERN_FOREVER, &received);
    if (status || received.words[CAVERN_FAULT_ADDRESS] != CAVERN_USER_START)
        must(receive_late(status, &pager->queue, CAVERN_FAULT_ADDRESS, CAVERN_USER_START), "fault");
}

static void pager_start(struct pager *pager)
{
    struct cavern_message message;
    must(cavern_queue_create(CAVERN_QUEUE_BLOCKS_MIN, 0, &pager->queue), "queue");
    peer_start("faulter", PRIORITY - 1, NULL, 0, &pager->faulter);
    must(cavern_fault_notify(pager->faulter.process, pager->queue.handle, 0), "notify");
    must(cavern_sys_send(pager->faulter.sender, 0, (const uint64_t[CAVERN_WORDS]){0}), "faulter");
    must(cavern_queue_receive(&pager->queue, CAVERN_FOREVER, &message), "first fault");
    pager->thread = cavern_fault_read(&message).thread;
    cavern_queue_release(&pager->queue, &message);
}

/* --- one page, beside memory that stays mapped --- */

struct page {
    cavern_handle buffer;
    uint64_t address;
};

static void map_and_unmap(void *context)
{
    const struct page *page = context;
    uint64_t mapped;
    must(cavern_sys_map(CAVERN_SELF_PROCESS, page->buffer, 0, CAVERN_PAGE_SIZE, page->address,
                        CAVERN_PROT_READ | CAVERN_PROT_WRITE, &mapped),
         "map");
    must(cavern_sys_unmap(CAVERN_SELF_PROCESS, page->address, CAVERN_PAGE_SIZE), "unmap");
}

static void page_make(struct page *page)
{
    void *neighbour;
    must(cavern_memory_take(CAVERN_PAGE_SIZE, &neighbour), "neighbour");
    page->address = (uintptr_t)neighbour + 2 * CAVERN_PAGE_SIZE;
    must(cavern_buffer_create(CAVERN_SELF_ACCOUNT, CAVERN_PAGE_SIZE, 0, &page->buffer), "page");
}

/* --- 1 MiB out of another process --- */

void sleep_for_ever(void)
{
    wait_for_message();
}

struct copy {
    struct peer owner;
    uint64_t *there; /* its memory, mapped here too for the comparison */
    uint64_t *here;
};

static void copy_out(void *context)
{
    const struct copy *copy = context;
    const size_t last = MIB / sizeof(uint64_t) - 1;
    copy->there[last]++;
    enum cavern_status status = cavern_process_read(copy->owner.process, (uintptr_t)copy->there, copy->here, MIB);
    if (status || copy->here[last] != copy->there[last])
        must(status ? status : CAVERN_CORRUPT, "copy");
}

static void copy_start(struct copy *copy)
{
    void *memory;
    peer_start("sleeper", PRIORITY, NULL, 0, &copy->owner);
    copy->there = peer_share(&copy->owner, MIB);
    must(cavern_memory_take(MIB, &memory), "memory");
    copy->here = memory;
}

void measure_memory(void)
{
    struct pager pager;
    struct page page;
    struct copy copy;
    page_make(&page);
    measure("map_unmap", OFTEN, 1, map_and_unmap, &page);
    pager_start(&pager);
    measure("page_fault", OFTEN, 1, page_fault, &pager);
    copy_start(&copy);
    measure("copy_1m", SELDOM, 1, copy_out, &copy);
}
