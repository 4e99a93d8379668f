/* SPDX-License-Identifier: BSD-2-Clause */
#include "object/queue.h"

#include <string.h>

#include <cavern/process.h>

#include "arch/arch.h"
#include "object/account.h"
#include "object/attachment.h"
#include "object/interrupt.h"
#include "object/job.h"
#include "object/message.h"
#include "object/notice.h"
#include "object/process.h"
#include "object/request.h"
#include "object/scheduler.h"
#include "object/sender.h"
#include "object/thread.h"

/* --- making --- */

static void init_lists(struct queue *queue)
{
    list_init(&queue->of_process);
    list_init(&queue->senders);
    list_init(&queue->notices);
    list_init(&queue->waiting);
    list_init(&queue->small);
    list_init(&queue->asked);
    list_init(&queue->delivered);
    list_init(&queue->returning);
    tree_init(&queue->spaces);
    list_init(&queue->awaiting);
}

#define FILL_PAGES 16 /* at once */
#define MAP_PAGES 32

/* All but the pages, which queue_fill takes. The caller has checked both numbers. */
static bool take_memory(struct queue *queue, struct account *account, uint64_t blocks, uint64_t slots)
{
    uint64_t control;
    if (!account_take_page(account, &control))
        return false;
    queue->control = arch_direct(control);
    return paged_create(&queue->data, account, blocks * CAVERN_BLOCK_SIZE) &&
           paged_create(&queue->entries, account, blocks * sizeof(struct queue_entry)) &&
           paged_create(&queue->slots, account, slots * sizeof(struct request_slot)) &&
           paged_create(&queue->pending, account, slots * sizeof(struct pending));
}

bool queue_is_complete(const struct queue *queue)
{
    return paged_is_full(&queue->data) && paged_is_full(&queue->entries) && paged_is_full(&queue->slots) &&
           paged_is_full(&queue->pending);
}

enum cavern_status queue_fill(struct queue *queue)
{
    struct account *account = object_account(queue);
    unsigned budget = FILL_PAGES;
    bool filled = paged_fill(&queue->data, account, &budget) && paged_fill(&queue->entries, account, &budget) &&
                  paged_fill(&queue->slots, account, &budget) && paged_fill(&queue->pending, account, &budget);
    return filled ? CAVERN_OK : CAVERN_NO_MEMORY;
}

/* Whether the account has room for all that is missing, so that making it fails at the start rather than half-way. */
static bool is_affordable(const struct queue *queue, struct account *account)
{
    uint64_t bytes =
        ((uint64_t)queue->data.wanted + queue->entries.wanted + queue->slots.wanted + queue->pending.wanted) *
        CAVERN_PAGE_SIZE;
    if (!account_charge(account, bytes))
        return false;
    account_release(account, bytes);
    return true;
}

/* True when all of it is back. */
static bool give_memory(struct queue *queue, struct account *account, unsigned budget)
{
    if (!paged_destroy(&queue->data, account, budget) || !paged_destroy(&queue->entries, account, budget) ||
        !paged_destroy(&queue->slots, account, budget) || !paged_destroy(&queue->pending, account, budget))
        return false;
    if (queue->control)
        account_give_page(account, arch_physical(queue->control));
    queue->control = NULL;
    return true;
}

static bool serve_step(struct job *job);

enum cavern_status queue_create(struct account *account, uint64_t blocks, uint64_t slots, struct queue **result)
{
    struct queue *queue = object_create(account, CLASS_QUEUE);
    if (!queue)
        return CAVERN_NO_MEMORY;
    init_lists(queue);
    job_init(&queue->serving, serve_step, &queue->object);
    if (!take_memory(queue, account, blocks, slots) || !is_affordable(queue, account) || queue_fill(queue)) {
        while (!give_memory(queue, account, PAGED_PAGES_MAX))
            ;
        object_free(queue);
        return CAVERN_NO_MEMORY;
    }
    /* The caller has checked both numbers; without slots the table stays empty. */
    if (!ring_init(&queue->ring, blocks) ||
        (slots &&
         !request_table_init(&queue->requests, (struct request_slot **)queue->slots.directory, (uint32_t)slots)))
        __builtin_unreachable();
    *result = queue;
    return CAVERN_OK;
}

/* --- ring --- */

void *queue_window(const struct queue *queue, uint64_t position, uint64_t offset, uint64_t *length)
{
    uint64_t bytes = queue->ring.capacity * CAVERN_BLOCK_SIZE;
    uint64_t at = (ring_offset(&queue->ring, position) + offset) & (bytes - 1);
    *length = CAVERN_PAGE_SIZE - at % CAVERN_PAGE_SIZE;
    return paged_at(&queue->data, at);
}

