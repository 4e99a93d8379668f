/* SPDX-License-Identifier: BSD-2-Clause */
#include "syscall/fast.h"

#include <string.h>

#include <cavern/message.h>
#include <cavern/syscalls.h>

#include "object/buffer.h"
#include "object/hand_over.h"
#include "object/message.h"
#include "object/process.h"
#include "object/queue.h"
#include "object/request.h"
#include "object/scheduler.h"
#include "object/sender.h"
#include "object/signal.h"
#include "object/thread.h"
#include "syscall/payload.h"

#define INLINE static inline __attribute__((always_inline))

/* x1 of a message of whole words in registers, nothing attached. */
static bool is_small(uint64_t info)
{
    uint32_t low = (uint32_t)info & 0xff00ffff;
    return low <= CAVERN_WORDS * sizeof(uint64_t) && !(low & 7);
}

/* x1 and x3 of a message in memory, nothing attached. */
static bool is_in_memory(const uint64_t *x)
{
    uint32_t low = (uint32_t)x[1] & 0xff00ffff;
    return low > CAVERN_WORDS * sizeof(uint64_t) && low <= CAVERN_PAYLOAD_MAX && !(x[3] & 7);
}

/* The header of such a message, as it stands in x1-x3 and in a ring. */
INLINE void make_header(uint64_t header[3], const struct thread *from, uint64_t info, enum cavern_kind kind,
                        uint32_t request, uint64_t label)
{
    header[0] = (info & 0xffff) | (uint64_t)kind << 16 | (uint64_t)from->process->id << 32;
    header[1] = request | (info >> 32 << 32);
    header[2] = label;
}

/* Those that it has, and 0. */
INLINE void copy_words(uint64_t to[CAVERN_WORDS], const uint64_t from[CAVERN_WORDS], uint64_t size)
{
    if (__builtin_expect(size == CAVERN_WORDS * sizeof(uint64_t), 1)) {
        uint64_t a = from[0], b = from[1], c = from[2], d = from[3], e = from[4]; /* they lie apart */
        to[0] = a;
        to[1] = b;
        to[2] = c;
        to[3] = d;
        to[4] = e;
    } else {
        for (unsigned i = 0; i < CAVERN_WORDS; i++)
            to[i] = i * sizeof(uint64_t) < size ? from[i] : 0;
    }
}

/* x0-x8 of `to`: OK, the header, and of `from`'s message what comes in registers. */
INLINE void pass(struct thread *to, const struct thread *from, enum cavern_kind kind, uint32_t request, uint64_t label,
                 bool small)
{
    uint64_t info = from->context.x[1];
    to->context.x[0] = CAVERN_OK;
    make_header(&to->context.x[1], from, info, kind, request, label);
    if (small)
        copy_words(&to->context.x[4], &from->context.x[3], info & 0xffff);
    else
        memset(&to->context.x[4], 0, CAVERN_WORDS * sizeof(uint64_t));
}

/* The same of a thread that is to look into its ring. */
INLINE void point_to_ring(struct thread *to)
{
    to->context.x[0] = CAVERN_IN_RING;
    memset(&to->context.x[1], 0, (3 + CAVERN_WORDS) * sizeof(uint64_t));
}

/* The sender's message, which stands at the tail of the ring. */
INLINE void publish(struct queue *queue, struct sender *sender, uint32_t blocks)
{
    queue_make_known(queue, ring_push(&queue->ring, blocks), blocks)->sender = sender;
    sender->object.references++; /* until the message is freed */
    sender->messages++;
}

/* The last message of a ring in which all is freed goes, if nobody else hears of it. */
INLINE bool retire_last(struct queue *queue)
{
    struct ring *ring = &queue->ring;
    uint64_t tail = ring->tail;
    if (ring->used_from == tail)
        return true;
    struct queue_entry *entry = queue_entry(queue, ring->used_from);
    struct sender *sender = entry->sender;
    bool plain = sender && !entry->notice && !entry->grants;
    if (!plain || sender->object.references <= 2 || ring->used_from + entry->blocks != tail ||
        !ring_accept_control(ring, tail, tail))
        return false;
    ring_retire(ring, tail);
    *entry = (struct queue_entry){0};
    sender->object.references--; /* the entry's */
    sender->messages--;
    return true;
}

