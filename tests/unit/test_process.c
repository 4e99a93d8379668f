/* SPDX-License-Identifier: BSD-2-Clause */
/* Making, ending and succeeding processes. spec/processes.md. */
#include "unit.h"

#include "object/buffer.h"
#include "object/machine.h"
#include "object/queue.h"
#include "peer.h"

static struct peer parent;
static struct taken got;

static int start(void **state)
{
    (void)state;
    model_start(64 << 20);
    peer_start(&parent, "parent", 20, 64, 8);
    return 0;
}

/* --- helpers --- */

static uint64_t used(void)
{
    return parent.process->account->budget.used;
}

static cavern_handle create(cavern_handle predecessor, uint64_t flags)
{
    assert_int_equal(peer_call(&parent, PROCESS_CREATE,
                               CAVERN_SELF_ACCOUNT, [2] = predecessor, [3] = flags, [4] = 0x646c696863 /* "child" */),
                     CAVERN_OK);
    return parent.x[1];
}

static void *object_of(const struct peer *peer, cavern_handle handle, uint8_t type)
{
    void *object;
    assert_int_equal(process_lookup(peer->process, handle, type, 0, &object), CAVERN_OK);
    return object;
}

static cavern_handle add_thread(cavern_handle process, uint64_t priority)
{
    assert_int_equal(peer_call(&parent, THREAD_CREATE, process, [2] = priority, [3] = 0x400000), CAVERN_OK);
    return parent.x[1];
}

/* A running child with one thread. */
static cavern_handle spawn(struct peer *child, uint64_t flags)
{
    cavern_handle process = create(CAVERN_NO_HANDLE, flags), thread = add_thread(process, 20);
    *child = (struct peer){.thread = object_of(&parent, thread, CAVERN_TYPE_THREAD)};
    child->process = child->thread->process;
    assert_int_equal(peer_call(&parent, HANDLE_CLOSE, thread), CAVERN_OK);
    return process;
}

static void watch(cavern_handle source, uint64_t label)
{
    assert_int_equal(peer_call(&parent, NOTIFY, source, [2] = label, [3] = parent.queue), CAVERN_OK);
}

/* The next message of the parent is an exit notice with these words. */
static void expect_exit(uint64_t label, uint64_t reason, uint64_t code)
{
    uint64_t words[5];
    assert_true(peer_take(&parent, &got));
    assert_int_equal(got.header.kind, CAVERN_KIND_EXIT);
    assert_int_equal(got.header.size, sizeof words);
    assert_int_equal(got.header.label, label);
    memcpy(words, got.body, sizeof words);
    assert_int_equal(words[CAVERN_EXIT_REASON], reason);
    assert_int_equal(words[CAVERN_EXIT_CODE], code);
    peer_free(&parent);
}

/* --- making --- */

/* [PROC-CREATE-1] [ABI-HANDLE-1] [ABI-HANDLE-2] [ABI-HANDLE-5] */
static void test_process_new_has_the_fixed_handles_alone(void **state)
{
    (void)state;
    struct peer child;
    spawn(&child, 0);
    assert_int_equal(child.process->handles.used, 0);
    assert_int_equal(child.process->space.mapped, 0);
    assert_ptr_equal(object_of(&child, CAVERN_SELF_PROCESS, CAVERN_TYPE_PROCESS), child.process);
    assert_ptr_equal(object_of(&child, CAVERN_SELF_ACCOUNT, CAVERN_TYPE_ACCOUNT), parent.process->account);
    struct object *object;
    uint16_t rights;
    assert_int_equal(process_lookup_any(child.process, CAVERN_SELF_ACCOUNT, &object, &rights), CAVERN_OK);
    assert_int_equal(rights, CAVERN_RIGHT_CHARGE | CAVERN_RIGHT_INSPECT);
    assert_int_equal(process_lookup_any(child.process, CAVERN_NO_HANDLE, &object, &rights), CAVERN_BAD_HANDLE);
    assert_int_equal(peer_call(&child, SIGNAL_CREATE, CAVERN_SELF_ACCOUNT), CAVERN_OK);
    assert_int_equal(child.x[1], 0x1000004);
    assert_memory_equal(child.process->name, "child\0\0\0\0\0\0\0\0\0\0", CAVERN_NAME_SIZE);
}

