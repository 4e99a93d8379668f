/* SPDX-License-Identifier: BSD-2-Clause */
/* Making a call; handles and queues; time; what must always hold. */
#include "reference.h"

void ref_out(struct ref_thread *thread, unsigned x, uint64_t value)
{
    thread->out[x] = value;
    thread->defined |= 1u << x;
}

/* --- handles --- */

void ref_handle_give(struct ref_thread *thread, const uint64_t x[16])
{
    struct ref_process *process = ref_need(thread, x[0], CAVERN_TYPE_PROCESS, CAVERN_RIGHT_MANAGE);
    uint16_t rights = 0;
    struct ref_object *object = ref_find(thread, x[2], &rights);
    ref_wrong(!object, CAVERN_BAD_HANDLE);
    ref_wrong(object && (!(rights & CAVERN_RIGHT_COPY) || (x[3] & ~(uint64_t)rights)), CAVERN_DENIED);
    ref_wrong(process && process->state > CAVERN_PROCESS_RUNNING, CAVERN_GONE);
    if (!process || !object || process->state > CAVERN_PROCESS_RUNNING)
        return;
    uint64_t given = x[4] ? ref_insert_at(process, object, (uint16_t)x[3], x[4]) : 0;
    if (ref_failed())
        return;
    if (!x[4])
        given = ref_insert(process, object, (uint16_t)x[3]);
    ref_out(thread, 1, given);
}

void ref_handle_close(struct ref_thread *thread, const uint64_t x[16])
{
    uint16_t rights;
    ref_wrong(!ref_find(thread, x[0], &rights), CAVERN_BAD_HANDLE);
    bool fixed = x[0] == CAVERN_SELF_PROCESS || x[0] == CAVERN_SELF_ACCOUNT || x[0] == CAVERN_SELF_THREAD;
    ref_wrong(fixed, CAVERN_DENIED); /* [ABI-HANDLE-6] */
    if (!ref_failed())
        ref_close(thread->process, x[0] & 0xffffff);
}

/* --- queues and senders --- */

void ref_queue_create(struct ref_thread *thread, const uint64_t x[16])
{
    ref_need(thread, x[0], CAVERN_TYPE_ACCOUNT, CAVERN_RIGHT_CHARGE);
    ref_wrong(x[3] < CAVERN_QUEUE_BLOCKS_MIN || x[3] > CAVERN_QUEUE_BLOCKS_MAX || (x[3] & (x[3] - 1)) ||
                  x[4] > CAVERN_QUEUE_SLOTS_MAX,
              CAVERN_BAD_ARGUMENT);       /* [MSG-QUEUE-1] */
    ref_wrong(x[5], CAVERN_BAD_ARGUMENT); /* [MSG-QUEUE-6]: progress that was not made */
    ref_wrong(x[5], CAVERN_BAD_HANDLE);
    if (ref_failed())
        return;
    struct ref_queue *queue = ref_queue_new(x[3], x[4]);
    ref_out(thread, 1, ref_insert(thread->process, &queue->object, CAVERN_RIGHTS_ALL));
}

void ref_queue_bind(struct ref_thread *thread, const uint64_t x[16])
{
    struct ref_queue *queue = ref_need(thread, x[0], CAVERN_TYPE_QUEUE, CAVERN_RIGHT_MANAGE);
    struct ref_process *process = NULL;
    if (x[2])
        process = ref_need(thread, x[2], CAVERN_TYPE_PROCESS, CAVERN_RIGHT_MANAGE);
    if (process)
        ref_wrong(process->state > CAVERN_PROCESS_RUNNING, CAVERN_GONE);
    ref_wrong(x[2] && queue && queue->owner, CAVERN_BUSY); /* [MSG-BIND-1] */
    if (ref.errors || !queue)
        return;
    if (!process) {
        if (queue->owner)
            ref_unbind(queue);
        return;
    }
    uint64_t place = ref_draw_place(process, CAVERN_PAGE_SIZE + 2 * queue->blocks * CAVERN_BLOCK_SIZE);
    ref_wrong(!place, CAVERN_NO_MEMORY);
    if (ref_failed())
        return;
    ref_bind(queue, process, place);
    ref_out(thread, 1, queue->ring);
    ref_out(thread, 2, queue->control);
    ref_out(thread, 3, queue->bound);
}

