/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Many processes with different memory at the same address, more than there are ids of address spaces with the boot
 * option `asids=65`. Two that have the same id would see each other's memory when a CPU goes from one to the other.
 */
#include "test.h"

enum { CHILDREN = 70 };

#define CODE UINT64_C(0x50000000)
#define DATA UINT64_C(0x50001000)

/*
 * What must stand at x1 is in x0. The first looks again each time that it is resumed, and counts that in the next word;
 * the second looks all the time.
 */
__asm__(".section .rodata\n.balign 4\n"
        "look_again:\n mov x19, x0\n mov x20, x1\n"
        "0: ldr x2, [x20]\n cmp x2, x19\n b.ne 1f\n"
        "ldr x2, [x20, 8]\n add x2, x2, 1\n str x2, [x20, 8]\n"
        "mov x0, 3\n movk x0, 0x100, lsl 16\n mov x1, 30 << 16\n mov x2, 0\n mov x3, 2\n mov x4, 0\n svc 1\n b 0b\n"
        "look_always:\n yield\n ldr x2, [x1]\n cmp x2, x0\n b.eq look_always\n"
        "1: brk 0\n"
        "look_end:\n.text\n");
extern const char look_again[], look_always[], look_end[];
_Static_assert(CAVERN_CALL_THREAD_CONTROL == 30 && CAVERN_THREAD_SUSPEND == 2, "of look_again");

static cavern_handle code;
static struct {
    cavern_handle process, thread;
} children[CHILDREN];

static cavern_handle sealed_code(void)
{
    cavern_handle buffer;
    void *memory;
    CHECK_OK(cavern_buffer_create(CAVERN_SELF_ACCOUNT, CAVERN_PAGE_SIZE, 0, &buffer));
    CHECK_OK(cavern_buffer_map_local(buffer, 0, CAVERN_PAGE_SIZE, CAVERN_PROT_READ | CAVERN_PROT_WRITE, &memory));
    memcpy(memory, look_again, (size_t)(look_end - look_again));
    cavern_buffer_unmap(memory, CAVERN_PAGE_SIZE);
    CHECK_OK(cavern_buffer_seal(buffer));
    return buffer;
}

/* A page of its own at DATA, in which the number stands. */
static void give_data(cavern_handle process, uint64_t number)
{
    cavern_handle buffer;
    CHECK_OK(cavern_buffer_create(CAVERN_SELF_ACCOUNT, CAVERN_PAGE_SIZE, 0, &buffer));
    CHECK_OK(cavern_buffer_map_at(process, buffer, 0, CAVERN_PAGE_SIZE, DATA, CAVERN_PROT_READ | CAVERN_PROT_WRITE));
    CHECK_OK(cavern_process_write(process, DATA, &number, sizeof(number)));
    CHECK_OK(cavern_sys_handle_close(buffer));
}

static cavern_handle new_child(uint64_t number)
{
    cavern_handle process;
    CHECK_OK(cavern_sys_process_create(CAVERN_SELF_ACCOUNT, 0, 0, 0, 0, &process));
    CHECK_OK(cavern_buffer_map_at(process, code, 0, CAVERN_PAGE_SIZE, CODE, CAVERN_PROT_READ | CAVERN_PROT_EXECUTE));
    give_data(process, number);
    return process;
}

static cavern_handle start(cavern_handle process, uint64_t number, const char *function, unsigned priority,
                           unsigned cpu)
{
    cavern_handle thread;
    uint64_t pc = CODE + (uint64_t)(function - look_again);
    CHECK_OK(cavern_sys_thread_create(process, priority, pc, 0, 0, number, DATA, UINT64_C(1) << cpu, &thread));
    return thread;
}

/* It has looked so often. Counted runs go on with another CPU at a `yield`. */
static void expect_looks(cavern_handle process, uint64_t looks)
{
    uint64_t found = 0, end = cavern_after(CAVERN_SECOND);
    for (;;) {
        CHECK_OK(cavern_process_read(process, DATA + sizeof(found), &found, sizeof(found)));
        if (found == looks || cavern_now() > end)
            break;
        __asm__ volatile("yield");
    }
    CHECK_EQUAL(found, looks);
}

/* Once more, on this CPU. */
static void look(unsigned child, unsigned cpu, uint64_t looks)
{
    CHECK_EQUAL(*(volatile uint64_t *)DATA, CHILDREN);
    CHECK_OK(cavern_sys_thread_control(children[child].thread, 0, CAVERN_THREAD_SET, TEST_PRIORITY_HIGH,
                                       UINT64_C(1) << cpu));
    CHECK_OK(cavern_sys_thread_control(children[child].thread, 0, CAVERN_THREAD_RESUME, 0, 0));
    expect_looks(children[child].process, looks);
}

static void each_process_sees_its_own_memory(void)
{
    struct cavern_process_info info;
    uint64_t next, written;
    unsigned last = test_cpus() - 1;
    code = sealed_code();
    give_data(CAVERN_SELF_PROCESS, CHILDREN);
    cavern_handle always = new_child(CHILDREN + 1);
    if (last)
        (void)start(always, CHILDREN + 1, look_always, TEST_PRIORITY_LOW, last);
    for (unsigned i = 0; i < CHILDREN; i++) {
        children[i].process = new_child(i);
        children[i].thread = start(children[i].process, i, look_again, TEST_PRIORITY_HIGH, 0);
        expect_looks(children[i].process, 1);
    }
    for (unsigned looks = 2; looks < 8; looks += 2)
        for (unsigned i = 0; i < CHILDREN; i++) {
            look(i, 0, looks); /* where it gets its id */
            look(i, last, looks + 1);
        }
    CHECK_OK(cavern_sys_inspect(always, CAVERN_INSPECT_PROCESS, 0, (uintptr_t)&info, sizeof(info), &next, &written));
    CHECK_EQUAL(info.state, last ? CAVERN_PROCESS_RUNNING : CAVERN_PROCESS_NEW);
    CHECK_OK(cavern_sys_process_end(always, 0));
    for (unsigned i = 0; i < CHILDREN; i++)
        CHECK_OK(cavern_sys_process_end(children[i].process, 0));
}

const struct test_case test_cases[] = {
    {"each process sees its own memory", each_process_sees_its_own_memory, "[BOOT-OPTION-4]"},
    {0},
};

const struct test_peer_function test_peers[] = {{0}};
