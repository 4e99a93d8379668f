/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One way for all that carries a message: `transmit` gets it into registers, or has it read where it lies, or puts its
 * body together on the stack; `enter` makes the call. Inlined where the call is known, so that no more is left of them
 * than that call needs.
 */
#include <cavern/send.h>

#include <string.h>

#include <cavern/stubs.h>

#include "internal.h"

#define REGISTER_BYTES (CAVERN_WORDS * 8)

/* The call to make, and its arguments besides the message. */
struct operation {
    enum cavern_call call;
    uint64_t handle;
    uint64_t id; /* of the request, or the token */
    uint64_t deadline;
    uint64_t more[2]; /* call: answer, places; request: reply queue, blocks */
    union {
        struct cavern_received *received; /* of call and reply_receive */
        uint64_t *result;                 /* of request */
    };
};

#define INLINE static inline __attribute__((always_inline))

INLINE enum cavern_status enter(const struct operation *op, uint64_t info, const uint64_t words[CAVERN_WORDS])
{
    switch (op->call) {
    case CAVERN_CALL_SEND:
        return cavern_sys_send(op->handle, info, words);
    case CAVERN_CALL_REQUEST:
        return cavern_sys_request(op->handle, op->id, op->more[0], op->more[1], info, words, op->result);
    case CAVERN_CALL_REPLY:
        return cavern_sys_reply(op->handle, op->id, info, words);
    case CAVERN_CALL_REPLY_RECEIVE:
        return cavern_sys_reply_receive(op->handle, op->id, op->deadline, info, words, op->received);
    case CAVERN_CALL_CALL:
        return cavern_sys_call(op->handle, op->id, op->deadline, op->more[0], op->more[1], info, words, op->received);
    default:
        return CAVERN_BAD_OPERATION;
    }
}

static void *append(void *at, const void *bytes, size_t size)
{
    if (size)
        memcpy(at, bytes, size);
    return (uint8_t *)at + size;
}

/* The kernel reads one body: payload padded to 8, leases, grants. */
__attribute__((noinline)) static enum cavern_status enter_with_body(struct operation op,
                                                                    const struct cavern_outgoing *out)
{
    if (out->lease_count > CAVERN_ATTACHMENTS_MAX || out->grant_count > CAVERN_ATTACHMENTS_MAX)
        return CAVERN_BAD_ARGUMENT;
    uint64_t info = CAVERN_INFO(out->size, 0, out->lease_count, out->grant_count, out->trace);
    uint64_t body[(out->size + 7u) / 8 + 2u * (out->lease_count + out->grant_count)];
    uint8_t *at = append(body, out->payload, out->size);
    at = append(at, (const uint64_t[1]){0}, -out->size & 7u);
    at = append(at, out->leases, out->lease_count * sizeof(*out->leases));
    append(at, out->grants, out->grant_count * sizeof(*out->grants));
    return enter(&op, info, (const uint64_t[CAVERN_WORDS]){(uintptr_t)body});
}

INLINE enum cavern_status transmit(const struct operation *op, const struct cavern_outgoing *out)
{
    if (out->size > CAVERN_PAYLOAD_MAX)
        return CAVERN_TOO_LARGE;
    if (out->lease_count || out->grant_count)
        return enter_with_body(*op, out);
    uint64_t info = CAVERN_INFO(out->size, 0, 0, 0, out->trace);
    if (out->size <= REGISTER_BYTES) {
        uint64_t words[CAVERN_WORDS] = {0};
        append(words, out->payload, out->size);
        return enter(op, info, words);
    }
    if ((uintptr_t)out->payload % 8)
        return enter_with_body(*op, out);
    return enter(op, info, (const uint64_t[CAVERN_WORDS]){(uintptr_t)out->payload});
}

enum cavern_status cavern_send(cavern_handle sender, const struct cavern_outgoing *out)
{
    struct operation op = {.call = CAVERN_CALL_SEND, .handle = sender};
    return transmit(&op, out);
}

enum cavern_status cavern_request(cavern_handle sender, uint64_t token, const struct cavern_outgoing *out,
                                  const struct cavern_queue *queue, unsigned blocks, uint32_t *id)
{
    uint64_t result;
    struct operation op = {
        .call = CAVERN_CALL_REQUEST, .handle = sender, .id = token, .more = {queue->handle, blocks}, .result = &result};
    enum cavern_status status = transmit(&op, out);
    if (status == CAVERN_OK && id)
        *id = (uint32_t)result;
    return status;
}

