/* SPDX-License-Identifier: BSD-2-Clause */
/* Between the three roles of the program: who prints asks the watcher, attempts report to it. */
#pragma once

#include <cavern/protocol/rpc.h>

#define WATCHER_NAME "/service/containment"
#define PROGRAM_NAME "containment"
#define PROGRAM_PATH "/volume/init/bin/" PROGRAM_NAME

/* The process of an attempt, and its arguments: index, variant, seed. */
#define ATTEMPT_NAME "attempt"
#define ATTEMPT_ARGUMENTS ATTEMPT_NAME "%cattempt%c%u%c%u%c%" PRIu64

/* Makes the attempt whose index is the value. NOT_FOUND. */
enum { WATCHER_ATTEMPT = 1 };

struct watcher_request {
    struct rpc_request request;
    uint64_t seed;
};

struct watcher_reply {
    struct rpc_reply reply; /* value: 1 if it failed */
    char text[504];         /* its name and what came of it, ended by 0 */
};

/* One-way, from an attempt; the text follows without an end. */
enum { REPORT_NOTE = 1, REPORT_FAILURE };

#define REPORT_TEXT_MAX 160
