/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The service loop: one queue, one thread, a function for each kind of event.
 *
 *   static void on_request(struct cavern_service *service, const struct cavern_message *message) { … }
 *
 *   int main(void)
 *   {
 *       static struct cavern_service service = {.on_request = on_request};
 *       if (cavern_service_open(&service) || cavern_service_publish(&service, "/service/name", 0))
 *           return 1;
 *       return cavern_service_run(&service);
 *   }
 *
 * A message may be read until the function returns; a request may be answered later, by its id. The loop itself answers
 * RPC_PING, and requests that are too short for a struct rpc_request. A function that is not set: requests are answered
 * UNSUPPORTED, all else is ignored.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cavern/protocol/rpc.h>
#include <cavern/queue.h>
#include <cavern/send.h>
#include <cavern/timer.h>

struct cavern_service {
    struct cavern_queue queue;
    void *context; /* the service's own */

    /* payload: at least a struct rpc_request. header.request: its id; header.label: which sender. */
    void (*on_request)(struct cavern_service *service, const struct cavern_message *message);
    void (*on_message)(struct cavern_service *service, const struct cavern_message *message);
    /* A reply, or abandoned; header.label: the token. */
    void (*on_ending)(struct cavern_service *service, const struct cavern_message *message);
    /* Exit, interrupt, signal, space, closed; header.label: that of the subscription. */
    void (*on_notice)(struct cavern_service *service, const struct cavern_message *message);
    void (*on_timer)(struct cavern_service *service, uint64_t id);

    struct cavern_timers timers;
    bool stopped;
    int code;
};

/* Takes the queue from the start-up record, or makes one where there is none. */
enum cavern_status cavern_service_open(struct cavern_service *service) CAVERN_MUST_CHECK;

/* Registers a sender to the service's queue with this label; the registry mints one for each client from it. */
enum cavern_status cavern_service_publish(struct cavern_service *service, const char *name,
                                          uint64_t label) CAVERN_MUST_CHECK;

/* The buffer "state" of the start-up record, of at least `size` bytes: it outlives this process, as its handles do, and
 * is zeroed for the first. NOT_FOUND. */
enum cavern_status cavern_service_state(size_t size, void **memory) CAVERN_MUST_CHECK;

/* Until cavern_service_stop; returns the code given there. */
int cavern_service_run(struct cavern_service *service);
/* Handles the events that are there, waiting for the first until `deadline`. For programs with a loop of their own. */
void cavern_service_step(struct cavern_service *service, uint64_t deadline);
void cavern_service_stop(struct cavern_service *service, int code);

/* on_timer comes with `id` at `deadline`, once; a second call moves it. */
void cavern_timer_set(struct cavern_service *service, uint64_t id, uint64_t deadline);
void cavern_timer_cancel(struct cavern_service *service, uint64_t id);

/*
 * Answers. Whatever goes wrong, the request has had its one ending afterwards: a reply that is too large becomes a
 * status TOO_LARGE, one for which nobody waits is forgotten. cavern_reply_bytes: whether it has come to who asked.
 */
void cavern_reply_status(struct cavern_service *service, uint32_t request, enum cavern_status status, uint32_t value);
bool cavern_reply_bytes(struct cavern_service *service, uint32_t request, const void *reply, size_t size);
/* A struct rpc_reply {OK, value} with one grant. */
void cavern_reply_grant(struct cavern_service *service, uint32_t request, uint32_t value, cavern_handle handle,
                        uint64_t rights);
/* The same with a sender of the client's own, minted from `source` with `closed` and these limits. If that fails, the
 * status is the answer, and the result. */
enum cavern_status cavern_reply_sender(struct cavern_service *service, uint32_t request, cavern_handle source,
                                       uint64_t label, unsigned messages, unsigned requests);

/* The payload as a `type`; NULL where it is shorter. */
#define CAVERN_PAYLOAD(message, type)                                                                                  \
    ((message)->header.size >= sizeof(type) ? (const type *)(message)->payload : (const type *)NULL)
