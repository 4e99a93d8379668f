/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The first process of the bench RAM disk: counts the instructions of kernel operations and says `bench NAME COUNT` on
 * the kernel's log, then powers off. The boot option `pmu` lets it read the counter of retired instructions, which QEMU
 * has under `-icount shift=0` alone; there the generic timer runs with the instructions, and must agree. Counts are
 * those of both sides, user code and stubs included, averaged after a warm-up. Its other processes are of the same
 * program.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cavern/buffer.h>
#include <cavern/fault.h>
#include <cavern/handles.h>
#include <cavern/machine.h>
#include <cavern/queue.h>
#include <cavern/spawn.h>
#include <cavern/start.h>
#include <cavern/stubs.h>
#include <cavern/text.h>
#include <cavern/time.h>

#include "formats/ustar.h"

#define WARM_UP 1000
#define OPERATIONS 10000
#define PEER_MEMORY (8 * 1024 * 1024)
#define PRIORITY 30 /* that of the first process */
#define SERVER "server"
#define FAULTER "faulter"

static void say(const char *format, ...) __attribute__((format(printf, 1, 2)));

static void say(const char *format, ...)
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

_Noreturn static void power_off(void)
{
    uint64_t next, written;
    (void)!cavern_sys_machine(cavern_startup_get(CAVERN_STARTUP_MACHINE), CAVERN_MACHINE_POWER_OFF, 0, 0, 0, &next,
                              &written);
    abort();
}

static void must(enum cavern_status status, const char *what)
{
    if (status == CAVERN_OK)
        return;
    say("%s: %s", what, cavern_status_text(status));
    power_off();
}

/* --- counting --- */

/* Counter 0: the kernel has it count retired instructions (DDI 0487, "The Performance Monitors Extension"). */
static uint32_t counter_read(void)
{
    uint64_t count;
    __asm__ volatile("isb\n\tmrs %0, pmevcntr0_el0" : "=r"(count) : : "memory");
    return (uint32_t)count;
}

/* Runs `operation` often and says what one costs. */
static void measure(const char *name, void (*operation)(void *context), void *context)
{
    for (unsigned i = 0; i < WARM_UP; i++)
        operation(context);
    uint64_t start = cavern_now();
    uint32_t first = counter_read();
    for (unsigned i = 0; i < OPERATIONS; i++)
        operation(context);
    uint32_t instructions = counter_read() - first;
    uint64_t elapsed = cavern_now() - start;
    if (elapsed > instructions + instructions / 100 || elapsed < instructions - instructions / 100)
        say("%s: %u instructions in %lu ns: is this -icount shift=0?", name, instructions, (unsigned long)elapsed);
    else
        say("bench %s %u", name, instructions / OPERATIONS);
}

/* --- request and reply, five words each way, between two processes --- */

/* The first request may have come before the server; from then on it waits when the next one comes. */
static void serve(void)
{
    struct cavern_queue queue;
    struct cavern_message first;
    struct cavern_received received;
    must(cavern_queue_open(CAVERN_STARTUP_QUEUE, &queue), "queue");
    must(cavern_queue_receive(&queue, CAVERN_FOREVER, &first), "receive");
    uint32_t request = first.header.request;
    memcpy(received.words, first.payload, sizeof(received.words));
    cavern_queue_release(&queue, &first);
    while (cavern_sys_reply_receive(queue.handle, request, CAVERN_FOREVER, CAVERN_INFO(40, 0, 0, 0, 0), received.words,
                                    &received) == CAVERN_OK)
        request = (uint32_t)received.header[1];
}

static void request_reply(void *context)
{
    static const uint64_t words[CAVERN_WORDS] = {1, 2, 3, 4, 5};
    cavern_handle sender = *(cavern_handle *)context;
    struct cavern_received received;
    enum cavern_status status =
        cavern_sys_call(sender, 0, CAVERN_FOREVER, 0, 0, CAVERN_INFO(40, 0, 0, 0, 0), words, &received);
    if (status || received.words[4] != words[4])
        must(status ? status : CAVERN_CORRUPT, "call");
}

