/* SPDX-License-Identifier: BSD-2-Clause */
#include "processor.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arch/aarch64/cpu.h"
#include "arch/aarch64/esr.h"
#include "arch/aarch64/timer.h"
#include "arch/aarch64/waiting.h"
#include "arch/arch.h"
#include "core/list.h"
#include "machine_state.h"
#include "object/scheduler.h"
#include "platform/platform.h"
#include "points.h"
#include "schedule.h"

#define TURNS_MAX 200000 /* of a run: far more than one has that comes to an end */
#define KICK_LINE 0

#ifdef INTERLEAVE_RACES
#include <sanitizer/tsan_interface.h>
#define HOLDS false /* it would not see them */
#else
#define HOLDS true
#define __tsan_get_current_fiber() NULL
#define __tsan_create_fiber(flags) NULL
#define __tsan_destroy_fiber(fiber) ((void)(fiber))
#define __tsan_switch_to_fiber(fiber, flags) ((void)(fiber))
#define __tsan_switch_to_fiber_no_sync 1
#endif

/* A store that others do not see yet. */
struct held {
    volatile void *address;
    uint8_t value[8];
    size_t size;
    bool total;
};

#define HELD_MAX 4
#define HELD_TURNS 30 /* of all CPUs, until the first is seen */

struct processor {
    struct fiber kernel;       /* begins anew at each entry */
    struct fiber *where;       /* that, or the program of a thread */
    struct thread *user;       /* whose program runs; NULL: the kernel does */
    struct arch_context *call; /* whose call was the last entry; NULL: it was an interrupt */
    bool sleeps;               /* until an interrupt waits */
    bool event;                /* has come: the next wait_load does not wait */
    bool timer_held;
    struct held held[HELD_MAX]; /* in their order */
    unsigned held_count;
    unsigned held_since; /* turn */
    void *races;         /* what ThreadSanitizer takes for a thread */
};

static struct processor processors[PROCESSORS_MAX];
static struct fiber outside;
static void *outside_races;
static bool running;
static bool starting;  /* one CPU after another, until each runs a program or sleeps */
static unsigned turns; /* of this run */

/* The last one, for people. */
static struct point {
    enum point_kind kind;
    const char *function;
    const char *what;
} point;
bool processors_aloud;

static struct processor *this_processor(void)
{
    return &processors[model.cpu];
}

void processor_say(const char *format, ...)
{
    va_list arguments;
    if (!processors_aloud)
        return;
    fprintf(stderr, "%*sCPU %u: ", running ? (int)model.cpu * 40 : 0, "", model.cpu);
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
}

void processor_fail(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    _Exit(1);
}

/* --- whose turn it is --- */

static bool timer_due(unsigned cpu)
{
    return !processors[cpu].timer_held && model.timers[cpu] <= model.now;
}

static bool interrupt_waits(unsigned cpu)
{
    return model.kicked >> cpu & 1 || timer_due(cpu);
}

/* Those that something can be expected of. */
static unsigned able(void)
{
    unsigned mask = 0;
    for (unsigned cpu = 0; cpu < scheduler.cpu_count; cpu++)
        if (!processors[cpu].sleeps || interrupt_waits(cpu))
            mask |= 1u << cpu;
    return mask;
}

static uint64_t next_deadline(void)
{
    uint64_t next = CAVERN_FOREVER;
    for (unsigned cpu = 0; cpu < scheduler.cpu_count; cpu++)
        if (!processors[cpu].timer_held && model.timers[cpu] > model.now && model.timers[cpu] < next)
            next = model.timers[cpu];
    return next;
}

/* False: nobody has a deadline. */
static bool pass_time(void)
{
    uint64_t next = next_deadline();
    if (next == CAVERN_FOREVER)
        return false;
    model.now = next;
    processor_say("it is %lu", (unsigned long)next);
    return true;
}

/* --- stores that are seen late --- */

static void store_held(struct processor *processor)
{
    for (unsigned i = 0; i < processor->held_count; i++) {
        const struct held *held = &processor->held[i];
        memcpy((void *)(uintptr_t)held->address, held->value, held->size);
    }
    processor->held_count = 0;
}

static bool holds(const struct processor *processor, const volatile void *address, bool total)
{
    for (unsigned i = 0; i < processor->held_count; i++)
        if (processor->held[i].address == address || (total && processor->held[i].total))
            return true;
    return false;
}