/* What the handle of this type, with this right, names; NULL: there is no such. */
INLINE void *look_up(const struct thread *caller, uint64_t handle, uint8_t type, uint16_t right)
{
    enum handle_check why;
    struct handle_entry *entry = handle_lookup_entry(&caller->process->handles, handle, type, right, &why);
    if (!entry)
        return NULL;
    void *object = handle_entry_object(entry);
    __builtin_assume(object != NULL);
    return object;
}

static struct queue *own_queue(struct thread *caller, uint64_t handle)
{
    struct queue *queue = look_up(caller, handle, CAVERN_TYPE_QUEUE, CAVERN_RIGHT_RECEIVE);
    return queue && queue->process == caller->process ? queue : NULL;
}

/* Another short cut may be at work on the queue; then the general path waits for its end. */
INLINE bool claim(struct queue *queue, bool shared)
{
    return !shared || !__atomic_exchange_n(&queue->claimed, true, __ATOMIC_ACQUIRE);
}

INLINE bool unclaim(struct queue *queue, bool shared, bool served)
{
    if (shared)
        __atomic_store_n(&queue->claimed, false, __ATOMIC_RELEASE);
    return served;
}

/* Of a call: where its answer goes, and its message behind the tail of the ring. Places for grants are unusual. */
INLINE bool prepare_call(struct thread *caller, const struct sender *sender, uint32_t blocks, struct holding **answer,
                         uint64_t *offset)
{
    const uint64_t *x = caller->context.x;
    struct queue *queue = sender->queue;
    *answer = NULL;
    if (x[11] && (x[11] >> 32 || x[10] & 7 ||
                  space_resolve(&caller->process->space, x[10], x[11], CAVERN_PROT_WRITE, answer, offset)))
        return false;
    return !blocks ||
           (sender->messages < sender->message_limit && queue_is_unchanged(queue) && ring_room(&queue->ring, blocks) &&
            !payload_move(caller, x[3], x[1] & 0xffff, &(struct sink){.queue = queue}));
}

/* `plain`: in registers, both ways. A constant, like `shared`. */
INLINE bool call_to(struct thread *caller, struct sender *sender, struct queue *queue, bool shared, bool plain)
{
    const uint64_t *x = caller->context.x;
    struct cpu *cpu = arch_cpu();
    struct thread *server = queue->receiver;
    uint32_t blocks = plain || is_small(x[1]) ? 0 : ring_blocks(x[1] & 0xffff, 0, 0); /* in the ring */
    if (sender->requests >= sender->request_limit || !server || !request_table_free(&queue->requests) ||
        !hand_over_possible(cpu, server, shared))
        return false;
    struct holding *answer;
    uint64_t offset;
    if (!plain && !prepare_call(caller, sender, blocks, &answer, &offset))
        return false;

    struct pending *pending = request_open(queue);
    sender->object.references++; /* until the request ends */
    sender->requests++;
    pending->sender = sender;
    pending->caller = caller;
    pending->token = x[2];
    pending->position = blocks ? queue->ring.tail : PENDING_IN_REGISTERS;
    pending->client = caller->process->id;
    pending->trace = (uint32_t)(x[1] >> 32);
    if (!plain && answer) {
        holding_get(answer, true); /* until the sleep ends */
        caller->wait.answer = answer;
        caller->wait.answer_offset = offset;
        caller->wait.answer_bytes = x[11];
        caller->wait.places = 0;
    }
    caller->wait.queue = queue;
    caller->wait.request = pending->id;
    queue->receiver = NULL;
    if (blocks) {
        make_header(queue_block(queue, queue->ring.tail), caller, x[1], CAVERN_KIND_REQUEST, pending->id,
                    sender->label);
        publish(queue, sender, blocks);
        point_to_ring(server);
    } else {
        pass(server, caller, CAVERN_KIND_REQUEST, pending->id, sender->label, true);
    }
    hand_over(cpu, caller, CAVERN_THREAD_CALLING, x[9], server, shared);
    return true;
}

INLINE bool call_by(struct thread *caller, bool shared, bool plain)
{
    struct sender *sender = look_up(caller, caller->context.x[0], CAVERN_TYPE_SENDER, CAVERN_RIGHT_REQUEST);
    if (!sender || !sender->queue || !claim(sender->queue, shared))
        return false;
    struct queue *queue = sender->queue;
    return unclaim(queue, shared, call_to(caller, sender, queue, shared, plain));
}

INLINE bool fast_call(struct thread *caller, bool shared, bool plain)
{
    const uint64_t *x = caller->context.x;
    bool is_plain = is_small(x[1]) && !x[11];
    return plain == is_plain && (plain || is_small(x[1]) || is_in_memory(x)) && call_by(caller, shared, plain);
}

