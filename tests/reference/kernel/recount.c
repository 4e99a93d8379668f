/* SPDX-License-Identifier: BSD-2-Clause */
#include "recount.h"

#include <stdio.h>
#include <stdlib.h>

#include "core/slab.h"
#include "model.h"
#include "object/attachment.h"
#include "object/buffer.h"
#include "object/dma.h"
#include "object/interrupt.h"
#include "object/machine.h"
#include "object/queue.h"
#include "object/request.h"
#include "object/sender.h"
#include "object/signal.h"
#include "object/space.h"
#include "object/thread.h"

enum { OBJECTS_MOST = 1 << 14, RAM_MOST = 256 << 20 };

static struct live {
    struct object *object;
    uint32_t references, handles; /* as counted */
} live[OBJECTS_MOST];
static unsigned live_count;
static uint16_t places[RAM_MOST / SLAB_ALIGNMENT]; /* in `live`, from 1 on, by physical address; 0: not there */
static const char *wrong;                          /* NULL: nothing */

void *__real_account_slab_take(struct account *account, enum object_class_id class);
void *__wrap_account_slab_take(struct account *account, enum object_class_id class);
void __real_account_slab_give(void *object);
void __wrap_account_slab_give(void *object);

/* --- who is there --- */

static uint16_t *place_of(const void *object)
{
    return &places[(arch_physical(object) - MODEL_RAM_BASE) % RAM_MOST / SLAB_ALIGNMENT];
}

static struct live *find(const void *object)
{
    uint16_t place = object ? *place_of(object) : 0;
    return place ? &live[place - 1] : NULL;
}

static void add(struct object *object)
{
    if (live_count == OBJECTS_MOST)
        abort();
    live[live_count++].object = object;
    *place_of(object) = (uint16_t)live_count;
}

static void forget(struct live *gone)
{
    *place_of(gone->object) = 0;
    *gone = live[--live_count];
    if (gone != &live[live_count])
        *place_of(gone->object) = (uint16_t)(gone - live + 1);
}

void *__wrap_account_slab_take(struct account *account, enum object_class_id class)
{
    struct object *object = __real_account_slab_take(account, class);
    if (object)
        add(object);
    return object;
}

void __wrap_account_slab_give(void *object)
{
    struct live *gone = find(object);
    if (gone)
        forget(gone);
    __real_account_slab_give(object);
}

void recount_start(void)
{
    while (live_count)
        forget(&live[live_count - 1]);
}

bool recount_is_live(const void *object)
{
    return find(object);
}

/* --- who holds whom --- */

static void count(const struct object *object, bool handle)
{
    struct live *held = find(object);
    if (held) {
        held->references++;
        held->handles += handle;
    } else {
        wrong = "an object is held that is not there";
    }
}

static void count_notice(const struct notice *notice)
{
    if (notice->state == NOTICE_WAITING)
        count(notice->owner, false);
}

static void count_process(struct process *process)
{
    count(&process->account->object, false);
    count_notice(&process->exit);
    if (process->faulter)
        count(&process->faulter->object, false);
    cavern_handle handle;
    for (uint32_t cursor = 0; handle_next_used(&process->handles, &cursor, &handle);) {
        struct object *object;
        uint16_t rights;
        if (handle && process_lookup_any(process, handle, &object, &rights) == CAVERN_OK)
            count(object, true);
    }
}

static void count_thread(const struct thread *thread)
{
    bool runs = thread->state != CAVERN_THREAD_ENDED;
    count_notice(&thread->exit);
    count_notice(&thread->fault);
    if (runs) /* by itself */
        count(&thread->object, false);
    if (thread->process && (runs || thread->process->faulter != thread))
        count(&thread->process->object, false);
    if (thread->wait.answer)
        count(&thread->wait.answer->object, false);
}

static void count_queue(const struct queue *queue)
{
    for (uint64_t block = 0; block < queue->ring.capacity; block++) {
        const struct queue_entry *entry = queue_entry(queue, block);
        if (entry->sender)
            count(&entry->sender->object, false);
    }
    for (uint32_t slot = 0; slot < queue->requests.slots; slot++) {
        const struct pending *pending = pending_at(queue, slot);
        if (pending->id)
            count(&pending->sender->object, false);
    }
}

static void count_sender(const struct sender *sender)
{
    count_notice(&sender->closed);
    count_notice(&sender->space);
    if (sender->asking)
        count(&sender->object, false);
    if (sender->closed.state != NOTICE_IDLE)
        count(&sender->object, false);
}

static void count_grants(const struct grants *grants)
{
    for (unsigned i = 0; i < CAVERN_ATTACHMENTS_MAX; i++) {
        if (grants->item[i].object)
            count(grants->item[i].object, true);
    }
}

static void count_leases(const struct leases *leases)
{
    for (unsigned i = 0; i < leases->count; i++)
        count(&leases->lease[i].holding->object, false);
}

/* What one object holds: its account, at least; the root is kept by whoever boots. */
static void count_held(struct object *object)
{
    count(object == &model_root()->object ? object : &object_account(object)->object, false);
    switch ((enum object_class_id)object->class) {
    case CLASS_PROCESS:
        count_process(container_of(object, struct process, object));
        break;
    case CLASS_THREAD:
        count_thread(container_of(object, struct thread, object));
        break;
    case CLASS_QUEUE:
        count_queue(container_of(object, struct queue, object));
        break;
    case CLASS_SENDER:
        count_sender(container_of(object, struct sender, object));
        break;
    case CLASS_INTERRUPT:
        count_notice(&container_of(object, struct interrupt, object)->notice);
        break;
    case CLASS_SIGNAL:
        count_notice(&container_of(object, struct signal, object)->notice);
        break;
    case CLASS_MACHINE: /* for ever */
        count_notice(&container_of(object, struct machine, object)->doorbell);
        count(object, false);
        count(object, false);
        break;
    case CLASS_GRANTS:
        count_grants(container_of(object, struct grants, object));
        break;
    case CLASS_LEASES:
        count_leases(container_of(object, struct leases, object));
        break;
    case CLASS_MAPPING:
        if (container_of(object, struct mapping, object)->holding)
            count(&container_of(object, struct mapping, object)->holding->object, false);
        break;
    case CLASS_DMA_MAPPING:
        count(&container_of(object, struct dma_mapping, object)->holding->object, false);
        break;
    default:
        break;
    }
}

/* They have one owner each, which frees them. */
static bool is_counted(const struct object *object)
{
    return object->class != CLASS_MAPPING && object->class != CLASS_GRANTS && object->class != CLASS_LEASES &&
           object->class != CLASS_DMA_MAPPING;
}

const char *recount_references(void)
{
    static char text[160];
    struct object *root = &model_root()->object; /* which account_slab_take has not made */
    wrong = NULL;
    model_settle();
    if (!find(root))
        add(root);
    for (unsigned i = 0; i < live_count; i++)
        live[i].references = live[i].handles = 0;
    for (unsigned i = 0; i < live_count; i++)
        count_held(live[i].object);
    for (unsigned i = 0; i < live_count && !wrong; i++) {
        const struct object *object = live[i].object;
        if (!is_counted(object) ||
            (object->references && object->references == live[i].references && object->handles == live[i].handles))
            continue;
        snprintf(text, sizeof text, "a %s has %u references, %u of them handles, and is held by %u, %u of them handles",
                 object_classes[object->class].name, object->references, object->handles, live[i].references,
                 live[i].handles);
        wrong = text;
    }
    return wrong;
}
