/* SPDX-License-Identifier: BSD-2-Clause */
/* Found in the RAM disk, loaded, told what it has (spec/boot.md, "The egg"), made ready. */
#include "boot/first_process.h"

#include <string.h>

#include <cavern/startup.h>

#include "boot/boot.h"
#include "core/range.h"
#include "formats/elf.h"
#include "formats/ustar.h"
#include "object/account.h"
#include "object/buffer.h"
#include "object/dma.h"
#include "object/interrupt.h"
#include "object/machine.h"
#include "object/process.h"
#include "object/space.h"
#include "object/thread.h"

#define NAME "egg"
#define STACK_SIZE 65536
#define PRIORITY 30 /* above all that it starts, below nothing but the kernel's own jobs for it */
#define STEP_PAGES 64

/* The address and size of what has been put into the new address space. */
struct placed {
    uint64_t address;
    uint64_t size;
};

static void must(enum cavern_status status)
{
    if (status)
        boot_out_of_memory();
}

static struct ustar_entry find_program(const void *image, size_t size)
{
    struct ustar archive;
    struct ustar_entry entry, found = {.name = ""};
    enum ustar_error error;
    ustar_open(&archive, image, size);
    while ((error = ustar_next(&archive, &entry)) == USTAR_OK)
        if (!strcmp(entry.name, NAME) && entry.type == USTAR_FILE)
            found = entry;
    if (error != USTAR_END)
        panic("RAM disk: %s", ustar_error_text(error));
    if (!found.name[0])
        panic("no " NAME " in the RAM disk");
    return found;
}

static struct holding *new_buffer(struct account *account, uint64_t size)
{
    enum cavern_status why;
    bool complete = false;
    struct holding *holding = buffer_create(account, size, 0, &why);
    if (!holding)
        boot_out_of_memory();
    while (!complete)
        must(buffer_fill(holding, STEP_PAGES, &complete));
    return holding;
}

static void fill(struct holding *holding, uint64_t offset, const void *from, uint64_t size)
{
    const char *bytes = from;
    while (size) {
        uint64_t room;
        void *to = buffer_window(holding->buffer, offset, &room);
        uint64_t step = room < size ? room : size;
        memcpy(to, bytes, step);
        bytes += step;
        offset += step;
        size -= step;
    }
}

/* Maps the whole buffer; it is the mapping's from here on. What is not written is sealed. */
static struct placed place(struct process *process, struct holding *holding, uint64_t address, unsigned protection)
{
    uint64_t size = buffer_size(holding->buffer), done;
    if (!(protection & CAVERN_PROT_WRITE))
        must(buffer_seal(holding));
    for (uint64_t at = 0; at < size; at += done)
        must(space_map_step(&process->space, holding, at, size - at, address + at, protection, STEP_PAGES, &done));
    object_put(&holding->object); /* new_buffer */
    return (struct placed){address, size};
}

static unsigned protection_of(const struct elf_segment *segment)
{
    unsigned protection = CAVERN_PROT_READ;
    if (segment->protection & ELF_WRITE)
        protection |= CAVERN_PROT_WRITE;
    if (segment->protection & ELF_EXECUTE)
        protection |= CAVERN_PROT_EXECUTE;
    return protection;
}

static void load(struct process *process, const struct elf_image *image)
{
    struct elf_segment segment;
    uint32_t cursor = 0;
    while (elf_next_segment(image, &cursor, &segment)) {
        uint64_t start = align_down(segment.address, CAVERN_PAGE_SIZE);
        uint64_t skipped = segment.address - start;
        struct holding *holding = new_buffer(process->account, skipped + segment.memory_size);
        fill(holding, skipped, image->data + segment.offset, segment.file_size);
        place(process, holding, start, protection_of(&segment));
    }
}

/* --- what it is told --- */

struct given {
    const char *name;
    struct object *object;
    uint64_t values[3];
};

static uint64_t append_string(struct holding *record, uint64_t offset, const char *text)
{
    uint64_t size = strlen(text) + 1;
    fill(record, offset, text, size);
    return offset + size;
}

static struct placed tell(struct process *process, const struct given *given, uint32_t count, const char *bootargs)
{
    struct cavern_startup head = {.magic = CAVERN_STARTUP_MAGIC, .handles = count, .arguments = 2};
    uint64_t entries = sizeof head + count * sizeof(struct cavern_startup_handle);
    head.size = (uint32_t)(entries + sizeof NAME + strlen(bootargs) + 1);
    struct holding *record = new_buffer(process->account, head.size);
    fill(record, 0, &head, sizeof head);
    must(process_reserve(process, count));
    for (uint32_t i = 0; i < count; i++) {
        struct cavern_startup_handle entry = {.handle = process_publish(process, given[i].object)};
        memcpy(entry.name, given[i].name, strlen(given[i].name));
        memcpy(entry.values, given[i].values, sizeof entry.values);
        fill(record, sizeof head + i * sizeof entry, &entry, sizeof entry);
    }
    append_string(record, append_string(record, entries, NAME), bootargs);
    struct placed placed = place(process, record, buffer_own_address(record->buffer), CAVERN_PROT_READ);
    return (struct placed){placed.address, head.size};
}

static struct placed give(struct process *process, const struct first_process *first)
{
    const struct given given[] = {
        {CAVERN_STARTUP_ROOT, &first->root->object, {0}},
        {CAVERN_STARTUP_DEVICES, &first->devices->object, {buffer_size(first->devices->buffer)}},
        {CAVERN_STARTUP_INTERRUPTS, &first->interrupts->object, {first->interrupts->first, first->interrupts->count}},
        {CAVERN_STARTUP_DMA, &first->dma->object, {0}},
        {CAVERN_STARTUP_MACHINE, &first->machine->object, {0}},
        {CAVERN_STARTUP_RAMDISK, &first->ramdisk->object, {first->ramdisk_size}},
        {CAVERN_STARTUP_DEVICE_TREE, &first->device_tree->object, {buffer_size(first->device_tree->buffer)}},
    };
    return tell(process, given, sizeof given / sizeof given[0], first->bootargs);
}

static uint64_t stack_end(struct process *process)
{
    uint64_t address = space_find(&process->space, STACK_SIZE); /* a page on either side stays free */
    if (!address)
        boot_out_of_memory();
    struct placed stack =
        place(process, new_buffer(process->account, STACK_SIZE), address, CAVERN_PROT_READ | CAVERN_PROT_WRITE);
    return stack.address + stack.size;
}

void first_process_start(const struct first_process *first)
{
    static const char name[CAVERN_NAME_SIZE] = NAME;
    struct elf_image image;
    struct process *process;
    struct thread *thread;
    uint64_t length;

    const uint8_t *disk = buffer_window(first->ramdisk->buffer, 0, &length);
    struct ustar_entry program = find_program(disk, first->ramdisk_size);
    enum elf_error error = elf_open(disk + program.offset, program.size, &image);
    if (error != ELF_OK)
        panic(NAME ": %s", elf_error_text(error));

    must(process_create(first->root, NULL, 0, name, &process));
    machine->vital_process = process->id;
    load(process, &image);
    uint64_t sp = stack_end(process);
    struct placed record = give(process, first);
    uint64_t arguments[2] = {record.address, record.size};
    must(thread_create(process, PRIORITY, image.entry, sp, 0, arguments, 0, &thread));
    thread_start(thread);
    object_put(&thread->object);  /* thread_create */
    object_put(&process->object); /* process_create; it lives with its thread */
}
