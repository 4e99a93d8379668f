/* SPDX-License-Identifier: BSD-2-Clause */
/* What tests do to the simulated machine. */
#include "model.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "call_statuses.h"
#include "machine_state.h"
#include "object/buffer.h"
#include "object/interrupt.h"
#include "object/machine.h"
#include "object/memory.h"
#include "syscall/dispatch.h"
#include "syscall/fast.h"

void model_start(size_t ram)
{
    if (model.ram)
        munmap(model.ram, model.ram_size);
    memset(&model, 0, sizeof model);
    model.ram_size = ram;
    model.ram = mmap(NULL, ram, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    assert(model.ram != MAP_FAILED);
    memset(model.masked, true, sizeof model.masked);
    model.now = 1000000;
    struct memory_region region = {MODEL_RAM_BASE, ram};
    bool enough = memory_init(&region, 1, NULL, 0);
    assert(enough);
    buffer_seed(1);
    scheduler_init(&model.cpus[0]);
    model.root = account_root_create();
    machine = machine_create(model.root);
    assert(model.root && machine);
}

struct account *model_root(void)
{
    return model.root;
}

struct thread *model_thread(struct process *process, uint8_t priority)
{
    struct thread *thread;
    enum cavern_status status =
        thread_create(process, priority, 0x400000, 0x800000, 0, (uint64_t[2]){0, 0}, 0, &thread);
    assert(status == CAVERN_OK);
    thread_start(thread);
    return thread;
}

struct thread *model_process(struct account *account, const char *name, uint8_t priority)
{
    char padded[CAVERN_NAME_SIZE] = {0};
    memcpy(padded, name, strnlen(name, sizeof padded));
    struct process *process;
    enum cavern_status status = process_create(account, NULL, 0, padded, &process);
    assert(status == CAVERN_OK);
    return model_thread(process, priority);
}

uint64_t model_memory(struct process *process, size_t bytes)
{
    enum cavern_status status;
    struct holding *holding = buffer_create(process->account, bytes, 0, &status);
    assert(holding);
    bool complete = false;
    while (!complete) {
        status = buffer_fill(holding, 64, &complete);
        assert(status == CAVERN_OK);
    }
    uint64_t address = buffer_own_address(holding->buffer), length = buffer_size(holding->buffer), total = 0;
    while (total < length) {
        uint64_t done;
        status = space_map_step(&process->space, holding, total, length - total, address + total,
                                CAVERN_PROT_READ | CAVERN_PROT_WRITE, 64, &done);
        assert(status == CAVERN_OK);
        total += done;
    }
    object_put(&holding->object); /* the mapping keeps it */
    return address;
}

void *model_at(struct process *process, uint64_t address)
{
    uint64_t physical, length = 1;
    if (!arch_translate(&process->space.arch, address, ARCH_ACCESS_READ, &physical, &length))
        return NULL;
    return arch_direct(physical);
}

/* [ABI-ERROR-1] [ABI-ENTER-4] */
static void check_status(unsigned call, uint64_t status)
{
    uint64_t listed = call_statuses[call] ? call_statuses[call] : UINT64_C(1) << CAVERN_BAD_OPERATION;
    if (status < 64 && listed >> status & 1)
        return;
    fprintf(stderr, "call %u returned %lu, which spec/abi.md does not list\n", call, (unsigned long)status);
    abort();
}

static void make_current(struct thread *thread)
{
    assert(thread->state == CAVERN_THREAD_READY);
    struct cpu *cpu = arch_cpu();
    if (cpu->current != thread) {
        if (cpu->current && cpu->current->state == CAVERN_THREAD_READY)
            run_queue_push_front(&scheduler.ready, &cpu->current->runnable);
        run_queue_remove(&scheduler.ready, &thread->runnable);
        cpu->current = thread;
    }
}

uint64_t model_again(struct thread *thread, uint64_t regs[16])
{
    make_current(thread);
    unsigned made = thread->context.x[1] >> 16 & 0xff; /* x1 may have had more of it */
    object_get(&thread->object);
    do {
        model.restart = false;
        arch_cpu()->system_calls++;
        if (!fast_serve(thread, syscall_operation(thread->context.x[1])))
            syscall_dispatch(thread);
    } while (model.restart && thread->state == CAVERN_THREAD_READY);
    model_settle();
    bool waits = thread->state == CAVERN_THREAD_RECEIVING || thread->state == CAVERN_THREAD_CALLING ||
                 thread->state == CAVERN_THREAD_FAULTED;
    for (unsigned i = 0; i < 9; i++)
        regs[i] = thread->context.x[i];
    if (waits)
        regs[0] = MODEL_WAITS;
    else if (thread->state != CAVERN_THREAD_ENDED)
        check_status(made, regs[0]);
    object_put(&thread->object);
    return regs[0];
}

uint64_t model_call(struct thread *thread, enum cavern_call call, uint64_t regs[16])
{
    for (unsigned i = 0; i < 16; i++)
        thread->context.x[i] = regs[i];
    thread->context.x[1] |= (uint64_t)call << 16;
    return model_again(thread, regs);
}

uint64_t *model_registers(struct thread *thread)
{
    assert(thread->state == CAVERN_THREAD_READY);
    return thread->context.x;
}

/* As kernel/arch/aarch64/trap.c. */
void model_fault(struct thread *thread, enum cavern_fault kind, uint64_t address, uint64_t syndrome)
{
    bool general = model.no_short_cuts || model.shared_short_cuts || scheduler.cpu_count > 1;
    make_current(thread);
    if (general || !fast_fault(thread, kind, address, syndrome))
        thread_fault(thread, kind, address, syndrome);
    model_settle();
}

struct thread *model_settle(void)
{
    struct thread *next = scheduler_next();
    while (scheduler.jobs.ready) { /* those below what would run next, too */
        job_run(container_of(run_queue_first(&scheduler.jobs), struct job, runnable));
        next = scheduler_next();
    }
    return next;
}

/* Kept tables may hold each other's zombies: such circles are broken by whoever made them, here. */
static void close_kept_table(struct process *process)
{
    uint32_t cursor = 0;
    cavern_handle handle;
    object_get(&process->object);
    while (process->table_kept && handle_next_used(&process->handles, &cursor, &handle)) {
        enum cavern_status status = handle ? process_close(process, handle) : CAVERN_OK;
        assert(status == CAVERN_OK);
    }
    object_put(&process->object);
    model_settle();
}

void model_end_processes(void)
{
    for (uint64_t id = 0; process_next(id); id = process_next(id)->id)
        process_end(process_next(id), (uint64_t[5]){CAVERN_REASON_ENDED});
    model_settle();
    for (uint64_t id = 0; process_next(id);) {
        struct process *process = process_next(id);
        id = process->id;
        close_kept_table(process);
    }
}

cavern_handle model_give(struct process *process, struct object *object, uint16_t rights)
{
    cavern_handle handle;
    object_get_handle(object);
    enum cavern_status status = process_insert(process, object, rights, 0, &handle);
    assert(status == CAVERN_OK);
    return handle;
}

void model_set_time(uint64_t ns)
{
    assert(ns >= model.now);
    model.now = ns;
    while (model.timers[model.cpu] <= ns) {
        interrupt_handle();
        model_settle();
    }
}

uint64_t model_timer(void)
{
    return model.timers[model.cpu];
}

void model_raise(unsigned line)
{
    model.raised[line] = true;
    interrupt_handle();
    model_settle();
}

void model_line_level_only(unsigned line)
{
    model.level_only[line] = true;
}

unsigned model_line_cpu(unsigned line)
{
    return model.routes[line];
}

bool model_line_masked(unsigned line)
{
    return model.masked[line];
}

void model_interrupt_pending(bool on)
{
    model.interrupt_pending = on;
}

void model_set_device(model_device device)
{
    model.device = device;
}

const char *model_output(void)
{
    return model.output;
}

int model_power(void)
{
    return model.power;
}

bool model_halts(void (*action)(void))
{
    jmp_buf halted;
    bool halts = setjmp(halted);
    model.halted = &halted;
    if (!halts)
        action();
    model.halted = NULL;
    return halts;
}

void model_fail_allocation(unsigned n)
{
    model.fail_after = n;
}

void model_short_cuts(bool on)
{
    model.no_short_cuts = !on;
}

void model_share_short_cuts(void)
{
    model.shared_short_cuts = true;
}

void model_add_cpus(unsigned count)
{
    assert(scheduler.cpu_count + count <= MODEL_CPUS);
    for (unsigned own = model.cpu; count--; model.cpu = own) {
        model.cpu = scheduler.cpu_count;
        scheduler_prepare_cpu(arch_cpu());
        scheduler_add_cpu(arch_cpu());
        model.timers[model.cpu] = CAVERN_FOREVER;
    }
}

void model_run_on(unsigned cpu)
{
    assert(cpu < scheduler.cpu_count);
    model.cpu = cpu;
}

bool model_kicked(unsigned cpu)
{
    bool kicked = model.kicked >> cpu & 1;
    model.kicked &= ~(1u << cpu);
    return kicked;
}
