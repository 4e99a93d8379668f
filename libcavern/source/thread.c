/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Starting, joining and ending threads. spec/threads.md draws a thread's memory: its record and its thread-local data
 * stand above its stack, in one mapping that goes when the thread has been joined, or when its exit has come to the
 * queue of the detached. Its seat goes to the next.
 */
#include <cavern/thread.h>

#include <stdbool.h>
#include <string.h>

#include <cavern/buffer.h>
#include <cavern/handles.h>
#include <cavern/inspect.h>
#include <cavern/mutex.h>
#include <cavern/queue.h>
#include <cavern/stubs.h>

#include "internal.h"
#include "park.h"

#define TLS_ALIGNMENT 64 /* user.ld */
#define FIRST_THREAD 1   /* id of the one that runs main */

struct cavern_thread {
    struct parker parker; /* first: that of the thread which runs main is all there is of it */
    uint64_t (*function)(void *argument);
    void *argument;
    cavern_handle handle;
    void *memory; /* lowest byte of its stack */
    uint64_t bytes;
    uint64_t priority;
};

/* user.ld. The sizes are the addresses of their symbols. */
extern const char cavern_tls_image[], cavern_tls_image_size[], cavern_tls_offset[], cavern_tls_size[];

static struct {
    struct cavern_mutex mutex;
    struct seat *free;
    struct cavern_queue detached; /* exits of detached threads, labelled with their records; made with the first */
} pool;

/* --- seats --- */

/* A page of new ones. */
static enum cavern_status add_seats(void)
{
    void *page;
    enum cavern_status status = cavern_memory_take(CAVERN_PAGE_SIZE, &page);
    if (status)
        return status;
    struct seat *seats = page;
    for (size_t i = 0; i < CAVERN_PAGE_SIZE / sizeof(*seats); i++) {
        seats[i].next = pool.free;
        pool.free = &seats[i];
    }
    return CAVERN_OK;
}

static enum cavern_status seat_take(struct seat **taken)
{
    cavern_mutex_lock(&pool.mutex);
    enum cavern_status status = pool.free ? CAVERN_OK : add_seats();
    if (status == CAVERN_OK && !pool.free->queue.handle)
        status = seat_furnish(pool.free);
    if (status == CAVERN_OK) {
        *taken = pool.free;
        pool.free = pool.free->next;
        seat_clear(*taken);
    }
    cavern_mutex_unlock(&pool.mutex);
    return status;
}

static void seat_give(struct seat *seat)
{
    cavern_mutex_lock(&pool.mutex);
    seat->next = pool.free;
    pool.free = seat;
    cavern_mutex_unlock(&pool.mutex);
}

/* --- memory --- */

/* Stack, record and thread-local data. */
static enum cavern_status thread_make(uint64_t stack, struct cavern_thread **made, uint64_t *pointer)
{
    uint64_t tls = (uintptr_t)cavern_tls_size;
    uint64_t bytes = cavern_pages(stack + sizeof(struct cavern_thread) + tls + 2 * TLS_ALIGNMENT);
    void *memory;
    enum cavern_status status = cavern_stack_take(bytes, &memory);
    if (status)
        return status;
    *pointer = ((uintptr_t)memory + bytes - tls) & ~(uint64_t)(TLS_ALIGNMENT - 1);
    struct cavern_thread *thread = (void *)((*pointer - sizeof(*thread)) & ~(uint64_t)(TLS_ALIGNMENT - 1));
    *thread = (struct cavern_thread){.memory = memory, .bytes = bytes};
    ((struct thread_pointer *)*pointer)->parker = &thread->parker;
    memcpy((char *)*pointer + (uintptr_t)cavern_tls_offset, cavern_tls_image, (size_t)cavern_tls_image_size);
    struct seat *seat;
    status = seat_take(&seat);
    if (status) {
        cavern_stack_give(memory, bytes);
        return status;
    }
    parker_init(&thread->parker, seat->wake);
    thread->parker.seat = seat;
    *made = thread;
    return CAVERN_OK;
}

