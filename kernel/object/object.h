/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What all kernel objects share: a type, references, and how they die.
 *
 * A reference is a handle, a grant on its way, or a kernel pointer that says in its structure that it counts. The last
 * object_put does not destroy: it puts the object on the list of the job that is running, or of the reaper, and the
 * class's `destroy` is called from there in bounded steps. So nothing recurses and every entry is short.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <cavern/handle.h>

#include "arch/arch.h"
#include "core/list.h"

struct account;

/* Where an object goes whose last reference went; job.h. */
SELDOM void job_add_dying(struct list *dying);

struct object {
    uint8_t type;        /* enum cavern_type; 0 for kinds that have no handles */
    uint8_t class;       /* enum object_class_id */
    uint32_t references; /* all that keep it alive */
    uint32_t handles;    /* of these, handles and grants on their way */
    struct list dying;   /* in a job's list once references is 0 */
};

/* Every kind of slab object. */
enum object_class_id {
    CLASS_ACCOUNT,
    CLASS_PROCESS,
    CLASS_THREAD,
    CLASS_QUEUE,
    CLASS_SENDER,
    CLASS_HOLDING,
    CLASS_INTERRUPT,
    CLASS_SIGNAL,
    CLASS_DMA,
    CLASS_MACHINE,
    CLASS_GRANTS,  /* no handles: up to four grants on their way */
    CLASS_LEASES,  /* no handles: the leases of one request */
    CLASS_MAPPING, /* no handles: a range of an address space */
    CLASS_DMA_MAPPING,
    CLASS_COUNT,
};

struct object_class {
    const char *name;
    uint8_t type;  /* enum cavern_type; NONE: has no handles */
    uint16_t size; /* bytes */
    /* One step of taking a dead object apart; true when it has been freed. NULL: never the subject of object_put. */
    bool (*destroy)(struct object *object);
    /* The last handle (or grant on its way) went; references may remain. May be NULL. */
    void (*handles_gone)(struct object *object);
};

/* One row per class and per type, in object.c. Every structure of a class starts with its struct object. */
extern const struct object_class object_classes[CLASS_COUNT];
extern const uint16_t object_rights[CAVERN_TYPE_COUNT]; /* all that the type knows */

/* A zeroed object with one reference, charged to `account`; NULL: no memory. */
void *object_create(struct account *account, enum object_class_id class);
/* Gives its slab memory back. For `destroy` functions, and for objects that nobody has seen yet. */
void object_free(void *object);
/* The account that the object is charged to. */
struct account *object_account(const void *object);

void object_get(struct object *object);
static inline void object_put(struct object *object)
{
    if (--object->references == 0)
        job_add_dying(&object->dying);
}
/* The same for a handle or a grant on its way. */
void object_get_handle(struct object *object);
void object_put_handle(struct object *object);
