/* SPDX-License-Identifier: BSD-2-Clause */
#include "object/message.h"

#include <string.h>

#include "object/attachment.h"
#include "object/buffer.h"
#include "object/process.h"
#include "object/queue.h"
#include "object/request.h"
#include "object/scheduler.h"
#include "object/thread.h"

void message_to_registers(struct thread *thread, enum cavern_status status, const struct cavern_header *header,
                          const uint64_t words[CAVERN_WORDS])
{
    uint64_t *x = thread->context.x;
    uint64_t raw[3];
    memcpy(raw, header, sizeof raw);
    x[0] = status;
    x[1] = raw[0];
    x[2] = raw[1];
    x[3] = raw[2];
    for (unsigned i = 0; i < CAVERN_WORDS; i++)
        x[4 + i] = words[i];
}

void message_end_answer(struct thread *thread)
{
    holding_put(thread->wait.answer, true); /* taken when the call was made */
    thread->wait.answer = NULL;
    thread->wait.answer_bytes = 0;
}

/* Out of the sleep, whatever it was. */
static void end_wait(struct thread *thread)
{
    if (thread->state == CAVERN_THREAD_RECEIVING)
        thread->wait.queue->receiver = NULL;
    if (thread->wait.answer)
        message_end_answer(thread);
    thread->wait.queue = NULL;
}

static void wake(struct thread *thread, bool straight)
{
    if (straight)
        scheduler_hand_over(thread);
    else
        scheduler_wake(thread);
}

void message_to_caller(struct thread *thread, const struct cavern_header *header, const uint64_t words[CAVERN_WORDS],
                       bool straight)
{
    end_wait(thread);
    message_to_registers(thread, CAVERN_OK, header, words);
    wake(thread, straight);
}

void message_to_receiver(struct queue *queue, const struct cavern_header *header, const uint64_t words[CAVERN_WORDS],
                         bool straight)
{
    message_to_caller(queue->receiver, header, words, straight);
}

static void end_with(struct thread *thread, enum cavern_status status, bool straight)
{
    end_wait(thread);
    uint64_t *x = thread->context.x;
    x[0] = status;
    for (unsigned i = 1; i <= 3 + CAVERN_WORDS; i++)
        x[i] = 0;
    wake(thread, straight);
}

void message_wake_receiver(struct queue *queue, bool straight)
{
    end_with(queue->receiver, CAVERN_IN_RING, straight);
}

void message_wake(struct thread *thread, enum cavern_status status)
{
    end_with(thread, status, false);
}

/* A sleeping caller wants no ending any more. */
static void cancel_call(struct thread *thread)
{
    struct pending *pending = request_lookup(thread->wait.queue, thread->wait.request);
    if (pending)
        request_cancel(pending);
}

void message_timeout(struct thread *thread)
{
    if (thread->state == CAVERN_THREAD_CALLING)
        cancel_call(thread);
    message_wake(thread, CAVERN_TIMEOUT);
}

void message_thread_gone(struct thread *thread)
{
    if (thread->state == CAVERN_THREAD_CALLING)
        cancel_call(thread);
    if (thread->state == CAVERN_THREAD_CALLING || thread->state == CAVERN_THREAD_RECEIVING)
        end_wait(thread);
}

bool message_process_gone_step(struct process *process)
{
    return grants_drop_step(process);
}