void queue_write(struct queue *queue, uint64_t position, uint64_t offset, const void *from, uint64_t size)
{
    const char *source = from;
    while (size) {
        uint64_t length;
        void *to = queue_window(queue, position, offset, &length);
        if (length > size)
            length = size;
        memcpy(to, source, length);
        source += length;
        offset += length;
        size -= length;
    }
}

/* What the kernel kept for a message goes back. `lost`: its taker is gone and never freed it. */
static void entry_release(struct queue_entry *entry, bool lost)
{
    struct queue_entry old = *entry;
    *entry = (struct queue_entry){0};
    if (old.sender)
        sender_message_freed(old.sender);
    if (old.grants)
        grants_free(old.grants);
    if (old.notice)
        notice_message_freed(old.notice, lost);
}

/* Reads the owner's two words once each; a lie starts the end of the process. Head comes after what
 * queue_update_waiters has stored, in the one order of all: the owner has a barrier between its own two, so one sees
 * the other. */
static bool queue_look(struct queue *queue)
{
    if (!queue->process)
        return true; /* nobody to take anything */
    uint64_t head = __atomic_load_n(&queue->control->head, __ATOMIC_SEQ_CST);
    uint64_t taken = __atomic_load_n(&queue->control->taken, __ATOMIC_ACQUIRE);
    if (ring_accept_control(&queue->ring, head, taken))
        return true;
    process_end(queue->process, (uint64_t[5]){CAVERN_REASON_CONTROL_PAGE});
    return false;
}

bool queue_retire(struct queue *queue, unsigned most)
{
    if (!queue_look(queue))
        return false;
    struct ring *ring = &queue->ring;
    uint64_t before = ring->used_from;
    while (most-- && ring->used_from < ring->seen_head) {
        struct queue_entry *entry = queue_entry(queue, ring->used_from);
        uint64_t end = ring->used_from + entry->blocks;
        if (!ring_retirable(ring, end))
            break;
        ring_retire(ring, end);
        entry_release(entry, false);
    }
    if (ring->used_from != before)
        queue_refill(queue);
    return true;
}

struct queue_entry *queue_publish(struct queue *queue, const struct cavern_header *header, uint32_t blocks,
                                  uint32_t reserved, bool straight)
{
    queue_write(queue, queue->ring.tail, 0, header, sizeof *header);
    uint64_t position = reserved ? ring_push_reserved(&queue->ring, reserved, blocks) : ring_push(&queue->ring, blocks);
    struct queue_entry *entry = queue_make_known(queue, position, blocks);
    if (queue->receiver)
        message_wake_receiver(queue, straight);
    return entry;
}

/* --- those who wait for room --- */

static bool serve_step(struct job *job)
{
    struct queue *queue = container_of(job, struct queue, serving);
    uint64_t before = queue->ring.used_from;
    bool unserved = queue->unserved;
    queue->unserved = false;
    if (!queue_retire(queue, JOB_STEP_ITEMS))
        return true;
    if (unserved && queue->ring.used_from == before)
        queue_refill(queue);
    return queue->ring.used_from == before && !queue->unserved;
}

void queue_serve_later(struct queue *queue)
{
    queue->unserved = true;
    if (queue->object.references && !queue->gone) /* else its end serves all */
        job_start(&queue->serving, queue->process ? queue->process->top_priority : 0);
}

void queue_tell_waiting(struct queue *queue)
{
    for (unsigned i = 0; !list_empty(&queue->waiting); i++) {
        if (i == JOB_STEP_ITEMS)
            queue_serve_later(queue);
        if (i == JOB_STEP_ITEMS || !notice_deliver(container_of(list_first(&queue->waiting), struct notice, link)))
            break;
    }
    queue_update_waiters(queue);
}

/* In order, as many as fit together; who is at its own limits steps aside until sender_credited. */
static void serve_spaces(struct queue *queue)
{
    uint64_t blocks = 0, requests = 0;
    for (unsigned i = 0; !tree_empty(&queue->spaces); i++) {
        struct sender *sender = container_of(tree_first(&queue->spaces), struct sender, of_spaces);
        if (i == JOB_STEP_ITEMS) {
            queue_serve_later(queue);
            return;
        }
        if (sender_is_at_limits(sender, sender->space_blocks, sender->space_requests)) {
            tree_remove(&queue->spaces, &sender->of_spaces);
            continue;
        }
        if (!ring_room(&queue->ring, blocks + sender->space_blocks) ||
            request_table_free(&queue->requests) < requests + sender->space_requests)
            return;
        blocks += sender->space_blocks;
        requests += sender->space_requests;
        sender_tell_space(sender);
    }
}

