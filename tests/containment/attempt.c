/* SPDX-License-Identifier: BSD-2-Clause */
/* The role of an attempt: `attempt N VARIANT SEED`. */
#include "attempt.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cavern/send.h>
#include <cavern/start.h>
#include <cavern/stubs.h>

#include "protocol.h"

static uint64_t seed, state;
static const char *first_argument;
static size_t argument_bytes;

static void report(unsigned operation, const char *format, va_list arguments)
{
    struct {
        struct rpc_request request;
        char text[REPORT_TEXT_MAX];
    } message = {{(uint16_t)operation, RPC_VERSION, 0, 0}, {0}};
    int length = vsnprintf(message.text, sizeof(message.text), format, arguments);
    size_t bytes = (size_t)length < sizeof(message.text) ? (size_t)length : sizeof(message.text) - 1;
    struct cavern_outgoing out = {.payload = &message, .size = (uint32_t)(sizeof(message.request) + bytes)};
    (void)!cavern_send(cavern_startup_get(ATTEMPT_REPORT), &out);
}

void attempt_failed(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    report(REPORT_FAILURE, format, arguments);
    va_end(arguments);
    (void)!cavern_sys_process_end(CAVERN_SELF_PROCESS, EXIT_FAILURE);
    __builtin_trap();
}

void attempt_tell(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    report(REPORT_NOTE, format, arguments);
    va_end(arguments);
}

cavern_handle attempt_handle(const char *name)
{
    cavern_handle handle = cavern_startup_get(name);
    if (!handle)
        attempt_failed("no handle %s", name);
    return handle;
}

/* SplitMix64. */
uint64_t attempt_random(void)
{
    uint64_t z = state += 0x9e3779b97f4a7c15;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}

uint64_t attempt_seed(void)
{
    return seed;
}

const char *attempt_arguments(size_t *bytes)
{
    *bytes = argument_bytes;
    return first_argument;
}

int attempt_main(int argc, char **argv)
{
    if (argc != 5)
        return EXIT_FAILURE;
    first_argument = argv[0];
    argument_bytes = (size_t)(argv[argc - 1] + strlen(argv[argc - 1]) + 1 - argv[0]);
    unsigned index = (unsigned)strtoul(argv[2], NULL, 10), variant = (unsigned)strtoul(argv[3], NULL, 10);
    const struct attempt *attempt = attempt_find(index);
    seed = strtoull(argv[4], NULL, 10);
    state = seed + ((uint64_t)index << 32) + variant;
    if (!attempt)
        return EXIT_FAILURE;
    attempt->run(variant);
    return EXIT_SUCCESS;
}
