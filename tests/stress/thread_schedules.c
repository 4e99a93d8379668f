/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Threads that compute with all vector registers, yield, sleep, and start others, while their priorities and masks are
 * changed and they are suspended and resumed. No register is lost or leaks; in the end all go on.
 */
#include "stress.h"

enum { SPINNERS = 16, CONTROLLERS = 3 };

/* Fills all vector registers from x0, calls nop x1 times, and answers the bits that are not what they were. */
uint64_t vectors_kept(uint64_t seed, uint64_t calls);
/* All bits that are set in them. */
uint64_t vectors_set(void);
#define EACH_VECTOR ".irp n,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31\n"
#define COLLECT "mov x4, v\\n\\().d[0]\n mov x5, v\\n\\().d[1]\n"
__asm__(".arch_extension fp\n.arch_extension simd\n.global vectors_kept, vectors_set\n"
        "vectors_kept:\n mov x9, x0\n mov x11, x1\n mov x10, 0\n" EACH_VECTOR
        "add x3, x9, \\n\n dup v\\n\\().2d, x3\n .endr\n"
        "1: mov x12, 200\n 2: subs x12, x12, 1\n b.ne 2b\n mov x1, 0\n svc 1\n subs x11, x11, 1\n b.ne 1b\n" EACH_VECTOR
        "add x3, x9, \\n\n" COLLECT
        "eor x4, x4, x3\n eor x5, x5, x3\n orr x10, x10, x4\n orr x10, x10, x5\n .endr\n mov x0, x10\n ret\n"
        "vectors_set:\n mov x10, 0\n" EACH_VECTOR COLLECT "orr x10, x10, x4\n orr x10, x10, x5\n .endr\n"
        "mov x0, x10\n ret\n");

static struct stress_worker spinners[SPINNERS];
static bool begun;   /* all are there: starting one wants a lock, which one that is suspended may have */
static bool settled; /* no controller is at work any more */
static unsigned went_on, controlled;

static uint64_t look_fresh(void *argument)
{
    (void)argument;
    uint64_t set = vectors_set();
    return set | vectors_kept(0x5a5a5a5a, 1);
}

static void start_another(void)
{
    struct cavern_thread *thread;
    uint64_t words[5];
    CHECK_OK(cavern_thread_start(look_fresh, NULL, NULL, &thread));
    CHECK_OK(cavern_thread_join(thread, test_load.end + STRESS_PATIENCE, words));
    CHECK_EQUAL(words[CAVERN_EXIT_CODE], 0);
}

static void spin(struct stress_worker *worker)
{
    for (bool last = false; !last; worker->done++) {
        last = OBSERVE(settled);
        CHECK_EQUAL(vectors_kept(stress_draw(&worker->random), 1 + stress_below(&worker->random, 20)), 0);
        switch (stress_below(&worker->random, 16)) {
        case 0:
            cavern_sleep_until(cavern_after(stress_below(&worker->random, 2000) * CAVERN_MICROSECOND));
            break;
        case 1:
            start_another();
            break;
        default:
            cavern_thread_yield();
            break;
        }
    }
    __atomic_fetch_add(&went_on, 1, __ATOMIC_SEQ_CST);
}

static void control_one(struct stress_worker *worker, cavern_handle thread, unsigned cpus)
{
    uint64_t mask = 1 + stress_draw(&worker->random) % ((1ull << cpus) - 1);
    unsigned priority = TEST_PRIORITY_LOW - stress_below(&worker->random, 8);
    switch (stress_below(&worker->random, 4)) {
    case 0:
        CHECK_OK(cavern_sys_thread_control(thread, 0, CAVERN_THREAD_SUSPEND, 0, 0));
        break;
    case 1:
        CHECK_OK(cavern_sys_thread_control(thread, 0, CAVERN_THREAD_RESUME, 0, 0));
        break;
    default:
        CHECK_OK(cavern_sys_thread_control(thread, 0, CAVERN_THREAD_SET, priority, mask));
        break;
    }
}

static void control(struct stress_worker *worker)
{
    unsigned cpus = test_cpus();
    while (!OBSERVE(begun))
        cavern_sleep_until(cavern_after(CAVERN_MILLISECOND));
    for (; !stress_over(); worker->done++) {
        control_one(worker, cavern_thread_handle(spinners[stress_below(&worker->random, SPINNERS)].thread), cpus);
        if (!stress_below(&worker->random, 4))
            cavern_sleep_until(cavern_after(stress_below(&worker->random, 1000) * CAVERN_MICROSECOND));
    }
    __atomic_fetch_add(&controlled, 1, __ATOMIC_SEQ_CST);
}

static void schedules_change(void)
{
    struct stress_worker controllers[CONTROLLERS];
    uint64_t all = (1ull << test_cpus()) - 1;
    for (unsigned i = 0; i < SPINNERS; i++)
        stress_start(&spinners[i], i, spin, 0);
    for (unsigned i = 0; i < CONTROLLERS; i++)
        stress_start(&controllers[i], i, control, 0);
    PUBLISH(begun, true);
    while (OBSERVE(controlled) < CONTROLLERS) /* joining wants it too */
        cavern_sleep_until(cavern_after(CAVERN_MILLISECOND));
    for (unsigned i = 0; i < SPINNERS; i++) {
        cavern_handle thread = cavern_thread_handle(spinners[i].thread);
        CHECK_OK(cavern_sys_thread_control(thread, 0, CAVERN_THREAD_SET, TEST_PRIORITY_LOW, all));
        CHECK_OK(cavern_sys_thread_control(thread, 0, CAVERN_THREAD_RESUME, 0, 0));
    }
    PUBLISH(settled, true);
    uint64_t rounds = stress_join(spinners, SPINNERS), changes = stress_join(controllers, CONTROLLERS);
    CHECK_EQUAL(went_on, SPINNERS);
    stress_note("%lu changes, %lu rounds", (unsigned long)changes, (unsigned long)rounds);
}

const struct test_case test_cases[] = {
    {"schedules change", schedules_change, "[TEST-STRESS-1] [SCHED-11] [SCHED-13] [SCHED-16] [PROC-CONTROL-3]"},
    {0},
};

const struct test_peer_function test_peers[] = {{0}};
