/* SPDX-License-Identifier: BSD-2-Clause */
/* Addresses of the kernel, and of nobody, as arguments of calls: in all at once, and in each alone while the others are
 * good. */
#include <stddef.h>

#include <cavern/batch.h>
#include <cavern/buffer.h>
#include <cavern/fault.h>
#include <cavern/handles.h>
#include <cavern/inspect.h>
#include <cavern/message.h>
#include <cavern/queue.h>
#include <cavern/send.h>
#include <cavern/stubs.h>
#include <cavern/time.h>

#include "attempt.h"
#include "raw.h"

#define OPERATION_SHIFT 16

static const uint64_t pointers[] = {0xffff000040000000, 0xffffffff80000000, 0xffffffff80040000, 0xfffffffffffff000,
                                    0x0000800000000000, 0x0000fffffffff000, 0x8000000000000000, 0x0100000000400000};
#define POINTERS (sizeof(pointers) / sizeof(*pointers))

/* --- in all arguments at once --- */

/* And no number that this could be too large for. */
static bool takes_no_address(unsigned operation)
{
    return operation == CAVERN_CALL_NOP || operation == CAVERN_CALL_QUEUE_FREED ||
           operation == CAVERN_CALL_THREAD_CREATE || operation == CAVERN_CALL_BUFFER_SEAL ||
           operation == CAVERN_CALL_ACKNOWLEDGE || operation == CAVERN_CALL_SIGNAL_CREATE;
}

static void in_all_arguments(unsigned variant)
{
    cavern_handle handles[] = {CAVERN_SELF_PROCESS, CAVERN_SELF_ACCOUNT, CAVERN_SELF_THREAD, 0, 0, 0};
    struct cavern_queue queue;
    GRANTED(cavern_queue_create(64, 4, &queue));
    handles[3] = queue.handle;
    GRANTED(cavern_sender_mint(queue.handle, 0, 8, 8, 0, &handles[4]));
    GRANTED(cavern_buffer_create(CAVERN_SELF_ACCOUNT, CAVERN_PAGE_SIZE, 0, &handles[5]));
    for (unsigned operation = 0; operation < CAVERN_CALL_COUNT; operation++) {
        if (operation == CAVERN_CALL_PROCESS_END || operation == CAVERN_CALL_THREAD_CONTROL ||
            operation == CAVERN_CALL_HANDLE_CLOSE)
            continue;
        for (unsigned i = 0; i < sizeof(handles) / sizeof(*handles); i++) {
            uint64_t x[RAW_REGISTERS] = {[0] = handles[i]};
            for (unsigned j = 2; j < RAW_REGISTERS; j++)
                x[j] = pointers[variant];
            x[1] = 128 | (uint64_t)operation << OPERATION_SHIFT;
            x[9] = CAVERN_POLL; /* where it is a deadline */
            raw_call(x);
            if (x[0] == CAVERN_OK && !takes_no_address(operation))
                attempt_failed("call %u with handle %u is done", operation, i);
        }
    }
}

/* --- in each alone --- */

#define BODY 64
#define MAP_AT UINT64_C(0x50000000)

static struct cavern_queue queue, faults;
static cavern_handle sender, buffer;
static struct cavern_message waiting; /* a request that new_request made */
static uint64_t scratch[128];
static cavern_handle temporary[4]; /* of one call: closed after it */
static unsigned temporaries;

static cavern_handle keep(cavern_handle handle)
{
    return temporary[temporaries++] = handle;
}

static cavern_handle new_process(void)
{
    cavern_handle process;
    GRANTED(cavern_sys_process_create(CAVERN_SELF_ACCOUNT, 0, 0, 0, 0, &process));
    return keep(process);
}

static cavern_handle new_signal(void)
{
    cavern_handle signal;
    GRANTED(cavern_sys_signal_create(CAVERN_SELF_ACCOUNT, &signal));
    return keep(signal);
}

static cavern_handle new_buffer(void)
{
    cavern_handle made;
    GRANTED(cavern_buffer_create(CAVERN_SELF_ACCOUNT, CAVERN_PAGE_SIZE, 0, &made));
    return keep(made);
}

static cavern_handle new_queue(void)
{
    cavern_handle made;
    GRANTED(cavern_sys_queue_create(CAVERN_SELF_ACCOUNT, CAVERN_QUEUE_BLOCKS_MIN, 0, 0, &made));
    return keep(made);
}

static cavern_handle new_account(void)
{
    cavern_handle account;
    GRANTED(cavern_sys_account_split(attempt_handle(ATTEMPT_ACCOUNT), 0, 64 * 1024, 0, &account));
    return keep(account);
}

