/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One program in three roles: as `containment [SEED [TEXT [GROUP]]]` it has the watcher make the attempts, those with
 * TEXT in their names, and prints what came of each in the Test Anything Protocol; `watch` is the service that starts
 * and judges them; `attempt N VARIANT SEED` is one of them. `leave` leaves a process behind, which does `linger`.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cavern/file.h>
#include <cavern/registry.h>
#include <cavern/rpc.h>
#include <cavern/spawn.h>
#include <cavern/text.h>
#include <cavern/time.h>

#include "attempt.h"
#include "protocol.h"

#define PATIENCE (60 * CAVERN_SECOND) /* for one attempt, all variants */

static const struct {
    const char *name;
    const struct attempt *attempts;
} groups[] = {
    {"instructions", instruction_attempts},
    {"registers", register_attempts},
    {"memory", memory_attempts},
    {"calls", call_attempts},
    {"pointers", pointer_attempts},
    {"random", random_attempts},
    {"control-page", control_page_attempts},
    {"races", race_attempts},
    {"exhaustion", exhaustion_attempts},
    {"devices", device_attempts},
    {"floods", flood_attempts},
    {"leaks", leak_attempts},
};
#define GROUPS (sizeof(groups) / sizeof(groups[0]))

static const struct attempt *find(unsigned index, size_t *group)
{
    for (*group = 0; *group < GROUPS; ++*group)
        for (const struct attempt *attempt = groups[*group].attempts; attempt->name; attempt++)
            if (!index--)
                return attempt;
    return NULL;
}

const struct attempt *attempt_find(unsigned index)
{
    size_t group;
    return find(index, &group);
}

/* Has attempt `index` made and prints its line; true: it has been contained. */
static bool ask(cavern_handle watcher, uint64_t seed, unsigned index, unsigned number)
{
    struct watcher_request request = {{WATCHER_ATTEMPT, RPC_VERSION, 0, index}, seed};
    struct watcher_reply reply;
    enum cavern_status status =
        cavern_rpc_call(watcher, &request, sizeof(request), &reply, sizeof(reply), NULL, cavern_after(PATIENCE));
    if (status)
        snprintf(reply.text, sizeof(reply.text), "%s: the watcher does not answer: %s", attempt_find(index)->name,
                 cavern_status_text(status));
    bool contained = !status && !reply.reply.value;
    printf("%sok %u - %s\n", contained ? "" : "not ", number, reply.text);
    return contained;
}

/* Those with `wanted` in their names, of one group, or, if that is "", of all. */
static int print(uint64_t seed, const char *wanted, const char *only)
{
    cavern_handle watcher;
    const struct attempt *attempt;
    unsigned count = 0, failed = 0;
    size_t group;
    enum cavern_status status = cavern_registry_lookup(WATCHER_NAME, CAVERN_FOREVER, &watcher);
    if (status) {
        printf("Bail out! no watcher: %s\n", cavern_status_text(status));
        return EXIT_FAILURE;
    }
    for (unsigned index = 0; (attempt = find(index, &group)); index++)
        if (strstr(attempt->name, wanted) && (!*only || !strcmp(groups[group].name, only)))
            failed += !ask(watcher, seed, index, ++count);
    printf("1..%u\n", count);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* Leaves a process behind to which nobody has a handle. */
static int leave(void)
{
    struct cavern_spawn spawn = {
        .name = "lingers",
        .account = CAVERN_SELF_ACCOUNT,
        .priority = ATTEMPT_PRIORITY,
        .arguments = PROGRAM_NAME "\0linger",
        .argument_bytes = sizeof(PROGRAM_NAME "\0linger"),
    };
    void *image;
    cavern_handle process;
    enum cavern_status status = cavern_file_load(PROGRAM_PATH, CAVERN_FOREVER, &image, &spawn.image_size);
    spawn.image = image;
    return status || cavern_spawn(&spawn, &process) ? EXIT_FAILURE : EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
    if (argc > 1 && !strcmp(argv[1], "leave"))
        return leave();
    if (argc > 1 && !strcmp(argv[1], "linger"))
        cavern_sleep_until(CAVERN_FOREVER);
    if (argc > 1 && !strcmp(argv[argc - 1], "watch")) /* behind what every driver is told */
        return watch();
    if (argc > 1 && !strcmp(argv[1], "attempt"))
        return attempt_main(argc, argv);
    return print(argc > 1 ? strtoull(argv[1], NULL, 0) : cavern_now(), argc > 2 ? argv[2] : "",
                 argc > 3 ? argv[3] : "");
}
