/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Stands in the egg's place and looks at what the kernel has given to the first process. It says what it sees on the
 * kernel's log; tests/start/test_first_process.py reads that from the UART. It ends, which the kernel must not survive.
 */
#include <stdio.h>
#include <string.h>

#include <cavern/inspect.h>
#include <cavern/log.h>
#include <cavern/machine.h>
#include <cavern/memory.h>
#include <cavern/start.h>
#include <cavern/stubs.h>
#include <cavern/text.h>

#define EXIT_CODE 77
#define LAST_RECORDS 16 /* that a panic shows: BOOT-LOG-2 */

static cavern_handle machine;

static void say(const char *text)
{
    uint64_t next, written;
    (void)!cavern_sys_machine(machine, CAVERN_MACHINE_LOG_WRITE, CAVERN_LOG_INFO, (uintptr_t)text, strlen(text), &next,
                              &written);
}

static void say_handles(void)
{
    char line[160];
    struct cavern_process_info info;
    uint64_t next, written;
    int length = snprintf(line, sizeof(line), "given");
    enum cavern_status status = cavern_sys_inspect(CAVERN_SELF_PROCESS, CAVERN_INSPECT_PROCESS, 0, (uintptr_t)&info,
                                                   sizeof(info), &next, &written);
    for (const struct cavern_startup_handle *h = NULL; (h = cavern_startup_next(h));)
        length += snprintf(line + length, sizeof(line) - (size_t)length, " %s", h->name);
    snprintf(line + length, sizeof(line) - (size_t)length, ", in all %u", status ? 0 : info.handles);
    say(line);
}

/* Mapped to be read, and what mapping it to be written comes to. */
static void say_buffer(const char *name)
{
    cavern_handle buffer = cavern_startup_get(name);
    uint64_t address = 0, other;
    char line[100], start[7] = "";
    if (cavern_sys_map(CAVERN_SELF_PROCESS, buffer, 0, 4096, 0, CAVERN_PROT_READ, &address) == CAVERN_OK)
        snprintf(start, sizeof(start), "%02x%02x%02x", ((const uint8_t *)address)[0], ((const uint8_t *)address)[1],
                 ((const uint8_t *)address)[2]);
    enum cavern_status status =
        cavern_sys_map(CAVERN_SELF_PROCESS, buffer, 0, 4096, 0, CAVERN_PROT_READ | CAVERN_PROT_WRITE, &other);
    snprintf(line, sizeof(line), "%s starts with %s, to write: %s, at %lx", name, start, cavern_status_text(status),
             (unsigned long)address);
    say(line);
}

static enum cavern_status take_doorbell(void)
{
    uint64_t queue, ring, control, bound;
    enum cavern_status status = cavern_sys_queue_create(CAVERN_SELF_ACCOUNT, 64, 1, 0, &queue);
    if (!status)
        status = cavern_sys_queue_bind(queue, CAVERN_SELF_PROCESS, 0, &ring, &control, &bound);
    return status ? status : cavern_sys_notify(machine, 0, queue, 0);
}

int main(void)
{
    machine = cavern_startup_get(CAVERN_STARTUP_MACHINE);
    say_handles();
    say_buffer(CAVERN_STARTUP_RAMDISK);
    say_buffer(CAVERN_STARTUP_DEVICE_TREE);
    if (take_doorbell())
        say("no doorbell");
    say("not to be seen");
    for (int i = 0; i < LAST_RECORDS; i++)
        say("seen at the end");
    return EXIT_CODE;
}
