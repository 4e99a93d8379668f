/* SPDX-License-Identifier: BSD-2-Clause */
/* Interrupt lines as objects. A range derives lines; a line that is derived already is BUSY until its object ends. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <cavern/status.h>

#include "object/notice.h"
#include "object/object.h"

struct account;

struct interrupt {
    struct object object;
    unsigned first; /* line */
    unsigned count; /* lines; 1 and !range: can be subscribed to */
    bool range;     /* lines can be derived from it */
    struct notice notice;
};

struct interrupt *interrupt_range_create(struct account *account); /* all lines a driver may have */
enum cavern_status interrupt_derive(struct interrupt *range, unsigned line, unsigned trigger, struct account *account,
                                    struct interrupt **interrupt) CAVERN_MUST_CHECK;
/* Serves every line that the controller presents; called by the processor's interrupt vector. */
void interrupt_handle(void);
