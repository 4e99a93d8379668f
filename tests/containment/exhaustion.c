/* SPDX-License-Identifier: BSD-2-Clause */
/* Taking all there is, of everything, up to the error; then one is given back, and one can be had again. */
#include <stddef.h>
#include <string.h>

#include <cavern/buffer.h>
#include <cavern/handles.h>
#include <cavern/queue.h>
#include <cavern/send.h>
#include <cavern/spawn.h>
#include <cavern/start.h>
#include <cavern/stubs.h>
#include <cavern/time.h>

#include "attempt.h"

#define ENOUGH 200000 /* more than there can be */

/* Until memory is over. `again`: what one costs is what it gives back. */
static void take_all(enum cavern_status (*take)(unsigned i, cavern_handle *handle), bool again, const char *what)
{
    enum cavern_status status = CAVERN_OK;
    cavern_handle last = 0, handle = 0;
    unsigned taken = 0;
    for (; taken < ENOUGH && (status = take(taken, &handle)) == CAVERN_OK; taken++)
        last = handle;
    if (status != CAVERN_NO_MEMORY)
        attempt_failed("after %u %s: status %d", taken, what, status);
    MUST(taken > 8);
    if (last && again) {
        GRANTED(cavern_sys_handle_close(last));
        GRANTED(take(taken, &handle));
    }
    attempt_tell("%u %s", taken, what);
}