/* A request that waits, with a lease and a grant, and nothing else in the queue. */
static const struct cavern_message *new_request(void)
{
    struct cavern_lease lease = {(uintptr_t)scratch, sizeof(scratch), CAVERN_LEASE_READ | CAVERN_LEASE_WRITE};
    struct cavern_grant grant = {buffer, CAVERN_RIGHT_READ};
    struct cavern_outgoing out = {
        .payload = scratch, .size = 8, .leases = &lease, .lease_count = 1, .grants = &grant, .grant_count = 1};
    GRANTED(cavern_request(sender, 0, &out, &queue, 4, NULL));
    GRANTED(cavern_queue_receive(&queue, CAVERN_POLL, &waiting));
    return &waiting;
}

/* What a call may have left there. */
static void empty_queue(void)
{
    if (waiting.header.request) {
        cavern_drop(&queue, waiting.header.request);
        cavern_queue_release(&queue, &waiting);
        waiting.header.request = 0;
    }
    while (cavern_queue_receive(&queue, CAVERN_POLL, &waiting) == CAVERN_OK) {
        cavern_drop(&queue, waiting.header.request);
        cavern_queue_release(&queue, &waiting);
    }
    waiting.header.request = 0;
}

/* A process with a thread that has faulted; its id. */
static uint64_t new_faulted(cavern_handle *process)
{
    struct cavern_message message;
    cavern_handle thread;
    *process = new_process();
    GRANTED(cavern_fault_notify(*process, faults.handle, 0));
    GRANTED(cavern_sys_thread_create(*process, ATTEMPT_PRIORITY, CAVERN_USER_START, 0, 0, 0, 0, 0, &thread));
    keep(thread);
    GRANTED(cavern_queue_receive(&faults, cavern_after(CAVERN_SECOND), &message));
    struct cavern_fault_notice notice = cavern_fault_read(&message);
    cavern_queue_release(&faults, &message);
    return notice.thread;
}

static void map_there(void)
{
    GRANTED(cavern_buffer_map_at(CAVERN_SELF_PROCESS, buffer, 0, CAVERN_PAGE_SIZE, MAP_AT, CAVERN_PROT_READ));
}

/* Registers of a good call; a bit for each in which no address of the kernel is good. It may be one where any number
 * is: labels, tokens, deadlines, codes, names, what a thread starts with, and progress that a call does not look at. */
#define X(n) (1u << (n))

static unsigned good_message_call(unsigned operation, uint64_t x[RAW_REGISTERS])
{
    x[0] = operation >= CAVERN_CALL_RECEIVE ? queue.handle : sender;
    x[1] |= BODY;
    x[3] = (uintptr_t)scratch;
    switch (operation) {
    case CAVERN_CALL_CALL:
        x[10] = (uintptr_t)scratch;
        x[11] = sizeof(scratch);
        return X(0) | X(3) | X(10);
    case CAVERN_CALL_SEND:
        x[0] = sender;
        return X(0) | X(3);
    case CAVERN_CALL_REQUEST:
        x[0] = sender;
        x[9] = queue.handle;
        x[10] = 4;
        return X(0) | X(3) | X(9) | X(10);
    case CAVERN_CALL_RECEIVE:
    case CAVERN_CALL_QUEUE_FREED:
        return X(0);
    case CAVERN_CALL_SPACE:
        x[0] = sender;
        x[3] = 1;
        x[9] = queue.handle;
        return X(0) | X(3) | X(9);
    }
    const struct cavern_message *message = new_request();
    x[2] = message->header.request;
    switch (operation) {
    case CAVERN_CALL_CANCEL:
        x[0] = sender;
        return X(0);
    case CAVERN_CALL_REPLY_RECEIVE:
        return X(0) | X(3);
    case CAVERN_CALL_REPLY:
        return X(0) | X(2) | X(3);
    case CAVERN_CALL_DROP:
        return X(0) | X(2);
    case CAVERN_CALL_LEASE_COPY:
        x[3] = x[4] = 0;
        x[5] = (uintptr_t)scratch;
        x[6] = BODY;
        return X(0) | X(2) | X(3) | X(4) | X(5) | X(6);
    default: /* GRANT_ACCEPT */
        x[2] = message->position;
        x[3] = 0;
        return X(0) | X(2) | X(3);
    }
}