/* Before an access: what must be seen by then is. Of others' stores, what has been held for long. */
static void settle(enum point_kind kind, const volatile void *address, bool total)
{
    struct processor *own = this_processor();
    for (unsigned cpu = 0; cpu < scheduler.cpu_count; cpu++)
        if (turns - processors[cpu].held_since > HELD_TURNS)
            store_held(&processors[cpu]);
    if (kind == POINT_FENCE || kind == POINT_CHANGE || (kind == POINT_LOAD && holds(own, address, total)))
        store_held(own);
}

static void hold(volatile void *address, const void *value, size_t size, bool total)
{
    struct processor *own = this_processor();
    if (!own->held_count)
        own->held_since = turns;
    own->held[own->held_count] = (struct held){.address = address, .size = size, .total = total};
    memcpy(own->held[own->held_count++].value, value, size);
}

/* --- turns --- */

static void go_on_with(unsigned cpu)
{
    static const char *const kinds[] = {"loads", "stores", "changes", "fence", "looks at"};
    struct fiber *from = this_processor()->where;
    if (cpu == model.cpu)
        return;
    if (!starting)
        processor_say("gives way to CPU %u before %s %s %s", cpu, point.function, kinds[point.kind], point.what);
    model.cpu = cpu;
    __tsan_switch_to_fiber(processors[cpu].races, __tsan_switch_to_fiber_no_sync);
    fiber_switch(from, processors[cpu].where);
}

/* The others, if any can, when this one can't. True: the store at this point is held back. */
static bool take_turns(bool can, bool store)
{
    unsigned mask = able();
    if (++turns == TURNS_MAX)
        processor_fail("it goes on for ever");
    while (!mask && pass_time())
        mask = able();
    if (!mask)
        fiber_switch(this_processor()->where, &outside);
    if (!can && mask & ~(1u << model.cpu))
        mask &= ~(1u << model.cpu);
    if (can && next_deadline() != CAVERN_FOREVER)
        mask |= 1u << DECISION_TIME;
    if (store)
        mask |= 1u << DECISION_HOLD;
    unsigned next = schedule_next(model.cpu, mask);
    if (next == DECISION_TIME)
        (void)pass_time();
    else if (next != DECISION_HOLD)
        go_on_with(next);
    return next == DECISION_HOLD;
}

/* This CPU waits for another. */
static void give_way(void)
{
    store_held(this_processor());
    (void)take_turns(false, false);
}

/* This CPU has got so far. */
static void started(void)
{
    if (!starting)
        return;
    starting = model.cpu + 1 < scheduler.cpu_count;
    go_on_with(starting ? model.cpu + 1 : 0);
}

/* --- entries, and the way out --- */

/* vectors.S */
struct arch_context *trap_system_call_shared(struct arch_context *context);
_Noreturn void trap_interrupt_shared(struct arch_context *context);

static void enter(void)
{
    const struct processor *own = this_processor();
    if (own->call)
        context_enter(trap_system_call_shared(own->call));
    trap_interrupt_shared(NULL);
}

static void trap(bool interrupted)
{
    struct processor *own = this_processor();
    struct fiber *program = own->where;
    own->call = interrupted ? NULL : &own->user->context;
    own->user = NULL;
    own->where = &own->kernel;
    fiber_make(&own->kernel, enter);
    fiber_switch(program, &own->kernel);
}

void context_enter(struct arch_context *context)
{
    struct processor *own = this_processor();
    struct thread *thread = container_of(context, struct thread, context);
    for (unsigned cpu = 0; cpu < scheduler.cpu_count; cpu++)
        if (processors[cpu].user == thread)
            processor_fail("a thread goes on, on CPU %u, that CPU %u still runs", model.cpu, cpu);
    started();
    own->user = thread;
    own->where = user_fiber(thread);
    fiber_switch(&own->kernel, own->where);
    abort(); /* what was left of this entry is forgotten */
}

struct thread *processor_thread(void)
{
    return running ? this_processor()->user : NULL;
}

void processor_call(void)
{
    trap(false);
}

static void take_interrupts(void)
{
    while (this_processor()->user && interrupt_waits(model.cpu))
        trap(true);
}

void processor_pause(void)
{
    point = (struct point){POINT_LOOK, "the program", "nothing"};
    user_check(this_processor()->user);
    (void)take_turns(false, false);
    take_interrupts();
}

static bool pass(struct point at, const volatile void *address, bool total, bool store)
{
    point = at;
    if (this_processor()->user)
        user_check(this_processor()->user);
    else if (at.kind == POINT_STORE && address == &kernel_lock.served)
        user_check_objects(!this_processor()->held_count);
    bool held = take_turns(true, store);
    if (!held)
        take_interrupts();
    settle(at.kind, address, total);
    return held;
}

