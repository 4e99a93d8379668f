/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From the first C instruction to main, and from its return to the end. Owns the view of the start-up record and the
 * thread-local block of the first thread: 16 bytes (thread.c), then the initial image, then zeros (ABI for the Arm
 * 64-bit Architecture, TLS variant 1).
 */
#include <cavern/start.h>

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cavern/process.h>
#include <cavern/startup_record.h>
#include <cavern/stubs.h>

#include "internal.h"

#define ARGUMENTS_MAX 64

/* user.ld */
extern char cavern_main_tls_data[];
extern const char cavern_tls_image[], cavern_tls_image_size[];

extern void (*const cavern_constructors[])(void), (*const cavern_constructors_end[])(void);

int main(int argc, char **argv);

struct cavern_startup_view cavern_startup_view;

static char *argument_list[ARGUMENTS_MAX + 1];

static int list_arguments(void)
{
    const char *argument = cavern_startup_view.arguments;
    int count = 0;
    for (uint32_t left = cavern_startup_view.record->arguments; left && count < ARGUMENTS_MAX; left--) {
        argument_list[count++] = (char *)(uintptr_t)argument;
        argument = cavern_startup_argument_next(argument);
    }
    return count;
}

_Noreturn void cavern_start(const void *record, size_t size);

_Noreturn void cavern_start(const void *record, size_t size)
{
    memcpy(cavern_main_tls_data, cavern_tls_image, (size_t)cavern_tls_image_size);
    cavern_thread_first();
    bool good = cavern_startup_open(record, size, &cavern_startup_view);
    for (void (*const *constructor)(void) = cavern_constructors; constructor < cavern_constructors_end; constructor++)
        (*constructor)();
    exit(good ? main(list_arguments(), argument_list) : EXIT_FAILURE);
}

static void flush_output(void)
{
    if (cavern_output_flush)
        cavern_output_flush();
}

void _exit(int code)
{
    flush_output();
    (void)!cavern_sys_process_end(CAVERN_SELF_PROCESS, (uint64_t)(int64_t)code);
    for (;;)
        __builtin_trap();
}

/* A breakpoint: the exit notice names the place. */
void abort(void)
{
    flush_output();
    __builtin_trap();
}

/* For libraries that were compiled with stack protectors (libfdt). The C library's own would want signals. */
uintptr_t __stack_chk_guard = 0x5b0c91d7a3e64f00;
_Noreturn void __stack_chk_fail(void);

_Noreturn void __stack_chk_fail(void)
{
    abort();
}

const struct cavern_startup_handle *cavern_startup_find(const char *name)
{
    return cavern_startup_view_find(&cavern_startup_view, name);
}

cavern_handle cavern_startup_get(const char *name)
{
    const struct cavern_startup_handle *entry = cavern_startup_find(name);
    return entry ? entry->handle : CAVERN_NO_HANDLE;
}

const struct cavern_startup_handle *cavern_startup_next(const struct cavern_startup_handle *previous)
{
    const struct cavern_startup_handle *next = previous ? previous + 1 : cavern_startup_view.handles;
    return next < cavern_startup_view.handles + cavern_startup_view.record->handles ? next : NULL;
}

const char *cavern_program_name(void)
{
    return argument_list[0] ? argument_list[0] : "?";
}
