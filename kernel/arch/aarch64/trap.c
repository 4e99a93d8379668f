/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Entries from user mode, and the one way back. vectors.S has saved the registers in the current thread's context and
 * comes to one of the trap_ functions. Leaving asks the scheduler who runs next. Without anybody, the CPU waits here,
 * and takes interrupts by looking rather than by an exception. A system call alone returns, where its thread goes on
 * and nothing of its context has changed but x0-x18.
 *
 * Everything between taking the kernel lock and giving it back runs on one CPU at a time. Each entry exists twice, from
 * one source: without the lock for one CPU, and with it (`_shared`).
 */
#include <cavern/syscalls.h>

#include "arch/aarch64/cpu.h"
#include "arch/aarch64/esr.h"
#include "arch/aarch64/system_registers.h"
#include "arch/aarch64/timer.h"
#include "arch/aarch64/waiting.h"
#include "arch/arch.h"
#include "core/format.h"
#include "core/list.h"
#include "object/interrupt.h"
#include "object/machine.h"
#include "object/thread.h"
#include "platform/platform.h"
#include "syscall/dispatch.h"

/* Called by vectors.S alone. */
struct arch_context *trap_system_call(struct arch_context *context);
_Noreturn void trap_exception(struct arch_context *context);
_Noreturn void trap_interrupt(struct arch_context *context);
__attribute__((noinline)) _Noreturn void trap_error(struct arch_context *context);
struct arch_context *trap_system_call_shared(struct arch_context *context);
_Noreturn void trap_exception_shared(struct arch_context *context);
_Noreturn void trap_interrupt_shared(struct arch_context *context);
__attribute__((noinline)) _Noreturn void trap_error_shared(struct arch_context *context);
_Noreturn void kernel_panic(unsigned kind, const struct arch_context *registers);

struct arch_context kernel_registers; /* as an exception in the kernel found them */
struct kernel_lock kernel_lock;

#define TRAP __attribute__((always_inline)) static inline

static struct thread *thread_of(struct arch_context *context)
{
    return container_of(context, struct thread, context);
}

/* What this CPU waits for happens on another. */
TRAP KERNEL_LOCK_RELEASED void give_lock(bool shared)
{
    bool awaits = arch_cpu()->awaits_cpu;
    if (shared)
        arch_cpu()->awaits_cpu = false;
    kernel_lock_give(shared);
    if (shared && awaits)
        wait_moment();
}

/* Until there is something to do, or may be. */
TRAP KERNEL_LOCK_HELD void wait_for_interrupt(bool shared)
{
    bool idle = scheduler_idle(arch_cpu());
    give_lock(shared);
    barrier_complete();
    if (idle)
        wait_interrupt(); /* ends when an interrupt waits, masked or not: a kick, too, that came before */
    kernel_lock_take(shared);
    interrupt_handle();
}

TRAP KERNEL_LOCK_RELEASED _Noreturn void leave(bool shared)
{
    struct thread *next;
    while (!(next = scheduler_next()))
        wait_for_interrupt(shared);
    give_lock(shared);
    context_enter(&next->context);
}

/* A short cut leaves nothing to decide: its CPU goes on with the thread that is current now. */
TRAP KERNEL_LOCK_RELEASED _Noreturn void go_straight(void)
{
    give_lock(false);
    context_enter(&arch_cpu()->current->context);
}

/* The lock; then, if another CPU has asked for the thread meanwhile, the way out. `again`: what brought it here is to
 * happen again when it goes on. */
TRAP KERNEL_LOCK_ACQUIRED void enter(bool shared, struct arch_context *context, bool again)
{
    kernel_lock_take(shared);
    if (!shared || !arch_cpu()->reschedule || !scheduler_must_let_go(thread_of(context)))
        return;
    if (again)
        arch_context_restart(context);
    leave(shared);
}

void kernel_lock_wait_for_sharers(void)
{
    for (unsigned i = 0; i < scheduler.cpu_count; i++)
        while (__atomic_load_n(&scheduler.cpus[i]->sharing, __ATOMIC_SEQ_CST))
            wait_moment();
}