void interleave_point(enum point_kind kind, const volatile void *address, bool total, const char *function,
                      const char *what)
{
    if (running && !starting)
        (void)pass((struct point){kind, function, what}, address, total, false);
}

/* Stores are seen in their order, so one after another that is held is held too. */
bool interleave_store(volatile void *address, const void *value, size_t size, bool total, const char *function,
                      const char *what)
{
    if (!running || starting)
        return false;
    bool held = pass((struct point){POINT_STORE, function, what}, address, total, HOLDS);
    if (this_processor()->held_count == HELD_MAX)
        store_held(this_processor());
    if (!held && !this_processor()->held_count)
        return false;
    hold(address, value, size, total);
    return true;
}

void processors_run(void)
{
    outside_races = __tsan_get_current_fiber();
    for (unsigned cpu = 0; cpu < scheduler.cpu_count; cpu++) {
        struct fiber kernel = processors[cpu].kernel;
        processors[cpu] = (struct processor){.kernel = kernel, .races = __tsan_create_fiber(0)};
        processors[cpu].where = &processors[cpu].kernel;
        fiber_make(&processors[cpu].kernel, enter);
        scheduler.cpus[cpu]->reschedule = true;
    }
    running = starting = true;
    turns = 0;
    for (unsigned cpu = 0; cpu < scheduler.cpu_count; cpu++)
        __tsan_switch_to_fiber(processors[cpu].races, 0);
    __tsan_switch_to_fiber(processors[0].races, 0);
    fiber_switch(&outside, processors[0].where);
    running = false;
    for (unsigned cpu = 0; cpu < scheduler.cpu_count; cpu++)
        __tsan_switch_to_fiber(processors[cpu].races, 0);
    __tsan_switch_to_fiber(outside_races, 0);
    for (unsigned cpu = 0; cpu < scheduler.cpu_count; cpu++)
        __tsan_destroy_fiber(processors[cpu].races);
    model.cpu = 0;
}

/* --- waiting.h --- */

bool interrupt_is_pending(void)
{
    return interrupt_waits(model.cpu);
}

void wait_interrupt(void)
{
    struct processor *own = this_processor();
    started();
    processor_say("sleeps");
    own->sleeps = true;
    while (!interrupt_waits(model.cpu))
        give_way();
    own->sleeps = false;
}

void wait_moment(void)
{
    give_way();
}

void wait_begin(void)
{
    this_processor()->event = true;
}

void wait_event(void)
{
    if (!this_processor()->event)
        give_way();
    this_processor()->event = false;
}

/* --- what else entries and exits use --- */

#define LOOK(what) interleave_point(POINT_LOOK, NULL, false, __func__, what)

void timer_hold(bool held)
{
    LOOK("the timer");
    this_processor()->timer_held = held;
}

struct esr_meaning esr_decode(uint64_t esr)
{
    (void)esr;
    abort(); /* programs do not fault */
}

bool esr_is_vector_use(uint64_t esr)
{
    (void)esr;
    return false;
}

bool esr_is_translation(uint64_t esr)
{
    (void)esr;
    return false;
}

bool address_space_maps(uint64_t address)
{
    (void)address;
    return false;
}

void context_take_vector(struct arch_context *context)
{
    (void)context;
}

/* --- arch.h, platform.h --- */

void arch_context_restart(struct arch_context *context)
{
    context->pc -= 4;
    model.restart = true; /* for calls that are made outside */
}

bool arch_interrupt_pending(void)
{
    LOOK("interrupts");
    return running && (interrupt_waits(model.cpu) || kernel_lock_wanted());
}

uint64_t arch_now(void)
{
    return model.now;
}

uint64_t arch_ticks(void)
{
    LOOK("the time");
    return model.now;
}

void arch_switch(struct thread *from, struct thread *to)
{
    (void)from;
    (void)to;
}

bool arch_switch_is_own(const struct thread *to)
{
    (void)to;
    LOOK("the address space");
    return true;
}

unsigned platform_line_claim(void)
{
    if (model.kicked >> model.cpu & 1) {
        model.kicked &= ~(1u << model.cpu);
        return KICK_LINE;
    }
    return running && timer_due(model.cpu) ? MODEL_TIMER_LINE : PLATFORM_NO_LINE;
}

void platform_cpu_kick(unsigned cpu)
{
    LOOK("kicks");
    processor_say("kicks CPU %u", cpu);
    model.kicked |= 1u << cpu;
}

void platform_forget_kicks(void)
{
    LOOK("kicks");
    model.kicked &= ~(1u << model.cpu);
}
