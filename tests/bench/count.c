/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Counting. QEMU has the event INST_RETIRED under -icount alone; there the generic timer runs with the instructions, a
 * nanosecond each, and must agree.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cavern/machine.h>
#include <cavern/start.h>
#include <cavern/text.h>
#include <cavern/time.h>

#include "bench.h"

#define WARM_UP 10   /* of so many operations one, before they count */
#define CROWDED 10   /* of so many operations one, in a crowd */
#define PROFILED 100 /* operations, with as many before; profile_row.py */

unsigned crowd, cpus;
static const char *chosen; /* row; NULL: all */

void options_read(const char *bootargs)
{
    static char row[32];
    const char *option = strstr(bootargs, "bench=");
    if (option && sscanf(option, "bench=%31s", row) == 1)
        chosen = row;
    option = strstr(bootargs, "crowd=");
    if (option)
        sscanf(option, "crowd=%u", &crowd);
}

bool measures_all(void)
{
    return !chosen && !crowd && cpus == 1;
}

void say(const char *format, ...)
{
    char text[CAVERN_LOG_TEXT_MAX];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    uint64_t next, written;
    (void)!cavern_sys_machine(cavern_startup_get(CAVERN_STARTUP_MACHINE), CAVERN_MACHINE_LOG_WRITE, CAVERN_LOG_INFO,
                              (uintptr_t)text, (uint64_t)length, &next, &written);
}

void power_off(void)
{
    uint64_t next, written;
    (void)!cavern_sys_machine(cavern_startup_get(CAVERN_STARTUP_MACHINE), CAVERN_MACHINE_POWER_OFF, 0, 0, 0, &next,
                              &written);
    abort();
}

void must(enum cavern_status status, const char *what)
{
    if (status == CAVERN_OK)
        return;
    say("%s: %s", what, cavern_status_text(status));
    power_off();
}

static struct counters difference(struct counters begin, struct counters end)
{
    return (struct counters){end.all - begin.all, end.user - begin.user, end.ticks - begin.ticks};
}

struct counters counters_between(struct counters begin, struct counters end)
{
    struct counters first = counters_begin(), reading = difference(first, counters_end());
    struct counters span = difference(begin, end);
    return (struct counters){span.all - reading.all, span.user - reading.user, span.ticks};
}

static uint64_t tick_length(void)
{
    uint64_t frequency;
    __asm__("mrs %0, cntfrq_el0" : "=r"(frequency));
    return CAVERN_SECOND / frequency;
}

/*
 * `row`, of so many operations; `all` instructions took `elapsed` ns. With several CPUs it is time that tells what the
 * machine has executed, a nanosecond each, since it may have begun on one and come to its end on another.
 */
static void tell(const char *name, uint64_t elapsed, uint32_t all, struct counters row, unsigned operations)
{
    bool agrees = cpus > 1 || (elapsed <= all + all / 100 && elapsed >= all - all / 100);
    if (!operations || !agrees)
        say("%s: %u instructions in %lu ns: is this -icount shift=0?", name, all, (unsigned long)elapsed);
    else if (cpus > 1)
        say("bench %s %lu 0", name, (unsigned long)(row.ticks * tick_length() / operations));
    else
        say("bench %s %u %u", name, row.all / operations, row.user / operations);
}

/* Where the profile begins and ends. */
__attribute__((noinline)) static void measured_from_here(void)
{
    __asm__ volatile("");
}

__attribute__((noinline)) static void measured_to_here(void)
{
    __asm__ volatile("");
}

void let_others_wait(void)
{
    if (cpus > 1)
        cavern_sleep_until(cavern_after(CAVERN_MILLISECOND)); /* with one CPU they have had their turn */
}

/* Is the row wanted? *count: of operations, *warm_up: of those before. */
static bool row_begin(const char *name, unsigned *count, unsigned *warm_up)
{
    if (crowd)
        *count /= CROWDED;
    let_others_wait(); /* peers that have been started */
    *warm_up = chosen ? PROFILED : *count / WARM_UP;
    *count = chosen ? PROFILED : *count;
    return !chosen || !strcmp(chosen, name);
}

void measure(const char *name, enum effort effort, unsigned each, void (*operation)(void *context), void *context)
{
    unsigned count = (unsigned)effort, warm_up;
    if (!row_begin(name, &count, &warm_up))
        return;
    for (unsigned i = 0; i < warm_up; i++)
        operation(context);
    measured_from_here();
    uint64_t start = cavern_now();
    struct counters begin = counters_begin();
    for (unsigned i = 0; i < count; i++)
        operation(context);
    struct counters all = counters_between(begin, counters_end());
    uint64_t elapsed = cavern_now() - start;
    measured_to_here();
    tell(name, elapsed, all.all, all, count * each);
}

/* So that spans begin anywhere between two ticks, and their average is exact: up to 16 turns of 3 instructions. */
static void shift_phase(void)
{
    static uint32_t random = 1;
    random = random * 1664525 + 1013904223;
    uint32_t turns = 1 + (random >> 28);
    __asm__ volatile("0: nop\n\tsubs %w0, %w0, #1\n\tb.ne 0b" : "+r"(turns) : : "cc");
}

void measure_span(const char *name, struct counters (*operation)(void *context), void *context)
{
    struct counters sum = {0};
    unsigned count = cpus == 1 ? OFTEN : SELDOM, warm_up; /* let_others_wait takes its time */
    if (!row_begin(name, &count, &warm_up))
        return;
    for (unsigned i = 0; i < warm_up; i++)
        operation(context);
    measured_from_here();
    uint64_t start = cavern_now();
    struct counters begin = counters_begin();
    for (unsigned i = 0; i < count; i++) {
        shift_phase();
        struct counters span = operation(context);
        sum.all += span.all;
        sum.user += span.user;
        sum.ticks += span.ticks;
    }
    uint32_t all = counters_end().all - begin.all;
    uint64_t elapsed = cavern_now() - start;
    measured_to_here();
    tell(name, elapsed, all, sum, count);
}