/* [ABI-HANDLE-5] */
static void test_process_self_thread_is_the_one_that_asks(void **state)
{
    (void)state;
    struct thread *other = model_thread(parent.process, 20);
    struct peer second = {.thread = other, .process = parent.process};
    assert_int_equal(peer_call(&second, THREAD_CONTROL, CAVERN_SELF_THREAD, [3] = CAVERN_THREAD_SET, [4] = 3),
                     CAVERN_OK);
    assert_int_equal(other->runnable.priority, 3);
    assert_int_equal(parent.thread->runnable.priority, 20);
    assert_int_equal(peer_call(&second, SIGNAL_RAISE, CAVERN_SELF_THREAD), CAVERN_BAD_HANDLE);
}

/* [PROC-CREATE-2] [PROC-CREATE-4] */
static void test_process_ids_are_not_used_twice(void **state)
{
    (void)state;
    uint32_t last = 0;
    for (unsigned i = 0; i < 20; i++) {
        cavern_handle child = create(CAVERN_NO_HANDLE, 0);
        uint32_t id = ((struct process *)object_of(&parent, child, CAVERN_TYPE_PROCESS))->id;
        assert_true(i == 0 || id == last + 1);
        last = id;
        assert_int_equal(peer_call(&parent, HANDLE_CLOSE, child), CAVERN_OK);
        model_fail_allocation(1);
        assert_int_equal(peer_call(&parent, PROCESS_CREATE, CAVERN_SELF_ACCOUNT), CAVERN_NO_MEMORY);
        model_fail_allocation(0);
    }
    machine->last_process = UINT32_MAX - 1;
    create(CAVERN_NO_HANDLE, 0);
    assert_int_equal(machine->last_process, UINT32_MAX);
    assert_int_equal(peer_call(&parent, PROCESS_CREATE, CAVERN_SELF_ACCOUNT), CAVERN_NO_MEMORY);
}

/* [PROC-CREATE-3] */
static void test_process_ended_takes_nothing_more(void **state)
{
    (void)state;
    cavern_handle child = create(CAVERN_NO_HANDLE, 0);
    assert_int_equal(peer_call(&parent, PROCESS_END, child), CAVERN_OK);
    assert_int_equal(peer_call(&parent, THREAD_CREATE, child, [2] = 1), CAVERN_GONE);
    assert_int_equal(peer_call(&parent, HANDLE_GIVE, child, [2] = parent.queue), CAVERN_GONE);
    assert_int_equal(peer_call(&parent, QUEUE_CREATE, CAVERN_SELF_ACCOUNT, [3] = 64), CAVERN_OK);
    assert_int_equal(peer_call(&parent, QUEUE_BIND, parent.x[1], [2] = child), CAVERN_GONE);
    assert_int_equal(peer_call(&parent, BUFFER_CREATE, CAVERN_SELF_ACCOUNT, [3] = 4096), CAVERN_OK);
    assert_int_equal(peer_call(&parent, MAP, child, [2] = parent.x[1], [4] = 4096, [6] = CAVERN_PROT_READ),
                     CAVERN_GONE);
}

/* [ABI-CALL-3] */
static void test_process_create_bad_arguments_refused(void **state)
{
    (void)state;
    uint64_t before = used();
    assert_int_equal(peer_call(&parent, PROCESS_CREATE, CAVERN_SELF_ACCOUNT, [3] = 2), CAVERN_BAD_ARGUMENT);
    assert_int_equal(peer_call(&parent, PROCESS_CREATE, CAVERN_SELF_ACCOUNT, [3] = 1ull << 40), CAVERN_BAD_ARGUMENT);
    assert_int_equal(peer_call(&parent, PROCESS_CREATE, CAVERN_SELF_PROCESS), CAVERN_BAD_HANDLE);
    assert_int_equal(peer_call(&parent, PROCESS_CREATE, CAVERN_SELF_ACCOUNT, [2] = 77), CAVERN_BAD_HANDLE);
    assert_int_equal(used(), before);
}

