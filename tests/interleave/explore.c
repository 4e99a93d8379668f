/* SPDX-License-Identifier: BSD-2-Clause */
#include "explore.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "model.h"
#include "processor.h"
#include "schedule.h"
#include "user.h"

#define RAM (256u << 20)
#define PATIENCE 120  /* seconds without a run that ends */
#define DRAWN_MOST 40 /* points to a decision */
#define SWITCHES_MAX 4

/* Between this process and those that make runs. */
static struct shared {
    uint64_t runs, points;
    struct schedule schedule; /* of the run that is being made */
} * shared;

static void run(const struct scenario *scenario)
{
    struct schedule *schedule = &shared->schedule;
    alarm(PATIENCE);
    model_start(RAM);
    model_add_cpus(scenario->cpus - 1);
    users_begin(schedule->seed);
    scenario->forget();
    scenario->prepare();
    schedule_begin(schedule);
    processors_run();
    if (scenario->check)
        scenario->check();
    users_end();
    shared->runs++;
    shared->points += schedule->points;
}

/* --- in a process of its own --- */

static FILE *said; /* by the last one */

typedef void (*task_function)(const struct scenario *scenario, uint64_t argument);

static bool survives(task_function task, const struct scenario *scenario, uint64_t argument, bool aloud)
{
    int status = 0;
    fflush(NULL);
    if (said)
        fclose(said);
    said = tmpfile();
    pid_t child = fork();
    if (child == 0) {
        if (!said || dup2(fileno(said), STDERR_FILENO) < 0)
            _exit(2);
        processors_aloud = aloud;
        task(scenario, argument);
        _exit(0);
    }
    waitpid(child, &status, 0);
    return status == 0;
}

static void show_what_it_said(void)
{
    char line[512];
    rewind(said);
    while (fgets(line, sizeof line, said))
        printf("# %s", line);
}

static void run_drawn(const struct scenario *scenario, uint64_t runs)
{
    for (uint64_t first = shared->schedule.seed; runs--; first++) {
        shared->schedule.seed = first;
        shared->schedule.drawn = 1 + (uint32_t)(first % DRAWN_MOST);
        run(scenario);
    }
}

/* With the decisions that there are, and then with each possible one more, later than these. */
static void run_all(const struct scenario *scenario, uint64_t more)
{
    static uint32_t choices[SWITCHES_MAX][CHOICES_MAX];
    struct schedule *schedule = &shared->schedule;
    run(scenario);
    uint32_t points = schedule->points, count = schedule->count;
    if (!more)
        return;
    if (points > CHOICES_MAX)
        processor_fail("%u points are too many to try all", points);
    memcpy(choices[count], schedule->choices, points * sizeof choices[count][0]);
    for (uint32_t point = count ? schedule->decisions[count - 1].point + 1 : 1; point <= points; point++) {
        for (uint32_t left = choices[count][point - 1]; left; left &= left - 1) {
            schedule->decisions[count] = (struct decision){point, (uint32_t)__builtin_ctz(left)};
            schedule->count = count + 1;
            run_all(scenario, more - 1);
        }
    }
    schedule->count = count;
}

static void run_once(const struct scenario *scenario, uint64_t unused)
{
    (void)unused;
    run(scenario);
}

/* --- what has failed --- */

static void leave_out(struct schedule *schedule, uint32_t from, uint32_t count)
{
    memmove(&schedule->decisions[from], &schedule->decisions[from + count],
            (schedule->count - from - count) * sizeof(struct decision));
    schedule->count -= count;
}

static void shrink(const struct scenario *scenario)
{
    static struct schedule good;
    good = shared->schedule;
    good.drawn = 0;
    for (uint32_t size = good.count; size; size /= 2) {
        for (uint32_t from = 0; from + size <= good.count;) {
            shared->schedule = good;
            leave_out(&shared->schedule, from, size);
            if (survives(run_once, scenario, 0, false))
                from += size;
            else
                leave_out(&good, from, size);
        }
    }
    shared->schedule = good;
}

static void tell(const struct scenario *scenario)
{
    const struct schedule *schedule = &shared->schedule;
    printf("# %s fails: seed %" PRIu64 ", %" PRIu32 " decisions\n", scenario->name, schedule->seed, schedule->count);
    show_what_it_said();
    shrink(scenario);
    printf("# and with these decisions alone:");
    for (uint32_t i = 0; i < schedule->count; i++)
        printf(" %" PRIu32 ":%" PRIu32, schedule->decisions[i].point, schedule->decisions[i].to);
    bool survived = survives(run_once, scenario, 0, true);
    printf("%s\n", survived ? ", at times" : ""); /* what ThreadSanitizer remembers depends on what was before */
    show_what_it_said();
}

static bool try(const struct scenario *scenario, task_function task, uint64_t argument, uint64_t seed)
{
    if (!shared)
        shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    *shared = (struct shared){.schedule = {.seed = seed}};
    return survives(task, scenario, argument, false);
}

static bool explore(const struct scenario *scenario, task_function task, uint64_t argument, uint64_t seed)
{
    bool good = try(scenario, task, argument, seed);
    printf("# %s: %" PRIu64 " runs, %" PRIu64 " points\n", scenario->name, shared->runs, shared->points);
    if (!good)
        tell(scenario);
    return good;
}

bool explore_all(const struct scenario *scenario, unsigned switches)
{
    return explore(scenario, run_all, switches, 1);
}

bool explore_drawn(const struct scenario *scenario, uint64_t seed, unsigned runs)
{
    return explore(scenario, run_drawn, runs, seed);
}

unsigned explore_failing(const struct scenario *scenario, uint64_t seed, unsigned runs)
{
    if (try(scenario, run_drawn, runs, seed))
        return UINT_MAX;
    shrink(scenario);
    return shared->schedule.count;
}
