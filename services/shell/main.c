/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The shell: reads lines from the console and runs their commands. Started with a line as its argument it runs that
 * one, says how it ended, and switches the machine off. spec/services/shell.md.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cavern/console.h>
#include <cavern/log.h>
#include <cavern/machine.h>
#include <cavern/message.h>
#include <cavern/registry.h>
#include <cavern/start.h>
#include <cavern/stubs.h>
#include <cavern/version.h>

#include "command.h"
#include "watch.h"

#define CONSOLE_NAME "/service/console"
#define PROMPT "cavern> "
#define MARK                                                                                                           \
    "\x1e"                                                                                                             \
    "CAVERN-" /* spec/boot.md, RAM disk and options */

static int complain(enum shell_parse what)
{
    if (what == SHELL_UNCLOSED)
        printf("a quote is not closed, or nothing follows a backslash\n");
    else
        printf("the line has too many words\n");
    return SHELL_USAGE;
}

/* Nothing of a line that is not well formed is run; Ctrl-C skips the rest. */
static void run_line(struct shell *shell, const char *line)
{
    static struct shell_words words;
    size_t at = 0;
    enum shell_parse parsed = shell_check(line, &words);
    if (parsed != SHELL_END) {
        shell->status = complain(parsed);
        return;
    }
    watch_begin();
    while (shell_parse(line, &at, shell->status, &words) == SHELL_COMMAND) {
        if (words.count)
            shell->status = command_execute(shell, &words);
        if (watch_interrupted()) {
            shell->status = SHELL_INTERRUPTED;
            return;
        }
    }
}

/* Until the console is gone for good; OK: Ctrl-D in a shell that a shell has started. */
static enum cavern_status converse(struct shell *shell)
{
    static char line[SHELL_LINE_MAX];
    printf("Cavern " CAVERN_VERSION ". Type help for the commands.\n");
    for (;;) {
        size_t length;
        printf(PROMPT);
        fflush(stdout);
        enum cavern_status status = cavern_console_read_line(line, sizeof line, &length);
        if (status == CAVERN_END && !shell->machine) {
            printf("\n");
            return CAVERN_OK;
        }
        if (status == CAVERN_END)
            printf("\nThere is nothing outside of the shell; poweroff switches the machine off.\n");
        else if (status == CAVERN_OK)
            run_line(shell, line);
        else if (status != CAVERN_INTERRUPTED)
            return status;
    }
}

void shell_finish(struct shell *shell, int status)
{
    if (shell->commanded)
        printf(MARK "EXIT %d\n", status);
}

static void obey(struct shell *shell, const char *line)
{
    static const struct shell_words poweroff = {.count = 1, .word = {"poweroff"}};
    shell->commanded = true;
    printf(MARK "BEGIN\n");
    run_line(shell, line);
    shell_finish(shell, shell->status);
    shell->commanded = false;
    command_poweroff(shell, &poweroff);
}

static enum cavern_status open_console(void)
{
    cavern_handle console;
    enum cavern_status status = cavern_registry_lookup(CONSOLE_NAME, CAVERN_FOREVER, &console);
    if (status)
        return status;
    cavern_console_use(console);
    return watch_open(console);
}

int main(int argc, char **argv)
{
    struct shell shell = {
        .root = cavern_startup_get("root"),
        .machine = cavern_startup_get("machine"),
        .supervisor = cavern_startup_get("supervisor"),
    };
    enum cavern_status status = open_console();
    if (cavern_log_failure(status, "console"))
        return EXIT_FAILURE;
    if (argc > 1) {
        obey(&shell, argv[1]);
        return EXIT_FAILURE;
    }
    return cavern_log_failure(converse(&shell), "console") ? EXIT_FAILURE : EXIT_SUCCESS;
}
