/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * reference [--seed S] [--calls N]: rounds of random operations, each on a fresh machine, until N calls have been made.
 * They run in a process of their own, so that a round that crashes can be shrunk as one that disagrees: operations are
 * left out as long as what is left still fails in the same way. Round n of seed S is round 0 of seed S + n. [TEST-8]
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "operation.h"

/* Between this process and those that run rounds. */
static struct shared {
    uint64_t calls;       /* made so far */
    uint64_t round, seed; /* of the last that was begun */
    unsigned count;
    struct operation operations[ROUND];
    struct operation kept[ROUND];
    char message[sizeof disagreement];
} * shared;

static bool agreed(void)
{
    memcpy(shared->message, disagreement, sizeof disagreement);
    return !disagreement[0];
}

static void run_round(uint64_t seed)
{
    shared->seed = seed;
    run_start(seed);
    generate_seed(seed);
    shared->count = 0;
    while (shared->count < ROUND && agreed()) {
        struct operation *operation = &shared->operations[shared->count++];
        generate(operation);
        shared->calls += operation->action == ACTION_CALL;
        run_operation(operation);
    }
    if (agreed())
        run_end();
}

static void replay(const struct operation *operations, unsigned count)
{
    run_careful = true;
    run_start(shared->seed);
    for (unsigned i = 0; i < count && agreed(); i++)
        run_operation(&operations[i]);
    if (agreed())
        run_end();
}

/* In a process of its own; true: all went well. */
static bool survives(const struct operation *operations, unsigned count, bool aloud)
{
    fflush(NULL);
    shared->message[0] = 0;
    pid_t child = fork();
    if (child == 0) {
        if (!aloud && !freopen("/dev/null", "w", stderr))
            _exit(2);
        replay(operations, count);
        _exit(!agreed());
    }
    int status = 0;
    waitpid(child, &status, 0);
    return status == 0;
}

/* What is wrong, without the numbers in it, so that shrinking does not go on to something else. */
static void kind_of(char *kind)
{
    for (const char *at = shared->message; *at; at++) {
        bool digit = (*at >= '0' && *at <= '9') || (at > shared->message && at[-1] == '0' && *at == 'x');
        if (!digit && !(*at >= 'a' && *at <= 'f' && at > shared->message && kind[-1] == '#'))
            *kind++ = *at;
        else if (kind[-1] != '#')
            *kind++ = '#';
    }
    *kind = 0;
}

/* Leaves out what can be left out, in ever smaller pieces. */
static unsigned shrink(struct operation *operations, unsigned count)
{
    char wanted[sizeof disagreement + 1] = " ", kind[sizeof disagreement + 1] = " ";
    kind_of(wanted + 1);
    for (unsigned piece = count / 2; piece;) {
        bool shorter = false;
        for (unsigned at = 0; at < count;) {
            unsigned length = piece < count - at ? piece : count - at;
            memcpy(shared->kept, operations, at * sizeof *operations);
            memcpy(shared->kept + at, operations + at + length, (count - at - length) * sizeof *operations);
            bool well = survives(shared->kept, count - length, false);
            kind_of(kind + 1);
            if (well || strcmp(wanted, kind)) {
                at += length;
            } else {
                count -= length;
                memcpy(operations, shared->kept, count * sizeof *operations);
                shorter = true;
            }
        }
        if (!shorter || piece > 1)
            piece /= 2;
    }
    return count;
}

static int report(uint64_t seed)
{
    printf("not ok 1 - kernel and reference agree\n# seed %" PRIu64 ", after %" PRIu64 " calls: %s\n", seed,
           shared->calls, shared->message[0] ? shared->message : "crashed");
    static struct operation operations[ROUND];
    unsigned count = shared->count;
    memcpy(operations, shared->operations, count * sizeof *operations);
    if (survives(operations, count, false)) {
        printf("# it does not fail again\n");
        return 1;
    }
    unsigned left = shrink(operations, count);
    survives(operations, left, true);
    printf("# %u of %u operations are enough: %s\n", left, count, shared->message[0] ? shared->message : "crashed");
    print_operations(operations, left);
    printf("# again: tests/reference/reference --seed %" PRIu64 " --calls 1\n", seed);
    return 1;
}

static uint64_t option(int count, char **arguments, const char *name, uint64_t otherwise)
{
    for (int i = 1; i + 1 < count; i++) {
        if (!strcmp(arguments[i], name))
            return strtoull(arguments[i + 1], NULL, 0);
    }
    return otherwise;
}

int main(int count, char **arguments)
{
    uint64_t seed = option(count, arguments, "--seed", (uint64_t)time(NULL));
    uint64_t calls = option(count, arguments, "--calls", 500000);
    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED)
        return 2;
    printf("1..1\n# seed %" PRIu64 "\n", seed);
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        for (; shared->calls < calls && !disagreement[0]; shared->round++)
            run_round(seed + shared->round);
        bool good = agreed();
        _exit(!good);
    }
    int status = 0;
    waitpid(child, &status, 0);
    if (status)
        return report(shared->seed);
    printf("ok 1 - kernel and reference agree # %" PRIu64 " calls in %" PRIu64 " rounds\n", shared->calls,
           shared->round);
    return 0;
}
