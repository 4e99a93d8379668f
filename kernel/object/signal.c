/* SPDX-License-Identifier: BSD-2-Clause */
#include "object/signal.h"

#include <cavern/message.h>

struct signal *signal_create(struct account *account)
{
    struct signal *signal = object_create(account, CLASS_SIGNAL);

    if (!signal)
        return NULL;
    notice_init(&signal->notice, CAVERN_KIND_SIGNAL, &signal->object);
    signal->notice.count_word = 1;
    return signal;
}

bool signal_destroy(struct object *object)
{
    struct signal *signal = container_of(object, struct signal, object);

    notice_clear(&signal->notice);
    object_free(signal);
    return true;
}