/* Of a reply: what the ring has is retired, as in any case, and the message goes to where its caller wants it. */
INLINE bool prepare_reply(struct thread *caller, struct queue *queue, const struct wait *wait, bool small)
{
    const uint64_t *x = caller->context.x;
    const struct holding *answer = wait->answer;
    uint64_t size = x[1] & 0xffff;
    if ((answer && answer->object.references == 1) || !retire_last(queue))
        return false;
    return small ||
           (answer && align_up(size, 8) <= wait->answer_bytes &&
            !payload_move(caller, x[3], size, &(struct sink){.buffer = answer->buffer, .offset = wait->answer_offset}));
}

/* `plain` as above, and with nothing to retire. */
INLINE bool reply_on(struct thread *caller, struct queue *queue, bool shared, bool plain)
{
    const uint64_t *x = caller->context.x;
    struct cpu *cpu = arch_cpu();
    bool small = plain || is_small(x[1]);
    if (queue->receiver || !(plain ? queue_is_quiet(queue) : queue_is_freed(queue)))
        return false;
    struct pending *pending = request_lookup(queue, (uint32_t)x[2]);
    if (!pending || !pending->caller || x[9] != CAVERN_FOREVER)
        return false;
    struct thread *client = pending->caller;
    if ((plain && client->wait.answer) || pending->leases || !hand_over_possible(cpu, client, shared) ||
        (shared && !request_closes_alone(pending)))
        return false;
    if (!plain && !prepare_reply(caller, queue, &client->wait, small))
        return false;

    uint64_t token = pending->token;
    request_free(pending);
    if (!plain && client->wait.answer)
        message_end_answer(client);
    pass(client, caller, CAVERN_KIND_REPLY, 0, token, small);
    caller->wait.queue = queue;
    queue->receiver = caller;
    hand_over(cpu, caller, CAVERN_THREAD_RECEIVING, CAVERN_FOREVER, client, shared);
    return true;
}

INLINE bool fast_reply_receive(struct thread *caller, bool shared, bool plain)
{
    const uint64_t *x = caller->context.x;
    if ((!is_small(x[1]) && (plain || !is_in_memory(x))) || x[2] >> 32)
        return false;
    struct queue *queue = own_queue(caller, x[0]);
    if (!queue || !claim(queue, shared))
        return false;
    return unclaim(queue, shared, reply_on(caller, queue, shared, plain));
}

INLINE bool fast_receive(struct thread *caller)
{
    const uint64_t *x = caller->context.x;
    struct cpu *cpu = arch_cpu();
    struct queue *queue = own_queue(caller, x[0]);
    if (!queue || queue->receiver || !queue_is_quiet(queue) || x[9] != CAVERN_FOREVER || !next_possible(cpu))
        return false;
    caller->wait.queue = queue;
    queue->receiver = caller;
    wait_for_next(cpu, caller, CAVERN_THREAD_RECEIVING);
    return true;
}

INLINE bool send(struct thread *caller, uint64_t *x)
{
    uint64_t info = x[1];
    if (!is_small(info))
        return false;
    struct sender *sender = look_up(caller, x[0], CAVERN_TYPE_SENDER, CAVERN_RIGHT_SEND);
    if (!sender || sender_is_gone(sender))
        return false;
    struct queue *queue = sender->queue;
    if (queue->receiver || !queue_is_unchanged(queue) || sender->messages >= sender->message_limit ||
        !ring_room(&queue->ring, 1))
        return false;

    uint64_t *block = queue_block(queue, queue->ring.tail);
    make_header(block, caller, info, CAVERN_KIND_MESSAGE, 0, sender->label);
    copy_words(block + 3, &x[3], info & 0xffff);
    publish(queue, sender, 1);
    x[0] = CAVERN_OK;
    return true;
}

bool fast_send(struct thread *caller, uint64_t *x)
{
    return send(caller, x);
}

/* x0-x8 of `to`, who waits for such notices; as message_to_registers. */
INLINE void tell(struct notice *notice, enum cavern_kind kind, unsigned words, struct thread *to)
{
    uint64_t *x = to->context.x;
    uint64_t size = words * sizeof(uint64_t);
    x[0] = CAVERN_OK;
    x[1] = size | (uint64_t)kind << 16;
    x[2] = 0;
    x[3] = notice->label;
    copy_words(&x[4], notice->words, size);
    notice->queue->receiver = NULL;
    notice_sent(notice, NOTICE_TAKEN);
}