/* [ABI-FAIL-1] Whatever page is missing, nothing is left behind. */
static void test_process_create_without_memory_changes_nothing(void **state)
{
    (void)state;
    uint64_t before = used(), objects = parent.process->account->objects;
    unsigned failures = 0;
    for (unsigned n = 1;; n++, failures++) {
        model_fail_allocation(n);
        uint64_t status = peer_call(&parent, PROCESS_CREATE, CAVERN_SELF_ACCOUNT);
        model_fail_allocation(0);
        if (status == CAVERN_OK)
            break;
        assert_int_equal(status, CAVERN_NO_MEMORY);
        assert_int_equal(parent.x[1], 0);
        assert_int_equal(used(), before);
        assert_int_equal(parent.process->account->objects, objects);
    }
    assert_true(failures >= 3);
    assert_int_equal(peer_call(&parent, HANDLE_CLOSE, parent.x[1]), CAVERN_OK);
    assert_int_equal(used(), before);
}

/* --- ending --- */

/* [PROC-END-1] [ABI-HANDLE-7] */
static void test_process_end_by_itself_is_told(void **state)
{
    (void)state;
    struct peer child;
    cavern_handle process = spawn(&child, 0);
    watch(process, 5);
    peer_call(&child, PROCESS_END, CAVERN_SELF_PROCESS, [3] = 42);
    expect_exit(5, CAVERN_REASON_EXITED, 42);
    assert_int_equal(child.process->state, CAVERN_PROCESS_ZOMBIE);
}

/* [PROC-END-1] */
static void test_process_end_by_another_first_counts(void **state)
{
    (void)state;
    struct peer child;
    cavern_handle process = spawn(&child, 0);
    watch(process, 5);
    assert_int_equal(peer_call(&parent, PROCESS_END, process, [3] = 42), CAVERN_OK);
    assert_int_equal(peer_call(&parent, PROCESS_END, process, [3] = 43), CAVERN_OK);
    expect_exit(5, CAVERN_REASON_ENDED, 42);
    assert_int_equal(child.process->exit.words[CAVERN_EXIT_CODE], 42); /* what `inspect` shows */
    assert_false(peer_take(&parent, &got));
}

/* [PROC-END-2] [PROC-END-5] */
static void test_process_ends_with_its_last_thread(void **state)
{
    (void)state;
    cavern_handle process = create(CAVERN_NO_HANDLE, 0);
    watch(process, 1);
    cavern_handle first = add_thread(process, 20), second = add_thread(process, 20);
    watch(first, 2);
    watch(second, 3);
    assert_int_equal(peer_call(&parent, THREAD_CONTROL, first, [3] = CAVERN_THREAD_END, [4] = 7), CAVERN_OK);
    expect_exit(2, CAVERN_REASON_ENDED, 7);
    assert_false(peer_take(&parent, &got));
    struct peer last = {.thread = object_of(&parent, second, CAVERN_TYPE_THREAD)};
    last.process = last.thread->process;
    peer_call(&last, THREAD_CONTROL, CAVERN_SELF_THREAD, [3] = CAVERN_THREAD_END, [4] = 8);
    expect_exit(3, CAVERN_REASON_EXITED, 8);
    expect_exit(1, CAVERN_REASON_THREADS, 8);
}

/* [PROC-END-5] */
static void test_process_end_tells_for_each_thread(void **state)
{
    (void)state;
    cavern_handle process = create(CAVERN_NO_HANDLE, 0), thread = add_thread(process, 20);
    watch(thread, 9);
    assert_int_equal(peer_call(&parent, PROCESS_END, process, [3] = 4), CAVERN_OK);
    expect_exit(9, CAVERN_REASON_ENDED, 4);
}

/* [PROC-END-2] */
static void test_process_without_thread_lives_until_dropped(void **state)
{
    (void)state;
    uint64_t before = used();
    cavern_handle process = create(CAVERN_NO_HANDLE, 0);
    struct process *object = object_of(&parent, process, CAVERN_TYPE_PROCESS);
    assert_int_equal(peer_call(&parent, HANDLE_GIVE, process, [2] = parent.queue, [3] = CAVERN_RIGHT_COPY), CAVERN_OK);
    model_memory(object, 3 * 4096);
    assert_int_equal(object->state, CAVERN_PROCESS_NEW);
    assert_int_equal(peer_call(&parent, HANDLE_CLOSE, process), CAVERN_OK);
    assert_int_equal(used(), before);
    assert_int_equal(peer_queue(&parent)->object.handles, 1);
}

