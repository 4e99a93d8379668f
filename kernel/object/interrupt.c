/* SPDX-License-Identifier: BSD-2-Clause */
#include "object/interrupt.h"

#include <string.h>

#include <cavern/memory.h>
#include <cavern/message.h>

#include "arch/arch.h"
#include "object/scheduler.h"
#include "platform/platform.h"

#define LINES_MAX 1024
#define LINES_AT_ONCE 4 /* more interrupt anew, at the exit */

/* Words of the notice. */
enum { WORD_LINE, WORD_COUNT };

/* Who has a line; not counted: the object leaves when it goes. */
static struct interrupt *lines[LINES_MAX];

static unsigned line_count(void)
{
    return platform_lines() < LINES_MAX ? platform_lines() : LINES_MAX;
}

static struct interrupt *create(struct account *account, unsigned first, unsigned count, bool range)
{
    struct interrupt *interrupt = object_create(account, CLASS_INTERRUPT);

    if (!interrupt)
        return NULL;
    interrupt->first = first;
    interrupt->count = count;
    interrupt->range = range;
    notice_init(&interrupt->notice, CAVERN_KIND_INTERRUPT, &interrupt->object);
    interrupt->notice.words[WORD_LINE] = first;
    interrupt->notice.count_word = WORD_COUNT + 1;
    return interrupt;
}

struct interrupt *interrupt_range_create(struct account *account)
{
    unsigned first = platform_first_line();

    memset(lines, 0, sizeof lines);
    return create(account, first, line_count() - first, true);
}

enum cavern_status interrupt_derive(struct interrupt *range, unsigned line, unsigned trigger, struct account *account,
                                    struct interrupt **interrupt)
{
    if (!range->range || line < range->first || line - range->first >= range->count || trigger > CAVERN_TRIGGER_EDGE)
        return CAVERN_BAD_ARGUMENT;
    if (lines[line])
        return CAVERN_BUSY;
    struct interrupt *made = create(account, line, 1, false);
    if (!made)
        return CAVERN_NO_MEMORY;
    if (!platform_line_trigger(line, trigger)) {
        object_free(made);
        return CAVERN_BAD_ARGUMENT;
    }
    platform_line_route(line, made->cpu); /* whoever had it before */
    lines[line] = made;
    *interrupt = made;
    return CAVERN_OK;
}

/* The line may fire when that can be told, and has not been. */
static void update_mask(const struct interrupt *interrupt)
{
    if (interrupt->notice.queue && interrupt->notice.state == NOTICE_IDLE)
        platform_line_unmask(interrupt->first);
    else
        platform_line_mask(interrupt->first);
}

/* One that fires is not lost: the controller keeps it until it is unmasked, and the new CPU gets it. */
static void route(struct interrupt *interrupt, unsigned cpu)
{
    if (cpu == interrupt->cpu)
        return;
    platform_line_mask(interrupt->first);
    platform_line_route(interrupt->first, cpu);
    interrupt->cpu = cpu;
}

void interrupt_notify(struct interrupt *interrupt, struct queue *queue, uint64_t label, unsigned cpu)
{
    route(interrupt, cpu);
    notice_set(&interrupt->notice, queue, label);
    update_mask(interrupt);
}

void interrupt_forget_queue(struct interrupt *interrupt)
{
    interrupt_notify(interrupt, NULL, 0, interrupt->cpu);
}

void interrupt_acknowledge(struct interrupt *interrupt)
{
    notice_acknowledge(&interrupt->notice);
    update_mask(interrupt);
}

bool interrupt_destroy(struct object *object)
{
    struct interrupt *interrupt = container_of(object, struct interrupt, object);

    if (!interrupt->range) {
        platform_line_mask(interrupt->first);
        lines[interrupt->first] = NULL;
    }
    notice_clear(&interrupt->notice);
    object_free(interrupt);
    return true;
}

const struct interrupt *interrupt_next(uint64_t line)
{
    for (; line < LINES_MAX; line++)
        if (lines[line])
            return lines[line];
    return NULL;
}

/* False: others must wait for the next entry. The timer's line stays raised while deadlines that have passed are left.
 */
static bool serve(unsigned line)
{
    struct interrupt *interrupt = line < LINES_MAX ? lines[line] : NULL;

    if (platform_line_is_kick(line))
        return true; /* who kicked has left word in struct cpu */
    if (line < platform_first_line()) {
        scheduler_timer();
        return false;
    }
    platform_line_mask(line);
    if (interrupt)
        interrupt->fired++;
    if (interrupt && interrupt->notice.queue)
        notice_fire(&interrupt->notice);
    return true;
}

void interrupt_handle(void)
{
    bool more = true;

    for (unsigned i = 0, line; more && i < LINES_AT_ONCE && (line = platform_line_claim()) != PLATFORM_NO_LINE; i++) {
        arch_cpu()->interrupts++;
        more = serve(line);
        platform_line_complete(line);
    }
}
