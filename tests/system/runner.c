/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The first process of the test RAM disk, in place of the egg: runs every case of every program in test/, each in a
 * process and an account of its own, in an order drawn from a seed, and reports on the kernel's log, which goes to the
 * UART, in the Test Anything Protocol. No service is needed. A case has failed if it says so, ends in any other way
 * than by its own exit with code 0, outlasts its deadline, or leaves something charged to its account. The boot option
 * `seed=N` gives the seed; `test=TEXT` runs only the programs whose path holds TEXT; with `seconds=N` each case makes
 * load for so long, on all CPUs (tests/stress). At the end the machine is powered off.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cavern/buffer.h>
#include <cavern/handles.h>
#include <cavern/inspect.h>
#include <cavern/log.h>
#include <cavern/machine.h>
#include <cavern/queue.h>
#include <cavern/spawn.h>
#include <cavern/start.h>
#include <cavern/stubs.h>
#include <cavern/text.h>
#include <cavern/time.h>

#include "formats/ustar.h"
#include "report.h"

#define FOLDER "test/"
#define CASE_MEMORY (16 * 1024 * 1024)
#define LOAD_MEMORY (64 * 1024 * 1024)
#define CASE_SECONDS 20
#define LOAD_SECONDS 30 /* and those of the load */
#define QUEUE_BLOCKS 256
#define REPORTS_MAX 32
#define ACCOUNT_TOP TEST_PRIORITY_TOP
#define PROGRAMS_MAX 64
#define CASES_MAX 1024
#define OPTION_MAX 64

struct runner {
    struct cavern_queue queue;
    const uint8_t *archive;
    struct ustar_entry programs[PROGRAMS_MAX];
    struct {
        uint16_t program, index;
    } cases[CASES_MAX];
    unsigned program_count, case_count, run, failed;
    unsigned seconds; /* of load; 0: none */
    uint64_t seed;
};

/* A program under way. */
struct run {
    const char *path;
    cavern_handle account, process;
    bool failed, ended;
    uint64_t exit_words[5];
    char name[REPORT_TEXT_MAX + 1];
};

static void say(const char *format, ...) __attribute__((format(printf, 1, 2)));

static void say(const char *format, ...)
{
    char text[CAVERN_LOG_TEXT_MAX];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    uint64_t next, written, size = (size_t)length < sizeof(text) ? (size_t)length : sizeof(text) - 1;
    (void)!cavern_sys_machine(cavern_startup_get(CAVERN_STARTUP_MACHINE), CAVERN_MACHINE_LOG_WRITE, CAVERN_LOG_INFO,
                              (uintptr_t)text, size, &next, &written);
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
    say("Bail out! %s: %s", what, cavern_status_text(status));
    power_off();
}

static struct cavern_spawn_handle row(const char *name, cavern_handle handle, uint64_t rights)
{
    struct cavern_spawn_handle row = {.handle = handle, .rights = rights};
    const struct cavern_startup_handle *own = cavern_startup_find(name);
    memcpy(row.name, name, strlen(name));
    if (own)
        memcpy(row.values, own->values, sizeof(row.values));
    return row;
}

/* The same handle under the same name. */
static struct cavern_spawn_handle pass_on(const char *name, uint64_t rights)
{
    return row(name, cavern_startup_get(name), rights);
}