/* First the announcement, then the look; who gives the lock back does both the other way round. What ends the sleep is
 * a kick, or a device: no kick is left over, and the timer is held back. */
void kernel_lock_park(uint32_t ticket)
{
    struct cpu *cpu = arch_cpu();
    if (scheduler.cpus[cpu->number] != cpu)
        return;                                               /* on its way: nobody would find it */
    __atomic_store_n(&cpu->ticket, ticket, __ATOMIC_RELAXED); /* read while it parks for another, too */
    __atomic_store_n(&cpu->parked, true, __ATOMIC_RELEASE);
    __atomic_fetch_add(&kernel_lock.parked, 1, __ATOMIC_SEQ_CST);
    timer_hold(true);
    platform_forget_kicks(); /* they told this CPU to enter the kernel */
    if (__atomic_load_n(&kernel_lock.served, __ATOMIC_SEQ_CST) != ticket)
        wait_interrupt(); /* a kick that has come already ends it, too */
    timer_hold(false);
    __atomic_store_n(&cpu->parked, false, __ATOMIC_RELEASE);
    __atomic_fetch_sub(&kernel_lock.parked, 1, __ATOMIC_SEQ_CST);
    platform_forget_kicks();
}

void kernel_lock_kick(uint32_t ticket)
{
    for (unsigned i = 0; i < scheduler.cpu_count; i++) {
        const struct cpu *cpu = scheduler.cpus[i];
        if (__atomic_load_n(&cpu->parked, __ATOMIC_ACQUIRE) &&
            __atomic_load_n(&cpu->ticket, __ATOMIC_RELAXED) == ticket)
            platform_cpu_kick(i);
    }
}

/* Comes back if none has served the call. */
TRAP void short_cut(struct arch_context *context)
{
    struct cpu *cpu = arch_cpu();
    unsigned operation = syscall_operation(context->x[1]);
    if (!fast_is_exchange(operation) || !kernel_lock_share(&cpu->sharing))
        return;
    bool served = fast_serve_shared(thread_of(context), operation);
    kernel_lock_unshare(&cpu->sharing);
    if (served)
        context_enter(&cpu->current->context);
}

TRAP _Noreturn void interrupt(bool shared)
{
    kernel_lock_take(shared);
    interrupt_handle();
    leave(shared);
}

TRAP _Noreturn void fault(bool shared, struct arch_context *context)
{
    uint64_t esr = system_register_read(esr_el1), address = system_register_read(far_el1);
    struct esr_meaning meaning = esr_decode(esr);
    enter(shared, context, meaning.after);
    if (shared && esr_is_translation(esr) && address_space_maps(address))
        leave(shared); /* another CPU had just taken a block apart there */
    if (meaning.after)
        arch_context_restart(context); /* the exit notice names the instruction itself */
    if (!meaning.address)
        address = 0;
    if (!shared && fast_fault(thread_of(context), meaning.fault, address, esr))
        go_straight();
    thread_fault(thread_of(context), meaning.fault, address, esr);
    leave(shared);
}

/* Comes back if that is not what brought it here. */
TRAP void give_vector(struct arch_context *context)
{
    if (!esr_is_vector_use(system_register_read(esr_el1)))
        return;
    context_take_vector(context);
    context_enter(context);
}

void trap_leave(void)
{
    leave(false);
}

void trap_leave_shared(void)
{
    leave(true);
}

TRAP KERNEL_LOCK_RELEASED struct arch_context *serve(bool shared, struct arch_context *context)
{
    bool done = syscall_dispatch(thread_of(context));
    if (!done || arch_cpu()->reschedule)
        leave(shared);
    give_lock(shared);
    return context;
}

/* Apart, so that a short cut saves no registers for it. */
__attribute__((noinline)) static KERNEL_LOCK_RELEASED struct arch_context *general_path(struct arch_context *context)
{
    return serve(false, context);
}

