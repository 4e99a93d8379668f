/* SPDX-License-Identifier: BSD-2-Clause */
/* The machine: mem, uptime, sleep, poweroff, reboot. */
#include <inttypes.h>
#include <stdio.h>

#include <cavern/console.h>
#include <cavern/inspect.h>
#include <cavern/machine.h>
#include <cavern/stubs.h>
#include <cavern/time.h>

#include "command.h"
#include "watch.h"

static enum cavern_status inspect_machine(const struct shell *shell, struct cavern_machine_info *info)
{
    uint64_t next, written;
    return cavern_sys_inspect(shell->machine, CAVERN_INSPECT_MACHINE, 0, (uintptr_t)info, sizeof *info, &next,
                              &written);
}

static void print_size(const char *what, uint64_t bytes)
{
    char size[16];
    shell_size(bytes, size);
    printf("%-18s%10s\n", what, size);
}

int command_mem(struct shell *shell, const struct shell_words *words)
{
    struct cavern_machine_info machine;
    struct cavern_account_info root;
    uint64_t next, written;
    enum cavern_status status = inspect_machine(shell, &machine);
    if (!status) {
        status =
            cavern_sys_inspect(shell->root, CAVERN_INSPECT_ACCOUNT, 0, (uintptr_t)&root, sizeof root, &next, &written);
    }
    if (status)
        return command_failed(words, NULL, status);
    print_size("RAM", machine.memory_total);
    print_size("  in use", machine.memory_total - machine.memory_free);
    print_size("  free", machine.memory_free);
    print_size("root account", root.limit);
    print_size("  in use", root.used - root.lent);
    print_size("  lent", root.lent);
    print_size("  left", root.limit - root.used);
    return SHELL_OK;
}

int command_uptime(struct shell *shell, const struct shell_words *words)
{
    struct cavern_machine_info info;
    char uptime[16];
    enum cavern_status status = inspect_machine(shell, &info);
    if (status)
        return command_failed(words, NULL, status);
    shell_duration(info.uptime, uptime);
    printf("up %s; %u of %u CPUs; %" PRIu64 " switches, %" PRIu64 " interrupts, %" PRIu64 " system calls\n", uptime,
           (unsigned)info.cpus, (unsigned)info.cpus_present, info.switches, info.interrupts, info.system_calls);
    return SHELL_OK;
}

int command_sleep(struct shell *shell, const struct shell_words *words)
{
    uint64_t nanoseconds;
    (void)shell;
    if (!shell_seconds(words->word[1], &nanoseconds))
        return command_misused(words, "seconds as 7 or 0.25");
    return watch_sleep(cavern_after(nanoseconds)) ? SHELL_INTERRUPTED : SHELL_OK;
}

/* Returns only when it can't be done. */
static int end(struct shell *shell, const struct shell_words *words, enum cavern_machine_operation operation)
{
    uint64_t next, written;
    shell_finish(shell, SHELL_OK);
    fflush(stdout);
    enum cavern_status status = cavern_console_flush();
    if (!status)
        status = cavern_sys_machine(shell->machine, operation, 0, 0, 0, &next, &written);
    return command_failed(words, NULL, status);
}

int command_poweroff(struct shell *shell, const struct shell_words *words)
{
    return end(shell, words, CAVERN_MACHINE_POWER_OFF);
}

int command_reboot(struct shell *shell, const struct shell_words *words)
{
    return end(shell, words, CAVERN_MACHINE_RESTART);
}