INLINE bool fast_raise(struct thread *caller)
{
    uint64_t *x = caller->context.x;
    struct cpu *cpu = arch_cpu();
    struct signal *signal = look_up(caller, x[0], CAVERN_TYPE_SIGNAL, CAVERN_RIGHT_RAISE);
    struct queue *queue = signal ? signal->notice.queue : NULL;
    struct thread *listener = queue ? queue->receiver : NULL;
    if (!listener || signal->notice.state != NOTICE_IDLE || !preempt_possible(cpu, caller, listener))
        return false;
    x[0] = CAVERN_OK;
    signal->notice.words[0] = signal->notice.count + 1;
    tell(&signal->notice, CAVERN_KIND_SIGNAL, 1, listener);
    preempt(cpu, caller, listener);
    return true;
}

__attribute__((always_inline)) bool fast_fault(struct thread *thread, enum cavern_fault kind, uint64_t address,
                                               uint64_t syndrome)
{
    struct cpu *cpu = arch_cpu();
    const struct notice *destination = thread_fault_destination(thread);
    struct thread *handler = destination ? destination->queue->receiver : NULL;
    if (!handler || !succeed_possible(cpu, handler))
        return false;
    thread->state = CAVERN_THREAD_FAULTED;
    thread_fault_describe(thread, kind, address, syndrome);
    notice_join(&thread->fault, destination->queue, destination->label);
    tell(&thread->fault, CAVERN_KIND_FAULT, CAVERN_WORDS, handler);
    succeed(cpu, thread, handler);
    return true;
}

INLINE bool fast_yield(struct thread *caller)
{
    uint64_t *x = caller->context.x;
    struct cpu *cpu = arch_cpu();
    if (x[0] != CAVERN_SELF_THREAD || !yield_possible(cpu, caller))
        return false;
    x[0] = CAVERN_OK;
    yield_to_next(cpu, caller);
    return true;
}

INLINE bool fast_resume(struct thread *caller)
{
    uint64_t *x = caller->context.x;
    struct process *process = look_up(caller, x[0], CAVERN_TYPE_PROCESS, CAVERN_RIGHT_MANAGE);
    struct thread *thread = process ? process->near : NULL;
    if (!thread || thread->id != x[2] || thread->state != CAVERN_THREAD_FAULTED || thread->suspended ||
        !notice_is_taken(&thread->fault) || thread->runnable.priority >= caller->runnable.priority)
        return false;
    x[0] = CAVERN_OK;
    notice_leave(&thread->fault);
    thread->state = CAVERN_THREAD_READY;
    thread->slice_used = 0;
    thread->place = NULL;
    run_queue_push_back(&scheduler.ready, &thread->runnable);
    return true;
}

INLINE bool fast_control(struct thread *caller)
{
    uint64_t what = caller->context.x[3];
    return what == CAVERN_THREAD_YIELD ? fast_yield(caller) : what == CAVERN_THREAD_RESUME && fast_resume(caller);
}

__attribute__((always_inline)) bool fast_serve(struct thread *caller, unsigned operation)
{
    switch (operation) {
    case CAVERN_CALL_CALL:
        return fast_call(caller, false, true);
    case CAVERN_CALL_REPLY_RECEIVE:
        return fast_reply_receive(caller, false, true);
    case CAVERN_CALL_RECEIVE:
        return fast_receive(caller);
    case CAVERN_CALL_SEND:
        return send(caller, caller->context.x);
    case CAVERN_CALL_THREAD_CONTROL:
        return fast_control(caller);
    case CAVERN_CALL_SIGNAL_RAISE:
        return fast_raise(caller);
    default:
        return false;
    }
}

__attribute__((always_inline)) bool fast_serve_with_memory(struct thread *caller, unsigned operation)
{
    return operation == CAVERN_CALL_CALL ? fast_call(caller, false, false) : fast_reply_receive(caller, false, false);
}

bool fast_serve_shared(struct thread *caller, unsigned operation)
{
    bool served = false;
    if (operation == CAVERN_CALL_CALL)
        served = fast_call(caller, true, true);
    else if (operation == CAVERN_CALL_REPLY_RECEIVE)
        served = fast_reply_receive(caller, true, true);
    arch_cpu()->system_calls += served;
    return served;
}