void ref_sender_mint(struct ref_thread *thread, const uint64_t x[16])
{
    uint16_t rights = 0;
    struct ref_object *from = ref_find(thread, x[0], &rights);
    bool fits = from && (from->type == CAVERN_TYPE_QUEUE || from->type == CAVERN_TYPE_SENDER);
    ref_need(thread, x[4], CAVERN_TYPE_ACCOUNT, CAVERN_RIGHT_CHARGE);
    ref_wrong(!fits, CAVERN_BAD_HANDLE);
    ref_wrong(fits && !(rights & CAVERN_RIGHT_MINT), CAVERN_DENIED);
    ref_wrong(!(x[3] & 0xffffffff) || x[5] > 1, CAVERN_BAD_ARGUMENT); /* [MSG-SENDER-4] */
    if (!fits)
        return;
    struct ref_queue *queue =
        from->type == CAVERN_TYPE_QUEUE ? (struct ref_queue *)from : ((struct ref_sender *)from)->queue;
    ref_wrong(queue->object.gone, CAVERN_GONE);
    if (ref_failed())
        return;
    struct ref_sender *sender = ref_new(sizeof *sender);
    sender->object.type = CAVERN_TYPE_SENDER;
    sender->queue = queue;
    sender->label = x[2];
    sender->message_limit = x[3] & 0xffffffff;
    sender->request_limit = x[3] >> 32;
    sender->tells_closed = x[5] & CAVERN_MINT_CLOSED;
    ref_notice_init(&sender->space, CAVERN_KIND_SPACE, &sender->object);
    ref_notice_init(&sender->closed, CAVERN_KIND_CLOSED, &sender->object);
    sender->closed.queue = queue;
    sender->closed.label = x[2];
    ref_push(&ref.senders, sender);
    uint16_t kept = CAVERN_RIGHTS_ALL;
    if (from->type == CAVERN_TYPE_SENDER) /* [ABI-HANDLE-7] */
        kept &= (uint16_t)(rights | ~(CAVERN_RIGHT_SEND | CAVERN_RIGHT_REQUEST));
    ref_out(thread, 1, ref_insert(thread->process, &sender->object, kept));
}

/* --- making a call --- */

static ref_call_function *const functions[CAVERN_CALL_COUNT] = {
    [CAVERN_CALL_THREAD_REGISTERS] = ref_thread_registers,
    [CAVERN_CALL_DMA_MAP] = ref_dma_map,
    [CAVERN_CALL_DMA_UNMAP] = ref_dma_unmap,
    [CAVERN_CALL_DEVICE_IO] = ref_device_io,
    [CAVERN_CALL_MACHINE] = ref_machine,
    [CAVERN_CALL_SUBMIT] = ref_submit,
    [CAVERN_CALL_INSPECT] = ref_inspect,
    [CAVERN_CALL_CALL] = ref_call,
    [CAVERN_CALL_RECEIVE] = ref_receive,
    [CAVERN_CALL_REPLY_RECEIVE] = ref_reply_receive,
    [CAVERN_CALL_SEND] = ref_send,
    [CAVERN_CALL_REQUEST] = ref_request,
    [CAVERN_CALL_REPLY] = ref_reply,
    [CAVERN_CALL_DROP] = ref_drop,
    [CAVERN_CALL_CANCEL] = ref_cancel_call,
    [CAVERN_CALL_SPACE] = ref_space,
    [CAVERN_CALL_QUEUE_FREED] = ref_queue_freed,
    [CAVERN_CALL_LEASE_COPY] = ref_lease_copy,
    [CAVERN_CALL_GRANT_ACCEPT] = ref_grant_accept,
    [CAVERN_CALL_QUEUE_CREATE] = ref_queue_create,
    [CAVERN_CALL_QUEUE_BIND] = ref_queue_bind,
    [CAVERN_CALL_SENDER_MINT] = ref_sender_mint,
    [CAVERN_CALL_HANDLE_GIVE] = ref_handle_give,
    [CAVERN_CALL_HANDLE_CLOSE] = ref_handle_close,
    [CAVERN_CALL_ACCOUNT_SPLIT] = ref_account_split,
    [CAVERN_CALL_ACCOUNT_END] = ref_account_end,
    [CAVERN_CALL_BUFFER_CREATE] = ref_buffer_create,
    [CAVERN_CALL_BUFFER_SEAL] = ref_buffer_seal,
    [CAVERN_CALL_MAP] = ref_map,
    [CAVERN_CALL_UNMAP] = ref_unmap,
    [CAVERN_CALL_DERIVE] = ref_derive,
    [CAVERN_CALL_PROCESS_CREATE] = ref_process_create,
    [CAVERN_CALL_PROCESS_END] = ref_process_end_call,
    [CAVERN_CALL_PROCESS_COPY] = ref_process_copy,
    [CAVERN_CALL_THREAD_CREATE] = ref_thread_create,
    [CAVERN_CALL_THREAD_CONTROL] = ref_thread_control,
    [CAVERN_CALL_NOTIFY] = ref_notify,
    [CAVERN_CALL_ACKNOWLEDGE] = ref_acknowledge_call,
    [CAVERN_CALL_SIGNAL_CREATE] = ref_signal_create,
    [CAVERN_CALL_SIGNAL_RAISE] = ref_signal_raise,
};

