/* SPDX-License-Identifier: BSD-2-Clause */
#include "command.h"

#include <stdio.h>
#include <string.h>

#include <cavern/text.h>

static const struct command commands[] = {
    {"cat", "PATH", "print a file", 1, 1, command_cat},
    {"cpus", "", "show what the CPUs do", 0, 0, command_cpus},
    {"devices", "", "list the machine's devices and their drivers", 0, 0, command_devices},
    {"echo", "[WORD ...]", "print the words; $? is the last exit status", 0, SHELL_WORDS_MAX, command_echo},
    {"help", "[COMMAND]", "list the commands, or explain one", 0, 1, command_help},
    {"interrupts", "", "show the interrupt lines of drivers, and how often each fired", 0, 0, command_interrupts},
    {"kill", "NAME|PID", "end a process of the supervisor's as if it had crashed", 1, 1, command_kill},
    {"log", "[LEVEL]", "print the log: error, warning, info or debug, and what is more urgent", 0, 1, command_log},
    {"ls", "[PATH]", "list a folder of a volume, or names in the registry", 0, 1, command_ls},
    {"mem", "", "show how much memory there is", 0, 0, command_mem},
    {"poweroff", "", "switch the machine off", 0, 0, command_poweroff},
    {"ps", "[PID]", "list the processes, or the threads of one", 0, 1, command_ps},
    {"reboot", "", "restart the machine", 0, 0, command_reboot},
    {"restart", "NAME|PID", "have the supervisor restart one of its children", 1, 1, command_restart},
    {"run", "PROGRAM [WORD ...]", "start a program and wait for its end", 1, SHELL_WORDS_MAX, command_run},
    {"services", "", "list the supervisor's children", 0, 0, command_services},
    {"sleep", "SECONDS", "wait", 1, 1, command_sleep},
    {"status", "NAME|PID", "show all that the supervisor knows of a child", 1, 1, command_status},
    {"uptime", "", "show for how long the machine runs, and what it did", 0, 0, command_uptime},
};

enum { COMMANDS = sizeof commands / sizeof commands[0] };

const struct command *command_find(const char *name)
{
    for (unsigned i = 0; i < COMMANDS; i++)
        if (!strcmp(commands[i].name, name))
            return &commands[i];
    return NULL;
}

static void print_usage(const struct command *command)
{
    printf("usage: %s%s%s\n", command->name, *command->usage ? " " : "", command->usage);
}

int command_execute(struct shell *shell, const struct shell_words *words)
{
    const struct command *command = command_find(words->word[0]);
    if (!command) {
        printf("%s: unknown command; try help\n", words->word[0]);
        return SHELL_UNKNOWN;
    }
    if (words->count - 1 < command->least || words->count - 1 > command->most) {
        print_usage(command);
        return SHELL_USAGE;
    }
    return command->run(shell, words);
}

int command_failed(const struct shell_words *words, const char *what, enum cavern_status status)
{
    if (status == CAVERN_BAD_HANDLE) /* only one that this shell was not given */
        status = CAVERN_NOT_PERMITTED;
    printf("%s: %s%s%s\n", words->word[0], what ? what : "", what ? ": " : "", cavern_status_text(status));
    return status == CAVERN_INTERRUPTED ? SHELL_INTERRUPTED : SHELL_FAILED;
}

int command_misused(const struct shell_words *words, const char *wrong)
{
    printf("%s: %s\n", words->word[0], wrong);
    print_usage(command_find(words->word[0]));
    return SHELL_USAGE;
}

int command_help(struct shell *shell, const struct shell_words *words)
{
    (void)shell;
    const struct command *command = words->count > 1 ? command_find(words->word[1]) : NULL;
    if (words->count > 1 && !command) {
        printf("help: %s: unknown command\n", words->word[1]);
        return SHELL_FAILED;
    }
    if (command) {
        print_usage(command);
        printf("%s\n", command->help);
        return SHELL_OK;
    }
    for (unsigned i = 0; i < COMMANDS; i++)
        printf("%-9s%-20s%s\n", commands[i].name, commands[i].usage, commands[i].help);
    return SHELL_OK;
}

int command_echo(struct shell *shell, const struct shell_words *words)
{
    (void)shell;
    for (unsigned i = 1; i < words->count; i++)
        printf("%s%s", words->word[i], i + 1 < words->count ? " " : "");
    printf("\n");
    return SHELL_OK;
}
