/* SPDX-License-Identifier: BSD-2-Clause */
#include "watch.h"

#include <string.h>

#include <cavern/protocol/console.h>
#include <cavern/queue.h>
#include <cavern/rpc.h>
#include <cavern/send.h>
#include <cavern/time.h>

#define PAUSE (10 * CAVERN_MILLISECOND)

enum {
    BLOCKS = 256,
    TOKEN_WATCH = 1, /* those of calls come after it, each used once */
};

static struct cavern_queue queue;
static cavern_handle console;
static bool watching;
static bool interrupted;

static void watch(void)
{
    struct rpc_request request = {.operation = CONSOLE_WATCH, .version = RPC_VERSION};
    struct cavern_outgoing out = {.payload = &request, .size = sizeof request};
    watching = !cavern_request(console, TOKEN_WATCH, &out, &queue, cavern_blocks(sizeof(struct rpc_reply), 0), NULL);
}

enum cavern_status watch_open(cavern_handle sender)
{
    console = sender;
    return cavern_queue_create(BLOCKS, 0, &queue);
}

/* The console has answered the watch, or died with it. */
static void watch_ended(const struct cavern_message *message)
{
    const struct rpc_reply *reply = message->payload;
    watching = false;
    if (message->header.kind == CAVERN_KIND_ABANDONED)
        watch();
    else if (message->header.size >= sizeof *reply && reply->status == CAVERN_INTERRUPTED)
        interrupted = true;
}

/* The ending of a call. TIMEOUT, INTERRUPTED. */
static enum cavern_status next_ending(uint64_t deadline, struct cavern_message *message)
{
    while (!interrupted) {
        enum cavern_status status = cavern_queue_receive(&queue, deadline, message);
        if (status || message->header.label != TOKEN_WATCH)
            return status;
        watch_ended(message);
        cavern_queue_release(&queue, message);
    }
    return CAVERN_INTERRUPTED;
}

/* Endings that nobody waits for any more, and the watch's. */
static void drain(void)
{
    struct cavern_message message;
    while (next_ending(CAVERN_POLL, &message) == CAVERN_OK)
        cavern_queue_release(&queue, &message);
}

void watch_begin(void)
{
    interrupted = false;
    drain();
    interrupted = false;
    if (!watching)
        watch();
}

bool watch_interrupted(void)
{
    drain();
    return interrupted;
}

enum cavern_status watch_sleep(uint64_t deadline)
{
    struct cavern_message message;
    enum cavern_status status;
    while (!(status = next_ending(deadline, &message)))
        cavern_queue_release(&queue, &message);
    return status == CAVERN_TIMEOUT ? CAVERN_OK : status;
}

static enum cavern_status take_reply(const struct cavern_message *message, struct cavern_answer *answer)
{
    struct rpc_reply *reply = answer->buffer;
    answer->header = message->header;
    size_t size = message->header.size < answer->capacity ? message->header.size : answer->capacity;
    if (message->header.kind == CAVERN_KIND_ABANDONED)
        return CAVERN_ABANDONED;
    if (size < sizeof *reply)
        return CAVERN_CORRUPT;
    memset(answer->buffer, 0, answer->capacity);
    memcpy(answer->buffer, message->payload, size);
    return (enum cavern_status)reply->status;
}

enum cavern_status watch_exchange(cavern_handle sender, const struct cavern_outgoing *out, struct cavern_answer *answer)
{
    static uint64_t token = TOKEN_WATCH;
    struct cavern_message message;
    uint32_t id;
    enum cavern_status status = cavern_request(sender, ++token, out, &queue, cavern_blocks(answer->capacity, 0), &id);
    if (status)
        return status;
    for (;;) {
        status = next_ending(CAVERN_FOREVER, &message);
        if (status) {
            (void)!cavern_cancel(sender, id); /* too late: drained later */
            return status;
        }
        if (message.header.label == token) {
            status = take_reply(&message, answer);
            cavern_queue_release(&queue, &message);
            return status;
        }
        cavern_queue_release(&queue, &message);
    }
}

enum cavern_status watch_ask(cavern_handle sender, const void *request, size_t request_size, void *reply,
                             size_t reply_size)
{
    struct cavern_outgoing out = {.payload = request, .size = (uint32_t)request_size};
    struct cavern_answer answer = {.buffer = reply, .capacity = (uint32_t)reply_size};
    return watch_exchange(sender, &out, &answer);
}

enum cavern_status watch_call(cavern_handle sender, void *request, size_t request_size, void *reply, size_t reply_size,
                              size_t *received)
{
    struct cavern_outgoing out = {.payload = request, .size = (uint32_t)request_size};
    struct cavern_answer answer = {.buffer = reply, .capacity = (uint32_t)reply_size};
    enum cavern_status status;
    while ((status = watch_exchange(sender, &out, &answer)) == CAVERN_ABANDONED || status == CAVERN_QUEUE_FULL) {
        ((struct rpc_request *)request)->attempt++;
        status = watch_sleep(cavern_after(PAUSE));
        if (status)
            return status;
    }
    if (received)
        *received = answer.header.size;
    return status;
}