/* Of long calls: a bit for each register marked in spec/abi.md. */
static const unsigned progress[CAVERN_CALL_COUNT] = {
    [CAVERN_CALL_LEASE_COPY] = 1 << 4 | 1 << 5 | 1 << 6,
    [CAVERN_CALL_QUEUE_CREATE] = 1 << 5,
    [CAVERN_CALL_QUEUE_BIND] = 1 << 4,
    [CAVERN_CALL_BUFFER_CREATE] = 1 << 2 | 1 << 5,
    [CAVERN_CALL_MAP] = 1 << 3 | 1 << 4 | 1 << 5,
    [CAVERN_CALL_UNMAP] = 1 << 3 | 1 << 4,
    [CAVERN_CALL_SUBMIT] = 1 << 1 | 1 << 5,
    [CAVERN_CALL_INSPECT] = 1 << 3 | 1 << 4 | 1 << 5,
    [CAVERN_CALL_PROCESS_COPY] = 1 << 3 | 1 << 4 | 1 << 5,
    [CAVERN_CALL_ACCOUNT_END] = 1 << 4,
};

/* Endings that the call has started: they go to their end before anybody else does something. */
bool ref_has_call(enum cavern_call call)
{
    return call < CAVERN_CALL_COUNT && functions[call];
}

unsigned ref_progress(enum cavern_call call)
{
    return call < CAVERN_CALL_COUNT ? progress[call] : 0;
}

void ref_serve(struct ref_thread *thread, enum cavern_call call, const uint64_t x[16])
{
    if (ref_has_call(call))
        functions[call](thread, x);
}

/* Of several that of the highest priority, else the one that has had it for longest. [PROC-END-8] */
static struct ref_process *next_ending(void)
{
    struct ref_process *next = NULL;
    for (unsigned i = 0; i < ref.processes.count; i++) {
        struct ref_process *process = ref.processes.items[i];
        if (process->state == CAVERN_PROCESS_ENDING &&
            (!next || process->urgency > next->urgency ||
             (process->urgency == next->urgency && process->ending < next->ending)))
            next = process;
    }
    return next;
}

/* What is left of a call: endings of processes, and what follows from last handles, which counts among them. */
static bool finish_one_ending(void)
{
    struct ref_process *process = next_ending();
    bool others = ref.dying.count;
    bool first = !process || ref.dying_urgency > process->urgency ||
                 (ref.dying_urgency == process->urgency && ref.dying_since < process->ending);
    if (others && first)
        ref_bury();
    else if (process)
        ref_finish_ending(process);
    return others || process;
}

static void settle(bool hurried)
{
    ref.hurried = hurried;
    ref.postponed = false;
    do {
        while (finish_one_ending())
            continue;
        ref.progress = false;
        for (unsigned i = 0; i < ref.queues.count; i++) {
            struct ref_queue *queue = ref.queues.items[i];
            if (!queue->object.gone && !ref_look(queue))
                ref.progress |= queue->owner->state == CAVERN_PROCESS_ENDING;
        }
    } while (ref.progress);
    ref.hurried = false;
}

void ref_settle(void)
{
    settle(false);
    if (ref.postponed)
        settle(true);
    for (unsigned i = 0; i < ref.queues.count; i++) {
        struct ref_queue *queue = ref.queues.items[i];
        if (!queue->object.gone && queue->owner)
            ref.seen(queue, &queue->seen_head, &queue->seen_taken);
    }
}