static void start(struct runner *runner, struct run *run, const struct ustar_entry *program, const char *what)
{
    char arguments[USTAR_NAME_MAX + 64];
    int length = snprintf(arguments, sizeof(arguments), "%s%c%s", run->path, 0, what) + 1;
    if (runner->seconds)
        length += snprintf(arguments + length, sizeof(arguments) - (size_t)length, "%u%c%lu", runner->seconds, 0,
                           (unsigned long)runner->seed) +
                  1;
    uint64_t memory = runner->seconds ? LOAD_MEMORY : CASE_MEMORY;
    cavern_handle report;
    must(cavern_sys_account_split(cavern_startup_get(CAVERN_STARTUP_ROOT), 0, memory, ACCOUNT_TOP, &run->account),
         "account");
    must(cavern_sender_mint(runner->queue.handle, 0, REPORTS_MAX, 0, 0, &report), "sender");
    struct cavern_spawn_handle handles[] = {
        row(TEST_REPORT, report, RIGHTS_SENDER),
        row(TEST_ACCOUNT, run->account, RIGHTS_ACCOUNT),
        pass_on(CAVERN_STARTUP_RAMDISK, RIGHTS_SEALED),
        pass_on(CAVERN_STARTUP_DEVICES, RIGHTS_DEVICE),
        pass_on(CAVERN_STARTUP_INTERRUPTS, RIGHTS_INTERRUPT),
        pass_on(CAVERN_STARTUP_DMA, RIGHTS_DMA),
        pass_on(CAVERN_STARTUP_MACHINE, RIGHTS_LOG),
    };
    struct cavern_spawn spawn = {
        .name = strrchr(run->path, '/') + 1,
        .image = runner->archive + program->offset,
        .image_size = program->size,
        .account = run->account,
        .priority = TEST_PRIORITY,
        .cpus = runner->seconds ? 0 : TEST_CPUS,
        .arguments = arguments,
        .argument_bytes = (size_t)length,
        .handles = handles,
        .handle_count = sizeof(handles) / sizeof(*handles),
        .exit_queue = runner->queue.handle,
    };
    must(cavern_spawn(&spawn, &run->process), run->path);
    cavern_handle_close(report);
}

/* What the case says, and how it ends. */
static void take_message(struct run *run, const struct cavern_message *message)
{
    const struct report *report = message->payload;
    if (message->header.kind == CAVERN_KIND_EXIT) {
        memcpy(run->exit_words, message->payload, sizeof(run->exit_words));
        run->ended = true;
    } else if (report->request.operation == REPORT_CASE) {
        snprintf(run->name, sizeof(run->name), "%s: %.*s", run->path + strlen(FOLDER), (int)report->request.value,
                 report->text);
    } else {
        run->failed |= report->request.operation == REPORT_FAILURE;
        say("# %.*s", (int)report->request.value, report->text);
    }
}

/* Messages until its exit; a case that takes too long is ended. */
static void follow(struct runner *runner, struct run *run)
{
    unsigned seconds = runner->seconds ? runner->seconds + LOAD_SECONDS : CASE_SECONDS;
    uint64_t deadline = cavern_after(seconds * CAVERN_SECOND);
    while (!run->ended) {
        struct cavern_message message;
        enum cavern_status status = cavern_queue_receive(&runner->queue, deadline, &message);
        if (status == CAVERN_TIMEOUT && deadline != CAVERN_FOREVER) {
            say("# still running after %u seconds", seconds);
            run->failed = true;
            deadline = CAVERN_FOREVER;
            must(cavern_sys_process_end(run->process, 0), "process_end");
            continue;
        }
        must(status, "receive");
        take_message(run, &message);
        cavern_queue_release(&runner->queue, &message);
    }
    cavern_handle_close(run->process);
}

static void check_exit(struct run *run)
{
    char text[160];
    bool exited = run->exit_words[CAVERN_EXIT_REASON] == CAVERN_REASON_EXITED;
    if (exited && run->exit_words[CAVERN_EXIT_CODE] == TEST_PASSED)
        return;
    if (!exited || !run->failed) {
        cavern_exit_text(run->exit_words, text, sizeof(text));
        say("# %s", text);
    }
    run->failed = true;
}

/* [MEM-ACCOUNT-6]: what a process made is back when it has ended. */
static void check_account(struct run *run)
{
    struct cavern_account_info info;
    uint64_t next, written;
    must(cavern_sys_inspect(run->account, CAVERN_INSPECT_ACCOUNT, 0, (uintptr_t)&info, sizeof(info), &next, &written),
         "inspect");
    if (info.used) {
        say("# %lu bytes and %lu objects are still charged to the account", (unsigned long)info.used,
            (unsigned long)info.objects);
        run->failed = true;
    }
    cavern_handle_close(run->account);
}

