/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cavern/buffer.h>
#include <cavern/handles.h>
#include <cavern/machine.h>
#include <cavern/process.h>
#include <cavern/start.h>

#include "bench.h"
#include "formats/ustar.h"

#define PEER_MEMORY (8 * 1024 * 1024)
#define PEER_CROWD 2560 /* bytes, for one of each that crowd_peer makes */

const void *image_of(const char *path, size_t *size)
{
    const struct cavern_startup_handle *ramdisk = cavern_startup_find(CAVERN_STARTUP_RAMDISK);
    struct ustar_entry entry;
    static void *archive;
    if (!archive)
        must(cavern_buffer_map(ramdisk->handle, 0, ramdisk->values[0], CAVERN_PROT_READ, &archive), "RAM disk");
    must(ustar_find(archive, ramdisk->values[0], path, &entry) == USTAR_OK ? CAVERN_OK : CAVERN_NOT_FOUND, path);
    *size = entry.size;
    return (const uint8_t *)archive + entry.offset;
}

cavern_handle account_make(void)
{
    cavern_handle account;
    must(cavern_sys_account_split(cavern_startup_get(CAVERN_STARTUP_ROOT), 0, PEER_MEMORY + crowd * PEER_CROWD,
                                  PRIORITY_HIGH, &account),
         "account");
    return account;
}

void peer_start(const char *role, uint8_t priority, const struct cavern_spawn_handle *extra, size_t extras,
                struct peer *peer)
{
    char arguments[64];
    int length =
        snprintf(arguments, sizeof(arguments), "bench%c%s%c%u%c%u%c%u", 0, role, 0, priority, 0, crowd, 0, cpus);
    struct cavern_spawn_handle handles[1 + PEER_HANDLES_MAX] = {{.name = CAVERN_STARTUP_MACHINE,
                                                                 .handle = cavern_startup_get(CAVERN_STARTUP_MACHINE),
                                                                 .rights = CAVERN_RIGHT_LOG | CAVERN_RIGHT_POWER}};
    struct cavern_spawn spawn = {
        .name = role,
        .priority = PRIORITY_HIGH, /* until it is prepared */
        .arguments = arguments,
        .argument_bytes = (size_t)length + 1,
        .handles = handles,
        .handle_count = 1 + extras,
        .account = peer->account = account_make(),
    };
    if (extras)
        memcpy(&handles[1], extra, extras * sizeof(*extra));
    spawn.image = image_of("egg", &spawn.image_size);
    must(cavern_sys_queue_create(spawn.account, PEER_QUEUE_BLOCKS, 4, 0, &spawn.queue), "queue");
    must(cavern_sender_mint(spawn.queue, 0, 64, 4, 0, &peer->sender), "sender");
    must(cavern_spawn(&spawn, &peer->process), role);
}

void peer_prepare(char **argv)
{
    cpus = (unsigned)atoi(argv[4]);
    crowd_peer((unsigned)atoi(argv[3]));
    must(cavern_sys_thread_control(CAVERN_SELF_THREAD, 0, CAVERN_THREAD_SET, (uint64_t)atoi(argv[2]), 0), "priority");
}

void *peer_share(const struct peer *peer, uint64_t bytes)
{
    const unsigned protection = CAVERN_PROT_READ | CAVERN_PROT_WRITE;
    cavern_handle buffer;
    void *address;
    uint64_t there;
    must(cavern_buffer_create(peer->account, bytes, 0, &buffer), "shared memory");
    must(cavern_buffer_map(buffer, 0, bytes, protection, &address), "shared memory");
    must(cavern_sys_map(peer->process, buffer, 0, bytes, 0, protection, &there), "shared memory");
    cavern_handle_close(buffer);
    return address;
}

void own_queue(struct cavern_queue *queue)
{
    must(cavern_queue_open(CAVERN_STARTUP_QUEUE, queue), "queue");
}

enum cavern_status receive_late(enum cavern_status status, struct cavern_queue *queue, unsigned word, uint64_t expected)
{
    struct cavern_message message;
    if (status && status != CAVERN_IN_RING)
        return status;
    if (!cavern_queue_take(queue, &message) || ((const uint64_t *)message.payload)[word] != expected)
        return CAVERN_CORRUPT;
    cavern_queue_release(queue, &message);
    return CAVERN_OK;
}

void stay_on_one_cpu(bool stay)
{
    if (cpus > 1)
        must(cavern_sys_thread_control(CAVERN_SELF_THREAD, 0, CAVERN_THREAD_SET, PRIORITY, stay ? 1 : UINT64_MAX),
             "CPU");
}