/* [PROC-END-3] [PROC-END-4] */
static void test_process_end_gives_everything_back_but_the_zombie(void **state)
{
    (void)state;
    uint64_t before = used(), objects = parent.process->account->objects;
    cavern_handle process = create(CAVERN_NO_HANDLE, 0);
    struct process *object = object_of(&parent, process, CAVERN_TYPE_PROCESS);
    model_memory(object, 2 << 20);
    for (unsigned i = 0; i < 300; i++)
        assert_int_equal(peer_call(&parent, HANDLE_GIVE, process, [2] = parent.queue), CAVERN_OK);
    for (unsigned i = 0; i < 130; i++)
        assert_int_equal(peer_call(&parent, HANDLE_CLOSE, add_thread(process, 20)), CAVERN_OK);
    watch(process, 1);
    assert_int_equal(object->thread_count, 130);
    assert_int_equal(peer_call(&parent, PROCESS_END, process, [3] = 42), CAVERN_OK);
    expect_exit(1, CAVERN_REASON_ENDED, 42);
    assert_int_equal(parent.process->account->objects, objects + 1); /* the zombie, in a page that it shares */
    assert_int_equal(used(), before);
    assert_int_equal(peer_queue(&parent)->object.handles, 1);
    assert_int_equal(object->thread_count, 0);
    assert_int_equal(object->exit.words[CAVERN_EXIT_CODE], 42);
    assert_int_equal(peer_call(&parent, HANDLE_CLOSE, process), CAVERN_OK);
    assert_int_equal(used(), before);
    assert_null(process_next(parent.process->id));
}

/* [PROC-END-3] A call of an ending thread is cancelled, its queue unbound. */
static void test_process_end_leaves_queues_and_waits(void **state)
{
    (void)state;
    struct peer child, other;
    cavern_handle process = spawn(&child, 0);
    peer_start(&other, "other", 15, 64, 4);
    assert_int_equal(peer_call(&child, QUEUE_CREATE, CAVERN_SELF_ACCOUNT, [3] = 64, [4] = 200), CAVERN_OK);
    child.queue = child.x[1];
    assert_int_equal(peer_call(&child, QUEUE_BIND, child.queue, [2] = CAVERN_SELF_PROCESS), CAVERN_OK);
    struct queue *queue = peer_queue(&child);
    cavern_handle kept = model_give(parent.process, &queue->object, CAVERN_RIGHTS_ALL);
    struct thread *caller = model_thread(child.process, 20);
    assert_int_equal(peer_call(&child, RECEIVE, child.queue, [9] = CAVERN_FOREVER), MODEL_WAITS);
    struct peer second = {.thread = caller, .process = child.process};
    cavern_handle sender = peer_sender(&second, &other, 3, 4, 4, 0);
    assert_int_equal(peer_call(&second, CALL, sender, [9] = CAVERN_FOREVER), MODEL_WAITS);
    assert_int_equal(peer_call(&parent, PROCESS_END, process), CAVERN_OK);
    assert_int_equal(child.process->state, CAVERN_PROCESS_ZOMBIE);
    assert_null(queue->process);
    assert_null(queue->receiver);
    assert_true(list_empty(&child.process->queues));
    assert_int_equal(peer_call(&parent, QUEUE_BIND, kept, [2] = CAVERN_SELF_PROCESS), CAVERN_OK);
}

/* A process that holds a handle to itself still goes. */
static void test_process_end_with_own_handle(void **state)
{
    (void)state;
    uint64_t before = used();
    struct peer child;
    cavern_handle process = spawn(&child, 0);
    assert_int_equal(peer_call(&child, HANDLE_GIVE, CAVERN_SELF_PROCESS, [2] = CAVERN_SELF_PROCESS, [3] = 1),
                     CAVERN_OK);
    assert_int_equal(peer_call(&child, HANDLE_GIVE, CAVERN_SELF_PROCESS, [2] = CAVERN_SELF_THREAD, [3] = 1), CAVERN_OK);
    assert_int_equal(peer_call(&parent, HANDLE_CLOSE, process), CAVERN_OK);
    peer_call(&child, PROCESS_END, CAVERN_SELF_PROCESS);
    assert_int_equal(used(), before);
}