enum cavern_status cavern_cancel(cavern_handle sender, uint32_t id)
{
    return cavern_sys_cancel(sender, id);
}

enum cavern_status cavern_reply(const struct cavern_queue *queue, uint32_t request, const struct cavern_outgoing *out)
{
    struct operation op = {.call = CAVERN_CALL_REPLY, .handle = queue->handle, .id = request};
    return transmit(&op, out);
}

enum cavern_status cavern_reply_receive(struct cavern_queue *queue, uint32_t request, const struct cavern_outgoing *out,
                                        uint64_t deadline, struct cavern_message *message)
{
    struct cavern_received received;
    struct operation op = {.call = CAVERN_CALL_REPLY_RECEIVE,
                           .handle = queue->handle,
                           .id = request,
                           .deadline = deadline,
                           .received = &received};
    enum cavern_status status = transmit(&op, out);
    if (status == CAVERN_OK)
        cavern_message_from_registers(&received, message);
    return status == CAVERN_IN_RING ? cavern_queue_receive(queue, deadline, message) : status;
}

void cavern_drop(const struct cavern_queue *queue, uint32_t request)
{
    (void)!cavern_sys_drop(queue->handle, request);
}

/* An index that no request can have is told from a request that there is not: [MSG-LEASE-5], [MSG-LEASE-6]. */
bool cavern_request_waits(const struct cavern_queue *queue, uint32_t request)
{
    return cavern_sys_lease_copy(queue->handle, request, CAVERN_ATTACHMENTS_MAX, 0, 0, 0) != CAVERN_CANCELLED;
}

enum cavern_status cavern_space(cavern_handle sender, uint64_t label, unsigned blocks, unsigned requests,
                                const struct cavern_queue *queue)
{
    return cavern_sys_space(sender, label, blocks | (uint64_t)requests << 32, queue->handle);
}

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Calls with `memory` of `bytes` for the answer. */
INLINE enum cavern_status call_into(cavern_handle sender, uint64_t deadline, const struct cavern_outgoing *out,
                                    void *memory, uint64_t bytes, struct cavern_answer *answer)
{
    struct cavern_received received;
    struct operation op = {.call = CAVERN_CALL_CALL,
                           .handle = sender,
                           .deadline = deadline,
                           .more = {bytes ? (uintptr_t)memory : 0, bytes | (uint64_t)answer->places << 32},
                           .received = &received};
    enum cavern_status status = transmit(&op, out);
    if (status)
        return status;
    memcpy(&answer->header, received.header, sizeof(answer->header));
    answer->places = answer->header.attached >> 4;
    size_t kept = smaller(answer->header.size, answer->capacity);
    if (answer->header.size <= REGISTER_BYTES && !answer->places) {
        append(answer->buffer, received.words, kept);
    } else if (memory) {
        if (memory != answer->buffer)
            append(answer->buffer, memory, kept);
        append(answer->grants, (const uint8_t *)memory + ((answer->header.size + 7u) & ~7u),
               answer->places * sizeof(*answer->grants));
    }
    return CAVERN_OK;
}

/* The answer goes to the stack first: its grants come behind it, or the caller's buffer is not aligned. */
__attribute__((noinline)) static enum cavern_status
call_by_stack(cavern_handle sender, uint64_t deadline, const struct cavern_outgoing *out, struct cavern_answer *answer)
{
    uint64_t memory[1 + (answer->capacity + 7u) / 8 + 2u * answer->places];
    return call_into(sender, deadline, out, memory, sizeof(memory), answer);
}

enum cavern_status cavern_call(cavern_handle sender, const struct cavern_outgoing *out, uint64_t deadline,
                               struct cavern_answer *answer)
{
    if (answer->capacity > CAVERN_PAYLOAD_MAX || answer->places > CAVERN_ATTACHMENTS_MAX)
        return CAVERN_BAD_ARGUMENT;
    bool small = !answer->places && answer->capacity <= REGISTER_BYTES; /* it comes in registers */
    if (!small && (answer->places || (uintptr_t)answer->buffer % 8 || answer->capacity % 8))
        return call_by_stack(sender, deadline, out, answer);
    return call_into(sender, deadline, out, answer->buffer, small ? 0 : answer->capacity, answer);
}
