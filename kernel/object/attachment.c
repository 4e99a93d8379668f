/* SPDX-License-Identifier: BSD-2-Clause */
#include "object/attachment.h"

#include "object/job.h"
#include "object/process.h"

void leases_free(struct leases *leases)
{
    for (unsigned i = 0; i < leases->count; i++)
        holding_put(leases->lease[i].holding, leases->lease[i].rights & CAVERN_LEASE_WRITE); /* taken when resolved */
    object_free(leases);
}

static struct holding *writable(struct object *object, uint16_t rights)
{
    bool writes = object->type == CAVERN_TYPE_BUFFER && (rights & CAVERN_RIGHT_WRITE);
    return writes ? container_of(object, struct holding, object) : NULL;
}

void grants_set(struct grants *grants, unsigned index, struct object *object, uint16_t rights)
{
    object_get_handle(object); /* until accepted or dropped */
    if (writable(object, rights))
        holding_writer_get(writable(object, rights));
    grants->item[index].object = object;
    grants->item[index].rights = rights;
    grants->count = (uint8_t)(index + 1);
}

static void drop_item(struct grants *grants, unsigned index)
{
    struct object *object = grants->item[index].object;
    if (!object)
        return;
    grants->item[index].object = NULL;
    if (writable(object, grants->item[index].rights))
        holding_writer_put(writable(object, grants->item[index].rights));
    object_put_handle(object); /* taken by grants_set */
}

void grants_drop(struct grants *grants)
{
    for (unsigned i = 0; i < CAVERN_ATTACHMENTS_MAX; i++)
        drop_item(grants, i);
    if (grants->from)
        list_remove(&grants->of_process);
    grants->from = NULL;
}

void grants_free(struct grants *grants)
{
    grants_drop(grants);
    object_free(grants);
}

enum cavern_status grants_accept(struct grants *grants, unsigned index, struct process *process, uint64_t *handle,
                                 uint8_t *type, uint16_t *rights)
{
    struct object *object = grants->item[index].object;
    if (!object)
        return CAVERN_GONE;
    *type = object->type;
    *rights = grants->item[index].rights;
    if (object->type == CAVERN_TYPE_BUFFER) {
        struct holding *own;
        enum cavern_status status = holding_for(container_of(object, struct holding, object), process->account, &own);
        if (status)
            return status;
        object = &own->object;
    } else {
        object_get(object);
    }
    object_get_handle(object); /* for the handle */
    enum cavern_status status = process_insert(process, object, *rights, 0, handle);
    if (status)
        object_put_handle(object);
    else
        drop_item(grants, index);
    object_put(object); /* holding_for's, or its stand-in */
    return status;
}

bool grants_drop_step(struct process *process)
{
    for (unsigned most = JOB_STEP_ITEMS; !list_empty(&process->grants);) {
        if (!most--)
            return false;
        grants_drop(container_of(list_first(&process->grants), struct grants, of_process));
    }
    return true;
}