/* [PROC-END-3] Looked at between its steps, the end has not been told before everything is back. */
static void test_process_end_is_told_last(void **state)
{
    (void)state;
    uint64_t before = used();
    cavern_handle process = create(CAVERN_NO_HANDLE, 0);
    struct process *object = object_of(&parent, process, CAVERN_TYPE_PROCESS);
    model_memory(object, 2 << 20);
    for (unsigned i = 0; i < 500; i++)
        assert_int_equal(peer_call(&parent, HANDLE_GIVE, process, [2] = parent.queue), CAVERN_OK);
    add_thread(process, 20);
    watch(process, 1);
    model_interrupt_pending(true);
    process_end(object, (uint64_t[5]){CAVERN_REASON_ENDED});
    unsigned steps = 0;
    for (; object->exit.state != NOTICE_DELIVERED; steps++) {
        assert_true(steps < 1000 && used() >= before);
        (void)scheduler_next();
    }
    assert_true(steps > 4);
    assert_int_equal(object->state, CAVERN_PROCESS_ZOMBIE);
    assert_in_range(used(), before, before + 2 * 4096); /* the zombie; the handle to its thread */
    model_interrupt_pending(false);
}

/* The end goes on in steps, and what runs meanwhile is never a thread of the process. */
static void test_process_end_lets_interrupts_in(void **state)
{
    (void)state;
    struct peer child;
    cavern_handle process = spawn(&child, 0);
    for (unsigned i = 0; i < 200; i++)
        model_thread(child.process, 25);
    watch(process, 1);
    model_interrupt_pending(true);
    process_end(child.process, (uint64_t[5]){CAVERN_REASON_ENDED});
    unsigned entries = 0;
    for (; child.process->state != CAVERN_PROCESS_ZOMBIE; entries++) {
        struct thread *next = scheduler_next();
        assert_true(entries < 100 && (!next || next->process != child.process));
    }
    assert_true(entries > 4);
    model_interrupt_pending(false);
    expect_exit(1, CAVERN_REASON_ENDED, 0);
}

/* [PROC-END-3] What a thread of low priority has closed is not back when the process ends: it is when that is told. */
static void test_process_end_takes_over_what_was_closed(void **state)
{
    (void)state;
    struct peer child;
    spawn(&child, 0);
    uint64_t before = used();
    struct peer low = {.thread = model_thread(child.process, 3), .process = child.process};
    assert_int_equal(peer_call(&low, BUFFER_CREATE, CAVERN_SELF_ACCOUNT, [3] = 4 << 20), CAVERN_OK);
    assert_int_equal(process_close(child.process, low.x[1]), CAVERN_OK); /* preempted before the reaper runs */
    model_interrupt_pending(true);
    process_end(child.process, (uint64_t[5]){CAVERN_REASON_ENDED});
    for (unsigned entries = 0; child.process->state != CAVERN_PROCESS_ZOMBIE; entries++) {
        assert_true(entries < 200);
        (void)scheduler_next();
    }
    assert_true(used() <= before);
    model_interrupt_pending(false);
}

/* [MEM-ACCOUNT-6] A queue that is bound to nobody serves who waits for it at the lowest priority; not when it is gone.
 */
static void test_queue_that_goes_does_not_wait_to_serve(void **state)
{
    (void)state;
    assert_int_equal(peer_call(&parent, QUEUE_CREATE, CAVERN_SELF_ACCOUNT, [3] = 64), CAVERN_OK);
    cavern_handle other = parent.x[1]; /* takes the pages of slabs and tables that stay */
    uint64_t before = used();
    assert_int_equal(peer_call(&parent, QUEUE_CREATE, CAVERN_SELF_ACCOUNT, [3] = 64), CAVERN_OK);
    queue_serve_later(object_of(&parent, parent.x[1], CAVERN_TYPE_QUEUE));
    assert_int_equal(process_close(parent.process, parent.x[1]), CAVERN_OK);
    assert_ptr_equal(scheduler_next(), parent.thread); /* not idle: nothing of the lowest priority has run */
    assert_int_equal(used(), before);
    assert_int_equal(peer_call(&parent, HANDLE_CLOSE, other), CAVERN_OK);
}

/* A process whose threads rank below the one that ends it ends at that one's priority. */
static void test_process_end_hastened_by_who_asked(void **state)
{
    (void)state;
    cavern_handle process = create(CAVERN_NO_HANDLE, 0);
    struct process *object = object_of(&parent, process, CAVERN_TYPE_PROCESS);
    add_thread(process, 2);
    struct thread *middle = model_thread(parent.process, 15);
    assert_int_equal(peer_call(&parent, PROCESS_END, process), CAVERN_OK);
    assert_int_equal(object->state, CAVERN_PROCESS_ZOMBIE);
    assert_int_equal(middle->cpu_time, 0);
}

