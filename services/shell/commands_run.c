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
    if (number == 1)
        snprintf(child->name, sizeof child->name, "%s", base);
    else
        snprintf(child->name, sizeof child->name, "%.27s-%u", base, number);
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
    if (strlen(path) >= sizeof child->program)
        return CAVERN_TOO_LARGE;
    strcpy(child->program, path);
    for (unsigned i = 2; i < words->count; i++) {
        size_t bytes = strlen(words->word[i]) + 1;
        if (bytes > sizeof description->arguments - child->length)
            return CAVERN_TOO_LARGE;
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
                            &reply, sizeof reply, NULL);
    }
    *number = reply.value;
    return status;
}

/* A console of its own for the child. */
static enum cavern_status add_console(const struct shell *shell, uint32_t number)
{
    cavern_handle console;
    enum cavern_status status = cavern_console_open(&console);
    if (status)
        return status;
    struct supervisor_add add = {
        .request = {.operation = SUPERVISOR_ADD, .version = RPC_VERSION, .value = number},
        .handles = {{.name = "console"}},
    };
    struct cavern_grant grant = {console, CAVERN_RIGHT_COPY | CAVERN_RIGHT_SEND | CAVERN_RIGHT_REQUEST};
    struct cavern_outgoing out = {.payload = &add, .size = sizeof add, .grants = &grant, .grant_count = 1};
    struct rpc_reply reply;
    struct cavern_answer answer = {.buffer = &reply, .capacity = sizeof reply};
    status = watch_exchange(shell->supervisor, &out, &answer);
    cavern_handle_close(console);
    return status;
}

/* A start whose answer was lost with the supervisor is made again by its successor; then *process is 0. */
static enum cavern_status start(const struct shell *shell, uint32_t number, uint32_t *process)
{
    struct rpc_request request = {.operation = SUPERVISOR_START, .version = RPC_VERSION, .value = number};
    struct rpc_reply reply;
    enum cavern_status status = watch_ask(shell->supervisor, &request, sizeof request, &reply, sizeof reply);
    *process = status ? 0 : reply.value;
    return status == CAVERN_ABANDONED ? CAVERN_OK : status;
}

/* Until it is over; then it is forgotten. */
static enum cavern_status wait(const struct shell *shell, uint32_t number, struct supervisor_status *end)
{
    struct rpc_request request = {.operation = SUPERVISOR_WAIT, .version = RPC_VERSION, .value = number};
    return watch_call(shell->supervisor, &request, sizeof request, end, sizeof *end, NULL);
}

/* From its beginning to its end. A child that can't be started is forgotten by the supervisor. */
static enum cavern_status run_child(const struct shell *shell, uint32_t number, uint32_t *process,
                                    struct supervisor_status *end)
{
    enum cavern_status status = add_console(shell, number);
    if (!status)
        status = start(shell, number, process);
    return status ? status : wait(shell, number, end);
}

/* The child is not to run any more. Not to be interrupted: it ends soon whatever it does. */
static void stop(const struct shell *shell, const char *name, uint32_t number)
{
    struct supervisor_name request = {.request = {.operation = SUPERVISOR_STOP, .version = RPC_VERSION}};
    struct rpc_request forget = {.operation = SUPERVISOR_WAIT, .version = RPC_VERSION, .value = number};
    struct supervisor_status reply;
    struct cavern_session session;
    cavern_session_open(&session, shell->supervisor, NULL);
    strcpy(request.name, name);
    if (!cavern_session_call(&session, &request, sizeof request, &reply, sizeof reply, NULL, CAVERN_FOREVER))
        (void)!cavern_session_call(&session, &forget, sizeof forget, &reply, sizeof reply, NULL, CAVERN_FOREVER);
}

static int report(const struct supervisor_child_status *child, uint32_t process)
{
    uint64_t reason = child->exit_words[CAVERN_EXIT_REASON];
    if (reason != CAVERN_REASON_EXITED && reason != CAVERN_REASON_THREADS) {
        char ended[160];
        cavern_exit_text(child->exit_words, ended, sizeof ended);
        printf("%.31s: process %u ended: %s\n", child->name, (unsigned)process, ended);
    }
    return shell_exit_status(child->exit_words);
}

int command_run(struct shell *shell, const struct shell_words *words)
{
    static struct description description;
    struct supervisor_status end = {0};
    const char *program = words->word[1];
    char path[SHELL_PATH_MAX];
    uint32_t number, process;
    bool bare = !strchr(program, '/');
    enum cavern_status status =
        *program && shell_path(bare ? SHELL_PROGRAMS : SHELL_HOME, program, path) ? CAVERN_OK : CAVERN_NOT_FOUND;
    if (!status)
        status = describe(words, path, &description);
    if (!status)
        status = begin(shell, &description, &number);
    if (status)
        return command_failed(words, program, status);
    fflush(stdout);
    status = run_child(shell, number, &process, &end);
    if (status == CAVERN_INTERRUPTED) {
        stop(shell, description.child.name, number);
        return SHELL_INTERRUPTED;
    }
    if (status)
        return command_failed(words, program, status);
    return report(&end.child, process);
}
