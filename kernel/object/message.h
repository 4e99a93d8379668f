/* SPDX-License-Identifier: BSD-2-Clause */
/* Where messages and sleeping threads meet: delivery in registers, and how a sleep ends. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <cavern/message.h>
#include <cavern/status.h>

struct process;
struct queue;
struct thread;

/* Registers as a call returns them: x0 status, x1-x3 header, x4-x8 words; words beyond header->size are 0. */
void message_to_registers(struct thread *thread, enum cavern_status status, const struct cavern_header *header,
                          const uint64_t words[CAVERN_WORDS]);
/* The same for the thread that sleeps on `queue`, which wakes. `straight`: it runs next, as the current thread is about
 * to wait. */
void message_to_receiver(struct queue *queue, const struct cavern_header *header, const uint64_t words[CAVERN_WORDS],
                         bool straight);
/* The same for a thread that sleeps in `call`. */
void message_to_caller(struct thread *thread, const struct cavern_header *header, const uint64_t words[CAVERN_WORDS],
                       bool straight);
/* The thread that sleeps on `queue` is to look into its ring. */
void message_wake_receiver(struct queue *queue, bool straight);
/* A sleep ends with nothing but a status. */
void message_wake(struct thread *thread, enum cavern_status status);

/* The memory for the answer to its call is wanted no more. */
void message_end_answer(struct thread *thread);

/* The deadline of a sleeping thread has passed. */
void message_timeout(struct thread *thread);
/* The thread ends or is taken out of its sleep. */
void message_thread_gone(struct thread *thread);
/* One bounded step for a dying process: grants on their way; true when done. Its queues are unbound one by one. */
bool message_process_gone_step(struct process *process);
