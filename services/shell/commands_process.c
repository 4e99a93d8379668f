/* SPDX-License-Identifier: BSD-2-Clause */
/* Processes and the supervisor's children: ps, services, status, kill, restart. */
#include <stdio.h>
#include <string.h>

#include <cavern/inspect.h>
#include <cavern/stubs.h>
#include <cavern/text.h>
#include <cavern/time.h>

#include "children.h"
#include "command.h"

static struct children children;

static const char *process_state_text(const struct cavern_process_info *process)
{
    static const char *const texts[] = {
        [CAVERN_PROCESS_NEW] = "new",
        [CAVERN_PROCESS_RUNNING] = "running",
        [CAVERN_PROCESS_ENDING] = "ending",
        [CAVERN_PROCESS_ZOMBIE] = "zombie",
    };
    return process->state < sizeof texts / sizeof texts[0] ? texts[process->state] : "?";
}

static void print_process(const struct cavern_process_info *process)
{
    const struct supervisor_child_status *child = children_with_process(&children, process->id);
    char memory[16], cpu[16], restarts[12] = "-";
    shell_size(process->memory, memory);
    shell_duration(process->cpu_time, cpu);
    if (child)
        snprintf(restarts, sizeof restarts, "%u", (unsigned)child->restarts);
    printf("%4u  %-15.*s  %7u  %-7s  %10s  %7s  %8s\n", (unsigned)process->id, CAVERN_NAME_SIZE, process->name,
           (unsigned)process->threads, process_state_text(process), memory, cpu, restarts);
}

static const char *thread_state_text(const struct cavern_thread_info *thread)
{
    static const char *const texts[] = {
        [CAVERN_THREAD_READY] = "ready",     [CAVERN_THREAD_RECEIVING] = "receiving",
        [CAVERN_THREAD_CALLING] = "calling", [CAVERN_THREAD_SUSPENDED] = "suspended",
        [CAVERN_THREAD_FAULTED] = "faulted", [CAVERN_THREAD_ENDED] = "ended",
    };
    return thread->state < sizeof texts / sizeof texts[0] ? texts[thread->state] : "?";
}

static void print_thread(const struct cavern_thread_info *thread)
{
    char cpu[16];
    shell_duration(thread->cpu_time, cpu);
    printf("%6u  %8u  %-9s  %7s\n", (unsigned)thread->id, (unsigned)thread->priority, thread_state_text(thread), cpu);
}

static bool is_of(const struct cavern_thread_info *thread, const char *process)
{
    char id[12];
    snprintf(id, sizeof id, "%u", (unsigned)thread->process);
    return !strcmp(id, process);
}

static int list_threads(const struct shell *shell, const struct shell_words *words)
{
    static struct cavern_thread_info threads[16];
    uint64_t cursor = 0, written;
    unsigned found = 0;
    do {
        enum cavern_status status = cavern_sys_inspect(shell->root, CAVERN_INSPECT_THREADS, cursor, (uintptr_t)threads,
                                                       sizeof threads, &cursor, &written);
        if (status)
            return command_failed(words, NULL, status);
        for (unsigned i = 0; i < written / sizeof threads[0]; i++) {
            if (!is_of(&threads[i], words->word[1]))
                continue;
            if (!found++)
                printf("THREAD  PRIORITY  STATE          CPU\n");
            print_thread(&threads[i]);
        }
    } while (cursor);
    return found ? SHELL_OK : command_failed(words, words->word[1], CAVERN_GONE);
}

int command_ps(struct shell *shell, const struct shell_words *words)
{
    if (words->count > 1)
        return list_threads(shell, words);
    static struct cavern_process_info processes[16];
    uint64_t cursor = 0, written;
    enum cavern_status status = children_list(shell, &children);
    if (status)
        return command_failed(words, "supervisor", status);
    printf(" PID  NAME             THREADS  STATE        MEMORY      CPU  RESTARTS\n");
    do {
        status = cavern_sys_inspect(shell->root, CAVERN_INSPECT_PROCESSES, cursor, (uintptr_t)processes,
                                    sizeof processes, &cursor, &written);
        if (status)
            return command_failed(words, NULL, status);
        for (unsigned i = 0; i < written / sizeof processes[0]; i++)
            print_process(&processes[i]);
    } while (cursor);
    return SHELL_OK;
}

static void process_text(const struct supervisor_child_status *child, char text[12])
{
    snprintf(text, 12, child->process ? "%u" : "-", (unsigned)child->process);
}

int command_services(struct shell *shell, const struct shell_words *words)
{
    enum cavern_status status = children_list(shell, &children);
    if (status)
        return command_failed(words, "supervisor", status);
    uint64_t now = cavern_now();
    printf("NAME              CLASS    STATE      PID    SINCE  RESTARTS  POLICY\n");
    for (unsigned i = 0; i < children.count; i++) {
        const struct supervisor_child_status *child = &children.list[i];
        char since[16], process[12];
        shell_duration(now - child->since, since);
        process_text(child, process);
        printf("%-16.31s  %-7s  %-8s  %4s  %7s  %8u  %s\n", child->name, child_class_text(child),
               child_state_text(child), process, since, (unsigned)child->restarts, child_restart_text(child));
    }
    return SHELL_OK;
}

/* In the supervisor's answer about the child that the second word names. */
static int child_failed(const struct shell_words *words, enum cavern_status status)
{
    if (status != CAVERN_NOT_FOUND && status != CAVERN_GONE)
        return command_failed(words, words->word[1], status);
    printf("%s: %s: %s\n", words->word[0], words->word[1],
           status == CAVERN_GONE ? "does not run now" : "not a child of the supervisor's");
    return SHELL_FAILED;
}

int command_status(struct shell *shell, const struct shell_words *words)
{
    struct supervisor_status reply;
    const struct supervisor_child_status *child = &reply.child;
    enum cavern_status status = child_ask(shell, SUPERVISOR_STATUS, words->word[1], &reply);
    if (status)
        return child_failed(words, status);
    char since[16], process[12], ended[120] = "-";
    shell_duration(cavern_now() - child->since, since);
    process_text(child, process);
    if (child->exit_words[CAVERN_EXIT_REASON] != CAVERN_REASON_NONE)
        cavern_exit_text(child->exit_words, ended, sizeof ended);
    printf("name      %.31s\nclass     %s, %s\nstate     %s for %s\nprocess   %s\nrestarts  %u\nlast end  %s\n",
           child->name, child_class_text(child), child_restart_text(child), child_state_text(child), since, process,
           (unsigned)child->restarts, ended);
    return SHELL_OK;
}

static int ask(const struct shell *shell, const struct shell_words *words, enum supervisor_operation operation)
{
    struct supervisor_status reply;
    enum cavern_status status = child_ask(shell, operation, words->word[1], &reply);
    return status ? child_failed(words, status) : SHELL_OK;
}

int command_kill(struct shell *shell, const struct shell_words *words)
{
    return ask(shell, words, SUPERVISOR_KILL);
}

int command_restart(struct shell *shell, const struct shell_words *words)
{
    return ask(shell, words, SUPERVISOR_RESTART);
}
