/* SPDX-License-Identifier: BSD-2-Clause */
/* Programs as children of the supervisor: run. */
#include <stdio.h>
#include <string.h>

#include <cavern/console.h>
#include <cavern/handles.h>
#include <cavern/rpc.h>
#include <cavern/text.h>

#include "children.h"
#include "command.h"
#include "watch.h"

#define SAME_NAME_MAX 99 /* programs of the same name at once */

struct description {
    struct supervisor_child child;
    char arguments[SHELL_LINE_MAX];
};

/* "crash", and "crash-2" while there is a "crash". */
static void name_child(struct supervisor_child *child, const char *path, unsigned number)
{
    const char *base = strrchr(path, '/') + 1;
    if (number == 1) {
        snprintf(child->name, sizeof child->name, "%s", base);
    } else {
        snprintf(child->name, sizeof child->name, "%.27s-%u", base, number);
    }
}

/* TOO_LARGE: the path, or all words together. */
static enum cavern_status describe(const struct shell_words *words, const char *path, struct description *description)
{
    struct supervisor_child *child = &description->child;
    *child = (struct supervisor_child){
        .request = {.operation = SUPERVISOR_BEGIN, .version = RPC_VERSION},
        .restart = SUPERVISOR_TEMPORARY,
        .class = SUPERVISOR_PROGRAM,
    };
    if (strlen(path) >= sizeof child->program) {
        return CAVERN_TOO_LARGE;
    }
    strcpy(child->program, path);
    for (unsigned i = 2; i < words->count; i++) {
        size_t bytes = strlen(words->word[i]) + 1;
        if (bytes > sizeof description->arguments - child->length) {
            return CAVERN_TOO_LARGE;
        }
        memcpy(description->arguments + child->length, words->word[i], bytes);
        child->length += (uint32_t)bytes;
        child->arguments++;
    }
    return CAVERN_OK;
}

/* EXISTS while a child of that name runs. */
static enum cavern_status begin(const struct shell *shell, struct description *description, uint32_t *number)
{
    struct rpc_reply reply;
    enum cavern_status status = CAVERN_EXISTS;
    for (unsigned same = 1; status == CAVERN_EXISTS && same <= SAME_NAME_MAX; same++) {
        name_child(&description->child, description->child.program, same);
        status = watch_call(shell->supervisor, description, sizeof description->child + description->child.length,
                            &reply, sizeof reply);
    }
    *number = reply.value;
    return status;
}

/* A console of its own for the child. */
static enum cavern_status add_console(const struct shell *shell, uint32_t number)
{
    cavern_handle console;
    enum cavern_status status = cavern_console_open(&console);
    if (status) {
        return status;
    }
    struct supervisor_add add = {
        .request = {.operation = SUPERVISOR_ADD, .version = RPC_VERSION, .value = number},
        .handles = {{.name = "console"}},
    };
    struct cavern_grant grant = {console, CAVERN_RIGHT_COPY | CAVERN_RIGHT_SEND | CAVERN_RIGHT_REQUEST};
    struct cavern_outgoing out = {.payload = &add, .size = sizeof add, .grants = &grant, .grant_count = 1};
    struct rpc_reply reply;
    struct cavern_answer answer = {.buffer = &reply, .capacity = sizeof reply};
    struct cavern_session session;
    cavern_session_open(&session, shell->supervisor, NULL);
    status = cavern_session_exchange(&session, &out, CAVERN_FOREVER, &answer);
    cavern_handle_close(console);
    return status;
}

static enum cavern_status ask(const struct shell *shell, enum supervisor_operation operation, uint32_t number,
                              void *reply, size_t reply_size)
{
    struct rpc_request request = {.operation = (uint16_t)operation, .version = RPC_VERSION, .value = number};
    return watch_call(shell->supervisor, &request, sizeof request, reply, reply_size);
}

/* Starts the child and waits for its end. After a failure the child may be there still. */
static enum cavern_status start_and_wait(const struct shell *shell, uint32_t number, uint32_t *process,
                                         struct supervisor_status *end)
{
    struct rpc_reply started;
    enum cavern_status status = add_console(shell, number);
    if (!status) {
        status = ask(shell, SUPERVISOR_START, number, &started, sizeof started);
    }
    if (status) {
        return status;
    }
    *process = started.value;
    return ask(shell, SUPERVISOR_WAIT, number, end, sizeof *end);
}

/* It is to be over, and forgotten: a temporary child is as soon as its end has been told. */
static void stop(const struct shell *shell, const char *name, uint32_t number)
{
    struct supervisor_status reply;
    watch_begin(); /* a second Ctrl-C gives up */
    if (!child_ask(shell, SUPERVISOR_STOP, name, &reply)) {
        (void)!ask(shell, SUPERVISOR_WAIT, number, &reply, sizeof reply);
    }
}

static int report(const struct supervisor_child_status *child, const char *name, uint32_t process)
{
    uint64_t reason = child->exit_words[CAVERN_EXIT_REASON];
    if (reason != CAVERN_REASON_EXITED && reason != CAVERN_REASON_THREADS) {
        char ended[160];
        cavern_exit_text(child->exit_words, ended, sizeof ended);
        printf("%s: process %u ended: %s\n", name, (unsigned)process, ended);
    }
    return shell_exit_status(child->exit_words);
}

int command_run(struct shell *shell, const struct shell_words *words)
{
    static struct description description;
    struct supervisor_status end = {0};
    const char *program = words->word[1];
    char path[SHELL_PATH_MAX];
    uint32_t number, process = 0;
    bool bare = !strchr(program, '/');
    enum cavern_status status =
        *program && shell_path(bare ? SHELL_PROGRAMS : SHELL_HOME, program, path) ? CAVERN_OK : CAVERN_NOT_FOUND;
    if (!status) {
        status = describe(words, path, &description);
    }
    if (!status) {
        status = begin(shell, &description, &number);
    }
    if (status) {
        return command_failed(words, program, status);
    }
    fflush(stdout);
    status = start_and_wait(shell, number, &process, &end);
    if (status) {
        stop(shell, description.child.name, number);
        return status == CAVERN_INTERRUPTED ? SHELL_INTERRUPTED : command_failed(words, program, status);
    }
    return report(&end.child, description.child.name, process);
}