static unsigned good_memory_call(unsigned operation, uint64_t x[RAW_REGISTERS])
{
    x[0] = CAVERN_SELF_PROCESS;
    switch (operation) {
    case CAVERN_CALL_BUFFER_CREATE:
        x[0] = CAVERN_SELF_ACCOUNT;
        x[3] = CAVERN_PAGE_SIZE;
        return X(0) | X(2) | X(3) | X(4);
    case CAVERN_CALL_BUFFER_SEAL:
        x[0] = new_buffer();
        return X(0);
    case CAVERN_CALL_MAP:
        x[2] = buffer;
        x[4] = CAVERN_PAGE_SIZE;
        x[5] = MAP_AT;
        x[6] = CAVERN_PROT_READ;
        return X(0) | X(2) | X(3) | X(4) | X(5) | X(6);
    case CAVERN_CALL_UNMAP:
        map_there();
        x[3] = MAP_AT;
        x[4] = CAVERN_PAGE_SIZE;
        return X(0) | X(3) | X(4);
    case CAVERN_CALL_PROCESS_COPY:
        x[3] = x[4] = (uintptr_t)scratch;
        x[4] += BODY;
        x[5] = BODY;
        return X(0) | X(3) | X(4) | X(5) | X(6);
    case CAVERN_CALL_DMA_MAP:
    case CAVERN_CALL_DMA_UNMAP:
        x[0] = attempt_handle(ATTEMPT_DMA);
        if (operation == CAVERN_CALL_DMA_UNMAP) {
            GRANTED(cavern_dma_map(x[0], buffer, 0, CAVERN_PAGE_SIZE, CAVERN_PROT_READ, &x[3]));
            x[4] = CAVERN_PAGE_SIZE;
            return X(0) | X(3) | X(4);
        }
        x[2] = buffer;
        x[4] = CAVERN_PAGE_SIZE;
        x[5] = CAVERN_PROT_READ;
        return X(0) | X(2) | X(3) | X(4) | X(5);
    default: /* DEVICE_IO */
        x[0] = attempt_handle(ATTEMPT_REGISTERS);
        x[4] = 4;
        return X(0) | X(3) | X(4);
    }
}

static unsigned good_process_call(unsigned operation, uint64_t x[RAW_REGISTERS])
{
    switch (operation) {
    case CAVERN_CALL_PROCESS_CREATE:
        x[0] = CAVERN_SELF_ACCOUNT;
        return X(0) | X(2) | X(3);
    case CAVERN_CALL_PROCESS_END:
        x[0] = new_process();
        return X(0);
    case CAVERN_CALL_THREAD_CREATE:
        x[0] = new_process();
        x[2] = ATTEMPT_PRIORITY;
        x[3] = CAVERN_USER_START;
        return X(0) | X(2) | X(9);
    case CAVERN_CALL_THREAD_CONTROL:
        x[0] = CAVERN_SELF_THREAD;
        x[3] = CAVERN_THREAD_SET;
        x[4] = ATTEMPT_PRIORITY;
        return X(0) | X(3) | X(4) | X(5);
    case CAVERN_CALL_THREAD_REGISTERS:
        x[2] = new_faulted(&x[0]);
        x[3] = CAVERN_REGISTERS_GENERAL;
        x[4] = (uintptr_t)scratch;
        x[5] = sizeof(struct cavern_registers);
        return X(0) | X(2) | X(3) | X(4) | X(5);
    case CAVERN_CALL_HANDLE_GIVE:
        x[0] = CAVERN_SELF_PROCESS;
        x[2] = buffer;
        x[3] = CAVERN_RIGHT_READ;
        return X(0) | X(2) | X(3) | X(4);
    case CAVERN_CALL_NOTIFY:
        x[0] = new_process();
        x[3] = queue.handle;
        return X(0) | X(3) | X(4);
    case CAVERN_CALL_HANDLE_CLOSE:
    case CAVERN_CALL_ACKNOWLEDGE:
    case CAVERN_CALL_SIGNAL_RAISE:
        x[0] = new_signal();
        return X(0);
    case CAVERN_CALL_SIGNAL_CREATE:
        x[0] = CAVERN_SELF_ACCOUNT;
        return X(0);
    default: /* INSPECT */
        x[0] = CAVERN_SELF_PROCESS;
        x[2] = CAVERN_INSPECT_PROCESS;
        x[4] = (uintptr_t)scratch;
        x[5] = sizeof(scratch);
        return X(0) | X(2) | X(4);
    }
}

