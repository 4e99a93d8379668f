/* SPDX-License-Identifier: BSD-2-Clause */
/* The way of a message into a queue, in the two halves that every call has: what can fail, and what can't. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <cavern/message.h>
#include <cavern/status.h>

#include "syscall/dispatch.h"
#include "syscall/payload.h"

struct queue;
struct sender;
struct thread;

#define RETIRE_FIRST 4 /* messages that each entry on a queue retires in any case */

/* A sender with `right`; GONE when its queue is. */
enum cavern_status find_sender(struct thread *caller, uint64_t handle, uint16_t right,
                               struct sender **sender) CAVERN_MUST_CHECK;

struct cavern_header delivery_header(const struct thread *caller, const struct payload *payload, uint8_t kind,
                                     uint32_t request, uint64_t label);

/*
 * Room, attachments and the copy: everything that can fail. In registers nothing of it is needed. QUEUE_FULL,
 * TOO_LARGE, SYS_RESTART, what is wrong with the payload.
 */
sys_outcome delivery_prepare(struct thread *caller, struct sender *sender, const struct payload *payload,
                             uint32_t requests, struct attachments *attachments) CAVERN_MUST_CHECK;

/* What has been prepared becomes known; returns the message's position. `straight`: the caller is about to wait. */
uint64_t delivery_commit(struct sender *sender, const struct cavern_header *header, const struct payload *payload,
                         struct grants *grants, bool straight);

/* Retires all, then: a message waits (IN_RING), a notice comes in registers (SYS_DONE), or the caller sleeps. */
sys_outcome message_receive(struct thread *caller, struct queue *queue, uint64_t deadline) CAVERN_MUST_CHECK;
