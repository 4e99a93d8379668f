/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The bench, in place of the egg on a RAM disk of its own: counts guest instructions per operation and writes a line
 * `bench NAME COUNT` for each to the kernel's log, which goes to the UART. Wants the boot option `pmu`, and QEMU with
 * `-icount shift=0`: then one instruction is one nanosecond, and the timer must agree with the counter.
 */
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cavern/buffer.h>
#include <cavern/handles.h>
#include <cavern/machine.h>
#include <cavern/message.h>
#include <cavern/queue.h>
#include <cavern/spawn.h>
#include <cavern/start.h>
#include <cavern/stubs.h>
#include <cavern/text.h>
#include <cavern/time.h>

#include "formats/ustar.h"

#define WARM_UP 1000
#define OPERATIONS 10000
#define SERVER_MEMORY (4 * 1024 * 1024)
#define SERVER_PRIORITY 31 /* at or above its client: the egg runs at 30 */

static void say(const char *format, ...) __attribute__((format(printf, 1, 2)));

static void say(const char *format, ...)
{
    char text[CAVERN_LOG_TEXT_MAX];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(text, sizeof text, format, arguments);
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
    say("bench: %s: %s", what, cavern_status_text(status));
    power_off();
}

/* Instructions so far. PMU event INST_RETIRED (0x08) on counter 0; Arm ARM, D13 (PMEVCNTR0_EL0). */
static inline uint64_t instructions(void)
{
    uint64_t count;
    __asm__ volatile("isb\n\tmrs %0, pmevcntr0_el0" : "=r"(count)::"memory");
    return (uint32_t)count;
}

struct span {
    uint64_t instructions;
    uint64_t time; /* ns */
};

static struct span now(void)
{
    return (struct span){instructions(), cavern_now()};
}

/* One row: instructions of one operation, rounded to the nearest; the timer must say the same within 1%. */
static void tell(const char *name, struct span from, struct span to, unsigned operations)
{
    uint64_t count = (uint32_t)(to.instructions - from.instructions), time = to.time - from.time;
    if (count * 100 < time * 99 || count * 99 > time * 100)
        say("bench: %s: %lu instructions took %lu ns", name, (unsigned long)count, (unsigned long)time);
    else
        say("bench %s %lu", name, (unsigned long)((count + operations / 2) / operations));
}

/* A program of the RAM disk, in a process and an account of its own; a sender to its queue. */
static cavern_handle start_server(const char *path)
{
    const struct cavern_startup_handle *ramdisk = cavern_startup_find(CAVERN_STARTUP_RAMDISK);
    struct cavern_queue queue;
    struct ustar_entry entry;
    cavern_handle sender, process;
    void *data;
    must(cavern_buffer_map(ramdisk->handle, 0, ramdisk->values[0], CAVERN_PROT_READ, &data), "map");
    bool found = ustar_find(data, ramdisk->values[0], path, &entry) == USTAR_OK;
    must(found ? CAVERN_OK : CAVERN_NOT_FOUND, path);
    struct cavern_spawn spawn = {
        .name = "server",
        .image = (const uint8_t *)data + entry.offset,
        .image_size = entry.size,
        .priority = SERVER_PRIORITY,
        .arguments = path,
        .argument_bytes = strlen(path) + 1,
    };
    must(cavern_sys_account_split(cavern_startup_get(CAVERN_STARTUP_ROOT), 0, SERVER_MEMORY, SERVER_PRIORITY,
                                  &spawn.account),
         "account");
    must(cavern_sys_queue_create(CAVERN_SELF_ACCOUNT, CAVERN_QUEUE_BLOCKS_MIN, 4, &queue.handle), "queue");
    must(cavern_sender_mint(queue.handle, 1, 8, 4, 0, &sender), "sender");
    spawn.queue = queue.handle;
    must(cavern_spawn(&spawn, &process), "spawn");
    return sender;
}

static void call(cavern_handle server)
{
    static const uint64_t words[CAVERN_WORDS] = {1, 2, 3, 4, 5};
    struct cavern_received received;
    must(cavern_sys_call(server, 0, CAVERN_FOREVER, 0, 0, CAVERN_INFO(40, 0, 0, 0, 0), words, &received), "call");
}

/* request_reply: 5 words each way, between two processes. */
static void measure_request_reply(void)
{
    cavern_handle server = start_server("bench/server");
    for (unsigned i = 0; i < WARM_UP; i++)
        call(server);
    struct span from = now();
    for (unsigned i = 0; i < OPERATIONS; i++)
        call(server);
    tell("request_reply", from, now(), OPERATIONS);
}

int main(void)
{
    measure_request_reply();
    power_off();
}