/* The owner stores head and then loads `waiters`; whatever it frees later, it tells by queue_freed. */
void queue_update_waiters(struct queue *queue)
{
    queue->waited_for = !list_empty(&queue->waiting) || queue->asking;
    __atomic_store_n(&queue->control->waiters, queue->waited_for, __ATOMIC_SEQ_CST);
}

void queue_refill_waiting(struct queue *queue)
{
    queue_tell_waiting(queue);
    if (list_empty(&queue->waiting))
        serve_spaces(queue);
    queue_update_waiters(queue);
}

/* --- binding --- */

static uint64_t control_page(void *context, uint64_t i)
{
    struct queue *queue = context;
    (void)i;
    return arch_physical(queue->control);
}

/* The ring, and the ring again. */
static uint64_t ring_page(void *context, uint64_t i)
{
    struct queue *queue = context;
    return arch_physical(queue->data.directory[i % queue->data.pages]);
}

/* Whatever an owner before may have written there. */
static void control_init(struct queue *queue)
{
    struct cavern_control *control = queue->control;
    arch_zero_page(control);
    control->head = control->taken = queue->ring.seen_taken;
    control->bound = control->tail = queue->ring.tail;
    control->blocks = queue->ring.capacity;
    queue_update_waiters(queue);
}

static struct space_pages ring_pages(struct queue *queue)
{
    return (struct space_pages){
        .address = queue->address + CAVERN_PAGE_SIZE,
        .pages = 2 * (uint64_t)queue->data.pages,
        .protection = CAVERN_PROT_READ,
        .page = ring_page,
        .context = queue,
    };
}

enum cavern_status queue_bind(struct queue *queue, struct process *process)
{
    struct space *space = &process->space;
    queue->address = space_find(space, (1 + 2 * (uint64_t)queue->data.pages) * CAVERN_PAGE_SIZE);
    if (!queue->address)
        return CAVERN_NO_MEMORY;
    struct space_pages control = {queue->address, 1, CAVERN_PROT_READ | CAVERN_PROT_WRITE, control_page, queue};
    struct space_pages ring = ring_pages(queue);
    enum cavern_status status = space_take_pages(space, &control);
    if (status)
        return status;
    status = space_take_pages(space, &ring);
    if (status) {
        space_unmap_pages(space, queue->address, 1);
        return status;
    }
    queue->process = process;
    queue->mapped = 0;
    list_push_back(&process->queues, &queue->of_process);
    control_init(queue);
    return CAVERN_OK;
}

bool queue_map_step(struct queue *queue)
{
    struct space_pages ring = ring_pages(queue);
    uint32_t left = 2 * queue->data.pages - queue->mapped, end = queue->mapped + (left < MAP_PAGES ? left : MAP_PAGES);
    space_map_pages(&queue->process->space, &ring, queue->mapped, end);
    queue->mapped = end;
    return queue_is_mapped(queue);
}

static void unbind_from(struct queue *queue, enum queue_unbinding phase, uint64_t freed, uint64_t cut)
{
    queue->freed = freed;
    queue->cut = cut;
    queue->cursor = 0;
    queue->unbinding = phase;
}

/* Out of the process; what had been taken is settled in the steps that follow. */
static void unbind_start(struct queue *queue)
{
    queue_look(queue); /* the owner's last word, if it is believable */
    if (queue->receiver)
        message_wake(queue->receiver, CAVERN_GONE);
    space_unmap_pages(&queue->process->space, queue->address, 1 + 2 * (uint64_t)queue->data.pages);
    queue->process = NULL;
    unbind_from(queue, UNBIND_TAKEN, queue->ring.seen_head, queue->ring.used_from);
}

/* Where the last message ends that was taken, if only in part. */
static bool unbind_taken(struct queue *queue)
{
    const struct ring *ring = &queue->ring;
    if (queue->cut < ring->used_from) /* retired between two steps */
        queue->cut = ring->used_from;
    for (unsigned most = JOB_STEP_ITEMS; queue->cut < ring->seen_taken;) {
        if (!most--)
            return false;
        queue->cut += queue_entry(queue, queue->cut)->blocks;
    }
    return true;
}

/* What the owner took and did not answer is abandoned. */
static bool unbind_requests(struct queue *queue)
{
    uint32_t slots = queue->requests.slots, most = JOB_STEP_ITEMS;
    for (; queue->cursor < slots; queue->cursor++) {
        if (!most--)
            return false;
        uint32_t id = request_id(&queue->requests, queue->cursor);
        struct pending *pending = id ? request_lookup(queue, id) : NULL;
        if (pending && (pending->position < queue->cut || pending->position == PENDING_IN_REGISTERS))
            request_abandon(pending);
    }
    return true;
}

