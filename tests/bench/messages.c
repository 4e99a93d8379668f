/* SPDX-License-Identifier: BSD-2-Clause */
/* Messages between two processes. */
#include <string.h>

#include <cavern/batch.h>
#include <cavern/send.h>

#include "bench.h"

#define BATCH 32
#define LARGE 800

/* Uses a vector register; those of a thread that never does are not kept for it. */
static void use_vectors(void)
{
    __asm__ volatile(".arch_extension fp\n\tfmov d0, #1.0");
}

/* --- request and reply of five words --- */

static void nothing(void)
{
}

/* The first request may have come before the server; from then on it waits when the next one comes. */
static inline __attribute__((always_inline)) void serve_with(void (*work)(void))
{
    struct cavern_queue queue;
    struct cavern_message first;
    struct cavern_received received;
    own_queue(&queue);
    must(cavern_queue_receive(&queue, CAVERN_FOREVER, &first), "receive");
    uint32_t request = first.header.request;
    memcpy(received.words, first.payload, sizeof(received.words));
    cavern_queue_release(&queue, &first);
    while (cavern_sys_reply_receive(queue.handle, request, CAVERN_FOREVER, CAVERN_INFO(40, 0, 0, 0, 0), received.words,
                                    &received) == CAVERN_OK) {
        request = (uint32_t)received.header[1];
        work();
    }
}

void serve(void)
{
    serve_with(nothing);
}

/* Has used them. */
void serve_with_vectors(void)
{
    use_vectors();
    serve_with(nothing);
}

/* Uses them for each request. */
void serve_using_vectors(void)
{
    serve_with(use_vectors);
}

void request_reply(void *context)
{
    static const uint64_t words[CAVERN_WORDS] = {1, 2, 3, 4, 5};
    const struct peer *server = context;
    struct cavern_received received;
    enum cavern_status status =
        cavern_sys_call(server->sender, 0, CAVERN_FOREVER, 0, 0, CAVERN_INFO(40, 0, 0, 0, 0), words, &received);
    if (status || received.words[4] != words[4])
        must(status ? status : CAVERN_CORRUPT, "call");
}

static void request_reply_using_vectors(void *context)
{
    use_vectors();
    request_reply(context);
}

/* The same by the functions that services call. */
static void request_reply_library(void *context)
{
    uint64_t words[CAVERN_WORDS] = {1, 2, 3, 4, 5};
    const struct peer *server = context;
    struct cavern_outgoing out = {.payload = words, .size = sizeof(words)};
    struct cavern_answer answer = {.buffer = words, .capacity = sizeof(words)};
    must(cavern_call(server->sender, &out, CAVERN_FOREVER, &answer), "call");
}

/* --- large ones --- */

static uint64_t large[CAVERN_PAYLOAD_MAX / sizeof(uint64_t)];

void serve_large(void)
{
    struct cavern_queue queue;
    struct cavern_message message;
    own_queue(&queue);
    must(cavern_queue_receive(&queue, CAVERN_FOREVER, &message), "receive");
    for (;;) {
        struct cavern_outgoing out = {.payload = large, .size = message.header.size};
        uint32_t request = message.header.request;
        large[0] = *(const uint64_t *)message.payload;
        cavern_queue_release(&queue, &message);
        must(cavern_reply_receive(&queue, request, &out, CAVERN_FOREVER, &message), "reply");
    }
}

static void request_reply_of(const struct peer *server, uint32_t size)
{
    static uint64_t reply[CAVERN_PAYLOAD_MAX / sizeof(uint64_t)];
    struct cavern_outgoing out = {.payload = large, .size = size};
    struct cavern_answer answer = {.buffer = reply, .capacity = size};
    large[0]++;
    enum cavern_status status = cavern_call(server->sender, &out, CAVERN_FOREVER, &answer);
    if (status || answer.header.size != size || reply[0] != large[0])
        must(status ? status : CAVERN_CORRUPT, "large call");
}

static void request_reply_800(void *context)
{
    request_reply_of(context, LARGE);
}

static void request_reply_16k(void *context)
{
    request_reply_of(context, CAVERN_PAYLOAD_MAX);
}

/* --- one way --- */

/* The first of a batch finds it waiting, the others go to the ring. */
void drain(void)
{
    struct cavern_queue queue;
    struct cavern_message message;
    own_queue(&queue);
    stay_on_one_cpu(true);
    for (uint64_t expected = 0;; expected++) {
        must(cavern_queue_receive(&queue, CAVERN_FOREVER, &message), "receive");
        if (*(const uint64_t *)message.payload != expected)
            must(CAVERN_CORRUPT, "order");
        cavern_queue_release(&queue, &message);
    }
}

static uint64_t next_message; /* number, in its first word */

static void let_it_drain(void)
{
    must(cavern_sys_thread_control(CAVERN_SELF_THREAD, 0, CAVERN_THREAD_YIELD, 0, 0), "yield");
}

static void send_batch(void *context)
{
    static struct cavern_operation operations[BATCH];
    const struct peer *peer = context;
    size_t done = 0;
    for (unsigned i = 0; i < BATCH; i++)
        operations[i] = (struct cavern_operation){
            {peer->sender, CAVERN_INFO(40, CAVERN_CALL_SEND, 0, 0, 0), 0, next_message++, 2, 3, 4, 5}};
    must(cavern_submit(operations, BATCH, &done), "batch of messages");
    let_it_drain();
}

static void send_one_by_one(void *context)
{
    const struct peer *peer = context;
    for (unsigned i = 0; i < BATCH; i++) {
        const uint64_t words[CAVERN_WORDS] = {next_message++, 2, 3, 4, 5};
        must(cavern_sys_send(peer->sender, CAVERN_INFO(40, 0, 0, 0, 0), words), "message");
    }
    let_it_drain();
}

/* --- nothing --- */

static void no_operation(void *context)
{
    (void)context;
    must(cavern_sys_nop(), "nop");
}

static void nop_batch(void *context)
{
    static struct cavern_operation operations[BATCH];
    size_t done = 0;
    (void)context;
    for (unsigned i = 0; i < BATCH; i++)
        operations[i].x[1] = CAVERN_OPERATION(NOP);
    must(cavern_submit(operations, BATCH, &done), "batch of nops");
}

void measure_messages(void)
{
    struct peer server, vectors_server, using_server, large_server, drainer;
    measure("nop", OFTEN, 1, no_operation, NULL);
    measure("nop_batch", OFTEN, BATCH, nop_batch, NULL);
    peer_start("server", PRIORITY, NULL, 0, &server);
    measure("request_reply", OFTEN, 1, request_reply, &server);
    measure("request_reply_library", OFTEN, 1, request_reply_library, &server);
    peer_start("large server", PRIORITY, NULL, 0, &large_server);
    measure("request_reply_800", OFTEN, 1, request_reply_800, &large_server);
    measure("request_reply_16k", OFTEN, 1, request_reply_16k, &large_server);
    peer_start("drainer", PRIORITY, NULL, 0, &drainer);
    stay_on_one_cpu(true);
    measure("send_batch", OFTEN, BATCH, send_batch, &drainer);
    measure("send_one_by_one", OFTEN, BATCH, send_one_by_one, &drainer);
    stay_on_one_cpu(false);
    peer_start("vectors server", PRIORITY, NULL, 0, &vectors_server);
    use_vectors();
    measure("request_reply_vectors", OFTEN, 1, request_reply, &vectors_server);
    peer_start("using server", PRIORITY, NULL, 0, &using_server);
    measure("request_reply_using_vectors", OFTEN, 1, request_reply_using_vectors, &using_server);
}