/* [PROC-FAULT-1] [PROC-FAULT-7] */
static void test_process_fault_ends_it_with_reason_and_place(void **state)
{
    (void)state;
    struct peer child;
    cavern_handle process = spawn(&child, 0);
    watch(process, 1);
    peer_call(&child, NOP, 0);
    child.thread->context.pc = 0x401234;
    thread_fault(child.thread, CAVERN_FAULT_DATA_UNMAPPED, 0x18, 0);
    model_settle();
    expect_exit(1, CAVERN_REASON_FAULT, 0);
    uint64_t words[5];
    memcpy(words, got.body, sizeof words);
    assert_int_equal(words[CAVERN_EXIT_FAULT], CAVERN_FAULT_DATA_UNMAPPED);
    assert_int_equal(words[CAVERN_EXIT_PC], 0x401234);
    assert_int_equal(words[CAVERN_EXIT_ADDRESS], 0x18);
    assert_non_null(strstr(model_output(), "child"));
    assert_non_null(strstr(model_output(), "pc 0x401234, address 0x18"));
    assert_int_equal(peer_call(&parent, NOP, 0), CAVERN_OK);
}

/* --- succession --- */

/* [PROC-SUCCESSION-1] */
static void test_process_successor_takes_the_table_over(void **state)
{
    (void)state;
    struct peer child;
    cavern_handle first = spawn(&child, CAVERN_PROCESS_KEEP);
    assert_int_equal(peer_call(&child, SIGNAL_CREATE, CAVERN_SELF_ACCOUNT), CAVERN_OK);
    cavern_handle signal = child.x[1], copy;
    void *object = object_of(&child, signal, CAVERN_TYPE_SIGNAL);
    assert_int_equal(
        peer_call(&child, HANDLE_GIVE, CAVERN_SELF_PROCESS, [2] = signal, [3] = CAVERN_RIGHT_RAISE, [4] = 0x7000040),
        CAVERN_OK);
    copy = child.x[1];
    peer_call(&child, PROCESS_END, CAVERN_SELF_PROCESS);
    assert_true(child.process->table_kept);

    uint32_t old = child.process->id;
    cavern_handle second = create(first, 0);
    assert_int_equal(peer_call(&parent, HANDLE_CLOSE, first), CAVERN_OK);
    struct peer heir = {.thread = object_of(&parent, add_thread(second, 20), CAVERN_TYPE_THREAD)};
    heir.process = heir.thread->process;
    assert_int_not_equal(heir.process->id, old);
    assert_ptr_equal(object_of(&heir, CAVERN_SELF_PROCESS, CAVERN_TYPE_PROCESS), heir.process);
    assert_ptr_equal(object_of(&heir, signal, CAVERN_TYPE_SIGNAL), object);
    assert_int_equal(peer_call(&heir, SIGNAL_RAISE, copy), CAVERN_OK);
    assert_int_equal(peer_call(&heir, NOTIFY, copy), CAVERN_DENIED);
    assert_int_equal(peer_call(&heir, SIGNAL_RAISE, signal), CAVERN_OK);
}

/* [PROC-SUCCESSION-2] */
static void test_process_succession_refused(void **state)
{
    (void)state;
    struct peer child;
    cavern_handle running = spawn(&child, CAVERN_PROCESS_KEEP), plain = create(CAVERN_NO_HANDLE, 0);
    assert_int_equal(peer_call(&parent, PROCESS_CREATE, CAVERN_SELF_ACCOUNT, [2] = running), CAVERN_BUSY);
    assert_int_equal(peer_call(&parent, PROCESS_END, plain), CAVERN_OK);
    assert_int_equal(peer_call(&parent, PROCESS_CREATE, CAVERN_SELF_ACCOUNT, [2] = plain), CAVERN_BUSY);
    assert_int_equal(peer_call(&parent, PROCESS_END, running), CAVERN_OK);
    create(running, 0);
    assert_int_equal(peer_call(&parent, PROCESS_CREATE, CAVERN_SELF_ACCOUNT, [2] = running), CAVERN_BUSY);
}