static void thread_unmake(struct cavern_thread *thread)
{
    seat_give(thread->parker.seat);
    cavern_stack_give(thread->memory, thread->bytes);
}

/* It has ended. */
static void thread_release(struct cavern_thread *thread)
{
    cavern_handle_close(thread->handle);
    parker_ended(&thread->parker);
    parker_put(&thread->parker);
    for (struct parker *parker = parkers_freed(), *next; parker; parker = next) {
        next = parker->next;
        thread_unmake((struct cavern_thread *)parker);
    }
}

/* A detached thread that has ended; NULL: none. */
static struct cavern_thread *next_detached(void)
{
    struct cavern_message message;
    struct cavern_thread *thread = NULL;
    cavern_mutex_lock(&pool.mutex);
    if (pool.detached.handle && cavern_queue_take(&pool.detached, &message)) {
        thread = (struct cavern_thread *)message.header.label;
        cavern_queue_release(&pool.detached, &message);
    }
    cavern_mutex_unlock(&pool.mutex);
    return thread;
}

static void release_detached(void)
{
    for (struct cavern_thread *thread; (thread = next_detached());)
        thread_release(thread);
}

/* --- starting --- */

struct cavern_thread *cavern_thread_self(void)
{
    return (struct cavern_thread *)parker_self();
}

static bool is_first(const struct cavern_thread *thread)
{
    return &thread->parker == &first_parker;
}

static enum cavern_status inspect_self(uint64_t *id)
{
    struct cavern_process_info info;
    uint64_t next, written;
    enum cavern_status status = cavern_sys_inspect(CAVERN_SELF_PROCESS, CAVERN_INSPECT_PROCESS, 0, (uintptr_t)&info,
                                                   sizeof(info), &next, &written);
    *id = info.id;
    return status;
}

/* The first thread was started by the parent, who does not tell at which priority. */
static enum cavern_status find_first_priority(uint64_t *priority)
{
    struct cavern_thread_info infos[8];
    uint64_t process, cursor = 0, written;
    enum cavern_status status = inspect_self(&process);
    while (status == CAVERN_OK) {
        status = cavern_sys_inspect(CAVERN_SELF_ACCOUNT, CAVERN_INSPECT_THREADS, cursor, (uintptr_t)infos,
                                    sizeof(infos), &cursor, &written);
        for (size_t i = 0; status == CAVERN_OK && i < written / sizeof(*infos); i++) {
            *priority = infos[i].priority;
            if (infos[i].process == process && infos[i].id == FIRST_THREAD)
                return CAVERN_OK;
        }
        if (!cursor)
            break;
    }
    return status ? status : CAVERN_BAD_ARGUMENT;
}

/* Asked for by the first thread alone. */
static enum cavern_status first_priority(uint64_t *priority)
{
    static bool known;
    static uint64_t found;
    enum cavern_status status = known ? CAVERN_OK : find_first_priority(&found);
    known = status == CAVERN_OK;
    *priority = found;
    return status;
}

static enum cavern_status choose_priority(int wanted, uint64_t *priority)
{
    const struct cavern_thread *self = cavern_thread_self();
    if (wanted == CAVERN_THREAD_SAME_PRIORITY && is_first(self))
        return first_priority(priority);
    *priority = wanted == CAVERN_THREAD_SAME_PRIORITY ? self->priority : (uint64_t)wanted;
    return CAVERN_OK;
}

_Noreturn void cavern_thread_exit(uint64_t code)
{
    (void)!cavern_sys_thread_control(CAVERN_SELF_THREAD, 0, CAVERN_THREAD_END, code, 0);
    __builtin_trap();
}

_Noreturn static void thread_main(struct cavern_thread *thread)
{
    cavern_thread_exit(thread->function(thread->argument));
}

