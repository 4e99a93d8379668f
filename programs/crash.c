/* SPDX-License-Identifier: BSD-2-Clause */
/* crash [KIND]: dies of a null pointer, or in another way, to show that nothing else comes to harm. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void crash_null(void)
{
    *(volatile int *)(uintptr_t)0 = 1;
}

static void crash_undefined(void)
{
    __asm__ volatile("udf 0");
}

static void crash_code(void)
{
    *(volatile char *)(uintptr_t)crash_null = 0;
}

static void crash_jump(void)
{
    static const uint32_t constant[] = {0xd65f03c0}; /* ret */
    ((void (*)(void))(uintptr_t)constant)();
}

__attribute__((noinline)) static int recurse(int depth)
{
    volatile char frame[1024] = {(char)depth};
    return depth ? recurse(depth - 1) + frame[0] : frame[0];
}

static void crash_stack(void)
{
    exit(recurse(1 << 20));
}

static const struct {
    const char *name;
    void (*crash)(void);
    const char *how;
} kinds[] = {
    {"null", crash_null, "writes through a null pointer"},
    {"undefined", crash_undefined, "runs an undefined instruction"},
    {"code", crash_code, "writes to its own code"},
    {"jump", crash_jump, "jumps to a constant"},
    {"stack", crash_stack, "calls itself until its stack is over"},
    {"abort", abort, "calls abort"},
};

int main(int argc, char **argv)
{
    const char *wanted = argc > 1 ? argv[1] : kinds[0].name;
    for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
        if (!strcmp(kinds[i].name, wanted))
            kinds[i].crash();
    fprintf(stderr, "usage: crash [KIND]\n");
    for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
        fprintf(stderr, "  %-10s %s\n", kinds[i].name, kinds[i].how);
    return EXIT_FAILURE;
}
