/* SPDX-License-Identifier: BSD-2-Clause */
/* How a run begins and ends, and the machine that it goes on: its devices, its log, its power. */
#include <inttypes.h>
#include <string.h>

#include "model.h"
#include "object/buffer.h"
#include "object/dma.h"
#include "object/interrupt.h"
#include "object/machine.h"
#include "object/memory.h"
#include "operation.h"
#include "recount.h"

enum { RAM = 256 << 20, LIMIT = 192 << 20 };

static uint64_t used, objects, free_pages;

/* --- devices: every eighth 64 bytes fail --- */

static struct ref_access access;

static uint64_t register_value(uint64_t physical)
{
    return (physical + 1) * UINT64_C(0x9e3779b97f4a7c15);
}

static bool register_fails(uint64_t physical)
{
    return physical / 64 % 8 == 7;
}

static uint64_t low_bytes(uint64_t value, unsigned width)
{
    return width < 8 ? value & ((UINT64_C(1) << 8 * width) - 1) : value;
}

static bool serve_device(uint64_t physical, unsigned width, bool write, uint64_t *value)
{
    if (!write)
        *value = register_fails(physical) ? 0 : register_value(physical);
    *value = low_bytes(*value, width);
    access = (struct ref_access){access.count + 1, physical, width, *value, write};
    return !register_fails(physical);
}

/* --- the beginning: one process, with an account, and with all that the machine has --- */

static void give_both(struct thread *real, struct object *object, struct ref_object *expected, uint16_t variable)
{
    uint64_t handle = model_give(real->process, object, CAVERN_RIGHTS_ALL);
    variables[variable] = ref_insert(actors[0].process, expected, CAVERN_RIGHTS_ALL);
    if (handle != variables[variable])
        disagree("the first handles are others [ABI-HANDLE-2]");
}

static void start_devices(struct thread *thread, struct account *account)
{
    static const struct ref_range controller = {0x8000000, 0x20000};
    if (!memory_exclude(controller.base, controller.size))
        disagree("the interrupt controller is not kept back");
    ref.taken[0] = (struct ref_range){MODEL_RAM_BASE, RAM};
    ref.taken[1] = controller;
    ref.register_value = register_value;
    ref.register_fails = register_fails;
    model_set_device(serve_device);
    access = (struct ref_access){0};

    struct interrupt *lines = interrupt_range_create(account);
    struct ref_interrupt *range = ref_new(sizeof *range);
    range->object.type = CAVERN_TYPE_INTERRUPT;
    range->range = true;
    range->first = 32;
    range->lines = MODEL_LINES - 32;
    ref_notice_init(&range->notice, CAVERN_KIND_INTERRUPT, &range->object);
    ref_push(&ref.interrupts, range);
    give_both(thread, &lines->object, &range->object, VARIABLE_FIRST + 1);
    object_put(&lines->object);

    struct holding *devices = buffer_devices(account);
    give_both(thread, &devices->object, &ref_device_new(0, buffer_size(devices->buffer))->object, VARIABLE_SPARE);
    object_put(&devices->object);
    struct dma *dma = dma_create(account);
    give_both(thread, &dma->object, &ref_dma_new()->object, VARIABLE_SPARE);
    object_put(&dma->object);

    ref.machine = ref_new(sizeof *ref.machine);
    ref.machine->object.type = CAVERN_TYPE_MACHINE;
    ref_notice_init(&ref.machine->notice, CAVERN_KIND_SIGNAL, &ref.machine->object);
    give_both(thread, &machine->object, &ref.machine->object, VARIABLE_SPARE);
}

void run_start(uint64_t seed)
{
    disagreement[0] = 0;
    run_operations = 0;
    memset(actors, 0, sizeof actors);
    memset(variables, 0, sizeof variables);
    recount_start();
    model_start(RAM);
    buffer_seed(seed);
    ref_start();
    used = model_root()->budget.used;
    objects = model_root()->objects;
    free_pages = memory_free();
    struct account *account = account_create(model_root(), LIMIT, CAVERN_PRIORITIES - 1);
    static const char name[CAVERN_NAME_SIZE] = "first";
    struct thread *thread = model_process(account, name, 20);

    struct ref_account *root = ref_account_new(NULL, CAVERN_PRIORITIES - 1);
    oracle_start();
    ref_random_seed(&ref.draws, seed);
    ref.now = variables[VARIABLE_NOW] = arch_now();
    ref.root = ref_process_new(ref_account_new(root, CAVERN_PRIORITIES - 1), 0);
    memcpy(ref.root->name, name, sizeof name);
    actors[0].process = ref.root;
    struct ref_thread *first = actors[0].threads[0] = ref_thread_new(ref.root, 20);
    first->registers = (struct cavern_registers){.sp = thread->context.sp, .pc = thread->context.pc};
    first->written = true;
    give_both(thread, &account->object, &ref.root->account->object, VARIABLE_FIRST);
    start_devices(thread, account);
    object_put(&account->object);
    object_put(&thread->object);
    object_put(&thread->process->object);
}

/* --- what is seen of it --- */

void compare_machine(void)
{
    const struct ref_access *expected = &ref.access;
    if (access.count != expected->count || access.physical != expected->physical || access.width != expected->width ||
        access.value != expected->value || access.write != expected->write)
        disagree("access %" PRIu64 " to a device is another [DEV-IO-1]", access.count);
    if (model_power() != ref.power)
        disagree("the power is %d, not %d", model_power(), ref.power);
    if (machine->log.next != ref.log.count)
        disagree("%" PRIu64 " records in the log, not %u", machine->log.next, ref.log.count);
}

/* --- the end --- */

/* Everybody ends, and all is back. [MEM-ACCOUNT-6] */
void run_end(void)
{
    compare_memory();
    model_end_processes();
    if (process_next(0))
        disagree("process %u is still there", process_next(0)->id);
    if (model_root()->objects != objects || model_root()->budget.used != used || memory_free() != free_pages)
        disagree("%" PRIu64 " objects, %" PRIu64 " bytes, %" PRIu64 " pages are not back [MEM-ACCOUNT-6]",
                 (uint64_t)(model_root()->objects - objects), (uint64_t)(model_root()->budget.used - used),
                 (uint64_t)(free_pages - memory_free()));
}