static bool was_lacking(uint64_t address)
{
    for (unsigned i = 0; i < ref.lack_count; i++) {
        if (ref.lacks[i] == address)
            return true;
    }
    return false;
}

/* [MSG-FREE-3] */
static bool holds_what_is_freed(const struct ref_queue *queue)
{
    return queue->owner && queue->messages.count && ref_freed(queue, queue->messages.items[0]);
}

void ref_make(struct ref_thread *thread, enum cavern_call call, const uint64_t x[16], const uint64_t drawn[9],
              const uint64_t fault[5])
{
    ref.errors = 0;
    ref.no_memory = !fault && drawn[0] == CAVERN_NO_MEMORY;
    ref.drawn = drawn;
    ref.fault = fault;
    ref.unlike = false;
    ref.swept = NULL;
    ref.lack_count = 0;
    ref.caller = thread;
    thread->fresh = true;
    thread->defined = 1;
    thread->out[0] = CAVERN_OK;
    thread->progress = progress[call];
    thread->written = false;
    for (unsigned i = 0; i < 9; i++)
        thread->in[i] = x[i];
    for (unsigned i = 9; i < 16; i++)
        thread->registers.x[i] = x[i];
    if (functions[call])
        functions[call](thread, x);
    else
        ref_wrong(call != CAVERN_CALL_NOP, CAVERN_BAD_OPERATION);
    if (fault && (ref.errors >> CAVERN_BAD_ADDRESS & 1) && ref_is_handled(thread->process)) { /* [MEM-FAULT-1] */
        ref.unlike |= !was_lacking(fault[CAVERN_FAULT_ADDRESS]);
        ref_fault(thread, fault);
    }
    if (fault)
        thread->defined = 0; /* nothing has been returned */
    if (thread->state == CAVERN_THREAD_RECEIVING || thread->state == CAVERN_THREAD_CALLING || fault)
        thread->fresh = false;
    ref_settle();
    ref.unlike |= ref.swept && holds_what_is_freed(ref.swept);
}

void ref_line(unsigned line)
{
    struct ref_interrupt *interrupt = ref_line_object(line);
    if (!interrupt || interrupt->masked)
        return;
    interrupt->masked = true; /* [DEV-IRQ-4] */
    interrupt->fired++;
    ref_fire(&interrupt->notice);
    ref_settle();
}

/* [SCHED-8] */
static struct ref_thread *next_due(void)
{
    struct ref_thread *due = NULL;
    for (unsigned p = 0; p < ref.processes.count; p++) {
        const struct ref_process *process = ref.processes.items[p];
        for (unsigned t = 0; t < process->threads.count; t++) {
            struct ref_thread *thread = process->threads.items[t];
            bool waits = thread->receiving || thread->calling;
            if (waits && thread->deadline <= ref.now && (!due || thread->deadline < due->deadline))
                due = thread;
        }
    }
    return due;
}

void ref_time(uint64_t now)
{
    ref.now = now;
    for (struct ref_thread *due = next_due(); due; due = next_due()) {
        if (due->calling)
            ref_cancel(due->calling, CAVERN_TIMEOUT); /* [MSG-CALL-6] */
        else
            ref_wake(due, CAVERN_TIMEOUT);
    }
    ref_settle();
}

const char *ref_invariants(void)
{
    for (unsigned i = 0; i < ref.queues.count; i++) {
        const struct ref_queue *queue = ref.queues.items[i];
        uint64_t reserved = 0, pending = 0;
        if (queue->tail - queue->retired + queue->reserved > queue->blocks)
            return "used + reserved <= capacity [MSG-ROOM-1]";
        if (!queue->object.gone && !ref_told_of_room(queue) && ref_first_in_line(queue))
            return "the first in line is told of room [MSG-SPACE-1]";
        for (unsigned r = 0; r < ref.requests.count; r++) {
            const struct ref_request *request = ref.requests.items[r];
            reserved += request->reply_queue == queue ? request->reserved : 0;
            pending += request->server == queue;
        }
        if (reserved != queue->reserved)
            return "what is reserved is what endings may take";
        if (pending != queue->slots_used - queue->freed_count)
            return "a slot for each pending request";
    }
    return NULL;
}