static bool unbind_messages(struct queue *queue)
{
    struct ring *ring = &queue->ring;
    for (unsigned most = JOB_STEP_ITEMS; ring->used_from < queue->cut;) {
        if (!most--)
            return false;
        uint64_t position = ring->used_from;
        struct queue_entry *entry = queue_entry(queue, position);
        ring_unbind(ring, position + entry->blocks);
        entry_release(entry, position >= queue->freed);
    }
    ring_unbind(ring, queue->cut);
    return true;
}

/* Told and not acknowledged: back to the front of those that wait, in order. */
static bool unbind_notices(struct queue *queue)
{
    struct list *node;
    for (unsigned most = JOB_STEP_ITEMS; (node = list_last(&queue->returning));) {
        if (!most--)
            return false;
        struct notice *notice = container_of(node, struct notice, link);
        if (notice->position == NOTICE_TAKEN) {
            notice_return(notice);
            continue;
        }
        list_remove(node); /* its message still waits in the ring */
        list_push_front(&queue->delivered, node);
    }
    return true;
}

static bool unbind_awaiting(struct queue *queue)
{
    for (unsigned most = JOB_STEP_ITEMS; !list_empty(&queue->awaiting);) {
        if (!most--)
            return false;
        request_cancel(container_of(list_first(&queue->awaiting), struct pending, of_reply));
    }
    return true;
}

/* The owner's own subscriptions for room elsewhere report here: nobody wants them any more. */
static bool unbind_spaces(struct queue *queue)
{
    struct list *node;
    for (unsigned most = JOB_STEP_ITEMS; (node = list_first(&queue->asked));) {
        if (!most--)
            return false;
        sender_forget_space(container_of(node, struct sender, space.of_queue));
    }
    return true;
}

bool queue_unbind_step(struct queue *queue)
{
    if (queue->process)
        unbind_start(queue);
    switch (queue->unbinding) {
    case UNBIND_IDLE:
        return true;
    case UNBIND_TAKEN:
        if (!unbind_spaces(queue) || !unbind_taken(queue))
            return false;
        queue->unbinding = UNBIND_REQUESTS;
        return false;
    case UNBIND_REQUESTS:
        if (!unbind_requests(queue))
            return false;
        queue->unbinding = UNBIND_MESSAGES;
        return false;
    case UNBIND_MESSAGES:
        if (!unbind_messages(queue))
            return false;
        list_splice_back(&queue->returning, &queue->delivered);
        queue->unbinding = UNBIND_NOTICES;
        return false;
    case UNBIND_NOTICES:
        if (!unbind_notices(queue))
            return false;
        queue->unbinding = UNBIND_AWAITING;
        return false;
    default:
        if (!unbind_awaiting(queue))
            return false;
        queue->unbinding = UNBIND_IDLE;
        list_remove(&queue->of_process); /* until now, so that the end of the process sees it through */
        if (queue->object.references)    /* else it would never be empty */
            queue_refill_waiting(queue);
        return true;
    }
}

/* --- the end --- */

void queue_handles_gone(struct object *object)
{
    struct queue *queue = container_of(object, struct queue, object);
    queue->gone = true;
    if (queue->receiver)
        message_wake(queue->receiver, CAVERN_GONE);
    job_abandon(&queue->serving); /* which may wait at the lowest priority */
}

static void forget_notice(struct notice *notice)
{
    if (notice->kind == CAVERN_KIND_INTERRUPT)
        interrupt_forget_queue(container_of(notice, struct interrupt, notice));
    else if (notice->kind == CAVERN_KIND_FAULT && notice->owner->type == CAVERN_TYPE_THREAD)
        thread_fault_lost(container_of(notice, struct thread, fault));
    else
        notice_set(notice, NULL, 0);
}

static bool detach_all(struct queue *queue)
{
    for (unsigned most = JOB_STEP_ITEMS;; most--) {
        struct list *sender = list_first(&queue->senders), *notice = list_first(&queue->notices);
        if (!sender && !notice)
            return true;
        if (!most)
            return false;
        if (sender)
            sender_detach(container_of(sender, struct sender, of_queue));
        else
            forget_notice(container_of(notice, struct notice, of_queue));
    }
}

bool queue_destroy(struct object *object)
{
    struct queue *queue = container_of(object, struct queue, object);
    if (queue->process || queue->unbinding) {
        queue_unbind_step(queue);
        return false;
    }
    if (queue->cut != queue->ring.tail || queue->ring.used_from != queue->ring.tail) {
        /* As if an owner had taken all there is. */
        unbind_from(queue, UNBIND_REQUESTS, queue->ring.tail, queue->ring.tail);
        return false;
    }
    if (!detach_all(queue))
        return false;
    struct account *account = object_account(queue);
    if (!give_memory(queue, account, JOB_STEP_ITEMS))
        return false;
    object_free(queue);
    return true;
}
