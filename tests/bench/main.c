/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The first process of the bench RAM disk, and its peers. It says `bench ROW INSTRUCTIONS USER` on the kernel's log for
 * each row, what one operation costs and how much of that in user mode: both sides, user code and stubs included, on
 * the average after a warm-up; then `bench bytes_KIND BYTES 0`, and powers off. The boot option `pmu` opens the
 * counters.
 */
#include <stdlib.h>
#include <string.h>

#include <cavern/inspect.h>
#include <cavern/start.h>
#include <cavern/time.h>

#include "bench.h"

static const struct {
    const char *name;
    void (*play)(void);
} roles[] = {
    {"server", serve},
    {"vectors server", serve_with_vectors},
    {"using server", serve_using_vectors},
    {"large server", serve_large},
    {"drainer", drain},
    {"listener", hear_signal},
    {"driver", drive_clock},
    {"yielder", yield_for_ever},
    {"faulter", fault_for_ever},
    {"sleeper", sleep_for_ever},
    {"caller", call_in_turns},
};

/* Virtual time goes from the reset on, a nanosecond with each instruction; this process's own began with its first. */
static void tell_start(void)
{
    struct cavern_process_info info;
    uint64_t next, written, now = cavern_now();
    must(cavern_sys_inspect(CAVERN_SELF_PROCESS, CAVERN_INSPECT_PROCESS, 0, (uintptr_t)&info, sizeof(info), &next,
                            &written),
         "inspect");
    say("bench start %lu 0", (unsigned long)(now - info.cpu_time));
}

static void count_cpus(void)
{
    struct cavern_machine_info info;
    uint64_t next, written;
    must(cavern_sys_inspect(cavern_startup_get(CAVERN_STARTUP_MACHINE), CAVERN_INSPECT_MACHINE, 0, (uintptr_t)&info,
                            sizeof(info), &next, &written),
         "inspect");
    cpus = info.cpus;
}

static void play(const char *role)
{
    for (size_t i = 0; i < sizeof(roles) / sizeof(roles[0]); i++)
        if (!strcmp(role, roles[i].name))
            roles[i].play();
    must(CAVERN_NOT_FOUND, role);
}

int main(int argc, char **argv)
{
    if (argc > 1 && !strcmp(argv[0], "bench")) {
        peer_prepare(argv);
        play(argv[1]);
        return EXIT_FAILURE;
    }
    if (argc > 1 && strstr(argv[1], "scaling"))
        measure_scaling();
    tell_start();
    options_read(argc > 1 ? argv[1] : "");
    count_cpus();
    crowd_first(crowd);
    measure_threads();
    measure_memory();
    measure_notices();
    measure_processes();
    measure_messages();
    if (measures_all())
        weigh();
    power_off();
}