static unsigned good_call(unsigned operation, uint64_t x[RAW_REGISTERS])
{
    static const struct cavern_operation nop = {{0, CAVERN_OPERATION(NOP)}};
    static struct cavern_operation operations[1];
    switch (operation) {
    case CAVERN_CALL_NOP:     /* it looks at nothing */
    case CAVERN_CALL_DERIVE:  /* nothing that could be derived from is there */
    case CAVERN_CALL_MACHINE: /* nor may anything be done with it */
        return 0;
    case CAVERN_CALL_SUBMIT:
        operations[0] = nop;
        x[3] = (uintptr_t)operations;
        x[4] = 1;
        return X(3) | X(4) | X(5);
    case CAVERN_CALL_QUEUE_CREATE:
        x[0] = CAVERN_SELF_ACCOUNT;
        x[3] = CAVERN_QUEUE_BLOCKS_MIN;
        return X(0) | X(3) | X(4) | X(5);
    case CAVERN_CALL_QUEUE_BIND:
        x[0] = new_queue();
        x[2] = new_process();
        return X(0) | X(2);
    case CAVERN_CALL_SENDER_MINT:
        x[0] = queue.handle;
        x[3] = UINT64_C(0x400000004);
        x[4] = CAVERN_SELF_ACCOUNT;
        return X(0) | X(4) | X(5);
    case CAVERN_CALL_ACCOUNT_SPLIT:
        x[0] = attempt_handle(ATTEMPT_ACCOUNT);
        x[3] = 64 * 1024;
        return X(0) | X(2) | X(3) | X(4);
    case CAVERN_CALL_ACCOUNT_END:
        x[0] = new_account();
        return X(0);
    case CAVERN_CALL_BUFFER_CREATE:
    case CAVERN_CALL_BUFFER_SEAL:
    case CAVERN_CALL_MAP:
    case CAVERN_CALL_UNMAP:
    case CAVERN_CALL_PROCESS_COPY:
    case CAVERN_CALL_DMA_MAP:
    case CAVERN_CALL_DMA_UNMAP:
    case CAVERN_CALL_DEVICE_IO:
        return good_memory_call(operation, x);
    }
    return operation < CAVERN_CALL_QUEUE_CREATE ? good_message_call(operation, x) : good_process_call(operation, x);
}

/* Whose first result is a handle. */
static bool makes_handle(unsigned operation)
{
    return operation == CAVERN_CALL_QUEUE_CREATE || operation == CAVERN_CALL_SENDER_MINT ||
           operation == CAVERN_CALL_ACCOUNT_SPLIT || operation == CAVERN_CALL_BUFFER_CREATE ||
           operation == CAVERN_CALL_PROCESS_CREATE || operation == CAVERN_CALL_THREAD_CREATE ||
           operation == CAVERN_CALL_HANDLE_GIVE || operation == CAVERN_CALL_SIGNAL_CREATE ||
           operation == CAVERN_CALL_GRANT_ACCEPT;
}

/* A good call, but for register `odd`; 0 .. its registers: whether it was done. */
static bool is_done(unsigned operation, unsigned odd, uint64_t pointer, unsigned *looked_at)
{
    uint64_t x[RAW_REGISTERS] = {[1] = (uint64_t)operation << OPERATION_SHIFT};
    temporaries = 0;
    *looked_at = good_call(operation, x);
    if (!*looked_at)
        return true;
    if (odd < RAW_REGISTERS)
        x[odd] = pointer;
    raw_call(x);
    bool done = x[0] == CAVERN_OK || x[0] == CAVERN_TIMEOUT || x[0] == CAVERN_IN_RING;
    if (done && makes_handle(operation))
        cavern_handle_close(x[1]);
    if (done == (operation == CAVERN_CALL_MAP) && (operation == CAVERN_CALL_MAP || operation == CAVERN_CALL_UNMAP))
        GRANTED(cavern_sys_unmap(CAVERN_SELF_PROCESS, MAP_AT, CAVERN_PAGE_SIZE));
    while (temporaries)
        cavern_handle_close(temporary[--temporaries]);
    empty_queue();
    return done;
}

static void in_each_argument(unsigned variant)
{
    unsigned looked_at, tried = 0;
    GRANTED(cavern_queue_create(CAVERN_QUEUE_BLOCKS_MIN, 8, &queue));
    GRANTED(cavern_queue_create(CAVERN_QUEUE_BLOCKS_MIN, 0, &faults));
    GRANTED(cavern_sender_mint(queue.handle, 0, 8, 8, 0, &sender));
    GRANTED(cavern_buffer_create(CAVERN_SELF_ACCOUNT, CAVERN_PAGE_SIZE, 0, &buffer));
    for (unsigned operation = 0; operation < CAVERN_CALL_COUNT; operation++) {
        if (!is_done(operation, RAW_REGISTERS, 0, &looked_at))
            attempt_failed("call %u is refused", operation);
        for (unsigned odd = 0; odd < RAW_REGISTERS; odd++)
            if (looked_at & X(odd)) {
                unsigned same;
                if (is_done(operation, odd, pointers[variant], &same))
                    attempt_failed("call %u with 0x%lx in x%u is done", operation, (unsigned long)pointers[variant],
                                   odd);
                tried++;
            }
    }
    attempt_tell("%u arguments", tried);
}

const struct attempt pointer_attempts[] = {
    {"addresses of the kernel in all arguments", in_all_arguments, POINTERS, ENDS_WELL},
    {"addresses of the kernel in one argument", in_each_argument, POINTERS, ENDS_WELL},
    {0},
};