enum cavern_status cavern_thread_start(uint64_t (*function)(void *argument), void *argument,
                                       const struct cavern_thread_setup *setup, struct cavern_thread **thread)
{
    static const struct cavern_thread_setup usual = {.priority = CAVERN_THREAD_SAME_PRIORITY};
    struct cavern_thread *made;
    uint64_t priority, pointer;
    setup = setup ? setup : &usual;
    release_detached();
    enum cavern_status status = choose_priority(setup->priority, &priority);
    if (status == CAVERN_OK && !seat_own()) /* from now on somebody may hold what the caller wants */
        status = CAVERN_NO_MEMORY;
    if (status == CAVERN_OK)
        status = thread_make(setup->stack ? setup->stack : CAVERN_THREAD_STACK_DEFAULT, &made, &pointer);
    if (status)
        return status;
    made->function = function;
    made->argument = argument;
    made->priority = priority;
    *thread = made;
    status = cavern_sys_thread_create(CAVERN_SELF_PROCESS, priority, (uintptr_t)thread_main, (uintptr_t)made, pointer,
                                      (uintptr_t)made, 0, setup->cpus, &made->handle);
    if (status)
        thread_unmake(made);
    return status;
}

/* --- ending --- */

void cavern_thread_end(struct cavern_thread *thread, uint64_t code)
{
    if (thread == cavern_thread_self())
        cavern_thread_exit(code);
    (void)!cavern_sys_thread_control(thread->handle, 0, CAVERN_THREAD_END, code, 0);
    parker_ended(&thread->parker);
}

/* TIMEOUT: its exit has not come to this seat. */
static enum cavern_status await_exit(struct seat *seat, const struct cavern_thread *thread, uint64_t deadline,
                                     uint64_t words[5])
{
    struct cavern_message message;
    enum cavern_status status;
    bool ended = false;
    while (!ended && (status = cavern_queue_receive(&seat->queue, deadline, &message)) == CAVERN_OK) {
        ended = message.header.kind == CAVERN_KIND_EXIT && message.header.label == (uintptr_t)thread;
        if (ended && words)
            memcpy(words, message.payload, 5 * sizeof(*words));
        cavern_queue_release(&seat->queue, &message);
    }
    return status;
}

enum cavern_status cavern_thread_join(struct cavern_thread *thread, uint64_t deadline, uint64_t words[5])
{
    struct seat *seat = seat_own();
    enum cavern_status status =
        seat ? cavern_sys_notify(thread->handle, (uintptr_t)thread, seat->queue.handle, CAVERN_NOTIFY_EXIT)
             : CAVERN_NO_MEMORY;
    if (status)
        return status;
    status = await_exit(seat, thread, deadline, words);
    if (status) {
        (void)!cavern_sys_notify(thread->handle, 0, CAVERN_NO_HANDLE, CAVERN_NOTIFY_EXIT);
        status = await_exit(seat, thread, CAVERN_POLL, words); /* it may have come before */
    }
    if (status == CAVERN_OK)
        thread_release(thread);
    return status;
}

enum cavern_status cavern_thread_detach(struct cavern_thread *thread)
{
    enum cavern_status status = CAVERN_OK;
    cavern_mutex_lock(&pool.mutex);
    if (!pool.detached.handle)
        status = cavern_queue_create(CAVERN_QUEUE_BLOCKS_MIN, 0, &pool.detached);
    if (status == CAVERN_OK)
        status = cavern_sys_notify(thread->handle, (uintptr_t)thread, pool.detached.handle, CAVERN_NOTIFY_EXIT);
    cavern_mutex_unlock(&pool.mutex);
    return status;
}

cavern_handle cavern_thread_handle(const struct cavern_thread *thread)
{
    /* A new thread may run before who started it has got the handle. */
    return is_first(thread) || thread == cavern_thread_self() ? CAVERN_SELF_THREAD : thread->handle;
}

void cavern_thread_yield(void)
{
    (void)!cavern_sys_thread_control(CAVERN_SELF_THREAD, 0, CAVERN_THREAD_YIELD, 0, 0);
}