/* [PROC-SUCCESSION-4] */
static void test_process_succession_into_another_account_refused(void **state)
{
    (void)state;
    struct peer child;
    cavern_handle first = spawn(&child, CAVERN_PROCESS_KEEP);
    assert_int_equal(peer_call(&parent, PROCESS_END, first), CAVERN_OK);
    struct account *other = account_create(model_root(), 1 << 20, 31);
    cavern_handle account = model_give(parent.process, &other->object, CAVERN_RIGHTS_ALL);
    assert_int_equal(peer_call(&parent, PROCESS_CREATE, account, [2] = first), CAVERN_BAD_ARGUMENT);
    assert_true(child.process->table_kept);
}

/* [PROC-SUCCESSION-3] */
static void test_process_kept_table_without_successor_is_closed(void **state)
{
    (void)state;
    uint64_t before = used();
    struct peer child;
    cavern_handle process = spawn(&child, CAVERN_PROCESS_KEEP);
    for (unsigned i = 0; i < 300; i++)
        assert_int_equal(peer_call(&parent, HANDLE_GIVE, process, [2] = parent.queue), CAVERN_OK);
    assert_int_equal(peer_call(&parent, PROCESS_END, process), CAVERN_OK);
    assert_int_equal(peer_queue(&parent)->object.handles, 301);
    assert_int_equal(peer_call(&parent, HANDLE_CLOSE, process), CAVERN_OK);
    assert_int_equal(peer_queue(&parent)->object.handles, 1);
    assert_int_equal(used(), before);
}

/* [ABI-FAIL-1] */
static void test_process_succession_without_memory_keeps_the_table(void **state)
{
    (void)state;
    struct peer child;
    cavern_handle first = spawn(&child, CAVERN_PROCESS_KEEP);
    assert_int_equal(peer_call(&parent, PROCESS_END, first), CAVERN_OK);
    uint64_t before = used();
    for (unsigned n = 1;; n++) {
        model_fail_allocation(n);
        uint64_t status = peer_call(&parent, PROCESS_CREATE, CAVERN_SELF_ACCOUNT, [2] = first);
        model_fail_allocation(0);
        if (status == CAVERN_OK)
            break;
        assert_true(child.process->table_kept);
        assert_int_equal(used(), before);
    }
    assert_false(child.process->table_kept);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_process_new_has_the_fixed_handles_alone, start),
        cmocka_unit_test_setup(test_process_self_thread_is_the_one_that_asks, start),
        cmocka_unit_test_setup(test_process_ids_are_not_used_twice, start),
        cmocka_unit_test_setup(test_process_ended_takes_nothing_more, start),
        cmocka_unit_test_setup(test_process_create_bad_arguments_refused, start),
        cmocka_unit_test_setup(test_process_create_without_memory_changes_nothing, start),
        cmocka_unit_test_setup(test_process_end_by_itself_is_told, start),
        cmocka_unit_test_setup(test_process_end_by_another_first_counts, start),
        cmocka_unit_test_setup(test_process_ends_with_its_last_thread, start),
        cmocka_unit_test_setup(test_process_end_tells_for_each_thread, start),
        cmocka_unit_test_setup(test_process_without_thread_lives_until_dropped, start),
        cmocka_unit_test_setup(test_process_end_gives_everything_back_but_the_zombie, start),
        cmocka_unit_test_setup(test_process_end_leaves_queues_and_waits, start),
        cmocka_unit_test_setup(test_process_end_with_own_handle, start),
        cmocka_unit_test_setup(test_process_end_is_told_last, start),
        cmocka_unit_test_setup(test_process_end_lets_interrupts_in, start),
        cmocka_unit_test_setup(test_process_end_hastened_by_who_asked, start),
        cmocka_unit_test_setup(test_process_end_takes_over_what_was_closed, start),
        cmocka_unit_test_setup(test_queue_that_goes_does_not_wait_to_serve, start),
        cmocka_unit_test_setup(test_process_fault_ends_it_with_reason_and_place, start),
        cmocka_unit_test_setup(test_process_successor_takes_the_table_over, start),
        cmocka_unit_test_setup(test_process_succession_refused, start),
        cmocka_unit_test_setup(test_process_succession_into_another_account_refused, start),
        cmocka_unit_test_setup(test_process_kept_table_without_successor_is_closed, start),
        cmocka_unit_test_setup(test_process_succession_without_memory_keeps_the_table, start),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