/* Each short cut has a function of its own. */
#define SHORT_CUT_OR(name, serve, operation, otherwise)                                                                \
    __attribute__((noinline)) static KERNEL_LOCK_RELEASED struct arch_context *name(struct arch_context *context)      \
    {                                                                                                                  \
        if (!serve(thread_of(context), operation))                                                                     \
            return otherwise(context);                                                                                 \
        go_straight();                                                                                                 \
    }
#define SHORT_CUT(name, operation) SHORT_CUT_OR(name, fast_serve, operation, general_path)
SHORT_CUT(try_receive, CAVERN_CALL_RECEIVE)
SHORT_CUT(try_send, CAVERN_CALL_SEND)
SHORT_CUT_OR(try_call_with_memory, fast_serve_with_memory, CAVERN_CALL_CALL, general_path)
SHORT_CUT_OR(try_call, fast_serve, CAVERN_CALL_CALL, try_call_with_memory)
SHORT_CUT_OR(try_reply_with_memory, fast_serve_with_memory, CAVERN_CALL_REPLY_RECEIVE, general_path)
SHORT_CUT_OR(try_reply_receive, fast_serve, CAVERN_CALL_REPLY_RECEIVE, try_reply_with_memory)
SHORT_CUT(try_control, CAVERN_CALL_THREAD_CONTROL)
SHORT_CUT(try_raise, CAVERN_CALL_SIGNAL_RAISE)

/* By operation. */
static struct arch_context *(*const short_cuts[256])(struct arch_context *context) = {
    [CAVERN_CALL_RECEIVE] = try_receive,
    [CAVERN_CALL_SEND] = try_send,
    [CAVERN_CALL_CALL] = try_call,
    [CAVERN_CALL_REPLY_RECEIVE] = try_reply_receive,
    [CAVERN_CALL_THREAD_CONTROL] = try_control,
    [CAVERN_CALL_SIGNAL_RAISE] = try_raise,
};

KERNEL_LOCK_UNCHECKED struct arch_context *trap_system_call(struct arch_context *context)
{
    enter(false, context, true);
    arch_cpu()->system_calls++;
    struct arch_context *(*try)(struct arch_context * context) = short_cuts[syscall_operation(context->x[1])];
    return try ? try(context) : general_path(context);
}

struct arch_context *trap_system_call_shared(struct arch_context *context)
{
    short_cut(context);
    enter(true, context, true);
    arch_cpu()->system_calls++;
    return serve(true, context);
}

void trap_interrupt(struct arch_context *context)
{
    (void)context;
    interrupt(false);
}

void trap_interrupt_shared(struct arch_context *context)
{
    (void)context;
    interrupt(true);
}

void trap_exception(struct arch_context *context)
{
    give_vector(context);
    trap_error(context);
}

void trap_exception_shared(struct arch_context *context)
{
    give_vector(context);
    trap_error_shared(context);
}

void trap_error(struct arch_context *context)
{
    fault(false, context);
}

void trap_error_shared(struct arch_context *context)
{
    fault(true, context);
}

/* Straight to the debug output: whatever is broken, this touches no object. */
static void show_registers(const struct arch_context *registers)
{
    char line[80];
    for (unsigned i = 0; i < 30; i += 2) {
        size_t length = format_line(line, sizeof line, "\nx%02u %016lx  x%02u %016lx", i,
                                    (unsigned long)registers->x[i], i + 1, (unsigned long)registers->x[i + 1]);
        platform_write(line, length);
    }
}

void kernel_panic(unsigned kind, const struct arch_context *registers)
{
    static const char *const kinds[] = {"exception", "interrupt", "asynchronous error", "wrong state"};
    static bool again;
    if (again)
        arch_halt();
    again = true;
    show_registers(registers);
    panic("%s in the kernel: pc %lx lr %lx sp %lx pstate %lx esr %lx far %lx", kinds[kind],
          (unsigned long)registers->pc, (unsigned long)registers->x[30], (unsigned long)registers->sp,
          (unsigned long)registers->pstate, (unsigned long)system_register_read(esr_el1),
          (unsigned long)system_register_read(far_el1));
}
