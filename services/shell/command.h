/* SPDX-License-Identifier: BSD-2-Clause */
/* What the shell can do: one row a command. */
#pragma once

#include <cavern/handle.h>
#include <cavern/status.h>

#include "policy.h"

/* Where paths that do not begin with '/' start, and where `run` looks for a bare name. */
#define SHELL_HOME "/volume/init"
#define SHELL_PROGRAMS "/volume/init/bin"

struct shell {
    int status;               /* of the last command: $? */
    bool commanded;           /* it runs a line that it was started with, then the machine stops */
    cavern_handle root;       /* account [inspect]: all there is */
    cavern_handle machine;    /* [power, inspect] */
    cavern_handle supervisor; /* sender, an administrator's */
};

struct command {
    const char *name;
    const char *usage; /* what follows the name */
    const char *help;
    unsigned least; /* words after the name */
    unsigned most;
    /* Returns the exit status. */
    int (*run)(struct shell *shell, const struct shell_words *words);
};

/* NULL: there is none. */
const struct command *command_find(const char *name);

/* Finds and runs it; it has at least one word. */
int command_execute(struct shell *shell, const struct shell_words *words);

/* Prints "cat: /x: not found"; `what` may be NULL. Returns SHELL_FAILED, or SHELL_INTERRUPTED. */
int command_failed(const struct shell_words *words, const char *what, enum cavern_status status);
/* Prints what is wrong with a word, and the usage. Returns SHELL_USAGE. */
int command_misused(const struct shell_words *words, const char *wrong);

/* Says how the line that the shell was started with has ended, on a line that the machine's owner looks for. */
void shell_finish(struct shell *shell, int status);

#define COMMAND(name) int command_##name(struct shell *shell, const struct shell_words *words)
COMMAND(cat);
COMMAND(cpus);
COMMAND(devices);
COMMAND(echo);
COMMAND(help);
COMMAND(interrupts);
COMMAND(kill);
COMMAND(log);
COMMAND(ls);
COMMAND(mem);
COMMAND(poweroff);
COMMAND(ps);
COMMAND(reboot);
COMMAND(restart);
COMMAND(run);
COMMAND(services);
COMMAND(sleep);
COMMAND(status);
COMMAND(uptime);
#undef COMMAND
