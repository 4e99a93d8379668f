/* SPDX-License-Identifier: BSD-2-Clause */
/* What travels with messages: leases of a request, grants on their way. Charged to the account of who sends. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <cavern/message.h>
#include <cavern/status.h>

#include "core/list.h"
#include "object/buffer.h"
#include "object/object.h"

struct process;

struct lease {
    struct holding *holding; /* counted */
    uint64_t offset;         /* in the buffer */
    uint64_t length;
    uint8_t rights; /* CAVERN_LEASE_* */
};

struct leases {
    struct object object;
    struct lease lease[CAVERN_ATTACHMENTS_MAX];
    uint8_t count;
};

/* The objects stay referenced until accepted or dropped; they are dropped when the sending process ends. */
struct grants {
    struct object object;
    struct process *from;   /* NULL: ended */
    struct list of_process; /* process.grants */
    uint8_t count;          /* items that there were */
    struct {
        struct object *object; /* a handle reference; NULL: accepted or dropped */
        uint16_t rights;
    } item[CAVERN_ATTACHMENTS_MAX];
};

void leases_free(struct leases *leases);
/* Puts an object on its way. */
void grants_set(struct grants *grants, unsigned index, struct object *object, uint16_t rights);
/* Drops what was not accepted. */
void grants_free(struct grants *grants);
/* The items alone; the messages that carry them stay. */
void grants_drop(struct grants *grants);
/* Moves one into a process: its new handle. GONE: none there (any more). */
enum cavern_status grants_accept(struct grants *grants, unsigned index, struct process *process, uint64_t *handle,
                                 uint8_t *type, uint16_t *rights) CAVERN_MUST_CHECK;
/* One bounded step of dropping all that a dying process has on its way; true when done. */
bool grants_drop_step(struct process *process);
