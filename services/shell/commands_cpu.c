/* SPDX-License-Identifier: BSD-2-Clause */
/* What the CPUs do: cpus, interrupts. */
#include <inttypes.h>
#include <stdio.h>

#include <cavern/inspect.h>
#include <cavern/stubs.h>
#include <cavern/time.h>

#include "command.h"
#include "watch.h"

#define CPUS_MAX 64
#define INTERVAL (100 * CAVERN_MILLISECOND)

struct sample {
    uint64_t time;
    size_t count;
    struct cavern_cpu_info cpus[CPUS_MAX];
};

static enum cavern_status take_sample(const struct shell *shell, struct sample *sample)
{
    enum cavern_status status = CAVERN_OK;
    uint64_t cursor = 0, written;
    sample->count = 0;
    sample->time = cavern_now();
    do {
        size_t room = sizeof sample->cpus - sample->count * sizeof sample->cpus[0];
        if (!room)
            break;
        status = cavern_sys_inspect(shell->machine, CAVERN_INSPECT_CPUS, cursor,
                                    (uintptr_t)&sample->cpus[sample->count], room, &cursor, &written);
        sample->count += written / sizeof sample->cpus[0];
    } while (!status && cursor);
    return status;
}

/* Of the time between two samples, in per cent. */
static unsigned load(const struct sample *before, const struct sample *after, size_t i)
{
    uint64_t time = after->time - before->time;
    uint64_t idle = after->cpus[i].idle_time - before->cpus[i].idle_time;
    return idle < time ? (unsigned)((time - idle) * 100 / time) : 0;
}

static void print_cpu(const struct sample *before, const struct sample *after, size_t i)
{
    const struct cavern_cpu_info *cpu = &after->cpus[i];
    char runs[32] = "-";
    if (cpu->process)
        snprintf(runs, sizeof runs, "%" PRIu32 ".%" PRIu32, cpu->process, cpu->thread);
    printf("%3" PRIu32 "  %3u %%  %-12s%10" PRIu64 "%12" PRIu64 "%14" PRIu64 "\n", cpu->number, load(before, after, i),
           runs, cpu->switches, cpu->interrupts, cpu->system_calls);
}

int command_cpus(struct shell *shell, const struct shell_words *words)
{
    static struct sample before, after;
    enum cavern_status status = take_sample(shell, &before);
    if (!status && watch_sleep(cavern_after(INTERVAL)))
        return SHELL_INTERRUPTED;
    if (!status)
        status = take_sample(shell, &after);
    if (status)
        return command_failed(words, NULL, status);
    printf("CPU   LOAD  RUNS          SWITCHES  INTERRUPTS  SYSTEM CALLS\n");
    for (size_t i = 0; i < after.count; i++)
        print_cpu(&before, &after, i);
    return SHELL_OK;
}

int command_interrupts(struct shell *shell, const struct shell_words *words)
{
    struct cavern_interrupt_info lines[16];
    uint64_t cursor = 0, written;
    printf("LINE  CPU       FIRED\n");
    do {
        enum cavern_status status = cavern_sys_inspect(shell->machine, CAVERN_INSPECT_INTERRUPTS, cursor,
                                                       (uintptr_t)lines, sizeof lines, &cursor, &written);
        if (status)
            return command_failed(words, NULL, status);
        for (size_t i = 0; i < written / sizeof lines[0]; i++)
            printf("%4" PRIu32 "%5" PRIu32 "%12" PRIu64 "\n", lines[i].line, lines[i].cpu, lines[i].fired);
    } while (cursor);
    return SHELL_OK;
}
