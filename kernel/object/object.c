/* SPDX-License-Identifier: BSD-2-Clause */
/* The table of classes, and references. */
#include "object/object.h"

#include "core/slab.h"
#include "object/account.h"
#include "object/attachment.h"
#include "object/buffer.h"
#include "object/dma.h"
#include "object/interrupt.h"
#include "object/job.h"
#include "object/machine.h"
#include "object/process.h"
#include "object/queue.h"
#include "object/sender.h"
#include "object/signal.h"
#include "object/space.h"
#include "object/thread.h"

const struct object_class object_classes[CLASS_COUNT] = {
    [CLASS_ACCOUNT] = {"account", CAVERN_TYPE_ACCOUNT, sizeof(struct account), account_destroy, NULL},
    [CLASS_PROCESS] = {"process", CAVERN_TYPE_PROCESS, sizeof(struct process), process_destroy, process_handles_gone},
    [CLASS_THREAD] = {"thread", CAVERN_TYPE_THREAD, sizeof(struct thread), thread_destroy, NULL},
    [CLASS_QUEUE] = {"queue", CAVERN_TYPE_QUEUE, sizeof(struct queue), queue_destroy, queue_handles_gone},
    [CLASS_SENDER] = {"sender", CAVERN_TYPE_SENDER, sizeof(struct sender), sender_destroy, sender_handles_gone},
    [CLASS_HOLDING] = {"holding", CAVERN_TYPE_BUFFER, sizeof(struct holding), holding_destroy, NULL},
    [CLASS_INTERRUPT] = {"interrupt", CAVERN_TYPE_INTERRUPT, sizeof(struct interrupt), interrupt_destroy, NULL},
    [CLASS_SIGNAL] = {"signal", CAVERN_TYPE_SIGNAL, sizeof(struct signal), signal_destroy, NULL},
    [CLASS_DMA] = {"dma", CAVERN_TYPE_DMA, sizeof(struct dma), dma_destroy, NULL},
    [CLASS_MACHINE] = {"machine", CAVERN_TYPE_MACHINE, sizeof(struct machine), NULL, NULL},
    [CLASS_GRANTS] = {"grants", CAVERN_TYPE_NONE, sizeof(struct grants), NULL, NULL},
    [CLASS_LEASES] = {"leases", CAVERN_TYPE_NONE, sizeof(struct leases), NULL, NULL},
    [CLASS_MAPPING] = {"mapping", CAVERN_TYPE_NONE, sizeof(struct mapping), NULL, NULL},
    [CLASS_DMA_MAPPING] = {"dma mapping", CAVERN_TYPE_NONE, sizeof(struct dma_mapping), NULL, NULL},
};

#define FITS(structure)                                                                                                \
    _Static_assert(offsetof(struct structure, object) == 0 && sizeof(struct structure) <= SLAB_OBJECT_MAX, #structure)
FITS(account);
FITS(process);
FITS(thread);
FITS(queue);
FITS(sender);
FITS(holding);
FITS(interrupt);
FITS(signal);
FITS(dma);
FITS(machine);
FITS(grants);
FITS(leases);
FITS(mapping);
FITS(dma_mapping);

#define COMMON (CAVERN_RIGHT_COPY | CAVERN_RIGHT_INSPECT)

const uint16_t object_rights[CAVERN_TYPE_COUNT] = {
    [CAVERN_TYPE_ACCOUNT] = COMMON | CAVERN_RIGHT_MANAGE | CAVERN_RIGHT_CHARGE,
    [CAVERN_TYPE_PROCESS] = COMMON | CAVERN_RIGHT_MANAGE | CAVERN_RIGHT_MEMORY,
    [CAVERN_TYPE_THREAD] = COMMON | CAVERN_RIGHT_MANAGE,
    [CAVERN_TYPE_QUEUE] = COMMON | CAVERN_RIGHT_MANAGE | CAVERN_RIGHT_RECEIVE | CAVERN_RIGHT_MINT,
    [CAVERN_TYPE_SENDER] = COMMON | CAVERN_RIGHT_SEND | CAVERN_RIGHT_REQUEST | CAVERN_RIGHT_MINT,
    [CAVERN_TYPE_BUFFER] = COMMON | CAVERN_RIGHT_DERIVE | CAVERN_RIGHT_READ | CAVERN_RIGHT_WRITE | CAVERN_RIGHT_EXECUTE,
    [CAVERN_TYPE_INTERRUPT] = COMMON | CAVERN_RIGHT_MANAGE | CAVERN_RIGHT_DERIVE,
    [CAVERN_TYPE_SIGNAL] = COMMON | CAVERN_RIGHT_MANAGE | CAVERN_RIGHT_RAISE,
    [CAVERN_TYPE_DMA] = COMMON | CAVERN_RIGHT_MANAGE | CAVERN_RIGHT_DERIVE,
    [CAVERN_TYPE_MACHINE] = COMMON | CAVERN_RIGHT_POWER | CAVERN_RIGHT_LOG,
};

void *object_create(struct account *account, enum object_class_id class)
{
    struct object *object = account_slab_take(account, class);

    if (!object)
        return NULL;
    object->type = object_classes[class].type;
    object->class = class;
    object->references = 1;
    return object;
}

void object_free(void *object)
{
    account_slab_give(object);
}

struct account *object_account(const void *object)
{
    return slab_of(object)->owner;
}

void object_get(struct object *object)
{
    object->references++;
}

void object_get_handle(struct object *object)
{
    object->references++;
    object->handles++;
}

void object_put_handle(struct object *object)
{
    void (*gone)(struct object *) = object_classes[object->class].handles_gone;

    if (--object->handles == 0 && gone)
        gone(object);
    object_put(object);
}
