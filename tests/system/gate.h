/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Peers whose faults somebody handles. A peer begins with a call to the case's `gate`, so that its faults have a
 * destination when it goes on, and says with another one that it is through. Faults that the case handles itself come
 * to the same queue.
 */
#pragma once

#include "test.h"

#include <cavern/fault.h>

enum { GATE_LABEL = 81 };

static struct cavern_queue gate;

/* The peer's side. */
static inline void gate_pass(void)
{
    uint64_t answer;
    CHECK_OK(test_call_word(test_handle("gate"), 0, CAVERN_FOREVER, &answer));
}

/* The case's side: its gate. */
static inline void gate_make(void)
{
    test_queue(&gate, 64, 8);
}

/* Somebody stands there: the request. */
static inline uint32_t gate_take(void)
{
    struct cavern_message message;
    test_receive(&gate, CAVERN_KIND_REQUEST, &message);
    uint32_t request = message.header.request;
    cavern_queue_release(&gate, &message);
    return request;
}

static inline void gate_open(void)
{
    CHECK_OK(test_reply_word(&gate, gate_take(), 0));
}

/* A peer that waits there. */
static inline void gate_start(const char *function, struct test_peer *peer)
{
    struct cavern_spawn_handle row = test_give("gate", test_sender(&gate, 0), RIGHTS_SENDER);
    test_peer(function, &row, 1, peer);
}

/* Goes on, with its faults told to `queue`. */
static inline void gate_let_in(struct test_peer *peer, cavern_handle queue)
{
    CHECK_OK(cavern_fault_notify(peer->process, queue, GATE_LABEL));
    gate_open();
}

/* The next message of `queue`. */
static inline struct cavern_fault_notice gate_fault(struct cavern_queue *queue)
{
    struct cavern_message message;
    test_receive(queue, CAVERN_KIND_FAULT, &message);
    CHECK_EQUAL(message.header.label, GATE_LABEL);
    CHECK_EQUAL(message.header.size, 40);
    struct cavern_fault_notice fault = cavern_fault_read(&message);
    cavern_queue_release(queue, &message);
    return fault;
}