static void run_case(struct runner *runner, const struct ustar_entry *program, unsigned index)
{
    struct run run = {.path = program->name};
    char what[16];
    snprintf(what, sizeof(what), "%u", index);
    snprintf(run.name, sizeof(run.name), "%s: case %u", run.path + strlen(FOLDER), index);
    start(runner, &run, program, what);
    follow(runner, &run);
    check_exit(&run);
    check_account(&run);
    runner->run++;
    runner->failed += run.failed;
    say("%sok %u - %s", run.failed ? "not " : "", runner->run, run.name);
}

/* Asks a program how many cases it has: its exit code. */
static void add_program(struct runner *runner, const struct ustar_entry *program)
{
    struct run run = {.path = program->name};
    start(runner, &run, program, TEST_COUNT);
    follow(runner, &run);
    cavern_handle_close(run.account);
    uint64_t count = run.exit_words[CAVERN_EXIT_CODE];
    bool fits = runner->program_count < PROGRAMS_MAX && count <= CASES_MAX - runner->case_count;
    must(run.exit_words[CAVERN_EXIT_REASON] == CAVERN_REASON_EXITED && fits ? CAVERN_OK : CAVERN_TOO_LARGE, run.path);
    for (uint16_t i = 0; i < count; i++) {
        runner->cases[runner->case_count].program = (uint16_t)runner->program_count;
        runner->cases[runner->case_count++].index = i;
    }
    runner->programs[runner->program_count++] = *program;
}

static void find_cases(struct runner *runner, size_t archive_size, const char *wanted)
{
    struct ustar archive;
    struct ustar_entry entry;
    ustar_open(&archive, runner->archive, archive_size);
    while (ustar_next(&archive, &entry) == USTAR_OK)
        if (entry.type == USTAR_FILE && !strncmp(entry.name, FOLDER, strlen(FOLDER)) && strstr(entry.name, wanted))
            add_program(runner, &entry);
}

/* SplitMix64. */
static uint64_t draw(uint64_t *seed)
{
    uint64_t x = *seed += 0x9e3779b97f4a7c15;
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
    x = (x ^ x >> 27) * 0x94d049bb133111eb;
    return x ^ x >> 31;
}

static void run_shuffled(struct runner *runner, uint64_t seed)
{
    for (unsigned left = runner->case_count; left; left--) {
        unsigned chosen = (unsigned)(draw(&seed) % left);
        run_case(runner, &runner->programs[runner->cases[chosen].program], runner->cases[chosen].index);
        runner->cases[chosen] = runner->cases[left - 1];
    }
}

/* The text after `name` in the boot arguments; "" without it. */
static const char *option(const char *bootargs, const char *name, char text[OPTION_MAX])
{
    const char *at = bootargs ? strstr(bootargs, name) : NULL;
    text[0] = 0;
    if (at) {
        at += strlen(name);
        snprintf(text, OPTION_MAX, "%.*s", (int)strcspn(at, " "), at);
    }
    return text;
}

int main(int argc, char **argv)
{
    static struct runner runner;
    const struct cavern_startup_handle *ramdisk = cavern_startup_find(CAVERN_STARTUP_RAMDISK);
    const char *bootargs = argc > 1 ? argv[1] : NULL;
    char text[OPTION_MAX];
    void *archive;
    must(cavern_queue_create(QUEUE_BLOCKS, 0, &runner.queue), "queue");
    must(ramdisk ? CAVERN_OK : CAVERN_NOT_FOUND, "RAM disk");
    must(cavern_buffer_map(ramdisk->handle, 0, ramdisk->values[0], CAVERN_PROT_READ, &archive), "map");
    runner.archive = archive;
    runner.seed = strtoull(option(bootargs, "seed=", text), NULL, 0);
    runner.seconds = (unsigned)strtoul(option(bootargs, "seconds=", text), NULL, 10);
    find_cases(&runner, ramdisk->values[0], option(bootargs, "test=", text));
    say("1..%u", runner.case_count);
    run_shuffled(&runner, runner.seed);
    power_off();
}
