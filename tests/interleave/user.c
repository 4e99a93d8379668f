/* SPDX-License-Identifier: BSD-2-Clause */
#include "user.h"

#include <assert.h>
#include <string.h>

#include <cavern/handles.h>
#include <cavern/process.h>
#include <cavern/start.h>

#include "core/run_queue.h"
#include "object/queue.h"
#include "processor.h"
#include "syscall/dispatch.h"

#define USERS_MAX 12

static struct user users[USERS_MAX];
static unsigned count;
static uint64_t charged; /* to the root, without any */
static uint64_t seed;

/* --- making --- */

static void run(void)
{
    struct user *user = users;
    while (user->peer.thread != processor_thread())
        user++;
    user->program(user);
    user->done = true;
    (void)!cavern_sys_thread_control(CAVERN_SELF_THREAD, 0, CAVERN_THREAD_END, 0, 0);
    processor_fail("%s goes on after its end", user->name);
}

static struct user *make(const char *name, user_program program)
{
    struct user *user = &users[count++];
    assert(count <= USERS_MAX);
    struct fiber fiber = user->fiber;
    *user = (struct user){.name = name, .program = program, .fiber = fiber};
    random_seed(&user->random, seed * USERS_MAX + count);
    fiber_make(&user->fiber, run);
    return user;
}

void user_attach(struct user *user, uint64_t ring, uint64_t control, uint64_t bound)
{
    struct process *process = user->peer.process;
    cavern_queue_attach(&user->queue, user->queue.handle, (uintptr_t)model_at(process, ring),
                        (uintptr_t)model_at(process, control), bound);
}

struct user *user_process(const char *name, uint8_t priority, uint64_t blocks, uint64_t slots, user_program program)
{
    struct user *user = make(name, program);
    user->first = true;
    peer_start(&user->peer, name, priority, blocks, slots);
    user->queue.handle = user->peer.queue;
    if (blocks)
        user_attach(user, user->peer.ring, user->peer.control, 0);
    return user;
}

struct user *user_thread(struct user *first, const char *name, uint8_t priority, user_program program)
{
    struct user *user = make(name, program);
    user->peer = first->peer;
    user->queue = first->queue;
    user->peer.thread = model_thread(first->peer.process, priority);
    return user;
}

void users_begin(uint64_t new_seed)
{
    count = 0;
    seed = new_seed;
    charged = model_root()->budget.used;
}

/* Nothing more will happen: is that as it should be? Who waits on a queue has taken all that is there. */
static bool is_over(const struct user *user)
{
    uint8_t state = user->peer.thread->state;
    if (state == CAVERN_THREAD_ENDED)
        return user->done || user->may_end;
    return user->may_wait && state == CAVERN_THREAD_RECEIVING &&
           user->queue.control->taken == user->queue.control->tail;
}

static _Noreturn void fail_for(const struct user *user)
{
    static const char *const states[] = {
        [CAVERN_THREAD_READY] = "ready",         [CAVERN_THREAD_RECEIVING] = "receiving",
        [CAVERN_THREAD_CALLING] = "calling",     [CAVERN_THREAD_FAULTED] = "faulted",
        [CAVERN_THREAD_SUSPENDED] = "suspended", [CAVERN_THREAD_ENDED] = "ended",
    };
    processor_fail("%s goes on no more: it is %s", user->name, states[user->peer.thread->state]);
}

void users_end(void)
{
    for (unsigned i = 0; i < count; i++)
        if (!is_over(&users[i]))
            fail_for(&users[i]);
    for (unsigned i = 0; i < count; i++)
        process_end(users[i].peer.process, (const uint64_t[5]){CAVERN_REASON_ENDED});
    model_settle();
    for (unsigned i = 0; i < count; i++) {
        object_put(&users[i].peer.thread->object); /* as it was made */
        if (users[i].first)
            object_put(&users[i].peer.process->object); /* the same */
    }
    model_settle();
    if (model_root()->budget.used != charged)
        processor_fail("%ld bytes are charged to nobody", (long)(model_root()->budget.used - charged));
}

/* --- what is always so --- */

static struct user *user_of(const struct thread *thread)
{
    for (unsigned i = 0; i < count; i++)
        if (users[i].peer.thread == thread)
            return &users[i];
    processor_fail("a thread goes on that nobody made");
}

struct fiber *user_fiber(const struct thread *thread)
{
    return &user_of(thread)->fiber;
}

/* [SCHED-16] Nothing of it has been taken back. */
void user_check(const struct thread *thread)
{
    const struct user *user = user_of(thread);
    if (arch_cpu()->current != thread || thread->state != CAVERN_THREAD_READY)
        processor_fail("%s goes on though it is not to", user->name);
    if (!thread->process->space.arch.root)
        processor_fail("%s goes on without memory", user->name);
}

static void check_thread(const struct user *user)
{
    const struct thread *thread = user->peer.thread;
    unsigned places = run_queue_queued(&thread->runnable);
    for (unsigned cpu = 0; cpu < scheduler.cpu_count; cpu++)
        places += scheduler.cpus[cpu]->current == thread;
    if (places != (thread->state == CAVERN_THREAD_READY))
        processor_fail("%s stands in %u places, in state %u", user->name, places, thread->state);
}

static bool queue_invariants(const struct queue *queue)
{
    const struct thread *receiver = queue->receiver;
    return ring_invariants(&queue->ring) && request_table_invariants(&queue->requests) && !queue->claimed &&
           (!receiver || (receiver->state == CAVERN_THREAD_RECEIVING && receiver->wait.queue == queue));
}

static bool control_is_so(const struct queue *queue)
{
    return queue->control->tail == queue->ring.tail && queue->control->waiters == queue->waited_for;
}

static void check_queues(const struct user *user, bool control_pages)
{
    const struct process *process = user->peer.thread->process;
    for (const struct list *node = process->queues.next; node != &process->queues; node = node->next) {
        const struct queue *queue = container_of(node, const struct queue, of_process);
        if (!queue_invariants(queue) || (control_pages && !control_is_so(queue)))
            processor_fail("a queue of %s is not as it should be", user->name);
    }
}

void user_check_objects(bool control_pages)
{
    if (!run_queue_invariants(&scheduler.ready) || !run_queue_invariants(&scheduler.jobs))
        processor_fail("a run queue is not as it should be");
    for (unsigned i = 0; i < count; i++) {
        check_thread(&users[i]);
        check_queues(&users[i], control_pages);
    }
}

/* --- what programs do --- */

enum cavern_status user_call(enum cavern_call call, uint64_t x[16])
{
    struct thread *thread = processor_thread();
    struct user *user = user_of(thread);
    uint64_t start = thread->context.pc;
    processor_say("%s: %s(0x%lx, %lu, ...)", user->name, sys_names[call], (unsigned long)x[0], (unsigned long)x[2]);
    memcpy(thread->context.x, x, 16 * sizeof *x);
    thread->context.x[1] |= (uint64_t)call << 16;
    do {
        thread->context.pc = start + 4;
        processor_call();
    } while (thread->context.pc == start);
    thread->context.pc = start;
    memcpy(x, thread->context.x, 16 * sizeof *x);
    processor_say("%s: %s is %lu", user->name, sys_names[call], (unsigned long)x[0]);
    return (enum cavern_status)x[0];
}

/* What libcavern's queue.c refers to. */

void cavern_handle_close(cavern_handle handle)
{
    (void)!cavern_sys_handle_close(handle);
}

const struct cavern_startup_handle *cavern_startup_find(const char *name)
{
    (void)name;
    return NULL;
}
