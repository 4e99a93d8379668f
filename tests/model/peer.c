/* SPDX-License-Identifier: BSD-2-Clause */
#include "peer.h"

#include <assert.h>
#include <string.h>

#include "machine_state.h"
#include "object/account.h"
#include "object/queue.h"
#include "syscall/user.h"

void peer_start(struct peer *peer, const char *name, uint8_t priority, uint64_t blocks, uint64_t slots)
{
    *peer = (struct peer){0};
    struct account *account = account_create(model.root, 1 << 24, 31);
    assert(account);
    peer->thread = model_process(account, name, priority);
    object_put(&account->object); /* the process keeps it */
    peer->process = peer->thread->process;
    peer->memory = model_memory(peer->process, PEER_MEMORY);
    if (!blocks)
        return;
    uint64_t status = peer_call(peer, QUEUE_CREATE, CAVERN_SELF_ACCOUNT, [3] = blocks, [4] = slots);
    assert(status == CAVERN_OK);
    peer->queue = peer->x[1];
    status = peer_call(peer, QUEUE_BIND, peer->queue, [2] = CAVERN_SELF_PROCESS);
    assert(status == CAVERN_OK);
    peer->ring = peer->x[1];
    peer->control = peer->x[2];
}

void peer_adopt(struct peer *peer, const struct peer *predecessor)
{
    struct queue *queue = peer_queue(predecessor);
    peer->queue = model_give(peer->process, &queue->object, CAVERN_RIGHTS_ALL);
    uint64_t status = peer_call(peer, QUEUE_BIND, peer->queue, [2] = CAVERN_SELF_PROCESS);
    assert(status == CAVERN_OK);
    peer->ring = peer->x[1];
    peer->control = peer->x[2];
}

uint64_t peer_call_registers(struct peer *peer, enum cavern_call call, const uint64_t x[16])
{
    memcpy(peer->x, x, sizeof peer->x);
    return model_call(peer->thread, call, peer->x);
}

uint64_t peer_woken(struct peer *peer)
{
    assert(!peer_waits(peer));
    memcpy(peer->x, model_registers(peer->thread), sizeof peer->x);
    return peer->x[0];
}

bool peer_waits(const struct peer *peer)
{
    return peer->thread->state != CAVERN_THREAD_READY;
}

cavern_handle peer_sender(struct peer *from, struct peer *to, uint64_t label, uint32_t messages, uint32_t requests,
                          uint64_t flags)
{
    uint64_t status = peer_call(
        to, SENDER_MINT,
        to->queue, [2] = label, [3] = messages | (uint64_t)requests << 32, [4] = CAVERN_SELF_ACCOUNT, [5] = flags);
    assert(status == CAVERN_OK);
    cavern_handle minted = to->x[1];
    if (from == to)
        return minted;
    void *sender;
    enum cavern_status found = process_lookup(to->process, minted, CAVERN_TYPE_SENDER, 0, &sender);
    assert(found == CAVERN_OK);
    cavern_handle handle = model_give(from->process, sender, CAVERN_RIGHTS_ALL);
    status = peer_call(to, HANDLE_CLOSE, minted);
    assert(status == CAVERN_OK);
    return handle;
}

struct cavern_control *peer_control(const struct peer *peer)
{
    return model_at(peer->process, peer->control);
}

bool peer_take(struct peer *peer, struct taken *taken)
{
    struct cavern_control *control = peer_control(peer);
    if (control->taken == control->tail)
        return false;
    uint64_t bytes = control->blocks * CAVERN_BLOCK_SIZE;
    uint64_t address = peer->ring + control->taken * CAVERN_BLOCK_SIZE % bytes;
    sys_outcome status = user_read(peer->thread, &taken->header, address, sizeof taken->header);
    assert(status == CAVERN_OK);
    unsigned leases = taken->header.attached & 15, grants = taken->header.attached >> 4;
    uint64_t size = (taken->header.size + 7u) / 8 * 8 + 16 * (leases + grants);
    status = user_read(peer->thread, taken->body, address + sizeof taken->header, size);
    assert(status == CAVERN_OK);
    taken->position = control->taken;
    control->taken += ring_blocks(taken->header.size, leases, grants);
    return true;
}

void peer_free(struct peer *peer)
{
    peer_control(peer)->head = peer_control(peer)->taken;
}

struct queue *peer_queue(const struct peer *peer)
{
    void *queue;
    enum cavern_status status = process_lookup(peer->process, peer->queue, CAVERN_TYPE_QUEUE, 0, &queue);
    assert(status == CAVERN_OK);
    return queue;
}

void peer_write(struct peer *peer, uint64_t offset, const void *from, size_t size)
{
    sys_outcome status = user_write(peer->thread, peer->memory + offset, from, size);
    assert(status == CAVERN_OK);
}

void peer_read(const struct peer *peer, uint64_t offset, void *to, size_t size)
{
    sys_outcome status = user_read(peer->thread, to, peer->memory + offset, size);
    assert(status == CAVERN_OK);
}

void peer_end(struct peer *peer)
{
    process_end(peer->process, (uint64_t[5]){CAVERN_REASON_ENDED});
    model_settle();
}