/* This program's own file. */
static const void *own_image(size_t *size)
{
    const struct cavern_startup_handle *ramdisk = cavern_startup_find(CAVERN_STARTUP_RAMDISK);
    struct ustar_entry entry;
    static void *archive;
    if (!archive)
        must(cavern_buffer_map(ramdisk->handle, 0, ramdisk->values[0], CAVERN_PROT_READ, &archive), "RAM disk");
    must(ustar_find(archive, ramdisk->values[0], "egg", &entry) == USTAR_OK ? CAVERN_OK : CAVERN_NOT_FOUND, "egg");
    *size = entry.size;
    return (const uint8_t *)archive + entry.offset;
}

/* A process of this program that does what `arguments`, the program's name and a second one, say. */
static cavern_handle start(const char *name, const char *arguments, size_t argument_bytes, uint8_t priority,
                           cavern_handle *sender)
{
    cavern_handle process;
    struct cavern_spawn_handle machine = {.name = CAVERN_STARTUP_MACHINE,
                                          .handle = cavern_startup_get(CAVERN_STARTUP_MACHINE),
                                          .rights = CAVERN_RIGHT_LOG | CAVERN_RIGHT_POWER};
    struct cavern_spawn spawn = {
        .name = name,
        .priority = priority,
        .arguments = arguments,
        .argument_bytes = argument_bytes,
        .handles = &machine,
        .handle_count = 1,
    };
    spawn.image = own_image(&spawn.image_size);
    must(cavern_sys_account_split(cavern_startup_get(CAVERN_STARTUP_ROOT), 0, PEER_MEMORY, PRIORITY, &spawn.account),
         "account");
    must(cavern_sys_queue_create(spawn.account, CAVERN_QUEUE_BLOCKS_MIN, 4, &spawn.queue), "queue");
    must(cavern_sender_mint(spawn.queue, 0, 4, 4, 0, sender), "sender");
    must(cavern_spawn(&spawn, &process), name);
    return process;
}

/* --- a page fault, its handler in another process, and back --- */

struct pager {
    cavern_handle process;
    struct cavern_queue queue;
    uint64_t thread;
};

/* Whoever handles it maps nothing: it is the same fault again and again. */
static void fault_for_ever(void)
{
    *(volatile uint64_t *)(uintptr_t)CAVERN_USER_START = 0;
}

static void page_fault(void *context)
{
    const struct pager *pager = context;
    struct cavern_received received;
    enum cavern_status status = cavern_thread_resume(pager->process, pager->thread);
    if (!status)
        status = cavern_sys_receive(pager->queue.handle, CAVERN_FOREVER, &received);
    if (status || received.words[CAVERN_FAULT_ADDRESS] != CAVERN_USER_START)
        must(status ? status : CAVERN_CORRUPT, "fault");
}

static void start_faulter(struct pager *pager)
{
    static const char arguments[] = "bench\0" FAULTER;
    struct cavern_message message;
    cavern_handle sender;
    must(cavern_queue_create(CAVERN_QUEUE_BLOCKS_MIN, 0, &pager->queue), "queue");
    pager->process = start(FAULTER, arguments, sizeof(arguments), PRIORITY - 1, &sender);
    must(cavern_fault_notify(pager->process, pager->queue.handle, 0), "notify");
    must(cavern_queue_receive(&pager->queue, CAVERN_FOREVER, &message), "first fault");
    pager->thread = cavern_fault_read(&message).thread;
    cavern_queue_release(&pager->queue, &message);
}

int main(int argc, char **argv)
{
    if (argc > 1 && !strcmp(argv[1], SERVER)) {
        serve();
        return EXIT_FAILURE;
    }
    if (argc > 1 && !strcmp(argv[1], FAULTER))
        fault_for_ever();
    static const char server[] = "bench\0" SERVER;
    cavern_handle sender;
    struct pager pager;
    start(SERVER, server, sizeof(server), PRIORITY, &sender);
    measure("request_reply", request_reply, &sender);
    start_faulter(&pager);
    measure("page_fault", page_fault, &pager);
    power_off();
}
