/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Interrupt lines as objects. A range derives lines; a line that is derived already is BUSY until its object ends.
 *
 *   masked    by notify and acknowledge, when there is a destination and nothing told: unmasked
 *   unmasked  fires: masked, and the notice is told
 */
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
    unsigned count; /* lines */
    unsigned cpu;   /* that the line comes to */
    uint64_t fired; /* times */
    bool range;     /* lines can be derived from it; else it is one that can be subscribed to */
    struct notice notice;
};

/* All lines that a driver may have. Once, by boot. NULL: no memory. */
struct interrupt *interrupt_range_create(struct account *account);
/* BAD_ARGUMENT: outside the range, or no such trigger; BUSY: derived already. */
enum cavern_status interrupt_derive(struct interrupt *range, unsigned line, unsigned trigger, struct account *account,
                                    struct interrupt **interrupt) CAVERN_MUST_CHECK;
/* Sets the destination, NULL takes it away, and the CPU; unmasks or masks the line accordingly. */
void interrupt_notify(struct interrupt *interrupt, struct queue *queue, uint64_t label, unsigned cpu);
/* The queue goes. */
void interrupt_forget_queue(struct interrupt *interrupt);
void interrupt_acknowledge(struct interrupt *interrupt);
bool interrupt_destroy(struct object *object);
/* Who has the first line from `line` on that somebody has; NULL: nobody. */
const struct interrupt *interrupt_next(uint64_t line);
/*
 * Serves the lines that the controller presents, a few at a time; called by the processor's interrupt vector. The only
 * lines below platform_first_line() that ever fire are the timer's and a kick.
 */
void interrupt_handle(void);