#define EXHAUST(name, again, what)                                                                                     \
    static void exhaust_##name(unsigned variant)                                                                       \
    {                                                                                                                  \
        (void)variant;                                                                                                 \
        take_all(take_##name, again, what);                                                                            \
    }

static enum cavern_status take_handle(unsigned i, cavern_handle *handle)
{
    static cavern_handle signal;
    if (!i)
        GRANTED(cavern_sys_signal_create(CAVERN_SELF_ACCOUNT, &signal));
    return cavern_handle_duplicate(signal, CAVERN_RIGHT_RAISE, handle);
}
EXHAUST(handle, true, "handles")

static enum cavern_status take_signal(unsigned i, cavern_handle *handle)
{
    (void)i;
    return cavern_sys_signal_create(CAVERN_SELF_ACCOUNT, handle);
}
EXHAUST(signal, true, "signals")

static enum cavern_status take_queue(unsigned i, cavern_handle *handle)
{
    (void)i;
    return cavern_sys_queue_create(CAVERN_SELF_ACCOUNT, CAVERN_QUEUE_BLOCKS_MIN, 1, 0, handle);
}
EXHAUST(queue, true, "queues")

static enum cavern_status take_bound_queue(unsigned i, cavern_handle *handle)
{
    uint64_t out;
    enum cavern_status status = take_queue(i, handle);
    if (status)
        return status;
    status = cavern_sys_queue_bind(*handle, CAVERN_SELF_PROCESS, 0, &out, &out, &out);
    if (status)
        cavern_handle_close(*handle);
    return status;
}
EXHAUST(bound_queue, false /* its ring is mapped elsewhere, with other tables */, "bound queues")

static enum cavern_status take_sender(unsigned i, cavern_handle *handle)
{
    static cavern_handle queue;
    if (!i)
        GRANTED(take_queue(0, &queue));
    return cavern_sender_mint(queue, i, 1, 1, 0, handle);
}
EXHAUST(sender, true, "senders")

static enum cavern_status take_page(unsigned i, cavern_handle *handle)
{
    (void)i;
    return cavern_buffer_create(CAVERN_SELF_ACCOUNT, CAVERN_PAGE_SIZE, 0, handle);
}
EXHAUST(page, true, "pages")

static enum cavern_status take_contiguous(unsigned i, cavern_handle *handle)
{
    (void)i;
    return cavern_buffer_create(CAVERN_SELF_ACCOUNT, 64 * 1024, CAVERN_BUFFER_CONTIGUOUS, handle);
}
EXHAUST(contiguous, true, "stretches of 64 KiB")

static enum cavern_status take_process(unsigned i, cavern_handle *handle)
{
    return cavern_sys_process_create(CAVERN_SELF_ACCOUNT, 0, i & CAVERN_PROCESS_KEEP, 0, 0, handle);
}
EXHAUST(process, true, "processes")

static void rest(void)
{
    for (;;)
        (void)!cavern_sys_thread_control(CAVERN_SELF_THREAD, 0, CAVERN_THREAD_SUSPEND, 0, 0);
}

/* Of the lowest priority. Where a CPU has nothing better to do they run, on one stack, for nobody keeps anything there.
 */
static enum cavern_status take_thread(unsigned i, cavern_handle *handle)
{
    static uint8_t stack[1024] __attribute__((aligned(16)));
    (void)i;
    return cavern_sys_thread_create(CAVERN_SELF_PROCESS, 0, (uintptr_t)rest, (uintptr_t)stack + sizeof(stack), 0, 0, 0,
                                    0, handle);
}
static void exhaust_thread(unsigned variant)
{
    cavern_handle handle;
    enum cavern_status status = CAVERN_OK;
    unsigned taken = 0;
    (void)variant;
    while (taken < ENOUGH && (status = take_thread(taken, &handle)) == CAVERN_OK)
        taken++;
    REFUSED(status, CAVERN_NO_MEMORY);
    attempt_tell("%u threads", taken);
}

static enum cavern_status take_account(unsigned i, cavern_handle *handle)
{
    (void)i;
    return cavern_sys_account_split(attempt_handle(ATTEMPT_ACCOUNT), 0, 0, 0, handle);
}
EXHAUST(account, true, "accounts")

/* Below each other. */
static void exhaust_depth(unsigned variant)
{
    cavern_handle account = attempt_handle(ATTEMPT_ACCOUNT);
    enum cavern_status status = CAVERN_OK;
    unsigned depth = 0;
    (void)variant;
    for (; depth < 100 && status == CAVERN_OK; depth++)
        status = cavern_sys_account_split(account, 0, (100 - depth) * UINT64_C(16384), 0, &account);
    REFUSED(status, CAVERN_BAD_ARGUMENT);
    attempt_tell("%u below each other", depth - 1);
}

/* One page, again and again; what pays is the tables. */
static void exhaust_mappings(unsigned variant)
{
    static const uint64_t steps[] = {CAVERN_PAGE_SIZE * 2, CAVERN_BLOCK_2M, UINT64_C(1) << 30};
    uint64_t address = UINT64_C(1) << 40;
    cavern_handle page;
    enum cavern_status status = CAVERN_OK;
    unsigned mapped = 0;
    GRANTED(take_page(0, &page));
    for (; mapped < ENOUGH && status == CAVERN_OK; address += steps[variant], mapped++)
        status = cavern_buffer_map_at(CAVERN_SELF_PROCESS, page, 0, CAVERN_PAGE_SIZE, address, CAVERN_PROT_READ);
    REFUSED(status, CAVERN_NO_MEMORY);
    GRANTED(cavern_sys_unmap(CAVERN_SELF_PROCESS, UINT64_C(1) << 40, CAVERN_PAGE_SIZE));
    attempt_tell("%u mappings", mapped - 1);
}

static void exhaust_one_buffer(unsigned variant)
{
    cavern_handle buffer;
    (void)variant;
    for (uint64_t bytes = CAVERN_PAGE_SIZE; bytes; bytes <<= 1) {
        enum cavern_status status = cavern_buffer_create(CAVERN_SELF_ACCOUNT, bytes, 0, &buffer);
        if (status == CAVERN_OK)
            cavern_handle_close(buffer);
        else if (status != CAVERN_NO_MEMORY && status != CAVERN_BAD_ARGUMENT)
            attempt_failed("0x%lx bytes: status %d", (unsigned long)bytes, status);
    }
    REFUSED(cavern_sys_buffer_create(CAVERN_SELF_ACCOUNT, 0, UINT64_MAX, 0, 0, &buffer), CAVERN_NO_MEMORY);
    REFUSED(cavern_sys_buffer_create(CAVERN_SELF_ACCOUNT, 0, UINT64_MAX - 4095, 0, 0, &buffer), CAVERN_NO_MEMORY);
}

/* The largest queues that there are. */
static enum cavern_status take_large_queue(unsigned i, cavern_handle *handle)
{
    return cavern_sys_queue_create(CAVERN_SELF_ACCOUNT, i & 1 ? CAVERN_QUEUE_BLOCKS_MAX : 1024,
                                   i & 1 ? CAVERN_QUEUE_SLOTS_MAX : 4096, 0, handle);
}

static void exhaust_large_queues(unsigned variant)
{
    cavern_handle queue;
    unsigned taken = 0;
    enum cavern_status status = CAVERN_OK;
    (void)variant;
    for (; taken < 100 && status == CAVERN_OK; taken++)
        status = take_large_queue(taken, &queue);
    REFUSED(status, CAVERN_NO_MEMORY);
}

/* Messages on their way, with all that can be attached. */
static void exhaust_attachments(unsigned variant)
{
    static uint64_t lent[8];
    struct cavern_queue queue;
    cavern_handle sender, signal;
    enum cavern_status status = CAVERN_OK;
    unsigned sent = 0;
    (void)variant;
    GRANTED(cavern_queue_create(CAVERN_QUEUE_BLOCKS_MAX, CAVERN_QUEUE_SLOTS_MAX / 2, &queue));
    GRANTED(cavern_sender_mint(queue.handle, 0, 100000, 100000, 0, &sender));
    GRANTED(cavern_sys_signal_create(CAVERN_SELF_ACCOUNT, &signal));
    struct cavern_lease lease = {(uintptr_t)lent, sizeof(lent), CAVERN_LEASE_READ | CAVERN_LEASE_WRITE};
    struct cavern_grant grant = {signal, CAVERN_RIGHT_RAISE}, self = {sender, CAVERN_RIGHT_SEND};
    const struct cavern_lease leases[] = {lease, lease, lease, lease};
    const struct cavern_grant grants[] = {grant, self, grant, self};
    struct cavern_outgoing out = {.leases = leases, .lease_count = 4, .grants = grants, .grant_count = 4};
    for (; sent < 100000 && status == CAVERN_OK; sent++)
        status = cavern_request(sender, sent, &out, &queue, 1, NULL);
    if (status != CAVERN_QUEUE_FULL && status != CAVERN_NO_MEMORY)
        attempt_failed("request %u: status %d", sent, status);
    attempt_tell("%u requests with 4 leases and 4 grants each", sent - 1);
}

/* Processes that end and are not let go. */
static enum cavern_status take_zombie(unsigned i, cavern_handle *handle)
{
    enum cavern_status status = take_process(i, handle);
    return status ? status : cavern_sys_process_end(*handle, i);
}
EXHAUST(zombie, true, "zombies")

/* Processes that hold each other, and to which nobody else has a handle: the account's owner ends them. */
static void tie_processes(unsigned variant)
{
    unsigned tied = 0;
    for (;; tied++) {
        cavern_handle one, two, out;
        if (take_process(variant, &one) || take_process(variant, &two))
            break;
        if (cavern_sys_handle_give(one, two, CAVERN_RIGHT_MANAGE, 0, &out) ||
            cavern_sys_handle_give(two, one, CAVERN_RIGHT_MANAGE, 0, &out))
            break;
        if (tied & 1) {
            GRANTED(cavern_sys_process_end(one, 0));
            GRANTED(cavern_sys_process_end(two, 0));
        }
        cavern_handle_close(one);
        cavern_handle_close(two);
    }
    attempt_tell("%u pairs", tied);
}

/* Each process starts others like itself, and forgets them. */
static void fork_bomb(unsigned variant)
{
    const struct cavern_startup_handle *image = cavern_startup_find(ATTEMPT_IMAGE);
    struct cavern_spawn_handle handles[] = {
        {ATTEMPT_IMAGE, image->handle, CAVERN_RIGHT_READ | CAVERN_RIGHT_COPY, 0, {image->values[0]}},
    };
    void *mapped;
    size_t argument_bytes;
    const char *arguments = attempt_arguments(&argument_bytes);
    (void)variant;
    GRANTED(cavern_buffer_map_local(image->handle, 0, image->values[0], CAVERN_PROT_READ, &mapped));
    struct cavern_spawn spawn = {
        .name = "bomb",
        .image = mapped,
        .image_size = image->values[0],
        .account = CAVERN_SELF_ACCOUNT,
        .priority = ATTEMPT_PRIORITY,
        .arguments = arguments,
        .argument_bytes = argument_bytes,
        .handles = handles,
        .handle_count = 1,
    };
    for (;;) {
        cavern_handle process;
        if (cavern_spawn(&spawn, &process))
            cavern_sleep_until(cavern_after(CAVERN_MILLISECOND));
        else
            cavern_handle_close(process);
    }
}

const struct attempt exhaustion_attempts[] = {
    {"all handles", exhaust_handle, 0, ENDS_WELL},
    {"all signals", exhaust_signal, 0, ENDS_WELL},
    {"all queues", exhaust_queue, 0, ENDS_WELL},
    {"all bound queues", exhaust_bound_queue, 0, ENDS_WELL},
    {"all large queues", exhaust_large_queues, 0, ENDS_WELL},
    {"all senders", exhaust_sender, 0, ENDS_WELL},
    {"all memory in pages", exhaust_page, 0, ENDS_WELL},
    {"all contiguous memory", exhaust_contiguous, 0, ENDS_WELL},
    {"one buffer of any size", exhaust_one_buffer, 0, ENDS_WELL},
    {"all page tables", exhaust_mappings, 3, ENDS_WELL},
    {"all processes", exhaust_process, 0, ENDS_WELL},
    {"all processes, ended", exhaust_zombie, 0, ENDS_WELL},
    {"all processes, tied", tie_processes, 2, ENDS_WELL},
    {"all threads", exhaust_thread, 0, ENDS_WELL},
    {"all accounts", exhaust_account, 0, ENDS_WELL},
    {"accounts below each other", exhaust_depth, 0, ENDS_WELL},
    {"all requests with attachments", exhaust_attachments, 0, ENDS_WELL},
    {"processes that start processes", fork_bomb, 0, ENDS_LATE},
    {0},
};
